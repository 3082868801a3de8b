//! The answers of `whois`, as sentences and as a document.
//!
//! Goes in: an [`Answer`]. Comes out: text. What must hold: the document's shape is this file's own; a
//! field added raises the minor number of `format_version`, a field changed or gone raises the major one.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::document;
use crate::plan::Plan;
use crate::plan::whois::{Answer, Known, Opening, Question, Subject, View};
use crate::source::{SourceMap, Span};

/// The version of the document's shape, `MAJOR.MINOR`.
const FORMAT_VERSION: &str = "1.0";

/// Up to this many networks that know nothing are named.
const NAMED: usize = 4;

/// What was asked, and of which site.
pub(super) struct Told<'a> {
    /// The site's plan.
    pub plan: &'a Plan,
    /// Its text.
    pub sources: &'a SourceMap,
    /// What was asked, as it was written.
    pub asked: &'a str,
    /// The network that asks: a place in the plan's networks.
    pub from: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Whois")]
struct DocumentView<'a> {
    format_version: &'static str,
    asked: &'a str,
    from: Option<&'a str>,
    /// The gateway itself outside the networks.
    gateway: Vec<OutsideView<'a>>,
    meanings: Vec<SubjectView<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Outside")]
struct OutsideView<'a> {
    interface: &'a str,
    source: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Subject")]
struct SubjectView<'a> {
    network: &'a str,
    address: String,
    /// `host` or `gateway`.
    kind: &'static str,
    names: Vec<&'a str>,
    /// Whether the address that was asked for is an alias, and `known` lists those to whom it is one.
    alias: bool,
    source: String,
    known: Vec<ViewView<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Known")]
struct ViewView<'a> {
    network: &'a str,
    /// By which address; null where by none.
    address: Option<String>,
    /// `alias`, `itself`, `masqueraded`, `other-family`, `none` or `apart`.
    how: &'static str,
    source: Option<String>,
    /// The `connect` by which that network may open connections to this one; or null.
    opens: Option<String>,
    /// Whether rules of that `connect` say which ones.
    opens_by_rules: bool,
    /// The `connect` by which it is opened connections to; or null.
    answers: Option<String>,
    /// Whether rules of that `connect` say which ones.
    answers_by_rules: bool,
}

/// The JSON Schema that every document keeps to.
pub(in crate::cli) fn schema() -> Schema {
    document::schema::<DocumentView<'_>>()
}

impl Told<'_> {
    /// The document, ended by a newline.
    pub(super) fn json(&self, answer: &Answer) -> String {
        let outside = answer.outside.iter().map(|n| &self.plan.outside[*n]);
        let view = DocumentView {
            format_version: FORMAT_VERSION,
            asked: self.asked,
            from: self.from.map(|from| self.name(from)),
            gateway: outside
                .map(|(address, interface)| OutsideView { interface, source: self.at(address.span) })
                .collect(),
            meanings: answer.subjects.iter().map(|subject| self.subject_view(subject)).collect(),
        };
        document::text(&view)
    }

    fn subject_view(&self, subject: &Subject) -> SubjectView<'_> {
        let view = |view: &View| {
            let (how, address, source) = match view.known {
                Known::As(address, span) if address == subject.address => {
                    ("itself", Some(address), Some(span))
                }
                Known::As(address, span) => ("alias", Some(address), Some(span)),
                Known::Masqueraded(address, span) => ("masqueraded", address, Some(span)),
                Known::OtherFamily => ("other-family", None, None),
                Known::Nothing => ("none", None, None),
                Known::Apart => ("apart", None, None),
            };
            ViewView {
                network: self.name(view.viewer),
                address: address.map(|address| address.to_string()),
                how,
                source: source.map(|span| self.at(span)),
                opens: view.opens.map(|opening| self.at(opening.span)),
                opens_by_rules: view.opens.is_some_and(|opening| opening.by_rules),
                answers: view.answers.map(|opening| self.at(opening.span)),
                answers_by_rules: view.answers.is_some_and(|opening| opening.by_rules),
            }
        };
        SubjectView {
            network: self.name(subject.network),
            address: subject.address.to_string(),
            kind: if subject.gateway.is_some() { "gateway" } else { "host" },
            names: self.names(subject),
            alias: subject.by_alias,
            source: self.at(subject.span),
            known: subject.views.iter().map(view).collect(),
        }
    }

    /// The sentences, each on a line; never empty.
    pub(super) fn sentences(&self, question: Question<'_>, answer: &Answer) -> String {
        let mut lines = Vec::new();
        for n in &answer.outside {
            let (address, interface) = &self.plan.outside[*n];
            let (own, place) = (address.net.addr(), self.at(address.span));
            lines.push(format!(
                "{own} is the gateway itself, on {interface}, outside of the networks ({place})."
            ));
        }
        for subject in &answer.subjects {
            if subject.by_alias {
                self.alias(subject, &mut lines);
            } else {
                self.real(subject, &mut lines);
            }
        }
        if !answer.is_something(self.from) {
            for (owner, prefix, span) in &answer.vacant {
                let (asked, owner, place) = (self.asked, self.name(*owner), self.at(*span));
                lines.push(format!(
                    "{asked} is in {prefix}, by which {owner} is known ({place}), but no host is known by it: \
                     a more specific prefix gives that one another address."
                ));
            }
            lines.push(self.nothing(question));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn nothing(&self, question: Question<'_>) -> String {
        let asked = self.asked;
        match (self.from, question) {
            (Some(from), _) => format!("{asked} means nothing to {}.", self.name(from)),
            (None, Question::Host(_, Some(network))) => {
                format!("{} has no host {asked}.", self.name(network))
            }
            (None, _) => format!("{asked} means nothing in this site."),
        }
    }

    /// Somebody by an alias: who it is, and to whom.
    fn alias(&self, subject: &Subject, lines: &mut Vec<String>) {
        let (asked, address, network) = (self.asked, subject.address, self.name(subject.network));
        let (place, who) = (self.at(subject.span), self.who(subject));
        lines.push(format!("{asked} stands for {address} in {network} ({place}), {who}:"));
        for (group, viewers) in grouped(&subject.views) {
            let to = self.list(&viewers);
            let may = match (subject.gateway, group.opens, group.answers) {
                (Some(_), ..) => String::from(", for whom it is unreachable"),
                (None, None, None) => String::new(),
                (None, Some(opening), _) => {
                    format!(", which {} it ({})", may_open(opening), self.at(opening.span))
                }
                (None, None, Some(opening)) => {
                    format!(", which can only answer it ({})", self.at(opening.span))
                }
            };
            lines.push(format!("  to {to}{may}."));
        }
    }

    /// Somebody by their own address: who it is, and who knows them by which one.
    fn real(&self, subject: &Subject, lines: &mut Vec<String>) {
        let (address, network, who) = (subject.address, self.name(subject.network), self.who(subject));
        let named = subject.gateway.is_some() || !subject.hosts.is_empty();
        lines.push(if named {
            format!("{address} in {network} is {who}.")
        } else {
            format!("{address} in {network} has no name ({}).", self.at(subject.span))
        });
        for (group, viewers) in grouped(&subject.views) {
            let several = viewers.len() > 1;
            let verb = |one: &'static str, more: &'static str| if several { more } else { one };
            let may = match (group.opens, group.answers) {
                (Some(opening), _) => format!(" and {} it ({})", may_open(opening), self.at(opening.span)),
                (None, Some(opening)) => format!(" and can only answer it ({})", self.at(opening.span)),
                (None, None) => String::new(),
            };
            let (list, knows) = (self.list(&viewers), verb("knows", "know"));
            let not = verb("does not know it", "do not know it");
            lines.push(match group.known {
                Known::As(own, span) if own == address => {
                    format!("  {list} {knows} it as {own}, its own address ({}),{may}.", self.at(span))
                }
                Known::As(alias, span) => {
                    format!("  {list} {knows} it as {alias} ({}),{may}.", self.at(span))
                }
                Known::Masqueraded(Some(own), span) => format!(
                    "  {list} {} {own} in its place, the gateway's own address there ({}),{may}.",
                    verb("sees", "see"),
                    self.at(span)
                ),
                Known::Masqueraded(None, span) => format!(
                    "  {list} {} one of the gateway's own addresses there in its place ({}),{may}.",
                    verb("sees", "see"),
                    self.at(span)
                ),
                Known::OtherFamily => {
                    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
                    format!("  {list} {not}, and {} no {family}.", verb("speaks", "speak"))
                }
                Known::Nothing => format!("  {list} {not} by any address."),
                Known::Apart => format!("  {list} {not}: no `connect` joins it with {network}."),
            });
        }
        if subject.gateway.is_none() && self.from.is_none() {
            // In order, as views are.
            let known: Vec<usize> = subject.views.iter().map(|view| view.viewer).collect();
            let others = (0..self.plan.networks.len())
                .filter(|n| *n != subject.network && known.binary_search(n).is_err());
            let others: Vec<usize> = others.collect();
            if !others.is_empty() {
                let verb = if others.len() > 1 { "do" } else { "does" };
                let list = if others.len() > NAMED {
                    format!("{} other networks", others.len())
                } else {
                    self.list(&others)
                };
                lines.push(format!(
                    "  {list} {verb} not know it: no `connect` joins {network} with {}.",
                    if others.len() > 1 { "them" } else { "it" }
                ));
            }
        }
    }

    /// Who it is, as what follows a comma; nothing is said to exist that the site does not name.
    fn who(&self, subject: &Subject) -> String {
        if let Some(span) = subject.gateway {
            return format!("the gateway's own address there ({})", self.at(span));
        }
        let hosts = &self.plan.networks[subject.network].hosts;
        let named: Vec<String> = subject
            .hosts
            .iter()
            .map(|n| format!("the host {} ({})", hosts[*n].name, self.at(hosts[*n].span)))
            .collect();
        if named.is_empty() { String::from("which has no name") } else { named.join(", also ") }
    }

    fn names(&self, subject: &Subject) -> Vec<&str> {
        let hosts = &self.plan.networks[subject.network].hosts;
        subject.hosts.iter().map(|n| hosts[*n].name.as_str()).collect()
    }

    fn name(&self, network: usize) -> &str {
        &self.plan.networks[network].name
    }

    /// `a`, `a and b`, `a, b and c`.
    fn list(&self, networks: &[usize]) -> String {
        let names: Vec<&str> = networks.iter().map(|network| self.name(*network)).collect();
        match names.as_slice() {
            [] => String::new(),
            [one] => (*one).to_owned(),
            [first @ .., last] => format!("{} and {last}", first.join(", ")),
        }
    }

    /// `site.ovl:12`
    fn at(&self, span: Span) -> String {
        let file = self.sources.file(span.file);
        format!("{}:{}", file.name, file.line(span.start))
    }
}

/// What one may do that opens connections.
fn may_open(opening: Opening) -> &'static str {
    if opening.by_rules { "may open what rules allow to" } else { "may open connections to" }
}

/// The views that differ in nothing but the viewer, together, in the order of the first of each.
fn grouped(views: &[View]) -> Vec<(View, Vec<usize>)> {
    let mut groups: Vec<(View, Vec<usize>)> = Vec::new();
    for view in views {
        let same = |group: &View| View { viewer: view.viewer, ..*group } == *view;
        match groups.iter_mut().find(|(group, _)| same(group)) {
            Some((_, viewers)) => viewers.push(view.viewer),
            None => groups.push((*view, vec![view.viewer])),
        }
    }
    groups
}
