//! Ids, marks, preferences and the protocol number: OVL0401 to OVL0407, OVL0410, OVL0418.

use overlapc::check::{CheckedSite, MarkField};
use overlapc::model::NetworkId;

use super::{B, compile, found, in_gateway, in_network};

const FINE: [&str; 0] = [];

/// The findings of a site of two networks with these ids; they stand in lines 1 and 2.
fn with_ids(a: &str, b: &str) -> Vec<String> {
    found(&format!(
        "network a {{ {a}; interface eth1; prefix 10.1.0.0/16 }}\nnetwork b {{ {b}; interface eth2; prefix 10.2.0.0/16 }}\nconnect a -> b\n"
    ))
}

fn site(source: &str) -> CheckedSite {
    let (_, findings, site) = compile(source);
    site.unwrap_or_else(|| panic!("{findings:#?}"))
}

#[test]
fn ovl0401_ids_are_distinct() {
    assert_eq!(with_ids("id 7", "id 7"), ["OVL0401:2"]);
    assert_eq!(with_ids("id 7", "id 8"), FINE);
    let (_, findings, _) = compile(&format!(
        "network a {{ id 1; interface eth1; prefix 10.1.0.0/16 }}\nnetwork c {{ id 1; interface eth3; prefix 10.3.0.0/16 }}\n{B}connect * -> *\n"
    ));
    assert_eq!(findings[0].help.as_deref(), Some("use another id, 3 is free"), "2 goes to network b");
}

#[test]
fn ovl0401_nothing_is_called_free_that_a_network_with_an_error_may_have() {
    let networks = |office: &str| {
        format!(
            "network office {{ id 1; interface eth0; prefix {office} }}\n\
             network p {{ id 2; interface eth1; prefix 192.168.0.0/24 as 10.65.1.0/24 }}\n\
             network q {{ id 2; interface eth2; prefix 192.168.0.0/24 as 10.65.1.0/24 }}\n\
             connect office -> p; connect office -> q\n"
        )
    };
    let helps = |site: &str| -> Vec<String> {
        compile(site)
            .1
            .into_iter()
            .filter_map(|finding| finding.help)
            .filter(|help| help.contains("is free"))
            .collect()
    };
    assert_eq!(helps(&networks("172.16.0.0/16")).len(), 2);
    assert_eq!(helps(&networks("172.16.0.0/16x")), [""; 0]);
}

#[test]
fn ovl0402_ids_have_16_bits_and_are_not_0() {
    for id in ["0", "65536", "18446744073709551615"] {
        assert_eq!(with_ids(&format!("id {id}"), "id 9"), ["OVL0402:1"], "{id}");
    }
    assert_eq!(with_ids("id 65535", "id 1"), FINE);
}

#[test]
fn ovl0403_the_kernels_tables_are_no_ids() {
    for id in ["253", "254", "255"] {
        assert_eq!(with_ids(&format!("id {id}"), "id 9"), ["OVL0403:1"], "{id}");
    }
    assert_eq!(with_ids("id 252", "id 256"), FINE);
}

#[test]
fn free_ids_are_given_in_source_order_around_explicit_and_reserved_ones() {
    let source = "network x { id 2; interface x; prefix 10.255.0.0/24 }\n\
        for n in 1..260 { network c-{n} { interface c{n}; prefix subnet(10.0.0.0/8, 24, n) } }\nconnect x -> c-*\n";
    let site = site(source);
    let id = |n| site.id(NetworkId(n));
    assert_eq!([id(0), id(1), id(2), id(3)], [2, 1, 3, 4]);
    assert_eq!([id(251), id(252)], [252, 256], "253 to 255 belong to the kernel");
}

#[test]
fn ovl0404_the_mark_bits_hold_two_ids() {
    assert_eq!(in_gateway("marks 0x1"), ["OVL0404:2"]);
    assert_eq!(in_gateway("marks 0x7"), ["OVL0404:2"], "ids 1 and 2 need two bits each");
    assert_eq!(in_gateway("marks 0xf"), FINE);
    assert_eq!(in_gateway("marks 0x30600"), FINE, "two runs apart");
    assert_eq!(in_gateway("firewall iptables\nmarks 0x7"), ["OVL0404:3"]);
    assert_eq!(in_gateway("firewall iptables\nmarks 0xf0000000"), FINE);
}

#[test]
fn the_mask_that_is_offered_would_do() {
    for firewall in ["nftables", "iptables"] {
        let gateway = |mask: &str| format!("gateway {{\nfirewall {firewall}\nmarks {mask}\n}}\n");
        let networks =
            format!("network a {{ id 300; interface eth1; prefix 10.7.0.0/16 }}\n{B}connect a -> b\n");
        let (_, findings, _) = compile(&format!("{}{networks}", gateway("0xff")));
        let fix = findings[0].fix.as_ref().unwrap();
        assert_eq!(found(&format!("{}{networks}", gateway(&fix.replacement))), FINE, "{firewall}");
    }
}

#[test]
fn mark_fields_are_the_lowest_that_fit() {
    let fields = |gateway: &str| {
        let site = site(&format!(
            "gateway {{\n{gateway}\n}}\nnetwork a {{ id 100; interface eth1; prefix 10.7.0.0/16 }}\n{B}connect a -> b\n"
        ));
        (site.marks().destination, site.marks().source)
    };
    let field = |shift, width| MarkField { shift, width };
    assert_eq!(fields(""), (field(0, 8), field(8, 8)));
    assert_eq!(fields("marks 0x00ffff00"), (field(8, 8), field(16, 8)));
    assert_eq!(fields("marks 0x007fff00"), (field(8, 7), field(15, 7)), "as few bits as will do");
    assert_eq!(fields("firewall iptables"), (field(0, 8), field(8, 8)));
}

#[test]
fn ovl0405_a_mask_has_32_bits_and_one_of_them_set() {
    assert_eq!(in_gateway("marks 0"), ["OVL0405:2"]);
    assert_eq!(in_gateway("marks 0x100000000"), ["OVL0405:2"]);
    assert_eq!(in_gateway("marks 0xffffffff"), FINE);
}

#[test]
fn ovl0406_preferences_stand_before_the_l3mdev_rule() {
    for range in ["900..1000", "0..100", "500..400", "2000..3000", "1..4294967396"] {
        assert_eq!(in_gateway(&format!("preferences {range}")), ["OVL0406:2"], "{range}");
    }
    assert_eq!(in_gateway("preferences 1..999"), FINE);
}

#[test]
fn ovl0407_there_are_enough_preferences() {
    assert_eq!(in_gateway("preferences 100..114"), ["OVL0407:2"]);
    assert_eq!(in_gateway("preferences 100..115"), FINE);
}

#[test]
fn ovl0410_the_protocol_number_is_the_sites_own() {
    for protocol in ["0", "2", "4", "8", "18", "42", "186", "192", "256", "70000"] {
        assert_eq!(in_gateway(&format!("protocol {protocol}")), ["OVL0410:2"], "{protocol}");
    }
    for protocol in ["5", "77", "255"] {
        assert_eq!(in_gateway(&format!("protocol {protocol}")), FINE, "{protocol}");
    }
}

#[test]
fn ovl0418_a_packet_has_a_size_that_links_carry() {
    let v4 = |size: &str| in_network(&format!("prefix 192.168.1.0/24 as 10.1.1.0/24\nmss clamp {size}"));
    let both = |size: &str| in_network(&format!("prefix fd01::/64\nmss clamp {size}"));
    for size in ["0", "575", "65536", "18446744073709551615"] {
        assert_eq!(v4(size), ["OVL0418:4"], "{size}");
    }
    for size in ["", "576", "1420", "65535"] {
        assert_eq!(v4(size), FINE, "{size}");
    }
    assert_eq!(both("1279"), ["OVL0418:4"]);
    assert_eq!(both("1280"), FINE);
    assert_eq!(both(""), FINE);
}

#[test]
fn settings_have_defaults() {
    let site = site(&format!("{}{B}connect a -> b\n", super::A));
    let settings = site.settings();
    assert_eq!((settings.marks, settings.preferences, settings.protocol), (0xffff_ffff, (100, 999), 77));
    assert_eq!(in_network("prefix 192.168.1.0/24 as 10.1.1.0/24"), FINE);
}
