//! A gateway in a namespace of its own, and everybody else in this one.
//!
//! Goes in: the names of interfaces, and packets. Comes out: what arrives at the other ends of the gateway's links.
//! What must hold: nobody answers, nobody asks for addresses, and what is listed is all that came of what was sent.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::process::Stdio;

use overlapc::lab::run::netns::{Run, batch, run, within};
use overlapc::sim::packet::{Content, Packet};
use socket2::{Domain, Protocol, Socket, Type};

use crate::play::{Seen, bytes, seen};

/// The gateway's namespace.
pub const GATEWAY: &str = "gateway";

/// Both ends of a link have one hardware address, and none of them asks for another one's: whatever is sent is for
/// whoever is at the other end.
const HARDWARE: &str = "02:00:00:00:00:01";

/// What arrives is written down, and goes no further. A key of more than five parts is too much for nft 1.0.6, so the
/// first four bytes of a header are one number, in the byte order of the machine.
const WATCH: &str = "table inet watch {
    set v4 { type ifname . ipv4_addr . ipv4_addr . inet_proto . mark; flags dynamic; size 65535; }
    set v6 { type ifname . ipv6_addr . ipv6_addr . inet_proto . mark; flags dynamic; size 65535; }
    set echo { type ifname . ipv4_addr . ipv4_addr . icmp_type . mark; flags dynamic; size 65535; }
    set echo6 { type ifname . ipv6_addr . ipv6_addr . icmpv6_type . mark; flags dynamic; size 65535; }
    chain watch {
        type filter hook prerouting priority -400; policy drop;
        icmp type { 0, 8 } meta mark set @th,32,32 update @echo { iifname . ip saddr . ip daddr . icmp type . meta mark } drop
        icmpv6 type { 128, 129 } meta mark set @th,32,32 update @echo6 { iifname . ip6 saddr . ip6 daddr . icmpv6 type . meta mark } drop
        meta l4proto { 1, 58 } drop
        meta mark set @th,0,32
        meta nfproto ipv4 update @v4 { iifname . ip saddr . ip daddr . meta l4proto . meta mark } drop
        meta nfproto ipv6 update @v6 { iifname . ip6 saddr . ip6 daddr . meta l4proto . meta mark } drop
    }
}
";

/// The links of a gateway.
pub struct Wires {
    interfaces: Vec<String>,
}

impl Drop for Wires {
    fn drop(&mut self) {
        // A namespace goes some time after it is deleted, and a link at once. Nothing is left to do about one that
        // does not go away.
        let mut lines: Vec<String> =
            self.interfaces.iter().map(|name| format!("link delete {name}")).collect();
        lines.extend(["link delete fence0".to_owned(), format!("netns delete {GATEWAY}")]);
        drop(batch(&["-force"], &lines));
        drop(words(&["nft", "delete", "table", "inet", "watch"]));
    }
}

fn words(words: &[&str]) -> Result<String, String> {
    run(std::process::Command::new(words[0]).args(&words[1..]))?.must(&words.join(" "))
}

impl Wires {
    /// A gateway with those interfaces.
    pub fn new(interfaces: &BTreeSet<String>) -> Result<Self, String> {
        let wires = Self { interfaces: interfaces.iter().cloned().collect() };
        let mut lines = vec![format!("netns add {GATEWAY}")];
        lines.push("link add fence0 type veth peer name fence1".to_owned());
        for (place, name) in interfaces.iter().enumerate() {
            lines.push(format!(
                "link add {name} arp off address {HARDWARE} type veth peer name {name} netns {GATEWAY}"
            ));
            lines.push(format!("link set {name} arp off up"));
            lines.push(format!("-6 route add default dev {name} metric {}", place + 10));
        }
        let plain: Vec<String> = lines.iter().filter(|line| !line.starts_with("-6 ")).cloned().collect();
        let routes: Vec<String> =
            lines.iter().filter_map(|it| it.strip_prefix("-6 ").map(str::to_owned)).collect();
        batch(&[], &plain)?;
        for name in ["fence0", "fence1"] {
            words(&["ip", "link", "set", name, "address", HARDWARE, "arp", "off", "up"])?;
        }
        for setting in ["all", "default"] {
            let accept_dad = format!("net.ipv6.conf.{setting}.accept_dad=0");
            wires.gateway(&["sysctl", "-qw", &accept_dad])?.must("sysctl")?;
        }
        let ends = interfaces.iter().flat_map(|name| {
            [format!("link set {name} address {HARDWARE} arp off"), format!("link set {name} up")]
        });
        batch(&["-netns", GATEWAY], &ends.collect::<Vec<_>>())?;
        wires.gateway(&["ip", "link", "set", "lo", "up"])?.must("lo")?;
        batch(&["-6"], &routes)?;
        wires.watch()?;
        Ok(wires)
    }

    /// Runs a command in the gateway.
    pub fn gateway(&self, words: &[&str]) -> Result<Run, String> {
        run(&mut within(GATEWAY, words))
    }

    fn watch(&self) -> Result<(), String> {
        use std::io::Write as _;
        let mut nft = std::process::Command::new("nft");
        nft.args(["-f", "-"]).stdin(Stdio::piped());
        let mut child = nft.spawn().map_err(|error| format!("nft: {error}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(WATCH.as_bytes()).map_err(|error| format!("nft: {error}"))?;
        }
        let status = child.wait().map_err(|error| format!("nft: {error}"))?;
        if status.success() { Ok(()) } else { Err("nft refuses the rules that watch".to_owned()) }
    }

    /// Sends the bytes of a packet to the gateway's interface of that name; whether that can be.
    pub fn send(&self, device: &str, to: IpAddr, bytes: &[u8]) -> Result<bool, String> {
        let domain = if to.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
        // Protocol 255 has its header written by whoever sends: raw(7), ipv6(7).
        let raw = Socket::new(domain, Type::RAW, Some(Protocol::from(255))).map_err(|it| it.to_string())?;
        raw.bind_device(Some(device.as_bytes())).map_err(|it| format!("{device}: {it}"))?;
        raw.set_broadcast(true).map_err(|it| it.to_string())?;
        // The kernel itself refuses to send some numbers.
        Ok(raw.send_to(bytes, &SocketAddr::new(to, 0).into()).is_ok())
    }

    /// All that arrived since the last time.
    pub fn arrived(&self) -> Result<BTreeSet<Seen>, String> {
        // What is sent on one processor goes one way after the other, one link at a time: when the second fence has
        // arrived, so has what passed the gateway before the first.
        for fence in [1, 2] {
            self.fence(fence)?;
        }
        let mut all = BTreeSet::new();
        for set in ["v4", "v6", "echo", "echo6"] {
            all.extend(list(set)?);
            words(&["nft", "flush", "set", "inet", "watch", set])?;
        }
        all.retain(|(device, ..)| device != "fence1");
        Ok(all)
    }

    fn fence(&self, number: u16) -> Result<(), String> {
        let [source, destination] =
            ["192.0.2.1", "192.0.2.2"].map(|it| it.parse().map_err(|_| it.to_owned()));
        let content = Content::Ports { protocol: 17, source: number, destination: number, flags: 0 };
        let fence = Packet { source: source?, destination: destination?, ttl: 1, content };
        let expected = seen("fence1", &fence);
        let bytes = bytes::of(&fence).ok_or("no fence")?;
        // A packet has hardly a way to go; a lost one would be a fault of the test.
        for _ in 0..2000 {
            self.send("fence0", fence.destination, &bytes)?;
            if list("v4")?.contains(&expected) {
                return Ok(());
            }
        }
        Err("the fence does not arrive".to_owned())
    }
}

/// The elements of a set.
fn list(set: &str) -> Result<Vec<Seen>, String> {
    let text = words(&["nft", "-nn", "list", "set", "inet", "watch", set])?;
    let Some((_, elements)) = text.split_once("elements = {") else { return Ok(Vec::new()) };
    let elements = elements.split('}').next().unwrap_or_default();
    elements.split(',').map(|element| element_of(element.trim(), set.starts_with("echo"))).collect()
}

fn element_of(element: &str, echo: bool) -> Result<Seen, String> {
    let wrong = || format!("`{element}` is no element");
    let [device, source, destination, kind, mark] =
        <[&str; 5]>::try_from(element.split(" . ").collect::<Vec<_>>()).map_err(|_| wrong())?;
    let device = device.trim_matches('"').to_owned();
    let address = |text: &str| text.parse::<IpAddr>().map_err(|_| wrong());
    let (source, destination) = (address(source)?, address(destination)?);
    let kind: u8 = kind.parse().map_err(|_| wrong())?;
    let mark = mark.split_whitespace().next().unwrap_or_default();
    let mark = u32::from_str_radix(mark.trim_start_matches("0x"), 16).map_err(|_| wrong())?;
    let [a, b, c, d] = mark.to_ne_bytes();
    let (one, other) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    Ok(match echo {
        true => (device, source, destination, if source.is_ipv4() { 1 } else { 58 }, kind.into(), one),
        false => (device, source, destination, kind, one, other),
    })
}
