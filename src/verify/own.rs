//! The gateway's own packets (O7).
//!
//! Goes in: the ground of a proof. Comes out: what the gateway and the hosts of a network cannot say to each other,
//! and what is translated that should not be. What must hold: hosts reach the gateway under its real addresses,
//! its answers go back where the question came from, in the zone where the connection is known.

use std::collections::BTreeSet;

use super::delivery::{Ground, of_kinds};
use super::found::{Failure, Found, Obligation, Packet, place_of};
use super::keys::{Keys, Who};
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::entrance::Entrance;
use crate::sim::region::fib::{Decision, From};
use crate::sim::region::flow::Flow;
use crate::sim::region::numbers::{errors, of_link, opens};
use crate::sim::region::pass::{Connection, Leaf, Outcome};
use crate::sim::region::{Known, Octets, Region, Set};

/// Looks at what the gateway and the hosts of a network say to each other.
pub(super) fn check(
    ground: &Ground<'_>,
    network: usize,
    v4: bool,
    keys: &mut Keys,
    found: &mut Found,
) -> Result<(), Unfollowed> {
    let side = Side { ground, network, v4 };
    let own = &ground.spec.numbers(network, v4).own;
    side.on_the_link(found)?;
    let Some(hosts) = ground.spec.hosts(network, v4) else { return Ok(()) };
    side.errors(hosts, found)?;
    side.reaches(hosts, found);
    if own.is_empty() {
        return Ok(());
    }
    let own = Set::of(own.clone());
    side.asked(hosts, &own, keys, found)?;
    side.asks(hosts, &own, keys, found)
}

struct Side<'s> {
    ground: &'s Ground<'s>,
    network: usize,
    v4: bool,
}

impl Side<'_> {
    /// Hosts ask the gateway, and it answers.
    fn asked(&self, hosts: &Set, own: &Set, keys: &mut Keys, found: &mut Found) -> Result<(), Unfollowed> {
        let Self { ground, network, v4 } = *self;
        let entrance = ground.machine.at(ground.devices[network], v4).exactly();
        let question = Region { source: hosts.clone(), destination: own.clone(), ..Region::all(v4) };
        let flows = ground.before((network, v4), question)?;
        let mut leaves = Vec::new();
        for flow in flows.into_iter().flat_map(Flow::apart) {
            let zones = flow.zones.unwrap_or_default();
            keys.add(
                (v4, zones[0], false),
                &flow.region.source,
                &flow.region.destination,
                Who::Gateway(network),
            );
            keys.add(
                (v4, zones[1], true),
                &flow.region.destination,
                &flow.region.source,
                Who::Gateway(network),
            );
            self.goes_on(&flow, &entrance, found)?;
            let Some(new) = of_kinds(&flow, opens(v4), true) else { continue };
            let first = leaves.len();
            entrance.after(new, &Connection::New, &mut leaves)?;
            for leaf in &leaves[first..] {
                found.looked(Obligation::OwnTraffic);
                if leaf.outcome != Outcome::Local || leaf.flow.moved != [None; 2] {
                    let fate = match leaf.outcome {
                        Outcome::Local => "is translated".to_owned(),
                        outcome => ground.fate(outcome),
                    };
                    self.fails(format!("is for the gateway itself, but {fate}"), Some(leaf), found);
                    return Ok(());
                }
                let mark = ground.machine.reflected(leaf.mark, v4);
                self.answers(leaf, mark, zones[1], found)?;
            }
        }
        Ok(())
    }

    /// Later packets of hosts that ask the gateway, their answers where it asks, and errors about either.
    fn goes_on(&self, flow: &Flow, entrance: &Entrance<'_>, found: &mut Found) -> Result<(), Unfollowed> {
        let Self { ground, v4, .. } = *self;
        for (direction, related) in [(0, false), (1, false), (0, true), (1, true)] {
            let kinds = if related { errors(v4) } else { Octets::ALL.without(&errors(v4)) };
            let Some(flow) = of_kinds(flow, kinds, !related) else { continue };
            let moved = [None; 2];
            let connection = Connection::Of { direction, related, moved, opened_by: None, mark: Known::ZERO };
            let mut leaves = Vec::new();
            entrance.after(flow, &connection, &mut leaves)?;
            found.looked(Obligation::OwnTraffic);
            if let Some(lost) = leaves.iter().find(|leaf| leaf.outcome != Outcome::Local) {
                let what =
                    format!("is of a connection with the gateway itself, but {}", ground.fate(lost.outcome));
                self.fails(what, Some(lost), found);
                return Ok(());
            }
        }
        Ok(())
    }

    fn answers(&self, asked: &Leaf, mark: Known, zone: u16, found: &mut Found) -> Result<(), Unfollowed> {
        let Self { ground, network, v4 } = *self;
        let device = ground.devices[network];
        let answer = Region {
            source: asked.flow.region.destination.clone(),
            destination: asked.flow.region.source.clone(),
            mark,
            ..Region::all(v4)
        };
        if !self.goes_there(&answer) {
            self.fails(
                "is answered by the gateway, but not to where it came from".to_owned(),
                Some(asked),
                found,
            );
            return Ok(());
        }
        let moved = [None; 2];
        let connection =
            Connection::Of { direction: 1, related: false, moved, opened_by: None, mark: Known::ZERO };
        for leaf in ground.machine.own(ground.machine.inside(device), answer, &connection)? {
            found.looked(Obligation::OwnTraffic);
            let known = leaf.flow.zones.unwrap_or_default()[1];
            let why = match leaf.outcome {
                Outcome::Left(_) if known == zone => continue,
                Outcome::Left(_) => format!("its answer is in zone {known}, and the question in zone {zone}"),
                outcome => format!("its answer {}", ground.fate(outcome)),
            };
            self.fails(format!("reaches the gateway, but {why}"), Some(asked), found);
            return Ok(());
        }
        Ok(())
    }

    /// What the gateway and its neighbours say to each other by the numbers that every link has is known in one
    /// zone, by whichever device it leaves: that of the link, or the VRF device that it is in.
    fn on_the_link(&self, found: &mut Found) -> Result<(), Unfollowed> {
        let Self { ground, network, v4 } = *self;
        let (machine, device) = (ground.machine, ground.devices[network]);
        let of_link = Set::of(of_link(v4).to_vec());
        let come = Region { source: of_link.clone(), destination: of_link.clone(), ..Region::all(v4) };
        let flows = ground.before((network, v4), come)?;
        let mut zones: Vec<[u16; 2]> = flows
            .iter()
            .flat_map(|flow| flow.clone().apart())
            .map(|it| it.zones.unwrap_or_default())
            .collect();
        for out in [device, machine.inside(device)] {
            let leave = Region { destination: of_link.clone(), ..Region::all(v4) };
            let leaves = machine.own(out, leave, &Connection::New)?;
            zones.extend(leaves.iter().map(|leaf| leaf.flow.zones.unwrap_or_default()));
        }
        if !ground.spec.numbers(network, v4).own.is_empty() {
            // It alone is not what a site without addresses of the gateway would be asked for.
            found.looked(Obligation::OwnTraffic);
        }
        let all: BTreeSet<u16> = zones.into_iter().flatten().collect();
        if all.len() > 1 {
            let what = format!("what the gateway and its neighbours say is not in one zone, but in {all:?}");
            self.fails(what, None, found);
        }
        if !v4 {
            let marks =
                flows.into_iter().flat_map(Flow::apart).map(|flow| machine.reflected(flow.region.mark, v4));
            for mark in marks.chain([Known::ZERO]) {
                let answer = Region { destination: of_link.clone(), mark, ..Region::all(v4) };
                if !self.goes_there(&answer) {
                    let what = "is answered by the gateway, but not to its own link".to_owned();
                    self.fails(what, None, found);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The gateway's errors about what hosts send go back to them: under their own numbers, and under those by
    /// which others know them, as a packet has its new source when nobody answers for its receiver.
    fn errors(&self, hosts: &Set, found: &mut Found) -> Result<(), Unfollowed> {
        let Self { ground, network, v4 } = *self;
        let (machine, device) = (ground.machine, ground.devices[network]);
        let sent = Region { source: hosts.clone(), ..Region::all(v4) };
        let flows = ground.before((network, v4), sent)?;
        let marks: BTreeSet<(u32, u32)> = flows
            .iter()
            .flat_map(Flow::marks)
            .map(|mark| machine.reflected(mark, v4))
            .map(|mark| (mark.bits, mark.value))
            .collect();
        let receivers = [hosts.clone(), ground.spec.aliases(network, v4)];
        let ways = machine.own_ways(From::Own(None), v4);
        for (bits, value) in marks {
            for receiver in receivers.iter().filter(|receiver| !receiver.is_empty()) {
                found.looked(Obligation::Return);
                let mark = Known { bits, value };
                let there =
                    |decision: Option<Decision<'_>>| decision.and_then(|it| it.device) == Some(device);
                if ways.decide_all(mark, receiver).is_some_and(there) {
                    continue;
                }
                let error = Region { mark, destination: receiver.clone(), ..Region::all(v4) };
                let lost = ways.decide(&error).into_iter().find(|(_, decision)| !there(*decision));
                if let Some((region, _)) = lost {
                    let lost = Packet::out_of(&region, "").destination;
                    let what =
                        format!("the gateway's own error about what {lost} sends does not go back there");
                    self.fails(what, None, found);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What the gateway sends from a socket that is bound to the network goes to its hosts.
    fn reaches(&self, hosts: &Set, found: &mut Found) {
        let Self { ground, v4, .. } = *self;
        // A number that the gateway has itself it cannot send to, where there are no VRF devices.
        if let Some(others) = hosts.without(ground.spec.taken(v4).ranges()) {
            let question = Region { destination: others, ..Region::all(v4) };
            if !self.goes_there(&question) {
                self.fails("the gateway's own packets do not go to the hosts there".to_owned(), None, found);
            }
        }
    }

    /// The gateway asks hosts, from a socket that is bound to the network, and whatever else leaves by it.
    fn asks(&self, hosts: &Set, own: &Set, keys: &mut Keys, found: &mut Found) -> Result<(), Unfollowed> {
        let Self { ground, network, v4 } = *self;
        let machine = ground.machine;
        let device = ground.devices[network];
        for out in [device, machine.inside(device)] {
            for leaf in machine.own(out, Region::all(v4), &Connection::New)? {
                found.looked(Obligation::OwnTraffic);
                let zones = leaf.flow.zones.unwrap_or_default();
                keys.add((v4, zones[0], false), own, hosts, Who::Gateway(network));
                keys.add((v4, zones[1], true), hosts, own, Who::Gateway(network));
                if leaf.flow.moved != [None; 2] || !leaf.outcome.left() {
                    let fate = match leaf.outcome {
                        Outcome::Left(_) => "are translated".to_owned(),
                        outcome => format!("do not leave: each {}", ground.fate(outcome)),
                    };
                    self.fails(format!("the gateway's own packets {fate}"), None, found);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether packets of the gateway that are bound to the network go there.
    fn goes_there(&self, region: &Region) -> bool {
        let device = self.ground.devices[self.network];
        let bound = From::Own(Some(self.ground.machine.inside(device)));
        let decided = self.ground.machine.own_ways(bound, self.v4).decided(region.clone());
        decided.iter().all(|(_, decision)| decision.and_then(|decision| decision.device) == Some(device))
    }

    fn fails(&self, what: String, leaf: Option<&Leaf>, found: &mut Found) {
        let device = self.ground.spec.device(self.network);
        found.failures.push(Failure {
            obligation: Obligation::OwnTraffic,
            networks: [Some(self.network), None],
            what,
            packet: leaf.map(|leaf| Packet::out_of(&leaf.flow.region, device)),
            place: leaf.and_then(|leaf| place_of(leaf.outcome)),
            rule: None,
            line: None,
        });
    }
}
