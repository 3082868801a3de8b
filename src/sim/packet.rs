//! A packet, as far as routing, filters and connection tracking look at it.
//!
//! Goes in: nothing, these are types. What must hold: source and destination are of one family, and an ICMP
//! error holds the packet that it is about.

use std::fmt;
use std::net::IpAddr;

/// TCP's number in the header of IP.
pub const TCP: u8 = 6;
/// UDP's number.
pub const UDP: u8 = 17;
/// ICMP's number.
pub const ICMP: u8 = 1;
/// `ICMPv6`'s number.
pub const ICMP6: u8 = 58;
/// The flag of TCP that opens a connection.
pub const SYN: u8 = 2;
/// The flag of TCP that confirms.
pub const ACK: u8 = 16;
/// The time to live of packets where nothing else is said (RFC 1700).
pub const TTL: u8 = 64;

/// A packet of IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sends it.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// Through how many routers it may go.
    pub ttl: u8,
    /// What is in it.
    pub content: Content,
}

/// What is in a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A protocol whose header begins with two ports: TCP, UDP, DCCP, SCTP, UDP-Lite.
    Ports {
        /// The protocol's number.
        protocol: u8,
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
        /// Of TCP its flags; 0 of all others.
        flags: u8,
    },
    /// ICMP or ICMPv6 that is not an error.
    Message {
        /// The type.
        kind: u8,
        /// The identifier of questions and answers; 0 of all others.
        id: u16,
    },
    /// An error of ICMP or ICMPv6.
    Error {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
        /// The packet that it is about, as whoever made the error saw it.
        about: Box<Packet>,
    },
    /// Any other protocol.
    Other {
        /// Its number.
        protocol: u8,
    },
}

impl Packet {
    /// Whether of IPv4.
    #[must_use]
    pub fn is_v4(&self) -> bool {
        self.destination.is_ipv4()
    }

    /// The number of the protocol above IP.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        match self.content {
            Content::Ports { protocol, .. } | Content::Other { protocol } => protocol,
            Content::Message { .. } | Content::Error { .. } => {
                if self.is_v4() {
                    ICMP
                } else {
                    ICMP6
                }
            }
        }
    }

    /// The type, of ICMP and ICMPv6.
    #[must_use]
    pub fn icmp_type(&self) -> Option<u8> {
        match self.content {
            Content::Message { kind, .. } | Content::Error { kind, .. } => Some(kind),
            _ => None,
        }
    }

    /// What a host that offers everything sends back; nothing where no host answers such a packet by itself.
    #[must_use]
    pub fn answer(&self) -> Option<Self> {
        let content = match self.content {
            Content::Ports { protocol, source, destination, flags } => {
                let flags = match (protocol, flags & SYN != 0) {
                    (TCP, true) => SYN | ACK,
                    (TCP, false) => ACK,
                    _ => 0,
                };
                Content::Ports { protocol, source: destination, destination: source, flags }
            }
            Content::Message { kind: 8, id } if self.is_v4() => Content::Message { kind: 0, id },
            Content::Message { kind: 128, id } if !self.is_v4() => Content::Message { kind: 129, id },
            Content::Message { .. } | Content::Error { .. } => return None,
            Content::Other { protocol } => Content::Other { protocol },
        };
        Some(Self { source: self.destination, destination: self.source, ttl: TTL, content })
    }
}

/// A protocol by name, or by its number.
#[must_use]
pub fn protocol_name(protocol: u8) -> String {
    match protocol {
        ICMP => "icmp".to_owned(),
        TCP => "tcp".to_owned(),
        UDP => "udp".to_owned(),
        33 => "dccp".to_owned(),
        47 => "gre".to_owned(),
        50 => "esp".to_owned(),
        ICMP6 => "icmpv6".to_owned(),
        132 => "sctp".to_owned(),
        136 => "udplite".to_owned(),
        _ => format!("protocol {protocol}"),
    }
}

impl fmt::Display for Packet {
    /// `192.168.2.10:4000 -> 192.168.23.10:80 tcp`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, destination) = (self.source, self.destination);
        match &self.content {
            Content::Ports { protocol, source: from, destination: to, .. } => {
                let (left, right) = if self.is_v4() { ("", "") } else { ("[", "]") };
                let name = protocol_name(*protocol);
                write!(f, "{left}{source}{right}:{from} -> {left}{destination}{right}:{to} {name}")
            }
            Content::Message { kind, id } => {
                let name = protocol_name(self.protocol());
                match message_name(*kind, self.is_v4()) {
                    Some(words) => write!(f, "{source} -> {destination} {name} {words}, id {id}"),
                    None => write!(f, "{source} -> {destination} {name} type {kind}"),
                }
            }
            Content::Error { kind, code, about } => {
                let name = protocol_name(self.protocol());
                let words = error_name(*kind, *code, self.is_v4());
                write!(f, "{source} -> {destination} {name} {words} (about {about})")
            }
            Content::Other { protocol } => {
                write!(f, "{source} -> {destination} {}", protocol_name(*protocol))
            }
        }
    }
}

fn message_name(kind: u8, v4: bool) -> Option<&'static str> {
    match (kind, v4) {
        (8, true) | (128, false) => Some("echo request"),
        (0, true) | (129, false) => Some("echo reply"),
        _ => None,
    }
}

/// An error in words: RFC 792, RFC 1812, RFC 4443.
#[must_use]
pub fn error_name(kind: u8, code: u8, v4: bool) -> String {
    let words = match (v4, kind, code) {
        (true, 3, 0) => "network unreachable",
        (true, 3, 1) => "host unreachable",
        (true, 3, 3) | (false, 1, 4) => "port unreachable",
        (true, 3, 4) => "fragmentation needed",
        (true, 3, 13) | (false, 1, 1) => "administratively prohibited",
        (true, 11, 0) | (false, 3, 0) => "time exceeded",
        (false, 1, 0) => "no route",
        (false, 1, 3) => "address unreachable",
        (false, 2, _) => "packet too big",
        _ => return format!("type {kind} code {code}"),
    };
    words.to_owned()
}

/// Whether a type of ICMP, or of ICMPv6, is an error (`icmp_is_err`, `icmpv6_is_err`).
#[must_use]
pub fn is_error(kind: u8, v4: bool) -> bool {
    if v4 { matches!(kind, 3 | 4 | 5 | 11 | 12) } else { kind < 128 }
}
