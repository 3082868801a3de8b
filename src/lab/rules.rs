//! What the rules of a pair say about one question: the first rule that matches, and closed at the end.
//!
//! Goes in: a list of rules as it was written, and who asks whom for what. Comes out: yes or no, and what
//! hosts have to ask for to try a list. What must hold: nothing is worked out in advance; rule after
//! rule is looked at, because this judges what was compiled. What is not asked for is counted.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::sample::{first_of_each, spread};
use crate::model::{Action, IcmpType, Rule, RuleList, Service};
use crate::net::{self, Family};
use crate::source::Spanned;

/// A transport of the lab's hosts with the port that is asked; 0 where it has none.
pub(super) type Asked = (&'static str, u16);

/// What is asked where there are no rules.
const PLAIN: [Asked; 4] = [("tcp", 80), ("udp", 80), ("icmp", 0), ("253", 0)];

/// So many services are asked for at most.
const SERVICES: usize = 24;

/// Echo requests in both families: RFC 792, RFC 4443.
const ECHO: IcmpType = IcmpType { v4: Some(8), v6: Some(128) };

/// Whether a host may ask another for something; without a list everything may be asked.
pub(super) fn allows(list: Option<&RuleList>, source: IpAddr, target: IpAddr, asked: Asked) -> bool {
    list.is_none_or(|list| first_action(list, source, target, asked) == Some(Action::Allow))
}

/// What the first rule that matches does; none matches at the end of a list.
pub(super) fn first_action(list: &RuleList, source: IpAddr, target: IpAddr, asked: Asked) -> Option<Action> {
    first_match(list, source, target, asked).map(|n| list.rules[n].action)
}

/// The place of the first rule that matches.
pub(super) fn first_match(list: &RuleList, source: IpAddr, target: IpAddr, asked: Asked) -> Option<usize> {
    let names = |hosts: &[Spanned<IpNet>], host: IpAddr| {
        hosts.is_empty() || hosts.iter().any(|net| net.value.contains(&host))
    };
    list.rules.iter().position(|rule| {
        names(&rule.from, source) && names(&rule.to, target) && is_about(rule, asked, net::family_of(&target))
    })
}

/// What hosts ask of each other: without rules one question a transport, with rules also the first and
/// the last port of every range, as far as there is room, and of each rule one port before others.
pub(super) fn services(list: Option<&RuleList>) -> Vec<Asked> {
    let mut services = PLAIN.to_vec();
    let ends = list.map(ends).unwrap_or_default();
    let (first, others) = first_of_each(ends, |(rule, _)| *rule);
    for ends in [first, others] {
        let ends = ends.into_iter().map(|(_, asked)| asked).collect();
        services.extend(spread(ends, SERVICES - services.len()));
    }
    services
}

/// How many ports at the ends of ranges a list names, and how many of them are not asked for.
pub(super) fn left_out(list: &RuleList) -> (usize, usize) {
    let count = ends(list).len();
    (count, count - (services(Some(list)).len() - PLAIN.len()))
}

/// The ends of all ranges, each with the first rule that has it.
fn ends(list: &RuleList) -> Vec<(usize, Asked)> {
    let mut known: BTreeSet<Asked> = PLAIN.into_iter().collect();
    let mut ends = Vec::new();
    for (n, rule) in list.rules.iter().enumerate() {
        let Service::Ports(number @ (6 | 17), ranges) = &rule.service else { continue };
        let transport = if *number == 6 { "tcp" } else { "udp" };
        let of_rule = ranges.iter().flat_map(|(first, last)| [(transport, *first), (transport, *last)]);
        ends.extend(of_rule.filter(|asked| asked.1 != 0 && known.insert(*asked)).map(|asked| (n, asked)));
    }
    ends
}

/// Whether the lab's hosts can ask for what a rule is about.
pub(super) fn can_be_asked(rule: &Rule) -> bool {
    let asked = [("tcp", first_port(rule)), ("udp", first_port(rule)), ("icmp", 0), ("253", 0)];
    asked.iter().any(|asked| is_about(rule, *asked, Family::V4) || is_about(rule, *asked, Family::V6))
}

fn first_port(rule: &Rule) -> u16 {
    match &rule.service {
        Service::Ports(_, ranges) => ranges.first().map_or(0, |(first, _)| *first),
        _ => 80,
    }
}

fn is_about(rule: &Rule, (transport, port): Asked, family: Family) -> bool {
    let number = match transport {
        "tcp" => 6,
        "udp" => 17,
        "253" => 253,
        _ => return is_about_echo(&rule.service, family),
    };
    match &rule.service {
        Service::Any => true,
        Service::Protocol(protocol) => *protocol == number,
        Service::Ports(protocol, ranges) => {
            *protocol == number && ranges.iter().any(|(first, last)| (*first..=*last).contains(&port))
        }
        Service::Icmp(_) => false,
    }
}

fn is_about_echo(service: &Service, family: Family) -> bool {
    let echo = |it: &IcmpType| match family {
        Family::V4 => it.v4 == ECHO.v4,
        Family::V6 => it.v6 == ECHO.v6,
    };
    match service {
        Service::Any => true,
        Service::Icmp(types) => types.is_empty() || types.iter().any(echo),
        Service::Protocol(_) | Service::Ports(..) => false,
    }
}
