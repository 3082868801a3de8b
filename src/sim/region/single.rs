//! Packets that come in by a device and all go the same way.
//!
//! Goes in: a [`Flow`]. Comes out: the one leaf that it becomes. What must hold: it is the one that the parts of
//! [`super::entrance`] come to, step by step in the same order, or nothing.

use super::chains::{Around, Output};
use super::entrance::Entrance;
use super::flow::Flow;
use super::numbers::{NO_HOSTS_V6, no_hosts};
use super::pass::{CONNTRACK, Change, Connection, DESTINATIONS, Leaf, Outcome, SOURCES, attached};
use crate::read::filter::Hook;
use crate::read::routing::Way;

impl Entrance<'_> {
    /// What becomes of packets whose connection is looked for.
    pub(super) fn after_all(&self, flow: &Flow, connection: &Connection) -> Option<Leaf> {
        let ends = |flow: Flow, outcome| {
            let mark = flow.region.mark;
            Some(Leaf { flow, outcome, mark })
        };
        let mut arrived = flow.clone();
        if let Some(outcome) = self.arrive_all(&mut arrived, connection)? {
            return ends(arrived, outcome);
        }
        let leaf = self.go_on_all(arrived, connection)?;
        // What FORWARD lets out by one device it does not drop whatever the device.
        if self.exact || leaf.outcome.left() {
            return Some(leaf);
        }
        let mut passing = flow.clone();
        self.arrive_all(&mut passing, connection)?;
        let anywhere = Around { input: self.inside, output: Output::Any, connection: attached(connection) };
        match self.machine.hook_all(Hook::Forward, |_| true, &mut passing, anywhere, false)? {
            Some(outcome) => ends(passing, outcome),
            None => Some(leaf),
        }
    }

    /// The same up to where FORWARD is asked for the first time; nothing inside where they come so far.
    fn arrive_all(&self, flow: &mut Flow, connection: &Connection) -> Option<Option<Outcome>> {
        if flow.is_spread() || flow.anywhere {
            return None;
        }
        if !self.exact && flow.region.source.wholly(&self.martians)? {
            return Some(Some(Outcome::Martian));
        }
        let machine = self.machine;
        let new = matches!(connection, Connection::New);
        let around = Around { input: self.device, output: Output::None, connection: attached(connection) };
        let inside = Around { input: self.inside, ..around };
        self.begin(flow, connection);
        let early = |priority| priority > CONNTRACK && priority <= DESTINATIONS;
        let mut gone = machine.hook_all(Hook::Prerouting, early, flow, around, new)?;
        if gone.is_none() {
            match connection.moves(true) {
                Some(Change::ToAny) => return None,
                Some(Change::To(set)) => flow.region.destination = set.clone(),
                Some(Change::By(by)) => flow.region.destination = flow.region.destination.moved(by),
                None => {}
            }
            let late = |priority| priority > DESTINATIONS;
            gone = machine.hook_all(Hook::Prerouting, late, flow, around, new)?;
        }
        if gone.is_none() && self.inside != self.device {
            gone = machine.hook_all(Hook::Prerouting, |_| true, flow, inside, false)?;
        }
        Some(gone)
    }

    /// The way of packets that have arrived.
    pub(super) fn go_on_all(&self, mut flow: Flow, connection: &Connection) -> Option<Leaf> {
        if flow.is_spread() || flow.anywhere {
            return None;
        }
        let machine = self.machine;
        let mark = flow.region.mark;
        let ends = |flow: Flow, outcome| Some(Leaf { flow, outcome, mark });
        if flow.region.destination.wholly(no_hosts(self.v4))? {
            return ends(flow, Outcome::Link);
        }
        if flow.region.source.wholly(&self.martians)? {
            return ends(flow, Outcome::Martian);
        }
        let Some(decision) = self.ways.decide_all(flow.region.mark, &flow.region.destination)? else {
            return ends(flow, Outcome::NoRoute);
        };
        let device = match (decision.device, &decision.route.way) {
            (Some(device), _) => device,
            (None, Way::Unreachable) => return ends(flow, Outcome::Unreachable(decision.table)),
            (None, Way::Prohibited) => return ends(flow, Outcome::Prohibited(decision.table)),
            (None, Way::Blackhole) => return ends(flow, Outcome::Blackholed(decision.table)),
            (None, Way::Out { .. } | Way::Local | Way::Broadcast | Way::Multicast) => return None,
        };
        if !self.forwards() {
            return ends(flow, Outcome::NotForwarded);
        }
        if !self.v4 && flow.region.source.wholly(&NO_HOSTS_V6)? {
            return ends(flow, Outcome::Martian);
        }
        let new = matches!(connection, Connection::New);
        let connected = attached(connection);
        let around = Around { input: self.inside, output: Output::Is(device), connection: connected };
        let mut gone = machine.hook_all(Hook::Forward, |_| true, &mut flow, around, false)?;
        if gone.is_none() {
            gone = machine.hook_all(Hook::Postrouting, |it| it <= SOURCES, &mut flow, around, new)?;
        }
        if gone.is_none() {
            connection.source_moves(&mut flow);
            gone = machine.hook_all(Hook::Postrouting, |it| it > SOURCES, &mut flow, around, new)?;
        }
        ends(flow, gone.unwrap_or(Outcome::Left(device)))
    }
}
