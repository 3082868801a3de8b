//! Addresses and the two routing tables of a network.
//!
//! The first table (its number is the id) leads packets to the network's hosts. The second is for
//! packets that the gateway itself sends about a flow of the network, which its ICMP errors are: it
//! is looked up first with the alias that the sender of the flow is known by, and again with the
//! real address once the translation has been undone. Only the gateway's own packets see it,
//! because in a table that forwarded packets see, a route for an alias would let them out
//! untranslated if somebody else's hand flushes the translation.
//!
//! Every table ends in `unreachable default`: without it a lookup falls through to the next rule,
//! which is the sender's own table, and the same-numbered host there answers.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Address, NextHop, OWN_TABLE_BASE, OwnAlias, Refusal, Route, mapping};
use crate::model::{self, Isolation, Site};
use crate::net::{self, Family};
use crate::source::Span;

/// The gateway's addresses in a network.
pub(super) fn addresses(network: &model::Network) -> Vec<Address> {
    network.addresses.iter().map(|address| Address { net: address.value, span: address.span }).collect()
}

/// The routes of both tables of a network, unreachable defaults first.
pub(super) fn routes(
    network: &model::Network,
    id: u16,
    isolation: Isolation,
    own_aliases: &[OwnAlias],
) -> Vec<Route> {
    let span = network.name.span;
    let forward = u32::from(id);
    let own = OWN_TABLE_BASE + forward;
    let speaks = |prefix: &IpNet| {
        network.prefixes.iter().any(|own| net::family(&own.real.value) == net::family(prefix))
    };
    // Packets of a family that the network does not speak are kept in, too. About those the gateway
    // has nothing to say by way of the second table.
    let ends = [forward, own].into_iter().flat_map(|table| everything().map(move |prefix| (table, prefix)));
    let mut routes: Vec<Route> = ends
        .filter(|(table, prefix)| *table == forward || speaks(prefix))
        .map(|(table, prefix)| Route { table, prefix, next: NextHop::Unreachable, span })
        .collect();
    // The gateway's own address is nobody's for other networks; see `OwnAlias`.
    let nobodys = own_aliases.iter().filter(|own| own.refusal == Refusal::Unrouted && own.alias == own.real);
    routes.extend(nobodys.map(|own| Route {
        table: forward,
        prefix: net::single(own.real),
        next: NextHop::Unreachable,
        span: own.span,
    }));
    // With a VRF device the kernel keeps connected routes in the VRF's table by itself.
    let kept_by_hand = match isolation {
        Isolation::Vrf => vec![own],
        Isolation::Rules => vec![forward, own],
    };
    for table in kept_by_hand {
        let links = on_link(network).into_iter().filter(|(prefix, _)| table == forward || speaks(prefix));
        routes.extend(links.map(|(prefix, span)| Route { table, prefix, next: NextHop::Link, span }));
    }
    for table in [forward, own] {
        routes.extend(network.routes.iter().map(|route| Route {
            table,
            prefix: route.prefix.value.trunc(),
            next: NextHop::Router(route.via.value),
            span: route.span,
        }));
    }
    let mut seen = HashSet::new();
    for prefix in &network.prefixes {
        for alias in &prefix.aliases {
            let net = alias.net.value.trunc();
            if net != prefix.real.value.trunc() && seen.insert(net) {
                let span = mapping::place(prefix, alias);
                routes.push(Route { table: own, prefix: net, next: NextHop::Link, span });
            }
        }
    }
    routes
}

/// `0.0.0.0/0` and `::/0`.
fn everything() -> impl Iterator<Item = IpNet> {
    [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())].into_iter()
}

/// What is on the network's link: the subnets of the gateway's addresses; in a family without a
/// declared address, the prefixes that no router is named for. And the IPv6 link-local prefix, which
/// every link has (RFC 4291, 2.5.6).
fn on_link(network: &model::Network) -> Vec<(IpNet, Span)> {
    let mut links: Vec<(IpNet, Span)> = Vec::new();
    for family in [Family::V4, Family::V6] {
        let declared: Vec<(IpNet, Span)> = network
            .addresses
            .iter()
            .filter(|address| net::family(&address.value) == family)
            .map(|address| (address.value.trunc(), address.span))
            .collect();
        if declared.is_empty() {
            links.extend(unrouted(network, family));
        } else {
            // On the link of a single address is nobody but the gateway, and a route there would come before
            // the one that keeps the number in.
            links.extend(declared.into_iter().filter(|(link, _)| link.prefix_len() < link.max_prefix_len()));
        }
    }
    if let Ok(link_local) = Ipv6Net::new(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 64) {
        links.push((IpNet::V6(link_local), network.name.span));
    }
    links.sort_by_key(|(prefix, _)| *prefix);
    links.dedup_by_key(|(prefix, _)| *prefix);
    links
}

fn unrouted(network: &model::Network, family: Family) -> impl Iterator<Item = (IpNet, Span)> + '_ {
    network
        .prefixes
        .iter()
        .map(|prefix| (prefix.real.value.trunc(), prefix.span))
        .filter(move |(real, _)| net::family(real) == family)
        .filter(|(real, _)| !network.routes.iter().any(|route| route.prefix.value.contains(real)))
}

/// Whether the kernel's `local` table, looked up before everything else, would swallow packets to
/// hosts of a network: an address that the gateway has outside the networks is a host's number too, or what stands for
/// all of its subnet there is.
pub(super) fn shadowed_by_local(site: &Site) -> bool {
    let own = site.gateway.addresses.iter().map(|it| it.address);
    let outside: Vec<IpAddr> = own
        .clone()
        .map(|address| address.value.addr())
        .chain(own.filter_map(|address| mapping::groups(&address).map(|(number, ..)| number)))
        .collect();
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    outside.iter().filter(|address| **address != loopback).any(|address| {
        site.networks
            .iter()
            .flat_map(|network| &network.prefixes)
            .any(|prefix| prefix.real.value.contains(address))
    })
}
