//! Findings about aliases for those who see them.

use ipnet::IpNet;

use super::aliases::Suggestion;
use crate::diag::{Diagnostic, Finding, Label, code};
use crate::net::written;
use crate::source::{Span, Spanned};

/// More labels than this explain nothing.
const MOST_LABELS: usize = 4;

/// How many networks no alias names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// One.
    One,
    /// More than that.
    Several,
}

/// A network that sees a prefix, but not by any alias.
pub struct ViewerWithoutAlias<'a> {
    /// The network of the prefix.
    pub network: &'a str,
    /// The prefix.
    pub real: IpNet,
    /// The first of those that see it.
    pub viewer: &'a str,
    /// Whether there are more of them.
    pub unnamed: Unnamed,
    /// The last alias.
    pub here: Span,
    /// What is free.
    pub suggestion: Suggestion,
}

impl Finding for ViewerWithoutAlias<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, real, viewer, unnamed, here, suggestion } = self;
        let more = if unnamed == Unnamed::One { "" } else { ", nor to others that are connected" };
        let real = written(&real);
        let found = Diagnostic::new(
            code::VIEWER_WITHOUT_ALIAS,
            format!("`{real}` of network `{network}` is not known to `{viewer}` by any alias{more}"),
            Label::new(here, format!("`{viewer}` is not named here or before")),
        )
        .note("whoever calls these hosts or is called by them needs numbers for them, for answers too");
        let (viewers, what) = match unnamed {
            Unnamed::One => (format!(" for {viewer}"), "add one"),
            Unnamed::Several => (String::new(), "add one for all others"),
        };
        let end = Span { start: here.end, ..here };
        match suggestion {
            Suggestion::Exact(net) => {
                let text = format!(", {}{viewers}", written(&net));
                found.fix(format!("{what}: `{text}`"), end, text)
            }
            Suggestion::Computed(formula) => found.help(format!("{what}, like `, {formula}{viewers}`")),
            Suggestion::None => found.help(what),
        }
    }
}

/// Two aliases of one prefix for one network.
pub struct SecondAlias<'a> {
    /// The network of the prefix.
    pub network: &'a str,
    /// The prefix.
    pub real: IpNet,
    /// Whom both name; `None` if both are for all others.
    pub viewer: Option<&'a str>,
    /// The later alias.
    pub here: Span,
    /// The earlier one.
    pub earlier: Span,
}

impl Finding for SecondAlias<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, real, viewer, here, earlier } = self;
        let real = written(&real);
        let (whom, first, help) = match viewer {
            Some(viewer) => (
                format!("for `{viewer}`"),
                format!("`{viewer}` knows these hosts by this one already"),
                "name each network once; a name that is written out counts before a pattern",
            ),
            None => (
                String::from("for all others"),
                String::from("this one is for all others already"),
                "say whom one of them is for, like `for NETWORK`",
            ),
        };
        Diagnostic::new(
            code::SECOND_ALIAS,
            format!("`{real}` of network `{network}` has two aliases {whom}"),
            Label::new(here, "the second one"),
        )
        .label(earlier, first)
        .note("what a host sends can carry one source address only, so each viewer knows it by one")
        .help(help)
    }
}

/// An alias for the network whose hosts it stands for.
pub struct AliasForItself<'a> {
    /// The network.
    pub network: &'a str,
    /// Its name behind `for`.
    pub span: Span,
}

impl Finding for AliasForItself<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, span } = self;
        Diagnostic::new(
            code::ALIAS_FOR_ITSELF,
            format!("an alias of network `{network}` is for `{network}` itself"),
            Label::new(span, "names the network that it stands in"),
        )
        .note("hosts of one network reach each other by their own numbers, without the gateway")
        .help("name a network that is connected to this one")
    }
}

/// An alias that nobody sees.
pub struct AliasForStranger<'a> {
    /// The network of the prefix.
    pub network: &'a str,
    /// Whom it is for; `None` if a pattern names several or nobody.
    pub viewer: Option<&'a str>,
    /// Whether nothing is left of a pattern: what it matches is the network itself, or is written out at
    /// another alias.
    pub left_over: bool,
    /// What the pattern matches, where other aliases name it.
    pub elsewhere: Vec<Spanned<&'a str>>,
    /// Why that one sees nobody: its `nodes masqueraded`, and which instance of a `for` it is.
    pub masqueraded: Option<(Span, Option<&'a str>)>,
    /// What stands behind `for`.
    pub span: Span,
}

impl Finding for AliasForStranger<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { network, viewer, left_over, elsewhere, masqueraded, span } = self;
        let (title, label) = match viewer {
            Some(viewer) => (
                format!("an alias of network `{network}` is for `{viewer}`, which does not see it"),
                format!("no `connect` is about `{network}` and `{viewer}`"),
            ),
            None => (
                format!("an alias of network `{network}` is for nobody that sees it"),
                format!("no `connect` is about `{network}` and one of these"),
            ),
        };
        let found = |label: &str| Diagnostic::new(code::ALIAS_FOR_STRANGER, title, Label::new(span, label));
        if left_over {
            let label = if elsewhere.is_empty() {
                "matches this network alone"
            } else {
                "all that match are written out at another alias, or are this network"
            };
            let more = elsewhere.len().saturating_sub(MOST_LABELS);
            let shown = elsewhere.into_iter().take(MOST_LABELS).enumerate();
            return shown.fold(
                found(label).help("remove this alias"),
                |found, (n, Spanned { value, span })| {
                    let others = if n + 1 == MOST_LABELS && more > 0 {
                        format!(", and {more} more")
                    } else {
                        String::new()
                    };
                    found.label(span, format!("`{value}` is written out here{others}"))
                },
            );
        }
        match masqueraded.filter(|_| viewer.is_some()) {
            None => found(&label).help("connect the two, or remove this alias"),
            Some((masqueraded, instance)) => found("nobody looks for these numbers")
                .label_of(masqueraded, "its hosts see the gateway's own address alone", instance)
                .help("remove this alias"),
        }
    }
}
