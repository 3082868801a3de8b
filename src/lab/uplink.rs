//! The rest of the world, as the gateway knows it: a link with a default route behind it.
//!
//! Goes in: the site. Comes out: an interface and addresses for it, and what is asked from there. What must
//! hold: nothing of the site has them. On a real gateway what no rule and no route stops leaves by the default
//! route; one without would refuse it, and look as if the site had.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};

use super::links::speaks;
use super::sample::spread;
use super::scene::{Expected, Kind, Lan, Trial};
use crate::model::Site;
use crate::net::{self, Family};

/// Subnets of these: hosts of networks cannot have the first (RFC 3927), nobody should have the second
/// (RFC 2544).
const V4: [Ipv4Net; 2] = [
    Ipv4Net::new_assert(Ipv4Addr::new(169, 254, 0, 0), 16),
    Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15),
];

/// Link-local addresses mean their own link alone, so these collide with nothing.
const V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2)];

/// An address of a subnet of this asks, as nothing from a link-local one is forwarded (RFC 3849).
const V6_ASKS: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0xfffd, 0, 0, 0, 0, 0), 48);

/// Source ports of the questions, of which one is taken: below those of all other rounds.
const PORTS: std::ops::Range<u16> = 3000..4000;

/// So many questions are asked from there at most.
const ROOM: usize = 300;

/// The link to everybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// The gateway's interface.
    pub interface: String,
    /// For each family of the networks the gateway's address there, and the one of its next hop.
    pub ends: Vec<(IpNet, IpNet)>,
    /// Further addresses of the next hop.
    pub further: Vec<IpNet>,
}

/// An uplink that collides with nothing of the site.
pub(super) fn choose(site: &Site) -> Uplink {
    let outside = site.gateway.addresses.iter();
    let interfaces = outside.clone().map(|it| it.interface.value.as_str());
    let interfaces: BTreeSet<&str> =
        interfaces.chain(site.networks.iter().map(|network| network.interface.value.as_str())).collect();
    let interface =
        (0_usize..).map(|n| format!("uplink{n}")).find(|name| !interfaces.contains(name.as_str()));

    let of_networks = site.networks.iter().flat_map(|network| {
        let prefixes = network.prefixes.iter();
        let aliases = prefixes.clone().flat_map(|it| &it.aliases).map(|alias| alias.net.value);
        let reals = prefixes.map(|it| it.real.value);
        let routers = network.routes.iter().map(|route| net::single(route.via.value));
        network.addresses.iter().map(|it| it.value).chain(reals).chain(aliases).chain(routers)
    });
    let taken: Vec<IpNet> = of_networks.chain(outside.map(|it| it.address.value)).collect();
    let is_free = |link: &IpNet| !taken.iter().any(|it| net::overlap(link, it));
    let spoken = |family| site.networks.iter().any(|network| speaks(network, family));

    let mut uplink =
        Uplink { interface: interface.unwrap_or_default(), ends: Vec::new(), further: Vec::new() };
    if spoken(Family::V4) {
        let mut links = V4.iter().flat_map(|block| Ipv4Subnets::new(block.network(), block.broadcast(), 30));
        let link = links.find(|link| is_free(&IpNet::V4(*link)));
        let hosts = link.into_iter().flat_map(|link| link.hosts());
        let ends: Vec<IpNet> = hosts.filter_map(|host| IpNet::new(host.into(), 30).ok()).collect();
        uplink.ends.extend(ends.first().copied().zip(ends.last().copied()));
    }
    if spoken(Family::V6) {
        let [own, far] = V6.map(|end| IpNet::new(end.into(), 64).ok());
        uplink.ends.extend(own.zip(far));
        let mut links = Ipv6Subnets::new(V6_ASKS.network(), V6_ASKS.broadcast(), 64);
        let link = links.find(|link| is_free(&IpNet::V6(*link)));
        uplink.further.extend(link.map(|link| net::single(link.network().into())));
    }
    uplink
}

/// What comes in by the uplink and is for hosts, under their own numbers: where the gateway has a route to
/// them, rules alone are in the way.
pub(super) fn questions(uplink: &Uplink, lans: &[Lan]) -> Vec<Trial> {
    let used = |port: &u16| lans.iter().any(|lan| lan.ports.contains(port));
    let Some(source_port) = PORTS.rev().find(|port| !used(port)) else { return Vec::new() };
    let far = uplink.ends.iter().map(|(_, far)| far).chain(&uplink.further).map(IpNet::addr);
    let sources: Vec<IpAddr> = far.filter(|it| !V6.map(IpAddr::V6).contains(it)).collect();
    let mut trials = Vec::new();
    let mut asked = BTreeSet::new();
    for (from, lan) in lans.iter().enumerate() {
        for source in &sources {
            let family = net::family_of(source);
            let hosts = lan.hosts.iter().map(|host| host.address.addr());
            let hosts = hosts.filter(|it| net::family_of(it) == family && asked.insert(*it)).take(1);
            trials.extend(hosts.flat_map(|destination| {
                [("udp", 80), ("icmp", 0)].map(|(transport, port)| Trial {
                    kind: Kind::Outside,
                    from,
                    by_gateway: true,
                    source: *source,
                    source_port,
                    transport,
                    destination,
                    to: None,
                    port,
                    options: Vec::new(),
                    expected: Expected::Nothing,
                    told_by: Vec::new(),
                })
            }));
        }
    }
    spread(trials, ROOM)
}
