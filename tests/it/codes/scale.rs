//! Large sites: checks must not compare each network with each, and one mistake stays one finding.
//! The limits are generous, so that only a wrong order of growth breaks them.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::{compile, found};

/// A hub and `count` cells with equal real prefixes; `cell` adds to each.
fn hub(count: usize, cell: impl Fn(usize) -> String) -> String {
    let mut source =
        String::from("network hub { interface hub; prefix 172.16.0.0/16 }\nconnect hub <-> c*\n");
    for n in 0..count {
        writeln!(source, "network c{n} {{ interface c{n}; {} }}", cell(n)).unwrap();
    }
    source
}

fn alias(n: usize) -> String {
    format!("10.{}.{}.0/24", n / 256, n % 256)
}

fn timed(source: &str) -> (Vec<String>, Duration) {
    let start = Instant::now();
    let found = found(source);
    (found, start.elapsed())
}

#[test]
fn ten_thousand_networks_are_checked_in_a_moment() {
    let source = hub(10_000, |n| format!("address 192.168.0.1/24; prefix 192.168.0.0/24 as {}", alias(n)));
    let (found, took) = timed(&source);
    assert_eq!(found, [""; 0]);
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn one_mistake_in_four_thousand_networks_is_one_finding() {
    let source = "let pool = 10.0.0.0/8\nnetwork hub { interface hub; prefix 172.16.0.0/16 }\nfor n in 1..4000 {\nnetwork c{n} {\ninterface c{n}\nprefix 192.168.0.0/24 as subnet(pool, 25, n)\n}\n}\nconnect hub -> c*\n";
    let (found, took) = timed(source);
    assert_eq!(found, ["OVL0301:6"]);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn four_thousand_networks_with_one_alias_are_found_without_comparing_all() {
    let (all, took) = timed(&hub(4000, |_| String::from("prefix 192.168.0.0/24 as 10.9.9.0/24")));
    assert_eq!(all.len(), 3999);
    assert!(took < Duration::from_secs(15), "{took:?}");
    let (all, took) = timed(&hub(4000, |_| String::from("prefix 192.168.0.0/24")));
    assert_eq!(all.len(), 3999);
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn a_mesh_of_three_hundred_networks_has_every_pair_once() {
    let mut source = String::from("connect * <-> *\n");
    for n in 0..300 {
        writeln!(source, "network c{n} {{ interface c{n}; prefix 192.168.0.0/24 as {} }}", alias(n)).unwrap();
    }
    let (_, findings, site) = compile(&source);
    assert_eq!(findings, []);
    let site = site.unwrap();
    let peerings = &site.site().peerings;
    assert_eq!(peerings.len(), 300 * 299);
    let distinct: std::collections::BTreeSet<_> = peerings.iter().map(|it| (it.from, it.to)).collect();
    assert_eq!(distinct.len(), peerings.len());
}

#[test]
fn ten_thousand_exceptions_in_one_network_are_checked_in_a_moment() {
    let mut source = String::from(
        "network b { interface eth2; prefix 172.16.0.0/16 }\nconnect a <-> b\nnetwork a {\ninterface eth1\nprefix 10.1.0.0/16 as 10.2.0.0/16\n",
    );
    for n in 0..10_000 {
        writeln!(source, "prefix 10.1.{}.{} as 10.3.{}.{}", n / 256, n % 256, n % 256, n / 256).unwrap();
    }
    source.push_str("}\n");
    let (found, took) = timed(&source);
    assert_eq!(found, [""; 0]);
    assert!(took < Duration::from_secs(15), "{took:?}");
}
