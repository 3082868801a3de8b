//! Sets of numbers as ranges.
//!
//! Goes in: ranges, first and last included. Comes out: what they have in common or not. What must hold: the
//! ranges of a set are disjoint, in order and do not touch, so that equal sets are equal values.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A range: first and last, both included.
pub type Range = (u128, u128);

/// A set of numbers.
#[derive(Clone)]
pub struct Set(Ranges);

/// Most sets are one range, which needs no memory of its own.
#[derive(Clone)]
enum Ranges {
    One([Range; 1]),
    Any(Arc<[Range]>),
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.ranges() == other.ranges()
    }
}

impl Eq for Set {}

impl Hash for Set {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ranges().hash(state);
    }
}

impl Set {
    /// One range.
    #[must_use]
    pub fn range(first: u128, last: u128) -> Self {
        Self(Ranges::One([(first, last)]))
    }

    /// Ranges that are disjoint, in order and do not touch.
    fn made(ranges: Vec<Range>) -> Self {
        match ranges.as_slice() {
            [one] => Self(Ranges::One([*one])),
            _ => Self(Ranges::Any(ranges.into())),
        }
    }

    /// What is in any of some ranges, in whatever order.
    #[must_use]
    pub fn of(mut ranges: Vec<Range>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match joined.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => joined.push((first, last)),
            }
        }
        Self::made(joined)
    }

    /// Its ranges in order.
    #[must_use]
    pub fn ranges(&self) -> &[Range] {
        match &self.0 {
            Ranges::One(one) => one,
            Ranges::Any(ranges) => ranges,
        }
    }

    /// Whether it is known without a look at its ranges that they are those of another.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Ranges::One(one), Ranges::One(other)) => one == other,
            (Ranges::Any(ranges), Ranges::Any(other)) => Arc::ptr_eq(ranges, other),
            _ => false,
        }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges().is_empty()
    }

    /// The lowest number in it.
    #[must_use]
    pub fn first(&self) -> Option<u128> {
        self.ranges().first().map(|range| range.0)
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: u128) -> bool {
        let ranges = self.ranges();
        let at = ranges.partition_point(|range| range.1 < number);
        ranges.get(at).is_some_and(|range| range.0 <= number)
    }

    /// Its ranges that have something in common with one, cut to it.
    pub fn within(&self, (first, last): Range) -> impl Iterator<Item = Range> + '_ {
        let ranges = self.ranges();
        let at = ranges.partition_point(|range| range.1 < first);
        let near = ranges[at..].iter().take_while(move |range| range.0 <= last);
        near.map(move |range| (range.0.max(first), range.1.min(last)))
    }

    /// Whether it has something in common with a range.
    #[must_use]
    pub fn meets(&self, range: Range) -> bool {
        self.within(range).next().is_some()
    }

    /// Whether all of it is in disjoint ranges in order, or nothing of it; if neither, it has to be parted.
    #[must_use]
    pub fn wholly(&self, ranges: &[Range]) -> Option<bool> {
        let mut inside = None;
        for own in self.ranges() {
            let at = if ranges.len() > 4 { ranges.partition_point(|range| range.1 < own.0) } else { 0 };
            let met = ranges[at..].iter().find(|range| range.1 >= own.0).filter(|range| range.0 <= own.1);
            let now = match met {
                Some(range) if range.0 <= own.0 && own.1 <= range.1 => true,
                Some(_) => return None,
                None => false,
            };
            if *inside.get_or_insert(now) != now {
                return None;
            }
        }
        inside
    }

    /// What it has in common with disjoint ranges in order; nothing where that is empty.
    #[must_use]
    pub fn and(&self, ranges: &[Range]) -> Option<Self> {
        if let ([one], [range]) = (self.ranges(), ranges) {
            let (first, last) = (one.0.max(range.0), one.1.min(range.1));
            return (first <= last).then(|| Self::range(first, last));
        }
        match self.wholly(ranges) {
            Some(true) => return Some(self.clone()),
            Some(false) => return None,
            None => {}
        }
        if let [range] = ranges {
            let mut within = self.within(*range);
            let first = within.next()?;
            return Some(match within.next() {
                None => Self::range(first.0, first.1),
                Some(second) => Self::made([first, second].into_iter().chain(within).collect()),
            });
        }
        let mut common = Vec::new();
        if self.ranges().len() <= ranges.len() {
            for own in self.ranges() {
                let at = ranges.partition_point(|range| range.1 < own.0);
                let near = ranges[at..].iter().take_while(|range| range.0 <= own.1);
                common.extend(near.map(|range| (range.0.max(own.0), range.1.min(own.1))));
            }
        } else {
            common.extend(ranges.iter().flat_map(|range| self.within(*range)));
        }
        (!common.is_empty()).then(|| Self::made(common))
    }

    /// What is in it and in none of disjoint ranges in order; nothing where that is empty.
    #[must_use]
    pub fn without(&self, ranges: &[Range]) -> Option<Self> {
        if let &[one] = self.ranges() {
            let at = ranges.partition_point(|range| range.1 < one.0);
            match ranges.get(at) {
                Some(range) if range.0 <= one.0 && one.1 <= range.1 => return None,
                Some(range) if range.0 <= one.1 => {}
                _ => return Some(self.clone()),
            }
        }
        let mut rest = Vec::new();
        for &(first, last) in self.ranges() {
            let mut from = Some(first);
            let at = ranges.partition_point(|range| range.1 < first);
            for range in ranges[at..].iter().take_while(|range| range.0 <= last) {
                if let Some(begin) = from
                    && begin < range.0
                {
                    rest.push((begin, range.0 - 1));
                }
                from = range.1.checked_add(1);
            }
            rest.extend(from.filter(|begin| *begin <= last).map(|begin| (begin, last)));
        }
        (!rest.is_empty()).then(|| Self::made(rest))
    }

    /// All its numbers moved by the same, which may be a negative number's complement.
    #[must_use]
    pub fn moved(&self, by: u128) -> Self {
        if by == 0 {
            return self.clone();
        }
        if let &[(first, last)] = self.ranges()
            && let (first, last) = (first.wrapping_add(by), last.wrapping_add(by))
            && first <= last
        {
            return Self::range(first, last);
        }
        let far = |number: u128| number.wrapping_add(by);
        if let (Some(first), Some(last)) = (self.first(), self.ranges().last())
            && far(first) <= far(last.1)
        {
            // What none of is moved past the last number is as far apart as before.
            return Self(Ranges::Any(self.ranges().iter().map(|it| (far(it.0), far(it.1))).collect()));
        }
        let mut ranges = Vec::with_capacity(self.ranges().len());
        for range in self.ranges() {
            let (first, last) = (range.0.wrapping_add(by), range.1.wrapping_add(by));
            if first <= last {
                ranges.push((first, last));
            } else {
                ranges.extend([(first, u128::MAX), (0, last)]);
            }
        }
        Self::of(ranges)
    }

    /// Whether all of it is in another one.
    #[must_use]
    pub fn is_in(&self, other: &Self) -> bool {
        self.without(other.ranges()).is_none()
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.ranges().iter().map(|(first, last)| format!("{first:#x}-{last:#x}")))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Range, Set};

    const EVERYTHING: Range = (0, u128::MAX);

    #[test]
    fn what_is_common_and_what_is_not_make_the_whole() {
        let set = Set::of(vec![(10, 19), (30, 39), (50, 59)]);
        for ranges in [vec![(0, 9)], vec![(15, 34)], vec![(0, 12), (18, 30), (59, 70)], vec![EVERYTHING]] {
            let (and, without) = (set.and(&ranges), set.without(&ranges));
            let mut all: Vec<Range> = Vec::new();
            for part in [&and, &without].into_iter().flatten() {
                all.extend(part.ranges());
            }
            assert_eq!(Set::of(all), set, "{ranges:?}");
            for number in 0..80 {
                let inside = ranges.iter().any(|range| range.0 <= number && number <= range.1);
                let holds = |part: &Option<Set>| part.as_ref().is_some_and(|it| it.contains(number));
                assert_eq!(holds(&and), inside && set.contains(number), "{number} {ranges:?}");
                assert_eq!(holds(&without), !inside && set.contains(number), "{number} {ranges:?}");
            }
        }
    }

    #[test]
    fn the_last_number_has_none_behind_it() {
        let set = Set::range(0, u128::MAX);
        assert_eq!(set.without(&[(5, u128::MAX)]).unwrap().ranges(), [(0, 4)]);
        assert_eq!(set.without(&[EVERYTHING]), None);
    }

    #[test]
    fn moving_back_is_the_way_back() {
        let set = Set::range(0xc0a8_0000, 0xc0a8_00ff);
        let by = 0x0a40_0100_u128.wrapping_sub(0xc0a8_0000);
        assert_eq!(set.moved(by).ranges(), [(0x0a40_0100, 0x0a40_01ff)]);
        assert_eq!(set.moved(by).moved(by.wrapping_neg()), set);
    }
}
