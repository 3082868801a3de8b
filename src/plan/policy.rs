//! What the rules of `connect` blocks come to: look-ups, for emitters to lay out.
//!
//! Goes in: nothing, these are types; [`super::services`] makes their values. What must hold: a packet
//! that no step knows is denied.

use ipnet::IpNet;

use super::Families;
use crate::model::{Action, Log, Rule};
use crate::net::{self, Family};
use crate::source::Span;

/// Authentication Header (RFC 4302).
const AH: u8 = 51;

/// The rules of a `connect` block for one direction, as look-ups: the first [`Step`] that knows a packet
/// says what becomes of it, and what none knows is denied. Addresses are real ones: source addresses are
/// translated behind the filter, destinations before it. It holds for every packet of a connection's
/// original direction, so a changed rule holds at once for what is open already; answers pass, and so do
/// ICMP errors about known connections.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The `connect`.
    pub span: Span,
    /// Ids of the networks, from and to, of the first peering that has it: no other policy has them.
    pub first: [u16; 2],
    /// The rules as they are written.
    pub rules: Vec<Rule>,
    /// In the order in which they are tried.
    pub steps: Vec<Step>,
    /// What is written about packets, by rule.
    pub logs: Vec<Logged>,
}

/// What a policy says about packets between some hosts. Ports are looked up first, then ICMP types, then
/// whole protocols.
#[derive(Clone, Debug)]
pub struct Step {
    /// The first rule that it is made of.
    pub span: Span,
    /// Of how many rules it is made.
    pub rules: usize,
    /// Who opens: disjoint, in address order; everybody if there are none.
    pub from: Vec<IpNet>,
    /// Who answers: disjoint, in address order; everybody if there are none.
    pub to: Vec<IpNet>,
    /// Disjoint, by protocol and port.
    pub ports: Vec<(Ports, Verdict)>,
    /// Whole protocols other than ICMP and ICMPv6.
    pub protocols: Vec<(u8, Verdict)>,
    /// Types of ICMP and of ICMPv6.
    pub types: Families<Vec<(u8, Verdict)>>,
    /// All types of ICMP and ICMPv6 that have no verdict of their own.
    pub icmp: Option<Verdict>,
    /// Everything that has no verdict of its own.
    pub rest: Option<Verdict>,
}

impl Step {
    /// The senders and receivers of a family; `None` if it is about none.
    #[must_use]
    pub fn hosts(&self, family: Family) -> Option<[Vec<IpNet>; 2]> {
        let of = |nets: &[IpNet]| -> Option<Vec<IpNet>> {
            let some: Vec<IpNet> = nets.iter().filter(|net| net::family(net) == family).copied().collect();
            (nets.is_empty() || !some.is_empty()).then_some(some)
        };
        Some([of(&self.from)?, of(&self.to)?])
    }

    /// The whole protocols of a family: IPv6 counts AH among its extension headers, which nothing here
    /// takes for a packet's protocol.
    pub fn protocols_of(&self, family: Family) -> impl Iterator<Item = (u8, Verdict)> {
        let occurs = move |number: u8| family == Family::V4 || number != AH;
        self.protocols.iter().copied().filter(move |(number, _)| occurs(*number))
    }

    /// Whether it is about all hosts, of both families.
    #[must_use]
    pub fn is_about_all(&self) -> bool {
        self.from.is_empty() && self.to.is_empty()
    }
}

/// Destination ports of a protocol: first and last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports {
    /// TCP (6), UDP (17), DCCP (33), SCTP (132) or UDP-Lite (136).
    pub protocol: u8,
    /// The first port.
    pub first: u16,
    /// The last port, not below the first.
    pub last: u16,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verdict {
    /// Whether it passes.
    pub action: Action,
    /// What is written first: a place in [`Policy::logs`].
    pub log: Option<usize>,
}

/// A rule's log: of an allowed connection its first packet is written, of what is denied every one.
#[derive(Clone, Debug)]
pub struct Logged {
    /// What is written, and how often.
    pub log: Log,
    /// What the rule does.
    pub action: Action,
    /// The rule.
    pub span: Span,
}

impl Verdict {
    /// Whether the packet passes.
    #[must_use]
    pub fn allows(self) -> bool {
        self.action == Action::Allow
    }
}
