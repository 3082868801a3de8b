//! The raw table: which networks a packet is from and to, and the zone of its connection.

use ipnet::IpNet;

use super::super::provenance::{Places, short};
use super::super::text::line;
use super::chains::{Chains, by_destination, by_device, by_mark, rule, said};
use super::{dispatch, hex, masquerade};
use crate::net::{self, Family};
use crate::plan::{Network, Owner, Plan};

/// Marks and zones.
pub(super) fn raw(plan: &Plan, places: &Places<'_>, family: Family) -> Chains {
    let destination = plan.marks.destination;
    let mut chains = Chains::default();
    let about = |n: &Network| said(places.at(n.span), short(&n.name));
    let inward: Vec<(&str, String)> = plan
        .networks
        .iter()
        .map(|n| (n.interface.as_str(), format!("{} -g ovl-from-{}", about(n), n.id)))
        .collect();
    by_device(&mut chains, "ovl-raw", 'i', inward);
    let own: Vec<(&str, String)> = plan
        .networks
        .iter()
        .flat_map(|n| {
            let zone = format!("{} -j CT --zone {}", about(n), n.own_zone);
            std::iter::once((n.interface.as_str(), zone.clone()))
                .chain(n.vrf.as_deref().map(|vrf| (vrf, zone)))
        })
        .collect();
    by_device(&mut chains, "ovl-out", 'o', own);

    let known: Vec<(IpNet, String)> = plan
        .destinations
        .iter()
        .filter(|destination| net::family(&destination.alias) == family)
        .map(|destination| {
            let (chain, name) = match destination.owner {
                Owner::Network(n) => {
                    (format!("ovl-to-{}", plan.networks[n].id), short(&plan.networks[n].name))
                }
                Owner::Shared(n) => (dispatch::name(plan, n), dispatch::words(&plan.shared[n])),
            };
            (destination.alias, format!("{} -g {chain}", said(places.at(destination.span), name)))
        })
        .collect();
    by_destination(&mut chains, "ovl-dest", family, known);
    chains.open("ovl-errors");
    let errors: &[&str] = match family {
        Family::V4 => &["destination-unreachable", "time-exceeded", "parameter-problem"],
        Family::V6 => &["destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem"],
    };
    let protocol = protocol(family);
    let option = match family {
        Family::V4 => "--icmp-type",
        Family::V6 => "--icmpv6-type",
    };
    for kind in errors {
        rule!(
            chains,
            "-A ovl-errors -p {protocol} {option} {kind} -m comment --comment \"errors from routers\" -g ovl-dest"
        );
    }

    // Not `CT --zone mark`: that is evaluated when conntrack runs, after the last rule of this table
    // has put the destination's id where the zone was.
    let zones = plan
        .zones
        .iter()
        .filter(|zone| zone.by_mark)
        .map(|zone| {
            (zone.number, format!("{} -j CT --zone {}", said(places.at(zone.span), "zone"), zone.number))
        })
        .collect();
    if plan.has_pair_zones() {
        by_mark(&mut chains, "ovl-zone", "z", destination, zones);
    }

    for network in &plan.networks {
        let (id, name, place) = (network.id, short(&network.name), places.at(network.span));
        let own = hex(destination.value(id));
        chains.open(&format!("ovl-from-{id}"));
        chains.open(&format!("ovl-to-{id}"));
        if network.masquerade.is_some() {
            masquerade::from(&mut chains, plan, network, places, family);
        } else {
            from(&mut chains, plan, network, places, family);
        }
        masquerade::zones(&mut chains, plan, network, places, family);
        rule!(chains, "-A ovl-to-{id} -m comment --comment \"{place} to {name}\" -j MARK --xor-mark {own}");
    }
    dispatch::chains(&mut chains, plan, places);
    chains
}

/// What comes from a network.
fn from(chains: &mut Chains, plan: &Plan, network: &Network, places: &Places<'_>, family: Family) {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let (id, name, place) = (network.id, short(&network.name), places.at(network.span));
    let own = hex(destination.value(id));
    let protocol = protocol(family);
    let from = format!("-A ovl-from-{id} -m comment --comment \"{place}");
    let (both, mask) = (source.value(id) | destination.value(id), destination.mask() | source.mask());
    rule!(chains, "{from} from {name}\" -j MARK --set-xmark {}/{}", hex(both), hex(mask));
    for admitted in network.admitted.iter().filter(|admitted| net::family(&admitted.real) == family) {
        let (hosts, place) = (admitted.real, places.at(admitted.span));
        rule!(chains, "-A ovl-from-{id} -s {hosts} -m comment --comment \"{place} hosts\" -j ovl-dest");
    }
    // A host that sends from the gateway's address would be let through as a host of that number.
    for address in network.addresses.iter().filter(|own| net::family(&own.net) == family) {
        let (gateway, about) = (address.net.addr(), said(places.at(address.span), "not the gateway's own"));
        let unbelieved = format!("MARK --set-xmark {}/{}", hex(both), hex(mask));
        rule!(chains, "-A ovl-from-{id} -s {gateway} {about} -j {unbelieved}");
    }
    // Whoever has a destination by now has been here already.
    let here = format!("-p {protocol} -m mark --mark {own}/{}", hex(destination.mask()));
    rule!(chains, "-A ovl-from-{id} {here} -m comment --comment \"{place} routers\" -j ovl-errors");
    if network.has_known_reals() {
        // What is its own is for no other network.
        let none = format!("-m mark --mark 0x0/{}", hex(destination.mask()));
        let about = format!("-m comment --comment \"{place} to the gateway itself\"");
        rule!(chains, "-A ovl-from-{id} {none} {about} -j MARK --xor-mark {own}");
    }
    let zone = network.stray_zone;
    // Without a destination the field has the number that two others may have together.
    if plan.has_pair_zone(id) {
        let none = format!("-m mark --mark {own}/{}", hex(destination.mask()));
        let about = format!("-m comment --comment \"{place} for no network\"");
        rule!(chains, "-A ovl-from-{id} {none} {about} -j CT --zone {zone}");
    }
    if plan.has_pair_zones() {
        rule!(chains, "{from} pair\" -j ovl-zone");
    }
    rule!(chains, "{from} no pair\" -j CT --zone {zone}");
    rule!(chains, "{from} not {name}\" -j MARK --xor-mark {own}");
}

/// The protocol that a family's errors come by.
const fn protocol(family: Family) -> &'static str {
    match family {
        Family::V4 => "icmp",
        Family::V6 => "ipv6-icmp",
    }
}
