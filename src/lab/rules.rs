//! What the rules of a pair say about one question: the first rule that matches, and closed at the end.
//!
//! Goes in: a list of rules as it was written, and who asks whom for what. Comes out: yes or no, and what
//! hosts have to ask for to try a list. What must hold: nothing is worked out in advance; rule after
//! rule is looked at, because this judges what was compiled.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::{Action, IcmpType, Rule, RuleList, Service};
use crate::net::{self, Family};
use crate::source::Spanned;

/// A transport of the lab's hosts with the port that is asked; 0 where it has none.
pub(super) type Asked = (&'static str, u16);

/// What is asked where there are no rules.
const PLAIN: [Asked; 4] = [("tcp", 80), ("udp", 80), ("icmp", 0), ("253", 0)];

/// So many services are asked for at most.
const SERVICES: usize = 12;

/// Echo requests in both families: RFC 792, RFC 4443.
const ECHO: IcmpType = IcmpType { v4: Some(8), v6: Some(128) };

/// Whether a host may ask another for something; without a list everything may be asked.
pub(super) fn allows(list: Option<&RuleList>, source: IpAddr, target: IpAddr, asked: Asked) -> bool {
    list.is_none_or(|list| first_action(list, source, target, asked) == Some(Action::Allow))
}

/// What the first rule that matches does; none matches at the end of a list.
pub(super) fn first_action(list: &RuleList, source: IpAddr, target: IpAddr, asked: Asked) -> Option<Action> {
    let names = |hosts: &[Spanned<IpNet>], host: IpAddr| {
        hosts.is_empty() || hosts.iter().any(|net| net.value.contains(&host))
    };
    let first = list.rules.iter().find(|rule| {
        names(&rule.from, source) && names(&rule.to, target) && is_about(rule, asked, net::family_of(&target))
    });
    first.map(|rule| rule.action)
}

/// What hosts ask of each other: without rules one question a transport, with rules also the first port
/// of what each rule names.
pub(super) fn services(list: Option<&RuleList>) -> Vec<Asked> {
    let mut services = PLAIN.to_vec();
    for rule in list.into_iter().flat_map(|list| &list.rules) {
        if let Service::Ports(number @ (6 | 17), ranges) = &rule.service {
            let transport = if *number == 6 { "tcp" } else { "udp" };
            let first = ranges.first().map(|(first, _)| (transport, *first));
            services.extend(first.filter(|asked| asked.1 != 0 && !services.contains(asked)));
        }
    }
    services.truncate(SERVICES);
    services
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
