//! The rulesets for iptables-restore(8) and ip6tables-restore(8), with `--noflush`.
//!
//! The same plan as the nft ruleset, in chains of our own (`ovl-...`) in their tables. iptables has
//! no maps, so every dispatch is a [`tree`]: a packet compares a few entries, however many networks
//! there are. A jump (`-j`) comes back, a goto (`-g`) does not, and so a chain entered by jump is
//! left as soon as the end of whatever it went to is reached.
//!
//! Translation is refused, and the destination cleared, for pairs that no `connect` allows; the
//! filter table drops them again. Flushing any one table therefore lets nothing through.

mod chains;
mod dispatch;
mod filter;
mod masquerade;
mod nat;
mod raw;

use std::collections::BTreeMap;

use serde::Serialize;

use super::provenance::Places;
use super::template;
use super::text::Blocks;
use crate::net::Family;
use crate::plan::{MarkField, Plan};
pub(super) use chains::{Chains, by_device};
pub(super) use filter::filter;

/// What `templates/iptables/rules.j2` takes: for each table its chains and its rules.
#[derive(Serialize)]
struct RulesView {
    header: String,
    command: &'static str,
    file: &'static str,
    destination: String,
    source: String,
    pair: String,
    /// The bit of the connection's mark that says that it went through the nat table.
    translated: String,
    raw_chains: String,
    raw_rules: String,
    /// Whether there are masqueraded networks.
    masquerades: bool,
    /// Empty without masqueraded networks.
    mangle_chains: String,
    mangle_rules: String,
    nat_chains: String,
    nat_rules: String,
    filter_chains: String,
    filter_rules: String,
}

/// Lays the ruleset of one family out.
pub(super) fn emit(
    plan: &Plan,
    places: &Places<'_>,
    blocks: &Blocks,
    (filter_chains, filter_rules): (String, String),
    family: Family,
) -> String {
    let (raw_chains, raw_rules) = raw::raw(plan, places, family).finish(blocks);
    let masquerades = plan.masquerades();
    let (mangle_chains, mangle_rules) =
        if masquerades { masquerade::mangle(plan, places).finish(blocks) } else { Default::default() };
    let (nat_chains, nat_rules) = nat::nat(plan, places, family).finish(blocks);
    let (destination, source) = (plan.marks.destination.mask(), plan.marks.source.mask());
    let (command, file) = match family {
        Family::V4 => ("iptables-restore", "rules.v4"),
        Family::V6 => ("ip6tables-restore", "rules.v6"),
    };
    template::render(
        "iptables/rules.j2",
        RulesView {
            header: places.header(&plan.site),
            command,
            file,
            destination: hex(destination),
            source: hex(source),
            pair: hex(destination | source),
            translated: hex(translated(plan.marks.source)),
            raw_chains,
            raw_rules,
            masquerades,
            mangle_chains,
            mangle_rules,
            nat_chains,
            nat_rules,
            filter_chains,
            filter_rules,
        },
    )
}

/// The bit of a connection's mark that the nat table sets: without it nothing is forwarded, so that a
/// flushed nat table does not let untranslated packets out to networks known as themselves. The field
/// of the destination is for who asked a masqueraded network, so it is one in that of the source.
const fn translated(source: MarkField) -> u32 {
    1 << source.shift
}

/// For each network its partners and the `connect` that says so, in the order of their places.
fn partners(
    plan: &Plan,
    ends: impl Fn(&crate::plan::Peering) -> (usize, usize),
) -> BTreeMap<usize, Vec<(usize, crate::source::Span)>> {
    let mut partners: BTreeMap<usize, Vec<(usize, crate::source::Span)>> = BTreeMap::new();
    for peering in &plan.peerings {
        let (one, other) = ends(peering);
        partners.entry(one).or_default().push((other, peering.span));
    }
    partners
}

fn hex(value: u32) -> String {
    format!("{value:#x}")
}
