//! Which networks see each other's hosts.
//!
//! Goes in: the peerings. Comes out: answers to who sees whom. What must hold: the lists that
//! [`Site::viewers`] gives are sorted.

use crate::model::{NetworkId, Site};

/// Who sees whom.
#[derive(Debug)]
pub(super) struct Peers {
    viewers: Vec<Vec<NetworkId>>,
}

impl Peers {
    pub(super) fn new(site: &Site) -> Self {
        Self { viewers: site.viewers() }
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
