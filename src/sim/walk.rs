//! The way of a packet that arrives: hooks, the routing decision, and out or in.
//!
//! Goes in: a device, a packet, its mark, and the connections that there are. Comes out: a [`Passage`]. What
//! must hold: it is the order of Linux 6.1 (`ip_rcv`, `vrf_ip_rcv`, `ip_route_input_slow`, `ip_forward`,
//! `ip6_forward`).

use super::chains::{Decision, Traveller};
use super::conntrack::{Connections, Track};
use super::fate::Fate;
use super::hooks::Walk;
use super::host;
use super::packet::Packet;
use super::phase::{Event, Passage, Routed};
use super::routes::{Flow, Gateway, LOOPBACK};
use crate::read::filter::{Hook, Refusal};
use crate::read::routing::{Action, Way};

/// The end of a way: what becomes of the packet, and what the sender is told (type and code of ICMP).
pub(super) struct End {
    pub(super) fate: Fate,
    pub(super) told: Option<(u8, u8)>,
}

impl From<Fate> for End {
    fn from(fate: Fate) -> Self {
        Self { fate, told: None }
    }
}

impl Gateway<'_> {
    /// Sends a packet in by a device. Its mark is 0 unless something before netfilter has set one.
    ///
    /// # Errors
    ///
    /// There is no such device, or something is in its way whose effect is not known here.
    pub fn receive(
        &self,
        connections: &mut Connections,
        device: &str,
        packet: Packet,
        mark: u32,
    ) -> Result<Passage, String> {
        let link = self.host.links.get(device).ok_or_else(|| format!("there is no device {device}"))?;
        if !link.up {
            return Err(format!("{device} is down, so nothing comes in by it"));
        }
        let began = packet.clone();
        let it = Traveller {
            packet,
            mark,
            track: Track::Nothing,
            input: Some(device.to_owned()),
            output: None,
            via: None,
        };
        let mut walk = Walk { gateway: self, connections, it, phases: Vec::new(), reroute: false };
        let end = walk.arrives(device)?;
        let passage = walk.ends(end, device, began)?;
        connections.settle();
        Ok(passage)
    }
}

impl Walk<'_> {
    /// Ends the way, and makes the error about it. `device` is the one that the packet came in by.
    fn ends(self, end: End, device: &str, began: Packet) -> Result<Passage, String> {
        let Self { gateway, connections, it, phases, .. } = self;
        // The network layer's errors are told only where the device forwards; a filter's always are.
        let refused = matches!(end.fate, Fate::Refused(_) | Fate::Expired);
        let forwards = refused || !it.packet.is_v4() || gateway.is_set("ipv4/conf", device, "forwarding");
        let error = match end.told.filter(|_| forwards) {
            Some((kind, code)) => gateway.error(connections, &it, kind, code, end.fate == Fate::Local)?,
            None => None,
        };
        Ok(Passage {
            phases,
            fate: end.fate,
            began,
            packet: it.packet,
            mark: it.mark,
            track: it.track,
            error: error.map(Box::new),
        })
    }

    fn arrives(&mut self, device: &str) -> Result<End, String> {
        let packet = &self.it.packet;
        let (source, destination) = (packet.source, packet.destination);
        // `ip6_rcv_core`: before any hook.
        if !packet.is_v4() && (source.is_multicast() || source.is_loopback() || destination.is_loopback()) {
            return Ok(Fate::Martian.into());
        }
        if let Some(end) = self.passes(Hook::Prerouting)? {
            return Ok(end);
        }
        // In a VRF everything after is done as if it had come in by the VRF device.
        let master = self.gateway.host.links.get(device).and_then(|link| link.master.clone());
        let master = master.filter(|master| self.is_vrf(Some(master)));
        if let Some(master) = master {
            self.it.input = Some(master);
            if !destination.is_multicast()
                && let Some(end) = self.passes(Hook::Prerouting)?
            {
                return Ok(end);
            }
        }
        self.decide()
    }

    /// Goes through a hook; an end where the packet does not get through.
    pub(super) fn passes(&mut self, hook: Hook) -> Result<Option<End>, String> {
        let v4 = self.it.packet.is_v4();
        Ok(match self.hook(hook)? {
            Decision::On => None,
            Decision::Dropped(place) => Some(Fate::Dropped(place).into()),
            Decision::Refused(place, refusal) => {
                let told = match (refusal, v4) {
                    (Refusal::Prohibited, true) => (3, 13),
                    (Refusal::Prohibited, false) => (1, 1),
                    (Refusal::Port, true) => (3, 3),
                    (Refusal::Port, false) => (1, 4),
                };
                let told = is_verified(&self.it.packet).then_some(told);
                Some(End { fate: Fate::Refused(place), told })
            }
        })
    }

    /// The routing decision: `ip_route_input_slow`, `ip6_route_input`.
    fn decide(&mut self) -> Result<End, String> {
        let gateway = self.gateway;
        let packet = self.it.packet.clone();
        let (source, destination) = (packet.source, packet.destination);
        let input = self.it.input.clone().unwrap_or_default();
        let v4 = packet.is_v4();
        if v4 && host::never_forwarded(source) {
            return Ok(Fate::Martian.into());
        }
        if host::never_forwarded(destination) {
            let link = destination.is_multicast()
                || destination == std::net::IpAddr::V4(std::net::Ipv4Addr::BROADCAST)
                || matches!(destination, std::net::IpAddr::V6(it) if it.is_unicast_link_local());
            return Ok(if link { Fate::Link } else { Fate::Martian }.into());
        }
        let flow = Flow {
            input: &input,
            output: None,
            inside: None,
            mark: self.it.mark,
            source: Some(source),
            destination,
        };
        let by = gateway.lookup(&flow)?;
        self.phase(Event::Routed(Routed { destination, by: by.clone() }));
        let Some((_, route)) = by else {
            let told = Some(if v4 { (3, 0) } else { (1, 0) });
            return Ok(End { fate: Fate::NoRoute, told });
        };
        let (device, via) = match route.way {
            Way::Out { device, via, .. } => (device, via),
            Way::Local => {
                if v4 && !gateway.is_source(&packet, &input, None, self.it.mark)? {
                    return Ok(Fate::Martian.into());
                }
                return self.enters(Fate::Local);
            }
            Way::Broadcast | Way::Multicast => {
                if v4 && !gateway.is_source(&packet, &input, None, self.it.mark)? {
                    return Ok(Fate::Martian.into());
                }
                return self.enters(Fate::Link);
            }
            way => return refused(&way, route.table, v4),
        };
        let forwards = if v4 {
            gateway.is_set("ipv4/conf", &input, "forwarding")
        } else {
            gateway.host.setting("ipv6/conf/all/forwarding") != 0
        };
        if !forwards {
            return Ok(Fate::NotForwarded(input).into());
        }
        if v4 && !gateway.is_source(&packet, &input, Some(&device), self.it.mark)? {
            return Ok(Fate::Martian.into());
        }
        self.forwards(device, via)
    }

    /// To the gateway itself, or to it and all others on the link.
    fn enters(&mut self, fate: Fate) -> Result<End, String> {
        if let Some(end) = self.passes(Hook::Input)? {
            return Ok(end);
        }
        Ok(if self.confirm() { fate } else { Fate::Clash }.into())
    }

    /// To somebody else.
    fn forwards(&mut self, device: String, via: Option<std::net::IpAddr>) -> Result<End, String> {
        if self.is_vrf(Some(&device)) {
            return Err(format!("a route out of the VRF device {device}"));
        }
        let v4 = self.it.packet.is_v4();
        if self.it.packet.ttl <= 1 {
            return Ok(End { fate: Fate::Expired, told: Some(if v4 { (11, 0) } else { (3, 0) }) });
        }
        if !v4 && host::never_forwarded(self.it.packet.source) {
            return Ok(Fate::Martian.into());
        }
        self.it.packet.ttl -= 1;
        self.it.output = Some(device);
        self.it.via = via;
        if let Some(end) = self.passes(Hook::Forward)? {
            return Ok(end);
        }
        self.leaves()
    }

    /// The last hook, and out.
    pub(super) fn leaves(&mut self) -> Result<End, String> {
        if let Some(end) = self.passes(Hook::Postrouting)? {
            return Ok(end);
        }
        if !self.confirm() {
            return Ok(Fate::Clash.into());
        }
        let device = self.it.output.clone().unwrap_or_default();
        Ok(Fate::Left { device, via: self.it.via }.into())
    }
}

/// The end by a route that leads nowhere.
pub(super) fn refused(way: &Way, table: u32, v4: bool) -> Result<End, String> {
    Ok(match way {
        // `ip_error` tells of the host, `ip6_pkt_discard` that there is no route.
        Way::Unreachable => {
            End { fate: Fate::Unreachable(table), told: Some(if v4 { (3, 1) } else { (1, 0) }) }
        }
        Way::Prohibited => {
            End { fate: Fate::Prohibited(table), told: Some(if v4 { (3, 13) } else { (1, 1) }) }
        }
        Way::Blackhole => Fate::Blackholed(table).into(),
        Way::Out { .. } | Way::Local | Way::Broadcast | Way::Multicast => {
            return Err("a route that leads somewhere is taken for one that does not".to_owned());
        }
    })
}

/// Whether the kernel can tell that a packet arrived whole, without which it refuses nothing in words:
/// `nf_reject_verify_csum` and the checksum that it takes all others for having.
fn is_verified(packet: &Packet) -> bool {
    matches!(packet.protocol(), 1 | 6 | 17 | 33 | 47 | 50 | 51 | 58 | 132 | 136)
}

impl Gateway<'_> {
    /// A setting of a device, or of all: `IN_DEV_ORCONF`.
    fn is_set_anywhere(&self, device: &str, name: &str) -> bool {
        self.is_set("ipv4/conf", device, name) || self.is_set("ipv4/conf", "all", name)
    }

    pub(super) fn is_set(&self, folder: &str, device: &str, name: &str) -> bool {
        self.host.setting(&format!("{folder}/{device}/{name}")) != 0
    }

    /// Whether an IPv4 packet may have its source, by the device that it came in by: `fib_validate_source`.
    /// `output` is the device that it is to be forwarded by.
    fn is_source(
        &self,
        packet: &Packet,
        input: &str,
        output: Option<&str>,
        mark: u32,
    ) -> Result<bool, String> {
        let filter = |device: &str| self.host.setting(&format!("ipv4/conf/{device}/rp_filter"));
        let strict = filter(input).max(filter("all"));
        let accepts_local = self.is_set_anywhere(input, "accept_local");
        if strict == 0 && output != Some(input) {
            if accepts_local {
                return Ok(true);
            }
            if !self.has_own_rules() {
                return Ok(!self.host.addresses.iter().any(|own| own.net.addr() == packet.source));
            }
        }
        // `__fib_validate_source`: as if the source were asked for from where the packet is to go.
        let mark = if self.is_set_anywhere(input, "src_valid_mark") { mark } else { 0 };
        let flow = Flow {
            input: output.unwrap_or(LOOPBACK),
            output: None,
            inside: Some(input).filter(|input| self.host.vrf_table(input).is_some()),
            mark,
            source: Some(packet.destination),
            destination: packet.source,
        };
        let Some((_, route)) = self.lookup(&flow)? else { return Ok(strict == 0) };
        let matches = match &route.way {
            Way::Unreachable | Way::Prohibited | Way::Blackhole => return Ok(strict == 0),
            Way::Broadcast | Way::Multicast => return Ok(false),
            Way::Local if !accepts_local => return Ok(false),
            Way::Local => false,
            Way::Out { device, .. } => {
                let master = self.host.links.get(device).and_then(|link| link.master.as_deref());
                device == input || master == Some(input)
            }
        };
        Ok(matches || strict != 1)
    }

    /// Whether there are IPv4 rules that the kernel does not have by itself: `fib4_has_custom_rules`.
    fn has_own_rules(&self) -> bool {
        let usual = [(0, host::LOCAL), (32766, host::MAIN), (32767, host::DEFAULT)];
        let own: Vec<_> = self.host.rules.iter().filter(|rule| rule.v4).collect();
        let plain = own.iter().zip(usual).all(|(rule, (preference, table))| {
            rule.preference == preference && rule.action == Action::Lookup(table)
        });
        own.len() != usual.len() || !plain
    }
}
