//! Zones, states and directions.

use super::{
    ACKNOWLEDGED, Connections, Content, Fate, Found, Host, SYN, alone, base, changes, commands, echo, error,
    flagged, found, gre, host, left, packet, send, tcp, udp, with_iptables, with_nft,
};
use crate::sim::phase::{Change, Event};

const NAT: &str = "chain pre {\ntype nat hook prerouting priority dstnat; policy accept;\n}\n";

#[test]
fn a_zone_counts_before_the_look_up_alone_and_the_first_one_stays() {
    let before = base("filter", "prerouting", "-201", &["ct zone set 3", "ct zone set 4"]);
    let host_before = with_nft(host(), &before);
    assert_eq!(found(&alone(&host_before, "a0", udp("10.1.0.5", "10.2.0.5"))), [(3, 3, Found::New)]);
    let after = base("filter", "prerouting", "-199", &["ct zone set 3"]);
    let host_after = with_nft(host(), &after);
    let passage = alone(&host_after, "a0", udp("10.1.0.5", "10.2.0.5"));
    assert_eq!(found(&passage), [(0, 0, Found::New)]);
    assert!(changes(&passage).is_empty(), "nothing is set where a connection is attached");
}

#[test]
fn a_zone_that_is_in_no_map_ends_the_rule() {
    let rule = "ct zone set meta mark & 0xff map { 0x00000001 : 7 } accept";
    let host = with_nft(host(), &base("filter", "prerouting", "raw", &[rule, "ct zone set 9"]));
    assert_eq!(found(&alone(&host, "a0", udp("10.1.0.5", "10.2.0.5")))[0].0, 9);
    let marked = "meta mark set 0x101";
    let host =
        with_nft(super::host(), &base("filter", "prerouting", "raw", &[marked, rule, "ct zone set 9"]));
    assert_eq!(found(&alone(&host, "a0", udp("10.1.0.5", "10.2.0.5")))[0].0, 7);
}

#[test]
fn a_zone_of_one_direction_leaves_the_other_in_zone_0() {
    let set = |word: &str| base("filter", "prerouting", "raw", &[&format!("ct {word} zone set 5")]);
    let original = with_nft(host(), &set("original"));
    assert_eq!(found(&alone(&original, "a0", udp("10.1.0.5", "10.2.0.5"))), [(5, 0, Found::New)]);
    let reply = with_nft(host(), &set("reply"));
    assert_eq!(found(&alone(&reply, "a0", udp("10.1.0.5", "10.2.0.5"))), [(0, 5, Found::New)]);
}

#[test]
fn a_zone_by_the_mark_is_that_of_the_mark_at_the_look_up() {
    let text = "*raw\n-A PREROUTING -j MARK --set-xmark 0x10005/0xffffffff\n-A PREROUTING -j CT --zone mark\n\
        -A PREROUTING -j MARK --xor-mark 0x3\nCOMMIT\n";
    let host = with_iptables(host(), text);
    assert_eq!(found(&alone(&host, "a0", udp("10.1.0.5", "10.2.0.5"))), [(6, 6, Found::New)]);
}

#[test]
fn states_are_those_of_the_kernel() {
    let host = host();
    let mut known = Connections::default();
    let mut state = |device: &str, packet| found(&send(&host, &mut known, device, packet))[0].2;
    let asked = udp("10.1.0.5", "10.2.0.5");
    let answer = asked.answer().unwrap();
    assert_eq!(state("a0", asked.clone()), Found::New);
    assert_eq!(state("a0", asked.clone()), Found::Again);
    assert_eq!(state("b0", answer.clone()), Found::Reply);
    assert_eq!(state("a0", asked.clone()), Found::Original);
    assert_eq!(state("b0", error("10.2.0.5", "10.1.0.5", &asked)), Found::Related(true));
    assert_eq!(state("b0", error("10.2.0.99", "10.1.0.5", &asked)), Found::Related(true));
    assert_eq!(state("a0", error("10.1.0.5", "10.2.0.5", &answer)), Found::Related(false));
    // Not for whom the packet was from.
    assert_eq!(state("b0", error("10.2.0.5", "10.1.0.6", &asked)), Found::Invalid);
    // About nothing that is known.
    assert_eq!(state("b0", error("10.2.0.5", "10.1.0.5", &udp("10.1.0.5", "10.2.0.6"))), Found::Invalid);
}

#[test]
fn what_cannot_open_a_connection_is_invalid() {
    let host = host();
    let state = |packet| found(&alone(&host, "a0", packet))[0].2;
    let message = |kind| packet("10.1.0.5", "10.2.0.5", Content::Message { kind, id: 7 });
    assert_eq!(state(message(8)), Found::New);
    assert_eq!(state(message(13)), Found::New);
    for kind in [0, 9, 14, 30] {
        assert_eq!(state(message(kind)), Found::Invalid, "type {kind}");
    }
    let message = |kind| packet("fd01::5", "fd02::5", Content::Message { kind, id: 7 });
    assert_eq!(state(message(128)), Found::New);
    assert_eq!(state(message(129)), Found::Invalid);
    for kind in [133, 134, 135, 136, 137] {
        assert_eq!(state(message(kind)), Found::Untracked, "type {kind}");
    }
    let opened = tcp("10.1.0.5", 4000, "10.2.0.5", 80);
    assert_eq!(state(opened.clone()), Found::New);
    // In the middle of one that was not seen: nf_conntrack_tcp_loose.
    assert_eq!(state(flagged(opened.clone(), ACKNOWLEDGED)), Found::New);
    for flags in [SYN | ACKNOWLEDGED, 4, 1, 0] {
        assert_eq!(state(flagged(opened.clone(), flags)), Found::Invalid, "flags {flags}");
    }
}

#[test]
fn a_packet_of_no_connection_has_no_direction_and_no_mark() {
    let rules = [
        "ct direction original drop",
        "ct direction != original drop",
        "ct mark & 0x1 == 0x0 drop",
        "ct mark & 0x1 != 0x0 drop",
        "ct state invalid meta mark set 0x7",
    ];
    let host = with_nft(host(), &base("filter", "forward", "filter", &rules));
    let stray = packet("10.1.0.5", "10.2.0.5", Content::Message { kind: 0, id: 7 });
    let passage = alone(&host, "a0", stray);
    assert!(left(&passage).is_some());
    assert_eq!(passage.mark, 7);
    let text = "*filter\n-A FORWARD -m conntrack ! --ctdir REPLY -j DROP\n-A FORWARD -m connmark ! --mark 0x1/0x1 -j DROP\n\
        -A FORWARD -m conntrack --ctstate INVALID -j ACCEPT\n-A FORWARD -j DROP\nCOMMIT\n";
    let host = with_iptables(super::host(), text);
    let stray = packet("10.1.0.5", "10.2.0.5", Content::Message { kind: 0, id: 7 });
    assert!(left(&alone(&host, "a0", stray)).is_some());
}

#[test]
fn fields_that_a_packet_does_not_have_never_match() {
    let drops = |rule: &str, packet| {
        let host = with_nft(host(), &base("filter", "forward", "filter", &[rule]));
        matches!(alone(&host, "a0", packet).fate, Fate::Dropped(_))
    };
    assert!(drops("th dport 53 drop", udp("10.1.0.5", "10.2.0.5")));
    assert!(!drops("th dport != 53 drop", udp("10.1.0.5", "10.2.0.5")));
    assert!(!drops("th dport != 53 drop", gre("10.1.0.5", "10.2.0.5")));
    assert!(!drops("tcp flags & (syn | rst) == syn drop", udp("10.1.0.5", "10.2.0.5")));
    assert!(drops("iifname != \"b*\" drop", udp("10.1.0.5", "10.2.0.5")));
    assert!(!drops("ip saddr != 10.9.0.0/16 drop", udp("fd01::5", "fd02::5")));
}

/// With VRF devices: twice through prerouting, and the VRF's device afterwards.
fn in_vrfs() -> Host {
    let mut host = Host::new(["a0", "b0"]);
    commands(
        &mut host,
        "link add name va type vrf table 11\nlink set dev va up\nlink add name vb type vrf table 12\nlink set dev vb up\n\
         link set dev a0 master va\nlink set dev b0 master vb\n\
         address add 10.1.0.1/24 dev a0\naddress add 10.2.0.1/24 dev b0\n\
         rule add pref 500 fwmark 0x2/0xff lookup 12\nrule add pref 500 fwmark 0x1/0xff lookup 11",
    );
    for device in ["va", "vb", "a0", "b0"] {
        host.settings.insert(format!("ipv4/conf/{device}/forwarding"), 1);
    }
    host
}

#[test]
fn in_a_vrf_prerouting_comes_twice_and_the_rest_sees_the_vrf_device() {
    let raw = [
        "iifname \"a0\" ct zone set 3",
        "iifname \"va\" ct zone set 4",
        "iifname \"a0\" meta mark set meta mark ^ 0x100",
        "iifname \"va\" meta mark set meta mark ^ 0x2",
    ];
    let forward = ["iifname \"va\" oifname \"b0\" meta mark set meta mark ^ 0x200"];
    let post = ["oifname \"b0\" meta mark set meta mark ^ 0x400"];
    let chains = base("filter", "prerouting", "raw", &raw)
        + &base("filter", "forward", "filter", &forward)
        + &base("filter", "postrouting", "filter", &post);
    let host = with_nft(in_vrfs(), &chains);
    let passage = alone(&host, "a0", udp("10.1.0.5", "10.2.0.5"));
    assert_eq!(passage.mark, 0x702);
    assert_eq!(found(&passage), [(3, 3, Found::New)], "the look-up is done once");
    assert_eq!(left(&passage), Some(("b0", "10.1.0.5:4000 -> 10.2.0.5:53 udp".to_owned())));
    let routed = passage.phases.iter().find(|phase| matches!(phase.event, Event::Routed(_))).unwrap();
    assert_eq!(routed.input.as_deref(), Some("va"));
    // Without the mark it stays in its own table, where the other side is not.
    let host = with_nft(in_vrfs(), NAT);
    assert_eq!(alone(&host, "a0", udp("10.1.0.5", "10.2.0.5")).fate, Fate::NoRoute);
    assert_eq!(alone(&host, "a0", echo("10.1.0.5", "10.1.0.1")).fate, Fate::Local);
}

#[test]
fn an_invalid_packet_is_looked_up_again_in_a_vrf() {
    let raw = ["iifname \"a0\" ct zone set 3"];
    let host = with_nft(in_vrfs(), &base("filter", "prerouting", "raw", &raw));
    let stray = packet("10.1.0.5", "10.1.0.1", Content::Message { kind: 0, id: 7 });
    assert_eq!(found(&alone(&host, "a0", stray)), [(3, 3, Found::Invalid), (0, 0, Found::Invalid)]);
}

#[test]
fn a_dropped_packet_leaves_no_connection() {
    let host = with_nft(host(), &base("filter", "forward", "filter", &["drop"]));
    let mut known = Connections::default();
    send(&host, &mut known, "a0", udp("10.1.0.5", "10.2.0.5"));
    assert!(known.entries.is_empty());
}

#[test]
fn marks_change_as_the_tools_say() {
    let rules = ["meta mark set meta mark & 0xffff00ff | 0x00001200", "ct mark set 0x34"];
    let host = with_nft(host(), &base("filter", "forward", "filter", &rules));
    let passage = alone(&host, "a0", udp("10.1.0.5", "10.2.0.5"));
    assert_eq!(changes(&passage), [Change::Mark(0, 0x1200), Change::ConnectionMark(0, 0x34)]);
    let text = "*mangle\n-A PREROUTING -j MARK --set-xmark 0xff/0xff\n-A PREROUTING -j CONNMARK --set-xmark 0x3/0xf\n\
        -A FORWARD -j CONNMARK --restore-mark --nfmask 0xf0 --ctmask 0xf\nCOMMIT\n";
    let host = with_iptables(super::host(), text);
    // The bits that are taken are turned, not written.
    assert_eq!(alone(&host, "a0", udp("10.1.0.5", "10.2.0.5")).mark, 0x0c);
}
