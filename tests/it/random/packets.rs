//! Packets that may be troublesome to a site: from and to the edges of everything that is written in it.
//!
//! Goes in: a site and a generator. Comes out: a packet and the network that it comes in from. What must hold:
//! most are from a host of that network and to a number that means somebody there.

use std::net::IpAddr;

use ipnet::IpNet;
use overlapc::model::Service;
use overlapc::net::{self, Family};
use overlapc::sim::packet::{ACK, Content, Packet, SYN, TTL};

use super::promised::Promises;
use crate::dice::Dice;

/// What packets are made of.
pub struct Numbers {
    family: Family,
    hosts: Vec<Vec<IpAddr>>,
    known: Vec<Vec<IpAddr>>,
    all: Vec<IpAddr>,
    ports: Vec<u16>,
}

/// Numbers at the edges of a prefix, inside and right outside.
fn of_prefix(net: &IpNet, around: bool) -> Vec<IpAddr> {
    let (first, last) = (net::bits(net.network()), net::bits(net.broadcast()));
    let mut all = vec![first, last, first + (last - first) / 2];
    all.extend([first.saturating_add(1), first.saturating_add(10), last.saturating_sub(1)]);
    all.retain(|number| first <= *number && *number <= last);
    let end = if net.max_prefix_len() == 32 { u128::from(u32::MAX) } else { u128::MAX };
    if around {
        all.extend([first.saturating_sub(1), last.saturating_add(1).min(end)]);
    }
    all.into_iter().map(|number| net::from_bits(net::family(net), number)).collect()
}

impl Numbers {
    pub fn new(promises: &Promises<'_>, family: Family) -> Self {
        let networks = &promises.site.networks;
        let mut all = Vec::new();
        let mut hosts = Vec::new();
        for (n, network) in networks.iter().enumerate() {
            let mut own = Vec::new();
            for prefix in network.prefixes.iter().filter(|it| net::family(&it.real.value) == family) {
                own.extend(of_prefix(&prefix.real.value, false));
                all.extend(of_prefix(&prefix.real.value, true));
                prefix.aliases.iter().for_each(|alias| all.extend(of_prefix(&alias.net.value, true)));
            }
            let gateway = promises.own[n].iter().map(IpNet::addr);
            all.extend(gateway.filter(|it| net::family_of(it) == family));
            hosts.push(own);
        }
        for rule in promises.site.rule_lists.iter().flat_map(|list| &list.rules) {
            for net in rule.from.iter().chain(&rule.to).filter(|it| net::family(&it.value) == family) {
                for (n, hosts) in hosts.iter_mut().enumerate() {
                    let known = of_prefix(&net.value, true).into_iter();
                    let has =
                        |it: &IpAddr| networks[n].prefixes.iter().any(|own| own.real.value.contains(it));
                    hosts.extend(known.filter(has));
                }
            }
        }
        let known = (0..networks.len()).map(|viewer| {
            let peers = promises.site.peerings.iter().filter(|it| it.from.0 == viewer).map(|it| it.to.0);
            let hosts = peers.flat_map(|peer| hosts[peer].iter().map(move |host| (peer, *host)));
            hosts.filter_map(|(peer, host)| promises.known_as(peer, viewer, host)).collect()
        });
        let known = known.collect();
        let strangers: &[&str] = match family {
            Family::V4 => &["10.255.1.1", "8.8.8.8", "0.0.0.1", "127.0.0.1", "224.0.0.1", "255.255.255.255"],
            Family::V6 => &["2001:db8::1", "::1", "fe80::1", "ff02::1", "::"],
        };
        all.extend(strangers.iter().map(|text| text.parse::<IpAddr>().unwrap()));
        all.sort();
        all.dedup();
        let mut ports = vec![80, 40000];
        for rule in promises.site.rule_lists.iter().flat_map(|list| &list.rules) {
            if let Service::Ports(_, ranges) = &rule.service {
                let edges =
                    ranges.iter().flat_map(|it| [it.0.saturating_sub(1), it.0, it.1, it.1.saturating_add(1)]);
                ports.extend(edges.filter(|port| *port > 0));
            }
        }
        Self { family, hosts, known, all, ports }
    }

    pub fn any(&self, dice: &mut Dice) -> IpAddr {
        *dice.of(&self.all)
    }

    /// A packet, and the network that it comes in from.
    pub fn packet(&self, dice: &mut Dice) -> (usize, Packet) {
        let opens: Vec<usize> = (0..self.known.len()).filter(|n| !self.known[*n].is_empty()).collect();
        let anybody = opens.is_empty() || dice.below(6) == 0;
        let from = if anybody { dice.below(self.hosts.len()) } else { *dice.of(&opens) };
        let of = |dice: &mut Dice, list: &[IpAddr]| {
            if list.is_empty() || dice.below(6) == 0 { *dice.of(&self.all) } else { *dice.of(list) }
        };
        let source = of(dice, &self.hosts[from]);
        let destination = of(dice, &self.known[from]);
        let content = self.content(dice);
        (from, Packet { source, destination, ttl: TTL, content })
    }

    fn content(&self, dice: &mut Dice) -> Content {
        let v4 = self.family == Family::V4;
        let source = *dice.of(&[4000, 4000, 1, 65535]);
        let destination = *dice.of(&self.ports);
        match dice.below(12) {
            0..=3 => {
                let flags = *dice.of(&[SYN, SYN, SYN, ACK]);
                Content::Ports { protocol: 6, source, destination, flags }
            }
            4 | 5 => Content::Ports { protocol: 17, source, destination, flags: 0 },
            6 => Content::Ports { protocol: *dice.of(&[132, 33, 136]), source, destination, flags: 0 },
            7 => Content::Message { kind: if v4 { 8 } else { 128 }, id: 7 },
            8 => {
                let kinds: &[u8] = if v4 { &[0, 13, 14, 17, 9, 8] } else { &[129, 139, 140, 135, 133, 128] };
                Content::Message { kind: *dice.of(kinds), id: 0 }
            }
            9 => {
                let about = Packet {
                    source: self.any(dice),
                    destination: self.any(dice),
                    ttl: TTL,
                    content: Content::Ports { protocol: 17, source, destination, flags: 0 },
                };
                Content::Error { kind: *dice.of(kinds(v4)), code: 1, about: Box::new(about) }
            }
            _ => Content::Other { protocol: *dice.of(&[47, 50, 51, 253, 89]) },
        }
    }
}

/// Errors that routers and hosts send.
pub fn kinds(v4: bool) -> &'static [u8] {
    if v4 { &[3, 11, 12] } else { &[1, 2, 3, 4] }
}
