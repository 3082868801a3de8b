//! One question to a host: sent from a chosen address and port, answered or not within a time.
//!
//! The sockets are connected, so an answer that comes back from another address than the one that
//! was asked counts as none.

use std::fmt;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::serve::segment;

/// How a question travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A connection; one line is read from it.
    Tcp,
    /// One datagram each way.
    Udp,
    /// Echo request and reply; the port is the identifier.
    Icmp,
    /// IP protocol 253, which has no ports; the port is a label in the payload.
    Portless,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Ask {
    transport: Transport,
    destination: SocketAddr,
    source: Option<SocketAddr>,
    timeout: Duration,
    ttl: Option<u32>,
    size: usize,
    device: Option<String>,
    hold: bool,
    again: bool,
    deaf: bool,
}

/// What came back.
pub struct Answer {
    /// `NAME PEER PORT LOCAL`, or `echo` where the kernel itself answers. Behind it, with TCP, the largest
    /// segments that the other side and this side send.
    pub text: String,
    /// The connection, if it is to stay open.
    pub held: Option<TcpStream>,
}

/// Why nothing came back, in a word.
pub struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => "timeout".to_owned(),
            ErrorKind::ConnectionRefused => "refused".to_owned(),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "unreachable".to_owned(),
            ErrorKind::PermissionDenied => "prohibited".to_owned(),
            _ => format!("failed:{}", error.to_string().replace(' ', "-")),
        })
    }
}

impl Ask {
    /// Reads `PROTOCOL DESTINATION [KEY=VALUE | hold | again | deaf]...`.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let transport = match words.next() {
            Some("tcp") => Transport::Tcp,
            Some("udp") => Transport::Udp,
            Some("icmp") => Transport::Icmp,
            Some("253") => Transport::Portless,
            other => return Err(format!("not a protocol: {}", other.unwrap_or("nothing"))),
        };
        let destination =
            words.next().and_then(socket_address).ok_or("destination missing or not an address")?;
        let mut ask = Self {
            transport,
            destination,
            source: None,
            timeout: Duration::from_millis(2000),
            ttl: None,
            size: 0,
            device: None,
            hold: false,
            again: false,
            deaf: false,
        };
        for word in words {
            let number = |value: &str| value.parse::<u32>().map_err(|e| format!("{word}: {e}"));
            match word.split_once('=') {
                Some(("from", value)) => {
                    ask.source =
                        Some(socket_address(value).ok_or_else(|| format!("not an address: {value}"))?);
                }
                Some(("timeout", value)) => ask.timeout = Duration::from_millis(u64::from(number(value)?)),
                Some(("ttl", value)) => ask.ttl = Some(number(value)?),
                Some(("size", value)) => ask.size = usize::try_from(number(value)?).unwrap_or(0),
                Some(("dev", value)) => ask.device = Some(value.to_owned()),
                None if word == "hold" => ask.hold = true,
                None if word == "again" => ask.again = true,
                None if word == "deaf" => ask.deaf = true,
                _ => return Err(format!("not understood: {word}")),
            }
        }
        Ok(ask)
    }

    /// Asks and waits for the answer.
    pub fn run(&self) -> Result<Answer, Failure> {
        match self.transport {
            Transport::Tcp => self.over_tcp(),
            Transport::Udp if self.deaf => self.over_udp_deaf().map(Answer::closed),
            Transport::Udp => self.over_udp().map(Answer::closed),
            Transport::Icmp => self.over_icmp().map(Answer::closed),
            Transport::Portless => self.over_portless().map(Answer::closed),
        }
    }

    /// Asks once more on a connection of those that are held; the others are left alone.
    pub fn again_on(&self, held: &[TcpStream]) -> Result<String, Failure> {
        let mine = |stream: &&TcpStream| {
            stream.local_addr().ok() == self.source && stream.peer_addr().ok() == Some(self.destination)
        };
        let mut stream = held.iter().find(mine).ok_or_else(|| Failure("not-held".to_owned()))?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.write_all(b"h")?;
        let mut text = String::new();
        BufReader::new(stream).read_line(&mut text)?;
        Ok(format!("{} {}", text.trim_end(), segment(stream)))
    }

    fn socket(&self, kind: Type, protocol: Option<Protocol>) -> Result<Socket, Failure> {
        let socket = Socket::new(Domain::for_address(self.destination), kind, protocol)?;
        socket.set_reuse_address(true)?;
        if kind != Type::STREAM {
            socket.set_broadcast(true)?;
        }
        if let Some(ttl) = self.ttl {
            match self.destination {
                SocketAddr::V4(_) => socket.set_ttl_v4(ttl)?,
                SocketAddr::V6(_) => socket.set_unicast_hops_v6(ttl)?,
            }
        }
        if let Some(device) = &self.device {
            socket.bind_device(Some(device.as_bytes()))?;
        }
        let unbound: IpAddr = match self.destination {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        socket.bind(&self.source.unwrap_or_else(|| SocketAddr::new(unbound, 0)).into())?;
        Ok(socket)
    }

    fn label(&self) -> [u8; 2] {
        self.source.map_or(0, |s| s.port()).to_be_bytes()
    }

    fn over_tcp(&self) -> Result<Answer, Failure> {
        let socket = self.socket(Type::STREAM, None)?;
        socket.connect_timeout(&self.destination.into(), self.timeout)?;
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(self.timeout))?;
        stream.write_all(if self.hold { b"h" } else { b"?" })?;
        let mut reader = BufReader::new(&stream);
        let mut text = String::new();
        reader.read_line(&mut text)?;
        if !self.hold {
            // The server closes first: its end of file comes before ours.
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest)?;
        }
        let text = format!("{} {}", text.trim_end(), segment(&stream));
        Ok(Answer { text, held: self.hold.then_some(stream) })
    }

    fn over_udp(&self) -> Result<String, Failure> {
        let socket = self.socket(Type::DGRAM, None)?;
        socket.connect(&self.destination.into())?;
        let socket = UdpSocket::from(socket);
        socket.set_read_timeout(Some(self.timeout))?;
        let mut question = b"?".to_vec();
        question.resize(self.size.max(1), 0);
        let answer = self
            .exchange(&socket, &question, |_, answer| Some(String::from_utf8_lossy(answer).into_owned()))?;
        Ok(answer)
    }

    /// Without a socket that the answer is for: it is seen all the same, and the kernel sends the error
    /// that its port is closed.
    fn over_udp_deaf(&self) -> Result<String, Failure> {
        let source = self.source.ok_or_else(|| Failure("failed:no-source".to_owned()))?;
        let ports = [source.port().to_be_bytes(), self.destination.port().to_be_bytes()];
        let mut packet = [ports.concat(), vec![0, 9, 0, 0, b'?']].concat();
        let mut summed: Vec<u8> = match (source.ip(), self.destination.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => [from.octets(), to.octets()].concat(),
            (IpAddr::V6(from), IpAddr::V6(to)) => [from.octets(), to.octets()].concat(),
            _ => return Err(Failure("failed:mixed-families".to_owned())),
        };
        summed.extend_from_slice(&[0, 9, 0, 17]);
        summed.extend_from_slice(&packet);
        packet[6..8].copy_from_slice(&checksum(&summed).to_be_bytes());
        let answers = [ports[1], ports[0]].concat();
        self.over_raw(Protocol::UDP, &packet, self.destination.is_ipv4(), |body| {
            let text = body.get(8..).filter(|_| body.starts_with(&answers))?;
            Some(String::from_utf8_lossy(text).into_owned())
        })
    }

    fn over_icmp(&self) -> Result<String, Failure> {
        let (protocol, request, reply, header) = match self.destination {
            SocketAddr::V4(_) => (Protocol::ICMPV4, 8, 0, true),
            SocketAddr::V6(_) => (Protocol::ICMPV6, 128, 129, false),
        };
        let mut packet = vec![request, 0, 0, 0];
        packet.extend_from_slice(&self.label());
        packet.extend_from_slice(&[0, 1]);
        packet.resize(8 + self.size, 0);
        if header {
            let sum = checksum(&packet).to_be_bytes();
            packet[2..4].copy_from_slice(&sum);
        }
        let label = self.label();
        self.over_raw(protocol, &packet, header, |body| {
            (body.first() == Some(&reply) && body.get(4..6) == Some(&label[..])).then(|| "echo".to_owned())
        })
    }

    fn over_portless(&self) -> Result<String, Failure> {
        let label = self.label();
        let question = [b'Q', label[0], label[1]];
        self.over_raw(Protocol::from(253), &question, self.destination.is_ipv4(), |body| {
            let text = body.get(3..)?;
            (body.starts_with(&[b'A', label[0], label[1]]))
                .then(|| String::from_utf8_lossy(text).into_owned())
        })
    }

    /// Sends a packet and reads until `accept` takes one; IPv4 raw sockets hand out the IP header too.
    /// Until it is bound and connected a raw socket gets everybody's packets, also answers to another
    /// address of this host: they are thrown away before the question is sent.
    fn over_raw(
        &self,
        protocol: Protocol,
        packet: &[u8],
        header: bool,
        accept: impl Fn(&[u8]) -> Option<String>,
    ) -> Result<String, Failure> {
        let socket = self.socket(Type::RAW, Some(protocol))?;
        socket.connect(&SocketAddr::new(self.destination.ip(), 0).into())?;
        let socket = UdpSocket::from(socket);
        socket.set_nonblocking(true)?;
        while socket.recv(&mut [0]).is_ok() {}
        socket.set_nonblocking(false)?;
        self.exchange(&socket, packet, |from, answer| {
            let start = if header { usize::from(answer.first()? & 15) * 4 } else { 0 };
            answer.get(start..).and_then(&accept).filter(|_| from == self.destination.ip())
        })
    }

    /// Sends a packet, again where that was asked for, and reads until `accept` takes one.
    fn exchange(
        &self,
        socket: &UdpSocket,
        packet: &[u8],
        accept: impl Fn(IpAddr, &[u8]) -> Option<String>,
    ) -> Result<String, Failure> {
        let end = Instant::now() + self.timeout;
        let mut buffer = [0; 2048];
        loop {
            socket.send(packet)?;
            // Once, half-way: the answer to the first may be late.
            let next = if self.again { end.min(Instant::now() + self.timeout / 2) } else { end };
            loop {
                let left = next.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                socket.set_read_timeout(Some(left))?;
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => {
                        if let Some(text) = accept(from.ip(), &buffer[..length]) {
                            return Ok(text);
                        }
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                        break;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if Instant::now() >= end {
                return Err(Failure("timeout".to_owned()));
            }
        }
    }
}

impl Answer {
    const fn closed(text: String) -> Self {
        Self { text, held: None }
    }
}

/// `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.
fn socket_address(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| SocketAddr::new(address, 0)))
}

/// The Internet checksum, RFC 1071.
pub(super) fn checksum(data: &[u8]) -> u16 {
    let mut sum: u32 =
        data.chunks(2).map(|c| u32::from(c[0]) << 8 | u32::from(*c.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}
