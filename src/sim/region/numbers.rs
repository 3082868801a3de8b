//! Numbers that the standards give a meaning.
//!
//! Goes in: nothing, these are tables. Comes out: types of ICMP and ranges of addresses. What must hold: they are
//! what the kernel does by itself, and no rule has to say.

use super::{Octets, Range};

/// The messages that open an exchange: RFC 792, RFC 4443, RFC 4620; `nf_conntrack_proto_icmp.c`. All other
/// messages are errors about a connection, answers, or of no connection.
#[must_use]
pub fn opens(v4: bool) -> Octets {
    if v4 { Octets::of(&[8, 13, 15, 17]) } else { Octets::of(&[128, 139]) }
}

/// The messages that conntrack takes for errors.
#[must_use]
pub fn errors(v4: bool) -> Octets {
    if v4 { Octets::of(&[3, 4, 5, 11, 12]) } else { Octets::of(&[1, 2, 3, 4]) }
}

// RFC 1122, 3.2.1.3, and RFC 1112: this network, this host, groups, all hosts.
pub(super) const NO_HOSTS_V4: [Range; 4] =
    [(0, 0x00ff_ffff), (0x7f00_0000, 0x7fff_ffff), (0xe000_0000, 0xefff_ffff), (0xffff_ffff, 0xffff_ffff)];
// RFC 4291, 2.5 to 2.7: unspecified and loopback, link-local, groups.
pub(super) const NO_HOSTS_V6: [Range; 3] =
    [(0, 1), (0xfe80 << 112, (0xfec0 << 112) - 1), (0xff00 << 112, u128::MAX)];

/// Numbers that no host on a wire has, so that no router passes on what is from them or for them.
#[must_use]
pub fn no_hosts(v4: bool) -> &'static [Range] {
    if v4 { &NO_HOSTS_V4 } else { &NO_HOSTS_V6 }
}

/// Numbers that are the same on every link: those that hosts give themselves (RFC 3927; RFC 4291, 2.5.6).
#[must_use]
pub fn of_link(v4: bool) -> &'static [Range] {
    const V4: [Range; 1] = [(0xa9fe_0000, 0xa9fe_ffff)];
    const V6: [Range; 1] = [(0xfe80 << 112, (0xfe80 << 112) + u64::MAX as u128)];
    if v4 { &V4 } else { &V6 }
}
