//! Rounds of questions, and what lies between them.
//!
//! Goes in: questions that say whether they may share a source port. Comes out: steps. What must hold: no
//! question is asked twice in a round, and no two rounds use one source port, nor one on which hosts listen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;

use super::errors::{NARROW, WIDE};
use crate::lab::scene::{Expected, Kind, Lan, Step, Trial};

/// A source port: that of the round.
pub(super) const SAME: u16 = 0;
/// A source port: one that no other question has.
pub(super) const DISTINCT: u16 = 1;

/// The source port of the first round; each later one has the next.
const FIRST: u16 = 4000;
/// Source ports that only one question has.
const OWN: Range<u16> = 20_000..60_000;
/// So many questions are asked at the same time at most: the gateway must see all that nobody answers, and
/// its socket has room for about as many packets (twice rmem_max of socket(7), 1 kB each).
const AT_ONCE: usize = 400;
/// So many of them ask one network, or are asked by one, and are answered: their packets must find room in
/// the buffer of the socket that sees them (rmem_default of socket(7), 200 kB), also where the machine has
/// little time for its reader.
const ANSWERED: usize = 48;
/// The gateway among those that are asked.
const THE_GATEWAY: usize = usize::MAX;
/// So many are asked by one network and not answered: at most an error comes of each.
const REFUSED: usize = 150;

/// The steps so far.
pub(super) struct Rounds {
    pub(super) steps: Vec<Step>,
    round: u16,
    own: u16,
    /// The ports on which hosts listen: nobody could ask from them.
    listened: BTreeSet<u16>,
}

impl Rounds {
    /// No steps yet; the hosts of these networks will ask.
    pub(super) fn new(lans: &[Lan]) -> Self {
        let listened = lans.iter().flat_map(|lan| lan.ports.iter().copied()).collect();
        let mut rounds = Self { steps: Vec::new(), round: FIRST, own: OWN.start, listened };
        rounds.round = rounds.free(FIRST);
        rounds
    }

    /// Asks these in a round of their own, each question once.
    pub(super) fn ask(&mut self, mut trials: Vec<Trial>) {
        let mut seen = BTreeSet::new();
        trials.retain(|it| {
            seen.insert((it.from, it.by_gateway, it.transport, it.source, it.destination, it.port))
        });
        for trial in &mut trials {
            trial.source_port = if trial.source_port == SAME { self.round } else { self.next_own() };
        }
        self.round = self.free(self.round + 1);
        let mut now: Vec<Trial> = Vec::new();
        let mut busy: BTreeMap<usize, usize> = BTreeMap::new();
        for trial in trials {
            let answered = matches!(trial.expected, Expected::Answer { .. });
            let room = if answered { ANSWERED } else { REFUSED };
            let own = trial.kind == Kind::Own;
            let other = if own { Some(THE_GATEWAY) } else { trial.to.filter(|_| answered) };
            let parties: BTreeSet<usize> = [trial.from].into_iter().chain(other).collect();
            let full = parties.iter().any(|it| busy.get(it).is_some_and(|count| *count >= room));
            if full || now.len() == AT_ONCE {
                self.steps.push(Step::Ask(std::mem::take(&mut now)));
                busy.clear();
            }
            for party in parties {
                *busy.entry(party).or_default() += 1;
            }
            now.push(trial);
        }
        if !now.is_empty() {
            self.steps.push(Step::Ask(now));
        }
    }

    /// Asks these so that no two hosts of one address ask at the same time, in whatever networks they are.
    pub(super) fn ask_apart(&mut self, mut trials: Vec<Trial>) {
        while !trials.is_empty() {
            let mut askers = BTreeSet::new();
            let (now, later) = trials.into_iter().partition(|trial| askers.insert(trial.source));
            self.ask(now);
            trials = later;
        }
    }

    /// Asks while the MTU of some of the gateway's interfaces is low.
    pub(super) fn ask_narrow(&mut self, interfaces: &[&str], trials: Vec<Trial>) {
        self.steps.extend(interfaces.iter().map(|interface| mtu(interface, NARROW)));
        self.ask(trials);
        self.steps.extend(interfaces.iter().map(|interface| mtu(interface, WIDE)));
    }

    /// From here on everything that hosts send goes to the gateway.
    pub(super) fn defaults(&mut self) {
        self.steps.push(Step::Defaults);
    }

    /// How often the kernel may have told a source so far that there is no way.
    pub(super) fn refused(&self) -> BTreeMap<IpAddr, usize> {
        let mut count = BTreeMap::new();
        for step in &self.steps {
            let Step::Ask(trials) = step else { continue };
            for trial in trials.iter().filter(|it| matches!(it.expected, Expected::Nothing)) {
                *count.entry(trial.source).or_default() += 1;
            }
        }
        count
    }

    fn next_own(&mut self) -> u16 {
        let port = self.free(self.own);
        let port = if OWN.contains(&port) { port } else { self.free(OWN.start) };
        self.own = port + 1;
        port
    }

    /// The first port from this one on that nobody listens on.
    fn free(&self, from: u16) -> u16 {
        (from..u16::MAX).find(|port| !self.listened.contains(port)).unwrap_or(from)
    }
}

fn mtu(interface: &str, bytes: &str) -> Step {
    Step::Gateway(["ip", "link", "set", "dev", interface, "mtu", bytes].map(str::to_owned).to_vec())
}
