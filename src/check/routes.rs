//! Routes to what is behind routers of a network.
//!
//! Goes in: the site and whether it has VRF devices. Comes out: findings. What must hold afterwards: each route can be put into a
//! routing table, and its router answers on a link of the gateway.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::addresses::Misplaced;
use super::errors::addresses::{RouterOffLink, Whose};
use super::errors::nesting::RepeatedPrefix;
use super::errors::prefixes::MixedFamilies;
use super::prefixes::is_usable;
use crate::diag::Reporter;
use crate::model::{Isolation, Network, Route, Site};
use crate::net;
use crate::source::Span;

/// Checks every route. Of networks with a misplaced address the links are not known.
pub(super) fn check(site: &Site, isolation: Isolation, misplaced: &Misplaced, reporter: &mut Reporter<'_>) {
    let mut own: HashMap<IpAddr, Span> = HashMap::new();
    if isolation == Isolation::Rules {
        let elsewhere = site.gateway.addresses.iter().map(|it| &it.address);
        for address in site.networks.iter().flat_map(|network| &network.addresses).chain(elsewhere) {
            let addr = address.value.addr();
            // A link-local router is looked for on its own link alone.
            if !matches!(addr, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
                own.entry(addr).or_insert(address.span);
            }
        }
    }
    for (id, network) in site.ids() {
        let linked = (0..network.addresses.len()).all(|place| !misplaced.contains(&(id, place)));
        let mut seen = HashMap::new();
        for route in &network.routes {
            if !check_route(network, route, linked.then_some(&own), reporter) {
                continue;
            }
            let net = route.prefix.value;
            if let Some(own) = network.addresses.iter().find(|own| net == net::single(own.value.addr())) {
                let repeated =
                    RepeatedPrefix::own_route(&network.name.value, net, route.prefix.span, own.span);
                reporter.report(repeated, network.instance.as_deref());
            }
            if let Some(earlier) = seen.insert(net, route.prefix.span) {
                let repeated = RepeatedPrefix::route(&network.name.value, net, route.prefix.span, earlier);
                reporter.report(repeated, network.instance.as_deref());
            }
        }
    }
}

/// `elsewhere` has the gateway's addresses in all networks where the kernel looks at all of them. `None` where the
/// links are not known: routers are not looked at then.
fn check_route(
    network: &Network,
    route: &Route,
    elsewhere: Option<&HashMap<IpAddr, Span>>,
    reporter: &mut Reporter<'_>,
) -> bool {
    let instance = network.instance.as_deref();
    let (net, via) = (route.prefix.value, route.via.value);
    if net::family(&net) != net::family_of(&via) {
        reporter.report(MixedFamilies { first: route.prefix, second: route.via }, instance);
        return false;
    }
    if !is_usable(network, route.prefix, reporter) {
        return false;
    }
    let Some(elsewhere) = elsewhere else { return true };
    let off_link = |fault: String, place| RouterOffLink {
        router: via,
        span: route.via.span,
        fault,
        place,
        whose: Whose::Another,
    };
    let own = network.addresses.iter().find(|address| address.value.addr() == via);
    if let Some(own) = own {
        let fault = off_link(String::from("the gateway's own address"), Some(own.span));
        reporter.report(RouterOffLink { whose: Whose::Gateway, ..fault }, instance);
    } else if net.contains(&via) && !is_on_longer_link(network, &net, via) {
        let fault = format!("inside of `{net}`, which it leads to");
        reporter.report(off_link(fault, Some(route.prefix.span)), instance);
    } else if !is_on_link(network, via) {
        let first =
            network.addresses.iter().find(|address| net::family(&address.value) == net::family_of(&via));
        reporter
            .report(off_link(String::from("on no link of the gateway"), first.map(|it| it.span)), instance);
    } else if let Some(place) = elsewhere.get(&via) {
        let fault = off_link(String::from("the gateway's own address elsewhere"), Some(*place));
        reporter.report(RouterOffLink { whose: Whose::GatewayElsewhere, ..fault }, instance);
    }
    true
}

/// Whether a link that is known, and part of what the route leads to, has the router: the link's own route is the
/// more specific one then.
fn is_on_longer_link(network: &Network, net: &IpNet, router: IpAddr) -> bool {
    let longer = |link: &IpNet| link.prefix_len() > net.prefix_len() && link.contains(&router);
    network.addresses.iter().any(|address| longer(&address.value))
}

/// Whether an address may be on a link: known to be, or nothing is known.
fn is_on_link(network: &Network, router: IpAddr) -> bool {
    // Every IPv6 link has link-local addresses, and routers like to be named by them.
    if matches!(router, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
        return true;
    }
    let mut links =
        network.addresses.iter().filter(|it| net::family(&it.value) == net::family_of(&router)).peekable();
    links.peek().is_none() || links.any(|address| address.value.contains(&router))
}
