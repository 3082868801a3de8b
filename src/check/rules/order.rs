//! What each rule of one list does between two networks, after those before it.
//!
//! Goes in: a list, the real prefixes of its networks, and which rules are asked about. Comes out: the
//! effect of each of these. What must hold: a rule is said to have none only if no packet would be
//! treated or logged otherwise without it.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::regions::{Budget, Hosts, Region, covered};
use crate::check::errors::rules::Why;
use crate::model::{Action, NetworkId, RuleList, Service};
use crate::net::Family;
use crate::source::Span;

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It decides about some packets, or nobody knows.
    Works,
    /// There is no packet that it is about, and why.
    Empty(Why),
    /// The only hosts that it names are the gateway itself.
    Gateway(Gateway),
    /// Earlier rules decide about all its packets.
    Hidden {
        /// What it would do.
        action: Action,
        /// The rules that decide, and what they do.
        by: Vec<(Span, Action)>,
    },
    /// A later rule would do the same to all its packets.
    Repeated {
        /// What both do.
        action: Action,
        /// The later rule.
        by: Span,
    },
}

/// A side of a rule on which nobody but the gateway stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gateway {
    /// The addresses in the rule.
    pub(super) span: Span,
    /// The network of this side.
    pub(super) network: NetworkId,
    /// The gateway's `address` there.
    pub(super) address: Span,
    /// Whether it is not that address itself, but one that stands for all of its link.
    pub(super) group: bool,
}

impl Effect {
    /// Of two effects in different places the weightier one is told.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::Empty(_) | Self::Gateway(_) => 0,
            Self::Repeated { .. } => 1,
            Self::Hidden { action, by } if by.iter().all(|(_, other)| other == action) => 2,
            Self::Hidden { .. } => 3,
            Self::Works => 4,
        }
    }
}

/// What the rules of `wanted` do, in their order.
pub(super) fn examine(
    list: &RuleList,
    from: &[IpNet],
    to: &[IpNet],
    wanted: &[usize],
    budget: &mut Budget,
) -> Vec<Effect> {
    let families = [Family::V4, Family::V6].map(|family| {
        let hosts = Hosts::new(family, from, to);
        list.rules.iter().map(|rule| Region::new(rule, &hosts)).collect::<Vec<Region>>()
    });
    let hidden: Vec<Effect> = wanted.iter().map(|n| hidden(list, &families, *n, budget)).collect();
    // A later rule that is itself hidden stands for nothing.
    let mut effects = Vec::with_capacity(wanted.len());
    for (effect, n) in hidden.iter().zip(wanted) {
        let repeated = (*effect == Effect::Works)
            .then(|| later(list, &families, *n, budget))
            .flatten()
            .filter(|later| wanted.binary_search(later).map_or(true, |at| hidden[at] == Effect::Works));
        effects.push(repeated.map_or_else(
            || effect.clone(),
            |later| Effect::Repeated { action: list.rules[*n].action, by: list.rules[later].span },
        ));
    }
    effects
}

/// Whether earlier rules leave a rule anything.
fn hidden(list: &RuleList, families: &[Vec<Region>; 2], n: usize, budget: &mut Budget) -> Effect {
    let rule = &list.rules[n];
    let own = [&families[0][n], &families[1][n]];
    if own.iter().all(|region| region.is_empty()) {
        return Effect::Empty(why_empty(own, &rule.service));
    }
    let mut takers = BTreeSet::new();
    for (of, own) in own.into_iter().enumerate().filter(|(_, own)| !own.is_empty()) {
        match covered(own, &families[of][..n], budget) {
            Some(found) => takers.extend(found),
            None => return Effect::Works,
        }
    }
    // One rule that takes part and would hide it alone is enough to be told, if all do the same.
    let actions: Vec<Action> = takers.iter().map(|n| list.rules[*n].action).collect();
    let alike = actions.iter().all(|action| *action == actions[0]);
    let alone = |earlier: &&usize| (0..2).all(|of| families[of][**earlier].holds(own[of]));
    if let Some(single) = takers.iter().find(alone).copied().filter(|_| alike) {
        takers = BTreeSet::from([single]);
    }
    let told = |n: usize| (list.rules[n].span, list.rules[n].action);
    Effect::Hidden { action: rule.action, by: takers.into_iter().map(told).collect() }
}

/// A later rule that does the same to all packets of a rule, if none in between would do anything else
/// to any of them.
fn later(list: &RuleList, families: &[Vec<Region>; 2], n: usize, budget: &mut Budget) -> Option<usize> {
    let rule = &list.rules[n];
    if rule.log.is_some() {
        return None;
    }
    for (later, other) in list.rules.iter().enumerate().skip(n + 1) {
        budget.spend(&families[0][n])?;
        if !(0..2).any(|of| families[of][later].meets(&families[of][n])) {
            continue;
        }
        if other.action != rule.action || other.log.is_some() {
            return None;
        }
        if (0..2).all(|of| families[of][later].holds(&families[of][n])) {
            return Some(later);
        }
    }
    None
}

/// Why there is no packet in either family.
fn why_empty(own: [&Region; 2], service: &Service) -> Why {
    let [v4, v6] = own.map(Region::sides);
    let family = |side: usize| match (v4[side], v6[side]) {
        (true, false) => "IPv4 alone",
        (false, true) => "IPv6 alone",
        (true, true) => "either family",
        (false, false) => "no family",
    };
    let common = if v4[0] && v4[1] { Family::V4 } else { Family::V6 };
    match service {
        _ if common == Family::V6 && !(v6[0] && v6[1]) => Why::Hosts(family(0), family(1)),
        Service::Icmp(_) => Why::Message(common),
        _ => Why::Header,
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use proptest::prelude::*;

    use super::{Budget, Effect, examine};
    use crate::model::{Action, IcmpType, Log, Period, Rate, Rule, RuleList, Service};
    use crate::net::{self, Family};
    use crate::source::{FileId, Span, Spanned};

    /// The rule at a place has a span that tells it.
    fn span(n: usize) -> Span {
        Span::new(FileId::default(), n, n + 1)
    }

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Prefixes in and around the few hosts of the tests.
    fn sides() -> impl Strategy<Value = Vec<IpNet>> {
        let nets = nets(&[
            "10.0.0.0/30",
            "10.0.0.0/31",
            "10.0.0.2/31",
            "10.0.0.1/32",
            "10.0.0.3/32",
            "10.0.0.0/8",
            "10.0.0.8/31",
            "fd00::/127",
            "fd00::/128",
            "fd00::1/128",
        ]);
        prop_oneof![
            3 => Just(Vec::new()),
            5 => prop::collection::vec(prop::sample::select(nets), 1..4),
        ]
    }

    fn services() -> impl Strategy<Value = Service> {
        let echo = IcmpType { v4: Some(8), v6: Some(128) };
        let time = IcmpType { v4: Some(13), v6: None };
        let ports = prop::collection::vec((1_u16..4, 0_u16..3).prop_map(|(a, more)| (a, a + more)), 1..3);
        prop_oneof![
            2 => Just(Service::Any),
            2 => prop::sample::select(vec![6_u8, 17, 47, 51]).prop_map(Service::Protocol),
            4 => (prop::sample::select(vec![6_u8, 17]), ports).prop_map(|(p, ports)| Service::Ports(p, ports)),
            1 => prop::sample::select(vec![vec![], vec![echo], vec![time], vec![echo, time]]).prop_map(Service::Icmp),
        ]
    }

    fn rules() -> impl Strategy<Value = Vec<Rule>> {
        let rule = (any::<bool>(), services(), sides(), sides(), 0..6);
        prop::collection::vec(rule, 1..7).prop_map(|rules| {
            let made = rules.into_iter().enumerate().map(|(n, (allow, service, from, to, log))| {
                let spanned =
                    |nets: Vec<IpNet>| nets.into_iter().map(|net| Spanned::new(net, span(n))).collect();
                let rate = Rate { packets: 10, per: Period::Minute };
                Rule {
                    action: if allow { Action::Allow } else { Action::Deny },
                    service,
                    from: spanned(from),
                    to: spanned(to),
                    log: (log == 0).then_some(Log { words: None, rate }),
                    span: span(n),
                }
            });
            made.collect()
        })
    }

    #[derive(Clone, Copy, Debug)]
    struct Packet {
        from: IpAddr,
        to: IpAddr,
        protocol: u8,
        key: u16,
    }

    /// One packet of each kind that the rules above can tell from others.
    fn packets(from: &[IpNet], to: &[IpNet]) -> Vec<Packet> {
        let hosts = |nets: &[IpNet]| nets.iter().flat_map(|net| net.hosts()).collect::<Vec<IpAddr>>();
        let keys = [0, 1, 2, 3, 4, 5, 6, 8, 13, 128];
        let mut all = Vec::new();
        for from in hosts(from) {
            for to in hosts(to).into_iter().filter(|to| to.is_ipv4() == from.is_ipv4()) {
                for protocol in [1, 6, 17, 47, 51, 58, 99] {
                    all.extend(keys.map(|key| Packet { from, to, protocol, key }));
                }
            }
        }
        all.retain(|it| it.from.is_ipv4() || it.protocol != 51);
        all
    }

    fn matches(rule: &Rule, packet: &Packet) -> bool {
        let side = |nets: &[Spanned<IpNet>], address: &IpAddr| {
            nets.is_empty() || nets.iter().any(|net| net.value.contains(address))
        };
        let family = net::family_of(&packet.from);
        let service = match &rule.service {
            Service::Any => true,
            Service::Protocol(number) => packet.protocol == *number,
            Service::Ports(number, ports) => {
                let within = |(first, last): &(u16, u16)| (*first..=*last).contains(&packet.key);
                packet.protocol == *number && ports.iter().any(within)
            }
            Service::Icmp(types) => {
                let own = |kind: &IcmpType| if family == Family::V4 { kind.v4 } else { kind.v6 };
                packet.protocol == if family == Family::V4 { 1 } else { 58 }
                    && (types.is_empty()
                        || types.iter().filter_map(own).any(|kind| u16::from(kind) == packet.key))
            }
        };
        service && side(&rule.from, &packet.from) && side(&rule.to, &packet.to)
    }

    fn winner(rules: &[Rule], packet: &Packet) -> Option<usize> {
        rules.iter().position(|rule| matches(rule, packet))
    }

    /// What becomes of a packet: whether it passes, and whether it is logged.
    fn fate(rules: &[Rule], packet: &Packet) -> (Action, bool) {
        let rule = winner(rules, packet).map(|n| &rules[n]);
        rule.map_or((Action::Deny, false), |rule| (rule.action, rule.log.is_some()))
    }

    fn effects(rules: &[Rule], from: &[IpNet], to: &[IpNet]) -> Vec<Effect> {
        let list = RuleList { span: span(100), rules: rules.to_vec() };
        let all: Vec<usize> = (0..rules.len()).collect();
        examine(&list, from, to, &all, &mut Budget(10_000_000))
    }

    #[test]
    fn work_that_ends_leaves_rules_unreported() {
        let rule = |n| Rule {
            action: Action::Allow,
            service: Service::Any,
            from: Vec::new(),
            to: Vec::new(),
            log: None,
            span: span(n),
        };
        let list = RuleList { span: span(100), rules: vec![rule(0), rule(1)] };
        let nets = nets(&["10.0.0.0/24"]);
        let examined = |work| examine(&list, &nets, &nets, &[0, 1], &mut Budget(work));
        assert_eq!(examined(2), [Effect::Works, Effect::Works]);
        assert!(matches!(examined(100).as_slice(), [Effect::Works, Effect::Hidden { .. }]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn what_is_said_of_each_rule_is_what_every_packet_shows(
            rules in rules(),
            two_families in any::<bool>(),
        ) {
            let from = nets(&["10.0.0.0/31", "10.0.0.2/31", "fd00::/127"]);
            let to = if two_families { nets(&["10.0.0.0/31", "10.0.0.2/31", "fd00::/127"]) } else { nets(&["10.0.0.0/31"]) };
            let all = packets(&from, &to);
            let effects = effects(&rules, &from, &to);
            let mut reported = Vec::new();
            for (n, effect) in effects.iter().enumerate() {
                let about: Vec<&Packet> = all.iter().filter(|packet| matches(&rules[n], packet)).collect();
                let first = |packet: &&Packet| winner(&rules, packet) == Some(n);
                let wins = about.iter().any(first);
                let deciding = |packet: &&Packet| rules[winner(&rules, packet).unwrap()].action;
                match effect {
                    Effect::Works | Effect::Repeated { .. } => prop_assert!(wins, "{n} wins nothing"),
                    Effect::Gateway(_) => prop_assert!(false, "no network is known here"),
                    Effect::Empty(_) => prop_assert!(about.is_empty(), "{n} is about something"),
                    Effect::Hidden { action, by } => {
                        prop_assert!(!wins && !about.is_empty(), "{n} wins, or is about nothing");
                        prop_assert_eq!(*action, rules[n].action);
                        let told: Vec<usize> = by.iter().map(|(span, _)| span.start as usize).collect();
                        prop_assert!(told.iter().all(|other| *other < n));
                        for packet in &about {
                            prop_assert!(told.iter().any(|other| matches(&rules[*other], packet)));
                        }
                        for kind in [Action::Allow, Action::Deny] {
                            let decides = about.iter().any(|packet| deciding(packet) == kind);
                            prop_assert_eq!(decides, by.iter().any(|(_, action)| *action == kind));
                        }
                    }
                }
                if *effect != Effect::Works {
                    reported.push(n);
                    let mut rest = rules.clone();
                    rest.remove(n);
                    for packet in &all {
                        prop_assert_eq!(fate(&rules, packet), fate(&rest, packet), "without {}: {:?}", n, packet);
                    }
                }
            }
            // All of them can be removed at once, so no two are told of one mistake.
            let mut rest = rules.clone();
            reported.iter().rev().for_each(|n| drop(rest.remove(*n)));
            for packet in &all {
                prop_assert_eq!(fate(&rules, packet), fate(&rest, packet), "without {:?}: {:?}", reported, packet);
            }
        }
    }
}
