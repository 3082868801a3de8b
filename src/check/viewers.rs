//! What a known prefix means to those who see it: nothing else than that network.
//!
//! Goes in: mappings whose known prefixes are distinct. Comes out: findings, one a mapping, about
//! real prefixes, links and routes of the networks that see it, and the gateway's own addresses.
//! What must hold afterwards: a host that sends to a known address sends it to the gateway, and
//! the gateway neither takes it for itself nor sends it elsewhere.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::addresses::Misplaced;
use super::aliases::Search;
use super::errors::aliases::{AliasOnLink, AliasOverGateway, Party};
use super::overlaps::{Group, group, sweep};
use super::peers::first_common;
use super::prefixes::Mapping;
use crate::model::{Network, NetworkId, Site};
use crate::net;
use crate::source::Span;

/// What else numbers can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Hosts of a network.
    Real,
    /// What a network's hosts reach without a router.
    Link,
    /// What a network has behind a router.
    Route,
    /// What the gateway has outside of the networks.
    Outside,
    /// One address of the gateway in a network.
    Address,
}

/// Why a known prefix cannot be used, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// A network that sees it has it itself.
    Seen(Kind, NetworkId),
    /// It is the network's own link.
    OwnLink(NetworkId),
    /// It is the network's own real prefix.
    OwnReal(NetworkId),
    /// The gateway has it in this network, or outside of all.
    Gateway(Kind, NetworkId),
}

/// All prefixes of one kind.
type Kinds<'g> = (Kind, &'g Group<NetworkId>);

impl Search<'_, '_, '_> {
    /// Checks each known prefix against everything else, but what addresses that have a finding would make.
    pub(super) fn viewers(&mut self, mappings: &[Mapping], misplaced: &Misplaced) {
        let counted = mappings.iter().enumerate().filter(|(_, mapping)| self.counts(mapping));
        let known = group(counted.map(|(n, mapping)| (mapping.known(), n)));
        let others = others(self.site, mappings, misplaced);
        let others: Vec<Kinds<'_>> =
            others.iter().flat_map(|(kind, groups)| groups.iter().map(|found| (*kind, found))).collect();
        let nets: Vec<IpNet> =
            known.iter().map(|found| found.net).chain(others.iter().map(|(_, found)| found.net)).collect();
        let mut reasons: BTreeMap<usize, (Reason, IpNet)> = BTreeMap::new();
        sweep(&nets, |n, open| {
            for other in open {
                let (first, second) = (n.min(*other), n.max(*other));
                // Known prefixes come first in `nets`; a pair of one of each is what matters.
                let (Some(known), Some(second)) = (known.get(first), second.checked_sub(known.len())) else {
                    continue;
                };
                let (kind, found) = others[second];
                for member in &known.members {
                    if let Some(reason) = self.reason(&mappings[*member], kind, found) {
                        let found = (reason, found.net);
                        reasons.entry(*member).and_modify(|best| *best = found.min(*best)).or_insert(found);
                    }
                }
            }
        });
        for (member, (reason, net)) in reasons {
            self.reject(&mappings[member], reason, net);
        }
    }

    fn reason(&self, mapping: &Mapping, kind: Kind, found: &Group<NetworkId>) -> Option<Reason> {
        let written = mapping.alias.is_some();
        let own = || written && found.members.binary_search(&mapping.network).is_ok();
        let seen = || first_common(self.seen_by(mapping), &found.members);
        match kind {
            Kind::Real => seen()
                .map(|viewer| Reason::Seen(kind, viewer))
                .or_else(|| own().then_some(Reason::OwnReal(mapping.network))),
            Kind::Link => seen()
                .map(|viewer| Reason::Seen(kind, viewer))
                .or_else(|| own().then_some(Reason::OwnLink(mapping.network))),
            Kind::Route => seen().map(|viewer| Reason::Seen(kind, viewer)),
            Kind::Outside => Some(Reason::Gateway(kind, mapping.network)),
            // Real prefixes of networks that do not see each other may hold what they like.
            Kind::Address => {
                let first = found.members.iter().find(|owner| **owner != mapping.network);
                first.filter(|_| written).map(|owner| Reason::Gateway(kind, *owner))
            }
        }
    }

    fn reject(&mut self, mapping: &Mapping, reason: Reason, net: IpNet) {
        let site = self.site;
        let instance = mapping.owner(site).instance.as_deref();
        let (kind, network) = match reason {
            Reason::Seen(kind, network) | Reason::Gateway(kind, network) => (kind, network),
            Reason::OwnLink(network) => (Kind::Link, network),
            Reason::OwnReal(network) => (Kind::Real, network),
        };
        let Some(span) = place(site, network, kind, &net) else { return };
        let owner = site.network(network);
        // What the gateway has outside of all networks stands in no `for`.
        let theirs = owner.instance.as_deref().filter(|_| kind != Kind::Outside);
        let other = Party { network: owner.name.value.as_str(), net, span, instance: theirs };
        match (reason, kind) {
            (Reason::Seen(..), _) if mapping.alias.is_none() => self.missing(mapping, other, true),
            (Reason::OwnReal(_), _) | (Reason::Seen(..), Kind::Real) => self.over_real(mapping, other),
            (_, Kind::Link) => {
                if !self.has(mapping) {
                    let (here, suggestion) = (self.party(mapping), self.suggest(mapping));
                    self.reporter.report(AliasOnLink { here, other, suggestion }, instance);
                }
            }
            _ => {
                if !self.has(mapping) {
                    let (here, suggestion) = (self.party(mapping), self.suggest(mapping));
                    let written = mapping.place.is_some();
                    let route = kind == Kind::Route;
                    let inside = kind != Kind::Outside;
                    let found = AliasOverGateway { here, other, written, route, inside, suggestion };
                    self.reporter.report(found, instance);
                }
            }
        }
    }
}

/// Everything that known prefixes are compared with; members are sorted.
fn others(site: &Site, mappings: &[Mapping], misplaced: &Misplaced) -> Vec<(Kind, Vec<Group<NetworkId>>)> {
    let mut real = group(mappings.iter().map(|mapping| (mapping.real, mapping.network)));
    real.iter_mut().for_each(|found| found.members.dedup());
    let addresses = || {
        let all = site.ids().flat_map(|(id, network)| {
            network.addresses.iter().enumerate().map(move |(place, it)| (it.value, id, place))
        });
        all.filter(|(_, id, place)| !misplaced.contains(&(*id, *place))).map(|(net, id, _)| (net, id))
    };
    let routes = site.ids().flat_map(|(id, network)| network.routes.iter().map(move |route| (route, id)));
    let outside = site.gateway.addresses.iter().map(|it| (it.address.value.trunc(), NetworkId(0)));
    let mut all = vec![
        (Kind::Real, real),
        (Kind::Link, group(addresses().map(|(net, id)| (net.trunc(), id)))),
        (Kind::Route, group(routes.map(|(route, id)| (route.prefix.value.trunc(), id)))),
        (Kind::Outside, group(outside)),
        (Kind::Address, group(addresses().map(|(net, id)| (net::single(net.addr()), id)))),
    ];
    // A link or route to everywhere has its own finding, and would collide with all there is.
    for (_, groups) in &mut all {
        groups.retain(|found| found.net.prefix_len() > 0);
    }
    all
}

/// Where a prefix of a kind is written.
fn place(site: &Site, network: NetworkId, kind: Kind, net: &IpNet) -> Option<Span> {
    let Network { prefixes, routes, addresses, .. } = site.network(network);
    match kind {
        Kind::Real => {
            prefixes.iter().map(|it| it.real).find(|real| real.value.trunc() == *net).map(|it| it.span)
        }
        Kind::Link => addresses.iter().find(|it| it.value.trunc() == *net).map(|it| it.span),
        Kind::Address => addresses.iter().find(|it| it.value.addr() == net.addr()).map(|it| it.span),
        Kind::Route => {
            routes.iter().map(|it| it.prefix).find(|it| it.value.trunc() == *net).map(|it| it.span)
        }
        Kind::Outside => site
            .gateway
            .addresses
            .iter()
            .map(|it| it.address)
            .find(|it| it.value.trunc() == *net)
            .map(|it| it.span),
    }
}
