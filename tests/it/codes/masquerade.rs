//! Networks whose hosts only see the gateway: OVL0324, OVL0419, OVL0420.

use super::{compile, found};

const FINE: [&str; 0] = [];

/// The findings of a site with a masqueraded network `m` in line 1, networks with these real prefixes
/// in the lines after it, and these connects at the end.
fn site(address: &str, callers: &[&str], connects: &str) -> Vec<String> {
    found(&text(address, callers, connects))
}

fn text(address: &str, callers: &[&str], connects: &str) -> String {
    let mut text = format!(
        "network m {{ interface m0; {address}; prefix 192.168.1.0/24 as 10.8.1.0/24; nodes masqueraded }}\n"
    );
    for (n, reals) in callers.iter().enumerate() {
        let prefixes: Vec<String> = reals
            .split(' ')
            .enumerate()
            .map(|(p, real)| {
                let (_, length) = real.split_once('/').unwrap();
                format!("prefix {real} as 10.{}.{p}.0/{length}", 100 + n)
            })
            .collect();
        text.push_str(&format!("network c{n} {{ interface c{n}; {} }}\n", prefixes.join("; ")));
    }
    text.push_str(connects);
    text
}

const ADDRESS: &str = "address 192.168.1.1/24";

#[test]
fn ovl0324_hosts_without_routes_need_somebody_to_answer() {
    let open = "connect c0 -> m\n";
    assert_eq!(site("id 9", &["172.16.0.0/24"], open), ["OVL0324:1"]);
    assert_eq!(site(ADDRESS, &["172.16.0.0/24"], open), FINE);
    let v6 = "address 192.168.1.1/24; prefix fd00::/64 as fd64::/64";
    assert_eq!(site(v6, &["172.16.0.0/24"], open), ["OVL0324:1"]);
    assert_eq!(site(&format!("address fd00::1/64; {v6}"), &["172.16.0.0/24"], open), FINE);
}

#[test]
fn ovl0324_the_address_that_is_offered_solves_it() {
    let v6 = format!("{ADDRESS}; prefix fd00::/64 as fd64::/64");
    for (lines, offered) in [("id 9", ADDRESS), (v6.as_str(), "address fd00::1/64")] {
        let open = "connect c0 -> m\n";
        let (_, findings, _) = compile(&text(lines, &["172.16.0.0/24"], open));
        let help = findings[0].help.clone().unwrap();
        assert!(help.ends_with(&format!("like `{offered}`")), "{help}");
        assert_eq!(site(&format!("{lines}; {offered}"), &["172.16.0.0/24"], open), FINE);
    }
}

#[test]
fn ovl0419_two_masqueraded_networks_are_not_told_to_turn_the_arrow() {
    let other =
        "network o { interface o0; address 192.168.3.1/24; prefix 192.168.3.0/24; nodes masqueraded }\n";
    let (_, findings, _) = compile(&text(ADDRESS, &[], &format!("{other}connect m <-> o\n")));
    let helps: Vec<&str> = findings.iter().filter_map(|finding| finding.help.as_deref()).collect();
    assert_eq!(helps, ["give the hosts of `m` or of `o` routes and leave `nodes masqueraded` out there"]);
}

#[test]
fn ovl0419_hosts_without_routes_open_nothing() {
    let callers = ["172.16.0.0/24", "172.17.0.0/24"];
    assert_eq!(site(ADDRESS, &callers, "connect c* -> m\n"), FINE);
    assert_eq!(site(ADDRESS, &callers, "connect c0 <-> m\nconnect c1 -> m\n"), ["OVL0419:4"]);
    assert_eq!(site(ADDRESS, &callers, "connect m -> c0\nconnect c1 -> m\n"), ["OVL0419:4"]);
    assert_eq!(site(ADDRESS, &callers, "connect * -> *\n"), ["OVL0419:4"], "one finding for both pairs");
}

#[test]
fn ovl0420_two_askers_may_look_alike_and_three_may_not() {
    let open = "connect c* -> m\n";
    let same = "192.168.0.0/24";
    assert_eq!(site(ADDRESS, &[same, same], open), FINE);
    assert_eq!(site(ADDRESS, &[same, same, "172.16.0.0/24"], open), FINE);
    assert_eq!(site(ADDRESS, &[same, same, same], open), ["OVL0420:1"]);
    assert_eq!(site(ADDRESS, &[same, "192.168.0.0/16", "192.168.0.64/26"], open), ["OVL0420:1"]);
    // A ring of five: each looks like its two neighbours.
    let ring = ["10.1.1.0/24 10.1.5.0/24", "10.1.1.0/24 10.1.2.0/24", "10.1.2.0/24 10.1.3.0/24"];
    let four = [ring[0], ring[1], ring[2], "10.1.3.0/24 10.1.5.0/24"];
    assert_eq!(site(ADDRESS, &four, open), FINE, "a ring of four has two colours");
    let five = [ring[0], ring[1], ring[2], "10.1.3.0/24 10.1.4.0/24", "10.1.4.0/24 10.1.5.0/24"];
    assert_eq!(site(ADDRESS, &five, open), ["OVL0420:1"]);
}

#[test]
fn who_knows_the_hosts_by_other_numbers_does_not_look_alike() {
    let callers = ["192.168.0.0/24"; 3];
    let known = |aliases: &str| {
        text(ADDRESS, &callers, "connect c* -> m\n").replace("as 10.8.1.0/24", &format!("as {aliases}"))
    };
    assert_eq!(found(&known("10.8.1.0/24")), ["OVL0420:1"]);
    assert_eq!(found(&known("10.8.1.0/24, 10.8.2.0/24 for c1")), FINE);
    assert_eq!(found(&known("10.8.1.0/24 for c0, 10.8.1.0/24 for c1, 10.8.1.0/24 for c2")), ["OVL0420:1"]);
    // A host of its own alias inside the others' is told by the same number.
    let host = "prefix 192.168.1.7 as 10.8.1.7 for c0, 10.8.1.7 for c2, 10.8.9.7 for c1";
    let nested = known("10.8.1.0/24, 10.8.2.0/24 for c1").replace("nodes", &format!("{host}; nodes"));
    assert_eq!(found(&nested), FINE);
}

#[test]
fn one_of_two_that_look_alike_has_a_zone_apart() {
    let same = "192.168.0.0/24";
    let (_, _, site) = compile(&text(ADDRESS, &[same, "172.16.0.0/24", same], "connect c* -> m\n"));
    let site = site.unwrap();
    let apart = |n: usize| site.apart(overlapc::model::NetworkId(n)).to_vec();
    assert_eq!(apart(0), [overlapc::model::NetworkId(3)]);
    assert_eq!(apart(1), []);
}
