//! The filter table, rules of `connect` blocks: what may be opened, by protocol and port.
//!
//! Goes in: the plan's policies and a family. Comes out: a chain for each pair that has one, because
//! what may pass leaves by a chain of its destination. What must hold: names have at most 28 bytes
//! (`XT_EXTENSION_MAXNAMELEN`), and a list of hosts is a chain, never multiplied with another list.

use ipnet::IpNet;

use super::super::provenance::Places;
use super::super::services::{ENDED, PERIODS, protocol, said as rules_of, words};
use super::super::text::line;
use super::chains::{Chains, by_address, rule, said};
use crate::net::Family;
use crate::plan::{Logged, Plan, Ports, Step, Verdict};

/// Ports that one rule can have (iptables-extensions(8), multiport); a range counts twice.
const SLOTS: usize = 15;

/// The ids of two networks whose connections have rules.
struct Pair {
    from: u16,
    to: u16,
}

impl Pair {
    /// `ovl-KIND-FROM-TO`, where no number follows.
    fn chain(&self, kind: &str) -> String {
        format!("ovl-{kind}-{}-{}", self.from, self.to)
    }

    /// Where a packet of this verdict goes.
    fn goto(&self, verdict: Verdict) -> String {
        match verdict.log {
            Some(log) => format!("{}-{}", self.chain("log"), log + 1),
            None if verdict.allows() => format!("ovl-leave-{}", self.to),
            None => String::from("ovl-deny"),
        }
    }
}

/// Adds the chains, if any pair has rules.
pub(super) fn chains(chains: &mut Chains, plan: &Plan, places: &Places<'_>, family: Family) {
    let icmp = match family {
        Family::V4 => "icmp",
        Family::V6 => "ipv6-icmp",
    };
    if plan.policies.is_empty() {
        return;
    }
    let with = match family {
        Family::V4 => "icmp-admin-prohibited",
        Family::V6 => "icmp6-adm-prohibited",
    };
    chains.open("ovl-deny");
    let about = "-m comment --comment \"the sender is told that it must not\"";
    rule!(chains, "-A ovl-deny {about} -j REJECT --reject-with {with}");
    for peering in &plan.peerings {
        let Some(policy) = peering.policy.map(|place| &plan.policies[place]) else { continue };
        let (from, to) = (plan.networks[peering.from].id, plan.networks[peering.to].id);
        let pair = Pair { from, to };
        let (root, end) = (pair.chain("rules"), places.at(policy.span));
        chains.open(&root);
        let about = said(end, "errors about answers");
        rule!(chains, "-A {root} -p {icmp} -m conntrack --ctstate RELATED {about} -g ovl-leave-{to}");
        for (n, step) in policy.steps.iter().enumerate() {
            if let Some(hosts) = step.hosts(family) {
                enter(chains, &pair, (n, step), (family, &hosts), places);
            }
        }
        rule!(chains, "-A {root} {} -g ovl-deny", said(end, ENDED));
        for (n, logged) in policy.logs.iter().enumerate() {
            log(chains, &pair, n, logged, places);
        }
    }
}

/// A step: in the pair's own chain where it is one rule, or else in a chain that a packet between its
/// hosts is sent through. What it does not know comes back.
fn enter(
    chains: &mut Chains,
    pair: &Pair,
    (n, step): (usize, &Step),
    (family, [from, to]): (Family, &[Vec<IpNet>; 2]),
    places: &Places<'_>,
) {
    let lines = lines(step, family);
    let (root, about) = (pair.chain("rules"), format!("-m comment --comment \"{}\"", rules_of(step, places)));
    // In hex, four digits each leave room for 65535 steps with as many chains in a list's tree.
    let chain = |kind: &str| format!("{}-{:x}", pair.chain(kind), n + 1);
    let single = |nets: &[IpNet], side: char| match nets {
        [one] => format!("-{side} {one} "),
        _ => String::new(),
    };
    let hosts = format!("{}{}", single(from, 's'), single(to, 'd'));
    let is_list = from.len() > 1 || to.len() > 1;
    if lines.is_empty() {
        return;
    }
    if !is_list && (hosts.is_empty() || lines.len() == 1) {
        for (matches, verdict) in lines {
            rule!(chains, "-A {root} {hosts}{matches}{about} -g {}", pair.goto(verdict));
        }
        return;
    }
    let services = chain("sv");
    let mut next = services.clone();
    for (side, kind, nets) in [('d', "to", to), ('s', "fr", from)] {
        if nets.len() > 1 {
            let name = chain(kind);
            let entries = nets.iter().map(|net| (*net, format!("{about} -g {next}"))).collect();
            by_address(chains, &name, side, family, entries, |place, _| format!("{name}-{place:x}"));
            next = name;
        }
    }
    rule!(chains, "-A {root} {hosts}{about} -j {next}");
    chains.open(&services);
    for (matches, verdict) in lines {
        rule!(chains, "-A {services} {matches}{about} -g {}", pair.goto(verdict));
    }
}

/// What a step matches, each with a blank behind it, and what becomes of it.
fn lines(step: &Step, family: Family) -> Vec<(String, Verdict)> {
    let mut lines = Vec::new();
    let mut rest = &step.ports[..];
    while let Some((first, _)) = rest.first() {
        let count = rest.iter().take_while(|(ports, _)| ports.protocol == first.protocol).count();
        let (same, others) = rest.split_at(count);
        rest = others;
        let mut verdicts: Vec<Verdict> = same.iter().map(|(_, verdict)| *verdict).collect();
        verdicts.sort_unstable();
        verdicts.dedup();
        for verdict in verdicts {
            let ports = same.iter().filter(|(_, own)| *own == verdict).map(|(ports, _)| *ports);
            let lists = slots(ports);
            lines.extend(lists.into_iter().map(|list| {
                (format!("-p {} -m multiport --dports {list} ", protocol(first.protocol)), verdict)
            }));
        }
    }
    let (icmp, option, types) = match family {
        Family::V4 => ("icmp", "--icmp-type", &step.types.v4),
        Family::V6 => ("ipv6-icmp", "--icmpv6-type", &step.types.v6),
    };
    lines.extend(types.iter().map(|(number, verdict)| (format!("-p {icmp} {option} {number} "), *verdict)));
    let whole =
        step.protocols_of(family).map(|(number, verdict)| (format!("-p {} ", protocol(number)), verdict));
    lines.extend(whole);
    lines.extend(step.icmp.map(|verdict| (format!("-p {icmp} "), verdict)));
    lines.extend(step.rest.map(|verdict| (String::new(), verdict)));
    lines
}

/// Ports as multiport takes them, as many to a list as fit.
fn slots(ports: impl Iterator<Item = Ports>) -> Vec<String> {
    let mut lists: Vec<(usize, String)> = Vec::new();
    for Ports { first, last, .. } in ports {
        let (need, text) =
            if first == last { (1, first.to_string()) } else { (2, format!("{first}:{last}")) };
        match lists.last_mut().filter(|(used, _)| used + need <= SLOTS) {
            Some((used, list)) => {
                *used += need;
                list.push(',');
                list.push_str(&text);
            }
            None => lists.push((need, text)),
        }
    }
    lists.into_iter().map(|(_, list)| list).collect()
}

/// The chain that writes about a packet before it goes where it would go anyway.
fn log(chains: &mut Chains, pair: &Pair, n: usize, logged: &Logged, places: &Places<'_>) {
    let name = format!("{}-{}", pair.chain("log"), n + 1);
    let verdict = Verdict { action: logged.action, log: None };
    let about = said(places.at(logged.span), "log");
    let first = if verdict.allows() { "-m conntrack --ctstate NEW " } else { "" };
    let rate = logged.log.rate;
    let limit = format!("-m limit --limit {}/{} --limit-burst 5", rate.packets, PERIODS[rate.per as usize]);
    chains.open(&name);
    rule!(chains, "-A {name} {first}{limit} {about} -j LOG --log-prefix \"{}\"", words(logged, places));
    rule!(chains, "-A {name} {about} -g {}", pair.goto(verdict));
}
