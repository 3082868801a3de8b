//! The order of rules: those that can never match, and those that change nothing.
//!
//! Goes in: the lists of rules with the real prefixes of the networks they stand between. Comes out:
//! findings. A rule of the source is reported if it has no effect for any pair of networks that its
//! `connect` is about: one that works for some of them cannot be removed. What must hold: the
//! arithmetic is exact, and what it costs is bounded.

use std::collections::{BTreeMap, HashMap, HashSet};

use ipnet::IpNet;

use super::errors::prefixes::HostBitsSet;
use super::errors::rules::{ContradictoryRule, EmptyRule, RedundantRule, RuleForGateway, ShadowedRule};
use crate::diag::Reporter;
use crate::model::{NetworkId, Rule, RulesId, Site};
use crate::net;
use crate::source::{Span, Spanned};
use order::{Effect, Gateway, examine};
use regions::Budget;

mod intervals;
mod order;
mod regions;

/// Intervals that may be looked at for all lists of a site: about a second. Rules that people write
/// need some thousands; what is not looked at any more has no finding.
const WORK: usize = 100_000_000;

/// Checks the rules of every peering.
pub(super) fn check(site: &Site, reporter: &mut Reporter<'_>) {
    for rule in site.rule_lists.iter().flat_map(|list| &list.rules) {
        for net in rule.from.iter().chain(&rule.to).filter(|net| net.value != net.value.trunc()) {
            reporter.report(HostBitsSet { net: net.value, span: net.span, exact: false }, None);
        }
    }
    // Wrong prefixes make wrong regions.
    if reporter.has_errors() || site.rule_lists.is_empty() {
        return;
    }
    let effects = effects(site);
    for (span, effect) in effects {
        match effect {
            Effect::Works => {}
            Effect::Empty(why) => reporter.report(EmptyRule { span, why }, None),
            Effect::Gateway(Gateway { span, network, address, group }) => {
                let network = site.network(network);
                reporter.report(RuleForGateway { span, network, address, group }, None);
            }
            Effect::Hidden { action, by } if by.iter().all(|(_, other)| *other == action) => {
                reporter.report(RedundantRule { span, action, by, later: false }, None);
            }
            Effect::Hidden { action, by } if by.iter().all(|(_, other)| *other != action) => {
                reporter.report(ContradictoryRule { span, action, by }, None);
            }
            Effect::Hidden { action, by } => reporter.report(ShadowedRule { span, action, by }, None),
            Effect::Repeated { action, by } => {
                reporter.report(RedundantRule { span, action, by: vec![(by, action)], later: true }, None);
            }
        }
    }
}

/// The effect of every rule of the source, over all pairs of networks it is about.
fn effects(site: &Site) -> BTreeMap<Span, Effect> {
    let mut effects: BTreeMap<Span, Effect> = BTreeMap::new();
    let mut budget = Budget(WORK);
    let prefixes = Prefixes::new(site);
    let mut seen: HashSet<(RulesId, usize, usize)> = HashSet::new();
    // Lists of which every rule is known to have an effect: as a rule, after their first pair.
    let mut settled = vec![false; site.rule_lists.len()];
    for peering in &site.peerings {
        let Some(id) = peering.rules.filter(|id| !settled[id.0]) else { continue };
        let (from, to) = (prefixes.of[peering.from.0], prefixes.of[peering.to.0]);
        if !seen.insert((id, from, to)) {
            continue;
        }
        let list = &site.rule_lists[id.0];
        let open = |span: &Span| effects.get(span).is_none_or(|effect| *effect != Effect::Works);
        let wanted: Vec<usize> = (0..list.rules.len()).filter(|n| open(&list.rules[*n].span)).collect();
        if wanted.is_empty() {
            settled[id.0] = true;
            continue;
        }
        let found = examine(list, &prefixes.sets[from], &prefixes.sets[to], &wanted, &mut budget);
        for (n, effect) in wanted.into_iter().zip(found) {
            let effect = for_gateway(site, &list.rules[n], (peering.from, peering.to)).unwrap_or(effect);
            let known = effects.entry(list.rules[n].span).or_insert_with(|| effect.clone());
            if effect.weight() > known.weight() {
                *known = effect;
            }
        }
    }
    effects
}

/// The side of a rule that names nobody but the gateway: nothing is forwarded from or to its own addresses.
fn for_gateway(site: &Site, rule: &Rule, (from, to): (NetworkId, NetworkId)) -> Option<Effect> {
    let side = |nets: &[Spanned<IpNet>], network: NetworkId| {
        let owned = |net: &Spanned<IpNet>| owned(&site.network(network).addresses, net.value);
        let all: Option<Vec<_>> = nets.iter().map(owned).collect();
        let (address, group) = *all?.first()?;
        let span = nets.first()?.span.to(nets.last()?.span);
        Some(Effect::Gateway(Gateway { span, network, address, group }))
    };
    side(&rule.to, to).or_else(|| side(&rule.from, from))
}

/// The `address` that a rule's single address is, or that it stands for the whole link of; no host has either.
fn owned(addresses: &[Spanned<IpNet>], net: IpNet) -> Option<(Span, bool)> {
    let own = |address: &&Spanned<IpNet>| net == net::single(address.value.addr());
    let group = |address: &&Spanned<IpNet>| {
        let group =
            if address.value.addr().is_ipv4() { address.value.broadcast() } else { address.value.network() };
        let several = address.value.max_prefix_len() - address.value.prefix_len() > 1;
        several && net == net::single(group)
    };
    let found = |it: &Spanned<IpNet>, group| (it.span, group);
    let own = addresses.iter().find(own).map(|it| found(it, false));
    own.or_else(|| addresses.iter().find(group).map(|it| found(it, true)))
}

/// The real prefixes of the networks and the gateway's addresses there, equal ones once.
struct Prefixes {
    /// For each network the place of its prefixes.
    of: Vec<usize>,
    sets: Vec<Vec<IpNet>>,
}

impl Prefixes {
    fn new(site: &Site) -> Self {
        let mut places: HashMap<(Vec<IpNet>, Vec<IpNet>), usize> = HashMap::new();
        let mut sets = Vec::new();
        let of = site.networks.iter().map(|network| {
            let mut reals: Vec<IpNet> = network.prefixes.iter().map(|it| it.real.value.trunc()).collect();
            reals.sort_unstable();
            let addresses = network.addresses.iter().map(|it| it.value).collect();
            *places.entry((reals, addresses)).or_insert_with_key(|(reals, _)| {
                sets.push(reals.clone());
                sets.len() - 1
            })
        });
        Self { of: of.collect(), sets }
    }
}
