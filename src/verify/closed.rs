//! Nothing passes while a site is being put up or taken down, nor when its rules are gone (O5).
//!
//! Goes in: the site, its script and the host with it. Comes out: what opens. What must hold: between the first
//! change and the last one the guard is there, and it lets nothing through whatever else there is; and a host
//! whose packet filter somebody has flushed has no way from one network into another.

use super::delivery::of_kinds;
use super::found::{Failure, Found, Obligation, Packet};
use super::spec::Spec;
use super::states::States;
use super::{order, shut};
use crate::read::filter::Filter;
use crate::read::script::Script;
use crate::sim::host::Host;
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

/// The host when somebody has flushed its rules: all of them, or one table of iptables.
pub(super) fn flushed(spec: &Spec<'_>, host: &Host, found: &mut Found) -> Result<(), (String, Unfollowed)> {
    let mut tables: Vec<&str> =
        host.filters.iter().flat_map(|it| &it.chains).map(|it| it.table.as_str()).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut cases: Vec<Vec<&str>> = vec![tables.clone()];
    if tables.len() > 1 {
        cases.extend(tables.iter().map(|table| vec![*table]));
    }
    for gone in cases {
        let mut host = host.clone();
        host.filters.iter_mut().for_each(|filter| flush(filter, &gone));
        // What was understood before is understood with less of it.
        let Ok(machine) = Machine::new(&host) else { continue };
        for network in 0..spec.site.networks.len() {
            for v4 in [true, false] {
                let flushed = Flushed { spec, machine: &machine, gone: &gone, network, v4 };
                flushed.check(found).map_err(|it| (gone.join(", "), it))?;
            }
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
    gone: &'f [&'f str],
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
        let devices = 0..self.spec.site.networks.len();
        for leaf in leaves {
            found.looked(Obligation::FailClosed);
            let Outcome::Left(out) = leaf.outcome else { continue };
            let name = self.machine.devices.name(out);
            let to = devices.clone().find(|network| self.spec.device(*network) == name);
            if out == device || to.is_some_and(|to| self.spec.peers(self.network, to)) {
                continue;
            }
            found.failures.push(Failure {
                obligation: Obligation::FailClosed,
                networks: [Some(self.network), to],
                what: format!("leaves by {name} when somebody has flushed {}", self.gone.join(", ")),
                packet: Some(Packet::out_of(&leaf.flow.region, self.spec.device(self.network))),
                place: None,
                rule: None,
                line: None,
            });
        }
        Ok(())
    }
}
