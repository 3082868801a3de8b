//! Rules, routes, sources and what is not forwarded.

use super::{Fate, Host, TTL, alone, base, commands, echo, host, left, packet, tcp, udp, with_nft};
use crate::read::routing::{Action, Change, Rule};
use crate::sim::packet::Content;

fn fate(host: &Host, packet: super::Packet) -> Fate {
    alone(host, "a0", packet).fate
}

fn by(device: &str) -> Fate {
    Fate::Left { device: device.to_owned(), via: None }
}

#[test]
fn of_routes_the_longest_prefix_counts_and_then_the_lowest_metric() {
    let mut host = host();
    commands(
        &mut host,
        "route add 10.2.0.0/16 dev a0\nroute add unreachable 10.2.0.128/25 metric 9\n\
         route add 10.2.0.128/25 via 10.2.0.2 dev b0 metric 8",
    );
    assert_eq!(fate(&host, udp("10.1.0.5", "10.2.1.5")), by("a0"));
    assert_eq!(fate(&host, udp("10.1.0.5", "10.2.0.5")), by("b0"));
    let via = Some("10.2.0.2".parse().unwrap());
    assert_eq!(fate(&host, udp("10.1.0.5", "10.2.0.200")), Fate::Left { device: "b0".to_owned(), via });
}

#[test]
fn rules_are_asked_in_order_and_a_table_without_a_route_is_passed_over() {
    let unreachable = |rules: &str| {
        let mut host = host();
        commands(
            &mut host,
            "route add unreachable 10.2.0.0/24 table 7\nroute add unreachable 10.2.0.0/24 table 8",
        );
        commands(&mut host, rules);
        fate(&host, udp("10.1.0.5", "10.2.0.5"))
    };
    assert_eq!(unreachable("rule add pref 10 lookup 7"), Fate::Unreachable(7));
    assert_eq!(unreachable("rule add pref 10 lookup 9"), by("b0"));
    assert_eq!(unreachable("rule add pref 10 iif a0 lookup 7"), Fate::Unreachable(7));
    assert_eq!(unreachable("rule add pref 10 iif b0 lookup 7"), by("b0"));
    assert_eq!(unreachable("rule add pref 10 iif lo lookup 7"), by("b0"));
    assert_eq!(unreachable("rule add pref 10 not iif b0 lookup 7"), Fate::Unreachable(7));
    assert_eq!(unreachable("rule add pref 10 oif b0 lookup 7"), by("b0"));
    assert_eq!(unreachable("rule add pref 10 fwmark 0x0/0xff lookup 7"), Fate::Unreachable(7));
    assert_eq!(unreachable("rule add pref 10 fwmark 0x1/0xff lookup 7"), by("b0"));
    assert_eq!(unreachable("rule add pref 10 from 10.1.0.0/24 lookup 7"), Fate::Unreachable(7));
    assert_eq!(unreachable("rule add pref 10 to 10.1.0.0/24 lookup 7"), by("b0"));
    assert_eq!(unreachable("rule add pref 11 lookup 7\nrule add pref 10 lookup 8"), Fate::Unreachable(8));
    let jumps = "rule add pref 10 goto 30\nrule add pref 20 lookup 7\nrule add pref 30 lookup 8";
    assert_eq!(unreachable(jumps), Fate::Unreachable(8));
    let nowhere = "rule add pref 10 goto 25\nrule add pref 20 lookup 7\nrule add pref 30 lookup 8";
    assert_eq!(unreachable(nowhere), Fate::Unreachable(7), "a target that is not there is passed over");
    assert_eq!(unreachable("rule add pref 10 nop\nrule add pref 20 lookup 7"), Fate::Unreachable(7));
    assert_eq!(unreachable("rule add pref 10 l3mdev"), by("b0"), "no VRF, no table");
}

#[test]
fn the_local_table_comes_first_unless_it_is_moved() {
    let mut host = host();
    commands(&mut host, "route add 10.2.0.1/32 dev b0 table 7\nrule add pref 10 lookup 7");
    assert_eq!(fate(&host, echo("10.1.0.5", "10.2.0.1")), Fate::Local);
    commands(&mut host, "rule add pref 20 lookup local\nrule del pref 0 lookup local");
    assert_eq!(fate(&host, echo("10.1.0.5", "10.2.0.1")), by("b0"));
}

#[test]
fn routes_that_refuse_are_answers() {
    for (word, wanted, told) in [
        ("unreachable", Fate::Unreachable(7), Some((3, 1))),
        ("prohibit", Fate::Prohibited(7), Some((3, 13))),
        ("blackhole", Fate::Blackholed(7), None),
    ] {
        let mut host = host();
        commands(&mut host, &format!("route add {word} 10.2.0.0/24 table 7\nrule add pref 10 lookup 7"));
        let passage = alone(&host, "a0", udp("10.1.0.5", "10.2.0.5"));
        assert_eq!(passage.fate, wanted);
        let error = passage.error.map(|error| match error.packet.content {
            Content::Error { kind, code, .. } => (kind, code),
            _ => (0, 0),
        });
        assert_eq!(error, told, "{word}");
    }
    assert_eq!(fate(&host(), udp("10.1.0.5", "10.99.0.5")), Fate::NoRoute);
}

#[test]
fn a_route_out_of_a_device_that_is_down_is_none() {
    let mut host = host();
    host.apply(&Change::SetUp { device: "b0".to_owned(), up: false }).unwrap();
    assert_eq!(fate(&host, udp("10.1.0.5", "10.2.0.5")), Fate::NoRoute);
    assert!(
        super::Gateway::new(&host)
            .receive(&mut super::Connections::default(), "b0", udp("10.2.0.5", "10.1.0.5"), 0)
            .is_err()
    );
}

#[test]
fn what_routers_never_pass_on_goes_nowhere() {
    let host = host();
    assert_eq!(fate(&host, udp("127.0.0.1", "10.2.0.5")), Fate::Martian);
    assert_eq!(fate(&host, udp("0.0.0.0", "10.2.0.5")), Fate::Martian);
    assert_eq!(fate(&host, udp("224.0.0.1", "10.2.0.5")), Fate::Martian);
    assert_eq!(fate(&host, udp("10.1.0.5", "127.0.0.1")), Fate::Martian);
    assert_eq!(fate(&host, udp("10.1.0.5", "0.0.0.1")), Fate::Martian);
    assert_eq!(fate(&host, udp("10.1.0.5", "224.0.0.1")), Fate::Link);
    assert_eq!(fate(&host, udp("10.1.0.5", "255.255.255.255")), Fate::Link);
    assert_eq!(fate(&host, udp("10.1.0.5", "10.2.0.255")), Fate::Link);
    assert_eq!(fate(&host, udp("ff02::1", "fd02::5")), Fate::Martian);
    assert_eq!(fate(&host, udp("::1", "fd02::5")), Fate::Martian);
    assert_eq!(fate(&host, udp("fe80::5", "fd02::5")), Fate::Martian);
    assert_eq!(fate(&host, udp("fd01::5", "fe80::5")), Fate::Link);
    assert_eq!(fate(&host, udp("fd01::5", "ff02::5")), Fate::Link);
    assert_eq!(fate(&host, udp("fe80::5", "fd01::1")), Fate::Local);
}

#[test]
fn forwarding_is_a_switch_of_the_device_and_in_ipv6_of_all() {
    let mut host = host();
    host.settings.insert("ipv4/conf/a0/forwarding".to_owned(), 0);
    assert_eq!(fate(&host, udp("10.1.0.5", "10.2.0.5")), Fate::NotForwarded("a0".to_owned()));
    assert_eq!(fate(&host, udp("10.1.0.5", "10.2.0.1")), Fate::Local);
    assert_eq!(fate(&host, udp("fd01::5", "fd02::5")), by("b0"));
    host.settings.insert("ipv6/conf/all/forwarding".to_owned(), 0);
    assert_eq!(fate(&host, udp("fd01::5", "fd02::5")), Fate::NotForwarded("a0".to_owned()));
}

#[test]
fn a_source_that_is_the_gateways_own_is_a_martian_unless_it_is_let_in() {
    let mut own = host();
    assert_eq!(fate(&own, udp("10.2.0.1", "10.2.0.5")), Fate::Martian);
    assert_eq!(fate(&own, udp("10.1.0.1", "10.2.0.1")), Fate::Martian);
    // Nobody looks where it should come from.
    assert_eq!(fate(&own, udp("10.7.0.1", "10.2.0.5")), by("b0"));
    assert_eq!(fate(&own, udp("fd02::1", "fd02::5")), by("b0"), "IPv6 does not ask");
    own.settings.insert("ipv4/conf/a0/accept_local".to_owned(), 1);
    assert_eq!(fate(&own, udp("10.2.0.1", "10.2.0.5")), by("b0"));
    // With rules of its own the kernel looks for the source, as if it had come in by the device out.
    let mut ruled = host();
    commands(&mut ruled, "rule add pref 10 iif b0 lookup 7\nroute add unreachable 10.2.0.1/32 table 7");
    assert_eq!(fate(&ruled, udp("10.2.0.1", "10.2.0.5")), Fate::Martian, "local comes first");
    commands(&mut ruled, "rule add pref 20 lookup local\nrule del pref 0 lookup local");
    assert_eq!(fate(&ruled, udp("10.2.0.1", "10.2.0.5")), by("b0"), "no way back is as good as none known");
    assert_eq!(fate(&ruled, udp("10.1.0.255", "10.2.0.5")), Fate::Martian, "a broadcast address");
}

#[test]
fn reverse_path_filters_ask_for_the_device_or_for_any_way() {
    let filtered = |value: i64| {
        let mut host = host();
        host.settings.insert("ipv4/conf/a0/rp_filter".to_owned(), value);
        host
    };
    assert_eq!(fate(&filtered(1), udp("10.1.0.5", "10.2.0.5")), by("b0"));
    assert_eq!(fate(&filtered(1), udp("10.2.0.6", "10.2.0.5")), Fate::Martian);
    assert_eq!(fate(&filtered(1), udp("10.7.0.6", "10.2.0.5")), Fate::Martian);
    assert_eq!(fate(&filtered(2), udp("10.2.0.6", "10.2.0.5")), by("b0"));
    assert_eq!(fate(&filtered(2), udp("10.7.0.6", "10.2.0.5")), Fate::Martian);
}

#[test]
fn a_packet_whose_time_is_over_is_told_so_before_forward_is_asked() {
    let host = with_nft(host(), &base("filter", "forward", "filter", &["drop"]));
    let mut packet = udp("10.1.0.5", "10.2.0.5");
    packet.ttl = 1;
    let passage = alone(&host, "a0", packet);
    assert_eq!(passage.fate, Fate::Expired);
    let error = passage.error.unwrap();
    assert_eq!(left(&error).unwrap().1.split(" (").next(), Some("10.1.0.1 -> 10.1.0.5 icmp time exceeded"));
    let mut packet = udp("10.1.0.5", "10.2.0.1");
    packet.ttl = 1;
    assert_eq!(alone(&host, "a0", packet).fate, Fate::Local);
    let passage = alone(&super::host(), "a0", udp("10.1.0.5", "10.2.0.5"));
    assert_eq!(passage.packet.ttl, TTL - 1);
}

#[test]
fn who_is_refused_is_told_but_for_protocols_that_the_kernel_cannot_verify() {
    let host =
        with_nft(host(), &base("filter", "forward", "filter", &["reject with icmpx admin-prohibited"]));
    let told = |packet| alone(&host, "a0", packet).error.map(|error| error.packet.to_string());
    let about = "icmp administratively prohibited (about 10.1.0.5:4000 -> 10.2.0.5:80 tcp)";
    let word = told(tcp("10.1.0.5", 4000, "10.2.0.5", 80)).unwrap();
    assert_eq!(word, format!("10.1.0.1 -> 10.1.0.5 {about}"));
    assert!(told(packet("10.1.0.5", "10.2.0.5", Content::Other { protocol: 47 })).is_some());
    assert!(told(packet("10.1.0.5", "10.2.0.5", Content::Other { protocol: 253 })).is_none());
    assert!(told(super::error("10.1.0.5", "10.2.0.5", &udp("10.2.0.5", "10.1.0.5"))).is_none());
}

#[test]
fn chains_jump_go_and_come_back() {
    let chains = |first: &str| {
        format!(
            "chain b {{\nmeta mark set meta mark ^ 0x2\nreturn\nmeta mark set meta mark ^ 0x4\n}}\n\
             chain a {{\nmeta mark set meta mark ^ 0x1\n{first}\nmeta mark set meta mark ^ 0x8\n}}\n{}",
            base("filter", "forward", "filter", &["jump a", "meta mark set meta mark ^ 0x10"])
        )
    };
    let mark = |first: &str| alone(&with_nft(host(), &chains(first)), "a0", udp("10.1.0.5", "10.2.0.5")).mark;
    assert_eq!(mark("jump b"), 0x1b);
    assert_eq!(mark("goto b"), 0x13);
    assert_eq!(mark("return"), 0x11);
    assert_eq!(mark("accept"), 0x01);
    assert_eq!(mark("meta mark & 0xff vmap { 0x00000001 : goto b }"), 0x13);
    assert_eq!(mark("meta mark & 0xff vmap { 0x00000002 : goto b }"), 0x19);
}

#[test]
fn accept_ends_one_base_chain_and_drop_all_of_them() {
    let chains = base("filter", "forward", "-1", &["accept"]) + &base("filter", "forward", "1", &["drop"]);
    assert!(matches!(fate(&with_nft(host(), &chains), udp("10.1.0.5", "10.2.0.5")), Fate::Dropped(_)));
    let policy = "chain f {\ntype filter hook forward priority filter; policy drop;\n}\n";
    match fate(&with_nft(host(), policy), udp("10.1.0.5", "10.2.0.5")) {
        Fate::Dropped(place) => assert_eq!(place.rule, None),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rules_in_a_circle_are_an_error() {
    let mut host = host();
    let rule = |preference, action| Rule {
        v4: true,
        preference,
        not: false,
        iif: None,
        oif: None,
        mark: None,
        from: None,
        to: None,
        action,
        protocol: 0,
    };
    // The kernel refuses to go back; whoever reads such a listing must not hang.
    host.rules.insert(1, rule(5, Action::Goto(5)));
    let sent = super::Gateway::new(&host).receive(
        &mut super::Connections::default(),
        "a0",
        udp("10.1.0.5", "10.2.0.5"),
        0,
    );
    assert!(sent.is_err());
}
