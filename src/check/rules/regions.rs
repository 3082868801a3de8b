//! The packets that a rule is about, and whether others leave any of them.
//!
//! Goes in: a rule and the real prefixes of its two networks. Comes out: a [`Region`] for each family:
//! so many sources times so many destinations times so many services. What must hold: a region is
//! exact, and a proof that regions cover another one is, too, or is given up when it costs too much.

use std::collections::BTreeSet;
use std::rc::Rc;

use ipnet::IpNet;

use super::intervals::Set;
use crate::model::{IcmpType, Rule, Service};
use crate::net::{self, Family};
use crate::source::Spanned;

/// The packets of one family that a rule is about, as the first of a connection.
#[derive(Clone, Debug)]
pub(super) struct Region {
    source: Rc<Set>,
    destination: Rc<Set>,
    /// Protocol times 65536, plus the destination port or the ICMP type.
    service: Rc<Set>,
}

/// The hosts of a pair of networks, in one family.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    pub(super) family: Family,
    pub(super) from: Rc<Set>,
    pub(super) to: Rc<Set>,
}

impl Hosts {
    /// The hosts of two networks with these real prefixes.
    pub(super) fn new(family: Family, from: &[IpNet], to: &[IpNet]) -> Self {
        let set = |nets: &[IpNet]| Rc::new(addresses(family, nets.iter().copied()));
        Self { family, from: set(from), to: set(to) }
    }
}

impl Region {
    /// What a rule is about between these hosts.
    pub(super) fn new(rule: &Rule, hosts: &Hosts) -> Self {
        Self {
            source: part(&rule.from, &hosts.from, hosts.family),
            destination: part(&rule.to, &hosts.to, hosts.family),
            service: Rc::new(service(&rule.service, hosts.family)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.source.is_empty() || self.destination.is_empty() || self.service.is_empty()
    }

    /// Whether any host opens, any answers, and there is any packet of such a service.
    pub(super) fn sides(&self) -> [bool; 3] {
        [!self.source.is_empty(), !self.destination.is_empty(), !self.service.is_empty()]
    }

    /// Whether any packet is in both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        meet(&self.service, &other.service)
            && meet(&self.destination, &other.destination)
            && meet(&self.source, &other.source)
    }

    /// Whether every packet of `other` is in this one.
    pub(super) fn holds(&self, other: &Self) -> bool {
        other.is_empty()
            || hold(&self.service, &other.service)
                && hold(&self.destination, &other.destination)
                && hold(&self.source, &other.source)
    }

    /// This region without another one, in at most three pieces that share no packet.
    fn without(&self, other: &Self) -> impl Iterator<Item = Self> {
        let source = Rc::new(self.source.both(&other.source));
        let destination = Rc::new(self.destination.both(&other.destination));
        let outside = Self { source: Rc::new(self.source.without(&other.source)), ..self.clone() };
        let beside = Self {
            source: Rc::clone(&source),
            destination: Rc::new(self.destination.without(&other.destination)),
            service: Rc::clone(&self.service),
        };
        let rest = Self { source, destination, service: Rc::new(self.service.without(&other.service)) };
        [rest, beside, outside].into_iter().filter(|piece| !piece.is_empty())
    }

    fn len(&self) -> usize {
        self.source.len() + self.destination.len() + self.service.len()
    }
}

fn meet(a: &Rc<Set>, b: &Rc<Set>) -> bool {
    Rc::ptr_eq(a, b) && !a.is_empty() || a.meets(b)
}

fn hold(outer: &Rc<Set>, inner: &Rc<Set>) -> bool {
    Rc::ptr_eq(outer, inner) || outer.holds(inner)
}

/// The hosts that one side of a rule names, or all of its network.
fn part(nets: &[Spanned<IpNet>], all: &Rc<Set>, family: Family) -> Rc<Set> {
    if nets.is_empty() {
        return Rc::clone(all);
    }
    Rc::new(addresses(family, nets.iter().map(|net| net.value)).both(all))
}

fn addresses(family: Family, nets: impl Iterator<Item = IpNet>) -> Set {
    let own = nets.filter(|net| net::family(net) == family);
    own.map(|net| (net::bits(net.network()), net::bits(net.broadcast()))).collect()
}

/// A protocol with some of its ports or types.
fn kinds(protocol: u8, first: u16, last: u16) -> (u128, u128) {
    let base = u128::from(protocol) << 16;
    (base | u128::from(first), base | u128::from(last))
}

fn service(service: &Service, family: Family) -> Set {
    if !service.occurs_in(family) {
        return Set::default();
    }
    match service {
        Service::Any => [(0, kinds(u8::MAX, 0, u16::MAX).1)].into_iter().collect(),
        Service::Protocol(number) => [kinds(*number, 0, u16::MAX)].into_iter().collect(),
        Service::Ports(number, ports) => {
            ports.iter().map(|(first, last)| kinds(*number, *first, *last)).collect()
        }
        Service::Icmp(types) => {
            type Number = fn(&IcmpType) -> Option<u8>;
            let (number, of): (u8, Number) = match family {
                Family::V4 => (1, |kind| kind.v4),
                Family::V6 => (58, |kind| kind.v6),
            };
            if types.is_empty() {
                return [kinds(number, 0, u16::MAX)].into_iter().collect();
            }
            let types = types.iter().filter_map(of).map(u16::from);
            types.map(|kind| kinds(number, kind, kind)).collect()
        }
    }
}

/// How much work may still be done, in intervals looked at.
#[derive(Debug)]
pub(super) struct Budget(pub(super) usize);

impl Budget {
    /// Takes the work that a region stands for; `None` if there is none left.
    pub(super) fn spend(&mut self, region: &Region) -> Option<()> {
        self.0 = self.0.checked_sub(region.len())?;
        Some(())
    }
}

/// The places of those regions that take all of `region` between them, each the packets that none
/// before it took; `None` if a packet is left, or the budget ends.
pub(super) fn covered(region: &Region, earlier: &[Region], budget: &mut Budget) -> Option<BTreeSet<usize>> {
    let mut relevant = Vec::new();
    for (n, other) in earlier.iter().enumerate() {
        budget.spend(region)?;
        if other.meets(region) {
            relevant.push(n);
        }
    }
    let mut takers = BTreeSet::new();
    let mut left = vec![(region.clone(), 0)];
    while let Some((piece, start)) = left.pop() {
        let mut taker = None;
        for (at, n) in relevant.iter().enumerate().skip(start) {
            budget.spend(&piece)?;
            if earlier[*n].meets(&piece) {
                taker = Some((at, *n));
                break;
            }
        }
        let (at, n) = taker?;
        takers.insert(n);
        left.extend(piece.without(&earlier[n]).map(|piece| (piece, at + 1)));
    }
    Some(takers)
}
