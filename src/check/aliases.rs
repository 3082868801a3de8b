//! By which numbers networks are known: no two by the same ones.
//!
//! Goes in: the sound mappings. Comes out: findings, and the mappings that have none. What must
//! hold of these: the gateway can tell from a destination address alone which network it means, or
//! from the address and the sender where two networks share one alias between themselves or an alias
//! is for certain viewers (the latter is looked at in `claims`).

use std::collections::{HashMap, HashSet};

use ipnet::IpNet;

use super::audience::Audience;
use super::errors::aliases::{
    AliasOverReal, Doubt, MissingAlias, OverlappingAliases, Party, SharedAlias, Suggestion,
};
use super::free::FreeSpace;
use super::overlaps::{Group, group, sweep};
use super::peers::{Peers, first_common};
use super::prefixes::Mapping;
use super::series::{Formula, Series};
use crate::diag::{Code, Reporter, code};
use crate::model::{Network, NetworkId, Site};
use crate::net::{self, Family};

/// Why numbers of two networks must differ.
#[derive(Clone, Copy)]
pub(super) enum Common {
    /// Neither of them is for certain viewers.
    Everybody,
    /// They could be shared, but this network sees both.
    Third(NetworkId),
    /// This one sees both, and the address is all it can go by.
    Viewer(NetworkId),
    /// They could be shared, but the one of these shares an alias with the other already.
    Twice(NetworkId, NetworkId),
    /// They could be shared, but this network is known by these numbers to somebody, too.
    Claim(NetworkId),
}

/// What the searches need to know, and where they report.
pub(super) struct Search<'a, 'r, 'f> {
    pub(super) site: &'a Site,
    pub(super) peers: &'a Peers,
    pub(super) audience: &'a Audience,
    pub(super) free: FreeSpace<'a>,
    /// With whom a network shares an alias of a family.
    pub(super) shares: HashMap<(NetworkId, Family), NetworkId>,
    pub(super) reporter: &'r mut Reporter<'f>,
}

impl<'a> Search<'a, '_, '_> {
    /// Checks that known prefixes are distinct; keeps the mappings without a finding.
    pub(super) fn known(&mut self, mappings: Vec<Mapping>) -> Vec<Mapping> {
        let common = |mapping: &Mapping| self.counts(mapping) && mapping.is_common(self.site);
        let counted = mappings.iter().enumerate().filter(|(_, mapping)| common(mapping));
        let groups = group(counted.map(|(n, mapping)| (mapping.known(), n)));
        let mut bad: HashSet<usize> = HashSet::new();
        for found in &groups {
            self.one_prefix(&mappings, found, &mut bad);
        }
        let nets: Vec<_> = groups.iter().map(|found| found.net).collect();
        let mut pairs = Vec::new();
        sweep(&nets, |inner, open| {
            let inner = groups[inner].members[0];
            let strangers = open.iter().rev().flat_map(|outer| &groups[*outer].members);
            let other = strangers.copied().find(|outer| mappings[*outer].network != mappings[inner].network);
            pairs.extend(other.map(|outer| (outer, inner)));
        });
        for (outer, inner) in pairs {
            // A prefix that is too wide makes one finding, not one for each that it swallows.
            if !bad.contains(&outer) && !bad.contains(&inner) {
                bad.extend([outer, inner]);
                self.clash(&mappings[outer], &mappings[inner], Common::Everybody);
            }
        }
        if !self.audience.is_uniform() {
            self.claims(&mappings, &mut bad);
        }
        let kept = mappings.into_iter().enumerate().filter(|(n, _)| !bad.contains(n));
        kept.map(|(_, mapping)| mapping).collect()
    }

    /// Whether anybody may be confused: the numbers of a network that nobody is connected to mean
    /// nothing, unless it claims them by an alias.
    pub(super) fn counts(&self, mapping: &Mapping) -> bool {
        mapping.alias.is_some() || !self.peers.viewers(mapping.network).is_empty()
    }

    /// Several networks known by one prefix.
    fn one_prefix(&mut self, mappings: &[Mapping], found: &Group<usize>, bad: &mut HashSet<usize>) {
        let [first, others @ ..] = found.members.as_slice() else { return };
        let first = &mappings[*first];
        if let [other] = others {
            let other = &mappings[*other];
            let written = first.alias.is_some() && other.alias.is_some();
            let seen = |a: &Mapping, b: &Mapping| self.seen_by(a).binary_search(&b.network).is_ok();
            if written && seen(first, other) && seen(other, first) {
                match first_common(self.seen_by(first), self.seen_by(other)) {
                    None => self.shared(first, other),
                    Some(third) => {
                        bad.extend(&found.members);
                        self.clash(first, other, Common::Third(third));
                    }
                }
                return;
            }
        }
        for n in others.iter().filter(|n| mappings[**n].network != first.network) {
            bad.extend([found.members[0], *n]);
            self.clash(first, &mappings[*n], Common::Everybody);
        }
    }

    /// The networks that know the hosts of a mapping by it.
    pub(super) fn seen_by(&self, mapping: &Mapping) -> &'a [NetworkId] {
        self.audience.of(mapping, self.peers)
    }

    /// Two networks that know each other by one alias: each can do so with one other in a family, for
    /// the replies of both pairs would meet.
    pub(super) fn shared(&mut self, first: &Mapping, second: &Mapping) {
        let family = net::family(&first.real);
        for (one, other) in [(first.network, second.network), (second.network, first.network)] {
            let earlier = *self.shares.entry((one, family)).or_insert(other);
            if earlier != other {
                self.clash(first, second, Common::Twice(one, earlier));
                return;
            }
        }
        let instance = second.owner(self.site).instance.as_deref();
        if !self.has(second) && !self.reporter.has(second.known_span(self.site), code::SHARED_ALIAS) {
            let suggestion = self.suggest(second);
            let (first, second) = (self.party(first), self.party(second));
            self.reporter.report(SharedAlias { first, second, suggestion }, instance);
        }
    }

    /// Two networks known by overlapping prefixes.
    pub(super) fn clash(&mut self, a: &Mapping, b: &Mapping, common: Common) {
        let (earlier, later) = if a.network <= b.network { (a, b) } else { (b, a) };
        let peered = self.peers.peered(a.network, b.network);
        // The one that is to change is blamed: the written alias, or else the later one.
        let (blamed, other) = match (earlier.alias, later.alias) {
            (Some(_), None) => (earlier, later),
            _ => (later, earlier),
        };
        let instance = blamed.owner(self.site).instance.as_deref();
        if blamed.alias.is_none() {
            self.missing(blamed, self.party(other), peered);
        } else if other.alias.is_none() && peered {
            self.over_real(blamed, self.party(other));
        } else if !self.has(blamed) {
            let suggestion = self.suggest(blamed);
            let name = |network: NetworkId| self.site.network(network).name.value.as_str();
            let doubt = match common {
                Common::Everybody => Doubt::Everybody,
                Common::Third(third) => Doubt::Third(name(third)),
                Common::Viewer(viewer) => Doubt::Viewer(name(viewer)),
                Common::Twice(one, earlier) => Doubt::Twice(name(one), name(earlier)),
                Common::Claim(owner) => Doubt::Claim(name(owner)),
            };
            let (here, written) = (self.party(blamed), other.alias.is_some());
            let other = self.party(other);
            self.reporter.report(OverlappingAliases { here, other, written, doubt, suggestion }, instance);
        }
    }

    /// A prefix without alias that the other party keeps from being unique.
    pub(super) fn missing(&mut self, blamed: &Mapping, other: Party<'a>, peered: bool) {
        if !self.has(blamed) {
            let suggestion = self.suggest(blamed);
            let here = self.party(blamed);
            let instance = blamed.owner(self.site).instance.as_deref();
            let same = blamed.place.is_some();
            self.reporter.report(MissingAlias { here, other, peered, same, suggestion }, instance);
        }
    }

    /// An alias with the numbers of hosts in a network that has to see it.
    pub(super) fn over_real(&mut self, blamed: &Mapping, other: Party<'a>) {
        if !self.has(blamed) {
            let suggestion = self.suggest(blamed);
            let here = self.party(blamed);
            let instance = blamed.owner(self.site).instance.as_deref();
            self.reporter.report(AliasOverReal { here, other, suggestion }, instance);
        }
    }

    /// Whether it is said already that these numbers will not do: a formula in a `for` is one mistake, whatever
    /// each of its values meets.
    pub(super) fn has(&self, blamed: &Mapping) -> bool {
        const NUMBERS: [Code; 5] = [
            code::OVERLAPPING_ALIASES,
            code::ALIAS_OVER_REAL,
            code::ALIAS_ON_LINK,
            code::ALIAS_OVER_GATEWAY,
            code::MISSING_ALIAS,
        ];
        let span = blamed.known_span(self.site);
        NUMBERS.into_iter().any(|code| self.reporter.has(span, code))
    }

    /// The network with the prefix it is known by.
    pub(super) fn party(&self, mapping: &Mapping) -> Party<'a> {
        let owner = mapping.owner(self.site);
        let (network, instance) = (owner.name.value.as_str(), owner.instance.as_deref());
        Party { network, net: mapping.known(), span: mapping.known_span(self.site), instance }
    }

    /// What the prefix could be known by instead.
    pub(super) fn suggest(&mut self, mapping: &Mapping) -> Suggestion {
        self.suggest_beside(&mapping.known(), mapping.owner(self.site))
    }

    /// A prefix like `known` that a network could be known by.
    pub(super) fn suggest_beside(&mut self, known: &IpNet, owner: &Network) -> Suggestion {
        match &owner.instance {
            None => self.free.take(known).map_or(Suggestion::None, Suggestion::Exact),
            Some(_) => Suggestion::Computed(match Series::of(self.site, owner) {
                Some(series) => series.prefixes(known, &mut self.free),
                None => Formula::unknown(known),
            }),
        }
    }
}
