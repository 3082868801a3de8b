//! Findings about single addresses: the gateway's, hosts', routers'.

use std::net::IpAddr;

use ipnet::IpNet;

use super::listed;
use crate::diag::{Diagnostic, Finding, Label, code};
use crate::model::{Host, Network};
use crate::net::{self, Family, written};
use crate::source::{Span, Spanned};

/// More gaps than this are counted.
const MOST_GAPS: usize = 3;

/// An address of the gateway outside of the network it is in.
pub struct AddressOutside<'a> {
    /// The address with its length.
    pub address: IpNet,
    /// Where.
    pub span: Span,
    /// The network.
    pub network: &'a str,
    /// A prefix of the network, of the same family if it has one.
    pub nearest: Option<Spanned<IpNet>>,
    /// The alias that the address is in, and the address in the network that this stands for.
    pub behind: Option<(Spanned<IpNet>, IpNet)>,
    /// Whether that can stand for the text at the place.
    pub exact: bool,
}

impl Finding for AddressOutside<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { address, span, network, nearest, behind, exact } = self;
        let found = Diagnostic::new(
            code::ADDRESS_OUTSIDE,
            format!("the gateway's address `{}` is in no prefix of network `{network}`", address.addr()),
            Label::new(span, if behind.is_some() { "by an alias" } else { "outside of the network" }),
        )
        .note(
            "hosts answer the gateway, and use it as their router, only at an address of their own network",
        );
        if let Some((alias, real)) = behind {
            let found = found.label(alias.span, format!("by which others know hosts of `{network}`"));
            let help = format!("write the address that the gateway has in the network, `{real}`");
            return if exact { found.fix(help, span, real.to_string()) } else { found.help(help) };
        }
        match nearest {
            Some(prefix) => found
                .label(prefix.span, format!("`{network}` has `{}`", prefix.value))
                .help("use an address out of a prefix of the network, or declare the prefix it is in"),
            None => found,
        }
    }
}

/// An address that no interface can carry.
pub struct UnusableAddress<'a> {
    /// The address with its length.
    pub address: IpNet,
    /// Where.
    pub span: Span,
    /// The network; `None` outside of all.
    pub network: Option<&'a str>,
    /// What it is instead.
    pub fault: &'static str,
}

impl Finding for UnusableAddress<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { address, span, network, fault } = self;
        let place = network.map(|name| format!(" in network `{name}`")).unwrap_or_default();
        Diagnostic::new(
            code::UNUSABLE_ADDRESS,
            format!("`{address}` cannot be an address of the gateway{place}"),
            Label::new(span, fault),
        )
        .help(format!(
            "write the address of the gateway on this link and the length of the link's prefix, like `{}`",
            example(&address)
        ))
    }
}

/// An address in the same prefix that could be meant.
fn example(address: &IpNet) -> String {
    let first = address.hosts().find(|host| *host != address.addr() && *host != address.network());
    format!("{}/{}", first.unwrap_or(address.addr()), address.prefix_len())
}

/// One address for the gateway and for a host.
pub struct AddressOfHost<'a> {
    /// The address.
    pub address: IpAddr,
    /// Where the gateway gets it.
    pub span: Span,
    /// The network.
    pub network: &'a str,
    /// The host that has it.
    pub host: &'a Host,
}

impl Finding for AddressOfHost<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { address, span, network, host } = self;
        Diagnostic::new(
            code::ADDRESS_OF_HOST,
            format!(
                "`{address}` in network `{network}` belongs to the gateway and to host `{}`",
                host.name.value
            ),
            Label::new(span, "the gateway's address"),
        )
        .label(host.address.span, format!("the address of `{}`", host.name.value))
        .note("two machines that answer for one address make both unreachable now and then")
        .help("give one of them another address")
    }
}

/// A host with an address that stands for others on its link.
pub struct UnusableHost<'a> {
    /// The network.
    pub network: &'a Network,
    /// The host.
    pub host: &'a Host,
    /// The gateway's address on the host's link.
    pub link: Spanned<IpNet>,
}

impl Finding for UnusableHost<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, host, link } = self;
        let Spanned { value, span } = host.address;
        let title = format!(
            "`{value}` cannot be the address of host `{}` in network `{}`",
            host.name.value, network.name.value
        );
        let (label, note) = match link.value {
            IpNet::V6(_) => (
                "the subnet-router anycast address of the link",
                "every router of a link answers to this address (RFC 4291, 2.6.1), so the gateway does, too",
            ),
            IpNet::V4(_) => (
                "the broadcast address of the link",
                "what is sent to this address is meant for every host of the link, so nothing is forwarded to it",
            ),
        };
        Diagnostic::new(code::UNUSABLE_ADDRESS, title, Label::new(span, label))
            .label_of(link.span, format!("the link is `{}`", link.value.trunc()), network.instance.as_deref())
            .note(note)
            .help("write the host's own address, or correct the length of `address`")
    }
}

/// A named host that is in no prefix of its network.
pub struct HostOutside<'a> {
    /// The network.
    pub network: &'a str,
    /// The host.
    pub host: &'a Host,
    /// A prefix of the network, of the same family if it has one.
    pub nearest: Option<Spanned<IpNet>>,
}

impl Finding for HostOutside<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, host, nearest } = self;
        let (name, Spanned { value, span }) = (&host.name.value, host.address);
        let found = Diagnostic::new(
            code::HOST_OUTSIDE,
            format!("host `{name}` at `{value}` is in no prefix of network `{network}`"),
            Label::new(span, "outside of the network"),
        )
        .note("packets from and to addresses outside of a network's prefixes are dropped")
        .help("write the host's real address, or declare the prefix it is in");
        match nearest {
            Some(prefix) => found.label(prefix.span, format!("`{network}` has `{}`", prefix.value)),
            None => found,
        }
    }
}

/// Several hosts of one family, and none of them in a prefix of their network.
pub struct NoHostInside<'a> {
    /// The network.
    pub network: &'a str,
    /// All its hosts of the family.
    pub hosts: Vec<&'a Host>,
    /// A prefix of the network, of the same family if it has one.
    pub nearest: Option<Spanned<IpNet>>,
    /// The prefix that would hold all of them in the place of the only one of the family.
    pub meant: Option<Spanned<IpNet>>,
}

impl Finding for NoHostInside<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, hosts, nearest, meant } = self;
        let address = hosts[0].address;
        let family = match net::family_of(&address.value) {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        };
        let title = format!(
            "none of the {} {family} hosts of network `{network}` is in a prefix of the network",
            hosts.len()
        );
        let (first, more) = (&hosts[0].name.value, hosts.len() - 1);
        let outside = format!("`{first}` is outside, and {more} more");
        let note = "packets from and to addresses outside of a network's prefixes are dropped";
        if let Some(Spanned { value, span }) = meant {
            return Diagnostic::new(code::HOST_OUTSIDE, title, Label::new(span, "holds none of them"))
                .label(address.span, outside)
                .note(note)
                .fix(format!("write `{value}`, which holds all of them"), span, value.to_string());
        }
        let found = Diagnostic::new(code::HOST_OUTSIDE, title, Label::new(address.span, outside))
            .note(note)
            .help("declare the prefixes that they are in, or write their real addresses");
        match nearest {
            Some(prefix) => found.label(prefix.span, format!("`{network}` has `{}`", prefix.value)),
            None => found,
        }
    }
}

/// A named host with the address that others know it by.
pub struct HostByAlias<'a> {
    /// The network.
    pub network: &'a str,
    /// The host.
    pub host: &'a Host,
    /// The alias that its address is in.
    pub alias: Spanned<IpNet>,
    /// The real address that this stands for.
    pub real: IpAddr,
    /// Whether that can stand for the text at the place.
    pub exact: bool,
}

impl Finding for HostByAlias<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, host, alias, real, exact } = self;
        let (name, Spanned { value, span }) = (&host.name.value, host.address);
        let found = Diagnostic::new(
            code::HOST_OUTSIDE,
            format!("host `{name}` at `{value}` is in no prefix of network `{network}`"),
            Label::new(span, format!("the alias of `{real}`")),
        )
        .label(alias.span, format!("by which others know hosts of `{network}`"))
        .note("hosts have their real addresses here, for these are what their packets carry in their own network");
        let help = format!("write its real address, `{real}`");
        if exact { found.fix(help, span, real.to_string()) } else { found.help(help) }
    }
}

/// A prefix that the gateway has no way to.
pub struct PrefixUnreached<'a> {
    /// The network.
    pub network: &'a str,
    /// The prefix.
    pub prefix: Spanned<IpNet>,
    /// The parts without a way, or all of it.
    pub gaps: Vec<IpNet>,
    /// The gateway's address whose link could have them.
    pub link: Spanned<IpNet>,
    /// Whether that link is a part of the prefix.
    pub inside: bool,
    /// Whether it is the only such part, so that a longer link can stand for the text at its place.
    pub exact: bool,
}

impl Finding for PrefixUnreached<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, prefix: Spanned { value: real, span }, gaps, link, inside, exact } = self;
        let real = real.trunc();
        let title = if gaps == [real] {
            format!("the gateway has no way to `{real}` of network `{network}`")
        } else {
            let shown: Vec<String> = gaps.iter().take(MOST_GAPS).map(written).collect();
            let parts = if gaps.len() == 1 { "a part" } else { "parts" };
            let listed = listed(&shown, gaps.len() - shown.len());
            format!("the gateway has no way to {listed}, {parts} of `{real}` in network `{network}`")
        };
        let on_link =
            format!("{}`{}` is on this link", if inside { "only " } else { "" }, link.value.trunc());
        let found = Diagnostic::new(
            code::PREFIX_UNREACHED,
            title,
            Label::new(span, "on no link and behind no router"),
        )
        .label(link.span, on_link)
        .note(
            "the network's routing table knows the prefixes of its `address` and `route` lines, nothing else",
        );
        // The link is the more specific way, so a route to all of it is one to its gaps.
        let missing = if let [gap] = gaps.as_slice() { gap } else { &real };
        let route = format!("`route {missing} via ROUTER`");
        if !inside {
            return found
                .help(format!("say which router it is behind, like {route}, or correct the `address`"));
        }
        let longer = format!("{}/{}", link.value.addr(), real.prefix_len());
        let help = format!(
            "write `{longer}` if all of it is on the link, or say which router the rest is behind, like {route}"
        );
        if exact { found.fix(help, link.span, longer) } else { found.help(help) }
    }
}

/// A router that the gateway cannot send to.
pub struct RouterOffLink {
    /// The router.
    pub router: IpAddr,
    /// Where.
    pub span: Span,
    /// What is wrong with it.
    pub fault: String,
    /// What shows it.
    pub place: Option<Span>,
    /// Whose address it is.
    pub whose: Whose,
}

/// Who has the address of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Another machine.
    Another,
    /// The gateway, in this network.
    Gateway,
    /// The gateway, in another network or in none.
    GatewayElsewhere,
}

impl Finding for RouterOffLink {
    fn diagnostic(self) -> Diagnostic {
        let Self { router, span, fault, place, whose } = self;
        // fib_check_nh (net/ipv4/fib_semantics.c) and ip6_route_check_nh (net/ipv6/route.c) look the next
        // hop up in the `local` table, or in that of the VRF device where there is one.
        let (note, help) = match whose {
            Whose::GatewayElsewhere => (
                "without VRF devices the kernel refuses a route whose next hop is an address of its own, on whichever link",
                "write `isolation vrf`, or give the gateway another address there",
            ),
            Whose::Gateway => (
                "the kernel refuses a route whose next hop is an address of its own",
                "write the address of the router, which is another machine",
            ),
            Whose::Another => (
                "the kernel refuses a route whose next hop is not on one of its links",
                "write the router's address on the link it shares with the gateway",
            ),
        };
        let found = Diagnostic::new(
            code::ROUTER_OFF_LINK,
            format!("`{router}` cannot be the router of this route"),
            Label::new(span, fault),
        )
        .note(note)
        .help(help);
        match place {
            Some(place) => found.label(place, "compare this"),
            None => found,
        }
    }
}
