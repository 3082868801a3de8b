//! What is to be played: a script, packets, and what must come of them.
//!
//! Goes in: nothing, these are types. What must hold: it can be written down in one place and played in another, as a
//! machine that has VRF devices may have nothing else.

pub mod bytes;

use std::collections::BTreeSet;
use std::net::IpAddr;

use overlapc::sim::packet::{Content, Packet};
use serde::{Deserialize, Serialize};

/// A packet that arrived, or was sent: device, source, destination, protocol, and two numbers: its ports, or type and
/// identifier.
pub type Seen = (String, IpAddr, IpAddr, u8, u16, u16);

/// What to send to a script that is up.
#[derive(Default, Deserialize, Serialize)]
pub struct Play {
    /// What it is about.
    pub name: String,
    /// The gateway's interfaces.
    pub interfaces: BTreeSet<String>,
    /// Lines of ip(8) for the gateway, before the script is run and after.
    pub before: Vec<String>,
    pub after: Vec<String>,
    /// The packets, in order.
    pub sent: Vec<Sent>,
    /// So many of the first ones are shown by the proof.
    pub shown: usize,
}

/// A packet, and what the models say of it.
#[derive(Deserialize, Serialize)]
pub struct Sent {
    /// In words.
    pub told: String,
    /// By which device and with which numbers it comes in.
    pub numbers: Seen,
    pub bytes: Vec<u8>,
    /// What arrives somewhere, if anything does.
    pub arrives: Option<Seen>,
    /// What becomes of it.
    pub fate: String,
}

/// A packet as it would be seen.
pub fn seen(device: &str, packet: &Packet) -> Seen {
    let [one, other] = match packet.content {
        Content::Ports { source, destination, .. } => [source, destination],
        Content::Message { kind, id } => [kind.into(), id],
        Content::Error { .. } | Content::Other { .. } => [0, 0],
    };
    (device.to_owned(), packet.source, packet.destination, packet.protocol(), one, other)
}
