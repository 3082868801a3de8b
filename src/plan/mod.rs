//! What the kernel must end up with, tool-neutral and in order.
//!
//! Goes in: a [`CheckedSite`](crate::check::CheckedSite). Comes out: a [`Plan`], made by [`lower`].
//! The plan alone decides how a site is realised: tables, marks, zones, preferences, the order of
//! routes, what is split because two mappings nest. It knows nothing of text; emitters lay out what
//! it says and decide nothing but syntax.

pub mod tree;

mod lower;
mod mapping;
mod masquerade;
mod partners;
mod routing;
mod rules;
mod settings;
pub mod whois;
mod zones;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

pub use crate::check::{MarkField, MarkLayout};
pub use crate::model::{Firewall, Isolation};
use crate::net::{self, Family};
use crate::source::Span;
pub use lower::lower;
pub use masquerade::{Masquerade, Source};

/// Metric of the unreachable default route in every table: higher than any route a person adds, so
/// that those win (kernel documentation, networking/vrf.rst).
pub const UNREACHABLE_METRIC: u32 = 4_278_198_272;

/// First number of the tables for the gateway's own packets: above every id, so it cannot clash
/// with one. Routing table numbers are 32 bits wide (rtnetlink(7) `RTA_TABLE`).
pub const OWN_TABLE_BASE: u32 = 65_536;

/// A site, realised.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The site's name.
    pub site: String,
    /// The rule language of the artefacts.
    pub firewall: Firewall,
    /// How routing is kept apart.
    pub isolation: Isolation,
    /// Where the packet mark holds the destination's and the source's id.
    pub marks: MarkLayout,
    /// The routing protocol number of all rules and routes that belong to the site.
    pub protocol: u8,
    /// First and last preference of the site's rules; nothing else may be between them.
    pub preferences: (u32, u32),
    /// The networks in source order.
    pub networks: Vec<Network>,
    /// Addresses that the gateway has outside the networks, each with its interface.
    pub outside: Vec<(Address, String)>,
    /// Who may open connections to whom: places in `networks`, no pair twice, in source order.
    pub peerings: Vec<Peering>,
    /// Known addresses and whose they are; disjoint, in address order within a family.
    pub destinations: Vec<Destination>,
    /// Aliases that two networks share.
    pub shared: Vec<SharedAlias>,
    /// Every zone number that the plan can put a packet into, in order.
    pub zones: Vec<Zone>,
    /// The `ip rule` lists of IPv4 and IPv6, in order of preference.
    pub rules: Families<Vec<Rule>>,
    /// Preference of the `local` rule, where it is moved from 0.
    pub local_rule: Option<u32>,
    /// Kernel settings, in the order in which they are made.
    pub settings: Vec<Setting>,
}

impl Plan {
    /// The zone of each peering's connections, both directions, in their order; `None` where the two
    /// networks share an alias and each sender has a zone of its own. Answers of masqueraded hosts are
    /// in the zone of their network.
    pub fn pair_zones(&self) -> impl Iterator<Item = Option<u16>> {
        let sharing: BTreeSet<[usize; 2]> = self.shared.iter().map(|shared| shared.owners).collect();
        self.peerings.iter().map(move |peering| {
            let pair = [peering.from.min(peering.to), peering.from.max(peering.to)];
            let (from, to) = (&self.networks[peering.from], &self.networks[peering.to]);
            let zone = if to.masquerade.is_some() { to.id } else { from.id ^ to.id };
            (!sharing.contains(&pair)).then_some(zone)
        })
    }

    /// The prefixes by which hosts of `viewer` address those of `owner`, as they are written, disjoint.
    pub fn known_to(&self, owner: usize, _viewer: usize) -> impl Iterator<Item = (IpNet, Span)> + '_ {
        self.networks[owner].known.iter().copied()
    }

    /// Which real addresses of `owner` hosts of `viewer` know by which ones: disjoint in both columns.
    pub fn mappings_to(&self, owner: usize, _viewer: usize) -> impl Iterator<Item = &Mapping> + '_ {
        self.networks[owner].mappings.iter()
    }

    /// Whether any network is masqueraded.
    #[must_use]
    pub fn masquerades(&self) -> bool {
        self.networks.iter().any(|network| network.masquerade.is_some())
    }

    /// The networks that open connections to masqueraded ones: places in [`Plan::networks`], in order.
    pub fn masquerade_callers(&self) -> impl Iterator<Item = usize> + use<> {
        let to_masqueraded =
            self.peerings.iter().filter(|peering| self.networks[peering.to].masquerade.is_some());
        let callers: BTreeSet<usize> = to_masqueraded.map(|peering| peering.from).collect();
        callers.into_iter()
    }

    /// Whether any network has an IPv6 prefix.
    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        self.networks.iter().any(|network| network.speaks(Family::V6))
    }
}

/// A network, realised.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its id: table number, the value in the mark fields, the zone of the gateway's own traffic.
    pub id: u16,
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
    /// Its hosts that have names, in source order, each name once.
    pub hosts: Vec<Host>,
    /// All routes of its two tables, in the order in which they must be added.
    pub routes: Vec<Route>,
    /// Real prefixes from which its hosts may send: disjoint, the fewest.
    pub admitted: Vec<Admitted>,
    /// 1:1 translation, split where mappings nest: disjoint in both columns. Prefixes without an
    /// alias are mapped onto themselves, so that no other NAT rule of the host gets hold of them.
    pub mappings: Vec<Mapping>,
    /// The prefixes as others know them, as they are written, disjoint: what other networks' hosts
    /// need routes to.
    pub known: Vec<(IpNet, Span)>,
    /// How its hosts are reached if they have no routes.
    pub masquerade: Option<Masquerade>,
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

    /// Whether it has a prefix of a family.
    #[must_use]
    pub fn speaks(&self, family: Family) -> bool {
        self.mappings.iter().any(|piece| net::family(&piece.real) == family)
    }

    /// The device that a forwarded packet comes from as the forward hook sees it, and that the
    /// gateway's own packets leave by first: the VRF device if there is one.
    #[must_use]
    pub fn device(&self) -> &str {
        self.vrf.as_deref().unwrap_or(&self.interface)
    }
}

/// One of something for each address family.
#[derive(Clone, Debug, Default)]
pub struct Families<T> {
    /// IPv4
    pub v4: T,
    /// IPv6
    pub v6: T,
}

/// An address of the gateway in a network.
#[derive(Clone, Debug)]
pub struct Address {
    /// The address with the length of its on-link prefix.
    pub net: IpNet,
    /// Where it is written.
    pub span: Span,
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

/// A conntrack zone that the plan puts packets into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its number, 1 to 65535.
    pub number: u16,
    /// The first `connect` whose pair has it, or else the network whose own traffic has it.
    pub span: Span,
}

/// `from` may open connections to `to`.
#[derive(Clone, Copy, Debug)]
pub struct Peering {
    /// Place in [`Plan::networks`].
    pub from: usize,
    /// Place in [`Plan::networks`].
    pub to: usize,
    /// The `connect`.
    pub span: Span,
}

/// A known prefix and whose it is.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The prefix as others address it.
    pub alias: IpNet,
    /// Whose.
    pub owner: Owner,
    /// Where it is written.
    pub span: Span,
}

/// Whose a known prefix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A place in [`Plan::networks`].
    Network(usize),
    /// A place in [`Plan::shared`]: it depends on who asks.
    Shared(usize),
}

/// An alias by which two peered networks know each other: what it means depends on who asks, and no
/// pair zone can keep the two directions apart, so each sender has a zone of its own for the
/// original direction.
#[derive(Clone, Debug)]
pub struct SharedAlias {
    /// The two networks, in source order: places in [`Plan::networks`].
    pub owners: [usize; 2],
    /// Who means whom.
    pub cases: Vec<SharedCase>,
}

/// One reading of a shared alias.
#[derive(Clone, Copy, Debug)]
pub struct SharedCase {
    /// The sender: a place in [`Plan::networks`].
    pub from: usize,
    /// Whom it means.
    pub to: usize,
    /// The zone for the original direction of its connections; `None` where the pair zone will do.
    pub zone: Option<u16>,
}

/// An entry of `ip rule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its place in the list, ascending; several rules may share one.
    pub preference: u32,
    /// Which packets.
    pub selector: Selector,
    /// What happens to them.
    pub action: Action,
    /// The network it is about; `None` for the list's own scaffolding.
    pub network: Option<usize>,
}

/// What an `ip rule` matches; everything that is given must match.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Selector {
    /// Turns the whole selector round.
    pub not: bool,
    /// Incoming device; `lo` stands for the gateway's own packets.
    pub iif: Option<Cow<'static, str>>,
    /// Device that the sending socket is bound to.
    pub oif: Option<String>,
    /// Packet mark and mask.
    pub mark: Option<(u32, u32)>,
}

/// What an `ip rule` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Looks the packet up in a table.
    Lookup(u32),
    /// Goes on at the first rule of this higher preference.
    Goto(u32),
    /// Nothing: a place to go to.
    Nop,
}

/// A kernel setting below `/proc/sys/net`.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Path below `/proc/sys/net`, with `/`: interface names may hold dots.
    pub path: String,
    /// The value.
    pub value: Value,
    /// Why it is needed, in a few words.
    pub reason: &'static str,
    /// Whether it belongs to a device that the site makes, and goes with it.
    pub owned: bool,
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Exactly this.
    Is(u8),
    /// Reverse path filtering out of the way: 0, or 2 (loose) where `conf/all` is not 0, because the
    /// kernel takes the higher of the two.
    Loose,
}
