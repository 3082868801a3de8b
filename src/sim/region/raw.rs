//! What is made of packets before their connection is looked for, worked out once.
//!
//! Goes in: the way in of a network. Comes out: all packets that come in there, and what has become of those that
//! somebody asks about. What must hold: nothing there looks at anything but the packet and the device, and no
//! address is changed, so the part of what became of all is what becomes of the part.

use super::chains::Unfollowed;
use super::entrance::Entrance;
use super::flow::Flow;
use super::pass::Leaf;
use super::{Octets, Region, Set};

/// All packets that come in by a device, when their connection is about to be looked for.
#[derive(Debug)]
pub struct Raw {
    /// Those that go on.
    pub flows: Vec<Flow>,
    /// Those that are gone already.
    pub leaves: Vec<Leaf>,
    /// Whether an address was changed, so that nothing can be told of a part.
    moved: bool,
}

impl Raw {
    /// What is made of all packets.
    ///
    /// # Errors
    ///
    /// As [`super::chains::run`].
    pub fn new(entrance: &Entrance<'_>) -> Result<Self, Unfollowed> {
        let mut leaves = Vec::new();
        let flows = entrance.before(Region::all(entrance.v4), &mut leaves)?;
        let all = flows.iter().chain(leaves.iter().map(|leaf| &leaf.flow));
        let moved = all.into_iter().any(|flow| flow.moved != [None; 2] || flow.anywhere);
        Ok(Self { flows: together(flows), leaves, moved })
    }

    /// Those of some types of ICMP from possible sources.
    #[must_use]
    pub fn errors(&self, kinds: Octets, impossible: &Set) -> Self {
        let possible = |flow: &Flow| {
            let icmp = Octets::of(&[flow.region.icmp()]);
            let (protocols, kinds) = (flow.region.protocols.and(&icmp), flow.region.kinds.and(&kinds));
            if protocols.is_empty() || kinds.is_empty() {
                return None;
            }
            let source = flow.region.source.without(impossible.ranges())?;
            Some(flow.with(Region { source, protocols, kinds, ..flow.region.clone() }))
        };
        let flows = together(self.flows.iter().filter_map(possible).collect());
        Self { flows, leaves: self.leaves.clone(), moved: self.moved }
    }

    /// What is made of some packets without a mark; nothing where that cannot be told.
    #[must_use]
    pub fn of<'r>(
        &'r self,
        region: &'r Region,
        leaves: &mut Vec<Leaf>,
    ) -> Option<impl Iterator<Item = Flow> + 'r> {
        if self.moved {
            return None;
        }
        let gone = self.leaves.iter().filter_map(|leaf| Some(Leaf { flow: leaf.flow.and(region)?, ..*leaf }));
        leaves.extend(gone);
        Some(self.flows.iter().filter_map(|flow| flow.and(region)))
    }
}

/// The same packets in fewer flows.
fn together(flows: Vec<Flow>) -> Vec<Flow> {
    let mut joined: Vec<Flow> = Vec::new();
    for mut flow in flows {
        // What has grown may fit one that it did not fit before.
        while let Some((at, both)) =
            joined.iter().enumerate().find_map(|(at, other)| Some((at, other.or(&flow)?)))
        {
            joined.swap_remove(at);
            flow = both;
        }
        joined.push(flow);
    }
    joined
}
