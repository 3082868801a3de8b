//! Each prefix for itself, and single addresses: OVL0301 to OVL0303, OVL0308, OVL0314 to OVL0319.

use super::{B, compile, found, in_gateway, in_network};

const FINE: [&str; 0] = [];
const PREFIX: &str = "prefix 192.168.1.0/24 as 10.1.1.0/24";

#[test]
fn ovl0301_real_and_alias_have_one_length() {
    assert_eq!(in_network("prefix 192.168.1.0/24 as 10.1.1.0/25"), ["OVL0301:3"]);
    assert_eq!(in_network("prefix 192.168.1.0/24 as 10.1.1.7"), ["OVL0301:3"]);
    assert_eq!(in_network("prefix fd00:1::/64 as fd00:2::/56"), ["OVL0301:3"]);
    assert_eq!(in_network("prefix fd00:1::/64 as fd00:2::/64"), FINE);
    let source =
        format!("network a {{ interface eth1; prefix 192.168.1.0/24 as 10.1.1.0/25 }}\n{B}connect a -> b\n");
    let (sources, findings, _) = compile(&source);
    let fix = findings[0].fix.as_ref().unwrap();
    assert_eq!((sources.text(fix.span), fix.replacement.as_str()), ("10.1.1.0/25", "10.1.1.0/24"));
}

#[test]
fn ovl0301_no_text_is_offered_where_it_would_be_wrong_for_other_instances() {
    let source = "for n in 1..3 {\nnetwork a-{n} {\ninterface eth{n}\nprefix 192.168.1.0/24 as subnet(10.64.0.0/16, 25, n)\n}\n}\nconnect * <-> *\n";
    let (_, findings, _) = compile(source);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].fix, None);
    assert_eq!(findings[0].primary.text, "/25 here (n = 1)");
}

#[test]
fn ovl0302_a_statement_has_one_family() {
    assert_eq!(in_network("prefix 192.168.1.0/24 as fd00:2::/64"), ["OVL0302:3"]);
    assert_eq!(in_network(&format!("{PREFIX}\nroute 192.168.1.128/25 via fe80::1")), ["OVL0302:4"]);
    assert_eq!(in_network(&format!("{PREFIX}\nprefix fd00:1::/64 as fd00:2::/64")), FINE);
}

#[test]
fn ovl0303_a_prefix_begins_at_its_network_address() {
    assert_eq!(in_network("prefix 192.168.1.7/24 as 10.1.1.0/24"), ["OVL0303:3"]);
    assert_eq!(in_network("prefix 192.168.1.0/24 as 10.1.1.7/24"), ["OVL0303:3"]);
    assert_eq!(in_network("prefix 192.168.1.7 as 10.1.1.9"), FINE);
    assert_eq!(in_network(&format!("{PREFIX}\nroute 192.168.1.129/25 via 192.168.1.9")), ["OVL0303:4"]);
}

#[test]
fn ovl0308_prefixes_hold_ordinary_addresses() {
    for net in
        ["224.0.0.0/24", "127.0.1.0/24", "169.254.7.0/24", "0.1.2.0/24", "240.0.0.0/24", "255.255.255.0/24"]
    {
        assert_eq!(in_network(&format!("prefix {net} as 10.1.1.0/24")), ["OVL0308:3"], "{net}");
        assert_eq!(in_network(&format!("prefix 192.168.1.0/24 as {net}")), ["OVL0308:3"], "{net}");
    }
    for net in ["0.0.0.0/0", "::/0", "::/64", "fe80::/64", "ff02::/64", "::ffff:0:0/100", "64.0.0.0/1"] {
        let code = if net == "64.0.0.0/1" { "OVL0303:3" } else { "OVL0308:3" };
        assert_eq!(in_network(&format!("prefix {net}")), [code], "{net}");
    }
    assert_eq!(in_network("prefix 0.0.0.0/1"), ["OVL0308:3"], "a part is enough");
    for net in ["223.255.255.0/24", "126.255.255.0/24", "1.0.0.0/24", "169.253.255.0/24"] {
        assert_eq!(in_network(&format!("prefix {net} as 10.1.1.0/24")), FINE, "{net}");
    }
    assert_eq!(in_network(&format!("{PREFIX}\nroute 0.0.0.0/0 via 192.168.1.9")), ["OVL0308:4"]);
}

#[test]
fn ovl0314_the_gateways_address_is_in_its_network() {
    assert_eq!(in_network(&format!("address 192.168.2.1/24\n{PREFIX}")), ["OVL0314:3"]);
    assert_eq!(in_network(&format!("address fd00::1/64\n{PREFIX}")), ["OVL0314:3"]);
    assert_eq!(in_network(&format!("address 192.168.1.1/24\n{PREFIX}")), FINE);
    assert_eq!(in_network("address 192.168.1.1/24\nprefix 192.168.1.7/24 as 10.1.1.0/24"), ["OVL0303:4"]);
}

#[test]
fn ovl0315_the_gateway_has_no_hosts_address() {
    let site = |host| in_network(&format!("address 192.168.1.1/24\n{PREFIX}\nhost plc {host}"));
    assert_eq!(site("192.168.1.1"), ["OVL0315:3"]);
    assert_eq!(site("192.168.1.2"), FINE);
}

#[test]
fn ovl0316_every_prefix_can_be_reached_where_links_are_known() {
    let site = |statements: &str| in_network(&format!("address 192.168.1.1/24\n{PREFIX}\n{statements}"));
    assert_eq!(site("prefix 192.168.8.0/22 as 10.1.8.0/22"), ["OVL0316:5"]);
    assert_eq!(site("prefix 192.168.8.0/22 as 10.1.8.0/22\nroute 192.168.8.0/22 via 192.168.1.9"), FINE);
    assert_eq!(
        site("prefix 192.168.8.0/22 as 10.1.8.0/22\nroute 192.168.8.0/23 via 192.168.1.9"),
        ["OVL0316:5"]
    );
    assert_eq!(
        site(
            "prefix 192.168.8.0/22 as 10.1.8.0/22\nroute 192.168.8.0/23 via 192.168.1.9\nroute 192.168.10.0/23 via 192.168.1.9"
        ),
        FINE
    );
    assert_eq!(
        site("prefix fd00:1::/64 as fd00:2::/64"),
        FINE,
        "no address of that family, so nothing is known"
    );
    assert_eq!(in_network(&format!("{PREFIX}\nprefix 192.168.8.0/22 as 10.1.8.0/22")), FINE);
}

#[test]
fn ovl0317_a_router_is_on_a_link() {
    let site = |route: &str| {
        in_network(&format!(
            "address 192.168.1.1/24\n{PREFIX}\nprefix 192.168.8.0/22 as 10.1.8.0/22\nroute 192.168.8.0/22 via {route}"
        ))
    };
    assert_eq!(site("192.168.2.9"), ["OVL0317:6"]);
    assert_eq!(site("192.168.8.9"), ["OVL0317:6"]);
    assert_eq!(site("192.168.1.1"), ["OVL0317:6"]);
    assert_eq!(site("192.168.1.9"), FINE);
    let around = |net: &str| {
        let prefix = "prefix 192.168.8.0/22 as 10.1.8.0/22";
        in_network(&format!("address 192.168.1.1/24\n{PREFIX}\n{prefix}\nroute {net} via 192.168.1.254"))
    };
    assert_eq!(around("192.168.0.0/16"), FINE, "the link of the router is the more specific way");
    assert_eq!(around("192.168.1.0/24"), ["OVL0316:5", "OVL0317:6"]);
    let v6 = "address fd00:1::1/64\nprefix fd00:1::/64 as fd00:2::/64\nprefix fd00:3::/64 as fd00:4::/64\nroute fd00:3::/64 via";
    assert_eq!(in_network(&format!("{v6} fe80::7")), FINE);
    assert_eq!(in_network(&format!("{v6} fd00:5::7")), ["OVL0317:6"]);
    assert_eq!(
        in_network(&format!("{PREFIX}\nroute 192.168.1.128/25 via 192.168.9.9")),
        FINE,
        "no link is known"
    );
}

#[test]
fn ovl0318_hosts_are_in_their_network() {
    assert_eq!(in_network(&format!("{PREFIX}\nhost plc 192.168.2.7")), ["OVL0318:4"]);
    assert_eq!(
        in_network(&format!("{PREFIX}\nhost plc 10.1.1.7")),
        ["OVL0318:4"],
        "the alias is for the others"
    );
    assert_eq!(in_network(&format!("{PREFIX}\nhost plc 192.168.1.7")), FINE);
}

#[test]
fn ovl0319_the_gateways_address_is_one_of_a_host() {
    for address in ["192.168.1.0/24", "192.168.1.255/24"] {
        assert_eq!(in_network(&format!("address {address}\n{PREFIX}")), ["OVL0319:3"], "{address}");
    }
    assert_eq!(in_network("address fd00:1::/64\nprefix fd00:1::/64 as fd00:2::/64"), ["OVL0319:3"]);
    assert_eq!(in_network("address 192.168.1.0/31\nprefix 192.168.1.0/31 as 10.1.1.0/31"), FINE);
    assert_eq!(in_network("address 192.168.1.7/32\nprefix 192.168.1.7 as 10.1.1.7"), FINE);
    assert_eq!(in_network("address fd00:1::ffff:ffff:ffff:ffff/64\nprefix fd00:1::/64 as fd00:2::/64"), FINE);
    assert_eq!(in_gateway("address 10.9.0.0/24 on mgmt0"), ["OVL0319:2"]);
    assert_eq!(in_gateway("address 127.0.0.1/8 on mgmt0"), ["OVL0319:2"]);
    assert_eq!(in_gateway("address 10.9.0.1/0 on mgmt0"), ["OVL0319:2"]);
}

#[test]
fn ovl0319_a_host_has_no_address_that_stands_for_its_link() {
    let site = |link: &str, host: &str| {
        let wide = "prefix 192.168.0.0/16 as 10.9.0.0/16\nprefix fd00:1::/48 as fd00:2::/48";
        in_network(&format!("address {link}\n{wide}\nroute 192.168.8.0/22 via 192.168.1.9\nhost plc {host}"))
            .into_iter()
            .filter(|found| !found.starts_with("OVL0316") && !found.starts_with("OVL0317"))
            .collect::<Vec<_>>()
    };
    for (link, host) in [
        ("192.168.1.1/24", "192.168.1.255"),
        ("192.168.1.1/16", "192.168.255.255"),
        ("fd00:1::1/64", "fd00:1::"),
    ] {
        assert_eq!(site(link, host), ["OVL0319:7"], "{link} {host}");
    }
    for (link, host) in [
        ("192.168.1.1/24", "192.168.1.254"),
        ("192.168.1.1/24", "192.168.1.0"),
        ("192.168.1.1/16", "192.168.1.255"),
        ("192.168.1.0/31", "192.168.1.1"),
        ("192.168.1.1/24", "192.168.11.255"),
        ("fd00:1::1/127", "fd00:1::"),
        ("fd00:1::1/64", "fd00:1::ffff:ffff:ffff:ffff"),
        ("fd00:1::1/64", "192.168.1.255"),
    ] {
        assert_eq!(site(link, host), FINE, "{link} {host}");
    }
}

#[test]
fn a_second_route_to_a_prefix_is_refused() {
    let routes = "route 192.168.1.128/25 via 192.168.1.9\nroute 192.168.1.128/25 via 192.168.1.10";
    assert_eq!(in_network(&format!("{PREFIX}\n{routes}")), ["OVL0313:5"]);
}

#[test]
fn one_wrong_prefix_is_one_finding() {
    let source = format!(
        "network a {{\ninterface eth1\naddress 192.168.1.1/24\nprefix 192.168.1.0/24 as 10.1.2.0/25\nhost h 10.9.9.9\n}}\n{B}connect a -> b\n"
    );
    assert_eq!(found(&source), ["OVL0301:4"]);
}
