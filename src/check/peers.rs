//! Which networks see each other: peered in at least one direction.
//!
//! Goes in: the peerings. Comes out: each network's peers, sorted, each once. Replies and errors
//! come back by the caller's alias, so a peering in one direction shows both sides to each other.

use crate::model::{NetworkId, Site};

/// The peers of every network.
#[derive(Debug)]
pub(super) struct Peers {
    lists: Vec<Vec<NetworkId>>,
}

impl Peers {
    pub(super) fn new(site: &Site) -> Self {
        let mut lists = vec![Vec::new(); site.networks.len()];
        for peering in &site.peerings {
            lists[peering.from.0].push(peering.to);
            lists[peering.to.0].push(peering.from);
        }
        for list in &mut lists {
            list.sort_unstable();
            list.dedup();
        }
        Self { lists }
    }

    /// Whether the network takes part in any peering.
    pub(super) fn has_any(&self, network: NetworkId) -> bool {
        !self.lists[network.0].is_empty()
    }

    /// Whether two networks see each other.
    pub(super) fn peered(&self, a: NetworkId, b: NetworkId) -> bool {
        self.lists[a.0].binary_search(&b).is_ok()
    }

    /// The first network that sees both.
    pub(super) fn common(&self, a: NetworkId, b: NetworkId) -> Option<NetworkId> {
        self.first_peer(a, &self.lists[b.0])
    }

    /// The first of the sorted `networks` that `network` sees. It walks the shorter of the two lists.
    pub(super) fn first_peer(&self, network: NetworkId, networks: &[NetworkId]) -> Option<NetworkId> {
        let own = &self.lists[network.0];
        let (short, long) =
            if own.len() < networks.len() { (own.as_slice(), networks) } else { (networks, own.as_slice()) };
        short.iter().find(|candidate| long.binary_search(candidate).is_ok()).copied()
    }
}
