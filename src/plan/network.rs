//! A network, realised: its addresses, its routes, and what others know its hosts by.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Masquerade, Mss, OWN_TABLE_BASE, mapping};
use crate::net::{self, Family};
use crate::source::Span;

/// A network, realised.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its id: table number, the value in the mark fields.
    pub id: u16,
    /// The zone of the gateway's own traffic with it, and of what masqueraded hosts answer.
    pub own_zone: u16,
    /// The zone of what comes from it for nobody: the same unless it is masqueraded.
    pub stray_zone: u16,
    /// A digest of what connections with it depend on, its partners left out.
    pub content: u64,
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// The interface its hosts are behind.
    pub interface: String,
    /// The VRF device; `None` with `isolation rules`.
    pub vrf: Option<String>,
    /// Addresses that the gateway gets here.
    pub addresses: Vec<Address>,
    /// All routes of its two tables, in the order in which they must be added.
    pub routes: Vec<Route>,
    /// Real prefixes from which its hosts may send: disjoint, the fewest.
    pub admitted: Vec<Admitted>,
    /// 1:1 translation for everybody whom no alias names, split where mappings nest: disjoint in both
    /// columns. Prefixes without an alias are mapped onto themselves, so that no other NAT rule of the
    /// host gets hold of them.
    pub mappings: Vec<Mapping>,
    /// The prefixes as everybody else knows them, as they are written, disjoint: what other networks'
    /// hosts need routes to.
    pub known: Vec<(IpNet, Span)>,
    /// What those see whom an alias names; no viewer is in two of them.
    pub views: Vec<View>,
    /// For each viewer of a view its place in `views`.
    pub view_of: BTreeMap<usize, usize>,
    /// How its hosts are reached if they have no routes.
    pub masquerade: Option<Masquerade>,
    /// What others would call the gateway here, where they could.
    pub own: Vec<OwnAlias>,
    /// What segments of TCP connections with its hosts are kept to, and where that is written.
    pub mss: Option<(Mss, Span)>,
    /// Its hosts that have names, in source order, each name once.
    pub hosts: Vec<Host>,
}

/// A network as certain viewers see it.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The viewers: places in [`Plan::networks`], in order.
    pub viewers: Vec<usize>,
    /// 1:1 translation for them, as [`Network::mappings`] is for everybody else.
    pub mappings: Vec<Mapping>,
    /// The prefixes as they know them, as [`Network::known`].
    pub known: Vec<(IpNet, Span)>,
}

impl Network {
    /// Number of the routing table for packets to this network.
    #[must_use]
    pub fn table(&self) -> u32 {
        u32::from(self.id)
    }

    /// Number of the routing table for the gateway's own packets about flows of this network: its
    /// ICMP errors, first addressed to an alias and then to the real host.
    #[must_use]
    pub fn own_table(&self) -> u32 {
        OWN_TABLE_BASE + u32::from(self.id)
    }

    /// The largest TCP segment for its hosts where `mss clamp BYTES` says how long a packet may be: that
    /// without the fixed headers (RFC 9293, 3.7.1).
    #[must_use]
    pub fn largest_segment(&self, family: Family) -> Option<u64> {
        let headers = match family {
            Family::V4 => 20 + 20,
            Family::V6 => 40 + 20,
        };
        match self.mss?.0 {
            Mss::Route => None,
            Mss::Packet(bytes) => Some(bytes.saturating_sub(headers)),
        }
    }

    /// Whether it has a prefix of a family.
    #[must_use]
    pub fn speaks(&self, family: Family) -> bool {
        self.admitted.iter().any(|admitted| net::family(&admitted.real) == family)
    }

    /// What a viewer sees whom an alias names; `None` for those who see what everybody else does.
    #[must_use]
    pub fn seen_by(&self, viewer: usize) -> Option<&View> {
        self.view_of.get(&viewer).map(|place| &self.views[*place])
    }

    /// Whether a number that its hosts, or the gateway here, really have means this network to others: as it
    /// does without an alias, or where one prefix is another's alias. What is addressed to it from inside
    /// is for the gateway.
    #[must_use]
    pub fn has_known_reals(&self) -> bool {
        let views = self.views.iter().flat_map(|view| &view.known);
        self.known.iter().chain(views).any(|(known, _)| {
            self.admitted
                .iter()
                .any(|admitted| known.contains(&admitted.real) || admitted.real.contains(known))
        })
    }

    /// What is the gateway's own here and is called by its own number: whoever knows the network by that number sends
    /// to what the network's hosts send to, too.
    pub fn own_as_itself(&self) -> impl Iterator<Item = &OwnAlias> {
        let inward = self.inward();
        let other = move |number: IpAddr| {
            let moved = inward.iter().filter(|piece| piece.real != piece.alias);
            moved.map(|piece| piece.alias).any(|alias| alias.contains(&number))
        };
        self.own.iter().filter(move |own| own.real == own.alias && !other(own.alias))
    }

    /// All prefixes by which anybody knows its hosts, as they are written.
    #[must_use]
    pub fn known_to_anybody(&self) -> BTreeSet<IpNet> {
        let views = self.views.iter().flat_map(|view| &view.known);
        self.known.iter().chain(views).map(|(known, _)| *known).collect()
    }

    /// From every number by which anybody knows its hosts to their own: the aliases are disjoint, and
    /// a host may have several.
    #[must_use]
    pub fn inward(&self) -> Cow<'_, [Mapping]> {
        if self.views.is_empty() {
            return Cow::Borrowed(&self.mappings);
        }
        let views = self.views.iter().flat_map(|view| &view.mappings);
        Cow::Owned(mapping::inward(self.mappings.iter().chain(views).cloned()))
    }

    /// The device that a forwarded packet comes from as the forward hook sees it, and that the
    /// gateway's own packets leave by first: the VRF device if there is one.
    #[must_use]
    pub fn device(&self) -> &str {
        self.vrf.as_deref().unwrap_or(&self.interface)
    }
}

/// A host that has a name.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name, unique in its network.
    pub name: String,
    /// Its real address.
    pub address: IpAddr,
    /// Where it is declared.
    pub span: Span,
}

/// An address of the gateway in a network.
#[derive(Clone, Debug)]
pub struct Address {
    /// The address with the length of its on-link prefix.
    pub net: IpNet,
    /// Where it is written.
    pub span: Span,
}

/// A route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The table.
    pub table: u32,
    /// What it leads to.
    pub prefix: IpNet,
    /// How.
    pub next: NextHop,
    /// Where it comes from.
    pub span: Span,
}

/// What a route does with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// Answers with ICMP unreachable: the end of every table.
    Unreachable,
    /// The hosts are on the network's link.
    Link,
    /// Through a router on the network's link.
    Router(IpAddr),
}

/// A source prefix that is believed.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The prefix.
    pub real: IpNet,
    /// Where it is written.
    pub span: Span,
}

/// A piece of a 1:1 mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The hosts' own numbers.
    pub real: IpNet,
    /// What the others call them; the same length.
    pub alias: IpNet,
    /// Where it is written.
    pub span: Span,
}

/// An address of the gateway, or what stands for all stations or all routers of a subnet that it is in, as other
/// networks would call it. Without VRF devices a packet to the broadcast address would go to all stations of
/// the link; with them to the gateway itself, whose answer would go to a host of that network. The gateway answers in each network on
/// its own addresses there alone, so nobody is behind this alias: a packet for it is not translated,
/// and told that there is no way.
#[derive(Clone, Debug)]
pub struct OwnAlias {
    /// The gateway's address.
    pub real: IpAddr,
    /// What it would be called; the same where the prefix has no alias.
    pub alias: IpAddr,
    /// What it is.
    pub kind: OwnKind,
    /// What becomes of a packet.
    pub refusal: Refusal,
    /// Where the address is written.
    pub span: Span,
}

impl OwnAlias {
    /// What it is, in a few words.
    #[must_use]
    pub const fn words(&self) -> &'static str {
        match self.kind {
            OwnKind::Address => "the gateway's own",
            OwnKind::Broadcast => "broadcast",
            OwnKind::Anycast => "routers' anycast",
        }
    }
}

/// What an [`OwnAlias`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnKind {
    /// An address of the gateway.
    Address,
    /// All stations of a subnet.
    Broadcast,
    /// All routers of a subnet.
    Anycast,
}

/// How a packet for an [`OwnAlias`] is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its destination is cleared: it stays in the VRF of its sender, where nobody has the address. In
    /// that of its destination the gateway itself would.
    Cleared,
    /// It keeps its destination, whose table has no way to it. Without, the `local` table would be asked,
    /// which without VRF devices has the gateway's addresses in all networks.
    Unrouted,
}
