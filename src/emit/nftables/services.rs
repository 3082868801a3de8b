//! Forward, rules of `connect` blocks: what may be opened, by protocol and port.
//!
//! Goes in: the plan's policies. Comes out: which pairs have one, and a chain for each policy and each
//! log. What must hold: a pair without rules never gets here, and a chain ends in a verdict.

use ipnet::IpNet;

use super::super::provenance::{Places, short};
use super::super::services::{ENDED, PERIODS, protocol, said, words};
use super::super::text::{Block, Hex, line};
use crate::net::Family;
use crate::plan::{Plan, Policy, Step, Verdict};

/// What the template needs.
#[derive(Default)]
pub(super) struct Services {
    /// The pairs that have rules.
    pub(super) pairs: Block,
    /// By pair its chain.
    pub(super) rules: Block,
    /// The chains.
    pub(super) chains: Block,
}

/// Lays the policies out.
pub(super) fn services(plan: &Plan, places: &Places<'_>) -> Services {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let mut services = Services::default();
    for peering in &plan.peerings {
        let Some(policy) = peering.policy.map(|place| &plan.policies[place]) else { continue };
        let (a, b) = (&plan.networks[peering.from], &plan.networks[peering.to]);
        let pair = Hex(source.value(a.id) | destination.value(b.id));
        let (place, from, to) = (places.at(peering.span), short(&a.name), short(&b.name));
        line!(services.pairs, "\t\t\t{pair} comment \"{place} {from} -> {to}\",");
        line!(services.rules, "\t\t\t{pair} : goto {},", chain("rules", policy));
    }
    for policy in &plan.policies {
        chains(&mut services.chains, policy, places);
    }
    services
}

/// A chain's name by the ids of the first pair that has the policy; no network's name begins with `_`.
fn chain(kind: &str, policy: &Policy) -> String {
    let [from, to] = policy.first;
    format!("ovl_{kind}__{from}_{to}")
}

fn chains(out: &mut Block, policy: &Policy, places: &Places<'_>) {
    let end = places.at(policy.span);
    line!(out, "\n\t# Rules, {end}");
    for (n, logged) in policy.logs.iter().enumerate() {
        let place = places.at(logged.span);
        let verdict = Verdict { action: logged.action, log: None };
        let first = if verdict.allows() { "ct state new " } else { "" };
        let (rate, prefix) = (logged.log.rate, words(logged, places));
        let limit = format!("limit rate {}/{} burst 5 packets", rate.packets, PERIODS[rate.per as usize]);
        line!(out, "\tchain {}_{} {{", chain("log", policy), n + 1);
        line!(out, "\t\t{first}{limit} log prefix \"{prefix}\" comment \"{place} log\"");
        line!(out, "\t\t{} comment \"{place} log\"", goto(policy, verdict));
        line!(out, "\t}}");
    }
    line!(out, "\tchain {} {{", chain("rules", policy));
    for step in &policy.steps {
        let comment = format!("comment \"{}\"", said(step, places));
        if step.is_about_all() {
            all(out, policy, step, &comment);
            continue;
        }
        for family in [Family::V4, Family::V6] {
            if let Some([from, to]) = step.hosts(family) {
                some(out, policy, step, (family, &from, &to), &comment);
            }
        }
    }
    line!(out, "\t\tgoto ovl_deny comment \"{end} {ENDED}\"");
    line!(out, "\t}}");
}

/// A step between all hosts: one look-up for both families where the protocol is one in both.
fn all(out: &mut Block, policy: &Policy, step: &Step, comment: &str) {
    ports(out, policy, step, "", comment);
    types(out, policy, step, Family::V4, "", comment);
    types(out, policy, step, Family::V6, "", comment);
    let whole = step.protocols.iter().map(|(number, verdict)| (protocol(*number), *verdict));
    vmap(out, "meta l4proto", whole, policy, comment);
    if let Some(verdict) = step.icmp {
        let goto = goto(policy, verdict);
        line!(out, "\t\tmeta nfproto ipv4 meta l4proto icmp {goto} {comment}");
        line!(out, "\t\tmeta nfproto ipv6 meta l4proto icmpv6 {goto} {comment}");
    }
    if let Some(verdict) = step.rest {
        line!(out, "\t\t{} {comment}", goto(policy, verdict));
    }
}

/// A step between some hosts, of one family.
fn some(
    out: &mut Block,
    policy: &Policy,
    step: &Step,
    (family, from, to): (Family, &[IpNet], &[IpNet]),
    comment: &str,
) {
    let (word, icmp) = match family {
        Family::V4 => ("ip", "icmp"),
        Family::V6 => ("ip6", "icmpv6"),
    };
    let hosts = format!("{}{}", among(word, "saddr", from), among(word, "daddr", to));
    ports(out, policy, step, &hosts, comment);
    types(out, policy, step, family, &hosts, comment);
    let whole = step.protocols_of(family).map(|(number, verdict)| (protocol(number), verdict));
    let whole = whole.chain(step.icmp.map(|verdict| (icmp.to_owned(), verdict)));
    vmap(out, &format!("{hosts}meta l4proto"), whole, policy, comment);
    if let Some(verdict) = step.rest {
        line!(out, "\t\t{hosts}{} {comment}", goto(policy, verdict));
    }
}

fn ports(out: &mut Block, policy: &Policy, step: &Step, hosts: &str, comment: &str) {
    let keys = step.ports.iter().map(|(ports, verdict)| {
        let protocol = protocol(ports.protocol);
        let key = match (ports.first, ports.last) {
            (first, last) if first == last => format!("{protocol} . {first}"),
            (first, last) => format!("{protocol} . {first}-{last}"),
        };
        (key, *verdict)
    });
    vmap(out, &format!("{hosts}meta l4proto . th dport"), keys, policy, comment);
}

fn types(out: &mut Block, policy: &Policy, step: &Step, family: Family, hosts: &str, comment: &str) {
    let (list, field) = match family {
        Family::V4 => (&step.types.v4, "icmp type"),
        Family::V6 => (&step.types.v6, "icmpv6 type"),
    };
    let keys = list.iter().map(|(number, verdict)| (number.to_string(), *verdict));
    vmap(out, &format!("{hosts}{field}"), keys, policy, comment);
}

/// A look-up, in one line where it has one key alone; nothing where it has none.
fn vmap(
    out: &mut Block,
    field: &str,
    keys: impl Iterator<Item = (String, Verdict)>,
    policy: &Policy,
    comment: &str,
) {
    let keys: Vec<String> = keys.map(|(key, verdict)| format!("{key} : {}", goto(policy, verdict))).collect();
    match &keys[..] {
        [] => {}
        [one] => line!(out, "\t\t{field} vmap {{ {one} }} {comment}"),
        more => {
            line!(out, "\t\t{field} vmap {{");
            for key in more {
                line!(out, "\t\t\t{key},");
            }
            line!(out, "\t\t}} {comment}");
        }
    }
}

/// `ip saddr { A, B } `, with a blank behind it; nothing where it is everybody.
fn among(family: &str, field: &str, nets: &[IpNet]) -> String {
    let nets: Vec<String> = nets.iter().map(crate::net::written).collect();
    match &nets[..] {
        [] => String::new(),
        [one] => format!("{family} {field} {one} "),
        more => format!("{family} {field} {{ {} }} ", more.join(", ")),
    }
}

fn goto(policy: &Policy, verdict: Verdict) -> String {
    match verdict.log {
        Some(log) => format!("goto {}_{}", chain("log", policy), log + 1),
        None if verdict.allows() => String::from("goto ovl_out_of"),
        None => String::from("goto ovl_deny"),
    }
}
