//! Every declared pair: the right host answers, and sees who asks by the right number.
//!
//! What must hold: every pair takes part while there is room, in both families, with all transports and
//! ports, and for every rule that allows something; if there is not, hosts are left out first, then
//! transports, then pairs, and a note says so. Rules are the last that is left out.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::REACH;
use super::rounds::DISTINCT;
use super::stage::{Ends, Pair, Stage};
use crate::lab::rules::{self, Asked};
use crate::lab::sample::{covering, first_of_each, spread};
use crate::lab::scene::{Expected, Kind, Trial};
use crate::net;

/// So many datagrams in fragments are sent at most.
const FRAGMENTS: usize = 60;
/// A datagram of more than two packets of Ethernet, in bytes.
const LONG: &str = "size=3000";

/// A question with the list and the rule that allow it.
struct Allowed {
    list: Option<usize>,
    rule: Option<usize>,
    trial: Trial,
}

/// The questions, with a note if some are left out.
pub(super) fn questions(stage: &Stage<'_>, notes: &mut Vec<String>) -> Vec<Trial> {
    let pairs = stage.pairs();
    let ends = |pair: &Pair<'_>| stage.all(pair.from, pair.to);
    let mut possible =
        pairs.iter().flat_map(|pair| ends(pair).into_iter().flat_map(|ends| of(stage, *pair, ends)));
    let all: Vec<Trial> = possible.by_ref().take(REACH + 1).collect();
    if all.len() <= REACH {
        return all;
    }
    let count = all.len() + possible.count();
    drop(all);
    let first: Vec<Allowed> =
        pairs.iter().enumerate().flat_map(|(n, pair)| first_of_pair(stage, *pair, n)).collect();
    let (chosen, which) = if first.len() <= REACH {
        let chosen = first.into_iter().map(|it| it.trial).collect();
        with_others(stage, &pairs, chosen)
    } else {
        some_of(first, pairs.len())
    };
    notes.push(format!(
        "{} of the {count} questions that the hosts of declared pairs could ask each other are asked{which}",
        chosen.len()
    ));
    chosen
}

/// Of a pair one question for each service, and for each rule that allows it, in each family. `turn` says
/// which hosts ask where several may.
fn first_of_pair(stage: &Stage<'_>, pair: Pair<'_>, turn: usize) -> Vec<Allowed> {
    let mut ends = stage.one_each(pair.from, pair.to, turn);
    if pair.rules.is_some() {
        ends.extend(stage.everybody(pair.from, pair.to));
        ends.extend(stage.all(pair.from, pair.to));
    }
    let services = rules::services(pair.rules);
    let mut known = BTreeSet::new();
    let mut first = Vec::new();
    for (source, host) in ends {
        for asked in &services {
            let rule = pair.rules.and_then(|list| rules::first_match(list, source, host, *asked));
            let key = (host.is_ipv4(), *asked, rule);
            if known.contains(&key) {
                continue;
            }
            if let Some(trial) = question(stage, Kind::Reach, pair, (source, host), *asked) {
                known.insert(key);
                first.push(Allowed { list: pair.list, rule, trial });
            }
        }
    }
    first
}

/// As many more as there is room for, so that every host asks and is asked.
fn with_others(stage: &Stage<'_>, pairs: &[Pair<'_>], mut chosen: Vec<Trial>) -> (Vec<Trial>, String) {
    let key = |it: &Trial| (it.from, it.transport, it.source, it.destination, it.port);
    let known: BTreeSet<_> = chosen.iter().map(key).collect();
    let ends = |pair: &Pair<'_>| stage.everybody(pair.from, pair.to);
    let everybody = pairs.iter().flat_map(|pair| ends(pair).into_iter().flat_map(|it| of(stage, *pair, it)));
    let others: Vec<Trial> = everybody.filter(|it| !known.contains(&key(it))).collect();
    let room = REACH - chosen.len();
    let fits = others.len() <= room;
    chosen.extend(spread(others, room));
    let which = match (pairs.iter().any(|pair| pair.rules.is_some()), fits) {
        (true, _) => ": of each pair one about every service and every rule that allows it, and some more",
        (false, true) => "; every host asks and is asked, over every transport",
        (false, false) => ": of each pair one host asks one other over every transport, and some more do",
    };
    (chosen, which.to_owned())
}

/// Of every list of rules one question for each rule and service, then of each pair one transport at a
/// time, another one each time, as long as there is room.
fn some_of(first: Vec<Allowed>, pairs: usize) -> (Vec<Trial>, String) {
    let parties = |it: &Trial| [it.from, it.to.unwrap_or(it.from)];
    let key = |it: &Allowed| (it.list, it.rule, it.trial.transport, it.trial.port, it.trial.source.is_ipv4());
    let ruled = first.iter().any(|it| it.rule.is_some());
    let (of_rules, others) = first_of_each(first, key);
    let count = of_rules.len();
    let mut chosen = covering(of_rules.into_iter().map(|it| it.trial).collect(), REACH, parties);
    let every_rule = if ruled && chosen.len() == count {
        "every rule that allows something is asked about, and "
    } else {
        ""
    };
    let mut turns: Vec<Vec<Trial>> = Vec::new();
    let same_pair = |a: &Allowed, b: &Allowed| parties(&a.trial) == parties(&b.trial);
    for (n, of_pair) in others.chunk_by(same_pair).enumerate() {
        for turn in 0..of_pair.len() {
            if turns.len() <= turn {
                turns.push(Vec::new());
            }
            turns[turn].push(of_pair[(turn + n) % of_pair.len()].trial.clone());
        }
    }
    for turn in turns {
        let room = REACH - chosen.len();
        chosen.extend(covering(turn, room, parties));
    }
    let reached: BTreeSet<_> = chosen.iter().map(parties).collect();
    let which = format!(
        ", over transports in turn; {every_rule}they are about {} of the {pairs} pairs",
        reached.len()
    );
    (chosen, which)
}

/// What one host may ask another.
fn of(stage: &Stage<'_>, pair: Pair<'_>, ends: Ends) -> Vec<Trial> {
    let services = rules::services(pair.rules).into_iter();
    services.filter_map(|asked| question(stage, Kind::Reach, pair, ends, asked)).collect()
}

/// A question that the host answers; none if the rules do not allow it, nobody listens, or it cannot be
/// known what comes of it.
pub(super) fn question(
    stage: &Stage<'_>,
    kind: Kind,
    pair: Pair<'_>,
    ends: Ends,
    asked: Asked,
) -> Option<Trial> {
    let (source, host) = ends;
    if !rules::allows(pair.rules, source, host, asked) || !is_listening(stage, pair, asked) {
        return None;
    }
    let masqueraded = stage.is_masqueraded(pair.to);
    let shared = stage.known.share(pair.from, pair.to, net::family_of(&host));
    if asked.0 == "253" && (masqueraded || shared) {
        return None;
    }
    let mut trial = stage.ask_host(kind, pair, ends, asked)?;
    trial.expected = answer(stage, pair, (source, host), masqueraded || shared)?;
    if masqueraded {
        // Two that get one port at the same moment lose a packet: clients ask again.
        trial.options.push("again".to_owned());
    }
    Some(trial)
}

fn is_listening(stage: &Stage<'_>, pair: Pair<'_>, (_, port): Asked) -> bool {
    port == 0 || stage.lans[pair.to].ports.contains(&port)
}

fn answer(stage: &Stage<'_>, pair: Pair<'_>, (source, host): Ends, any_port: bool) -> Option<Expected> {
    let sees: IpAddr = stage.known.seen_as(pair.from, source, pair.to, host)?;
    Some(Expected::Answer { network: Some(pair.to), host, sees, any_port })
}

/// Datagrams in fragments, for some of the pairs.
pub(super) fn fragments(stage: &Stage<'_>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (n, pair) in stage.pairs().into_iter().enumerate() {
        for ends in stage.one_each(pair.from, pair.to, n) {
            let services =
                rules::services(pair.rules).into_iter().filter(|(transport, _)| *transport == "udp");
            let trial =
                services.filter_map(|asked| question(stage, Kind::Fragments, pair, ends, asked)).next();
            trials.extend(trial.map(|mut trial| {
                trial.options.push(LONG.to_owned());
                if stage.is_masqueraded(pair.to) {
                    trial.source_port = DISTINCT;
                }
                trial
            }));
        }
    }
    spread(trials, FRAGMENTS)
}
