//! One flow hop by hop: where its packets passed, in which direction, and as what.
//!
//! Goes in: a flow and what was caught at the asking host, the gateway and the answering host. Comes out:
//! lines as of tcpdump, or a document. What must hold: the text is the same every time, whatever was
//! caught first: hops stand in the order in which a packet passes them, a packet that was sent again is
//! told once, and of a connection only its first packet in each direction.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::flow::Flow;
use super::packet::{Body, Packet, flag_names};
use super::scene::{GATEWAY, Lan, Scene};

/// A flow that was followed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Followed {
    /// Who asks: network and address.
    pub from: String,
    /// The address that is asked.
    pub asked: String,
    /// Who that should be, if the lab knows.
    pub to: Option<String>,
    /// The service: `tcp port 80`, `icmp`.
    pub service: String,
    /// The question, the answer, and errors about the question; those that were caught.
    pub packets: Vec<Passage>,
    /// What the asking host got: who answered, or why nobody did.
    pub outcome: String,
}

/// A packet and where it passed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Passage {
    /// What it is to the flow: `question`, `answer` or `error`.
    pub role: Role,
    /// Where it passed, in order.
    pub hops: Vec<Hop>,
}

/// What a packet is to the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The first packet of whoever asks.
    Question,
    /// The first packet of whoever answers.
    Answer,
    /// An ICMP error about the question.
    Error,
}

/// A packet at a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hop {
    /// The network whose hosts they are, or `gateway`.
    pub place: String,
    /// The device.
    pub device: String,
    /// `In` or `Out`.
    pub direction: &'static str,
    /// From where, with the port.
    pub source: String,
    /// To where, with the port.
    pub destination: String,
    /// The flags of TCP, or what an ICMP message says.
    pub says: String,
    /// What is no longer as it was at the hop before: `192.168.2.10 -> 192.168.13.10`.
    pub translated: Vec<String>,
}

/// A packet caught at a place of the flow; the order is that in which it passes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Caught {
    rank: u8,
    place: String,
    device: String,
    direction: &'static str,
}

impl Followed {
    /// Puts what was caught in order. `caught` has for each agent lines of
    /// [`crate::lab::run::agents::Agents::caught`]; `answer` is what the asking agent told.
    #[must_use]
    pub fn new(
        scene: &Scene,
        flow: &Flow,
        answer: &str,
        caught: &BTreeMap<String, BTreeSet<String>>,
    ) -> Self {
        let name = |network: usize| scene.networks.get(network).map_or("", |lan| lan.name.as_str());
        let mut passages: BTreeMap<Role, Vec<(Caught, Packet)>> = BTreeMap::new();
        for (place, line) in caught.iter().flat_map(|(place, lines)| lines.iter().map(move |it| (place, it)))
        {
            let Some((direction, device, packet)) = read(line) else { continue };
            let Some(role) = role(flow, &packet) else { continue };
            let forth = role == Role::Question;
            let rank = match (place == GATEWAY, direction) {
                (true, "In") => 1,
                (true, _) => 2,
                (false, "Out") => 0,
                (false, _) => 3,
            };
            // A packet of the other direction, such as one that comes back, is not this one.
            let asker = place == name(flow.from);
            let fits = place == GATEWAY || flow.to == Some(flow.from) || asker == (forth == (rank == 0));
            if fits {
                let place = if place == GATEWAY { "gateway".to_owned() } else { place.clone() };
                let at = Caught { rank, place, device: device.to_owned(), direction };
                passages.entry(role).or_default().push((at, packet));
            }
        }
        // An echo is answered by a kernel, which does not say whose it is: by that of whoever it reached.
        let questions = passages.get(&Role::Question).into_iter().flatten();
        let reached = questions.filter(|(at, _)| at.place != name(flow.from) && at.direction == "In");
        let echoed = reached.max_by_key(|(at, _)| at.rank).map(|(at, packet)| {
            let lan = scene.networks.iter().find(|lan| lan.name == at.place);
            let who = lan.map_or_else(
                || format!("the gateway, on {}", packet.destination),
                |lan| host_name(lan, packet.destination),
            );
            format!("{who}, who saw {}", packet.source)
        });
        let packets = passages.into_iter().map(|(role, hops)| Passage { role, hops: in_order(hops) });
        let host =
            |network: usize, address: IpAddr| scene.networks.get(network).map(|lan| host_name(lan, address));
        let to = flow.to.and_then(|to| match flow.host {
            Some(address) => host(to, address),
            None => Some(format!("a host of {}", name(to))),
        });
        Self {
            from: host(flow.from, flow.source).unwrap_or_default(),
            asked: flow.destination.to_string(),
            to,
            service: match flow.transport {
                "tcp" | "udp" => format!("{} port {}", flow.transport, flow.port),
                "253" => "protocol 253".to_owned(),
                other => other.to_owned(),
            },
            packets: packets.collect(),
            outcome: outcome(scene, answer, echoed),
        }
    }

    /// The lines for the user.
    #[must_use]
    pub fn text(&self) -> String {
        let to = self.to.as_ref().map(|to| format!(", which is {to}")).unwrap_or_default();
        let mut text = format!("{} asks {}{to}, {}\n", self.from, self.asked, self.service);
        let hops = || self.packets.iter().flat_map(|passage| &passage.hops);
        let width = |of: fn(&Hop) -> usize| hops().map(of).max().unwrap_or_default();
        let (place, device) = (width(|hop| hop.place.len()), width(|hop| hop.device.len()));
        let ends = width(|hop| hop.source.len() + hop.destination.len() + 3);
        let says = width(|hop| hop.says.len());
        for hop in hops() {
            let ways = format!("{} > {}", hop.source, hop.destination);
            let line = format!(
                "  {:place$}  {:device$}  {:3}  IP {ways:ends$}  {:says$}  {}",
                hop.place,
                hop.device,
                hop.direction,
                hop.says,
                hop.translated.join(", "),
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.push_str(&format!("  {}\n", self.outcome));
        text
    }
}

/// `In DEVICE BYTES`.
fn read(line: &str) -> Option<(&'static str, &str, Packet)> {
    let mut words = line.split(' ');
    let direction = match words.next()? {
        "In" => "In",
        "Out" => "Out",
        _ => return None,
    };
    let (device, digits) = (words.next()?, words.next()?);
    let bytes: Option<Vec<u8>> = (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect();
    Some((direction, device, Packet::parse(&bytes?)?))
}

/// What a packet is to a flow, whatever it was translated to.
fn role(flow: &Flow, packet: &Packet) -> Option<Role> {
    match &packet.body {
        Body::Ports { name, from, to, flags } if *name == flow.transport => {
            let first = |wanted: u8| flags.is_none_or(|flags| flags & 0x16 == wanted);
            let reset = flags.is_some_and(|flags| flags & 0x04 != 0);
            if *to == flow.port && first(0x02) {
                Some(Role::Question)
            } else if *from == flow.port && (first(0x12) || reset) {
                Some(Role::Answer)
            } else {
                None
            }
        }
        Body::Echo { reply, .. } if flow.transport == "icmp" => {
            Some(if *reply { Role::Answer } else { Role::Question })
        }
        Body::Labelled { answer, .. } if flow.transport == "253" => {
            Some(if *answer { Role::Answer } else { Role::Question })
        }
        Body::Error { about, .. } => role(flow, about).map(|_| Role::Error),
        _ => None,
    }
}

fn in_order(mut hops: Vec<(Caught, Packet)>) -> Vec<Hop> {
    hops.sort_by(|(a, p), (b, q)| (a, p.to_string()).cmp(&(b, q.to_string())));
    hops.dedup_by(|(a, p), (b, q)| a == b && p.to_string() == q.to_string());
    let mut before: Option<&Packet> = None;
    let mut told = Vec::new();
    for (at, packet) in &hops {
        let ([source, destination], says) = ends(packet);
        let translated = before.map(|before| translated(before, packet)).unwrap_or_default();
        let Caught { place, device, direction, .. } = at.clone();
        told.push(Hop { place, device, direction, source, destination, says, translated });
        before = Some(packet);
    }
    told
}

/// What a packet has instead of what it had.
fn translated(before: &Packet, now: &Packet) -> Vec<String> {
    let mut all = Vec::new();
    for (old, new) in [(before.source, now.source), (before.destination, now.destination)] {
        if old != new {
            all.push(format!("{old} -> {new}"));
        }
    }
    match (&before.body, &now.body) {
        (Body::Ports { from: a, to: b, .. }, Body::Ports { from: c, to: d, .. }) => {
            for (old, new) in [(a, c), (b, d)] {
                if old != new {
                    all.push(format!("port {old} -> {new}"));
                }
            }
        }
        (Body::Echo { identifier: old, .. }, Body::Echo { identifier: new, .. }) if old != new => {
            all.push(format!("id {old} -> {new}"));
        }
        (Body::Error { about: old, .. }, Body::Error { about: new, .. }) => {
            // Mostly the same numbers the other way round.
            let inner: Vec<String> =
                translated(old, new).into_iter().filter(|it| !all.contains(it)).collect();
            all.extend(inner);
        }
        _ => {}
    }
    all
}

/// Both ends as tcpdump writes them, and what the packet says.
fn ends(packet: &Packet) -> ([String; 2], String) {
    let bare = [packet.source.to_string(), packet.destination.to_string()];
    match &packet.body {
        Body::Ports { from, to, flags, .. } => {
            let [source, destination] = bare;
            let says = flags.map(flag_names).unwrap_or_default();
            ([format!("{source}.{from}"), format!("{destination}.{to}")], says)
        }
        Body::Echo { reply: false, .. } => (bare, "echo request".to_owned()),
        Body::Echo { reply: true, .. } => (bare, "echo reply".to_owned()),
        Body::Error { word, about } => {
            let ([source, destination], _) = ends(about);
            (bare, format!("{word}, about {source} > {destination}"))
        }
        Body::Labelled { .. } | Body::Control(..) | Body::Other(_) => (bare, String::new()),
    }
}

/// `ok NAME PEER PORT LOCAL ...` of an agent in words, or its reason.
fn outcome(scene: &Scene, answer: &str, echoed: Option<String>) -> String {
    let words: Vec<&str> = answer.split(' ').collect();
    match words[..] {
        ["ok", name, peer, _, local, ..] => {
            let lan = scene.networks.iter().find(|lan| lan.name == name);
            let who = match (lan, local.parse()) {
                (Some(lan), Ok(address)) => host_name(lan, address),
                _ => format!("the gateway, on {local}"),
            };
            format!("answered by {who}, who saw {peer}")
        }
        ["ok", ..] => format!("answered by {}", echoed.unwrap_or_else(|| "nobody who was seen".to_owned())),
        ["timeout"] => "not answered".to_owned(),
        _ => format!("not answered: {answer}"),
    }
}

/// `outer/plc`, with its address where it has no name.
fn host_name(lan: &Lan, address: IpAddr) -> String {
    let name = lan.hosts.iter().find(|host| host.address.addr() == address).map(|host| host.name.clone());
    format!("{}/{}", lan.name, name.unwrap_or_else(|| address.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::IpAddr;

    use super::Followed;
    use crate::lab::flow::Flow;
    use crate::lab::scene::{GATEWAY, Host, Lan, Scene};

    fn lan(name: &str, interface: &str) -> Lan {
        let host = |name: &str| Host { name: name.to_owned(), address: "192.168.2.10/24".parse().unwrap() };
        Lan {
            name: name.to_owned(),
            interface: interface.to_owned(),
            gateways: vec!["192.168.2.1".parse().unwrap()],
            left_to_host: Vec::new(),
            hosts: vec![host(if name == "outer" { "plc" } else { "192.168.2.10" })],
            ports: vec![80],
            extra: Vec::new(),
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn tcp(source: &str, from: u16, destination: &str, to: u16, flags: u8) -> Vec<u8> {
        let octets = |address: &str| match address.parse::<IpAddr>().unwrap() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(_) => unreachable!(),
        };
        let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
        bytes.extend(octets(source));
        bytes.extend(octets(destination));
        bytes.extend(from.to_be_bytes());
        bytes.extend(to.to_be_bytes());
        bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    fn unreachable(about: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0];
        bytes.extend([192, 168, 23, 10]);
        bytes.extend(&about[12..16]);
        bytes.extend([3, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend(&about[..28]);
        bytes
    }

    fn flow() -> Flow {
        Flow {
            from: 0,
            source: "192.168.2.10".parse().unwrap(),
            source_port: 61001,
            transport: "tcp",
            destination: "192.168.23.10".parse().unwrap(),
            port: 80,
            to: Some(1),
            host: Some("192.168.2.10".parse().unwrap()),
        }
    }

    fn follow(answer: &str, caught: &[(&str, &str, &[u8])]) -> Followed {
        let scene = Scene { networks: vec![lan("inner", "eth0"), lan("outer", "eth1")], ..Scene::default() };
        let flow = flow();
        let mut lines: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (place, way, bytes) in caught {
            lines.entry((*place).to_owned()).or_default().insert(format!("{way} {}", hex(bytes)));
        }
        Followed::new(&scene, &flow, answer, &lines)
    }

    #[test]
    fn hops_stand_in_the_order_of_the_way_and_say_what_was_translated() {
        let asked = tcp("192.168.2.10", 61001, "192.168.23.10", 80, 2);
        let arrived = tcp("192.168.13.10", 61001, "192.168.2.10", 80, 2);
        let answer = tcp("192.168.2.10", 80, "192.168.13.10", 61001, 0x12);
        let back = tcp("192.168.23.10", 80, "192.168.2.10", 61001, 0x12);
        let later = tcp("192.168.2.10", 61001, "192.168.23.10", 80, 0x10);
        let followed = follow(
            "ok outer 192.168.13.10 61001 192.168.2.10 1448 1448",
            &[
                ("inner", "In eth0", &back),
                ("inner", "Out eth0", &asked),
                ("inner", "Out eth0", &later),
                ("outer", "Out eth0", &answer),
                ("outer", "In eth0", &arrived),
                (GATEWAY, "Out eth0", &back),
                (GATEWAY, "Out eth1", &arrived),
                (GATEWAY, "In eth1", &answer),
                (GATEWAY, "In eth0", &asked),
            ],
        );
        let expected = "\
inner/192.168.2.10 asks 192.168.23.10, which is outer/plc, tcp port 80
  inner    eth0  Out  IP 192.168.2.10.61001 > 192.168.23.10.80  SYN
  gateway  eth0  In   IP 192.168.2.10.61001 > 192.168.23.10.80  SYN
  gateway  eth1  Out  IP 192.168.13.10.61001 > 192.168.2.10.80  SYN      192.168.2.10 -> 192.168.13.10, 192.168.23.10 -> 192.168.2.10
  outer    eth0  In   IP 192.168.13.10.61001 > 192.168.2.10.80  SYN
  outer    eth0  Out  IP 192.168.2.10.80 > 192.168.13.10.61001  SYN ACK
  gateway  eth1  In   IP 192.168.2.10.80 > 192.168.13.10.61001  SYN ACK
  gateway  eth0  Out  IP 192.168.23.10.80 > 192.168.2.10.61001  SYN ACK  192.168.2.10 -> 192.168.23.10, 192.168.13.10 -> 192.168.2.10
  inner    eth0  In   IP 192.168.23.10.80 > 192.168.2.10.61001  SYN ACK
  answered by outer/plc, who saw 192.168.13.10
";
        assert_eq!(followed.text(), expected);
    }

    #[test]
    fn an_echo_is_answered_by_whom_it_reached() {
        let echo = |from: &str, to: &str, kind: u8| {
            let mut bytes = tcp(from, 0, to, 0, 0);
            bytes[9] = 1;
            bytes[20..28].copy_from_slice(&[kind, 0, 0, 0, 0xee, 0x49, 0, 1]);
            bytes
        };
        let scene = Scene { networks: vec![lan("inner", "eth0"), lan("outer", "eth1")], ..Scene::default() };
        let flow = Flow { transport: "icmp", port: 0, ..flow() };
        let arrived = echo("192.168.13.10", "192.168.2.10", 8);
        let asked = echo("192.168.2.10", "192.168.23.10", 8);
        let caught = |place: &str, way: &str, bytes: &[u8]| {
            (place.to_owned(), BTreeSet::from([format!("{way} {}", hex(bytes))]))
        };
        let all = BTreeMap::from([
            caught("inner", "Out eth0", &asked),
            caught(GATEWAY, "In eth0", &asked),
            caught("outer", "In eth0", &arrived),
        ]);
        let outcome = |caught| Followed::new(&scene, &flow, "ok echo", caught).outcome;
        assert_eq!(outcome(&all), "answered by outer/plc, who saw 192.168.13.10");
        assert_eq!(outcome(&BTreeMap::new()), "answered by nobody who was seen");
    }

    #[test]
    fn an_error_is_followed_too() {
        let asked = tcp("192.168.2.10", 61001, "192.168.23.10", 80, 2);
        let error = unreachable(&asked);
        let followed = follow(
            "unreachable",
            &[
                ("inner", "Out eth0", &asked),
                (GATEWAY, "In eth0", &asked),
                (GATEWAY, "Out eth0", &error),
                ("inner", "In eth0", &error),
            ],
        );
        let text = followed.text();
        let told = "192.168.23.10 > 192.168.2.10           host-unreachable, about 192.168.2.10.61001 > 192.168.23.10.80";
        assert_eq!(text.lines().filter(|line| line.contains(told)).count(), 2, "{text}");
        assert!(text.ends_with("  not answered: unreachable\n"), "{text}");
    }
}
