//! What must be there though no packet of the model shows that it is not.
//!
//! Goes in: the site, and the host as the files make it. Comes out: devices that stay down, addresses that are
//! somewhere else, settings that are left as they were, routers that are not asked. What must hold: each has the
//! fact about the kernel that makes it matter; nothing is taken from who planned.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::found::{Failure, Found, Obligation};
use super::spec::Spec;
use crate::net;
use crate::read::routing::{Action, Route, Way};
use crate::read::script::Script;
use crate::read::script::data::Value;
use crate::sim::host::{Host, LOCAL, MAIN};
use crate::sim::region::Set;
use crate::sim::region::fib::range_of;
use crate::sim::region::numbers::of_link;

/// Looks at a host, and at the script that makes it if there is one.
pub(super) fn check(spec: &Spec<'_>, host: &Host, script: Option<&Script>, found: &mut Found) {
    let mut fails = |obligation: Obligation, network: Option<usize>, what: String| {
        let networks = [network, None];
        found.failures.push(Failure {
            obligation,
            networks,
            what,
            packet: None,
            place: None,
            rule: None,
            line: None,
        });
    };
    if let Some(script) = script {
        // ip-link(8): a device that was made, or that nobody has put up yet, is down.
        let up: BTreeSet<&str> = script.ups().collect();
        for device in script.devices().iter().filter(|device| !up.contains(device.as_str())) {
            fails(Obligation::Delivery, None, format!("{device} is not put up"));
        }
        let said = script.data.settings.iter().chain(&script.data.own_settings);
        // The last one counts.
        let said: BTreeMap<&str, Value> = said.map(|it| (it.value.path.as_str(), it.value.value)).collect();
        for (path, wanted) in settings(spec, script, host) {
            if said.get(path.as_str()) != Some(&wanted) {
                let what = format!("the setting {path} is not made, and what it was before is not known");
                fails(Obligation::Delivery, None, what);
            }
        }
    }
    // vrf.rst, 1: a look-up that finds nothing goes on with the next rule.
    for (table, v4) in tables(host) {
        let ends = |it: &Route| {
            let all = it.to.prefix_len() == 0 && it.to.addr().is_ipv4() == v4;
            all && it.table == table && it.metric == LAST && it.way == Way::Unreachable
        };
        if !host.routes.iter().any(ends) {
            fails(Obligation::FailClosed, None, format!("look-ups in table {table} do not end there"));
        }
    }
    let mut ways: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    for route in &host.routes {
        if let Way::Out { device, .. } = &route.way {
            ways.entry(device).or_default().push(route);
        }
    }
    for (n, network) in spec.site.networks.iter().enumerate() {
        let device = spec.device(n);
        let routes = ways.get(device).map_or(&[][..], Vec::as_slice);
        let has = host.addresses.iter().filter(|it| it.device == device);
        let has: BTreeSet<_> = has.map(|it| it.net).collect();
        let should: BTreeSet<_> = network.addresses.iter().map(|it| it.value).collect();
        for net in has.symmetric_difference(&should) {
            let what = format!("the gateway's addresses on {device} are not those of the site: {net}");
            fails(Obligation::OwnTraffic, Some(n), what);
        }
        // Who is asked on a link for the next hop is no part of a packet.
        for route in routes {
            let Way::Out { via, .. } = &route.way else { continue };
            let within = network.routes.iter().filter(|it| it.prefix.value.contains(&route.to));
            let longest = within.max_by_key(|it| it.prefix.value.prefix_len());
            // A link inside of what a router leads to is nearer than the router.
            let links = network.addresses.iter().map(|it| it.value.trunc());
            let link = links.filter(|link| link.contains(&route.to)).map(|link| link.prefix_len()).max();
            let beyond = longest.filter(|it| link.is_none_or(|link| it.prefix.value.prefix_len() >= link));
            let wanted = beyond.map(|it| it.via.value);
            let real = network.prefixes.iter().any(|it| it.real.value.contains(&route.to));
            if real && *via != wanted {
                let what = format!("{} is sent to another router on {device} than the site says", route.to);
                fails(Obligation::Delivery, Some(n), what);
            }
        }
        led(spec, n, routes, &mut fails);
        // `fib_add_ifaddr`: an address makes a route for its link in the table of its device.
        let links = host.addresses.iter().filter(|it| it.device == device && it.makes_route);
        let inside = host.vrf_table(device).is_none_or(|table| table == MAIN);
        for address in links.filter(|it| inside && it.net.prefix_len() < it.net.max_prefix_len()) {
            let what = format!("{} makes a route in the table main, which is of the host", address.net);
            fails(Obligation::GoodNeighbour, Some(n), what);
        }
    }
}

/// Routes lead no numbers into a network but its hosts', under every number by which they are known, those of its
/// links and behind its routers, and the gateway's own, where a masqueraded network gives them to its callers' packets.
fn led(
    spec: &Spec<'_>,
    n: usize,
    routes: &[&Route],
    fails: &mut dyn FnMut(Obligation, Option<usize>, String),
) {
    let network = &spec.site.networks[n];
    let real = network.prefixes.iter().map(|it| it.real.value);
    let known = network.prefixes.iter().flat_map(|it| it.aliases.iter().map(|alias| alias.net.value));
    let links = network.addresses.iter().map(|it| it.value.trunc());
    let behind = network.routes.iter().map(|it| it.prefix.value);
    let called = (0..spec.site.networks.len())
        .filter(|to| spec.networks[*to].masqueraded && spec.opens(n, *to).is_some());
    let own = called.flat_map(|to| spec.site.networks[to].addresses.iter().map(|it| it.value.addr().into()));
    let nets: Vec<IpNet> = real.chain(known).chain(links).chain(behind).chain(own).collect();
    for v4 in [true, false] {
        let own = nets.iter().filter(|net| net.addr().is_ipv4() == v4).map(range_of);
        let of_link = of_link(v4).iter().copied();
        let own = Set::of(own.chain(of_link).collect());
        for route in routes.iter().filter(|route| route.to.addr().is_ipv4() == v4) {
            let (first, last) = range_of(&route.to);
            if !Set::range(first, last).is_in(&own) {
                let what = format!("{} leads to {}, and not all of it is there", route.to, spec.device(n));
                fails(Obligation::Isolation, Some(n), what);
            }
        }
    }
}

/// The metric behind all others: vrf.rst.
const LAST: u32 = 4_278_198_272;

/// The tables of a site, and whether of IPv4.
fn tables(host: &Host) -> BTreeSet<(u32, bool)> {
    let looked = host.rules.iter().filter_map(|rule| match rule.action {
        Action::Lookup(table) if rule.protocol != 2 && table != LOCAL => Some((table, rule.v4)),
        _ => None,
    });
    let made = host.links.values().filter_map(|link| link.table);
    looked.chain(made.flat_map(|table| [(table, true), (table, false)])).collect()
}

/// The settings that a site needs, whatever the host had before: semantics.md, 3.
fn settings(spec: &Spec<'_>, script: &Script, host: &Host) -> Vec<(String, Value)> {
    let on = Value::Is(1);
    let mut all = vec![("ipv4/fwmark_reflect".to_owned(), on)];
    let v6 = spec.site.networks.iter().any(|it| it.prefixes.iter().any(|it| it.real.value.addr().is_ipv6()));
    if v6 {
        all.push(("ipv6/fwmark_reflect".to_owned(), on));
        all.push(("ipv6/conf/all/forwarding".to_owned(), on));
    }
    // ip-sysctl.rst: sockets that are bound to no device take connections of a VRF, or answer with the mark.
    match script.header.vrf {
        true => all.extend(["tcp", "udp"].map(|it| (format!("ipv4/{it}_l3mdev_accept"), on))),
        false => all.push(("ipv4/tcp_fwmark_accept".to_owned(), on)),
    }
    let devices = script.devices();
    for device in &devices {
        let mut of =
            |family: &str, name: &str, value| all.push((format!("{family}/conf/{device}/{name}"), value));
        // `fib_validate_source`: with 1 the sender must be reachable by the same device.
        of("ipv4", "rp_filter", Value::Loose);
        of("ipv4", "forwarding", on);
        let own = host.links.get(device).is_some_and(|link| link.table.is_some());
        let network = (0..spec.site.networks.len()).find(|network| spec.device(*network) == device);
        if let (false, Some(network)) = (own, network) {
            let addresses = &spec.site.networks[network].addresses;
            // `__inet_del_ifa`: with the first address of a prefix the others go, unless they are promoted.
            if addresses.iter().any(|it| net::family(&it.value) == net::Family::V4) {
                of("ipv4", "promote_secondaries", on);
            }
            if script.header.vrf {
                // `addrconf_ifdown`: entering a VRF loses IPv6 addresses.
                of("ipv6", "keep_addr_on_down", on);
            } else {
                // Hosts there can have the number that the gateway has elsewhere: it comes in as a source,
                // and the gateway must not answer for it.
                of("ipv4", "accept_local", on);
                of("ipv4", "arp_ignore", on);
            }
        }
    }
    all
}
