//! What is on the wire: packets of this namespace as lines, each line once.
//!
//! A host that receives a packet it should never have seen is the failure the tests look for, so
//! nothing is filtered but neighbour discovery and multicast membership. [`Sniffer::arrivals`] tells
//! what came in, in the lines of [`Packet`]:
//!
//! ```text
//! tcp SOURCE PORT DESTINATION PORT     (udp alike)
//! icmp SOURCE ID DESTINATION 0         (echo request; icmp-reply alike; 253 with its label)
//! error KIND ROUTER and the line of the packet that the error is about
//! ```
//!
//! [`Sniffer::hops`] tells what came in and what went out, and by which device: `In DEVICE BYTES` and
//! `Out DEVICE BYTES`, the bytes of the IP packet in hexadecimal.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::super::packet::Packet;
use super::links::{Station, links};

const ETHERNET: usize = 14;
/// `ETH_P_IP` and `ETH_P_IPV6` of packet(7); a socket for one protocol sees incoming packets only.
const ARRIVING: &[u16] = &[0x0800, 0x86dd];
/// `ETH_P_ALL` of packet(7): a socket for all protocols sees both directions.
const BOTH_WAYS: &[u16] = &[0x0003];
/// So much of a packet is told: headers, and those of the packet that an ICMP error is about.
const TOLD: usize = 160;

/// What a frame is told as, if it counts.
type Tell = fn(&BTreeMap<Station, String>, &[u8]) -> Option<String>;

#[derive(Default)]
struct Record {
    lines: BTreeSet<String>,
    wanted: u64,
    idle: Vec<u64>,
    ended: bool,
}

/// The packets seen so far.
#[derive(Clone, Default)]
pub struct Sniffer(Arc<(Mutex<Record>, Condvar)>);

impl Sniffer {
    /// Tells what arrives from now on.
    pub fn arrivals() -> io::Result<Self> {
        Self::start(ARRIVING, |own, frame| {
            // What is for a group of stations, as a broadcast, is for this one, too.
            let mine =
                frame.first_chunk().is_some_and(|station| own.contains_key(station) || station[0] & 1 == 1);
            frame.get(ETHERNET..).and_then(Packet::parse).filter(|_| mine).map(|packet| packet.to_string())
        })
    }

    /// Tells what passes the devices from now on; those that have no other end are left out.
    pub fn hops() -> io::Result<Self> {
        Self::start(BOTH_WAYS, |own, frame| {
            let (to, from) = (frame.first_chunk::<6>()?, frame.get(6..12)?.first_chunk::<6>()?);
            // Who sends a frame writes its own station into it.
            let (word, device) = match (own.get(from), own.get(to)) {
                (Some(device), _) => ("Out", device),
                (None, Some(device)) => ("In", device),
                (None, None) => return None,
            };
            let packet = frame.get(ETHERNET..).filter(|_| device != "lo")?;
            Packet::parse(packet)?;
            let bytes: String = packet.iter().take(TOLD).map(|byte| format!("{byte:02x}")).collect();
            Some(format!("{word} {device} {bytes}"))
        })
    }

    /// Opens the packet sockets and leaves them to threads.
    fn start(kinds: &[u16], tell: Tell) -> io::Result<Self> {
        let sniffer = Self::default();
        sniffer.record().idle = vec![0; kinds.len()];
        let own = Arc::new(own_stations()?);
        for (index, kind) in kinds.iter().enumerate() {
            let protocol = Protocol::from(i32::from(kind.to_be()));
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
            socket.set_read_timeout(Some(Duration::from_millis(50)))?;
            // As much as the host gives (net.core.rmem_max): what does not fit is not seen.
            socket.set_recv_buffer_size(4 << 20)?;
            let (sniffer, own) = (sniffer.clone(), Arc::clone(&own));
            thread::spawn(move || sniffer.read(index, socket, |frame| tell(&own, frame)));
        }
        Ok(sniffer)
    }

    /// The lines since the last call, after everything that had arrived by now is read.
    pub fn take(&self) -> BTreeSet<String> {
        let mut record = self.record();
        record.wanted += 1;
        let wanted = record.wanted;
        while record.idle.iter().any(|idle| *idle < wanted) {
            record = self.0.1.wait(record).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut record.lines)
    }

    /// As [`Self::take`], for the last time.
    pub fn end(self) -> BTreeSet<String> {
        let lines = self.take();
        self.record().ended = true;
        lines
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, index: usize, mut socket: Socket, tell: impl Fn(&[u8]) -> Option<String>) {
        let mut buffer = [0; 65536];
        // What is wanted while the queue is looked at, not afterwards: a packet may come in between.
        let mut asked = 0;
        loop {
            let outcome = socket.read(&mut buffer);
            let line = outcome.as_ref().ok().and_then(|length| buffer.get(..*length)).and_then(&tell);
            let mut record = self.record();
            record.lines.extend(line);
            // The queue was empty: all that had arrived is in the record.
            if outcome.is_err_and(|e| matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)) {
                record.idle[index] = asked.max(record.idle[index]);
                self.0.1.notify_all();
            }
            if record.ended {
                return;
            }
            // Where somebody waits, an empty queue is told at once: traffic may never pause for long.
            asked = record.wanted;
            let waited_for = record.idle[index] < asked;
            drop(record);
            drop(socket.set_nonblocking(waited_for));
        }
    }
}

/// The link addresses of this namespace with their devices, so that frames flooded by a bridge do not count
/// as received.
fn own_stations() -> io::Result<BTreeMap<Station, String>> {
    Ok(links()?.into_iter().filter_map(|link| Some((link.station?, link.name))).collect())
}
