//! What is told about a packet's way: one phase after another.
//!
//! Goes in: nothing, these are types. What must hold: a phase names its rule or route, so that whoever shows
//! it can find the line.

use std::net::IpAddr;

use super::conntrack::{Entry, Track, Zone};
use super::fate::{Fate, Place};
use super::packet::Packet;
use crate::read::filter::{Hook, Way};
use crate::read::routing::Route;

/// A step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// The device that the packet came in by, as this step sees it: the VRF device in a VRF.
    pub input: Option<String>,
    /// The device that it leaves by.
    pub output: Option<String>,
    /// What happened.
    pub event: Event,
}

/// What happened in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A base chain was asked, and some of its rules did something.
    Chain {
        /// Where.
        hook: Hook,
        /// The base chain.
        chain: Place,
        /// Rules that did something, in order.
        fired: Vec<Fired>,
    },
    /// The connection was looked for.
    Lookup {
        /// In which zone.
        zone: Zone,
        /// What was found.
        found: Found,
    },
    /// The connection's translation was done to the packet.
    Translated {
        /// Where.
        hook: Hook,
        /// What changed.
        changes: Vec<Change>,
    },
    /// A way was looked for.
    Routed(Routed),
    /// The connection's keys count from now on.
    Confirmed(Entry),
}

/// What connection tracking made of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The first one of a connection.
    New,
    /// One more in the direction of the first, before any answer.
    Again,
    /// One more, in the direction of the first.
    Original,
    /// An answer.
    Reply,
    /// An error about a connection; whether it goes the way of the answers.
    Related(bool),
    /// Nothing that belongs to anything.
    Invalid,
    /// A kind of packet that is never tracked.
    Untracked,
}

/// A look-up of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// For which address.
    pub destination: IpAddr,
    /// By which rule (a place in the host's rules) and route; nothing where no rule led to one.
    pub by: Option<(usize, Route)>,
}

/// A rule that did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Which.
    pub place: Place,
    /// What changed.
    pub changes: Vec<Change>,
    /// Where it went from there.
    pub went: Went,
}

/// Where a rule leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// To the next rule.
    On,
    /// The base chain is over: the packet goes on.
    Accepted,
    /// Away.
    Dropped,
    /// Away, and the sender is told.
    Refused,
    /// Back to the chain that called.
    Returned,
    /// To another chain, and back.
    Jumped(usize),
    /// To another chain.
    Gone(usize),
}

/// Something about a packet that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The mark: before, after.
    Mark(u32, u32),
    /// The connection mark: before, after.
    ConnectionMark(u32, u32),
    /// The zone to look in: its number (nothing where it will be that of the mark), of which direction.
    Zone(Option<u16>, Option<Way>),
    /// The source: before, after.
    Source(IpAddr, IpAddr),
    /// The destination: before, after.
    Destination(IpAddr, IpAddr),
    /// The source port or the identifier, because another connection has the one there was: before, after.
    Port(u16, u16),
    /// The packet inside an error: before, after.
    About(Packet, Packet),
    /// A line in the log.
    Logged(String),
}

/// A packet's whole way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Step by step.
    pub phases: Vec<Phase>,
    /// What became of it.
    pub fate: Fate,
    /// The packet at the beginning of its way.
    pub began: Packet,
    /// The packet at the end of its way.
    pub packet: Packet,
    /// Its mark at the end.
    pub mark: u32,
    /// What it carries of connection tracking at the end.
    pub track: Track,
    /// The gateway's error about it, if it made one.
    pub error: Option<Box<Passage>>,
}
