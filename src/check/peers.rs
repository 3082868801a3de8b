//! Which networks see each other's hosts.
//!
//! Goes in: the peerings. Comes out: for each network whom it sees and who sees it, sorted, each
//! once. Replies and errors come back by the caller's alias, so a peering in one direction shows both
//! sides to each other; but hosts of a masqueraded network see nobody: whoever calls them calls from
//! the gateway's own address.

use crate::model::{NetworkId, Site};

/// Who sees whom.
#[derive(Debug)]
pub(super) struct Peers {
    viewers: Vec<Vec<NetworkId>>,
}

impl Peers {
    pub(super) fn new(site: &Site) -> Self {
        let mut viewers = vec![Vec::new(); site.networks.len()];
        let mut sees = |viewer: NetworkId, seen: NetworkId| {
            if site.network(viewer).masqueraded.is_none() {
                viewers[seen.0].push(viewer);
            }
        };
        for peering in &site.peerings {
            sees(peering.from, peering.to);
            sees(peering.to, peering.from);
        }
        for list in &mut viewers {
            list.sort_unstable();
            list.dedup();
        }
        Self { viewers }
    }

    /// The networks whose hosts see those of this one, in order.
    pub(super) fn viewers(&self, network: NetworkId) -> &[NetworkId] {
        &self.viewers[network.0]
    }

    /// Whether `viewer` sees `network`.
    pub(super) fn sees(&self, viewer: NetworkId, network: NetworkId) -> bool {
        self.viewers(network).binary_search(&viewer).is_ok()
    }

    /// Whether one of two networks sees the other.
    pub(super) fn peered(&self, a: NetworkId, b: NetworkId) -> bool {
        self.sees(a, b) || self.sees(b, a)
    }
}

/// The first network that is in both sorted lists. It walks the shorter of the two.
pub(super) fn first_common(a: &[NetworkId], b: &[NetworkId]) -> Option<NetworkId> {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.iter().find(|candidate| long.binary_search(candidate).is_ok()).copied()
}
