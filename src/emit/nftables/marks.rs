//! Raw: which networks a packet is from and to, and the zone of its connection.

use super::super::provenance::{Places, short};
use super::super::text::{Block, Hex, line};
use super::{Chain, family, masquerade};
use crate::plan::{Network, Plan};

/// The chains that mark what comes from a network, and what goes to it.
pub(super) fn chains(out: &mut Block, plan: &Plan, network: &Network, places: &Places<'_>) {
    let (place, name) = (places.at(network.span), short(&network.name));
    let mine = Hex(plan.marks.destination.value(network.id));
    if network.masquerade.is_some() {
        masquerade::from(out, plan, network, places);
    } else {
        from(out, plan, network, places);
    }
    line!(out, "\tchain {} {{", Chain("to", network));
    masquerade::zones(out, plan, network, places);
    line!(out, "\t\tmeta mark set meta mark ^ {mine} comment \"{place} to {name}\"");
    line!(out, "\t}}");
}

/// The chain of what comes from a network.
fn from(out: &mut Block, plan: &Plan, network: &Network, places: &Places<'_>) {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let keep = Hex(!(destination.mask() | source.mask()));
    let place = places.at(network.span);
    let (id, name) = (network.id, short(&network.name));
    let mine = Hex(destination.value(id));
    let both = Hex(source.value(id) | destination.value(id));
    let field = Hex(destination.mask());

    line!(out, "\tchain {} {{", Chain("from", network));
    line!(out, "\t\tmeta mark set meta mark & {keep} | {both} comment \"{place} from {name}\"");
    for admitted in &network.admitted {
        let (hosts, place) = (admitted.real, places.at(admitted.span));
        let family = family(&hosts);
        let own = network.addresses.iter().map(|address| address.net.addr());
        let own: Vec<String> = own.filter(|own| hosts.contains(own)).map(|own| own.to_string()).collect();
        // A host that sends from the gateway's address would be let through as a host of that number.
        let but = match &own[..] {
            [] => String::new(),
            [one] => format!(" {family} saddr != {one}"),
            more => format!(" {family} saddr != {{ {} }}", more.join(", ")),
        };
        line!(out, "\t\t{family} saddr {hosts}{but} jump ovl_dest comment \"{place} hosts\"");
    }
    // Whoever has a destination by now has been here already.
    let own = format!("meta mark & {field} == {mine}");
    line!(out, "\t\t{own} meta l4proto {{ icmp, icmpv6 }} jump ovl_errors comment \"{place} routers\"");
    if network.has_known_reals() {
        // What is its own is for no other network.
        let none = format!("meta mark & {field} == 0x0");
        line!(out, "\t\t{none} meta mark set meta mark ^ {mine} comment \"{place} to the gateway itself\"");
    }
    // Without a destination the field has the number that two others may have together.
    if plan.has_pair_zone(id) {
        line!(out, "\t\t{own} ct zone set {} comment \"{place} for no network\"", network.stray_zone);
    }
    if plan.has_pair_zones() {
        line!(out, "\t\tct zone set meta mark & {field} map @ovl_zone comment \"{place} pair\"");
    }
    line!(out, "\t\tct zone set {} comment \"{place} no pair\"", network.stray_zone);
    line!(out, "\t\tmeta mark set meta mark ^ {mine} comment \"{place} not {name}\"");
    line!(out, "\t}}");
}
