//! What can become of a packet: a closed list.
//!
//! Goes in: nothing, these are types. What must hold: every packet has exactly one fate.

use std::net::IpAddr;

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It left.
    Left {
        /// By this device.
        device: String,
        /// To this router; to the destination itself where there is none.
        via: Option<IpAddr>,
    },
    /// It is for the gateway itself, and no rule is against it.
    Local,
    /// A rule or the policy of a chain did away with it.
    Dropped(Place),
    /// A rule did away with it, and the sender is told.
    Refused(Place),
    /// A route says that there is no way, and the sender is told: of this table.
    Unreachable(u32),
    /// A route says that it is not wanted, and the sender is told: of this table.
    Prohibited(u32),
    /// A route does away with it: of this table.
    Blackholed(u32),
    /// No rule led to a route, and the sender is told.
    NoRoute,
    /// Its source cannot come from there, or no packet has such an address: it is gone.
    Martian,
    /// The device that it came in by forwards nothing: the kernel setting is off.
    NotForwarded(String),
    /// It has been through too many routers, and the sender is told (RFC 791, time to live).
    Expired,
    /// It is for a group or for all of a link, and goes no further.
    Link,
    /// Its connection would have had a key that another one has: it is gone.
    Clash,
}

/// A place in a packet filter, by its numbers there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which of the host's filters.
    pub filter: usize,
    /// Which chain.
    pub chain: usize,
    /// Which rule; the chain's policy where there is none.
    pub rule: Option<usize>,
}

impl Fate {
    /// Whether it left by some device.
    #[must_use]
    pub fn left(&self) -> bool {
        matches!(self, Self::Left { .. })
    }
}
