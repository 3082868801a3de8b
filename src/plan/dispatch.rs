//! Whom a known address means, to whom.
//!
//! Most known prefixes are one network's for everybody. Where a number means different networks to
//! different viewers, or nobody to some of them, or where a viewer's connections need a zone that the
//! marks do not give, it depends on who asks. Prefixes that overlap are cut into pieces that are
//! disjoint, each with all that is claimed of it, as neither nft's interval maps nor a tree of
//! prefixes has a longest match across them.
//!
//! A number that several networks claim means one of them to those that see it under that number,
//! and nobody to all others; so does one that another network, which does not see it, has for its own: what
//! its hosts send there is for the gateway. Any other number may mean its network to everybody: who does not
//! see it is refused later, with an answer.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::reals::Reals;
use super::{CaseZone, Destination, Network, Owner, SharedAlias, SharedCase};
use crate::net::{self, Family};
use crate::source::Span;

/// Who sees whom, and how.
pub(super) struct Sight<'a> {
    /// All networks.
    pub(super) networks: &'a [Network],
    /// For each network those whose hosts see it, in order.
    pub(super) viewers: &'a [Vec<usize>],
    /// Zones of pairs (the smaller place first) that the marks do not give.
    pub(super) moved: &'a BTreeMap<(usize, usize), u16>,
}

/// Who shares an alias with whom: sender and receiver, both ways, in a family.
pub(super) type Sharing = BTreeSet<(Family, usize, usize)>;

/// A piece of a network's mappings: those of a view know it by this number.
struct Claim {
    alias: IpNet,
    network: usize,
    /// 0 for the view of everybody else, or one more than the place in [`Network::views`].
    view: usize,
    span: Span,
}

/// What is meant by an address that depends on who asks.
type Reading = (Vec<usize>, Vec<SharedCase>, Option<usize>);

/// What networks are known by, cut into clusters of which the first piece holds all others.
pub(super) struct Claims(Vec<Claim>);

impl Claims {
    /// All claims of all networks.
    pub(super) fn new(networks: &[Network]) -> Self {
        let mut claims: Vec<Claim> = Vec::new();
        for (network, it) in networks.iter().enumerate() {
            let views = std::iter::once(&it.mappings).chain(it.views.iter().map(|view| &view.mappings));
            for (view, pieces) in views.enumerate() {
                claims.extend(pieces.iter().map(|piece| Claim {
                    alias: piece.alias,
                    network,
                    view,
                    span: piece.span,
                }));
            }
        }
        claims.sort_by_key(|it| {
            (net::family(&it.alias), it.alias.network(), it.alias.prefix_len(), it.network, it.view)
        });
        Self(claims)
    }

    fn clusters(&self) -> impl Iterator<Item = &[Claim]> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let first = rest.first()?;
            let (cluster, after) = rest.split_at(rest.partition_point(|it| first.alias.contains(&it.alias)));
            rest = after;
            Some(cluster)
        })
    }
}

/// Finds the pairs that know each other by one number.
pub(super) fn sharing(sight: &Sight<'_>, claims: &Claims) -> Sharing {
    let mut sharing = Sharing::new();
    for cluster in claims.clusters().filter(|it| it.iter().any(|claim| claim.network != it[0].network)) {
        let mut of: BTreeMap<usize, Vec<&Claim>> = BTreeMap::new();
        for claim in cluster {
            of.entry(claim.network).or_default().push(claim);
        }
        for claim in cluster {
            for viewer in sight.viewers[claim.network].iter().filter(|it| sight.knows(claim, **it)) {
                let mut theirs = of.get(viewer).into_iter().flatten();
                if theirs.any(|it| net::overlap(&it.alias, &claim.alias) && sight.knows(it, claim.network)) {
                    let family = net::family(&claim.alias);
                    sharing.insert((family, claim.network, *viewer));
                    sharing.insert((family, *viewer, claim.network));
                }
            }
        }
    }
    sharing
}

impl Sight<'_> {
    /// Whether hosts of a network know those of a claim by it.
    fn knows(&self, claim: &Claim, viewer: usize) -> bool {
        let view = self.networks[claim.network].view_of.get(&viewer).map_or(0, |place| place + 1);
        view == claim.view && self.viewers[claim.network].binary_search(&viewer).is_ok()
    }
}

/// Who is meant by which destination, and where that depends on the sender, how. `senders` has the
/// zones of those who share an alias.
pub(super) fn destinations(
    sight: &Sight<'_>,
    claims: &Claims,
    sharing: &Sharing,
    senders: &BTreeMap<(usize, usize), u16>,
) -> (Vec<Destination>, Vec<SharedAlias>) {
    let mut special: BTreeSet<(Family, usize)> = sharing.iter().map(|(family, a, _)| (*family, *a)).collect();
    for (a, b) in sight.moved.keys() {
        special.extend([Family::V4, Family::V6].into_iter().flat_map(|family| [(family, *a), (family, *b)]));
    }
    let plain = |it: &Claim| {
        sight.networks[it.network].views.is_empty()
            && (special.is_empty() || !special.contains(&(net::family(&it.alias), it.network)))
    };
    let reals = Reals::new(sight.networks);
    let strangers_own = |prefix: IpNet, to: usize| {
        let sees = |it: &usize| *it == to || sight.viewers[to].binary_search(it).is_ok();
        reals.overlapping(prefix).any(|it| !sees(&it))
    };
    let zone = |family: Family, from: usize, to: usize| {
        if sharing.contains(&(family, from, to)) {
            return senders.get(&(from, to)).copied().map(CaseZone::Sender);
        }
        sight.moved.get(&(from.min(to), from.max(to))).copied().map(CaseZone::Pair)
    };
    let mut dispatch = Dispatch::default();
    for cluster in claims.clusters() {
        match cluster {
            [only] if plain(only) && !strangers_own(only.alias, only.network) => {
                dispatch.destinations.push(Destination {
                    alias: only.alias,
                    owner: Owner::Network(only.network),
                    span: only.span,
                })
            }
            _ => dispatch.cluster(sight, (&zone, &strangers_own), cluster),
        }
    }
    (dispatch.destinations, dispatch.shared)
}

/// The zone that a sender's connections to a network need, where the marks do not give it; and whether
/// somebody who does not see a network has numbers for its own by which others know that one.
type Asked<'z> = (&'z dyn Fn(Family, usize, usize) -> Option<CaseZone>, &'z dyn Fn(IpNet, usize) -> bool);

#[derive(Default)]
struct Dispatch {
    destinations: Vec<Destination>,
    shared: Vec<SharedAlias>,
    places: BTreeMap<Reading, usize>,
    /// How many readings there are by what tells their names apart.
    named: BTreeMap<Vec<usize>, usize>,
}

impl Dispatch {
    /// Claims of which the first holds all others, sorted.
    fn cluster(&mut self, sight: &Sight<'_>, asked: Asked<'_>, claims: &[Claim]) {
        let equal: Vec<&[Claim]> = claims.chunk_by(|a, b| a.alias == b.alias).collect();
        let nets: Vec<IpNet> = equal.iter().map(|it| it[0].alias).collect();
        let before = self.destinations.len();
        // Those that hold the next one, widest first.
        let mut open: Vec<&[Claim]> = Vec::new();
        for (n, net) in nets.iter().enumerate() {
            while open.pop_if(|outer| !outer[0].alias.contains(net)).is_some() {}
            open.push(equal[n]);
            let inner: Vec<IpNet> =
                nets[n + 1..].iter().take_while(|other| net.contains(*other)).copied().collect();
            let pieces = net::without(net, &inner);
            if pieces.is_empty() {
                continue;
            }
            let span = equal[n][0].span;
            if let Some(owner) = self.owner(sight, asked, &open) {
                self.destinations.extend(pieces.into_iter().map(|alias| Destination { alias, owner, span }));
            }
        }
        self.destinations[before..].sort_by_key(|it| it.alias);
    }

    /// Whose a piece is that these claims are made on; `None` if nobody sees it.
    fn owner(
        &mut self,
        sight: &Sight<'_>,
        (zone, strangers_own): Asked<'_>,
        claims: &[&[Claim]],
    ) -> Option<Owner> {
        let alias = claims.last()?.first()?.alias;
        let family = net::family(&alias);
        let claims: BTreeSet<(usize, usize)> =
            claims.iter().flat_map(|it| it.iter()).map(|it| (it.network, it.view)).collect();
        let mut owners: Vec<usize> = claims.iter().map(|(network, _)| *network).collect();
        owners.dedup();
        let mut cases = Vec::new();
        let mut otherwise = None;
        for &to in &owners {
            let seen = |view: usize| claims.contains(&(to, view));
            if let ([_], true) = (owners.as_slice(), seen(0))
                && !strangers_own(alias, to)
            {
                otherwise = Some(to);
            }
            let views = &sight.networks[to].view_of;
            for &from in &sight.viewers[to] {
                let view = views.get(&from).map_or(0, |place| place + 1);
                let zone = zone(family, from, to);
                match (seen(view), otherwise) {
                    (true, Some(_)) if zone.is_none() => {}
                    (true, _) => cases.push(SharedCase { from, to: Some(to), zone }),
                    (false, Some(_)) => cases.push(SharedCase { from, to: None, zone: None }),
                    (false, None) => {}
                }
            }
        }
        match (cases.as_slice(), otherwise) {
            ([], None) => None,
            ([], Some(network)) => Some(Owner::Network(network)),
            _ => Some(Owner::Shared(self.place((owners, cases, otherwise)))),
        }
    }

    /// The place of a reading, which many pieces may have in common.
    fn place(&mut self, reading: Reading) -> usize {
        if let Some(place) = self.places.get(&reading) {
            return *place;
        }
        let (owners, cases, otherwise) = reading.clone();
        let mut count = |name: &[usize]| {
            let count = self.named.entry(name.to_vec()).or_default();
            *count += 1;
            *count - 1
        };
        let ordinal = count(&owners[..owners.len().min(2)]);
        // Of three places, so that it is the name of no other.
        let first = owners[0];
        let number = count(&[first, first, first]);
        self.shared.push(SharedAlias { owners, ordinal, number, cases, otherwise });
        self.places.insert(reading, self.shared.len() - 1);
        self.shared.len() - 1
    }
}
