//! Sets of numbers as intervals: addresses, or protocols with their ports.
//!
//! Goes in: intervals, first and last number, in any order. Comes out: a [`Set`]. What must hold: its
//! intervals are in order and none touches the next, so that equal sets are equal values.

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(Vec<(u128, u128)>);

impl FromIterator<(u128, u128)> for Set {
    fn from_iter<I: IntoIterator<Item = (u128, u128)>>(intervals: I) -> Self {
        let mut sorted: Vec<(u128, u128)> = intervals.into_iter().collect();
        sorted.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match joined.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }
}

impl Set {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of intervals: what it costs to walk the set.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether any number is in both. It looks the intervals of the shorter set up in the longer.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let (short, long) = if self.len() < other.len() { (self, other) } else { (other, self) };
        short.0.iter().any(|(first, last)| {
            let next = long.0.partition_point(|(_, end)| end < first);
            long.0.get(next).is_some_and(|(start, _)| start <= last)
        })
    }

    /// Whether every number of `other` is in this set.
    pub(super) fn holds(&self, other: &Self) -> bool {
        other.0.iter().all(|(first, last)| {
            let next = self.0.partition_point(|(_, end)| end < first);
            self.0.get(next).is_some_and(|(start, end)| start <= first && last <= end)
        })
    }

    /// The numbers in both.
    pub(super) fn both(&self, other: &Self) -> Self {
        let (mut mine, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut found = Vec::new();
        while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                found.push((first, last));
            }
            if a.1 < b.1 {
                mine.next();
            } else {
                theirs.next();
            }
        }
        Self(found)
    }

    /// The numbers of this set that are not in `other`.
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut holes = other.0.iter().peekable();
        let mut left = Vec::new();
        for (first, last) in &self.0 {
            let mut from = Some(*first);
            while let Some((start, end)) = holes.peek().copied() {
                let Some(first) = from else { break };
                if start > last {
                    break;
                }
                if end >= &first {
                    if start > &first {
                        left.push((first, start - 1));
                    }
                    from = end.checked_add(1).filter(|next| next <= last);
                }
                // A hole that goes on behind this interval may reach the next one.
                if end > last {
                    break;
                }
                holes.next();
            }
            left.extend(from.map(|first| (first, *last)));
        }
        Self(left)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Set;

    /// A set of numbers below 32, and the same numbers one by one. Some reach the last number there is.
    fn set() -> impl Strategy<Value = (Set, BTreeSet<u128>)> {
        let interval = (0_u128..32, 0_u128..6).prop_map(|(first, more)| (first, (first + more).min(31)));
        (prop::collection::vec(interval, 0..6), any::<bool>()).prop_map(|(intervals, high)| {
            let base = if high { u128::MAX - 31 } else { 0 };
            let numbers = intervals.iter().flat_map(|(first, last)| (base + first)..=(base + last)).collect();
            (intervals.into_iter().map(|(first, last)| (base + first, base + last)).collect(), numbers)
        })
    }

    fn numbers(set: &Set) -> BTreeSet<u128> {
        assert!(set.0.windows(2).all(|two| two[0].1 + 1 < two[1].0), "apart and in order: {set:?}");
        set.0.iter().flat_map(|(first, last)| *first..=*last).collect()
    }

    proptest! {
        #[test]
        fn sets_are_what_their_numbers_are((a, all_a) in set(), (b, all_b) in set()) {
            prop_assert_eq!(&numbers(&a), &all_a);
            prop_assert_eq!(a.is_empty(), all_a.is_empty());
            prop_assert_eq!(a.meets(&b), !all_a.is_disjoint(&all_b));
            prop_assert_eq!(a.holds(&b), all_a.is_superset(&all_b));
            prop_assert_eq!(numbers(&a.both(&b)), all_a.intersection(&all_b).copied().collect());
            prop_assert_eq!(numbers(&a.without(&b)), all_a.difference(&all_b).copied().collect());
        }
    }
}
