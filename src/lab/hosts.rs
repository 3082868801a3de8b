//! The hosts around the gateway: those that the site names, and enough others.
//!
//! Goes in: the site. Comes out: a [`Lan`] a network. What must hold: in each network and family two
//! hosts at least where there is room, one in each prefix and in what rules speak of; and where networks
//! have the same numbers, hosts that have the same number, for only these can be taken for one another.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::known::holding;
use super::links::{Called, FAMILIES, Links};
use super::rules;
use super::sample::spread;
use super::scene::{Host, Lan};
use crate::model::{Network, Site};
use crate::net::{self, Family};

/// So many hosts with names has a network at most.
const NAMED: usize = 64;
/// So many hosts are made for what the rules about a network speak of, at most.
const FOR_RULES: usize = 8;
/// So many hosts of a family are made because another network has the same number, at most.
const ALIKE: usize = 4;
/// So many ports of rules are listened on, at most.
const PORTS: usize = 24;

/// So many names are told in a note at most.
const NAMES: usize = 12;

/// All networks; `populated` says which of them have hosts. With what was left out.
pub(super) fn lans(site: &Site, populated: &[bool]) -> (Vec<Lan>, Vec<String>) {
    let called = Called::new(site);
    let links: Vec<Links<'_>> = site.networks.iter().map(|it| Links::new(it, &called)).collect();
    let mut spoken_of = vec![Vec::new(); site.networks.len()];
    let mut ports = vec![vec![80]; site.networks.len()];
    for peering in site.peerings.iter().filter(|it| populated[it.from.0] && populated[it.to.0]) {
        let Some(list) = peering.rules.map(|id| &site.rule_lists[id.0]) else { continue };
        for rule in &list.rules {
            spoken_of[peering.from.0].extend(rule.from.iter().map(|net| net.value));
            spoken_of[peering.to.0].extend(rule.to.iter().map(|net| net.value));
        }
        let asked = rules::services(Some(list)).into_iter().map(|(_, port)| port).filter(|port| *port != 0);
        ports[peering.to.0].extend(asked);
    }
    let mut notes = Vec::new();
    let mut lans: Vec<Lan> = Vec::new();
    for (n, network) in site.networks.iter().enumerate() {
        let mut hosts = Vec::new();
        if populated[n] {
            hosts = named(network, &links[n], &mut notes);
            of_rules(&spoken_of[n], &links[n], &mut hosts);
            of_prefixes(network, &links[n], &mut hosts);
            let mut groups: BTreeSet<IpNet> = spoken_of[n].iter().copied().collect();
            groups.retain(|group| !hosts.iter().any(|host| group.contains(&host.address.addr())));
            if !groups.is_empty() {
                notes.push(format!(
                    "no host is in {} of the groups of hosts of {} that rules name: the lab makes {FOR_RULES} hosts \
                     for these at most, at addresses that the gateway has a way to",
                    groups.len(),
                    network.name.value
                ));
            }
        }
        let ports = listened(&network.name.value, std::mem::take(&mut ports[n]), &mut notes);
        lans.push(Lan {
            name: network.name.value.clone(),
            interface: network.interface.value.clone(),
            gateways: links[n].gateways.iter().map(IpNet::addr).collect(),
            left_to_host: links[n].left_to_host.clone(),
            hosts,
            ports,
            extra: links[n].routers.clone(),
        });
    }
    alike(site, &links, &mut lans);
    empty(site, populated, &lans, &mut notes);
    (lans, notes)
}

/// Notes about prefixes and networks that should have hosts and have none.
fn empty(site: &Site, populated: &[bool], lans: &[Lan], notes: &mut Vec<String>) {
    let mut nobody = Vec::new();
    let mut prefixes = Vec::new();
    for ((network, lan), _) in
        site.networks.iter().zip(lans).zip(populated).filter(|(_, populated)| **populated)
    {
        if lan.hosts.is_empty() {
            nobody.push(lan.name.clone());
            continue;
        }
        let real = network.prefixes.iter().map(|prefix| prefix.real.value);
        let held = |real: &IpNet| {
            let mut holding = lan.hosts.iter().filter_map(|host| holding(network, host.address.addr()));
            holding.any(|it| it.real.value == *real)
        };
        prefixes
            .extend(real.filter(|it| !held(it)).map(|it| format!("{} of {}", net::written(&it), lan.name)));
    }
    for (what, names) in [("the network", nobody), ("the prefix", prefixes)] {
        let more = names.len().saturating_sub(NAMES);
        let more = if more == 0 { String::new() } else { format!(", and {more} more") };
        if !names.is_empty() {
            notes.push(format!(
                "no host of the lab is in {what} {}{more}: no address there is free and has a way to the gateway",
                names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ")
            ));
        }
    }
}

/// The hosts that the site names, each address once.
fn named(network: &Network, links: &Links<'_>, notes: &mut Vec<String>) -> Vec<Host> {
    let mut hosts: Vec<Host> = Vec::new();
    let mut left_out = 0;
    let mut routers = Vec::new();
    for host in &network.hosts {
        let address = host.address.value;
        if hosts.iter().any(|it| it.address.addr() == address) {
            continue;
        }
        if network.routes.iter().any(|route| route.via.value == address) {
            routers.push(format!("{}.{}", host.name.value, network.name.value));
            continue;
        }
        match links.place(address).filter(|_| links.usable(address) && hosts.len() < NAMED) {
            Some(address) => hosts.push(Host { name: host.name.value.clone(), address }),
            None => left_out += 1,
        }
    }
    if let Some(first) = routers.first() {
        let others =
            if routers.len() > 1 { format!(", as {} more are", routers.len() - 1) } else { String::new() };
        notes.push(format!(
            "{first} is the router of a route{others}: it is there and forwards, but nobody asks it"
        ));
    }
    if left_out > 0 {
        let name = &network.name.value;
        notes.push(format!(
            "{left_out} of the hosts that {name} names are not there: a network of the lab has room for {NAMED}, \
             at addresses that a machine can have"
        ));
    }
    hosts
}

/// One host in each group of hosts that rules speak of.
fn of_rules(spoken_of: &[IpNet], links: &Links<'_>, hosts: &mut Vec<Host>) {
    let is_empty =
        |group: &IpNet, hosts: &[Host]| !hosts.iter().any(|host| group.contains(&host.address.addr()));
    let mut known = BTreeSet::new();
    let mut groups: Vec<IpNet> =
        spoken_of.iter().filter(|it| is_empty(it, hosts) && known.insert(**it)).copied().collect();
    // A host may be in several.
    groups.sort_by_key(|group| std::cmp::Reverse(group.prefix_len()));
    for group in spread(groups, FOR_RULES) {
        if is_empty(&group, hosts) {
            add_one(group, links, hosts);
        }
    }
}

/// The ports on which hosts listen, each once, with a note where these are too many.
fn listened(network: &str, mut ports: Vec<u16>, notes: &mut Vec<String>) -> Vec<u16> {
    let mut seen = BTreeSet::new();
    ports.retain(|port| seen.insert(*port));
    let count = ports.len();
    // Without rules the first is asked.
    let others = ports.split_off(1);
    ports.extend(spread(others, PORTS - 1));
    if ports.len() < count {
        notes.push(format!(
            "hosts of {network} listen on {PORTS} of the {count} ports that rules about them name: what the others \
             allow is not asked"
        ));
    }
    ports
}

/// One host in each prefix, then two in each family.
fn of_prefixes(network: &Network, links: &Links<'_>, hosts: &mut Vec<Host>) {
    for prefix in &network.prefixes {
        let real = prefix.real.value;
        let inside =
            |host: &Host| holding(network, host.address.addr()).is_some_and(|held| held.real.value == real);
        if !hosts.iter().any(inside) {
            add_one(real, links, hosts);
        }
    }
    for family in FAMILIES {
        let prefixes: Vec<IpNet> =
            network.prefixes.iter().map(|it| it.real.value).filter(|it| net::family(it) == family).collect();
        let mut turns = prefixes.iter().cycle().take(2 * prefixes.len());
        while hosts.iter().filter(|host| net::family(&host.address) == family).count() < 2 {
            let Some(prefix) = turns.next() else { break };
            add_one(*prefix, links, hosts);
        }
    }
}

fn add_one(inside: IpNet, links: &Links<'_>, hosts: &mut Vec<Host>) -> bool {
    let free = |address: &IpAddr| !hosts.iter().any(|host| host.address.addr() == *address);
    let address = links.candidates(inside).find(free).and_then(|address| links.place(address));
    if let Some(address) = address {
        hosts.push(Host { name: address.addr().to_string(), address });
    }
    address.is_some()
}

/// Hosts at the numbers that machines of other networks have, and at the gateway's numbers elsewhere.
fn alike(site: &Site, links: &[Links<'_>], lans: &mut [Lan]) {
    let hosts = lans.iter().flat_map(|lan| &lan.hosts).map(|host| host.address.addr());
    let elsewhere = site.networks.iter().flat_map(|network| &network.addresses).map(|it| it.value.addr());
    let numbers: BTreeSet<IpAddr> = hosts.chain(elsewhere).collect();
    // An address that is left to the host is not known to what was compiled: it is nobody's number.
    let own: BTreeSet<IpAddr> = links.iter().flat_map(|it| &it.left_to_host).map(IpNet::addr).collect();
    for (n, network) in site.networks.iter().enumerate() {
        if lans[n].hosts.is_empty() {
            continue;
        }
        for family in FAMILIES {
            add_alike(network, family, (&numbers, &own), &links[n], &mut lans[n].hosts);
        }
    }
}

fn add_alike(
    network: &Network,
    family: Family,
    (numbers, own): (&BTreeSet<IpAddr>, &BTreeSet<IpAddr>),
    links: &Links<'_>,
    hosts: &mut Vec<Host>,
) {
    let reals = network.prefixes.iter().map(|it| it.real.value).filter(|it| net::family(it) == family);
    let inside = reals.flat_map(|real| numbers.range(real.network()..=real.broadcast()));
    let mut made = 0;
    for address in inside.filter(|address| !own.contains(address) && links.usable(**address)) {
        let known = hosts.iter().any(|host| host.address.addr() == *address);
        if let (false, Some(address), true) = (known, links.place(*address), made < ALIKE) {
            hosts.push(Host { name: address.addr().to_string(), address });
            made += 1;
        }
    }
}
