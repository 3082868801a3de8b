//! For whom each alias is: every network that sees a prefix knows it by one alias.
//!
//! Goes in: the aliases with the networks that they name, and who sees whom. Comes out: findings, and
//! for each mapping those who see the hosts by it. What must hold afterwards: each viewer of a network
//! is named by one alias of a prefix, or by none and there is one for all others.

use std::collections::HashMap;

use super::aliases::Search;
use super::errors::viewers::{AliasForItself, AliasForStranger, SecondAlias, Unnamed, ViewerWithoutAlias};
use super::peers::Peers;
use super::prefixes::Mapping;
use crate::model::{Network, NetworkId, Prefix, Site};
use crate::source::Spanned;

/// Who sees which mapping.
#[derive(Debug, Default)]
pub(super) struct Audience {
    /// By network, prefix and alias, in order: those of prefixes that name viewers.
    lists: HashMap<(NetworkId, usize, usize), Vec<NetworkId>>,
}

impl Audience {
    /// The viewers of every alias.
    pub(super) fn new(site: &Site, peers: &Peers) -> Self {
        let mut lists = HashMap::new();
        for (id, network) in site.ids() {
            for (n, prefix) in network.prefixes.iter().enumerate().filter(|(_, it)| it.has_viewers()) {
                let mut named: Vec<NetworkId> = Vec::new();
                for (place, alias) in prefix.aliases.iter().enumerate() {
                    let Some(viewers) = &alias.viewers else { continue };
                    named.extend(viewers);
                    let mut list: Vec<NetworkId> = viewers.clone();
                    list.retain(|viewer| peers.sees(*viewer, id));
                    list.sort_unstable();
                    lists.insert((id, n, place), list);
                }
                named.sort_unstable();
                if let Some(place) = prefix.common_alias() {
                    let mut list = peers.viewers(id).to_vec();
                    list.retain(|viewer| named.binary_search(viewer).is_err());
                    lists.insert((id, n, place), list);
                }
            }
        }
        Self { lists }
    }

    /// Whether every network looks the same to all.
    pub(super) fn is_uniform(&self) -> bool {
        self.lists.is_empty()
    }

    /// The networks that know the hosts of a mapping by it, in order.
    pub(super) fn of<'s>(&'s self, mapping: &Mapping, peers: &'s Peers) -> &'s [NetworkId] {
        let list = mapping.place.and_then(|place| self.lists.get(&(mapping.network, mapping.index, place)));
        list.map_or_else(|| peers.viewers(mapping.network), Vec::as_slice)
    }
}

impl Search<'_, '_, '_> {
    /// Checks that each viewer has one alias for every prefix.
    pub(super) fn audience(&mut self) {
        // After an error, who is not connected may be so because of it.
        let sound = !self.reporter.has_errors();
        let site = self.site;
        for (id, network) in site.ids() {
            for (n, prefix) in network.prefixes.iter().enumerate() {
                if prefix.has_viewers() || prefix.aliases.len() > 1 {
                    let named = self.named(id, network, prefix);
                    if sound {
                        self.strangers(id, n, prefix);
                    }
                    // What an alias without viewers was to name is unknown, and has its finding.
                    let gaps = prefix.aliases.iter().any(|alias| alias.viewers.as_deref() == Some(&[]));
                    if (sound || !gaps) && prefix.common_alias().is_none() {
                        self.unnamed(id, prefix, &named);
                    }
                }
            }
        }
    }

    /// Each network that an alias of the prefix names, with the first such alias.
    fn named(&mut self, id: NetworkId, network: &Network, prefix: &Prefix) -> HashMap<NetworkId, usize> {
        let instance = network.instance.as_deref();
        let site = self.site;
        let name = network.name.value.as_str();
        let mut named: HashMap<NetworkId, usize> = HashMap::new();
        for (place, alias) in prefix.aliases.iter().enumerate() {
            let second = |earlier: usize, viewer| SecondAlias {
                network: name,
                real: prefix.real.value,
                viewer,
                here: alias.span,
                earlier: prefix.aliases[earlier].span,
            };
            let Some(viewers) = &alias.viewers else {
                if let Some(earlier) = prefix.common_alias().filter(|first| *first != place) {
                    self.reporter.report(second(earlier, None), instance);
                }
                continue;
            };
            for viewer in viewers {
                if *viewer == id {
                    self.reporter.report(AliasForItself { network: name, span: alias.named }, instance);
                    continue;
                }
                if let Some(earlier) = named.get(viewer).copied() {
                    let viewer = site.network(*viewer).name.value.as_str();
                    self.reporter.report(second(earlier, Some(viewer)), instance);
                    continue;
                }
                named.insert(*viewer, place);
            }
        }
        named
    }

    /// Aliases that nobody sees.
    fn strangers(&mut self, id: NetworkId, n: usize, prefix: &Prefix) {
        let network = self.site.network(id);
        for (place, alias) in prefix.aliases.iter().enumerate() {
            let Some(viewers) = alias.viewers.as_deref().filter(|viewers| *viewers != [id]) else { continue };
            let seen = self.audience.lists.get(&(id, n, place)).is_some_and(|list| !list.is_empty());
            if !seen {
                let first = viewers.first().map(|viewer| self.site.network(*viewer));
                let masked = first.and_then(|viewer| Some((viewer.masqueraded?, viewer.instance.as_deref())));
                let others = prefix.aliases.iter().filter_map(|other| match other.viewers.as_deref() {
                    Some([viewer]) if alias.elsewhere.contains(viewer) => {
                        Some(Spanned::new(self.site.network(*viewer).name.value.as_str(), other.named))
                    }
                    _ => None,
                });
                let stranger = AliasForStranger {
                    network: &network.name.value,
                    viewer: first.filter(|_| viewers.len() == 1).map(|it| it.name.value.as_str()),
                    left_over: viewers.is_empty(),
                    elsewhere: others.collect(),
                    masqueraded: masked,
                    span: alias.named,
                };
                self.reporter.report(stranger, network.instance.as_deref());
            }
        }
    }

    /// Viewers that no alias names, where there is none for all others.
    fn unnamed(&mut self, id: NetworkId, prefix: &Prefix, named: &HashMap<NetworkId, usize>) {
        let (site, peers) = (self.site, self.peers);
        let network = site.network(id);
        let mut others = peers.viewers(id).iter().filter(|viewer| !named.contains_key(viewer));
        let Some(first) = others.next() else { return };
        let Some(last) = prefix.aliases.last() else { return };
        let alone = others.next().is_none();
        let suggestion = self.suggest_beside(&last.net.value.trunc(), network);
        let without = ViewerWithoutAlias {
            network: &network.name.value,
            real: prefix.real.value,
            viewer: &site.network(*first).name.value,
            unnamed: if alone { Unnamed::One } else { Unnamed::Several },
            here: last.span,
            suggestion,
        };
        self.reporter.report(without, network.instance.as_deref());
    }
}
