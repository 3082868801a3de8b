//! Packets of a kind on their way.
//!
//! Goes in: a region, and what rules make of it. Comes out: the same with marks and zones. What must hold: where
//! mark and zone hang on the destination, they are kept beside it, so that a thousand destinations are one flow
//! until somebody asks.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::{Known, Octets, Range, Region, Set};

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
    spots: Option<Arc<[Spot]>>,
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
        let (zones, moved, anywhere) = (self.zones, self.moved, self.anywhere);
        let mut flow = Self { region, zones, moved, anywhere, spots: self.spots.clone() };
        if !flow.region.destination.is_same(&self.region.destination) {
            flow.settle();
        }
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

    /// The marks of its packets.
    pub fn marks(&self) -> impl Iterator<Item = Known> + '_ {
        let alone = self.spots.is_none().then_some(self.region.mark);
        alone.into_iter().chain(self.spots.iter().flat_map(|spots| spots.iter().map(|spot| spot.mark)))
    }

    /// Parts it by its source or its destination.
    #[must_use]
    pub(super) fn cut(mut self, destination: bool, ranges: &[Range]) -> (Option<Self>, Option<Self>) {
        let own = if destination { &self.region.destination } else { &self.region.source };
        match own.wholly(ranges) {
            Some(true) => return (Some(self), None),
            Some(false) => return (None, Some(self)),
            None => {}
        }
        let (and, without) = match (own.and(ranges), own.without(ranges)) {
            (_, None) => return (Some(self), None),
            (None, _) => return (None, Some(self)),
            (Some(and), Some(without)) => (and, without),
        };
        let mut part = self.clone();
        for (flow, set) in [(&mut part, and), (&mut self, without)] {
            if destination {
                flow.region.destination = set;
                flow.settle();
            } else {
                flow.region.source = set;
            }
        }
        (Some(part), Some(self))
    }

    /// Into how many parts it falls at most when each mark goes its own way.
    #[must_use]
    pub fn count(&self) -> usize {
        self.spots.as_ref().map_or(1, |spots| spots.len())
    }

    /// Parts it by something that hangs on mark and zones.
    #[must_use]
    pub fn parted<K: Ord>(self, key: impl Fn(Known, Option<[u16; 2]>) -> K) -> Vec<(K, Self)> {
        let Some(spots) = &self.spots else {
            return vec![(key(self.region.mark, self.zones), self)];
        };
        let mut keys = spots.iter().map(|spot| key(spot.mark, spot.zones));
        let Some(first) = keys.next() else { return Vec::new() };
        if keys.all(|other| other == first) {
            return vec![(first, self)];
        }
        let mut groups: BTreeMap<K, Vec<Spot>> = BTreeMap::new();
        for spot in spots.iter() {
            groups.entry(key(spot.mark, spot.zones)).or_default().push(*spot);
        }
        let part = |(key, spots): (K, Vec<Spot>)| {
            let (moved, anywhere) = (self.moved, self.anywhere);
            if let [Spot { range, mark, zones }] = *spots.as_slice() {
                let destination = self.region.destination.and(&[range])?;
                let region = Region { destination, mark, ..self.region.clone() };
                return Some((key, Self { region, zones, moved, anywhere, spots: None }));
            }
            let ranges = joined(spots.iter().map(|spot| spot.range));
            let destination = self.region.destination.and(&ranges)?;
            let region = Region { destination, ..self.region.clone() };
            let mut flow = Self { region, zones: self.zones, moved, anywhere, spots: Some(spots.into()) };
            flow.collapse();
            Some((key, flow))
        };
        groups.into_iter().filter_map(part).collect()
    }

    /// One flow for each mark and zones.
    pub fn apart(self) -> impl Iterator<Item = Self> {
        let (single, parts) = match self.spots {
            None => (Some(self), Vec::new()),
            Some(_) => (None, self.parted(|mark, zones| (mark.bits, mark.value, zones))),
        };
        let part = |(_, mut flow): (_, Self)| {
            flow.collapse();
            flow
        };
        single.into_iter().chain(parts.into_iter().map(part))
    }

    /// One flow for each mark and zones, with the destination that it has.
    pub fn somewhere(self) -> impl Iterator<Item = Self> {
        self.apart().map(|mut flow| {
            if flow.anywhere {
                flow.anywhere = false;
                flow.region.destination = Region::all(flow.region.v4).destination;
            }
            flow
        })
    }

    /// Its destinations, and in which zones they are.
    #[must_use]
    pub fn by_zones(&self) -> Vec<(Set, Option<[u16; 2]>)> {
        let destination = &self.region.destination;
        let Some(spots) = &self.spots else { return vec![(destination.clone(), self.zones)] };
        let mut all: Vec<(Range, Option<[u16; 2]>)> = Vec::with_capacity(spots.len());
        for spot in spots.iter() {
            for range in destination.within(spot.range) {
                match all.last_mut() {
                    Some((last, zones)) if *zones == spot.zones && last.1.checked_add(1) == Some(range.0) => {
                        last.1 = range.1;
                    }
                    _ => all.push((range, spot.zones)),
                }
            }
        }
        all.into_iter().map(|(range, zones)| (Set::range(range.0, range.1), zones)).collect()
    }

    /// Changes mark and zones.
    pub fn change(&mut self, change: impl Fn(&mut Known, &mut Option<[u16; 2]>)) {
        match &mut self.spots {
            None => change(&mut self.region.mark, &mut self.zones),
            Some(spots) => {
                for spot in Arc::make_mut(spots) {
                    change(&mut spot.mark, &mut spot.zones);
                }
                self.collapse();
            }
        }
    }

    /// The packets of it that are in another region as well.
    #[must_use]
    pub fn and(&self, other: &Region) -> Option<Self> {
        let own = &self.region;
        let protocols = own.protocols.and(&other.protocols);
        // Most flows that are asked have nothing of the kind, and for that nothing need be copied.
        let meets = |range: &Range| own.destination.meets(*range);
        if protocols.is_empty() || !other.destination.ranges().iter().any(meets) {
            return None;
        }
        let source = own.source.and(other.source.ranges())?;
        let destination = own.destination.and(other.destination.ranges())?;
        let region = Region {
            v4: own.v4,
            source,
            destination,
            protocols,
            kinds: own.kinds.and(&other.kinds),
            source_ports: own.source_ports.and(&other.source_ports)?,
            destination_ports: own.destination_ports.and(&other.destination_ports)?,
            mark: own.mark,
            connection_mark: own.connection_mark,
        };
        let mut flow = match self.spot(&region.destination) {
            Some(Spot { mark, zones, .. }) => {
                let (moved, anywhere) = (self.moved, self.anywhere);
                Self { region: Region { mark, ..region }, zones, moved, anywhere, spots: None }
            }
            None => self.with(region),
        };
        if flow.region.kinds.is_empty() {
            let icmp = Octets::of(&[flow.region.icmp()]);
            flow.region.protocols = flow.region.protocols.without(&icmp);
            flow.region.kinds = Octets::ALL;
        }
        (!flow.region.protocols.is_empty()).then_some(flow)
    }

    /// The spot that has all of some destinations.
    fn spot(&self, destination: &Set) -> Option<Spot> {
        let spots = self.spots.as_ref()?;
        let (first, last) = (destination.first()?, destination.ranges().last()?.1);
        let at = spots.partition_point(|spot| spot.range.1 < first);
        spots.get(at).filter(|spot| spot.range.0 <= first && last <= spot.range.1).copied()
    }

    /// The packets of two flows as one, if they differ in the protocol and the type of ICMP, or in the source, alone.
    #[must_use]
    pub fn or(&self, other: &Self) -> Option<Self> {
        let (a, b) = (&self.region, &other.region);
        let alike = (a.v4, a.mark, a.connection_mark) == (b.v4, b.mark, b.connection_mark)
            && (self.zones, self.moved, self.anywhere) == (other.zones, other.moved, other.anywhere)
            && (&a.source_ports, &a.destination_ports) == (&b.source_ports, &b.destination_ports)
            && a.destination == b.destination
            && self.spots == other.spots;
        if !alike {
            return None;
        }
        let icmp = Octets::of(&[a.icmp()]);
        let kinds = |region: &Region| match region.protocols.and(&icmp) {
            Octets::NONE => Octets::NONE,
            _ => region.kinds,
        };
        let [of_a, of_b] = [kinds(a), kinds(b)];
        let region = if a.source == b.source {
            let (protocols, kinds) = (a.protocols.or(&b.protocols), of_a.or(&of_b));
            let kinds = if kinds.is_empty() { Octets::ALL } else { kinds };
            Region { protocols, kinds, ..a.clone() }
        } else if (a.protocols, of_a) == (b.protocols, of_b) {
            let sources = a.source.ranges().iter().chain(b.source.ranges());
            Region { source: Set::of(sources.copied().collect()), ..a.clone() }
        } else {
            return None;
        };
        Some(Self { region, ..self.clone() })
    }

    /// Whether another flow, without spots as this one, is the same but for the destination.
    fn differs_by_destination(&self, other: &Self) -> bool {
        let (a, b) = (&self.region, &other.region);
        (a.v4, a.mark, a.connection_mark) == (b.v4, b.mark, b.connection_mark)
            && (self.zones, self.moved, self.anywhere) == (other.zones, other.moved, other.anywhere)
            && (a.protocols, a.kinds, &a.source) == (b.protocols, b.kinds, &b.source)
            && (&a.source_ports, &a.destination_ports) == (&b.source_ports, &b.destination_ports)
    }

    /// Forgets the spots that it does not go to.
    fn settle(&mut self) {
        let Some(spots) = &self.spots else { return };
        let destination = &self.region.destination;
        if let Some(spot) = self.spot(destination) {
            (self.region.mark, self.zones) = (spot.mark, spot.zones);
            self.spots = None;
            return;
        }
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

/// The same packets in fewer flows: those to several destinations with which the same was done are one, if their
/// destination is what it was.
pub(super) fn rejoined(flows: Vec<Flow>) -> Vec<Flow> {
    let mut joined: Vec<Flow> = Vec::with_capacity(flows.len());
    // By their marks, which most often tell apart what is not the same.
    let mut alike: BTreeMap<[u32; 4], (usize, Vec<Range>)> = BTreeMap::new();
    for flow in flows {
        if flow.moved[1].is_none() && flow.spots.is_none() {
            let (mark, of_connection) = (flow.region.mark, flow.region.connection_mark);
            let marks = [mark.bits, mark.value, of_connection.bits, of_connection.value];
            match alike.entry(marks) {
                Entry::Vacant(free) => {
                    free.insert((joined.len(), flow.region.destination.ranges().to_vec()));
                }
                Entry::Occupied(mut first) => {
                    let (place, ranges) = first.get_mut();
                    if joined[*place].differs_by_destination(&flow) {
                        ranges.extend(flow.region.destination.ranges());
                        continue;
                    }
                }
            }
        }
        joined.push(flow);
    }
    for (place, ranges) in alike.into_values() {
        joined[place].region.destination = Set::of(ranges);
    }
    joined
}

/// Ranges in order, those that touch as one.
pub(super) fn joined(ranges: impl Iterator<Item = Range>) -> Vec<Range> {
    let mut joined: Vec<Range> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(first) => *end = last,
            _ => joined.push((first, last)),
        }
    }
    joined
}
