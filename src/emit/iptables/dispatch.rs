//! The raw table: known addresses whose meaning depends on who asks.

use super::super::provenance::{Places, short};
use super::super::text::line;
use super::chains::{Chains, by_mark_or, rule};
use super::hex;
use crate::plan::tree::LEAF;
use crate::plan::{CaseZone, Plan, SharedAlias, SharedCase};

/// The chains that read such addresses.
pub(super) fn chains(chains: &mut Chains, plan: &Plan, places: &Places<'_>) {
    for (n, alias) in plan.shared.iter().enumerate() {
        let chain = name(plan, n);
        let otherwise = alias.otherwise.map(|to| {
            let to = &plan.networks[to];
            format!("{} -g ovl-to-{}", comment(places.at(to.span), "others ask for", &to.name), to.id)
        });
        if alias.cases.len() > LEAF {
            by_tree(chains, plan, (alias, &chain), otherwise.as_deref(), places);
            continue;
        }
        chains.open(&chain);
        for case in &alias.cases {
            by_rule(chains, plan, &chain, case, places);
        }
        if let Some(otherwise) = otherwise {
            rule!(chains, "-A {chain} {otherwise}");
        }
    }
}

/// The chain of an address that depends on who asks, by the ids of the first two whose it is.
pub(super) fn name(plan: &Plan, n: usize) -> String {
    let alias = &plan.shared[n];
    let mut owners = alias.owners.iter().map(|owner| plan.networks[*owner].id);
    let first = owners.next().unwrap_or_default();
    let name = match owners.next() {
        Some(second) => format!("ovl-shared-{first}-{second}"),
        None => format!("ovl-seen-{first}"),
    };
    if alias.ordinal == 0 { name } else { format!("{name}-{}", alias.ordinal) }
}

/// What leads to the chain.
pub(super) fn words(alias: &SharedAlias) -> &'static str {
    if alias.owners.len() > 1 { "shared" } else { "by who asks" }
}

/// The rules for one who asks.
fn by_rule(chains: &mut Chains, plan: &Plan, chain: &str, case: &SharedCase, places: &Places<'_>) {
    let source = plan.marks.source;
    let from = &plan.networks[case.from];
    let asked = format!("-A {chain} -m mark --mark {}/{}", hex(source.value(from.id)), hex(source.mask()));
    let words = about(plan, case, places);
    if let Some(zone) = case.zone {
        rule!(chains, "{asked} {words} {}", zone_target(zone));
    }
    match case.to {
        Some(to) => rule!(chains, "{asked} {words} -g ovl-to-{}", plan.networks[to].id),
        None => rule!(chains, "{asked} {words} -j RETURN"),
    }
}

/// A tree for many who ask; whoever is not in it goes where `otherwise` says.
fn by_tree(
    chains: &mut Chains,
    plan: &Plan,
    (alias, root): (&SharedAlias, &str),
    otherwise: Option<&str>,
    places: &Places<'_>,
) {
    let id = |n: usize| plan.networks[n].id;
    let owner = id(alias.owners[0]);
    let mut entries = Vec::new();
    for case in &alias.cases {
        let words = about(plan, case, places);
        let target = match (case.to, case.zone) {
            (Some(to), Some(zone)) => {
                let chain = format!("ovl-ask-{owner}-{}-{}", alias.number, id(case.from));
                chains.open(&chain);
                rule!(chains, "-A {chain} {words} {}", zone_target(zone));
                rule!(chains, "-A {chain} {words} -g ovl-to-{}", id(to));
                format!("{words} -g {chain}")
            }
            (Some(to), None) => format!("{words} -g ovl-to-{}", id(to)),
            (None, _) => format!("{words} -j RETURN"),
        };
        entries.push((id(case.from), target));
    }
    let nodes = format!("x{owner:x}.{:x}-", alias.number);
    by_mark_or(chains, (root, &nodes), plan.marks.source, entries, otherwise);
}

fn zone_target(zone: CaseZone) -> String {
    match zone {
        CaseZone::Pair(zone) => format!("-j CT --zone {zone}"),
        CaseZone::Sender(zone) => format!("-j CT --zone-orig {zone}"),
    }
}

fn about(plan: &Plan, case: &SharedCase, places: &Places<'_>) -> String {
    let from = &plan.networks[case.from];
    match case.to.map(|to| &plan.networks[to]) {
        Some(to) => comment(places.at(to.span), &format!("{} asks for", short(&from.name)), &to.name),
        None => comment(places.at(from.span), short(&from.name), "has another alias"),
    }
}

fn comment(place: impl std::fmt::Display, words: &str, name: &str) -> String {
    format!("-m comment --comment \"{place} {words} {}\"", short(name))
}
