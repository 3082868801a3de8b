//! Aliases for those who see them.

use overlapc::plan::lower;

use super::{compile, found};

const FINE: [&str; 0] = [];

/// Network `a` with one line of prefixes, `b`, `c` and `d` beside it; `a` is on line 1.
fn site(a: &str, connects: &str) -> String {
    let mut text = format!("network a {{ interface eth1; {a} }}\n");
    for (n, name) in ["b", "c", "d"].into_iter().enumerate() {
        text.push_str(&format!(
            "network {name} {{ interface eth{}; prefix 192.168.1.0/24 as 10.1.{}.0/24 }}\n",
            n + 2,
            n + 2
        ));
    }
    text.push_str(connects);
    text.push('\n');
    text
}

fn in_a(a: &str) -> Vec<String> {
    found(&site(a, "connect a <-> b\nconnect c -> a\nconnect c <-> d"))
}

#[test]
fn ovl0320_every_viewer_has_an_alias() {
    assert_eq!(in_a("prefix 192.168.1.0/24 as 10.1.1.0/24 for b"), ["OVL0320:1"]);
    assert_eq!(in_a("prefix 192.168.1.0/24 as 10.1.1.0/24 for b, 10.2.1.0/24 for c"), FINE);
    assert_eq!(in_a("prefix 192.168.1.0/24 as 10.1.1.0/24 for b, 10.2.1.0/24"), FINE);
    assert_eq!(in_a("prefix 192.168.1.0/24 as 10.1.1.0/24 for *"), FINE);
    assert_eq!(in_a("prefix 192.168.1.0/24"), ["OVL0309:1"], "that is another matter");
    let nested =
        |narrow: &str| in_a(&format!("prefix 192.168.1.0/24 as 10.1.1.0/24; prefix 192.168.1.7 as {narrow}"));
    assert_eq!(nested("10.2.1.7 for b"), ["OVL0320:1"], "a host of a nested mapping, too");
    assert_eq!(nested("10.2.1.7 for b, 10.1.1.7"), FINE, "even if that is its old place");
}

#[test]
fn ovl0320_the_alias_that_is_offered_solves_it() {
    for prefix in ["10.1.1.0/24 for b", "10.1.1.0/24 for d"] {
        let source = site(&format!("prefix 192.168.1.0/24 as {prefix}"), "connect a <-> *");
        let (_, findings, _) = compile(&source);
        let fix = findings[0].fix.as_ref().unwrap();
        let mut fixed = source.clone();
        fixed.replace_range(fix.span.range(), &fix.replacement);
        assert_eq!(found(&fixed), FINE, "{fixed}");
    }
}

#[test]
fn ovl0321_one_alias_for_each_viewer() {
    let a = |aliases: &str| in_a(&format!("prefix 192.168.1.0/24 as {aliases}"));
    assert_eq!(a("10.1.1.0/24, 10.2.1.0/24"), ["OVL0321:1"]);
    assert_eq!(a("10.1.1.0/24, 10.2.1.0/24 for b, 10.3.1.0/24 for b"), ["OVL0321:1"]);
    assert_eq!(a("10.2.1.0/24 for b*, 10.3.1.0/24 for *"), ["OVL0321:1"]);
    assert_eq!(a("10.3.1.0/24 for *, 10.2.1.0/24 for b"), FINE, "a name counts before a pattern");
}

#[test]
fn ovl0322_nobody_is_its_own_viewer() {
    let a = |aliases: &str| in_a(&format!("prefix 192.168.1.0/24 as {aliases}"));
    assert_eq!(a("10.1.1.0/24, 10.2.1.0/24 for a"), ["OVL0322:1"]);
    assert_eq!(a("10.2.1.0/24 for *"), FINE, "a pattern does not mean it");
}

#[test]
fn ovl0323_an_alias_is_for_somebody_who_sees_it() {
    let a = |aliases: &str| in_a(&format!("prefix 192.168.1.0/24 as {aliases}"));
    assert_eq!(a("10.1.1.0/24, 10.2.1.0/24 for d"), ["OVL0323:1"]);
    assert_eq!(a("10.1.1.0/24, 10.2.1.0/24 for d*"), ["OVL0323:1"]);
    assert_eq!(
        a("10.1.1.0/24 for b, 10.3.1.0/24 for c, 10.2.1.0/24 for b*"),
        ["OVL0323:1"],
        "nobody is left"
    );
    assert_eq!(a("10.1.1.0/24, 10.2.1.0/24 for *"), FINE, "that not all see it is no matter");
    let source =
        site("prefix 192.168.1.0/24 as 10.1.1.0/24, 10.2.1.0/24 for d", "connect a -> c\nconnect a -> e");
    assert_eq!(found(&source), ["OVL0202:6"], "it may be because of the error");
}

#[test]
fn unknown_viewers_have_one_finding() {
    let a = |aliases: &str| in_a(&format!("prefix 192.168.1.0/24 as {aliases}"));
    assert_eq!(a("10.1.1.0/24, 10.2.1.0/24 for e"), ["OVL0202:1"]);
    assert_eq!(a("10.1.1.0/24 for e"), ["OVL0202:1"]);
    assert_eq!(a("10.1.1.0/24 for e*, 10.3.1.0/24 for c"), ["OVL0209:1"]);
    let cells = "for n in 1..2 { network cell-{n} { interface c{n}; prefix 192.168.1.0/24 as subnet(10.1.0.0/16, 24, n) for offic-{n} } }\n\
        network office-1 { interface eth9; prefix 172.16.0.0/16 }\nconnect office-1 -> cell-*\n";
    let (_, findings, _) = compile(cells);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].primary.text.contains("(n = 1)"), "{:?}", findings[0].primary.text);
}

#[test]
fn ovl0304_whoever_sees_two_networks_tells_them_apart() {
    let two = |second: &str, connects: &str| {
        found(&format!(
            "network a {{ interface a; prefix 192.168.1.0/24 as 10.1.1.0/24, 10.9.0.0/24 for c }}\n\
             network b {{ interface b; prefix 192.168.1.0/24 as {second} }}\n\
             network c {{ interface c; prefix 172.16.0.0/16 }}\nnetwork d {{ interface d; prefix 172.17.0.0/16 }}\n{connects}\n"
        ))
    };
    let both = "connect c -> a\nconnect c -> b\nconnect d -> b";
    assert_eq!(two("10.1.2.0/24, 10.9.0.0/24 for c", both), ["OVL0304:2"]);
    assert_eq!(two("10.1.2.0/24, 10.9.0.0/24 for d", both), FINE);
    let apart = "connect c -> a\nconnect d -> b";
    assert_eq!(two("10.9.0.0/24", apart), FINE, "d does not see a");
    assert_eq!(two("10.9.0.0/24", both), ["OVL0304:2"]);
    assert_eq!(two("10.1.1.0/24", apart), ["OVL0304:2"], "two without `for` stay apart everywhere");
}

#[test]
fn ovl0305_and_ovl0307_count_for_those_who_see_the_alias() {
    let a = |aliases: &str| {
        found(&format!(
            "network a {{ interface a; address 192.168.1.1/24; prefix 192.168.1.0/24 as {aliases} }}\n\
             network b {{ interface b; prefix 172.16.1.0/24 as 10.1.2.0/24 }}\nnetwork c {{ interface c; address 172.17.1.1/16; prefix 172.17.1.0/24 }}\n\
             connect b <-> a\nconnect a -> c\n"
        ))
    };
    assert_eq!(a("10.1.1.0/24, 172.16.1.0/24 for c"), FINE, "c does not see b");
    assert_eq!(a("10.1.1.0/24, 172.16.1.0/24 for b"), ["OVL0305:1"]);
    assert_eq!(a("10.1.1.0/24, 172.17.1.0/24 for c"), ["OVL0305:1"], "without an alias, too");
    assert_eq!(a("10.1.1.0/24, 172.17.2.0/24 for b"), FINE);
    assert_eq!(a("10.1.1.0/24, 172.17.2.0/24 for c"), ["OVL0307:1"]);
    assert_eq!(a("10.1.1.0/24, 10.1.2.0/25 for b"), ["OVL0301:1"]);
    assert_eq!(a("10.1.1.0/24, fd00::/64 for b"), ["OVL0302:1"]);
    assert_eq!(a("10.1.1.0/24, 10.1.3.1/24 for b"), ["OVL0303:1"]);
    assert_eq!(a("10.1.1.0/24, 224.0.0.0/24 for b"), ["OVL0308:1"]);
}

#[test]
fn ovl0310_a_pair_may_share_what_it_alone_has() {
    let shared = |a: &str, b: &str, rest: &str| {
        found(&format!(
            "network a {{ interface a; prefix 192.168.1.0/24 as {a} }}\nnetwork b {{ interface b; prefix 192.168.1.0/24 as {b} }}\n\
             network c {{ interface c; prefix 192.168.1.0/24 as 10.1.3.0/24 }}\nconnect a <-> b\nconnect a -> c\nconnect b -> c\n{rest}"
        ))
    };
    assert_eq!(shared("10.9.0.0/24 for b, 10.1.1.0/24", "10.9.0.0/24 for a, 10.1.2.0/24", ""), ["OVL0310:2"]);
    assert_eq!(shared("10.9.0.0/24 for b, 10.1.1.0/24", "10.1.2.0/24", ""), FINE);
    let third = "network d { interface d; prefix 192.168.1.0/24 as 10.9.0.0/24 for e }\n\
                 network e { interface e; prefix 172.16.0.0/16 }\nconnect e -> d\n";
    assert_eq!(
        shared("10.9.0.0/24 for b, 10.1.1.0/24", "10.9.0.0/24 for a, 10.1.2.0/24", third),
        ["OVL0304:2"],
        "the replies of the pair have no zone"
    );
}

#[test]
fn ovl0310_a_network_shares_with_one_other_only() {
    let source = "network a { interface a; prefix 192.168.1.0/24 as 10.1.1.0/24; prefix 192.168.2.0/24 as 10.1.2.0/24 }\n\
        network b { interface b; prefix 192.168.1.0/24 as 10.1.1.0/24 }\nnetwork c { interface c; prefix 192.168.1.0/24 as 10.1.2.0/24 }\n\
        connect a <-> b\nconnect a <-> c\n";
    assert_eq!(found(source), ["OVL0310:2", "OVL0304:3"]);
}

#[test]
fn ovl0312_a_number_means_one_host_of_a_network_to_all() {
    let a = |narrow: &str| {
        in_a(&format!(
            "prefix 192.168.1.0/24 as 10.1.1.0/24, 10.2.1.0/24 for c; prefix 192.168.5.0/24 as {narrow}"
        ))
    };
    assert_eq!(a("10.1.5.0/24"), FINE);
    assert_eq!(a("10.1.5.0/24, 10.1.1.0/24 for c"), ["OVL0312:1"]);
}

#[test]
fn ovl0313_a_mapping_that_changes_something_for_somebody_is_no_repetition() {
    let a = |wide: &str| in_a(&format!("prefix 192.168.1.0/24 as {wide}; prefix 192.168.1.7 as 10.1.1.7"));
    assert_eq!(a("10.1.1.0/24"), ["OVL0313:1"]);
    assert_eq!(a("10.1.1.0/24, 10.2.1.0/24 for c"), FINE, "c knows it by its place in the other alias");
}

#[test]
fn masqueraded_networks_see_nobody() {
    let text = |known: &str, nodes: &str| {
        found(&format!(
            "network a {{ interface a; prefix 192.168.1.0/24 }}\nnetwork b {{ interface b; prefix 192.168.1.0/24 }}\n\
             network m {{ interface m; address 192.168.1.1/24; prefix 192.168.1.0/24 as {known}; nodes {nodes} }}\n\
             connect a -> m\nconnect b -> m\n"
        ))
    };
    assert_eq!(text("10.9.0.0/24", "masqueraded"), FINE, "no other network sees a or b");
    assert_eq!(text("10.9.0.0/24", "routed"), ["OVL0309:2"]);
    assert_eq!(text("10.9.0.0/24 for a", "masqueraded"), ["OVL0320:3"]);
    let masqueraded = |a: &str, names: &[&str]| {
        let mut text = site(a, "connect a -> *");
        for name in names {
            let (start, masked) =
                (format!("network {name} {{ "), "address 192.168.1.1/24; nodes masqueraded; ");
            text = text.replace(&start, &format!("{start}{masked}"));
        }
        found(&text)
    };
    let a = "prefix 192.168.1.0/24 as 10.1.1.0/24 for b";
    assert_eq!(masqueraded(a, &["c", "d"]), FINE, "they need no alias");
    assert_eq!(masqueraded(a, &["c"]), ["OVL0320:1"]);
    let a = "prefix 192.168.1.0/24 as 10.1.1.0/24, 10.2.1.0/24 for c";
    assert_eq!(masqueraded(a, &["c"]), ["OVL0323:1"]);
}

#[test]
fn ovl0411_pairs_that_need_a_zone_of_their_own_get_a_free_one() {
    let source = "network p { id 1; interface p; prefix 192.168.1.0/24 as 10.9.0.0/24 for a }\n\
        network q { id 3; interface q; prefix 192.168.1.0/24 as 10.9.0.0/24 for b }\n\
        network a { id 4; interface a; prefix 192.168.1.0/24 as 10.1.4.0/24 }\n\
        network b { id 6; interface b; prefix REAL as 10.1.6.0/24 }\nconnect a -> p\nconnect b -> q\n";
    let zones = |real: &str| {
        let (_, findings, site) = compile(&source.replace("REAL", real));
        assert_eq!(findings, []);
        lower(&site.unwrap()).pair_zones().map(|zone| zone.unwrap()).collect::<Vec<u16>>()
    };
    assert_eq!(zones("192.168.1.0/24"), [5, 65535]);
    assert_eq!(zones("192.168.1.128/25 as 10.5.6.0/25; prefix 192.168.2.0/24"), [5, 65535]);
    assert_eq!(zones("192.168.2.0/24"), [5, 5], "their hosts have other numbers");
}

#[test]
fn ovl0411_answers_of_masqueraded_hosts_are_told_apart() {
    // In each pair of callers one has the masqueraded network's zone for replies alone.
    let text = |second: &str| {
        let mut text = String::new();
        for (n, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
            text.push_str(&format!(
                "network {name} {{ interface {name}; prefix 192.168.1.0/24 as 10.1.{n}.0/24 }}\n"
            ));
        }
        for (name, own, known) in [("m", 4, "10.9.0.0/24 for a, 10.9.0.0/24 for b"), ("n", 5, second)] {
            text.push_str(&format!(
                "network {name} {{ interface {name}; address 192.168.1.1/24; prefix 192.168.1.0/24 as 10.1.{own}.0/24, {known}; nodes masqueraded }}\n"
            ));
        }
        text + "connect a -> m\nconnect b -> m\nconnect c -> n\nconnect d -> n\n"
    };
    assert_eq!(found(&text("10.9.1.0/24 for c, 10.9.1.0/24 for d")), FINE);
    assert_eq!(found(&text("10.9.0.0/24 for c")), FINE, "c and d do not look alike");
    assert_eq!(found(&text("10.9.0.0/24 for c, 10.9.0.0/24 for d")), ["OVL0411:10"]);
}

#[test]
fn ovl0411_names_the_pair_or_the_network_for_which_no_number_is_left() {
    // 4 xor 65281 is 7 xor 65282. The ids of the last ones are zones already; what is left goes to their own traffic.
    let title = |more: usize| {
        let (_, findings, _) = compile(&format!(
            "for n in 1..254 {{\nnetwork high-{{n}} {{ id 256 * n; interface high{{n}}; prefix 192.168.0.0/24 as subnet(10.1.0.0/16, 24, n) }}\n}}\n\
             for n in 1..252 {{\nnetwork low-{{n}} {{ id n; interface low{{n}}; prefix 192.168.0.0/24 as subnet(10.2.0.0/16, 24, n) }}\n}}\n\
             network press {{ id 65281; interface press0; prefix 192.168.0.0/24 as 10.9.0.0/24 for low-4 }}\n\
             network saw {{ id 65282; interface saw0; prefix 192.168.0.0/24 as 10.9.0.0/24 for low-7 }}\n\
             connect low-* -> high-*\nconnect low-4 -> press\nconnect low-7 -> saw\n\
             for n in 1..{more} {{\nnetwork f-{{n}} {{ interface f{{n}}; prefix subnet(172.16.0.0/16, 32, n) }}\n}}\n"
        ));
        let found = findings.into_iter().find(|finding| finding.code.as_str() == "OVL0411");
        found.map(|finding| finding.title)
    };
    assert_eq!(title(506), None);
    assert!(title(507).unwrap().ends_with("for networks `low-7` and `saw`"));
    assert!(title(508).unwrap().ends_with("own traffic with network `f-506`"));
}

#[test]
fn ovl0323_a_pattern_of_which_nothing_is_left_is_not_a_missing_connect() {
    let label = |a: &str| {
        let (_, findings, _) = compile(&site(a, "connect a <-> b\nconnect c -> a\nconnect c <-> d"));
        let found = findings.into_iter().find(|finding| finding.code.as_str() == "OVL0323").unwrap();
        found.primary.text
    };
    let taken = "prefix 192.168.1.0/24 as 10.1.1.0/24 for b, 10.2.1.0/24 for b*, 10.3.1.0/24 for c";
    assert!(label(taken).contains("written out at another alias"));
    let itself = "prefix 192.168.1.0/24 as 10.1.1.0/24, 10.2.1.0/24 for a*";
    assert_eq!(label(itself), "matches this network alone");
    let stranger = "prefix 192.168.1.0/24 as 10.1.1.0/24, 10.2.1.0/24 for d*";
    assert!(label(stranger).starts_with("no `connect` is about"));
}
