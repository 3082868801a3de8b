//! Packets as they are on the wire.
//!
//! Goes in: a packet. Comes out: its bytes from the header of IP on. What must hold: lengths and checksums are right,
//! as conntrack takes no notice of a packet whose are not (RFC 791, 8200, 9293, 768, 792, 4443).

use std::net::IpAddr;

use overlapc::sim::packet::{Content, Packet, TCP, UDP};

/// A packet's bytes; nothing for a content that is not sent here.
pub fn of(packet: &Packet) -> Option<Vec<u8>> {
    let mut body = match packet.content {
        Content::Ports { protocol: TCP, source, destination, flags } => {
            let mut header = [source.to_be_bytes(), destination.to_be_bytes()].concat();
            // Sequence, acknowledgement, five words, flags, window, checksum, urgent.
            header.extend([0, 0, 16, 1, 0, 0, 0, 0, 5 << 4, flags, 32, 0, 0, 0, 0, 0]);
            header
        }
        Content::Ports { protocol: UDP, source, destination, .. } => {
            [source.to_be_bytes(), destination.to_be_bytes(), [0, 8], [0, 0]].concat()
        }
        Content::Message { kind, id } => [[kind, 0], [0, 0], id.to_be_bytes(), [0, 1]].concat(),
        Content::Other { .. } => vec![0; 8],
        Content::Ports { .. } | Content::Error { .. } => return None,
    };
    let length = u16::try_from(body.len()).ok()?;
    let protocol = packet.protocol();
    let mut pseudo = Vec::new();
    let mut bytes = match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let addresses = [source.octets(), destination.octets()].concat();
            if !matches!(packet.content, Content::Message { .. }) {
                pseudo.extend(&addresses);
                pseudo.extend([0, protocol]);
                pseudo.extend(length.to_be_bytes());
            }
            let mut header = vec![0x45, 0];
            header.extend((length + 20).to_be_bytes());
            header.extend([0, 0, 0, 0, packet.ttl, protocol, 0, 0]);
            header.extend(addresses);
            let sum = checksum(&header).to_be_bytes();
            header[10..12].copy_from_slice(&sum);
            header
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let addresses = [source.octets(), destination.octets()].concat();
            pseudo.extend(&addresses);
            pseudo.extend([[0, 0], length.to_be_bytes(), [0, 0], [0, protocol]].concat());
            let mut header = vec![0x60, 0, 0, 0];
            header.extend(length.to_be_bytes());
            header.extend([protocol, packet.ttl]);
            header.extend(addresses);
            header
        }
        _ => return None,
    };
    let at = match packet.content {
        Content::Ports { protocol: TCP, .. } => Some(16),
        Content::Ports { .. } => Some(6),
        Content::Message { .. } => Some(2),
        _ => None,
    };
    if let Some(at) = at {
        pseudo.extend(&body);
        let sum = checksum(&pseudo).to_be_bytes();
        body[at..at + 2].copy_from_slice(&sum);
    }
    bytes.extend(body);
    Some(bytes)
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from));
    let sum: u32 = words.sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(0)
}
