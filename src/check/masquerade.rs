//! Networks whose hosts have no routes and only ever see the gateway.
//!
//! Goes in: the site, its sound mappings and who sees them. Comes out: findings, and for each network the ones that need a zone of their
//! own when they open connections to it. What must hold afterwards: such a network has an address of
//! the gateway for every family it speaks, opens nothing, and no two connections to it share a
//! conntrack key.
//!
//! All that its hosts send is addressed to the gateway, so all of it is looked up in one zone, and
//! what opens connections to it must have that zone for the replies. Where two networks with the same
//! real addresses open connections to it, their own packets look the same, too: one of them has the
//! zone for both directions, the other for replies alone. That is room for two; the networks that
//! overlap are coloured with two colours by breadth-first search, which finds a colouring whenever
//! there is one.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::audience::Audience;
use super::errors::masquerade::{MasqueradeWithoutAddress, OpenedByMasqueraded, TooManyAlike};
use super::overlaps::sweep;
use super::peers::Peers;
use super::prefixes::Mapping;
use crate::diag::Reporter;
use crate::model::{NetworkId, Peering, Site};
use crate::net::{self, Family};
use crate::source::Span;

/// For each network, in order, those whose connections to it have its zone for replies alone.
pub(super) fn check(
    site: &Site,
    (peers, audience): (&Peers, &Audience),
    mappings: &[Mapping],
    reporter: &mut Reporter<'_>,
) -> Vec<Vec<NetworkId>> {
    let mut apart = vec![Vec::new(); site.networks.len()];
    if site.networks.iter().all(|network| network.masqueraded.is_none()) {
        return apart;
    }
    for network in &site.networks {
        let Some(span) = network.masqueraded else { continue };
        for family in [Family::V4, Family::V6] {
            let prefix = network.prefixes.iter().find(|prefix| net::family(&prefix.real.value) == family);
            let has_address = network.addresses.iter().any(|address| net::family(&address.value) == family);
            if let (Some(prefix), false) = (prefix, has_address) {
                let name = network.name.value.as_str();
                let found = MasqueradeWithoutAddress { network: name, prefix: prefix.real, span };
                reporter.report(found, network.instance.as_deref());
            }
        }
    }
    let mut callers: BTreeMap<NetworkId, Vec<NetworkId>> = BTreeMap::new();
    let mut opened: BTreeMap<Span, Opened> = BTreeMap::new();
    for peering in &site.peerings {
        if site.network(peering.from).masqueraded.is_some() {
            let opened = opened.entry(peering.span).or_insert_with(|| Opened::first(peering));
            opened.openers.insert(peering.from);
        } else if site.network(peering.to).masqueraded.is_some() {
            callers.entry(peering.to).or_default().push(peering.from);
        }
    }
    report_opened(site, opened, reporter);
    let mut known: BTreeMap<NetworkId, Vec<&Mapping>> = BTreeMap::new();
    for mapping in mappings.iter().filter(|mapping| callers.contains_key(&mapping.network)) {
        known.entry(mapping.network).or_default().push(mapping);
    }
    for (to, mut callers) in callers {
        callers.sort_unstable();
        // Only those who know the hosts by the same numbers can send packets that look alike.
        let mut seen = known.remove(&to).unwrap_or_default();
        seen.sort_by_key(|mapping| mapping.known());
        let mut same_numbers: Vec<Vec<&Mapping>> = Vec::new();
        for mapping in seen {
            // Sorted by address, then length: whatever holds these numbers stands first in the last group.
            match same_numbers.last_mut() {
                Some(group) if group[0].known().contains(&mapping.known()) => group.push(mapping),
                _ => same_numbers.push(vec![mapping]),
            }
        }
        let alike: Vec<Vec<NetworkId>> = same_numbers
            .iter()
            .map(|group| {
                let knows = |caller: &&NetworkId| {
                    group.iter().any(|mapping| audience.of(mapping, peers).binary_search(caller).is_ok())
                };
                callers.iter().filter(knows).copied().collect()
            })
            .collect();
        match second_colour(site, &callers, &alike) {
            Ok(second) => apart[to.0] = second,
            Err(Alike { callers, more, ring }) => {
                let network = site.network(to);
                let span = network.masqueraded.unwrap_or(network.name.span);
                let callers = callers.iter().map(|caller| site.network(*caller)).collect();
                let found = TooManyAlike { network: network.name.value.as_str(), span, callers, more, ring };
                reporter.report(found, network.instance.as_deref());
            }
        }
    }
    apart
}

/// What a `connect` lets hosts open that cannot.
struct Opened {
    /// The first pair.
    pair: (NetworkId, NetworkId),
    /// The networks of these hosts.
    openers: BTreeSet<NetworkId>,
    /// Whether it is about other pairs, too.
    several: bool,
}

impl Opened {
    fn first(peering: &Peering) -> Self {
        Self { pair: (peering.from, peering.to), openers: BTreeSet::new(), several: false }
    }
}

fn report_opened(site: &Site, mut opened: BTreeMap<Span, Opened>, reporter: &mut Reporter<'_>) {
    if opened.is_empty() {
        return;
    }
    for peering in &site.peerings {
        if let Some(opened) = opened.get_mut(&peering.span) {
            let pair = (peering.from, peering.to);
            opened.several |= pair != opened.pair && pair != (opened.pair.1, opened.pair.0);
        }
    }
    for (span, Opened { pair, openers, several }) in opened {
        let (from, to) = (site.network(pair.0), site.network(pair.1));
        let pair = (from.name.value.as_str(), to.name.value.as_str());
        let masqueraded = (from.masqueraded.unwrap_or(from.name.span), from.instance.as_deref());
        let (more, both) = (openers.len() - 1, to.masqueraded.is_some());
        reporter.report(OpenedByMasqueraded { pair, span, masqueraded, more, several, both }, None);
    }
}

/// Callers that cannot all be told apart.
struct Alike {
    /// Three with one real address, or a ring of an odd number in which each has one with the next.
    callers: Vec<NetworkId>,
    /// How many others have that address, too.
    more: usize,
    /// Whether it is a ring.
    ring: bool,
}

/// Colours the callers so that no two of one group that have a real address in common have one colour,
/// and gives those of the second. Otherwise some that cannot be told apart.
fn second_colour(
    site: &Site,
    callers: &[NetworkId],
    groups: &[Vec<NetworkId>],
) -> Result<Vec<NetworkId>, Alike> {
    let mut overlapping: Vec<Vec<usize>> = vec![Vec::new(); callers.len()];
    for group in groups {
        for (a, b) in overlaps(site, group)? {
            let place = |caller| callers.binary_search(&caller).unwrap_or(0);
            overlapping[place(a)].push(place(b));
            overlapping[place(b)].push(place(a));
        }
    }
    let mut colours: Vec<Option<bool>> = vec![None; callers.len()];
    let mut before: Vec<Option<usize>> = vec![None; callers.len()];
    for start in 0..callers.len() {
        if colours[start].is_some() {
            continue;
        }
        colours[start] = Some(false);
        let mut waiting = std::collections::VecDeque::from([start]);
        while let Some(place) = waiting.pop_front() {
            for other in &overlapping[place] {
                if colours[*other].is_none() {
                    colours[*other] = colours[place].map(|colour| !colour);
                    before[*other] = Some(place);
                    waiting.push_back(*other);
                } else if colours[*other] == colours[place] {
                    let ring = ring(&before, place, *other);
                    let callers = ring.into_iter().map(|place| callers[place]).collect();
                    return Err(Alike { callers, more: 0, ring: true });
                }
            }
        }
    }
    let second = callers.iter().zip(colours).filter(|(_, colour)| *colour == Some(true));
    Ok(second.map(|(caller, _)| *caller).collect())
}

/// From `a` back to where the ways to both parted, and on to `b`.
fn ring(before: &[Option<usize>], a: usize, b: usize) -> Vec<usize> {
    let way = |start: usize| std::iter::successors(Some(start), |place| before[*place]);
    let mut ring: Vec<usize> = way(a).collect();
    let mut rest: Vec<usize> = way(b).take_while(|place| !ring.contains(place)).collect();
    let parted = way(b).nth(rest.len());
    ring.truncate(ring.iter().position(|place| Some(*place) == parted).map_or(ring.len(), |at| at + 1));
    rest.reverse();
    ring.extend(rest);
    ring
}

/// The pairs of a group's networks that have a real address in common; three with one in common.
fn overlaps(site: &Site, group: &[NetworkId]) -> Result<Vec<(NetworkId, NetworkId)>, Alike> {
    let all = group.iter().flat_map(|caller| {
        site.network(*caller).prefixes.iter().map(move |prefix| (prefix.real.value.trunc(), *caller))
    });
    let (nets, owners): (Vec<IpNet>, Vec<NetworkId>) = all.unzip();
    let mut pairs = Vec::new();
    let mut alike: Option<(Vec<NetworkId>, IpNet)> = None;
    sweep(&nets, |n, open| {
        // All that hold a prefix hold each other: two others are one too many.
        let mut others: Vec<NetworkId> = Vec::new();
        for owner in open.iter().map(|other| owners[*other]) {
            if owner != owners[n] && !others.contains(&owner) && others.len() < 2 {
                others.push(owner);
            }
        }
        match *others.as_slice() {
            [other] => pairs.push((other, owners[n])),
            [first, second, ..] => {
                alike.get_or_insert_with(|| (vec![first, second, owners[n]], nets[n]));
            }
            [] => {}
        }
    });
    match alike {
        None => Ok(pairs),
        Some((mut callers, common)) => {
            callers.sort_unstable();
            let address = common.network();
            let has = |caller: &&NetworkId| {
                site.network(**caller).prefixes.iter().any(|prefix| prefix.real.value.contains(&address))
            };
            let more = group.iter().filter(has).count().saturating_sub(callers.len());
            Err(Alike { callers, more, ring: false })
        }
    }
}
