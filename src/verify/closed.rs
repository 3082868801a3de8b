//! Nothing passes while a site is being put up or taken down, nor when its rules are gone (O5).
//!
//! Goes in: the site, its script and the host with it. Comes out: what opens. What must hold: between the first
//! change and the last one the guard is there, and it lets nothing through whatever else there is; and a host
//! whose packet filter somebody has flushed has no way from one network into another.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::delivery::{Ground, of_kinds};
use super::found::{Failure, Found, Obligation, Packet};
use super::spec::Spec;
use super::states::States;
use super::{order, shut};
use crate::read::routing::{Change, Route, Way};
use crate::read::script::Script;
use crate::sim::host::{Host, MAIN};
use crate::sim::region::Region;
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::flow::Flow;
use crate::sim::region::numbers::opens;
use crate::sim::region::pass::{Connection, Leaf, Machine, Outcome, Unready, is_raw};

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
pub(super) struct Gone<'g> {
    spec: &'g Spec<'g>,
    cases: Vec<Case>,
}

struct Case {
    when: String,
    machine: Machine,
    /// The network of each device.
    networks: Vec<Option<usize>>,
    same: Same,
}

/// What of its packet filters is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Same {
    /// Not those that see packets before their connection is looked for.
    Nothing,
    /// Those, and not all others.
    Raw,
    /// All of them: then nothing goes back to where it came from.
    All,
}

impl<'g> Gone<'g> {
    pub(super) fn new(spec: &'g Spec<'g>, host: &Host, machine: &Machine) -> Self {
        let mut tables: Vec<&str> =
            host.filters.iter().flat_map(|it| &it.chains).map(|it| it.table.as_str()).collect();
        tables.sort_unstable();
        tables.dedup();
        let mut gone: Vec<Vec<&str>> = vec![tables.clone()];
        if tables.len() > 1 {
            gone.extend(tables.iter().map(|table| vec![*table]));
        }
        let mut cases = Vec::new();
        // What was understood before is understood with less of it.
        let mut add = |when: String, machine: Result<Machine, Unready>, same: Same| {
            if let Ok(machine) = machine {
                let networks = networks(spec, &machine);
                cases.push(Case { when, machine, networks, same });
            }
        };
        for gone in gone {
            let of_raw = host.filters.iter().flat_map(|it| &it.chains).any(|chain| {
                gone.contains(&chain.table.as_str())
                    && chain.base.is_some_and(|base| is_raw(base.hook, base.priority))
            });
            let same = if of_raw { Same::Nothing } else { Same::Raw };
            let flushed = machine.flushed(&host.filters, &gone);
            add(format!("somebody has flushed {}", gone.join(", ")), Ok(flushed), same);
        }
        let mut without = host.clone();
        // RTPROT_KERNEL of rtnetlink(7).
        without.rules.retain(|rule| rule.protocol == 2);
        add("its rules are gone".to_owned(), machine.otherwise(&without), Same::All);
        let mut without = host.clone();
        without.rules.retain(|rule| rule.mark.is_none());
        add("its rules about marks are gone".to_owned(), machine.otherwise(&without), Same::All);
        for (which, rest) in [("first", 0), ("second", 1)] {
            let mut half = host.clone();
            for network in (rest..spec.site.networks.len()).step_by(2) {
                let device = spec.device(network).to_owned();
                // One that is not there is down, too.
                let _ = half.apply(&Change::SetUp { device, up: false });
            }
            let when = format!("the {which} of every two networks is down");
            add(when, machine.otherwise(&half), Same::All);
        }
        Self { spec, cases }
    }

    /// Looks at what comes in from a network: `arrived` is what opens connections when its way is looked for, with
    /// nothing gone.
    pub(super) fn check(
        &self,
        ground: &Ground<'_>,
        (network, v4): (usize, bool),
        arrived: &[Flow],
        found: &mut Found,
    ) -> Result<(), Unfollowed> {
        let raw = &ground.raw(network, v4)?.flows;
        let open = self.open(ground, (network, v4), arrived, found)?;
        for case in &self.cases {
            if case.same == Same::All && open.is_empty() {
                continue;
            }
            let device = case.machine.devices.number(self.spec.device(network));
            let entrance = case.machine.at(device, v4);
            let mut leaves = Vec::new();
            let own = match case.same {
                Same::Nothing => entrance.before(Region::all(v4), &mut leaves)?,
                Same::Raw | Same::All => Vec::new(),
            };
            match case.same {
                Same::All => entrance.go_on(open.clone(), &Connection::New, &mut leaves)?,
                Same::Nothing | Same::Raw => {
                    let flows = if case.same == Same::Raw { raw } else { &own };
                    for new in flows.iter().filter_map(|flow| of_kinds(flow, opens(v4), true)) {
                        entrance.after(new, &Connection::New, &mut leaves)?;
                    }
                }
            }
            for leaf in leaves {
                self.left(case, &leaf, (network, device), found);
            }
        }
        Ok(())
    }

    /// Those that rules, if all of them are there, let leave by a device that they must not: where there are few such
    /// devices, there are most often none, and nobody has to look for any way.
    fn open(
        &self,
        ground: &Ground<'_>,
        (network, v4): (usize, bool),
        arrived: &[Flow],
        found: &mut Found,
    ) -> Result<Vec<Flow>, Unfollowed> {
        let Some(strange) = ground.strange(network, v4, self.cases.len()) else {
            return Ok(arrived.to_vec());
        };
        let entrance = ground.entrance(network, v4);
        let mut open = Vec::new();
        for flow in arrived {
            found.looked(Obligation::FailClosed);
            if !entrance.shuts(flow, &Connection::New, &strange)? {
                open.push(flow.clone());
            }
        }
        Ok(open)
    }

    fn left(&self, case: &Case, leaf: &Leaf, (network, device): (usize, usize), found: &mut Found) {
        found.looked(Obligation::FailClosed);
        let Outcome::Left(out) = leaf.outcome else { return };
        let name = case.machine.devices.name(out);
        let to = case.networks.get(out).copied().flatten();
        let stays = out == device && case.same != Same::All;
        if stays || to.is_some_and(|to| self.spec.peers(network, to)) {
            return;
        }
        found.failures.push(Failure {
            obligation: Obligation::FailClosed,
            networks: [Some(network), to],
            what: format!("leaves by {name} when {}", case.when),
            packet: Some(Packet::out_of(&leaf.flow.region, self.spec.device(network))),
            place: None,
            rule: None,
            line: None,
        });
    }
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
