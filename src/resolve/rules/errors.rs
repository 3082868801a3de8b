//! The findings about rules of `connect` blocks, one struct a code: hosts and addresses of the wrong network
//! (OVL0221 to OVL0225), logs (OVL0226, OVL0227), and blocks as wholes (OVL0412 to OVL0414). What stands in front of
//! `from` is in `services`.

mod services;

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::meant::Meant;
use crate::diag::{Diagnostic, Finding, Label, code};
use crate::model::{Instance, Network, Prefix};
use crate::net;
use crate::source::{Span, Spanned};
pub(in crate::resolve) use services::{
    BadPort, NeedlessItem, NoPorts, PortAsProtocol, UnknownIcmpType, UnknownProtocol,
};

/// What other tools have for every host.
const EVERYBODY: [&str; 6] = ["any", "all", "anywhere", "anyone", "everyone", "everybody"];

/// A name that is no host where it is looked for.
pub(in crate::resolve) struct UnknownHost<'a> {
    pub(super) name: &'a str,
    pub(super) span: Span,
    /// `from` or `to`.
    pub(super) side: &'static str,
    /// The networks in which it was looked for: one, or both of a pair.
    pub(super) networks: Vec<&'a Network>,
    pub(super) similar: Option<Meant>,
}

impl Finding for UnknownHost<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { name, span, side, networks, similar } = self;
        let names: Vec<String> = networks.iter().map(|it| format!("network `{}`", it.name.value)).collect();
        let names = names.join(" or ");
        if name.contains('*') {
            // Patterns are for networks alone.
            let title = format!("`{}` does not match {names}", name.escape_debug());
            return Diagnostic::new(code::UNKNOWN_HOST, title, Label::new(span, "matches no network here"))
                .help("correct the pattern, or name a host");
        }
        let title = format!("no host `{}` in {names}", name.escape_debug());
        let found = Diagnostic::new(code::UNKNOWN_HOST, title, Label::new(span, "unknown host"));
        if EVERYBODY.iter().any(|word| word.eq_ignore_ascii_case(name)) {
            return found
                .help(format!("every host is meant where nothing is said: leave `{side} {name}` out"));
        }
        let found = networks.iter().fold(found, |found, Network { name, instance, .. }| {
            found.label_of(name.span, "has no `host` statement for it", instance.as_deref())
        });
        match (similar, networks.first().and_then(|network| free_address(network))) {
            (Some(similar), _) => similar.ask(found),
            (None, _) if name.contains('.') => found.help("a rule names a host without its network"),
            (None, Some(free)) => found.help(format!("declare it in {names}, like `host {name} {free}`")),
            (None, None) => found.help(format!("declare it in {names}")),
        }
    }
}

/// An address that a host of the network could have: the first one in its prefixes that nobody has there.
fn free_address(network: &Network) -> Option<IpAddr> {
    let own = network.addresses.iter().map(|address| address.value.addr());
    let taken: HashSet<IpAddr> = own.chain(network.hosts.iter().map(|host| host.address.value)).collect();
    let prefixes = network.prefixes.iter().map(|prefix| prefix.real.value.trunc());
    // The first address of an IPv6 prefix is that of all its routers (RFC 4291, 2.6.1).
    let anycast = |net: &IpNet| usize::from(matches!(net, IpNet::V6(_)) && net.prefix_len() < 127);
    let mut addresses = prefixes.flat_map(|net| net.hosts().skip(anycast(&net)).take(taken.len() + 1));
    addresses.find(|address| !taken.contains(address))
}

/// A host, an address or a network that belongs to another network than its side of the rule.
pub(in crate::resolve) struct WrongNetwork<'a> {
    /// As it is written.
    pub(super) text: String,
    pub(super) span: Span,
    /// `from` or `to`.
    pub(super) side: &'static str,
    /// Whose hosts belong there.
    pub(super) expected: &'a str,
    /// Whose it is.
    pub(super) owner: &'a Network,
    /// Whether that is the network on the other side of the pair.
    pub(super) other_side: bool,
}

impl Finding for WrongNetwork<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { text, span, side, expected, owner, other_side } = self;
        let title = if text == owner.name.value {
            format!("`{text}` is another network than `{expected}`")
        } else {
            format!("`{text}` belongs to network `{}`, not to `{expected}`", owner.name.value)
        };
        let found = Diagnostic::new(
            code::WRONG_NETWORK,
            title,
            Label::new(span, format!("`{side}` is for hosts of `{expected}` here")),
        )
        .label_of(owner.name.span, "belongs here", owner.instance.as_deref());
        if other_side {
            let other = if side == "from" { "to" } else { "from" };
            return found
                .note("`from` names hosts that open a connection, `to` those that it is opened to")
                .help(format!("write it behind `{other}`, or name a host of `{expected}`"));
        }
        found.help(format!(
            "name a host of `{expected}`, or put the rule into a `connect` of `{}`",
            owner.name.value
        ))
    }
}

/// Addresses that no host of the network has.
pub(in crate::resolve) struct OutsideNetwork<'a> {
    pub(super) net: Spanned<IpNet>,
    pub(super) networks: Vec<&'a Network>,
}

impl Finding for OutsideNetwork<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { net: Spanned { value, span }, networks } = self;
        let names: Vec<String> = networks.iter().map(|it| format!("network `{}`", it.name.value)).collect();
        let title = format!("`{}` is outside the prefixes of {}", net::written(&value), names.join(" and "));
        let found = Diagnostic::new(
            code::OUTSIDE_NETWORK,
            title,
            Label::new(span, "no host there has such an address"),
        );
        let own = |prefix: &&Prefix| net::family(&prefix.real.value) == net::family(&value);
        let found = networks.into_iter().fold(found, |found, network| {
            match network.prefixes.iter().find(own).or(network.prefixes.first()) {
                Some(Prefix { real, .. }) => {
                    let text = format!("hosts there are in `{}`", real.value);
                    found.label_of(real.span, text, network.instance.as_deref())
                }
                None => found,
            }
        });
        found
            .note("the rule would never match: packets come from and go to addresses of the prefixes alone")
            .help("write a real address of a host, or add its prefix to the network")
    }
}

/// An alias where a real address belongs.
pub(in crate::resolve) struct AliasInRule<'a> {
    pub(super) net: Spanned<IpNet>,
    pub(super) network: &'a str,
    pub(super) alias: Spanned<IpNet>,
    pub(super) real: IpNet,
    /// Whether the real address can stand for the text at the place.
    pub(super) exact: bool,
}

impl Finding for AliasInRule<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { net: Spanned { value, span }, network, alias, real, exact } = self;
        let (written, real) = (net::written(&value), net::written(&real));
        let found = Diagnostic::new(
            code::ALIAS_IN_RULE,
            format!("`{written}` is an alias, but rules are about real addresses"),
            Label::new(span, format!("the alias of `{real}`")),
        )
        .label(alias.span, format!("by which others know hosts of `{network}`"))
        .note("a rule means a host, whatever alias the packet carries that is for it");
        let help = format!("write `{real}`");
        if exact { found.certain_fix(help, span, real) } else { found.help(help) }
    }
}

/// A word that means more than one thing.
pub(in crate::resolve) enum Ambiguous<'a> {
    /// The rule of a `<->` block fits both directions: a pair of networks for which it does, what of each
    /// of them, what the `connect` calls its sides, and whether the rule has `from` and `to`.
    Direction {
        span: Span,
        pair: (&'a str, &'a str),
        both: [(Span, String, Instance); 2],
        sides: (&'a str, &'a str),
        said: (bool, bool),
    },
    /// A host has the name of its network.
    HostOrNetwork { name: &'a str, span: Span, host: Span, network: Span },
    /// A host or a network has the name of a `let` or `for`.
    Value { name: &'a str, span: Span, declared: Span, net: String },
}

impl Finding for Ambiguous<'_> {
    fn diagnostic(self) -> Diagnostic {
        match self {
            Self::Direction { span, pair: (left, right), both, sides, said } => {
                let found = Diagnostic::new(
                    code::AMBIGUOUS_RULE,
                    "the rule could be about either direction of `<->`",
                    Label::new(span, format!("fits hosts of `{left}` and of `{right}`")),
                )
                .note("networks that overlap have hosts of equal names and addresses")
                .help(which_direction(sides, said));
                both.into_iter().fold(found, |found, (span, text, instance)| {
                    found.label_of(span, text, instance.as_deref())
                })
            }
            Self::HostOrNetwork { name, span, host, network } => Diagnostic::new(
                code::AMBIGUOUS_RULE,
                format!("`{name}` is a network and a host in it"),
                Label::new(span, "the host, or all of the network?"),
            )
            .label(network, "the network")
            .label(host, "the host")
            .help("write the address of the host, or give one of them another name"),
            Self::Value { name, span, declared, net } => Diagnostic::new(
                code::AMBIGUOUS_RULE,
                format!("`{name}` is the name of a value and of a host or network"),
                Label::new(span, format!("`{net}`, or the one with this name?")),
            )
            .label(declared, "has this name, too")
            .help(format!("write `\"{name}\"` for this, or `({name})` for `{net}`")),
        }
    }
}

/// How to say which direction of a `<->` block is meant.
fn which_direction((left, right): (&str, &str), said: (bool, bool)) -> String {
    let word = if said.0 { "to" } else { "from" };
    match said {
        (true, true) => format!("write a block for `{left} -> {right}` and one for `{right} -> {left}`"),
        _ if left == right => format!("add `{word} {left}` if it is about both"),
        (true, false) => format!(
            "add `to {right}` for connections that `{left}` opens, or `to {left}` for those that `{right}` opens"
        ),
        _ => format!(
            "add `from {left}` for connections that `{left}` opens, or `from {right}` for those that `{right}` opens"
        ),
    }
}

/// Words that cannot stand before a logged packet.
pub(in crate::resolve) struct BadLogWords<'a> {
    pub(super) words: &'a str,
    pub(super) span: Span,
    pub(super) fault: String,
}

impl Finding for BadLogWords<'_> {
    fn diagnostic(self) -> Diagnostic {
        let title = format!("`{}` cannot stand before logged packets", self.words.escape_debug());
        Diagnostic::new(code::BAD_LOG_WORDS, title, Label::new(self.span, self.fault))
            .note("the kernel's LOG target has room for 29 bytes, a blank at their end among them")
            .help("use up to 28 letters, digits, blanks and signs of ASCII other than `\"`, `\\` and `$`")
    }
}

/// A rate that the kernel's limit cannot count.
pub(in crate::resolve) struct BadRate<'a> {
    pub(super) rate: &'a str,
    pub(super) span: Span,
    pub(super) fault: String,
    pub(super) replacement: Option<String>,
}

impl Finding for BadRate<'_> {
    fn diagnostic(self) -> Diagnostic {
        let title = format!("`{}` is no rate to limit a log to", self.rate.escape_debug());
        let found = Diagnostic::new(code::BAD_RATE, title, Label::new(self.span, self.fault))
            .note("the kernel counts in 1/10000 of a second, and no further than a day");
        match self.replacement {
            Some(meant) => found.fix(format!("write `{meant}`"), self.span, meant),
            None => found.help("write a number and `second`, `minute`, `hour` or `day`, like `10/minute`"),
        }
    }
}

/// Two `connect` that allow different things between the same networks.
pub(in crate::resolve) struct ConflictingConnects<'a> {
    pub(in crate::resolve) pair: (&'a str, &'a str),
    pub(in crate::resolve) here: Span,
    /// Whether both have a block.
    pub(in crate::resolve) blocks: bool,
    /// The other one, and the instance of a `for` that made it.
    pub(in crate::resolve) other: (Span, Option<&'a str>),
}

impl Finding for ConflictingConnects<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { pair: (from, to), here, blocks, other } = self;
        let differ = if blocks { "with different rules" } else { "with a block of rules and without" };
        let label = if here == other.0 { "said here" } else { "also said here" };
        let found = Diagnostic::new(
            code::CONFLICTING_CONNECTS,
            format!("`{from}` -> `{to}` is said twice, {differ}"),
            Label::new(here, label),
        )
        .note(
            "the order of declarations says nothing, so neither can be taken to hold rather than the other",
        );
        let found = if here == other.0 { found } else { found.label_of(other.0, "first said here", other.1) };
        found.help("put the rules for these networks into one block")
    }
}

/// A `connect` that opens nothing, or nothing in one of its directions.
pub(in crate::resolve) struct NothingAllowed<'a> {
    pub(in crate::resolve) span: Span,
    /// The direction in which nothing is allowed, where the other one allows something, and what could
    /// stand for the arrow.
    pub(in crate::resolve) direction: Option<(&'a str, &'a str)>,
    pub(in crate::resolve) arrow: Option<Span>,
}

impl Finding for NothingAllowed<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, direction, arrow } = self;
        let Some((from, to)) = direction else {
            return Diagnostic::new(
                code::NOTHING_ALLOWED,
                "this `connect` allows nothing",
                Label::new(span, "no rule of its block allows anything"),
            )
            .note("a block is closed at its end: what no rule allows is denied")
            .help("allow something, or remove the `connect`: without it nothing passes either");
        };
        let found = Diagnostic::new(
            code::NOTHING_ALLOWED,
            format!("nothing is allowed from `{from}` to `{to}`"),
            Label::new(span, "`<->`, but all that is allowed is in the other direction"),
        );
        match arrow {
            Some(arrow) => found.certain_fix(format!("write `{to} -> {from}`"), arrow, "->"),
            None => found.help(format!("write `{to} -> {from}`")),
        }
    }
}

/// A rule that is about no pair of its `connect`.
pub(in crate::resolve) struct EmptyMatch {
    pub(super) span: Span,
}

impl Finding for EmptyMatch {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic::new(
            code::EMPTY_MATCH,
            "the rule can match no packet",
            Label::new(self.span, "no two networks of this `connect` are those of `from` and `to`"),
        )
        .help("correct the networks, or remove the rule")
    }
}
