//! Chains and their rules as lines, and the trees of chains that stand for maps.

use std::fmt;

use ipnet::IpNet;

use super::super::text::{Block, Blocks, line};
use crate::net::{self, Family};
use crate::plan::MarkField;
use crate::plan::tree::{self, Bits, LEAF, Name, Next, Tree};

/// A table's own chains and their rules.
#[derive(Default)]
pub(in crate::emit) struct Chains {
    names: Block,
    pub(super) rules: Block,
}

impl Chains {
    /// Declares a chain.
    pub(in crate::emit) fn open(&mut self, name: &str) {
        line!(self.names, ":{name} - [0:0]");
    }

    /// The declarations and the rules.
    pub(in crate::emit) fn finish(self, blocks: &Blocks) -> (String, String) {
        (blocks.keep(self.names), blocks.keep(self.rules))
    }
}

/// Adds a rule to [`Chains`].
macro_rules! rule {
    ($chains:expr, $($arguments:tt)*) => { line!($chains.rules, $($arguments)*) };
}
pub(super) use rule;

/// The match that carries a rule's comment into listings: where it comes from, and a few words.
pub(super) fn said(place: impl fmt::Display, words: &str) -> String {
    format!("-m comment --comment \"{place} {words}\"")
}

/// A chain that finds a device's entry; `side` is `i` or `o`.
pub(in crate::emit) fn by_device(
    chains: &mut Chains,
    root: &str,
    side: char,
    mut entries: Vec<(&str, String)>,
) {
    entries.sort();
    let keys: Vec<(Name<'_>, &str)> =
        entries.iter().map(|(name, rest)| (Name { text: name, open: false }, rest.as_str())).collect();
    let tree = tree::names(&keys, LEAF);
    let label = |_: usize, name: &Name<'_>| format!("{root}-{}", name.text);
    let key = |name: &Name<'_>| format!("-{side} {}{}", name.text, if name.open { "+" } else { "" });
    lay(chains, (root, None), &tree, label, key);
}

/// A chain that finds a destination's entry; entries are disjoint and in address order.
pub(super) fn by_destination(chains: &mut Chains, root: &str, family: Family, entries: Vec<(IpNet, String)>) {
    let width = net::width(family);
    // Chain names have at most 28 bytes (`XT_EXTENSION_MAXNAMELEN`): the upper 64 bits in hex name a
    // node, and its number where it is cut deeper than that.
    let label = |place: usize, key: &Bits| {
        let digits = usize::from(key.length.div_ceil(4));
        match key.length {
            0..=64 => {
                format!("ovl-d-{:0digits$x}-{}", key.value >> (usize::from(width) - digits * 4), key.length)
            }
            _ => format!("ovl-d-n{place}"),
        }
    };
    by_address(chains, root, 'd', family, entries, label);
}

/// A chain that finds the entry of a source (`side` is `s`) or destination (`d`); entries are disjoint
/// and in address order.
pub(super) fn by_address(
    chains: &mut Chains,
    root: &str,
    side: char,
    family: Family,
    entries: Vec<(IpNet, String)>,
    label: impl Fn(usize, &Bits) -> String,
) {
    let keys: Vec<(Bits, &str)> = entries
        .iter()
        .map(|(net, rest)| {
            (Bits { value: net::bits(net.network()), length: net.prefix_len() }, rest.as_str())
        })
        .collect();
    let tree = tree::bits(&keys, net::width(family), LEAF);
    let prefix = |key: &Bits| net::prefix(net::from_bits(family, key.value), key.length);
    let key = |key: &Bits| prefix(key).map_or_else(String::new, |prefix| format!("-{side} {prefix}"));
    lay(chains, (root, None), &tree, label, key);
}

/// A chain that finds the entry of an id in a mark field.
pub(super) fn by_mark(
    chains: &mut Chains,
    root: &str,
    nodes: &str,
    field: MarkField,
    entries: Vec<(u16, String)>,
) {
    by_mark_or(chains, (root, nodes), field, entries, None);
}

/// The same; an id without an entry goes where `otherwise` says, from whatever node it ends in.
pub(super) fn by_mark_or(
    chains: &mut Chains,
    (root, nodes): (&str, &str),
    field: MarkField,
    mut entries: Vec<(u16, String)>,
    otherwise: Option<&str>,
) {
    entries.sort_by_key(|(id, _)| *id);
    let keys: Vec<(Bits, &str)> = entries
        .iter()
        .map(|(id, rest)| (Bits { value: u128::from(*id), length: field.width }, rest.as_str()))
        .collect();
    let tree = tree::bits(&keys, field.width, LEAF);
    let label = |_: usize, key: &Bits| format!("ovl-at-{nodes}{:x}-{}", key.value, key.length);
    let key = |key: &Bits| {
        let low = u32::from(field.width - key.length);
        let mask = field.mask() >> (u32::from(field.shift) + low) << (u32::from(field.shift) + low);
        let value = u32::try_from(key.value).unwrap_or(0) << field.shift;
        Mark { value, mask }
    };
    lay(chains, (root, otherwise), &tree, label, key);
}

/// The match of a mark value under a mask.
struct Mark {
    value: u32,
    mask: u32,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-m mark --mark {:#x}/{:#x}", self.value, self.mask)
    }
}

/// Writes a tree down: the root under its own name, every other node as a chain that is gone to, and at
/// the end of each what happens to those that no entry matches, if anything.
fn lay<K, D: fmt::Display>(
    chains: &mut Chains,
    (root, otherwise): (&str, Option<&str>),
    tree: &Tree<K, &str>,
    label: impl Fn(usize, &K) -> String,
    key: impl Fn(&K) -> D,
) {
    let name =
        |place: usize| if place == 0 { root.to_owned() } else { label(place, &tree.nodes[place].prefix) };
    for (place, node) in tree.nodes.iter().enumerate() {
        let chain = name(place);
        chains.open(&chain);
        for (entry, next) in &node.entries {
            match next {
                Next::Leaf(rest) => rule!(chains, "-A {chain} {} {rest}", key(entry)),
                Next::Node(below) => rule!(chains, "-A {chain} {} -g {}", key(entry), name(*below)),
            }
        }
        if let Some(otherwise) = otherwise {
            rule!(chains, "-A {chain} {otherwise}");
        }
    }
}
