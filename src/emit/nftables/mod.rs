//! The ruleset for nft(8): one table, maps for every dispatch, a few chains a network.
//!
//! What an established packet costs does not depend on the number of networks: a look-up of its
//! interface, of its destination and of its zone in prerouting, of its pair and of its device in
//! forward. New connections add one look-up for each translation.

mod dispatch;
mod filter;
mod handshakes;
mod marks;
mod masquerade;
mod services;
mod translation;

use std::fmt;

use ipnet::IpNet;
use serde::Serialize;

use super::provenance::{Places, short};
use super::template;
use super::text::{Block, Blocks, Hex, line};
use crate::plan::{Network, Owner, Plan};

/// What `templates/nft/ruleset.nft.j2` takes. Blocks are lines without a newline at the end; an
/// empty one stands for a map without elements, which nft does not accept.
#[derive(Serialize)]
struct RulesetView {
    header: String,
    site: String,
    /// Mask of the field that names the destination.
    destination: String,
    /// Mask of the field that names the source.
    source: String,
    /// Mask of both.
    pair: String,
    /// Everything but the field that names the destination.
    no_destination: String,
    from: String,
    to_v4: String,
    to_v6: String,
    zones: String,
    own_zones: String,
    open: String,
    back: String,
    dnat: String,
    snat: String,
    leave: String,
    ports: String,
    /// What is there for masqueraded networks alone; empty without them.
    masq_ports: String,
    masq: String,
    sign: String,
    answers: String,
    clamp_from: String,
    clamp_to: String,
    ruled: String,
    rules: String,
    rule_chains: String,
    chains: String,
}

/// Lays the ruleset out.
pub(super) fn emit(plan: &Plan, places: &Places<'_>, blocks: &Blocks) -> String {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let pair = destination.mask() | source.mask();
    let value = |from: &Network, to: &Network| Hex(source.value(from.id) | destination.value(to.id));
    let mut from = Block::default();
    let mut own_zones = Block::default();
    let (mut dnat, mut snat, mut leave, mut ports) =
        (Block::default(), Block::default(), Block::default(), Block::default());
    for network in &plan.networks {
        let (id, interface) = (network.id, &network.interface);
        line!(from, "\t\t\t\"{interface}\" : goto {},", Chain("from", network));
        line!(own_zones, "\t\t\t\"{interface}\" : {},", network.own_zone);
        if let Some(vrf) = &network.vrf {
            line!(own_zones, "\t\t\t\"{vrf}\" : {},", network.own_zone);
        }
        line!(dnat, "\t\t\t{} : goto {},", Hex(destination.value(id)), Chain("dnat", network));
        line!(snat, "\t\t\t{} : goto {},", Hex(source.value(id)), Chain("snat", network));
        line!(leave, "\t\t\t\"{interface}\" : goto {},", Chain("leave", network));
        line!(ports, "\t\t\t\"{interface}\",");
    }
    let (mut to_v4, mut to_v6) = (Block::default(), Block::default());
    for destination in &plan.destinations {
        let alias = destination.alias;
        let block = if alias.addr().is_ipv4() { &mut to_v4 } else { &mut to_v6 };
        match destination.owner {
            Owner::Network(n) => line!(block, "\t\t\t{alias} : goto {},", Chain("to", &plan.networks[n])),
            Owner::Shared(n) => line!(block, "\t\t\t{alias} : goto {},", dispatch::name(plan, n)),
        }
    }
    let mut zones = Block::default();
    for zone in plan.zones.iter().filter(|zone| zone.by_mark) {
        line!(zones, "\t\t\t{} : {},", Hex(destination.value(zone.number)), zone.number);
    }
    let peerings = plan.peerings.len();
    let (mut open, mut back) = (Block::of(peerings), Block::of(peerings));
    for peering in &plan.peerings {
        let (a, b) = (&plan.networks[peering.from], &plan.networks[peering.to]);
        let place = places.at(peering.span);
        if peering.policy.is_none() {
            line!(
                open,
                "\t\t\t{} comment \"{place} {} -> {}\",",
                value(a, b),
                short(&a.name),
                short(&b.name)
            );
        }
        line!(
            back,
            "\t\t\t{} comment \"{place} answers to {} -> {}\",",
            value(b, a),
            short(&a.name),
            short(&b.name)
        );
    }
    let mut chains = Block::of(22 * plan.networks.len());
    for network in &plan.networks {
        network_chains(&mut chains, plan, network, places);
    }
    dispatch::chains(&mut chains, plan, places);
    let sign = masquerade::signs(&mut chains, plan, places);
    let masquerade::Elements { ports: masq_ports, to: masq, answers } = masquerade::elements(plan);
    let services = services::services(plan, places);
    let clamps = handshakes::clamps(plan);
    template::render(
        "nft/ruleset.nft.j2",
        RulesetView {
            header: places.header(&plan.site),
            site: plan.site.clone(),
            destination: Hex(destination.mask()).to_string(),
            source: Hex(source.mask()).to_string(),
            pair: Hex(pair).to_string(),
            no_destination: Hex(!destination.mask()).to_string(),
            from: blocks.keep(from),
            to_v4: blocks.keep(to_v4),
            to_v6: blocks.keep(to_v6),
            zones: blocks.keep(zones),
            own_zones: blocks.keep(own_zones),
            open: blocks.keep(open),
            back: blocks.keep(back),
            dnat: blocks.keep(dnat),
            snat: blocks.keep(snat),
            leave: blocks.keep(leave),
            ports: blocks.keep(ports),
            masq_ports: blocks.keep(masq_ports),
            masq: blocks.keep(masq),
            sign: blocks.keep(sign),
            answers: blocks.keep(answers),
            clamp_from: blocks.keep(clamps.from),
            clamp_to: blocks.keep(clamps.to),
            ruled: blocks.keep(services.pairs),
            rules: blocks.keep(services.rules),
            rule_chains: blocks.keep(services.chains),
            chains: blocks.keep(chains),
        },
    )
}

/// The chains of one network.
fn network_chains(out: &mut Block, plan: &Plan, network: &Network, places: &Places<'_>) {
    line!(out, "\n\t# Network {}, {}", short(&network.name), places.at(network.span));
    marks::chains(out, plan, network, places);
    translation::chains(out, plan, network, places);
    if let Some(masquerade) = &network.masquerade {
        masquerade::chains(out, plan, network, masquerade, places);
    }
    filter::chains(out, plan, network, places);
    handshakes::chain(out, network, places);
}

fn family(net: &IpNet) -> &'static str {
    match net {
        IpNet::V4(_) => "ip",
        IpNet::V6(_) => "ip6",
    }
}

/// `ovl_KIND_NAME`: the prefix keeps names away from nft's keywords. A name too long for a chain
/// (128 bytes in the kernel) is replaced by the id behind `_`, which no name begins with.
struct Chain<'a>(&'static str, &'a Network);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, network) = self;
        if network.name.len() <= 64 {
            write!(f, "ovl_{kind}_{}", network.name)
        } else {
            write!(f, "ovl_{kind}__{}", network.id)
        }
    }
}
