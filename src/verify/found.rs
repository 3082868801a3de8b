//! What a proof found: what does not hold, and how much was looked at.
//!
//! Goes in: regions that should not be as they are. Comes out: failures, each with one packet out of its region.
//! What must hold: a failure names who is concerned, what happens instead, and the rule that did it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::sim::fate::Place;
use crate::sim::region::pass::Outcome;
use crate::sim::region::{Ports, Region, Set};

/// What a compiled site must do: the obligations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obligation {
    /// What is allowed arrives, with the right addresses.
    Delivery,
    /// Answers and errors about it come back.
    Return,
    /// No connection can be taken for another one.
    NoConfusion,
    /// Nothing else passes.
    Isolation,
    /// Nothing passes while the site is being put up or taken down, or after somebody flushed its rules.
    FailClosed,
    /// Nothing is touched that is not the site's own.
    GoodNeighbour,
    /// The gateway's own packets are left alone.
    OwnTraffic,
}

impl Obligation {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Delivery,
        Self::Return,
        Self::NoConfusion,
        Self::Isolation,
        Self::FailClosed,
        Self::GoodNeighbour,
        Self::OwnTraffic,
    ];

    /// Its name, for tables and scripts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Return => "return",
            Self::NoConfusion => "no-confusion",
            Self::Isolation => "isolation",
            Self::FailClosed => "fail-closed",
            Self::GoodNeighbour => "good-neighbour",
            Self::OwnTraffic => "own-traffic",
        }
    }

    /// What it says.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Delivery => "what is allowed arrives, with the right addresses",
            Self::Return => "answers and errors come back",
            Self::NoConfusion => "no connection can be taken for another",
            Self::Isolation => "nothing else passes",
            Self::FailClosed => "nothing passes half-way or after a flush",
            Self::GoodNeighbour => "nothing of others is touched",
            Self::OwnTraffic => "the gateway's own packets are left alone",
        }
    }
}

/// Something that does not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What it is against.
    pub obligation: Obligation,
    /// Who sends and who should or does receive: places in the site's networks.
    pub networks: [Option<usize>; 2],
    /// What happens, in a sentence.
    pub what: String,
    /// A packet to which it happens.
    pub packet: Option<Packet>,
    /// The rule that decides.
    pub place: Option<Place>,
    /// Where that is written.
    pub rule: Option<Written>,
    /// The line of the script that is to blame, where it is about the script.
    pub line: Option<usize>,
}

/// A rule as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Its comment.
    pub comment: Option<String>,
}

/// A packet as an example of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The device that it comes in by.
    pub device: String,
    /// From.
    pub source: IpAddr,
    /// To.
    pub destination: IpAddr,
    /// Above IP.
    pub protocol: u8,
    /// From which port to which, or the type of the message and 0.
    pub ports: [u16; 2],
}

/// What was found so far.
#[derive(Debug, Default)]
pub struct Found {
    /// What does not hold, in the order in which it was found.
    pub failures: Vec<Failure>,
    /// How many regions were looked at for each obligation.
    pub regions: [u64; 7],
    /// What can happen and was said when the site was checked: flows that share a key, as their networks
    /// share an alias.
    pub notes: Vec<String>,
}

impl Found {
    pub(super) fn looked(&mut self, obligation: Obligation) {
        self.regions[obligation as usize] += 1;
    }

    pub(super) fn more(&mut self, other: Self) {
        self.failures.extend(other.failures);
        for (own, more) in self.regions.iter_mut().zip(other.regions) {
            *own += more;
        }
    }
}

impl Packet {
    /// A packet out of a region, which comes in by a device.
    #[must_use]
    pub fn out_of(region: &Region, device: &str) -> Self {
        let icmp = region.icmp();
        let usual = [6, 17, icmp].into_iter().find(|it| region.protocols.contains(*it));
        let protocol = usual.or_else(|| region.protocols.first()).unwrap_or(0);
        let port = |ports: &Ports, usual: u128| {
            let mut ranges = ports.ranges().iter();
            let has = ranges.clone().any(|range| range.0 <= usual && usual <= range.1);
            let port = if has { Some(usual) } else { ranges.next().map(|range| range.0) };
            port.and_then(|port| u16::try_from(port).ok()).unwrap_or(0)
        };
        let ports = if protocol == icmp {
            let echo = if region.v4 { 8 } else { 128 };
            let kind = if region.kinds.contains(echo) { Some(echo) } else { region.kinds.first() };
            [kind.unwrap_or(0).into(), 0]
        } else {
            [port(&region.source_ports, 40000), port(&region.destination_ports, 80)]
        };
        let device = device.to_owned();
        let [source, destination] = [&region.source, &region.destination].map(|set| host(set, region.v4));
        Self { device, source, destination, protocol, ports }
    }
}

/// One address of a set: the tenth, if there are so many, for the first ones are often special.
fn host(set: &Set, v4: bool) -> IpAddr {
    let range = set.ranges().iter().find(|range| range.1 - range.0 >= 10);
    let number = range.map(|range| range.0 + 10 - range.0 % 2).or_else(|| set.first()).unwrap_or(0);
    address(number, v4)
}

/// A number as an address.
pub(super) fn address(number: u128, v4: bool) -> IpAddr {
    if v4 {
        IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)))
    } else {
        IpAddr::V6(Ipv6Addr::from(number))
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = self.ports;
        let end = |address: IpAddr, port: u16| match address {
            IpAddr::V4(address) => format!("{address}:{port}"),
            IpAddr::V6(address) => format!("[{address}]:{port}"),
        };
        match self.protocol {
            number @ (6 | 17 | 33 | 132 | 136) => {
                let name = match number {
                    6 => "tcp".to_owned(),
                    17 => "udp".to_owned(),
                    number => number.to_string(),
                };
                write!(f, "{} -> {} {name}", end(self.source, from), end(self.destination, to))
            }
            1 | 58 if from == 8 || from == 128 => write!(f, "{} -> {} icmp", self.source, self.destination),
            1 | 58 => write!(f, "{} -> {} icmp type {from}", self.source, self.destination),
            number => write!(f, "{} -> {} {number}", self.source, self.destination),
        }
    }
}

/// The rule that decided, if one did.
pub(super) fn place_of(outcome: Outcome) -> Option<Place> {
    match outcome {
        Outcome::Dropped(place) | Outcome::Refused(place) => Some(place),
        _ => None,
    }
}

/// What happens, as the end of a sentence about packets.
pub(super) fn fate_of(outcome: Outcome, device: impl Fn(usize) -> String) -> String {
    match outcome {
        Outcome::Left(number) => format!("leaves by {}", device(number)),
        Outcome::Local => "is taken by the gateway itself".to_owned(),
        Outcome::Dropped(_) => "is dropped".to_owned(),
        Outcome::Refused(_) => "is refused".to_owned(),
        Outcome::Unreachable(table) => format!("is unreachable by table {table}"),
        Outcome::Prohibited(table) => format!("is prohibited by table {table}"),
        Outcome::Blackholed(table) => format!("is gone by table {table}"),
        Outcome::NoRoute => "finds no route".to_owned(),
        Outcome::Martian => "is taken for impossible there".to_owned(),
        Outcome::NotForwarded => "is not forwarded, as the kernel setting is off".to_owned(),
        Outcome::Link => "is for a group or all of a link".to_owned(),
    }
}
