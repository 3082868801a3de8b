//! Scripts that were altered: each is refused at the right line, or found to touch what is not the site's, or
//! to do something at the wrong place.

mod judged;

use std::fmt::Display;
use std::fs;

use overlapc::read::script;
use overlapc::verify::{neighbour, order};

use crate::bench::repository;

/// What becomes of an altered script.
#[derive(Debug, PartialEq)]
enum Found {
    /// It cannot be read: the line.
    Refused(usize),
    /// It touches what is somebody else's: the line of the first.
    Foreign(usize),
    /// It does something too early or too late: the line of the first.
    Misplaced(usize),
    Nothing,
}
use Found::{Foreign, Misplaced, Refused};

/// A script that is expected of the site `three-lans`.
fn golden(folder: &str) -> String {
    let path = repository().join("golden/emit/three-lans").join(folder).join("site.sh");
    fs::read_to_string(path).unwrap()
}

fn found(text: &str) -> (Found, String) {
    let said = |what: &dyn Display| what.to_string();
    let script = match script::read(text) {
        Ok(script) => script,
        Err(error) => return (Refused(error.line), said(&error)),
    };
    if let Some(first) = neighbour::check(&script, text).first() {
        assert_eq!(text.lines().nth(first.line - 1).unwrap().trim(), first.text);
        return (Foreign(first.line), first.why.clone());
    }
    match order::check(&script).first() {
        Some(first) => (Misplaced(first.line), first.why.clone()),
        None => (Found::Nothing, String::new()),
    }
}

/// Replaces the first place of a text, and sees what is found at the line that begins or goes on with `at`.
#[track_caller]
fn altered(folder: &str, from: &str, to: &str, kind: fn(usize) -> Found, at: &str) {
    let text = golden(folder);
    assert!(text.contains(from), "{from:?} is not in the script");
    let text = text.replacen(from, to, 1);
    let line = text.lines().position(|line| line.contains(at));
    let line = line.unwrap_or_else(|| panic!("{at:?} is not in the altered script")) + 1;
    let (found, why) = found(&text);
    assert_eq!(found, kind(line), "{from:?} to {to:?}: {why}");
}

const NFT: &str = "expect";
const RULES: &str = "expect-rules";
const IPTABLES: &str = "expect-iptables";

#[test]
fn altered_scripts_are_those_of_before_when_nothing_was() {
    for folder in [NFT, RULES, IPTABLES, "expect-rules-iptables"] {
        assert_eq!(found(&golden(folder)), (Found::Nothing, String::new()), "{folder}");
    }
}

#[test]
fn altered_frames_are_refused() {
    altered(NFT, "#!/bin/sh", "#!/bin/bash", Refused, "#!/bin/bash");
    altered(NFT, "set -eu\n", "set -e\n", Refused, "set -e");
    altered(NFT, "main \"$@\"\n", "main \"$@\"\nrm -rf /\n", Refused, "rm -rf /");
    altered(NFT, "main \"$@\"\n", "main up\n", Refused, "main up");
    altered(NFT, "main \"$@\"\n", "main \"$@\"\nmore() {\n    :\n}\n", Refused, "more() {");
    altered(NFT, "PROTOCOL=77\n", "PROTOCOL=77\nPROTOCOL=78\n", Refused, "PROTOCOL=78");
    altered(NFT, "PROTOCOL=77\n", "PROTOCOL=78\n", Refused, "KIND=");
    altered(NFT, "VRF=yes\n", "VRF=no\n", Refused, "KIND=");
    altered(NFT, "VRF=yes\n", "VRF=maybe\n", Refused, "VRF=maybe");
    altered(NFT, "MARKS=0xff\n", "MARKS=0xfff\n", Refused, "MARKS=0xfff");
    altered(NFT, "STATE=/run/overlapc\n", "STATE=/tmp\n", Refused, "STATE=/tmp");
    altered(NFT, "IPV6=yes\n", "IPV6=yes\nEXTRA=1\n", Refused, "EXTRA=1");
    altered(NFT, "SITE='three-lans'", "SITE='three'lans'", Refused, "SITE=");
    altered(NFT, "IPV6=yes\n", "IPV6=$(id)\n", Refused, "IPV6=");
    altered(
        NFT,
        "\nbuild() {\n",
        "\nip link set dev a0 down\nbuild() {\n",
        Refused,
        "ip link set dev a0 down",
    );
    altered(NFT, "\nbuild() {\n", "\nbuild () {\n", Refused, "build () {");
    let text = golden(NFT);
    assert_eq!(found(&text.replace('\n', "\r\n")).0, Refused(1));
    assert_eq!(found(text.trim_end()).0, Refused(text.lines().count()));
    // Also where it says the same.
    for head in ["say() {", "build() {", "create() {", "ruleset() {"] {
        let from = text.find(&format!("\n{head}")).unwrap();
        let body = &text[from..from + text[from..].find("\n}\n\n").unwrap() + 3];
        let again = text.replacen("\nusage() {", &format!("{body}\nusage() {{"), 1);
        let second = again.lines().enumerate().filter(|(_, line)| *line == head).nth(1).unwrap().0;
        assert_eq!(found(&again).0, Refused(second + 1), "{head}");
    }
}

#[test]
fn altered_functions_are_refused() {
    altered(
        NFT,
        "        \"$IP\" \"$family\" rule flush protocol \"$PROTOCOL\"\n",
        "",
        Refused,
        "drop_rules() {",
    );
    altered(NFT, "rule add pref 1000 l3mdev", "rule add pref 900 l3mdev", Refused, "l3mdev_rule() {");
    altered(NFT, "    ruleset | \"$NFT\" -f -\n", "    :\n", Refused, "load_ruleset() {");
    altered(NFT, "without_ipv6() {", "with_ipv6() {", Refused, "with_ipv6() {");
    altered(NFT, "ports | guard | \"$NFT\" -f -", ":", Refused, "guard_on() {");
    altered(IPTABLES, "RESTORE4\" -w 10 --noflush", "RESTORE4\" -w 10", Refused, "try_ruleset() {");
    altered(IPTABLES, "{ print \"-I FORWARD 1 -j ovl-shut\" }", "{ }", Refused, "behind_guard() {");
    altered(NFT, "delete table inet ovl\\n' |", "flush ruleset\\n' |", Refused, "flush ruleset");
    altered(NFT, "-D -f \"$family\" $filter", "-F", Refused, "forget_connections() {");
    // The order of these is read, so that what stands there must be known.
    altered(
        NFT,
        "    settings | set_all host || return 1\n",
        "    ip rule flush\n",
        Refused,
        "    ip rule flush",
    );
    altered(NFT, "batch part create || return 1", "batch part create || :", Refused, "batch part create");
    altered(
        NFT,
        "    family=''\n    batch part attach",
        "    batch part attach",
        Refused,
        "batch part attach",
    );
    altered(
        NFT,
        "print \"link del dev\", $3",
        "print \"link del dev\", $2",
        Refused,
        "attachments leaving | awk",
    );
    altered(
        NFT,
        "\n    PART=no\n    changes |",
        "\n    changes |",
        Refused,
        "[ \"$PART\" = yes ] || drop_ruleset",
    );
    altered(NFT, "    finish\n}", "    while :; do finish; done\n}", Refused, "    while :; do finish");
    altered(NFT, "    fresh=no\n", "    fresh=no\n    exit 2 \n", Refused, "begin() {");
    altered(NFT, "fail 'could not put the guard up", "fail \"$(reboot)\" 'could not", Refused, "$(reboot)");
}

#[test]
fn altered_guards_are_refused() {
    altered(
        NFT,
        "drop\\n\\t}\\n}\"\n        }\n    '\n}",
        "drop\\n\\t}\\n}\"\n    '\n}\n#end",
        Refused,
        "    '",
    );
    altered(
        NFT,
        "        END {\n            print \"\\t\\t}",
        "        END {\n            printf \"\\t\\t}",
        Refused,
        "printf \"\\t\\t}",
    );
    altered(
        NFT,
        "    awk '\n        BEGIN {\n            print \"table inet ovl_guard",
        "    gawk '\n        BEGIN {\n            print \"table inet ovl_guard",
        Refused,
        "    gawk '",
    );
}

/// What is noted, and done when something fails, is as it was when this was written.
#[test]
fn altered_notes_are_refused() {
    altered(
        NFT,
        "        fail 'could not put the guard up; nothing else was changed'\n",
        "",
        Refused,
        "begin() {",
    );
    altered(NFT, "        down_for_good\n        exit 2\n", "        down_for_good\n", Refused, "put_up() {");
    altered(NFT, "    rm -rf \"$STATE\"\n}", "}", Refused, "finish() {");
    altered(NFT, "    preflight\n    if", "    if", Refused, "up() {");
    altered(NFT, "    forget_connections\n    keep networks", "    keep networks", Refused, "put_up() {");
    let early = "    begin\n    keep fingerprint printf '%s\\n' \"$FINGERPRINT\"\n";
    altered(NFT, "    begin\n", early, Refused, "put_up() {");
}

#[test]
fn altered_data_are_refused() {
    altered(
        NFT,
        "address add 192.168.0.1/24 dev green0",
        "address add 192.168.0.1/33 dev green0",
        Refused,
        "/33",
    );
    altered(NFT, "address add 192.168.0.1/24 dev green0", "it's 1", Refused, "it's 1");
    altered(NFT, "ipv4/fwmark_reflect 1", "ipv4/fwmark_reflect much", Refused, "fwmark_reflect much");
    altered(NFT, "ipv4/conf/red0/forwarding 1", "ipv4/../red0/forwarding 1", Refused, "ipv4/../red0");
    altered(NFT, "2 green0 vrf-green green", "2 green0 vrf-green", Refused, "2 green0 vrf-green");
    altered(NFT, "32770 2967c7971d22530a", "70000 2967c7971d22530a", Refused, "70000 ");
    altered(
        NFT,
        "link set dev blue0 up # site.ovl:22 blue'",
        "link set dev blue0 up # x",
        Refused,
        "dev blue0 up # x",
    );
    altered(NFT, "    printf '%s\\n' '1 red0", "    cat /etc/networks '1 red0", Refused, "cat /etc/networks");
    altered(NFT, "\nOVERLAPC_END\n}\n\n# A table", "\n}\n\n# A table", Refused, "ruleset() {");
}

#[test]
fn altered_rulesets_are_refused() {
    altered(NFT, "table inet ovl\ndelete", "flush ruleset\ndelete", Refused, "flush ruleset");
    altered(NFT, "\t\tdrop comment \"any other interface\"", "\t\tdorp", Refused, "\t\tdorp");
    altered(IPTABLES, "*raw\n", "-F\n*raw\n", Refused, "-F");
    altered(IPTABLES, ":ovl-raw - [0:0]\n", ":ovl-raw - [0:0]\n-F PREROUTING\n", Refused, "-F PREROUTING");
    altered(
        NFT,
        "print \"\\t\\tiifname @ovl_ports drop\\n",
        "print \"\\t\\tiifname @ovl_port drop\\n",
        Refused,
        "@ovl_port drop",
    );
    altered(
        NFT,
        "{ print \"\\t\\t\\t\\\"\" $1",
        "{ system(\"reboot\") }\n        { print \"\\t\\t\\t\\\"\" $1",
        Refused,
        "reboot",
    );
}
