//! All packets of a kind on their whole way through a host.
//!
//! Goes in: a [`Host`], and packets that come in by a device. Comes out: their parts, each with what becomes of
//! it. What must hold: hooks in the kernel's order, conntrack between them, and what a VRF device does: the
//! packet passes PREROUTING a second time with it, and FORWARD sees it as the device that the packet came by.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::chains::{Around, End, Output, Unfollowed, run};
use super::entrance::Entrance;
use super::fib::{From, Relevant, Routing};
use super::flow::{Flow, Moved};
use super::numbers::NO_HOSTS_V4;
use super::program::{Devices, Program};
use super::whole;
use super::{Known, Region, Set};
use crate::read::filter::{Base, Filter, Hook, State};
use crate::sim::fate::Place;
use crate::sim::host::Host;

/// A host made ready for being asked often.
#[derive(Debug)]
pub struct Machine {
    /// Its devices.
    pub devices: Devices,
    programs: Arc<Vec<Program>>,
    /// The base chains: filter, chain and how it is called, in the order in which the kernel does.
    bases: Vec<(usize, usize, Base)>,
    routing: Arc<Routing>,
    pub(super) links: Vec<Facts>,
    pub(super) forwards_v6: bool,
    reflects: [bool; 2],
}

/// What counts of a device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    master: Option<usize>,
    pub(super) forwards_v4: bool,
    accepts_local: bool,
}

/// Why a host cannot be made ready: the filter and the line, if it is about one, and what it is.
pub type Unready = (Option<(usize, usize)>, String);

/// When conntrack looks for a packet's connection (`NF_IP_PRI_CONNTRACK`).
pub(super) const CONNTRACK: i32 = -200;
/// When destinations are translated (`NF_IP_PRI_NAT_DST`).
pub(super) const DESTINATIONS: i32 = -100;
/// When sources are (`NF_IP_PRI_NAT_SRC`).
pub(super) const SOURCES: i32 = 100;

/// Whether a chain sees packets that come in before their connection is looked for.
#[must_use]
pub fn is_raw(hook: Hook, priority: i32) -> bool {
    hook == Hook::Prerouting && priority < CONNTRACK
}

/// Of which connection packets are.
#[derive(Clone, Debug)]
pub enum Connection {
    /// The first packets of new ones.
    New,
    /// Of none: errors about nothing that is known, and what conntrack does not take for the beginning of
    /// anything.
    None,
    /// Of one that is known, or an error about it.
    Of {
        /// 0 if they go as its first packet did, 1 if they go the other way.
        direction: usize,
        /// Whether errors.
        related: bool,
        /// How its addresses are moved.
        moved: [Option<Moved>; 2],
        /// Who opened it, where its source was masqueraded.
        opened_by: Option<Set>,
        /// Its mark.
        mark: Known,
    },
    /// Errors about one of which nothing is known but how they are to go.
    Whichever {
        /// 0 if they go as its first packet did, 1 if they go the other way.
        direction: usize,
    },
}

/// Part of the packets, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Which packets, as they are at the end.
    pub flow: Flow,
    /// What becomes of them.
    pub outcome: Outcome,
    /// The mark when their way was looked for: the host's own errors about them have it.
    pub mark: Known,
}

/// What becomes of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They leave by a device.
    Left(usize),
    /// They are for the host itself.
    Local,
    /// A rule or a policy drops them.
    Dropped(Place),
    /// A rule refuses them.
    Refused(Place),
    /// A table says that there is no way.
    Unreachable(u32),
    /// A table says that they are not wanted.
    Prohibited(u32),
    /// A table says that they are dropped.
    Blackholed(u32),
    /// No table has a way.
    NoRoute,
    /// They cannot come from there.
    Martian,
    /// Nothing is forwarded that comes in by the device.
    NotForwarded,
    /// They are for a group, or for all of a link.
    Link,
}

impl Machine {
    /// Makes a host ready.
    ///
    /// # Errors
    ///
    /// A rule asks for something that is not known here.
    pub fn new(host: &Host) -> Result<Self, Unready> {
        let devices = Devices::new(host.links.keys().cloned());
        let mut programs = Vec::new();
        let mut bases = Vec::new();
        for (n, filter) in host.filters.iter().enumerate() {
            let program = Program::new(filter, &devices).map_err(|(line, why)| (Some((n, line)), why))?;
            let called = program.chains.iter().enumerate();
            bases.extend(called.filter_map(|(place, chain)| Some((n, place, chain.base?))));
            programs.push(program);
        }
        bases.sort_by_key(|(_, _, base)| base.priority);
        Self::made(host, devices, Arc::new(programs), bases)
    }

    /// The same when all rules of some tables are gone: `nft flush table`, `iptables -t TABLE -F`. The chains stay,
    /// with their policies.
    #[must_use]
    pub fn flushed(&self, filters: &[impl Borrow<Filter>], tables: &[&str]) -> Self {
        let programs = self.programs.iter().zip(filters);
        let programs = programs.map(|(program, filter)| program.flushed(filter.borrow(), tables)).collect();
        let (devices, bases, links) = (self.devices.clone(), self.bases.clone(), self.links.clone());
        let (forwards_v6, reflects) = (self.forwards_v6, self.reflects);
        let routing = Arc::clone(&self.routing);
        Self { devices, programs: Arc::new(programs), bases, routing, links, forwards_v6, reflects }
    }

    /// The same when the host differs in its rules, its routes and what of its links is up, and in nothing else.
    ///
    /// # Errors
    ///
    /// A rule asks for something that is not known here.
    pub fn otherwise(&self, host: &Host) -> Result<Self, Unready> {
        Self::made(host, self.devices.clone(), Arc::clone(&self.programs), self.bases.clone())
    }

    fn made(
        host: &Host,
        devices: Devices,
        programs: Arc<Vec<Program>>,
        bases: Vec<(usize, usize, Base)>,
    ) -> Result<Self, Unready> {
        let routing = Arc::new(Routing::new(host, &devices).map_err(|why| (None, why))?);
        let facts = |(name, link): (&String, &crate::sim::host::Link)| {
            let setting = |setting: &str| host.setting(&format!("ipv4/conf/{name}/{setting}"));
            if setting("rp_filter") != 0 {
                return Err((None, format!("{name} filters by reverse path, which is not known here")));
            }
            Ok(Facts {
                master: link.master.as_ref().map(|master| devices.number(master)),
                forwards_v4: setting("forwarding") != 0,
                accepts_local: setting("accept_local") != 0,
            })
        };
        let mut links = host.links.iter().map(facts).collect::<Result<Vec<Facts>, Unready>>()?;
        links.push(Facts { forwards_v4: true, ..Facts::default() });
        let forwards_v6 = host.setting("ipv6/conf/all/forwarding") != 0;
        let reflects = ["ipv4", "ipv6"].map(|family| host.setting(&format!("{family}/fwmark_reflect")) != 0);
        Ok(Self { devices, programs, bases, routing, links, forwards_v6, reflects })
    }

    /// The mark that errors and answers have which the host itself makes of a packet (ip-sysctl.rst,
    /// `fwmark_reflect`).
    #[must_use]
    pub fn reflected(&self, mark: Known, v4: bool) -> Known {
        if self.reflects[usize::from(!v4)] { mark } else { Known::ZERO }
    }

    /// The VRF device that a device is in, or itself.
    #[must_use]
    pub fn inside(&self, device: usize) -> usize {
        self.links[device].master.unwrap_or(device)
    }

    /// What can be asked of packets that come in by a device.
    #[must_use]
    pub fn at(&self, device: usize, v4: bool) -> Entrance<'_> {
        let facts = self.links[device];
        let inside = facts.master.unwrap_or(device);
        let ways = self.routing.from(From::Device(inside), v4, &self.devices);
        let mut martians = if v4 { NO_HOSTS_V4.to_vec() } else { Vec::new() };
        if v4 && !self.links[inside].accepts_local {
            let back = self.routing.from(From::Back(inside), v4, &self.devices);
            martians.extend(back.impossible());
        }
        let martians = Set::of(martians).ranges().to_vec();
        Entrance { machine: self, device, inside, v4, ways, martians, exact: false }
    }

    /// The devices that packets of a family can be routed out of.
    #[must_use]
    pub fn outs(&self, v4: bool) -> BTreeSet<usize> {
        self.routing.outs(v4)
    }

    /// The ways of packets of the host itself.
    #[must_use]
    pub fn own_ways(&self, from: From, v4: bool) -> Relevant<'_> {
        self.routing.from(from, v4, &self.devices)
    }

    /// Packets of the host itself that leave by a device, through OUTPUT and POSTROUTING.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn own(
        &self,
        device: usize,
        region: Region,
        connection: &Connection,
    ) -> Result<Vec<Leaf>, Unfollowed> {
        let nowhere = self.devices.count() - 1;
        let around = Around { input: nowhere, output: Output::Is(device), connection: None };
        let mut leaves = Vec::new();
        let flow = Flow::new(region);
        let flows =
            self.hook(Hook::Output, |priority| priority < CONNTRACK, vec![flow], around, false, &mut leaves)?;
        let around = Around { connection: attached(connection), ..around };
        let new = matches!(connection, Connection::New);
        let flows = self.hook(Hook::Output, |it| it > CONNTRACK, flows, around, new, &mut leaves)?;
        self.leave(flows, around, connection, &mut leaves)?;
        Ok(leaves)
    }

    /// Leads flows through the base chains of a hook; those that go on come back.
    pub(super) fn hook(
        &self,
        hook: Hook,
        when: impl Fn(i32) -> bool,
        mut flows: Vec<Flow>,
        around: Around,
        translates: bool,
        leaves: &mut Vec<Leaf>,
    ) -> Result<Vec<Flow>, Unfollowed> {
        for &(filter, chain, base) in &self.bases {
            if base.hook != hook || !when(base.priority) || base.nat && !translates {
                continue;
            }
            // Each part that has marks of its own may end by itself.
            let mut ends = Vec::with_capacity(flows.iter().map(Flow::count).sum());
            let mut after = Vec::with_capacity(flows.len());
            for mut flow in flows {
                let families = if flow.region.v4 { base.families.v4 } else { base.families.v6 };
                if !families || base.nat && flow.moved[which_moves(hook)].is_some() {
                    after.push(flow);
                } else if let Some(end) = whole::run(&self.programs[filter], chain, &mut flow, around) {
                    ends.push((flow, end));
                } else {
                    run(&self.programs[filter], chain, flow, around, &mut ends)
                        .map_err(|it| Unfollowed { filter, ..it })?;
                }
            }
            after.reserve(ends.len());
            for (flow, end) in ends {
                let mark = flow.region.mark;
                match outcome_of(end, Place { filter, chain, rule: None }, base) {
                    None => after.push(flow),
                    Some(outcome) => leaves.push(Leaf { flow, outcome, mark }),
                }
            }
            flows = after;
        }
        Ok(flows)
    }

    /// Leads a flow through the base chains of a hook, if it is the same for all of it: what becomes of it, or nothing
    /// inside where it goes on. Otherwise nothing at all.
    pub(super) fn hook_all(
        &self,
        hook: Hook,
        when: impl Fn(i32) -> bool,
        flow: &mut Flow,
        around: Around,
        translates: bool,
    ) -> Option<Option<Outcome>> {
        let which = which_moves(hook);
        for &(filter, chain, base) in &self.bases {
            let families = if flow.region.v4 { base.families.v4 } else { base.families.v6 };
            let asked = base.hook == hook && when(base.priority) && families;
            if !asked || base.nat && (!translates || flow.moved[which].is_some()) {
                continue;
            }
            let end = whole::run(&self.programs[filter], chain, flow, around)?;
            let outcome = outcome_of(end, Place { filter, chain, rule: None }, base);
            if outcome.is_some() {
                return Some(outcome);
            }
        }
        Some(None)
    }

    /// POSTROUTING, and away.
    pub(super) fn leave(
        &self,
        flows: Vec<Flow>,
        around: Around,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<(), Unfollowed> {
        let new = matches!(connection, Connection::New);
        let early = |priority| priority <= SOURCES;
        let mut flows = self.hook(Hook::Postrouting, early, flows, around, new, leaves)?;
        flows.iter_mut().for_each(|flow| connection.source_moves(flow));
        let flows = self.hook(Hook::Postrouting, |it| it > SOURCES, flows, around, new, leaves)?;
        let Output::Is(device) = around.output else { return Ok(()) };
        leaves.extend(flows.into_iter().map(|flow| {
            let mark = flow.region.mark;
            Leaf { flow, outcome: Outcome::Left(device), mark }
        }));
        Ok(())
    }
}

/// Which address chains of a hook move. Of several chains that translate, the first that does counts.
fn which_moves(hook: Hook) -> usize {
    usize::from(!matches!(hook, Hook::Postrouting | Hook::Input))
}

/// What becomes of packets at the end of a base chain, if they do not go on.
fn outcome_of(end: End, base_chain: Place, base: Base) -> Option<Outcome> {
    let place = |chain, rule| Place { chain, rule: Some(rule), ..base_chain };
    match end {
        End::Return if !base.accepts => Some(Outcome::Dropped(base_chain)),
        End::Accept | End::Return => None,
        End::Drop(chain, rule) => Some(Outcome::Dropped(place(chain, rule))),
        End::Refuse(chain, rule, _) => Some(Outcome::Refused(place(chain, rule))),
    }
}

/// How an address is changed on the way.
pub(super) enum Change<'c> {
    By(u128),
    To(&'c Set),
    ToAny,
}

impl Connection {
    /// Changes the source of packets of a known connection.
    pub(super) fn source_moves(&self, flow: &mut Flow) {
        match self.moves(false) {
            Some(Change::By(by)) => flow.region.source = flow.region.source.moved(by),
            Some(Change::To(set)) => flow.region.source = set.clone(),
            Some(Change::ToAny) | None => {}
        }
    }

    /// How packets of a known connection have their destination or their source changed.
    pub(super) fn moves(&self, destination: bool) -> Option<Change<'_>> {
        let (direction, moved, opened_by) = match self {
            Self::Of { related: true, .. } if !destination => return None,
            Self::Of { direction, moved, opened_by, .. } => (direction, moved, opened_by),
            Self::Whichever { .. } if destination => return Some(Change::ToAny),
            _ => return None,
        };
        // What changes the source there changes the destination of what comes back.
        let which = usize::from(destination) ^ direction;
        match (moved[which]?, direction, opened_by) {
            (Moved::By(by), 0, _) => Some(Change::By(by)),
            (Moved::By(by), _, _) => Some(Change::By(by.wrapping_neg())),
            (Moved::To(_), 0, _) | (Moved::To(_), _, None) => None,
            (Moved::To(_), _, Some(who)) => Some(Change::To(who)),
        }
    }
}

pub(super) fn attached(connection: &Connection) -> Option<(u8, usize)> {
    match connection {
        Connection::New => Some((State::New as u8, 0)),
        Connection::None => None,
        Connection::Of { direction, related: true, .. } | Connection::Whichever { direction } => {
            Some((State::Related as u8, *direction))
        }
        Connection::Of { direction, .. } => Some((State::Established as u8, *direction)),
    }
}

impl Outcome {
    /// Whether they leave.
    #[must_use]
    pub fn left(self) -> bool {
        matches!(self, Self::Left(_))
    }
}
