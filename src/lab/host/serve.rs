//! The answering side: one line that names this host and what it saw of the asker.
//!
//! Sockets are bound to each given address, so that an answer leaves from the address that was
//! asked. All are open when [`Listener::start`] returns.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::links::links;

/// Who answers, and where.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The host's name, first word of each answer.
    pub name: String,
    ports: Vec<u16>,
    addresses: Vec<IpAddr>,
}

impl Listener {
    /// Reads `NAME [--port PORT]... [ADDRESS]...`; without a port, 80; without an address, all of both
    /// families.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut words = words.iter();
        let name = words.next().ok_or("a name is missing")?.clone();
        let mut listener = Self { name, ports: Vec::new(), addresses: Vec::new() };
        while let Some(word) = words.next() {
            if word == "--port" {
                let port = words.next().and_then(|p| p.parse().ok());
                listener.ports.push(port.ok_or("--port needs a number")?);
            } else {
                listener.addresses.push(word.parse().map_err(|_| format!("not an address: {word}"))?);
            }
        }
        if listener.ports.is_empty() {
            listener.ports.push(80);
        }
        if listener.addresses.is_empty() {
            listener.addresses = vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        }
        Ok(listener)
    }

    /// Opens all sockets and leaves them to threads.
    pub fn start(&self) -> Result<(), String> {
        for address in self.addresses.iter().filter(|address| is_spoken(address)) {
            for port in &self.ports {
                let at = SocketAddr::new(*address, *port);
                let tell = |what: &'static str| move |e: std::io::Error| format!("{what} {at}: {e}");
                let tcp = TcpListener::from(open(at, Type::STREAM, None).map_err(tell("tcp"))?);
                let udp = UdpSocket::from(open(at, Type::DGRAM, None).map_err(tell("udp"))?);
                self.serve(move |name| answer_connections(name, &tcp))?;
                self.serve(move |name| answer_datagrams(name, &udp))?;
                // Who answers on whatever address it has needs a socket of datagrams on each device, as an
                // answer leaves by the one that its socket is bound to (`SO_BINDTODEVICE` of socket(7)).
                if address.is_unspecified() {
                    for link in links().map_err(|e| format!("devices: {e}"))? {
                        let socket = open_on(&link.name, at, Type::DGRAM, None).map_err(tell("udp"))?;
                        self.serve(move |name| answer_datagrams(name, &socket.into()))?;
                    }
                }
            }
            let raw = open(SocketAddr::new(*address, 0), Type::RAW, Some(Protocol::from(253)));
            let raw = UdpSocket::from(raw.map_err(|e| format!("protocol 253 {address}: {e}"))?);
            self.serve(move |name| answer_portless(name, &raw))?;
        }
        Ok(())
    }

    /// Leaves a socket to a thread of its own, with a small stack: hosts can have many addresses.
    fn serve(&self, work: impl FnOnce(&str) + Send + 'static) -> Result<(), String> {
        let name = self.name.clone();
        let thread = thread::Builder::new().stack_size(256 << 10);
        thread.spawn(move || work(&name)).map(drop).map_err(|e| e.to_string())
    }
}

/// What a kernel says of a family that it does not have, such as IPv6 with `ipv6.disable=1`:
/// `EAFNOSUPPORT` of errno(3).
const NO_FAMILY: i32 = 97;

/// Whether who answers on whatever address there is can have one of this family; named addresses it must
/// have.
fn is_spoken(address: &IpAddr) -> bool {
    let socket = Socket::new(Domain::for_address(SocketAddr::new(*address, 0)), Type::DGRAM, None);
    !address.is_unspecified() || !socket.is_err_and(|error| error.raw_os_error() == Some(NO_FAMILY))
}

fn open(at: SocketAddr, kind: Type, protocol: Option<Protocol>) -> std::io::Result<Socket> {
    open_on("", at, kind, protocol)
}

fn open_on(device: &str, at: SocketAddr, kind: Type, protocol: Option<Protocol>) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), kind, protocol)?;
    if !device.is_empty() {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    // Raw sockets refuse the option: they are of one family anyway.
    if at.is_ipv6() && kind != Type::RAW {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&at.into())?;
    if kind == Type::STREAM {
        socket.listen(1024)?;
    }
    Ok(socket)
}

fn line(name: &str, peer: SocketAddr, local: std::io::Result<SocketAddr>) -> String {
    let local = local.map_or_else(|_| "-".to_owned(), |l| l.ip().to_string());
    format!("{name} {} {} {local}", peer.ip(), peer.port())
}

fn answer_connections(name: &str, listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        let name = name.to_owned();
        thread::spawn(move || answer_connection(&name, stream));
    }
}

/// The largest segment that this side sends: what the other side said it takes, or less. `TCP_MAXSEG`
/// of tcp(7); options of every packet would count off it, so the lab switches timestamps off.
pub fn segment(stream: &TcpStream) -> u32 {
    SockRef::from(stream).tcp_mss().unwrap_or(0)
}

/// How long a connection that nobody holds may be silent: the packet that ends it may have been lost.
const IDLE: Duration = Duration::from_secs(5);

/// `?` asks for the line and the end, `h` for the line alone, as often as it comes.
fn answer_connection(name: &str, mut stream: TcpStream) {
    let Ok(peer) = stream.peer_addr() else { return };
    let mut word = [0];
    if stream.set_read_timeout(Some(IDLE)).is_err() {
        return;
    }
    let text = format!("{} {}", line(name, peer, stream.local_addr()), segment(&stream));
    if stream.read_exact(&mut word).is_err() || stream.write_all(format!("{text}\n").as_bytes()).is_err() {
        return;
    }
    if word == *b"?" && stream.shutdown(std::net::Shutdown::Write).is_err() {
        return;
    }
    if word == *b"h" && stream.set_read_timeout(None).is_err() {
        return;
    }
    while matches!(stream.read(&mut word), Ok(1)) {
        if word == *b"h" && stream.write_all(format!("{text}\n").as_bytes()).is_err() {
            return;
        }
    }
}

fn answer_datagrams(name: &str, socket: &UdpSocket) {
    let mut buffer = [0; 65536];
    loop {
        if let Ok((_, peer)) = socket.recv_from(&mut buffer) {
            // An answer that cannot be sent is missed by the asker, who reports it.
            drop(socket.send_to(line(name, peer, socket.local_addr()).as_bytes(), peer));
        }
    }
}

/// Questions are `Q`, two bytes of label; answers `A`, the same label, the line.
fn answer_portless(name: &str, socket: &UdpSocket) {
    let mut buffer = [0; 2048];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut buffer) else { continue };
        let start = if peer.is_ipv4() { usize::from(buffer[0] & 15) * 4 } else { 0 };
        if let Some(&[b'Q', high, low]) = buffer.get(start..length) {
            let mut answer = vec![b'A', high, low];
            let to = SocketAddr::new(peer.ip(), 0);
            let seen = SocketAddr::new(peer.ip(), u16::from_be_bytes([high, low]));
            answer.extend_from_slice(line(name, seen, socket.local_addr()).as_bytes());
            drop(socket.send_to(&answer, to));
        }
    }
}
