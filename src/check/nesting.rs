//! Several prefixes of one network: a more specific mapping overrides a wider one.
//!
//! Goes in: the sound mappings. Comes out: findings, and those mappings that have none. What must
//! hold of these: within one network no two have the same real prefix, each adds something to the
//! wider one around it, and no two hosts share a number in the eyes of the others.

use ipnet::IpNet;

use super::errors::nesting::{AliasTakenInside, AmbiguousMapping, RepeatedPrefix};
use super::overlaps::sweep;
use super::prefixes::Mapping;
use crate::diag::Reporter;
use crate::model::Site;
use crate::net;

/// Checks each network's mappings against each other; keeps those without a finding.
pub(super) fn check(site: &Site, mappings: Vec<Mapping>, reporter: &mut Reporter<'_>) -> Vec<Mapping> {
    let mut kept = Vec::with_capacity(mappings.len());
    for own in mappings.chunk_by(|a, b| a.network == b.network) {
        if let [single] = own {
            kept.push(*single);
            continue;
        }
        let (holes, mut bad) = check_reals(site, own, reporter);
        check_known(site, own, &holes, &mut bad, reporter);
        kept.extend(own.iter().zip(&bad).filter(|(_, bad)| !**bad).map(|(mapping, _)| *mapping));
    }
    kept
}

/// For each mapping the real prefixes that override a part of it, and which mappings have a finding.
fn check_reals(site: &Site, own: &[Mapping], reporter: &mut Reporter<'_>) -> (Vec<Vec<IpNet>>, Vec<bool>) {
    let reals: Vec<IpNet> = own.iter().map(|mapping| mapping.real).collect();
    let mut holes = vec![Vec::new(); own.len()];
    let mut bad = vec![false; own.len()];
    sweep(&reals, |n, open| {
        let Some(outer) = open.iter().rev().find(|outer| !bad[**outer]).copied() else { return };
        let (inner, wider) = (&own[n], &own[outer]);
        let instance = inner.owner(site).instance.as_deref();
        if inner.real == wider.real {
            reporter.report(AmbiguousMapping::new(site, wider, inner), instance);
            bad[n] = true;
        } else if Some(inner.known()) == net::mapped(&inner.real, &wider.real, &wider.known()) {
            reporter.report(RepeatedPrefix::new(site, wider, inner), instance);
            bad[n] = true;
        } else {
            holes[outer].push(inner.real);
        }
    });
    (holes, bad)
}

/// What the others know must be free of doubt, after more specific mappings have taken their hosts
/// out of the wider ones: hosts may swap places, but not share one.
fn check_known(
    site: &Site,
    own: &[Mapping],
    holes: &[Vec<IpNet>],
    bad: &mut [bool],
    reporter: &mut Reporter<'_>,
) {
    let mut pieces: Vec<(IpNet, usize)> = Vec::new();
    for (n, mapping) in own.iter().enumerate().filter(|(n, _)| !bad[*n]) {
        for piece in net::without(&mapping.real, &holes[n]) {
            pieces.extend(net::mapped(&piece, &mapping.real, &mapping.known()).map(|known| (known, n)));
        }
    }
    let nets: Vec<IpNet> = pieces.iter().map(|(net, _)| *net).collect();
    sweep(&nets, |piece, open| {
        let n = pieces[piece].1;
        let Some(other) = open.iter().rev().map(|open| pieces[*open].1).find(|other| *other != n) else {
            return;
        };
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
