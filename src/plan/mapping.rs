//! Prefix mappings made disjoint.
//!
//! Neither nft's interval maps nor a set of NETMAP rules has longest-prefix match, so where a more
//! specific mapping overrides a wider one, the wider one is split around it. What falls out of the
//! alias that way is nobody's: the host has moved, and must not answer under its old number.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::{Admitted, Destination, Mapping, Network, Owner, Peering, SharedAlias, SharedCase};
use crate::model;
use crate::net;
use crate::source::Span;

/// A network's mappings, disjoint in both columns, in the order of their real prefixes.
pub(super) fn pieces(network: &model::Network) -> Vec<Mapping> {
    let mut reals: Vec<IpNet> = network.prefixes.iter().map(|prefix| prefix.real.value.trunc()).collect();
    reals.sort();
    let mut pieces: Vec<Mapping> = network
        .prefixes
        .iter()
        .flat_map(|prefix| {
            let real = prefix.real.value.trunc();
            let alias = prefix.alias.map_or(real, |alias| alias.value.trunc());
            // Sorted by address, then length: what lies inside a prefix follows it.
            let first = reals.partition_point(|other| *other <= real);
            let inner: Vec<IpNet> =
                reals[first..].iter().take_while(|other| real.contains(*other)).copied().collect();
            net::without(&real, &inner).into_iter().filter_map(move |piece| {
                net::mapped(&piece, &real, &alias).map(|to| Mapping {
                    real: piece,
                    alias: to,
                    span: prefix.span,
                })
            })
        })
        .collect();
    pieces.sort_by_key(|piece| piece.real);
    pieces
}

/// The real prefixes of a network without those that lie inside another.
pub(super) fn admitted(network: &model::Network) -> Vec<Admitted> {
    reals(network).into_iter().map(|(real, span)| Admitted { real, span }).collect()
}

/// The same, as pairs.
pub(super) fn reals(network: &model::Network) -> Vec<(IpNet, Span)> {
    widest(network.prefixes.iter().map(|prefix| (prefix.real.value.trunc(), prefix.span)).collect())
}

/// What others know a network by: its aliases, and its real prefixes that have none.
pub(super) fn known(network: &model::Network) -> Vec<(IpNet, Span)> {
    let alias = |prefix: &model::Prefix| prefix.alias.unwrap_or(prefix.real).value.trunc();
    widest(network.prefixes.iter().map(|prefix| (alias(prefix), prefix.span)).collect())
}

/// The prefixes that do not lie inside another, in address order.
fn widest(mut all: Vec<(IpNet, Span)>) -> Vec<(IpNet, Span)> {
    all.sort_by_key(|(net, _)| *net);
    let mut widest: Vec<(IpNet, Span)> = Vec::new();
    for (net, span) in all {
        // Sorted by address, then length: whatever holds this prefix stands right before it.
        if !widest.last().is_some_and(|(last, _)| last.contains(&net)) {
            widest.push((net, span));
        }
    }
    widest
}

/// Who is meant by which destination, and the aliases where that depends on the sender.
pub(super) fn destinations(
    networks: &[Network],
    peerings: &[Peering],
) -> (Vec<Destination>, Vec<SharedAlias>) {
    let mut all: Vec<(IpNet, usize, Span)> = networks
        .iter()
        .enumerate()
        .flat_map(|(n, network)| network.mappings.iter().map(move |piece| (piece.alias, n, piece.span)))
        .collect();
    all.sort_by_key(|(alias, n, _)| (net::family(alias), alias.network(), alias.prefix_len(), *n));
    let mut destinations: Vec<Destination> = Vec::new();
    let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (alias, n, span) in all {
        // Only networks that share an alias have overlapping pieces; the wider of two pieces that
        // are split differently stands first and stands for both. What it says too much has no
        // translation, and so no route.
        if let Some(last) = destinations.last_mut().filter(|last| last.alias.contains(&alias)) {
            if let Owner::Network(first) = last.owner {
                let pair = (first.min(n), first.max(n));
                let place = *shared.entry(pair).or_insert_with(|| {
                    pairs.push(pair);
                    pairs.len() - 1
                });
                last.owner = Owner::Shared(place);
            }
            continue;
        }
        destinations.push(Destination { alias, owner: Owner::Network(n), span });
    }
    let shared = readings(peerings, &pairs);
    (destinations, shared)
}

/// For each pair that shares an alias: what each network that may see it means by it.
fn readings(peerings: &[Peering], pairs: &[(usize, usize)]) -> Vec<SharedAlias> {
    let mut viewers: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    if !pairs.is_empty() {
        for peering in peerings {
            viewers.entry(peering.to).or_default().insert(peering.from);
            viewers.entry(peering.from).or_default().insert(peering.to);
        }
    }
    let nobody = BTreeSet::new();
    pairs
        .iter()
        .map(|&(a, b)| {
            let means = |to: usize| {
                let viewers = viewers.get(&to).unwrap_or(&nobody);
                viewers.iter().map(move |&from| SharedCase { from, to, zone: None })
            };
            let cases = means(a).chain(means(b)).collect();
            SharedAlias { owners: [a, b], cases }
        })
        .collect()
}
