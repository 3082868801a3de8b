//! The gateway's own packets: its ICMP errors, its answers, and whatever its programs send.
//!
//! Goes in: a packet, its mark, and the device that its socket is bound to. Comes out: a [`Passage`]. What must
//! hold: it is the order of Linux 6.1 (`ip_route_output_key_hash_rcu`, `vrf_ip_out_direct`, `ip_output`), and
//! an error goes with the connection of the packet that it is about (`nf_ct_attach`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::chains::Traveller;
use super::conntrack::{Connections, Track};
use super::fate::Fate;
use super::hooks::Walk;
use super::host;
use super::packet::{self, Content, Packet, TTL};
use super::phase::{Event, Passage, Routed};
use super::routes::{Flow, Gateway, LOOPBACK};
use super::walk::{End, refused};
use crate::read::filter::{Hook, State};
use crate::read::routing::{Route, Way};

/// What a program of the gateway sends.
#[derive(Clone, Debug)]
pub struct Own {
    /// The packet; its source is chosen by the route where it is unspecified.
    pub packet: Packet,
    /// The mark of its socket.
    pub mark: u32,
    /// The device that its socket is bound to.
    pub bound: Option<String>,
}

impl Gateway<'_> {
    /// Sends a packet of the gateway's own.
    ///
    /// # Errors
    ///
    /// Something is in its way whose effect is not known here.
    pub fn send(&self, connections: &mut Connections, own: Own) -> Result<Passage, String> {
        let passage = self.emits(connections, own, Track::Nothing)?;
        connections.settle();
        Ok(passage)
    }

    /// What the gateway itself answers to a packet that it got: to echo requests, and to TCP as a service
    /// does that listens. Nothing where it depends on the program.
    #[must_use]
    pub fn answer(&self, received: &Passage, device: &str) -> Option<Own> {
        if received.fate != Fate::Local {
            return None;
        }
        let packet = received.packet.answer()?;
        let v4 = packet.is_v4();
        let master = self.host.links.get(device).and_then(|link| link.master.clone());
        let set = |path: &str| self.host.setting(path) != 0;
        let (mark, bound) = match packet.content {
            Content::Message { .. } => {
                let reflects = set(if v4 { "ipv4/fwmark_reflect" } else { "ipv6/fwmark_reflect" });
                // `icmp_reply` asks for the VRF, `icmpv6_echo_reply` for the device itself.
                (reflects, if v4 { master } else { Some(device.to_owned()) })
            }
            Content::Ports { protocol: packet::TCP, .. } => {
                let bound = master.filter(|_| set("ipv4/tcp_l3mdev_accept"));
                (set("ipv4/tcp_fwmark_accept"), bound)
            }
            _ => return None,
        };
        Some(Own { packet, mark: if mark { received.mark } else { 0 }, bound })
    }

    /// What the gateway tells the sender of a packet that left, if nobody has the address that it is for on
    /// the wire.
    ///
    /// # Errors
    ///
    /// Something is in its way whose effect is not known here.
    pub fn unanswered(
        &self,
        connections: &mut Connections,
        passage: &Passage,
    ) -> Result<Option<Passage>, String> {
        let Fate::Left { device, .. } = &passage.fate else { return Ok(None) };
        let it = Traveller {
            packet: passage.packet.clone(),
            mark: passage.mark,
            track: passage.track,
            input: Some(device.clone()),
            output: None,
            via: None,
        };
        let (kind, code) = if it.packet.is_v4() { (3, 1) } else { (1, 3) };
        let error = self.error(connections, &it, kind, code, false)?;
        connections.settle();
        Ok(error)
    }

    /// An error about a packet: `__icmp_send`, `icmp6_send`. None where none may be made (RFC 1122, 3.2.2).
    pub(super) fn error(
        &self,
        connections: &mut Connections,
        about: &Traveller,
        kind: u8,
        code: u8,
        local: bool,
    ) -> Result<Option<Passage>, String> {
        let packet = &about.packet;
        let v4 = packet.is_v4();
        let error = packet.icmp_type().is_some_and(|kind| packet::is_error(kind, v4));
        if error || host::never_forwarded(packet.source) {
            return Ok(None);
        }
        let reflects = if v4 { "ipv4/fwmark_reflect" } else { "ipv6/fwmark_reflect" };
        let mark = if self.host.setting(reflects) != 0 { about.mark } else { 0 };
        // The way is looked for in the VRF of the device where the packet is.
        let link = about.input.as_deref().and_then(|device| self.host.links.get_key_value(device));
        let bound = link.and_then(|(name, link)| match link.table {
            Some(_) => Some(name.clone()),
            None => link.master.clone(),
        });
        let track = match about.track {
            Track::Known { entry, reply, .. } => Track::Known { entry, state: State::Related, reply: !reply },
            _ => Track::Nothing,
        };
        let nobody = if v4 { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        let content = Content::Error { kind, code, about: Box::new(packet.clone()) };
        let source = if local { packet.destination } else { nobody };
        let packet = Packet { source, destination: packet.source, ttl: TTL, content };
        self.emits(connections, Own { packet, mark, bound }, track).map(Some)
    }

    fn emits(&self, connections: &mut Connections, own: Own, track: Track) -> Result<Passage, String> {
        let Own { packet, mark, bound } = own;
        let it = Traveller { packet, mark, track, input: None, output: None, via: None };
        let mut walk = Walk { gateway: self, connections, it, phases: Vec::new(), reroute: false };
        let mut began = walk.it.packet.clone();
        let end = walk.goes(bound.as_deref(), &mut began)?;
        let Walk { it, phases, .. } = walk;
        let Traveller { packet, mark, track, .. } = it;
        Ok(Passage { phases, fate: end.fate, began, packet, mark, track, error: None })
    }
}

impl Walk<'_> {
    /// `began` gets the source that is chosen.
    fn goes(&mut self, bound: Option<&str>, began: &mut Packet) -> Result<End, String> {
        if let Some(end) = self.finds(bound, None)? {
            return Ok(end);
        }
        let device = self.it.output.clone().unwrap_or_default();
        if self.it.packet.source.is_unspecified() {
            // Where the files say none it stays unspecified. That is what the kernel does with IPv4; of IPv6 it
            // would be the device's own number on the link, which no file says.
            let own = self.gateway.own_address(&device, self.it.via, self.it.packet.destination);
            self.it.packet.source = own.unwrap_or(self.it.packet.source);
            began.source = self.it.packet.source;
        }
        let link = self.gateway.host.links.get(&device);
        let master = link.and_then(|link| link.master.clone()).filter(|master| self.is_vrf(Some(master)));
        // Through the VRF device first, where nothing is tracked by itself (`vrf_nf_set_untracked`).
        if let Some(master) = master {
            if self.it.track == Track::Nothing {
                self.it.track = Track::Untracked;
            }
            let real = self.it.output.replace(master);
            for hook in [Hook::Output, Hook::Postrouting] {
                if let Some(end) = self.passes(hook)? {
                    return Ok(end);
                }
            }
            self.it.output = real;
            if self.it.track == Track::Untracked {
                self.it.track = Track::Nothing;
            }
            if let Some(end) = self.goes_elsewhere()? {
                return Ok(end);
            }
        }
        if let Some(end) = self.passes(Hook::Output)? {
            return Ok(end);
        }
        if let Some(end) = self.goes_elsewhere()? {
            return Ok(end);
        }
        self.leaves()
    }

    /// `ip_route_me_harder`, where a hook has changed what the way depends on.
    fn goes_elsewhere(&mut self) -> Result<Option<End>, String> {
        if !std::mem::replace(&mut self.reroute, false) {
            return Ok(None);
        }
        let device = self.it.output.take();
        let inside = device.filter(|device| self.gateway.host.vrf_table(device).is_some());
        self.finds(None, inside.as_deref())
    }

    /// Looks for a way out; an end where there is none, or where it leads back in.
    fn finds(&mut self, bound: Option<&str>, inside: Option<&str>) -> Result<Option<End>, String> {
        let gateway = self.gateway;
        let packet = &self.it.packet;
        let v4 = packet.is_v4();
        let destination = packet.destination;
        let source = Some(packet.source).filter(|source| !source.is_unspecified());
        let flow = Flow { input: LOOPBACK, output: bound, inside, mark: self.it.mark, source, destination };
        let by = gateway.lookup(&flow)?;
        self.phase(Event::Routed(Routed { destination, by: by.clone() }));
        if destination.is_multicast() {
            return Ok(Some(Fate::Link.into()));
        }
        let (table, way) = match by {
            Some((_, Route { way: Way::Out { device, via, .. }, .. })) => {
                self.it.output = Some(device);
                self.it.via = via;
                return Ok(None);
            }
            Some((_, route)) => (route.table, Some(route.way)),
            None => (0, None),
        };
        match way {
            Some(Way::Local) => Ok(Some(Fate::Local.into())),
            Some(Way::Broadcast | Way::Multicast) => Ok(Some(Fate::Link.into())),
            way => {
                // A socket that is bound to a device outside of all VRFs takes everything for its neighbour.
                let near = bound.filter(|device| v4 && gateway.host.vrf_table(device).is_none());
                if let Some(device) = near {
                    self.it.output = Some(device.to_owned());
                    self.it.via = None;
                    return Ok(None);
                }
                Ok(Some(match way {
                    Some(way) => End { told: None, ..refused(&way, table, v4)? },
                    None => Fate::NoRoute.into(),
                }))
            }
        }
    }
}
