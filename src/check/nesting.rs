//! Several prefixes of one network: a more specific mapping overrides a wider one.
//!
//! Goes in: the sound mappings. Comes out: findings, and those mappings that have none. What must
//! hold of these: to no viewer of a network two of them have the same real prefix, each adds something
//! to the wider one around it for some viewer, and no two hosts share a number, not even in the eyes
//! of different viewers: the network's own translation goes by the number alone.

use std::collections::HashSet;

use ipnet::IpNet;

use super::errors::nesting::{AliasTakenInside, AmbiguousMapping, RepeatedPrefix};
use super::overlaps::sweep;
use super::prefixes::Mapping;
use crate::diag::Reporter;
use crate::model::{KnownBy, Site, View};
use crate::net;

/// Checks each network's mappings against each other; keeps those without a finding.
pub(super) fn check(site: &Site, mappings: Vec<Mapping>, reporter: &mut Reporter<'_>) -> Vec<Mapping> {
    let mut kept = Vec::with_capacity(mappings.len());
    for own in mappings.chunk_by(|a, b| a.network == b.network) {
        if let [single] = own {
            kept.push(*single);
            continue;
        }
        let views = views(site, own);
        let (holes, mut bad) = check_reals(site, own, &views, reporter);
        check_known(site, own, &views, &holes, &mut bad, reporter);
        kept.extend(own.iter().zip(&bad).filter(|(_, bad)| !**bad).map(|(mapping, _)| *mapping));
    }
    kept
}

/// For each view of the network the places of the mappings in it.
fn views(site: &Site, own: &[Mapping]) -> Vec<Vec<usize>> {
    let network = own[0].owner(site);
    let holds = |known: &[KnownBy], mapping: &Mapping| match known[mapping.index] {
        KnownBy::Itself => true,
        KnownBy::Alias(place) => mapping.place == Some(place),
        KnownBy::Nothing => false,
    };
    let places = |view: View| (0..own.len()).filter(|n| holds(&view.known, &own[*n])).collect();
    network.views().into_iter().map(places).collect()
}

/// For each mapping of each view the real prefixes that override a part of it, and which mappings
/// have a finding.
fn check_reals(
    site: &Site,
    own: &[Mapping],
    views: &[Vec<usize>],
    reporter: &mut Reporter<'_>,
) -> (Vec<Vec<Vec<IpNet>>>, Vec<bool>) {
    let mut bad = vec![false; own.len()];
    let mut all = Vec::new();
    // Who adds nothing for one viewer may do so for another.
    let mut useful = vec![false; own.len()];
    let mut needless: Vec<(usize, usize)> = Vec::new();
    for view in views {
        let reals: Vec<IpNet> = view.iter().map(|n| own[*n].real).collect();
        let mut holes = vec![Vec::new(); view.len()];
        let mut skipped = vec![false; view.len()];
        sweep(&reals, |n, open| {
            let Some(outer) = open.iter().rev().find(|outer| !skipped[**outer]).copied() else {
                useful[view[n]] = true;
                return;
            };
            let (inner, wider) = (&own[view[n]], &own[view[outer]]);
            if inner.real == wider.real {
                if !bad[view[n]] {
                    let instance = inner.owner(site).instance.as_deref();
                    reporter.report(AmbiguousMapping::new(site, wider, inner), instance);
                }
                (bad[view[n]], skipped[n]) = (true, true);
            } else if Some(inner.known()) == net::mapped(&inner.real, &wider.real, &wider.known()) {
                needless.push((view[n], view[outer]));
                skipped[n] = true;
            } else {
                useful[view[n]] = true;
                holes[outer].push(inner.real);
            }
        });
        all.push(holes);
    }
    let statements: HashSet<usize> = (0..own.len()).filter(|n| useful[*n]).map(|n| own[n].index).collect();
    for (n, outer) in needless {
        if !statements.contains(&own[n].index) && !bad[n] {
            let instance = own[n].owner(site).instance.as_deref();
            reporter.report(RepeatedPrefix::new(site, &own[outer], &own[n]), instance);
            bad[n] = true;
        }
    }
    (all, bad)
}

/// What the others know must be free of doubt, after more specific mappings have taken their hosts
/// out of the wider ones: hosts may swap places, but not share one.
fn check_known(
    site: &Site,
    own: &[Mapping],
    views: &[Vec<usize>],
    holes: &[Vec<Vec<IpNet>>],
    bad: &mut [bool],
    reporter: &mut Reporter<'_>,
) {
    let mut pieces: Vec<(IpNet, IpNet, usize)> = Vec::new();
    for (view, holes) in views.iter().zip(holes) {
        for (n, holes) in view.iter().zip(holes).filter(|(n, _)| !bad[**n]) {
            let mapping = &own[*n];
            for piece in net::without(&mapping.real, holes) {
                let known = net::mapped(&piece, &mapping.real, &mapping.known());
                pieces.extend(known.map(|known| (known, piece, *n)));
            }
        }
    }
    if views.len() > 1 {
        let mut seen = HashSet::new();
        pieces.retain(|(known, real, _)| seen.insert((*known, *real)));
    }
    let nets: Vec<IpNet> = pieces.iter().map(|(net, ..)| *net).collect();
    sweep(&nets, |piece, open| {
        let (known, real, n) = pieces[piece];
        // The same hosts by the same numbers, in the eyes of others, are no doubt.
        let other_host = |open: &usize| {
            let (outer, from, m) = pieces[*open];
            (m != n && net::mapped(&known, &outer, &from) != Some(real)).then_some(m)
        };
        let Some(other) = open.iter().rev().find_map(other_host) else { return };
        if bad[n] || bad[other] {
            return;
        }
        // The more specific mapping is the one that moved into the other's place; of two equal
        // ones it is the later.
        let (moved, host) = if (own[n].real.prefix_len(), n) > (own[other].real.prefix_len(), other) {
            (n, other)
        } else {
            (other, n)
        };
        bad[moved] = true;
        let taken = AliasTakenInside::new(site, &own[moved], &own[host], nets[piece]);
        reporter.report(taken, own[moved].owner(site).instance.as_deref());
    });
}
