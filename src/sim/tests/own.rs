//! The gateway's own packets: errors, answers, and what its programs send.

use super::{
    Connections, Fate, Found, Host, Packet, alone, base, commands, echo, found, host, left, send, tcp, udp,
    with_iptables, with_nft,
};
use crate::sim::own::Own;
use crate::sim::routes::Gateway;

fn own(host: &Host, packet: Packet, mark: u32, bound: Option<&str>) -> super::Passage {
    let own = Own { packet, mark, bound: bound.map(str::to_owned) };
    Gateway::new(host).send(&mut Connections::default(), own).unwrap()
}

/// Two equal networks, told apart by rules: marks 0x100 and 0x200 say from where, 1 and 2 to where.
fn equal() -> Host {
    let mut host = Host::new(["a0", "b0"]);
    commands(
        &mut host,
        "address add 10.1.0.1/24 dev a0 noprefixroute\naddress add 10.1.0.1/24 dev b0 noprefixroute\n\
         route add 10.1.0.0/24 dev a0 table 1\nroute add 10.1.0.0/24 dev b0 table 2\n\
         route add 10.1.0.0/24 dev a0 table 101\nroute add 10.8.0.0/24 dev a0 table 101\n\
         rule add pref 10 iif lo fwmark 0x100/0xf00 lookup 101\n\
         rule add pref 20 fwmark 0x1/0xf lookup 1\nrule add pref 20 fwmark 0x2/0xf lookup 2",
    );
    for path in ["ipv4/conf/a0/forwarding", "ipv4/conf/b0/forwarding", "ipv4/fwmark_reflect"] {
        host.settings.insert(path.to_owned(), 1);
    }
    let raw = ["iifname \"a0\" meta mark set 0x102", "iifname \"b0\" meta mark set 0x201", "ct zone set 3"];
    let chains = base("filter", "prerouting", "raw", &raw)
        + &base("nat", "prerouting", "dstnat", &["ip daddr 10.9.0.0/24 dnat ip prefix to 10.1.0.0/24"])
        + &base("nat", "postrouting", "srcnat", &["iifname \"a0\" snat ip prefix to 10.8.0.0/24"]);
    with_nft(host, &chains)
}

#[test]
fn an_error_goes_with_the_packet_that_it_is_about() {
    let host = equal();
    let mut packet = udp("10.1.0.5", "10.9.0.77");
    packet.ttl = 1;
    // The packet's connection is never confirmed, and the error is translated all the same.
    let passage = alone(&host, "a0", packet);
    let (device, words) = passage.error.as_deref().and_then(left).unwrap();
    assert_eq!(device, "a0");
    assert_eq!(words, "10.9.0.77 -> 10.1.0.5 icmp time exceeded (about 10.1.0.5:4000 -> 10.9.0.77:53 udp)");
}

#[test]
fn without_the_reflected_mark_an_error_finds_no_way() {
    let mut host = equal();
    host.settings.insert("ipv4/fwmark_reflect".to_owned(), 0);
    let mut packet = udp("10.1.0.5", "10.9.0.77");
    packet.ttl = 1;
    assert_eq!(alone(&host, "a0", packet).error.unwrap().fate, Fate::NoRoute);
}

#[test]
fn a_dead_host_is_told_under_the_alias_and_looked_up_twice() {
    let host = equal();
    let mut known = Connections::default();
    let asked = send(&host, &mut known, "a0", udp("10.1.0.5", "10.9.0.77"));
    assert_eq!(left(&asked), Some(("b0", "10.8.0.5:4000 -> 10.1.0.77:53 udp".to_owned())));
    let told = Gateway::new(&host).unanswered(&mut known, &asked).unwrap().unwrap();
    let (device, words) = left(&told).unwrap();
    assert_eq!(device, "a0");
    assert_eq!(
        words,
        "10.9.0.77 -> 10.1.0.5 icmp host unreachable (about 10.1.0.5:4000 -> 10.9.0.77:53 udp)"
    );
    let routed = told.phases.iter().filter_map(|phase| match &phase.event {
        crate::sim::phase::Event::Routed(routed) => Some(routed.destination.to_string()),
        _ => None,
    });
    assert_eq!(routed.collect::<Vec<_>>(), ["10.8.0.5", "10.1.0.5"]);
    // Without the route to the sender's alias the word is lost.
    let mut host = equal();
    host.routes.retain(|route| route.to.to_string() != "10.8.0.0/24");
    let mut known = Connections::default();
    let asked = send(&host, &mut known, "a0", udp("10.1.0.5", "10.9.0.77"));
    let told = Gateway::new(&host).unanswered(&mut known, &asked).unwrap().unwrap();
    assert_eq!(told.fate, Fate::NoRoute);
}

#[test]
fn services_answer_with_the_mark_of_who_asked() {
    let answer = |setting: &str, packet: Packet| {
        let mut host = host();
        host.settings.insert(setting.to_owned(), 1);
        let gateway = Gateway::new(&host);
        let mut known = Connections::default();
        let passage = gateway.receive(&mut known, "a0", packet, 0x42).unwrap();
        gateway.answer(&passage, "a0").map(|own| own.mark)
    };
    let syn = || tcp("10.1.0.5", 4000, "10.1.0.1", 22);
    assert_eq!(answer("ipv4/tcp_fwmark_accept", syn()), Some(0x42));
    assert_eq!(answer("ipv4/fwmark_reflect", syn()), Some(0));
    assert_eq!(answer("ipv4/fwmark_reflect", echo("10.1.0.5", "10.1.0.1")), Some(0x42));
    assert_eq!(answer("ipv6/fwmark_reflect", echo("fd01::5", "fd01::1")), Some(0x42));
    assert_eq!(answer("ipv4/tcp_fwmark_accept", udp("10.1.0.5", "10.1.0.1")), None, "the program decides");
    assert_eq!(answer("ipv4/fwmark_reflect", udp("10.1.0.5", "10.2.0.5")), None, "not for the gateway");
}

fn in_a_vrf() -> Host {
    let mut host = Host::new(["a0"]);
    commands(
        &mut host,
        "link add name va type vrf table 11\nlink set dev va up\nlink set dev a0 master va\n\
         address add 10.1.0.1/24 dev a0",
    );
    host.settings.insert("ipv4/tcp_l3mdev_accept".to_owned(), 1);
    host
}

#[test]
fn in_a_vrf_a_service_is_bound_to_it() {
    let host = in_a_vrf();
    let gateway = Gateway::new(&host);
    let mut known = Connections::default();
    let passage = send(&host, &mut known, "a0", tcp("10.1.0.5", 4000, "10.1.0.1", 22));
    assert_eq!(passage.fate, Fate::Local);
    let own = gateway.answer(&passage, "a0").unwrap();
    assert_eq!(own.bound.as_deref(), Some("va"));
    let sent = gateway.send(&mut known, own).unwrap();
    assert_eq!(left(&sent), Some(("a0", "10.1.0.1:22 -> 10.1.0.5:4000 tcp".to_owned())));
    assert_eq!(found(&sent), [(0, 0, Found::Reply)]);
}

#[test]
fn in_a_vrf_own_packets_pass_output_twice_and_are_tracked_once() {
    // nft takes a packet that is not tracked for one without a zone, iptables does not.
    let rules = ["oifname \"va\" ct zone set 4", "oifname \"a0\" ct zone set 5"];
    let host = with_nft(in_a_vrf(), &base("filter", "output", "raw", &rules));
    let sent = own(&host, udp("10.1.0.1", "10.1.0.5"), 0, Some("va"));
    assert_eq!(found(&sent), [(4, 4, Found::New)]);
    let text = "*raw\n-A OUTPUT -o va -j CT --zone 4\n-A OUTPUT -o a0 -j CT --zone 5\nCOMMIT\n";
    let host = with_iptables(in_a_vrf(), text);
    let sent = own(&host, udp("10.1.0.1", "10.1.0.5"), 0, Some("va"));
    assert_eq!(found(&sent), [(5, 5, Found::New)]);
}

#[test]
fn own_packets_go_by_the_socket() {
    let mut host = host();
    commands(&mut host, "route add 10.2.0.0/24 dev a0 table 7\nrule add pref 10 fwmark 0x7/0xff lookup 7");
    let by = |mark, bound| match own(&host, udp("10.1.0.1", "10.2.0.5"), mark, bound).fate {
        Fate::Left { device, .. } => device,
        other => format!("{other:?}"),
    };
    assert_eq!(by(0, None), "b0");
    assert_eq!(by(7, None), "a0");
    // Bound to a device of no VRF, everything is a neighbour.
    assert_eq!(by(0, Some("a0")), "a0");
    let chosen = own(&host, udp("0.0.0.0", "10.2.0.5"), 0, None);
    assert_eq!(chosen.packet.source.to_string(), "10.2.0.1");
    assert_eq!(own(&host, udp("10.1.0.1", "10.2.0.1"), 0, None).fate, Fate::Local);
}

#[test]
fn another_mark_in_the_mangle_table_means_another_way() {
    let mut host = host();
    commands(&mut host, "route add 10.2.0.0/24 dev a0 table 7\nrule add pref 10 fwmark 0x7/0xff lookup 7");
    let host = with_iptables(host, "*mangle\n-A OUTPUT -j MARK --set-xmark 0x7/0xff\nCOMMIT\n");
    let sent = own(&host, udp("10.1.0.1", "10.2.0.5"), 0, None);
    assert_eq!(left(&sent).unwrap().0, "a0");
}
