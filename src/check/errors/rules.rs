//! Findings about rules that have no effect.

use crate::diag::{Diagnostic, Finding, Label, code};
use crate::model::{Action, Network};
use crate::net::Family;
use crate::source::Span;

/// More labels than this explain nothing.
const MOST_LABELS: usize = 4;

const fn word(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Deny => "deny",
    }
}

const fn does(action: Action) -> &'static str {
    match action {
        Action::Allow => "allows",
        Action::Deny => "denies",
    }
}

/// The rules that decide instead, as secondary labels.
fn deciders(found: Diagnostic, by: &[(Span, Action)]) -> Diagnostic {
    let whole = if by.len() == 1 { "all of it" } else { "part of it" };
    let shown = by.iter().take(MOST_LABELS).enumerate();
    shown.fold(found, |found, (n, (span, action))| {
        let more = by.len().saturating_sub(MOST_LABELS);
        let others =
            if n + 1 == MOST_LABELS && more > 0 { format!(", and {more} more") } else { String::new() };
        found.label(*span, format!("{} {whole}{others}", does(*action)))
    })
}

/// A rule behind others that do the opposite to all its packets.
pub struct ContradictoryRule {
    /// The rule.
    pub span: Span,
    /// What it would do.
    pub action: Action,
    /// The rules that decide, and what they do.
    pub by: Vec<(Span, Action)>,
}

impl Finding for ContradictoryRule {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, action, by } = self;
        let (one, opposite) = match (by.len(), action) {
            (1, Action::Allow) => ("an earlier rule denies", "denied"),
            (1, Action::Deny) => ("an earlier rule allows", "allowed"),
            (_, Action::Allow) => ("earlier rules deny", "denied"),
            (_, Action::Deny) => ("earlier rules allow", "allowed"),
        };
        let found = Diagnostic::new(
            code::CONTRADICTORY_RULE,
            format!("this `{}` can never match: {one} all that it is about", word(action)),
            Label::new(span, format!("never matches; its connections are {opposite}")),
        );
        deciders(found, &by)
            .note("the first rule that matches decides")
            .help("put it before what hides it, or remove one of them")
    }
}

/// A rule behind others that decide about all its packets, in different ways.
pub struct ShadowedRule {
    /// The rule.
    pub span: Span,
    /// What it would do.
    pub action: Action,
    /// The rules that decide, and what they do.
    pub by: Vec<(Span, Action)>,
}

impl Finding for ShadowedRule {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, action, by } = self;
        let found = Diagnostic::new(
            code::SHADOWED_RULE,
            format!("this `{}` can never match: earlier rules decide about all of it", word(action)),
            Label::new(span, "never matches"),
        );
        deciders(found, &by)
            .note("the first rule that matches decides")
            .help("put it before those that hide it, or remove it")
    }
}

/// A rule without which everything would be the same.
pub struct RedundantRule {
    /// The rule.
    pub span: Span,
    /// What it does.
    pub action: Action,
    /// The rules that do the same.
    pub by: Vec<(Span, Action)>,
    /// Whether that is one behind it.
    pub later: bool,
}

impl Finding for RedundantRule {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, action, by, later } = self;
        let (one, does) = match (by.len(), later) {
            (_, true) => ("a later rule", does(action)),
            (1, false) => ("an earlier rule", does(action)),
            _ => ("earlier rules", word(action)),
        };
        let label = if later { "changes nothing" } else { "never matches" };
        let found = Diagnostic::new(
            code::REDUNDANT_RULE,
            format!("this `{}` adds nothing: {one} {does} all that it is about", word(action)),
            Label::new(span, label),
        );
        deciders(found, &by).help("remove one of them")
    }
}

/// Why a rule is about no packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The families of the hosts on both sides, as words.
    Hosts(&'static str, &'static str),
    /// The hosts have this family in common, but none of these ICMP messages is of it.
    Message(Family),
    /// The hosts have IPv6 in common, but the protocol is AH.
    Header,
}

/// A rule about no packet at all.
pub struct EmptyRule {
    /// The rule.
    pub span: Span,
    /// Why there is none.
    pub why: Why,
}

impl Finding for EmptyRule {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, why } = self;
        let found = |label: String| {
            Diagnostic::new(code::EMPTY_MATCH, "the rule can match no packet", Label::new(span, label))
        };
        match why {
            Why::Hosts(opens, answers) => found(format!("the hosts that open have {opens}, those that answer {answers}"))
                .note("a packet has one family: its source and its destination are both IPv4 or both IPv6")
                .help("name hosts of one family on both sides, or remove the rule"),
            Why::Message(hosts) => {
                let (of, common) = if hosts == Family::V4 { ("IPv6", "IPv4") } else { ("IPv4", "IPv6") };
                found(format!("this is a message of {of} alone, but the hosts have {common} in common"))
                    .note(
                        "`echo-request` is a message of both families, `timestamp-request`, `information-request` and \
                         `address-mask-request` are of IPv4 alone, and `node-information` of IPv6 alone",
                    )
                    .help(format!("write `echo-request`, name hosts with {of} on both sides, or remove the rule"))
            }
            Why::Header => found(String::from("this is a protocol in IPv4 alone, but the hosts have IPv6 in common"))
                .note("in IPv6 AH is an extension header: what stands behind it is the protocol, and no rule sees AH")
                .help("write the protocol that it protects, name hosts with IPv4 on both sides, or remove the rule"),
        }
    }
}

/// A rule about nobody but the gateway itself.
pub struct RuleForGateway<'a> {
    /// The addresses in the rule.
    pub span: Span,
    /// The network where they are the gateway's.
    pub network: &'a Network,
    /// The `address` that says so.
    pub address: Span,
    /// Whether they stand for all of the link.
    pub group: bool,
}

impl Finding for RuleForGateway<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, network, address, group } = self;
        let name = &network.name.value;
        let (label, why) = if group {
            (
                format!("stands for all of the gateway's link in `{name}`"),
                "what is sent to all stations or routers of a link is not forwarded",
            )
        } else {
            (
                format!("the gateway itself, in `{name}`"),
                "rules are about what is forwarded, and nothing is from or to the gateway's own addresses",
            )
        };
        Diagnostic::new(code::EMPTY_MATCH, "the rule can match no packet", Label::new(span, label))
            .label_of(address, "the gateway's address", network.instance.as_deref())
            .note(why)
            .help(format!("name a host of `{name}`, or remove the rule"))
    }
}
