//! Numbers that mean one network to one viewer and another to the next.
//!
//! Goes in: the sound mappings of a site where some alias is for certain viewers. Comes out: findings.
//! What must hold afterwards: whoever sees two networks knows them by different numbers; the
//! numbers by which two networks know each other mean no third one to anybody, for the replies of
//! such a pair have no zone that could keep them apart. What aliases without `for` mean to each
//! other is looked at in `aliases`.

use std::collections::{HashMap, HashSet};

use super::aliases::{Common, Search};
use super::overlaps::{Group, group, sweep};
use super::prefixes::Mapping;
use crate::model::NetworkId;

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
        let place: HashMap<usize, usize> = groups
            .iter()
            .enumerate()
            .flat_map(|(place, found)| found.members.iter().map(move |n| (*n, place)))
            .collect();
        for (a, b) in sharing {
            let around = [place[&a]].into_iter().chain(overlapping[place[&a]].iter().copied());
            if let Some(clash) = self.unshareable(mappings, &groups, (a, b), around) {
                clashes.push(clash);
            } else if !(mappings[a].is_common(self.site) && mappings[b].is_common(self.site)) {
                let (first, second) = (a.min(b), a.max(b));
                self.shared(&mappings[first], &mappings[second]);
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

    /// Why two networks that know each other by overlapping numbers cannot share them.
    fn unshareable(
        &self,
        mappings: &[Mapping],
        groups: &[Group<usize>],
        (a, b): (usize, usize),
        mut around: impl Iterator<Item = usize>,
    ) -> Option<Clash> {
        let (first, second) = (&mappings[a], &mappings[b]);
        if first.known() != second.known() || first.alias.is_none() || second.alias.is_none() {
            return Some(Clash { pair: (a, b), common: Common::Everybody });
        }
        let owners = [first.network, second.network];
        let third = around.find_map(|place| {
            let mut members = groups[place].members.iter();
            members.find(|n| !owners.contains(&mappings[**n].network)).copied()
        });
        third.map(|third| Clash { pair: (a, b), common: Common::Claim(mappings[third].network) })
    }
}
