//! Proves that what was emitted does what the site says, for every packet.
//!
//! Goes in: the site as it was written, and what [`crate::read`] made of the files. Comes out: what holds, and
//! for what does not a packet that shows it. What must hold: nothing is taken from who planned or emitted;
//! what cannot be decided is a failure.

mod back;
mod delivery;
mod found;
mod keys;
pub mod neighbour;
pub mod order;
pub mod shut;
mod spec;
pub mod states;

use std::thread;

use crate::model::Site;
use crate::read::artifacts::Artifacts;
use crate::read::routing::{Route, Way};
use crate::sim::host::{Host, MAIN};
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::fib::From;
use crate::sim::region::pass::Machine;
use delivery::{Ground, Opened};
pub use found::{Failure, Found, Obligation, Packet};
use keys::{Clash, Keys, Who};
use spec::Spec;

/// Proves a site.
///
/// # Errors
///
/// Something in the files cannot be followed: what.
pub fn verify(site: &Site, artifacts: &Artifacts) -> Result<Found, String> {
    let host = Host::of(artifacts).map_err(|(place, why)| format!("command {place}: {why}"))?;
    let spec = Spec::new(site);
    let mut host = host;
    on_their_links(&mut host, &spec);
    let machine = Machine::new(&host).map_err(|(place, why)| format!("{place:?}: {why}"))?;
    let ground = Ground::new(&spec, &machine);
    let (mut found, keys) = everything(&ground).map_err(|it| unfollowed(&host, it))?;
    for clash in keys.clashes(&mut found) {
        found.failures.extend(confusion(&ground, &clash));
    }
    Ok(found)
}

/// All that comes in from all networks, some of them at a time.
fn everything(ground: &Ground<'_>) -> Result<(Found, Keys), Unfollowed> {
    let count = ground.devices.len();
    let threads = thread::available_parallelism().map_or(1, usize::from).min(count.div_ceil(8)).max(1);
    let parts = thread::scope(|scope| {
        let part = |first: usize| scope.spawn(move || part(ground, first, threads));
        let parts: Vec<_> = (0..threads).map(part).collect();
        parts
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Vec<_>>()
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

/// What comes in from every so manyeth network.
fn part(ground: &Ground<'_>, first: usize, step: usize) -> Result<Part, Unfollowed> {
    let own = [true, false].map(|v4| ground.machine.own_ways(From::Own(None), v4));
    let own = [&own[0], &own[1]];
    let mut networks = Vec::new();
    let mut keys = Keys::default();
    for network in (first..ground.devices.len()).step_by(step) {
        let mut found = Found::default();
        for v4 in [true, false] {
            ground.network(network, v4, &mut found, &mut |opened, found| {
                keys.opened(&opened, ground.spec.networks[opened.to].masqueraded);
                match opened.of_hosts(ground.spec) {
                    Some((first, leaf)) => {
                        back::check(ground, own, &Opened { first, leaf: &leaf, ..opened }, found)
                    }
                    None => Ok(()),
                }
            })?;
        }
        networks.push((network, found));
    }
    Ok((networks, keys))
}

/// Two flows that cannot be told apart, unless their networks share an alias: that was said when the site was
/// checked.
fn confusion(ground: &Ground<'_>, clash: &Clash) -> Option<Failure> {
    let networks = |who: Who| match who {
        Who::Hosts(from, to, _) => [Some(from), Some(to)],
        Who::Gateway(network) | Who::Chosen(network) => [Some(network), None],
    };
    let [one, other] = clash.who.map(networks);
    if let ([Some(a), Some(b)], [Some(c), Some(d)]) = (one, other)
        && (a.min(b), a.max(b)) == (c.min(d), c.max(d))
        && ground.spec.share(a, b, clash.v4)
    {
        return None;
    }
    let name = |who: Who| match who {
        Who::Hosts(from, to, _) => format!("from {} to {}", ground.name(from), ground.name(to)),
        Who::Gateway(network) => format!("between {} and the gateway", ground.name(network)),
        Who::Chosen(network) => format!("of masqueraded hosts of {}", ground.name(network)),
    };
    let [a, b] = clash.who.map(name);
    Some(Failure {
        obligation: Obligation::NoConfusion,
        networks: one,
        what: format!("packets {a} and packets {b} have the same key in zone {}", clash.zone),
        packet: None,
        place: None,
    })
}

fn unfollowed(host: &Host, it: Unfollowed) -> String {
    let chain = &host.filters[it.filter].chains[it.chain];
    let line = chain.rules.get(it.rule).map_or(0, |rule| rule.line);
    format!("line {line}, chain {}: too much is folded together to be followed", chain.name)
}

/// Where the gateway's addresses in a network are the host's own affair, its hosts are on its link.
fn on_their_links(host: &mut Host, spec: &Spec<'_>) {
    for (n, network) in spec.site.networks.iter().enumerate() {
        for v4 in [true, false] {
            if network.addresses.iter().any(|it| it.value.addr().is_ipv4() == v4) {
                continue;
            }
            let device = spec.device(n).to_owned();
            let table = host.vrf_table(&device).unwrap_or(MAIN);
            for prefix in
                network.prefixes.iter().map(|it| it.real.value).filter(|it| it.addr().is_ipv4() == v4)
            {
                let way = Way::Out { device: device.clone(), via: None, onlink: false };
                // A route that the site makes itself comes before.
                host.routes.push(Route { to: prefix, way, table, metric: u32::MAX, protocol: 2 });
            }
        }
    }
}
