//! Bindings, ports that have to change, and errors.

use super::{
    Connections, Content, Fate, Host, TTL, alone, base, changes, commands, echo, error, found, gre, host,
    left, packet, send, tcp, udp, with_iptables, with_nft,
};
use crate::sim::packet::Packet;
use crate::sim::phase::{Change, Found};
use crate::sim::routes::Gateway;

/// Whoever calls 10.9.0.x means 10.2.0.x, and is seen as 10.8.0.x.
fn translating() -> Host {
    let pre = ["ip daddr 10.9.0.0/24 dnat ip prefix to 10.2.0.0/24"];
    let post = ["ip saddr 10.1.0.0/24 snat ip prefix to 10.8.0.0/24"];
    let chains = base("nat", "prerouting", "dstnat", &pre) + &base("nat", "postrouting", "srcnat", &post);
    with_nft(host(), &chains)
}

#[test]
fn a_connection_is_translated_and_so_are_its_answers_and_errors() {
    let host = translating();
    let mut known = Connections::default();
    let asked = send(&host, &mut known, "a0", udp("10.1.0.5", "10.9.0.77"));
    assert_eq!(left(&asked), Some(("b0", "10.8.0.5:4000 -> 10.2.0.77:53 udp".to_owned())));
    // 10.8.0.5 is found because the destination is translated before the routing decision.
    let answer = send(&host, &mut known, "b0", asked.packet.answer().unwrap());
    assert_eq!(left(&answer), Some(("a0", "10.9.0.77:53 -> 10.1.0.5:4000 udp".to_owned())));
    assert_eq!(found(&answer)[0].2, Found::Reply);
    // Of a router behind: its number becomes that of the one who was asked.
    let told = send(&host, &mut known, "b0", error("10.2.0.254", "10.8.0.5", &asked.packet));
    let (device, words) = left(&told).unwrap();
    assert_eq!(device, "a0");
    assert_eq!(
        words,
        "10.9.0.77 -> 10.1.0.5 icmp host unreachable (about 10.1.0.5:4000 -> 10.9.0.77:53 udp)"
    );
    // And about the answer, the other way.
    let told = send(&host, &mut known, "a0", error("10.1.0.5", "10.9.0.77", &answer.packet));
    let (device, words) = left(&told).unwrap();
    assert_eq!(device, "b0");
    assert_eq!(
        words,
        "10.8.0.5 -> 10.2.0.77 icmp host unreachable (about 10.2.0.77:53 -> 10.8.0.5:4000 udp)"
    );
}

#[test]
fn rules_of_translation_are_asked_once_for_each_connection() {
    let pre =
        ["meta mark set 0x1", "ip daddr 10.9.0.0/24 dnat ip prefix to 10.2.0.0/24", "meta mark set 0x2"];
    let host = with_nft(host(), &base("nat", "prerouting", "dstnat", &pre));
    let mut known = Connections::default();
    let first = send(&host, &mut known, "a0", udp("10.1.0.5", "10.9.0.5"));
    assert_eq!(first.mark, 1, "the rule that translates ends the chain");
    let second = send(&host, &mut known, "a0", udp("10.1.0.5", "10.9.0.5"));
    assert_eq!((second.mark, left(&second)), (0, left(&first)));
}

#[test]
fn of_several_chains_the_first_that_decides_counts() {
    let none = ["meta mark set 0x1", "return"];
    let one = ["meta mark set meta mark ^ 0x2", "dnat ip to 10.2.0.5"];
    let other = ["meta mark set meta mark ^ 0x4", "dnat ip to 10.2.0.6"];
    let chains = base("nat", "prerouting", "-100", &one)
        + &base("nat", "prerouting", "-101", &none)
        + &base("nat", "prerouting", "-99", &other);
    let passage = alone(&with_nft(host(), &chains), "a0", udp("10.1.0.5", "10.9.0.5"));
    assert_eq!(passage.mark, 3);
    assert_eq!(passage.packet.destination.to_string(), "10.2.0.5");
}

#[test]
fn what_is_in_no_map_goes_on_to_the_next_rule() {
    let pre = ["dnat ip prefix to ip daddr map { 10.9.0.0/24 : 10.2.0.0/24 }", "dnat ip to 10.2.0.9"];
    let host = with_nft(host(), &base("nat", "prerouting", "dstnat", &pre));
    let destination = |to: &str| alone(&host, "a0", udp("10.1.0.5", to)).packet.destination.to_string();
    assert_eq!(destination("10.9.0.77"), "10.2.0.77");
    assert_eq!(destination("10.7.0.77"), "10.2.0.9");
}

#[test]
fn without_chains_of_the_type_equal_answers_are_dropped_and_with_them_a_port_is_changed() {
    // The zone of the original direction alone: answers to equal hosts meet in zone 0.
    let zones =
        "*raw\n-A PREROUTING -i a0 -j CT --zone-orig 1\n-A PREROUTING -i c0 -j CT --zone-orig 2\nCOMMIT\n";
    let three = || {
        let mut host = host();
        host.links.insert("c0".to_owned(), host.links["a0"].clone());
        host.settings.insert("ipv4/conf/c0/forwarding".to_owned(), 1);
        host
    };
    let calls = |host: &Host, packet: Packet| {
        let mut known = Connections::default();
        let first = send(host, &mut known, "a0", packet.clone());
        let second = send(host, &mut known, "c0", packet);
        assert!(left(&first).is_some());
        second
    };
    let bare = with_iptables(three(), zones);
    assert_eq!(calls(&bare, udp("10.1.0.5", "10.2.0.5")).fate, Fate::Clash);
    let bound = with_iptables(three(), &format!("{zones}*nat\nCOMMIT\n"));
    let second = calls(&bound, udp("10.1.0.5", "10.2.0.5"));
    assert_eq!(changes(&second)[1..], [Change::Port(4000, 4001)]);
    assert_eq!(left(&second).unwrap().1, "10.1.0.5:4001 -> 10.2.0.5:53 udp");
    let second = calls(&bound, tcp("10.1.0.5", 511, "10.2.0.5", 80));
    assert_eq!(left(&second).unwrap().1, "10.1.0.5:1 -> 10.2.0.5:80 tcp");
    let second = calls(&bound, tcp("10.1.0.5", 1023, "10.2.0.5", 80));
    assert_eq!(left(&second).unwrap().1, "10.1.0.5:600 -> 10.2.0.5:80 tcp");
    let second = calls(&bound, echo("10.1.0.5", "10.2.0.5"));
    assert_eq!(left(&second).unwrap().1, "10.1.0.5 -> 10.2.0.5 icmp echo request, id 8");
    assert_eq!(calls(&bound, gre("10.1.0.5", "10.2.0.5")).fate, Fate::Clash);
    // Of two equal flows in zones for both directions nothing has to change.
    let both = zones.replace("--zone-orig", "--zone");
    let apart = with_iptables(three(), &format!("{both}*nat\nCOMMIT\n"));
    assert!(left(&calls(&apart, gre("10.1.0.5", "10.2.0.5"))).is_some());
}

#[test]
fn the_wrong_network_gets_into_a_flow_where_answers_share_a_zone() {
    let zones = "*raw\n-A PREROUTING -i a0 -j CT --zone-orig 1\n-A PREROUTING -i b0 -j CT --zone-orig 2\nCOMMIT\n*nat\nCOMMIT\n";
    let host = with_iptables(host(), zones);
    let mut known = Connections::default();
    let asked = send(&host, &mut known, "a0", udp("10.1.0.5", "10.2.0.5"));
    // It comes in where nobody was asked, and is taken for the answer all the same.
    let injected = send(&host, &mut known, "a0", asked.packet.answer().unwrap());
    assert_eq!(found(&injected)[0].2, Found::Reply);
}

#[test]
fn a_mapping_onto_itself_is_no_translation() {
    let pre = ["ip daddr 10.2.0.0/24 dnat ip prefix to 10.2.0.0/24"];
    let host = with_nft(host(), &base("nat", "prerouting", "dstnat", &pre));
    let mut known = Connections::default();
    let asked = send(&host, &mut known, "a0", udp("10.1.0.5", "10.2.0.5"));
    let told = send(&host, &mut known, "b0", error("10.2.0.254", "10.1.0.5", &asked.packet));
    assert_eq!(told.packet.source.to_string(), "10.2.0.254");
}

#[test]
fn masquerade_takes_the_address_that_is_nearest_to_the_destination() {
    let mut host = host();
    commands(
        &mut host,
        "address add 10.3.0.1/24 dev b0\nroute add 10.50.0.0/16 via 10.3.0.254 dev b0\n\
         address add 2001:db8::1/64 dev b0",
    );
    let host = with_nft(host, &base("nat", "postrouting", "srcnat", &["masquerade"]));
    let source = |packet: Packet| alone(&host, "a0", packet).packet.source.to_string();
    assert_eq!(source(udp("10.1.0.5", "10.3.0.5")), "10.2.0.1", "without a router the first one");
    assert_eq!(source(udp("10.1.0.5", "10.50.0.5")), "10.3.0.1", "the one on the router's link");
    assert_eq!(source(udp("fd01::5", "fd02::5")), "fd02::1");
    assert_eq!(source(udp("fd01::5", "2001:db8::5")), "2001:db8::1");
}

#[test]
fn ipv6_is_translated_in_the_same_way() {
    let pre = ["ip6 daddr fd09::/64 dnat ip6 prefix to fd02::/64"];
    let post = ["ip6 saddr fd01::/64 snat ip6 prefix to fd08::/64"];
    let chains = base("nat", "prerouting", "dstnat", &pre) + &base("nat", "postrouting", "srcnat", &post);
    let host = with_nft(host(), &chains);
    let mut known = Connections::default();
    let asked = send(&host, &mut known, "a0", echo("fd01::5", "fd09::77"));
    assert_eq!(left(&asked).unwrap().1, "fd08::5 -> fd02::77 icmpv6 echo request, id 7");
    let answer = send(&host, &mut known, "b0", asked.packet.answer().unwrap());
    assert_eq!(left(&answer).unwrap().1, "fd09::77 -> fd01::5 icmpv6 echo reply, id 7");
    let told = send(&host, &mut known, "b0", error("fd02::ff", "fd08::5", &asked.packet));
    assert_eq!(told.packet.source.to_string(), "fd09::77");
}

#[test]
fn a_redirect_about_a_translated_connection_is_more_than_is_known_here() {
    let host = translating();
    let mut known = Connections::default();
    let asked = send(&host, &mut known, "a0", udp("10.1.0.5", "10.9.0.77"));
    let content = Content::Error { kind: 5, code: 1, about: Box::new(asked.packet) };
    let redirect = packet("10.2.0.254", "10.8.0.5", content);
    assert_eq!(redirect.ttl, TTL);
    assert!(Gateway::new(&host).receive(&mut known, "b0", redirect, 0).is_err());
}
