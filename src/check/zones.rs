//! The conntrack zones that ids alone do not give.
//!
//! Goes in: the sound mappings, who sees them, and the ids. Comes out: another zone for some pairs of networks, and
//! the zones of what comes from a network and is not of a pair, or a finding if there is none left. What must
//! hold: no two flows of different pairs have one zone and one key; what is for no other network is in no pair's zone.
//!
//! A pair is one vertex: its zone serves both directions. It has two sets of keys, (real address
//! in A, number of B in the eyes of A) and the same the other way round, for the reply to a packet
//! of one is looked up in the other, and each is the original key of a connection and the reply key of
//! one in the other direction. Two pairs conflict if a key of one is a key of the other. Among pairs
//! that have a network in common there is such a key as soon as the two partners have equal real
//! prefixes. Among others there is one only where a number is claimed by several owners (a
//! *contested* number), each for other viewers, and two of those viewers have equal real prefixes.
//!
//! `id xor id` colours the first kind properly, so a pair keeps it unless a pair before it has the same
//! number and a contested number in common. Those that cannot keep it get a number that no id and no
//! pair has, found by first fit in the order of the networks: the smallest in a row of free numbers
//! that no conflicting pair before it has. First fit takes at most one number more than the most
//! conflicts of one pair (Welsh and Powell, 1967). Everything costs what the contested numbers' viewers are.
//!
//! The gateway's own traffic with a network has a zone that no pair has, for in it is, too, whatever comes from
//! there and is for nobody: a packet that is never let through still meets conntrack, and in the zone of
//! two others, with their numbers, it could end their connection. That zone is the id and 32768, so that
//! it stays when networks are connected, or a free number where another has that. What comes from masqueraded
//! hosts and is not for the gateway has a zone apart from their answers, among which are their askers' numbers.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::audience::Audience;
use super::errors::numbers::{NoOwnZoneLeft, NoZoneLeft};
use super::overlaps::{group, sweep};
use super::peers::Peers;
use super::prefixes::Mapping;
use crate::diag::Reporter;
use crate::model::{NetworkId, Site};
use crate::net::{self, Family};

/// Two networks, in the order of the site.
pub(super) type Pair = (NetworkId, NetworkId);

/// The zones of the pairs that cannot have the one that their ids give.
pub(super) type Moved = BTreeMap<Pair, u16>;

/// The zones that ids alone do not give.
#[derive(Clone, Debug, Default)]
pub(super) struct Zones {
    pub(super) moved: Moved,
    /// For each network the zone of the gateway's own traffic with it.
    pub(super) own: Vec<u16>,
    /// For each network the zone of what comes from it for nobody.
    pub(super) stray: Vec<u16>,
}

/// What is added to an id for the zone of the gateway's own traffic.
const OWN: u16 = 0x8000;

/// Numbers of zones: a bit for each.
struct Numbers(Vec<u64>);

impl Numbers {
    fn insert(&mut self, number: u16) {
        self.0[usize::from(number / 64)] |= 1 << (number % 64);
    }

    fn contains(&self, number: u16) -> bool {
        self.0[usize::from(number / 64)] >> (number % 64) & 1 == 1
    }
}

impl FromIterator<u16> for Numbers {
    fn from_iter<I: IntoIterator<Item = u16>>(numbers: I) -> Self {
        let mut all = Self(vec![0; 1024]);
        numbers.into_iter().for_each(|number| all.insert(number));
        all
    }
}

/// A number by a viewer's real prefixes: two pairs that have one of these in common may share a key.
type Key = (usize, usize);

/// Finds the zones, and the pairs that need another one.
pub(super) fn check(
    site: &Site,
    (peers, audience): (&Peers, &Audience),
    (ids, apart): (&[u16], &[Vec<NetworkId>]),
    mappings: &[Mapping],
    reporter: &mut Reporter<'_>,
) -> Zones {
    let masqueraded = |(a, b): Pair| [a, b].into_iter().find(|it| site.network(*it).masqueraded.is_some());
    let pairs = site.peerings.iter().map(|it| (it.from, it.to)).filter(|pair| masqueraded(*pair).is_none());
    let mut used: Numbers = pairs.map(|(a, b)| ids[a.0] ^ ids[b.0]).chain(ids.iter().copied()).collect();
    let (own, stray) = match like_no_pair(site, ids, &mut used) {
        Ok(zones) => zones,
        Err(network) => {
            let network = &site.network(network).name;
            reporter.report(NoOwnZoneLeft { network: &network.value, span: network.span }, None);
            return Zones::default();
        }
    };
    // What goes to a masqueraded network has that network's zone, or none for those who are apart.
    let zone = |(a, b): Pair| match masqueraded((a, b)) {
        Some(to) if apart[to.0].contains(&a) || apart[to.0].contains(&b) => 0,
        Some(to) => own[to.0],
        None => ids[a.0] ^ ids[b.0],
    };
    let pairs = contested(site, peers, audience, mappings);
    let mut taken: HashMap<(Key, u16), Pair> = HashMap::new();
    let mut moved: Vec<(Pair, &Vec<Key>)> = Vec::new();
    // A masqueraded network's zone is given, and the others stay out of it.
    let (fixed, free): (Vec<_>, Vec<_>) = pairs.iter().partition(|(pair, _)| masqueraded(**pair).is_some());
    for (pair, keys) in fixed.into_iter().chain(free) {
        let given = zone(*pair);
        // Who opens connections to one masqueraded network is kept apart already.
        let stranger =
            |earlier: &Pair| masqueraded(*pair).is_none() || masqueraded(*pair) != masqueraded(*earlier);
        if keys.iter().all(|key| taken.get(&(*key, given)).is_none_or(|earlier| !stranger(earlier))) {
            taken.extend(keys.iter().map(|key| ((*key, given), *pair)));
        } else if masqueraded(*pair).is_some() {
            none_left(site, *pair, given, reporter);
            return Zones::default();
        } else {
            moved.push((*pair, keys));
        }
    }
    match first_fit(&moved, &used) {
        Ok(moved) => Zones { moved, own, stray },
        Err(pair) => {
            none_left(site, pair, zone(pair), reporter);
            Zones::default()
        }
    }
}

/// For each network a zone for the gateway's own traffic, and one for what is for nobody; they are added to those
/// that are in use. The network for which none is left otherwise.
fn like_no_pair(site: &Site, ids: &[u16], used: &mut Numbers) -> Result<(Vec<u16>, Vec<u16>), NetworkId> {
    let wish = |id: &u16| (*id < OWN).then_some(*id | OWN).filter(|zone| !used.contains(*zone));
    let wishes: Vec<Option<u16>> = ids.iter().map(wish).collect();
    wishes.iter().flatten().for_each(|zone| used.insert(*zone));
    let mut numbers = (1..=u16::MAX).rev();
    let mut next = |network| {
        let free = numbers.find(|number| !used.contains(*number)).ok_or(NetworkId(network))?;
        used.insert(free);
        Ok(free)
    };
    let own = wishes.into_iter().enumerate();
    let own: Vec<u16> = own.map(|(n, wish)| wish.map_or_else(|| next(n), Ok)).collect::<Result<_, _>>()?;
    let stray = own.iter().enumerate().map(|(n, own)| match site.networks[n].masqueraded {
        Some(_) => next(n),
        None => Ok(*own),
    });
    let stray = stray.collect::<Result<_, _>>()?;
    Ok((own, stray))
}

fn none_left(site: &Site, pair: Pair, zone: u16, reporter: &mut Reporter<'_>) {
    let name = |id: NetworkId| site.network(id).name.value.as_str();
    let is_pair = |from, to| (from, to) == pair || (to, from) == pair;
    if let Some(peering) = site.peerings.iter().find(|it| is_pair(it.from, it.to)) {
        let networks = (name(pair.0), name(pair.1));
        let zone = (zone != 0).then_some(zone);
        reporter.report(NoZoneLeft { networks, zone, span: peering.span }, None);
    }
}

/// Colours that are in use.
#[derive(Default)]
struct Colours {
    used: HashSet<usize>,
    /// All below are in use.
    first_free: usize,
}

impl Colours {
    fn add(&mut self, colour: usize) {
        self.used.insert(colour);
        while self.used.contains(&self.first_free) {
            self.first_free += 1;
        }
    }
}

/// Colours pairs in their order with numbers that are not in use, from 65535 downwards; the pair
/// for which none is left otherwise.
fn first_fit(pairs: &[(Pair, &Vec<Key>)], used: &Numbers) -> Result<Moved, Pair> {
    let numbers: Vec<u16> = (1..=u16::MAX).rev().filter(|number| !used.contains(*number)).collect();
    // Colours of pairs with this network, and of pairs with this key.
    let mut by_network: HashMap<NetworkId, Colours> = HashMap::new();
    let mut by_key: HashMap<Key, Colours> = HashMap::new();
    let mut moved = Moved::new();
    for (pair, keys) in pairs {
        let (a, b) = *pair;
        let near = [a, b].into_iter().filter_map(|network| by_network.get(&network));
        let neighbours: Vec<&Colours> = near.chain(keys.iter().filter_map(|key| by_key.get(key))).collect();
        let start = neighbours.iter().map(|colours| colours.first_free).max().unwrap_or(0);
        let free = |colour: &usize| !neighbours.iter().any(|colours| colours.used.contains(colour));
        let colour = (start..numbers.len()).find(free).ok_or(*pair)?;
        moved.insert(*pair, numbers[colour]);
        for network in [a, b] {
            by_network.entry(network).or_default().add(colour);
        }
        for key in *keys {
            by_key.entry(*key).or_default().add(colour);
        }
    }
    Ok(moved)
}

/// The pairs that use a contested number, with their keys; not those of two networks that know each
/// other by one number in a family: no zone for both directions can serve these.
fn contested(
    site: &Site,
    peers: &Peers,
    audience: &Audience,
    mappings: &[Mapping],
) -> BTreeMap<Pair, Vec<Key>> {
    let seen = |n: &usize| !audience.of(&mappings[*n], peers).is_empty();
    let groups = group((0..mappings.len()).filter(seen).map(|n| (mappings[n].known(), n)));
    let nets: Vec<_> = groups.iter().map(|found| found.net).collect();
    // A number is told by the narrowest prefix that it is in: whoever has a wider one claims it, too.
    let mut claims: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
    sweep(&nets, |n, open| {
        claims[n] = open.iter().chain([&n]).flat_map(|place| &groups[*place].members).copied().collect();
    });
    let mut pairs: BTreeMap<Pair, Vec<Key>> = BTreeMap::new();
    let mut sharing: HashSet<(Pair, Family)> = HashSet::new();
    let mut kinds: Option<Vec<usize>> = None;
    for (number, claims) in claims.iter().enumerate() {
        let owner = |n: &usize| mappings[*n].network;
        if claims.iter().all(|n| owner(n) == owner(&claims[0])) {
            continue;
        }
        let kinds = kinds.get_or_insert_with(|| kinds_of_hosts(site, mappings));
        let mut directions: HashSet<(NetworkId, NetworkId)> = HashSet::new();
        for n in claims {
            for viewer in audience.of(&mappings[*n], peers) {
                let (from, to) = (*viewer, owner(n));
                let pair = (from.min(to), from.max(to));
                directions.insert((from, to));
                if directions.contains(&(to, from)) {
                    sharing.insert((pair, net::family(&nets[number])));
                }
                pairs.entry(pair).or_default().push((number, kinds[from.0]));
            }
        }
    }
    pairs.retain(|pair, keys| {
        keys.retain(|(number, _)| !sharing.contains(&(*pair, net::family(&nets[*number]))));
        keys.sort_unstable();
        keys.dedup();
        !keys.is_empty()
    });
    pairs
}

/// For each network a number that it has in common with all whose real prefixes overlap its own.
fn kinds_of_hosts(site: &Site, mappings: &[Mapping]) -> Vec<usize> {
    let mut leader: Vec<usize> = (0..site.networks.len()).collect();
    fn find(leader: &mut [usize], mut network: usize) -> usize {
        while leader[network] != network {
            leader[network] = leader[leader[network]];
            network = leader[network];
        }
        network
    }
    let groups = group(mappings.iter().map(|mapping| (mapping.real, mapping.network.0)));
    let nets: Vec<_> = groups.iter().map(|found| found.net).collect();
    sweep(&nets, |n, open| {
        let first = groups[*open.last().unwrap_or(&n)].members[0];
        for network in &groups[n].members {
            let (a, b) = (find(&mut leader, first), find(&mut leader, *network));
            leader[a.max(b)] = a.min(b);
        }
    });
    (0..leader.len()).map(|network| find(&mut leader, network)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Key, Numbers, Pair, first_fit};
    use crate::model::NetworkId;

    fn pair(a: usize, b: usize) -> Pair {
        (NetworkId(a), NetworkId(b))
    }

    #[test]
    fn first_fit_takes_few_numbers_and_none_that_is_used() {
        let (one, two): (Vec<Key>, Vec<Key>) = (vec![(0, 0)], vec![(1, 0)]);
        let used: Numbers = [65535, 65533].into_iter().collect();
        // Two that have a key in common, one that has none, and one that has a network in common.
        let pairs = [(pair(0, 1), &one), (pair(2, 3), &one), (pair(4, 5), &two), (pair(0, 5), &two)];
        let moved = first_fit(&pairs, &used).unwrap();
        let zones: Vec<u16> = pairs.iter().map(|(pair, _)| moved[pair]).collect();
        assert_eq!(zones, [65534, 65532, 65534, 65532]);
    }

    #[test]
    fn the_pair_that_finds_no_number_is_told() {
        let key: Vec<Key> = vec![(0, 0)];
        let used: Numbers = (3..=u16::MAX).collect();
        let pairs = [(pair(0, 1), &key), (pair(2, 3), &key), (pair(4, 5), &key)];
        assert_eq!(first_fit(&pairs[..2], &used).unwrap().into_values().collect::<Vec<_>>(), [2, 1]);
        assert_eq!(first_fit(&pairs, &used), Err(pair(4, 5)));
    }
}
