//! Packets of new connections: what is allowed arrives (O1), and nothing else does (O4).
//!
//! Goes in: all packets that come in by a network's interface. Comes out: what is not as the site says, and
//! the connections that come into being. What must hold: every packet is either in a part that leaves and must
//! be allowed to, or in one that does not and must not be expected anywhere.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::back::promised;
use super::found::{Failure, Found, Obligation, Packet, fate_of, place_of};
use super::spec::{Piece, Spec};
use crate::model::Peering;
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::entrance::Entrance;
use crate::sim::region::flow::{Flow, Moved};
use crate::sim::region::numbers::{errors, no_hosts, opens};
use crate::sim::region::pass::{Connection, Leaf, Machine, Outcome};
use crate::sim::region::raw::Raw;
use crate::sim::region::{Octets, Range, Region, Set};

/// What every part of the proof needs.
pub(super) struct Ground<'g> {
    pub(super) spec: &'g Spec<'g>,
    pub(super) machine: &'g Machine,
    /// The device of each network.
    pub(super) devices: Vec<usize>,
    /// The network of each device.
    pub(super) networks: Vec<Option<usize>>,
    /// The way in of each network, in both families.
    pub(super) entrances: [Vec<Entrance<'g>>; 2],
    /// What is made of all that comes in there before its connection is looked for.
    raw: [Vec<OnceLock<Result<Raw, Unfollowed>>>; 2],
    /// The errors among them that come back.
    errors: [Vec<OnceLock<Result<Raw, Unfollowed>>>; 2],
    /// The devices that packets can be routed out of.
    outs: [BTreeSet<usize>; 2],
    /// The devices of those that a network may open anything to, or that may to it.
    peers: Vec<BTreeSet<usize>>,
}

/// Packets from a network that open connections.
#[derive(Default)]
pub(super) struct Came {
    /// Those that are gone before FORWARD is asked about them.
    pub(super) gone: Vec<Leaf>,
    /// All others.
    pub(super) entered: Vec<Flow>,
    /// Those of them that FORWARD does not drop whatever their way.
    pub(super) arrived: Vec<Flow>,
}

/// A connection that comes into being.
#[derive(Debug)]
pub(super) struct Opened<'o> {
    /// Who opens, who answers.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Its packets as they came in, with the zone and the mark that they got first.
    pub(super) first: Flow,
    /// As they left.
    pub(super) leaf: &'o Leaf,
}

impl Opened<'_> {
    /// The part of it that hosts send and receive: some numbers of a prefix are of no host.
    pub(super) fn of_hosts(&self, spec: &Spec<'_>) -> Option<(Flow, Leaf)> {
        let came = &self.first.region;
        let senders = spec.hosts(self.from, came.v4)?;
        let receivers = spec.hosts(self.to, came.v4)?;
        let last = &self.leaf.flow.region;
        let source = came.source.and(senders.ranges())?;
        let destination = last.destination.and(receivers.ranges())?;
        let [from, to] = self.leaf.flow.moved.map(|moved| match moved {
            Some(Moved::By(by)) => by,
            _ => 0,
        });
        let mut first = self.first.clone();
        let mut leaf = self.leaf.clone();
        // Most often all of it is of hosts.
        if destination != last.destination {
            first.region.destination = destination.moved(to.wrapping_neg());
            leaf.flow.region.destination = destination;
        }
        if source != came.source {
            leaf.flow.region.source = source.moved(from);
            first.region.source = source;
        }
        Some((first, leaf))
    }
}

impl<'g> Ground<'g> {
    pub(super) fn new(spec: &'g Spec<'g>, machine: &'g Machine) -> Self {
        let count = spec.site.networks.len();
        let devices: Vec<usize> = (0..count).map(|it| machine.devices.number(spec.device(it))).collect();
        let mut networks = vec![None; machine.devices.count()];
        for (network, device) in devices.iter().enumerate() {
            networks[*device] = Some(network);
        }
        // A network without a device of its own is none that packets can come from.
        if let Some(last) = networks.last_mut() {
            *last = None;
        }
        let entrances = [true, false].map(|v4| devices.iter().map(|it| machine.at(*it, v4)).collect());
        let [raw, errors] =
            [(); 2].map(|()| [(); 2].map(|()| devices.iter().map(|_| OnceLock::new()).collect()));
        let outs = [true, false].map(|v4| machine.outs(v4));
        let mut peers = vec![BTreeSet::new(); count];
        for peering in &spec.site.peerings {
            let (from, to) = (peering.from.0, peering.to.0);
            for (own, other) in [(from, to), (to, from)] {
                if networks.get(devices[other]) == Some(&Some(other)) {
                    peers[own].insert(devices[other]);
                }
            }
        }
        Self { spec, machine, devices, networks, entrances, raw, errors, outs, peers }
    }

    pub(super) fn entrance(&self, network: usize, v4: bool) -> &Entrance<'g> {
        &self.entrances[usize::from(!v4)][network]
    }

    /// What is made of all packets of a network before their connection is looked for.
    pub(super) fn raw(&self, network: usize, v4: bool) -> Result<&Raw, Unfollowed> {
        let raw = self.raw[usize::from(!v4)][network].get_or_init(|| Raw::new(self.entrance(network, v4)));
        raw.as_ref().map_err(|it| *it)
    }

    /// Those of some packets without a mark that go on when their connection is about to be looked for.
    pub(super) fn before(
        &self,
        (network, v4): (usize, bool),
        region: Region,
    ) -> Result<Vec<Flow>, Unfollowed> {
        let mut leaves = Vec::new();
        if let Some(flows) = self.raw(network, v4)?.of(&region, &mut leaves) {
            return Ok(flows.collect());
        }
        self.entrance(network, v4).before(region, &mut leaves)
    }

    /// The devices that packets can be routed out of, but nothing of a network may leave by; nothing if those are
    /// more than so many.
    pub(super) fn strange(&self, network: usize, v4: bool, most: usize) -> Option<Vec<usize>> {
        let outs = &self.outs[usize::from(!v4)];
        let peers = &self.peers[network];
        if outs.len() > peers.len() + most {
            return None;
        }
        let strange: Vec<usize> = outs.iter().copied().filter(|device| !peers.contains(device)).collect();
        (strange.len() <= most).then_some(strange)
    }

    /// The same of errors that must come back, from sources that there can be.
    pub(super) fn errors(&self, network: usize, v4: bool) -> Result<&Raw, Unfollowed> {
        let errors = self.errors[usize::from(!v4)][network].get_or_init(|| {
            // Nobody has such numbers, and the gateway drops what says that it comes from itself.
            let own = &self.spec.numbers(network, v4).own;
            let martians = &self.entrance(network, v4).martians;
            let impossible = Set::of(no_hosts(v4).iter().chain(own).chain(martians).copied().collect());
            Ok(self.raw(network, v4)?.errors(promised(v4), &impossible))
        });
        errors.as_ref().map_err(|it| *it)
    }

    pub(super) fn name(&self, network: usize) -> &'g str {
        &self.spec.site.networks[network].name.value
    }

    pub(super) fn fate(&self, outcome: Outcome) -> String {
        let device = |number: usize| match self.networks.get(number).copied().flatten() {
            Some(network) => format!("{} into {}", self.machine.devices.name(number), self.name(network)),
            None => self.machine.devices.name(number).to_owned(),
        };
        fate_of(outcome, device)
    }

    /// Looks at all packets of a family that come in from a network. Comes back: how far those come that open
    /// connections.
    pub(super) fn network(
        &self,
        from: usize,
        v4: bool,
        found: &mut Found,
        opened: &mut dyn FnMut(Opened<'_>, &mut Found) -> Result<(), Unfollowed>,
    ) -> Result<Came, Unfollowed> {
        let entrance = self.entrance(from, v4);
        let numbers = self.spec.numbers(from, v4);
        let sender = Sender {
            ground: self,
            from,
            v4,
            hosts: self.spec.hosts(from, v4),
            senders: Set::of(numbers.real.clone()).without(&numbers.own),
            view: self.spec.view(from, v4),
        };
        let raw = self.raw(from, v4)?;
        for leaf in &raw.leaves {
            sender.stays(leaf, found);
        }
        let mut leaves = Vec::new();
        let mut came = Came { gone: raw.leaves.clone(), ..Came::default() };
        for flow in &raw.flows {
            if let Some(new) = of_kinds(flow, opens(v4), true) {
                let entered = entrance.enter(new, &Connection::New, &mut leaves)?;
                came.gone.extend(leaves.iter().cloned());
                came.entered.extend(entered.iter().cloned());
                let arrived = entrance.let_in(entered, &Connection::New, &mut leaves)?;
                came.arrived.extend(arrived.iter().cloned());
                entrance.go_on(arrived, &Connection::New, &mut leaves)?;
                for leaf in leaves.drain(..) {
                    match leaf.outcome {
                        Outcome::Left(device) => {
                            if let Some(to) = sender.leaves(&leaf, device, found) {
                                let first = as_it_came(flow, &leaf);
                                opened(Opened { from, to, first, leaf: &leaf }, found)?;
                            }
                        }
                        _ => sender.stays(&leaf, found),
                    }
                }
            }
            entrance.after(flow.clone(), &Connection::None, &mut leaves)?;
            for leaf in leaves.drain(..) {
                found.looked(Obligation::Isolation);
                if leaf.outcome.left() {
                    sender.passes(&leaf, "without being part of a connection", found);
                }
            }
            let Some(errors) = of_kinds(flow, errors(v4), false) else { continue };
            for direction in [0, 1] {
                let connection = Connection::Whichever { direction };
                let arrived = entrance.arrive(errors.clone(), &connection, &mut leaves)?;
                for flow in arrived {
                    // Their way hangs on the mark, unless none can be wrong.
                    let strange = self.strange(from, v4, flow.count() - 1);
                    if strange.map_or(Ok(false), |it| entrance.shuts(&flow, &connection, &it))? {
                        found.looked(Obligation::Isolation);
                    } else {
                        entrance.go_on(vec![flow], &connection, &mut leaves)?;
                    }
                }
                for leaf in leaves.drain(..) {
                    found.looked(Obligation::Isolation);
                    let Outcome::Left(device) = leaf.outcome else { continue };
                    let to = self.networks.get(device).copied().flatten();
                    if !to.is_some_and(|to| self.spec.peers(from, to)) {
                        sender.passes(&leaf, "as an error about somebody's connection", found);
                    }
                }
            }
        }
        Ok(came)
    }
}

/// One network that sends.
struct Sender<'s> {
    ground: &'s Ground<'s>,
    from: usize,
    v4: bool,
    hosts: Option<&'s Set>,
    /// All numbers that are not the gateway's.
    senders: Option<Set>,
    view: Vec<Piece>,
}

impl Sender<'_> {
    /// Packets that leave, which must be meant to.
    fn leaves(&self, leaf: &Leaf, device: usize, found: &mut Found) -> Option<usize> {
        let Self { ground, from, v4, .. } = *self;
        let spec = ground.spec;
        found.looked(Obligation::Isolation);
        let came = original(leaf);
        let Some(to) = ground.networks.get(device).copied().flatten() else {
            self.fails(Obligation::Isolation, leaf, &came, "though that is no network of the site", found);
            return None;
        };
        let Some(peering) = spec.opens(from, to) else {
            self.fails(Obligation::Isolation, leaf, &came, "though no connect allows it", found);
            return None;
        };
        if let Some(spoofed) = came.source.without(self.senders.as_ref().map_or(&[], Set::ranges)) {
            let came = came.with_address(false, spoofed);
            self.fails(Obligation::Isolation, leaf, &came, "though no host there has that source", found);
            return None;
        }
        let by = |moved: Option<Moved>| match moved {
            Some(Moved::By(by)) => by,
            _ => 0,
        };
        let moved = by(leaf.flow.moved[1]);
        let meant = spec.pieces(to, from, v4);
        let meant = meant.iter().filter(|piece| piece.by == moved).map(|piece| piece.known);
        let meant = Set::of(meant.collect());
        if let Some(other) = came.destination.without(meant.ranges()) {
            let came = came.with_address(true, other);
            let what = "though that number does not mean the host that it is sent to";
            self.fails(Obligation::Isolation, leaf, &came, what, found);
            return None;
        }
        if !self.source_is_right(leaf, &came, to) {
            let what = "but not with the source by which it is known there";
            self.fails(Obligation::Delivery, leaf, &came, what, found);
            return None;
        }
        for (region, allowed) in spec.judged(peering, real_of(&came, moved)) {
            if !allowed {
                let came = region.with_address(true, region.destination.moved(moved.wrapping_neg()));
                self.fails(Obligation::Isolation, leaf, &came, "though the rules deny it", found);
                return None;
            }
        }
        found.looked(Obligation::Delivery);
        Some(to)
    }

    fn source_is_right(&self, leaf: &Leaf, came: &Region, to: usize) -> bool {
        let spec = self.ground.spec;
        if spec.networks[to].masqueraded {
            let own = spec.own_for(to, &leaf.flow.region.destination, self.v4);
            return own.is_some_and(|own| match leaf.flow.moved[0] {
                Some(Moved::To(to)) => to == Some(own),
                _ => leaf.flow.region.source.ranges() == [(own, own)],
            });
        }
        // One that stays as it is is mapped onto itself: else another rule of the host could get it.
        let Some(Moved::By(moved)) = leaf.flow.moved[0] else { return false };
        let prefixes = spec.prefixes(self.from, to, self.v4);
        let right = prefixes.iter().filter(|piece| piece.by.wrapping_neg() == moved);
        let real =
            |piece: &Piece| (piece.known.0.wrapping_add(piece.by), piece.known.1.wrapping_add(piece.by));
        came.source.is_in(&Set::of(right.map(real).collect()))
    }

    /// Packets that do not leave, which nobody must wait for.
    fn stays(&self, leaf: &Leaf, found: &mut Found) {
        let spec = self.ground.spec;
        found.looked(Obligation::Delivery);
        let by = match leaf.flow.moved[1] {
            Some(Moved::By(by)) => by.wrapping_neg(),
            _ => 0,
        };
        // Most of it is for nobody.
        let waited = |range: &Range| {
            let at = self.view.partition_point(|piece| piece.known.1 < range.0);
            self.view.get(at).is_some_and(|piece| piece.known.0 <= range.1)
        };
        if !leaf.flow.region.destination.moved(by).ranges().iter().any(waited) {
            return;
        }
        let came = original(leaf);
        let Some(source) = self.hosts.and_then(|hosts| came.source.and(hosts.ranges())) else {
            return;
        };
        let came = came.with_address(false, source);
        let mut lost = BTreeSet::new();
        for &range in came.destination.ranges() {
            let at = self.view.partition_point(|piece| piece.known.1 < range.0);
            for piece in self.view[at..].iter().take_while(|piece| piece.known.0 <= range.1) {
                let Some(peering) = spec.opens(self.from, piece.owner).filter(|_| piece.sure) else {
                    continue;
                };
                let known = (piece.known.0.max(range.0), piece.known.1.min(range.1));
                let known = came.with_address(true, Set::range(known.0, known.1));
                if let Some(waited) = self.expected(peering, &known, piece.by) {
                    // One packet for each network shows it.
                    if !lost.insert(piece.owner) {
                        continue;
                    }
                    let to = self.ground.name(piece.owner);
                    let fate = self.ground.fate(leaf.outcome);
                    found.failures.push(Failure {
                        obligation: Obligation::Delivery,
                        networks: [Some(self.from), Some(piece.owner)],
                        what: format!("is for a host of {to} and allowed, but {fate}"),
                        packet: Some(Packet::out_of(&waited, spec.device(self.from))),
                        place: place_of(leaf.outcome),
                        rule: None,
                        line: None,
                    });
                }
            }
        }
    }

    /// Some of the packets that the rules allow.
    fn expected(&self, peering: &Peering, came: &Region, by: u128) -> Option<Region> {
        let judged = self.ground.spec.judged(peering, real_of(came, by));
        let allowed = judged.into_iter().find(|(_, allowed)| *allowed);
        allowed.map(|(region, _)| region.with_address(true, region.destination.moved(by.wrapping_neg())))
    }

    fn passes(&self, leaf: &Leaf, how: &str, found: &mut Found) {
        self.fails(Obligation::Isolation, leaf, &leaf.flow.region, how, found);
    }

    fn fails(&self, obligation: Obligation, leaf: &Leaf, came: &Region, what: &str, found: &mut Found) {
        let to = match leaf.outcome {
            Outcome::Left(device) => self.ground.networks.get(device).copied().flatten(),
            _ => None,
        };
        found.failures.push(Failure {
            obligation,
            networks: [Some(self.from), to],
            what: format!("{} {what}", self.ground.fate(leaf.outcome)),
            packet: Some(Packet::out_of(came, self.ground.spec.device(self.from))),
            place: place_of(leaf.outcome),
            rule: None,
            line: None,
        });
    }
}

/// The packets of a leaf as they came in.
pub(super) fn original(leaf: &Leaf) -> Region {
    let mut region = leaf.flow.region.clone();
    if let Some(Moved::By(by)) = leaf.flow.moved[0] {
        region.source = region.source.moved(by.wrapping_neg());
    }
    if let Some(Moved::By(by)) = leaf.flow.moved[1] {
        region.destination = region.destination.moved(by.wrapping_neg());
    }
    region
}

/// With the receivers' own numbers.
fn real_of(came: &Region, by: u128) -> Region {
    came.with_address(true, came.destination.moved(by))
}

/// A flow as it was when it had come in, cut to what a leaf is made of.
fn as_it_came(flow: &Flow, leaf: &Leaf) -> Flow {
    let mut region = original(leaf);
    region.mark = flow.region.mark;
    region.connection_mark = flow.region.connection_mark;
    flow.with(region)
}

/// Those packets that are of some types of ICMP; `others` says whether those that are not ICMP count too.
pub(super) fn of_kinds(flow: &Flow, kinds: Octets, others: bool) -> Option<Flow> {
    let icmp = Octets::of(&[flow.region.icmp()]);
    let mut region = flow.region.clone();
    region.kinds = region.kinds.and(&kinds);
    if !others {
        region.protocols = region.protocols.and(&icmp);
    }
    if region.kinds.is_empty() {
        region.protocols = region.protocols.without(&icmp);
        region.kinds = Octets::ALL;
    }
    (!region.protocols.is_empty()).then(|| flow.with(region))
}
