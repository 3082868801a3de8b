//! Rules of `connect` blocks: OVL022x, OVL042x, and what they come to where nothing is wrong.

use std::fmt::Write;

use overlapc::model::{Action, Service};

use super::{A, B, compile, found};

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
    let rules = "allow tcp 22, 30000-30100 from hmi to plc, 172.16.0.0/28\nallow udp\ndeny icmp echo-request from a\nallow 47\nallow 6 80\ndeny";
    assert_eq!(
        lists(&format!("{PAIR}connect a -> b {{\n{rules}\n}}\n")),
        [
            "a>b: allow 6 [(22, 22), (30000, 30100)] <192.168.1.20/32 >192.168.1.11/32 >172.16.0.0/28; allow 17; deny icmp 1; allow 47; allow 6 [(80, 80)]; deny;"
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
    assert_eq!(found(&site), ["OVL0228:5"]);
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
