//! What is said about bits of marks, found in one step.
//!
//! Goes in: ranges of values, in order and disjoint. Comes out: whether a value is among them, and what is said about
//! it. What must hold: it is what a search through the ranges finds; where the bits have few values, each of
//! them is looked up beforehand.

use super::Range;

/// Values of bits of a mark.
#[derive(Clone, Debug)]
pub struct Marks {
    mask: u32,
    ranges: Vec<(u32, u32)>,
    /// A bit for each value, from the mask's lowest bit on; empty where there would be too many.
    bits: Vec<u64>,
}

/// What is said about values of bits of a mark.
#[derive(Clone, Debug)]
pub struct ByMark<T> {
    mask: u32,
    all: Vec<((u32, u32), T)>,
    /// The place of each value and one more, 0 where nothing is said; empty where there would be too many.
    places: Vec<u32>,
}

impl Marks {
    /// Ranges in order.
    #[must_use]
    pub fn new(mask: u32, ranges: &[Range]) -> Self {
        let ranges: Vec<(u32, u32)> = ranges.iter().filter_map(|range| of_mark(*range)).collect();
        let mut bits = Vec::new();
        if let Some(count) = count(mask).filter(|count| ranges.len() > FEW && count / 64 <= ranges.len() * 4)
        {
            bits = vec![0; count.div_ceil(64)];
            for &range in &ranges {
                for value in values(mask, range, count) {
                    bits[value / 64] |= 1 << (value % 64);
                }
            }
        }
        Self { mask, ranges, bits }
    }

    /// Which bits.
    #[must_use]
    pub fn mask(&self) -> u32 {
        self.mask
    }

    /// Its ranges in order.
    #[must_use]
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Whether a value of these bits is one of them.
    #[must_use]
    pub fn contains(&self, value: u32) -> bool {
        if self.bits.is_empty() {
            let at = self.ranges.partition_point(|range| range.1 < value);
            return self.ranges.get(at).is_some_and(|range| range.0 <= value);
        }
        let value = (value >> self.mask.trailing_zeros()) as usize;
        self.bits[value / 64] >> (value % 64) & 1 == 1
    }
}

impl<T> ByMark<T> {
    /// Ranges in order.
    #[must_use]
    pub fn new(mask: u32, all: impl IntoIterator<Item = (Range, T)>) -> Self {
        let all: Vec<((u32, u32), T)> =
            all.into_iter().filter_map(|(range, it)| Some((of_mark(range)?, it))).collect();
        let mut places = Vec::new();
        if let Some(count) = count(mask).filter(|count| all.len() > FEW && *count <= all.len() * 4) {
            places = vec![0; count];
            for (place, (range, _)) in (1..).zip(&all) {
                for value in values(mask, *range, count) {
                    places[value] = place;
                }
            }
        }
        Self { mask, all, places }
    }

    /// Which bits.
    #[must_use]
    pub fn mask(&self) -> u32 {
        self.mask
    }

    /// All that is said, in order.
    #[must_use]
    pub fn all(&self) -> &[((u32, u32), T)] {
        &self.all
    }

    /// The place among [all](Self::all) of what is said about a value of these bits.
    #[must_use]
    pub fn find(&self, value: u32) -> Option<usize> {
        if self.places.is_empty() {
            let at = self.all.partition_point(|(range, _)| range.1 < value);
            return self.all.get(at).filter(|(range, _)| range.0 <= value).map(|_| at);
        }
        let place = self.places[(value >> self.mask.trailing_zeros()) as usize];
        place.checked_sub(1).map(|place| place as usize)
    }

    /// What is said about a value of these bits.
    #[must_use]
    pub fn get(&self, value: u32) -> Option<&T> {
        self.find(value).map(|place| &self.all[place].1)
    }
}

/// So many ranges are searched as fast as anything is looked up.
const FEW: usize = 4;

/// A range of values that a mark can have.
fn of_mark((first, last): Range) -> Option<(u32, u32)> {
    Some((u32::try_from(first).ok()?, u32::try_from(last).unwrap_or(u32::MAX)))
}

/// How many values there are from the lowest bit of a mask to its highest.
fn count(mask: u32) -> Option<usize> {
    let width = (u32::BITS - mask.leading_zeros()).checked_sub(mask.trailing_zeros())?;
    1_usize.checked_shl(width)
}

/// The values of a range, from the lowest bit of the mask on.
fn values(mask: u32, (first, last): (u32, u32), count: usize) -> impl Iterator<Item = usize> {
    let size = 1_usize << mask.trailing_zeros();
    let (first, last) = ((first as usize).div_ceil(size), last as usize / size);
    first..(last + 1).min(count)
}

#[cfg(test)]
mod tests {
    use super::{ByMark, Marks};

    #[test]
    fn what_is_looked_up_is_what_is_searched() {
        let ranges: Vec<(u128, u128)> =
            vec![(0x11, 0x11), (0x30, 0x5f), (0x61, 0x6f), (0x70, 0x71), (0xa0, 0xa0), (0xf0, u128::MAX)];
        for mask in [0xff_u32, 0xf0, 0x70, 0xffff_ffff, 0x80, 0] {
            let marks = Marks::new(mask, &ranges);
            let by_mark = ByMark::new(mask, ranges.iter().copied().zip(0..));
            for value in (0..0x200).map(|value| value & mask) {
                let at = ranges.iter().position(|it| it.0 <= value.into() && u128::from(value) <= it.1);
                assert_eq!(marks.contains(value), at.is_some(), "{value:#x} of {mask:#x}");
                assert_eq!(by_mark.get(value).copied(), at, "{value:#x} of {mask:#x}");
            }
        }
        assert!(!Marks::new(0xf0, &ranges).bits.is_empty());
        assert!(!ByMark::new(0xf0, ranges.iter().map(|range| (*range, ()))).places.is_empty());
    }
}
