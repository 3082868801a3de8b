//! The functions that print what a site is made of.
//!
//! Goes in: functions of the form `printf '%s\n' '...'`. Comes out: [`Data`]. What must hold: every line is
//! understood, and has the number that it has in the script.

use ipnet::IpNet;

use super::At;
use super::pieces::Function;
use crate::read::routing::Command;
use crate::read::{Unread, ip, words};

/// What a site is made of.
#[derive(Clone, Debug)]
pub struct Data {
    /// The networks.
    pub networks: Vec<At<Network>>,
    /// Kernel settings of the host and of the networks' interfaces.
    pub settings: Vec<At<Setting>>,
    /// Those of devices that the site makes.
    pub own_settings: Vec<At<Setting>>,
    /// The conntrack zones.
    pub zones: Vec<At<Zone>>,
    /// What an update knows the connections of each network by.
    pub known: Vec<At<Known>>,
    /// The lines of `ip -batch`.
    pub batches: Vec<(Batch, Vec<Command>)>,
}

impl Data {
    /// The lines of a batch.
    #[must_use]
    pub fn batch(&self, batch: Batch) -> &[Command] {
        self.batches.iter().find(|(other, _)| *other == batch).map_or(&[], |(_, commands)| commands)
    }
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its id, which is the number of its table.
    pub id: u32,
    /// Its interface.
    pub interface: String,
    /// Its VRF device.
    pub vrf: Option<String>,
    /// Its name.
    pub name: String,
}

/// A conntrack zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Which.
    pub number: u16,
    /// What its connections depend on, as a digest.
    pub content: u64,
}

/// What an update knows the connections of a network by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The zone of what the gateway itself and the network say to each other.
    pub zone: u16,
    /// What they depend on, as a digest.
    pub content: u64,
    /// The prefixes by which others know its hosts.
    pub prefixes: Vec<IpNet>,
}

/// A kernel setting below `/proc/sys/net`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Which, as `ipv4/conf/lan0/forwarding`.
    pub path: String,
    /// What it becomes.
    pub value: Value,
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// This.
    Is(i64),
    /// What makes `rp_filter` let everything pass: 0, or 2 where the host has it set for all devices, as the
    /// kernel takes the higher of the two.
    Loose,
}

/// Which lines of `ip -batch`; those with a field say whether of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Makes the VRF devices.
    Create,
    /// Where tables end.
    Defaults(bool),
    /// Puts interfaces into VRF devices, and up.
    Attach,
    /// The gateway's addresses.
    Addresses,
    /// Routes.
    Routes(bool),
    /// Rules.
    Rules(bool),
}

/// The functions with lines of `ip -batch`.
pub(super) const BATCHES: [(&str, Batch); 9] = [
    ("create", Batch::Create),
    ("defaults_v4", Batch::Defaults(true)),
    ("defaults_v6", Batch::Defaults(false)),
    ("attach", Batch::Attach),
    ("addresses", Batch::Addresses),
    ("routes_v4", Batch::Routes(true)),
    ("routes_v6", Batch::Routes(false)),
    ("rules_v4", Batch::Rules(true)),
    ("rules_v6", Batch::Rules(false)),
];
/// The others with data.
pub(super) const OTHERS: [&str; 5] = ["networks", "settings", "own_settings", "zones", "known"];

const PRINTF: &str = "    printf '%s\\n' '";

/// Reads them; `find` finds a function.
pub(super) fn read<'f, 't: 'f>(
    find: &dyn Fn(&str) -> Result<&'f Function<'t>, Unread>,
) -> Result<Data, Unread> {
    let mut batches = Vec::new();
    for (name, batch) in BATCHES {
        let function = find(name)?;
        let text: String = printed(function)?.iter().flat_map(|line| [*line, "\n"]).collect();
        let v4 = !matches!(batch, Batch::Defaults(false) | Batch::Routes(false) | Batch::Rules(false));
        let mut commands = ip::commands(&text, v4).map_err(|unread| moved(unread, function.line))?;
        commands.iter_mut().for_each(|command| command.line += function.line);
        batches.push((batch, commands));
    }
    Ok(Data {
        networks: each(find("networks")?, network)?,
        settings: each(find("settings")?, setting)?,
        own_settings: each(find("own_settings")?, setting)?,
        zones: each(find("zones")?, zone)?,
        known: each(find("known")?, known)?,
        batches,
    })
}

/// The same with the line counted from the top of the script.
pub(super) fn moved(mut unread: Unread, by: usize) -> Unread {
    unread.line += by;
    unread
}

/// The lines that a function prints; the first stands in the first line of its body.
fn printed<'t>(function: &Function<'t>) -> Result<Vec<&'t str>, Unread> {
    let mut lines = function.body.clone();
    let Some(first) = lines.first_mut() else { return Err(function.unread(0, "nothing is printed")) };
    *first = first.strip_prefix(PRINTF).ok_or_else(|| function.unread(0, "something else than data"))?;
    let last = lines.len() - 1;
    if let Some(line) = lines[last].strip_suffix('\'') {
        lines[last] = line;
    } else {
        return Err(function.unread(last, "a quote that does not end"));
    }
    match lines.iter().position(|line| line.contains('\'')) {
        Some(index) => Err(function.unread(index, "a quote within data")),
        None => Ok(lines),
    }
}

/// What the lines of a function stand for.
fn each<T>(function: &Function<'_>, read: fn(&[&str]) -> Option<T>) -> Result<Vec<At<T>>, Unread> {
    let mut values = Vec::new();
    for (index, line) in printed(function)?.into_iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let value = read(&words).ok_or_else(|| function.unread(index, "a line that is not understood"))?;
        values.push(At { line: function.line + 1 + index, value });
    }
    Ok(values)
}

fn network(words: &[&str]) -> Option<Network> {
    let [id, interface, vrf, name] = words else { return None };
    let vrf = (*vrf != "-").then(|| (*vrf).to_owned());
    Some(Network { id: id.parse().ok()?, interface: (*interface).to_owned(), vrf, name: (*name).to_owned() })
}

fn setting(words: &[&str]) -> Option<Setting> {
    let [path, value] = words else { return None };
    let within = |part: &str| !part.is_empty() && part != "." && part != "..";
    let value = match *value {
        "loose" => Value::Loose,
        number => Value::Is(number.parse().ok()?),
    };
    path.split('/').all(within).then(|| Setting { path: (*path).to_owned(), value })
}

fn zone(words: &[&str]) -> Option<Zone> {
    let [number, content] = words else { return None };
    Some(Zone { number: number.parse().ok()?, content: digest(content)? })
}

fn known(words: &[&str]) -> Option<Known> {
    let [zone, content, prefixes @ ..] = words else { return None };
    let prefixes = prefixes.iter().map(|prefix| words::prefix(prefix)).collect::<Option<Vec<IpNet>>>()?;
    Some(Known { zone: zone.parse().ok()?, content: digest(content)?, prefixes })
}

fn digest(word: &str) -> Option<u64> {
    u64::from_str_radix(word, 16).ok().filter(|_| word.len() == 16)
}
