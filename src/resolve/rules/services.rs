//! Protocols, ports and ICMP types.
//!
//! Goes in: the words of a rule in front of `from`. Comes out: a [`Service`]. What must hold: it is one
//! that conntrack can see as a connection of its own, in at least one family.

use std::ops::RangeInclusive;

use super::super::Resolver;
use super::super::scope::{Lookup, bare, is_plain};
use super::super::value::{Literal, Value, read};
use super::errors::{BadPort, NoPorts, PortAsProtocol, UnknownIcmpType, UnknownProtocol};
use super::items::{Item, numbers};
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

/// The numbers of which the same list says that nobody has them (2025). 253 and 254 are for experiments, and so for
/// whoever needs a number of his own.
const UNASSIGNED: RangeInclusive<u8> = 148..=252;

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
    ("imap", "tcp", 143),
    ("snmp", "udp", 161),
    ("bgp", "tcp", 179),
    ("ldap", "tcp", 389),
    ("https", "tcp", 443),
    ("smb", "tcp", 445),
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
        // `22 tcp`, as others write it.
        if let [only] = rule.items.as_slice()
            && let Some(protocol) =
                bare(only).and_then(with_ports).filter(|_| is_ports(&text) && is_plain(word))
        {
            let swapped = Some((word.span.to(only.span), format!("{protocol} {text}")));
            self.report(NoPorts { protocol: &text, span: only.span, swapped });
            return None;
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
                let (span, port) = (word.span, false);
                self.report(UnknownProtocol { name: &text, span, fault, replacement, port, help: None });
                None
            }
            _ if WITH_PORTS.contains(&number) && !rule.items.is_empty() => {
                let ports: Vec<Option<(u16, u16)>> = rule.items.iter().map(|item| self.ports(item)).collect();
                let ports: Vec<(u16, u16)> = ports.into_iter().collect::<Option<_>>()?;
                let items = rule.items.iter().zip(&ports).map(|(word, (first, last))| Item {
                    text: if first == last { first.to_string() } else { format!("{first}-{last}") },
                    span: word.span,
                    range: numbers((*first).into(), (*last).into()),
                    // A name may be that of a `let` inside of a `for`.
                    literal: bare(word).is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit())),
                });
                self.overlapping_items(&items.collect::<Vec<_>>());
                Some(Service::Ports(number, ports))
            }
            _ => {
                if named.is_none() && rule.items.is_empty() {
                    self.port_as_protocol(number, &text, word);
                }
                self.without_items(Service::Protocol(number), &text, rule)
            }
        }
    }

    /// Warns of a number without a protocol in front of it that is known as a port, or that no protocol has. One that
    /// has a name here is as likely meant as a protocol, and so is one in hexadecimal digits.
    fn port_as_protocol(&mut self, number: u8, text: &str, word: &'a Word) {
        if PROTOCOLS.iter().any(|(_, known)| *known == number) || text.parse() != Ok(number) {
            return;
        }
        let known = WELL_KNOWN.iter().find(|(_, _, port)| *port == u16::from(number));
        if known.is_none() && !UNASSIGNED.contains(&number) {
            return;
        }
        let known = known.filter(|_| is_plain(word)).map(|(name, protocol, _)| (*name, *protocol));
        let found = PortAsProtocol { number, span: word.span, known };
        self.reporter.report(found, self.instance.as_deref());
    }

    fn without_items(&mut self, service: Service, name: &str, rule: &'a ast::Rule) -> Option<Service> {
        let (Some(first), Some(last)) = (rule.items.first(), rule.items.last()) else { return Some(service) };
        self.report(NoPorts { protocol: name, span: first.span.to(last.span), swapped: None });
        None
    }

    fn unknown_protocol(&mut self, text: &str, word: &'a Word) -> Option<Service> {
        let number = matches!(read(text), Literal::Value(Value::Integer(_)));
        let port = is_ports(text);
        let fault = match (number, port) {
            (true, true) => "above 255, so no protocol; a port stands behind its protocol",
            (true, false) => "not within 0 to 255",
            (false, true) => "a range of ports stands behind its protocol",
            (false, false) => "no protocol has this name",
        };
        let well_known = WELL_KNOWN.iter().find(|(name, _, port)| *name == text || text.parse() == Ok(*port));
        let well_known =
            well_known.map(|(_, protocol, port)| format!("{protocol} {port}")).or_else(|| joined(text));
        let otherwise = OTHERWISE.iter().find(|(other, _)| other.eq_ignore_ascii_case(text));
        let names = PROTOCOLS.iter().map(|(name, _)| *name).chain(["icmp", "any"]);
        let replacement =
            well_known.as_deref().or(otherwise.map(|(_, name)| *name)).or_else(|| closest(text, names));
        let (fault, help) = match several(text) {
            Some(protocols) => {
                ("a rule is about one protocol", Some(format!("write a rule for each: {protocols}")))
            }
            None if STATES.contains(&text) => {
                let help = "leave the rule out: rules are about what opens a connection, and its replies pass with it";
                ("a state of connections, no protocol", Some(help.to_owned()))
            }
            None => (fault, None),
        };
        let replacement = replacement.filter(|_| is_plain(word) && help.is_none());
        self.report(UnknownProtocol { name: text, span: word.span, fault, replacement, port, help });
        None
    }

    /// One item of a list of ports: first and last.
    fn ports(&mut self, word: &'a Word) -> Option<(u16, u16)> {
        let mut text = self.text(word)?;
        if let Some(name) = bare(word).filter(|name| !name.starts_with(|c: char| c.is_ascii_digit())) {
            match self.look_up(name, word.span) {
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
        let types: Vec<IcmpType> = types.into_iter().collect::<Option<_>>()?;
        let items = items.iter().zip(&types).filter_map(|(word, kind)| {
            let number = u32::from(kind.v4.unwrap_or(0)) << 8 | u32::from(kind.v6.unwrap_or(0));
            let (text, _) = REQUESTS
                .iter()
                .map(|(name, v4, v6)| (*name, (*v4, *v6)))
                .find(|it| it.1 == (kind.v4, kind.v6))?;
            let literal = bare(word).is_some();
            Some(Item { text: text.to_owned(), span: word.span, range: numbers(number, number), literal })
        });
        self.overlapping_items(&items.collect::<Vec<_>>());
        Some(Service::Icmp(types))
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

/// The protocol with ports that is called so.
fn with_ports(name: &str) -> Option<&'static str> {
    let mut known =
        PROTOCOLS.iter().filter(|(_, number)| WITH_PORTS.contains(number)).map(|(known, _)| *known);
    known.find(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a text is a port, or a range of ports, in decimal digits.
fn is_ports(text: &str) -> bool {
    let port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    text.split_once('-').map_or_else(|| port(text), |(first, last)| port(first) && port(last))
}

/// `tcp 22` for `tcp/22`, `22/tcp` and the like, as other tools write it.
fn joined(text: &str) -> Option<String> {
    let (front, back) = text.split_once(['/', ':'])?;
    let (protocol, ports) =
        with_ports(front).map(|name| (name, back)).or(with_ports(back).map(|name| (name, front)))?;
    is_ports(ports).then(|| format!("{protocol} {ports}"))
}

/// States of connections, as firewalls have them in rules.
const STATES: [&str; 5] = ["established", "related", "new", "invalid", "state"];

/// The protocols of a word with more than one, such as `tcp/udp`.
fn several(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(['/', '+', '|']).collect();
    let known = |word: &&str| PROTOCOLS.iter().any(|(name, _)| name == word) || *word == "icmp";
    let all = words.iter().map(|word| format!("`{word}`")).collect::<Vec<String>>().join(" and ");
    (words.len() > 1 && words.iter().all(known)).then_some(all)
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
