//! Each prefix for itself: real and alias fit each other and can be used at all.
//!
//! Goes in: the site. Comes out: a [`Mapping`] for each alias of a prefix that is sound, or for the
//! prefix itself where it has none; only those take part in further checks, so that one mistake is
//! found once. What must hold of a mapping: real and
//! alias have one family and one length, no host bits, and hold ordinary unicast addresses.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::errors::prefixes::{HostBitsSet, MixedFamilies, UnequalLength, UnusablePrefix};
use crate::diag::Reporter;
use crate::model::{Alias, Network, NetworkId, Prefix, Site};
use crate::net;
use crate::source::{Span, Spanned};

/// A sound `prefix` statement with one of its aliases.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapping {
    /// Whose it is.
    pub(super) network: NetworkId,
    /// Its place in [`Network::prefixes`].
    pub(super) index: usize,
    /// The place of the alias; `None` where none is written.
    pub(super) place: Option<usize>,
    /// The hosts' own numbers.
    pub(super) real: IpNet,
    /// The numbers the others know, where they differ from the real ones.
    pub(super) alias: Option<IpNet>,
}

impl Mapping {
    /// The numbers by which the others know these hosts.
    pub(super) fn known(&self) -> IpNet {
        self.alias.unwrap_or(self.real)
    }

    /// The statement.
    pub(super) fn prefix<'a>(&self, site: &'a Site) -> &'a Prefix {
        &self.owner(site).prefixes[self.index]
    }

    /// The network.
    pub(super) fn owner<'a>(&self, site: &'a Site) -> &'a Network {
        site.network(self.network)
    }

    /// The alias as written, even one that is the real prefix itself.
    pub(super) fn written<'a>(&self, site: &'a Site) -> Option<&'a Alias> {
        self.place.map(|place| &self.prefix(site).aliases[place])
    }

    /// Whether it is for everybody whom no other alias of the prefix names.
    pub(super) fn is_common(&self, site: &Site) -> bool {
        self.written(site).is_none_or(|alias| alias.viewers.is_none())
    }

    /// Where the numbers that the others know are written.
    pub(super) fn known_span(&self, site: &Site) -> Span {
        self.written(site).map_or(self.prefix(site).real.span, |alias| alias.net.span)
    }
}

/// What is sound, and whose list is complete.
#[derive(Debug)]
pub(super) struct Sound {
    /// In source order.
    pub(super) mappings: Vec<Mapping>,
    /// For each network, whether all its prefixes are sound.
    pub(super) complete: Vec<bool>,
}

/// Checks every prefix for itself.
pub(super) fn check(site: &Site, reporter: &mut Reporter<'_>) -> Sound {
    let mut mappings = Vec::new();
    let mut complete = vec![true; site.networks.len()];
    for (id, network) in site.ids() {
        for (index, prefix) in network.prefixes.iter().enumerate() {
            if !is_sound(network, prefix, reporter) {
                complete[id.0] = false;
                continue;
            }
            let real = prefix.real.value.trunc();
            if prefix.aliases.is_empty() {
                mappings.push(Mapping { network: id, index, place: None, real, alias: None });
            }
            for (place, alias) in prefix.aliases.iter().enumerate() {
                let alias = Some(alias.net.value.trunc()).filter(|alias| *alias != real);
                mappings.push(Mapping { network: id, index, place: Some(place), real, alias });
            }
        }
    }
    Sound { mappings, complete }
}

fn is_sound(network: &Network, prefix: &Prefix, reporter: &mut Reporter<'_>) -> bool {
    let mut sound = is_usable(network, prefix.real, reporter);
    for alias in &prefix.aliases {
        sound &= fits(network, prefix.real, alias.net, reporter);
    }
    sound
}

/// Whether an alias can be used at all, and for this prefix.
fn fits(network: &Network, real: Spanned<IpNet>, alias: Spanned<IpNet>, reporter: &mut Reporter<'_>) -> bool {
    let (from, to) = (real.value, alias.value);
    let instance = network.instance.as_deref();
    if net::family(&from) != net::family(&to) {
        reporter.report(MixedFamilies { first: real, second: alias }, instance);
        return false;
    }
    if from.prefix_len() != to.prefix_len() {
        let wanted = net::prefix(to.addr(), from.prefix_len()).unwrap_or(to);
        // Inside a `for` one text would be wrong for all instances but one.
        let exact = network.instance.is_none();
        reporter.report(UnequalLength { real, alias, wanted, exact }, instance);
        return false;
    }
    is_usable(network, alias, reporter)
}

/// Whether a prefix is a network address and holds nothing but ordinary unicast addresses.
pub(super) fn is_usable(network: &Network, net: Spanned<IpNet>, reporter: &mut Reporter<'_>) -> bool {
    let instance = network.instance.as_deref();
    if net.value.prefix_len() == 0 {
        let what = "every address there is";
        reporter.report(UnusablePrefix { net: net.value, span: net.span, what, part: None }, instance);
        return false;
    }
    if net.value != net.value.trunc() {
        let exact = network.instance.is_none();
        reporter.report(HostBitsSet { net: net.value, span: net.span, exact }, instance);
        return false;
    }
    if let Some((part, what)) = special(&net.value) {
        let part = (part != net.value).then_some(part);
        reporter.report(UnusablePrefix { net: net.value, span: net.span, what, part }, instance);
        return false;
    }
    true
}

/// The part of a prefix whose addresses no host of a network can have, and what they are instead:
/// RFC 6890 and ip(7).
fn special(net: &IpNet) -> Option<(IpNet, &'static str)> {
    let v4 = |a, b, length, what| (IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), length)), what);
    let v6 = |address: Ipv6Addr, length, what| (IpNet::V6(Ipv6Net::new_assert(address, length)), what);
    let table = match net {
        IpNet::V4(_) => vec![
            v4(0, 0, 8, "\"this network\""),
            v4(127, 0, 8, "loopback"),
            v4(169, 254, 16, "link-local"),
            v4(224, 0, 4, "multicast"),
            v4(240, 0, 4, "reserved"),
        ],
        IpNet::V6(_) => vec![
            v6(Ipv6Addr::UNSPECIFIED, 128, "unspecified"),
            v6(Ipv6Addr::LOCALHOST, 128, "loopback"),
            v6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, "IPv4-mapped"),
            v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
            v6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
        ],
    };
    table.into_iter().find_map(|(range, what)| Some((net::intersection(&range, net)?, what)))
}
