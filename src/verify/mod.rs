//! Proves that what was emitted does what the site says, for every packet.
//!
//! Goes in: the site as it was written, and the files that were made of it. Comes out: what holds, and for what
//! does not a packet that shows it. What must hold: nothing is taken from who planned or emitted; what cannot be
//! decided is a failure.

pub mod around;
mod back;
mod bystanders;
mod closed;
mod delivery;
mod found;
mod keys;
pub mod neighbour;
mod nobody;
pub mod order;
mod own;
mod said;
pub mod shut;
mod spec;
pub mod states;
mod there;
mod watched;

use std::collections::BTreeMap;
use std::fmt;
use std::thread;

use crate::model::Site;
use crate::read::artifacts::{self, Artifacts};
use crate::read::script;
use crate::sim::fate::Place;
use crate::sim::host::Host;
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::fib::From;
use crate::sim::region::pass::Machine;
use closed::Gone;
use delivery::{Ground, Opened};
pub use found::{Failure, Found, Obligation, Packet, Written};
use keys::{Clash, Keys, Who};
use spec::Spec;

/// Why nothing can be proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where it is about no line.
    pub line: usize,
    /// What is not understood, or cannot be followed.
    pub why: String,
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.why),
            line => write!(f, "{}:{line}: {}", self.file, self.why),
        }
    }
}

/// Proves that files do what a site says: their names are those of the artefacts, as in
/// [`artifacts::read`].
///
/// # Errors
///
/// Something in the files is not understood or cannot be followed.
pub fn verify(site: &Site, files: &BTreeMap<String, String>) -> Result<Found, Undecided> {
    let artifacts = artifacts::read(files).map_err(|(file, unread)| Undecided {
        file,
        line: unread.line,
        why: format!("{}: {}", unread.why, unread.text.trim()),
    })?;
    let (of_packets, of_script) = thread::scope(|scope| {
        let beside = scope.spawn(|| of_script(&artifacts, files));
        let of_packets = of_packets(site, &artifacts);
        (of_packets, beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let mut found = of_packets?;
    found.more(of_script);
    found.failures.sort_by_key(|failure| failure.obligation);
    for failure in &mut found.failures {
        failure.rule = failure.place.and_then(|place| written(&artifacts, place));
    }
    Ok(found)
}

/// What the files make of packets.
fn of_packets(site: &Site, artifacts: &Artifacts) -> Result<Found, Undecided> {
    let spec = Spec::new(site);
    let mut host = Host::of(artifacts).map_err(|(place, why)| {
        let command = artifacts.commands.get(place);
        let (file, line) = command.map_or((String::new(), 0), |it| (it.file.clone(), it.value.line));
        Undecided { file, line, why }
    })?;
    let mut looked = Found::default();
    there::check(&spec, &host, artifacts.script.as_ref(), &mut looked);
    around::add(&mut host, site).map_err(|why| Undecided { file: String::new(), line: 0, why })?;
    let machine = Machine::new(&host).map_err(|(place, why)| {
        let (filter, line) = place.unwrap_or_default();
        let file = artifacts.filters.get(filter).map_or_else(String::new, |it| it.file.clone());
        Undecided { file, line, why }
    })?;
    bystanders::check(&host, &machine, &mut looked).map_err(|it| unfollowed(artifacts, it))?;
    let ground = Ground::new(&spec, &machine);
    let gone = Gone::new(&spec, &host, &machine);
    let (mut found, keys) = everything(&ground, &gone).map_err(|it| unfollowed(artifacts, it))?;
    found.more(looked);
    watched::check(&spec, &host, &mut found).map_err(|it| unfollowed(artifacts, it))?;
    let calls = |from: usize, to: usize| spec.networks[to].masqueraded && spec.opens(from, to).is_some();
    for (zone, own, from) in keys.strangers(calls) {
        found.failures.push(Failure {
            obligation: Obligation::NoConfusion,
            networks: [Some(from), Some(own)],
            what: format!("comes in zone {zone}, in which {} and the gateway speak", ground.name(own)),
            packet: None,
            place: None,
            rule: None,
            line: None,
        });
    }
    for clash in keys.clashes(&mut found) {
        if !inherent(&ground, &clash) {
            match confusion(&ground, &clash) {
                Ok(failure) => found.failures.push(failure),
                Err(note) => found.notes.push(note),
            }
        }
    }
    closed::entered(&spec, &host, around::ELSEWHERE, &mut found)
        .map_err(|(_, it)| unfollowed(artifacts, it))?;
    if let Some(script) = &artifacts.script {
        said::check(&spec, &machine, script, &mut found);
    }
    Ok(found)
}

/// What the script does on the way up and down.
fn of_script(artifacts: &Artifacts, files: &BTreeMap<String, String>) -> Found {
    let mut found = Found::default();
    let (Some(script), Some(text)) = (&artifacts.script, files.get(script::FILE)) else { return found };
    closed::steps(script, &mut found);
    found.regions[Obligation::GoodNeighbour as usize] += artifacts.commands.len() as u64;
    found.failures.extend(neighbour::check(script, text).into_iter().map(|foreign| Failure {
        obligation: Obligation::GoodNeighbour,
        networks: [None; 2],
        what: format!("{}: {}", foreign.why, foreign.text),
        packet: None,
        place: None,
        rule: None,
        line: Some(foreign.line),
    }));
    found
}

/// All that comes in from all networks, some of them at a time.
fn everything(ground: &Ground<'_>, gone: &Gone<'_>) -> Result<(Found, Keys), Unfollowed> {
    let count = ground.devices.len();
    let threads = thread::available_parallelism().map_or(1, usize::from).min(count.div_ceil(8)).max(1);
    let parts: Vec<Result<Part, Unfollowed>> = thread::scope(|scope| {
        let spawned = (0..threads).map(|first| scope.spawn(move || part(ground, gone, first, threads)));
        let spawned: Vec<_> = spawned.collect();
        let joined = spawned.into_iter().map(|part| part.join());
        joined.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut networks = Vec::new();
    let mut keys = Keys::default();
    for part in parts {
        let (found, more) = part?;
        networks.extend(found);
        keys.more(more);
    }
    // The order does not hang on how many there were at a time.
    networks.sort_by_key(|(network, _)| *network);
    let mut all = Found::default();
    networks.into_iter().for_each(|(_, found)| all.more(found));
    Ok((all, keys))
}

type Part = (Vec<(usize, Found)>, Keys);

/// What comes in from every so many-th network.
fn part(ground: &Ground<'_>, gone: &Gone<'_>, first: usize, step: usize) -> Result<Part, Unfollowed> {
    let ways = [true, false].map(|v4| ground.machine.own_ways(From::Own(None), v4));
    let ways = [&ways[0], &ways[1]];
    let mut networks = Vec::new();
    let mut keys = Keys::default();
    for network in (first..ground.devices.len()).step_by(step) {
        let mut found = Found::default();
        for v4 in [true, false] {
            let came = ground.network(network, v4, &mut found, &mut |opened, found| {
                keys.opened(&opened, ground.spec.networks[opened.to].masqueraded);
                in_a_zone(ground, &opened, found);
                match opened.of_hosts(ground.spec) {
                    Some((first, leaf)) => {
                        back::check(ground, ways, &Opened { first, leaf: &leaf, ..opened }, found)
                    }
                    None => Ok(()),
                }
            })?;
            gone.check(ground, (network, v4), &came.arrived, &mut found)?;
            own::check(ground, network, v4, &mut keys, &mut found)?;
            for flow in &ground.raw(network, v4)?.flows {
                keys.came(network, flow);
            }
            nobody::check(ground, (network, v4), &came, &mut found)?;
        }
        networks.push((network, found));
    }
    Ok((networks, keys))
}

/// A connection is in a zone of the site's, in both directions: zone 0 is everybody's. Those that share an alias
/// have one zone for what they send, and masqueraded hosts one for what they answer.
fn in_a_zone(ground: &Ground<'_>, opened: &Opened<'_>, found: &mut Found) {
    let [sent, answered] = opened.first.zones.unwrap_or_default();
    let own = if ground.spec.networks[opened.to].masqueraded {
        answered != 0 && (sent == answered || sent == 0)
    } else {
        let share = || ground.spec.share(opened.from, opened.to, opened.first.region.v4);
        sent != 0 && (sent == answered || answered == 0 && share())
    };
    if !own {
        found.failures.push(Failure {
            obligation: Obligation::NoConfusion,
            networks: [Some(opened.from), Some(opened.to)],
            what: format!("is known in the zones {sent} and {answered}, of which one is not its own"),
            packet: Some(Packet::out_of(&opened.first.region, ground.spec.device(opened.from))),
            place: None,
            rule: None,
            line: None,
        });
    }
}

/// Whether what comes in from one of two that share an alias is like answers of the other: the note about their
/// flows says it already.
fn inherent(ground: &Ground<'_>, clash: &Clash) -> bool {
    match clash.who {
        [Who::Hosts(a, b, _), Who::From(from)] if !clash.opened => {
            (a == from || b == from) && ground.spec.share(a, b, clash.v4)
        }
        _ => false,
    }
}

/// Two flows that cannot be told apart. It is only noted where their networks share an alias, as that was said
/// when the site was checked.
fn confusion(ground: &Ground<'_>, clash: &Clash) -> Result<Failure, String> {
    let networks = |who: Who| match who {
        Who::Hosts(from, to, _) => [Some(from), Some(to)],
        Who::Gateway(network) | Who::Chosen(network) | Who::From(network) => [Some(network), None],
    };
    let [one, other] = clash.who.map(networks);
    let name = |who: Who| match who {
        Who::Hosts(from, to, _) => format!("from {} to {}", ground.name(from), ground.name(to)),
        Who::Gateway(network) => format!("between {} and the gateway", ground.name(network)),
        Who::Chosen(network) => format!("of masqueraded hosts of {}", ground.name(network)),
        Who::From(network) => format!("that come in from {}", ground.name(network)),
    };
    let [a, b] = clash.who.map(name);
    let [source, destination] =
        [clash.source, clash.destination].map(|number| found::address(number, clash.v4));
    let what = format!(
        "packets {a} and packets {b} can have one key: {source} to {destination} in zone {}",
        clash.zone
    );
    if let ([Some(a), Some(b)], [Some(c), Some(d)]) = (one, other)
        && (a.min(b), a.max(b)) == (c.min(d), c.max(d))
        && !clash.opened
        && ground.spec.share(a, b, clash.v4)
    {
        return Err(format!("{what}; with equal ports the kernel changes one, and drops what has none"));
    }
    let obligation = Obligation::NoConfusion;
    Ok(Failure { obligation, networks: one, what, packet: None, place: None, rule: None, line: None })
}

/// Where a rule stands; a policy stands nowhere.
fn written(artifacts: &Artifacts, place: Place) -> Option<Written> {
    let filter = artifacts.filters.get(place.filter)?;
    let rule = filter.value.chains.get(place.chain)?.rules.get(place.rule?)?;
    Some(Written { file: filter.file.clone(), line: rule.line, comment: rule.comment.clone() })
}

fn unfollowed(artifacts: &Artifacts, it: Unfollowed) -> Undecided {
    let Some(filter) = artifacts.filters.get(it.filter) else {
        return Undecided { file: String::new(), line: 0, why: "a rule cannot be followed".to_owned() };
    };
    let chain = &filter.value.chains[it.chain];
    let line = chain.rules.get(it.rule).map_or(0, |rule| rule.line);
    let why = format!("chain {} folds too many addresses together, or calls too deep", chain.name);
    Undecided { file: filter.file.clone(), line, why }
}
