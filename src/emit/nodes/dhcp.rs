//! Routes for hosts that get their addresses by DHCP: option 121 (RFC 3442) and option 249, the same
//! bytes for Windows before Vista (MS-DHCPE, 2.2.8), for dnsmasq(8) and Kea.
//!
//! A client that gets option 121 must ignore option 3 (RFC 3442, DHCP Client Behavior), so the default
//! route has to be repeated in it. A site does not say which router that is: the gateway hardly ever,
//! as it forwards nothing but what is declared. So there is a place to fill in, and a server that is
//! given the file as it is refuses it. Hosts without a default router lose nothing by any choice there.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use serde::Serialize;

use super::{Need, Needs, placeholder};
use crate::emit::provenance::{Place, Places};
use crate::emit::template;
use crate::net::{self, Family};

/// What the data of a DHCP option can hold: its length is one octet (RFC 2132, 2).
const LONGEST_OPTION: usize = 255;

/// What dnsmasq takes as one line of a file: MAXDNAME (1025) with the newline and the zero at the end.
const LONGEST_LINE: usize = 1000;

/// Stands for the router that the hosts use for everything else.
const DEFAULT_ROUTER: &str = "DEFAULT-ROUTER";

/// What `templates/nodes/dnsmasq.conf.j2` and `kea-dhcp4.json.j2` take.
#[derive(Serialize)]
struct DhcpView<'a> {
    header: &'a str,
    network: &'a str,
    place: Place<'a>,
    /// The network's id.
    id: u16,
    /// The hosts' link.
    subnet: String,
    /// The gateway's address, or what stands for it.
    gateway: &'a str,
    /// The name that stands for an address of the gateway that the site does not say; or nothing.
    unknown: &'static str,
    default_router: &'static str,
    /// The routes with their places, before neighbours are put together.
    routes: Vec<String>,
    /// The data of the option, as the program writes it.
    option: String,
    /// Why there is no option; or nothing.
    too_long: String,
}

/// The files for dnsmasq and for Kea.
pub(super) fn files(needs: &Needs<'_>, header: &str, places: &Places<'_>) -> (String, String) {
    let network = needs.network;
    let link = network.addresses.iter().map(|address| address.net.trunc());
    let mut links = link.chain(network.admitted.iter().map(|it| it.real));
    let subnet = links.find(|net| net::family(net) == Family::V4);
    let router = match network.gateway(Family::V4) {
        Some(IpAddr::V4(address)) => Some(address),
        _ => None,
    };
    let gateway = router.map_or_else(|| placeholder(Family::V4).to_owned(), |address| address.to_string());
    let place = |route: &Need<'_>| format!("{} {} {}", route.prefix, places.at(route.span), route.partner);
    let view = |option: String, too_long: String| DhcpView {
        header,
        network: &network.name,
        place: places.at(network.span),
        id: network.id,
        subnet: subnet.map(|net| net.to_string()).unwrap_or_default(),
        gateway: &gateway,
        unknown: if router.is_none() { placeholder(Family::V4) } else { "" },
        default_router: DEFAULT_ROUTER,
        routes: needs.of_family(Family::V4).map(place).collect(),
        option,
        too_long,
    };
    let routes = together(needs);
    let count = routes.len() + 1;
    let octets_needed = 5 + routes.iter().map(length).sum::<usize>();
    let over = octets_needed > LONGEST_OPTION;
    let too_long =
        format!("{count} routes take {octets_needed} octets, and a DHCP option holds {LONGEST_OPTION}");
    let too_long = if over { too_long } else { String::new() };
    let words = words(&routes, &gateway);
    let line_too_long = if words.len() > LONGEST_LINE && !over {
        format!("{count} routes do not fit in one line of dnsmasq")
    } else {
        too_long.clone()
    };
    let dnsmasq = template::render("nodes/dnsmasq.conf.j2", view(words, line_too_long));
    let kea = template::render("nodes/kea-dhcp4.json.j2", view(octets(&routes, router), too_long));
    (dnsmasq, kea)
}

/// The IPv4 routes, neighbours put together where the two are exactly one prefix: all have the same
/// next hop, and an option is short.
fn together(needs: &Needs<'_>) -> Vec<Ipv4Net> {
    let v4 = needs.routes.iter().filter_map(|route| match route.prefix {
        IpNet::V4(net) => Some(net),
        IpNet::V6(_) => None,
    });
    Ipv4Net::aggregate(&v4.collect())
}

/// Octets that a route takes: its length, the octets of the prefix that count, the router.
fn length(prefix: &Ipv4Net) -> usize {
    5 + significant(prefix)
}

fn significant(prefix: &Ipv4Net) -> usize {
    usize::from(prefix.prefix_len()).div_ceil(8)
}

/// The routes as dnsmasq reads them.
fn words(routes: &[Ipv4Net], gateway: &str) -> String {
    let mut words = format!("0.0.0.0/0,{DEFAULT_ROUTER}");
    for prefix in routes {
        words.push_str(&format!(",{prefix},{gateway}"));
    }
    words
}

/// The option's data in hexadecimal, with names for the addresses that are not known.
fn octets(routes: &[Ipv4Net], gateway: Option<Ipv4Addr>) -> String {
    let router =
        gateway.map_or_else(|| format!("{}-HEX", placeholder(Family::V4)), |address| hex(&address.octets()));
    let mut words = vec!["00".to_owned(), format!("{DEFAULT_ROUTER}-HEX")];
    for prefix in routes {
        words.push(hex(&[prefix.prefix_len()]));
        if prefix.prefix_len() > 0 {
            words.push(hex(&prefix.network().octets()[..significant(prefix)]));
        }
        words.push(router.clone());
    }
    words.join(" ")
}

fn hex(octets: &[u8]) -> String {
    let octets: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    octets.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{length, octets, significant};

    /// The descriptors that RFC 3442 gives as examples.
    #[test]
    fn destinations_are_encoded_as_in_the_rfc() {
        for (prefix, descriptor) in [
            ("10.0.0.0/8", "08 0a"),
            ("10.0.0.0/24", "18 0a 00 00"),
            ("10.17.0.0/16", "10 0a 11"),
            ("10.27.129.0/24", "18 0a 1b 81"),
            ("10.229.0.128/25", "19 0a e5 00 80"),
            ("10.198.122.47/32", "20 0a c6 7a 2f"),
        ] {
            let prefix = prefix.parse().unwrap();
            let data = octets(&[prefix], Some([192, 168, 0, 1].into()));
            assert_eq!(data, format!("00 DEFAULT-ROUTER-HEX {descriptor} c0 a8 00 01"));
            assert_eq!(significant(&prefix) + 1, descriptor.split(' ').count());
            assert_eq!(length(&prefix), descriptor.split(' ').count() + 4);
        }
    }

    #[test]
    fn an_unknown_gateway_has_a_name_too() {
        let data = octets(&["10.64.2.0/23".parse().unwrap()], None);
        assert_eq!(data, "00 DEFAULT-ROUTER-HEX 17 0a 40 02 GATEWAY-HEX");
    }
}
