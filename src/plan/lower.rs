//! From a checked site to its plan: calls the parts in order and puts them together.

use super::{
    Address, Families, Network, Peering, Plan, mapping, masquerade, partners, routing, rules, settings, zones,
};
use crate::check::CheckedSite;
use crate::model::{Isolation, vrf_name};
use crate::net::Family;

/// Decides how a site is realised.
#[must_use]
pub fn lower(checked: &CheckedSite) -> Plan {
    let site = checked.site();
    let chosen = checked.settings();
    let mut networks: Vec<Network> = site
        .ids()
        .map(|(id, network)| {
            let number = checked.id(id);
            let vrf = (chosen.isolation == Isolation::Vrf).then(|| vrf_name(&network.name.value, number));
            Network {
                id: number,
                name: network.name.value.clone(),
                span: network.name.span,
                interface: network.interface.value.clone(),
                vrf,
                addresses: routing::addresses(network),
                hosts: partners::hosts(network),
                routes: routing::routes(network, number, chosen.isolation),
                admitted: mapping::admitted(network),
                mappings: mapping::pieces(network),
                known: mapping::known(network),
                masquerade: masquerade::of(network, checked.apart(id)),
            }
        })
        .collect();
    let peerings: Vec<Peering> = site
        .peerings
        .iter()
        .map(|peering| Peering { from: peering.from.0, to: peering.to.0, span: peering.span })
        .collect();
    masquerade::add_error_routes(&mut networks, &peerings);
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
        destinations,
        shared: zoning.shared,
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
