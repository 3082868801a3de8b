//! From a checked site to its plan: calls the parts in order and puts them together.

use std::collections::BTreeMap;

use super::dispatch::{self, Sight};
use super::{
    Address, Families, Network, Peering, Plan, contents, mapping, masquerade, partners, routing, rules,
    services, settings, zones,
};
use crate::check::CheckedSite;
use crate::model::{Isolation, vrf_name};
use crate::net::Family;

/// Decides how a site is realised.
#[must_use]
pub fn lower(checked: &CheckedSite) -> Plan {
    let site = checked.site();
    let chosen = checked.settings();
    let viewers: Vec<Vec<usize>> =
        site.viewers().into_iter().map(|list| list.into_iter().map(|it| it.0).collect()).collect();
    let moved: BTreeMap<(usize, usize), u16> =
        checked.moved_zones().iter().map(|((a, b), zone)| ((a.0, b.0), *zone)).collect();
    let mut networks: Vec<Network> = site
        .ids()
        .map(|(id, network)| {
            let number = checked.id(id);
            let (common, views) =
                mapping::views(network, |viewer| viewers[id.0].binary_search(&viewer).is_ok());
            let vrf = (chosen.isolation == Isolation::Vrf).then(|| vrf_name(&network.name.value, number));
            let all = common.mappings.iter().chain(views.iter().flat_map(|view| &view.mappings));
            let own = mapping::own(network, all, chosen.isolation);
            Network {
                id: number,
                own_zone: checked.own_zone(id),
                stray_zone: checked.stray_zone(id),
                content: 0,
                name: network.name.value.clone(),
                span: network.name.span,
                interface: network.interface.value.clone(),
                vrf,
                addresses: routing::addresses(network),
                routes: routing::routes(network, number, chosen.isolation, &own),
                admitted: mapping::admitted(network),
                own,
                masquerade: masquerade::of(network, checked.apart(id)),
                mss: network.mss.map(|mss| (mss.value, mss.span)),
                mappings: common.mappings,
                known: common.known,
                view_of: mapping::view_of(&views),
                views,
                hosts: partners::hosts(network),
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
    masquerade::add_callers(&mut networks, &peerings);
    masquerade::add_error_routes(&mut networks, &peerings);
    let sight = Sight { networks: &networks, viewers: &viewers, moved: &moved };
    let claims = dispatch::Claims::new(&networks);
    let sharing = dispatch::sharing(&sight, &claims);
    let mut zoning = zones::assign(&networks, &peerings, &moved, &sharing);
    let (destinations, shared) = dispatch::destinations(&sight, &claims, &sharing, &zoning.senders);
    contents::digest(&mut zoning, &mut networks, &peerings, &policies, checked.marks(), &moved);
    let local_moves = chosen.isolation == Isolation::Rules || routing::shadowed_by_local(site);
    let rules = |family| rules::list(&networks, chosen, checked.marks(), family);
    let rules = Families { v4: rules(Family::V4), v6: rules(Family::V6) };
    let settings = settings::needed(&networks, chosen.isolation, local_moves);
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
        shared,
        moved_zones: moved,
        zones: zoning.zones,
        rules,
        local_rule: local_moves.then(|| rules::local(chosen)),
        settings,
        networks,
        outside: site
            .gateway
            .addresses
            .iter()
            .map(|it| (Address { net: it.address.value, span: it.address.span }, it.interface.value.clone()))
            .collect(),
    }
}
