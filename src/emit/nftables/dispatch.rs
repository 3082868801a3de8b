//! Raw: known addresses whose meaning depends on who asks.

use super::super::provenance::{Places, short};
use super::super::text::{Block, Hex, line};
use super::Chain;
use crate::plan::tree::LEAF;
use crate::plan::{CaseZone, Plan, SharedAlias, SharedCase};

/// The chains that read such addresses.
pub(super) fn chains(out: &mut Block, plan: &Plan, places: &Places<'_>) {
    for (n, alias) in plan.shared.iter().enumerate() {
        let between = alias.cases.iter().any(|case| matches!(case.zone, Some(CaseZone::Sender(_))));
        let what = if between { "Two networks share an alias: what it means" } else { "What this means" };
        line!(out, "\n\t# {what} depends on who asks.");
        if alias.cases.len() > LEAF {
            for case in &alias.cases {
                zone_chain(out, plan, alias, case, places);
            }
        }
        line!(out, "\tchain {} {{", name(plan, n));
        if alias.cases.len() > LEAF {
            by_map(out, plan, n, places);
        } else {
            for case in &alias.cases {
                by_rule(out, plan, case, places);
            }
        }
        if let Some(to) = alias.otherwise {
            let to = &plan.networks[to];
            let words = format!("{} others ask for {}", places.at(to.span), short(&to.name));
            line!(out, "\t\tgoto {} comment \"{words}\"", Chain("to", to));
        }
        line!(out, "\t}}");
    }
}

/// The chain of an address that depends on who asks, by the ids of the first two whose it is.
pub(super) fn name(plan: &Plan, n: usize) -> String {
    let alias = &plan.shared[n];
    let mut owners = alias.owners.iter().map(|owner| plan.networks[*owner].id);
    let first = owners.next().unwrap_or_default();
    let name = match owners.next() {
        Some(second) => format!("ovl_shared__{first}_{second}"),
        None => format!("ovl_seen__{first}"),
    };
    if alias.ordinal == 0 { name } else { format!("{name}_{}", alias.ordinal) }
}

/// The rules for one who asks.
fn by_rule(out: &mut Block, plan: &Plan, case: &SharedCase, places: &Places<'_>) {
    let source = plan.marks.source;
    let from = &plan.networks[case.from];
    let asked = format!("meta mark & {} == {}", Hex(source.mask()), Hex(source.value(from.id)));
    let words = words(plan, case, places);
    if let Some(zone) = case.zone {
        line!(out, "\t\t{asked} {} comment \"{words}\"", zone_statement(zone));
    }
    match case.to {
        Some(to) => {
            line!(out, "\t\t{asked} goto {} comment \"{words}\"", Chain("to", &plan.networks[to]));
        }
        None => line!(out, "\t\t{asked} return comment \"{words}\""),
    }
}

/// One look-up for many who ask.
fn by_map(out: &mut Block, plan: &Plan, n: usize, places: &Places<'_>) {
    let (source, alias) = (plan.marks.source, &plan.shared[n]);
    line!(out, "\t\tmeta mark & {} vmap {{", Hex(source.mask()));
    for case in &alias.cases {
        let from = Hex(source.value(plan.networks[case.from].id));
        match (case.to, case.zone) {
            (Some(_), Some(_)) => line!(out, "\t\t\t{from} : goto {},", asking(plan, alias, case)),
            (Some(to), None) => line!(out, "\t\t\t{from} : goto {},", Chain("to", &plan.networks[to])),
            (None, _) => line!(out, "\t\t\t{from} : return,"),
        }
    }
    let owner = &plan.networks[alias.owners[0]];
    line!(out, "\t\t}} comment \"{} {}\"", places.at(owner.span), short(&owner.name));
}

/// The chain of one who asks and whose connections need a zone of their own.
fn zone_chain(out: &mut Block, plan: &Plan, alias: &SharedAlias, case: &SharedCase, places: &Places<'_>) {
    let (Some(to), Some(zone)) = (case.to, case.zone) else { return };
    let words = words(plan, case, places);
    line!(out, "\tchain {} {{", asking(plan, alias, case));
    line!(out, "\t\t{} comment \"{words}\"", zone_statement(zone));
    line!(out, "\t\tgoto {} comment \"{words}\"", Chain("to", &plan.networks[to]));
    line!(out, "\t}}");
}

/// By the ids of the first one whose address it is and of who asks.
fn asking(plan: &Plan, alias: &SharedAlias, case: &SharedCase) -> String {
    let id = |n: usize| plan.networks[n].id;
    format!("ovl_ask__{}_{}_{}", id(alias.owners[0]), alias.number, id(case.from))
}

fn zone_statement(zone: CaseZone) -> String {
    match zone {
        CaseZone::Pair(zone) => format!("ct zone set {zone}"),
        CaseZone::Sender(zone) => format!("ct original zone set {zone}"),
    }
}

fn words(plan: &Plan, case: &SharedCase, places: &Places<'_>) -> String {
    let from = &plan.networks[case.from];
    match case.to.map(|to| &plan.networks[to]) {
        Some(to) => format!("{} {} asks for {}", places.at(to.span), short(&from.name), short(&to.name)),
        None => format!("{} {} has another alias", places.at(from.span), short(&from.name)),
    }
}
