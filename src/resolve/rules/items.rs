//! Items of one list that others of the same list hold or overlap: `tcp 80, 70-90`, `from plc, 192.168.0.0/24`.
//!
//! Goes in: the items of a list as ranges of numbers, hosts in the eyes of one network after another. Comes out:
//! warnings. What must hold: an item is called needless only if it is so for every network that the rule is about, and
//! inside a `for` only if it is written so that it is the same in every round.

use std::cmp::Reverse;

use ipnet::IpNet;

use super::super::Resolver;
use super::Party;
use super::errors::NeedlessItem;
use crate::net::{self, Family};
use crate::source::Span;

/// A number of some kind: addresses of two families do not mix.
type Bound = (u8, u128);

/// First and last number of an item.
pub(super) type Range = (Bound, Bound);

/// What holds whatever there is.
pub(super) const EVERYTHING: Range = ((0, 0), (u8::MAX, u128::MAX));

/// The addresses of a prefix; nothing where it has host bits, which has its own finding.
pub(super) fn range(net: &IpNet) -> Option<Range> {
    let kind = if net::family(net) == Family::V4 { 4 } else { 6 };
    (*net == net.trunc()).then(|| ((kind, net::bits(net.network())), (kind, net::bits(net.broadcast()))))
}

/// Ports, or anything else of one kind.
pub(super) fn numbers(first: u32, last: u32) -> Range {
    ((0, first.into()), (0, last.into()))
}

/// How an item stands to another one of its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlap {
    /// The other one holds all of it.
    Held,
    /// The other one has a part of it.
    Part,
}

/// For each range another one that it overlaps, if any: of two equal ones the later has the earlier. It costs as
/// much as sorting.
fn overlaps(ranges: &[Range]) -> Vec<Option<(usize, Overlap)>> {
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    order.sort_by_key(|n| (ranges[*n].0, Reverse(ranges[*n].1), *n));
    let mut found = vec![None; ranges.len()];
    // Of those before, the one that reaches farthest.
    let mut farthest: Option<usize> = None;
    for n in order {
        let (first, last) = ranges[n];
        if let Some(other) = farthest.filter(|other| ranges[*other].1 >= first) {
            let overlap = if ranges[other].1 >= last { Overlap::Held } else { Overlap::Part };
            found[n] = Some((other, overlap));
        }
        if farthest.is_none_or(|other| ranges[other].1 < last) {
            farthest = Some(n);
        }
    }
    found
}

/// An item in front of `from`.
pub(super) struct Item {
    pub(super) text: String,
    pub(super) span: Span,
    pub(super) range: Range,
    /// The text at the place is the value itself.
    pub(super) literal: bool,
}

/// What the parties of one side of a rule are to the networks seen so far.
#[derive(Clone, Default)]
pub(super) struct Standing(Vec<Seen>);

/// One of them.
#[derive(Clone, Default)]
struct Seen {
    /// It is something to some network.
    known: bool,
    /// To some network it has hosts that no other one has.
    useful: bool,
    /// One that has all its hosts.
    other: usize,
}

impl Standing {
    /// Takes in what the parties are to another network; nothing where they are none of its hosts.
    pub(super) fn see(&mut self, ranges: &[Option<Range>]) {
        self.0.resize(ranges.len(), Seen::default());
        let (places, known): (Vec<usize>, Vec<Range>) =
            ranges.iter().enumerate().filter_map(|(n, range)| Some((n, (*range)?))).unzip();
        for (place, found) in places.iter().zip(overlaps(&known)) {
            let seen = &mut self.0[*place];
            seen.known = true;
            match found {
                Some((other, _)) if !seen.useful => seen.other = places[other],
                Some(_) => {}
                None => seen.useful = true,
            }
        }
    }
}

impl Resolver<'_, '_> {
    /// Warns of ports, or of types of ICMP, that overlap in one list.
    pub(super) fn overlapping_items(&mut self, items: &[Item]) {
        let spans: Vec<Span> = items.iter().map(|item| item.span).collect();
        let ranges: Vec<Range> = items.iter().map(|item| item.range).collect();
        for (n, found) in overlaps(&ranges).into_iter().enumerate() {
            let Some((other, overlap)) = found else { continue };
            let (here, there) = (&items[n], &items[other]);
            if self.instance.is_some() && !(here.literal && there.literal) {
                continue;
            }
            let (first, last) = (here.range.0.min(there.range.0), here.range.1.max(there.range.1));
            let both = (overlap == Overlap::Part).then(|| format!("{}-{}", first.1, last.1));
            let (text, other) = (here.text.as_str(), (there.text.as_str(), there.span));
            let found = NeedlessItem { text, span: here.span, other, removed: removed(&spans, n), both };
            self.reporter.report(found, self.instance.as_deref());
        }
    }

    /// Warns of parties that were needless to every network.
    pub(super) fn needless_parties(&mut self, parties: &[Party], standing: &Standing) {
        let spans: Vec<Span> = parties.iter().map(|party| party.span).collect();
        let needless = |seen: &Seen| seen.known && !seen.useful;
        for (n, seen) in standing.0.iter().enumerate().filter(|(_, seen)| needless(seen)) {
            let (here, other) = (&parties[n], &parties[seen.other]);
            let same = here.name == other.name;
            if self.instance.is_some() && !(here.literal && other.literal && same) {
                continue;
            }
            let (text, other) = (here.text(), (&*other.text(), other.span));
            let found =
                NeedlessItem { text: &text, span: here.span, other, removed: removed(&spans, n), both: None };
            self.reporter.report(found, self.instance.as_deref());
        }
    }
}

/// What goes with an item of a list: the comma before it, or behind the first one.
fn removed(spans: &[Span], n: usize) -> Span {
    match n.checked_sub(1) {
        Some(before) => Span { start: spans[before].end, ..spans[n] },
        None => Span { end: spans.get(1).map_or(spans[0].end, |next| next.start), ..spans[0] },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Overlap, Range, numbers, overlaps};

    proptest! {
        #[test]
        fn an_item_overlaps_if_any_other_does(
            items in prop::collection::vec((0_u32..20, 0_u32..5).prop_map(|(first, more)| numbers(first, first + more)), 0..8),
        ) {
            let found = overlaps(&items);
            let meet = |a: &Range, b: &Range| a.0 <= b.1 && b.0 <= a.1;
            let holds = |outer: &Range, inner: &Range| outer.0 <= inner.0 && inner.1 <= outer.1;
            for (n, found) in found.iter().enumerate() {
                let others = || (0..items.len()).filter(|other| *other != n);
                // The first of those that are equal is not held by the others.
                let held = others().any(|it| holds(&items[it], &items[n]) && (items[it] != items[n] || it < n));
                match found {
                    Some((other, Overlap::Held)) => {
                        prop_assert!(holds(&items[*other], &items[n]) && *other != n);
                    }
                    Some((other, Overlap::Part)) => {
                        prop_assert!(!held && meet(&items[*other], &items[n]));
                    }
                    None => prop_assert!(!held),
                }
            }
            // Without those that overlap another one, none does.
            let left: Vec<Range> = items.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(it, _)| *it).collect();
            for (n, a) in left.iter().enumerate() {
                prop_assert!(left.iter().skip(n + 1).all(|b| !meet(a, b)));
            }
        }
    }
}
