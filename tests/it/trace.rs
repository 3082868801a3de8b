//! `overlapc trace`: packets through the golden sites, as texts under `golden/trace/`, and what is said of
//! packets that cannot be understood.

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty, starts_with};

use crate::bench::{Bench, SITE, WRONG, overlapc, repository};
use crate::expected::{Files, Verdict, compare_folder};

/// A name, a golden site, and what is asked.
const TRACES: &[(&str, &str, &[&str])] = &[
    ("there", "identical-lans-distinct", &["inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp"]),
    ("back", "identical-lans-distinct", &["outer 192.168.2.10:4000 -> 192.168.13.10:80 tcp"]),
    (
        "there-short",
        "identical-lans-distinct",
        &["inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp", "--short"],
    ),
    (
        "there-json",
        "identical-lans-distinct",
        &["inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp", "--output-format", "json"],
    ),
    (
        "there-iptables",
        "identical-lans-distinct",
        &["inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp", "--firewall", "iptables"],
    ),
    (
        "there-rules",
        "identical-lans-distinct",
        &["inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp", "--isolation", "rules"],
    ),
    (
        "there-rules-iptables",
        "identical-lans-distinct",
        &[
            "inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp",
            "--firewall",
            "iptables",
            "--isolation",
            "rules",
        ],
    ),
    ("echo", "identical-lans-distinct", &["inner 192.168.2.10 -> 192.168.23.10 icmp"]),
    ("ttl", "identical-lans-distinct", &["inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp ttl 1"]),
    (
        "ttl-json",
        "identical-lans-distinct",
        &["inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp ttl 1", "--output-format", "json"],
    ),
    ("unknown-destination", "identical-lans-distinct", &["inner 192.168.2.10 -> 10.99.0.1 icmp"]),
    ("own-alias", "identical-lans-distinct", &["inner 192.168.2.10:4000 -> 192.168.13.11:80 tcp"]),
    ("spoofed", "identical-lans-distinct", &["inner 10.99.0.1:4000 -> 192.168.23.10:80 tcp"]),
    ("gateways-alias", "identical-lans-distinct", &["inner 192.168.2.10 -> 192.168.23.1 icmp", "--short"]),
    ("gateway", "identical-lans-distinct", &["inner 192.168.2.10:4000 -> 192.168.2.1:22 tcp"]),
    (
        "gateway-rules",
        "identical-lans-distinct",
        &["inner 192.168.2.10 -> 192.168.2.1 icmp", "--isolation", "rules"],
    ),
    ("without-ports", "identical-lans-distinct", &["inner 192.168.2.10 -> 192.168.23.10 gre", "--short"]),
    (
        "marked-before",
        "identical-lans-distinct",
        &["inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp mark 0x5ab10000", "--short"],
    ),
    ("one-alias-for-both", "identical-lans", &["inner 192.168.2.10:4000 -> 192.168.3.10:80 tcp"]),
    ("not-connected", "one-way", &["red 192.168.0.10:4000 -> 10.64.3.10:80 tcp"]),
    ("wrong-direction", "one-way", &["green 192.168.0.10:4000 -> 10.64.1.10:80 tcp"]),
    (
        "wrong-direction-iptables",
        "one-way",
        &["green 192.168.0.10:4000 -> 10.64.1.10:80 tcp", "--firewall", "iptables"],
    ),
    ("ipv6", "one-way", &["red [fd00:0:0:1::10]:4000 -> [fd64:0:0:2::10]:53 udp"]),
    ("ipv6-echo", "one-way", &["red fd00:0:0:1::10 -> fd64:0:0:2::10 icmp", "--short"]),
    ("ipv6-ttl", "one-way", &["red fd00:0:0:1::10 -> fd64:0:0:2::10 icmp ttl 1"]),
    ("masqueraded", "masqueraded", &["north 192.168.1.10:4000 -> 10.64.4.20:80 tcp"]),
    (
        "masqueraded-iptables",
        "masqueraded",
        &["south 192.168.1.10:4000 -> 10.64.4.20:80 tcp", "--firewall", "iptables", "--isolation", "rules"],
    ),
    ("behind-a-router", "masqueraded", &["office 172.16.0.10 -> 10.64.8.20 icmp", "--short"]),
    ("desk-a-to-press", "aliases-per-viewer", &["desk-a 192.168.0.10:4000 -> 10.9.0.10:80 tcp"]),
    ("desk-b-to-saw", "aliases-per-viewer", &["desk-b 192.168.0.10:4000 -> 10.9.0.10:80 tcp"]),
    ("names", "names-and-routes", &["office hmi -> plc.lab:502 tcp", "--short"]),
    ("allowed", "allow-and-deny", ALLOWED),
    ("denied", "allow-and-deny", DENIED),
    ("denied-iptables", "allow-and-deny", DENIED_IPTABLES),
    ("outside", "names-and-routes", &["dev mgmt0 10.0.9.77 -> 10.64.2.10 icmp"]),
];

const ALLOWED: &[&str] = &["office hmi:4000 -> plc.press:502 tcp"];
const DENIED: &[&str] = &["office laptop:4000 -> drive.press:80 tcp"];
const DENIED_IPTABLES: &[&str] = &["office laptop:4000 -> drive.press:80 tcp", "--firewall", "iptables"];

#[test]
fn golden_traces_are_as_expected() {
    let mut made = Files::new();
    for (name, site, arguments) in TRACES {
        let folder = repository().join("golden/emit").join(site);
        let output = overlapc(&folder).args(["trace", "site.ovl"]).args(*arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
        let again = overlapc(repository())
            .args(["trace", &format!("golden/emit/{site}/site.ovl")])
            .args(*arguments)
            .output()
            .unwrap();
        assert_eq!(again.stdout, output.stdout, "{name}, from elsewhere");
        let end = if arguments.contains(&"json") { "json" } else { "txt" };
        made.insert(format!("{name}.{end}"), String::from_utf8(output.stdout).unwrap());
    }
    let mut verdict = Verdict::default();
    verdict.add("trace", &compare_folder(&repository().join("golden/trace"), &made));
    verdict.finish();
}

#[test]
fn the_file_can_be_left_out_and_be_standard_input() {
    let bench = Bench::with_site(SITE);
    let packet = "inner 192.168.2.10 -> 192.168.23.10 icmp";
    let told =
        || contains("=> delivered to 192.168.2.10 in outer, by eth1: 192.168.13.10 -> 192.168.2.10 icmp");
    bench.run(&["trace", packet]).assert().code(0).stdout(told()).stderr(is_empty());
    bench.run(&["trace", "site.ovl", packet]).assert().code(0).stdout(told());
    bench.run(&["trace", "-", packet]).write_stdin(SITE).assert().code(0).stdout(told());
    bench.run(&["trace"]).assert().code(2).stdout(is_empty());
    bench.write("site.ovl", WRONG);
    bench.run(&["trace", packet]).assert().code(1).stdout(is_empty()).stderr(contains("OVL"));
}

#[test]
fn a_word_that_is_wrong_is_named() {
    let site = SITE.replace("as 192.168.23.0/24\n", "as 192.168.23.0/24\n    host plc 192.168.2.20\n");
    let bench = Bench::with_site(&site);
    for (packet, told) in [
        (
            "inner 192.168.2.10",
            "the packet `inner 192.168.2.10` has no `->` with blanks around it\n  help: write",
        ),
        ("inner 192.168.2.10->192.168.23.10 icmp", "has no `->`"),
        ("192.168.2.10 -> 192.168.23.10 icmp", "`192.168.2.10` before `->` is not a network and a source"),
        ("iner 192.168.2.10 -> 192.168.23.10 icmp", "no network `iner`\n  help: did you mean `inner`?"),
        ("dev eth7 192.168.2.10 -> 192.168.23.10 icmp", "no device `eth7`\n  help: it has eth0, eth1, "),
        ("dev abcdef 192.168.2.10 -> 192.168.23.10 icmp", "no device `abcdef`\n  help: it has eth0, eth1, "),
        (
            "inner 192.168.2.10 -> 192.168.23.10",
            "`192.168.23.10` behind `->` is not a destination and a protocol",
        ),
        ("inner 192.168.2.300 -> 192.168.23.10 icmp", "`192.168.2.300` is neither an address nor a host"),
        (
            "inner 192.168.2.10 -> plk icmp",
            "`plk` is neither an address nor a host of the site\n  help: did you mean `plc`?",
        ),
        (
            "inner plc.outer -> 192.168.23.10 icmp",
            "the host `plc.outer` is in outer and cannot send from inner",
        ),
        ("dev eth0 192.168.2.10 -> plc icmp", "nobody says by which address `plc` is called from there"),
        ("inner 192.168.2.10 -> 192.168.23.10:x tcp", "`x` in `192.168.23.10:x` is not a port: 0 to 65535"),
        (
            "inner 192.168.2.10 -> 192.168.23.10 tcp",
            "`192.168.23.10` has no port, and tcp needs one\n  help: write it behind the address, as in `192.168.23.10:80`",
        ),
        ("inner 192.168.2.10 -> 192.168.23.10:80 icmp", "`192.168.23.10:80` has a port, and icmp has none"),
        ("inner 192.168.2.10 -> fd00::1 icmp", "`192.168.2.10` and `fd00::1` are of different families"),
        ("inner [fd00::1:80 -> [fd00::1]:80 tcp", "`[fd00::1:80` has no `]`"),
        ("inner [fd00::1]80 -> [fd00::1]:80 tcp", "`80` in `[fd00::1]80` is not a port: it begins with `:`"),
        (
            "inner 192.168.2.10 -> 192.168.23.10:80 tpc",
            "`tpc` is not a protocol\n  help: did you mean `tcp`?",
        ),
        ("inner 192.168.2.10 -> 192.168.23.10 300", "`300` is not a protocol"),
        (
            "inner 192.168.2.10 -> plc tcp",
            "`plc` has no port, and tcp needs one\n  help: write it behind the address, as in `plc:80`",
        ),
        ("inner 192.168.2.10 -> 192.168.23.10 icmp ttl", "`ttl` has no value"),
        ("inner 192.168.2.10 -> 192.168.23.10 icmp ttl 256", "`ttl 256`: not a number from 0 to 255"),
        ("inner 192.168.2.10 -> 192.168.23.10 icmp mark x", "`mark x`: not a number"),
        ("inner 192.168.2.10 -> 192.168.23.10 icmp type 3", "`type 3` is an error"),
        ("inner 192.168.2.10:1 -> 192.168.23.10:1 udp type 8", "only icmp has a `type`"),
        ("inner 192.168.2.10 -> 192.168.23.10 icmp colour 8", "`colour` is not known behind the protocol"),
    ] {
        let run = bench.run(&["trace", packet]).assert().code(2).stdout(is_empty());
        run.stderr(starts_with("error: ").and(contains(told)));
    }
}

#[test]
fn files_from_elsewhere_are_gone_through_as_they_are() {
    let bench = Bench::with_site(SITE);
    let packet = "inner 192.168.2.10 -> 192.168.23.10 icmp";
    let trace = |folder: &str| bench.run(&["trace", packet, "--short", "--artifacts", folder]);
    for flags in [&["--firewall", "iptables"][..], &["--isolation", "rules"]] {
        bench.run(&["compile", "-t", "all", "-o", "made/"]).args(flags).assert().code(0);
    }
    trace("made").assert().code(2).stderr(contains("rulesets of nft and of iptables"));
    for name in ["rules.v4", "rules.v6"] {
        std::fs::remove_file(bench.path(&format!("made/{name}"))).unwrap();
    }
    trace("made").assert().code(0).stdout(contains("Out eth1"));
    // The rule that lets the pair pass is gone.
    let text = bench.read("made/ruleset.nft");
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("\"a connect allows it\"")).collect();
    bench.write("made/ruleset.nft", kept.join("\n"));
    trace("made").assert().code(0).stdout(contains("--  dropped by ruleset.nft:"));
    let damaged = bench.read("made/ip.batch").replace("rule add pref 500", "rule add pref many");
    bench.write("made/ip.batch", damaged);
    trace("made").assert().code(2).stderr(contains("`ip.batch` is not understood: line "));
    std::fs::remove_file(bench.path("made/ip.batch")).unwrap();
    trace("made").assert().code(2).stderr(contains("`made` has no `ip.batch`"));
    trace("nowhere").assert().code(2).stderr(contains("`nowhere` has no `ip.batch`"));
}
