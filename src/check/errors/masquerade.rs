//! Findings about networks whose hosts only see the gateway.

use ipnet::IpNet;

use super::listed;
use crate::diag::{Diagnostic, Finding, Label, code};
use crate::model::Network;
use crate::net::{self, Family};
use crate::source::{Span, Spanned};

/// More callers than this are counted.
const MOST_CALLERS: usize = 5;

/// A masqueraded network in which the gateway has no address to be seen by.
pub struct MasqueradeWithoutAddress<'a> {
    /// The network.
    pub network: &'a str,
    /// A prefix of the family.
    pub prefix: Spanned<IpNet>,
    /// Its `nodes masqueraded`.
    pub span: Span,
}

impl Finding for MasqueradeWithoutAddress<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, prefix, span } = self;
        let family = match net::family(&prefix.value) {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        };
        let found = Diagnostic::new(
            code::MASQUERADE_WITHOUT_ADDRESS,
            format!("the gateway has no {family} address in masqueraded network `{network}`"),
            Label::new(span, "its hosts see the gateway's own address"),
        )
        .label(prefix.span, format!("{family} hosts"))
        .note("these hosts have no route: they can only answer an address on their own link");
        let length = prefix.value.prefix_len();
        // The first one of IPv6 is the anycast address of all routers (RFC 4291, 2.6.1).
        let mut usable = prefix.value.hosts().filter(|address| *address != prefix.value.network());
        match usable.next().filter(|_| length < prefix.value.max_prefix_len()) {
            Some(first) => found
                .help(format!("say which address the gateway has there, like `address {first}/{length}`")),
            None => found.help("say which address the gateway has there with `address`"),
        }
    }
}

/// A connection that only a masqueraded host could open.
pub struct OpenedByMasqueraded<'a> {
    /// Who would open, and to whom.
    pub pair: (&'a str, &'a str),
    /// The `connect`.
    pub span: Span,
    /// The `nodes masqueraded`, and which instance of a `for` its network is.
    pub masqueraded: (Span, Option<&'a str>),
    /// How many other masqueraded networks it lets open.
    pub more: usize,
    /// Whether it is about other pairs, too, by a pattern or in a `for`.
    pub several: bool,
    /// Whether the other network is masqueraded, too: then neither can open.
    pub both: bool,
}

impl Finding for OpenedByMasqueraded<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { pair: (from, to), span, masqueraded, more, several, both } = self;
        let others = if more > 0 { format!(" and {more} more") } else { String::new() };
        let found = Diagnostic::new(
            code::OPENED_BY_MASQUERADED,
            format!("hosts of masqueraded network `{from}` cannot open connections to `{to}`"),
            Label::new(span, format!("lets `{from}`{others} open")),
        )
        .label_of(masqueraded.0, "its hosts only answer", masqueraded.1)
        .note("masqueraded hosts have no route to other networks: they know nothing but the gateway's own address");
        if several {
            return found.help(
                "name masqueraded networks on the right side of `->` alone, or give their hosts routes and leave `nodes masqueraded` out",
            );
        }
        if both {
            return found.help(format!(
                "give the hosts of `{from}` or of `{to}` routes and leave `nodes masqueraded` out there"
            ));
        }
        found.help(format!(
            "write `connect {to} -> {from}`, or give the hosts routes and leave `nodes masqueraded` out"
        ))
    }
}

/// Networks with the same real addresses that open connections to a masqueraded one, which has room for two.
pub struct TooManyAlike<'a> {
    /// The masqueraded network.
    pub network: &'a str,
    /// Its `nodes masqueraded`.
    pub span: Span,
    /// Networks that cannot be told apart.
    pub callers: Vec<&'a Network>,
    /// How many others have the same addresses.
    pub more: usize,
    /// Whether each of them has addresses in common with the next, and the last with the first.
    pub ring: bool,
}

impl Finding for TooManyAlike<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, span, mut callers, more, ring } = self;
        let more = more + callers.len().saturating_sub(MOST_CALLERS);
        callers.truncate(MOST_CALLERS);
        let names: Vec<&str> = callers.iter().map(|caller| caller.name.value.as_str()).collect();
        let (common, why) = if ring {
            (
                "in common, each with the next",
                "and in a ring of an odd number two neighbours remain that are not",
            )
        } else {
            ("in common", "and not three")
        };
        let mut found = Diagnostic::new(
            code::TOO_MANY_ALIKE,
            format!("{} have real addresses {common}, and all open connections to masqueraded network `{network}`", listed(&names, more)),
            Label::new(span, "room for two networks with the same addresses"),
        )
        .note(format!("the answers of masqueraded hosts all go to the gateway's own address, so they share one conntrack zone; in it, two networks with the same addresses can be kept apart, {why}"));
        let last = names.last().copied().unwrap_or_default();
        let whom = if more > 0 && !ring {
            "an alias for every two of them"
        } else {
            "another alias for one of them"
        };
        found = found.help(format!("give the prefix of `{network}` {whom}, like `, ALIAS for {last}`"));
        for caller in callers {
            let text = format!("`{}` opens connections to it", caller.name.value);
            found = found.label_of(caller.name.span, text, caller.instance.as_deref());
        }
        found
    }
}
