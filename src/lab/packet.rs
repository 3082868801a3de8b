//! An IP packet as the lab speaks of it: who sends what to whom.
//!
//! Goes in: the bytes of a packet, from the IP header on. Comes out: a [`Packet`], or nothing for what
//! hosts say by themselves: neighbour discovery and multicast membership. What must hold: a packet and
//! its counterpart in the error about it are told alike.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A packet, or the first fragment of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// From where.
    pub source: IpAddr,
    /// To where.
    pub destination: IpAddr,
    /// What it carries.
    pub body: Body,
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// TCP or UDP.
    Ports {
        /// `tcp` or `udp`.
        name: &'static str,
        /// Source port.
        from: u16,
        /// Destination port.
        to: u16,
        /// The control bits of TCP (RFC 9293, 3.1), where they are there to be read.
        flags: Option<u8>,
    },
    /// Protocol 253, as the lab's hosts use it.
    Labelled {
        /// What the asker chose in place of a port.
        label: u16,
        /// `Q` asks, `A` answers.
        answer: bool,
    },
    /// An echo request or reply.
    Echo {
        /// Its identifier.
        identifier: u16,
        /// Whether it answers.
        reply: bool,
    },
    /// An ICMP error.
    Error {
        /// What it says, in a word.
        word: &'static str,
        /// The packet that it is about.
        about: Box<Packet>,
    },
    /// Another ICMP message: type and code.
    Control(u8, u8),
    /// Another protocol.
    Other(u8),
}

/// Control bits of TCP with what they are called, in the order in which they are named.
const FLAGS: [(u8, &str); 4] = [(0x02, "SYN"), (0x01, "FIN"), (0x04, "RST"), (0x10, "ACK")];

impl Packet {
    /// Reads a packet; `None` where it does not count.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? >> 4 {
            4 => {
                let header = usize::from(bytes[0] & 15) * 4;
                let source = Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(12..16)?).ok()?);
                let destination = Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(16..20)?).ok()?);
                if number(bytes, 6)? & 0x1fff != 0 {
                    return None; // not the first fragment
                }
                let body = body(*bytes.get(9)?, bytes.get(header..)?)?;
                Some(Self { source: source.into(), destination: destination.into(), body })
            }
            6 => {
                let source = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(8..24)?).ok()?);
                let destination = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(24..40)?).ok()?);
                let rest = bytes.get(40..)?;
                let (protocol, rest) = match *bytes.get(6)? {
                    // Extension headers of RFC 8200: hop-by-hop options, with which multicast membership
                    // comes (section 4.3), and fragments (4.5), of which the first counts.
                    0 => (*rest.first()?, rest.get((usize::from(*rest.get(1)?) + 1) * 8..)?),
                    44 if number(rest, 2)? & 0xfff8 != 0 => return None,
                    44 => (*rest.first()?, rest.get(8..)?),
                    protocol => (protocol, rest),
                };
                let body = body(protocol, rest)?;
                Some(Self { source: source.into(), destination: destination.into(), body })
            }
            _ => None,
        }
    }
}

/// One line: `tcp SOURCE PORT DESTINATION PORT` and the like; the forms are listed in [`super::host`].
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, destination, body } = self;
        match body {
            Body::Ports { name, from, to, .. } => write!(f, "{name} {source} {from} {destination} {to}"),
            Body::Labelled { label, .. } => write!(f, "253 {source} {label} {destination} 0"),
            Body::Echo { identifier, reply } => {
                let name = if *reply { "icmp-reply" } else { "icmp" };
                write!(f, "{name} {source} {identifier} {destination} 0")
            }
            Body::Error { word, about } => write!(f, "error {word} {source} {about}"),
            Body::Control(kind, code) => write!(f, "icmp-{kind}/{code} {source} 0 {destination} 0"),
            Body::Other(protocol) => write!(f, "ip-{protocol} {source} 0 {destination} 0"),
        }
    }
}

/// The names of a segment's control bits, such as `SYN ACK`.
#[must_use]
pub fn flag_names(flags: u8) -> String {
    let set = FLAGS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name);
    set.collect::<Vec<_>>().join(" ")
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

fn body(protocol: u8, bytes: &[u8]) -> Option<Body> {
    let ports = |name: &'static str, flags: Option<u8>| {
        Some(Body::Ports { name, from: number(bytes, 0)?, to: number(bytes, 2)?, flags })
    };
    match protocol {
        6 => ports("tcp", bytes.get(13).copied()),
        17 => ports("udp", None),
        253 => Some(Body::Labelled { label: number(bytes, 1)?, answer: bytes.first() == Some(&b'A') }),
        1 | 58 => control(protocol, bytes),
        2 => None, // multicast membership
        other => Some(Body::Other(other)),
    }
}

fn control(protocol: u8, bytes: &[u8]) -> Option<Body> {
    let (kind, code) = (*bytes.first()?, *bytes.get(1)?);
    let word = match (protocol, kind, code) {
        (1, 8, _) | (58, 128, _) => return Some(Body::Echo { identifier: number(bytes, 4)?, reply: false }),
        (1, 0, _) | (58, 129, _) => return Some(Body::Echo { identifier: number(bytes, 4)?, reply: true }),
        (58, 130..=137 | 143, _) => return None, // neighbour discovery, multicast membership
        (1, 3, 0) | (58, 1, 0) => "net-unreachable",
        (1, 3, 1) | (58, 1, 3) => "host-unreachable",
        (1, 3, 3) | (58, 1, 4) => "port-unreachable",
        (1, 3, 4) | (58, 2, _) => "too-big",
        (1, 3, 9 | 10 | 13) | (58, 1, 1) => "prohibited",
        // Of what has a link-local source, so mostly neighbour discovery.
        (58, 1, 2) => "beyond-scope",
        (1, 11, _) | (58, 3, _) => "expired",
        _ => return Some(Body::Control(kind, code)),
    };
    // What does not count itself, such as neighbour discovery, makes no error that counts.
    let about = bytes.get(8..).and_then(Packet::parse)?;
    Some(Body::Error { word, about: Box::new(about) })
}

#[cfg(test)]
mod tests {
    use super::{Body, Packet, flag_names};

    const SYN: &[u8] = &[
        0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 192, 168, 2, 10, 192, 168, 23, 10, // IPv4
        0x0f, 0xa0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0, 0, 0, 0, // TCP
    ];

    #[test]
    fn a_segment_is_told_with_its_ports_and_flags() {
        let packet = Packet::parse(SYN).unwrap();
        assert_eq!(packet.to_string(), "tcp 192.168.2.10 4000 192.168.23.10 80");
        assert!(matches!(packet.body, Body::Ports { flags: Some(0x02), .. }));
        assert_eq!(flag_names(0x12), "SYN ACK");
    }

    #[test]
    fn an_error_tells_what_it_is_about_also_where_that_is_cut_short() {
        let mut bytes = vec![0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 192, 168, 23, 10, 192, 168, 2, 10];
        bytes.extend([3, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend(&SYN[..28]);
        let packet = Packet::parse(&bytes).unwrap();
        let line = "error host-unreachable 192.168.23.10 tcp 192.168.2.10 4000 192.168.23.10 80";
        assert_eq!(packet.to_string(), line);
        assert_eq!(Packet::parse(&bytes[..40]), None);
        assert_eq!(Packet::parse(&[]), None);
    }

    #[test]
    fn fragments_but_the_first_do_not_count() {
        let mut later = SYN.to_vec();
        later[7] = 1;
        assert_eq!(Packet::parse(&later), None);
    }
}
