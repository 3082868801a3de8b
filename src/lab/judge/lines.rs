//! The lines in which agents tell what they saw, and which ones a question gives rise to.
//!
//! Goes in: a question. Comes out: its packet, the answer to it, and errors about it, as the sniffer of
//! [`crate::lab::host`] writes them.

use std::fmt;
use std::net::IpAddr;

use crate::lab::scene::Trial;

/// A line about a packet that is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) transport: &'a str,
    pub(super) source: IpAddr,
    pub(super) source_port: u16,
    pub(super) destination: IpAddr,
    pub(super) port: u16,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transport, source, source_port, destination, port } = self;
        write!(f, "{transport} {source} {source_port} {destination} {port}")
    }
}

impl<'a> Line<'a> {
    /// A question as it leaves.
    pub(super) const fn of(trial: &'a Trial) -> Self {
        Self {
            transport: trial.transport,
            source: trial.source,
            source_port: trial.source_port,
            destination: trial.destination,
            port: trial.port,
        }
    }

    /// The answer to it. Echoes and protocol 253 have one number for both directions.
    pub(super) fn answer(&self) -> Self {
        let portless = matches!(self.transport, "icmp" | "253");
        let (source_port, port) =
            if portless { (self.source_port, 0) } else { (self.port, self.source_port) };
        Self {
            transport: if self.transport == "icmp" { "icmp-reply" } else { self.transport },
            source: self.destination,
            source_port,
            destination: self.source,
            port,
        }
    }

    /// Reads a line; none if it is an error.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [transport, source, source_port, destination, port] = words[..] else { return None };
        Some(Self {
            transport,
            source: source.parse().ok()?,
            source_port: source_port.parse().ok()?,
            destination: destination.parse().ok()?,
            port: port.parse().ok()?,
        })
    }
}

/// `error KIND ROUTER` and the packet that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told<'a> {
    pub(super) kind: &'a str,
    pub(super) by: &'a str,
    pub(super) about: &'a str,
}

impl<'a> Told<'a> {
    /// Reads a line; none if it is no error.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.strip_prefix("error ")?.splitn(3, ' ');
        Some(Self { kind: words.next()?, by: words.next()?, about: words.next()? })
    }
}
