//! Packets of a kind on their way.
//!
//! Goes in: a region, and what rules make of it. Comes out: the same with marks and zones. What must hold: where
//! mark and zone hang on the destination, they are kept beside it, so that a thousand destinations are one flow
//! until somebody asks.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Known, Octets, Range, Region};

/// Packets of a kind on their way, with what has been made of them.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Which packets, as they are now.
    pub region: Region,
    /// The zones that were chosen: of the original direction, and of the answers.
    pub zones: Option<[u16; 2]>,
    /// How the source and the destination of their connection are moved.
    pub moved: [Option<Moved>; 2],
    /// Whether the destination has become any: that of the region is what it was before, which marks and
    /// zones may hang on.
    pub anywhere: bool,
    /// Marks and zones by destination, in order; then those above do not count.
    spots: Option<Rc<[Spot]>>,
}

/// How an address is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// By so much; down by the complement.
    By(u128),
    /// All to one address, perhaps with other ports: to the gateway's own on the device that they leave by if
    /// none is said. The numbers of the region stay as they were.
    To(Option<u128>),
}

/// Mark and zones of the packets to some destinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The destinations.
    pub range: Range,
    /// The mark.
    pub mark: Known,
    /// The zones.
    pub zones: Option<[u16; 2]>,
}

impl Flow {
    /// Packets with which nothing has been done yet.
    #[must_use]
    pub fn new(region: Region) -> Self {
        Self { region, zones: None, moved: [None; 2], anywhere: false, spots: None }
    }

    /// The same flow of other packets.
    #[must_use]
    pub fn with(&self, region: Region) -> Self {
        let mut flow = Self { region, ..self.clone() };
        flow.settle();
        flow
    }

    /// Marks by destination: disjoint ranges in order, which together are where the flow goes.
    #[must_use]
    pub fn spread(mut self, spots: Vec<Spot>) -> Self {
        self.spots = Some(spots.into());
        self.settle();
        self
    }

    /// Whether mark and zones hang on the destination.
    #[must_use]
    pub fn is_spread(&self) -> bool {
        self.spots.is_some()
    }

    /// Parts it by something that hangs on mark and zones.
    #[must_use]
    pub fn parted<K: Ord>(self, key: impl Fn(Known, Option<[u16; 2]>) -> K) -> Vec<(K, Self)> {
        let Some(spots) = &self.spots else {
            return vec![(key(self.region.mark, self.zones), self)];
        };
        let mut groups: BTreeMap<K, Vec<Spot>> = BTreeMap::new();
        for spot in spots.iter() {
            groups.entry(key(spot.mark, spot.zones)).or_default().push(*spot);
        }
        if groups.len() == 1 {
            return groups.into_keys().map(|key| (key, self.clone())).collect();
        }
        let part = |(key, spots): (K, Vec<Spot>)| {
            let ranges = joined(spots.iter().map(|spot| spot.range));
            let destination = self.region.destination.and(&ranges)?;
            let region = Region { destination, ..self.region.clone() };
            let mut flow = Self { region, spots: Some(spots.into()), ..self.clone() };
            flow.collapse();
            Some((key, flow))
        };
        groups.into_iter().filter_map(part).collect()
    }

    /// One flow for each mark and zones.
    #[must_use]
    pub fn apart(self) -> Vec<Self> {
        let parts = self.parted(|mark, zones| (mark.bits, mark.value, zones));
        let single = |(_, mut flow): (_, Self)| {
            flow.collapse();
            flow
        };
        parts.into_iter().map(single).collect()
    }

    /// One flow for each mark and zones, with the destination that it has.
    #[must_use]
    pub fn somewhere(self) -> Vec<Self> {
        let anywhere = self.anywhere;
        let mut flows = self.apart();
        if anywhere {
            for flow in &mut flows {
                flow.anywhere = false;
                flow.region.destination = Region::all(flow.region.v4).destination;
            }
        }
        flows
    }

    /// Changes mark and zones.
    pub fn change(&mut self, change: impl Fn(&mut Known, &mut Option<[u16; 2]>)) {
        match &mut self.spots {
            None => change(&mut self.region.mark, &mut self.zones),
            Some(spots) => {
                let changed = spots.iter().map(|spot| {
                    let mut spot = *spot;
                    change(&mut spot.mark, &mut spot.zones);
                    spot
                });
                self.spots = Some(changed.collect());
                self.collapse();
            }
        }
    }

    /// The packets of it that are in another region as well.
    #[must_use]
    pub fn and(&self, other: &Region) -> Option<Self> {
        let own = &self.region;
        let region = Region {
            v4: own.v4,
            source: own.source.and(other.source.ranges())?,
            destination: own.destination.and(other.destination.ranges())?,
            protocols: own.protocols.and(&other.protocols),
            kinds: own.kinds.and(&other.kinds),
            source_ports: own.source_ports.and(other.source_ports.ranges())?,
            destination_ports: own.destination_ports.and(other.destination_ports.ranges())?,
            mark: own.mark,
            connection_mark: own.connection_mark,
        };
        let mut flow = self.with(region);
        if flow.region.kinds.is_empty() {
            let icmp = Octets::of(&[flow.region.icmp()]);
            flow.region.protocols = flow.region.protocols.without(&icmp);
            flow.region.kinds = Octets::ALL;
        }
        (!flow.region.protocols.is_empty()).then_some(flow)
    }

    /// Forgets the spots that it does not go to.
    fn settle(&mut self) {
        let Some(spots) = &self.spots else { return };
        let destination = &self.region.destination;
        let few = destination.ranges().len() * 8 < spots.len();
        let kept: Vec<Spot> = if few {
            let near = destination.ranges().iter().flat_map(|range| {
                let at = spots.partition_point(|spot| spot.range.1 < range.0);
                spots[at..].iter().take_while(|spot| spot.range.0 <= range.1)
            });
            let mut kept: Vec<Spot> = Vec::new();
            near.for_each(|spot| {
                if kept.last() != Some(spot) {
                    kept.push(*spot);
                }
            });
            kept
        } else {
            spots.iter().filter(|spot| destination.meets(spot.range)).copied().collect()
        };
        if kept.len() < spots.len() {
            self.spots = Some(kept.into());
        }
        self.collapse();
    }

    /// Where all spots are the same there is nothing to keep apart.
    fn collapse(&mut self) {
        let Some(spots) = &self.spots else { return };
        let Some(first) = spots.first().copied() else { return };
        if spots.iter().all(|spot| (spot.mark, spot.zones) == (first.mark, first.zones)) {
            self.region.mark = first.mark;
            self.zones = first.zones;
            self.spots = None;
        }
    }
}

/// Ranges in order, those that touch as one.
fn joined(ranges: impl Iterator<Item = Range>) -> Vec<Range> {
    let mut joined: Vec<Range> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(first) => *end = last,
            _ => joined.push((first, last)),
        }
    }
    joined
}
