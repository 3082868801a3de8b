//! Interface names: OVL05xx.

use super::{B, found, in_gateway};

const FINE: [&str; 0] = [];

/// The findings of a site whose network `a` is behind this interface, in line 1.
fn behind(interface: &str) -> Vec<String> {
    found(&format!("network a {{ interface {interface}; prefix 10.7.0.0/16 }}\n{B}connect a -> b\n"))
}

#[test]
fn ovl0501_names_have_15_bytes() {
    assert_eq!(behind("sixteen-bytes-xx"), ["OVL0501:1"]);
    assert_eq!(behind("fifteen-bytes-x"), FINE);
    assert_eq!(behind("\"größergrößer1\""), ["OVL0501:1"], "letters are not bytes");
    assert_eq!(in_gateway("address 10.9.0.1/24 on sixteen-bytes-xx"), ["OVL0501:2"]);
}

#[test]
fn ovl0502_names_are_ones_that_the_kernel_and_the_tools_take() {
    for name in [
        "\"\"", "\"a b\"", "lo", "all", "default", "\".\"", "\"..\"", "\"a:b\"", "\"-x\"", "\"eth*\"",
        "\"eth+\"",
    ] {
        assert_eq!(behind(name), ["OVL0502:1"], "{name}");
    }
    assert_eq!(behind("eth0.7"), FINE);
    assert_eq!(behind("lo0"), FINE);
}

#[test]
fn ovl0503_an_interface_has_one_network() {
    assert_eq!(behind("eth2"), ["OVL0503:2"]);
    assert_eq!(in_gateway("address 10.9.0.1/24 on eth1"), ["OVL0503:4"]);
    assert_eq!(behind("ETH2"), FINE, "case matters to the kernel");
}

#[test]
fn ovl0504_an_interface_is_no_vrf() {
    assert_eq!(behind("vrf-a"), ["OVL0504:1"]);
    assert_eq!(behind("vrf-b"), ["OVL0504:1"]);
    assert_eq!(behind("vrf-c"), FINE);
    assert_eq!(in_gateway("address 10.9.0.1/24 on vrf-b"), ["OVL0504:2"]);
    assert_eq!(in_gateway("isolation rules\naddress 10.9.0.1/24 on vrf-b"), FINE, "no VRF is made");
    let long = "network a-name-that-is-long { id 7; interface vrf-7; prefix 10.7.0.0/16 }\n";
    assert_eq!(
        found(&format!("{long}{B}connect * <-> *\n")),
        ["OVL0504:1"],
        "long names are replaced by ids"
    );
}
