//! What labels point at and say: the exact wrong word, and the other party with its instance of a `for`.
//!
//! Goes in: small sites with one mistake each. Comes out: the marked texts with their words. Whether there
//! is a finding at all is looked at beside this, a code a test.

use super::{A, B, compile};

/// A host that sees all networks of a site, so that only what they say of each other counts.
const OFFICE: &str = "network office { interface eth9; prefix 172.16.0.0/16 }\n";

/// The only finding of a site: its marked places as `LINE TEXT: WORDS`, the primary first.
fn labels(source: &str) -> Vec<String> {
    let (sources, findings, _) = compile(source);
    let [finding] = findings.as_slice() else { panic!("not one finding: {findings:#?}") };
    let marked = [&finding.primary].into_iter().chain(&finding.secondary).map(|label| {
        let file = sources.file(label.span.file);
        format!("{} {}: {}", file.line(label.span.start), sources.text(label.span), label.text)
    });
    marked.collect()
}

/// Two `for` with one network each, `a-7` in line 1 and `b-9` in line 2, and all connected with an office.
fn instances(a: &str, b: &str) -> String {
    let of = |name: &str, n: u8, lines: &str| {
        format!("for n in {n}..{n} {{ network {name}-{{n}} {{ {lines} }} }}\n")
    };
    format!("{}{}{OFFICE}connect office -> *\n", of("a", 7, a), of("b", 9, b))
}

#[test]
fn the_other_party_is_told_with_its_instance() {
    let a = "interface a{n}; prefix 192.168.1.0/24 as 10.1.1.0/24";
    let known = labels(&instances(a, "interface b{n}; prefix 192.168.1.0/24 as 10.1.1.0/24"));
    assert_eq!(
        known,
        ["2 10.1.1.0/24: taken (n = 9)", "1 10.1.1.0/24: `a-7` is known by `10.1.1.0/24` (n = 7)"]
    );
    let b = |more: &str| format!("interface b{{n}}; prefix 192.168.1.0/24 as 10.1.2.0/24; {more}");
    let ids = labels(&instances(&format!("id n; {a}"), &b("id 7")));
    assert_eq!(ids[1], "1 n: `a-7` has it (n = 7)");
    let used = labels(&instances(a, &b("").replace("b{n}", "a7")));
    assert_eq!(used, ["2 a7: used again (n = 9)", "1 a{n}: network `a-7` uses it (n = 7)"]);
    let vrf = labels(&instances(a, &b("").replace("b{n}", "vrf-a-7")));
    assert_eq!(vrf[1], "1 a-{n}: its VRF device is `vrf-a-7` (n = 7)");
}

#[test]
fn the_other_party_in_the_same_for_is_told_with_its_instance() {
    let cells =
        |lines: &str| format!("for n in 1..2 {{ network c-{{n}} {{ {lines} }} }}\nconnect c-1 -> c-2\n");
    let over = "interface c{n}; prefix 192.168.{n}.0/24 as subnet(192.168.0.0/16, 24, 3 - n)";
    assert_eq!(
        labels(&cells(over)),
        [
            "1 subnet(192.168.0.0/16, 24, 3 - n): real there (n = 1)",
            "1 192.168.{n}.0/24: hosts of `c-2` have these numbers (n = 2)"
        ]
    );
    let same = "id 5; interface c{n}; prefix 10.{n}.0.0/16";
    assert_eq!(labels(&cells(same)), ["1 5: taken (n = 2); `c-1` has it (n = 1)"]);
}

#[test]
fn the_other_connect_and_a_masqueraded_network_are_told_with_their_instance() {
    let connects = |first: &str, second: &str| {
        labels(&format!(
            "{A}{B}for n in 7..7 {{ connect a -> b {first} }}\nfor n in 9..9 {{ connect a -> b {second} }}\n"
        ))
    };
    assert_eq!(connects("", "")[1], "3 connect a -> b: `a` -> `b` is said here (n = 7)");
    assert!(connects("{ allow tcp 1 }", "{ allow tcp 2 }")[1].ends_with(" (n = 7)"));
    let cell =
        "interface a{n}; address 192.168.1.1/24; prefix 192.168.1.0/24 as 10.1.1.0/24; nodes masqueraded";
    let site = instances(cell, "interface b{n}; prefix 10.9.0.0/16");
    let masqueraded = labels(&format!("{site}connect a-7 -> b-9\n"));
    assert_eq!(masqueraded[1], "1 nodes masqueraded: its hosts only answer (n = 7)");
}

#[test]
fn the_later_of_two_uses_of_an_interface_is_blamed() {
    let gateway = "gateway { address 10.9.0.1/24 on eth1 }\n";
    let words = ["network `a` uses it", "the gateway itself uses it"];
    assert_eq!(
        labels(&format!("{gateway}{A}{B}connect a -> b\n")),
        ["2 eth1: used again", &format!("1 eth1: {}", words[1])]
    );
    assert_eq!(
        labels(&format!("{A}{B}connect a -> b\n{gateway}")),
        ["4 eth1: used again", &format!("1 eth1: {}", words[0])]
    );
}

/// The words of the only finding of a site: title, note and help, a line each.
fn words(source: &str) -> String {
    let (_, findings, _) = compile(source);
    let [finding] = findings.as_slice() else { panic!("not one finding: {findings:#?}") };
    let more = [&finding.note, &finding.help].map(|text| text.clone().unwrap_or_default());
    format!("{}\n{}\n{}", finding.title, more[0], more[1])
}

#[test]
fn a_private_range_is_of_the_family_of_the_prefix() {
    let of = |prefix: &str| {
        words(&format!("network a {{ interface eth1; prefix {prefix} }}\n{B}connect a -> b\n"))
    };
    assert!(of("fe80::/64").ends_with("`fd00::/8`"));
    assert!(of("::/0").ends_with("`fd00::/8`"));
    assert!(of("169.254.0.0/16").ends_with("`10.0.0.0/8`"));
}

#[test]
fn what_two_connects_say_is_told_as_it_is() {
    let two =
        |first: &str, second: &str| format!("{A}{B}connect a <-> b {first}\nconnect a <-> b {second}\n");
    assert!(words(&two("", "")).starts_with("`a` -> `b` is already said\n"));
    let rules = two("{ allow tcp 1 from a }", "{ allow tcp 2 from a; allow tcp 1 from b }");
    assert!(words(&two("", "{ allow tcp 1 }")).contains("said twice, with a block of rules and without\n"));
    let (_, findings, _) = compile(&rules);
    let conflict = findings.iter().find(|finding| finding.code.as_str() == "OVL0412").unwrap();
    assert!(conflict.title.ends_with("said twice, with different rules"));
    assert_eq!(
        (&*conflict.primary.text, &*conflict.secondary[0].text),
        ("also said here", "first said here")
    );
}

#[test]
fn an_alias_that_is_the_real_prefix_and_a_prefix_without_one_are_called_so() {
    let same = "network c { interface eth3; prefix 192.168.1.0/24 as 192.168.1.0/24 }\n";
    let found = labels(&format!("{A}{same}connect a -> c\n"));
    assert_eq!(found[0], "2 192.168.1.0/24: the real prefix again, which is not unique");
    let twice = |alias: &str| {
        let lines = format!("prefix 10.7.0.0/16; prefix 10.7.0.0/16 {alias}");
        words(&format!("network c {{ interface eth3; {lines} }}\n{A}connect a -> c\n"))
    };
    assert!(!twice("").contains("source address"));
    assert!(twice("as 10.8.0.0/16").contains("source address"));
}
