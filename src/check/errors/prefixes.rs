//! Findings about one prefix alone: its family, its length, its host bits, what it is made of.

use ipnet::IpNet;

use crate::diag::{Diagnostic, Finding, Label, code};
use crate::net::{self, Family};
use crate::source::{Span, Spanned};

/// Real and alias of different length.
pub struct UnequalLength {
    /// The hosts' own numbers.
    pub real: Spanned<IpNet>,
    /// What the others should know them by.
    pub alias: Spanned<IpNet>,
    /// The alias with the length of the real prefix.
    pub wanted: IpNet,
    /// Whether `wanted` can stand for the text at the place.
    pub exact: bool,
}

impl Finding for UnequalLength {
    fn diagnostic(self) -> Diagnostic {
        let Self { real, alias, wanted, exact } = self;
        let length = |net: &IpNet| format!("/{}", net.prefix_len());
        let found = Diagnostic::new(
            code::UNEQUAL_LENGTH,
            format!("alias `{}` and real prefix `{}` differ in length", alias.value, real.value),
            Label::new(alias.span, format!("{} here", length(&alias.value))),
        )
        .label(real.span, format!("{} here", length(&real.value)))
        .note("each host keeps its host bits in the alias, so both need the same number of addresses");
        if !exact {
            return found.help(format!("use an alias of the same length, {}", real.value.prefix_len()));
        }
        found.fix(format!("use an alias of the same length: `{wanted}`"), alias.span, wanted.to_string())
    }
}

/// IPv4 and IPv6 in one statement.
pub struct MixedFamilies<A, B> {
    /// What stands first.
    pub first: Spanned<A>,
    /// What stands second; it is blamed.
    pub second: Spanned<B>,
}

/// Something that belongs to a family.
pub trait OfFamily: std::fmt::Display {
    /// Which.
    fn family(&self) -> Family;
}

impl OfFamily for IpNet {
    fn family(&self) -> Family {
        net::family(self)
    }
}

impl OfFamily for std::net::IpAddr {
    fn family(&self) -> Family {
        net::family_of(self)
    }
}

impl<A: OfFamily, B: OfFamily> Finding for MixedFamilies<A, B> {
    fn diagnostic(self) -> Diagnostic {
        let Self { first, second } = self;
        let name = |family| match family {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        };
        let (a, b) = (name(first.value.family()), name(second.value.family()));
        Diagnostic::new(
            code::MIXED_FAMILIES,
            format!("`{}` is {a}, but `{}` is {b}", first.value, second.value),
            Label::new(second.span, format!("{b} here")),
        )
        .label(first.span, format!("{a} here"))
        .note("the gateway translates and routes each family for itself")
        .help(format!("write an {a} one here, and give {b} a line of its own"))
    }
}

/// A prefix that is written with an address in the middle of it.
pub struct HostBitsSet {
    /// The prefix as written.
    pub net: IpNet,
    /// Where.
    pub span: Span,
    /// Whether the network address can stand for the text at the place.
    pub exact: bool,
}

impl Finding for HostBitsSet {
    fn diagnostic(self) -> Diagnostic {
        let Self { net, span, exact } = self;
        let wanted = net.trunc();
        let found = Diagnostic::new(
            code::HOST_BITS_SET,
            format!("`{net}` is not a network address"),
            Label::new(span, format!("bits behind the first {} are set", net.prefix_len())),
        )
        .note("the tools that load the rules mask these bits silently, so it is unclear what was meant");
        let help = format!("write `{wanted}` for the whole prefix, or `{}` for this one host", net.addr());
        if exact { found.fix(help, span, wanted.to_string()) } else { found.help(help) }
    }
}

/// A prefix that no hosts of a network can have.
pub struct UnusablePrefix {
    /// The prefix.
    pub net: IpNet,
    /// Where.
    pub span: Span,
    /// What its addresses are instead.
    pub what: &'static str,
    /// The part of it that is so, where not all is.
    pub part: Option<IpNet>,
}

impl Finding for UnusablePrefix {
    fn diagnostic(self) -> Diagnostic {
        let Self { net, span, what, part } = self;
        // RFC 1918 and RFC 4193.
        let private = if net::family(&net) == Family::V4 { "10.0.0.0/8" } else { "fd00::/8" };
        let (title, label) = match part {
            Some(part) => (
                format!("`{net}` holds addresses that no host can have"),
                format!("`{part}` in it is {what}"),
            ),
            None if net.prefix_len() == 0 => {
                (format!("`{net}` is every address"), String::from("too wide for one network"))
            }
            None => (format!("`{net}` holds addresses that no host can have"), format!("{what} addresses")),
        };
        Diagnostic::new(code::UNUSABLE_PREFIX, title, Label::new(span, label))
            .note("only ordinary unicast addresses can be routed from one network to another")
            .help(format!(
                "use the prefix that the hosts really have, or one out of a private range such as `{private}`"
            ))
    }
}
