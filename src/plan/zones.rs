//! Conntrack zones: a colouring of the graph whose edges are the peerings.
//!
//! A connection between networks A and B has its original and its reply key in one zone. Two
//! connections can share a key only if their pairs have a network in common, so any proper edge
//! colouring keeps all flows apart. `id(A) xor id(B)` is one: symmetric, different for different
//! partners of one network, never 0 for distinct ids of at least 1. The gateway counts as id 0, so
//! that its own traffic with a network has the zone `id`.
//!
//! Two networks that know each other by one alias are the exception: a host and its counterpart use
//! the same pair of addresses in both directions, which no zone for both directions can separate.
//! They get a zone per sender, for the original direction alone (iptables-extensions(8), CT
//! `--zone-orig`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Network, Peering, SharedAlias, Zone};
use crate::source::Span;

/// The zones of a site.
pub(super) struct Zoning {
    /// Every number in use, in order.
    pub(super) zones: Vec<Zone>,
    /// The shared aliases with their senders' zones filled in.
    pub(super) shared: Vec<SharedAlias>,
}

/// Gives every pair its zone.
pub(super) fn assign(networks: &[Network], peerings: &[Peering], mut shared: Vec<SharedAlias>) -> Zoning {
    let sharing: BTreeSet<(usize, usize)> = shared
        .iter()
        .flat_map(|alias| [alias.owners, [alias.owners[1], alias.owners[0]]])
        .map(|[a, b]| (a, b))
        .collect();
    // Zone numbers are few, pairs can be a million: a place for each number is the cheapest map.
    let mut of_pairs: Vec<Option<Span>> = vec![None; usize::from(u16::MAX) + 1];
    let has_pair_zone = |peering: &&Peering| {
        // What masqueraded hosts answer is in the zone of their network, whoever asked.
        let masqueraded = networks[peering.to].masquerade.is_some();
        !masqueraded && !sharing.contains(&(peering.from, peering.to))
    };
    for peering in peerings.iter().filter(has_pair_zone) {
        let zone = networks[peering.from].id ^ networks[peering.to].id;
        of_pairs[usize::from(zone)].get_or_insert(peering.span);
    }
    let pairs = (0..=u16::MAX).filter_map(|zone| Some((zone, of_pairs[usize::from(zone)]?)));
    let mut zones: BTreeMap<u16, Span> = pairs.collect();
    for network in networks {
        zones.entry(network.id).or_insert(network.span);
    }
    for case in shared.iter_mut().flat_map(|alias| &mut alias.cases) {
        if sharing.contains(&(case.from, case.to)) {
            let id = networks[case.from].id;
            // The sender's own id is the number people expect (the published recipe has it); its
            // only other use is the gateway's own traffic with that network, whose destinations
            // are not aliases. A pair zone with that number would have the alias as destination.
            let zone = if of_pairs[usize::from(id)].is_some() {
                (1..=u16::MAX).rev().find(|zone| !zones.contains_key(zone))
            } else {
                Some(id)
            };
            let zone = zone.unwrap_or(id);
            case.zone = Some(zone);
            zones.entry(zone).or_insert(networks[case.from].span);
        }
    }
    let zones = zones.into_iter().map(|(number, span)| Zone { number, span }).collect();
    Zoning { zones, shared }
}
