//! The packet that is asked about, as it is written on the command line.
//!
//! ```text
//! NETWORK SOURCE[:PORT] -> DESTINATION[:PORT] PROTOCOL [type N] [ttl N] [mark N]
//! ```
//!
//! Goes in: one text. Comes out: a device, a packet, its mark; or which word is wrong.

use std::net::IpAddr;

use super::super::Failure;
use crate::diag::suggest;
use crate::plan::Plan;
use crate::sim::packet::{self, Content, Packet, SYN, TTL};

/// The source port where none is written.
const SOURCE_PORT: u16 = 40_000;
/// The identifier of echo requests.
const IDENTIFIER: u16 = 1;

const FORM: &str = "write `NETWORK SOURCE -> DESTINATION PROTOCOL`, as in \
    `inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp` or `inner 192.168.2.10 -> 192.168.23.10 icmp`";

/// Protocols with ports.
const WITH_PORTS: [(&str, u8); 5] = [("tcp", 6), ("udp", 17), ("dccp", 33), ("sctp", 132), ("udplite", 136)];
/// Protocols without, other than ICMP.
const WITHOUT_PORTS: [(&str, u8); 4] = [("gre", 47), ("esp", 50), ("ah", 51), ("ospf", 89)];

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// By which device it comes in.
    pub device: String,
    /// The packet.
    pub packet: Packet,
    /// The mark that it has already.
    pub mark: u32,
}

/// One side: an address or a host's name, and perhaps a port.
struct Side<'w> {
    word: &'w str,
    address: IpAddr,
    port: Option<u16>,
}

/// Reads a packet.
pub(super) fn read(plan: &Plan, text: &str) -> Result<Sent, Failure> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some(arrow) = words.iter().position(|word| *word == "->") else {
        return Err(Failure::new(format!("the packet `{text}` has no `->` with blanks around it")).help(FORM));
    };
    let (viewer, device, source) = match words[..arrow] {
        [name, source] => {
            let network = network(plan, name)?;
            (Some(network), plan.networks[network].interface.clone(), source)
        }
        ["dev", name, source] => (None, name.to_owned(), source),
        _ => {
            let before = words[..arrow].join(" ");
            let what = format!("`{before}` before `->` is not a network and a source");
            return Err(Failure::new(what).help(FORM));
        }
    };
    let [destination, protocol, ref options @ ..] = words[arrow + 1..] else {
        let behind = words[arrow + 1..].join(" ");
        let what = format!("`{behind}` behind `->` is not a destination and a protocol");
        return Err(Failure::new(what).help(FORM));
    };
    let source = side(plan, viewer, source, false)?;
    let destination = side(plan, viewer, destination, true)?;
    if source.address.is_ipv4() != destination.address.is_ipv4() {
        let (one, other) = (source.word, destination.word);
        return Err(Failure::new(format!("`{one}` and `{other}` are of different families")));
    }
    let mut sent = Sent {
        device,
        packet: Packet {
            source: source.address,
            destination: destination.address,
            ttl: TTL,
            content: content(protocol, &source, &destination)?,
        },
        mark: 0,
    };
    for option in options.chunks(2) {
        let [name, value] = *option else {
            return Err(Failure::new(format!("`{}` has no value", option.join(" "))).help(FORM));
        };
        set(&mut sent, name, value)?;
    }
    Ok(sent)
}

fn network(plan: &Plan, name: &str) -> Result<usize, Failure> {
    let names = || plan.networks.iter().map(|network| network.name.as_str());
    names().position(|known| known == name).ok_or_else(|| {
        let failure = Failure::new(format!("the site has no network `{name}`"));
        failure.help(match suggest::closest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a network of the site, or `dev NAME` for another device".to_owned(),
        })
    })
}

fn side<'w>(plan: &Plan, viewer: Option<usize>, word: &'w str, far: bool) -> Result<Side<'w>, Failure> {
    let bad = |what: String| Failure::new(what).help(FORM);
    let port =
        |text: &str| text.parse().map_err(|_| bad(format!("`{text}` in `{word}` is not a port: 0 to 65535")));
    if let Ok(address) = word.parse() {
        return Ok(Side { word, address, port: None });
    }
    if let Some(inside) = word.strip_prefix('[') {
        let Some((address, rest)) = inside.split_once(']') else {
            return Err(bad(format!("`{word}` has no `]`")));
        };
        let address = address.parse().map_err(|_| bad(format!("`{address}` is not an address")))?;
        let port = match rest.strip_prefix(':') {
            Some(text) => Some(port(text)?),
            None if rest.is_empty() => None,
            None => return Err(bad(format!("`{rest}` in `{word}` is not a port: it begins with `:`"))),
        };
        return Ok(Side { word, address, port });
    }
    let (name, text) = word.split_once(':').map_or((word, None), |(name, text)| (name, Some(text)));
    let address = match name.parse() {
        Ok(address) => address,
        Err(_) => named(plan, viewer, name, far)?,
    };
    Ok(Side { word, address, port: text.map(port).transpose()? })
}

/// The address of a host with a name: of the sender's network its own, of another one that by which the
/// sender knows it.
fn named(plan: &Plan, viewer: Option<usize>, word: &str, far: bool) -> Result<IpAddr, Failure> {
    let nobody = |help: &str| {
        Failure::new(format!("`{word}` is neither an address nor a host of the site")).help(help)
    };
    let is_network = |name: &str| plan.networks.iter().position(|network| network.name == name);
    let (name, inside) = match word.split_once('.') {
        Some((name, inside)) => match is_network(inside) {
            Some(network) => (name, Some(network)),
            None => return Err(nobody("write one address without a length, or a host as `plc.outer`")),
        },
        None => (word, if far { None } else { viewer }),
    };
    let hosts = plan.networks.iter().enumerate().flat_map(|(n, network)| {
        network.hosts.iter().filter(|host| host.name == name).map(move |host| (n, host.address))
    });
    let found: Vec<(usize, IpAddr)> =
        hosts.filter(|(network, _)| inside.is_none_or(|inside| inside == *network)).collect();
    let (network, address) = match found.as_slice() {
        [] => {
            let names =
                plan.networks.iter().flat_map(|network| &network.hosts).map(|host| host.name.as_str());
            return Err(match suggest::closest(name, names) {
                Some(near) if near != name => nobody(&format!("did you mean `{near}`?")),
                _ => nobody("write an address, or a host that a `host` statement gives"),
            });
        }
        [one] => *one,
        [(network, _), ..] => {
            let help = format!("write whose it is: `{name}.{}`", plan.networks[*network].name);
            return Err(Failure::new(format!("several networks have a host `{name}`")).help(help));
        }
    };
    let Some(viewer) = viewer else {
        return Err(Failure::new(format!("nobody says by which address `{word}` is called from there"))
            .help("write the address"));
    };
    if viewer == network {
        return Ok(address);
    }
    let (from, of) = (&plan.networks[viewer].name, &plan.networks[network].name);
    if !far {
        let what = format!("the host `{word}` is in {of} and cannot send from {from}");
        return Err(Failure::new(what).help("a spoofed source is written as an address"));
    }
    plan.known_as(network, viewer, address).map(|(alias, _)| alias).ok_or_else(|| {
        Failure::new(format!("{from} knows the host `{word}` by no address"))
            .help("write the address that is to be tried")
    })
}

fn content(word: &str, source: &Side<'_>, destination: &Side<'_>) -> Result<Content, Failure> {
    let v4 = source.address.is_ipv4();
    let own = if v4 { packet::ICMP } else { packet::ICMP6 };
    let named = WITH_PORTS.iter().chain(&WITHOUT_PORTS).find(|(name, _)| *name == word);
    let protocol = match (word, named) {
        ("icmp" | "icmpv6", _) => own,
        (_, Some((_, number))) => *number,
        (_, None) => word.parse().map_err(|_| {
            let names = WITH_PORTS.iter().chain(&WITHOUT_PORTS).map(|(name, _)| *name).chain(["icmp"]);
            let help = match suggest::closest(word, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write tcp, udp, icmp, another protocol's name, or its number".to_owned(),
            };
            Failure::new(format!("`{word}` is not a protocol")).help(help)
        })?,
    };
    if WITH_PORTS.iter().any(|(_, number)| *number == protocol) {
        let Some(to) = destination.port else {
            let what = format!("`{}` has no port, and {word} needs one", destination.word);
            let name = destination.word;
            let example =
                if v4 || name.parse::<IpAddr>().is_err() { name.to_owned() } else { format!("[{name}]") };
            return Err(Failure::new(what).help(format!("write it behind the address, as in `{example}:80`")));
        };
        let from = source.port.unwrap_or(SOURCE_PORT);
        let flags = if protocol == packet::TCP { SYN } else { 0 };
        return Ok(Content::Ports { protocol, source: from, destination: to, flags });
    }
    if let Some(side) = [source, destination].into_iter().find(|side| side.port.is_some()) {
        return Err(Failure::new(format!("`{}` has a port, and {word} has none", side.word)));
    }
    Ok(if protocol == own {
        Content::Message { kind: if v4 { 8 } else { 128 }, id: IDENTIFIER }
    } else {
        Content::Other { protocol }
    })
}

fn set(sent: &mut Sent, name: &str, value: &str) -> Result<(), Failure> {
    let v4 = sent.packet.is_v4();
    let not = |range: &str| Failure::new(format!("`{name} {value}`: not a number from {range}"));
    match name {
        "ttl" => sent.packet.ttl = value.parse().map_err(|_| not("0 to 255"))?,
        "mark" => {
            let mark = match value.strip_prefix("0x") {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => value.parse(),
            };
            sent.mark = mark.map_err(|_| not("0 to 0xffffffff"))?;
        }
        "type" => {
            let number: u8 = value.parse().map_err(|_| not("0 to 255"))?;
            if packet::is_error(number, v4) {
                let what =
                    format!("`type {value}` is an error, which is about a packet that was sent before");
                return Err(Failure::new(what).help("`ttl 1` makes the gateway send one"));
            }
            match &mut sent.packet.content {
                Content::Message { kind, .. } => *kind = number,
                _ => return Err(Failure::new("only icmp has a `type`")),
            }
        }
        _ => {
            let failure = Failure::new(format!("`{name}` is not known behind the protocol"));
            return Err(failure.help("what can stand there is `type N`, `ttl N` and `mark N`"));
        }
    }
    Ok(())
}
