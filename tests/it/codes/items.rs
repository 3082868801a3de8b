//! Lists of ports, types and hosts in one rule: OVL0422.

use super::{A, compile, found};

const FINE: [&str; 0] = [];

/// Two networks with equal numbers, `hmi` in `a` and `plc` in `b`.
const PAIR: &str = "network a { interface eth1; prefix 192.168.1.0/24 as 10.1.1.0/24; host hmi 192.168.1.20 }
network b { interface eth2; prefix 192.168.1.0/24 as 10.1.2.0/24; prefix fd00:2::/64; host plc 192.168.1.11 }
";

/// The only finding about a rule in `connect a ARROW b`: its code, title, and the rule as the fix makes it.
fn mended(arrow: &str, rule: &str) -> (String, String) {
    let source = format!("{PAIR}connect a {arrow} b {{\n{rule}\n}}\n");
    let (_, findings, _) = compile(&source);
    let [finding] = findings.as_slice() else { panic!("{rule}: {findings:#?}") };
    assert_eq!(finding.code.as_str(), "OVL0422");
    let mut text = source.clone();
    if let Some(fix) = &finding.fix {
        assert!(!fix.safe);
        text.replace_range(fix.span.range(), &fix.replacement);
    }
    (finding.title.clone(), text.lines().nth(3).unwrap().to_owned())
}

#[test]
fn ovl0422_an_item_that_another_one_holds_is_needless() {
    let cases = [
        ("tcp 80, 443, 80", "`80` stands twice in one list", "tcp 80, 443"),
        ("tcp 80, 70-90", "`80` adds nothing to `70-90` in the same list", "tcp 70-90"),
        (
            "udp 70-90, 53, 71-72 from hmi",
            "`71-72` adds nothing to `70-90` in the same list",
            "udp 70-90, 53 from hmi",
        ),
        ("icmp echo-request, echo-request", "`echo-request` stands twice in one list", "icmp echo-request"),
        ("from hmi, 192.168.1.20", "`192.168.1.20` adds nothing to `hmi` in the same list", "from hmi"),
        ("from a, a to plc", "`a` stands twice in one list", "from a to plc"),
        ("from hmi, a", "`hmi` adds nothing to `a` in the same list", "from a"),
        (
            "to 192.168.1.9, 192.168.1.0/24",
            "`192.168.1.9` adds nothing to `192.168.1.0/24` in the same list",
            "to 192.168.1.0/24",
        ),
        (
            "to fd00:2::1, plc, fd00:2::/96",
            "`fd00:2::1` adds nothing to `fd00:2::/96` in the same list",
            "to plc, fd00:2::/96",
        ),
    ];
    for (rule, title, rest) in cases {
        assert_eq!(
            mended("->", &format!("allow {rule}")),
            (title.to_owned(), format!("allow {rest}")),
            "{rule}"
        );
    }
    let overlap = mended("->", "allow tcp 70-80, 80-90");
    assert_eq!(
        overlap,
        ("`80-90` overlaps `70-80` in the same list".to_owned(), "allow tcp 70-80, 80-90".to_owned())
    );
    assert_eq!(mended("<->", "allow tcp from a, hmi to b\nallow icmp").1, "allow tcp from a to b");
}

#[test]
fn ovl0422_items_that_do_not_overlap_are_needed() {
    let with =
        |arrow: &str, rule: &str| found(&format!("{PAIR}connect a {arrow} b {{\n{rule}\nallow icmp\n}}\n"));
    for rule in [
        "allow tcp 80, 81-90, 91",
        "allow icmp echo-request, timestamp-request\nallow udp",
        "allow to plc, fd00:2::/64",
        "allow to 192.168.1.0/28, 192.168.1.16/28",
        "allow tcp 80 to plc\nallow udp 80 to plc",
    ] {
        let rule = rule.replace("allow icmp echo", "deny icmp echo");
        assert_eq!(with("->", &rule), FINE, "{rule}");
    }
    assert_eq!(with("<->", "allow from a, b to 192.168.1.7"), FINE, "one for each direction");
}

#[test]
fn ovl0422_what_some_network_of_a_pattern_needs_is_needed() {
    let site = |second: &str, to: &str| {
        let cell = |n: usize, plc: &str| {
            format!(
                "network c{n} {{ interface c{n}; prefix 192.168.0.0/24 as 10.0.{n}.0/24; host plc 192.168.0.{plc} }}\n"
            )
        };
        let cells = cell(1, "5") + &cell(2, second);
        found(&format!("{A}{cells}connect a -> c* {{\nallow to {to}\n}}\n"))
    };
    assert_eq!(site("6", "plc, 192.168.0.0/25"), ["OVL0422:5"]);
    assert_eq!(site("200", "plc, 192.168.0.0/25"), FINE, "the second one's host is not in the prefix");
    assert_eq!(site("6", "c*, c1"), ["OVL0422:5"]);
}

#[test]
fn ovl0422_inside_a_for_only_what_is_the_same_in_every_round_is_reported() {
    let site = |rule: &str| {
        found(&format!("{PAIR}for n in 1..1 {{ let p = 80\nconnect a -> b {{\n{rule}\n}}\n}}\n"))
    };
    assert_eq!(site("allow tcp p, 80, \"{p + n - 1}\""), FINE);
    assert_eq!(site("allow tcp p, 80, 70-80"), ["OVL0422:5"]);
    assert_eq!(site("allow tcp p to plc, plc"), ["OVL0422:5"]);
    assert_eq!(site("allow tcp p to plc, (host(192.168.1.0/24, 10 + n))"), FINE);
}
