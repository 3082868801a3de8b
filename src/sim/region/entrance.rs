//! Packets that come in by a device, on their way through a host.
//!
//! Goes in: packets, before or after their connection is looked for. Comes out: their parts, each with what becomes
//! of it. What must hold: what the kernel refuses by itself is refused here, too: impossible sources, numbers of
//! no host, devices that forward nothing.

use super::chains::{Around, Output, Unfollowed};
use super::fib::Relevant;
use super::flow::Flow;
use super::numbers::{NO_HOSTS_V6, no_hosts};
use super::pass::{CONNTRACK, Change, Connection, DESTINATIONS, Leaf, Machine, Outcome, attached};
use super::{Known, Range, Region};
use crate::read::filter::Hook;
use crate::read::routing::Way;

/// Packets that come in by a device.
#[derive(Debug)]
pub struct Entrance<'m> {
    pub(super) machine: &'m Machine,
    pub(super) device: usize,
    /// The VRF device that it is in, or itself.
    pub(super) inside: usize,
    pub(super) v4: bool,
    pub(super) ways: Relevant<'m>,
    pub(super) martians: Vec<Range>,
    pub(super) exact: bool,
}

impl Entrance<'_> {
    /// The same, but it says of all packets exactly what becomes of them: otherwise what FORWARD would drop
    /// counts as dropped there, even if it never comes so far.
    #[must_use]
    pub fn exactly(self) -> Self {
        Self { exact: true, ..self }
    }

    /// What is made of packets before their connection is looked for.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn before(&self, region: Region, leaves: &mut Vec<Leaf>) -> Result<Vec<Flow>, Unfollowed> {
        let around = Around { input: self.device, output: Output::None, connection: None };
        let flow = Flow::new(region);
        let early = |priority| priority < CONNTRACK;
        self.machine.hook(Hook::Prerouting, early, vec![flow], around, false, leaves)
    }

    /// What becomes of packets whose connection is looked for.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn after(
        &self,
        mut flow: Flow,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<(), Unfollowed> {
        let machine = self.machine;
        flow.region.connection_mark = match connection {
            Connection::Of { mark, .. } => *mark,
            Connection::Whichever { .. } => Known::ANY,
            Connection::New | Connection::None => Known::ZERO,
        };
        let new = matches!(connection, Connection::New);
        let around = Around { input: self.device, output: Output::None, connection: attached(connection) };
        let early = |priority| priority > CONNTRACK && priority <= DESTINATIONS;
        let mut flows = machine.hook(Hook::Prerouting, early, vec![flow], around, new, leaves)?;
        if let Some(destination) = connection.moves(true) {
            let to = match destination {
                Change::ToAny => {
                    flows.iter_mut().for_each(|flow| flow.anywhere = true);
                    None
                }
                Change::To(set) => Some(Ok(set)),
                Change::By(by) => Some(Err(by)),
            };
            if let Some(to) = to {
                // What hangs on the destination hangs on the one that they came in with.
                flows = flows.into_iter().flat_map(Flow::apart).collect();
                for flow in &mut flows {
                    flow.region.destination = match to {
                        Ok(set) => set.clone(),
                        Err(by) => flow.region.destination.moved(by),
                    };
                }
            }
        }
        let late = |priority| priority > DESTINATIONS;
        let mut flows = machine.hook(Hook::Prerouting, late, flows, around, new, leaves)?;
        let around = Around { input: self.inside, ..around };
        if self.inside != self.device {
            flows = machine.hook(Hook::Prerouting, |_| true, flows, around, false, leaves)?;
        }
        // Most of what is not allowed is dropped whatever the way out: nobody has to look for that.
        if !self.exact {
            let anywhere = Around { output: Output::Any, ..around };
            let mut left = Vec::new();
            for flow in flows {
                let passing = vec![flow.clone()];
                let passing = machine.hook(Hook::Forward, |_| true, passing, anywhere, false, leaves)?;
                let mut known: Vec<Region> = Vec::new();
                for passes in passing {
                    if !known.contains(&passes.region) {
                        left.extend(flow.and(&passes.region));
                        known.push(passes.region);
                    }
                }
            }
            flows = left;
        }
        for flow in flows.into_iter().flat_map(Flow::somewhere) {
            self.route(flow, around, connection, leaves)?;
        }
        Ok(())
    }

    fn route(
        &self,
        flow: Flow,
        around: Around,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<(), Unfollowed> {
        let machine = self.machine;
        let mark = flow.region.mark;
        let mut done = |flow: Flow, outcome| leaves.push(Leaf { flow, outcome, mark });
        let (for_all, single) = parted(flow, true, no_hosts(self.v4));
        if let Some(flow) = for_all {
            done(flow, Outcome::Link);
        }
        let Some(flow) = single else { return Ok(()) };
        let (martian, flow) = parted(flow, false, &self.martians);
        if let Some(flow) = martian {
            done(flow, Outcome::Martian);
        }
        let Some(flow) = flow else { return Ok(()) };
        for (region, decision) in self.ways.decide(&flow.region) {
            let flow = flow.with(region);
            let mut done = |flow: Flow, outcome| leaves.push(Leaf { flow, outcome, mark });
            let Some(decision) = decision else {
                done(flow, Outcome::NoRoute);
                continue;
            };
            let device = match &decision.route.way {
                Way::Out { device, .. } => machine.devices.number(device),
                Way::Unreachable => {
                    done(flow, Outcome::Unreachable(decision.table));
                    continue;
                }
                Way::Prohibited => {
                    done(flow, Outcome::Prohibited(decision.table));
                    continue;
                }
                Way::Blackhole => {
                    done(flow, Outcome::Blackholed(decision.table));
                    continue;
                }
                Way::Local | Way::Broadcast => {
                    let flows = machine.hook(Hook::Input, |_| true, vec![flow], around, false, leaves)?;
                    let local = flows.into_iter();
                    leaves.extend(local.map(|flow| Leaf { flow, outcome: Outcome::Local, mark }));
                    continue;
                }
                Way::Multicast => {
                    done(flow, Outcome::Link);
                    continue;
                }
            };
            let facts = machine.links[self.inside];
            if !(if self.v4 { facts.forwards_v4 } else { machine.forwards_v6 }) {
                done(flow, Outcome::NotForwarded);
                continue;
            }
            let mut flow = flow;
            if !self.v4 {
                let (martian, rest) = parted(flow, false, &NO_HOSTS_V6);
                if let Some(flow) = martian {
                    done(flow, Outcome::Martian);
                }
                let Some(rest) = rest else { continue };
                flow = rest;
            }
            let around = Around { output: Output::Is(device), ..around };
            let first = leaves.len();
            let flows = machine.hook(Hook::Forward, |_| true, vec![flow], around, false, leaves)?;
            machine.leave(flows, around, connection, leaves)?;
            leaves[first..].iter_mut().for_each(|leaf| leaf.mark = mark);
        }
        Ok(())
    }
}

fn parted(flow: Flow, destination: bool, ranges: &[Range]) -> (Option<Flow>, Option<Flow>) {
    let own = if destination { &flow.region.destination } else { &flow.region.source };
    match own.wholly(ranges) {
        Some(true) => return (Some(flow), None),
        Some(false) => return (None, Some(flow)),
        None => {}
    }
    let (and, without) = flow.region.clone().by_address(destination, ranges);
    (and.map(|region| flow.with(region)), without.map(|region| flow.with(region)))
}
