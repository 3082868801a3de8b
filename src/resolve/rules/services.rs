//! Protocols, ports and ICMP types.
//!
//! Goes in: the words of a rule in front of `from`. Comes out: a [`Service`]. What must hold: it is one
//! that conntrack can see as a connection of its own, in at least one family.

use super::super::Resolver;
use super::super::scope::{Lookup, bare, is_plain};
use super::super::value::{Literal, Value, read};
use super::errors::{BadPort, NoPorts, UnknownIcmpType, UnknownProtocol};
use crate::diag::suggest::closest;
use crate::model::{IcmpType, Service};
use crate::syntax::ast::{self, Word};

/// IANA, Assigned Internet Protocol Numbers: those that are met between networks.
const PROTOCOLS: &[(&str, u8)] = &[
    ("tcp", 6),
    ("udp", 17),
    ("sctp", 132),
    ("dccp", 33),
    ("udplite", 136),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("igmp", 2),
    ("ipip", 4),
    ("egp", 8),
    ("igp", 9),
    ("ipv6", 41),
    ("rsvp", 46),
    ("eigrp", 88),
    ("ospf", 89),
    ("etherip", 97),
    ("pim", 103),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("isis", 124),
    ("hip", 139),
];

/// What has ports in the first four bytes of its header, where both firewalls look for them.
const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];

/// What people write for something that is called otherwise here.
const OTHERWISE: &[(&str, &str)] = &[
    ("icmpv6", "icmp"),
    ("icmp6", "icmp"),
    ("ipv6-icmp", "icmp"),
    ("icmpv4", "icmp"),
    ("ping", "icmp echo-request"),
    ("all", "any"),
    ("ip", "any"),
    ("*", "any"),
    ("udp-lite", "udplite"),
    ("ipencap", "ipip"),
];

/// Ports by the names of what answers there, for the help of findings: the language has numbers alone,
/// which mean the same on every host.
const WELL_KNOWN: &[(&str, &str, u16)] = &[
    ("ftp", "tcp", 21),
    ("ssh", "tcp", 22),
    ("telnet", "tcp", 23),
    ("smtp", "tcp", 25),
    ("dns", "udp", 53),
    ("domain", "udp", 53),
    ("tftp", "udp", 69),
    ("http", "tcp", 80),
    ("s7", "tcp", 102),
    ("ntp", "udp", 123),
    ("snmp", "udp", 161),
    ("ldap", "tcp", 389),
    ("https", "tcp", 443),
    ("modbus", "tcp", 502),
    ("syslog", "udp", 514),
    ("mqtt", "tcp", 1883),
    ("rdp", "tcp", 3389),
    ("opcua", "tcp", 4840),
    ("vnc", "tcp", 5900),
];

/// The messages that conntrack takes as the first of a connection: `valid_new` in the kernel's
/// nf_conntrack_proto_icmp.c and nf_conntrack_proto_icmpv6.c. Numbers: IANA, ICMP and ICMPv6 Parameters.
const REQUESTS: &[(&str, Option<u8>, Option<u8>)] = &[
    ("echo-request", Some(8), Some(128)),
    ("timestamp-request", Some(13), None),
    ("information-request", Some(15), None),
    ("address-mask-request", Some(17), None),
    ("node-information", None, Some(139)),
];

/// Other names of these, and their numbers.
const REQUESTS_OTHERWISE: &[(&str, &str)] = &[
    ("ping", "echo-request"),
    ("echo", "echo-request"),
    ("8", "echo-request"),
    ("128", "echo-request"),
    ("timestamp", "timestamp-request"),
    ("13", "timestamp-request"),
    ("info-request", "information-request"),
    ("15", "information-request"),
    ("17", "address-mask-request"),
    ("139", "node-information"),
];

/// What answers these, and passes with them.
const REPLIES: &[(&str, &str)] = &[
    ("echo-reply", "echo-request"),
    ("pong", "echo-request"),
    ("0", "echo-request"),
    ("129", "echo-request"),
    ("timestamp-reply", "timestamp-request"),
    ("14", "timestamp-request"),
    ("information-reply", "information-request"),
    ("info-reply", "information-request"),
    ("16", "information-request"),
    ("address-mask-reply", "address-mask-request"),
    ("18", "address-mask-request"),
    ("node-information-reply", "node-information"),
    ("140", "node-information"),
];

/// What tells of trouble with a packet, and passes as part of its connection.
const ERRORS: &[&str] = &[
    "destination-unreachable",
    "host-unreachable",
    "network-unreachable",
    "port-unreachable",
    "fragmentation-needed",
    "packet-too-big",
    "time-exceeded",
    "ttl-exceeded",
    "parameter-problem",
    "source-quench",
    "redirect",
    "3",
    "4",
    "5",
    "11",
    "12",
    "1",
    "2",
];

/// What hosts and routers of one link say to each other; no gateway forwards it.
const LINK: &[&str] = &[
    "router-solicitation",
    "router-advertisement",
    "neighbour-solicitation",
    "neighbour-advertisement",
    "neighbor-solicitation",
    "neighbor-advertisement",
    "nd-router-solicit",
    "nd-router-advert",
    "nd-neighbor-solicit",
    "nd-neighbor-advert",
    "9",
    "10",
    "133",
    "134",
    "135",
    "136",
];

impl<'a> Resolver<'a, '_> {
    /// What a rule is about.
    pub(super) fn service(&mut self, rule: &'a ast::Rule) -> Option<Service> {
        let Some(word) = &rule.protocol else { return Some(Service::Any) };
        let text = self.text(word)?;
        if text == "any" {
            return self.without_items(Service::Any, &text, rule);
        }
        if text == "icmp" {
            return self.icmp_types(&rule.items);
        }
        let named = PROTOCOLS.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
        let Some(number) = named.or_else(|| protocol_number(&text)) else {
            return self.unknown_protocol(&text, word);
        };
        match number {
            1 | 58 => self.icmp_types(&rule.items),
            0 | 43 | 44 | 59 | 60 => {
                let fault = "the number of an IPv6 extension header, behind which the protocol follows";
                let replacement = (number == 0).then_some("any");
                self.report(UnknownProtocol { name: &text, span: word.span, fault, replacement });
                None
            }
            _ if WITH_PORTS.contains(&number) && !rule.items.is_empty() => {
                let ports: Vec<Option<(u16, u16)>> = rule.items.iter().map(|item| self.ports(item)).collect();
                Some(Service::Ports(number, ports.into_iter().collect::<Option<_>>()?))
            }
            _ => self.without_items(Service::Protocol(number), &text, rule),
        }
    }

    fn without_items(&mut self, service: Service, name: &str, rule: &'a ast::Rule) -> Option<Service> {
        let (Some(first), Some(last)) = (rule.items.first(), rule.items.last()) else { return Some(service) };
        self.report(NoPorts { protocol: name, span: first.span.to(last.span) });
        None
    }

    fn unknown_protocol(&mut self, text: &str, word: &'a Word) -> Option<Service> {
        let number = matches!(read(text), Literal::Value(Value::Integer(_)));
        let fault = if number { "not within 0 to 255" } else { "no protocol has this name" };
        let well_known = WELL_KNOWN.iter().find(|(name, ..)| *name == text);
        let well_known = well_known.map(|(_, protocol, port)| format!("{protocol} {port}"));
        let otherwise = OTHERWISE.iter().find(|(other, _)| other.eq_ignore_ascii_case(text));
        let names = PROTOCOLS.iter().map(|(name, _)| *name).chain(["icmp", "any"]);
        let replacement =
            well_known.as_deref().or(otherwise.map(|(_, name)| *name)).or_else(|| closest(text, names));
        let replacement = replacement.filter(|_| is_plain(word));
        self.report(UnknownProtocol { name: text, span: word.span, fault, replacement });
        None
    }

    /// One item of a list of ports: first and last.
    fn ports(&mut self, word: &'a Word) -> Option<(u16, u16)> {
        let mut text = self.text(word)?;
        if let Some(name) = bare(word).filter(|name| !name.starts_with(|c: char| c.is_ascii_digit())) {
            match self.scopes.look_up(name) {
                Lookup::Value(value) => text = value.to_string(),
                Lookup::Failed => {
                    self.failures += 1;
                    return None;
                }
                Lookup::Unknown => {}
            }
        }
        let (first, last) = text.split_once(['-', ':']).unwrap_or((&text, &text));
        let (fault, replacement) = match (integer(first), integer(last)) {
            (Some(number), _) | (_, Some(number)) if text.contains(['-', ':']) && number > 65535 => {
                (format!("{number} is above 65535"), None)
            }
            (Some(0), Some(_)) if text.contains('-') => {
                (String::from("port 0 cannot be used"), Some(format!("1-{last}")))
            }
            (Some(0), Some(_)) => (String::from("port 0 cannot be used"), None),
            (Some(first), Some(last)) if first > last => {
                (format!("{last} is below {first}"), Some(format!("{last}-{first}")))
            }
            (Some(first), Some(last)) if text.contains(':') => {
                (String::from("a range is written with `-`"), Some(format!("{first}-{last}")))
            }
            (Some(first), Some(last)) => match (u16::try_from(first), u16::try_from(last)) {
                (Ok(first), Ok(last)) => return Some((first, last)),
                _ => (String::from("above 65535"), None),
            },
            _ => {
                let known = WELL_KNOWN.iter().find(|(name, ..)| *name == text);
                (String::from("not a number"), known.map(|(.., port)| port.to_string()))
            }
        };
        let replacement = replacement.filter(|_| is_plain(word));
        // The order and the sign of a range, and names that everybody knows, say what is meant; port 0 does not.
        let certain = integer(first) != Some(0);
        self.report(BadPort { port: &text, span: word.span, fault, replacement, certain });
        None
    }

    fn icmp_types(&mut self, items: &'a [Word]) -> Option<Service> {
        let types: Vec<Option<IcmpType>> = items.iter().map(|word| self.icmp_type(word)).collect();
        types.into_iter().collect::<Option<_>>().map(Service::Icmp)
    }

    fn icmp_type(&mut self, word: &'a Word) -> Option<IcmpType> {
        let text = self.text(word)?;
        if let Some((_, v4, v6)) = REQUESTS.iter().find(|(name, ..)| *name == text) {
            return Some(IcmpType { v4: *v4, v6: *v6 });
        }
        let find = |table: &[(&str, &'static str)]| {
            table.iter().find(|(name, _)| *name == text).map(|(_, meant)| *meant)
        };
        let otherwise = find(REQUESTS_OTHERWISE);
        let (fault, replacement) = if let Some(request) = find(REPLIES) {
            ("replies to what is allowed always pass", Some(request))
        } else if ERRORS.contains(&text.as_str()) {
            ("errors about allowed connections always pass", None)
        } else if LINK.contains(&text.as_str()) {
            ("stays within its network", None)
        } else {
            let similar = otherwise.or_else(|| closest(&text, REQUESTS.iter().map(|(name, ..)| *name)));
            ("no message of this name opens an exchange", similar)
        };
        let replacement = replacement.filter(|_| is_plain(word));
        let certain = otherwise.is_some() && replacement == otherwise;
        self.report(UnknownIcmpType { name: &text, span: word.span, fault, replacement, certain });
        None
    }
}

/// The number of a protocol written as a number.
fn protocol_number(text: &str) -> Option<u8> {
    integer(text).and_then(|number| u8::try_from(number).ok())
}

fn integer(text: &str) -> Option<i128> {
    match read(text) {
        Literal::Value(Value::Integer(number)) => Some(number),
        _ => None,
    }
}
