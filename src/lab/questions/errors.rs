//! What a sender must be told: that a packet does not fit, that its hops ran out, that a host is not there.

use super::reach;
use super::stage::{Ends, Pair, Stage};
use crate::lab::rules::{self, Asked};
use crate::lab::sample::covering;
use crate::lab::scene::{Expected, Kind, Trial};
use crate::net;

/// The MTU of a far link while packets do not fit, in bytes: more than the least of IPv6, 1280.
pub(super) const NARROW: &str = "1300";
/// The MTU that links have otherwise, that of Ethernet.
pub(super) const WIDE: &str = "1500";
/// What fits the near link and not the far one.
const MIDDLE: &str = "size=1400";
/// So many packets whose hops run out are sent at most.
const EXPIRED: usize = 200;
/// So many hosts that are not there are asked for at most: each is a neighbour that the kernel looks for,
/// and it has room for 1024 of a family in all namespaces together (`gc_thresh3` of arp(7)).
const DEAD: usize = 60;
/// So many links are made narrow at most.
const LINKS: usize = 40;

/// Packets whose hops run out at the gateway.
pub(super) fn expired(stage: &Stage<'_>) -> Vec<Trial> {
    sampled(
        some(stage, Kind::Expired, &["udp", "icmp", "tcp"], |trial| {
            trial.options = vec!["ttl=1".to_owned()];
            trial.expected = Expected::Error(&["expired"]);
        }),
        EXPIRED,
    )
}

/// Questions to a host that is not there, behind an alias.
pub(super) fn dead(stage: &Stage<'_>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (n, pair) in stage.pairs().into_iter().enumerate() {
        for (source, host) in stage.one_each(pair.from, pair.to, n) {
            let Some(nobody) = stage.spare(pair.to, net::family_of(&host)).next() else { continue };
            let asked = allowed(pair, (source, nobody), &["udp", "tcp", "icmp"], n);
            let trial = asked.and_then(|asked| stage.ask_host(Kind::Dead, pair, (source, nobody), asked));
            trials.extend(
                trial.map(|trial| Trial { expected: Expected::Error(&["host-unreachable"]), ..trial }),
            );
        }
    }
    sampled(trials, DEAD)
}

/// Packets that do not fit the far link: rounds, each with the interfaces that are narrow meanwhile.
/// Nobody asks from behind one of these, for what does not fit is lost on the near link without a word.
pub(super) fn too_big<'s>(stage: &Stage<'s>, notes: &mut Vec<String>) -> Vec<(Vec<&'s str>, Vec<Trial>)> {
    let trials = some(stage, Kind::TooBig, &["udp"], |trial| {
        trial.options = vec![MIDDLE.to_owned()];
        trial.expected = Expected::Error(&["too-big"]);
    });
    // Of each network one that asks it, as long as there is room.
    let mut asked: Vec<(usize, usize)> = Vec::new();
    for trial in &trials {
        let Some(to) = trial.to else { continue };
        if !asked.iter().any(|(_, known)| *known == to) {
            asked.push((trial.from, to));
        }
    }
    let count = asked.len();
    asked.truncate(LINKS);
    if count > LINKS {
        notes.push(format!("packets that do not fit a link are sent to {LINKS} of {count} networks"));
    }
    let mut rounds = Vec::new();
    while !asked.is_empty() {
        // In one round nobody is on both sides.
        let (mut askers, mut narrow, mut later) = (Vec::new(), Vec::new(), Vec::new());
        for (from, to) in asked {
            if narrow.contains(&from) || askers.contains(&to) {
                later.push((from, to));
            } else {
                askers.push(from);
                narrow.push(to);
            }
        }
        let chosen = |it: &&Trial| it.to.is_some_and(|to| narrow.contains(&to)) && askers.contains(&it.from);
        let of_round: Vec<Trial> = trials.iter().filter(chosen).cloned().collect();
        rounds.push((narrow.iter().map(|n| stage.lans[*n].interface.as_str()).collect(), of_round));
        asked = later;
    }
    rounds
}

/// One question of each pair and family, over one of these transports in turn.
fn some(stage: &Stage<'_>, kind: Kind, transports: &[&str], change: impl Fn(&mut Trial)) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (n, pair) in stage.pairs().into_iter().enumerate() {
        for ends in stage.one_each(pair.from, pair.to, n) {
            let asked = allowed(pair, ends, transports, n);
            let trial = asked.and_then(|asked| reach::question(stage, kind, pair, ends, asked));
            trials.extend(trial.map(|mut trial| {
                change(&mut trial);
                trial
            }));
        }
    }
    trials
}

fn sampled(trials: Vec<Trial>, room: usize) -> Vec<Trial> {
    covering(trials, room, |trial| [trial.from, trial.to.unwrap_or(trial.from)])
}

/// Something that a host may ask another for, over one of these transports; `turn` says which is tried
/// first.
pub(super) fn allowed(
    pair: Pair<'_>,
    (source, host): Ends,
    transports: &[&str],
    turn: usize,
) -> Option<Asked> {
    let services = rules::services(pair.rules);
    let in_turn = (0..transports.len()).map(|n| transports[(n + turn) % transports.len()]);
    let mut asked = in_turn.flat_map(|transport| services.iter().filter(move |(word, _)| *word == transport));
    asked.find(|asked| rules::allows(pair.rules, source, host, **asked)).copied()
}
