//! The `ip rule` list.
//!
//! In order: the gateway's own packets about a network's flow go by the source field of their mark
//! (the kernel gives its ICMP errors the mark of the packet they are about, `fwmark_reflect`);
//! forwarded packets go by the destination field; then the `local` table where it has been moved;
//! then, without VRF devices, whatever comes in unmarked stays in the table of its interface. Each
//! part has a fixed share of the preferences, so that one more network does not renumber the rest.

use std::borrow::Cow;

use super::tree::{self, Bits, LEAF, Next};
use super::{Action, Isolation, MarkField, MarkLayout, Network, Rule, Selector};
use crate::check::Settings;
use crate::net::Family;

/// Where the parts begin.
struct Shares {
    by_source: u32,
    by_destination: u32,
    tail: u32,
}

fn shares(settings: &Settings) -> Shares {
    let (first, last) = settings.preferences;
    let ninth = (last - first + 1) / 9;
    Shares { by_source: first, by_destination: first + 4 * ninth, tail: first + 8 * ninth }
}

/// Preference of the `local` rule where it is moved: behind the marks, before what is unmarked.
pub(super) fn local(settings: &Settings) -> u32 {
    shares(settings).tail + 1
}

/// The rules of one family. Only networks that speak it have marks to go by; without VRF devices
/// unmarked packets of any family stay in the tables of their interfaces.
pub(super) fn list(
    networks: &[Network],
    settings: &Settings,
    marks: MarkLayout,
    family: Family,
) -> Vec<Rule> {
    let Shares { by_source, by_destination, tail } = shares(settings);
    let mut rules = Vec::new();
    let speaking: Vec<usize> = (0..networks.len()).filter(|n| networks[*n].speaks(family)).collect();
    if !speaking.is_empty() {
        let own = Part { field: marks.source, table: Network::own_table, iif: Some("lo") };
        rules.extend(part(networks, &speaking, &own, by_source, by_destination));
        let forwarded = Part { field: marks.destination, table: Network::table, iif: None };
        rules.extend(part(networks, &speaking, &forwarded, by_destination, tail));
        let selector = Selector::default();
        rules.push(Rule { preference: tail, selector, action: Action::Nop, network: None });
    }
    if settings.isolation == Isolation::Rules {
        let both = |preference: u32, select: fn(String) -> Selector| {
            networks.iter().enumerate().map(move |(n, network)| Rule {
                preference,
                selector: select(network.interface.clone()),
                action: Action::Lookup(network.table()),
                network: Some(n),
            })
        };
        rules.extend(both(tail + 2, |name| Selector { iif: Some(name.into()), ..Selector::default() }));
        rules.extend(both(tail + 3, |name| Selector { oif: Some(name), ..Selector::default() }));
    }
    rules
}

/// What tells the two mark-driven parts apart.
struct Part {
    field: MarkField,
    table: fn(&Network) -> u32,
    iif: Option<&'static str>,
}

/// One part: a plain list, or above [`LEAF`] networks a goto tree whose every node has a preference
/// of its own between `first` and `end`.
fn part(networks: &[Network], speaking: &[usize], part: &Part, first: u32, end: u32) -> Vec<Rule> {
    let width = part.field.width;
    let mut keys: Vec<(Bits, usize)> =
        speaking.iter().map(|n| (Bits { value: u128::from(networks[*n].id), length: width }, *n)).collect();
    keys.sort();
    // One preference is for the way around the tree. More nodes than preferences: longer lists.
    let room = (end - first - 1) as usize;
    let mut leaf = LEAF;
    let mut tree = tree::bits(&keys, width, leaf);
    while tree.nodes.len() > room {
        leaf *= 2;
        tree = tree::bits(&keys, width, leaf);
    }
    let iif = part.iif.map(Cow::Borrowed);
    let is_tree = tree.nodes.len() > 1;
    let root = if is_tree { first + 1 } else { first };
    let place = |node: usize| root + u32::try_from(node).unwrap_or(u32::MAX);
    let mut rules = Vec::new();
    if is_tree && part.iif.is_some() {
        // Forwarded packets need not walk the tree for the gateway's own ones.
        let selector = Selector { not: true, iif: iif.clone(), ..Selector::default() };
        rules.push(Rule { preference: first, selector, action: Action::Goto(end), network: None });
    }
    for (n, node) in tree.nodes.iter().enumerate() {
        for (key, next) in &node.entries {
            let value = u32::try_from(key.value).unwrap_or(0) << part.field.shift;
            let mask = upper_bits(part.field, key.length);
            let (action, network) = match next {
                Next::Leaf(network) => (Action::Lookup((part.table)(&networks[*network])), Some(*network)),
                Next::Node(below) => (Action::Goto(place(*below)), None),
            };
            let selector = Selector { iif: iif.clone(), mark: Some((value, mask)), ..Selector::default() };
            rules.push(Rule { preference: place(n), selector, action, network });
        }
        if is_tree {
            let selector = Selector::default();
            rules.push(Rule { preference: place(n), selector, action: Action::Goto(end), network: None });
        }
    }
    rules
}

/// The mask of the upper `length` bits of a mark field.
#[must_use]
pub(super) fn upper_bits(field: MarkField, length: u8) -> u32 {
    let all = field.mask() >> field.shift;
    let low = u32::from(field.width - length.min(field.width));
    (all >> low << low) << field.shift
}
