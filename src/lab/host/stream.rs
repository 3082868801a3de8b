//! One flow of [`super::flow`]: its sockets, none of which is ever waited for.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use super::ask::checksum;
use super::flow::{Answer, PORTS, told};

/// Rounds that an answer may take; after that the socket is closed. Two sockets each are well below what a
/// process may have (1024 files), also with some flows.
const PATIENCE: usize = 64;
const TRANSPORTS: [&str; 4] = ["tcp", "udp", "icmp", "253"];

/// A connection that is being made, asked or held.
struct Call {
    port: u16,
    stream: TcpStream,
    asked: bool,
    line: Vec<u8>,
}

/// A flow.
pub struct Stream {
    id: String,
    source: IpAddr,
    destination: SocketAddr,
    transports: Vec<&'static str>,
    hold: bool,
    held: Option<Call>,
    calls: VecDeque<Call>,
    datagrams: VecDeque<(u16, UdpSocket)>,
    echoes: UdpSocket,
    portless: UdpSocket,
}

impl Stream {
    /// Reads `ID DESTINATION from=ADDRESS [hold] [over=TRANSPORT,...]`.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut words = line.split(' ');
        let (Some(id), Some(destination)) = (words.next(), words.next()) else {
            return Err(format!("not a flow: {line}"));
        };
        let destination: SocketAddr = destination.parse().map_err(|_| format!("whom? {line}"))?;
        let (mut source, mut hold, mut transports) = (None, false, TRANSPORTS.to_vec());
        for word in words {
            match word.split_once('=') {
                Some(("from", value)) => source = value.parse().ok(),
                Some(("over", value)) => transports.retain(|t| value.split(',').any(|v| v == *t)),
                None if word == "hold" => hold = true,
                _ => return Err(format!("not understood: {word}")),
            }
        }
        let source = source.ok_or_else(|| format!("from where? {line}"))?;
        let raw = |protocol| {
            let socket = open(destination, Type::RAW, Some(protocol), SocketAddr::new(source, 0));
            socket.map(UdpSocket::from).map_err(|e| format!("{line}: {e}"))
        };
        let echo = if source.is_ipv4() { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
        let (echoes, portless) = (raw(echo)?, raw(Protocol::from(253))?);
        let (calls, datagrams) = (VecDeque::new(), VecDeque::new());
        let id = id.to_owned();
        Ok(Self { id, source, destination, transports, hold, held: None, calls, datagrams, echoes, portless })
    }

    /// Sends the round's packets. What cannot be sent is as good as lost: errors are what faults make.
    pub fn send(&mut self, port: u16) {
        let raw = SocketAddr::new(self.destination.ip(), 0);
        for transport in self.transports.clone() {
            match transport {
                "tcp" => self.calls.extend(self.call(port)),
                "udp" => self.datagrams.extend(self.datagram(port).map(|socket| (port, socket))),
                "icmp" => drop(self.echoes.send_to(&echo(self.source.is_ipv4(), port), raw)),
                _ => {
                    let [high, low] = port.to_be_bytes();
                    drop(self.portless.send_to(&[b'Q', high, low], raw));
                }
            }
        }
        if self.hold && self.held.is_none() {
            self.held = self.call(PORTS.start - 1);
        }
        while self.calls.len() > PATIENCE {
            self.calls.pop_front();
        }
        while self.datagrams.len() > PATIENCE {
            self.datagrams.pop_front();
        }
    }

    /// Reads what has arrived.
    pub fn collect(&mut self, now: u16, answers: &mut Vec<Answer>) {
        let id = &self.id;
        self.calls.retain_mut(|call| match call.work(b'?') {
            Progress::Line(line) => {
                answers.extend(told(id, "tcp", call.port, &line));
                false
            }
            Progress::Pending => true,
            Progress::Over => false,
        });
        if let Some(call) = &mut self.held
            && let Progress::Line(line) = call.work(b'h')
        {
            let answer = told(id, "hold", call.port, &line);
            // It has one port for all rounds: what counts is when it was heard.
            answers.extend(answer.map(|answer| Answer { port: now, ..answer }));
            call.asked = false;
        }
        let mut buffer = [0; 2048];
        self.datagrams.retain(|(port, socket)| match socket.recv(&mut buffer) {
            Ok(length) => {
                answers.extend(told(id, "udp", *port, &String::from_utf8_lossy(&buffer[..length])));
                false
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        });
        let header = |bytes: &[u8]| match self.source {
            IpAddr::V4(_) => usize::from(bytes.first().copied().unwrap_or(0) & 15) * 4,
            IpAddr::V6(_) => 0,
        };
        let reply = if self.source.is_ipv4() { 0 } else { 129 };
        while let Ok((length, from)) = self.echoes.recv_from(&mut buffer) {
            let body = buffer.get(header(&buffer)..length).unwrap_or_default();
            if from.ip() == self.destination.ip()
                && let [kind, _, _, _, high, low, ..] = body
                && *kind == reply
            {
                let (flow, port) = (id.clone(), u16::from_be_bytes([*high, *low]));
                let text = format!("{flow} icmp echo");
                answers.push(Answer { flow, transport: "icmp", port, text });
            }
        }
        while let Ok((length, from)) = self.portless.recv_from(&mut buffer) {
            let body = buffer.get(header(&buffer)..length).unwrap_or_default();
            if let (true, [b'A', high, low, line @ ..]) = (from.ip() == self.destination.ip(), body) {
                let port = u16::from_be_bytes([*high, *low]);
                answers.extend(told(id, "253", port, &String::from_utf8_lossy(line)));
            }
        }
    }

    fn call(&self, port: u16) -> Option<Call> {
        let socket = open(self.destination, Type::STREAM, None, SocketAddr::new(self.source, port)).ok()?;
        match socket.connect(&self.destination.into()) {
            // A connection in the making says so by this error: EINPROGRESS of connect(2).
            Err(error) if error.raw_os_error() != Some(115) => None,
            _ => Some(Call { port, stream: socket.into(), asked: false, line: Vec::new() }),
        }
    }

    fn datagram(&self, port: u16) -> Option<UdpSocket> {
        let socket = open(self.destination, Type::DGRAM, None, SocketAddr::new(self.source, port)).ok()?;
        socket.connect(&self.destination.into()).ok()?;
        let socket = UdpSocket::from(socket);
        socket.send(b"?").ok()?;
        Some(socket)
    }
}

enum Progress {
    Line(String),
    Pending,
    Over,
}

impl Call {
    /// Writes the word once the connection is there, and reads a line.
    fn work(&mut self, word: u8) -> Progress {
        let pending = |error: &std::io::Error| {
            if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) {
                Progress::Pending
            } else {
                Progress::Over
            }
        };
        if !self.asked {
            match self.stream.write_all(&[word]) {
                Ok(()) => self.asked = true,
                Err(error) => return pending(&error),
            }
        }
        let mut buffer = [0; 256];
        match self.stream.read(&mut buffer) {
            Ok(0) => Progress::Over,
            Ok(length) => {
                self.line.extend_from_slice(&buffer[..length]);
                let Some(end) = self.line.iter().position(|byte| *byte == b'\n') else {
                    return Progress::Pending;
                };
                let line = String::from_utf8_lossy(&self.line[..end]).into_owned();
                self.line.drain(..=end);
                Progress::Line(line)
            }
            Err(error) => pending(&error),
        }
    }
}

/// A socket that never blocks.
fn open(to: SocketAddr, kind: Type, protocol: Option<Protocol>, from: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), kind, protocol)?;
    socket.set_reuse_address(true)?;
    socket.bind(&from.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// An echo request; the kernel adds the checksum of IPv6.
fn echo(v4: bool, identifier: u16) -> Vec<u8> {
    let [high, low] = identifier.to_be_bytes();
    let mut packet = vec![if v4 { 8 } else { 128 }, 0, 0, 0, high, low, 0, 1];
    if v4 {
        let sum = checksum(&packet).to_be_bytes();
        packet[2..4].copy_from_slice(&sum);
    }
    packet
}
