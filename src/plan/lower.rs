//! From a checked site to its plan: calls the parts in order and puts them together.

use super::{Families, Network, Peering, Plan, mapping, routing, rules, services, settings, zones};
use crate::check::CheckedSite;
use crate::model::{Isolation, vrf_name};
use crate::net::Family;

/// Decides how a site is realised.
#[must_use]
pub fn lower(checked: &CheckedSite) -> Plan {
    let site = checked.site();
    let chosen = checked.settings();
    let networks: Vec<Network> = site
        .ids()
        .map(|(id, network)| {
            let number = checked.id(id);
            let vrf = (chosen.isolation == Isolation::Vrf).then(|| vrf_name(&network.name.value, number));
            let mappings = mapping::pieces(network);
            let own = mapping::own(network, &mappings, chosen.isolation);
            Network {
                id: number,
                name: network.name.value.clone(),
                span: network.name.span,
                interface: network.interface.value.clone(),
                vrf,
                addresses: routing::addresses(network),
                routes: routing::routes(network, number, chosen.isolation, &own),
                admitted: mapping::admitted(network),
                own,
                mappings,
                known: mapping::known(network),
                mss: network.mss.map(|mss| (mss.value, mss.span)),
            }
        })
        .collect();
    let mut policies = Vec::new();
    let mut known = vec![None; site.rule_lists.len()];
    let mut peerings: Vec<Peering> = Vec::with_capacity(site.peerings.len());
    for peering in &site.peerings {
        // In the order of the peerings, so that a policy is named after the first that has it.
        let policy = peering.rules.map(|rules| {
            *known[rules.0].get_or_insert_with(|| {
                let first = [checked.id(peering.from), checked.id(peering.to)];
                policies.push(services::policy(&site.rule_lists[rules.0], first));
                policies.len() - 1
            })
        });
        peerings.push(Peering { from: peering.from.0, to: peering.to.0, span: peering.span, policy });
    }
    let (destinations, shared) = mapping::destinations(&networks, &peerings);
    let zoning = zones::assign(&networks, &peerings, shared);
    let local_moves = chosen.isolation == Isolation::Rules || routing::shadowed_by_local(site);
    let rules = |family| rules::list(&networks, chosen, checked.marks(), family);
    let rules = Families { v4: rules(Family::V4), v6: rules(Family::V6) };
    let settings = settings::needed(&networks, chosen.isolation);
    Plan {
        site: site.name.clone(),
        firewall: chosen.firewall,
        isolation: chosen.isolation,
        marks: checked.marks(),
        protocol: chosen.protocol,
        preferences: chosen.preferences,
        peerings,
        policies,
        destinations,
        shared: zoning.shared,
        zones: zoning.zones,
        rules,
        local_rule: local_moves.then(|| rules::local(chosen)),
        settings,
        networks,
    }
}
