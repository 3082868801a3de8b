//! The rulesets for iptables-restore(8) and ip6tables-restore(8), with `--noflush`.
//!
//! The same plan as the nft ruleset, in chains of our own (`ovl-...`) in their tables. iptables has
//! no maps, so every dispatch is a [`tree`]: a packet compares a few entries, however many networks
//! there are. A jump (`-j`) comes back, a goto (`-g`) does not, and so a chain entered by jump is
//! left as soon as the end of whatever it went to is reached.
//!
//! Translation is refused, and the destination cleared, for pairs that no `connect` allows; the
//! filter table drops them again. Rules are asked in the filter table alone, so where there are some the
//! mangle table drops new connections that did not pass there. Flushing any one table therefore lets
//! nothing through.

mod chains;
mod dispatch;
mod filter;
mod handshakes;
mod masquerade;
mod nat;
mod raw;
mod services;

use std::collections::BTreeMap;

use serde::Serialize;

use super::provenance::Places;
use super::template;
use super::text::Blocks;
use crate::net::Family;
use crate::plan::{MarkField, Peering, Plan};
pub(super) use chains::Chains;
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
    /// The bit that says that the filter table has seen it; empty where no peering has rules.
    asked: String,
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
    /// What of the filter table is of this family alone.
    own_chains: String,
    own_rules: String,
    /// What matches the packets of a handshake; empty where none is changed.
    handshake: &'static str,
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
    let mut own = Chains::default();
    services::chains(&mut own, plan, places, family);
    handshakes::chains(&mut own, plan, places, family);
    let (own_chains, own_rules) = own.finish(blocks);
    let limited = plan.networks.iter().any(|network| network.mss.is_some());
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
            asked: if ruled(plan) { hex(asked(plan.marks.source)) } else { String::new() },
            raw_chains,
            raw_rules,
            masquerades,
            mangle_chains,
            mangle_rules,
            nat_chains,
            nat_rules,
            filter_chains,
            filter_rules,
            own_chains,
            own_rules,
            handshake: if limited { handshakes::HANDSHAKE } else { "" },
        },
    )
}

/// The bit of a connection's mark that the nat table sets: without it nothing is forwarded, so that a
/// flushed nat table does not let untranslated packets out to networks known as themselves. The field
/// of the destination is for who asked a masqueraded network, so it is one in that of the source.
const fn translated(source: MarkField) -> u32 {
    1 << source.shift
}

/// The bit of a connection's mark that the guard sets where there are rules: without it no new connection
/// leaves, so that a flushed filter table does not open what rules deny. Rules take two networks, so a
/// field has two bits.
const fn asked(source: MarkField) -> u32 {
    2 << source.shift
}

fn ruled(plan: &Plan) -> bool {
    plan.peerings.iter().any(|peering| peering.policy.is_some())
}

/// The bits of connections' marks that the rulesets set as signs.
pub(super) fn signs(plan: &Plan) -> u32 {
    let source = plan.marks.source;
    translated(source) | if ruled(plan) { asked(source) } else { 0 }
}

/// For each network its partners and the peering that says so, in the order of their places.
fn partners(
    plan: &Plan,
    ends: impl Fn(&Peering) -> (usize, usize),
) -> BTreeMap<usize, Vec<(usize, &Peering)>> {
    let mut partners: BTreeMap<usize, Vec<(usize, &Peering)>> = BTreeMap::new();
    for peering in &plan.peerings {
        let (one, other) = ends(peering);
        partners.entry(one).or_default().push((other, peering));
    }
    partners
}

fn hex(value: u32) -> String {
    format!("{value:#x}")
}
