//! Where things are written: lines of artefacts, and of the site behind them.
//!
//! Goes in: a rule, an ip rule or a route that did something. Comes out: its file and line, and what it says.
//! What must hold: nothing is guessed; what the kernel made by itself has no line.

use crate::read::artifacts::Artifacts;
use crate::read::filter::{Chain, Rule as FilterRule};
use crate::read::routing::{Action, Change, Route, Rule, Way};
use crate::sim::fate::Place;
use crate::sim::host::{DEFAULT, Host, LOCAL, MAIN};

/// The files that a host was told.
pub(super) struct Places<'a> {
    pub artifacts: &'a Artifacts,
    pub host: &'a Host,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// `ruleset.nft:112`; none of what the kernel made.
    pub at: Option<String>,
    /// The comment: the site's line, and a few words.
    pub comment: Option<String>,
}

impl Line {
    /// The site's line that the comment begins with: `site.ovl:12`.
    pub(super) fn source(&self) -> Option<&str> {
        let word = self.comment.as_deref()?.split(' ').next()?;
        let (_, line) = word.rsplit_once(':')?;
        line.parse::<usize>().is_ok().then_some(word)
    }
}

impl Places<'_> {
    /// A chain of a filter.
    pub(super) fn chain(&self, place: Place) -> Option<&Chain> {
        self.artifacts.filters.get(place.filter)?.value.chains.get(place.chain)
    }

    /// A rule; nothing of a policy.
    pub(super) fn rule(&self, place: Place) -> Line {
        let rule: Option<&FilterRule> =
            self.chain(place).zip(place.rule).and_then(|(chain, rule)| chain.rules.get(rule));
        let file = self.artifacts.filters.get(place.filter).map(|filter| filter.file.as_str());
        match rule.zip(file) {
            Some((rule, file)) => {
                Line { at: Some(format!("{file}:{}", rule.line)), comment: rule.comment.clone() }
            }
            None => Line::default(),
        }
    }

    /// The line of an ip rule, and what it says.
    pub(super) fn ip_rule(&self, place: usize) -> (Line, String) {
        let Some(rule) = self.host.rules.get(place) else { return (Line::default(), String::new()) };
        (self.command(|change| matches!(change, Change::AddRule(it) if it == rule)), rule_text(rule))
    }

    /// The line of a route, and what it says.
    pub(super) fn route(&self, route: &Route) -> (Line, String) {
        let mut line = self.command(|change| matches!(change, Change::AddRoute(it) if it == route));
        if line.at.is_none() {
            // What comes with an address is that address's.
            line = self.command(|change| match (change, &route.way) {
                (Change::AddAddress(own), Way::Out { device, .. }) => {
                    own.makes_route && own.device == *device && own.net.trunc() == route.to
                }
                (Change::AddAddress(own), Way::Local) => route.to.contains(&own.net.addr()),
                _ => false,
            });
        }
        (line, route_text(route))
    }

    fn command(&self, is: impl Fn(&Change) -> bool) -> Line {
        let found = self.artifacts.commands.iter().find(|command| is(&command.value.change));
        found.map_or_else(Line::default, |command| Line {
            at: Some(format!("{}:{}", command.file, command.value.line)),
            comment: command.value.source.clone(),
        })
    }
}

/// A table, by its name where it has one.
pub(super) fn table_name(table: u32) -> String {
    match table {
        LOCAL => "local".to_owned(),
        MAIN => "main".to_owned(),
        DEFAULT => "default".to_owned(),
        _ => table.to_string(),
    }
}

/// A rule as ip-rule(8) writes it.
fn rule_text(rule: &Rule) -> String {
    let mut words = vec![format!("pref {}", rule.preference)];
    if rule.not {
        words.push("not".to_owned());
    }
    words.extend(rule.from.map(|net| format!("from {net}")));
    words.extend(rule.to.map(|net| format!("to {net}")));
    words.extend(rule.iif.as_ref().map(|device| format!("iif {device}")));
    words.extend(rule.oif.as_ref().map(|device| format!("oif {device}")));
    words.extend(rule.mark.map(|(value, mask)| format!("fwmark {value:#x}/{mask:#x}")));
    words.push(match rule.action {
        Action::Lookup(table) => format!("lookup {}", table_name(table)),
        Action::Vrf => "lookup [l3mdev-table]".to_owned(),
        Action::Goto(preference) => format!("goto {preference}"),
        Action::Nothing => "nop".to_owned(),
    });
    words.join(" ")
}

/// A route as ip-route(8) writes it.
fn route_text(route: &Route) -> String {
    let to = if route.to.prefix_len() == 0 { "default".to_owned() } else { crate::net::written(&route.to) };
    let table = table_name(route.table);
    match &route.way {
        Way::Out { device, via: Some(via), .. } => format!("{to} via {via} dev {device} table {table}"),
        Way::Out { device, via: None, .. } => format!("{to} dev {device} table {table}"),
        Way::Unreachable => format!("unreachable {to} table {table}"),
        Way::Prohibited => format!("prohibit {to} table {table}"),
        Way::Blackhole => format!("blackhole {to} table {table}"),
        Way::Local => format!("local {to} table {table}"),
        Way::Broadcast => format!("broadcast {to} table {table}"),
        Way::Multicast => format!("multicast {to} table {table}"),
    }
}
