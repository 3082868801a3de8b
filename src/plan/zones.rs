//! Conntrack zones: a colouring of the pairs of networks.
//!
//! A connection between networks A and B has its original and its reply key in one zone. Where each
//! number means one network, two connections can share a key only if their pairs have a network in
//! common, so any proper edge colouring of the graph of peerings keeps all flows apart. `id(A) xor
//! id(B)` is one: symmetric, different for different partners of one network, never 0 for distinct
//! ids of at least 1. The gateway's own traffic with a network, and what comes from one for nobody, are in
//! zones that no pair has ([`crate::check`] has chosen them).
//!
//! Where a number means one network to one viewer and another to the next, pairs without a common
//! network can share keys. [`crate::check`] has found those that must not have the xor of their ids,
//! and has given them other numbers; they are set where the destination is found, before the
//! number that the mark gives: the first zone that a packet gets counts, in nft as in iptables. Both
//! ends of the pair find each other's destination so, and so a reply gets the zone of its connection.
//!
//! Two networks that know each other by one alias are the exception: a host and its counterpart use
//! the same pair of addresses in both directions, which no zone for both directions can separate.
//! They get a zone per sender, for the original direction alone (iptables-extensions(8), CT
//! `--zone-orig`), whatever other aliases they have for each other in that family: a reply must be
//! looked up where its connection is.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::dispatch::Sharing;
use super::{Network, Peering, Zone};
use crate::net::Family;
use crate::source::Span;

/// The zones of a site.
pub(super) struct Zoning {
    /// Every number in use, in order.
    pub(super) zones: Vec<Zone>,
    /// For those who share an alias, sender and receiver, the zone of what the sender opens.
    pub(super) senders: BTreeMap<(usize, usize), u16>,
}

/// Gives every pair its zone; `moved` has those that ids do not give.
pub(super) fn assign(
    networks: &[Network],
    peerings: &[Peering],
    moved: &BTreeMap<(usize, usize), u16>,
    sharing: &Sharing,
) -> Zoning {
    // In a family in which they do not share an alias, two networks have a zone like all others.
    let separate = |a: usize, b: usize| {
        [Family::V4, Family::V6].into_iter().any(|family| {
            let both = networks[a].speaks(family) && networks[b].speaks(family);
            both && !sharing.contains(&(family, a, b))
        })
    };
    let shares = |a: usize, b: usize| !sharing.is_empty() && !separate(a, b);
    // Zone numbers are few, pairs can be a million: a place for each number is the cheapest map.
    let mut of_pairs: Vec<Option<Span>> = vec![None; usize::from(u16::MAX) + 1];
    let has_pair_zone = |peering: &&Peering| {
        // What masqueraded hosts answer is in the zone of their network, whoever asked.
        let masqueraded = networks[peering.to].masquerade.is_some();
        !masqueraded && !shares(peering.from, peering.to)
    };
    for peering in peerings.iter().filter(has_pair_zone) {
        let (from, to) = (peering.from, peering.to);
        let own = moved.get(&(from.min(to), from.max(to))).copied();
        let zone = own.unwrap_or(networks[from].id ^ networks[to].id);
        of_pairs[usize::from(zone)].get_or_insert(peering.span);
    }
    let pairs = (0..=u16::MAX).filter_map(|zone| Some((zone, of_pairs[usize::from(zone)]?)));
    let mut zones: BTreeMap<u16, Span> = pairs.collect();
    // These are no pair's by its ids.
    let mut by_number: BTreeSet<u16> = moved.values().copied().collect();
    for network in networks {
        for zone in [network.own_zone, network.stray_zone] {
            zones.entry(zone).or_insert(network.span);
            by_number.insert(zone);
        }
    }
    let mut senders: BTreeMap<(usize, usize), u16> = BTreeMap::new();
    for (_, from, to) in sharing {
        if senders.contains_key(&(*from, *to)) {
            continue;
        }
        let id = networks[*from].id;
        // The sender's own id is the number people expect (the published recipe has it), but a pair zone with
        // that number would have the alias as destination.
        let fresh = || (1..=u16::MAX).rev().find(|zone| !zones.contains_key(zone));
        let zone = of_pairs[usize::from(id)].and_then(|_| fresh()).unwrap_or(id);
        if let Entry::Vacant(new) = zones.entry(zone) {
            new.insert(networks[*from].span);
            by_number.insert(zone);
        }
        senders.insert((*from, *to), zone);
    }
    let zone = |(number, span)| Zone { number, by_mark: !by_number.contains(&number), content: 0, span };
    Zoning { zones: zones.into_iter().map(zone).collect(), senders }
}
