//! What must not pass: pairs that are not declared, the wrong direction, sources that are not the
//! network's, numbers that nobody has, and a network's own alias.
//!
//! What must hold: nothing is asked that a host would be right to get an answer to, nor what would
//! never leave its own network.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::REFUSED;
use super::errors::allowed;
use super::stage::{Pair, Stage};
use crate::lab::known::under;
use crate::lab::links::FAMILIES;
use crate::lab::sample::{covering, spread};
use crate::lab::scene::{Expected, Kind, Trial};
use crate::net::{self, Family};

/// All transports.
const ALL: [(&str, u16); 4] = [("tcp", 80), ("udp", 80), ("icmp", 0), ("253", 0)];
/// So many questions of each kind other than undeclared pairs are asked at most.
const ROOM: usize = 300;
/// How often the kernel tells one host at a stretch that there is no route (`ip_rt_error_burst`, five
/// seconds' worth at one a second), less one.
const TOLD: usize = 4;

/// Pairs that are not declared, and the wrong direction of those that are in one alone.
pub(super) fn undeclared(stage: &Stage<'_>, notes: &mut Vec<String>) -> Vec<Trial> {
    let networks = stage.populated();
    let all = networks.iter().flat_map(|a| networks.iter().map(move |b| (*a, *b)));
    let apart: Vec<(usize, usize)> =
        all.filter(|(a, b)| a != b && stage.known.opens(*a, *b).is_none()).collect();
    let count = apart.len();
    let hosts =
        apart.iter().map(|(a, b)| stage.lans[*a].hosts.len() * stage.lans[*b].hosts.len()).sum::<usize>();
    if hosts * ALL.len() <= REFUSED {
        let each =
            apart.iter().flat_map(|(a, b)| stage.all(*a, *b).into_iter().map(move |ends| (*a, *b, ends)));
        return each
            .flat_map(|(a, b, ends)| ALL.map(|asked| (a, b, ends, asked)))
            .flat_map(|(a, b, (source, host), asked)| {
                let numbers = foreign(stage, a, b, host).into_iter();
                numbers.map(move |number| question(stage, (a, b), source, number, asked))
            })
            .collect();
    }
    let chosen = covering(apart, REFUSED / ALL.len(), |(a, b)| [*a, *b]);
    let asked = chosen.len();
    let mut trials = Vec::new();
    for (n, (a, b)) in chosen.into_iter().enumerate() {
        for (m, (source, host)) in stage.one_each(a, b, n).into_iter().enumerate() {
            for number in foreign(stage, a, b, host) {
                let two = [ALL[(n + m) % ALL.len()], ALL[(n + m + 1) % ALL.len()]];
                trials.extend(two.map(|asked| question(stage, (a, b), source, number, asked)));
            }
        }
    }
    let trials = spread(trials, REFUSED);
    notes.push(format!(
        "{asked} of the {count} pairs that are not declared are tried, each with one host and two transports"
    ));
    trials
}

fn question(
    stage: &Stage<'_>,
    (from, to): (usize, usize),
    source: IpAddr,
    number: IpAddr,
    asked: (&'static str, u16),
) -> Trial {
    let mut trial = stage.ask(Kind::Undeclared, from, source, number, asked);
    trial.to = Some(to);
    trial
}

/// The numbers by which a host of a network that may not be called can be tried: those by which others
/// know it, and its own where no network that may be called has it.
fn foreign(stage: &Stage<'_>, from: usize, to: usize, host: IpAddr) -> Vec<IpAddr> {
    let mut numbers = stage.known.numbers(to, host);
    numbers.sort_unstable();
    numbers.dedup();
    let seen = stage.known.partners(from).contains(&to);
    numbers.retain(|number| {
        let meant = stage.known.meaning(from, *number);
        // In the wrong direction the number means the very host.
        is_sent(stage, from, *number)
            && !is_gateways(stage, *number)
            && (meant.is_none() || (seen && meant == Some((to, host))))
    });
    numbers
}

/// Whether a number is one of the gateway's own: there it may answer itself.
fn is_gateways(stage: &Stage<'_>, number: IpAddr) -> bool {
    stage.lans.iter().any(|lan| lan.gateways.contains(&number))
}

/// Whether a packet to a number leaves a network, and is not for the gateway itself.
fn is_sent(stage: &Stage<'_>, from: usize, number: IpAddr) -> bool {
    let outside = stage.site.gateway.addresses.iter().any(|it| it.address.value.addr() == number);
    let own = stage.lans[from].extra.iter().any(|it| it.addr() == number);
    !outside && !own && !stage.is_inside(from, number)
}

/// Numbers that lead nowhere and of which the sender is told, at most as often as the kernel does.
/// `refused` says how often it may have told each source so far.
///
/// Without VRF devices hosts of one address are one peer to the kernel, whose count of what it has told
/// has no lock (`ip_error` of net/ipv4/route.c): two that ask at the same moment can leave it at nothing. So
/// they must ask one after the other, and again when the count has grown.
pub(super) fn unreachable(stage: &Stage<'_>, refused: &BTreeMap<IpAddr, usize>) -> Vec<Trial> {
    let mut told = refused.clone();
    let mut trials = Vec::new();
    for n in stage.populated() {
        for family in FAMILIES {
            let hosts = stage.hosts(n, family);
            let mut fresh = hosts.iter().map(|host| host.address.addr());
            let fresh = fresh.rfind(|host| told.get(host).is_none_or(|times| *times < TOLD));
            let (Some(source), Some(number)) = (fresh, nobodys(stage, n, family).next()) else { continue };
            *told.entry(source).or_default() += 1;
            // A socket of UDP does not hear of these errors, one of TCP does, and asks again by itself.
            let mut trial = stage.ask(Kind::Unknown, n, source, number, ("tcp", 80));
            trial.expected = Expected::Error(&["net-unreachable", "host-unreachable", "prohibited"]);
            trials.push(trial);
        }
    }
    spread(trials, ROOM)
}

/// Numbers that lead nowhere: nobody's, the gateway's own under an alias, what a host has left for a
/// narrower mapping, what a host is called by others, and broadcasts of a far link.
pub(super) fn unknown(stage: &Stage<'_>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for from in stage.populated() {
        let mut numbers: Vec<(Option<usize>, IpAddr)> = FAMILIES
            .into_iter()
            .filter_map(|family| Some((None, nobodys(stage, from, family).next()?)))
            .collect();
        for partner in stage.known.partners(from).iter().copied().filter(|it| stage.is_populated(*it)) {
            let named = |number: IpAddr| (Some(partner), number);
            numbers.extend(vacated(stage, from, partner).into_iter().map(named));
            // Where nothing may be opened the kernel asks itself first.
            let broadcast = stage.known.opens(from, partner).and_then(|_| stage.broadcast(partner));
            let broadcast = broadcast.and_then(|it| stage.known.alias(partner, from, it));
            numbers.extend(broadcast.map(named));
        }
        numbers.retain(|(_, number)| is_sent(stage, from, *number));
        for (n, (to, number)) in numbers.into_iter().enumerate() {
            let hosts = stage.hosts(from, net::family_of(&number));
            let Some(host) = hosts.first() else { continue };
            for asked in [ALL[1], ALL[(2 * n) % ALL.len()]] {
                let mut trial = stage.ask(Kind::Unknown, from, host.address.addr(), number, asked);
                trial.to = to;
                trials.push(trial);
            }
        }
    }
    spread(trials, ROOM)
}

/// Numbers of a partner that mean nobody to a network.
fn vacated(stage: &Stage<'_>, from: usize, partner: usize) -> Vec<IpAddr> {
    let network = stage.known.network(partner);
    let declared = network.addresses.iter().map(|it| it.value.addr());
    // Only what may be opened is translated, and known not to be the gateway's by that.
    let refused = declared.filter(|_| stage.known.opens(from, partner).is_some());
    let mut numbers: Vec<IpAddr> = refused.filter_map(|own| stage.known.alias(partner, from, own)).collect();
    let hosts = stage.lans[partner].hosts.iter().map(|host| host.address.addr());
    for host in hosts {
        let others = stage.known.numbers(partner, host).into_iter();
        let by_wider = network.prefixes.iter().filter(|it| it.real.value.contains(&host));
        let wider = by_wider.flat_map(|it| under(it, host));
        numbers.extend(others.chain(wider).filter(|it| stage.known.meaning(from, *it).is_none()));
    }
    numbers.sort_unstable();
    numbers.dedup();
    spread(numbers, 12)
}

/// A network's own alias.
pub(super) fn hairpin(stage: &Stage<'_>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for n in stage.populated() {
        for family in FAMILIES {
            let hosts = stage.hosts(n, family);
            let turned = hosts.iter().skip(1).chain(hosts.first());
            for (host, other) in hosts.iter().zip(turned).take(2) {
                let numbers = stage.known.numbers(n, other.address.addr()).into_iter();
                let own =
                    numbers.filter(|it| is_sent(stage, n, *it) && stage.known.meaning(n, *it).is_none());
                for (number, asked) in own.flat_map(|number| ALL.map(|asked| (number, asked))) {
                    let mut trial = stage.ask(Kind::Hairpin, n, host.address.addr(), number, asked);
                    trial.to = Some(n);
                    trials.push(trial);
                }
            }
        }
    }
    spread(trials, ROOM)
}

/// For each network the addresses that are not its own and from which it sends all the same.
pub(super) fn strangers(stage: &Stage<'_>) -> Vec<Vec<IpAddr>> {
    let populated = stage.populated();
    let of = |n: usize| {
        let mut sources = Vec::new();
        for family in FAMILIES.into_iter().filter(|family| !stage.hosts(n, *family).is_empty()) {
            // Its own alias, a number of another network, and one that is nobody's. All at places where
            // there is no host: a network's own addresses it could not call any more.
            let spare = stage.spare(n, family).nth(1);
            sources.extend(spare.into_iter().flat_map(|it| stage.known.numbers(n, it)).take(1));
            let around = (1..populated.len().min(8))
                .map(|step| populated[(place(&populated, n) + step) % populated.len()]);
            let others = around.filter_map(|other| stage.spare(other, family).nth(1));
            sources.extend(others.filter(|it| !stage.is_inside(n, *it)).take(1));
            sources.extend(nobodys(stage, n, family).nth(1));
        }
        sources.retain(|source| !stage.is_inside(n, *source));
        sources.sort_unstable();
        sources.dedup();
        sources
    };
    (0..stage.lans.len()).map(|n| if stage.is_populated(n) { of(n) } else { Vec::new() }).collect()
}

fn place(networks: &[usize], network: usize) -> usize {
    networks.iter().position(|it| *it == network).unwrap_or(0)
}

/// Questions from addresses that are not the network's.
pub(super) fn spoofed(stage: &Stage<'_>, strangers: &[Vec<IpAddr>]) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut tried = vec![0; stage.lans.len()];
    for (n, pair) in stage.pairs().into_iter().enumerate() {
        let sources = &strangers[pair.from];
        if tried[pair.from] == 2 {
            continue;
        }
        tried[pair.from] += 1;
        for (own, host) in stage.one_each(pair.from, pair.to, n) {
            let family = net::family_of(&host);
            for (m, source) in sources.iter().filter(|it| net::family_of(it) == family).enumerate() {
                trials.extend(from_stranger(stage, pair, (own, *source, host), n + m));
            }
        }
    }
    spread(trials, ROOM)
}

/// What the network's own host could ask for, sent from another address.
fn from_stranger(
    stage: &Stage<'_>,
    pair: Pair<'_>,
    (own, source, host): (IpAddr, IpAddr, IpAddr),
    turn: usize,
) -> Vec<Trial> {
    let rounds: [&[&str]; 2] = [&["udp", "253"], &["tcp", "icmp"]];
    let asked = rounds.into_iter().filter_map(|transports| allowed(pair, (own, host), transports, turn));
    asked.filter_map(|asked| stage.ask_host(Kind::Spoofed, pair, (source, host), asked)).collect()
}

/// Addresses that nobody has, that no network is known by, and that a network sends to the gateway: the
/// first is asked, the second asks.
fn nobodys<'s>(stage: &'s Stage<'_>, network: usize, family: Family) -> impl Iterator<Item = IpAddr> + 's {
    let candidates = match family {
        Family::V4 => [[203, 0, 113, 77], [198, 51, 100, 77], [100, 127, 255, 77], [1, 2, 3, 77]]
            .map(|it| IpAddr::V4(Ipv4Addr::from(it))),
        Family::V6 => {
            [[0x2001, 0xdb8, 0xffff], [0x2001, 0xdb8, 0xfffe], [0xfdff, 0xffff, 1], [0xfdff, 0xffff, 2]]
                .map(|[a, b, c]| IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0x77)))
        }
    };
    let is_known = move |number: &IpAddr| {
        let of_site = stage.site.networks.iter().flat_map(|it| &it.prefixes).any(|prefix| {
            let aliases = prefix.aliases.iter().any(|alias| alias.net.value.contains(number));
            aliases || prefix.real.value.contains(number)
        });
        of_site || stage.site.gateway.addresses.iter().any(|it| it.address.value.contains(number))
    };
    candidates.into_iter().filter(move |number| !is_known(number) && !stage.is_inside(network, *number))
}
