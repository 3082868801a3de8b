//! What the rules of a pair deny: the sender is told so, and nobody else hears of it.

use std::net::IpAddr;

use super::stage::{Pair, Stage};
use crate::lab::rules;
use crate::lab::sample::spread;
use crate::lab::scene::{Expected, Kind, Trial};

/// So many are asked at most.
const ROOM: usize = 600;

/// The kernel's reject says administratively prohibited.
const TOLD: &[&str] = &["prohibited"];

/// The questions, with notes on rules that cannot be tried.
pub(super) fn questions(stage: &Stage<'_>, notes: &mut Vec<String>) -> Vec<Trial> {
    let pairs = stage.pairs();
    let ruled = pairs.iter().filter(|pair| pair.rules.is_some());
    let all: Vec<Trial> = ruled
        .flat_map(|pair| stage.all(pair.from, pair.to).into_iter().flat_map(|ends| of(stage, *pair, ends)))
        .collect();
    let count = all.len();
    let chosen = spread(all, ROOM);
    if chosen.len() < count {
        notes.push(format!("{} of the {count} questions that rules deny are asked", chosen.len()));
    }
    let rules = || stage.site.rule_lists.iter().flat_map(|list| &list.rules);
    let untried = rules().filter(|rule| !rules::can_be_asked(rule)).count();
    if untried > 0 {
        notes.push(format!(
            "{untried} of the {} rules are about protocols that the lab's hosts do not speak: they ask over TCP, UDP, \
             ICMP echo and protocol 253",
            rules().count()
        ));
    }
    chosen
}

fn of(stage: &Stage<'_>, pair: Pair<'_>, (source, host): (IpAddr, IpAddr)) -> Vec<Trial> {
    let denied = rules::services(pair.rules).into_iter();
    let denied = denied.filter(|asked| !rules::allows(pair.rules, source, host, *asked));
    let ask = |asked: rules::Asked| {
        let mut trial = stage.ask_host(Kind::Denied, pair, (source, host), asked)?;
        // The kernel's reject verifies a checksum, which it does not find in a protocol it does not know.
        if asked.0 != "253" {
            trial.expected = Expected::Error(TOLD);
        }
        Some(trial)
    };
    denied.filter_map(ask).collect()
}
