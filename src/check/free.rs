//! Free prefixes for the help of findings.
//!
//! Goes in: every prefix the site has anything to do with. Comes out: private prefixes that overlap
//! none of them. What must hold: no prefix is suggested twice in one run, so that all suggestions
//! can be followed at once.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::model::Site;
use crate::net::{self, Family};

/// Where aliases can come from: RFC 1918 and RFC 4193, the roomiest first.
const PRIVATE: [(&str, Family); 4] = [
    ("10.0.0.0/8", Family::V4),
    ("172.16.0.0/12", Family::V4),
    ("192.168.0.0/16", Family::V4),
    ("fd00::/8", Family::V6),
];

/// What is taken, made when it is needed for the first time.
pub(super) struct FreeSpace<'a> {
    site: &'a Site,
    /// Ranges that do not touch, first address to last.
    taken: Option<BTreeMap<(Family, u128), u128>>,
}

impl<'a> FreeSpace<'a> {
    pub(super) fn new(site: &'a Site) -> Self {
        Self { site, taken: None }
    }

    /// A prefix of the same family and length that nothing uses: the next one behind `beside` in
    /// its private range, or else the first one of any. It is taken from then on. None where the site is not whole.
    pub(super) fn take(&mut self, beside: &IpNet) -> Option<IpNet> {
        // What could not be read may have the numbers that seem to be free.
        if !self.site.is_whole {
            return None;
        }
        let site = self.site;
        let taken = self.taken.get_or_insert_with(|| everything(site));
        let family = net::family(beside);
        let ranges =
            PRIVATE.iter().filter(|(_, of)| *of == family).filter_map(|(range, _)| range.parse().ok());
        let ranges: Vec<IpNet> = ranges.collect();
        let own = ranges.iter().find(|range| range.contains(beside));
        let behind =
            own.and_then(|range| first_free(taken, range, beside.prefix_len(), net::bits(beside.network())));
        let found = behind.or_else(|| {
            let start = |range: &IpNet| net::bits(range.network());
            ranges.iter().find_map(|range| first_free(taken, range, beside.prefix_len(), start(range)))
        })?;
        take(taken, &found);
        Some(found)
    }
}

/// The first free prefix of a length in `range` at or behind `from`.
fn first_free(
    taken: &BTreeMap<(Family, u128), u128>,
    range: &IpNet,
    length: u8,
    from: u128,
) -> Option<IpNet> {
    if length < range.prefix_len() {
        return None;
    }
    let family = net::family(range);
    let end = net::bits(range.broadcast());
    let size = 1_u128.checked_shl(u32::from(net::width(family) - length))?;
    let mut start = from;
    while start <= end {
        let last = start + (size - 1);
        match taken.range((family, 0)..=(family, last)).next_back() {
            Some((_, taken_to)) if *taken_to >= start => {
                // The next multiple of the size behind what is taken.
                start = (taken_to / size + 1).checked_mul(size)?;
            }
            // A host that ends in 0 or 255 works, but looks like a mistake.
            _ if size == 1 && matches!(start & 0xff, 0 | 0xff) => start = start.checked_add(1)?,
            _ => return net::prefix(net::from_bits(family, start), length),
        }
    }
    None
}

fn take(taken: &mut BTreeMap<(Family, u128), u128>, net: &IpNet) {
    let family = net::family(net);
    let (mut start, mut end) = (net::bits(net.network()), net::bits(net.broadcast()));
    // Ranges that touch or overlap become one.
    while let Some(((_, from), to)) = taken.range((family, 0)..=(family, end.saturating_add(1))).next_back() {
        if to.saturating_add(1) < start {
            break;
        }
        let from = *from;
        (start, end) = (start.min(from), end.max(*to));
        taken.remove(&(family, from));
    }
    taken.insert((family, start), end);
}

fn everything(site: &Site) -> BTreeMap<(Family, u128), u128> {
    let mut taken = BTreeMap::new();
    for address in &site.gateway.addresses {
        take(&mut taken, &address.address.value);
    }
    for network in &site.networks {
        let prefixes = network.prefixes.iter().flat_map(|prefix| {
            std::iter::once(prefix.real.value).chain(prefix.aliases.iter().map(|alias| alias.net.value))
        });
        let addresses = network.addresses.iter().map(|address| address.value);
        let routes = network.routes.iter().map(|route| route.prefix.value);
        for net in prefixes.chain(addresses).chain(routes).filter(|net| net.prefix_len() > 0) {
            take(&mut taken, &net);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{first_free, take};
    use crate::net;

    #[test]
    fn a_free_prefix_lies_behind_everything_that_is_taken() {
        let net = |text: &str| text.parse::<ipnet::IpNet>().unwrap();
        let mut taken = BTreeMap::new();
        for used in ["10.0.0.0/24", "10.0.2.0/25", "10.0.1.0/24", "10.0.2.200/32", "fd00::/64"] {
            take(&mut taken, &net(used));
        }
        assert_eq!(taken.len(), 3, "neighbours are one range: {taken:?}");
        let find = |length, from: &str| {
            first_free(&taken, &net("10.0.0.0/8"), length, net::bits(from.parse().unwrap()))
                .map(|net| net.to_string())
        };
        assert_eq!(find(24, "10.0.0.0").as_deref(), Some("10.0.3.0/24"));
        assert_eq!(find(26, "10.0.0.0").as_deref(), Some("10.0.2.128/26"));
        assert_eq!(find(32, "10.0.2.0").as_deref(), Some("10.0.2.128/32"));
        assert_eq!(find(32, "10.0.2.255").as_deref(), Some("10.0.3.1/32"));
        assert_eq!(find(9, "10.0.0.0").as_deref(), Some("10.128.0.0/9"));
        assert_eq!(find(8, "10.0.0.0"), None);
        assert_eq!(find(7, "10.0.0.0"), None);
    }
}
