//! What a site says of one packet: who is meant, and whether it may pass.
//!
//! Goes in: the site as it was written, and the gateway's addresses. Comes out: what must become of the first
//! packet of a connection. What must hold: nothing is taken from anything that compiles or proves.

use std::net::IpAddr;

use ipnet::IpNet;
use overlapc::model::{Action, NetworkId, Service, Site};
use overlapc::net;
use overlapc::sim::packet::{Content, Packet};

/// What must become of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    /// It leaves into this network, with these addresses.
    Leaves(usize, IpAddr, IpAddr),
    /// The same, or it does not leave: one of them is a number that no host has.
    Perhaps(usize, IpAddr, IpAddr),
    /// It does not leave.
    Stays,
}

/// A site, and the addresses that the gateway has in each network.
pub struct Promises<'s> {
    pub site: &'s Site,
    pub own: Vec<Vec<IpNet>>,
}

impl Promises<'_> {
    /// What hosts of a network are known by to another one.
    pub fn known_as(&self, owner: usize, viewer: usize, host: IpAddr) -> Option<IpAddr> {
        let prefixes = self.site.networks[owner].prefixes.iter();
        let prefix = prefixes
            .filter(|it| it.real.value.contains(&host))
            .max_by_key(|it| it.real.value.prefix_len())?;
        if prefix.aliases.is_empty() {
            return Some(host);
        }
        let named = prefix
            .aliases
            .iter()
            .find(|alias| alias.viewers.as_ref().is_some_and(|viewers| viewers.contains(&NetworkId(viewer))));
        let alias = named.or_else(|| prefix.aliases.iter().find(|alias| alias.viewers.is_none()))?;
        let place = net::bits(host) - net::bits(prefix.real.value.network());
        Some(net::from_bits(net::family_of(&host), net::bits(alias.net.value.network()) + place))
    }

    /// The host of a network that another one means by a number.
    pub fn meant(&self, owner: usize, viewer: usize, number: IpAddr) -> Option<IpAddr> {
        let family = net::family_of(&number);
        let prefixes = self.site.networks[owner].prefixes.iter();
        prefixes.filter(|it| net::family(&it.real.value) == family).find_map(|prefix| {
            let known = prefix.aliases.iter().map(|alias| alias.net.value);
            let known = known.chain([prefix.real.value]).filter(|net| net.contains(&number));
            known.into_iter().find_map(|net| {
                let place = net::bits(number) - net::bits(net.network());
                let host = net::from_bits(family, net::bits(prefix.real.value.network()) + place);
                (self.known_as(owner, viewer, host) == Some(number)).then_some(host)
            })
        })
    }

    fn has(&self, network: usize, host: IpAddr) -> bool {
        self.site.networks[network].prefixes.iter().any(|it| it.real.value.contains(&host))
    }

    pub fn is_own(&self, network: usize, host: IpAddr) -> bool {
        self.own[network].iter().any(|it| it.addr() == host)
    }

    /// Whether the site says the gateway's addresses of a family there, and not the host.
    fn declared(&self, network: usize, of: IpAddr) -> bool {
        let family = net::family_of(&of);
        self.site.networks[network].addresses.iter().any(|it| net::family(&it.value) == family)
    }

    /// Numbers that no host can have on a link with the gateway's address.
    pub fn is_special(&self, network: usize, host: IpAddr) -> bool {
        self.own[network].iter().any(|it| match it {
            _ if it.addr() == host => true,
            IpNet::V4(net) => net.prefix_len() < 31 && IpAddr::V4(net.broadcast()) == host,
            IpNet::V6(net) => net.prefix_len() < 127 && IpAddr::V6(net.network()) == host,
        })
    }

    /// What the gateway has outside of all networks, and what stands for all of a subnet there.
    pub fn is_outside(&self, number: IpAddr) -> bool {
        self.site.gateway.addresses.iter().any(|it| match it.address.value {
            net if net.addr() == number => true,
            IpNet::V4(net) => net.prefix_len() < 31 && IpAddr::V4(net.broadcast()) == number,
            IpNet::V6(net) => net.prefix_len() < 127 && IpAddr::V6(net.network()) == number,
        })
    }

    /// The gateway's own address that hosts of a masqueraded network see: that on the link which has
    /// their numbers, or else the first.
    fn seen(&self, network: usize, host: IpAddr) -> Option<IpAddr> {
        let own: Vec<&IpNet> = self.own[network]
            .iter()
            .filter(|it| net::family_of(&it.addr()) == net::family_of(&host))
            .collect();
        let links = own.iter().filter(|it| it.contains(&host));
        links.rev().max_by_key(|it| it.prefix_len()).or(own.first()).map(|it| it.addr())
    }

    /// What must become of a first packet that comes in from a network.
    pub fn of(&self, from: usize, packet: &Packet) -> Promise {
        let Packet { source, destination, .. } = *packet;
        if !self.has(from, source) || self.is_own(from, source) && self.declared(from, source) {
            return Promise::Stays;
        }
        for peering in self.site.peerings.iter().filter(|it| it.from.0 == from) {
            let to = peering.to.0;
            let Some(real) = self.meant(to, from, destination) else { continue };
            if self.is_special(to, real) && self.declared(to, real) {
                continue;
            }
            let seen = match self.site.networks[to].masqueraded {
                Some(_) => self.seen(to, real),
                None => self.known_as(from, to, source),
            };
            let Some(seen) = seen else { continue };
            let rules = peering.rules.map(|id| &self.site.rule_lists[id.0]);
            let allowed = rules.is_none_or(|list| {
                let rule = list.rules.iter().find(|rule| {
                    let among = |hosts: &[overlapc::source::Spanned<IpNet>], host: IpAddr| {
                        hosts.is_empty() || hosts.iter().any(|it| it.value.contains(&host))
                    };
                    among(&rule.from, source) && among(&rule.to, real) && is_of(packet, &rule.service)
                });
                rule.is_some_and(|rule| rule.action == Action::Allow)
            });
            if !opens(packet) || !allowed {
                return Promise::Stays;
            }
            return match self.is_special(from, source) || self.is_special(to, real) {
                true => Promise::Perhaps(to, seen, real),
                false => Promise::Leaves(to, seen, real),
            };
        }
        Promise::Stays
    }
}

/// Whether a packet can be the first of a connection.
fn opens(packet: &Packet) -> bool {
    match packet.content {
        Content::Error { .. } => false,
        Content::Message { kind, .. } if packet.is_v4() => matches!(kind, 8 | 13 | 15 | 17),
        Content::Message { kind, .. } => matches!(kind, 128 | 139),
        _ => true,
    }
}

fn is_of(packet: &Packet, service: &Service) -> bool {
    match service {
        Service::Any => true,
        // RFC 4302: in IPv6 it is an extension header.
        Service::Protocol(51) if !packet.is_v4() => false,
        Service::Protocol(number) => packet.protocol() == *number,
        Service::Ports(number, ranges) => match packet.content {
            Content::Ports { protocol, destination, .. } => {
                protocol == *number && ranges.iter().any(|it| it.0 <= destination && destination <= it.1)
            }
            _ => false,
        },
        Service::Icmp(types) => packet.icmp_type().is_some_and(|kind| {
            let own = |it: &overlapc::model::IcmpType| if packet.is_v4() { it.v4 } else { it.v6 };
            types.is_empty() || types.iter().any(|it| own(it) == Some(kind))
        }),
    }
}
