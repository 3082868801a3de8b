//! Network ids: explicit ones are checked, the others are filled in.
//!
//! Goes in: the site. Comes out: one id a network, in its order. What must hold: ids are distinct,
//! 1 to 65535, none of the kernel's routing tables; and adding a network at the end changes none.

use std::collections::HashMap;

use super::errors::numbers::{DuplicateId, IdOutOfRange, Instead, ReservedId};
use super::series::Series;
use crate::diag::{Reporter, code};
use crate::model::Site;

/// Tables `default`, `main` and `local` of the kernel, ip-route(8).
const RESERVED: std::ops::RangeInclusive<u16> = 253..=255;

/// The id of each network; 0 where there is none to give, with a finding. A free one is only suggested where the
/// site is whole. Also whether all ids are within range: the largest one is not known otherwise.
pub(super) fn check(site: &Site, reporter: &mut Reporter<'_>) -> (Vec<u16>, bool) {
    let mut owners: HashMap<u16, usize> = HashMap::new();
    let mut ids = vec![0; site.networks.len()];
    let mut unusable = Vec::new();
    let mut in_range = true;
    for (n, network) in site.networks.iter().enumerate() {
        let Some(wanted) = network.id else { continue };
        let instance = network.instance.as_deref();
        match u16::try_from(wanted.value) {
            Ok(id) if RESERVED.contains(&id) => unusable.push((n, None)),
            Ok(id) if id > 0 => match owners.get(&id) {
                Some(earlier) => unusable.push((n, Some(*earlier))),
                None => {
                    owners.insert(id, n);
                    ids[n] = id;
                }
            },
            _ => {
                in_range = false;
                let out =
                    IdOutOfRange { id: Some(wanted.value), span: wanted.span, network: &network.name.value };
                reporter.report(out, instance);
            }
        }
    }
    let mut free = (1..=u16::MAX).filter(|id| !RESERVED.contains(id) && !owners.contains_key(id));
    for (n, network) in site.networks.iter().enumerate() {
        if network.id.is_some() {
            continue;
        }
        match free.next() {
            Some(id) => ids[n] = id,
            None => {
                in_range = false;
                let none_left =
                    IdOutOfRange { id: None, span: network.name.span, network: &network.name.value };
                reporter.report(none_left, network.instance.as_deref());
            }
        }
    }
    let free = free.next().filter(|_| site.is_whole);
    let behind = behind(owners.keys().copied());
    for (n, earlier) in unusable {
        let network = &site.networks[n];
        let Some(wanted) = network.id else { continue };
        let (id, span, name) = (wanted.value, wanted.span, network.name.value.as_str());
        let instance = network.instance.as_deref();
        let code = if earlier.is_some() { code::DUPLICATE_ID } else { code::RESERVED_ID };
        if reporter.has(span, code) {
            continue;
        }
        let instead = match &network.instance {
            None => free.map_or(Instead::Nothing, Instead::Id),
            Some(_) => {
                let series = Series::of(site, network).filter(|_| site.is_whole);
                Instead::Computed(series.and_then(|series| formula(&series, behind)))
            }
        };
        let Some(earlier) = earlier else {
            reporter.report(ReservedId { id, span, network: name, instead }, instance);
            continue;
        };
        let other = &site.networks[earlier];
        let place = other.id.map_or(other.name.span, |id| id.span);
        let earlier = (place, other.name.value.as_str(), other.instance.as_deref());
        reporter.report(DuplicateId { id, here: (span, name), earlier, instead }, instance);
    }
    (ids, in_range)
}

/// An id for each number of a series, none below `behind`.
fn formula(series: &Series<'_>, behind: i128) -> Option<String> {
    if series.first >= behind {
        return (series.last <= i128::from(u16::MAX)).then(|| series.variable.to_owned());
    }
    // A round number is easier to read.
    let base = behind.checked_sub(series.first)?.checked_add(99)? / 100 * 100;
    let fits = base.checked_add(series.last)? <= i128::from(u16::MAX);
    fits.then(|| format!("{base} + {}", series.variable))
}

/// The first number that neither is one of `ids` or of the kernel's tables, nor has one behind it.
fn behind(ids: impl Iterator<Item = u16>) -> i128 {
    i128::from(ids.fold(*RESERVED.end(), u16::max)) + 1
}
