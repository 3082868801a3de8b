//! Rules of `connect` blocks: OVL0217 to OVL0227, OVL0412 to OVL0417 and OVL0421, and what they come to where
//! nothing is wrong.

use std::fmt::Write;

use overlapc::model::{Action, Service};

use super::{A, compile, found};

const FINE: [&str; 0] = [];

/// Two networks with equal numbers and a host `plc` each; `hmi` is in `a` alone.
const PAIR: &str = "network a { interface eth1; prefix 192.168.1.0/24 as 10.1.1.0/24; prefix fd00:1::/64; host hmi 192.168.1.20; host plc 192.168.1.10 }
network b { interface eth2; prefix 192.168.1.0/24 as 10.1.2.0/24; prefix 172.16.0.0/24; prefix fd00:2::/64; host plc 192.168.1.11; host cam 172.16.0.9 }
";

/// The findings of `connect a ARROW b` with these rules; they begin at line 4.
fn in_block(arrow: &str, rules: &str) -> Vec<String> {
    found(&format!("{PAIR}connect a {arrow} b {{\n{rules}\n}}\n"))
}

/// The lists of both networks' peerings as short texts: `a>b allow tcp...`.
fn lists(source: &str) -> Vec<String> {
    let (_, findings, site) = compile(source);
    assert_eq!(findings, []);
    let site = site.unwrap();
    let site = site.site();
    let mut lists = Vec::new();
    for peering in &site.peerings {
        let name = |id| site.network(id).name.value.as_str();
        let mut text = format!("{}>{}:", name(peering.from), name(peering.to));
        for rule in &site.rule_lists[peering.rules.unwrap().0].rules {
            text.push_str(if rule.action == Action::Allow { " allow" } else { " deny" });
            match &rule.service {
                Service::Any => {}
                Service::Protocol(number) => write!(text, " {number}").unwrap(),
                Service::Ports(number, ports) => write!(text, " {number} {ports:?}").unwrap(),
                Service::Icmp(types) => write!(text, " icmp {}", types.len()).unwrap(),
            }
            for net in &rule.from {
                write!(text, " <{}", net.value).unwrap();
            }
            for net in &rule.to {
                write!(text, " >{}", net.value).unwrap();
            }
            text.push(';');
        }
        lists.push(text);
    }
    lists
}

#[test]
fn rules_of_a_one_way_block_are_about_connections_from_left_to_right() {
    let rules = "allow tcp 22, 30000-30100 from hmi to plc, 172.16.0.0/28\nallow udp\ndeny icmp echo-request from a\nallow 47\nallow 6 80\nallow icmp";
    assert_eq!(
        lists(&format!("{PAIR}connect a -> b {{\n{rules}\n}}\n")),
        [
            "a>b: allow 6 [(22, 22), (30000, 30100)] <192.168.1.20/32 >192.168.1.11/32 >172.16.0.0/28; allow 17; deny icmp 1; allow 47; allow 6 [(80, 80)]; allow icmp 0;"
        ]
    );
}

#[test]
fn rules_of_a_two_way_block_go_where_they_fit() {
    let rules = "allow udp 53\nallow tcp 22 from hmi\nallow tcp 23 to hmi\nallow tcp 24 from a to plc\nallow tcp 25 to cam\nallow tcp 26 from b to 192.168.1.10";
    assert_eq!(
        lists(&format!("{PAIR}connect a <-> b {{\n{rules}\n}}\n")),
        [
            "a>b: allow 17 [(53, 53)]; allow 6 [(22, 22)] <192.168.1.20/32; allow 6 [(24, 24)] >192.168.1.11/32; allow 6 [(25, 25)] >172.16.0.9/32;",
            "b>a: allow 17 [(53, 53)]; allow 6 [(23, 23)] >192.168.1.20/32; allow 6 [(26, 26)] >192.168.1.10/32;"
        ]
    );
}

#[test]
fn hosts_of_a_pattern_are_those_of_each_network() {
    let cells: String = (1..=3)
        .map(|n| {
            format!("network cell-{n} {{ interface c{n}; prefix 10.0.{n}.0/24; host plc 10.0.{n}.5 }}\n")
        })
        .collect();
    let site = format!("{A}{cells}connect a -> cell-* {{\nallow tcp 22 to plc\nallow udp to cell-2\n}}\n");
    assert_eq!(
        lists(&site),
        [
            "a>cell-1: allow 6 [(22, 22)] >10.0.1.5/32;",
            "a>cell-2: allow 6 [(22, 22)] >10.0.2.5/32; allow 17;",
            "a>cell-3: allow 6 [(22, 22)] >10.0.3.5/32;"
        ]
    );
    // Between cells either direction is meant where a pattern says so.
    let site = format!("{cells}connect cell-* <-> cell-* {{\nallow tcp 22 from cell-* to plc\n}}\n");
    assert_eq!(lists(&site).len(), 6);
    let site = format!("{cells}connect cell-* <-> cell-* {{\nallow tcp 22 to plc\n}}\n");
    assert_eq!(found(&site), ["OVL0225:5"]);
}

#[test]
fn equal_lists_of_one_block_are_one() {
    let cells: String = (0..50)
        .map(|n| {
            let host = if n < 25 { 5 } else { 6 };
            format!("network c{n} {{ interface c{n}; prefix 192.168.0.0/24 as 10.0.{n}.0/24; host plc 192.168.0.{host} }}\n")
        })
        .collect();
    let site = format!("{A}{cells}connect a -> c* {{\nallow tcp 22 to plc\nallow tcp 502\n}}\n");
    let (.., site) = compile(&site);
    assert_eq!(site.unwrap().site().rule_lists.len(), 2);
    let site = format!(
        "{A}{cells}for n in 0..49 {{ connect a -> c{{n}} {{\nallow tcp 22 to plc\nallow tcp 502\n}} }}\n"
    );
    let (.., site) = compile(&site);
    assert_eq!(site.unwrap().site().rule_lists.len(), 2);
}

/// Rules that are tried in a block each: all of `wrong` have this finding, and `right` have none.
fn each(code: &str, arrow: &str, wrong: &[&str], right: &[&str]) {
    for rule in wrong {
        let found: Vec<String> = in_block(arrow, rule);
        assert!(!found.is_empty() && found.iter().all(|it| *it == format!("{code}:4")), "{rule}: {found:?}");
    }
    for rule in right {
        assert_eq!(in_block(arrow, rule), FINE, "{rule}");
    }
}

/// The replacement text of the only finding of a rule.
fn fix(arrow: &str, rule: &str) -> String {
    let (_, findings, _) = compile(&format!("{PAIR}connect a {arrow} b {{\n{rule}\n}}\n"));
    assert_eq!(findings.len(), 1, "{rule}: {findings:#?}");
    findings[0].fix.as_ref().unwrap().replacement.clone()
}

#[test]
fn ovl0217_protocols_are_those_that_packets_have() {
    let wrong = ["tpc 22", "256", "0", "44", "60", "icmpv6", "ssh", "all"].map(|it| format!("allow {it}"));
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let right =
        ["allow any", "allow gre", "allow 255", "allow 0x2f", "allow ah", "allow 58", "allow 1 echo-request"];
    each("OVL0217", "->", &wrong, &right);
    assert_eq!(fix("->", "allow ipv6-icmp"), "icmp");
    assert_eq!(fix("->", "allow TCP"), "tcp");
    assert_eq!(fix("->", "allow ssh"), "tcp 22");
    assert_eq!(fix("->", "allow 0"), "any");
    // A port without its protocol.
    assert_eq!(fix("->", "allow 443"), "tcp 443");
    assert_eq!(fix("->", "allow 22/tcp"), "tcp 22");
    assert_eq!(fix("->", "allow UDP:5000-5010"), "udp 5000-5010");
    let (_, findings, _) = compile(&format!("{PAIR}connect a -> b {{ allow 8080 }}\n"));
    assert_eq!(findings[0].help.as_deref(), Some("write `tcp 8080` or `udp 8080`"));
}

#[test]
fn ovl0421_a_number_that_everybody_knows_as_a_port_is_no_protocol() {
    let wrong = ["allow 22", "deny 80 from hmi\nallow icmp", "allow 161", "allow 200 log"];
    let right =
        ["allow 253", "allow 47", "allow 1", "allow 58", "allow 88", "allow 0x16", "allow 6", "allow 107"];
    each("OVL0421", "->", &wrong, &right);
    assert_eq!(fix("->", "allow 22"), "tcp 22");
    assert_eq!(fix("->", "deny 161 to cam\nallow icmp"), "udp 161");
    let each_port = "for n in 22..23 { connect a -> b { allow \"{n}\" } }\n";
    let (_, findings, _) = compile(&format!("{PAIR}{each_port}"));
    let warning = findings.iter().find(|finding| finding.code.as_str() == "OVL0421").unwrap();
    assert_eq!(
        (warning.primary.text.as_str(), &warning.fix),
        ("matches nothing of TCP or UDP (n = 22)", &None)
    );
}

#[test]
fn ovl0218_ports_are_from_1_to_65535() {
    let wrong = ["tcp 0", "tcp 65536", "udp 0-7", "udp 7-65536", "tcp 9-8", "sctp ssh", "tcp 1-2-3"];
    let wrong = wrong.map(|it| format!("allow {it}"));
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let right =
        ["allow tcp 1, 65535", "allow udp 1-65535", "allow udplite 7-7", "allow 33 5", "allow tcp 0x50"];
    each("OVL0218", "->", &wrong, &right);
    assert_eq!(fix("->", "allow tcp 9-8"), "8-9");
    assert_eq!(fix("->", "allow tcp 80:90"), "80-90");
    assert_eq!(fix("->", "allow tcp ssh"), "22");
    // A name is a port if a `let` says so.
    let named =
        |rule: &str| found(&format!("{PAIR}let modbus = 502\nconnect a -> b {{ allow tcp {rule} }}\n"));
    assert_eq!(named("modbus"), FINE);
    assert_eq!(named("1-{modbus}"), FINE);
    assert_eq!(named("1{modbus}-1{modbus - 1}"), ["OVL0218:4"]);
}

#[test]
fn ovl0219_only_some_protocols_have_ports() {
    each("OVL0219", "->", &["allow gre 7", "allow any 22", "allow 50 7"], &["allow dccp 7", "allow sctp"]);
    assert_eq!(fix("->", "allow 22 tcp"), "tcp 22");
    assert_eq!(fix("->", "allow 8000-8010 UDP from hmi"), "udp 8000-8010");
}

#[test]
fn ovl0220_icmp_messages_are_requests() {
    let wrong = [
        "allow icmp destination-unreachable",
        "allow icmp echo-reply",
        "allow icmp 8",
        "allow icmp redirect",
        "deny icmp router-advertisement",
        "allow icmp x",
    ];
    let all = "allow icmp echo-request, timestamp-request, information-request, address-mask-request, node-information";
    each("OVL0220", "->", &wrong, &["allow icmp", all]);
    assert_eq!(fix("->", "allow icmp ping"), "echo-request");
    assert_eq!(fix("->", "allow icmp echo-reply"), "echo-request");
}

#[test]
fn ovl0221_hosts_are_declared_in_their_network() {
    let wrong = ["allow to plx", "allow from cams", "allow to d*"];
    each("OVL0221", "->", &wrong, &["allow to plc", "allow from \"hmi\""]);
    each("OVL0221", "<->", &["allow from nobody"], &[]);
    assert_eq!(fix("->", "allow to plx"), "plc");
    let cells = "network c1 { interface c1; prefix 10.0.1.0/24; host plc 10.0.1.5 }\nnetwork c2 { interface c2; prefix 10.0.2.0/24 }\n";
    let (_, findings, _) =
        compile(&format!("{A}{cells}connect a -> c* {{\nallow to plc\nallow tcp to plc\n}}\n"));
    let titles: Vec<&str> = findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(titles, ["no host `plc` in network `c2`"; 2], "one a rule, which names the network");
    // A network that could not be made may have the host.
    let d = "network d { interface d; prefix 10.0.1.0/24; prefix x; host plc 10.0.1.1 }\n";
    assert_eq!(found(&format!("{A}{d}connect a -> d {{ allow to plc }}\n")), ["OVL0201:2"]);
}

#[test]
fn ovl0222_hosts_are_on_their_side() {
    let wrong = ["from cam", "to hmi", "from 172.16.0.9", "from b", "to a", "from 10.1.2.7"];
    let wrong = wrong.map(|it| format!("allow {it}"));
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    each("OVL0222", "->", &wrong, &["allow from a to b", "allow from hmi to cam", "allow from 192.168.1.11"]);
    each("OVL0222", "<->", &["allow from hmi, cam", "allow from hmi to hmi"], &[]);
    let c = "network c { interface eth3; prefix 10.9.0.0/16; host nas 10.9.0.1 }\nconnect a -> c\n";
    let site = format!("{PAIR}{c}connect a -> b {{\nallow to nas\nallow to c\n}}\n");
    assert_eq!(found(&site), ["OVL0222:6", "OVL0222:7"]);
}

#[test]
fn ovl0223_addresses_are_in_the_network() {
    each(
        "OVL0223",
        "->",
        &["allow to 8.8.8.8", "allow from 172.17.0.0/16", "allow to fd00:2::1, fd00:3::1"],
        &["allow to 0.0.0.0/0", "allow to 172.16.0.0/12, fd00:2::1", "allow from 192.168.0.0/16"],
    );
    each("OVL0223", "<->", &["allow to 8.8.8.8"], &["allow from a to 172.16.0.0/12\nallow icmp"]);
}

#[test]
fn ovl0224_rules_are_about_real_addresses() {
    let wrong = ["allow to 10.1.2.7", "allow from 10.1.1.0/25"];
    each("OVL0224", "->", &wrong, &["allow from 192.168.1.0/25"]);
    assert_eq!(fix("->", "allow to 10.1.2.7"), "192.168.1.7");
    assert_eq!(fix("->", "allow to 10.1.2.128/25"), "192.168.1.128/25");
    assert_eq!(fix("<->", "allow to 10.1.2.7"), "192.168.1.7");
}

#[test]
fn ovl0225_nothing_is_guessed() {
    let wrong = ["to plc", "from 192.168.1.0/24", "from plc to 192.168.1.1", "to 0.0.0.0/0"];
    let wrong = wrong.map(|it| format!("allow {it}"));
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    each("OVL0225", "<->", &wrong, &[]);
    for right in ["tcp from a to plc", "tcp to plc, cam", "tcp from a, plc", "tcp to plc from hmi"] {
        assert_eq!(in_block("<->", &format!("allow {right}\nallow icmp")), FINE, "{right}");
    }
    let named = |rule: &str| found(&format!("{PAIR}let cam = 172.16.0.8\nconnect a -> b {{\n{rule}\n}}\n"));
    assert_eq!(named("allow to cam"), ["OVL0225:5"]);
    assert_eq!(named("allow to (cam)"), FINE);
    assert_eq!(named("allow to \"cam\"\nallow tcp to (cam)"), FINE);
    let text = "let target = \"plc\"\n";
    assert_eq!(found(&format!("{PAIR}{text}connect a -> b {{ allow to target }}\n")), FINE);
    let same = "network d { interface d; prefix 10.0.1.0/24; host d 10.0.1.1 }\n";
    assert_eq!(found(&format!("{A}{same}connect a -> d {{ allow to d }}\n")), ["OVL0225:3"]);
}

#[test]
fn ovl0226_log_words_are_what_the_kernel_takes() {
    let words = |words: &str| format!("allow log \"{words}\"");
    let wrong = ["", "  ", "a$b", "a\\\"b", "ü", &"x".repeat(29), &format!("{} ", "x".repeat(29))].map(words);
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let right = ["it's fine: %s", &"x".repeat(28), &format!("{} ", "x".repeat(28))].map(words);
    let right: Vec<&str> = right.iter().map(String::as_str).chain(["allow log", "allow log bare"]).collect();
    each("OVL0226", "->", &wrong, &right);
    let rules = "allow tcp log \"x\"\nallow udp log \"y \"\nallow log";
    let (.., site) = compile(&format!("{PAIR}connect a -> b {{\n{rules}\n}}\n"));
    let site = site.unwrap();
    let words = site.site().rule_lists[0].rules.iter().map(|rule| rule.log.clone().unwrap().words);
    assert_eq!(words.collect::<Vec<_>>(), [Some("x ".to_owned()), Some("y ".to_owned()), None]);
}

#[test]
fn ovl0227_rates_are_what_the_kernel_counts() {
    let limit = |rate: &str| format!("allow log limit {rate}");
    let wrong = ["0/minute", "10001/second", "4/day", "10", "10/min", "1.5/hour", "10/fortnight"].map(limit);
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let right = ["10000/second", "5/day", "1/hour", "007/hour"].map(limit);
    let right: Vec<&str> = right.iter().map(String::as_str).collect();
    each("OVL0227", "->", &wrong, &right);
    assert_eq!(fix("->", "allow log limit 10/s"), "10/second");
    assert_eq!(fix("->", "allow log limit 1/day"), "5/day");
}

#[test]
fn ovl0408_and_ovl0412_two_connects_of_a_pair_say_the_same() {
    let said =
        |second: &str| found(&format!("{PAIR}connect a -> b {{ allow tcp 22 log; deny }}\n{second}\n"));
    assert_eq!(said("connect a -> b { allow tcp 22 log; deny }"), ["OVL0408:4"]);
    assert_eq!(said("connect b -> a"), FINE);
    for other in ["connect a -> b", "connect a -> b { allow tcp 22 }", "connect a <-> b", "connect * -> b"] {
        assert_eq!(said(other), ["OVL0412:4"], "{other}");
    }
    assert_eq!(said("connect a <-> b { allow tcp 22 log; deny }"), ["OVL0408:3"]);
    // A block with a mistake has nothing to compare.
    assert_eq!(said("connect a -> b { allow tpc 22 }"), ["OVL0217:4"]);
    let site = format!("{PAIR}for n in 1..3 {{ connect a -> b {{ allow tcp 2{{n}} }} }}\n");
    assert_eq!(found(&site), ["OVL0412:3"]);
}

#[test]
fn ovl0413_a_block_allows_something_in_every_direction_it_has() {
    assert_eq!(in_block("->", ""), ["OVL0413:3"]);
    assert_eq!(in_block("->", "deny tcp 22"), ["OVL0413:3"]);
    assert_eq!(in_block("<->", "allow to cam"), ["OVL0413:3"]);
    assert_eq!(in_block("<->", "allow to cam\nallow to hmi"), FINE);
    let (_, findings, _) = compile(&format!("{PAIR}connect a <-> b {{ allow to cam }}\n"));
    assert_eq!(findings[0].help.as_deref(), Some("write `a -> b`"));
    // One cell that can be reached is enough for a pattern, and cells have no left and right.
    let cells =
        "network c1 { interface c1; prefix 10.0.1.0/24 }\nnetwork c2 { interface c2; prefix 10.0.2.0/24 }\n";
    assert_eq!(found(&format!("{A}{cells}connect a -> c* {{ allow to c2 }}\n")), FINE);
    assert_eq!(found(&format!("{cells}connect c* <-> c* {{ allow from c1 }}\n")), FINE);
}

#[test]
fn ovl0414_a_rule_is_about_some_packet() {
    let wrong = ["tcp from hmi to fd00:2::1", "icmp node-information to cam", "ah to fd00:2::1"];
    let wrong = wrong.map(|rule| format!("allow {rule}\nallow udp"));
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let right = ["allow tcp from hmi, fd00:1::1 to fd00:2::1", "allow ah to fd00:2::1, cam"];
    each("OVL0414", "->", &wrong, &right);
    assert_eq!(in_block("<->", "allow from a to a\nallow icmp"), ["OVL0414:4"]);
}

#[test]
fn ovl0414_no_rule_is_about_the_gateway_alone() {
    let pair = |a: &str, b: &str| {
        format!(
            "network a {{ interface eth1; address {a}/24; prefix 192.168.1.0/24 as 10.1.1.0/24 }}\nnetwork b {{ interface eth2; address {b}/24; prefix 192.168.1.0/24 as 10.1.2.0/24; prefix fd00:2::/64; address fd00:2::1/64 }}\n"
        )
    };
    let with = |rule: &str| {
        found(&format!("{}connect a -> b {{\n{rule}\nallow icmp\n}}\n", pair("192.168.1.1", "192.168.1.2")))
    };
    for rule in [
        "allow to 192.168.1.2",
        "deny tcp from 192.168.1.1",
        "allow to 192.168.1.255, 192.168.1.2",
        "allow to fd00:2::",
    ] {
        assert_eq!(with(rule), ["OVL0414:4"], "{rule}");
    }
    for rule in [
        "allow to 192.168.1.1",
        "allow to 192.168.1.2, 192.168.1.3",
        "allow to 192.168.1.2/31",
        "allow from 192.168.1.2",
    ] {
        assert_eq!(with(rule), FINE, "{rule}");
    }
    // It is a host's address in another network of the pattern.
    let cells = pair("192.168.1.1", "192.168.1.2");
    let office = "network c { interface eth3; prefix 172.16.0.0/16 }\n";
    assert_eq!(found(&format!("{cells}{office}connect c -> * {{\nallow to 192.168.1.1\n}}\n")), FINE);
    let both = "network c { interface eth3; prefix 172.16.0.0/16 }\nconnect c -> a {\nallow to 192.168.1.2\n}\nconnect c -> b\n";
    assert_eq!(found(&format!("{cells}{both}")), FINE);
}

#[test]
fn ovl0415_to_ovl0417_rules_have_an_effect() {
    let mixed = "deny tcp 22 to cam\nallow tcp 1-1023\n";
    assert_eq!(in_block("->", &format!("{mixed}allow tcp 22, 23")), ["OVL0415:6"]);
    assert_eq!(in_block("->", &format!("{mixed}allow tcp 23")), ["OVL0417:6"]);
    assert_eq!(in_block("->", &format!("{mixed}deny tcp 23")), ["OVL0416:6"]);
    assert_eq!(in_block("->", &format!("{mixed}deny tcp 1024, 23")), FINE);
    // Neither of two alone, but both together.
    assert_eq!(in_block("->", "allow udp 1-100\nallow udp 101-200\ndeny udp 100-101"), ["OVL0416:6"]);
    // A later rule does the same, unless one between them or a log makes a difference.
    assert_eq!(in_block("->", "allow tcp 22 to cam\nallow tcp"), ["OVL0417:4"]);
    assert_eq!(in_block("->", "allow tcp 22 to cam\ndeny tcp 22\nallow tcp"), FINE);
    assert_eq!(in_block("->", "allow tcp 22 to cam log\nallow tcp"), FINE);
    assert_eq!(in_block("->", "allow tcp 22 to cam\nallow tcp log"), FINE);
    // The end of a block may be written out.
    assert_eq!(in_block("->", "allow tcp\ndeny"), FINE);
    assert_eq!(in_block("->", "allow tcp\ndeny udp\ndeny log"), FINE);
    // All prefixes of a network are every host of it.
    assert_eq!(in_block("->", "allow from 192.168.1.0/24, fd00:1::/64\ndeny tcp"), ["OVL0416:5"]);
    assert_eq!(in_block("->", "allow from 192.168.1.0/24\ndeny tcp"), FINE);
}

#[test]
fn ovl0416_a_rule_of_a_pattern_has_an_effect_somewhere() {
    let cells = |second: &str| {
        let host = "host plc 10.0.1.5";
        format!(
            "network c1 {{ interface c1; prefix 10.0.1.5; {host} }}\nnetwork c2 {{ interface c2; {second} }}\n"
        )
    };
    let site = |second| format!("{A}{}connect a -> c* {{\nallow to plc\ndeny tcp\n}}\n", cells(second));
    assert_eq!(found(&site("prefix 10.0.2.5; host plc 10.0.2.5")), ["OVL0416:6"]);
    assert_eq!(found(&site("prefix 10.0.2.0/24; host plc 10.0.2.5")), FINE);
}

#[test]
fn ovl0303_host_bits_of_a_rule_are_found() {
    assert_eq!(in_block("->", "allow to 172.16.0.9/24"), ["OVL0303:4"]);
    assert_eq!(in_block("->", "allow to 172.16.0.9/32"), FINE);
}

#[test]
fn a_word_with_an_interpolation_is_not_replaced_by_one_of_its_values() {
    let fixes = |rule: &str| {
        let (_, findings, _) =
            compile(&format!("{PAIR}for n in 1..2 {{ connect a -> b {{\n{rule}\n}}\n}}\n"));
        findings.into_iter().filter_map(|finding| finding.fix).map(|fix| fix.replacement).collect::<Vec<_>>()
    };
    assert_eq!(fixes("allow tcp 9-8"), ["8-9"]);
    assert_eq!(fixes("allow tcp \"9-8\""), ["8-9"]);
    for rule in [
        "allow tcp \"{9 - n}-{n}\"",
        "allow tc{n}",
        "allow icmp echo-reques{n}",
        "allow tcp to plc{n}",
        "deny tcp log limit \"{n}/minut\"",
    ] {
        assert_eq!(fixes(rule), FINE, "{rule}");
    }
}

#[test]
fn ovl0221_a_pattern_that_matches_no_network_is_not_taken_for_a_host() {
    let said = |rule: &str| {
        let (_, findings, _) = compile(&format!("{PAIR}connect a -> b {{ {rule} }}\n"));
        (findings[0].title.clone(), findings[0].help.clone().unwrap())
    };
    let help = String::from("correct the pattern, or name a host");
    assert_eq!(said("allow tcp from z*"), (String::from("`z*` does not match network `a`"), help));
    assert!(said("allow tcp from zz").1.starts_with("declare it in network `a`, like `host zz "));
}

#[test]
fn a_mistake_in_a_service_hides_none_about_hosts() {
    let rules =
        "allow tpc 22 from hmj to plc\nallow tcp to hmi log limit 1\ndeny tcp 70000 from 192.168.1.5/24";
    assert_eq!(
        in_block("->", rules),
        ["OVL0217:4", "OVL0221:4", "OVL0222:5", "OVL0227:5", "OVL0218:6", "OVL0303:6"]
    );
    assert_eq!(in_block("->", "allow tpc from hmi\nallow udp 5\nallow udp 5"), ["OVL0217:4"]);
    assert_eq!(in_block("<->", "deny tpc"), ["OVL0217:4"], "nothing is said of what it allows");
}

#[test]
fn every_unknown_host_of_a_rule_is_told_and_a_rule_the_wrong_way_round_once() {
    let told = |source: &str| {
        let (sources, findings, _) = compile(source);
        let place = |finding: &overlapc::diag::Diagnostic| {
            format!("{} {}", finding.code.as_str(), sources.text(finding.primary.span))
        };
        findings.iter().map(place).collect::<Vec<String>>()
    };
    let site = |connect: &str| {
        format!(
            "network a {{ interface e1; prefix 192.168.1.0/24 as 10.1.0.0/24; host plc 192.168.1.10; host cam 192.168.1.11 }}\n\
             network b {{ interface e2; prefix 192.168.2.0/24 as 10.2.0.0/24; host hmi 192.168.2.10; host nas 192.168.2.11 }}\n\
             {connect}\n"
        )
    };
    let rule = |rule: &str| told(&site(&format!("connect a -> b {{ {rule} }}")));
    assert_eq!(
        rule("allow from one, plc, two to hmi, three, 172.16.0.1"),
        ["OVL0221 one", "OVL0221 two", "OVL0221 three", "OVL0223 172.16.0.1"]
    );
    assert_eq!(rule("allow from hmi, nas to plc, cam, four"), ["OVL0222 hmi", "OVL0221 four"]);
    assert_eq!(rule("allow from 192.168.2.10 to 192.168.1.10"), ["OVL0222 192.168.2.10"]);
    for both in ["connect a <-> b", "connect b <-> a"] {
        assert_eq!(told(&site(&format!("{both} {{ allow tcp from plc, five to hmi }}"))), ["OVL0221 five"]);
        assert_eq!(told(&site(&format!("{both} {{ allow tcp to plc, six }}"))), ["OVL0221 six"]);
    }
}
