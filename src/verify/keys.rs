//! No connection can be taken for another one (O3).
//!
//! Goes in: every key by which conntrack can know packets, with whom they are from and to. Comes out: keys that
//! mean two different things. What must hold: within a zone, source and destination say which host of which
//! network sends to which; then no port is ever rewritten, no protocol without ports is dropped, and nobody
//! can speak for somebody else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::thread;

use super::delivery::{Opened, of_kinds};
use super::found::Found;
use crate::sim::region::flow::{Flow, Moved};
use crate::sim::region::numbers::errors;
use crate::sim::region::{Octets, Range, Set};

/// Who sends to whom, by which numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// Hosts of the first to hosts of the second, whose own numbers are that far away.
    Hosts(usize, usize, u128),
    /// Hosts of a network to the gateway, or the gateway to them.
    Gateway(usize),
    /// Answers to connections whose ports the kernel may choose.
    Chosen(usize),
    /// Anything that comes in from a network, whoever it is for.
    From(usize),
}

impl Who {
    /// The network that the gateway speaks to.
    fn gateway(self) -> Option<usize> {
        match self {
            Self::Gateway(network) => Some(network),
            _ => None,
        }
    }

    /// The network that sends it.
    fn sender(self) -> usize {
        match self {
            Self::Hosts(network, ..)
            | Self::Gateway(network)
            | Self::Chosen(network)
            | Self::From(network) => network,
        }
    }
}

/// All keys.
#[derive(Debug, Default)]
pub(super) struct Keys {
    sets: Vec<Set>,
    /// Their places.
    places: HashMap<Set, u32>,
    /// The places of those that were asked for last, which most often are asked for again.
    recent: [u32; RECENT],
    /// By family and zone.
    zones: BTreeMap<(bool, u16), Vec<Key>>,
}

const RECENT: usize = 4;

/// Source, destination, who, and whether it is the key of answers.
type Key = (u32, u32, Who, bool);

/// Two flows that a key cannot tell apart.
#[derive(Clone, Debug)]
pub(super) struct Clash {
    pub(super) v4: bool,
    pub(super) zone: u16,
    /// A key that both have.
    pub(super) source: u128,
    pub(super) destination: u128,
    pub(super) who: [Who; 2],
    /// Whether both are keys of what is opened.
    pub(super) opened: bool,
}

impl Keys {
    fn set(&mut self, set: &Set) -> u32 {
        let mut recent = self.recent.iter().copied();
        if let Some(known) = recent.find(|it| self.sets.get(*it as usize) == Some(set)) {
            return known;
        }
        self.recent.rotate_right(1);
        if let Some(known) = self.places.get(set) {
            self.recent[0] = *known;
            return *known;
        }
        let next = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        self.recent[0] = next;
        self.sets.push(set.clone());
        self.places.insert(set.clone(), next);
        next
    }

    /// Adds the keys of one direction of connections, which are in that zone.
    pub(super) fn add(
        &mut self,
        (v4, zone, answers): (bool, u16, bool),
        source: &Set,
        destination: &Set,
        who: Who,
    ) {
        let key = (self.set(source), self.set(destination), who, answers);
        self.zones.entry((v4, zone)).or_default().push(key);
    }

    /// The keys of a connection, in both directions.
    pub(super) fn opened(&mut self, opened: &Opened<'_>, masqueraded: bool) {
        let first = &opened.first.region;
        let last = &opened.leaf.flow.region;
        let [original, reply] = opened.first.zones.unwrap_or_default();
        let by = |moved: Option<Moved>| match moved {
            Some(Moved::By(by)) => by,
            _ => 0,
        };
        let (from, to) = (opened.from, opened.to);
        let there = Who::Hosts(from, to, by(opened.leaf.flow.moved[1]));
        self.add((first.v4, original, false), &first.source, &first.destination, there);
        if masqueraded {
            let own = match opened.leaf.flow.moved[0] {
                Some(Moved::To(Some(own))) => Set::range(own, own),
                _ => last.source.clone(),
            };
            self.add((first.v4, reply, true), &last.destination, &own, Who::Chosen(to));
        } else {
            let back = Who::Hosts(to, from, by(opened.leaf.flow.moved[0]).wrapping_neg());
            self.add((first.v4, reply, true), &last.destination, &last.source, back);
        }
    }

    /// The keys of all that comes in from a network: it is looked up among what was opened in one zone, and among
    /// answers in another or the same. Errors have the key of what they are about.
    pub(super) fn came(&mut self, from: usize, flow: &Flow) {
        let v4 = flow.region.v4;
        let Some(flow) = of_kinds(flow, Octets::ALL.without(&errors(v4)), true) else { return };
        let source = self.set(&flow.region.source);
        for (destination, zones) in flow.by_zones() {
            let destination = self.set(&destination);
            for (zone, answers) in zones.unwrap_or_default().into_iter().zip([false, true]) {
                let key = (source, destination, Who::From(from), answers);
                self.zones.entry((v4, zone)).or_default().push(key);
            }
        }
    }

    /// Takes the keys of another collection.
    pub(super) fn more(&mut self, other: Self) {
        let names: Vec<u32> = other.sets.iter().map(|set| self.set(set)).collect();
        for (zone, keys) in other.zones {
            let own = self.zones.entry(zone).or_default();
            own.extend(keys.into_iter().map(|(source, destination, who, answers)| {
                (names[source as usize], names[destination as usize], who, answers)
            }));
        }
    }

    /// Zones of what the gateway and a network say to each other that others' packets come in: the zone, that network,
    /// and whose. Those who call a masqueraded network are no others.
    pub(super) fn strangers(&self, calls: impl Fn(usize, usize) -> bool) -> BTreeSet<(u16, usize, usize)> {
        let mut strangers = BTreeSet::new();
        for ((_, zone), keys) in &self.zones {
            let own: BTreeSet<usize> = keys.iter().filter_map(|key| key.2.gateway()).collect();
            let from = keys.iter().filter_map(|key| match key.2 {
                Who::From(network) => Some(network),
                _ => None,
            });
            for network in from.collect::<BTreeSet<usize>>() {
                let others = own.iter().filter(|own| **own != network && !calls(network, **own));
                strangers.extend(others.map(|own| (*zone, *own, network)));
            }
        }
        strangers
    }

    /// Pairs of keys that have something in common and do not mean the same; of each two flows once.
    pub(super) fn clashes(self, found: &mut Found) -> Vec<Clash> {
        let sets = &self.sets;
        let zones: Vec<((bool, u16), Vec<Key>)> = self.zones.into_iter().collect();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = zones.len().div_ceil(threads).max(1);
        let parts: Vec<Vec<(u64, Vec<Clash>)>> = thread::scope(|scope| {
            let each = |part: &mut Vec<((bool, u16), Vec<Key>)>| {
                part.drain(..).map(|(zone, keys)| within(sets, zone, keys)).collect()
            };
            let mut rest = zones;
            let mut spawned = Vec::new();
            while !rest.is_empty() {
                let mut part = rest;
                rest = part.split_off(share.min(part.len()));
                spawned.push(scope.spawn(move || each(&mut part)));
            }
            let joined = spawned.into_iter().map(|part| part.join());
            joined.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        let mut clashes = BTreeMap::new();
        for (count, of_zone) in parts.into_iter().flatten() {
            found.regions[super::Obligation::NoConfusion as usize] += count;
            for clash in of_zone {
                clashes.entry((clash.who, clash.v4, clash.opened)).or_insert(clash);
            }
        }
        clashes.into_values().collect()
    }
}

/// How many keys a zone has, and the pairs of them that clash.
fn within(sets: &[Set], (v4, zone): (bool, u16), mut keys: Vec<Key>) -> (u64, Vec<Clash>) {
    keys.sort_unstable();
    keys.dedup();
    let mut clashes: BTreeMap<([Who; 2], bool), Clash> = BTreeMap::new();
    let mut open: Vec<(Range, u32, Who, bool)> = Vec::new();
    let ranges = |&(source, destination, who, answers): &Key| {
        let ranges = sets[destination as usize].ranges();
        ranges.iter().map(move |range| (*range, source, who, answers))
    };
    let mut all: Vec<(Range, u32, Who, bool)> = keys.iter().flat_map(ranges).collect();
    all.sort_unstable();
    for (range, source, who, answers) in all {
        open.retain(|(other, ..)| other.1 >= range.0);
        for (other, their, whose, reversed) in &open {
            if *whose == who || distinct((*whose, *reversed), (who, answers)) {
                continue;
            }
            if let Some(common) = common(sets[source as usize].ranges(), sets[*their as usize].ranges()) {
                let (source, destination) = (common.0, range.0.max(other.0));
                let who = [(*whose).min(who), (*whose).max(who)];
                let opened = !answers && !reversed;
                let clash = Clash { v4, zone, source, destination, who, opened };
                clashes.entry((who, opened)).or_insert(clash);
            }
        }
        open.push((range, source, who, answers));
    }
    (keys.len() as u64, clashes.into_values().collect())
}

/// Whether nobody can take one for the other: of what comes in, the sender is what counts, and it is looked up in
/// either direction by itself; the kernel tells some apart by choosing a port.
fn distinct((a, answers): (Who, bool), (b, reversed): (Who, bool)) -> bool {
    match (a, b) {
        (Who::From(_), Who::From(_)) => true,
        (Who::From(_), _) | (_, Who::From(_)) => a.sender() == b.sender() || answers != reversed,
        (Who::Chosen(one), Who::Chosen(other) | Who::Gateway(other)) => one == other,
        (Who::Gateway(one), Who::Chosen(other)) => one == other,
        _ => false,
    }
}

fn common(a: &[Range], b: &[Range]) -> Option<Range> {
    let near = a
        .iter()
        .find_map(|one| b.iter().find(|other| one.0 <= other.1 && other.0 <= one.1).map(|it| (one, it)));
    near.map(|(one, other)| (one.0.max(other.0), one.1.min(other.1)))
}
