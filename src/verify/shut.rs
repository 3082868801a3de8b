//! Whether the guard of a script shuts the networks: whether nothing is forwarded from or into their devices
//! while it is there.
//!
//! Goes in: a [`Script`]. Comes out: each [`Ajar`] device. What must hold: what else is loaded cannot matter, so
//! that the guard is a drop in a chain of its own, for every packet, in both families.

use std::collections::BTreeSet;

use crate::read::filter::{Base, Field, Filter, Hook, Match, Step, Values, Verdict};
use crate::read::script::Script;

/// A device that packets get through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ajar {
    /// Which.
    pub device: String,
    /// Whether of IPv4.
    pub v4: bool,
    /// Whether packets that come from it, or that leave by it.
    pub from: bool,
}

/// Every device that the guard leaves open, for the devices that it is given.
#[must_use]
pub fn check(script: &Script) -> Vec<Ajar> {
    let devices = script.devices();
    // One that is not understood was refused before.
    let filters = script.rulesets.guard.filters(&devices).unwrap_or_default();
    let mut ajar = Vec::new();
    for v4 in [true, false] {
        for (field, from) in [(Field::In, true), (Field::Out, false)] {
            let dropped: BTreeSet<&str> = filters.iter().flat_map(|it| dropped(it, v4, field)).collect();
            let open = devices.iter().filter(|device| !dropped.contains(device.as_str()));
            ajar.extend(open.map(|device| Ajar { device: device.clone(), v4, from }));
        }
    }
    ajar
}

/// The devices whose packets are gone in a filter, whatever else they are.
fn dropped(filter: &Filter, v4: bool, field: Field) -> Vec<&str> {
    let hooked = filter.chains.iter().enumerate().filter(|(_, chain)| {
        let of_family = |base: Base| if v4 { base.families.v4 } else { base.families.v6 };
        chain.base.is_some_and(|base| base.hook == Hook::Forward && !base.nat && of_family(base))
    });
    let mut chains: Vec<usize> = hooked.map(|(place, _)| place).collect();
    let (mut at, mut names) = (0, Vec::new());
    while let Some(chain) = chains.get(at).and_then(|place| filter.chains.get(*place)) {
        at += 1;
        for rule in &chain.rules {
            match rule.steps.as_slice() {
                [Step::Verdict(Verdict::Jump(to))] if !chains.contains(to) => chains.push(*to),
                [
                    Step::Match(Match { field: asked, negated: false, values }),
                    Step::Verdict(Verdict::Drop),
                ] => {
                    if let (true, Values::Names(all)) = (*asked == field, values) {
                        names.extend(all.iter().filter(|name| !name.open).map(|name| name.text.as_str()));
                    }
                }
                // Behind anything else a packet may be gone from here.
                _ => break,
            }
        }
    }
    names
}
