//! By which numbers hosts are known to whom, and what a number means to a network.
//!
//! Goes in: the site as it was written. Comes out: answers about single addresses. What must hold: it is
//! worked out from prefixes and aliases alone, in the plainest way there is, because it judges what was
//! compiled: the longest real prefix of a host counts, its alias for who asks, and host bits stay.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::{Network, NetworkId, Prefix, RulesId, Site};
use crate::net::{self, Family};

/// Who sees whom, and as what.
pub(super) struct Known<'s> {
    site: &'s Site,
    /// For each network those whose hosts its own see.
    partners: Vec<Vec<usize>>,
    /// Which pairs may open connections, with their rules.
    open: BTreeMap<(usize, usize), Option<RulesId>>,
}

impl<'s> Known<'s> {
    pub(super) fn new(site: &'s Site) -> Self {
        let mut partners = vec![Vec::new(); site.networks.len()];
        for (seen, viewers) in site.viewers().into_iter().enumerate() {
            for viewer in viewers {
                partners[viewer.0].push(seen);
            }
        }
        let open = site.peerings.iter().map(|it| ((it.from.0, it.to.0), it.rules)).collect();
        Self { site, partners, open }
    }

    pub(super) fn network(&self, network: usize) -> &'s Network {
        &self.site.networks[network]
    }

    /// The networks whose hosts those of this one see.
    pub(super) fn partners(&self, network: usize) -> &[usize] {
        &self.partners[network]
    }

    /// Whether a network may open connections to another, and by which rules.
    pub(super) fn opens(&self, from: usize, to: usize) -> Option<Option<RulesId>> {
        self.open.get(&(from, to)).copied()
    }

    /// What a viewer calls a host of another network, whether it may call it or not.
    pub(super) fn alias(&self, owner: usize, viewer: usize, host: IpAddr) -> Option<IpAddr> {
        let prefix = holding(self.network(owner), host)?;
        moved(host, prefix.real.value, known_as(prefix, viewer)?)
    }

    /// All numbers by which anybody may know a host.
    pub(super) fn numbers(&self, owner: usize, host: IpAddr) -> Vec<IpAddr> {
        let Some(prefix) = holding(self.network(owner), host) else { return Vec::new() };
        if prefix.aliases.is_empty() {
            return vec![host];
        }
        let aliases = prefix.aliases.iter();
        aliases.filter_map(|alias| moved(host, prefix.real.value, alias.net.value)).collect()
    }

    /// The host that a number means to a viewer: who has it, and its own number. The host need not be
    /// there, and may be the gateway.
    pub(super) fn meaning(&self, viewer: usize, number: IpAddr) -> Option<(usize, IpAddr)> {
        self.partners[viewer].iter().find_map(|partner| {
            let network = self.network(*partner);
            network.prefixes.iter().find_map(|prefix| {
                let real = moved(number, known_as(prefix, viewer)?, prefix.real.value)?;
                // Where a narrower prefix has the host, it is known by that one's alias alone.
                let own = holding(network, real).is_some_and(|it| it.real.value == prefix.real.value);
                own.then_some((*partner, real))
            })
        })
    }

    /// Whether two networks know each other by one alias in a family, so that ports may be changed.
    pub(super) fn share(&self, a: usize, b: usize, family: Family) -> bool {
        let known = |owner: usize, viewer: usize| -> Vec<IpNet> {
            let prefixes = self.network(owner).prefixes.iter();
            let known = prefixes.filter_map(|prefix| known_as(prefix, viewer));
            known.filter(|known| net::family(known) == family).collect()
        };
        let others = known(b, a);
        known(a, b).iter().any(|one| others.iter().any(|other| net::overlap(one, other)))
    }

    /// The address that a host sees of another network's host.
    pub(super) fn seen_as(&self, asker: usize, source: IpAddr, at: usize, host: IpAddr) -> Option<IpAddr> {
        let network = self.network(at);
        if network.masqueraded.is_none() {
            return self.alias(asker, at, source);
        }
        own_address(network, host)
    }
}

/// The longest real prefix of a network that holds a host.
pub(super) fn holding(network: &Network, host: IpAddr) -> Option<&Prefix> {
    let holding = network.prefixes.iter().filter(|prefix| prefix.real.value.contains(&host));
    holding.max_by_key(|prefix| prefix.real.value.prefix_len())
}

/// The gateway's declared address that a host has on its link; behind a router, the first of its family.
pub(super) fn own_address(network: &Network, host: IpAddr) -> Option<IpAddr> {
    let family = net::family_of(&host);
    let addresses = || network.addresses.iter().filter(|it| net::family(&it.value) == family);
    let behind = network.routes.iter().filter(|route| route.prefix.value.contains(&host));
    let routed = behind.map(|route| route.prefix.value.prefix_len()).max();
    let links = addresses().filter(|it| it.value.contains(&host) && Some(it.value.prefix_len()) >= routed);
    // Of two addresses on one link the first counts.
    let link = links.rev().max_by_key(|it| it.value.prefix_len());
    link.or(addresses().next()).map(|it| it.value.addr())
}

/// What a viewer knows the hosts of a prefix by.
fn known_as(prefix: &Prefix, viewer: usize) -> Option<IpNet> {
    if prefix.aliases.is_empty() {
        return Some(prefix.real.value);
    }
    let names_viewer = |viewers: &Vec<NetworkId>| viewers.contains(&NetworkId(viewer));
    let named = prefix.aliases.iter().find(|alias| alias.viewers.as_ref().is_some_and(names_viewer));
    let common = || prefix.aliases.iter().find(|alias| alias.viewers.is_none());
    named.or_else(common).map(|alias| alias.net.value)
}

/// An address out of one prefix at the same place of another.
fn moved(address: IpAddr, from: IpNet, to: IpNet) -> Option<IpAddr> {
    if !from.contains(&address) {
        return None;
    }
    let offset = net::bits(address) - net::bits(from.network());
    Some(net::from_bits(net::family(&to), net::bits(to.network()) + offset))
}

/// What a host would be known by if a prefix were the longest that holds it.
pub(super) fn under(prefix: &Prefix, host: IpAddr) -> impl Iterator<Item = IpAddr> {
    prefix.aliases.iter().filter_map(move |alias| moved(host, prefix.real.value, alias.net.value))
}
