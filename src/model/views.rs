//! Who sees a network, and what it looks like to whom: its prefixes with one alias each.
//!
//! Goes in: peerings, and aliases that say for whom they are. Comes out: the viewers of each network;
//! and of one network the view of all whom no alias names, and one for each set of viewers that see
//! the same. What must hold: no network is a viewer of two views, and a network without `for` has one.

use std::collections::BTreeMap;

use super::{Network, NetworkId, Site};

/// A network as some viewers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Who sees it so, in order; empty for the first view, which everybody has whom no other names.
    pub viewers: Vec<NetworkId>,
    /// For each of the network's prefixes what its hosts are known by.
    pub known: Vec<KnownBy>,
}

/// What a prefix is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnownBy {
    /// Its own numbers: no alias is written.
    Itself,
    /// The alias at this place.
    Alias(usize),
    /// Nothing: all its aliases are for others.
    Nothing,
}

impl Site {
    /// For each network those whose hosts see its own, in order. Replies and errors come back by the
    /// caller's alias, so a peering in one direction shows both sides to each other; but hosts of a
    /// masqueraded network see nobody: whoever calls them calls from the gateway's own address.
    #[must_use]
    pub fn viewers(&self) -> Vec<Vec<NetworkId>> {
        let mut viewers = vec![Vec::new(); self.networks.len()];
        for peering in &self.peerings {
            for (viewer, seen) in [(peering.from, peering.to), (peering.to, peering.from)] {
                if self.network(viewer).masqueraded.is_none() {
                    viewers[seen.0].push(viewer);
                }
            }
        }
        for list in &mut viewers {
            list.sort_unstable();
            list.dedup();
        }
        viewers
    }
}

impl Network {
    /// All views of the network, that of everybody else first, the others in the order of their
    /// first viewers.
    #[must_use]
    pub fn views(&self) -> Vec<View> {
        let common: Vec<KnownBy> = self
            .prefixes
            .iter()
            .map(|prefix| match prefix.common_alias() {
                Some(place) => KnownBy::Alias(place),
                None if prefix.aliases.is_empty() => KnownBy::Itself,
                None => KnownBy::Nothing,
            })
            .collect();
        let mut choices: BTreeMap<NetworkId, Vec<(usize, usize)>> = BTreeMap::new();
        for (n, prefix) in self.prefixes.iter().enumerate() {
            for (place, alias) in prefix.aliases.iter().enumerate() {
                for viewer in alias.viewers.iter().flatten() {
                    choices.entry(*viewer).or_default().push((n, place));
                }
            }
        }
        let mut views = vec![View { viewers: Vec::new(), known: common.clone() }];
        let mut places: BTreeMap<Vec<(usize, usize)>, usize> = BTreeMap::new();
        for (viewer, choice) in choices {
            if let Some(place) = places.get(&choice) {
                views[*place].viewers.push(viewer);
                continue;
            }
            let mut known = common.clone();
            // The first one counts where two name a viewer, which `check` refuses.
            for (n, place) in choice.iter().rev() {
                known[*n] = KnownBy::Alias(*place);
            }
            views.push(View { viewers: vec![viewer], known });
            places.insert(choice, views.len() - 1);
        }
        views
    }
}
