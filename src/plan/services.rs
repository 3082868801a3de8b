//! Lists of rules as few look-ups.
//!
//! Goes in: a list of rules of which the first that matches wins. Comes out: [`Step`]s, in which a
//! packet finds at once what is said about its protocol and port. What must hold: for every packet the
//! first step that knows it says what the first matching rule says.
//!
//! Rules that follow each other and are about the same hosts become one step; which of them hides
//! which is decided here, port by port. Within a run of rules that do the same and write no log it does
//! not matter which one matches, so there rules about the same hosts need not follow each other, and
//! those that say the same about different hosts of one side are about all of them.

use std::collections::{BTreeMap, HashMap};

use ipnet::IpNet;

use super::{Families, Logged, Policy, Ports, Step, Verdict};
use crate::model::{Rule, RuleList, Service};

/// Whom a rule is about: real prefixes of senders and of receivers, sorted and disjoint.
type Hosts = (Vec<IpNet>, Vec<IpNet>);

/// The list as steps. `first` are the ids of the first pair of networks that has it.
pub(super) fn policy(list: &RuleList, first: [u16; 2]) -> Policy {
    let mut logs = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    for Group { hosts: (from, to), rules, more } in ordered(&list.rules) {
        if steps.last().is_none_or(|step| (&step.from, &step.to) != (&from, &to)) {
            steps.push(Step {
                span: rules.first().map_or(list.span, |rule| rule.span),
                rules: 0,
                from,
                to,
                ports: Vec::new(),
                protocols: Vec::new(),
                types: Families::default(),
                icmp: None,
                rest: None,
            });
        }
        let Some(step) = steps.last_mut() else { continue };
        step.rules += rules.len() + more;
        for rule in rules {
            let log = rule.log.as_ref().map(|log| {
                logs.push(Logged { log: log.clone(), action: rule.action, span: rule.span });
                logs.len() - 1
            });
            step.add(rule, Verdict { action: rule.action, log });
        }
    }
    for step in &mut steps {
        step.join_ports();
    }
    Policy { span: list.span, first, rules: list.rules.clone(), steps, logs }
}

/// Rules about the same hosts.
struct Group<'a> {
    hosts: Hosts,
    rules: Vec<&'a Rule>,
    /// How many rules are left out because they say the same about hosts that are among these by now.
    more: usize,
}

/// The rules so that those about the same hosts stand together where that changes nothing.
fn ordered(rules: &[Rule]) -> Vec<Group<'_>> {
    let alike = |a: &Rule, b: &Rule| a.action == b.action && a.log.is_none() && b.log.is_none();
    let mut ordered: Vec<Group<'_>> = Vec::new();
    for run in rules.chunk_by(alike) {
        let mut places: BTreeMap<Hosts, usize> = BTreeMap::new();
        let mut groups: Vec<Group<'_>> = Vec::new();
        for rule in run {
            let hosts = (
                disjoint(rule.from.iter().map(|net| net.value)),
                disjoint(rule.to.iter().map(|net| net.value)),
            );
            let place = *places.entry(hosts.clone()).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.rules.push(rule),
                None => groups.push(Group { hosts, rules: vec![rule], more: 0 }),
            }
        }
        let mut groups =
            joined(joined(groups, |hosts| (&hosts.0, &mut hosts.1)), |hosts| (&hosts.1, &mut hosts.0));
        // What the run before has ended with goes on.
        let next = ordered.last().and_then(|last| groups.iter().position(|group| group.hosts == last.hosts));
        if let Some(next) = next {
            groups[..=next].rotate_right(1);
        }
        ordered.extend(groups);
    }
    ordered
}

/// One group of those that are of one run, say the same and differ on one side alone; `sides` gives the
/// side that must be the same and the other one. A side without hosts is everybody and stays by itself.
fn joined<'a>(
    groups: Vec<Group<'a>>,
    sides: impl Fn(&mut Hosts) -> (&Vec<IpNet>, &mut Vec<IpNet>),
) -> Vec<Group<'a>> {
    let mut places: HashMap<(Vec<IpNet>, Vec<&'a Service>), usize> = HashMap::new();
    let mut joined: Vec<Group<'a>> = Vec::new();
    for mut group in groups {
        let services = group.rules.iter().map(|rule| &rule.service).collect();
        let (same, other) = sides(&mut group.hosts);
        if !other.is_empty() {
            let place = *places.entry((same.clone(), services)).or_insert(joined.len());
            if let Some(first) = joined.get_mut(place) {
                sides(&mut first.hosts).1.append(other);
                first.more += group.rules.len() + group.more;
                continue;
            }
        }
        joined.push(group);
    }
    for group in &mut joined {
        let (_, other) = sides(&mut group.hosts);
        *other = disjoint(other.iter().copied());
    }
    joined
}

/// Prefixes without those that lie inside another, in address order.
fn disjoint(nets: impl Iterator<Item = IpNet>) -> Vec<IpNet> {
    let mut nets: Vec<IpNet> = nets.map(|net| net.trunc()).collect();
    nets.sort();
    let mut widest: Vec<IpNet> = Vec::new();
    for net in nets {
        // Sorted by address, then length: whatever holds this prefix stands right before it.
        if !widest.last().is_some_and(|last| last.contains(&net)) {
            widest.push(net);
        }
    }
    widest
}

impl Step {
    /// Adds what a rule says about packets that no earlier rule of the step is about.
    fn add(&mut self, rule: &Rule, verdict: Verdict) {
        if self.rest.is_some() {
            return;
        }
        let whole = |protocol: u8| self.protocols.iter().any(|(known, _)| *known == protocol);
        match &rule.service {
            Service::Any => self.rest = Some(verdict),
            Service::Protocol(protocol) if !whole(*protocol) => self.protocols.push((*protocol, verdict)),
            Service::Ports(protocol, ranges) if !whole(*protocol) => {
                for (first, last) in ranges {
                    self.add_ports(Ports { protocol: *protocol, first: *first, last: *last }, verdict);
                }
            }
            Service::Icmp(types) if self.icmp.is_none() => {
                if types.is_empty() {
                    self.icmp = Some(verdict);
                }
                for (list, number) in types
                    .iter()
                    .flat_map(|kind| [(false, kind.v4), (true, kind.v6)])
                    .filter_map(|(v6, number)| Some((v6, number?)))
                {
                    let list = if list { &mut self.types.v6 } else { &mut self.types.v4 };
                    if !list.iter().any(|(known, _)| *known == number) {
                        list.push((number, verdict));
                    }
                }
            }
            Service::Protocol(_) | Service::Ports(..) | Service::Icmp(_) => {}
        }
    }

    /// Adds those of the ports that are not there yet.
    fn add_ports(&mut self, ports: Ports, verdict: Verdict) {
        let mut taken: Vec<(u16, u16)> = self
            .ports
            .iter()
            .map(|(known, _)| *known)
            .filter(|known| known.protocol == ports.protocol)
            .filter(|known| known.first <= ports.last && ports.first <= known.last)
            .map(|known| (known.first, known.last))
            .collect();
        taken.sort_unstable();
        let mut first = u32::from(ports.first);
        let mut add = |from: u32, to: u32| {
            if let (Ok(first), Ok(last), true) = (u16::try_from(from), u16::try_from(to), from <= to) {
                self.ports.push((Ports { first, last, ..ports }, verdict));
            }
        };
        for (from, to) in taken {
            if first < u32::from(from) {
                add(first, u32::from(from) - 1);
            }
            first = first.max(u32::from(to) + 1);
        }
        add(first, u32::from(ports.last));
    }

    /// Puts ports in order, and those side by side that mean the same into one range.
    fn join_ports(&mut self) {
        self.ports.sort_by_key(|(ports, _)| *ports);
        self.ports.dedup_by(|(next, verdict), (ports, before)| {
            let joined = next.protocol == ports.protocol
                && u32::from(next.first) == u32::from(ports.last) + 1
                && verdict == before;
            if joined {
                ports.last = next.last;
            }
            joined
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use ipnet::IpNet;

    use super::policy;
    use crate::model::{Action, Log, Period, Rate, Rule, RuleList, Service};
    use crate::plan::{Policy, Verdict};
    use crate::source::{Span, Spanned};

    /// A packet: from, to, protocol and port.
    type Packet = (IpAddr, IpAddr, u8, u16);

    fn holds(nets: &[IpNet], address: &IpAddr) -> bool {
        nets.is_empty() || nets.iter().any(|net| net.contains(address))
    }

    /// What the rules say, one after another.
    fn read(rules: &[Rule], (from, to, protocol, port): &Packet) -> Option<(Action, bool)> {
        let nets = |list: &[Spanned<IpNet>]| -> Vec<IpNet> { list.iter().map(|net| net.value).collect() };
        let found = rules.iter().find(|rule| {
            holds(&nets(&rule.from), from)
                && holds(&nets(&rule.to), to)
                && match &rule.service {
                    Service::Any => true,
                    Service::Protocol(own) => own == protocol,
                    Service::Ports(own, ranges) => {
                        own == protocol && ranges.iter().any(|(first, last)| (first..=last).contains(&port))
                    }
                    Service::Icmp(types) => {
                        let known =
                            |kind: &crate::model::IcmpType| kind.v4.is_some_and(|n| u16::from(n) == *port);
                        *protocol == 1 && (types.is_empty() || types.iter().any(known))
                    }
                }
        });
        found.map(|rule| (rule.action, rule.log.is_some()))
    }

    /// What the steps say.
    fn look(policy: &Policy, (from, to, protocol, port): &Packet) -> Option<(Action, bool)> {
        let found = policy
            .steps
            .iter()
            .filter(|step| holds(&step.from, from) && holds(&step.to, to))
            .find_map(|step| -> Option<Verdict> {
                let ports = step.ports.iter().filter(|(ports, _)| {
                    ports.protocol == *protocol && (ports.first..=ports.last).contains(port)
                });
                let ports: Vec<Verdict> = ports.map(|(_, verdict)| *verdict).collect();
                assert!(ports.len() < 2, "ports are disjoint");
                let kind = step.types.v4.iter().find(|(kind, _)| *protocol == 1 && u16::from(*kind) == *port);
                let whole = step.protocols.iter().find(|(own, _)| own == protocol);
                let found = ports.first().copied().or(kind.map(|it| it.1)).or(whole.map(|it| it.1));
                found.or(step.icmp.filter(|_| *protocol == 1)).or(step.rest)
            });
        found.map(|verdict| (verdict.action, verdict.log.is_some()))
    }

    /// A list out of a number: five rules, each one of 2 * 6 * 3 * 3 * 4.
    fn list(mut number: u64) -> RuleList {
        let mut pick = |choices: u64| {
            let chosen = number % choices;
            number /= choices;
            chosen
        };
        let nets: [&[&str]; 3] = [&[], &["10.0.0.1/32", "10.0.1.0/24"], &["10.0.0.0/16"]];
        let types = |n: u8| crate::model::IcmpType { v4: Some(n), v6: None };
        let services = [
            Service::Any,
            Service::Protocol(6),
            Service::Ports(6, vec![(20, 30), (25, 40)]),
            Service::Ports(6, vec![(22, 22), (80, 80)]),
            Service::Icmp(vec![types(8)]),
            Service::Icmp(Vec::new()),
        ];
        let span = Span::default();
        let mut rules = Vec::new();
        for _ in 0..5 {
            let action = if pick(2) == 0 { Action::Allow } else { Action::Deny };
            let service = services[usize::try_from(pick(6)).unwrap()].clone();
            let mut hosts = || -> Vec<Spanned<IpNet>> {
                let nets = nets[usize::try_from(pick(3)).unwrap()];
                nets.iter().map(|net| Spanned::new(net.parse().unwrap(), span)).collect()
            };
            let (from, to) = (hosts(), hosts());
            let rate = Rate { packets: 1, per: Period::Second };
            let log = (pick(4) == 0).then_some(Log { words: None, rate });
            rules.push(Rule { action, service, from, to, log, span });
        }
        RuleList { span, rules }
    }

    #[test]
    fn steps_say_what_the_first_rule_that_matches_says() {
        let addresses: [IpAddr; 4] =
            ["10.0.0.1", "10.0.1.7", "10.0.9.9", "10.9.9.9"].map(|it| it.parse().unwrap());
        let services = [(6, 20), (6, 22), (6, 31), (6, 80), (6, 81), (17, 80), (1, 8), (1, 13)];
        let mut number: u64 = 1;
        for _ in 0..2000 {
            // Any sequence without a short period will do.
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let list = list(number >> 8);
            let policy = policy(&list, [1, 2]);
            for from in addresses {
                for to in addresses {
                    for (protocol, port) in services {
                        let packet = (from, to, protocol, port);
                        assert_eq!(
                            look(&policy, &packet),
                            read(&list.rules, &packet),
                            "{packet:?} {list:#?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn rules_that_do_the_same_are_grouped_by_their_hosts() {
        let span = Span::default();
        let rule = |port, to: &str| Rule {
            action: Action::Allow,
            service: Service::Ports(6, vec![(port, port)]),
            from: Vec::new(),
            to: vec![Spanned::new(to.parse().unwrap(), span)],
            log: None,
            span,
        };
        let rules = vec![rule(1, "10.0.0.1/32"), rule(1, "10.0.0.2/32"), rule(2, "10.0.0.1/32")];
        let policy = policy(&RuleList { span, rules }, [1, 2]);
        assert_eq!(policy.steps.len(), 2);
        assert_eq!(policy.steps[0].rules, 2);
        let ports: Vec<(u16, u16)> =
            policy.steps[0].ports.iter().map(|(ports, _)| (ports.first, ports.last)).collect();
        assert_eq!(ports, [(1, 2)]);
    }

    #[test]
    fn rules_that_differ_in_their_hosts_alone_are_one_step() {
        let span = Span::default();
        let nets = |text: &str| vec![Spanned::new(text.parse().unwrap(), span)];
        let rule = |from: &str, to: &str| Rule {
            action: Action::Allow,
            service: Service::Ports(6, vec![(22, 22)]),
            from: nets(from),
            to: nets(to),
            log: None,
            span,
        };
        let pairs =
            [("10.0.0.1/32", "10.1.0.1/32"), ("10.0.0.1/32", "10.1.0.2/32"), ("10.0.0.2/32", "10.1.0.1/32")];
        let rules: Vec<Rule> = pairs.iter().map(|(from, to)| rule(from, to)).collect();
        let steps = |count: usize| policy(&RuleList { span, rules: rules[..count].to_vec() }, [1, 2]).steps;
        assert_eq!(steps(2).len(), 1);
        assert_eq!((steps(2)[0].to.len(), steps(2)[0].rules), (2, 2));
        assert_eq!(steps(3).len(), 2, "the second host was not allowed to call both");
    }
}
