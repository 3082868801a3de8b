//! Networks whose hosts have no routes: everything reaches them from the gateway's own address.
//!
//! Their answers are addressed to the gateway, whoever asked, so the way back is not in the packet: it
//! is in the connection, whose mark names the network that opened it in the field that names the
//! destination in packet marks. The zone of all that they send to the gateway is that of the gateway's own
//! traffic with them, which looks the same on the wire; so the kernel picks another
//! source port where two connections would look alike (nf_nat_core.c, `nf_nat_used_tuple`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Network, NextHop, Peering, Route};
use crate::model;
use crate::net;
use crate::source::Span;

/// How hosts that have no routes are reached.
#[derive(Clone, Debug)]
pub struct Masquerade {
    /// The gateway's address that hosts see: the first entry that holds a host is its own.
    pub sources: Vec<Source>,
    /// Places in [`Plan::networks`](super::Plan::networks) of those that open connections to it and whose
    /// connections are in its zone, in order.
    pub callers: Vec<usize>,
    /// Places in [`Plan::networks`](super::Plan::networks) of those whose connections have the zone
    /// for replies alone, because their hosts have the same real addresses as others' that open
    /// connections to this network.
    pub apart: Vec<usize>,
    /// The `nodes masqueraded`.
    pub span: Span,
}

/// Which address some hosts see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The hosts.
    pub hosts: IpNet,
    /// The gateway's address.
    pub address: IpAddr,
    /// Where it is written.
    pub span: Span,
}

/// The masquerade of a network, if it has one.
pub(super) fn of(network: &model::Network, apart: &[model::NetworkId]) -> Option<Masquerade> {
    let span = network.masqueraded?;
    let mut sources: Vec<Source> = Vec::new();
    for (real, _) in super::mapping::reals(network) {
        let same = |net: &IpNet| net::family(net) == net::family(&real);
        let addresses: Vec<_> = network.addresses.iter().filter(|address| same(&address.value)).collect();
        // Hosts with numbers of one of several links see the address there; all others, the first.
        let inside = addresses.iter().filter(|address| real.contains(&address.value.trunc()));
        let source = |hosts, address: &crate::source::Spanned<IpNet>| Source {
            hosts,
            address: address.value.addr(),
            span: address.span,
        };
        sources.extend(inside.map(|address| source(address.value.trunc(), address)));
        let holding = addresses.iter().find(|address| address.value.contains(&real));
        sources.extend(holding.or(addresses.first()).map(|address| source(real, address)));
    }
    // Stable: of two addresses on one link the first is seen.
    sources.sort_by_key(|source| std::cmp::Reverse(source.hosts.prefix_len()));
    sources.sort_by_key(|source| net::family(&source.hosts));
    let mut seen: Vec<IpNet> = Vec::new();
    sources.retain(|source| {
        let new = !seen.contains(&source.hosts);
        seen.push(source.hosts);
        new
    });
    let apart = apart.iter().map(|network| network.0).collect();
    Some(Masquerade { sources, callers: Vec::new(), apart, span })
}

/// Adds those who open connections to masqueraded networks.
pub(super) fn add_callers(networks: &mut [Network], peerings: &[Peering]) {
    for peering in peerings {
        if let Some(masquerade) = &mut networks[peering.to].masquerade {
            masquerade.callers.push(peering.from);
        }
    }
    for masquerade in networks.iter_mut().filter_map(|network| network.masquerade.as_mut()) {
        let Masquerade { callers, apart, .. } = masquerade;
        callers.sort_unstable();
        callers.dedup();
        let apart: BTreeSet<usize> = apart.iter().copied().collect();
        callers.retain(|caller| !apart.contains(caller));
    }
}

/// Adds what the gateway's errors about connections to masqueraded hosts need. A packet whose host
/// does not answer the neighbour look-up has the gateway's own address as its source by then, so the
/// error is looked up with that address first, in the second table of who asked, and again with the
/// address of who asked once the translation has been undone.
pub(super) fn add_error_routes(networks: &mut [Network], peerings: &[Peering]) {
    let own: Vec<usize> = networks.iter().map(|network| network.routes.len()).collect();
    let mut added: BTreeSet<(usize, IpNet)> = BTreeSet::new();
    for peering in peerings {
        let sources = networks[peering.to].masquerade.as_ref().map(|masquerade| masquerade.sources.clone());
        let asker = &mut networks[peering.from];
        let table = asker.own_table();
        for source in sources.into_iter().flatten() {
            let prefix = net::single(source.address);
            let leads = |route: &Route| {
                route.table == table && route.next != NextHop::Unreachable && route.prefix.contains(&prefix)
            };
            if added.insert((peering.from, prefix)) && !asker.routes[..own[peering.from]].iter().any(leads) {
                asker.routes.push(Route { table, prefix, next: NextHop::Link, span: source.span });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::model::Network;
    use crate::source::{SourceMap, Span, Spanned};

    fn here() -> Span {
        Span::new(SourceMap::default().add("site.ovl", ""), 0, 0)
    }

    fn spanned<T>(value: T) -> Spanned<T> {
        Spanned::new(value, here())
    }

    fn network(addresses: &[&str], prefixes: &[&str]) -> Network {
        let span = here();
        let prefix = |real: &&str| crate::model::Prefix {
            real: spanned(real.parse().unwrap()),
            aliases: Vec::new(),
            span,
        };
        Network {
            name: spanned("machine".to_owned()),
            instance: None,
            id: None,
            interface: spanned("eth2".to_owned()),
            addresses: addresses.iter().map(|address| spanned(address.parse().unwrap())).collect(),
            prefixes: prefixes.iter().map(prefix).collect(),
            routes: Vec::new(),
            hosts: Vec::new(),
            masqueraded: Some(span),
            mss: None,
        }
    }

    fn seen(network: &Network) -> Vec<(String, String)> {
        let sources = of(network, &[]).unwrap().sources;
        sources.iter().map(|source| (source.hosts.to_string(), source.address.to_string())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(hosts, address)| ((*hosts).to_owned(), (*address).to_owned())).collect()
    }

    #[test]
    fn hosts_see_the_address_on_their_own_link() {
        let one = network(&["192.168.1.1/24"], &["192.168.1.0/24"]);
        assert_eq!(seen(&one), pairs(&[("192.168.1.0/24", "192.168.1.1")]));
        let narrow = network(&["192.168.1.1/24"], &["192.168.1.64/26", "192.168.1.0/28"]);
        assert_eq!(
            seen(&narrow),
            pairs(&[("192.168.1.0/28", "192.168.1.1"), ("192.168.1.64/26", "192.168.1.1")])
        );
        let links = network(&["192.168.1.1/24", "192.168.2.1/24", "192.168.2.2/24"], &["192.168.0.0/16"]);
        let expected = [
            ("192.168.1.0/24", "192.168.1.1"),
            ("192.168.2.0/24", "192.168.2.1"),
            ("192.168.0.0/16", "192.168.1.1"),
        ];
        assert_eq!(seen(&links), pairs(&expected));
    }

    #[test]
    fn hosts_behind_a_router_see_the_first_address_of_their_family() {
        let routed = network(&["fd00::1/64", "192.168.1.1/24"], &["10.0.0.0/8", "fd00:1::/64"]);
        assert_eq!(seen(&routed), pairs(&[("10.0.0.0/8", "192.168.1.1"), ("fd00:1::/64", "fd00::1")]));
    }
}
