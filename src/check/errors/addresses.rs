//! Findings about single addresses: the gateway's, hosts', routers'.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diag::{Diagnostic, Finding, Label, code};
use crate::model::{Host, Network};
use crate::source::{Span, Spanned};

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
}

impl Finding for AddressOutside<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { address, span, network, nearest } = self;
        let found = Diagnostic::new(
            code::ADDRESS_OUTSIDE,
            format!("the gateway's address `{}` is in no prefix of network `{network}`", address.addr()),
            Label::new(span, "outside of the network"),
        )
        .note(
            "hosts answer the gateway, and use it as their router, only at an address of their own network",
        );
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
}

impl Finding for HostOutside<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, host } = self;
        let (name, Spanned { value, span }) = (&host.name.value, host.address);
        Diagnostic::new(
            code::HOST_OUTSIDE,
            format!("host `{name}` at `{value}` is in no prefix of network `{network}`"),
            Label::new(span, "outside of the network"),
        )
        .note("packets from and to addresses outside of a network's prefixes are dropped")
        .help("write the host's real address, or declare the prefix it is in")
    }
}

/// A prefix that the gateway has no way to.
pub struct PrefixUnreached<'a> {
    /// The network.
    pub network: &'a str,
    /// The prefix.
    pub real: IpNet,
    /// The first part without a way, where another part has one.
    pub part: Option<IpNet>,
    /// Where.
    pub span: Span,
}

impl Finding for PrefixUnreached<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, real, part, span } = self;
        let missing = part.unwrap_or(real);
        let title = match part {
            Some(part) => {
                format!("the gateway has no way to `{part}`, a part of `{real}` in network `{network}`")
            }
            None => format!("the gateway has no way to `{real}` of network `{network}`"),
        };
        Diagnostic::new(code::PREFIX_UNREACHED, title, Label::new(span, "on no link and behind no router"))
            .note("the network's routing table knows the prefixes of its `address` and `route` lines, nothing else")
            .help(format!("say which router it is behind, like `route {missing} via ROUTER`, or correct the length of `address`"))
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
