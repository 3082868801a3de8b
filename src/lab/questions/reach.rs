//! Every declared pair: the right host answers, and sees who asks by the right number.
//!
//! What must hold: every pair takes part while there is room, in both families, with all transports; if
//! there is not, hosts are left out first, then transports, then pairs, and a note says so.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::REACH;
use super::rounds::DISTINCT;
use super::stage::{Ends, Pair, Stage};
use crate::lab::rules::{self, Asked};
use crate::lab::sample::{covering, spread};
use crate::lab::scene::{Expected, Kind, Trial};
use crate::net;

/// So many datagrams in fragments are sent at most.
const FRAGMENTS: usize = 60;
/// A datagram of more than two packets of Ethernet, in bytes.
const LONG: &str = "size=3000";

/// The questions, with a note if some are left out.
pub(super) fn questions(stage: &Stage<'_>, notes: &mut Vec<String>) -> Vec<Trial> {
    let pairs = stage.pairs();
    let per_pair = |hosts: &dyn Fn(usize, Pair<'_>) -> Vec<Ends>| -> Vec<Trial> {
        let all = pairs.iter().enumerate();
        all.flat_map(|(n, pair)| hosts(n, *pair).into_iter().flat_map(|ends| of(stage, *pair, ends)))
            .collect()
    };
    let all = per_pair(&|_, pair| stage.all(pair.from, pair.to));
    if all.len() <= REACH {
        return all;
    }
    let everybody = per_pair(&|_, pair| stage.everybody(pair.from, pair.to));
    if everybody.len() <= REACH {
        notes.push(format!(
            "{} of the {} questions that the hosts of declared pairs could ask each other are asked; every host \
             asks and is asked, over every transport",
            everybody.len(),
            all.len()
        ));
        return everybody;
    }
    let mut chosen = per_pair(&|n, pair| stage.one_each(pair.from, pair.to, n));
    if chosen.len() <= REACH {
        let key = |it: &Trial| (it.from, it.transport, it.source, it.destination, it.port);
        let known: BTreeSet<_> = chosen.iter().map(key).collect();
        let others = everybody.into_iter().filter(|it| !known.contains(&key(it))).collect();
        chosen.extend(spread(others, REACH - chosen.len()));
        notes.push(format!(
            "{} of the {} questions that the hosts of declared pairs could ask each other are asked: of each pair \
             one host asks one other over every transport, and some more do",
            chosen.len(),
            all.len()
        ));
        return chosen;
    }
    // Of each pair one transport at a time, another one each time, as long as there is room.
    let mut turns: Vec<Vec<Trial>> = Vec::new();
    for (n, pair) in pairs.iter().enumerate() {
        let mut asked: Vec<Trial> = stage
            .one_each(pair.from, pair.to, n)
            .into_iter()
            .flat_map(|ends| of(stage, *pair, ends))
            .collect();
        let count = asked.len().max(1);
        asked.rotate_left(n % count);
        for (turn, trial) in asked.into_iter().enumerate() {
            if turns.len() <= turn {
                turns.push(Vec::new());
            }
            turns[turn].push(trial);
        }
    }
    chosen.clear();
    for turn in turns {
        let room = REACH - chosen.len();
        chosen.extend(covering(turn, room, |it| [it.from, it.to.unwrap_or(it.from)]));
    }
    let mut reached: Vec<(usize, Option<usize>)> = chosen.iter().map(|it| (it.from, it.to)).collect();
    reached.sort_unstable();
    reached.dedup();
    notes.push(format!(
        "{} of the {} questions that the hosts of declared pairs could ask each other are asked, over transports \
         in turn; they are about {} of the {} pairs",
        chosen.len(),
        all.len(),
        reached.len(),
        pairs.len()
    ));
    chosen
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
