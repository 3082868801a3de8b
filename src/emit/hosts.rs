//! What the hosts of each network need: a route to every prefix that they reach or that reaches
//! them, through the gateway's address in their network.

use serde::Serialize;

use super::provenance::Places;
use super::template;
use super::text::{Block, Blocks, line};
use crate::net::{self, Family};
use crate::plan::Plan;

/// What `templates/nodes/nodes.sh.j2` takes.
#[derive(Serialize)]
struct NodesView {
    header: String,
    networks: Vec<NetworkView>,
}

#[derive(Serialize)]
struct NetworkView {
    name: String,
    place: String,
    /// What to put in the place of a name where the site does not tell the gateway's address.
    unknown: String,
    routes: String,
}

/// Lays the routes out, a section a network.
pub(super) fn emit(plan: &Plan, places: &Places<'_>, blocks: &Blocks) -> String {
    let mut partners: Vec<Vec<usize>> = vec![Vec::new(); plan.networks.len()];
    for peering in &plan.peerings {
        partners[peering.from].push(peering.to);
        // Answers need a route as well, unless they go to the gateway itself.
        if plan.networks[peering.to].masquerade.is_none() {
            partners[peering.to].push(peering.from);
        }
    }
    for partners in &mut partners {
        partners.sort_unstable();
        partners.dedup();
    }
    let networks = partners
        .iter()
        .enumerate()
        .filter(|(_, partners)| !partners.is_empty())
        .map(|(network, partners)| section(plan, network, partners, places, blocks))
        .collect();
    template::render("nodes/nodes.sh.j2", NodesView { header: places.header(&plan.site), networks })
}

fn section(
    plan: &Plan,
    viewer: usize,
    partners: &[usize],
    places: &Places<'_>,
    blocks: &Blocks,
) -> NetworkView {
    let network = &plan.networks[viewer];
    let mut routes = Block::default();
    let mut unknown = Vec::new();
    for family in [Family::V4, Family::V6] {
        if !network.speaks(family) {
            continue;
        }
        let (command, placeholder) = match family {
            Family::V4 => ("ip route", "GATEWAY"),
            Family::V6 => ("ip -6 route", "GATEWAY6"),
        };
        let gateway = network.addresses.iter().find(|address| net::family(&address.net) == family);
        let via =
            gateway.map_or_else(|| format!("\"${placeholder}\""), |address| address.net.addr().to_string());
        let mut any = false;
        for partner in partners {
            for (alias, span) in plan.known_to(*partner, viewer) {
                if net::family(&alias) == family {
                    any = true;
                    let (place, name) = (places.at(span), &plan.networks[*partner].name);
                    line!(routes, "{command} replace {alias} via {via} # {place} {name}");
                }
            }
        }
        if any && gateway.is_none() {
            unknown.push(placeholder);
        }
    }
    NetworkView {
        name: network.name.clone(),
        place: places.at(network.span).to_string(),
        unknown: unknown.join(" and "),
        routes: blocks.keep(routes),
    }
}
