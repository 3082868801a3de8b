//! What the rules of a pair deny: the sender is told so, and nobody else hears of it.

use super::stage::{Ends, Pair, Stage};
use crate::lab::rules::{self, Asked};
use crate::lab::sample::{first_of_each, spread};
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
                let rule = rules::first_match(list, source, host, asked);
                let denied = match rule.map(|n| list.rules[n].action) {
                    Some(Action::Allow) => continue,
                    Some(Action::Deny) => &mut by_rule,
                    None => &mut by_end,
                };
                let trial = question(stage, *pair, (source, host), asked);
                denied.extend(trial.map(|trial| ((pair.list, rule, asked, host.is_ipv4()), trial)));
            }
        }
    }
    // What a `deny` says may not be left to the end of a list alone, and each is there for something else.
    let count = by_rule.len() + by_end.len();
    let (first, others) = first_of_each(by_rule, |(of, _)| *of);
    let (first_by_end, others_by_end) = first_of_each(by_end, |(of, _)| *of);
    let mut chosen = Vec::new();
    for (denied, room) in
        [(first, ROOM / 2), (first_by_end, ROOM * 3 / 4), (others, ROOM * 7 / 8), (others_by_end, ROOM)]
    {
        let room = room.saturating_sub(chosen.len());
        chosen.extend(spread(denied, room).into_iter().map(|(_, trial)| trial));
    }
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
