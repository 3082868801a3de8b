//! A base chain and a packet: rule after rule, step after step.
//!
//! Goes in: the packet as it is at a hook. Comes out: what the chain decides, and which rules did something.
//! What must hold: what nft(8) and iptables-extensions(8) say of each part; a step that is not understood here
//! is an error and never passed over.

use std::net::IpAddr;

use super::conntrack::{Connections, Template, Track};
use super::fate::Place;
use super::nat::{self, Side};
use super::packet::{self, Content, Packet};
use super::phase::{Change, Fired, Went};
use super::routes::Gateway;
use crate::net;
use crate::read::filter::{
    Action, Bits, Chain, Dispatch, Field, Filter, Match, Name, Refusal, State, Step, Translation, Values,
    Verdict, Zone,
};

/// So deep may chains call one another (`NFT_JUMP_STACK_SIZE` is 16; iptables has more).
const DEPTH: usize = 64;

/// A packet on its way.
#[derive(Clone, Debug)]
pub struct Traveller {
    /// The packet.
    pub packet: Packet,
    /// Its mark.
    pub mark: u32,
    /// What it carries of connection tracking.
    pub track: Track,
    /// The device that it came in by, as a hook sees it; none of the host's own.
    pub input: Option<String>,
    /// The device that it leaves by, where that is known.
    pub output: Option<String>,
    /// The router behind it.
    pub via: Option<IpAddr>,
}

/// What a chain, or all of a hook, decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on.
    On,
    /// It is gone.
    Dropped(Place),
    /// It is gone, and the sender is told.
    Refused(Place, Refusal),
}

/// How a chain was left.
enum End {
    /// At its end, or by `return`.
    Fell,
    Accepted,
    Dropped(Place),
    Refused(Place, Refusal),
}

/// What an action does to the rule it is in.
enum Acted {
    On,
    Broke,
    Accepted,
    Dropped,
}

/// A packet in the chains of one base chain.
pub(super) struct Asked<'a> {
    pub(super) gateway: &'a Gateway<'a>,
    pub(super) connections: &'a mut Connections,
    pub(super) it: &'a mut Traveller,
    pub(super) fired: Vec<Fired>,
}

impl Asked<'_> {
    /// Asks a base chain.
    pub(super) fn base(&mut self, filter: usize, chain: usize, accepts: bool) -> Result<Decision, String> {
        Ok(match self.chain(filter, chain, 0)? {
            End::Fell if accepts => Decision::On,
            End::Fell => Decision::Dropped(Place { filter, chain, rule: None }),
            End::Accepted => Decision::On,
            End::Dropped(place) => Decision::Dropped(place),
            End::Refused(place, refusal) => Decision::Refused(place, refusal),
        })
    }

    fn filter(&self, filter: usize) -> Result<&Filter, String> {
        self.gateway
            .host
            .filters
            .get(filter)
            .map(AsRef::as_ref)
            .ok_or_else(|| "there is no such filter".to_owned())
    }

    fn chain(&mut self, filter: usize, number: usize, depth: usize) -> Result<End, String> {
        if depth > DEPTH {
            return Err("the chains call each other in a circle".to_owned());
        }
        let gateway = self.gateway;
        let chain: &Chain =
            gateway.host.filters[filter].chains.get(number).ok_or("there is no such chain")?;
        // nft writes the family before a table's name, iptables has the name alone.
        let nft = chain.table.contains(' ');
        for (n, rule) in chain.rules.iter().enumerate() {
            let place = Place { filter, chain: number, rule: Some(n) };
            let mut changes = Vec::new();
            let mut went = None;
            for step in &rule.steps {
                match step {
                    Step::Match(test) if self.holds(test)? => {}
                    Step::Match(_) => break,
                    Step::Action(action) => match self.act(action, nft, &mut changes)? {
                        Acted::On => {}
                        Acted::Broke => break,
                        Acted::Accepted => went = Some(Verdict::Accept),
                        Acted::Dropped => went = Some(Verdict::Drop),
                    },
                    Step::Verdict(verdict) => went = Some(verdict.clone()),
                    Step::Dispatch(dispatch) => match self.case(dispatch)? {
                        Some(verdict) => went = Some(verdict),
                        None => break,
                    },
                }
                if went.is_some() {
                    break;
                }
            }
            if went.is_some() || !changes.is_empty() {
                let went = told(went.as_ref());
                self.fired.push(Fired { place, changes, went });
            }
            match went {
                None => {}
                Some(Verdict::Accept) => return Ok(End::Accepted),
                Some(Verdict::Drop) => return Ok(End::Dropped(place)),
                Some(Verdict::Reject(refusal)) => return Ok(End::Refused(place, refusal)),
                Some(Verdict::Return) => return Ok(End::Fell),
                Some(Verdict::Goto(next)) => return self.chain(filter, next, depth + 1),
                Some(Verdict::Jump(next)) => match self.chain(filter, next, depth + 1)? {
                    End::Fell => {}
                    end => return Ok(end),
                },
            }
        }
        self.filter(filter).map(|_| End::Fell)
    }

    fn case(&self, dispatch: &Dispatch) -> Result<Option<Verdict>, String> {
        for (keys, verdict) in &dispatch.cases {
            let mut fits = keys.len() == dispatch.fields.len();
            for (field, values) in dispatch.fields.iter().zip(keys) {
                fits = fits && self.has(*field, values)? == Some(true);
            }
            if fits {
                return Ok(Some(verdict.clone()));
            }
        }
        Ok(None)
    }

    /// Whether a match holds; one that asks for what the packet does not have never does.
    fn holds(&self, test: &Match) -> Result<bool, String> {
        Ok(self.has(test.field, &test.values)?.is_some_and(|has| has != test.negated))
    }

    /// Whether a field has one of some values; nothing where the packet has no such field.
    fn has(&self, field: Field, values: &Values) -> Result<Option<bool>, String> {
        match (field, values) {
            // A device that is not there has an empty name.
            (Field::In, Values::Names(names)) => Ok(Some(named(names, self.it.input.as_deref()))),
            (Field::Out, Values::Names(names)) => Ok(Some(named(names, self.it.output.as_deref()))),
            (Field::In | Field::Out, _) | (_, Values::Names(_)) => {
                Err("a field is compared with values of another kind".to_owned())
            }
            (_, Values::Ranges(ranges)) => {
                let within = |value| ranges.iter().any(|(from, to)| (*from..=*to).contains(&value));
                Ok(self.value(field).map(within))
            }
        }
    }

    fn value(&self, field: Field) -> Option<u128> {
        let packet = &self.it.packet;
        let v4 = packet.is_v4();
        match field {
            Field::In | Field::Out => None,
            Field::Family => Some(if v4 { 4 } else { 6 }),
            Field::Source4 => v4.then(|| net::bits(packet.source)),
            Field::Source6 => (!v4).then(|| net::bits(packet.source)),
            Field::Destination4 => v4.then(|| net::bits(packet.destination)),
            Field::Destination6 => (!v4).then(|| net::bits(packet.destination)),
            Field::Protocol => Some(packet.protocol().into()),
            Field::SourcePort => match packet.content {
                Content::Ports { source, .. } => Some(source.into()),
                _ => None,
            },
            Field::DestinationPort => match packet.content {
                Content::Ports { destination, .. } => Some(destination.into()),
                _ => None,
            },
            Field::Icmp4Type => packet.icmp_type().filter(|_| v4).map(u128::from),
            Field::Icmp6Type => packet.icmp_type().filter(|_| !v4).map(u128::from),
            Field::Mark(mask) => Some((self.it.mark & mask).into()),
            Field::ConnectionMark(mask) => self.connection_mark().map(|mark| (mark & mask).into()),
            Field::Direction => match self.it.track {
                Track::Known { reply, .. } => Some(reply.into()),
                Track::Template(_) => Some(0),
                Track::Nothing | Track::Untracked => None,
            },
            Field::State => match self.it.track {
                Track::Known { state, .. } => Some(state as u128),
                Track::Template(_) => Some(State::New as u128),
                Track::Nothing => Some(State::Invalid as u128),
                // A bit of its own, which no rule that is read here asks for.
                Track::Untracked => Some(64),
            },
            Field::TcpFlags(mask) => match packet.content {
                Content::Ports { protocol: packet::TCP, flags, .. } => Some((flags & mask).into()),
                _ => None,
            },
            Field::Zone => match self.it.track {
                Track::Known { entry, .. } => Some(self.connections.entries[entry].zone.number.into()),
                _ => None,
            },
        }
    }

    fn connection_mark(&self) -> Option<u32> {
        match self.it.track {
            Track::Known { entry, .. } => Some(self.connections.entries[entry].mark),
            Track::Template(_) => Some(0),
            Track::Nothing | Track::Untracked => None,
        }
    }

    fn act(&mut self, action: &Action, nft: bool, changes: &mut Vec<Change>) -> Result<Acted, String> {
        match action {
            Action::Mark(bits) => self.set_mark(turned(self.it.mark, *bits), changes),
            Action::ConnectionMark(bits) => match self.it.track {
                Track::Known { entry, .. } => {
                    let own = &mut self.connections.entries[entry].mark;
                    let before = std::mem::replace(own, turned(*own, *bits));
                    if before != *own {
                        changes.push(Change::ConnectionMark(before, *own));
                    }
                }
                // nft has to read it first, where some bits stay.
                Track::Nothing | Track::Untracked if nft && bits.and != 0 => return Ok(Acted::Broke),
                _ => {}
            },
            Action::RestoreMark { mark, connection } => {
                if let Some(own) = self.connection_mark() {
                    // `connmark_tg_shift`: the bits taken are turned, not written.
                    self.set_mark((self.it.mark & !mark) ^ (own & connection), changes);
                }
            }
            Action::Zone { direction, zone } => {
                let number = match zone {
                    Zone::Is(number) => Some(*number),
                    Zone::Mark => None,
                    Zone::ByMark(mask, map) => match map.get(&(self.it.mark & mask)) {
                        Some(number) => Some(*number),
                        None => return Ok(Acted::Broke),
                    },
                    Zone::ByOut(map) => match self.it.output.as_ref().and_then(|device| map.get(device)) {
                        Some(number) => Some(*number),
                        None => return Ok(Acted::Broke),
                    },
                };
                // The first one stays. To iptables also untracked is something that a packet has
                // (`xt_ct_target`), to nft it is nothing (`nft_ct_set_zone_eval`).
                let free = match self.it.track {
                    Track::Nothing => true,
                    Track::Untracked => nft,
                    Track::Template(_) | Track::Known { .. } => false,
                };
                if free {
                    self.it.track = Track::Template(Template { number, direction: *direction });
                    changes.push(Change::Zone(number, *direction));
                }
            }
            Action::Destination(translation) => {
                return self.translate(Side::Destination, translation, changes);
            }
            Action::Source(translation) => return self.translate(Side::Source, translation, changes),
            Action::Masquerade => {
                let device = self.it.output.as_deref().ok_or("masquerade before the way is known")?;
                let own = self.gateway.own_address(device, self.it.via, self.it.packet.destination);
                let Some(own) = own else { return Ok(Acted::Dropped) };
                return self.bind(Side::Source, own, changes);
            }
            // A packet at a time is never too many.
            Action::Segments(_) | Action::Limit { .. } => {}
            Action::Log(words) => changes.push(Change::Logged(words.clone())),
        }
        Ok(Acted::On)
    }

    fn set_mark(&mut self, mark: u32, changes: &mut Vec<Change>) {
        let before = std::mem::replace(&mut self.it.mark, mark);
        if before != mark {
            changes.push(Change::Mark(before, mark));
        }
    }

    /// Host bits stay, the others become those of the prefix: `nft_nat_setup_netmap`, `xt_NETMAP.c`.
    fn translate(
        &mut self,
        side: Side,
        translation: &Translation,
        changes: &mut Vec<Change>,
    ) -> Result<Acted, String> {
        let Some(value) = self.value(translation.by) else { return Ok(Acted::Broke) };
        let to = translation.to.iter().find(|((from, to), _)| (*from..=*to).contains(&value));
        let Some((_, prefix)) = to else { return Ok(Acted::Broke) };
        let packet = &self.it.packet;
        let now = if side == Side::Source { packet.source } else { packet.destination };
        if now.is_ipv4() != prefix.addr().is_ipv4() {
            return Ok(Acted::Broke);
        }
        let hosts = net::bits(prefix.hostmask());
        let address =
            net::from_bits(net::family(prefix), net::bits(prefix.network()) | (net::bits(now) & hosts));
        self.bind(side, address, changes)
    }

    fn bind(&mut self, side: Side, address: IpAddr, changes: &mut Vec<Change>) -> Result<Acted, String> {
        let Track::Known { entry, .. } = self.it.track else {
            return Err("a packet of no connection is translated".to_owned());
        };
        let port = |connections: &Connections| connections.entries[entry].reply.inverted().map(|it| it.from);
        let before = port(self.connections);
        nat::set_up(self.connections, entry, side, Some(address));
        let packet = &self.it.packet;
        changes.push(match side {
            Side::Source => Change::Source(packet.source, address),
            Side::Destination => Change::Destination(packet.destination, address),
        });
        if let (Some(before), Some(after)) = (before, port(self.connections))
            && before != after
        {
            changes.push(Change::Port(before, after));
        }
        Ok(Acted::Accepted)
    }
}

fn told(verdict: Option<&Verdict>) -> Went {
    match verdict {
        None => Went::On,
        Some(Verdict::Accept) => Went::Accepted,
        Some(Verdict::Drop) => Went::Dropped,
        Some(Verdict::Reject(_)) => Went::Refused,
        Some(Verdict::Return) => Went::Returned,
        Some(Verdict::Jump(chain)) => Went::Jumped(*chain),
        Some(Verdict::Goto(chain)) => Went::Gone(*chain),
    }
}

fn turned(mark: u32, bits: Bits) -> u32 {
    (mark & bits.and) ^ bits.xor
}

fn named(names: &[Name], device: Option<&str>) -> bool {
    let device = device.unwrap_or("");
    names.iter().any(|name| if name.open { device.starts_with(&name.text) } else { device == name.text })
}
