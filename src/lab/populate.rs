//! Which networks have hosts in the lab: all, or so many as a machine can be expected to carry.
//!
//! Goes in: the site. Comes out: yes or no for each network, and a note. What must hold: a host of the
//! lab is not alone: what it may call is there as well.

use super::sample::spread;
use crate::model::{Peering, Site};

/// So many networks have hosts at most. Each costs a namespace, a process, and three or four neighbours,
/// of which the kernel knows 1024 in all namespaces together (`gc_thresh3` of arp(7)).
const NETWORKS: usize = 224;

/// For each network whether it has hosts.
pub(super) fn choose(site: &Site) -> (Vec<bool>, Vec<String>) {
    let count = site.networks.len();
    if count <= NETWORKS {
        return (vec![true; count], Vec::new());
    }
    let mut chosen = vec![false; count];
    let mut room = NETWORKS;
    // Of every list of rules and of every masqueraded network's callers there should be one: these
    // first, then an even spread of the others.
    let mut lists = vec![false; site.rule_lists.len()];
    let (special, plain): (Vec<&Peering>, Vec<&Peering>) = site.peerings.iter().partition(|peering| {
        let new = peering.rules.is_some_and(|id| !std::mem::replace(&mut lists[id.0], true));
        new || site.network(peering.to).masqueraded.is_some()
    });
    let half = spread(special, NETWORKS / 4);
    for peering in half.into_iter().chain(spread(plain, NETWORKS)) {
        let new: Vec<usize> =
            [peering.from.0, peering.to.0].into_iter().filter(|network| !chosen[*network]).collect();
        if new.len() <= room {
            room -= new.len();
            for network in new {
                chosen[network] = true;
            }
        }
    }
    let populated = chosen.iter().filter(|it| **it).count();
    let note = format!(
        "{populated} of the {count} networks have hosts and are tried; the others are there with the gateway's \
         interfaces, so that the gateway is set up as a whole"
    );
    (chosen, vec![note])
}
