//! What a host has besides what the files of a site say.
//!
//! Goes in: the site, and the host as the files make it. Comes out: the same with all that the site says, or leaves
//! to the host. What must hold: it is what the site's own words allow, and no route that the site makes itself
//! gives way to it.

use crate::model::Site;
use crate::read::routing::{Address, Change, Route, Way};
use crate::sim::host::{Host, Link, MAIN};

/// A device that no host has: no name of one has a bracket in a site.
pub const ELSEWHERE: &str = "(elsewhere)";

/// Adds it.
///
/// # Errors
///
/// The kernel would refuse it: what it would say.
pub fn add(host: &mut Host, site: &Site) -> Result<(), String> {
    on_their_links(host, site);
    own_elsewhere(host, site)?;
    elsewhere(host);
    Ok(())
}

/// The way to everywhere else that a host has besides its networks: what finds no end in them takes it.
fn elsewhere(host: &mut Host) {
    let device = ELSEWHERE.to_owned();
    host.links.insert(device.clone(), Link { up: true, ..Link::default() });
    host.settings.insert(format!("ipv4/conf/{device}/forwarding"), 1);
    // Somebody else may want it where the site does not need it; where it does, `there` has looked.
    host.settings.insert("ipv6/conf/all/forwarding".to_owned(), 1);
    for to in ["0.0.0.0/0", "::/0"].iter().filter_map(|to| to.parse().ok()) {
        let way = Way::Out { device: device.clone(), via: None, onlink: false };
        host.routes.push(Route { to, way, table: MAIN, metric: u32::MAX, protocol: 2 });
    }
}

/// The gateway's addresses on devices of no network.
///
/// # Errors
///
/// The kernel would refuse one: what it would say.
pub fn own_elsewhere(host: &mut Host, site: &Site) -> Result<(), String> {
    for it in &site.gateway.addresses {
        let device = it.interface.value.clone();
        host.links.entry(device.clone()).or_insert(Link { up: true, ..Link::default() });
        host.settings.entry(format!("ipv4/conf/{device}/forwarding")).or_insert(1);
        let address = Address { net: it.address.value, device, makes_route: true };
        host.apply(&Change::AddAddress(address))?;
    }
    Ok(())
}

/// Where the gateway's addresses in a network are the host's own affair, its hosts are on its link.
pub fn on_their_links(host: &mut Host, site: &Site) {
    for network in &site.networks {
        for v4 in [true, false] {
            if network.addresses.iter().any(|it| it.value.addr().is_ipv4() == v4) {
                continue;
            }
            let device = network.interface.value.clone();
            let table = host.vrf_table(&device).unwrap_or(MAIN);
            let prefixes = network.prefixes.iter().map(|it| it.real.value);
            for prefix in prefixes.filter(|it| it.addr().is_ipv4() == v4) {
                let way = Way::Out { device: device.clone(), via: None, onlink: false };
                // A route that the site makes itself comes before.
                host.routes.push(Route { to: prefix, way, table, metric: u32::MAX, protocol: 2 });
            }
        }
    }
}
