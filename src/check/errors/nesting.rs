//! Findings about several prefixes of one network.

use ipnet::IpNet;

use crate::check::prefixes::Mapping;
use crate::diag::{Diagnostic, Finding, Label, code};
use crate::model::Site;
use crate::net::{self, written};
use crate::source::Span;

/// One real prefix with two mappings.
pub struct AmbiguousMapping<'a> {
    network: &'a str,
    real: IpNet,
    same: bool,
    /// Whether one of them has an alias.
    aliased: bool,
    here: Span,
    earlier: Span,
}

impl<'a> AmbiguousMapping<'a> {
    /// `b` maps what `a` maps.
    pub fn new(site: &'a Site, a: &Mapping, b: &Mapping) -> Self {
        let network = &b.owner(site).name.value;
        let (here, earlier) = (b.prefix(site).span, a.prefix(site).span);
        let aliased = a.place.is_some() || b.place.is_some();
        Self { network, real: b.real, same: a.known() == b.known(), aliased, here, earlier }
    }
}

impl Finding for AmbiguousMapping<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, same, aliased, here, earlier, .. } = self;
        let real = written(&self.real);
        let label = if same { "said again" } else { "a second mapping of the same hosts" };
        let found = Diagnostic::new(
            code::AMBIGUOUS_MAPPING,
            format!("network `{network}` has the prefix `{real}` twice"),
            Label::new(here, label),
        )
        .label(earlier, "first said here")
        .help("keep one of them");
        if !aliased {
            return found;
        }
        found.note("replies of a host can carry one source address only, so it has one alias")
    }
}

/// A prefix inside another one that changes nothing.
pub struct RepeatedPrefix<'a> {
    network: &'a str,
    /// What the finding is about.
    what: What,
    inner: IpNet,
    outer: IpNet,
    here: Span,
    other: Span,
    /// Whether a `for` made the network.
    instance: bool,
}

/// What is said twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Prefix,
    Route,
    /// A route to an address of the gateway.
    OwnRoute,
    Address,
}

impl<'a> RepeatedPrefix<'a> {
    /// `inner` says of its hosts what `outer` says already.
    pub fn new(site: &'a Site, outer: &Mapping, inner: &Mapping) -> Self {
        let network = &inner.owner(site).name.value;
        let instance = inner.owner(site).instance.is_some();
        let (here, other) = (inner.prefix(site).span, outer.prefix(site).span);
        Self { network, what: What::Prefix, inner: inner.real, outer: outer.real, here, other, instance }
    }

    /// A second route to one prefix.
    pub fn route(network: &'a str, net: IpNet, here: Span, other: Span) -> Self {
        Self { network, what: What::Route, inner: net, outer: net, here, other, instance: false }
    }

    /// A route to an address of the gateway, to which there is one.
    pub fn own_route(network: &'a str, net: IpNet, here: Span, other: Span) -> Self {
        Self { what: What::OwnRoute, ..Self::route(network, net, here, other) }
    }

    /// An address that the gateway has there already.
    pub fn address(network: &'a str, address: IpNet, here: Span, other: Span) -> Self {
        Self { what: What::Address, ..Self::route(network, address, here, other) }
    }
}

impl Finding for RepeatedPrefix<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, what, here, other, instance, .. } = self;
        let (inner, outer) = (written(&self.inner), written(&self.outer));
        let said = match what {
            What::Prefix => None,
            What::Route => Some((
                format!("network `{network}` has two routes to `{inner}`"),
                ("said again", "first said here"),
                "a routing table takes one route a prefix, so the second would be refused",
                "keep one of them",
            )),
            // fib_table_insert (net/ipv4/fib_trie.c): the one that came with the address is in the same table.
            What::OwnRoute => Some((
                format!("network `{network}` has two routes to `{inner}`"),
                ("the kernel has one to itself", "the gateway's own address"),
                "a routing table takes one route a prefix, so the second would be refused",
                "remove this line",
            )),
            // inet_insert_ifa (net/ipv4/devinet.c), ipv6_add_addr (net/ipv6/addrconf.c).
            What::Address => Some((
                format!("the gateway has the address `{inner}` twice in network `{network}`"),
                ("said again", "first said here"),
                "an interface takes an address once, so the second would be refused",
                "keep one of them",
            )),
        };
        if let Some((title, (label, first), note, help)) = said {
            return Diagnostic::new(code::REPEATED_PREFIX, title, Label::new(here, label))
                .label(other, first)
                .note(note)
                .help(help);
        }
        Diagnostic::new(
            code::REPEATED_PREFIX,
            format!("`{inner}` is part of `{outer}` of network `{network}` already"),
            Label::new(here, "adds nothing"),
        )
        .label(other, format!("`{outer}` holds these hosts"))
        .note("a prefix inside another one has a meaning only if it gives its hosts another alias")
        .help(if instance {
            // The line is that of all networks of the `for`.
            "remove this line if it adds nothing to the other networks of the `for` either"
        } else {
            "remove this line"
        })
    }
}

/// An alias at the place of another host of the same network.
pub struct AliasTakenInside<'a> {
    network: &'a str,
    moved: (IpNet, IpNet),
    place: IpNet,
    owner: IpNet,
    here: Span,
    other: Span,
}

impl<'a> AliasTakenInside<'a> {
    /// `moved` is known by numbers that belong to hosts of `host`; `common` is a part of both.
    pub fn new(site: &'a Site, moved: &Mapping, host: &Mapping, common: IpNet) -> Self {
        let owner = net::mapped(&common, &host.known(), &host.real).unwrap_or(host.real);
        Self {
            network: &moved.owner(site).name.value,
            moved: (moved.real, moved.known()),
            place: common,
            owner,
            here: moved.known_span(site),
            other: host.known_span(site),
        }
    }
}

impl Finding for AliasTakenInside<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, here, other, .. } = self;
        let (real, known) = (written(&self.moved.0), written(&self.moved.1));
        let (place, owner) = (written(&self.place), written(&self.owner));
        Diagnostic::new(
            code::ALIAS_TAKEN_INSIDE,
            format!("in network `{network}`, `{place}` would mean `{owner}` and `{real}`"),
            Label::new(here, format!("`{real}` known by `{known}`")),
        )
        .label(other, format!("`{owner}` is known by `{place}` through this"))
        .note("a packet for that number can reach only one of them")
        .help("choose an alias outside, or give the hosts that are known by it another one too")
    }
}
