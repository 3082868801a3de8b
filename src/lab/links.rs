//! How the hosts of one network hang on the gateway: links, routers, and the gateway's own addresses.
//!
//! Goes in: a network as it was written. Comes out: for every address the length of its link, or that it
//! is behind a router; and addresses of the gateway where the site leaves these to the host. What must
//! hold: no address that is made up here is one that the site gives to somebody else.

use std::iter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::known::holding;
use crate::model::{Network, Site};
use crate::net::{self, Family};

/// Both families, in the order in which everything is done.
pub(super) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// The places in a prefix at which hosts are looked for first: the same ones in every network, so that
/// equal numbers meet.
const PLACES: [u128; 4] = [10, 11, 20, 21];

/// So many places of a prefix, and of each part of it, are looked at for one that is free.
const LOOKED_AT: u128 = 300;
/// So many parts of a prefix are looked at.
const PARTS: usize = 64;

/// The numbers by which hosts call others, and what else the gateway has: a link that the lab makes up
/// must not hide them.
pub(super) struct Called(Vec<IpNet>);

impl Called {
    pub(super) fn new(site: &Site) -> Self {
        let prefixes = site.networks.iter().flat_map(|network| &network.prefixes);
        let numbers = prefixes.flat_map(|prefix| {
            let own = prefix.aliases.is_empty().then_some(prefix.real.value);
            prefix.aliases.iter().map(|alias| alias.net.value).chain(own)
        });
        let outside = site.gateway.addresses.iter().map(|it| it.address.value.trunc());
        Self(IpNet::aggregate(&numbers.chain(outside).collect()))
    }

    /// Whether a prefix has none of them.
    fn spares(&self, net: &IpNet) -> bool {
        // They are in order and do not overlap: only the last one that begins before its end can.
        let after = self.0.partition_point(|it| it.network() <= net.broadcast());
        !self.0[..after].last().is_some_and(|it| net::overlap(it, net))
    }

    /// A router's address with the length of the subnet around it: the usual one, or the longest of a few
    /// where that has numbers of others. Then routes to these are less specific than the link.
    fn around(&self, router: IpAddr) -> IpNet {
        let lengths = if router.is_ipv4() { 24..=30 } else { 64..=126 };
        let links = lengths.filter_map(|length| IpNet::new(router, length).ok());
        let links: Vec<IpNet> = links.filter(|link| !is_end(link, router)).collect();
        let clear = links.iter().find(|link| self.spares(link));
        clear.or(links.last()).copied().unwrap_or_else(|| net::single(router))
    }

    /// A subnet that is nobody's: for documentation (RFC 5737, RFC 3849, RFC 9637) or benchmarks (RFC 2544, RFC 5180).
    fn nobodys(&self, family: Family) -> Option<IpNet> {
        let v4 = |a, b, c| IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), 24));
        let v6 = |a, b, c| IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 2, 0, 0, 0, 0), 64));
        let subnets = match family {
            Family::V4 => {
                [v4(192, 0, 2), v4(198, 51, 100), v4(198, 19, 254), v4(198, 19, 255), v4(203, 0, 113)]
            }
            Family::V6 => [
                v6(0x2001, 0xdb8, 0),
                v6(0x2001, 0xdb8, 1),
                v6(0x3fff, 0, 0),
                v6(0x3fff, 0xfff, 0),
                v6(0x2001, 2, 0),
            ],
        };
        subnets.into_iter().find(|subnet| self.spares(subnet))
    }
}

/// A network's links.
pub(super) struct Links<'s> {
    network: &'s Network,
    /// The gateway's addresses, in the order of the site, then those that it leaves to the host.
    pub(super) gateways: Vec<IpNet>,
    /// Those of the gateway's addresses that the site leaves to the host.
    pub(super) left_to_host: Vec<IpNet>,
    /// What else must be on the link: routers, and an address for hosts whose prefix has no room for
    /// the gateway.
    pub(super) routers: Vec<IpNet>,
    /// The subnets that hosts are in.
    links: Vec<IpNet>,
}

impl<'s> Links<'s> {
    pub(super) fn new(network: &'s Network, called: &Called) -> Self {
        let gateways: Vec<IpNet> = network.addresses.iter().map(|address| address.value).collect();
        let mut this =
            Self { network, gateways, left_to_host: Vec::new(), routers: Vec::new(), links: Vec::new() };
        for family in FAMILIES.into_iter().filter(|family| speaks(network, *family)) {
            let declared = network.addresses.iter().map(|it| it.value).filter(|it| net::family(it) == family);
            let declared: Vec<IpNet> = declared.map(|address| address.trunc()).collect();
            if declared.is_empty() {
                this.leave_to_host(family, called);
            } else {
                this.links.extend(declared);
            }
        }
        let vias: Vec<IpAddr> = network.routes.iter().map(|route| route.via.value).collect();
        for via in vias {
            let router = this.on_link(via).unwrap_or_else(|| called.around(via));
            if !this.routers.contains(&router) {
                this.routers.push(router);
            }
        }
        this
    }

    /// A host's address with the length of its link, or as a host prefix where it is behind a router;
    /// `None` if the gateway has no way to it.
    pub(super) fn place(&self, host: IpAddr) -> Option<IpNet> {
        let routes = self.network.routes.iter().map(|route| route.prefix.value);
        let routed = routes.filter(|net| net.contains(&host)).map(|net| net.prefix_len()).max();
        match (self.on_link(host), routed) {
            (Some(link), None) => Some(link),
            (Some(link), Some(length)) if link.prefix_len() >= length => Some(link),
            (_, Some(_)) => Some(net::single(host)),
            (None, None) => None,
        }
    }

    /// Whether a machine of the network can have an address: one of its prefixes, that the gateway has a
    /// way to, and nobody else's.
    pub(super) fn usable(&self, host: IpAddr) -> bool {
        let mut ends = self.links.iter().chain(self.network.prefixes.iter().map(|prefix| &prefix.real.value));
        !self.is_taken(host)
            && ends.all(|net| !net.contains(&host) || !is_end(net, host))
            && holding(self.network, host).is_some()
            && self.place(host).is_some()
    }

    /// Addresses of a prefix for machines of the network, the usual places first, then those of the parts
    /// that the gateway has a way to; not those that a narrower prefix of the network has.
    pub(super) fn candidates(&self, inside: IpNet) -> impl Iterator<Item = IpAddr> {
        let narrower = move |host: IpAddr| {
            holding(self.network, host)
                .is_some_and(|it| it.real.value != inside && inside.contains(&it.real.value))
        };
        let of_parts = iter::once_with(move || self.parts(inside)).flatten().flat_map(places);
        places(inside).chain(of_parts).filter(move |host| !narrower(*host) && self.usable(*host))
    }

    /// What of a prefix is on a link or behind a router, and in no narrower prefix of the network.
    fn parts(&self, inside: IpNet) -> Vec<IpNet> {
        let reals = self.network.prefixes.iter().map(|prefix| prefix.real.value);
        let narrower: Vec<IpNet> = reals.filter(|it| *it != inside && inside.contains(it)).collect();
        let routed = self.network.routes.iter().map(|route| &route.prefix.value);
        let ways: Vec<&IpNet> = self.links.iter().chain(routed).collect();
        let own = net::without(&inside, &narrower);
        // The widest first: they have the most room.
        let mut parts: Vec<IpNet> =
            own.iter().flat_map(|part| ways.iter().filter_map(|way| net::intersection(part, way))).collect();
        parts.sort_by_key(IpNet::prefix_len);
        parts.dedup();
        parts.truncate(PARTS);
        parts
    }

    /// The longest link that holds an address, or the widest where the site does not say them.
    fn on_link(&self, host: IpAddr) -> Option<IpNet> {
        let holding = self.links.iter().filter(|net| net.contains(&host));
        let declared = self.network.addresses.iter().any(|it| it.value.contains(&host));
        let lengths = holding.map(IpNet::prefix_len);
        let length = if declared { lengths.max() } else { lengths.min() };
        length.and_then(|length| IpNet::new(host, length).ok())
    }

    fn is_taken(&self, host: IpAddr) -> bool {
        let own = self.gateways.iter().chain(&self.routers).any(|it| it.addr() == host);
        own || self.network.routes.iter().any(|route| route.via.value == host)
    }

    /// Finds an address for the gateway in a family in which the site says none: on the widest prefix
    /// that is behind no router and has room for it, else beside a router, else in a subnet that is
    /// nobody's.
    fn leave_to_host(&mut self, family: Family, called: &Called) {
        let routes = &self.network.routes;
        let reals = self.network.prefixes.iter().map(|prefix| prefix.real.value);
        let mut links: Vec<IpNet> = reals
            .filter(|real| net::family(real) == family)
            .filter(|real| !routes.iter().any(|route| route.prefix.value.contains(real)))
            .collect();
        links.sort_by_key(IpNet::prefix_len);
        self.links.extend(&links);
        let named = |host: IpAddr| self.network.hosts.iter().any(|it| it.address.value == host);
        let free = |net: &IpNet| {
            let room = net.max_prefix_len() - net.prefix_len() >= 2;
            let first = from_start(*net).find(|host| self.usable(*host) && !named(*host))?;
            room.then(|| IpNet::new(first, net.prefix_len()).ok()).flatten()
        };
        let beside_router = || {
            let via = routes.iter().map(|it| it.via.value).find(|via| net::family_of(via) == family)?;
            let link = called.around(via);
            let first = from_start(link.trunc()).find(|host| *host != via && !is_end(&link, *host))?;
            IpNet::new(first, link.prefix_len()).ok()
        };
        let address = match links.iter().find_map(free).or_else(beside_router) {
            Some(address) => address,
            None => {
                let Some(link) = called.nobodys(family) else { return };
                let mut places = from_start(link).filter(|host| !is_end(&link, *host));
                let (Some(first), Some(second)) = (places.next(), places.next()) else { return };
                self.routers.extend(IpNet::new(second, link.prefix_len()).ok());
                let Ok(address) = IpNet::new(first, link.prefix_len()) else { return };
                address
            }
        };
        self.left_to_host.push(address);
        self.gateways.push(address);
    }
}

/// Whether a network has a prefix of a family.
pub(super) fn speaks(network: &Network, family: Family) -> bool {
    network.prefixes.iter().any(|prefix| net::family(&prefix.real.value) == family)
}

/// Whether an address is one that no machine of a subnet can have: its first, and its last in IPv4. Of
/// two addresses or one, all can be had (RFC 3021, RFC 6164).
pub(super) fn is_end(subnet: &IpNet, host: IpAddr) -> bool {
    let room = subnet.max_prefix_len() - subnet.prefix_len() >= 2;
    room && (host == subnet.network() || (host.is_ipv4() && host == subnet.broadcast()))
}

/// Addresses of a prefix, the usual places first.
fn places(net: IpNet) -> impl Iterator<Item = IpAddr> {
    let usual = PLACES.into_iter().filter_map(move |place| at(net, place));
    usual.chain(from_start(net).filter(move |host| {
        let place = net::bits(*host) - net::bits(net.network());
        !PLACES.contains(&place)
    }))
}

fn from_start(net: IpNet) -> impl Iterator<Item = IpAddr> {
    (0..LOOKED_AT).map_while(move |place| at(net, place))
}

/// The address at a place of a prefix, if it has so many.
pub(super) fn at(net: IpNet, place: u128) -> Option<IpAddr> {
    let host = net::from_bits(net::family(&net), net::bits(net.network()).checked_add(place)?);
    net.contains(&host).then_some(host)
}
