//! Which networks have a number for their own.
//!
//! Goes in: the networks, with the prefixes of their hosts. Comes out: for a prefix, the networks that have
//! hosts or the gateway there. What must hold: asking takes no longer the more networks there are
//! elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::Network;

/// The real prefixes of all networks, each once.
pub(super) struct Reals {
    networks: BTreeMap<IpNet, Vec<usize>>,
    lengths: BTreeSet<u8>,
}

impl Reals {
    pub(super) fn new(networks: &[Network]) -> Self {
        let mut reals = Self { networks: BTreeMap::new(), lengths: BTreeSet::new() };
        for (place, network) in networks.iter().enumerate() {
            let own = network.addresses.iter().map(|address| address.net.trunc());
            for real in network.admitted.iter().map(|admitted| admitted.real).chain(own) {
                reals.lengths.insert(real.prefix_len());
                let here = reals.networks.entry(real).or_default();
                if here.last() != Some(&place) {
                    here.push(place);
                }
            }
        }
        reals
    }

    /// The networks whose own numbers overlap a prefix: places, some perhaps more than once.
    pub(super) fn overlapping(&self, prefix: IpNet) -> impl Iterator<Item = usize> + '_ {
        let wider = self.lengths.iter().take_while(move |length| **length < prefix.prefix_len());
        let wider = wider
            .filter_map(move |length| self.networks.get(&IpNet::new(prefix.addr(), *length).ok()?.trunc()));
        let within =
            self.networks.range(prefix.trunc()..).take_while(move |(real, _)| prefix.contains(*real));
        wider.chain(within.map(|(_, networks)| networks)).flatten().copied()
    }
}
