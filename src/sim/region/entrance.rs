//! Packets that come in by a device, on their way through a host.
//!
//! Goes in: packets, before or after their connection is looked for. Comes out: their parts, each with what becomes
//! of it. What must hold: what the kernel refuses by itself is refused here, too: impossible sources, numbers of
//! no host, devices that forward nothing.

use super::chains::{Around, Output, Unfollowed};
use super::fib::{Decision, Relevant};
use super::flow::{Flow, rejoined};
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
    /// The sources that the kernel takes for impossible there: nothing that says that it comes from one goes on.
    pub martians: Vec<Range>,
    pub(super) exact: bool,
}

impl Entrance<'_> {
    /// The same, but it says of all packets exactly what becomes of them: otherwise what FORWARD would drop
    /// counts as dropped there, even if it never comes so far, and what cannot come from there as such, even if
    /// a rule drops it before.
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
        flow: Flow,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<(), Unfollowed> {
        if let Some(leaf) = self.after_all(&flow, connection) {
            leaves.push(leaf);
            return Ok(());
        }
        let arrived = self.arrive(flow, connection, leaves)?;
        self.go_on(arrived, connection, leaves)
    }

    /// What the look for their connection changes.
    pub(super) fn begin(&self, flow: &mut Flow, connection: &Connection) {
        flow.region.connection_mark = match connection {
            Connection::Of { mark, .. } => *mark,
            Connection::Whichever { .. } => Known::ANY,
            Connection::New | Connection::None => Known::ZERO,
        };
        // In which zone it was does not matter any more.
        flow.change(|_, zones| *zones = None);
    }

    /// Whether what comes in by the device is forwarded at all.
    pub(super) fn forwards(&self) -> bool {
        let facts = self.machine.links[self.inside];
        if self.v4 { facts.forwards_v4 } else { self.machine.forwards_v6 }
    }

    /// Packets whose connection is looked for, up to where their way is.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn arrive(
        &self,
        flow: Flow,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<Vec<Flow>, Unfollowed> {
        let entered = self.enter(flow, connection, leaves)?;
        self.let_in(entered, connection, leaves)
    }

    /// The same, with nothing taken for dropped yet that FORWARD would drop.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn enter(
        &self,
        flow: Flow,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<Vec<Flow>, Unfollowed> {
        let machine = self.machine;
        // Whatever rules make of them, they end where their way is looked for: nobody has to follow them so far.
        let (martian, flow) = if self.exact { (None, Some(flow)) } else { flow.cut(false, &self.martians) };
        if let Some(flow) = martian {
            let mark = flow.region.mark;
            leaves.push(Leaf { flow, outcome: Outcome::Martian, mark });
        }
        let Some(mut flow) = flow else { return Ok(Vec::new()) };
        self.begin(&mut flow, connection);
        let new = matches!(connection, Connection::New);
        let around = Around { input: self.device, output: Output::None, connection: attached(connection) };
        let early = |priority| priority > CONNTRACK && priority <= DESTINATIONS;
        let flows = machine.hook(Hook::Prerouting, early, vec![flow], around, new, leaves)?;
        let mut flows = rejoined(flows);
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
        Ok(flows)
    }

    /// Of packets that have [entered](Self::enter) those that FORWARD does not drop whatever the way out: most of what
    /// is not allowed it does, and nobody has to look for a way.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn let_in(
        &self,
        entered: Vec<Flow>,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<Vec<Flow>, Unfollowed> {
        if self.exact {
            return Ok(entered);
        }
        let connection = attached(connection);
        let anywhere = Around { input: self.inside, output: Output::Any, connection };
        let mut left = Vec::with_capacity(entered.len());
        for flow in entered {
            let mut asked = flow.clone();
            match self.machine.hook_all(Hook::Forward, |_| true, &mut asked, anywhere, false) {
                Some(None) => {
                    left.push(flow);
                    continue;
                }
                Some(Some(outcome)) => {
                    let mark = asked.region.mark;
                    leaves.push(Leaf { flow: asked, outcome, mark });
                    continue;
                }
                None => {}
            }
            let passing = vec![flow.clone()];
            let passing = self.machine.hook(Hook::Forward, |_| true, passing, anywhere, false, leaves)?;
            let mut known: Vec<Region> = Vec::new();
            for passes in passing {
                if !known.contains(&passes.region) {
                    left.extend(flow.and(&passes.region));
                    known.push(passes.region);
                }
            }
        }
        Ok(left)
    }

    /// The way of packets that have [arrived](Self::arrive), here or at the same device of a host that differs in
    /// its rules, its routes and what of its links is up alone.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn go_on(
        &self,
        arrived: Vec<Flow>,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<(), Unfollowed> {
        let around = Around { input: self.inside, output: Output::None, connection: attached(connection) };
        for flow in arrived.into_iter().flat_map(Flow::somewhere) {
            match self.go_on_all(flow.clone(), connection) {
                Some(leaf) => leaves.push(leaf),
                None => self.route(flow, around, connection, leaves)?,
            }
        }
        Ok(())
    }

    /// Whether rules let none of some packets that have [arrived](Self::arrive) leave by some devices, wherever their
    /// way leads.
    ///
    /// # Errors
    ///
    /// As [`run`].
    pub fn shuts(
        &self,
        arrived: &Flow,
        connection: &Connection,
        devices: &[usize],
    ) -> Result<bool, Unfollowed> {
        let connection = attached(connection);
        for device in devices {
            let around = Around { input: self.inside, output: Output::Is(*device), connection };
            let mut flow = arrived.clone();
            let passes = match self.machine.hook_all(Hook::Forward, |_| true, &mut flow, around, false) {
                Some(outcome) => outcome.is_none(),
                None => {
                    let (flows, mut gone) = (vec![arrived.clone()], Vec::new());
                    let hook = self.machine.hook(Hook::Forward, |_| true, flows, around, false, &mut gone);
                    !hook?.is_empty()
                }
            };
            if passes {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn route(
        &self,
        flow: Flow,
        around: Around,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<(), Unfollowed> {
        let mark = flow.region.mark;
        let mut done = |flow: Flow, outcome| leaves.push(Leaf { flow, outcome, mark });
        let (for_all, single) = flow.cut(true, no_hosts(self.v4));
        if let Some(flow) = for_all {
            done(flow, Outcome::Link);
        }
        let Some(flow) = single else { return Ok(()) };
        let (martian, flow) = flow.cut(false, &self.martians);
        if let Some(flow) = martian {
            done(flow, Outcome::Martian);
        }
        let Some(flow) = flow else { return Ok(()) };
        if let Some(decision) = self.ways.decide_all(flow.region.mark, &flow.region.destination) {
            return self.forward(flow, decision, around, connection, leaves);
        }
        for (region, decision) in self.ways.decide(&flow.region) {
            self.forward(flow.with(region), decision, around, connection, leaves)?;
        }
        Ok(())
    }

    /// Sends packets where it was decided.
    fn forward(
        &self,
        flow: Flow,
        decision: Option<Decision<'_>>,
        around: Around,
        connection: &Connection,
        leaves: &mut Vec<Leaf>,
    ) -> Result<(), Unfollowed> {
        let machine = self.machine;
        let mark = flow.region.mark;
        let mut done = |flow: Flow, outcome| leaves.push(Leaf { flow, outcome, mark });
        let Some(decision) = decision else {
            done(flow, Outcome::NoRoute);
            return Ok(());
        };
        let ends = match &decision.route.way {
            Way::Out { .. } => None,
            Way::Unreachable => Some(Outcome::Unreachable(decision.table)),
            Way::Prohibited => Some(Outcome::Prohibited(decision.table)),
            Way::Blackhole => Some(Outcome::Blackholed(decision.table)),
            Way::Multicast => Some(Outcome::Link),
            Way::Local | Way::Broadcast => {
                let flows = machine.hook(Hook::Input, |_| true, vec![flow], around, false, leaves)?;
                let local = flows.into_iter();
                leaves.extend(local.map(|flow| Leaf { flow, outcome: Outcome::Local, mark }));
                return Ok(());
            }
        };
        if let Some(outcome) = ends.or((!self.forwards()).then_some(Outcome::NotForwarded)) {
            done(flow, outcome);
            return Ok(());
        }
        let (martian, flow) = if self.v4 { (None, Some(flow)) } else { flow.cut(false, &NO_HOSTS_V6) };
        if let Some(flow) = martian {
            done(flow, Outcome::Martian);
        }
        let (Some(flow), Some(device)) = (flow, decision.device) else { return Ok(()) };
        let around = Around { output: Output::Is(device), ..around };
        let first = leaves.len();
        let flows = machine.hook(Hook::Forward, |_| true, vec![flow], around, false, leaves)?;
        machine.leave(flows, around, connection, leaves)?;
        leaves[first..].iter_mut().for_each(|leaf| leaf.mark = mark);
        Ok(())
    }
}
