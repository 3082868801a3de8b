//! What a `site.sh` says: what the site is made of, what it loads, and what it does in which order.
//!
//! Goes in: the text of a script. Comes out: a [`Script`], every part with its line. What must hold: nothing
//! in the text is skipped. Data and the order of steps are read; what is the same for every site is known by
//! its digest; all else is refused.

pub mod actions;
pub mod data;
mod effects;
pub mod fixed;
pub mod guard;
pub mod header;
mod known;
mod pieces;
pub mod rulesets;
mod shell;
pub mod steps;

use std::collections::BTreeSet;

use super::Unread;
use super::artifacts::Placed;
use super::routing::{Action, Change, Command, Rule};
use data::Data;
use header::Header;
use pieces::{Function, Pieces};
use rulesets::Rulesets;
use steps::Step;

/// The name of the file.
pub const FILE: &str = "site.sh";

/// Something with the line of the script that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub value: T,
}

/// What a script says.
#[derive(Clone, Debug)]
pub struct Script {
    /// What it says of the site as a whole.
    pub header: Header,
    /// What the site is made of.
    pub data: Data,
    /// Its packet filters.
    pub rulesets: Rulesets,
    /// What it does where nothing of the site is there, on a host with IPv6.
    pub steps_up: Vec<At<Step>>,
    /// What it does where all of the site is there, to take it down.
    pub steps_down: Vec<At<Step>>,
}

/// Reads a script.
///
/// # Errors
///
/// Something in it is not understood, or is not as it is known.
pub fn read(text: &str) -> Result<Script, Unread> {
    let pieces = Pieces::of(text)?;
    let header = header::read(&pieces.variables)?;
    fixed::check(&pieces.functions, header.firewall)?;
    let find = |name: &str| -> Result<&Function<'_>, Unread> {
        let found = pieces.functions.iter().find(|function| function.name == name);
        found.ok_or_else(|| Unread::new(1, format!("{name}()"), "a function is missing"))
    };
    let data = data::read(&find)?;
    let rulesets = rulesets::read(header.firewall, &find)?;
    let ways = steps::read(&find)?;
    let script = Script { header, data, rulesets, steps_up: ways.up, steps_down: ways.down };
    // So that nobody finds later that it cannot be read.
    script.rulesets.guard.filters(&script.devices())?;
    Ok(script)
}

impl Script {
    /// The devices of its networks: interfaces and VRF devices.
    #[must_use]
    pub fn devices(&self) -> Vec<String> {
        let networks = self.data.networks.iter().map(|network| &network.value);
        let all = networks.flat_map(|network| [Some(&network.interface), network.vrf.as_ref()]).flatten();
        let mut seen = BTreeSet::new();
        all.filter(|device| seen.insert(device.as_str())).cloned().collect()
    }

    /// The devices that are put up.
    pub fn ups(&self) -> impl Iterator<Item = &str> {
        let commands = self.data.batches.iter().flat_map(|(_, commands)| commands);
        commands.filter_map(|command| match &command.change {
            Change::SetUp { device, up: true } => Some(device.as_str()),
            _ => None,
        })
    }

    /// The commands of `ip` that put the site up where nothing of it is there, in their order. What makes the
    /// rule of VRF devices is not among them: the kernel has made it with the first of these.
    #[must_use]
    pub fn commands_up(&self) -> Vec<Placed<Command>> {
        let of_step = |step: &At<Step>| match step.value {
            Step::Run(batch) => self.data.batch(batch).to_vec(),
            Step::MoveLocal { v4 } => self.moved_local(v4),
            _ => Vec::new(),
        };
        let placed = |value| Placed { file: FILE.to_owned(), value };
        self.steps_up.iter().flat_map(of_step).map(placed).collect()
    }

    /// All lines of `ip` that it has, whether or not a step runs them.
    #[must_use]
    pub fn all_commands(&self) -> Vec<Command> {
        let batches = self.data.batches.iter().flat_map(|(_, commands)| commands.clone());
        batches.chain([true, false].into_iter().flat_map(|v4| self.moved_local(v4))).collect()
    }

    /// `rule add pref LOCAL lookup local protocol PROTOCOL`, `rule del pref 0 lookup local`
    fn moved_local(&self, v4: bool) -> Vec<Command> {
        let Some((line, preference)) = self.header.local else { return Vec::new() };
        let protocol = self.header.protocol;
        let add = Change::AddRule(local_rule(v4, preference, protocol));
        let delete = Change::DeleteRule(local_rule(v4, 0, 0));
        [add, delete].map(|change| Command { line, source: None, change }).to_vec()
    }
}

/// A rule for all packets that looks in the table `local`.
fn local_rule(v4: bool, preference: u32, protocol: u8) -> Rule {
    Rule::for_all(v4, preference, Action::Lookup(255), protocol)
}
