//! Nothing passes while a site is being put up or taken down, nor when its rules are gone (O5).
//!
//! Goes in: the site, its script and the host with it. Comes out: what opens. What must hold: between the first
//! change and the last one the guard is there, and it lets nothing through whatever else there is; and a host
//! whose packet filter somebody has flushed has no way from one network into another.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::delivery::of_kinds;
use super::found::{Failure, Found, Obligation, Packet};
use super::spec::Spec;
use super::states::States;
use super::{order, shut};
use crate::read::filter::Filter;
use crate::read::routing::{Change, Route, Way};
use crate::read::script::Script;
use crate::sim::host::{Host, MAIN};
use crate::sim::region::Region;
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::numbers::opens;
use crate::sim::region::pass::{Connection, Machine, Outcome};

/// The steps of a script, and the host after each of them.
pub(super) fn steps(script: &Script, found: &mut Found) {
    let fails = |line: usize, what: String, found: &mut Found| {
        found.failures.push(Failure {
            obligation: Obligation::FailClosed,
            networks: [None; 2],
            what,
            packet: None,
            place: None,
            rule: None,
            line: Some(line),
        });
    };
    for misplaced in order::check(script) {
        fails(misplaced.line, format!("{:?} is not in its place: {}", misplaced.step, misplaced.why), found);
    }
    for ajar in shut::check(script) {
        let family = if ajar.v4 { "IPv4" } else { "IPv6" };
        let way = if ajar.from { "comes in by" } else { "leaves by" };
        fails(1, format!("the guard does not stop {family} that {way} {}", ajar.device), found);
    }
    let mut states = States::from_nothing(script);
    for (phase, actions) in [("up", script.up()), ("down", script.down())] {
        for action in actions {
            found.looked(Obligation::FailClosed);
            if let Err(refused) = states.apply(&action) {
                fails(refused.line, format!("a step of {phase} cannot be done: {}", refused.why), found);
                return;
            }
        }
    }
}

/// The host when something of it is gone: its packet filters, all of them or one table of iptables; its rules; half
/// of its links.
pub(super) fn flushed(spec: &Spec<'_>, host: &Host, found: &mut Found) -> Result<(), (String, Unfollowed)> {
    let mut tables: Vec<&str> =
        host.filters.iter().flat_map(|it| &it.chains).map(|it| it.table.as_str()).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut gone: Vec<Vec<&str>> = vec![tables.clone()];
    if tables.len() > 1 {
        gone.extend(tables.iter().map(|table| vec![*table]));
    }
    let of_filters = gone.into_iter().map(|gone| {
        let mut host = host.clone();
        host.filters.iter_mut().for_each(|filter| flush(filter, &gone));
        (format!("somebody has flushed {}", gone.join(", ")), host, false)
    });
    let mut cases: Vec<(String, Host, bool)> = of_filters.collect();
    let mut without = host.clone();
    // RTPROT_KERNEL of rtnetlink(7).
    without.rules.retain(|rule| rule.protocol == 2);
    cases.push(("its rules are gone".to_owned(), without, true));
    let mut without = host.clone();
    without.rules.retain(|rule| rule.mark.is_none());
    cases.push(("its rules about marks are gone".to_owned(), without, true));
    for (which, rest) in [("first", 0), ("second", 1)] {
        let mut half = host.clone();
        for network in (rest..spec.site.networks.len()).step_by(2) {
            let device = spec.device(network).to_owned();
            // One that is not there is down, too.
            let _ = half.apply(&Change::SetUp { device, up: false });
        }
        cases.push((format!("the {which} of every two networks is down"), half, true));
    }
    for (when, host, filtered) in cases {
        // What was understood before is understood with less of it.
        let Ok(machine) = Machine::new(&host) else { continue };
        let networks = networks(spec, &machine);
        for network in 0..spec.site.networks.len() {
            for v4 in [true, false] {
                let flushed = Flushed {
                    spec,
                    machine: &machine,
                    networks: &networks,
                    when: &when,
                    filtered,
                    network,
                    v4,
                };
                flushed.check(found).map_err(|it| (when.clone(), it))?;
            }
        }
    }
    Ok(())
}

/// The network of each device, by its number.
fn networks(spec: &Spec<'_>, machine: &Machine) -> Vec<Option<usize>> {
    let mut networks = vec![None; machine.devices.count()];
    for network in 0..spec.site.networks.len() {
        networks[machine.devices.number(spec.device(network))] = Some(network);
    }
    // The last number stands for all devices that are not known.
    networks.pop();
    networks
}

/// What comes from elsewhere, on a host that has a way into each network: a number that is nobody's stands for it.
pub(super) fn entered(
    spec: &Spec<'_>,
    host: &Host,
    elsewhere: &str,
    found: &mut Found,
) -> Result<(), (String, Unfollowed)> {
    let mut host = host.clone();
    for network in 0..spec.site.networks.len() {
        let low = u32::try_from(network).unwrap_or(u32::MAX);
        let v4 = IpNet::new(Ipv4Addr::from(0x0b00_0000 + (low << 8)).into(), 24);
        let v6 = IpNet::new(Ipv6Addr::from((0x2001_0db8_u128 << 96) + (u128::from(low) << 64)).into(), 64);
        for to in [v4, v6].into_iter().flatten() {
            let way = Way::Out { device: spec.device(network).to_owned(), via: None, onlink: false };
            host.routes.push(Route { to, way, table: MAIN, metric: 0, protocol: 2 });
        }
    }
    let Ok(machine) = Machine::new(&host) else { return Ok(()) };
    let networks = networks(spec, &machine);
    for v4 in [true, false] {
        let entrance = machine.at(machine.devices.number(elsewhere), v4);
        let mut leaves = Vec::new();
        let flows = entrance.before(Region::all(v4), &mut leaves);
        for flow in flows.map_err(|it| (String::new(), it))? {
            if let Some(new) = of_kinds(&flow, opens(v4), true) {
                entrance.after(new, &Connection::New, &mut leaves).map_err(|it| (String::new(), it))?;
            }
        }
        for leaf in leaves {
            found.looked(Obligation::Isolation);
            let Outcome::Left(out) = leaf.outcome else { continue };
            let name = machine.devices.name(out);
            let Some(to) = networks.get(out).copied().flatten() else { continue };
            found.failures.push(Failure {
                obligation: Obligation::Isolation,
                networks: [None, Some(to)],
                what: format!("comes from a device of no network and leaves by {name}"),
                packet: Some(Packet::out_of(&leaf.flow.region, elsewhere)),
                place: None,
                rule: None,
                line: None,
            });
        }
    }
    Ok(())
}

/// `nft flush table`, `iptables -t TABLE -F`: the chains stay, with their policies.
fn flush(filter: &mut Filter, gone: &[&str]) {
    for chain in &mut filter.chains {
        if gone.contains(&chain.table.as_str()) {
            chain.rules.clear();
        }
    }
}

struct Flushed<'f> {
    spec: &'f Spec<'f>,
    machine: &'f Machine,
    networks: &'f [Option<usize>],
    when: &'f str,
    /// Whether its packet filters are there: then nothing goes back to where it came from.
    filtered: bool,
    network: usize,
    v4: bool,
}

impl Flushed<'_> {
    fn check(&self, found: &mut Found) -> Result<(), Unfollowed> {
        let device = self.machine.devices.number(self.spec.device(self.network));
        let entrance = self.machine.at(device, self.v4);
        let mut leaves = Vec::new();
        for flow in entrance.before(Region::all(self.v4), &mut leaves)? {
            if let Some(new) = of_kinds(&flow, opens(self.v4), true) {
                entrance.after(new, &Connection::New, &mut leaves)?;
            }
        }
        for leaf in leaves {
            found.looked(Obligation::FailClosed);
            let Outcome::Left(out) = leaf.outcome else { continue };
            let name = self.machine.devices.name(out);
            let to = self.networks.get(out).copied().flatten();
            let stays = out == device && !self.filtered;
            if stays || to.is_some_and(|to| self.spec.peers(self.network, to)) {
                continue;
            }
            found.failures.push(Failure {
                obligation: Obligation::FailClosed,
                networks: [Some(self.network), to],
                what: format!("leaves by {name} when {}", self.when),
                packet: Some(Packet::out_of(&leaf.flow.region, self.spec.device(self.network))),
                place: None,
                rule: None,
                line: None,
            });
        }
        Ok(())
    }
}
