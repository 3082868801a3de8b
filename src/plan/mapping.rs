//! Prefix mappings made disjoint.
//!
//! Neither nft's interval maps nor a set of NETMAP rules has longest-prefix match, so where a more
//! specific mapping overrides a wider one, the wider one is split around it. What falls out of the
//! alias that way is nobody's: the host has moved, and must not answer under its old number. Where
//! aliases are for certain viewers, this is done for each view of the network apart.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Admitted, Mapping, OwnAlias, OwnKind, Refusal, View};
use crate::model::{self, Isolation, KnownBy};
use crate::net;
use crate::source::{Span, Spanned};

/// A network as everybody sees it whom no alias names, and its other views. `sees` says whether hosts
/// of a network see this one's.
pub(super) fn views(network: &model::Network, sees: impl Fn(usize) -> bool) -> (View, Vec<View>) {
    let mut views = network.views().into_iter().map(|view| {
        let viewers: Vec<usize> = view.viewers.iter().map(|viewer| viewer.0).filter(|it| sees(*it)).collect();
        let chosen = chosen(network, &view);
        View { viewers, mappings: pieces(&chosen), known: known(&chosen) }
    });
    let common = views.next().unwrap_or_default();
    (common, views.filter(|view| !view.viewers.is_empty()).collect())
}

/// The place of the view of each viewer that has one.
pub(super) fn view_of(views: &[View]) -> BTreeMap<usize, usize> {
    let views = views.iter().enumerate();
    views.flat_map(|(n, view)| view.viewers.iter().map(move |viewer| (*viewer, n))).collect()
}

/// A prefix by which some viewers know another one.
struct Chosen {
    real: IpNet,
    known: IpNet,
    span: Span,
}

/// Where an alias is written: several may stand on several lines.
pub(super) fn place(prefix: &model::Prefix, alias: &model::Alias) -> Span {
    if prefix.aliases.len() == 1 { prefix.span } else { alias.span }
}

/// What a view's viewers know the prefixes by.
fn chosen(network: &model::Network, view: &model::View) -> Vec<Chosen> {
    let prefixes = network.prefixes.iter().zip(&view.known);
    let chosen = prefixes.filter_map(|(prefix, known)| {
        let real = prefix.real.value.trunc();
        let (known, span) = match known {
            KnownBy::Itself => (real, prefix.span),
            KnownBy::Alias(n) => {
                let alias = &prefix.aliases[*n];
                (alias.net.value.trunc(), place(prefix, alias))
            }
            KnownBy::Nothing => return None,
        };
        Some(Chosen { real, known, span })
    });
    chosen.collect()
}

/// A view's mappings, disjoint in both columns, in the order of their real prefixes.
fn pieces(chosen: &[Chosen]) -> Vec<Mapping> {
    let mut reals: Vec<IpNet> = chosen.iter().map(|it| it.real).collect();
    reals.sort();
    let mut pieces: Vec<Mapping> = chosen
        .iter()
        .flat_map(|Chosen { real, known, span }| {
            // Sorted by address, then length: what lies inside a prefix follows it.
            let first = reals.partition_point(|other| other <= real);
            let inner: Vec<IpNet> =
                reals[first..].iter().take_while(|other| real.contains(*other)).copied().collect();
            net::without(real, &inner).into_iter().filter_map(move |piece| {
                net::mapped(&piece, real, known).map(|to| Mapping { real: piece, alias: to, span: *span })
            })
        })
        .collect();
    pieces.sort_by_key(|piece| piece.real);
    pieces
}

/// The mappings of all views, with no number twice: `check` has seen that a number means the same
/// host in all of them.
pub(super) fn inward(views: impl Iterator<Item = Mapping>) -> Vec<Mapping> {
    let mut all: Vec<Mapping> = views.collect();
    all.sort_by_key(|piece| (piece.alias, piece.span));
    let mut widest: Vec<Mapping> = Vec::new();
    for piece in all {
        // Sorted by address, then length: whatever holds this piece stands right before it.
        if !widest.last().is_some_and(|last| last.alias.contains(&piece.alias)) {
            widest.push(piece);
        }
    }
    widest.sort_by_key(|piece| (piece.real, piece.alias));
    widest
}

/// The real prefixes of a network without those that lie inside another.
pub(super) fn admitted(network: &model::Network) -> Vec<Admitted> {
    reals(network).into_iter().map(|(real, span)| Admitted { real, span }).collect()
}

/// The same, as pairs.
pub(super) fn reals(network: &model::Network) -> Vec<(IpNet, Span)> {
    widest(network.prefixes.iter().map(|prefix| (prefix.real.value.trunc(), prefix.span)).collect())
}

/// What others would call the gateway in a network, by its mappings in every view.
pub(super) fn own<'m>(
    network: &model::Network,
    mappings: impl Iterator<Item = &'m Mapping> + Clone,
    isolation: Isolation,
) -> Vec<OwnAlias> {
    let refusal = match isolation {
        Isolation::Vrf => Refusal::Cleared,
        Isolation::Rules => Refusal::Unrouted,
    };
    let mut own: Vec<OwnAlias> = Vec::new();
    let addresses =
        network.addresses.iter().map(|address| (address.value.addr(), OwnKind::Address, address.span));
    for (real, kind, span) in addresses.chain(network.addresses.iter().filter_map(groups)) {
        let host = net::single(real);
        let aliases = mappings.clone().filter_map(|piece| net::mapped(&host, &piece.real, &piece.alias));
        for alias in aliases.map(|alias| alias.addr()) {
            if !own.iter().any(|known| (known.real, known.alias) == (real, alias)) {
                own.push(OwnAlias { real, alias, kind, refusal, span });
            }
        }
    }
    own
}

/// What stands for all stations of a subnet that the gateway has an address in, or for all its routers: the
/// broadcast address (RFC 919, 7) and the subnet-router anycast address (RFC 4291, 2.6.1). A subnet of two
/// addresses has neither (RFC 3021, RFC 6164).
pub(super) fn groups(address: &Spanned<IpNet>) -> Option<(IpAddr, OwnKind, Span)> {
    match address.value {
        IpNet::V4(subnet) if subnet.prefix_len() < 31 => {
            Some((subnet.broadcast().into(), OwnKind::Broadcast, address.span))
        }
        IpNet::V6(subnet) if subnet.prefix_len() < 127 => {
            Some((subnet.network().into(), OwnKind::Anycast, address.span))
        }
        _ => None,
    }
}

/// What a view's viewers know the network by: its aliases, and its real prefixes that have none.
fn known(chosen: &[Chosen]) -> Vec<(IpNet, Span)> {
    widest(chosen.iter().map(|it| (it.known, it.span)).collect())
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
