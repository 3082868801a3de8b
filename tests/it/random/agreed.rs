//! One packet through both engines, with the connections that the concrete one has made.
//!
//! Goes in: a host, a packet. Comes out: what the concrete engine makes of it, and each difference. What must
//! hold: zones are compared too, and what only the quick way leaves out may not be among what leaves.

use std::collections::BTreeMap;
use std::net::IpAddr;

use overlapc::model::Site;
use overlapc::net;
use overlapc::read::filter::State;
use overlapc::sim::conntrack::{Connections, Entry, Track};
use overlapc::sim::fate::Fate;
use overlapc::sim::host::never_forwarded;
use overlapc::sim::packet::Packet;
use overlapc::sim::phase::{Event, Passage};
use overlapc::sim::region::entrance::Entrance;
use overlapc::sim::region::flow::Moved;
use overlapc::sim::region::pass::{Connection, Leaf, Machine, Outcome};
use overlapc::sim::region::{Known, Set};
use overlapc::sim::routes::Gateway;

use crate::engines::region;

/// Both engines on one host.
pub struct Both<'h> {
    pub gateway: Gateway<'h>,
    machine: &'h Machine,
    /// Exactly and quickly, by device and family.
    entrances: BTreeMap<(String, bool), [Entrance<'h>; 2]>,
    /// The gateway's own addresses in masqueraded networks.
    masks: Vec<IpAddr>,
}

fn number(address: IpAddr) -> Set {
    Set::range(net::bits(address), net::bits(address))
}

impl<'h> Both<'h> {
    pub fn new(gateway: Gateway<'h>, machine: &'h Machine, site: &Site, masks: Vec<IpAddr>) -> Self {
        let mut entrances = BTreeMap::new();
        for network in &site.networks {
            let device = &network.interface.value;
            for v4 in [true, false] {
                let at = || machine.at(machine.devices.number(device), v4);
                entrances.insert((device.clone(), v4), [at().exactly(), at()]);
            }
        }
        Self { gateway, machine, entrances, masks }
    }

    /// How packets of an entry are moved.
    fn of(&self, entry: &Entry, reply: bool, state: State) -> Connection {
        let by = |from: IpAddr, to: IpAddr| {
            (from != to).then(|| Moved::By(net::bits(to).wrapping_sub(net::bits(from))))
        };
        let (original, reply_key) = (entry.original, entry.reply);
        let masqueraded = self.masks.contains(&reply_key.destination);
        let source = match masqueraded {
            true => Some(Moved::To(Some(net::bits(reply_key.destination)))),
            false => by(original.source, reply_key.destination),
        };
        Connection::Of {
            direction: usize::from(reply),
            related: state == State::Related,
            moved: [source, by(original.destination, reply_key.source)],
            opened_by: Some(number(original.source)),
            mark: Known::is(entry.mark),
        }
    }

    /// What becomes of a packet, and where the engines differ.
    pub fn receive(
        &self,
        known: &mut Connections,
        device: &str,
        packet: &Packet,
    ) -> Result<(Passage, Vec<String>), String> {
        let before = known.entries.clone();
        let passage = self.gateway.receive(known, device, packet.clone(), 0)?;
        let connection = match passage.track {
            Track::Known { state: State::New, .. } => Connection::New,
            Track::Known { entry, reply, state } => self.of(&before[entry], reply, state),
            _ => Connection::None,
        };
        let mut wrong = Vec::new();
        if passage.fate == Fate::Clash {
            return Ok((passage, wrong));
        }
        let [exact, quick] = &self.entrances[&(device.to_owned(), packet.is_v4())];
        let mut exactly = Vec::new();
        let mut quickly = Vec::new();
        for (entrance, leaves) in [(exact, &mut exactly), (quick, &mut quickly)] {
            let mut early = Vec::new();
            let flows = entrance.before(region(packet), &mut early).map_err(|it| format!("{it:?}"))?;
            for flow in &flows {
                for flow in flow.clone().apart() {
                    wrong.extend(zones(&passage, flow.zones));
                }
            }
            leaves.extend(early);
            for flow in flows {
                entrance.after(flow, &connection, leaves).map_err(|it| format!("{it:?}"))?;
            }
        }
        let said = |leaf: &Leaf| self.words(&passage, leaf, &connection);
        let odd = [packet.source, packet.destination].into_iter().any(never_forwarded);
        if exactly.is_empty() {
            wrong.push("nothing becomes of it at once".to_owned());
        }
        for (one, all) in exactly.iter().map(said) {
            // Where numbers are refused that no packet has between hosts does not matter.
            let refused = odd || one == "Martian" || all == "Martian";
            if one != all && (!refused || one.starts_with("left") || all.starts_with("left")) {
                wrong.push(format!("`{one}` by one, `{all}` at once, {connection:?}"));
            }
        }
        let leaving = |leaves: &[Leaf]| {
            let left = leaves.iter().filter(|leaf| leaf.outcome.left());
            let mut left: Vec<String> = left.map(|leaf| said(leaf).1).collect();
            left.sort();
            left.dedup();
            left
        };
        if leaving(&exactly) != leaving(&quickly) {
            wrong.push(format!("{:?} leaves exactly, {:?} quickly", leaving(&exactly), leaving(&quickly)));
        }
        Ok((passage, wrong))
    }

    /// What both say, in the same words. A source that is masqueraded has no value at once, and that of an error
    /// is not followed there.
    fn words(&self, passage: &Passage, leaf: &Leaf, connection: &Connection) -> (String, String) {
        let unknown = match connection {
            Connection::Of { related: true, .. } => true,
            Connection::Of { direction: 0, moved: [Some(Moved::To(_)), _], .. } => true,
            _ => matches!(leaf.flow.moved[0], Some(Moved::To(_))),
        };
        let left = |device: &str, source: u128, destination: u128| match unknown {
            true => format!("left {device} ? {destination:x}"),
            false => format!("left {device} {source:x} {destination:x}"),
        };
        let packet = &passage.packet;
        let one = match &passage.fate {
            Fate::Left { device, .. } => {
                left(device, net::bits(packet.source), net::bits(packet.destination))
            }
            Fate::Local | Fate::Link => "in".to_owned(),
            Fate::NotForwarded(_) => "not forwarded".to_owned(),
            other => format!("{other:?}"),
        };
        let all = match leaf.outcome {
            Outcome::Left(device) => {
                let region = &leaf.flow.region;
                let first = |set: &Set| set.first().unwrap();
                left(self.machine.devices.name(device), first(&region.source), first(&region.destination))
            }
            Outcome::Local | Outcome::Link => "in".to_owned(),
            Outcome::NotForwarded => "not forwarded".to_owned(),
            other => format!("{other:?}"),
        };
        (one, all)
    }
}

/// Where the packet's connection was looked for, by both.
fn zones(passage: &Passage, zones: Option<[u16; 2]>) -> Option<String> {
    let looked = passage.phases.iter().find_map(|phase| match &phase.event {
        Event::Lookup { zone, .. } => Some([zone.of(false), zone.of(true)]),
        _ => None,
    })?;
    let zones = zones.unwrap_or_default();
    (looked != zones).then(|| format!("zones {looked:?} by one, {zones:?} at once"))
}
