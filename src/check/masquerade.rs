//! Networks whose hosts have no routes and only ever see the gateway.
//!
//! Goes in: the site. Comes out: findings, and for each network the ones that need a zone of their
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

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::errors::masquerade::{MasqueradeWithoutAddress, OpenedByMasqueraded, TooManyAlike};
use super::overlaps::sweep;
use crate::diag::Reporter;
use crate::model::{NetworkId, Site};
use crate::net::{self, Family};

/// For each network, in order, those whose connections to it have its zone for replies alone.
pub(super) fn check(site: &Site, reporter: &mut Reporter<'_>) -> Vec<Vec<NetworkId>> {
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
    for peering in &site.peerings {
        let (from, to) = (site.network(peering.from), site.network(peering.to));
        if let Some(masqueraded) = from.masqueraded {
            let (from, to) = (from.name.value.as_str(), to.name.value.as_str());
            reporter.report(OpenedByMasqueraded { pair: (from, to), span: peering.span, masqueraded }, None);
        } else if to.masqueraded.is_some() {
            callers.entry(peering.to).or_default().push(peering.from);
        }
    }
    for (to, mut callers) in callers {
        callers.sort_unstable();
        match second_colour(site, &callers) {
            Ok(second) => apart[to.0] = second,
            Err(alike) => {
                let network = site.network(to);
                let span = network.masqueraded.unwrap_or(network.name.span);
                let callers = alike.iter().map(|caller| &site.network(*caller).name).collect();
                let found = TooManyAlike { network: network.name.value.as_str(), span, callers };
                reporter.report(found, network.instance.as_deref());
            }
        }
    }
    apart
}

/// Colours networks so that no two with a real address in common have one colour, and gives those of
/// the second. Otherwise some that cannot be told apart.
fn second_colour(site: &Site, callers: &[NetworkId]) -> Result<Vec<NetworkId>, Vec<NetworkId>> {
    let all = callers.iter().enumerate().flat_map(|(place, caller)| {
        site.network(*caller).prefixes.iter().map(move |prefix| (prefix.real.value.trunc(), place))
    });
    let (nets, places): (Vec<IpNet>, Vec<usize>) = all.unzip();
    let mut overlapping: Vec<Vec<usize>> = vec![Vec::new(); callers.len()];
    let mut alike: Option<Vec<usize>> = None;
    sweep(&nets, |n, open| {
        // All that hold a prefix hold each other: two others are one too many.
        let mut others: Vec<usize> = Vec::new();
        for place in open.iter().map(|other| places[*other]) {
            if place != places[n] && !others.contains(&place) && others.len() < 2 {
                others.push(place);
            }
        }
        match *others.as_slice() {
            [other] => {
                overlapping[places[n]].push(other);
                overlapping[other].push(places[n]);
            }
            [first, second, ..] => {
                alike.get_or_insert_with(|| vec![first, second, places[n]]);
            }
            [] => {}
        }
    });
    let named = |places: &[usize]| {
        let mut places = places.to_vec();
        places.sort_unstable();
        places.into_iter().map(|place| callers[place]).collect::<Vec<_>>()
    };
    if let Some(alike) = alike {
        return Err(named(&alike));
    }
    let mut colours: Vec<Option<bool>> = vec![None; callers.len()];
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
                    waiting.push_back(*other);
                } else if colours[*other] == colours[place] {
                    return Err(named(&[place, *other]));
                }
            }
        }
    }
    let second = callers.iter().zip(colours).filter(|(_, colour)| *colour == Some(true));
    Ok(second.map(|(caller, _)| *caller).collect())
}
