//! The filter table: who may pass, and through which interface.

use super::super::provenance::{Places, short};
use super::super::text::line;
use super::chains::{Chains, by_device, by_mark, rule, said};
use super::partners;
use crate::plan::{Network, Plan};

/// Who may pass: the same in both families.
pub(in crate::emit) fn filter(plan: &Plan, places: &Places<'_>) -> Chains {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let mut chains = Chains::default();
    let about = |n: &Network| said(places.at(n.span), short(&n.name));
    let into: Vec<(&str, String)> =
        plan.networks.iter().map(|n| (n.interface.as_str(), format!("{} -j DROP", about(n)))).collect();
    by_device(&mut chains, "ovl-into", 'o', into);
    let opened = partners(plan, |peering| (peering.from, peering.to));
    let answered = partners(plan, |peering| (peering.to, peering.from));
    for (kind, letter, partners, words) in
        [("open", "o", &opened, "may open to"), ("back", "b", &answered, "may answer")]
    {
        let from = plan.networks.iter().enumerate().filter(|(n, _)| partners.contains_key(n));
        let keys =
            from.clone().map(|(_, n)| (n.id, format!("{} -g ovl-{kind}-{}", about(n), n.id))).collect();
        by_mark(&mut chains, &format!("ovl-{kind}"), letter, source, keys);
        for (n, network) in from {
            let keys = partners
                .get(&n)
                .into_iter()
                .flatten()
                .map(|(to, peering)| {
                    let to = &plan.networks[*to];
                    let place = places.at(peering.span);
                    let comment = format!("{place} {} {words} {}", short(&network.name), short(&to.name));
                    let next = if kind == "open" && peering.policy.is_some() {
                        format!("ovl-rules-{}-{}", network.id, to.id)
                    } else {
                        format!("ovl-leave-{}", to.id)
                    };
                    (to.id, format!("-m comment --comment \"{comment}\" -g {next}"))
                })
                .collect();
            let (chain, nodes) = (format!("ovl-{kind}-{}", network.id), format!("{letter}{}-", network.id));
            by_mark(&mut chains, &chain, &nodes, destination, keys);
        }
    }
    for network in &plan.networks {
        let (id, place) = (network.id, places.at(network.span));
        chains.open(&format!("ovl-leave-{id}"));
        rule!(
            chains,
            "-A ovl-leave-{id} -o {} -m comment --comment \"{place} to {}\" -j ACCEPT",
            network.interface,
            short(&network.name)
        );
    }
    chains
}
