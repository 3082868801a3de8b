//! What arrives on the wire: every incoming IP packet of this host as one line, each line once.
//!
//! A host that receives a packet it should never have seen is the failure the tests look for, so
//! nothing is filtered but neighbour discovery and multicast membership.
//!
//! ```text
//! tcp SOURCE PORT DESTINATION PORT     (udp alike)
//! icmp SOURCE ID DESTINATION 0         (echo request; icmp-reply alike; 253 with its label)
//! error KIND ROUTER and the line of the packet that the error is about
//! ```

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use std::{fs, io};

use socket2::{Domain, Protocol, Socket, Type};

const ETHERNET: usize = 14;
/// `ETH_P_IP` and `ETH_P_IPV6` of packet(7); a socket for one protocol sees incoming packets only.
const KINDS: [u16; 2] = [0x0800, 0x86dd];

#[derive(Default)]
struct Record {
    lines: BTreeSet<String>,
    wanted: u64,
    idle: [u64; 2],
}

/// The packets seen so far.
#[derive(Clone, Default)]
pub struct Sniffer(Arc<(Mutex<Record>, Condvar)>);

impl Sniffer {
    /// Opens the packet sockets and leaves them to threads.
    pub fn start() -> io::Result<Self> {
        let sniffer = Self::default();
        let own = own_stations();
        for (index, kind) in KINDS.into_iter().enumerate() {
            let protocol = Protocol::from(i32::from(kind.to_be()));
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
            socket.set_read_timeout(Some(Duration::from_millis(50)))?;
            // As much as the host gives (net.core.rmem_max): what does not fit is not seen.
            socket.set_recv_buffer_size(4 << 20)?;
            let (sniffer, own) = (sniffer.clone(), own.clone());
            thread::spawn(move || sniffer.read(index, socket, &own));
        }
        Ok(sniffer)
    }

    /// The lines since the last call, after everything that had arrived by now is read.
    pub fn take(&self) -> BTreeSet<String> {
        let (mutex, condition) = &*self.0;
        let mut record = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        record.wanted += 1;
        let wanted = record.wanted;
        while record.idle.iter().any(|idle| *idle < wanted) {
            record = condition.wait(record).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut record.lines)
    }

    fn read(&self, index: usize, mut socket: Socket, own: &BTreeSet<[u8; 6]>) {
        let (mutex, condition) = &*self.0;
        let mut buffer = [0; 65536];
        let mut asked = 0;
        loop {
            let outcome = socket.read(&mut buffer);
            let mut record = mutex.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(length) => {
                    let frame = &buffer[..length];
                    // What is for a group of stations, as a broadcast, is for this one, too.
                    let mine = frame.first_chunk().is_some_and(|station| {
                        own.is_empty() || own.contains(station) || station[0] & 1 == 1
                    });
                    if let Some(line) = frame.get(ETHERNET..).and_then(packet).filter(|_| mine) {
                        record.lines.insert(line);
                    }
                }
                // The queue was empty: all that had arrived is in the record.
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    record.idle[index] = asked.max(record.idle[index]);
                    condition.notify_all();
                }
                Err(_) => {}
            }
            // Where somebody waits, an empty queue is told at once: traffic may never pause for long.
            asked = record.wanted;
            let waited_for = record.idle[index] < asked;
            drop(record);
            drop(socket.set_nonblocking(waited_for));
        }
    }
}

/// The link addresses of this host, so that frames flooded by a bridge do not count as received.
fn own_stations() -> BTreeSet<[u8; 6]> {
    let Ok(links) = fs::read_dir("/sys/class/net") else { return BTreeSet::new() };
    links
        .flatten()
        .filter_map(|link| {
            let text = fs::read_to_string(link.path().join("address")).ok()?;
            let bytes: Option<Vec<u8>> =
                text.trim().split(':').map(|b| u8::from_str_radix(b, 16).ok()).collect();
            bytes?.try_into().ok()
        })
        .collect()
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// The line of an IP packet, `None` where it does not count.
fn packet(bytes: &[u8]) -> Option<String> {
    match bytes.first()? >> 4 {
        4 => {
            let header = usize::from(bytes[0] & 15) * 4;
            let source = Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(12..16)?).ok()?);
            let destination = Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(16..20)?).ok()?);
            if number(bytes, 6)? & 0x1fff != 0 {
                return None; // not the first fragment
            }
            payload(*bytes.get(9)?, source.into(), destination.into(), bytes.get(header..)?)
        }
        6 => {
            let source = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(8..24)?).ok()?);
            let destination = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(24..40)?).ok()?);
            let body = bytes.get(40..)?;
            let (protocol, body) = match *bytes.get(6)? {
                // Extension headers of RFC 8200: hop-by-hop options, with which multicast membership
                // comes (section 4.3), and fragments (4.5), of which the first counts.
                0 => (*body.first()?, body.get((usize::from(*body.get(1)?) + 1) * 8..)?),
                44 if number(body, 2)? & 0xfff8 != 0 => return None,
                44 => (*body.first()?, body.get(8..)?),
                protocol => (protocol, body),
            };
            payload(protocol, source.into(), destination.into(), body)
        }
        _ => None,
    }
}

fn payload(protocol: u8, source: IpAddr, destination: IpAddr, body: &[u8]) -> Option<String> {
    let ports =
        |name: &str| Some(format!("{name} {source} {} {destination} {}", number(body, 0)?, number(body, 2)?));
    match protocol {
        6 => ports("tcp"),
        17 => ports("udp"),
        253 => Some(format!("253 {source} {} {destination} 0", number(body, 1)?)),
        1 | 58 => control(source, destination, protocol, body),
        2 => None, // multicast membership
        other => Some(format!("ip-{other} {source} 0 {destination} 0")),
    }
}

fn control(source: IpAddr, destination: IpAddr, protocol: u8, body: &[u8]) -> Option<String> {
    let (kind, code) = (*body.first()?, *body.get(1)?);
    let word = match (protocol, kind, code) {
        (1, 8, _) | (58, 128, _) => {
            return Some(format!("icmp {source} {} {destination} 0", number(body, 4)?));
        }
        (1, 0, _) | (58, 129, _) => {
            return Some(format!("icmp-reply {source} {} {destination} 0", number(body, 4)?));
        }
        (58, 130..=137 | 143, _) => return None, // neighbour discovery, multicast membership
        (1, 3, 0) | (58, 1, 0) => "net-unreachable",
        (1, 3, 1) | (58, 1, 3) => "host-unreachable",
        (1, 3, 3) | (58, 1, 4) => "port-unreachable",
        (1, 3, 4) | (58, 2, _) => "too-big",
        (1, 3, 9 | 10 | 13) | (58, 1, 1) => "prohibited",
        (1, 11, _) | (58, 3, _) => "expired",
        _ => return Some(format!("icmp-{kind}/{code} {source} 0 {destination} 0")),
    };
    // What does not count itself, such as neighbour discovery, makes no error that counts.
    let about = body.get(8..).and_then(packet)?;
    Some(format!("error {word} {source} {about}"))
}
