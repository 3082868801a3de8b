//! The states that a host comes through while a script works.
//!
//! Goes in: a [`Script`], a [`Host`] and [`Action`]s. Comes out: the host after each of them. What must hold: an
//! action that the kernel must take is taken; what is loaded and the guard see each packet both.

use std::collections::{BTreeMap, BTreeSet};

use crate::read::filter::Filter;
use crate::read::routing::Change;
use crate::read::script::actions::Action;
use crate::read::script::data::Value;
use crate::read::script::{At, Script};
use crate::sim::host::Host;

/// A host while a script works on it.
#[derive(Clone, Debug)]
pub struct States<'s> {
    script: &'s Script,
    host: Host,
    /// What the host filters by without the script.
    others: Vec<Filter>,
    /// The settings that it had before.
    before: BTreeMap<String, i64>,
    guard: Vec<Filter>,
    loaded: BTreeSet<usize>,
}

/// What could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The line of the script, from 1.
    pub line: usize,
    /// What the kernel would say.
    pub why: String,
}

impl<'s> States<'s> {
    /// A host before the script does anything.
    #[must_use]
    pub fn of(script: &'s Script, host: Host) -> Self {
        let (others, before) = (host.filters.clone(), host.settings.clone());
        Self { script, host, others, before, guard: Vec::new(), loaded: BTreeSet::new() }
    }

    /// A host that has the interfaces of the script's networks, and nothing else.
    #[must_use]
    pub fn from_nothing(script: &'s Script) -> Self {
        let networks = script.data.networks.iter();
        let interfaces: Vec<&str> = networks.map(|network| network.value.interface.as_str()).collect();
        Self::of(script, Host::new(interfaces))
    }

    /// The host as it is now.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Whether the guard is there.
    #[must_use]
    pub const fn is_shut(&self) -> bool {
        !self.guard.is_empty()
    }

    /// Does one thing.
    ///
    /// # Errors
    ///
    /// The kernel would not take it.
    pub fn apply(&mut self, action: &At<Action>) -> Result<(), Refused> {
        let refused = |why: String| Refused { line: action.line, why };
        match &action.value {
            Action::Change(change) => self.host.apply(change).map_err(refused)?,
            Action::Try(change) => {
                // What is not there need not go.
                let gone = self.host.apply(change).is_ok();
                if let (true, Change::DeleteLink(device)) = (gone, change) {
                    // Its folders below /proc/sys/net go with it.
                    self.host.settings.retain(|path, _| path.split('/').nth(2) != Some(device));
                }
            }
            Action::Set { path, value } => {
                let value = match value {
                    Value::Is(number) => *number,
                    Value::Loose => 0,
                };
                self.host.settings.insert(path.clone(), value);
            }
            Action::Restore(path) => match self.before.get(path) {
                Some(value) => drop(self.host.settings.insert(path.clone(), *value)),
                None => drop(self.host.settings.remove(path)),
            },
            Action::Load(part) => drop(self.loaded.insert(*part)),
            Action::Drop(part) => drop(self.loaded.remove(part)),
            Action::GuardOn(devices) => {
                let filters = self.script.rulesets.guard.filters(devices);
                self.guard = filters.map_err(|unread| refused(unread.to_string()))?;
            }
            Action::GuardOff => self.guard.clear(),
        }
        if matches!(action.value, Action::Load(_) | Action::Drop(_) | Action::GuardOn(_) | Action::GuardOff) {
            let parts = self.loaded.iter().filter_map(|part| self.script.rulesets.parts.get(*part));
            let parts = parts.map(|part| &part.value);
            self.host.filters = self.others.iter().chain(&self.guard).chain(parts).cloned().collect();
        }
        Ok(())
    }
}
