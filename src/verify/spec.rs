//! What a site promises: who is known by which numbers to whom, and who may open what.
//!
//! Goes in: the site as it was written. Comes out: sets of addresses. What must hold: it is worked out from
//! prefixes, aliases and rules alone and asks nobody who compiled them: the longest real prefix of a host
//! counts, its alias for who asks, and host bits stay.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::model::{Action, NetworkId, Peering, Prefix, Rule, RuleList, Service, Site};
use crate::net::{self, Family};
use crate::sim::region::fib::{number, range_of};
use crate::sim::region::{Octets, Range, Region, Set};

/// The promises of a site.
#[derive(Debug)]
pub(super) struct Spec<'s> {
    pub(super) site: &'s Site,
    pub(super) networks: Vec<Network>,
    /// Numbers of both families that the gateway has somewhere, or that mean all of some link.
    taken: [Set; 2],
    /// To whom each network may open connections, in order.
    open: Vec<Vec<(usize, &'s Peering)>>,
}

/// A network.
#[derive(Debug)]
pub(super) struct Network {
    /// The numbers of both families that its hosts can have.
    families: [Numbers; 2],
    /// The networks that its hosts see.
    pub(super) sees: Vec<usize>,
    pub(super) masqueraded: bool,
}

/// Numbers of a network in one family.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Its real prefixes.
    pub(super) real: Vec<Range>,
    /// The gateway's own addresses there.
    pub(super) own: Vec<Range>,
    /// What no host has: the gateway's own, and those that mean all of a link or any router.
    special: Vec<Range>,
    /// What perhaps no host has, as the gateway's addresses are not declared.
    doubtful: Vec<Range>,
    /// What is left of the real prefixes: the numbers that hosts have.
    hosts: Option<Set>,
    /// By which numbers all others know them, where it does not hang on who asks.
    known: Option<Known>,
}

/// By which numbers others know a network.
#[derive(Debug)]
struct Known {
    hosts: Vec<Piece>,
    /// All numbers of the prefixes, whether a host can have them or not.
    prefixes: Vec<Piece>,
    /// Those that no host can have.
    nobodys: Vec<Range>,
}

/// Numbers by which hosts are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// By which.
    pub(super) known: Range,
    /// Whose hosts.
    pub(super) owner: usize,
    /// How far their own numbers are from there.
    pub(super) by: u128,
    /// Whether there can be a host: where the gateway's addresses are not declared, nobody knows which number
    /// means all of the link.
    pub(super) sure: bool,
}

impl<'s> Spec<'s> {
    pub(super) fn new(site: &'s Site) -> Self {
        let mut sees = vec![Vec::new(); site.networks.len()];
        for (seen, viewers) in site.viewers().into_iter().enumerate() {
            for viewer in viewers {
                sees[viewer.0].push(seen);
            }
        }
        let networks = site.networks.iter().zip(sees).map(|(network, sees)| {
            let families = [Family::V4, Family::V6].map(|family| numbers(network, family));
            Network { families, sees, masqueraded: network.masqueraded.is_some() }
        });
        let networks: Vec<Network> = networks.collect();
        let taken = [true, false].map(|v4| taken(site, &networks, v4));
        let mut open: Vec<BTreeMap<usize, &Peering>> = vec![BTreeMap::new(); site.networks.len()];
        for peering in &site.peerings {
            open[peering.from.0].insert(peering.to.0, peering);
        }
        let open = open.into_iter().map(|it| it.into_iter().collect()).collect();
        let mut spec = Self { site, networks, taken, open };
        for (owner, network) in site.networks.iter().enumerate() {
            if network.prefixes.iter().any(Prefix::has_viewers) {
                continue;
            }
            for v4 in [true, false] {
                // Without an alias for somebody it does not matter who asks.
                let known = spec.known(owner, owner, v4);
                spec.networks[owner].families[usize::from(!v4)].known = Some(known);
            }
        }
        spec
    }

    /// Whether hosts of one may open anything to hosts of the other.
    pub(super) fn opens(&self, from: usize, to: usize) -> Option<&'s Peering> {
        let open = &self.open[from];
        open.binary_search_by_key(&to, |(other, _)| *other).ok().map(|at| open[at].1)
    }

    /// Whether packets may pass between them at all.
    pub(super) fn peers(&self, a: usize, b: usize) -> bool {
        self.opens(a, b).is_some() || self.opens(b, a).is_some()
    }

    pub(super) fn device(&self, network: usize) -> &'s str {
        &self.site.networks[network].interface.value
    }

    pub(super) fn numbers(&self, network: usize, v4: bool) -> &Numbers {
        &self.networks[network].families[usize::from(!v4)]
    }

    /// The numbers that hosts of a network have.
    pub(super) fn hosts(&self, network: usize, v4: bool) -> Option<&Set> {
        self.numbers(network, v4).hosts.as_ref()
    }

    /// Numbers that the gateway has somewhere, or that mean all of some link.
    pub(super) fn taken(&self, v4: bool) -> &Set {
        &self.taken[usize::from(!v4)]
    }

    /// The numbers by which hosts of all others are known to a network, in order.
    pub(super) fn view(&self, viewer: usize, v4: bool) -> Vec<Piece> {
        let seen = self.networks[viewer].sees.iter();
        let mut pieces: Vec<Piece> =
            seen.flat_map(|owner| self.pieces(*owner, viewer, v4).into_owned()).collect();
        pieces.sort_by_key(|piece| piece.known);
        pieces
    }

    /// The numbers by which hosts of one network are known to another, in order.
    pub(super) fn pieces(&self, owner: usize, viewer: usize, v4: bool) -> Cow<'_, [Piece]> {
        match &self.numbers(owner, v4).known {
            Some(known) => Cow::Borrowed(&known.hosts),
            None => Cow::Owned(self.hosts_for(owner, viewer, v4)),
        }
    }

    fn known(&self, owner: usize, viewer: usize, v4: bool) -> Known {
        let hosts = self.hosts_for(owner, viewer, v4);
        let prefixes = self.prefixes_for(owner, viewer, v4, &[]);
        let set = |pieces: &[Piece]| Set::of(pieces.iter().map(|piece| piece.known).collect());
        let nobodys = set(&prefixes).without(set(&hosts).ranges());
        Known { hosts, prefixes, nobodys: nobodys.iter().flat_map(|set| set.ranges()).copied().collect() }
    }

    fn hosts_for(&self, owner: usize, viewer: usize, v4: bool) -> Vec<Piece> {
        let numbers = self.numbers(owner, v4);
        let mut pieces = self.prefixes_for(owner, viewer, v4, &numbers.special);
        if !numbers.doubtful.is_empty() {
            let real = |piece: &Piece| {
                Set::range(piece.known.0.wrapping_add(piece.by), piece.known.1.wrapping_add(piece.by))
            };
            let parts = |piece: &Piece, set: Option<Set>, sure: bool| {
                let ranges = set.map(|set| set.moved(piece.by.wrapping_neg()).ranges().to_vec());
                ranges.unwrap_or_default().into_iter().map(|known| Piece { known, sure, ..*piece }).collect()
            };
            let doubt = &numbers.doubtful;
            pieces = pieces
                .iter()
                .flat_map(|piece| -> Vec<Piece> {
                    let sure: Vec<Piece> = parts(piece, real(piece).without(doubt), true);
                    let not: Vec<Piece> = parts(piece, real(piece).and(doubt), false);
                    sure.into_iter().chain(not).collect()
                })
                .collect();
            pieces.sort_by_key(|piece| piece.known);
        }
        pieces
    }

    /// All numbers by which others know the hosts of a network.
    pub(super) fn aliases(&self, owner: usize, v4: bool) -> Set {
        let mut viewers = (0..self.networks.len()).filter(|viewer| self.peers(owner, *viewer));
        let known = match &self.numbers(owner, v4).known {
            Some(known) => viewers.next().map_or(Vec::new(), |_| known.hosts.clone()),
            None => viewers.flat_map(|viewer| self.hosts_for(owner, viewer, v4)).collect(),
        };
        Set::of(known.iter().map(|piece| piece.known).collect())
    }

    /// The same with all numbers of the prefixes, whether a host can have them or not.
    pub(super) fn prefixes(&self, owner: usize, viewer: usize, v4: bool) -> Cow<'_, [Piece]> {
        match &self.numbers(owner, v4).known {
            Some(known) => Cow::Borrowed(&known.prefixes),
            None => Cow::Owned(self.prefixes_for(owner, viewer, v4, &[])),
        }
    }

    /// Numbers of a network's prefixes that no host can have.
    pub(super) fn nobodys(&self, owner: usize, viewer: usize, v4: bool) -> Cow<'_, [Range]> {
        match &self.numbers(owner, v4).known {
            Some(known) => Cow::Borrowed(&known.nobodys),
            None => Cow::Owned(self.known(owner, viewer, v4).nobodys),
        }
    }

    fn prefixes_for(&self, owner: usize, viewer: usize, v4: bool, special: &[Range]) -> Vec<Piece> {
        let prefixes = &self.site.networks[owner].prefixes;
        let mut pieces = Vec::new();
        for prefix in prefixes.iter().filter(|it| it.real.value.addr().is_ipv4() == v4) {
            let real = prefix.real.value;
            let Some(known) = known_as(prefix, viewer) else { continue };
            let narrower = |it: &&Prefix| {
                it.real.value != real && real.contains(&it.real.value) && it.real.value.addr().is_ipv4() == v4
            };
            let mut holes: Vec<Range> =
                prefixes.iter().filter(narrower).map(|it| range_of(&it.real.value)).collect();
            holes.extend(special);
            let (first, last) = range_of(&real);
            let hosts = Set::range(first, last).without(Set::of(holes).ranges());
            let by = first.wrapping_sub(range_of(&known).0);
            let ranges = hosts.iter().flat_map(|set| set.ranges().to_vec()).collect::<Vec<Range>>();
            pieces.extend(ranges.into_iter().map(|(first, last)| {
                let known = (first.wrapping_sub(by), last.wrapping_sub(by));
                Piece { known, owner, by, sure: true }
            }));
        }
        pieces.sort_by_key(|piece| piece.known);
        pieces
    }

    /// The gateway's own address that all these hosts see as the source of everything, where their network is
    /// masqueraded: that on the link which has their numbers, or else the first. Nothing if it is not one for all.
    pub(super) fn own_for(&self, network: usize, hosts: &Set, v4: bool) -> Option<u128> {
        let network = &self.site.networks[network];
        let addresses: Vec<IpNet> =
            network.addresses.iter().map(|it| it.value).filter(|net| net.addr().is_ipv4() == v4).collect();
        // Between two of these numbers all hosts have the same.
        let mut ends: Vec<u128> = addresses.iter().map(|net| range_of(net).0).collect();
        ends.extend(addresses.iter().filter_map(|net| range_of(net).1.checked_add(1)));
        ends.extend(hosts.ranges().iter().map(|range| range.0));
        let mut seen = ends.into_iter().filter(|end| hosts.contains(*end)).map(|host| {
            let holds = |net: &&IpNet| range_of(net).0 <= host && host <= range_of(net).1;
            // Of two on one link the first counts.
            let link = addresses.iter().filter(holds).rev().max_by_key(|net| net.prefix_len());
            link.or(addresses.first()).map(|net| number(net.addr()))
        });
        let first = seen.next()??;
        seen.all(|other| other == Some(first)).then_some(first)
    }

    /// Whether two networks know each other by numbers that are partly the same: what is lost is told
    /// when the site is checked.
    pub(super) fn share(&self, a: usize, b: usize, v4: bool) -> bool {
        let known =
            |owner, viewer| Set::of(self.pieces(owner, viewer, v4).iter().map(|it| it.known).collect());
        known(a, b).and(known(b, a).ranges()).is_some()
    }

    /// Parts packets with real addresses by what the rules of a pair say about them.
    pub(super) fn judged(&self, peering: &Peering, region: Region) -> Vec<(Region, bool)> {
        let decided = self.decided(peering, region).into_iter();
        let allows = |rule: Option<&Rule>| match rule {
            Some(rule) => rule.action == Action::Allow,
            None => peering.rules.is_none(),
        };
        decided.map(|(region, rule)| (region, allows(rule))).collect()
    }

    /// Parts packets with real addresses by the rule of a pair that decides about them, if one does.
    pub(super) fn decided(&self, peering: &Peering, region: Region) -> Vec<(Region, Option<&'s Rule>)> {
        let Some(rules) = peering.rules else { return vec![(region, None)] };
        decided(&self.site.rule_lists[rules.0], region)
    }
}

/// What a viewer knows the hosts of a prefix by.
fn known_as(prefix: &Prefix, viewer: usize) -> Option<IpNet> {
    if prefix.aliases.is_empty() {
        return Some(prefix.real.value);
    }
    let named = |viewers: &Vec<NetworkId>| viewers.contains(&NetworkId(viewer));
    let own = prefix.aliases.iter().find(|alias| alias.viewers.as_ref().is_some_and(named));
    own.or_else(|| prefix.aliases.iter().find(|alias| alias.viewers.is_none())).map(|alias| alias.net.value)
}

/// Numbers that the gateway has somewhere, or that mean all of some link.
fn taken(site: &Site, networks: &[Network], v4: bool) -> Set {
    let numbers = networks.iter().flat_map(|network| &network.families[usize::from(!v4)].special).copied();
    let elsewhere = site.gateway.addresses.iter().map(|it| it.address.value);
    let elsewhere = elsewhere.filter(|net| net.addr().is_ipv4() == v4).flat_map(special);
    Set::of(numbers.chain(elsewhere).collect())
}

fn numbers(network: &crate::model::Network, family: Family) -> Numbers {
    let real = network.prefixes.iter().map(|prefix| prefix.real.value);
    let real = real.filter(|net| net::family(net) == family).map(|net| range_of(&net)).collect();
    let mut numbers = Numbers { real, ..Numbers::default() };
    for address in network.addresses.iter().filter(|address| net::family(&address.value) == family) {
        numbers.own.push(range_of(&IpNet::from(address.value.addr())));
        numbers.special.extend(special(address.value));
    }
    if numbers.own.is_empty() {
        let nets = network.prefixes.iter().map(|it| it.real.value).filter(|net| net::family(net) == family);
        numbers.doubtful.extend(nets.filter_map(|net| {
            let (first, last) = range_of(&net);
            match net {
                IpNet::V4(net) if net.prefix_len() < 31 => Some((last, last)),
                IpNet::V6(net) if net.prefix_len() < 127 => Some((first, first)),
                _ => None,
            }
        }));
    }
    numbers.doubtful = Set::of(numbers.doubtful).ranges().to_vec();
    numbers.own = Set::of(numbers.own).ranges().to_vec();
    numbers.special = Set::of(numbers.special).ranges().to_vec();
    let hosts = Set::of(numbers.real.clone()).without(&numbers.special);
    numbers.hosts = hosts.and_then(|hosts| hosts.without(&numbers.doubtful));
    numbers
}

/// What no host has where the gateway has an address: that, and what means all of the link or any router.
fn special(net: IpNet) -> Vec<Range> {
    let (first, last) = range_of(&net);
    let mut special = vec![range_of(&IpNet::from(net.addr()))];
    match net {
        // RFC 3021: links of two have no broadcast address.
        IpNet::V4(net) if net.prefix_len() < 31 => special.push((last, last)),
        // RFC 4291, 2.6.1, RFC 6164.
        IpNet::V6(net) if net.prefix_len() < 127 => special.push((first, first)),
        _ => {}
    }
    special
}

/// The first rule that matches decides; what none matches is denied.
fn decided(list: &RuleList, region: Region) -> Vec<(Region, Option<&Rule>)> {
    let mut decided = Vec::new();
    let mut open = vec![region];
    for rule in &list.rules {
        let mut later = Vec::new();
        for region in open {
            let mut about = Some(region);
            for (destination, hosts) in [(false, &rule.from), (true, &rule.to)] {
                let Some(region) = about.take() else { break };
                if hosts.is_empty() {
                    about = Some(region);
                    continue;
                }
                let own = hosts.iter().filter(|net| net.value.addr().is_ipv4() == region.v4);
                let ranges = Set::of(own.map(|net| range_of(&net.value)).collect());
                let (and, without) = region.by_address(destination, ranges.ranges());
                later.extend(without);
                about = and;
            }
            let Some(region) = about else { continue };
            let (about, rest) = of_service(region, &rule.service);
            later.extend(rest);
            decided.extend(about.map(|region| (region, Some(rule))));
        }
        open = later;
    }
    decided.extend(open.into_iter().map(|region| (region, None)));
    decided
}

fn of_service(region: Region, service: &Service) -> (Option<Region>, Vec<Region>) {
    let family = if region.v4 { Family::V4 } else { Family::V6 };
    if !service.occurs_in(family) {
        return (None, vec![region]);
    }
    match service {
        Service::Any => (Some(region), Vec::new()),
        Service::Protocol(number) => {
            let (and, without) = region.by_protocol(&Octets::of(&[*number]));
            (and, without.into_iter().collect())
        }
        Service::Ports(number, ports) => {
            let (about, without) = region.by_protocol(&Octets::of(&[*number]));
            let mut rest: Vec<Region> = without.into_iter().collect();
            let Some(about) = about else { return (None, rest) };
            let ports = ports.iter().map(|&(first, last)| (first.into(), last.into())).collect();
            let (and, without) = about.by_port(true, Set::of(ports).ranges());
            rest.extend(without);
            (and, rest)
        }
        Service::Icmp(types) => {
            let own = types.iter().filter_map(|kind| if region.v4 { kind.v4 } else { kind.v6 });
            let own: Vec<u8> = own.collect();
            region.by_kind(&if types.is_empty() { Octets::ALL } else { Octets::of(&own) })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::Spec;
    use crate::check::{self, CheckedSite};
    use crate::diag::Diagnostics;
    use crate::sim::region::Set;
    use crate::source::SourceMap;
    use crate::{net, resolve, syntax};

    struct NoFiles;

    impl syntax::Loader for NoFiles {
        fn load(&self, name: &str) -> Result<String, String> {
            Err(name.to_owned())
        }
    }

    fn checked(text: &str) -> CheckedSite {
        let mut sources = SourceMap::default();
        let root = sources.add("site.ovl", text.replace(';', "\n"));
        let mut findings = Diagnostics::default();
        let file = syntax::parse_site(&mut sources, root, &NoFiles, &mut findings);
        let site = resolve::resolve(&file, &mut findings).unwrap();
        check::check(site, &mut findings).unwrap()
    }

    fn number(address: &str) -> u128 {
        net::bits(address.parse::<IpAddr>().unwrap())
    }

    fn hosts(first: &str, last: &str) -> Set {
        Set::range(number(first), number(last))
    }

    #[test]
    fn where_the_gateway_is_not_declared_only_links_of_two_have_hosts_at_both_ends() {
        let site = checked(
            "network a { interface a0 ; prefix 10.0.0.0/31 ; prefix fd00::2/127 }\n\
             network b { interface b0 ; prefix 10.0.1.0/30 ; prefix fd00:0:0:1::/126 }\n\
             connect a <-> b\n",
        );
        let spec = Spec::new(site.site());
        assert_eq!(spec.hosts(0, true).cloned(), Some(hosts("10.0.0.0", "10.0.0.1")));
        assert_eq!(spec.hosts(0, false).cloned(), Some(hosts("fd00::2", "fd00::3")));
        assert_eq!(spec.hosts(1, true).cloned(), Some(hosts("10.0.1.0", "10.0.1.2")));
        assert_eq!(spec.hosts(1, false).cloned(), Some(hosts("fd00:0:0:1::1", "fd00:0:0:1::3")));
    }

    #[test]
    fn no_host_has_a_number_of_the_gateway_nor_of_all_its_link() {
        let site = checked(
            "network a { interface a0 ; address 10.0.0.0/31 ; address fd00::3/127
                         prefix 10.0.0.0/31 ; prefix fd00::2/127 }\n\
             network b { interface b0 ; address 10.0.1.1/30 ; address fd00:0:0:1::1/126
                         prefix 10.0.1.0/30 ; prefix fd00:0:0:1::/126 }\n\
             connect a <-> b\n",
        );
        let spec = Spec::new(site.site());
        assert_eq!(spec.hosts(0, true).cloned(), Some(hosts("10.0.0.1", "10.0.0.1")));
        assert_eq!(spec.hosts(0, false).cloned(), Some(hosts("fd00::2", "fd00::2")));
        let both =
            Set::of(vec![(number("10.0.1.0"), number("10.0.1.0")), (number("10.0.1.2"), number("10.0.1.2"))]);
        assert_eq!(spec.hosts(1, true).cloned(), Some(both));
        assert_eq!(spec.hosts(1, false).cloned(), Some(hosts("fd00:0:0:1::2", "fd00:0:0:1::3")));
    }

    #[test]
    fn masqueraded_hosts_see_the_address_on_their_link_and_behind_a_router_the_first() {
        let site = checked(
            "network a { interface a0 ; address 10.1.0.1/24 ; prefix 10.1.0.0/24 ; prefix fd01::/64 }\n\
             network b { interface b0 ; nodes masqueraded
                         address 10.0.0.1/24 ; address 10.0.1.1/24 ; address fd00::1/64
                         prefix 10.0.0.0/24 ; prefix 10.0.1.0/24 ; prefix fd00::/64
                         route 10.0.8.0/24 via 10.0.1.9 ; prefix 10.0.8.0/24 }\n\
             connect a -> b\n",
        );
        let spec = Spec::new(site.site());
        let own = |first: &str, last: &str| spec.own_for(1, &hosts(first, last), true);
        assert_eq!(own("10.0.0.2", "10.0.0.254"), Some(number("10.0.0.1")));
        assert_eq!(own("10.0.1.2", "10.0.1.254"), Some(number("10.0.1.1")));
        assert_eq!(own("10.0.8.0", "10.0.8.255"), Some(number("10.0.0.1")));
        assert_eq!(own("10.0.0.2", "10.0.1.2"), None);
    }
}
