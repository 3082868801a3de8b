//! Connections as the kernel keeps them: a key for each direction, each in the zone of its direction.
//!
//! Goes in: tuples of packets. Comes out: entries. What must hold: no two confirmed entries have one key
//! (`__nf_conntrack_confirm`), and a key is found only in its own zone (`nf_ct_key_equal`).

use std::fmt;
use std::net::IpAddr;

use super::packet::{self, Content, Packet};
use crate::read::filter::{State, Way};

/// What tells connections apart, in one direction: `struct nf_conntrack_tuple`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// Who sends.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// The protocol above IP.
    pub protocol: u8,
    /// The source port, or the identifier of ICMP.
    pub from: u16,
    /// The destination port, or the type of ICMP.
    pub to: u16,
}

/// A zone, for one direction alone or for both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Its number.
    pub number: u16,
    /// The direction that it is for; both where nothing is said. The other one is in zone 0.
    pub direction: Option<Way>,
}

/// What the packet's rules have said of its zone before the look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its number; nothing where it is the packet's mark at the look-up (`NF_CT_FLAG_MARK`).
    pub number: Option<u16>,
    /// As in [`Zone`].
    pub direction: Option<Way>,
}

/// What a packet carries of connection tracking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// Nothing, which is also how an invalid packet goes on.
    Nothing,
    /// The zone to be looked in.
    Template(Template),
    /// It is not to be tracked.
    Untracked,
    /// A connection.
    Known {
        /// Its place in [`Connections::entries`].
        entry: usize,
        /// What the packet is to it.
        state: State,
        /// Whether in the direction of the answers.
        reply: bool,
    },
}

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key of packets in the direction of the first one.
    pub original: Tuple,
    /// The key of answers.
    pub reply: Tuple,
    /// Where the keys are.
    pub zone: Zone,
    /// The connection mark.
    pub mark: u32,
    /// Whether an answer was seen.
    pub answered: bool,
    /// Whether its first packet left, or was delivered.
    pub confirmed: bool,
    /// What was done about the source.
    pub source: Binding,
    /// What was done about the destination.
    pub destination: Binding,
}

/// How far a connection's translation is, of its source or of its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Not decided yet.
    Open,
    /// Stays as it is.
    Same,
    /// Is translated.
    Changed,
}

/// All connections of a host.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// In the order in which they came.
    pub entries: Vec<Entry>,
}

impl Tuple {
    /// That of a packet; of ICMP errors there is none.
    #[must_use]
    pub fn of(packet: &Packet) -> Option<Self> {
        let (from, to) = match packet.content {
            Content::Ports { source, destination, .. } => (source, destination),
            Content::Message { kind, id } => (id, kind.into()),
            Content::Other { .. } => (0, 0),
            Content::Error { .. } => return None,
        };
        let protocol = packet.protocol();
        Some(Self { source: packet.source, destination: packet.destination, protocol, from, to })
    }

    /// That of the answers; none for messages of ICMP that have no answer (`nf_ct_invert_tuple`).
    #[must_use]
    pub fn inverted(self) -> Option<Self> {
        let (from, to) = match self.protocol {
            packet::ICMP | packet::ICMP6 => (self.from, answering(self.protocol, self.to)?),
            _ => (self.to, self.from),
        };
        Some(Self { source: self.destination, destination: self.source, from, to, ..self })
    }
}

/// The type of ICMP that answers one, or that it answers: `invmap` of the kernel.
fn answering(protocol: u8, kind: u16) -> Option<u16> {
    let pairs: &[(u16, u16)] = if protocol == packet::ICMP {
        &[(8, 0), (13, 14), (15, 16), (17, 18)]
    } else {
        &[(128, 129), (139, 140)]
    };
    pairs.iter().find_map(|&(asks, answers)| match kind {
        _ if kind == asks => Some(answers),
        _ if kind == answers => Some(asks),
        _ => None,
    })
}

impl Zone {
    /// The zone of one direction: `nf_ct_zone_id`.
    #[must_use]
    pub fn of(self, reply: bool) -> u16 {
        let way = if reply { Way::Reply } else { Way::Original };
        if self.direction.is_none_or(|direction| direction == way) { self.number } else { 0 }
    }
}

impl Entry {
    /// The key of a direction.
    #[must_use]
    pub fn key(&self, reply: bool) -> Tuple {
        if reply { self.reply } else { self.original }
    }
}

impl Connections {
    /// The connection that has a key, and whether it is that of its answers: `nf_conntrack_find_get`.
    #[must_use]
    pub fn find(&self, key: Tuple, zone: Zone) -> Option<(usize, bool)> {
        // The bucket of the original direction is searched first.
        let in_bucket = |bucket: bool| self.keyed(key, zone, bucket, None).next();
        in_bucket(false).or_else(|| in_bucket(true))
    }

    /// The confirmed entries that have a key, other than `but`, in the bucket where the zone of one of the two
    /// directions puts it.
    fn keyed(
        &self,
        key: Tuple,
        zone: Zone,
        bucket: bool,
        but: Option<usize>,
    ) -> impl Iterator<Item = (usize, bool)> + '_ {
        let confirmed =
            self.entries.iter().enumerate().filter(move |(n, it)| it.confirmed && Some(*n) != but);
        let both = confirmed.flat_map(|(n, entry)| [(n, entry, false), (n, entry, true)]);
        both.filter(move |(_, entry, reply)| {
            let own = entry.zone.of(*reply);
            entry.key(*reply) == key && own == zone.of(*reply) && own == zone.of(bucket)
        })
        .map(|(n, _, reply)| (n, reply))
    }

    /// Whether answers to a tuple could not be told from those of another connection: `nf_nat_used_tuple`.
    #[must_use]
    pub fn is_taken(&self, tuple: Tuple, of: usize) -> bool {
        let (Some(reply), Some(own)) = (tuple.inverted(), self.entries.get(of)) else { return false };
        let same_flow =
            |other: &Entry| other.original == own.original && other.zone.of(false) == own.zone.of(false);
        self.keyed(reply, own.zone, true, Some(of)).any(|(n, _)| !same_flow(&self.entries[n]))
    }

    /// Makes both keys of an entry count, unless another one has one of them: `__nf_conntrack_confirm`.
    pub fn confirm(&mut self, entry: usize) -> bool {
        let own = self.entries[entry];
        let clash = [false, true]
            .into_iter()
            .any(|reply| self.keyed(own.key(reply), own.zone, reply, Some(entry)).next().is_some());
        self.entries[entry].confirmed = !clash;
        !clash
    }

    /// Forgets what was never confirmed.
    pub(super) fn settle(&mut self) {
        self.entries.retain(|entry| entry.confirmed);
    }
}

impl fmt::Display for Tuple {
    /// `192.168.2.10:4000 -> 192.168.23.10:80 tcp`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, destination, from, to) = (self.source, self.destination, self.from, self.to);
        let name = packet::protocol_name(self.protocol);
        let (left, right) = if source.is_ipv4() { ("", "") } else { ("[", "]") };
        match self.protocol {
            packet::ICMP | packet::ICMP6 => {
                write!(f, "{source} -> {destination} {name} type {to}, id {from}")
            }
            _ if (from, to) == (0, 0) => write!(f, "{source} -> {destination} {name}"),
            _ => write!(f, "{left}{source}{right}:{from} -> {left}{destination}{right}:{to} {name}"),
        }
    }
}
