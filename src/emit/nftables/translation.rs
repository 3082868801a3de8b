//! Network address translation, for the first packet of a connection.

use ipnet::IpNet;

use super::super::provenance::{Places, short};
use super::super::text::{Block, Hex, line};
use super::{Chain, family};
use crate::net;
use crate::plan::tree::LEAF;
use crate::plan::{Mapping, Network, OwnAlias, Plan, Refusal};

/// The chains that translate to a network's real addresses, and to what others know them by.
pub(super) fn chains(out: &mut Block, plan: &Plan, network: &Network, places: &Places<'_>) {
    let name = short(&network.name);
    line!(out, "\tchain {} {{", Chain("dnat", network));
    for own in &network.own {
        line!(out, "\t\t{}", refused(own, !plan.marks.destination.mask(), places));
    }
    let inward = |piece: &Mapping| (piece.alias, piece.real);
    translation(out, ("dnat", "daddr"), network, &network.inward(), inward, places);
    line!(out, "\t}}");
    let outward = |piece: &Mapping| (piece.real, piece.alias);
    for (n, view) in network.views.iter().enumerate() {
        line!(out, "\tchain {} {{", view_chain(network, n));
        translation(out, ("snat", "saddr"), network, &view.mappings, outward, places);
        line!(out, "\t}}");
    }
    line!(out, "\tchain {} {{", Chain("snat", network));
    if !network.views.is_empty() {
        let destination = plan.marks.destination;
        line!(out, "\t\tmeta mark & {} vmap {{", Hex(destination.mask()));
        for (viewer, view) in &network.view_of {
            let viewer = Hex(destination.value(plan.networks[*viewer].id));
            line!(out, "\t\t\t{viewer} : goto {},", view_chain(network, *view));
        }
        line!(out, "\t\t}} comment \"{} {name} as they know it\"", places.at(network.span));
    }
    translation(out, ("snat", "saddr"), network, &network.mappings, outward, places);
    line!(out, "\t}}");
}

/// The rule that keeps a packet for the gateway as seen from elsewhere from being translated.
fn refused(own: &OwnAlias, no_destination: u32, places: &Places<'_>) -> String {
    let (alias, place) = (own.alias, places.at(own.span));
    let family = family(&net::single(alias));
    let cleared = match own.refusal {
        Refusal::Cleared => format!("meta mark set meta mark & {} ", Hex(no_destination)),
        Refusal::Unrouted => String::new(),
    };
    format!("{family} daddr {alias} {cleared}return comment \"{place} {}\"", own.words())
}

/// The chain of a view, by the network's id and the view's place.
fn view_chain(network: &Network, view: usize) -> String {
    format!("ovl_view__{}_{view}", network.id)
}

/// Rules that map one column of mappings onto the other, both families.
fn translation(
    out: &mut Block,
    (statement, field): (&str, &str),
    network: &Network,
    mappings: &[Mapping],
    columns: impl Fn(&Mapping) -> (IpNet, IpNet),
    places: &Places<'_>,
) {
    let name = short(&network.name);
    let (v4, v6) = mappings.split_at(mappings.partition_point(|piece| piece.real.addr().is_ipv4()));
    for pieces in [v4, v6] {
        if pieces.len() > LEAF {
            let family = family(&pieces[0].real);
            let place = places.at(network.span);
            line!(out, "\t\t{statement} {family} prefix to {family} {field} map {{");
            for (from, to) in pieces.iter().map(&columns) {
                line!(out, "\t\t\t{from} : {to},");
            }
            line!(out, "\t\t}} comment \"{place} {name}\"");
            continue;
        }
        for piece in pieces {
            let (from, to) = columns(piece);
            let family = family(&from);
            let place = places.at(piece.span);
            line!(
                out,
                "\t\t{family} {field} {from} {statement} {family} prefix to {to} comment \"{place} {name}\""
            );
        }
    }
}
