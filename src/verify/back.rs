//! What belongs to a connection: later packets, answers, and errors about it (O2).
//!
//! Goes in: a connection as it came into being. Comes out: what does not come back to who opened it. What must
//! hold: all of it comes back, in the zone where the connection is known, by the device that it came in by.

use super::delivery::{Ground, Opened, of_kinds, original};
use super::found::{Failure, Found, Obligation, Packet, place_of};
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::fib::{Decision, Relevant};
use crate::sim::region::flow::{Flow, Moved};
use crate::sim::region::pass::{Connection, Leaf, Outcome};
use crate::sim::region::{Octets, Region, Set};

/// Follows what belongs to a connection.
pub(super) fn check(
    ground: &Ground<'_>,
    own: [&Relevant<'_>; 2],
    opened: &Opened<'_>,
    found: &mut Found,
) -> Result<(), Unfollowed> {
    let came = &opened.first.region;
    let v4 = came.v4;
    let moved = opened.leaf.flow.moved;
    let masqueraded = matches!(moved[0], Some(Moved::To(_)));
    let connection = |direction: usize, related: bool| Connection::Of {
        direction,
        related,
        moved,
        // Of others it is known by how far they are moved.
        opened_by: masqueraded.then(|| came.source.clone()),
        mark: opened.leaf.flow.region.connection_mark,
    };
    let zones = opened.first.zones.unwrap_or_default();
    let mut walk = Walk { ground, opened, zones, leaves: Vec::new() };
    // Its later packets, which no table translates any more.
    let entrance = ground.entrance(opened.from, v4);
    entrance.after(opened.first.clone(), &connection(0, false), &mut walk.leaves)?;
    walk.all_leave(opened.to, "a later packet", found, |leaf| {
        leaf.region.destination == opened.leaf.flow.region.destination
            && leaf.region.source == opened.leaf.flow.region.source
    });

    // Its answers.
    let source = &opened.leaf.flow.region;
    let known_as = match moved[0] {
        Some(Moved::To(Some(own))) => Set::range(own, own),
        _ => source.source.clone(),
    };
    let answer = Region {
        source: source.destination.clone(),
        destination: known_as.clone(),
        kinds: answers(v4),
        protocols: came.protocols,
        source_ports: came.destination_ports.clone(),
        destination_ports: came.source_ports.clone(),
        ..Region::all(v4)
    };
    walk.comes_back(answer, (opened.to, opened.from), &connection(1, false), "an answer", found, |leaf| {
        leaf.region.source == came.destination && leaf.region.destination == came.source
    })?;

    // Errors about it from hosts and routers there, whatever number those have.
    let of_errors = |destination: &Set| {
        let icmp = Octets::of(&[came.icmp()]);
        let all = Region::all(v4);
        Region { destination: destination.clone(), protocols: icmp, kinds: promised(v4), ..all }
    };
    let back = connection(1, true);
    walk.comes_back(of_errors(&known_as), (opened.to, opened.from), &back, "an error", found, |_| true)?;
    // And about its answers, from those on this side.
    if !masqueraded {
        let there = connection(0, true);
        let error = of_errors(&came.destination);
        walk.comes_back(error, (opened.from, opened.to), &there, "an error about an answer", found, |_| {
            true
        })?;
    }

    // The gateway's own errors: about a packet on its way, and about one whose receiver is dead.
    let mark = ground.machine.reflected(opened.leaf.mark, v4);
    for receiver in [came.source.clone(), known_as] {
        found.looked(Obligation::Return);
        let ways = own[usize::from(!v4)];
        let there = |decision: Option<Decision<'_>>| {
            decision.and_then(|it| it.device) == Some(ground.devices[opened.from])
        };
        if ways.decide_all(mark, &receiver).is_some_and(there) {
            continue;
        }
        let error = Region { mark, destination: receiver, ..Region::all(v4) };
        for (region, decision) in ways.decide(&error) {
            if !there(decision) {
                let packet = Packet::out_of(came, ground.spec.device(opened.from));
                let lost = Packet::out_of(&region, "").destination;
                walk.fails(
                    format!(
                        "the gateway's own error about it, to {lost}, does not go back where it came from"
                    ),
                    Some(packet),
                    None,
                    found,
                );
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The messages that answer those that open: RFC 792, RFC 4443, RFC 4620.
fn answers(v4: bool) -> Octets {
    if v4 { Octets::of(&[0, 14, 16, 18]) } else { Octets::of(&[129, 140]) }
}

/// The errors that must come back: not those that routers no longer send (RFC 6633), and not redirects, which
/// are for the own link.
pub(super) fn promised(v4: bool) -> Octets {
    if v4 { Octets::of(&[3, 11, 12]) } else { Octets::of(&[1, 2, 3, 4]) }
}

struct Walk<'w> {
    ground: &'w Ground<'w>,
    opened: &'w Opened<'w>,
    zones: [u16; 2],
    /// What has become of the packets that are followed.
    leaves: Vec<Leaf>,
}

impl Walk<'_> {
    /// Packets of a known connection that come in from one network and must leave into another.
    fn comes_back(
        &mut self,
        region: Region,
        (from, to): (usize, usize),
        connection: &Connection,
        what: &str,
        found: &mut Found,
        right: impl Fn(&Flow) -> bool,
    ) -> Result<(), Unfollowed> {
        let v4 = region.v4;
        let entrance = self.ground.entrance(from, v4);
        let (direction, related) = match connection {
            Connection::Of { direction, related, .. } => (*direction, *related),
            _ => return Ok(()),
        };
        self.leaves.clear();
        let raw = if related { self.ground.errors(from, v4)? } else { self.ground.raw(from, v4)? };
        let (known, looked) = match raw.of(&region, &mut self.leaves) {
            Some(flows) => (Some(flows), Vec::new()),
            None => {
                let flows = entrance.before(region.clone(), &mut self.leaves)?.into_iter();
                let right =
                    |flow: Flow| if related { of_kinds(&flow, promised(v4), false) } else { Some(flow) };
                (None, flows.filter_map(right).collect())
            }
        };
        for flow in known.into_iter().flatten().chain(looked).flat_map(Flow::apart) {
            let zones = flow.zones.unwrap_or_default();
            if zones[direction] != self.zones[direction] {
                let packet = Packet::out_of(&flow.region, self.ground.spec.device(from));
                let text = format!(
                    "{what} comes in zone {}, and the connection is known in zone {}",
                    zones[direction], self.zones[direction]
                );
                self.fails(text, Some(packet), None, found);
                return Ok(());
            }
            entrance.after(flow, connection, &mut self.leaves)?;
        }
        if related {
            self.leaves.retain(|leaf| leaf.outcome != Outcome::Martian);
        }
        self.all_leave(to, what, found, right);
        Ok(())
    }

    fn all_leave(&self, to: usize, what: &str, found: &mut Found, right: impl Fn(&Flow) -> bool) {
        for leaf in &self.leaves {
            found.looked(Obligation::Return);
            let left = leaf.outcome == Outcome::Left(self.ground.devices[to]);
            if left && (self.leaves.len() > 1 || right(&leaf.flow)) {
                continue;
            }
            let text = match left {
                true => format!("{what} does not have the addresses that it should"),
                false => format!("{what} {}", self.ground.fate(leaf.outcome)),
            };
            let packet =
                Packet::out_of(&original(self.opened.leaf), self.ground.spec.device(self.opened.from));
            self.fails(text, Some(packet), place_of(leaf.outcome), found);
            return;
        }
    }

    fn fails(
        &self,
        what: String,
        packet: Option<Packet>,
        place: Option<crate::sim::fate::Place>,
        found: &mut Found,
    ) {
        found.failures.push(Failure {
            obligation: Obligation::Return,
            networks: [Some(self.opened.from), Some(self.opened.to)],
            what: format!("is delivered, but {what}"),
            packet,
            place,
            rule: None,
            line: None,
        });
    }
}
