//! Links, addresses, routes and rules that are not the site's.

use super::Own;
use crate::read::routing::{Action, Address, Change, Route, Rule, Way};
use crate::sim::host::LOCAL;

impl Own<'_> {
    pub(super) fn commands(&self, found: &mut Vec<(usize, String)>) {
        let mut moved = [false; 2];
        for command in self.script.all_commands() {
            let why = match &command.change {
                Change::AddRule(rule) => {
                    moved[usize::from(rule.v4)] |= self.is_moved_local(rule);
                    self.rule(rule)
                }
                Change::DeleteRule(rule) => self.removed_rule(rule, moved[usize::from(rule.v4)]),
                change => self.other(change),
            };
            if let Err(why) = why {
                found.push((command.line, why));
            }
        }
    }

    fn other(&self, change: &Change) -> Result<(), String> {
        match change {
            Change::AddVrf { name, table } => need(self.vrfs.get(name.as_str()) == Some(table), || {
                format!("no network has a VRF device {name} with table {table}")
            }),
            Change::SetUp { device, up } => {
                need(self.device(device), || not_of(device))?;
                need(*up, || format!("{device} would go down for everybody"))
            }
            Change::SetMaster { device, master } => {
                let network = self.by_interface.get(device.as_str()).is_some_and(|it| it.vrf == *master);
                need(network && master.is_some(), || format!("{device} does not belong there"))
            }
            Change::DeleteLink(name) => {
                need(self.vrfs.contains_key(name.as_str()), || format!("the site has not made {name}"))
            }
            Change::AddAddress(address) | Change::DeleteAddress(address) => self.address(address),
            Change::AddRoute(route) | Change::DeleteRoute(route) => self.route(route),
            Change::AddRule(_) | Change::DeleteRule(_) => Ok(()),
        }
    }

    fn address(&self, address: &Address) -> Result<(), String> {
        need(self.interfaces.contains(address.device.as_str()), || not_of(&address.device))
    }

    fn route(&self, route: &Route) -> Result<(), String> {
        self.protocol(route.protocol)?;
        self.table(route.table)?;
        match &route.way {
            Way::Out { device, .. } => need(self.device(device), || not_of(device)),
            Way::Unreachable | Way::Prohibited | Way::Blackhole => Ok(()),
            Way::Local | Way::Broadcast | Way::Multicast => {
                Err("such routes are the kernel's to make".to_owned())
            }
        }
    }

    fn rule(&self, rule: &Rule) -> Result<(), String> {
        if rule.action == Action::Vrf {
            let usual = self.script.header.vrf && (rule.preference, rule.protocol) == (1000, 2);
            return need(usual, || "the rule of VRF devices is the kernel's".to_owned());
        }
        self.protocol(rule.protocol)?;
        self.preference(rule.preference)?;
        if let Some((value, mask)) = rule.mark {
            need((value | mask) & !self.script.header.marks() == 0, || {
                "bits of the mark are asked for that are not the site's".to_owned()
            })?;
        }
        match rule.action {
            Action::Lookup(LOCAL) => need(self.is_moved_local(rule), || {
                "the table local is looked in where the header does not say so".to_owned()
            }),
            Action::Lookup(table) => {
                self.table(table)?;
                need(self.own_packets(rule), || {
                    "packets that are not the site's are led to its table".to_owned()
                })
            }
            Action::Goto(preference) => self.preference(preference),
            Action::Nothing | Action::Vrf => Ok(()),
        }
    }

    /// Whether a rule is about packets of the site alone: those with its mark, or by way of its interfaces.
    fn own_packets(&self, rule: &Rule) -> bool {
        let device = |name: &Option<String>| name.as_ref().is_some_and(|name| self.device(name));
        let marked = rule.mark.is_some_and(|(value, mask)| value & mask != 0);
        !rule.not && (marked || device(&rule.iif) || device(&rule.oif))
    }

    fn is_moved_local(&self, rule: &Rule) -> bool {
        let preference = self.script.header.local.map(|(_, preference)| preference);
        rule.action == Action::Lookup(LOCAL) && Some(rule.preference) == preference && for_all(rule)
    }

    /// Only the rule for the table `local`, when it is at its other place already.
    fn removed_rule(&self, rule: &Rule, moved: bool) -> Result<(), String> {
        let local = rule.preference == 0 && rule.action == Action::Lookup(LOCAL) && for_all(rule);
        need(local, || "a rule is removed that the site has not made".to_owned())?;
        need(moved, || "the rule for the table local goes, and is nowhere else yet".to_owned())
    }

    fn protocol(&self, protocol: u8) -> Result<(), String> {
        let own = self.script.header.protocol;
        need(protocol == own, || format!("its protocol is {protocol}, not the site's {own}"))
    }

    fn preference(&self, preference: u32) -> Result<(), String> {
        let (first, last) = self.script.header.preferences;
        need((first..=last).contains(&preference), || {
            format!("preference {preference} is not between {first} and {last}")
        })
    }

    fn table(&self, table: u32) -> Result<(), String> {
        need(self.tables.contains(&table), || format!("table {table} is no network's"))
    }
}

fn for_all(rule: &Rule) -> bool {
    let selects = rule.not || rule.mark.is_some() || rule.from.is_some() || rule.to.is_some();
    !selects && rule.iif.is_none() && rule.oif.is_none()
}

fn not_of(device: &str) -> String {
    format!("{device} is no device of the site")
}

fn need(fine: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if fine { Ok(()) } else { Err(why()) }
}
