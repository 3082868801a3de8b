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

/// The text that the only finding of a site offers, and what it stands for.
fn fix(source: &str) -> Option<(String, String)> {
    let (sources, findings, _) = compile(source);
    let [finding] = findings.as_slice() else { panic!("not one finding: {findings:#?}") };
    finding.fix.as_ref().map(|fix| (sources.text(fix.span).to_owned(), fix.replacement.clone()))
}

/// A fine site with `lines` in network `a`, which has 192.168.1.0/24 in line 1; they begin at line 2.
fn in_a(lines: &str) -> String {
    format!("{}\n{lines}\n}}\n{B}connect a -> b\n", A.trim_end().trim_end_matches('}'))
}

#[test]
fn callers_that_look_alike_are_told_by_name_and_counted() {
    let m = "network m { interface m0; address 192.168.1.1/24; prefix 192.168.1.0/24 as 10.8.1.0/24; nodes masqueraded }\n";
    let cells = "network c-{n} { interface c{n}; prefix 192.168.0.0/24 as 10.1.{n}.0/24 }";
    let site = |cells: &str| format!("{m}{cells}\nconnect c-* -> m\n");
    let twenty = site(&format!("for n in 1..20 {{ {cells} }}"));
    assert!(words(&twenty).starts_with("`c-1`, `c-2`, `c-3` and 17 more have real addresses in common, and"));
    assert!(words(&twenty).ends_with(" an alias for every two of them, like `, ALIAS for c-3`"));
    let caller = |n: usize| format!("`c-{n}` opens connections to it (n = {n})");
    let callers = [1, 2, 3].map(caller).join("; ");
    assert_eq!(
        labels(&twenty),
        [
            "1 nodes masqueraded: room for two networks with the same addresses",
            &format!("2 c-{{n}}: {callers}")
        ]
    );
    assert!(words(&site(&format!("for n in 1..3 {{ {cells} }}"))).starts_with("`c-1`, `c-2` and `c-3` have"));
    let ring: Vec<String> = (0..5)
        .map(|n| {
            let prefix = |p: usize| format!("prefix 10.9.{p}.0/24 as 10.{n}.{p}.0/24");
            format!("network c-{n} {{ interface c{n}; {}; {} }}", prefix(n), prefix((n + 1) % 5))
        })
        .collect();
    let ring = site(&ring.join("\n"));
    assert!(words(&ring).contains(" have real addresses in common, each with the next, and all open"));
    assert_eq!(labels(&ring).len(), 6);
}

#[test]
fn a_host_outside_is_told_with_the_prefix_or_with_the_alias_that_it_is_in() {
    let outside = in_a("host plc 192.168.2.7");
    assert_eq!(
        labels(&outside),
        ["2 192.168.2.7: outside of the network", "1 192.168.1.0/24: `a` has `192.168.1.0/24`"]
    );
    assert_eq!(fix(&outside), None);
    let alias = in_a("host plc 10.1.1.7\nhost hmi 192.168.1.8");
    assert_eq!(
        labels(&alias),
        ["2 10.1.1.7: the alias of `192.168.1.7`", "1 10.1.1.0/24: by which others know hosts of `a`"]
    );
    assert_eq!(fix(&alias), Some((String::from("10.1.1.7"), String::from("192.168.1.7"))));
}

#[test]
fn an_address_of_the_gateway_by_an_alias_is_told_with_the_one_it_has_inside() {
    let alias = in_a("address 10.1.1.1/24");
    assert_eq!(
        labels(&alias),
        ["2 10.1.1.1/24: by an alias", "1 10.1.1.0/24: by which others know hosts of `a`"]
    );
    assert_eq!(fix(&alias), Some((String::from("10.1.1.1/24"), String::from("192.168.1.1/24"))));
    assert_eq!(fix(&in_a("address 172.16.1.1/24")), None);
}

#[test]
fn a_prefix_that_holds_no_host_is_one_finding() {
    let wrong = in_a("host plc 192.168.2.7\nhost hmi 192.168.2.8\nhost cam 192.168.2.9");
    assert_eq!(
        labels(&wrong),
        ["1 192.168.1.0/24: holds none of them", "2 192.168.2.7: `plc` is outside, and 2 more"]
    );
    assert_eq!(fix(&wrong), Some((String::from("192.168.1.0/24"), String::from("192.168.2.0/24"))));
    let sure = in_a("address 192.168.1.1/24\nhost plc 192.168.2.7\nhost hmi 192.168.2.8");
    assert_eq!(fix(&sure), None, "the gateway's address says that the prefix is right");
    let scattered = in_a("host plc 192.168.2.7\nhost hmi 192.168.3.8");
    assert_eq!(
        labels(&scattered),
        ["2 192.168.2.7: `plc` is outside, and 1 more", "1 192.168.1.0/24: `a` has `192.168.1.0/24`"]
    );
    assert_eq!(fix(&scattered), None);
    let (_, findings, _) = compile(&in_a("host plc 192.168.2.7\nhost hmi 192.168.2.8\nhost cam 192.168.1.9"));
    assert_eq!(findings.len(), 2, "where one host fits, each of the others is wrong for itself");
}

#[test]
fn what_a_rule_fits_on_both_sides_is_told() {
    let rule = |to: &str| {
        let hosts = "prefix 192.168.0.0/24 as 10.64.NN.0/24; host plc 192.168.0.10";
        let office = format!("network office {{ interface e0; {} }}", hosts.replace("NN", "1"));
        let cell = format!("network cell-{{n}} {{ interface e{{n}}; {} }}", hosts.replace("NN", "2"));
        labels(&format!(
            "{office}\nfor n in 7..7 {{ {cell} }}\nconnect office <-> cell-* {{ allow tcp 22 to {to} }}\n"
        ))
    };
    assert_eq!(
        rule("plc"),
        [
            "3 plc: fits hosts of `office` and of `cell-7`",
            "1 plc: a host of `office`",
            "2 plc: a host of `cell-7` (n = 7)"
        ]
    );
    assert_eq!(
        rule("192.168.0.99")[1..],
        ["1 192.168.0.0/24: hosts of `office`", "2 192.168.0.0/24: hosts of `cell-7` (n = 7)"]
    );
}

#[test]
fn the_name_behind_for_is_marked_and_who_else_names_it() {
    let a = |aliases: &str| A.replace("10.1.1.0/24", aliases) + B + "connect a <-> b\n";
    assert_eq!(
        labels(&a("10.1.1.0/24 for b, 10.2.1.0/24 for b*")),
        [
            "1 b*: all that match are written out at another alias, or are this network",
            "1 b: `b` is written out here"
        ]
    );
    assert_eq!(labels(&a("10.1.1.0/24, 10.2.1.0/24 for a*")), ["1 a*: matches this network alone"]);
    assert_eq!(labels(&a("10.1.1.0/24, 10.2.1.0/24 for a")), ["1 a: names the network that it stands in"]);
    let c = "network c { interface eth3; prefix 10.3.0.0/16 }\nconnect b -> c\n";
    assert_eq!(
        labels(&(a("10.1.1.0/24, 10.2.1.0/24 for c") + c)),
        ["1 c: no `connect` is about `a` and `c`"]
    );
}

#[test]
fn a_packet_size_is_marked_and_not_its_statement() {
    assert_eq!(labels(&in_a("mss clamp 100")), ["2 100: below 576"]);
}

#[test]
fn a_value_that_is_wrong_where_its_name_is_used_is_shown_where_it_is_given() {
    let given = |lets: &str, lines: &str| labels(&(in_a(lines) + lets));
    let length = given("let POOL = 10.3.1.0/25", "prefix 192.168.3.0/24 as POOL");
    assert_eq!(
        length,
        ["2 POOL: /25 here", "2 192.168.3.0/24: /24 here", "6 10.3.1.0/25: `POOL` gets its value here"]
    );
    let kind = given("let PLC = 7\nlet CAM = PLC", "host cam CAM");
    assert_eq!(
        kind,
        [
            "2 CAM: an address belongs here",
            "7 PLC: `CAM` gets its value here",
            "6 7: `PLC` gets its value here"
        ]
    );
    let rule = format!("let PLC = 172.16.0.7\n{A}{B}connect a -> b {{ allow tcp to PLC }}\n");
    assert_eq!(labels(&rule).last().unwrap(), "1 172.16.0.7: `PLC` gets its value here");
}

#[test]
fn a_name_that_is_declared_again_is_so_in_no_instance() {
    let cells = "{ network c-{n} { interface c{n}; prefix 10.{n}.0.0/16 } }\nconnect c-1 -> c-2\n";
    let again = ["2 n: declared again", "1 n: first declared here"];
    assert_eq!(labels(&format!("let n = 5\nfor n in 1..2 {cells}")), again);
    let inside = format!("let m = 5\nfor n in 1..2 {}", cells.replacen('{', "{ let m = 6; ", 1));
    assert_eq!(labels(&inside), ["2 m: declared again", "1 m: first declared here"]);
    let unused = format!("for n in 1..2 {}", cells.replacen('{', "{ let m = 6; ", 1));
    assert_eq!(labels(&unused), ["1 m: never used"]);
}

#[test]
fn every_gap_of_a_prefix_and_the_link_that_is_too_short_are_told() {
    let short = in_a("address 192.168.1.1/26");
    assert!(words(&short).starts_with(
        "the gateway has no way to `192.168.1.64/26` and `192.168.1.128/25`, parts of `192.168.1.0/24` in"
    ));
    assert_eq!(
        labels(&short),
        [
            "1 192.168.1.0/24: on no link and behind no router",
            "2 192.168.1.1/26: only `192.168.1.0/26` is on this link"
        ]
    );
    assert_eq!(fix(&short), Some((String::from("192.168.1.1/26"), String::from("192.168.1.1/24"))));
    let two = in_a("address 192.168.1.1/26\naddress 192.168.1.129/26");
    assert_eq!(fix(&two), None, "either of the links could be the one that is too short");
    let cell = "{ network c-{n} { interface c{n}; address 10.{n}.0.1/25; prefix 10.{n}.0.0/24 } }";
    let cells = |numbers: &str| format!("for n in {numbers} {cell}\n{B}connect b -> c-*\n");
    assert_eq!(fix(&cells("1..1")), None, "the text would be that of one instance");
    let longer = in_a("address 192.168.1.1/30");
    assert!(words(&longer).contains("`192.168.1.16/28` and 3 more, parts of "), "{}", words(&longer));
    let beside = in_a("address 192.168.1.1/24\nprefix 172.16.0.0/16");
    assert_eq!(labels(&beside)[1], "2 192.168.1.1/24: `192.168.1.0/24` is on this link");
    assert_eq!(fix(&beside), None);
}

#[test]
fn a_message_of_the_other_family_is_told_as_such() {
    let rule = |prefix: &str, rule: &str| {
        let network = |name: &str, n: u8| {
            format!("network {name} {{ interface {name}; prefix {} }}\n", prefix.replace('N', &n.to_string()))
        };
        let site = format!("{}{}connect a -> b {{ {rule} }}\n", network("a", 1), network("b", 2));
        (labels(&site), words(&site))
    };
    let (label, text) = rule("fd00:N::/64", "allow icmp timestamp-request");
    assert!(label[0].ends_with("this is a message of IPv4 alone, but the hosts have IPv6 in common"));
    assert!(text.ends_with("write `echo-request`, name hosts with IPv4 on both sides, or remove the rule"));
    let (label, _) = rule("10.N.0.0/16", "allow icmp node-information");
    assert!(label[0].ends_with("this is a message of IPv6 alone, but the hosts have IPv4 in common"));
    let (label, text) = rule("fd00:N::/64", "allow ah");
    assert!(label[0].ends_with("this is a protocol in IPv4 alone, but the hosts have IPv6 in common"));
    assert!(text.contains("extension header"));
}

#[test]
fn a_host_that_could_be_declared_is_in_its_network() {
    let help = |b: &str| words(&format!("{A}{b}connect a -> b {{ allow tcp to drill }}\n"));
    assert!(help(B).ends_with("declare it in network `b`, like `host drill 192.168.1.1`"));
    let taken = B.replace("}", "; address 192.168.1.1/24; host plc 192.168.1.2 }");
    assert!(help(&taken).ends_with("like `host drill 192.168.1.3`"));
    let v6 = "network b { interface eth2; prefix fd00:7::/64 }\n";
    assert!(help(v6).ends_with("like `host drill fd00:7::1`"));
}

#[test]
fn a_pattern_with_masqueraded_networks_on_its_left_is_not_told_to_turn() {
    let m = |n: u8| {
        format!(
            "network m-{n} {{ interface m{n}; address 192.168.1.1/24; prefix 192.168.1.0/24 as 10.8.{n}.0/24; nodes masqueraded }}\n"
        )
    };
    let site = format!("{}{}{A}connect m-* <-> a\n", m(1), m(2));
    assert_eq!(labels(&site)[0], "4 connect m-* <-> a: lets `m-1` and 1 more open");
    assert!(words(&site).ends_with(
        "name masqueraded networks on the right side of `->` alone, or give their hosts routes and leave `nodes masqueraded` out"
    ));
    let one = format!("{}{A}connect m-* <-> a\n", m(1));
    assert!(words(&one).contains("write `connect a -> m-1`"));
}

#[test]
fn a_value_that_others_are_computed_from_is_shown_where_it_is_given() {
    let lets = "let POOL = 192.168.0.0/16\nlet SITE = BASE + 5\nlet BASE = 2\n";
    let site = format!(
        "{lets}network a {{ interface e1; prefix 192.168.1.0/24 as subnet(POOL, 24, SITE) }}\n\
         network b {{ interface e2; prefix 192.168.7.0/24 as 10.2.0.0/24 }}\nconnect a -> b\n"
    );
    let all = labels(&site);
    assert!(all[0].starts_with("4 subnet(POOL, 24, SITE): "), "{all:?}");
    assert_eq!(
        all[2..],
        [
            "1 192.168.0.0/16: `POOL` gets its value here",
            "2 BASE + 5: `SITE` gets its value here",
            "3 2: `BASE` gets its value here"
        ]
    );
    let word = site
        .replace("subnet(POOL, 24, SITE)", "192.168.{BASE + 5}.0/24")
        .replace("let POOL = 192.168.0.0/16\n", "");
    let word = labels(&word.replace("let SITE = BASE + 5\n", ""));
    assert!(word[0].starts_with("2 192.168.{BASE + 5}.0/24: "), "{word:?}");
    assert_eq!(word[2..], ["1 2: `BASE` gets its value here"]);
}
