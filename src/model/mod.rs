//! The site after names are resolved and values computed: entities by id, prefixes as numbers.
//!
//! Holds: every id points to a network, every expression is a value, lists are in source order (a
//! `for` unrolled in place). Does not hold yet: anything about addresses, ids or limits; the
//! contents may still contradict each other until [`crate::check`] has seen them.

use std::net::IpAddr;
use std::rc::Rc;

use ipnet::IpNet;

use crate::source::{Span, Spanned};

/// A network of a [`Site`]: its place in [`Site::networks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkId(pub usize);

/// One gateway and the networks attached to it.
#[derive(Clone, Debug)]
pub struct Site {
    /// `site NAME`, or `site` where nothing is said.
    pub name: String,
    /// The host that joins the networks.
    pub gateway: Gateway,
    /// All networks, in source order.
    pub networks: Vec<Network>,
    /// All peerings, one a direction, in source order, no pair twice.
    pub peerings: Vec<Peering>,
}

impl Site {
    /// The network of an id of this site.
    #[must_use]
    pub fn network(&self, id: NetworkId) -> &Network {
        &self.networks[id.0]
    }

    /// All networks with their ids.
    pub fn ids(&self) -> impl Iterator<Item = (NetworkId, &Network)> {
        self.networks.iter().enumerate().map(|(n, network)| (NetworkId(n), network))
    }
}

/// What is said of the gateway; `None` where nothing is.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    /// The host's name.
    pub name: Option<Spanned<String>>,
    /// The rule language of the emitted artefacts.
    pub firewall: Option<Spanned<Firewall>>,
    /// How routing is kept apart.
    pub isolation: Option<Spanned<Isolation>>,
    /// The packet mark bits the site may use.
    pub marks: Option<Spanned<u64>>,
    /// First and last preference for `ip rule`, both included.
    pub preferences: Option<Spanned<(u64, u64)>>,
    /// The routing protocol number that marks rules and routes as the site's own.
    pub protocol: Option<Spanned<u64>>,
    /// Addresses the host has outside the networks.
    pub addresses: Vec<GatewayAddress>,
}

/// `address ADDRESS/LENGTH on INTERFACE` in `gateway`.
#[derive(Clone, Debug)]
pub struct GatewayAddress {
    /// The address with the length of its on-link prefix; host bits are kept.
    pub address: Spanned<IpNet>,
    /// Its interface.
    pub interface: Spanned<String>,
}

/// The rule language of the packet filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Firewall {
    /// nft(8)
    #[default]
    Nftables,
    /// iptables-restore(8) and ip6tables-restore(8)
    Iptables,
}

/// How the networks' routing is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Isolation {
    /// A VRF device per network.
    #[default]
    Vrf,
    /// Policy rules alone, for kernels without VRF devices.
    Rules,
}

/// The values of the `for` variables around a declaration: `n = 17`. Empty outside of any `for`.
pub type Instance = Option<Rc<str>>;

/// A set of hosts behind one interface.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its name, computed; the span is the name as written.
    pub name: Spanned<String>,
    /// Which instance of a `for` it is.
    pub instance: Instance,
    /// The explicit id.
    pub id: Option<Spanned<u64>>,
    /// The interface its hosts are behind.
    pub interface: Spanned<String>,
    /// The gateway's own addresses here; host bits are kept.
    pub addresses: Vec<Spanned<IpNet>>,
    /// Its real prefixes and their aliases.
    pub prefixes: Vec<Prefix>,
    /// Prefixes behind routers of this network.
    pub routes: Vec<Route>,
    /// Named hosts.
    pub hosts: Vec<Host>,
}

/// `prefix REAL as ALIAS`
#[derive(Clone, Debug)]
pub struct Prefix {
    /// The hosts' own numbers; host bits are kept so that `check` can find them.
    pub real: Spanned<IpNet>,
    /// The numbers by which other networks know them.
    pub alias: Option<Spanned<IpNet>>,
    /// The whole statement.
    pub span: Span,
}

/// `route PREFIX via ROUTER`
#[derive(Clone, Debug)]
pub struct Route {
    /// What is behind the router.
    pub prefix: Spanned<IpNet>,
    /// The router's address in this network.
    pub via: Spanned<IpAddr>,
    /// The whole statement.
    pub span: Span,
}

/// `host NAME ADDRESS`
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name.
    pub name: Spanned<String>,
    /// Its real address.
    pub address: Spanned<IpAddr>,
}

/// Hosts of `from` may open connections to hosts of `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peering {
    /// Who opens.
    pub from: NetworkId,
    /// Who answers.
    pub to: NetworkId,
    /// The `connect` that says so.
    pub span: Span,
}

/// The name of a network's VRF device: `vrf-NAME`, or `vrf-ID` where that has more than the 15
/// bytes of an interface name or the name is a number, which could be another network's id. So no
/// two networks share one.
#[must_use]
pub fn vrf_name(name: &str, id: u16) -> String {
    let by_name = format!("vrf-{name}");
    if by_name.len() > INTERFACE_NAME_BYTES || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("vrf-{id}");
    }
    by_name
}

/// The longest interface name in bytes: the kernel's IFNAMSIZ without the zero at its end.
pub const INTERFACE_NAME_BYTES: usize = 15;

#[cfg(test)]
mod tests {
    use super::vrf_name;

    #[test]
    fn a_vrf_is_named_after_its_network_where_that_fits_and_is_unmistakable() {
        assert_eq!(vrf_name("inner", 100), "vrf-inner");
        assert_eq!(vrf_name("elevenbytes", 100), "vrf-elevenbytes");
        assert_eq!(vrf_name("twelve-bytes", 100), "vrf-100");
        assert_eq!(vrf_name("7", 100), "vrf-100");
    }
}
