//! The packet sizes of `mss clamp`.
//!
//! Goes in: the site. Comes out: findings. What must hold afterwards: a size is one that an IP packet
//! of the network's families can have on a link that carries them.

use super::errors::numbers::PacketSizeOutOfRange;
use crate::diag::Reporter;
use crate::model::{Mss, Network, Site};
use crate::net::{self, Family};

/// What every IPv4 host must take (RFC 791, 3.1) and every IPv6 link must carry (RFC 8200, 5).
const LEAST_V4: u64 = 576;
const LEAST_V6: u64 = 1280;

/// The longest IP packet: its length has 16 bits.
const MOST: u64 = 65_535;

/// Looks at each network's limit.
pub(super) fn check(site: &Site, reporter: &mut Reporter<'_>) {
    for network in &site.networks {
        let Some(mss) = network.mss else { continue };
        let least = if speaks_v6(network) { LEAST_V6 } else { LEAST_V4 };
        if let Mss::Packet(size) = mss.value
            && !(least..=MOST).contains(&size)
        {
            let found = PacketSizeOutOfRange { size, span: mss.span, network: &network.name.value, least };
            reporter.report(found, network.instance.as_deref());
        }
    }
}

fn speaks_v6(network: &Network) -> bool {
    network.prefixes.iter().any(|prefix| net::family(&prefix.real.value) == Family::V6)
}
