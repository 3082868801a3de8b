//! Translation: how a connection gets its other addresses, and how packets get them.
//!
//! Goes in: an entry, a packet. Comes out: both changed. What must hold: it is done as in `nf_nat_core.c` of
//! Linux 6.1, null bindings included, so that a port is changed exactly where the kernel changes it; where the
//! kernel begins at a random port, this takes the next one. Linux 6.18 takes nft's `dnat ip prefix` for a
//! translation also where it moves an address onto itself, so that errors get that address as their source.

use std::net::IpAddr;

use super::conntrack::{Binding, Connections, Tuple};
use super::packet::{self, Content, Packet};

/// Which of the two addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The source.
    Source,
    /// The destination.
    Destination,
}

/// So many ports are tried at first.
const ATTEMPTS: u32 = 128;

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }
}

/// Decides what a connection's source or destination becomes, and leaves it as it is where there is no
/// `address` (`nf_nat_setup_info`, `nf_nat_alloc_null_binding`).
pub fn set_up(connections: &mut Connections, entry: usize, side: Side, address: Option<IpAddr>) {
    let own = connections.entries[entry];
    if own.confirmed {
        return;
    }
    let Some(now) = own.reply.inverted() else { return };
    let address = address.unwrap_or(match side {
        Side::Source => now.source,
        Side::Destination => now.destination,
    });
    let wanted = unique(connections, entry, side, now, address);
    let changed = wanted != now;
    let own = &mut connections.entries[entry];
    if changed && let Some(reply) = wanted.inverted() {
        own.reply = reply;
    }
    let binding = if changed { Binding::Changed } else { Binding::Same };
    match side {
        Side::Source => own.source = binding,
        Side::Destination => own.destination = binding,
    }
}

/// `get_unique_tuple`
fn unique(connections: &Connections, entry: usize, side: Side, now: Tuple, address: IpAddr) -> Tuple {
    if side == Side::Source {
        if now.source == address {
            if !connections.is_taken(now, entry) {
                return now;
            }
        } else if let Some(known) = known_source(connections, entry, now, address)
            && !connections.is_taken(known, entry)
        {
            return known;
        }
    }
    let mut wanted = match side {
        Side::Source => Tuple { source: address, ..now },
        Side::Destination => Tuple { destination: address, ..now },
    };
    if connections.is_taken(wanted, entry) {
        other_port(connections, entry, side, &mut wanted);
    }
    wanted
}

/// What another connection of the same source was given: `find_appropriate_src`.
fn known_source(connections: &Connections, entry: usize, now: Tuple, address: IpAddr) -> Option<Tuple> {
    let zone = connections.entries[entry].zone;
    let others = connections.entries.iter().enumerate().filter(|(n, other)| {
        let key = other.original;
        *n != entry
            && other.source != Binding::Open
            && (key.protocol, key.source, key.from) == (now.protocol, now.source, now.from)
            && other.zone.of(false) == zone.of(false)
    });
    let given = others.filter_map(|(_, other)| other.reply.inverted());
    given
        .map(|given| Tuple { destination: now.destination, to: now.to, ..given })
        .find(|given| given.source == address)
}

/// `nf_nat_l4proto_unique_tuple`
fn other_port(connections: &Connections, entry: usize, side: Side, tuple: &mut Tuple) {
    let (first, size) = match tuple.protocol {
        packet::ICMP | packet::ICMP6 => (0, 1 << 16),
        packet::TCP | packet::UDP | 33 | 132 | 136 if side == Side::Source => match tuple.from {
            0..512 => (1, 511),
            512..1024 => (600, 1023 - 600 + 1),
            _ => (1024, 65_535 - 1024 + 1),
        },
        _ => return,
    };
    let start = u32::from(tuple.from).saturating_sub(first) + 1;
    for step in 0..ATTEMPTS.min(size) {
        tuple.from = u16::try_from(first + (start + step) % size).unwrap_or(tuple.from);
        if !connections.is_taken(*tuple, entry) {
            return;
        }
    }
}

/// Gives a packet the address that its connection has decided for it: `nf_nat_packet`. `side` is the one that
/// the hook changes.
pub fn translate(connections: &Connections, entry: usize, reply: bool, side: Side, packet: &mut Packet) {
    let own = connections.entries[entry];
    let concerns = if reply { side.other() } else { side };
    if binding(own.source, own.destination, concerns) != Binding::Changed {
        return;
    }
    let Some(target) = own.key(!reply).inverted() else { return };
    put(packet, side, target);
}

/// Gives an ICMP error the addresses that its packet had: `nf_nat_icmp_reply_translation`. Nothing where it is
/// not to go on, as a redirect about a connection that is translated.
#[must_use]
pub fn translate_error(
    connections: &Connections,
    entry: usize,
    reply: bool,
    side: Side,
    packet: &mut Packet,
) -> Option<()> {
    let own = connections.entries[entry];
    let v4 = packet.is_v4();
    let Content::Error { kind, about, .. } = &mut packet.content else { return Some(()) };
    let redirect = if v4 { 5 } else { 137 };
    if *kind == redirect {
        let decided = own.source == Binding::Same && own.destination == Binding::Same;
        if !decided {
            return None;
        }
    }
    let concerns = if reply { side.other() } else { side };
    if binding(own.source, own.destination, concerns) != Binding::Changed {
        return Some(());
    }
    let other = own.key(!reply);
    put(about, side.other(), other);
    if let Some(target) = other.inverted() {
        match side {
            Side::Source => packet.source = target.source,
            Side::Destination => packet.destination = target.destination,
        }
    }
    Some(())
}

fn binding(source: Binding, destination: Binding, side: Side) -> Binding {
    match side {
        Side::Source => source,
        Side::Destination => destination,
    }
}

fn put(packet: &mut Packet, side: Side, target: Tuple) {
    match side {
        Side::Source => packet.source = target.source,
        Side::Destination => packet.destination = target.destination,
    }
    match (&mut packet.content, side) {
        (Content::Ports { source, .. }, Side::Source) => *source = target.from,
        (Content::Ports { destination, .. }, Side::Destination) => *destination = target.to,
        (Content::Message { id, .. }, _) => *id = target.from,
        _ => {}
    }
}
