//! The site after names are resolved and values computed: entities by id, prefixes as numbers.
//!
//! Holds: every id points to a network, every expression is a value, lists are in source order (a
//! `for` unrolled in place). Does not hold yet: anything about addresses, ids or limits; the
//! contents may still contradict each other until [`crate::check`] has seen them.

mod views;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::net::{self, Family};
use crate::source::{Origins, Span, Spanned};
pub use views::{KnownBy, View};

/// A network of a [`Site`]: its place in [`Site::networks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkId(pub usize);

/// One gateway and the networks attached to it.
#[derive(Clone, Debug)]
pub struct Site {
    /// `site NAME`, or `site` where nothing is said.
    pub name: String,
    /// The host that joins the networks.
    pub gateway: Gateway,
    /// All networks, in source order.
    pub networks: Vec<Network>,
    /// All peerings, one a direction, in source order, no pair twice.
    pub peerings: Vec<Peering>,
    /// The lists of rules that peerings have, each list once: peerings whose rules are the same, out
    /// of the same block and about the same addresses, share one.
    pub rule_lists: Vec<RuleList>,
    /// Whether no network and nothing of the gateway was left out for an error: otherwise a number that nothing here
    /// has may still be taken.
    pub is_whole: bool,
    /// Where values were given that are used by their name, for findings about them; [`crate::check`] takes
    /// them.
    pub origins: Origins,
}

impl Site {
    /// The network of an id of this site.
    #[must_use]
    pub fn network(&self, id: NetworkId) -> &Network {
        &self.networks[id.0]
    }

    /// All networks with their ids.
    pub fn ids(&self) -> impl Iterator<Item = (NetworkId, &Network)> {
        self.networks.iter().enumerate().map(|(n, network)| (NetworkId(n), network))
    }
}

/// What is said of the gateway; `None` where nothing is.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    /// The host's name.
    pub name: Option<Spanned<String>>,
    /// The rule language of the emitted artefacts.
    pub firewall: Option<Spanned<Firewall>>,
    /// How routing is kept apart.
    pub isolation: Option<Spanned<Isolation>>,
    /// The packet mark bits the site may use.
    pub marks: Option<Spanned<u64>>,
    /// First and last preference for `ip rule`, both included.
    pub preferences: Option<Spanned<(u64, u64)>>,
    /// The routing protocol number that marks rules and routes as the site's own.
    pub protocol: Option<Spanned<u64>>,
    /// Addresses the host has outside the networks.
    pub addresses: Vec<GatewayAddress>,
}

/// `address ADDRESS/LENGTH on INTERFACE` in `gateway`.
#[derive(Clone, Debug)]
pub struct GatewayAddress {
    /// The address with the length of its on-link prefix; host bits are kept.
    pub address: Spanned<IpNet>,
    /// Its interface.
    pub interface: Spanned<String>,
}

/// The rule language of the packet filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Firewall {
    /// nft(8)
    #[default]
    Nftables,
    /// iptables-restore(8) and ip6tables-restore(8)
    Iptables,
}

/// How the networks' routing is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Isolation {
    /// A VRF device per network.
    #[default]
    Vrf,
    /// Policy rules alone, for kernels without VRF devices.
    Rules,
}

/// The values of the `for` variables around a declaration: `n = 17`. Empty outside of any `for`.
pub type Instance = Option<Arc<str>>;

/// A set of hosts behind one interface.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its name, computed; the span is the name as written.
    pub name: Spanned<String>,
    /// Which instance of a `for` it is.
    pub instance: Instance,
    /// The explicit id.
    pub id: Option<Spanned<u64>>,
    /// The interface its hosts are behind.
    pub interface: Spanned<String>,
    /// The gateway's own addresses here; host bits are kept.
    pub addresses: Vec<Spanned<IpNet>>,
    /// Its real prefixes and their aliases.
    pub prefixes: Vec<Prefix>,
    /// Prefixes behind routers of this network.
    pub routes: Vec<Route>,
    /// Named hosts.
    pub hosts: Vec<Host>,
    /// The `nodes masqueraded` that says so: its hosts have no routes, see the gateway's own address
    /// as the source of everything, and can only answer.
    pub masqueraded: Option<Span>,
    /// Whether the handshakes of TCP connections with its hosts are changed so that segments fit; at the
    /// number where there is one.
    pub mss: Option<Spanned<Mss>>,
}

impl Network {
    /// The alias that addresses are in, and the real ones that they stand for: of several the narrowest.
    #[must_use]
    pub fn behind_alias(&self, known: &IpNet) -> Option<(Spanned<IpNet>, IpNet)> {
        let aliases = self
            .prefixes
            .iter()
            .flat_map(|prefix| prefix.aliases.iter().map(|alias| (alias.net, prefix.real.value)));
        let around = aliases.filter(|(alias, _)| alias.value.contains(known));
        let (alias, real) = around.max_by_key(|(alias, _)| alias.value.prefix_len())?;
        Some((alias, net::mapped(&known.trunc(), &alias.value, &real)?))
    }
}

/// What the maximum segment size of TCP connections is kept to (RFC 9293, 3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mss {
    /// `mss clamp`: the MTU of the route that the handshake's packet leaves by.
    Route,
    /// `mss clamp BYTES`: the largest IP packet that the way to the hosts takes.
    Packet(u64),
}

/// `prefix REAL as ALIAS, ALIAS for NETWORK`
#[derive(Clone, Debug)]
pub struct Prefix {
    /// The hosts' own numbers; host bits are kept so that `check` can find them.
    pub real: Spanned<IpNet>,
    /// The numbers by which other networks know them, in source order; their own where there are none.
    pub aliases: Vec<Alias>,
    /// The whole statement.
    pub span: Span,
}

impl Prefix {
    /// Whether it depends on the viewer what the hosts are known by.
    #[must_use]
    pub fn has_viewers(&self) -> bool {
        self.aliases.iter().any(|alias| alias.viewers.is_some())
    }

    /// The place of the alias that is for all whom no other one names.
    #[must_use]
    pub fn common_alias(&self) -> Option<usize> {
        self.aliases.iter().position(|alias| alias.viewers.is_none())
    }
}

/// `ALIAS` or `ALIAS for NETWORK` of a [`Prefix`].
#[derive(Clone, Debug)]
pub struct Alias {
    /// The numbers; host bits are kept so that `check` can find them.
    pub net: Spanned<IpNet>,
    /// The networks that it is for, in source order, or everybody that no other alias of the prefix
    /// names. A network that is written out counts for that alias alone, and not for those whose
    /// pattern matches it too; a pattern never means the network itself that it stands in. Empty only
    /// where nothing is left of a pattern, or what it should name is unknown (an error).
    pub viewers: Option<Vec<NetworkId>>,
    /// What a pattern matches, but another alias of the prefix names; empty for all others.
    pub elsewhere: Vec<NetworkId>,
    /// The name or pattern of the viewers, or the numbers where there is none.
    pub named: Span,
    /// From the numbers to the name of the viewers.
    pub span: Span,
}

/// `route PREFIX via ROUTER`
#[derive(Clone, Debug)]
pub struct Route {
    /// What is behind the router.
    pub prefix: Spanned<IpNet>,
    /// The router's address in this network.
    pub via: Spanned<IpAddr>,
    /// The whole statement.
    pub span: Span,
}

/// `host NAME ADDRESS`
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name.
    pub name: Spanned<String>,
    /// Its real address.
    pub address: Spanned<IpAddr>,
}

/// Hosts of `from` may open connections to hosts of `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peering {
    /// Who opens.
    pub from: NetworkId,
    /// Who answers.
    pub to: NetworkId,
    /// The `connect` that says so.
    pub span: Span,
    /// What may be opened: everything, or what these rules allow.
    pub rules: Option<RulesId>,
}

/// A list of rules of a [`Site`]: its place in [`Site::rule_lists`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RulesId(pub usize);

/// The rules of a `connect` block for one direction of a pair; the first that matches wins, and what
/// none matches is denied. An empty list denies everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleList {
    /// The `connect`.
    pub span: Span,
    /// The rules in source order, those that say nothing about this direction left out.
    pub rules: Vec<Rule>,
}

/// `allow` or `deny`, about the first packet of a connection and all that follow it in its direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What it does.
    pub action: Action,
    /// What it is about.
    pub service: Service,
    /// Real addresses of the hosts that open; every host of the network if there are none.
    pub from: Vec<Spanned<IpNet>>,
    /// Real addresses of the hosts that answer; every host of the network if there are none.
    pub to: Vec<Spanned<IpNet>>,
    /// Whether what matches is logged.
    pub log: Option<Log>,
    /// The whole rule.
    pub span: Span,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The packet passes.
    Allow,
    /// The sender is told that it must not.
    Deny,
}

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Every protocol.
    Any,
    /// An IP protocol by its number (IANA, Assigned Internet Protocol Numbers). Never 1 or 58, which
    /// are [`Service::Icmp`], and never 0, 43, 44, 59 or 60: what these are before is the protocol. 51
    /// (AH) is so in IPv6 too, but a protocol in IPv4: [`Service::occurs_in`].
    Protocol(u8),
    /// TCP (6), UDP (17), DCCP (33), SCTP (132) or UDP-Lite (136) to these destination ports: first
    /// and last of each range, in source order, never empty.
    Ports(u8, Vec<(u16, u16)>),
    /// ICMP and ICMPv6; every type if there are none. The types of both families side by side, as the
    /// name that was written means something in one or in both.
    Icmp(Vec<IcmpType>),
}

impl Service {
    /// Whether any packet of a family can be of this service: an ICMP type may be one of the other
    /// family alone, and IPv6 counts AH among its extension headers, which no rule sees as a protocol.
    #[must_use]
    pub fn occurs_in(&self, family: Family) -> bool {
        match (self, family) {
            (Self::Protocol(51), Family::V6) => false,
            (Self::Icmp(types), _) if types.is_empty() => true,
            (Self::Icmp(types), Family::V4) => types.iter().any(|kind| kind.v4.is_some()),
            (Self::Icmp(types), Family::V6) => types.iter().any(|kind| kind.v6.is_some()),
            _ => true,
        }
    }
}

/// A kind of ICMP message that opens an exchange: conntrack knows echo, timestamp, information and
/// address mask requests, and ICMPv6 echo and node information requests; nothing else is a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IcmpType {
    /// Type number in ICMP (RFC 792); `None` if it has no such type.
    pub v4: Option<u8>,
    /// Type number in ICMPv6 (RFC 4443); `None` if it has no such type.
    pub v6: Option<u8>,
}

/// `log "WORDS" limit RATE`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Log {
    /// What stands before each logged packet, as the kernel gets it: 1 to [`LOG_WORDS_BYTES`] bytes of
    /// printable ASCII with a blank at the end, without `"`, `\` and `$`. Where nothing was written it is
    /// [`Log::default_words`] of the rule's place, which only `emit` can name.
    pub words: Option<String>,
    /// How many packets are logged.
    pub rate: Rate,
}

/// The most bytes of words before a logged packet: xt_LOG has room for 30 with a zero at the end, and
/// what both firewalls can say is the same.
pub const LOG_WORDS_BYTES: usize = 29;

impl Log {
    /// What stands before a logged packet where the rule does not say it: the rule's place, like
    /// `site.ovl:12`, and what it does. The front of a long place is left out, for the end tells more.
    #[must_use]
    pub fn default_words(place: &str, action: Action) -> String {
        let action = match action {
            Action::Allow => " allow ",
            Action::Deny => " deny ",
        };
        let usable = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '$');
        let place: Vec<char> = place.chars().map(|c| if usable(c) { c } else { '_' }).collect();
        let room = LOG_WORDS_BYTES - action.len();
        place[place.len().saturating_sub(room)..].iter().chain(&action.chars().collect::<Vec<_>>()).collect()
    }
}

/// So many packets in such a time; five at once may go beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate {
    /// Packets, 1 to 10000; at least 5 a day.
    pub packets: u32,
    /// In which time.
    pub per: Period,
}

/// The time of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// `second`
    Second,
    /// `minute`
    Minute,
    /// `hour`
    Hour,
    /// `day`
    Day,
}

/// The name of a network's VRF device: `vrf-NAME`, or `vrf-ID` where that has more than the 15
/// bytes of an interface name or the name is a number, which could be another network's id. So no
/// two networks share one.
#[must_use]
pub fn vrf_name(name: &str, id: u16) -> String {
    let by_name = format!("vrf-{name}");
    if by_name.len() > INTERFACE_NAME_BYTES || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("vrf-{id}");
    }
    by_name
}

/// The longest interface name in bytes: the kernel's IFNAMSIZ without the zero at its end.
pub const INTERFACE_NAME_BYTES: usize = 15;

#[cfg(test)]
mod tests {
    use super::{Action, LOG_WORDS_BYTES, Log, vrf_name};

    #[test]
    fn default_words_of_a_log_name_its_place_and_fit() {
        assert_eq!(Log::default_words("site.ovl:12", Action::Deny), "site.ovl:12 deny ");
        let long = Log::default_words("plants/north \"$ü\\/cells.ovl:1234", Action::Allow);
        assert_eq!(long, "th_____/cells.ovl:1234 allow ");
        assert!(long.len() <= LOG_WORDS_BYTES);
    }

    #[test]
    fn a_vrf_is_named_after_its_network_where_that_fits_and_is_unmistakable() {
        assert_eq!(vrf_name("inner", 100), "vrf-inner");
        assert_eq!(vrf_name("elevenbytes", 100), "vrf-elevenbytes");
        assert_eq!(vrf_name("twelve-bytes", 100), "vrf-100");
        assert_eq!(vrf_name("7", 100), "vrf-100");
    }
}
