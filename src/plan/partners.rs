//! Who has to do with whom, and by which address one network knows a host of another.
//!
//! Goes in: a [`Plan`]. Comes out: answers about pairs of networks. What must hold: whoever asks for
//! the address of a host gets the one that the rules translate, also where mappings nest.

use std::net::IpAddr;

use super::{Host, Mapping, Network, Plan};
use crate::model;
use crate::net::{self, Family};
use crate::source::Span;

/// A network's hosts that have names.
pub(super) fn hosts(network: &model::Network) -> Vec<Host> {
    let host = |host: &model::Host| Host {
        name: host.name.value.clone(),
        address: host.address.value,
        span: host.name.span,
    };
    network.hosts.iter().map(host).collect()
}

impl Plan {
    /// For each network those that it exchanges packets with, whichever of the two opens, in source
    /// order: places in [`Plan::networks`].
    #[must_use]
    pub fn partners(&self) -> Vec<Vec<usize>> {
        let mut partners: Vec<Vec<usize>> = vec![Vec::new(); self.networks.len()];
        for peering in &self.peerings {
            // Answers need a way as well.
            partners[peering.from].push(peering.to);
            partners[peering.to].push(peering.from);
        }
        for partners in &mut partners {
            partners.sort_unstable();
            partners.dedup();
        }
        partners
    }

    /// For each network those that it may open connections to, in source order, with the `connect`.
    #[must_use]
    pub fn callees(&self) -> Vec<Vec<(usize, Span)>> {
        let mut callees: Vec<Vec<(usize, Span)>> = vec![Vec::new(); self.networks.len()];
        for peering in self.peerings.iter().filter(|peering| self.opens(peering)) {
            callees[peering.from].push((peering.to, peering.span));
        }
        for callees in &mut callees {
            callees.sort_unstable_by_key(|(to, _)| *to);
        }
        callees
    }

    /// By which address hosts of `viewer` know the host of `owner` with this real address; `None`
    /// where they know it by none.
    #[must_use]
    pub fn known_as(&self, owner: usize, viewer: usize, real: IpAddr) -> Option<(IpAddr, &Mapping)> {
        self.mappings_to(owner, viewer).find_map(|piece| {
            let alias = net::mapped(&net::single(real), &piece.real, &piece.alias)?;
            Some((alias.addr(), piece))
        })
    }

    /// The real address of the host of `owner` that hosts of `viewer` mean by this one; `None` where
    /// they mean none of them.
    #[must_use]
    pub fn meant_by(&self, owner: usize, viewer: usize, alias: IpAddr) -> Option<(IpAddr, &Mapping)> {
        self.mappings_to(owner, viewer).find_map(|piece| {
            let real = net::mapped(&net::single(alias), &piece.alias, &piece.real)?;
            Some((real.addr(), piece))
        })
    }
}

impl Network {
    /// The gateway's first address of a family here; `None` where the site says none.
    #[must_use]
    pub fn gateway(&self, family: Family) -> Option<IpAddr> {
        let address = self.addresses.iter().find(|address| net::family(&address.net) == family)?;
        Some(address.net.addr())
    }
}
