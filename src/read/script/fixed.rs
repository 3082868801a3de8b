//! The parts of a script that are the same for every site of a firewall: they are known by their digests.
//!
//! Goes in: functions, and commands of several lines. Comes out: whether they are what this reader was written
//! for. What must hold: a part that was altered is refused, with the line of its name.

use super::data::{BATCHES, OTHERS};
use super::effects::effect;
use super::header::Firewall;
use super::known::{BOTH, COMMANDS, IPTABLES, NFTABLES, OUTLINES};
use super::pieces::{Function, Pieces, digest};
use super::shell::{Statement, statements};
use super::steps::BODIES;
use crate::read::Unread;

/// A part with its digest, for whoever writes the table in `known.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The constant in `known.rs` that it belongs to.
    pub table: &'static str,
    /// The name of a function, or the beginning of a command.
    pub name: String,
    /// FNV-1a of its text, 64 bits.
    pub digest: u64,
}

/// The fixed parts of a script.
///
/// # Errors
///
/// It is not made of functions and variables.
pub fn parts(text: &str) -> Result<Vec<Part>, Unread> {
    let pieces = Pieces::of(text)?;
    let nft = pieces.functions.iter().any(|function| function.name == "ruleset");
    let firewall = if nft { Firewall::Nftables } else { Firewall::Iptables };
    let mut parts = Vec::new();
    for function in &pieces.functions {
        if BODIES.contains(&function.name) {
            let outline = digest(&outline(&statements(function)?));
            parts.push(Part { table: "OUTLINES", name: function.name.to_owned(), digest: outline });
            for text in long_commands(&statements(function)?) {
                let name = beginning(text).to_owned();
                parts.push(Part { table: "COMMANDS", name, digest: digest(text) });
            }
        } else if !is_read(function.name, firewall) {
            let of_firewall = match firewall {
                Firewall::Nftables => "NFTABLES",
                Firewall::Iptables => "IPTABLES",
            };
            let table = if OF_FIREWALL.contains(&function.name) || OF_IPTABLES.contains(&function.name) {
                of_firewall
            } else {
                "BOTH"
            };
            let (name, digest) = (function.name.to_owned(), digest(&function.text()));
            parts.push(Part { table, name, digest });
        }
    }
    Ok(parts)
}

/// Those that speak to the firewall.
const OF_FIREWALL: [&str; 12] = [
    "firewall_tools",
    "try_ruleset",
    "all_rules",
    "features",
    "try_feature",
    "load_ruleset",
    "behind_guard",
    "removal",
    "remove",
    "guard_on",
    "own_lines",
    "list_ruleset",
];
/// The same, where they are read with nft.
const OF_IPTABLES: [&str; 2] = ["drop_ruleset", "guard_off"];

/// Whether a function is read, so that no digest need be known of it.
fn is_read(name: &str, firewall: Firewall) -> bool {
    let of_firewall: &[&str] = match firewall {
        Firewall::Nftables => &["ruleset", "guard", "drop_ruleset", "guard_off"],
        Firewall::Iptables => &["ruleset_v4", "ruleset_v6", "guard"],
    };
    BODIES.contains(&name)
        || OTHERS.contains(&name)
        || BATCHES.iter().any(|(batch, _)| *batch == name)
        || of_firewall.contains(&name)
}

/// Sees that the functions are those that this reader knows, all of them and none besides.
pub(super) fn check(functions: &[Function<'_>], firewall: Firewall) -> Result<(), Unread> {
    let more = match firewall {
        Firewall::Nftables => NFTABLES,
        Firewall::Iptables => IPTABLES,
    };
    let known: Vec<&(&str, u64)> = BOTH.iter().chain(more).collect();
    for function in functions.iter().filter(|function| !is_read(function.name, firewall)) {
        let head = format!("{}()", function.name);
        match known.iter().find(|(name, _)| *name == function.name) {
            None => return Err(Unread::new(function.line, head, "a function that is not known here")),
            Some((_, known)) if *known != digest(&function.text()) => {
                return Err(Unread::new(function.line, head, "a function that is not as it is known here"));
            }
            Some(_) => {}
        }
    }
    let there = |name: &str| functions.iter().any(|function| function.name == name);
    match known.iter().find(|(name, _)| !there(name)) {
        Some((missing, _)) => Err(Unread::new(1, format!("{missing}()"), "a function is missing")),
        None => Ok(()),
    }
}

/// Whether a command of several lines is one that is known.
pub(super) fn knows_command(text: &str) -> bool {
    let known = (beginning(text), digest(text));
    COMMANDS.contains(&known)
}

/// Whether all but the steps is as it is known in a function whose order counts.
pub(super) fn knows_outline(name: &str, body: &[Statement]) -> bool {
    OUTLINES.contains(&(name, digest(&outline(body))))
}

/// What a function does besides its steps: notes, and what it does when one of them fails. Steps that follow each
/// other are one mark, whatever their order.
fn outline(body: &[Statement]) -> String {
    let mut text = String::new();
    let mut add = |part: &str| {
        if part != STEPS || !text.ends_with(STEPS) {
            text.push_str(part);
        }
    };
    for statement in body {
        match statement {
            Statement::Run(line) if effect(&line.text).is_some_and(|effect| effect.is_step()) => add(STEPS),
            Statement::Run(line) => {
                add(&line.text);
                add("\n");
            }
            Statement::If(arms, otherwise) => {
                for (condition, body) in arms {
                    add(&format!("if {}\n{}", condition.text, outline(body)));
                }
                add(&format!("else\n{}fi\n", outline(otherwise)));
            }
            Statement::For(line, body) => match outline(body).as_str() {
                STEPS => add(STEPS),
                inner => add(&format!("{}\n{inner}done\n", line.text)),
            },
        }
    }
    text
}

/// What stands for steps.
const STEPS: &str = "*\n";

fn long_commands(statements: &[Statement]) -> Vec<&str> {
    let mut long = Vec::new();
    for statement in statements {
        match statement {
            Statement::Run(line) if line.text.contains('\n') => long.push(line.text.as_str()),
            Statement::Run(_) => {}
            Statement::If(arms, otherwise) => {
                arms.iter().for_each(|(_, body)| long.extend(long_commands(body)));
                long.extend(long_commands(otherwise));
            }
            Statement::For(_, body) => long.extend(long_commands(body)),
        }
    }
    long
}

/// How a command begins: enough to find it.
fn beginning(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.char_indices().nth(40).map_or(line, |(end, _)| &line[..end])
}
