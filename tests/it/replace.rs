//! What a new version of a site keeps of the connections of the one before: the digests in the script that
//! say which zones and which networks are not the same any more.

use std::collections::BTreeMap;

use crate::bench::Bench;

const SITE: &str = "\
gateway gw {
    isolation rules
}

network red {
    id        1
    interface red0
    address   192.168.0.1/24
    prefix    192.168.0.0/24 as 10.64.1.0/24
}

network green {
    id        2
    interface green0
    prefix    192.168.0.0/24 as 10.64.2.0/24
}

network blue {
    id        4
    interface blue0
    prefix    192.168.0.0/24 as 10.64.4.0/24
}

connect red <-> green
connect red -> blue {
    allow tcp 80
}
";

/// The lines that a function of the script prints: first word and the rest.
fn lines(script: &str, function: &str) -> BTreeMap<String, String> {
    let text = script.split(&format!("\n{function}() {{\n")).nth(1).unwrap();
    let text = text.split('\'').nth(3).unwrap();
    let line = |line: &str| line.split_once(' ').map(|(id, rest)| (id.to_owned(), rest.to_owned())).unwrap();
    text.lines().map(line).collect()
}

/// Zones and networks that differ between the site and one where `from` is replaced with `to`.
fn outdated(from: &str, to: &str) -> (Vec<String>, Vec<String>) {
    assert!(SITE.contains(from), "{from}");
    let script = |text: &str| {
        let output = Bench::with_site(text).run(&["compile"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let (before, after) = (script(SITE), script(&SITE.replace(from, to)));
    let differ = |function| {
        let (before, after) = (lines(&before, function), lines(&after, function));
        let mut all: Vec<&String> = before.keys().chain(after.keys()).collect();
        all.sort();
        all.dedup();
        let other = all.into_iter().filter(|id| before.get(*id) != after.get(*id));
        other.cloned().collect::<Vec<String>>()
    };
    (differ("zones"), differ("known"))
}

fn expect(from: &str, to: &str, zones: &[&str], networks: &[&str]) {
    let (differing_zones, differing_networks) = outdated(from, to);
    assert_eq!(differing_zones, zones, "zones, {from} -> {to}");
    assert_eq!(differing_networks, networks, "networks, {from} -> {to}");
}

#[test]
fn what_does_not_matter_to_connections_changes_nothing() {
    expect("gateway gw {", "# One more line.\n\ngateway gw {", &[], &[]);
    expect("interface green0\n", "interface green0\n    mss clamp 1400\n", &[], &[]);
    expect("192.168.0.1/24\n", "192.168.0.1/24\n    route 172.16.0.0/16 via 192.168.0.254\n", &[], &[]);
    expect("allow tcp 80", "allow tcp 80 log", &[], &[]);
    // The order of statements.
    expect("connect red <-> green\n", "", &["3"], &["32769", "32770"]);
    expect("connect red -> blue {\n    allow tcp 80\n}\n", "", &["5"], &["32769", "32772"]);
}

#[test]
fn a_network_that_changes_is_outdated_and_so_are_the_zones_of_its_pairs() {
    // 3 is red and green, 5 red and blue; 32769, 32770 and 32772 the gateway and one of them.
    expect("10.64.4.0/24", "10.64.5.0/24", &["5"], &["32772"]);
    expect("10.64.1.0/24", "10.64.5.0/24", &["3", "5"], &["32769"]);
    expect("interface green0", "interface green1", &["3", "32770"], &["32770"]);
    expect("192.168.0.1/24", "192.168.0.2/24", &["3", "32769", "5"], &["32769"]);
    expect(
        "network blue {\n    id        4",
        "network blue {\n    id        6",
        &["32772", "32774", "5", "7"],
        &["32769", "32772", "32774"],
    );
}

#[test]
fn a_pair_that_changes_leaves_the_other_pairs_alone() {
    expect("red <-> green", "red -> green", &["3"], &["32769", "32770"]);
    expect("allow tcp 80", "allow tcp 80, 443", &["5"], &["32769", "32772"]);
    expect("allow tcp 80", "allow tcp 80 from 192.168.0.9", &["5"], &["32769", "32772"]);
    expect(
        "connect red <-> green\n",
        "connect red <-> green\nconnect green -> blue\n",
        &["6"],
        &["32770", "32772"],
    );
}

#[test]
fn an_alias_for_one_viewer_leaves_the_pairs_of_the_others_alone() {
    expect("10.64.1.0/24", "10.64.1.0/24, 10.64.9.0/24 for blue", &["5"], &["32769"]);
}

#[test]
fn whoever_else_calls_a_masqueraded_network_makes_its_connections_outdated() {
    let masqueraded = "    address   192.168.0.1/24\n    nodes     masqueraded\n    prefix    192.168.0.0/24 as 10.64.4.0/24\n";
    let (zones, networks) = outdated("    prefix    192.168.0.0/24 as 10.64.4.0/24\n", masqueraded);
    assert_eq!(
        (zones.as_slice(), networks.as_slice()),
        (&["32772", "5", "65535"].map(str::to_owned)[..], &["32769", "32772"].map(str::to_owned)[..])
    );
}

#[test]
fn other_mark_fields_are_other_connection_marks() {
    let all = ["3", "32769", "32770", "32772", "5"];
    expect("isolation rules", "isolation rules\n    marks 0xff0000", &all, &["32769", "32770", "32772"]);
}
