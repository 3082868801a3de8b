//! What a script does to a host, one change after another, so that each state in between can be looked at.
//!
//! Goes in: a [`Script`]. Comes out: its [`Action`]s. What must hold: applied one by one, they give every state
//! that packets can meet; what the kernel or a tool does at once is one action. What the order of those is that
//! one program does in an order of its own (`ip rule flush`, `iptables-save`) nobody says; here it is some.

use super::data::{Batch, Setting, Value};
use super::steps::Step;
use super::{At, Script, local_rule};
use crate::read::routing::{Change, Rule};

/// A change to a host that is made at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// One of links, addresses, routes and rules.
    Change(Change),
    /// The same, and nothing where it cannot be done, because the kernel has done it by itself already.
    Try(Change),
    /// A kernel setting.
    Set {
        /// Below `/proc/sys/net`.
        path: String,
        /// What it becomes.
        value: Value,
    },
    /// A kernel setting gets back what it had before the site came.
    Restore(String),
    /// Loads a part of the ruleset: its place among [`super::rulesets::Rulesets::parts`].
    Load(usize),
    /// Removes it.
    Drop(usize),
    /// Lets nothing be forwarded from or into these devices.
    GuardOn(Vec<String>),
    /// Takes that away.
    GuardOff,
}

impl Script {
    /// What it does where nothing of the site is there, on a host whose devices have IPv6. Steps that remove
    /// find nothing, then.
    #[must_use]
    pub fn up(&self) -> Vec<At<Action>> {
        let mut actions = Vec::new();
        for step in &self.steps_up {
            let mut add = |line, value| actions.push(At { line, value });
            match step.value {
                Step::GuardOn => add(step.line, Action::GuardOn(self.devices())),
                Step::GuardOff => add(step.line, Action::GuardOff),
                Step::Settings { own } => {
                    let settings = if own { &self.data.own_settings } else { &self.data.settings };
                    for At { line, value: Setting { path, value } } in settings {
                        add(*line, Action::Set { path: path.clone(), value: *value });
                    }
                }
                Step::Run(batch) => {
                    for command in self.data.batch(batch) {
                        add(command.line, Action::Change(command.change.clone()));
                    }
                }
                Step::MoveLocal { v4 } => {
                    for command in self.moved_local(v4) {
                        add(command.line, Action::Change(command.change));
                    }
                }
                Step::LoadRuleset => {
                    for (place, part) in self.rulesets.parts.iter().enumerate() {
                        add(part.line, Action::Load(place));
                    }
                }
                _ => {}
            }
        }
        actions
    }

    /// What it does where all of the site is there, and nothing of it was changed. Interfaces that were down
    /// before go down again, and other people's routes come back: that is not among them, as the host alone
    /// knows it.
    #[must_use]
    pub fn down(&self) -> Vec<At<Action>> {
        let mut actions = Vec::new();
        for step in &self.steps_down {
            let mut add = |value| actions.push(At { line: step.line, value });
            match step.value {
                Step::GuardOn => add(Action::GuardOn(self.devices())),
                Step::GuardOff => add(Action::GuardOff),
                Step::DropRules { v4 } => {
                    if self.header.local.is_some() {
                        add(Action::Change(Change::AddRule(local_rule(v4, 0, KERNEL))));
                    }
                    for rule in self.made_rules(v4) {
                        add(Action::Try(Change::DeleteRule(rule)));
                    }
                }
                Step::DropRuleset => {
                    (0..self.rulesets.parts.len()).for_each(|place| add(Action::Drop(place)))
                }
                Step::DeleteAddresses => {
                    for command in self.data.batch(Batch::Addresses) {
                        if let Change::AddAddress(address) = &command.change {
                            add(Action::Try(Change::DeleteAddress(address.clone())));
                        }
                    }
                }
                Step::DetachAndDeleteVrfs => {
                    for network in &self.data.networks {
                        let Some(vrf) = &network.value.vrf else { continue };
                        let device = network.value.interface.clone();
                        add(Action::Try(Change::SetMaster { device, master: None }));
                        add(Action::Try(Change::DeleteLink(vrf.clone())));
                    }
                }
                Step::FlushRoutes { v4 } => {
                    for command in
                        [Batch::Defaults(v4), Batch::Routes(v4)].map(|it| self.data.batch(it)).concat()
                    {
                        if let Change::AddRoute(route) = command.change {
                            add(Action::Try(Change::DeleteRoute(route)));
                        }
                    }
                }
                Step::RestoreSettings => {
                    for setting in self.data.settings.iter().rev() {
                        add(Action::Restore(setting.value.path.clone()));
                    }
                }
                _ => {}
            }
        }
        actions
    }

    /// The rules of a family that carry the site's protocol, in the kernel's order.
    fn made_rules(&self, v4: bool) -> Vec<Rule> {
        let made = self.data.batch(Batch::Rules(v4)).iter().map(|command| command.change.clone());
        let moved = self.moved_local(v4).into_iter().map(|command| command.change);
        let mut rules: Vec<Rule> = Vec::new();
        for change in made.chain(moved) {
            if let Change::AddRule(rule) = change
                && rule.protocol == self.header.protocol
            {
                rules.push(rule);
            }
        }
        rules.sort_by_key(|rule| rule.preference);
        rules
    }
}

/// Who made the rules that are there from the beginning: rtnetlink(7), RTPROT_KERNEL.
const KERNEL: u8 = 2;
