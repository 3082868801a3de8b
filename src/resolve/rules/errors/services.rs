//! The findings about protocols, ports and types of ICMP, one struct a code: OVL0217 to OVL0220, OVL0421; and OVL0422
//! about items of any list.
//!
//! Goes in: the word as it reads, its place, and what is known of what was meant. Comes out: findings. What must hold:
//! a replacement leaves the rest of the rule as it is.

use crate::diag::{Diagnostic, Finding, Label, code};
use crate::source::Span;

/// A protocol that does not exist, or that no rule can be about.
pub(in crate::resolve) struct UnknownProtocol<'a> {
    pub(in crate::resolve::rules) name: &'a str,
    pub(in crate::resolve::rules) span: Span,
    pub(in crate::resolve::rules) fault: &'static str,
    pub(in crate::resolve::rules) replacement: Option<&'a str>,
    /// Whether it may be meant as a port, or a range of them.
    pub(in crate::resolve::rules) port: bool,
    /// What to do where nothing stands for it.
    pub(in crate::resolve::rules) help: Option<String>,
}

impl Finding for UnknownProtocol<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { name, span, fault, replacement, port, help } = self;
        let title = format!("`{}` is no protocol of a rule", name.escape_debug());
        let found = Diagnostic::new(code::UNKNOWN_PROTOCOL, title, Label::new(span, fault));
        match replacement {
            Some("icmp") => {
                found.note("`icmp` is ICMP for IPv4 and ICMPv6 for IPv6").fix("write `icmp`", span, "icmp")
            }
            Some(known) => found.fix(format!("did you mean `{known}`?"), span, known),
            None if help.is_some() => Diagnostic { help, ..found },
            None if port => found.help(format!("write `tcp {name}` or `udp {name}`")),
            None => found.help("write a name like `tcp`, `udp`, `icmp` or `gre`, or the protocol's number"),
        }
    }
}

/// OVL0421: a number that everybody knows as a port, and no packet as its protocol.
pub(in crate::resolve) struct PortAsProtocol {
    pub(in crate::resolve::rules) number: u8,
    pub(in crate::resolve::rules) span: Span,
    /// What has this port: its name, its protocol.
    pub(in crate::resolve::rules) known: Option<(&'static str, &'static str)>,
}

impl Finding for PortAsProtocol {
    fn diagnostic(self) -> Diagnostic {
        let Self { number, span, known } = self;
        let found = Diagnostic::new(
            code::PORT_AS_PROTOCOL,
            format!("`{number}` is IP protocol {number} here, not port {number}"),
            Label::new(span, "matches nothing of TCP or UDP"),
        )
        .note("a rule begins with an IP protocol: `tcp` is number 6, `udp` is 17; a port stands behind its protocol");
        match known {
            Some((name, protocol)) => {
                let meant = format!("{protocol} {number}");
                found.fix(format!("write `{meant}` if {name} is meant"), span, meant)
            }
            None => found.help(format!("write `tcp {number}` or `udp {number}` if the port is meant")),
        }
    }
}

/// Something behind a protocol with ports that is no port.
pub(in crate::resolve) struct BadPort<'a> {
    pub(in crate::resolve::rules) port: &'a str,
    pub(in crate::resolve::rules) span: Span,
    pub(in crate::resolve::rules) fault: String,
    pub(in crate::resolve::rules) replacement: Option<String>,
    /// Whether nothing but the replacement can be meant.
    pub(in crate::resolve::rules) certain: bool,
}

impl Finding for BadPort<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { port, span, fault, replacement, certain } = self;
        let title = format!("`{}` is no port or range of ports", port.escape_debug());
        let found = Diagnostic::new(code::BAD_PORT, title, Label::new(span, fault));
        match replacement {
            Some(meant) if certain => found.certain_fix(format!("write `{meant}`"), span, meant),
            Some(meant) => found.fix(format!("write `{meant}`"), span, meant),
            None => found.help("write a number from 1 to 65535, or a range like `30000-30100`"),
        }
    }
}

/// Ports of a protocol that has none.
pub(in crate::resolve) struct NoPorts<'a> {
    pub(in crate::resolve::rules) protocol: &'a str,
    pub(in crate::resolve::rules) span: Span,
    /// Protocol and port in the other order, where that was probably meant, and the place of both.
    pub(in crate::resolve::rules) swapped: Option<(Span, String)>,
}

impl Finding for NoPorts<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { protocol, span, swapped } = self;
        if let Some((both, meant)) = swapped {
            let title = format!("the protocol of port `{protocol}` stands behind it");
            return Diagnostic::new(
                code::NO_PORTS,
                title,
                Label::new(span, "a protocol where its ports would be"),
            )
            .certain_fix(format!("write `{meant}`"), both, meant);
        }
        let any = protocol == "any";
        let title = if any {
            String::from("`any` is every protocol, also those without ports")
        } else {
            format!("protocol `{protocol}` has no ports")
        };
        let found = Diagnostic::new(code::NO_PORTS, title, Label::new(span, "ports here"));
        if any {
            return found.help("write a rule for `tcp` and one for `udp`");
        }
        found.help("leave the ports out; `tcp`, `udp`, `sctp`, `dccp` and `udplite` have some")
    }
}

/// An ICMP message that opens nothing.
pub(in crate::resolve) struct UnknownIcmpType<'a> {
    pub(in crate::resolve::rules) name: &'a str,
    pub(in crate::resolve::rules) span: Span,
    pub(in crate::resolve::rules) fault: &'static str,
    pub(in crate::resolve::rules) replacement: Option<&'a str>,
    /// Whether nothing but the replacement can be meant.
    pub(in crate::resolve::rules) certain: bool,
}

impl Finding for UnknownIcmpType<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { name, span, fault, replacement, certain } = self;
        let title = format!("no rule can be about the ICMP message `{}`", name.escape_debug());
        let found = Diagnostic::new(code::UNKNOWN_ICMP_TYPE, title, Label::new(span, fault)).note(
            "rules are about what opens a connection; its replies and the errors about it pass with it",
        );
        match replacement {
            Some(meant) if certain => found.certain_fix(format!("write `{meant}`"), span, meant),
            Some(meant) => found.fix(format!("write `{meant}`"), span, meant),
            None => found.help("leave it out, or write a request like `echo-request`"),
        }
    }
}

/// OVL0422: an item of a list that another one of the list holds, or overlaps.
pub(in crate::resolve) struct NeedlessItem<'a> {
    pub(in crate::resolve::rules) text: &'a str,
    pub(in crate::resolve::rules) span: Span,
    /// The other one.
    pub(in crate::resolve::rules) other: (&'a str, Span),
    /// What can go, where the other one holds all of it.
    pub(in crate::resolve::rules) removed: Span,
    /// What both are together, where the other one holds a part of it.
    pub(in crate::resolve::rules) both: Option<String>,
}

impl Finding for NeedlessItem<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { text, span, other: (other, there), removed, both } = self;
        let new =
            |title: String, label: &str| Diagnostic::new(code::NEEDLESS_ITEM, title, Label::new(span, label));
        if let Some(both) = both {
            return new(format!("`{text}` overlaps `{other}` in the same list"), "has a part of it again")
                .label(there, "the other one")
                .help(format!("write `{both}` for both, or correct one of them"));
        }
        let (found, label) = if text == other {
            (new(format!("`{text}` stands twice in one list"), "again"), "first here")
        } else {
            let title = format!("`{text}` adds nothing to `{other}` in the same list");
            (new(title, "needless"), "holds all of it")
        };
        // The number may as well be a wrong one.
        found.label(there, label).fix("remove it, or correct one of them", removed, "")
    }
}
