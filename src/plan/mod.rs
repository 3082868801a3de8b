//! What the kernel must end up with, tool-neutral and in order.
//!
//! Goes in: a [`CheckedSite`](crate::check::CheckedSite). Comes out: a [`Plan`], made by [`lower`].
//! The plan alone decides how a site is realised: tables, marks, zones, preferences, the order of
//! routes, what is split because two mappings nest. It knows nothing of text; emitters lay out what
//! it says and decide nothing but syntax.

pub mod tree;

mod contents;
mod dispatch;
mod lower;
mod mapping;
mod masquerade;
mod network;
mod partners;
mod policy;
mod reals;
mod routing;
mod rules;
mod services;
mod settings;
pub mod whois;
mod zones;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

pub use crate::check::{MarkField, MarkLayout};
pub use crate::model::{Firewall, Isolation, Mss};
use crate::net::Family;
use crate::source::Span;
pub use lower::lower;
pub use masquerade::{Masquerade, Source};
pub use network::{
    Address, Admitted, Host, Mapping, Network, NextHop, OwnAlias, OwnKind, Refusal, Route, View,
};
pub use policy::{Logged, Policy, Ports, Step, Verdict};

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
    /// What the rules of `connect` blocks say, each list once; peerings name theirs.
    pub policies: Vec<Policy>,
    /// Known addresses and whose they are; disjoint, in address order within a family.
    pub destinations: Vec<Destination>,
    /// What known addresses mean that depend on who asks.
    pub shared: Vec<SharedAlias>,
    /// Zones of pairs that their ids do not give: places in `networks`, the smaller one first.
    pub moved_zones: BTreeMap<(usize, usize), u16>,
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
    /// in the zone of the gateway's own traffic with them.
    pub fn pair_zones(&self) -> impl Iterator<Item = Option<u16>> {
        let sharing: BTreeSet<(usize, usize)> = self
            .shared
            .iter()
            .flat_map(|shared| &shared.cases)
            .filter(|case| matches!(case.zone, Some(CaseZone::Sender(_))))
            .filter_map(|case| Some((case.from, case.to?)))
            .collect();
        self.peerings.iter().map(move |peering| {
            let (from, to) = (peering.from, peering.to);
            let (a, b) = (&self.networks[from], &self.networks[to]);
            let moved = self.moved_zones.get(&(from.min(to), from.max(to))).copied();
            let zone = if b.masquerade.is_some() { b.own_zone } else { a.id ^ b.id };
            (!sharing.contains(&(from, to))).then_some(moved.unwrap_or(zone))
        })
    }

    /// Whether some two networks have a zone by their ids.
    #[must_use]
    pub fn has_pair_zone(&self, number: u16) -> bool {
        let place = self.zones.binary_search_by_key(&number, |zone| zone.number);
        place.is_ok_and(|place| self.zones[place].by_mark)
    }

    /// Whether any two networks have a zone by their ids.
    #[must_use]
    pub fn has_pair_zones(&self) -> bool {
        self.zones.iter().any(|zone| zone.by_mark)
    }

    /// The prefixes by which hosts of `viewer` address those of `owner`, as they are written, disjoint.
    pub fn known_to(&self, owner: usize, viewer: usize) -> impl Iterator<Item = (IpNet, Span)> + '_ {
        let network = &self.networks[owner];
        network.seen_by(viewer).map_or(&network.known, |view| &view.known).iter().copied()
    }

    /// Which real addresses of `owner` hosts of `viewer` know by which ones: disjoint in both columns.
    pub fn mappings_to(&self, owner: usize, viewer: usize) -> impl Iterator<Item = &Mapping> + '_ {
        let network = &self.networks[owner];
        network.seen_by(viewer).map_or(&network.mappings, |view| &view.mappings).iter()
    }

    /// Whether anything can be opened by a peering: its rules may allow nothing.
    #[must_use]
    pub fn opens(&self, peering: &Peering) -> bool {
        let rules = peering.policy.map(|policy| &self.policies[policy].rules);
        rules.is_none_or(|rules| rules.iter().any(|rule| rule.action == crate::model::Action::Allow))
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

/// One of something for each address family.
#[derive(Clone, Debug, Default)]
pub struct Families<T> {
    /// IPv4
    pub v4: T,
    /// IPv6
    pub v6: T,
}

/// A conntrack zone that the plan puts packets into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its number, 1 to 65535.
    pub number: u16,
    /// Whether the mark gives it: both ids, xor'ed. The others are set as numbers.
    pub by_mark: bool,
    /// A digest of all that connections in it depend on: while it stays, a new version of the site can
    /// keep them.
    pub content: u64,
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
    /// What may be opened: everything, or what the policy at this place in [`Plan::policies`] allows.
    pub policy: Option<usize>,
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

/// What known addresses mean that depend on who asks: an alias for certain viewers, one that is
/// several networks' for different viewers, one by which two peered networks know each other, or one
/// where some viewers' connections need a zone of their own.
#[derive(Clone, Debug)]
pub struct SharedAlias {
    /// Whose it is, in source order: places in [`Plan::networks`], at least one.
    pub owners: Vec<usize>,
    /// The how many-th it is with the same first two owners.
    pub ordinal: usize,
    /// The how many-th it is with the same first owner.
    pub number: usize,
    /// Who means whom; no sender twice.
    pub cases: Vec<SharedCase>,
    /// Whom everybody else means; nobody where there is none.
    pub otherwise: Option<usize>,
}

/// One reading of a shared alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharedCase {
    /// The sender: a place in [`Plan::networks`].
    pub from: usize,
    /// Whom it means; `None` if nobody.
    pub to: Option<usize>,
    /// The zone of its connections; `None` where the one that the mark gives will do.
    pub zone: Option<CaseZone>,
}

/// A zone that is set where the destination is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseZone {
    /// Of both directions: the pair's own.
    Pair(u16),
    /// Of the original direction alone: two networks know each other by one alias, and no zone for both
    /// directions can keep these apart (iptables-extensions(8), CT `--zone-orig`).
    Sender(u16),
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
