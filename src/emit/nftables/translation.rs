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
    let no_destination = !plan.marks.destination.mask();
    let nobodys = network.own.iter().map(|own| refused(own, no_destination, places)).collect();
    let inward = |piece: &Mapping| (piece.alias, piece.real);
    translation(out, Chain("dnat", network), ("dnat", "daddr"), network, inward, places, nobodys);
    let outward = |piece: &Mapping| (piece.real, piece.alias);
    translation(out, Chain("snat", network), ("snat", "saddr"), network, outward, places, Vec::new());
}

/// The rule that keeps a packet for the gateway as seen from elsewhere from being translated.
fn refused(own: &OwnAlias, no_destination: u32, places: &Places<'_>) -> String {
    let (alias, place) = (own.alias, places.at(own.span));
    let family = family(&net::single(alias));
    let cleared = match own.refusal {
        Refusal::Cleared => format!("meta mark set meta mark & {} ", Hex(no_destination)),
        Refusal::Unrouted => String::new(),
    };
    format!("{family} daddr {alias} {cleared}return comment \"{place} the gateway's own\"")
}

/// A chain that maps one column of a network's mappings onto the other, both families.
fn translation(
    out: &mut Block,
    chain: Chain<'_>,
    (statement, field): (&str, &str),
    network: &Network,
    columns: impl Fn(&Mapping) -> (IpNet, IpNet),
    places: &Places<'_>,
    first: Vec<String>,
) {
    line!(out, "\tchain {chain} {{");
    for line in first {
        line!(out, "\t\t{line}");
    }
    let name = short(&network.name);
    let (v4, v6) =
        network.mappings.split_at(network.mappings.partition_point(|piece| piece.real.addr().is_ipv4()));
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
    line!(out, "\t}}");
}
