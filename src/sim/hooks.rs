//! A hook of netfilter: its chains by priority, and among them connection tracking and translation.
//!
//! Goes in: a packet at a hook. Comes out: whether it goes on. What must hold: the priorities are those of
//! `enum nf_ip_hook_priorities`; chains of the type nat are asked for the first packet of a connection alone,
//! until one has decided.

use super::chains::{Asked, Decision, Traveller};
use super::conntrack::{Binding, Connections, Entry, Track, Tuple, Zone};
use super::fate::Place;
use super::nat::{self, Side};
use super::packet::{self, Content, Packet};
use super::phase::{Change, Event, Found, Phase};
use super::routes::Gateway;
use crate::read::filter::{Base, Hook, State};

/// When connections are looked up: `NF_IP_PRI_CONNTRACK`.
const TRACKING: i32 = -200;
/// When destinations are translated: `NF_IP_PRI_NAT_DST`.
const DESTINATIONS: i32 = -100;
/// When sources are translated: `NF_IP_PRI_NAT_SRC`.
const SOURCES: i32 = 100;

/// A packet's way through a gateway.
pub(super) struct Walk<'a> {
    pub(super) gateway: &'a Gateway<'a>,
    pub(super) connections: &'a mut Connections,
    pub(super) it: Traveller,
    pub(super) phases: Vec<Phase>,
    /// Whether what the hook did asks for another way: of the host's own packets alone.
    pub(super) reroute: bool,
}

/// What is called at a hook; of one priority the kernel's own comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Called {
    Tracking,
    Translation,
    Chain(usize, usize),
}

impl Walk<'_> {
    /// Whether a device is a VRF's own.
    pub(super) fn is_vrf(&self, device: Option<&str>) -> bool {
        device.and_then(|device| self.gateway.host.links.get(device)).is_some_and(|link| link.table.is_some())
    }

    pub(super) fn phase(&mut self, event: Event) {
        let (input, output) = (self.it.input.clone(), self.it.output.clone());
        self.phases.push(Phase { input, output, event });
    }

    /// Calls everything at a hook.
    pub(super) fn hook(&mut self, hook: Hook) -> Result<Decision, String> {
        let mut called: Vec<(i32, Called)> = self
            .bases(hook)
            .filter(|(.., base)| !base.nat)
            .map(|(filter, chain, base)| (base.priority, Called::Chain(filter, chain)))
            .collect();
        match hook {
            Hook::Prerouting | Hook::Output => {
                called.extend([(TRACKING, Called::Tracking), (DESTINATIONS, Called::Translation)]);
            }
            Hook::Input | Hook::Postrouting => called.push((SOURCES, Called::Translation)),
            Hook::Forward => {}
        }
        called.sort_unstable();
        for (_, what) in called {
            let decision = match what {
                Called::Tracking => {
                    self.look_up();
                    Decision::On
                }
                Called::Translation => self.translation(hook)?,
                Called::Chain(filter, chain) => {
                    let before = self.it.mark;
                    let decision = self.ask(hook, filter, chain)?;
                    // `ipt_mangle_out`: another mark may mean another way.
                    let mangle = self.gateway.host.filters[filter].chains[chain].table == "mangle";
                    self.reroute |= hook == Hook::Output && mangle && before != self.it.mark;
                    decision
                }
            };
            if decision != Decision::On {
                return Ok(decision);
            }
        }
        Ok(Decision::On)
    }

    /// The base chains of a hook that see the packet's family.
    fn bases(&self, hook: Hook) -> impl Iterator<Item = (usize, usize, Base)> {
        let v4 = self.it.packet.is_v4();
        let filters = self.gateway.host.filters.iter().enumerate();
        let chains =
            filters.flat_map(|(filter, it)| it.chains.iter().enumerate().map(move |it| (filter, it)));
        let bases = chains.filter_map(|(filter, (chain, it))| it.base.map(|base| (filter, chain, base)));
        bases.filter(move |(.., base)| {
            base.hook == hook && if v4 { base.families.v4 } else { base.families.v6 }
        })
    }

    fn ask(&mut self, hook: Hook, filter: usize, chain: usize) -> Result<Decision, String> {
        let accepts = self.gateway.host.filters[filter].chains[chain].base.is_some_and(|it| it.accepts);
        let mut asked = Asked {
            gateway: self.gateway,
            connections: &mut *self.connections,
            it: &mut self.it,
            fired: Vec::new(),
        };
        let decision = asked.base(filter, chain, accepts)?;
        let fired = asked.fired;
        if !fired.is_empty() || decision != Decision::On {
            self.phase(Event::Chain { hook, chain: Place { filter, chain, rule: None }, fired });
        }
        Ok(decision)
    }

    /// `nf_conntrack_in`
    fn look_up(&mut self) {
        let template = match self.it.track {
            Track::Known { .. } | Track::Untracked => return,
            Track::Template(template) => Some(template),
            Track::Nothing => None,
        };
        // The low 16 bits of the mark as it is now: `nf_ct_zone_tmpl`.
        let [_, _, high, low] = self.it.mark.to_be_bytes();
        let by_mark = u16::from_be_bytes([high, low]);
        let zone = template.map_or_else(Zone::default, |template| Zone {
            number: template.number.unwrap_or(by_mark),
            direction: template.direction,
        });
        let (track, found) = self.tracked(zone);
        self.it.track = track;
        self.phase(Event::Lookup { zone, found });
    }

    fn tracked(&mut self, zone: Zone) -> (Track, Found) {
        let packet = &self.it.packet;
        let v4 = packet.is_v4();
        let invalid = (Track::Nothing, Found::Invalid);
        if let Content::Error { about, .. } = &packet.content {
            return self.related(about, zone).map_or(invalid, |(entry, reply)| {
                (Track::Known { entry, state: State::Related, reply }, Found::Related(reply))
            });
        }
        match packet.icmp_type() {
            // Neighbours and groups: `noct_valid_new` of ICMPv6.
            Some(130..=137 | 143) if !v4 => return (Track::Untracked, Found::Untracked),
            // An error without a packet inside.
            Some(kind) if packet::is_error(kind, v4) => return invalid,
            _ => {}
        }
        let Some(key) = Tuple::of(packet) else { return invalid };
        if let Some((entry, reply)) = self.connections.find(key, zone) {
            let own = &mut self.connections.entries[entry];
            own.answered |= reply;
            let (state, found) = match (reply, own.answered) {
                (true, _) => (State::Established, Found::Reply),
                (false, true) => (State::Established, Found::Original),
                (false, false) => (State::New, Found::Again),
            };
            return (Track::Known { entry, state, reply }, found);
        }
        let (Some(reply), true) = (key.inverted(), may_be_first(packet)) else { return invalid };
        self.connections.entries.push(Entry {
            original: key,
            reply,
            zone,
            mark: 0,
            answered: false,
            confirmed: false,
            source: Binding::Open,
            destination: Binding::Open,
        });
        let entry = self.connections.entries.len() - 1;
        (Track::Known { entry, state: State::New, reply: false }, Found::New)
    }

    /// The connection that an error is about, and whether the error goes the way of the answers:
    /// `nf_conntrack_inet_error`.
    fn related(&self, about: &Packet, zone: Zone) -> Option<(usize, bool)> {
        let key = Tuple::of(about)?.inverted()?;
        let (entry, reply) = self.connections.find(key, zone)?;
        // It must be for whom the packet was from, or else anybody's errors would pass.
        let wanted = self.connections.entries[entry].key(reply).destination;
        (wanted == self.it.packet.destination).then_some((entry, reply))
    }

    /// `nf_nat_ipv4_fn`, `nf_nat_inet_fn`
    fn translation(&mut self, hook: Hook) -> Result<Decision, String> {
        let v4 = self.it.packet.is_v4();
        let sees = |base: &Base| base.nat && if v4 { base.families.v4 } else { base.families.v6 };
        let filters = self.gateway.host.filters.iter();
        let active = filters.flat_map(|it| &it.chains).any(|chain| chain.base.as_ref().is_some_and(sees));
        let Track::Known { entry, state, reply } = self.it.track else { return Ok(Decision::On) };
        if !active {
            return Ok(Decision::On);
        }
        let side = match hook {
            Hook::Prerouting | Hook::Output => Side::Destination,
            _ => Side::Source,
        };
        let before = self.it.packet.clone();
        if matches!(before.content, Content::Error { .. }) {
            nat::translate_error(self.connections, entry, reply, side, &mut self.it.packet)
                .ok_or("a redirect about a connection that is translated")?;
        } else {
            // A VRF device is not where it leaves: `in_vrf_postrouting`.
            if hook == Hook::Postrouting && self.is_vrf(self.it.output.as_deref()) {
                return Ok(Decision::On);
            }
            if state == State::New && self.is_open(entry, side) {
                let mut chains: Vec<_> = self.bases(hook).filter(|(.., base)| base.nat).collect();
                chains.sort_by_key(|(.., base)| base.priority);
                for (filter, chain, _) in chains {
                    let decision = self.ask(hook, filter, chain)?;
                    if decision != Decision::On {
                        return Ok(decision);
                    }
                    if !self.is_open(entry, side) {
                        break;
                    }
                }
                if self.is_open(entry, side) {
                    nat::set_up(self.connections, entry, side, None);
                }
            }
            nat::translate(self.connections, entry, reply, side, &mut self.it.packet);
        }
        let own = self.connections.entries[entry];
        self.reroute |= hook == Hook::Output && own.key(reply).destination != own.key(!reply).source;
        let changes = changes(&before, &self.it.packet);
        if !changes.is_empty() {
            self.phase(Event::Translated { hook, changes });
        }
        Ok(Decision::On)
    }

    fn is_open(&self, entry: usize, side: Side) -> bool {
        let own = &self.connections.entries[entry];
        match side {
            Side::Source => own.source == Binding::Open,
            Side::Destination => own.destination == Binding::Open,
        }
    }

    /// Makes the packet's connection count, if this is its first packet: `nf_confirm`. Whether it could.
    pub(super) fn confirm(&mut self) -> bool {
        let Track::Known { entry, reply: false, .. } = self.it.track else { return true };
        if self.connections.entries[entry].confirmed {
            return true;
        }
        let confirmed = self.connections.confirm(entry);
        if confirmed {
            self.phase(Event::Confirmed(self.connections.entries[entry]));
        }
        confirmed
    }
}

/// Whether a packet can begin a connection: `tcp_new` with `nf_conntrack_tcp_loose`, `valid_new` of ICMP.
fn may_be_first(packet: &Packet) -> bool {
    match packet.content {
        Content::Ports { protocol: packet::TCP, flags, .. } => {
            let flags = flags & (1 | packet::SYN | 4 | packet::ACK);
            flags == packet::SYN || flags == packet::ACK
        }
        Content::Message { kind, .. } if packet.is_v4() => matches!(kind, 8 | 13 | 15 | 17),
        Content::Message { kind, .. } => matches!(kind, 128 | 139),
        _ => true,
    }
}

fn changes(before: &Packet, after: &Packet) -> Vec<Change> {
    let mut changes = Vec::new();
    if before.source != after.source {
        changes.push(Change::Source(before.source, after.source));
    }
    if before.destination != after.destination {
        changes.push(Change::Destination(before.destination, after.destination));
    }
    match (&before.content, &after.content) {
        (Content::Ports { source: from, .. }, Content::Ports { source: to, .. })
        | (Content::Message { id: from, .. }, Content::Message { id: to, .. })
            if from != to =>
        {
            changes.push(Change::Port(*from, *to));
        }
        (Content::Error { about: from, .. }, Content::Error { about: to, .. }) if from != to => {
            changes.push(Change::About((**from).clone(), (**to).clone()));
        }
        _ => {}
    }
    changes
}
