//! Tables, chains, bits of marks and conntrack zones that are not the site's.

use super::Own;
use crate::read::filter::{Action, Bits, Chain, Filter, Step, Verdict, Zone};
use crate::read::script::rulesets::Dropped;
use crate::read::touched::{Object, Touched};

impl Own<'_> {
    pub(super) fn filters(&self, found: &mut Vec<(usize, String)>) {
        let rulesets = &self.script.rulesets;
        let devices = self.script.devices();
        for touched in &rulesets.touched {
            self.touched(touched, false, found);
        }
        // A guard that is not understood was refused before.
        for touched in rulesets.guard.touched(&devices).unwrap_or_default() {
            self.touched(&touched, true, found);
        }
        if let Dropped::Tables { ruleset, guard } = &rulesets.dropped {
            for table in ruleset.iter().chain(guard).filter(|table| !is_own_table(&table.value)) {
                found.push((table.line, format!("the table {} is not the site's to remove", table.value)));
            }
        }
        let guards = rulesets.guard.filters(&devices).unwrap_or_default();
        for filter in rulesets.whole.iter().map(|filter| filter.value.as_ref()).chain(&guards) {
            self.filter(filter, found);
        }
    }

    /// An object is the site's by its name, and must be among those that are removed again.
    fn touched(&self, touched: &Touched, guard: bool, found: &mut Vec<(usize, String)>) {
        let removed = match (&self.script.rulesets.dropped, &touched.object) {
            (Dropped::Tables { ruleset, guard: of_guard }, Object::Table(name)) => {
                let tables = if guard { of_guard } else { ruleset };
                tables.iter().any(|table| table.value == *name)
            }
            (Dropped::Chains { all, guard: of_guard }, Object::Chain(name)) => {
                name.starts_with(all) && name.starts_with(of_guard) == guard
            }
            _ => true,
        };
        let why = match &touched.object {
            Object::Table(name) if !is_own_table(name) => format!("the table {name} is somebody else's"),
            Object::Within { name, .. } if !name.starts_with("ovl_") => {
                format!("the name {name} does not begin with ovl_")
            }
            Object::Chain(name) if !name.starts_with("ovl-") => {
                format!("the chain {name} is somebody else's")
            }
            Object::Policy(name) => format!("the policy of {name} is the host's"),
            Object::Rule { chain, place } if !chain.starts_with("ovl-") && *place != Some(1) => {
                format!("a rule in {chain} that is not before all others")
            }
            Object::Table(name) | Object::Chain(name) if !removed => {
                format!("{name} is made, and never removed")
            }
            _ => return,
        };
        found.push((touched.line, why));
    }

    fn filter(&self, filter: &Filter, found: &mut Vec<(usize, String)>) {
        for chain in &filter.chains {
            let line = chain.rules.first().map_or(1, |rule| rule.line);
            if chain.base.is_some_and(|base| !base.accepts) {
                found.push((line, format!("{} would drop everybody's packets", chain.name)));
            }
            for rule in &chain.rules {
                if is_built_in(chain) && !leads_home(&rule.steps, filter) {
                    let why =
                        format!("a rule in {} that does more than lead to a chain of the site", chain.name);
                    found.push((rule.line, why));
                }
                for step in &rule.steps {
                    if let Step::Action(action) = step
                        && let Err(why) = self.action(action)
                    {
                        found.push((rule.line, why));
                    }
                }
            }
        }
    }

    fn action(&self, action: &Action) -> Result<(), String> {
        let (marks, connection_marks) = (self.script.header.marks(), self.script.header.connection_marks);
        match action {
            Action::Mark(bits) => within(*bits, marks, "the packet mark"),
            Action::ConnectionMark(bits) => within(*bits, connection_marks, "the connection mark"),
            Action::RestoreMark { mark, connection } => {
                let changed = Bits { and: !*mark, xor: 0 };
                within(changed, marks, "the packet mark")?;
                match connection & !connection_marks {
                    0 => Ok(()),
                    more => Err(format!("bits {more:#x} of the connection mark are not the site's")),
                }
            }
            Action::Zone { zone, .. } => self.zone(zone),
            // What they do to a packet they do to it alone.
            Action::Destination(_)
            | Action::Source(_)
            | Action::Masquerade
            | Action::Segments(_)
            | Action::Log(_)
            | Action::Limit { .. } => Ok(()),
        }
    }

    fn zone(&self, zone: &Zone) -> Result<(), String> {
        let zones: Vec<u16> = match zone {
            Zone::Is(zone) => vec![*zone],
            Zone::ByMark(_, zones) => zones.values().copied().collect(),
            Zone::ByOut(zones) => zones.values().copied().collect(),
            Zone::Mark => return Err("a zone that bits of others can be part of".to_owned()),
        };
        match zones.iter().find(|zone| !self.zones.contains(zone)) {
            Some(zone) => Err(format!("the zone {zone} is not the site's")),
            None => Ok(()),
        }
    }
}

/// All bits but those of the mask stay as they are.
fn within(bits: Bits, mask: u32, what: &str) -> Result<(), String> {
    match (!bits.and | bits.xor) & !mask {
        0 => Ok(()),
        more => Err(format!("bits {more:#x} of {what} are not the site's")),
    }
}

fn is_own_table(name: &str) -> bool {
    name.strip_prefix("inet ").is_some_and(|name| name == "ovl" || name.starts_with("ovl_"))
}

/// Whether a chain is one of iptables that is always there; those of nft are all somebody's.
fn is_built_in(chain: &Chain) -> bool {
    chain.base.is_some() && !chain.table.contains(' ')
}

/// Whether a rule asks, and then leads to a chain of the site.
fn leads_home(steps: &[Step], filter: &Filter) -> bool {
    let Some((Step::Verdict(Verdict::Jump(to) | Verdict::Goto(to)), before)) = steps.split_last() else {
        return false;
    };
    let own = filter.chains.get(*to).is_some_and(|chain| chain.name.starts_with("ovl-"));
    own && before.iter().all(|step| matches!(step, Step::Match(_)))
}
