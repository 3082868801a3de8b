//! What the rules of a pair deny: the sender is told so, and nobody else hears of it.

use super::stage::{Ends, Pair, Stage};
use crate::lab::rules::{self, Asked};
use crate::lab::sample::spread;
use crate::lab::scene::{Expected, Kind, Trial};
use crate::model::Action;

/// So many are asked at most.
const ROOM: usize = 600;

/// The kernel's reject says administratively prohibited.
const TOLD: &[&str] = &["prohibited"];

/// The questions, with notes on rules that cannot be tried.
pub(super) fn questions(stage: &Stage<'_>, notes: &mut Vec<String>) -> Vec<Trial> {
    let pairs = stage.pairs();
    let (mut by_rule, mut by_end) = (Vec::new(), Vec::new());
    for pair in &pairs {
        let Some(list) = pair.rules else { continue };
        for (source, host) in stage.all(pair.from, pair.to) {
            for asked in rules::services(pair.rules) {
                let denied = match rules::first_action(list, source, host, asked) {
                    Some(Action::Allow) => continue,
                    Some(Action::Deny) => &mut by_rule,
                    None => &mut by_end,
                };
                denied.extend(question(stage, *pair, (source, host), asked));
            }
        }
    }
    // What a `deny` says may not be left to the end of a list alone.
    let count = by_rule.len() + by_end.len();
    let mut chosen = spread(by_rule, ROOM / 2);
    chosen.extend(spread(by_end, ROOM - chosen.len()));
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
    let ports = stage.site.rule_lists.iter().map(rules::left_out);
    let (named, left) = ports.fold((0, 0), |(named, left), (more, out)| (named + more, left + out));
    if left > 0 {
        notes.push(format!(
            "{left} of the {named} ports that rules name, first and last ones of ranges, are not asked for: of a \
             list there are too many"
        ));
    }
    chosen
}

fn question(stage: &Stage<'_>, pair: Pair<'_>, ends: Ends, asked: Asked) -> Option<Trial> {
    let mut trial = stage.ask_host(Kind::Denied, pair, ends, asked)?;
    // The kernel's reject verifies a checksum, which it does not find in a protocol it does not know.
    if asked.0 != "253" {
        trial.expected = Expected::Error(TOLD);
    }
    Some(trial)
}
