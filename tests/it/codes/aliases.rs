//! By which numbers networks are known: OVL0304 to OVL0307, OVL0309 to OVL0313.

use super::{A, B, compile, found, in_network};

const FINE: [&str; 0] = [];

/// The findings of networks given as `name: statements`, one a line, and connects behind them.
fn site(networks: &[(&str, &str)], connects: &str) -> Vec<String> {
    found(&source(networks, connects))
}

fn source(networks: &[(&str, &str)], connects: &str) -> String {
    let mut source = String::new();
    for (name, statements) in networks {
        source.push_str(&format!("network {name} {{ interface if-{name}; {statements} }}\n"));
    }
    source + connects + "\n"
}

#[test]
fn ovl0304_aliases_of_two_networks_are_apart() {
    let a = ("a", "prefix 192.168.1.0/24 as 10.1.1.0/24");
    let b = |alias: &str| site(&[a, ("b", &format!("prefix {alias}"))], "connect a -> b");
    assert_eq!(b("192.168.0.0/16 as 10.1.0.0/16"), ["OVL0304:2"]);
    assert_eq!(b("192.168.1.7 as 10.1.1.7"), ["OVL0304:2"]);
    assert_eq!(b("192.168.1.0/24 as 10.1.2.0/24"), FINE);
    let (_, findings, _) = compile(&source(&[a, ("b", "prefix 192.168.1.7 as 10.1.1.7")], "connect a -> b"));
    assert_eq!(findings[0].primary.text, "`10.1.1.7` is in both");
    assert_eq!(findings[0].help.as_deref(), Some("use another alias, `10.1.2.1` is free"));
}

#[test]
fn ovl0304_an_alias_is_apart_from_a_network_without_one() {
    let networks = [
        ("a", "prefix 10.1.1.0/24"),
        ("b", "prefix 192.168.1.0/24 as 10.1.1.0/24"),
        ("c", "prefix 10.3.0.0/16"),
    ];
    assert_eq!(site(&networks, "connect c -> *"), ["OVL0304:2"]);
    assert_eq!(site(&networks, "connect c -> b"), ["OVL0212:1"], "numbers that nobody sees are no trouble");
}

#[test]
fn ovl0304_one_alias_for_many_is_found_once_each() {
    let networks = [
        ("a", "prefix 192.168.1.0/24 as 10.1.1.0/24"),
        ("b", "prefix 192.168.1.0/24 as 10.1.1.0/24"),
        ("c", "prefix 192.168.1.0/24 as 10.1.1.0/24"),
    ];
    assert_eq!(site(&networks, "connect * <-> *"), ["OVL0304:2", "OVL0304:3"]);
}

#[test]
fn ovl0304_an_alias_that_is_too_wide_is_found_once() {
    let mut networks = vec![("w", String::from("prefix 172.16.0.0/12 as 10.0.0.0/12"))];
    networks.extend((1..9).map(|n| ("x", format!("prefix 192.168.1.0/24 as 10.1.{n}.0/24"))));
    let source: String = networks
        .iter()
        .enumerate()
        .map(|(n, (_, prefix))| format!("network n{n} {{ interface if-{n}; {prefix} }}\n"))
        .collect();
    assert_eq!(found(&(source + "connect n0 -> *\n")), ["OVL0304:2"]);
}

#[test]
fn ovl0305_an_alias_is_not_real_where_it_is_seen() {
    let b = "prefix 192.168.1.0/24 as 10.1.2.0/24";
    assert_eq!(
        site(&[("a", "prefix 172.16.1.0/24 as 192.168.1.0/24"), ("b", b)], "connect a -> b"),
        ["OVL0305:1"]
    );
    assert_eq!(site(&[("a", "prefix 172.16.1.7 as 192.168.1.9"), ("b", b)], "connect b -> a"), ["OVL0305:1"]);
    assert_eq!(
        site(&[("a", "prefix 172.16.1.0/24 as 10.5.0.0/24"), ("b", "prefix 10.0.0.0/8")], "connect b -> a"),
        ["OVL0305:1"]
    );
    let c = ("c", "prefix 10.3.0.0/16");
    let networks = [("a", "prefix 172.16.1.0/24 as 192.168.1.0/24"), ("b", b), c];
    assert_eq!(site(&networks, "connect c -> *"), FINE, "b does not see a");
    assert_eq!(
        site(&[("a", "prefix 192.168.1.0/24 as 192.168.1.0/24"), c], "connect a -> c"),
        FINE,
        "the same as without"
    );
}

#[test]
fn ovl0305_an_alias_is_not_real_at_home() {
    let networks = [
        ("a", "prefix 192.168.1.0/24 as 10.1.1.0/24; prefix 10.1.1.0/24 as 10.1.9.0/24"),
        ("b", "prefix 10.3.0.0/16"),
    ];
    assert_eq!(site(&networks, "connect a -> b"), ["OVL0305:1"]);
}

#[test]
fn ovl0306_an_alias_is_not_the_gateways() {
    let outside =
        |address: &str| found(&format!("gateway {{ address {address} on mgmt0 }}\n{A}{B}connect a -> b\n"));
    assert_eq!(outside("10.1.1.5/24"), ["OVL0306:2"]);
    assert_eq!(outside("10.1.9.5/16"), ["OVL0306:2", "OVL0306:3"]);
    assert_eq!(outside("10.1.9.5/24"), FINE);
    assert_eq!(outside("192.168.1.9/24"), FINE, "real prefixes are told apart by their tables");
    let bare = format!(
        "gateway {{ address 10.3.0.1/24 on mgmt0 }}\nnetwork c {{ interface eth3; prefix 10.3.0.0/16 }}\n{B}connect b -> c\n"
    );
    assert_eq!(found(&bare), ["OVL0306:2"]);
}

#[test]
fn ovl0306_an_alias_is_not_routed_elsewhere_by_those_who_see_it() {
    let c = "prefix 172.16.0.0/16; prefix 10.1.0.0/17 as 10.99.0.0/17; route 10.1.128.0/17 via 172.16.0.9";
    let a = ("a", "prefix 192.168.1.0/24 as 10.1.200.0/24");
    assert_eq!(site(&[a, ("c", c)], "connect a -> c"), ["OVL0306:1"]);
    let b = ("b", "prefix 10.3.0.0/16");
    assert_eq!(site(&[a, ("c", c), b], "connect b -> *"), FINE, "c does not see a");
}

#[test]
fn ovl0306_an_alias_holds_no_address_of_the_gateway_in_any_network() {
    let a = ("a", "prefix 192.168.1.0/24 as 192.168.9.0/24");
    let c = ("c", "address 192.168.9.1/24; prefix 192.168.9.0/24 as 10.9.0.0/24");
    let b = ("b", "prefix 10.3.0.0/16");
    assert_eq!(site(&[a, c, b], "connect b -> *"), ["OVL0306:1"]);
    let c = ("c", "prefix 192.168.9.0/24 as 10.9.0.0/24");
    assert_eq!(site(&[a, c, b], "connect b -> *"), FINE);
}

#[test]
fn ovl0307_an_alias_is_not_on_the_link_of_those_who_see_it() {
    let a = ("a", "prefix 192.168.1.0/24 as 172.16.9.0/24");
    let b = |length: u8| format!("address 172.16.0.1/{length}; prefix 172.16.0.0/24 as 10.2.0.0/24");
    assert_eq!(site(&[a, ("b", &b(16))], "connect a -> b"), ["OVL0307:1"]);
    assert_eq!(site(&[a, ("b", &b(24))], "connect a -> b"), FINE);
}

#[test]
fn ovl0307_an_alias_is_not_on_the_networks_own_link() {
    let a = |length: u8| format!("address 192.168.1.1/{length}; prefix 192.168.1.0/24 as 192.168.9.0/24");
    assert_eq!(in_network(&a(16).replace(';', "\n")), ["OVL0307:4"]);
    assert_eq!(in_network(&a(24).replace(';', "\n")), FINE);
}

#[test]
fn ovl0309_networks_that_see_each_other_are_unique_or_have_an_alias() {
    let a = ("a", "prefix 192.168.1.0/24 as 10.1.1.0/24");
    let b = |prefix| ("b", prefix);
    assert_eq!(site(&[a, b("prefix 192.168.1.0/24")], "connect a -> b"), ["OVL0309:2"]);
    assert_eq!(site(&[a, b("prefix 192.168.0.0/16")], "connect b -> a"), ["OVL0309:2"]);
    assert_eq!(
        site(&[("a", "prefix 192.168.1.0/24"), b("prefix 192.168.1.0/24")], "connect b -> a"),
        ["OVL0309:2"]
    );
    assert_eq!(site(&[a, b("prefix 192.168.2.0/24")], "connect b -> a"), FINE);
    let wide = ("a", "address 192.168.1.1/16; prefix 192.168.1.0/24 as 10.1.1.0/24");
    assert_eq!(
        site(&[wide, b("prefix 192.168.2.0/24")], "connect b -> a"),
        ["OVL0309:2"],
        "it is on the link of a"
    );
}

#[test]
fn ovl0309_networks_that_anybody_sees_are_unique_or_have_an_alias() {
    let networks =
        [("a", "prefix 192.168.1.0/24"), ("b", "prefix 192.168.1.0/24"), ("c", "prefix 10.3.0.0/16")];
    assert_eq!(site(&networks, "connect c -> *"), ["OVL0309:2"]);
    let networks = [
        ("a", "prefix 192.168.1.0/24"),
        ("b", "prefix 192.168.1.0/24 as 10.1.1.0/24"),
        ("c", "prefix 10.3.0.0/16"),
    ];
    assert_eq!(site(&networks, "connect c -> *"), FINE);
}

#[test]
fn ovl0309_the_alias_that_is_offered_solves_it() {
    let networks = "network a { interface eth1; prefix 192.168.1.0/24 }\nnetwork b { interface eth2; prefix 192.168.1.0/24 }\nnetwork c { interface eth3; prefix 192.168.1.0/24 }\nconnect * <-> *\n";
    let (_, findings, _) = compile(networks);
    assert_eq!(findings.len(), 2);
    let mut fixed = networks.to_owned();
    for finding in findings.iter().rev() {
        let fix = finding.fix.as_ref().unwrap();
        fixed.replace_range(fix.span.range(), &fix.replacement);
    }
    // The first network still has numbers that the others have.
    assert_eq!(found(&fixed), ["OVL0309:1"]);
    let (_, findings, _) = compile(&fixed);
    let fix = findings[0].fix.as_ref().unwrap();
    fixed.replace_range(fix.span.range(), &fix.replacement);
    assert_eq!(found(&fixed), FINE, "{fixed}");
}

#[test]
fn ovl0310_a_pair_may_share_its_alias_with_a_warning() {
    let shared = "prefix 192.168.2.0/24 as 192.168.3.0/24";
    let networks = [("a", shared), ("b", shared)];
    assert_eq!(site(&networks, "connect a <-> b"), ["OVL0310:2"]);
    assert_eq!(site(&networks, "connect b -> a"), ["OVL0310:2"]);
    assert!(compile(&source(&networks, "connect a <-> b")).2.is_some(), "it is compiled all the same");
    let c = ("c", "prefix 10.3.0.0/16");
    let three = [networks[0], networks[1], c];
    assert_eq!(site(&three, "connect a <-> b\nconnect c -> a"), ["OVL0310:2"]);
    assert_eq!(site(&three, "connect a <-> b\nconnect c -> a\nconnect b -> c"), ["OVL0304:2"]);
    assert_eq!(site(&three, "connect c -> *"), ["OVL0304:2"], "they do not see each other");
    assert_eq!(
        site(
            &[
                ("a", "prefix 192.168.2.0/24 as 192.168.3.0/24"),
                ("b", "prefix 192.168.2.0/24 as 192.168.4.0/24")
            ],
            "connect a <-> b"
        ),
        FINE
    );
}

#[test]
fn ovl0304_a_shared_alias_has_no_exceptions() {
    let shared = "prefix 192.168.2.0/24 as 192.168.3.0/24";
    let swap = "prefix 192.168.2.7 as 192.168.3.8; prefix 192.168.2.8 as 192.168.3.7";
    let found = site(&[("b", shared), ("a", &format!("{shared}; {swap}"))], "connect a <-> b");
    assert_eq!(found, ["OVL0310:2", "OVL0304:2"]);
}

#[test]
fn ovl0311_hosts_have_one_mapping() {
    assert_eq!(
        in_network("prefix 192.168.1.0/24 as 10.1.1.0/24\nprefix 192.168.1.0/24 as 10.1.3.0/24"),
        ["OVL0311:4"]
    );
    assert_eq!(
        in_network("prefix 192.168.1.0/24 as 10.1.1.0/24\nprefix 192.168.1.0/24 as 10.1.1.0/24"),
        ["OVL0311:4"]
    );
    assert_eq!(
        in_network("prefix 192.168.1.0/24 as 10.1.1.0/24\nprefix 192.168.3.0/24 as 10.1.3.0/24"),
        FINE
    );
}

#[test]
fn ovl0312_a_host_does_not_move_to_where_another_is_known() {
    let a = |host: &str| in_network(&format!("prefix 192.168.1.0/24 as 10.1.1.0/24\nprefix {host}"));
    assert_eq!(a("192.168.1.77 as 10.1.1.78"), ["OVL0312:4"]);
    assert_eq!(a("192.168.1.77 as 10.1.3.77"), FINE);
    assert_eq!(a("192.168.3.0/24 as 10.1.1.0/24"), ["OVL0312:4"]);
    assert_eq!(a("192.168.1.77 as 10.1.1.78\nprefix 192.168.1.78 as 10.1.1.77"), FINE, "they swap places");
    assert_eq!(a("192.168.1.77 as 10.1.1.78\nprefix 192.168.1.78 as 10.1.3.1"), FINE, "the place is free");
    assert_eq!(in_network("prefix 172.16.1.0/24\nprefix 172.16.1.7 as 172.16.1.8"), ["OVL0312:4"]);
}

#[test]
fn ovl0313_a_prefix_inside_another_one_changes_something() {
    let a = |host: &str| in_network(&format!("prefix 192.168.1.0/24 as 10.1.1.0/24\nprefix {host}"));
    assert_eq!(a("192.168.1.77 as 10.1.1.77"), ["OVL0313:4"]);
    assert_eq!(a("192.168.1.77 as 10.1.3.1"), FINE);
    assert_eq!(in_network("prefix 172.16.0.0/16\nprefix 172.16.1.0/24"), ["OVL0313:4"]);
    assert_eq!(
        in_network("prefix 172.16.1.0/24\nprefix 172.16.0.0/16"),
        ["OVL0313:3"],
        "the inner one is the needless one"
    );
    assert_eq!(in_network("prefix 172.16.0.0/16\nprefix 172.16.1.0/24 as 10.9.1.0/24"), FINE);
}

#[test]
fn ovl0313_the_kernel_takes_an_address_once_and_has_the_route_to_it() {
    let repeated = "address 192.168.1.1/24\naddress 192.168.1.1/24\nprefix 192.168.1.0/24";
    let a = |statements: &str| {
        found(&format!(
            "network a {{\ninterface eth1\n{statements}\n}}\nnetwork b {{ interface eth2; prefix 10.2.0.0/16 }}\nconnect a -> b\n"
        ))
    };
    assert_eq!(a(repeated), ["OVL0313:4"]);
    assert_eq!(a(&repeated.replacen("1.1/24", "1.2/24", 1)), FINE);
    let route = "address 192.168.1.1/24\nprefix 192.168.1.0/24\nroute 192.168.1.1 via 192.168.1.9";
    assert_eq!(a(route), ["OVL0313:5"]);
    assert_eq!(a(&route.replacen("route 192.168.1.1", "route 192.168.1.0/31", 1)), FINE);
}

#[test]
fn the_published_recipe_compiles_with_one_warning() {
    let source = "site identical-lans\n\ngateway middleman {\n    firewall iptables               # nftables (default) | iptables\n}\n\nnetwork inner {\n    id        100\n    interface middleman-eth0\n    address   192.168.2.1/24\n    prefix    192.168.2.0/24 as 192.168.3.0/24\n}\n\nnetwork outer {\n    id        200\n    interface middleman-eth1\n    address   192.168.2.1/24\n    prefix    192.168.2.0/24 as 192.168.3.0/24\n}\n\nconnect inner <-> outer\n";
    assert_eq!(found(source), ["OVL0310:18"]);
}

#[test]
fn identical_cells_behind_one_office_are_fine() {
    let source = "let cells = 10.64.0.0/16\nnetwork office { interface eth0; address 172.16.0.1/16; prefix 172.16.0.0/16; host hmi 172.16.4.20 }\n\
        for n in 1..200 {\nnetwork cell-{n} {\nid 100 + n + 200\ninterface eth1.{100 + n}\naddress 192.168.0.1/24\nprefix 192.168.0.0/24 as subnet(cells, 24, n)\n}\n}\n\
        connect office -> cell-*\n";
    assert_eq!(found(source), FINE);
}
