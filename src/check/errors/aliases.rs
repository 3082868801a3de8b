//! Findings about the numbers by which networks are known.

use ipnet::IpNet;

use crate::check::series::Formula;
use crate::diag::{Diagnostic, Finding, Label, code};
use crate::net::{self, written};
use crate::source::Span;

/// A network and one prefix of it.
#[derive(Clone, Copy)]
pub struct Party<'a> {
    /// Its name.
    pub network: &'a str,
    /// The prefix.
    pub net: IpNet,
    /// Where it is written.
    pub span: Span,
    /// Which instance of a `for` the network is.
    pub instance: Option<&'a str>,
}

impl Party<'_> {
    /// What is wrong, with the part that both have where they are not equal.
    fn overlap(&self, other: &Self, equal: &str) -> String {
        match net::intersection(&self.net, &other.net) {
            Some(common) if self.net != other.net => format!("`{}` is in both", written(&common)),
            _ => equal.to_owned(),
        }
    }

    fn text(&self) -> String {
        written(&self.net)
    }
}

/// What could be written instead.
pub enum Suggestion {
    /// A prefix that nothing uses.
    Exact(IpNet),
    /// Inside a `for`: computed from its variable.
    Computed(Formula),
    /// Nothing is free.
    None,
}

impl Suggestion {
    /// Adds the suggestion of another alias at its place.
    fn instead(self, found: Diagnostic, span: Span) -> Diagnostic {
        match self {
            Self::Exact(net) => {
                let text = written(&net);
                found.fix(format!("use another alias, `{text}` is free"), span, text)
            }
            Self::Computed(formula) => found.help(format!("use other aliases, like `{formula}`")),
            Self::None => found.help("use another alias"),
        }
    }

    /// Adds the suggestion of an alias behind the real prefix.
    fn added(self, found: Diagnostic, real: Party<'_>) -> Diagnostic {
        let end = Span { start: real.span.end, ..real.span };
        match self {
            Self::Exact(net) => {
                let alias = format!(" as {}", written(&net));
                found.fix(format!("give it an alias: `{}{alias}`", real.text()), end, alias)
            }
            Self::Computed(formula) => found.help(format!("give each an alias, like `as {formula}`")),
            Self::None => found.help("give it an alias"),
        }
    }
}

/// Why numbers of two networks must differ.
pub enum Doubt<'a> {
    /// Everybody knows both by them.
    Everybody,
    /// The two could share an alias if this network did not see both.
    Third(&'a str),
    /// This network knows both by them.
    Viewer(&'a str),
    /// The two could share an alias if the first of these did not share one with the second.
    Twice(&'a str, &'a str),
    /// The two could share an alias if this network had not the same to somebody else.
    Claim(&'a str),
}

/// Two networks known by numbers that overlap.
pub struct OverlappingAliases<'a> {
    /// The alias that is to change.
    pub here: Party<'a>,
    /// What the other one is known by.
    pub other: Party<'a>,
    /// Whether that is an alias, too.
    pub written: bool,
    /// Who is in doubt.
    pub doubt: Doubt<'a>,
    /// What is free.
    pub suggestion: Suggestion,
}

impl Finding for OverlappingAliases<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { here, other, written, doubt, suggestion } = self;
        let title = if here.net == other.net {
            format!("networks `{}` and `{}` are both known by `{}`", other.network, here.network, here.text())
        } else {
            let (a, b) = (here.text(), other.text());
            format!("alias `{a}` of network `{}` overlaps `{b}` of network `{}`", here.network, other.network)
        };
        let theirs = if written { "known by" } else { "without an alias, so known by" };
        let note = match doubt {
            Doubt::Third(third) => format!(
                "two networks can share an alias only if nobody else sees both, but `{third}` is connected to both"
            ),
            Doubt::Everybody => {
                String::from("the destination address alone tells the gateway which network a packet is for")
            }
            Doubt::Viewer(viewer) => format!(
                "`{viewer}` sees both, and the gateway could not tell which of them a packet from there is for"
            ),
            Doubt::Twice(one, earlier) => format!(
                "a network can share an alias with one other only, and `{one}` shares one with `{earlier}` already"
            ),
            Doubt::Claim(owner) => format!(
                "two networks can share an alias only if its numbers mean no other one to anybody, but `{owner}` is known by them, too"
            ),
        };
        let label = Label::new(here.span, here.overlap(&other, "taken"));
        let found = Diagnostic::new(code::OVERLAPPING_ALIASES, title, label)
            .label_of(
                other.span,
                format!("`{}` is {theirs} `{}`", other.network, other.text()),
                other.instance,
            )
            .note(note);
        suggestion.instead(found, here.span)
    }
}

/// An alias with the numbers of hosts that have to see it.
pub struct AliasOverReal<'a> {
    /// The alias.
    pub here: Party<'a>,
    /// The real prefix.
    pub other: Party<'a>,
    /// What is free.
    pub suggestion: Suggestion,
}

impl Finding for AliasOverReal<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { here, other, suggestion } = self;
        let (alias, real) = (here.text(), other.text());
        let (title, label, note) = if here.network == other.network {
            (
                format!(
                    "alias `{alias}` of network `{}` overlaps its own real prefix `{real}`",
                    here.network
                ),
                "the hosts' own numbers",
                "a packet for such a number could be meant for either of two hosts of this network",
            )
        } else {
            (
                format!(
                    "alias `{alias}` of network `{}` overlaps the real prefix `{real}` of network `{}`",
                    here.network, other.network
                ),
                "real there",
                "hosts of the networks that see an alias must not have its numbers themselves: \
                 they would look for each other instead",
            )
        };
        let label = Label::new(here.span, here.overlap(&other, label));
        let found = Diagnostic::new(code::ALIAS_OVER_REAL, title, label)
            .label_of(other.span, format!("hosts of `{}` have these numbers", other.network), other.instance)
            .note(note);
        suggestion.instead(found, here.span)
    }
}

/// An alias on the link of hosts.
pub struct AliasOnLink<'a> {
    /// The alias.
    pub here: Party<'a>,
    /// The link, where the gateway's address on it is written.
    pub other: Party<'a>,
    /// What is free.
    pub suggestion: Suggestion,
}

impl Finding for AliasOnLink<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { here, other, suggestion } = self;
        let label = Label::new(here.span, here.overlap(&other, "all of it is on the link"));
        let found = Diagnostic::new(
            code::ALIAS_ON_LINK,
            format!("alias `{}` of network `{}` is on the link of network `{}`", here.text(), here.network, other.network),
            label,
        )
        .label_of(other.span, format!("puts `{}` on the link of `{}`", other.text(), other.network), other.instance)
        .note("hosts ask their link for such an address, by ARP or neighbour discovery, and never send it to the gateway");
        suggestion.instead(found, here.span)
    }
}

/// Known numbers that the gateway has itself, or has routes to elsewhere.
pub struct AliasOverGateway<'a> {
    /// The alias, or the real prefix where there is none.
    pub here: Party<'a>,
    /// The gateway's prefix or the route.
    pub other: Party<'a>,
    /// Whether it is an alias.
    pub written: bool,
    /// Whether it is a route.
    pub route: bool,
    /// Whether the other one is in a network, and not outside of all.
    pub inside: bool,
    /// What is free.
    pub suggestion: Suggestion,
}

impl Finding for AliasOverGateway<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { here, other, written, route, inside, suggestion } = self;
        let what = if written { "alias" } else { "prefix" };
        let network = other.network;
        let theirs = match (route, inside) {
            (true, _) => format!("the route to `{}` in network `{network}`", other.text()),
            (false, true) => format!("the gateway's address `{}` in network `{network}`", other.net.addr()),
            (false, false) => format!("the gateway's own `{}`", other.text()),
        };
        let label = if route { "routed elsewhere there" } else { "the gateway's own" };
        let label = Label::new(here.span, here.overlap(&other, label));
        let found = Diagnostic::new(
            code::ALIAS_OVER_GATEWAY,
            format!("{what} `{}` of network `{}` overlaps {theirs}", here.text(), here.network),
            label,
        )
        .label_of(
            other.span,
            if route { "routed elsewhere by this" } else { "an address of the gateway" },
            other.instance,
        );
        let found = found.note(if route {
            "packets for these numbers have a way already in a network that must send them to the gateway"
        } else {
            "the gateway would take packets for these numbers for its own, or look for them on that link"
        });
        if written { suggestion.instead(found, here.span) } else { suggestion.added(found, here) }
    }
}

/// A prefix that is not unique and has no alias.
pub struct MissingAlias<'a> {
    /// The prefix without alias.
    pub here: Party<'a>,
    /// Who has these numbers, too.
    pub other: Party<'a>,
    /// Whether both are connected to each other.
    pub peered: bool,
    /// Whether an alias is written that is the real prefix itself.
    pub same: bool,
    /// What is free.
    pub suggestion: Suggestion,
}

impl Finding for MissingAlias<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { here, other, peered, same, suggestion } = self;
        let lack = if same { "its alias is the same" } else { "has no alias" };
        let title = if here.net == other.net {
            format!(
                "`{}` is in network `{}` and in network `{}`, and {lack}",
                here.text(),
                other.network,
                here.network
            )
        } else {
            format!(
                "`{}` of network `{}` overlaps `{}` of network `{}`, and {lack}",
                here.text(),
                here.network,
                other.text(),
                other.network
            )
        };
        let note = if peered {
            "hosts of both networks need numbers for each other that mean nothing in their own network"
        } else {
            "both take part in a `connect`, and the gateway could not tell which of them a packet is for"
        };
        let words = if same {
            String::from("the real prefix again, which is not unique")
        } else {
            here.overlap(&other, "not unique, so an alias is needed")
        };
        let label = Label::new(here.span, words);
        let found = Diagnostic::new(code::MISSING_ALIAS, title, label)
            .label_of(other.span, format!("`{}` has `{}`", other.network, other.text()), other.instance)
            .note(note);
        if same { suggestion.instead(found, here.span) } else { suggestion.added(found, here) }
    }
}

/// One alias for both sides of a pair.
pub struct SharedAlias<'a> {
    /// The earlier one.
    pub first: Party<'a>,
    /// The later one.
    pub second: Party<'a>,
    /// What is free.
    pub suggestion: Suggestion,
}

impl Finding for SharedAlias<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { first, second, suggestion } = self;
        let found = Diagnostic::new(
            code::SHARED_ALIAS,
            format!("networks `{}` and `{}` share the alias `{}`", first.network, second.network, second.text()),
            Label::new(second.span, "shared"),
        )
        .label_of(first.span, format!("`{}` is known by it, too", first.network), first.instance)
        .note(
            "when a host and its counterpart of the same number open connections to each other from the same ports, \
             the kernel has to change a port, and of protocols without ports it drops one direction",
        );
        suggestion.instead(found, second.span)
    }
}
