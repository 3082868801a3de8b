//! The interpreter on hosts that are made by hand, a fact of the kernel at a time.

mod own;
mod routing;
mod tracking;
mod translation;

use std::net::IpAddr;
use std::sync::Arc;

use super::conntrack::Connections;
use super::fate::Fate;
use super::host::Host;
use super::packet::{ACK, Content, Packet, SYN, TCP, TTL, UDP};
use super::phase::{Change, Event, Found, Passage};
use super::routes::Gateway;
use crate::read::{ip, iptables, nft};

/// A host with two devices, `a0` with 10.1.0.1/24 and fd01::1/64 and `b0` with 10.2.0.1/24 and fd02::1/64, that
/// forwards between them.
fn host() -> Host {
    let mut host = Host::new(["a0", "b0"]);
    commands(
        &mut host,
        "address add 10.1.0.1/24 dev a0\naddress add 10.2.0.1/24 dev b0\n\
         address add fd01::1/64 dev a0\naddress add fd02::1/64 dev b0",
    );
    for path in ["ipv4/conf/a0/forwarding", "ipv4/conf/b0/forwarding", "ipv6/conf/all/forwarding"] {
        host.settings.insert(path.to_owned(), 1);
    }
    host
}

/// Commands of IPv4; addresses may be of either family.
fn commands(host: &mut Host, text: &str) {
    for command in ip::commands(text, true).unwrap() {
        host.apply(&command.change).unwrap();
    }
}

/// The chains of one table of nft, each a line of its own.
fn with_nft(mut host: Host, chains: &str) -> Host {
    host.filters.push(Arc::new(nft::read(&format!("table inet t {{\n{chains}\n}}\n")).unwrap()));
    host
}

/// What iptables-restore loads.
fn with_iptables(mut host: Host, text: &str) -> Host {
    host.filters.push(Arc::new(iptables::read(text, true).unwrap()));
    host
}

/// A base chain of nft with some rules.
fn base(kind: &str, hook: &str, priority: &str, rules: &[&str]) -> String {
    let name = format!("{kind}_{hook}_{}", priority.replace(['-', ' '], "m"));
    let rules = rules.join("\n");
    format!("chain {name} {{\ntype {kind} hook {hook} priority {priority}; policy accept;\n{rules}\n}}\n")
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn packet(source: &str, destination: &str, content: Content) -> Packet {
    Packet { source: address(source), destination: address(destination), ttl: TTL, content }
}

fn tcp(source: &str, from: u16, destination: &str, to: u16) -> Packet {
    packet(source, destination, Content::Ports { protocol: TCP, source: from, destination: to, flags: SYN })
}

fn udp(source: &str, destination: &str) -> Packet {
    packet(source, destination, Content::Ports { protocol: UDP, source: 4000, destination: 53, flags: 0 })
}

fn echo(source: &str, destination: &str) -> Packet {
    let kind = if address(source).is_ipv4() { 8 } else { 128 };
    packet(source, destination, Content::Message { kind, id: 7 })
}

fn gre(source: &str, destination: &str) -> Packet {
    packet(source, destination, Content::Other { protocol: 47 })
}

/// An error of somebody else about a packet.
fn error(source: &str, destination: &str, about: &Packet) -> Packet {
    let kind = if about.is_v4() { 3 } else { 1 };
    packet(source, destination, Content::Error { kind, code: 1, about: Box::new(about.clone()) })
}

/// Sends a packet in by a device, through a table of connections that stays.
fn send(host: &Host, connections: &mut Connections, device: &str, packet: Packet) -> Passage {
    Gateway::new(host).receive(connections, device, packet, 0).unwrap()
}

/// The same, alone.
fn alone(host: &Host, device: &str, packet: Packet) -> Passage {
    send(host, &mut Connections::default(), device, packet)
}

/// What connection tracking made of a packet, at each look-up.
fn found(passage: &Passage) -> Vec<(u16, u16, Found)> {
    let events = passage.phases.iter().map(|phase| &phase.event);
    let looks = events.filter_map(|event| match event {
        Event::Lookup { zone, found } => Some((zone.of(false), zone.of(true), *found)),
        _ => None,
    });
    looks.collect()
}

fn left(passage: &Passage) -> Option<(&str, String)> {
    match &passage.fate {
        Fate::Left { device, .. } => Some((device, passage.packet.to_string())),
        _ => None,
    }
}

/// All changes that rules and bindings made.
fn changes(passage: &Passage) -> Vec<Change> {
    let events = passage.phases.iter().map(|phase| &phase.event);
    let changes = events.flat_map(|event| match event {
        Event::Chain { fired, .. } => fired.iter().flat_map(|fired| fired.changes.clone()).collect(),
        Event::Translated { changes, .. } => changes.clone(),
        _ => Vec::new(),
    });
    changes.collect()
}

/// A packet with other flags of TCP.
fn flagged(mut packet: Packet, wanted: u8) -> Packet {
    if let Content::Ports { flags, .. } = &mut packet.content {
        *flags = wanted;
    }
    packet
}

const ACKNOWLEDGED: u8 = ACK;
