//! Numbers that mean one network to one viewer and another to the next.
//!
//! Goes in: the sound mappings of a site where some alias is for certain viewers. Comes out: findings.
//! What must hold afterwards: whoever sees two networks knows them by different numbers; the
//! numbers by which two networks know each other that share an alias mean no third one to anybody, for
//! the replies of such a pair have no zone that could keep them apart. What aliases without `for` mean to each
//! other is looked at in `aliases`.

use std::collections::{HashMap, HashSet};

use super::aliases::{Common, Search};
use super::overlaps::{group, sweep};
use super::prefixes::Mapping;
use crate::model::NetworkId;
use crate::net;

/// Two mappings that cannot both be, and why.
struct Clash {
    pair: (usize, usize),
    common: Common,
}

impl Search<'_, '_, '_> {
    /// Reports clashes that have to do with an alias for certain viewers; `bad` grows by them.
    pub(super) fn claims(&mut self, mappings: &[Mapping], bad: &mut HashSet<usize>) {
        let counted = mappings.iter().enumerate().filter(|(_, mapping)| self.counts(mapping));
        let groups = group(counted.map(|(n, mapping)| (mapping.known(), n)));
        let nets: Vec<_> = groups.iter().map(|found| found.net).collect();
        let mut overlapping: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
        // For each group, what each viewer means by it.
        let mut meant: Vec<HashMap<NetworkId, usize>> = vec![HashMap::new(); groups.len()];
        let mut places: HashMap<usize, usize> = HashMap::new();
        for (place, found) in groups.iter().enumerate() {
            places.extend(found.members.iter().map(|n| (*n, place)));
        }
        let (mut clashes, mut sharing) = (Vec::new(), Vec::new());
        sweep(&nets, |inner, open| {
            for outer in open {
                overlapping[*outer].push(inner);
                overlapping[inner].push(*outer);
            }
            for n in &groups[inner].members {
                let mapping = &mappings[*n];
                for viewer in self.seen_by(mapping) {
                    for place in open.iter().rev().chain([&inner]) {
                        let other = |who: NetworkId| meant[*place].get(&who).copied();
                        if let Some(other) =
                            other(*viewer).filter(|m| mappings[*m].network != mapping.network)
                        {
                            clashes.push(Clash { pair: (other, *n), common: Common::Viewer(*viewer) });
                        }
                        // The viewer's own network, seen by this one.
                        if let Some(other) =
                            other(mapping.network).filter(|m| mappings[*m].network == *viewer)
                        {
                            sharing.push((other, *n));
                        }
                    }
                    meant[inner].entry(*viewer).or_insert(*n);
                }
            }
        });
        for (a, b) in sharing {
            let (first, second) = (&mappings[a], &mappings[b]);
            if first.known() != second.known() || first.alias.is_none() || second.alias.is_none() {
                clashes.push(Clash { pair: (a, b), common: Common::Everybody });
                continue;
            }
            let before = clashes.len();
            for n in self.between(mappings, first, second) {
                let around = places[&n];
                let around = [around].into_iter().chain(overlapping[around].iter().copied());
                let owners = [first.network, second.network];
                let third = around
                    .flat_map(|place| &groups[place].members)
                    .find(|third| !owners.contains(&mappings[**third].network));
                if let Some(third) = third {
                    let common = Common::Claim(mappings[*third].network);
                    clashes.push(Clash { pair: (a, b), common });
                    break;
                }
            }
            let common = first.is_common(self.site) && second.is_common(self.site);
            if clashes.len() == before && !common {
                self.shared(&mappings[a.min(b)], &mappings[a.max(b)]);
            }
        }
        for Clash { pair: (a, b), common } in clashes {
            // Two aliases without `for` have their finding, if they need one.
            let known = mappings[a].is_common(self.site)
                && mappings[b].is_common(self.site)
                && !matches!(common, Common::Claim(_));
            if !known && !bad.contains(&a) && !bad.contains(&b) {
                bad.extend([a, b]);
                self.clash(&mappings[a], &mappings[b], common);
            }
        }
    }

    /// The mappings of a family by which two networks know each other.
    fn between(&self, mappings: &[Mapping], a: &Mapping, b: &Mapping) -> Vec<usize> {
        let known = |owner: &Mapping, viewer: NetworkId| {
            let first = mappings.partition_point(|it| it.network < owner.network);
            let own = mappings[first..].iter().take_while(|it| it.network == owner.network);
            let seen = own.enumerate().filter(|(_, it)| net::family(&it.real) == net::family(&owner.real));
            let seen = seen.filter(|(_, it)| self.seen_by(it).binary_search(&viewer).is_ok());
            seen.map(|(n, _)| first + n).collect::<Vec<_>>()
        };
        [known(a, b.network), known(b, a.network)].concat()
    }
}
