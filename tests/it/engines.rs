//! The two ways to follow packets, one by one (`sim::routes`) and all of a kind at once (`sim::region`), on the
//! same first packets through everything that is emitted: they know nothing of each other and must agree.

use std::net::IpAddr;

use overlapc::net::{self, Family};
use overlapc::sim::conntrack::{Connections, Track};
use overlapc::sim::fate::Fate;
use overlapc::sim::host::never_forwarded;
use overlapc::sim::packet::{Content, Packet, TTL};
use overlapc::sim::phase::Passage;
use overlapc::sim::region::flow::Moved;
use overlapc::sim::region::pass::{Connection, Leaf, Machine, Outcome};
use overlapc::sim::region::{Octets, Region, Set};
use overlapc::sim::routes::Gateway;

use crate::bench::repository;
use crate::dice::Dice;
use crate::expected::{folders_in, name_of};
use crate::sim::{contents, host, numbers, plan};

/// One packet as a region.
pub fn region(packet: &Packet) -> Region {
    let number = |address: IpAddr| Set::range(net::bits(address), net::bits(address));
    let mut region = Region {
        source: number(packet.source),
        destination: number(packet.destination),
        protocols: Octets::of(&[packet.protocol()]),
        ..Region::all(packet.is_v4())
    };
    match packet.content {
        Content::Ports { source, destination, .. } => {
            region.source_ports = Set::range(source.into(), source.into()).into();
            region.destination_ports = Set::range(destination.into(), destination.into()).into();
        }
        Content::Message { kind, .. } | Content::Error { kind, .. } => region.kinds = Octets::of(&[kind]),
        Content::Other { .. } => {}
    }
    region
}

/// What all at once makes of one packet.
fn at_once(machine: &Machine, device: &str, packet: &Packet, known: bool) -> Vec<Leaf> {
    let entrance = machine.at(machine.devices.number(device), packet.is_v4()).exactly();
    let mut leaves = Vec::new();
    let connection = if known { Connection::New } else { Connection::None };
    for flow in entrance.before(region(packet), &mut leaves).unwrap() {
        entrance.after(flow, &connection, &mut leaves).unwrap();
    }
    leaves
}

/// What both say, in the same words. A number that is masqueraded has no value at once.
fn words(machine: &Machine, passage: &Passage, leaf: &Leaf) -> (String, String) {
    let one = match &passage.fate {
        Fate::Left { device, .. } => {
            let packet = &passage.packet;
            let masqueraded = matches!(leaf.flow.moved[0], Some(Moved::To(_)));
            let source = if masqueraded { 0 } else { net::bits(packet.source) };
            format!("left {device} {source:x} {:x}", net::bits(packet.destination))
        }
        // What is for all of a link is for the host, too.
        Fate::Local | Fate::Link => "in".to_owned(),
        Fate::NotForwarded(_) => "not forwarded".to_owned(),
        other => format!("{other:?}"),
    };
    let all = match leaf.outcome {
        Outcome::Left(device) => {
            let region = &leaf.flow.region;
            let masqueraded = matches!(leaf.flow.moved[0], Some(Moved::To(_)));
            let source = if masqueraded { 0 } else { region.source.first().unwrap() };
            let destination = region.destination.first().unwrap();
            format!("left {} {source:x} {destination:x}", machine.devices.name(device))
        }
        Outcome::Local | Outcome::Link => "in".to_owned(),
        Outcome::NotForwarded => "not forwarded".to_owned(),
        other => format!("{other:?}"),
    };
    (one, all)
}

/// Where the two differ about a packet.
fn differences(gateway: &Gateway<'_>, machine: &Machine, device: &str, packet: &Packet) -> Vec<String> {
    let mut known = Connections::default();
    let passage = gateway.receive(&mut known, device, packet.clone(), 0).unwrap();
    let tracked = matches!(passage.track, Track::Known { .. });
    let leaves = at_once(machine, device, packet, tracked);
    if leaves.is_empty() {
        return vec![format!("{device} {packet}: nothing becomes of it at once")];
    }
    let odd = [packet.source, packet.destination].into_iter().any(never_forwarded);
    // Flags of TCP part them, too, and are not looked at there: all parts must be as the one.
    let said = leaves.iter().map(|leaf| words(machine, &passage, leaf));
    // Numbers that no packet has between hosts are refused at several places: it does not matter where, but
    // they must not pass.
    let differs = said.filter(|(one, all)| {
        let refused = odd || one == "Martian" || all == "Martian";
        one != all && (!refused || one.starts_with("left") || all.starts_with("left"))
    });
    differs.map(|(one, all)| format!("{device} {packet}: `{one}` by one, `{all}` at once")).collect()
}

#[test]
fn both_engines_say_the_same_of_first_packets() {
    let (mut wrong, mut sent) = (Vec::new(), 0);
    let mut dice = Dice(7);
    for case in folders_in(&repository().join("golden/emit")) {
        for folder in folders_in(&case) {
            let plan = plan(&case, &name_of(&folder));
            let Some(host) = host(&folder, &plan) else { continue };
            let gateway = Gateway::new(&host);
            let machine = Machine::new(&host).unwrap();
            for family in [Family::V4, Family::V6] {
                let numbers = numbers(&plan, family);
                let mut contents = contents(family == Family::V4).to_vec();
                // An answer to nothing, which is in no connection.
                contents.push(Content::Message { kind: if family == Family::V4 { 0 } else { 129 }, id: 7 });
                for _ in 0..300 {
                    let device = &dice.of(&plan.networks).interface;
                    let packet = Packet {
                        source: *dice.of(&numbers),
                        destination: *dice.of(&numbers),
                        ttl: TTL,
                        content: dice.of(&contents).clone(),
                    };
                    let place = format!("{}/{}", name_of(&case), name_of(&folder));
                    let found = differences(&gateway, &machine, device, &packet);
                    wrong.extend(found.into_iter().map(|it| format!("{place}: {it}")));
                    sent += 1;
                }
            }
        }
    }
    assert!(sent > 20_000, "{sent}");
    let shown: Vec<&String> = wrong.iter().take(40).collect();
    assert!(wrong.is_empty(), "{} of {sent}:\n{shown:#?}", wrong.len());
}
