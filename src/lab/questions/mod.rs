//! What is asked: every obligation of a compiled site as questions of hosts, in an order in which none
//! spoils another.
//!
//! Goes in: the site and the hosts around it. Comes out: steps. What must hold: each round has a source
//! port of its own, so that late packets of an earlier one are told apart; within a round all hosts use
//! the same one, which strains connection tracking most, but where ports may be changed.
//!
//! The order: what has no ports is refused before the right direction has opened it, because then it
//! could not be told from an answer. What expects an answer comes before default routes, which would
//! hide a missing route of the hosts. Errors come before refusals, because the kernel tells one
//! host no more than five times at a stretch that there is no route.

mod apart;
mod errors;
mod own;
mod reach;
mod refused;

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::known::Known;
use super::links::{FAMILIES, at, is_end};
use super::rules::Asked;
use super::scene::{Expected, Host, Kind, Lan, Scene, Step, Trial};
use crate::model::{RuleList, Site};
use crate::net::{self, Family};

/// So many questions about declared pairs are asked at most.
pub(super) const REACH: usize = 2000;
/// So many other questions are asked at most.
pub(super) const OTHERS: usize = 2000;
/// So many questions are asked at the same time at most.
const AT_ONCE: usize = 600;

/// A source port: that of the round.
const SAME: u16 = 0;
/// A source port: one that no other question has.
const DISTINCT: u16 = 1;
/// The source port of the first round; each later one has the next.
const FIRST_ROUND: u16 = 4000;
/// Source ports that only one question has.
const DISTINCT_PORTS: std::ops::Range<u16> = 20_000..60_000;

/// The hosts and what is known of them.
struct Stage<'s> {
    site: &'s Site,
    known: Known<'s>,
    lans: &'s [Lan],
    notes: Vec<String>,
}

/// A declared pair.
#[derive(Clone, Copy)]
struct Pair<'s> {
    from: usize,
    to: usize,
    rules: Option<&'s RuleList>,
}

/// The steps for a site, with what was left out.
pub(super) fn steps(site: &Site, lans: &mut [Lan]) -> (Vec<Step>, Vec<String>) {
    let extra = apart::strangers(site, lans);
    for (lan, extra) in lans.iter_mut().zip(extra) {
        lan.extra.extend(extra.into_iter().map(net::single));
    }
    let mut stage = Stage { site, known: Known::new(site), lans, notes: Vec::new() };
    let mut rounds = Rounds { steps: Vec::new(), round: FIRST_ROUND, distinct: DISTINCT_PORTS.start };
    let refused = refused::questions(&mut stage);
    let undeclared = apart::undeclared(&mut stage);
    let (early, undeclared): (Vec<Trial>, Vec<Trial>) =
        undeclared.into_iter().partition(|it| stage.is_early(it));
    let (portless, refused): (Vec<Trial>, Vec<Trial>) =
        refused.into_iter().partition(|it| it.transport == "253");
    rounds.ask(early.into_iter().chain(portless).collect());
    rounds.ask(reach::questions(&mut stage));
    rounds.ask(reach::fragments(&stage));
    rounds.ask(own::questions(&stage));
    rounds.ask(refused);
    rounds.ask(errors::expired(&stage));
    rounds.ask(errors::dead(&stage));
    for (lowered, trials) in errors::too_big(&mut stage) {
        rounds.narrow(&lowered, trials);
    }
    rounds.steps.push(Step::Defaults);
    rounds.ask(apart::unknown(&stage, true));
    let mut nothing = undeclared;
    nothing.extend(apart::unknown(&stage, false));
    nothing.extend(apart::hairpin(&stage));
    nothing.extend(apart::spoofed(&stage));
    rounds.ask(nothing);
    (rounds.steps, stage.notes)
}

/// The steps so far.
struct Rounds {
    steps: Vec<Step>,
    round: u16,
    distinct: u16,
}

impl Rounds {
    /// Asks these in a round of their own, each question once.
    fn ask(&mut self, mut trials: Vec<Trial>) {
        let mut seen = BTreeSet::new();
        trials.retain(|it| {
            it.source_port == DISTINCT
                || seen.insert((it.from, it.by_gateway, it.transport, it.source, it.destination, it.port))
        });
        for trial in &mut trials {
            trial.source_port = if trial.source_port == SAME { self.round } else { self.next_distinct() };
        }
        self.round += 1;
        while trials.len() > AT_ONCE {
            let rest = trials.split_off(AT_ONCE);
            self.steps.push(Step::Ask(std::mem::replace(&mut trials, rest)));
        }
        if !trials.is_empty() {
            self.steps.push(Step::Ask(trials));
        }
    }

    /// Asks while the MTU of some of the gateway's interfaces is low.
    fn narrow(&mut self, interfaces: &[&str], trials: Vec<Trial>) {
        let mtu = |bytes: &'static str| {
            let words = |interface: &&str| ["ip", "link", "set", interface, "mtu", bytes].map(str::to_owned);
            interfaces.iter().map(move |it| Step::Gateway(words(it).to_vec())).collect::<Vec<Step>>()
        };
        self.steps.extend(mtu(errors::NARROW));
        self.ask(trials);
        self.steps.extend(mtu(errors::WIDE));
    }

    const fn next_distinct(&mut self) -> u16 {
        let port = self.distinct;
        self.distinct = if port + 1 == DISTINCT_PORTS.end { DISTINCT_PORTS.start } else { port + 1 };
        port
    }
}

impl<'s> Stage<'s> {
    /// The declared pairs between networks that have hosts.
    fn pairs(&self) -> Vec<Pair<'s>> {
        let peerings = self.site.peerings.iter();
        let pairs = peerings.map(|it| Pair {
            from: it.from.0,
            to: it.to.0,
            rules: it.rules.map(|id| &self.site.rule_lists[id.0]),
        });
        pairs.filter(|it| self.is_populated(it.from) && self.is_populated(it.to)).collect()
    }

    fn is_populated(&self, network: usize) -> bool {
        !self.lans[network].hosts.is_empty()
    }

    fn populated(&self) -> Vec<usize> {
        (0..self.lans.len()).filter(|n| self.is_populated(*n)).collect()
    }

    /// A network's hosts of a family.
    fn hosts(&self, network: usize, family: Family) -> Vec<&'s Host> {
        let hosts = self.lans[network].hosts.iter();
        hosts.filter(|host| net::family(&host.address) == family).collect()
    }

    /// All pairs of hosts of two networks that speak one family.
    fn host_pairs(&self, from: usize, to: usize) -> Vec<(IpAddr, IpAddr)> {
        let mut pairs = Vec::new();
        for family in FAMILIES {
            let others = self.hosts(to, family);
            for host in self.hosts(from, family) {
                pairs.extend(others.iter().map(|other| (host.address.addr(), other.address.addr())));
            }
        }
        pairs
    }

    /// Pairs of hosts of two networks so that every host asks and is asked, in each family.
    fn host_ring(&self, from: usize, to: usize) -> Vec<(IpAddr, IpAddr)> {
        let mut pairs = Vec::new();
        for family in FAMILIES {
            let (askers, others) = (self.hosts(from, family), self.hosts(to, family));
            if askers.is_empty() || others.is_empty() {
                continue;
            }
            // Another number than its own is asked first, then its counterpart.
            let count = askers.len().max(others.len());
            pairs.extend((0..count).map(|n| {
                let other = others[(n + 1) % others.len()];
                (askers[n % askers.len()].address.addr(), other.address.addr())
            }));
        }
        pairs
    }

    /// One pair of hosts of each family, another one each time.
    fn one_each(&self, from: usize, to: usize, turn: usize) -> Vec<(IpAddr, IpAddr)> {
        let one = |family| {
            let (askers, others) = (self.hosts(from, family), self.hosts(to, family));
            let asker = askers.get(turn.checked_rem(askers.len())?)?;
            let other = others.get(turn.checked_rem(others.len())?)?;
            Some((asker.address.addr(), other.address.addr()))
        };
        FAMILIES.into_iter().filter_map(one).collect()
    }

    /// An address on a link of a network that nobody has; `turn` for another one.
    fn spare(&self, network: usize, family: Family, turn: usize) -> Option<IpAddr> {
        let lan = &self.lans[network];
        let declared = self.known.network(network);
        let links = super::links::Links::new(declared);
        let reals = declared.prefixes.iter().map(|it| it.real.value).filter(|it| net::family(it) == family);
        let free = |host: &IpAddr| {
            let on_link = links.place(*host).is_some_and(|it| it.prefix_len() < it.max_prefix_len());
            on_link
                && links.usable(*host)
                && !lan.hosts.iter().any(|it| it.address.addr() == *host)
                && !lan.extra.iter().any(|it| it.addr() == *host)
        };
        let mut places = reals.flat_map(|real| (0..200).filter_map(move |n| at(real, (99 + n) % 200)));
        places.by_ref().filter(free).nth(turn)
    }

    /// The broadcast address of the first link of a network's IPv4 hosts.
    fn broadcast(&self, network: usize) -> Option<IpAddr> {
        let hosts = self.hosts(network, Family::V4);
        let link = hosts.iter().map(|host| host.address).find(|it| it.prefix_len() < 31)?;
        Some(link.broadcast()).filter(|it| is_end(&link, *it))
    }

    /// A question of a host to a number.
    fn ask(&self, kind: Kind, from: usize, source: IpAddr, (to, number): (Option<usize>, IpAddr), asked: Asked) -> Trial {
        Trial {
            kind,
            from,
            by_gateway: false,
            source,
            source_port: SAME,
            transport: asked.0,
            destination: number,
            to,
            port: asked.1,
            options: Vec::new(),
            expected: Expected::Nothing,
        }
    }

    /// A question of a host to another of a declared pair, by the number that it has to use; ports differ
    /// where they may be changed.
    fn ask_host(&self, kind: Kind, pair: &Pair<'_>, (source, host): (IpAddr, IpAddr), asked: Asked) -> Option<Trial> {
        let number = self.known.alias(pair.to, pair.from, host)?;
        let mut trial = self.ask(kind, pair.from, source, (Some(pair.to), number), asked);
        if self.known.share(pair.from, pair.to, net::family_of(&host)) {
            trial.source_port = DISTINCT;
        }
        Some(trial)
    }

    fn is_masqueraded(&self, network: usize) -> bool {
        self.known.network(network).masqueraded.is_some()
    }

    /// Whether a protocol without ports can be asked for as one asks for others.
    fn portless_is_plain(&self, pair: &Pair<'_>, family: Family) -> bool {
        !self.is_masqueraded(pair.to) && !self.known.share(pair.from, pair.to, family)
    }

    /// What must be asked before the other direction has opened it.
    fn is_early(&self, trial: &Trial) -> bool {
        let declared = trial.to.is_some_and(|to| self.known.opens(to, trial.from).is_some());
        trial.transport == "253" && declared && !self.is_masqueraded(trial.from)
    }

    fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// How a network is called in a note.
    fn name(&self, network: usize) -> &str {
        &self.lans[network].name
    }
}

impl Scene {
    /// All questions, in order.
    pub fn trials(&self) -> impl Iterator<Item = &Trial> {
        self.steps.iter().flat_map(|step| match step {
            Step::Ask(trials) => trials.as_slice(),
            Step::Gateway(_) | Step::Defaults => &[],
        })
    }
}
