//! Altered scripts that can be read, and would do what they must not.

use overlapc::read::script::steps::Step;
use overlapc::read::{artifacts, script};
use overlapc::verify::{order, shut};

use super::Found::{Foreign, Misplaced};
use super::{IPTABLES, NFT, RULES, altered, found, golden};
use crate::bench::repository;
use crate::expected::files_in;

#[test]
fn altered_scripts_that_touch_what_is_not_theirs_are_found() {
    let rule = "rule add pref 500 fwmark 0x1/0xf lookup 1 protocol 77";
    let to = |to: &str| altered(NFT, rule, &format!("rule add {to}"), Foreign, &format!("rule add {to}"));
    to("pref 500 fwmark 0x1/0xf lookup 1");
    to("pref 500 fwmark 0x1/0xf lookup 1 protocol 4");
    to("pref 1100 fwmark 0x1/0xf lookup 1 protocol 77");
    to("pref 500 fwmark 0x1/0xf lookup 254 protocol 77");
    to("pref 500 fwmark 0x1/0xf lookup 4 protocol 77");
    to("pref 500 fwmark 0x1/0xf goto 32766 protocol 77");
    to("pref 500 fwmark 0x100/0xf00 lookup 1 protocol 77");
    to("pref 500 fwmark 0x0/0xf lookup 1 protocol 77");
    to("pref 500 lookup 1 protocol 77");
    to("pref 500 not fwmark 0x1/0xf lookup 1 protocol 77");
    to("pref 500 iif eth9 lookup 1 protocol 77");
    to("pref 500 lookup local protocol 77");
    to("pref 500 fwmark 0x1/0xf0f lookup 1 protocol 77");
    to("pref 500 fwmark 0x100/0x100 lookup 1 protocol 77");
    altered(NFT, rule, "rule del pref 0 lookup local", Foreign, "rule del pref 0 lookup local");
    altered(RULES, rule, "rule del pref 0 lookup local", Foreign, "rule del pref 0 lookup local");
    altered(RULES, "LOCAL='901'", "LOCAL='1100'", Foreign, "LOCAL='1100'");
    // The rule for all packets alone, both when it comes and when it goes.
    let moved = "rule add pref 901 lookup local protocol 77";
    for few in
        ["not fwmark 0x1/0xf", "fwmark 0x1/0xf", "from 10.0.0.0/8", "to 10.0.0.0/8", "iif red0", "oif red0"]
    {
        let new = format!("rule add pref 901 {few} lookup local protocol 77");
        altered(RULES, rule, &new, Foreign, &new);
        let gone = format!("rule del pref 0 {few} lookup local");
        altered(RULES, rule, &format!("{moved}\n{gone}"), Foreign, &gone);
    }
    for gone in ["rule del pref 5 lookup local", "rule del pref 0 lookup 1"] {
        altered(RULES, rule, &format!("{moved}\n{gone}"), Foreign, gone);
    }
    assert_eq!(found(&golden(RULES).replacen(rule, moved, 1)).0, super::Found::Nothing);

    altered(NFT, "lookup 65537 protocol 77", "lookup 65537 protocol 78", Foreign, "protocol 78");
    altered(NFT, "dev red0 table 65537 protocol 77", "dev red0 table 254 protocol 77", Foreign, "table 254");
    altered(
        NFT,
        "24 dev red0 table 65537 protocol 77",
        "24 dev red9 table 65537 protocol 77",
        Foreign,
        "24 dev red9",
    );
    altered(
        NFT,
        "route add unreachable 0.0.0.0/0 metric 4278198272 table 1 protocol 77",
        "route add unreachable 0.0.0.0/0 table 1",
        Foreign,
        "0.0.0.0/0 table 1",
    );
    altered(
        NFT,
        "address add 192.168.0.1/24 dev red0",
        "address add 192.168.0.1/24 dev eth9",
        Foreign,
        "dev eth9",
    );
    altered(NFT, "link set dev red0 up", "link set dev red0 down", Foreign, "link set dev red0 down");
    altered(NFT, "link set dev red0 up", "link del dev red0", Foreign, "link del dev red0");
    altered(
        NFT,
        "link set dev red0 master vrf-red",
        "link set dev red0 master vrf-blue",
        Foreign,
        "red0 master vrf-blue",
    );
    altered(
        NFT,
        "vrf-red type vrf table 1 ",
        "vrf-red type vrf table 2 ",
        Foreign,
        "vrf-red type vrf table 2 ",
    );

    altered(NFT, "ipv4/conf/red0/forwarding 1", "ipv4/conf/eth9/forwarding 1", Foreign, "ipv4/conf/eth9");
    altered(NFT, "ipv4/fwmark_reflect 1", "ipv4/ip_forward 1", Foreign, "ipv4/ip_forward");
    altered(
        NFT,
        "ipv4/conf/vrf-red/forwarding 1",
        "ipv4/conf/red0/forwarding 1",
        Foreign,
        "'ipv4/conf/red0/forwarding 1",
    );
}

#[test]
fn altered_numbers_that_no_site_can_have_are_found() {
    altered(NFT, "1 red0 vrf-red red", "254 red0 vrf-red red", Foreign, "254 red0 vrf-red");
    altered(NFT, "3 blue0 vrf-blue blue", "3 lo vrf-blue blue", Foreign, "3 lo vrf-blue");
    altered(NFT, "3 blue0 vrf-blue blue", "3 vrf-red vrf-blue blue", Foreign, "3 vrf-red vrf-blue");
    altered(NFT, "32771 1144087e8656dbd9", "0 1144087e8656dbd9", Foreign, "0 1144087e8656dbd9");
    altered(NFT, "LAST=999", "LAST=40000", Foreign, "PROTOCOL=77");
    let text = golden(NFT).replace("protocol 77", "protocol 4").replace("PROTOCOL=77", "PROTOCOL=4");
    let line = text.lines().position(|line| line == "PROTOCOL=4").unwrap() + 1;
    assert_eq!(found(&text).0, Foreign(line));
}

/// What the files beside the script say must be the same.
#[test]
fn altered_scripts_are_not_those_of_the_other_files() {
    for (folder, from, to, file) in [
        (NFT, "192.168.0.1/24 dev green0", "192.168.0.2/24 dev green0", "ip.batch"),
        (NFT, "rule add pref 900 nop protocol 77'\n", "'\n", "ip.batch"),
        (NFT, "fd64:0:0:1::/64 dev red0", "fd64:0:0:2::/64 dev red0", "ip6.batch"),
        (RULES, "LOCAL='901'", "LOCAL=''", "ip.batch"),
        (NFT, "10.64.1.0/24 : goto ovl_to_red", "10.64.9.0/24 : goto ovl_to_red", "ruleset.nft"),
        (IPTABLES, "-d 10.64.2.0/24 -m comment", "-d 10.64.9.0/24 -m comment", "rules.v4"),
        (IPTABLES, "-d fd64:0:0:2::/64 -m comment", "-d fd64:0:0:9::/64 -m comment", "rules.v6"),
    ] {
        let mut files = files_in(&repository().join("golden/emit/three-lans").join(folder));
        assert!(artifacts::read(&files).is_ok());
        assert!(files["site.sh"].contains(from), "{from}");
        files.insert("site.sh".to_owned(), files["site.sh"].replacen(from, to, 1));
        let (names, error) = artifacts::read(&files).unwrap_err();
        assert_eq!(names, format!("site.sh and {file}"), "{from}: {error}");
        files.retain(|name, _| name == "site.sh" || name.starts_with("ip") != file.starts_with("ip"));
        assert!(artifacts::read(&files).is_ok(), "{from}");
    }
    // Settings are in no other file, so they are those of the script.
    let mut files = files_in(&repository().join("golden/emit/three-lans").join(NFT));
    let text = files["site.sh"].replacen("ipv4/fwmark_reflect 1", "ipv4/fwmark_reflect 0", 1);
    files.insert("site.sh".to_owned(), text);
    let settings = artifacts::read(&files).unwrap().settings.unwrap();
    assert_eq!((settings["ipv4/fwmark_reflect"], settings["ipv4/conf/red0/rp_filter"]), (0, 0));
    assert_eq!(settings["ipv6/conf/all/forwarding"], 1);
}

#[test]
fn altered_rulesets_that_touch_what_is_not_theirs_are_found() {
    altered(
        NFT,
        "delete table inet ovl\ntable",
        "delete table inet ovl\ndelete table inet filter\ntable",
        Foreign,
        "delete table inet filter",
    );
    altered(
        NFT,
        "table inet ovl\ndelete table inet ovl\n",
        "table inet ovl\ntable ip nat {\n}\ndelete table inet ovl\n",
        Foreign,
        "table ip nat",
    );
    altered(
        NFT,
        "'table inet ovl\\ndelete table inet ovl\\n'",
        "'table ip nat\\ndelete table ip nat\\n'",
        Foreign,
        "table inet ovl",
    );
    altered(NFT, "\tchain ovl_raw {", "\tchain raw {", Foreign, "\tchain raw {");
    altered(
        NFT,
        "filter hook forward priority filter; policy accept",
        "filter hook forward priority filter; policy drop",
        Foreign,
        "0x000000f0 != 0 goto ovl_guard",
    );
    altered(
        NFT,
        "meta mark & 0xffffff00 | 0x00000011",
        "meta mark & 0xfffff000 | 0x00000011",
        Foreign,
        "0xfffff000",
    );
    altered(NFT, "meta mark & 0xffffff00 | 0x00000011", "0x00000011", Foreign, "meta mark set 0x00000011");
    altered(NFT, "meta mark ^ 0x00000001", "meta mark ^ 0x00010001", Foreign, "0x00010001");
    altered(
        NFT,
        "0x00000003 : 3",
        "0x00000003 : 9",
        Foreign,
        "ct zone set meta mark & 0x0000000f map @ovl_zone",
    );
    altered(NFT, "\"blue0\" : 32771,", "\"blue0\" : 9,", Foreign, "ct zone set oifname map @ovl_own_zone");

    altered(
        IPTABLES,
        "*raw\n:ovl-raw",
        "*raw\n:PREROUTING ACCEPT [0:0]\n:ovl-raw",
        Foreign,
        ":PREROUTING ACCEPT",
    );
    altered(IPTABLES, ":ovl-raw - [0:0]", ":mine - [0:0]\n:ovl-raw - [0:0]", Foreign, ":mine - [0:0]");
    altered(
        IPTABLES,
        ":ovl-raw - [0:0]",
        ":ovl-shut - [0:0]\n:ovl-raw - [0:0]",
        Foreign,
        ":ovl-shut - [0:0]",
    );
    altered(IPTABLES, "-I FORWARD 1 -m comment", "-A FORWARD -m comment", Foreign, "-A FORWARD -m comment");
    altered(
        IPTABLES,
        "--comment \"overlapc\" -j ovl-forward",
        "--comment \" -j ovl-forward\" -j DROP",
        Foreign,
        "-I FORWARD 1 -m comment",
    );
    altered(IPTABLES, "--set-xmark 0x11/0xff", "--set-xmark 0x11/0xffff", Foreign, "0x11/0xffff");
    altered(IPTABLES, "--set-xmark 0x10/0x10", "--set-xmark 0x20/0x20", Foreign, "0x20/0x20");
    altered(IPTABLES, "--xor-mark 0x1", "--xor-mark 0x100", Foreign, "--xor-mark 0x100");
    altered(IPTABLES, "-j CT --zone 3\n", "-j CT --zone 9\n", Foreign, "--zone 9");
    altered(
        IPTABLES,
        ":ovl-shut - [0:0]\\n-I FORWARD 1 -j ovl-shut",
        ":ovl-shut - [0:0]\\n-A FORWARD -j ovl-shut",
        Foreign,
        "-A FORWARD -j ovl-shut",
    );
}

#[test]
fn altered_orders_are_found() {
    let load = "    load_ruleset || {\n        complain 'the ruleset could not be loaded'\n        return 1\n    }\n";
    let early = golden(NFT).replacen(load, "", 1);
    let early = early.replacen(
        "    family=''\n    batch part attach",
        &format!("{load}    family=''\n    batch part attach"),
        1,
    );
    let line = early.lines().position(|line| line == "    load_ruleset || {").unwrap() + 1;
    assert_eq!(found(&early).0, Misplaced(line));
    let lines =
        ["        batch missing_rules || return 1\n", "        batch missing_routes defaults || return 1\n"];
    for step in lines.into_iter().chain([load]) {
        let never = golden(NFT).replacen(step, "", 1);
        let lines: Vec<&str> = never.lines().collect();
        let last = lines.iter().rposition(|line| line.starts_with("    guard_off || fail")).unwrap();
        assert_eq!(found(&never).0, Misplaced(last + 1), "what is missing is missing at the end");
    }
    let off = "    guard_off || fail 'could not take the guard away; nothing is forwarded between the networks until up or down has'\n";
    let text = golden(NFT).replacen("    if ! build; then\n", &format!("{off}    if ! build; then\n"), 1);
    let line = text.lines().position(|line| line == "    keep_routes || return 1").unwrap();
    assert_eq!(found(&text).0, Misplaced(line), "settings are the first that is done without the guard");
    let text = golden(NFT).replacen("    begin\n    tear_down\n", "    begin\n", 1);
    assert!(matches!(found(&text).0, Misplaced(_)), "another version may be there");
    altered(NFT, "    keep_links || return 1\n", "", Misplaced, "    batch part attach");
    altered(NFT, "    begin\n    tear_down\n", "    tear_down\n    begin\n", Misplaced, "        drop_rules");
    let mut script = script::read(&golden(NFT)).unwrap();
    let last = script.steps_up.iter().rposition(|step| step.value == Step::ForgetConnections).unwrap();
    script.steps_up.remove(last);
    assert_eq!(order::check(&script)[0].step, Step::ForgetConnections);
    altered(
        NFT,
        "    tear_down\n    forget_connections\n    finish\n",
        "    forget_connections\n    tear_down\n    finish\n",
        Misplaced,
        "    forget_connections",
    );
    altered(
        NFT,
        "    for family in $FAMILIES; do\n        drop_rules\n    done\n",
        "",
        Misplaced,
        "        batch missing_rules",
    );
}

/// The guard is read as well as the rest.
#[test]
fn altered_guards_leave_devices_open() {
    let open = |folder: &str, from: &str, to: &str| {
        let text = golden(folder);
        assert!(text.contains(from), "{from}");
        shut::check(&script::read(&text.replacen(from, to, 1)).unwrap())
    };
    for folder in [NFT, RULES, IPTABLES] {
        assert_eq!(open(folder, "FIRST", "FIRST"), []);
    }
    let devices = golden(NFT).matches("type vrf").count() * 2;
    assert_eq!(open(NFT, "\\t\\toifname @ovl_ports drop\\n", "").len(), 2 * 6, "{devices}");
    assert_eq!(
        open(NFT, "hook forward priority filter - 10", "hook input priority filter - 10").len(),
        4 * 6
    );
    assert_eq!(open(IPTABLES, "-A ovl-shut -i \" $1 \" -j DROP\\n", "").len(), 2 * 6);
    assert_eq!(open(IPTABLES, "-I FORWARD 1 -j ovl-shut\" }", "-I INPUT 1 -j ovl-shut\" }").len(), 4 * 6);
}
