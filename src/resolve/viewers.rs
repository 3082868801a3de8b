//! Whom an alias is for: names and patterns behind `for` become networks.
//!
//! Goes in: what stands behind each `for`, after all networks are known. Comes out: the viewers of
//! the aliases. What must hold: a pattern costs what it matches; a network that one alias of a prefix
//! names is none of those that a pattern of another one matches.

use std::collections::HashSet;

use super::Resolver;
use super::connects::{Index, Side};
use crate::model::{Instance, NetworkId};
use crate::syntax::ast::Word;

/// What stands behind `for` in a network's prefix.
pub(super) struct Named<'a> {
    /// The place of the prefix.
    pub(super) prefix: usize,
    /// The place of the alias in it.
    pub(super) alias: usize,
    /// A name or pattern.
    pub(super) name: String,
    /// As it is written.
    pub(super) word: &'a Word,
}

/// All that one network says of viewers.
pub(super) struct NetworkViewers<'a> {
    /// Its place in [`Resolver::networks`].
    network: usize,
    instance: Instance,
    named: Vec<Named<'a>>,
}

impl<'a> Resolver<'a, '_> {
    /// Notes whom aliases of the network that comes next are for.
    pub(super) fn note_viewers(&mut self, named: Vec<Named<'a>>) {
        if !named.is_empty() {
            let (network, instance) = (self.networks.len(), self.instance.clone());
            self.viewers.push(NetworkViewers { network, instance, named });
        }
    }

    /// Fills in the viewers of all aliases.
    pub(super) fn viewers(&mut self, index: &Index) {
        for NetworkViewers { network, instance, named } in std::mem::take(&mut self.viewers) {
            self.instance = instance;
            for of_prefix in named.chunk_by(|a, b| a.prefix == b.prefix) {
                self.viewers_of_prefix(network, of_prefix, index);
            }
        }
        self.instance = None;
    }

    fn viewers_of_prefix(&mut self, network: usize, named: &[Named<'a>], index: &Index) {
        let sides: Vec<Option<Side>> =
            named.iter().map(|named| self.side(&named.name, named.word, index)).collect();
        let written: HashSet<NetworkId> = sides
            .iter()
            .filter_map(|side| match side {
                Some(Side::One(viewer)) => Some(*viewer),
                _ => None,
            })
            .collect();
        for (named, side) in named.iter().zip(sides) {
            let (elsewhere, viewers) = match side {
                Some(Side::One(viewer)) => (Vec::new(), vec![viewer]),
                Some(Side::Many(matched)) => {
                    let others = matched.into_iter().filter(|viewer| viewer.0 != network);
                    others.partition(|viewer| written.contains(viewer))
                }
                None => (Vec::new(), Vec::new()),
            };
            let alias = &mut self.networks[network].prefixes[named.prefix].aliases[named.alias];
            (alias.viewers, alias.elsewhere) = (Some(viewers), elsewhere);
        }
    }
}
