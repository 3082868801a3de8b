//! The hosts and what is known of them, as questions are made from it.

use std::net::IpAddr;

use ipnet::IpNet;

use super::rounds::{DISTINCT, SAME};
use crate::lab::known::Known;
use crate::lab::links::{Called, FAMILIES, Links, at, is_end};
use crate::lab::rules::Asked;
use crate::lab::scene::{Expected, Host, Kind, Lan, Trial};
use crate::model::{RuleList, Site};
use crate::net::{self, Family};

/// The place in a prefix where a host that is not there is looked for first.
const NOBODY: u128 = 99;
/// So many places of a prefix are looked at for it.
const LOOKED_AT: u128 = 256;

/// The networks with their hosts.
pub(super) struct Stage<'s> {
    pub(super) site: &'s Site,
    pub(super) known: Known<'s>,
    pub(super) lans: &'s [Lan],
    links: Vec<Links<'s>>,
}

/// A declared pair.
#[derive(Clone, Copy)]
pub(super) struct Pair<'s> {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) rules: Option<&'s RuleList>,
    /// Which list these are: several pairs have one.
    pub(super) list: Option<usize>,
}

/// Real addresses of who asks and of who is asked.
pub(super) type Ends = (IpAddr, IpAddr);

impl<'s> Stage<'s> {
    pub(super) fn new(site: &'s Site, lans: &'s [Lan]) -> Self {
        let called = Called::new(site);
        let links = site.networks.iter().map(|it| Links::new(it, &called)).collect();
        Self { site, known: Known::new(site), lans, links }
    }

    /// The declared pairs between networks that have hosts.
    pub(super) fn pairs(&self) -> Vec<Pair<'s>> {
        let peerings = self.site.peerings.iter();
        let pairs = peerings.map(|it| Pair {
            from: it.from.0,
            to: it.to.0,
            rules: it.rules.map(|id| &self.site.rule_lists[id.0]),
            list: it.rules.map(|id| id.0),
        });
        pairs.filter(|it| self.is_populated(it.from) && self.is_populated(it.to)).collect()
    }

    pub(super) fn is_populated(&self, network: usize) -> bool {
        !self.lans[network].hosts.is_empty()
    }

    /// The networks that have hosts.
    pub(super) fn populated(&self) -> Vec<usize> {
        (0..self.lans.len()).filter(|n| self.is_populated(*n)).collect()
    }

    /// A network's hosts of a family.
    pub(super) fn hosts(&self, network: usize, family: Family) -> Vec<&'s Host> {
        let hosts = self.lans[network].hosts.iter();
        hosts.filter(|host| net::family(&host.address) == family).collect()
    }

    /// All hosts of a network with all of another that speak the same family.
    pub(super) fn all(&self, from: usize, to: usize) -> Vec<Ends> {
        let mut all = Vec::new();
        for family in FAMILIES {
            let others = self.hosts(to, family);
            for host in self.hosts(from, family) {
                all.extend(others.iter().map(|other| (host.address.addr(), other.address.addr())));
            }
        }
        all
    }

    /// Hosts of two networks, so that in each family every host asks and every host is asked.
    pub(super) fn everybody(&self, from: usize, to: usize) -> Vec<Ends> {
        let mut pairs = Vec::new();
        for family in FAMILIES {
            let (askers, others) = (self.hosts(from, family), self.hosts(to, family));
            if askers.is_empty() || others.is_empty() {
                continue;
            }
            let count = askers.len().max(others.len());
            pairs.extend(
                (0..count).map(|n| {
                    (askers[n % askers.len()].address.addr(), others[n % others.len()].address.addr())
                }),
            );
        }
        pairs
    }

    /// One host of each network in each family; `turn` for other ones.
    pub(super) fn one_each(&self, from: usize, to: usize, turn: usize) -> Vec<Ends> {
        let one = |family| {
            let (askers, others) = (self.hosts(from, family), self.hosts(to, family));
            let asker = askers.get(turn.checked_rem(askers.len())?)?;
            let other = others.get(turn.checked_rem(others.len())?)?;
            Some((asker.address.addr(), other.address.addr()))
        };
        FAMILIES.into_iter().filter_map(one).collect()
    }

    /// Addresses on the links of a network that nobody has.
    pub(super) fn spare(&self, network: usize, family: Family) -> impl Iterator<Item = IpAddr> {
        let lan = &self.lans[network];
        let declared = self.known.network(network);
        let links = &self.links[network];
        let reals = declared.prefixes.iter().map(|it| it.real.value);
        let reals: Vec<IpNet> = reals.filter(|it| net::family(it) == family).collect();
        let places = (0..LOOKED_AT).map(|n| (NOBODY + n) % LOOKED_AT);
        let near = reals.clone();
        let numbers =
            places.flat_map(move |place| near.clone().into_iter().filter_map(move |it| at(it, place)));
        // Where a link is elsewhere in a wide prefix, or a narrower one has the beginning.
        let others = reals.into_iter().flat_map(|it| links.candidates(it));
        numbers.chain(others).filter(move |host| {
            let on_link = links.place(*host).is_some_and(|it| it.prefix_len() < it.max_prefix_len());
            on_link
                && links.usable(*host)
                && !lan.hosts.iter().any(|it| it.address.addr() == *host)
                && !lan.extra.iter().any(|it| it.addr() == *host)
        })
    }

    /// The broadcast address of the first link of a network's IPv4 hosts. Where the gateway's address is
    /// left to the host, the kernel takes it for its own.
    pub(super) fn broadcast(&self, network: usize) -> Option<IpAddr> {
        if self.lans[network].left_to_host.iter().any(|it| it.addr().is_ipv4()) {
            return None;
        }
        let hosts = self.hosts(network, Family::V4);
        let link = hosts.iter().map(|host| host.address).find(|it| it.prefix_len() < 31)?;
        Some(link.broadcast()).filter(|it| is_end(&link, *it))
    }

    /// A question of a host to a number; nothing should come of it.
    pub(super) fn ask(&self, kind: Kind, from: usize, source: IpAddr, number: IpAddr, asked: Asked) -> Trial {
        Trial {
            kind,
            from,
            by_gateway: false,
            source,
            // It is only a label there, by which hosts in one namespace know their answers.
            source_port: if asked.0 == "253" { DISTINCT } else { SAME },
            transport: asked.0,
            destination: number,
            to: None,
            port: asked.1,
            options: Vec::new(),
            expected: Expected::Nothing,
            told_by: Vec::new(),
        }
    }

    /// A question of a host to another of a declared pair, by the number that it has to use. Ports
    /// differ where they may be changed.
    pub(super) fn ask_host(&self, kind: Kind, pair: Pair<'_>, ends: Ends, asked: Asked) -> Option<Trial> {
        let (source, host) = ends;
        let number = self.known.alias(pair.to, pair.from, host)?;
        // A router's link may have a few of the numbers of others: who is on it cannot call these.
        if self.lans[pair.from].extra.iter().any(|it| it.contains(&number)) {
            return None;
        }
        let mut trial = self.ask(kind, pair.from, source, number, asked);
        trial.to = Some(pair.to);
        // Errors about what the gateway forwards are translated as if they came from the host. What is
        // mapped onto itself the kernel may leave as it is: then the gateway's own address shows, with VRF
        // devices that on the far link, which the asker knows by no other number.
        trial.told_by.push(number);
        if number == host {
            trial.told_by.extend(self.lans[pair.from].gateways.iter().chain(&self.lans[pair.to].gateways));
        }
        if self.known.share(pair.from, pair.to, net::family_of(&host)) {
            trial.source_port = DISTINCT;
        }
        Some(trial)
    }

    pub(super) fn is_masqueraded(&self, network: usize) -> bool {
        self.known.network(network).masqueraded.is_some()
    }

    /// Whether a number is of use only within a network: it is one of its own, or the gateway's there.
    pub(super) fn is_inside(&self, network: usize, number: IpAddr) -> bool {
        let lan = &self.lans[network];
        let link = lan.hosts.iter().any(|host| host.address.contains(&number));
        let prefixes = self.known.network(network).prefixes.iter();
        // Routers' links, and addresses to send from what must not pass.
        let further = lan.extra.iter().any(|it| it.contains(&number));
        link || further
            || lan.gateways.contains(&number)
            || prefixes.map(|it| it.real.value).any(|real| real.contains(&number))
    }

    /// What must be asked before the other direction has opened it.
    pub(super) fn is_early(&self, trial: &Trial) -> bool {
        let declared = trial.to.is_some_and(|to| self.known.opens(to, trial.from).is_some());
        trial.transport == "253" && declared && !self.is_masqueraded(trial.from)
    }
}
