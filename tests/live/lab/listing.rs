//! What the gateway's kernel holds: rules, routes, addresses, rule sets, settings, as text that can
//! be compared before and after.
//!
//! Counters, handles and lifetimes are left out, and so are the built-in chains of iptables that hold
//! nothing: they come into being when somebody looks, and stay.

use std::collections::BTreeSet;

use overlapc::lab::run::netns::{run, within};

use crate::topology::GATEWAY;

/// The listings and the commands that make them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing(Vec<(&'static str, String)>);

const COMMANDS: &[&str] = &[
    "ip rule show",
    "ip -6 rule show",
    "ip route show table all",
    "ip -6 route show table all",
    "ip address show",
    "ip -d link show",
    "nft -s list ruleset",
    "iptables-save",
    "ip6tables-save",
    SETTINGS,
];
/// Those of them that begin with devices.
const DEVICES: &[&str] = &["ip address show", "ip -d link show"];
/// What cannot be read, as some secrets, is left out.
const SETTINGS: &str = "grep -rs . /proc/sys/net/ipv[46]/conf /proc/sys/net/ipv4/ip_forward \
     /proc/sys/net/ipv[46]/fwmark_reflect /proc/sys/net/ipv4/icmp* /proc/sys/net/ipv6/icmp \
     /proc/sys/net/ipv4/*_l3mdev_accept || :";
/// Between the listings.
const MARK: &str = "----";

impl Listing {
    /// Reads the gateway's state.
    pub fn read() -> Result<Self, String> {
        // One shell for all: starting a program in a namespace costs more than most of them.
        let script = format!("set -e; {}", COMMANDS.join(&format!("; echo {MARK}; ")));
        let text = run(&mut within(GATEWAY, &["sh", "-c", &script]))?.must("listings")?;
        let texts: Vec<&str> = text.split(&format!("{MARK}\n")).collect();
        let parts = COMMANDS.iter().zip(texts).map(|(command, text)| (*command, normal(command, text)));
        Ok(Self(parts.collect()))
    }

    /// `Ok` if both are the same, else the lines that differ.
    pub fn same(&self, later: &Self) -> Result<(), String> {
        let mut differences = String::new();
        for ((command, before), (_, after)) in self.0.iter().zip(&later.0) {
            for (sign, some, other) in [("-", before, after), ("+", after, before)] {
                let others: BTreeSet<&str> = other.lines().collect();
                for line in some.lines().filter(|l| !others.contains(l)).take(12) {
                    differences += &format!("{sign} {command}: {}\n", line.trim());
                }
            }
            let (before, after) = (before.lines().count(), after.lines().count());
            if before != after && differences.is_empty() {
                differences += &format!("{command}: {before} lines, then {after}\n");
            }
        }
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    }

    /// The same without what a VRF device gets by chance: its number and its link address.
    pub fn without_chance(&self) -> Self {
        let mut parts = self.0.clone();
        for (_, text) in parts.iter_mut().filter(|(command, _)| DEVICES.contains(command)) {
            let mut by_chance = false;
            let lines = text.lines().filter_map(|line| {
                if !line.starts_with(' ') {
                    by_chance = line.contains(" vrf-") && line.contains("<NOARP,MASTER");
                }
                match line.split_once(": ") {
                    _ if !by_chance => Some(line),
                    Some((_, rest)) => Some(rest),
                    None => Some(line).filter(|line| !line.trim_start().starts_with("link/ether")),
                }
            });
            *text = lines.collect::<Vec<_>>().join("\n");
        }
        Self(parts)
    }

    /// `Ok` if every one of these lines of the first listing is still in the later one.
    pub fn keeps(&self, later: &Self, marks: &[&str]) -> Result<(), String> {
        let lost: Vec<String> = self
            .0
            .iter()
            .zip(&later.0)
            .flat_map(|((command, before), (_, after))| {
                let foreign = before.lines().filter(|l| marks.iter().any(|m| l.contains(m)));
                foreign
                    .filter(|l| !after.lines().any(|other| other == *l))
                    .map(move |line| format!("- {command}: {}", line.trim()))
            })
            .collect();
        if lost.is_empty() { Ok(()) } else { Err(lost.join("\n")) }
    }
}

fn normal(command: &str, text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim_end();
        let passing = ["valid_lft", "# Generated", "# Completed", "# Warning:"];
        if passing.iter().any(|p| line.trim_start().starts_with(p)) {
            continue;
        }
        // The kernel makes this rule with the first VRF device of a namespace and never again: who
        // deletes it breaks the next one.
        if line == "1000:\tfrom all lookup [l3mdev-table]" {
            continue;
        }
        let line = line.split(" expires ").next().unwrap_or(line);
        lines.push(without_counters(line));
    }
    if command == SETTINGS {
        lines.sort();
    }
    let empty = |block: &[String]| block.iter().all(|l| !l.starts_with("-A"));
    if command.ends_with("-save") {
        lines = blocks(&lines, |l| l.starts_with('*'), |l| l == "COMMIT", empty);
    } else if command.starts_with("nft") {
        let tables = lines.split_inclusive(|l| l == "}").flat_map(without_empty_chains).collect::<Vec<_>>();
        lines = blocks(&tables, |l| l.starts_with("table "), |l| l == "}", |table| table.len() == 2);
    }
    lines.join("\n")
}

/// `[12:3456]` of iptables-save to `[0:0]`.
fn without_counters(line: &str) -> String {
    match (line.starts_with(':'), line.rfind('[')) {
        (true, Some(at)) => format!("{}[0:0]", &line[..at]),
        _ => line.to_owned(),
    }
}

/// The table without its empty base chains, if iptables-nft made it.
fn without_empty_chains(block: &[String]) -> Vec<String> {
    const NAMES: &[&str] = &["filter", "nat", "mangle", "raw", "security"];
    let words: Vec<&str> = block.first().map(|l| l.split_whitespace().collect()).unwrap_or_default();
    if !matches!(words[..], ["table", "ip" | "ip6", name, ..] if NAMES.contains(&name)) {
        return block.to_vec();
    }
    let empty = |chain: &[String]| chain.len() == 3 && chain[1].trim_start().starts_with("type ");
    let kept = blocks(block, |l| l.starts_with("\tchain "), |l| l == "\t}", empty);
    kept.into_iter().filter(|l| !l.is_empty()).collect()
}

/// Leaves out the blocks for which `skip` holds.
fn blocks(
    lines: &[String],
    starts: impl Fn(&str) -> bool,
    ends: impl Fn(&str) -> bool,
    skip: impl Fn(&[String]) -> bool,
) -> Vec<String> {
    let mut kept = Vec::new();
    let mut block: Vec<String> = Vec::new();
    for line in lines {
        if block.is_empty() && !starts(line) {
            kept.push(line.clone());
            continue;
        }
        block.push(line.clone());
        if ends(line) {
            if !skip(&block) {
                kept.append(&mut block);
            }
            block.clear();
        }
    }
    kept.append(&mut block);
    kept
}
