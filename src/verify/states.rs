//! The states that a host comes through while a script works.
//!
//! Goes in: a [`Script`], a [`Host`] and [`Action`]s. Comes out: the host after each of them. What must hold: an
//! action that the kernel must take is taken; what is loaded and the guard see each packet both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    others: Vec<Arc<Filter>>,
    /// The settings that it had before.
    before: BTreeMap<String, i64>,
    guard: Vec<Arc<Filter>>,
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
                    forget(&mut self.host.settings, device);
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
                let filters = filters.map_err(|unread| refused(unread.to_string()))?;
                self.guard = filters.into_iter().map(Arc::new).collect();
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

/// Removes the settings of a device: `ipv4/conf/DEVICE/forwarding`.
fn forget(settings: &mut BTreeMap<String, i64>, device: &str) {
    let mut from = String::new();
    while let Some((path, _)) = settings.range(from..).next() {
        let mut parts = path.splitn(3, '/');
        let (Some(first), Some(second), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            // Right behind it.
            from = format!("{path}\0");
            continue;
        };
        let (all, of_device) = (format!("{first}/{second}"), format!("{first}/{second}/{device}"));
        let within = |path: &str| path.strip_prefix(&of_device).is_some_and(|rest| rest.starts_with('/'));
        let near = settings.range(of_device.clone()..).map(|(path, _)| path);
        let near = near.take_while(|path| path.starts_with(&of_device));
        let own: Vec<String> = near.filter(|path| **path == of_device || within(path)).cloned().collect();
        for path in own {
            settings.remove(&path);
        }
        // Behind all that begin so: what follows `/` is `0`.
        from = format!("{all}0");
    }
}
