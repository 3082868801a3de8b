//! Address arithmetic that `ipnet` lacks. Host bits are kept by [`IpNet`] and ignored here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

/// The family of a prefix.
#[must_use]
pub const fn family(net: &IpNet) -> Family {
    match net {
        IpNet::V4(_) => Family::V4,
        IpNet::V6(_) => Family::V6,
    }
}

/// The family of an address.
#[must_use]
pub const fn family_of(address: &IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

/// The address as a number; IPv4 in the low 32 bits.
#[must_use]
pub fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The address of a family with these bits; the upper ones are cut off for IPv4.
#[must_use]
pub fn from_bits(family: Family, bits: u128) -> IpAddr {
    match family {
        #[expect(clippy::cast_possible_truncation, reason = "an IPv4 address is the low 32 bits")]
        Family::V4 => IpAddr::V4(Ipv4Addr::from(bits as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(bits)),
    }
}

/// Width of an address in bits.
#[must_use]
pub const fn width(family: Family) -> u8 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

/// A prefix of `length` that holds `address`, with the host bits cleared; `None` if the family has
/// no such length.
#[must_use]
pub fn prefix(address: IpAddr, length: u8) -> Option<IpNet> {
    match address {
        IpAddr::V4(v4) => Ipv4Net::new(v4, length).ok().map(|net| IpNet::V4(net.trunc())),
        IpAddr::V6(v6) => Ipv6Net::new(v6, length).ok().map(|net| IpNet::V6(net.trunc())),
    }
}

/// The prefix of one address.
#[must_use]
pub fn single(address: IpAddr) -> IpNet {
    IpNet::from(address)
}

/// The prefix as a site would write it: one address without its length.
#[must_use]
pub fn written(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

/// Whether any address is in both: two prefixes overlap when one holds the other.
#[must_use]
pub fn overlap(a: &IpNet, b: &IpNet) -> bool {
    family(a) == family(b) && (a.contains(&b.network()) || b.contains(&a.network()))
}

/// The addresses in both, which is the longer of two prefixes that overlap.
#[must_use]
pub fn intersection(a: &IpNet, b: &IpNet) -> Option<IpNet> {
    overlap(a, b).then(|| if a.prefix_len() >= b.prefix_len() { a.trunc() } else { b.trunc() })
}

/// Where `inner`, a part of `from`, ends up when `from` is mapped 1:1 onto `to` of the same length.
#[must_use]
pub fn mapped(inner: &IpNet, from: &IpNet, to: &IpNet) -> Option<IpNet> {
    if from.prefix_len() != to.prefix_len() || !from.contains(inner) || family(from) != family(to) {
        return None;
    }
    let offset = bits(inner.network()) - bits(from.network());
    prefix(from_bits(family(to), bits(to.network()) + offset), inner.prefix_len())
}

/// `outer` without the prefixes in `holes`, as the fewest prefixes, in address order.
#[must_use]
pub fn without(outer: &IpNet, holes: &[IpNet]) -> Vec<IpNet> {
    let inside: Vec<IpNet> = holes.iter().filter(|hole| overlap(outer, hole)).copied().collect();
    if inside.is_empty() {
        return vec![outer.trunc()];
    }
    if inside.iter().any(|hole| hole.contains(outer)) {
        return Vec::new();
    }
    let half = outer.prefix_len() + 1;
    let upper = bits(outer.network()) | 1 << (width(family(outer)) - half);
    [bits(outer.network()), upper]
        .into_iter()
        .filter_map(|start| prefix(from_bits(family(outer), start), half))
        .flat_map(|part| without(&part, &inside))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{mapped, without};

    fn net(text: &str) -> ipnet::IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn a_mapping_keeps_host_bits() {
        let to = mapped(&net("192.168.0.77/32"), &net("192.168.0.0/24"), &net("10.64.2.0/24"));
        assert_eq!(to, Some(net("10.64.2.77/32")));
        assert_eq!(mapped(&net("192.168.0.0/25"), &net("192.168.0.0/24"), &net("10.64.2.0/25")), None);
        let to = mapped(&net("fd00::1:0/112"), &net("fd00::/64"), &net("fd64::/64"));
        assert_eq!(to, Some(net("fd64::1:0/112")));
    }

    #[test]
    fn a_hole_leaves_the_fewest_prefixes() {
        let rest = without(&net("10.0.0.0/30"), &[net("10.0.0.1/32")]);
        assert_eq!(rest, [net("10.0.0.0/32"), net("10.0.0.2/31")]);
        assert_eq!(without(&net("10.0.0.0/30"), &[net("10.0.0.0/8")]), []);
        assert_eq!(without(&net("10.0.0.0/30"), &[net("10.0.1.0/30")]), [net("10.0.0.0/30")]);
    }
}
