//! Links, addresses, routes and rules as commands and listings have them.
//!
//! Comes out of [`super::ip`]. What must hold: a command says all that its line does; of a listing nothing
//! is left out but states that come and go.

use std::net::IpAddr;

use ipnet::IpNet;

/// A line of `ip -batch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The line, from 1.
    pub line: usize,
    /// Where in the source it comes from: what stands behind `#`.
    pub source: Option<String>,
    /// What it does.
    pub change: Change,
}

/// What a command does: ip-link(8), ip-address(8), ip-route(8), ip-rule(8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Makes a VRF device.
    AddVrf {
        /// Its name.
        name: String,
        /// The table that packets of its members are routed by.
        table: u32,
    },
    /// Puts a device up, or down.
    SetUp {
        /// Which.
        device: String,
        /// Whether up.
        up: bool,
    },
    /// Puts a device into a VRF, or takes it out.
    SetMaster {
        /// Which.
        device: String,
        /// Into which; out where there is none.
        master: Option<String>,
    },
    /// Removes a device.
    DeleteLink(String),
    /// Gives the gateway an address.
    AddAddress(Address),
    /// Takes an address away.
    DeleteAddress(Address),
    /// Adds a route.
    AddRoute(Route),
    /// Removes a route.
    DeleteRoute(Route),
    /// Adds a rule.
    AddRule(Rule),
    /// Removes a rule.
    DeleteRule(Rule),
}

/// An address of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// With the length of its link's prefix.
    pub net: IpNet,
    /// Where.
    pub device: String,
    /// Whether the kernel makes a route for the link.
    pub makes_route: bool,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it leads: `::/0` and `0.0.0.0/0` for a default route.
    pub to: IpNet,
    /// What becomes of packets.
    pub way: Way,
    /// In which table: 254 is main, 255 local (ip-route(8)).
    pub table: u32,
    /// Of routes to one prefix the lowest counts; 0 where nothing is said.
    pub metric: u32,
    /// Who made it; 3 where nothing is said (rtnetlink(7), RTPROT_BOOT).
    pub protocol: u8,
}

/// What becomes of packets by a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Out of a device, to a router or to the host itself.
    Out {
        /// Which device.
        device: String,
        /// The router.
        via: Option<IpAddr>,
        /// Whether it counts as on the link, whatever its number.
        onlink: bool,
    },
    /// Nowhere: the sender is told net-unreachable.
    Unreachable,
    /// Nowhere: the sender is told that somebody does not want it.
    Prohibited,
    /// Nowhere, without a word.
    Blackhole,
    /// To this host.
    Local,
    /// To all hosts of a link.
    Broadcast,
    /// To a group.
    Multicast,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether of IPv4.
    pub v4: bool,
    /// Lower ones come first.
    pub preference: u32,
    /// Whether for packets that are not what the rest says.
    pub not: bool,
    /// Packets that came in by this device; `lo` means the host's own.
    pub iif: Option<String>,
    /// Packets that are to leave by this device: of sockets that are bound to it, or of a VRF's.
    pub oif: Option<String>,
    /// Packets whose mark has this value in the bits of the mask.
    pub mark: Option<(u32, u32)>,
    /// Packets from here.
    pub from: Option<IpNet>,
    /// Packets to there.
    pub to: Option<IpNet>,
    /// What then.
    pub action: Action,
    /// Who made it; 0 where nothing is said.
    pub protocol: u8,
}

impl Rule {
    /// A rule for all packets of a family.
    #[must_use]
    pub fn for_all(v4: bool, preference: u32, action: Action, protocol: u8) -> Self {
        let (iif, oif, mark, from, to) = (None, None, None, None, None);
        Self { v4, preference, not: false, iif, oif, mark, from, to, action, protocol }
    }
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Looks in a table, and goes on where that has no route.
    Lookup(u32),
    /// Looks in the table of the VRF that the packet is in.
    Vrf,
    /// Goes on at a preference.
    Goto(u32),
    /// Nothing.
    Nothing,
}
