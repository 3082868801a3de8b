//! Ports of packets.
//!
//! Goes in: sets of ports. Comes out: what they have in common or not. What must hold: most packets are asked for none,
//! and all ports take no room; equal sets are equal values.

use std::sync::Arc;

use super::{Range, Set};

/// Some ports, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports(Option<Arc<Set>>);

const ALL: [Range; 1] = [(0, 0xffff)];

impl Ports {
    /// Their ranges in order.
    #[must_use]
    pub fn ranges(&self) -> &[Range] {
        self.0.as_ref().map_or(&ALL, |some| some.ranges())
    }

    /// What they have in common with others; nothing where that is none.
    #[must_use]
    pub fn and(&self, other: &Self) -> Option<Self> {
        match (&self.0, &other.0) {
            (_, None) => Some(self.clone()),
            (None, _) => Some(other.clone()),
            (Some(own), Some(other)) => own.and(other.ranges()).map(Self::from),
        }
    }

    /// Those in disjoint ranges in order, and those that are not; nothing where there are none.
    #[must_use]
    pub fn parted(&self, ranges: &[Range]) -> [Option<Self>; 2] {
        let own = self.0.as_ref().map_or_else(|| Set::range(ALL[0].0, ALL[0].1), |some| Set::clone(some));
        [own.and(ranges), own.without(ranges)].map(|part| part.map(Self::from))
    }
}

impl From<Set> for Ports {
    fn from(set: Set) -> Self {
        Self((set.ranges() != ALL).then(|| Arc::new(set)))
    }
}
