//! Scripts with packets, and what the models say of them.
//!
//! Goes in: a site and a script, right or faulty. Comes out: what to send to it, and what must come of it. What must
//! hold: each packet is told from all others by its ports or its identifier, and begins a connection of its own.

use std::collections::BTreeSet;
use std::net::IpAddr;

use overlapc::model::Network;
use overlapc::net::{self, Family};
use overlapc::sim::conntrack::Connections;
use overlapc::sim::fate::Fate;
use overlapc::sim::packet::{Content, Packet, SYN, TCP, TTL};
use overlapc::sim::routes::Gateway;
use overlapc::verify::verify;

use crate::dice::Dice;
use crate::drawn::forms::{self, Form};
use crate::drawn::packets::Numbers;
use crate::drawn::promised::Promises;
use crate::play::{Play, Seen, Sent, bytes, seen};

/// How many packets are drawn in each family, and how many are shown by the proof at most.
const DRAWN: usize = 30;
/// The first port, and identifier, by which packets are told from each other.
const FIRST: u16 = 20_000;

/// What is to be played; nothing where the readers refuse the script.
pub fn made(name: &str, form: &Form, seed: u64) -> Result<Option<Play>, String> {
    let site = form.site.site();
    let (Ok(host), Ok(found)) = (forms::host(form, site), verify(site, &form.files)) else { return Ok(None) };
    let address = |net: &ipnet::IpNet, device: &str| format!("address add {net} dev {device}");
    let mut play = Play { name: name.to_owned(), ..Play::default() };
    for elsewhere in &site.gateway.addresses {
        play.interfaces.insert(elsewhere.interface.value.clone());
        play.before.push(address(&elsewhere.address.value, &elsewhere.interface.value));
    }
    for network in &site.networks {
        play.interfaces.insert(network.interface.value.clone());
        let declared: Vec<_> = network.addresses.iter().map(|it| it.value).collect();
        let own = forms::own(network).into_iter().filter(|own| !declared.contains(own));
        play.after.extend(own.map(|own| address(&own, &network.interface.value)));
    }
    let shown = found.failures.iter().filter_map(|failure| counterexample(failure.packet.as_ref()?));
    // What comes from elsewhere comes by a device that is no matter of the site.
    let here = shown.filter(|(device, _)| play.interfaces.contains(device));
    let mut packets: Vec<(String, Packet)> = here.take(DRAWN).collect();
    play.shown = packets.len();
    let promises = Promises { site, own: site.networks.iter().map(forms::own).collect() };
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for family in [Family::V4, Family::V6] {
        let speaks = |it: &Network| it.prefixes.iter().any(|it| net::family(&it.real.value) == family);
        if site.networks.iter().any(speaks) {
            let numbers = Numbers::new(&promises, family);
            packets.extend((0..DRAWN).map(|_| {
                let (from, packet) = numbers.packet(&mut dice);
                (site.networks[from].interface.value.clone(), packet)
            }));
        }
    }
    let gateway = Gateway::new(&host);
    let mut known = Connections::default();
    let mut pairs = BTreeSet::new();
    for (device, packet) in packets {
        let number = FIRST + u16::try_from(play.sent.len()).map_err(|_| "too many packets")?;
        let packet = told_apart(packet, number, &mut pairs);
        let Some((packet, bytes)) = packet.and_then(|it| bytes::of(&it).map(|bytes| (it, bytes))) else {
            continue;
        };
        // A fault may send it round in a circle.
        let Ok(passage) = gateway.receive(&mut known, &device, packet.clone(), 0) else { return Ok(None) };
        let arrives: Option<Seen> = match &passage.fate {
            Fate::Left { device, .. } => Some(seen(device, &passage.packet)),
            _ => None,
        };
        let told = format!("{device} {packet}");
        let fate = format!("{:?}", passage.fate);
        play.sent.push(Sent { told, numbers: seen(&device, &packet), bytes, arrives, fate });
    }
    Ok(Some(play))
}

/// The packet that a proof shows, where packets like it are sent here.
fn counterexample(packet: &overlapc::verify::Packet) -> Option<(String, Packet)> {
    let [source, destination] = packet.ports;
    let content = match packet.protocol {
        TCP => Content::Ports { protocol: TCP, source, destination, flags: SYN },
        protocol @ 17 => Content::Ports { protocol, source, destination, flags: 0 },
        1 | 58 => Content::Message { kind: u8::try_from(source).ok()?, id: 0 },
        protocol => Content::Other { protocol },
    };
    let (source, destination) = (packet.source, packet.destination);
    Some((packet.device.clone(), Packet { source, destination, ttl: TTL, content }))
}

/// The same packet with a port or an identifier of its own; nothing for what is not sent here, or cannot be told
/// from another one.
fn told_apart(packet: Packet, number: u16, pairs: &mut BTreeSet<(IpAddr, IpAddr)>) -> Option<Packet> {
    let content = match packet.content {
        Content::Ports { protocol: protocol @ (6 | 17), destination, flags, .. } => {
            Content::Ports { protocol, source: number, destination, flags }
        }
        Content::Message { kind: kind @ (8 | 128), .. } => Content::Message { kind, id: number },
        Content::Other { .. } | Content::Ports { .. } => {
            let ends = (packet.source, packet.destination);
            if !pairs.insert(ends) || !pairs.insert((ends.1, ends.0)) {
                return None;
            }
            Content::Other { protocol: 253 }
        }
        _ => return None,
    };
    // A host does not send to itself.
    let away = !packet.destination.is_loopback() && !packet.destination.is_unspecified();
    (away && packet.source != packet.destination).then_some(Packet { content, ..packet })
}
