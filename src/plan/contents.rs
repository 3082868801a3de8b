//! What connections depend on, as digests, so that a new version of the site can keep those that are the
//! same in it.
//!
//! Goes in: networks, peerings, policies and the mark fields. Comes out: a digest for each zone and for each
//! network. What must hold: whatever decides how a connection is translated, who may open it and which
//! packets belong to it is in the digest of its zone, and in that of one of its two networks. A zone
//! has connections of many pairs, and a network those with many partners; what changed is what is in both.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::zones::Zoning;
use super::{Mapping, MarkLayout, Network, Peering, Policy};
use crate::digest::Digest;

/// Says what is in each zone and what of it is about which network; `moved` has the zones that ids do not
/// give.
pub(super) fn digest(
    zoning: &mut Zoning,
    networks: &mut [Network],
    peerings: &[Peering],
    policies: &[Policy],
    marks: MarkLayout,
    moved: &BTreeMap<(usize, usize), u16>,
) {
    let base = frame(marks);
    let own: Vec<u64> = networks.iter().map(|network| network_digest(base, network)).collect();
    let maps: Vec<Maps> = networks.iter().map(Maps::new).collect();
    let policies: Vec<u64> = policies.iter().map(policy_digest).collect();
    let mut zones: BTreeMap<u16, u64> = zoning.zones.iter().map(|zone| (zone.number, 0)).collect();
    let mut contents = own.clone();
    // A sum does not depend on the order, so one `connect` more does not change what others are.
    let mut add = |zone: u16, digest: u64| {
        if let Some(content) = zones.get_mut(&zone) {
            *content = content.wrapping_add(digest);
        }
    };
    for (network, digest) in networks.iter().zip(&own) {
        add(network.own_zone, *digest);
    }
    for peering in peerings {
        let (from, to) = (peering.from, peering.to);
        let masquerade = networks[to].masquerade.as_ref();
        let sender = zoning.senders.get(&(from, to)).copied().filter(|_| masquerade.is_none());
        let pair = moved.get(&(from.min(to), from.max(to))).copied();
        let pair = match masquerade {
            Some(_) => networks[to].own_zone,
            None => pair.unwrap_or(networks[from].id ^ networks[to].id),
        };
        // The terms, without what the two networks are.
        let mut terms = Digest::default();
        for number in [networks[from].id, networks[to].id, pair, sender.unwrap_or(0)] {
            terms.number(u64::from(number));
        }
        terms.number(peering.policy.map_or(0, |policy| policies[policy]));
        terms.number(masquerade.map_or(0, |it| 1 + u64::from(it.apart.contains(&from))));
        let mut digest = terms;
        for (owner, viewer) in [(from, to), (to, from)] {
            digest.number(own[owner]);
            digest.number(maps[owner].seen_by(networks, owner, viewer));
        }
        for zone in [Some(pair), sender].into_iter().flatten() {
            add(zone, digest.finish());
        }
        contents[from] = contents[from].wrapping_add(terms.finish());
        // Connections with masqueraded hosts do not show who asked.
        let answering = if masquerade.is_some() { digest } else { terms };
        contents[to] = contents[to].wrapping_add(answering.finish());
    }
    for zone in &mut zoning.zones {
        zone.content = zones.get(&zone.number).copied().unwrap_or_default();
    }
    for ((network, content), maps) in networks.iter_mut().zip(contents).zip(&maps) {
        network.content = maps.all().fold(content, u64::wrapping_add);
    }
}

/// Connection marks name networks in the fields of packet marks.
fn frame(marks: MarkLayout) -> u64 {
    let mut digest = Digest::default();
    for field in [marks.source, marks.destination] {
        digest.number(u64::from(field.mask()));
    }
    digest.finish()
}

/// What all connections with a network depend on. (Writing to a digest cannot fail.)
fn network_digest(base: u64, network: &Network) -> u64 {
    let mut digest = Digest::default();
    digest.number(base);
    let _ = write!(digest, "{} {} {}", network.id, network.name, network.interface);
    for address in &network.addresses {
        let _ = write!(digest, " address {}", address.net);
    }
    for admitted in &network.admitted {
        let _ = write!(digest, " prefix {}", admitted.real);
    }
    for source in network.masquerade.iter().flat_map(|masquerade| &masquerade.sources) {
        let _ = write!(digest, " source {} {}", source.hosts, source.address);
    }
    digest.finish()
}

/// An odd number with bits all over (2^64 by the golden ratio), so that equal digests in different places differ.
const PLACE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Digests of what a network is known by: to everybody else, and to the viewers of each view.
struct Maps {
    common: u64,
    views: Vec<u64>,
}

impl Maps {
    fn new(network: &Network) -> Self {
        let views = network.views.iter().map(|view| mappings_digest(&view.mappings));
        Self { common: mappings_digest(&network.mappings), views: views.collect() }
    }

    /// All of them, by place.
    fn all(&self) -> impl Iterator<Item = u64> {
        let places = (1_u64..).map(|place| place.wrapping_mul(PLACE));
        std::iter::once(self.common)
            .chain(self.views.iter().copied().zip(places).map(|(view, place)| view ^ place))
    }

    fn seen_by(&self, networks: &[Network], owner: usize, viewer: usize) -> u64 {
        networks[owner].view_of.get(&viewer).map_or(self.common, |view| self.views[*view])
    }
}

fn mappings_digest(mappings: &[Mapping]) -> u64 {
    let mut digest = Digest::default();
    for mapping in mappings {
        let _ = write!(digest, "{} {} ", mapping.real, mapping.alias);
    }
    digest.finish()
}

/// What a list of rules says. A rule that was taken back would otherwise be asked no more about answers
/// that keep coming.
fn policy_digest(policy: &Policy) -> u64 {
    let mut digest = Digest::default();
    for rule in &policy.rules {
        let _ = write!(digest, "{:?} {:?}", rule.action, rule.service);
        for (word, nets) in [("from", &rule.from), ("to", &rule.to)] {
            for net in nets {
                let _ = write!(digest, " {word} {}", net.value);
            }
        }
        let _ = digest.write_char('\n');
    }
    // Not the number of a pair without rules.
    digest.finish() | 1
}
