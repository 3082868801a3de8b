//! The gateway's own addresses in a network, and the hosts that have names.
//!
//! Goes in: the site, and whose prefixes are all sound. Comes out: findings. What must hold
//! afterwards: every such address is one that an interface can carry, lies in a prefix of its
//! network, and belongs to one machine; every prefix can be reached from the gateway.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::errors::addresses::{
    AddressOfHost, AddressOutside, HostByAlias, HostOutside, NoHostInside, PrefixUnreached, UnusableAddress,
    UnusableHost,
};
use super::errors::nesting::RepeatedPrefix;
use crate::diag::Reporter;
use crate::model::{Host, Network, NetworkId, Site};
use crate::net::{self, Family};
use crate::source::Spanned;

/// The places of addresses that have a finding: what else is wrong with their links is no news.
pub(super) type Misplaced = HashSet<(NetworkId, usize)>;

/// Checks addresses and hosts of every network. `complete` says whose prefixes are all sound: of
/// the others nobody knows what lies outside.
pub(super) fn check(site: &Site, complete: &[bool], reporter: &mut Reporter<'_>) -> Misplaced {
    let mut misplaced = Misplaced::new();
    for ((id, network), complete) in site.ids().zip(complete) {
        for (place, address) in network.addresses.iter().enumerate() {
            let same = |it: &&Spanned<IpNet>| it.value.addr() == address.value.addr();
            if let Some(earlier) = network.addresses[..place].iter().find(same) {
                let single = net::single(address.value.addr());
                let repeated =
                    RepeatedPrefix::address(&network.name.value, single, address.span, earlier.span);
                reporter.report(repeated, network.instance.as_deref());
            }
            if !check_address(network, *address, *complete, reporter) {
                misplaced.insert((id, place));
            }
        }
        let wrong: Vec<IpNet> = network
            .addresses
            .iter()
            .enumerate()
            .filter(|(place, _)| misplaced.contains(&(id, *place)))
            .map(|(_, address)| address.value)
            .collect();
        if *complete {
            check_hosts(network, &wrong, reporter);
        }
        // An address at the wrong place says nothing about links.
        if *complete && wrong.is_empty() {
            check_reach(network, reporter);
        }
    }
    for address in &site.gateway.addresses {
        if let Some(fault) = fault(&address.address.value) {
            let Spanned { value, span } = address.address;
            reporter.report(UnusableAddress { address: value, span, network: None, fault }, None);
        }
    }
    misplaced
}

/// Whether the address is one of its network.
fn check_address(
    network: &Network,
    address: Spanned<IpNet>,
    complete: bool,
    reporter: &mut Reporter<'_>,
) -> bool {
    let instance = network.instance.as_deref();
    let (name, Spanned { value, span }) = (network.name.value.as_str(), address);
    if let Some(fault) = fault(&value) {
        reporter.report(UnusableAddress { address: value, span, network: Some(name), fault }, instance);
        return false;
    }
    if complete && !is_inside(network, value.addr()) {
        let prefixes = network.prefixes.iter().find(|it| net::family(&it.real.value) == net::family(&value));
        let nearest = prefixes.or(network.prefixes.first()).map(|prefix| prefix.real);
        let behind = network.behind_alias(&net::single(value.addr()));
        let behind = behind.and_then(|(alias, real)| {
            let length = value.prefix_len().max(alias.value.prefix_len());
            Some((alias, IpNet::new(real.addr(), length).ok()?))
        });
        // Inside a `for` one text would be wrong for all instances but one.
        let exact = instance.is_none();
        let outside = AddressOutside { address: value, span, network: name, nearest, behind, exact };
        reporter.report(outside, instance);
        return false;
    }
    if let Some(host) = network.hosts.iter().find(|host| host.address.value == value.addr()) {
        reporter.report(AddressOfHost { address: value.addr(), span, network: name, host }, instance);
    }
    true
}

/// `wrong` are the gateway's addresses outside of the network: it is the prefix, then, that is not the one of the
/// hosts beside them.
fn check_hosts(network: &Network, wrong: &[IpNet], reporter: &mut Reporter<'_>) {
    let instance = network.instance.as_deref();
    let mut strangers = Vec::new();
    for host in &network.hosts {
        let address = host.address.value;
        if is_inside(network, address) {
            if let Some(link) = stands_for_others(network, address) {
                reporter.report(UnusableHost { network, host, link }, instance);
            }
        } else if let Some((alias, real)) = network.behind_alias(&net::single(address)) {
            // Inside a `for` one text would be wrong for all instances but one.
            let (name, exact) = (network.name.value.as_str(), instance.is_none());
            reporter.report(HostByAlias { network: name, host, alias, real: real.addr(), exact }, instance);
        } else if !wrong.iter().any(|link| link.contains(&address)) {
            strangers.push(host);
        }
    }
    for family in [Family::V4, Family::V6] {
        let outside = strangers.iter().copied().filter(|host| net::family_of(&host.address.value) == family);
        check_strangers(network, family, outside.collect(), reporter);
    }
}

/// `outside` are the hosts of a family that are neither in a prefix of their network nor in an alias.
fn check_strangers(network: &Network, family: Family, outside: Vec<&Host>, reporter: &mut Reporter<'_>) {
    let (name, instance) = (network.name.value.as_str(), network.instance.as_deref());
    let own = |net: &IpNet| net::family(net) == family;
    let mut prefixes = network.prefixes.iter().filter(|prefix| own(&prefix.real.value));
    let (first, other) = (prefixes.next(), prefixes.next());
    let nearest = first.or(network.prefixes.first()).map(|prefix| prefix.real);
    let hosts = network.hosts.iter().filter(|host| net::family_of(&host.address.value) == family);
    if outside.len() < 2 || outside.len() < hosts.count() {
        for host in outside {
            reporter.report(HostOutside { network: name, host, nearest }, instance);
        }
        return;
    }
    // Where no host fits, it is not the hosts that are wrong, unless the gateway's own address says so.
    let certain = network.addresses.iter().any(|address| own(&address.value)) || other.is_some();
    let only = first.filter(|_| !certain && instance.is_none()).map(|prefix| prefix.real);
    let meant = only.and_then(|only| {
        let meant = net::prefix(outside[0].address.value, only.value.prefix_len())?;
        let holds_all = outside.iter().all(|host| meant.contains(&host.address.value));
        holds_all.then_some(Spanned::new(meant, only.span))
    });
    reporter.report(NoHostInside { network: name, hosts: outside, nearest, meant }, instance);
}

/// The gateway's address on the link whose last address this is, in IPv6 its first one; not where a router is named for
/// it. The first one of IPv4 may be a host's, as Linux has it since 5.14.
fn stands_for_others(network: &Network, host: IpAddr) -> Option<Spanned<IpNet>> {
    let around = network.addresses.iter().filter(|link| link.value.contains(&host));
    let link = around.max_by_key(|link| link.value.prefix_len()).copied()?;
    let longer = |net: &IpNet| net.contains(&host) && net.prefix_len() > link.value.prefix_len();
    let routed = network.routes.iter().any(|route| longer(&route.prefix.value));
    let own = link.value.addr() == host;
    let first = host.is_ipv4() && host == link.value.network();
    (!routed && !own && !first && reserved(link.value, host).is_some()).then_some(link)
}

/// Where the gateway's address of a family is known, so are its links: what is on none of them and
/// behind no router cannot be reached.
fn check_reach(network: &Network, reporter: &mut Reporter<'_>) {
    let links = network.addresses.iter().map(|address| address.value.trunc());
    let routed = network.routes.iter().map(|route| route.prefix.value.trunc());
    let ways: Vec<IpNet> = links.chain(routed).collect();
    let instance = network.instance.as_deref();
    for prefix in &network.prefixes {
        let real = prefix.real.value.trunc();
        let own = |address: &&Spanned<IpNet>| net::family(&address.value) == net::family(&real);
        let Some(first) = network.addresses.iter().find(own) else { continue };
        let gaps = net::without(&real, &ways);
        if !gaps.is_empty() {
            let mut short = network.addresses.iter().filter(|address| real.contains(&address.value));
            let (link, other) = (short.next(), short.next());
            let unreached = PrefixUnreached {
                network: &network.name.value,
                prefix: prefix.real,
                gaps,
                link: *link.unwrap_or(first),
                inside: link.is_some(),
                // Inside a `for` one text would be wrong for all instances but one.
                exact: other.is_none() && instance.is_none(),
            };
            reporter.report(unreached, instance);
        }
    }
}

fn is_inside(network: &Network, address: IpAddr) -> bool {
    network.prefixes.iter().any(|prefix| prefix.real.value.contains(&address))
}

/// Why an interface cannot carry an address with this length; `None` if it can. On links of two
/// addresses, /31 and /127, both are hosts: RFC 3021, RFC 6164.
fn fault(address: &IpNet) -> Option<&'static str> {
    let own = address.addr();
    if address.prefix_len() == 0 {
        return Some("a link with every address there is");
    }
    if own.is_unspecified() || own.is_multicast() || own.is_loopback() {
        return Some("no address of a host");
    }
    reserved(*address, own)
}

/// What an address of a link stands for, where it is no single host's.
fn reserved(link: IpNet, address: IpAddr) -> Option<&'static str> {
    if net::width(net::family(&link)) - link.prefix_len() < 2 {
        return None;
    }
    match link {
        _ if address == link.network() => Some("the address of the network itself"),
        IpNet::V4(_) if address == link.broadcast() => Some("the broadcast address"),
        _ => None,
    }
}
