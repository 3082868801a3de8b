//! What the hosts of each network need: a route to every prefix that they reach or that reaches
//! them, through the gateway's address in their network.
//!
//! Goes in: a plan. Comes out: one text with the `ip route` lines of all networks, or for each network
//! a folder with the same routes in the forms that people use. What must hold: all forms of a network
//! hold the same routes, and none takes away the default route that its hosts have.

mod dhcp;
mod linux;
mod windows;

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use super::provenance::{Place, Places};
use super::template;
use super::text::{Block, Blocks};
use crate::net::{self, Family};
use crate::plan::{Network, Plan};
use crate::source::Span;

/// A network and the routes that its hosts need, IPv4 first, then in source order of the partners.
struct Needs<'p> {
    network: &'p Network,
    routes: Vec<Need<'p>>,
}

/// A route that hosts need.
struct Need<'p> {
    prefix: IpNet,
    /// Whose prefix it is.
    partner: &'p str,
    span: Span,
}

/// What every template of this folder takes.
#[derive(Serialize)]
struct NodesView<'a> {
    header: String,
    network: &'a str,
    place: Place<'a>,
    /// Where `nodes masqueraded` says that there is nothing to do, or nothing.
    masqueraded: String,
    /// Names that stand for addresses of the gateway which the site does not say.
    unknown: Vec<&'static str>,
    /// Whether any route is an IPv6 one.
    ipv6: bool,
    /// The lines of the form.
    routes: String,
}

impl<'p> Needs<'p> {
    /// The routes of all networks that have anything to do with another one.
    fn all(plan: &'p Plan) -> impl Iterator<Item = Self> {
        let joined = plan.partners().into_iter().enumerate().filter(|(_, partners)| !partners.is_empty());
        joined.map(|(viewer, partners)| Self::of(plan, viewer, &partners))
    }

    fn of(plan: &'p Plan, viewer: usize, partners: &[usize]) -> Self {
        let network = &plan.networks[viewer];
        // They see nobody's address but the gateway's on their link.
        let partners = if network.masquerade.is_some() { &[] } else { partners };
        let spoken = [Family::V4, Family::V6].into_iter().filter(|family| network.speaks(*family));
        let routes = spoken.flat_map(|family| {
            let of_partner = move |partner: &usize| {
                let name = plan.networks[*partner].name.as_str();
                let known = plan.known_to(*partner, viewer);
                known
                    .filter(move |(prefix, _)| net::family(prefix) == family)
                    .map(move |(prefix, span)| Need { prefix, partner: name, span })
            };
            partners.iter().flat_map(of_partner)
        });
        Self { network, routes: routes.collect() }
    }

    fn of_family(&self, family: Family) -> impl Iterator<Item = &Need<'p>> {
        self.routes.iter().filter(move |route| net::family(&route.prefix) == family)
    }

    /// Whether any route is of this family.
    fn has(&self, family: Family) -> bool {
        self.of_family(family).next().is_some()
    }

    /// The names in the place of the gateway's addresses that routes need and the site does not say.
    fn unknown(&self) -> Vec<&'static str> {
        let families = [Family::V4, Family::V6].into_iter();
        let missing = families.filter(|family| self.has(*family) && self.network.gateway(*family).is_none());
        missing.map(placeholder).collect()
    }

    fn view<'a>(&'a self, header: String, places: &'a Places<'_>, routes: String) -> NodesView<'a> {
        NodesView {
            header,
            network: &self.network.name,
            place: places.at(self.network.span),
            masqueraded: masqueraded(self, places),
            unknown: self.unknown(),
            ipv6: self.has(Family::V6),
            routes,
        }
    }
}

/// What stands for the gateway's address of a family where the site does not say it.
const fn placeholder(family: Family) -> &'static str {
    match family {
        Family::V4 => "GATEWAY",
        Family::V6 => "GATEWAY6",
    }
}

/// The gateway's address that leads to a prefix, or a placeholder between these two.
fn via(network: &Network, prefix: &IpNet, before: &str, after: &str) -> String {
    let family = net::family(prefix);
    let unknown = || format!("{before}{}{after}", placeholder(family));
    network.gateway(family).map_or_else(unknown, |address: IpAddr| address.to_string())
}

/// What `templates/nodes/nodes.sh.j2` takes.
#[derive(Serialize)]
struct WholeView<'a> {
    header: String,
    networks: Vec<SectionView<'a>>,
}

#[derive(Serialize)]
struct SectionView<'a> {
    name: &'a str,
    place: Place<'a>,
    masqueraded: String,
    /// What to put in the place of a name where the site does not tell the gateway's address.
    unknown: String,
    routes: String,
}

/// Lays the `ip route` lines out, a section a network.
pub(super) fn emit(plan: &Plan, places: &Places<'_>, blocks: &Blocks) -> String {
    let needs: Vec<Needs<'_>> = Needs::all(plan).collect();
    let section = |needs: &Needs<'_>| -> (String, String) {
        (needs.unknown().join(" and "), blocks.keep(linux::ip_route(needs, places)))
    };
    let sections: Vec<(String, String)> = needs.iter().map(section).collect();
    let networks = needs.iter().zip(sections).map(|(needs, (unknown, routes))| SectionView {
        name: &needs.network.name,
        place: places.at(needs.network.span),
        masqueraded: masqueraded(needs, places),
        unknown,
        routes,
    });
    let view = WholeView { header: places.header(&plan.site), networks: networks.collect() };
    template::render("nodes/nodes.sh.j2", view)
}

fn masqueraded(needs: &Needs<'_>, places: &Places<'_>) -> String {
    let written = needs.network.masquerade.as_ref().map(|masquerade| places.at(masquerade.span));
    written.map(|place| place.to_string()).unwrap_or_default()
}

/// Every form for every network: paths below the target's folder, and texts.
pub(super) fn files(plan: &Plan, places: &Places<'_>) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for needs in Needs::all(plan) {
        let folder = &needs.network.name;
        let header = || places.header(&plan.site);
        let mut add = |name: &str, template: &str, routes: Block| {
            let text = template::render(template, needs.view(header(), places, routes.finish()));
            files.push((format!("{folder}/{name}"), text));
        };
        add("routes.sh", "nodes/routes.sh.j2", linux::ip_route(&needs, places));
        if needs.routes.is_empty() {
            continue;
        }
        add("10-overlapc.conf", "nodes/networkd.conf.j2", linux::networkd(&needs, places));
        add("routes.cmd", "nodes/routes.cmd.j2", windows::commands(&needs, places));
        if needs.has(Family::V6) {
            add("radvd.conf", "nodes/radvd.conf.j2", linux::radvd(&needs, places));
        }
        if needs.has(Family::V4) {
            let (dnsmasq, kea) = dhcp::files(&needs, &header(), places);
            files.push((format!("{folder}/dnsmasq.conf"), dnsmasq));
            files.push((format!("{folder}/kea-dhcp4.json"), kea));
        }
    }
    // Batch files have lines that end as those of Windows do.
    for (name, text) in &mut files {
        if name.ends_with(".cmd") {
            *text = text.replace('\n', "\r\n");
        }
    }
    files
}
