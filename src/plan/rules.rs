//! The `ip rule` list.
//!
//! In order: the gateway's own packets about a network's flow go by the source field of their mark
//! (the kernel gives its ICMP errors the mark of the packet they are about, `fwmark_reflect`);
//! forwarded packets go by the destination field; then the `local` table where it has been moved;
//! then, without VRF devices, whatever comes in unmarked stays in the table of its interface. Each
//! part has a fixed share of the preferences, so that one more network does not renumber the rest.

use super::tree::{self, Bits, LEAF, Next};
use super::{Action, Isolation, MarkField, MarkLayout, Network, Rule, Selector};
use crate::check::Settings;

/// The finished list.
pub(super) struct RuleList {
    /// In order of preference.
    pub(super) rules: Vec<Rule>,
    /// Preference of the moved `local` rule.
    pub(super) local: Option<u32>,
}

/// The rules of a site.
pub(super) fn list(
    networks: &[Network],
    settings: &Settings,
    marks: MarkLayout,
    local_moves: bool,
) -> RuleList {
    let (first, last) = settings.preferences;
    let ninth = (last - first + 1) / 9;
    let (by_source, by_destination, tail) = (first, first + 4 * ninth, first + 8 * ninth);
    let mut rules = Vec::new();

    let own = Part { field: marks.source, table: Network::own_table, iif: Some("lo") };
    rules.extend(part(networks, &own, by_source, by_destination));
    let forwarded = Part { field: marks.destination, table: Network::table, iif: None };
    rules.extend(part(networks, &forwarded, by_destination, tail));
    rules.push(Rule { preference: tail, selector: Selector::default(), action: Action::Nop, network: None });
    let local = local_moves.then_some(tail + 1);
    if settings.isolation == Isolation::Rules {
        for (n, network) in networks.iter().enumerate() {
            let to = |preference, selector| {
                let action = Action::Lookup(network.table());
                Rule { preference, selector, action, network: Some(n) }
            };
            let name = Some(network.interface.clone());
            rules.push(to(tail + 2, Selector { iif: name.clone(), ..Selector::default() }));
            rules.push(to(tail + 3, Selector { oif: name, ..Selector::default() }));
        }
        rules.sort_by_key(|rule| rule.preference);
    }
    RuleList { rules, local }
}

/// What tells the two mark-driven parts apart.
struct Part {
    field: MarkField,
    table: fn(&Network) -> u32,
    iif: Option<&'static str>,
}

/// One part: a plain list, or above [`LEAF`] networks a goto tree whose every node has a preference
/// of its own between `first` and `end`.
fn part(networks: &[Network], part: &Part, first: u32, end: u32) -> Vec<Rule> {
    let width = part.field.width;
    let mut keys: Vec<(Bits, usize)> = networks
        .iter()
        .enumerate()
        .map(|(n, network)| (Bits { value: u128::from(network.id), length: width }, n))
        .collect();
    keys.sort();
    // One preference is for the way around the tree. More nodes than preferences: longer lists.
    let room = (end - first - 1) as usize;
    let mut leaf = LEAF;
    let mut tree = tree::bits(&keys, width, leaf);
    while tree.nodes.len() > room {
        leaf *= 2;
        tree = tree::bits(&keys, width, leaf);
    }
    let iif = part.iif.map(str::to_owned);
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
