//! One site in one form, put to the test: proof, both engines, and what the site promises.
//!
//! Goes in: a form, and the seed of its packets. Comes out: what is wrong, and what became of each packet, so
//! that forms can be compared. What must hold: the same seed sends the same packets in every form.

use overlapc::model::Site;
use overlapc::net::{self, Family};
use overlapc::read::filter::State;
use overlapc::sim::conntrack::{Connections, Track};
use overlapc::sim::fate::Fate;
use overlapc::sim::packet::{Content, Packet, TTL};
use overlapc::sim::phase::Passage;
use overlapc::sim::region::pass::Machine;
use overlapc::sim::routes::Gateway;
use overlapc::verify::verify;

use super::agreed::Both;
use super::forms::{self, Form};
use super::packets::{Numbers, kinds};
use super::promised::{Promise, Promises};
use crate::dice::Dice;

/// How many packets are sent in each family.
const PACKETS: usize = 18;
/// So many share a table of connections.
const TOGETHER: usize = 6;

/// What came of a trial.
#[derive(Default)]
pub struct Came {
    pub wrong: Vec<String>,
    /// What became of each packet: where it left, and with which addresses.
    pub fates: Vec<String>,
    pub delivered: usize,
}

struct Trial<'t> {
    promises: Promises<'t>,
    both: Both<'t>,
    came: Came,
}

/// Puts a form to the test.
pub fn of(form: &Form, seed: u64) -> Came {
    let site = form.site.site();
    let mut came = Came::default();
    match verify(site, &form.files) {
        Ok(found) => came.wrong.extend(found.failures.iter().take(3).map(|it| format!("not proved: {it:?}"))),
        Err(undecided) => came.wrong.push(format!("undecided: {undecided}")),
    }
    let host = match forms::host(form, site) {
        Ok(host) => host,
        Err(why) => {
            came.wrong.push(format!("not read: {why}"));
            return came;
        }
    };
    let machine = Machine::new(&host).unwrap();
    let own: Vec<_> = site.networks.iter().map(forms::own).collect();
    let masked = own.iter().zip(&site.networks).filter(|(_, network)| network.masqueraded.is_some());
    let masks = masked.flat_map(|(own, _)| own.iter().map(ipnet::IpNet::addr)).collect();
    let promises = Promises { site, own };
    let both = Both::new(Gateway::new(&host), &machine, site, masks);
    let mut trial = Trial { promises, both, came };
    for family in [Family::V4, Family::V6] {
        let of_family = |it: &overlapc::model::Network| {
            it.prefixes.iter().any(|it| net::family(&it.real.value) == family)
        };
        if !site.networks.iter().any(of_family) {
            continue;
        }
        let numbers = Numbers::new(&trial.promises, family);
        let mut known = Connections::default();
        for n in 0..PACKETS {
            if n % TOGETHER == 0 {
                known = Connections::default();
            }
            // Its own dice, so that forms that differ about one packet send the same next one.
            let dice = &mut super::dice(seed.wrapping_mul(1000).wrapping_add(n as u64));
            let (from, packet) = numbers.packet(dice);
            trial.first(dice, &numbers, &mut known, from, &packet);
        }
    }
    trial.came
}

/// Whether two networks know each other by numbers that are partly the same, as the site was warned.
fn share(site: &Site, a: usize, b: usize) -> bool {
    let known = |owner: usize| {
        let prefixes = site.networks[owner].prefixes.iter();
        prefixes.flat_map(|it| match it.aliases.as_slice() {
            [] => vec![it.real.value],
            aliases => aliases.iter().map(|alias| alias.net.value).collect(),
        })
    };
    known(a).any(|one| known(b).any(|other| net::overlap(&one, &other)))
}

impl Trial<'_> {
    fn name(&self, network: usize) -> &str {
        &self.promises.site.networks[network].name.value
    }

    /// A packet that comes in from a network.
    fn receive(
        &mut self,
        known: &mut Connections,
        from: usize,
        packet: &Packet,
        what: &str,
    ) -> Option<Passage> {
        let device = self.promises.site.networks[from].interface.value.clone();
        match self.both.receive(known, &device, packet) {
            Ok((passage, wrong)) => {
                let wrong = wrong.into_iter().map(|it| format!("{what}, {device} {packet}: {it}"));
                self.came.wrong.extend(wrong);
                let fate = match &passage.fate {
                    Fate::Left { device, .. } => format!("{device} {}", passage.packet),
                    _ => "stays".to_owned(),
                };
                self.came.fates.push(format!("{what}, {device} {packet}: {fate}"));
                Some(passage)
            }
            Err(why) => {
                self.came.wrong.push(format!("{what}, {device} {packet}: {why}"));
                None
            }
        }
    }

    fn fails(&mut self, from: usize, packet: &Packet, why: &str) {
        let name = self.name(from);
        self.came.wrong.push(format!("{name} {packet}: {why}"));
    }

    fn left_into(&self, passage: &Passage, network: usize) -> bool {
        let interface = &self.promises.site.networks[network].interface.value;
        matches!(&passage.fate, Fate::Left { device, .. } if device == interface)
    }

    /// A packet, and if it is delivered all that belongs to it.
    fn first(
        &mut self,
        dice: &mut Dice,
        numbers: &Numbers,
        known: &mut Connections,
        from: usize,
        packet: &Packet,
    ) {
        let promise = self.promises.of(from, packet);
        let Some(passage) = self.receive(known, from, packet, "first") else { return };
        // By chance it can be an answer of a connection that is there.
        let belongs =
            matches!(passage.track, Track::Known { reply, state, .. } if reply || state != State::New);
        let (to, seen, real) = match promise {
            Promise::Stays => {
                if passage.fate.left() && !belongs {
                    let why = format!("must not leave, but {:?} {}", passage.fate, passage.packet);
                    self.fails(from, packet, &why);
                }
                return;
            }
            Promise::Perhaps(to, seen, real) => {
                self.came.fates.pop();
                if passage.fate.left() {
                    known.entries.pop();
                }
                (to, seen, real)
            }
            Promise::Leaves(to, seen, real) => (to, seen, real),
        };
        let perhaps = matches!(promise, Promise::Perhaps(..));
        if perhaps && !passage.fate.left() {
            return;
        }
        let masqueraded = self.promises.site.networks[to].masqueraded.is_some();
        let shared = share(self.promises.site, from, to);
        if passage.fate == Fate::Clash && (masqueraded || shared) || belongs && shared {
            return;
        }
        let arrived = &passage.packet;
        if !self.left_into(&passage, to) || (arrived.source, arrived.destination) != (seen, real) {
            let why =
                format!("must go to {} as {seen} -> {real}, but {:?} {arrived}", self.name(to), passage.fate);
            self.fails(from, packet, &why);
            return;
        }
        if arrived.content != packet.content && !masqueraded && !shared {
            self.fails(from, packet, &format!("is changed: {arrived}"));
        }
        if perhaps {
            return;
        }
        self.came.delivered += 1;
        self.belonging(dice, numbers, known, (from, to), &passage);
        if shared || masqueraded {
            return;
        }
        self.injected(dice, known, (from, to), &passage);
    }

    /// Answers, errors and later packets.
    fn belonging(
        &mut self,
        dice: &mut Dice,
        numbers: &Numbers,
        known: &mut Connections,
        (from, to): (usize, usize),
        asked: &Passage,
    ) {
        let (came, arrived) = (&asked.began, &asked.packet);
        if let Some(error) = self.both.gateway.unanswered(&mut known.clone(), asked).unwrap() {
            let right = match &error.packet.content {
                Content::Error { about, .. } => {
                    (about.source, about.destination) == (came.source, came.destination)
                }
                _ => false,
            };
            if !self.left_into(&error, from) || error.packet.destination != came.source || !right {
                let why = format!("nobody is told that the host is dead: {:?} {}", error.fate, error.packet);
                self.fails(from, came, &why);
            }
        }
        // An error about it before any answer.
        self.error(dice, numbers, known, (to, from), arrived, came);
        if let (Some(answer), Some(wanted)) = (arrived.answer(), came.answer()) {
            let Some(back) = self.receive(known, to, &answer, "answer") else { return };
            let right = back.packet.source == wanted.source
                && back.packet.destination == wanted.destination
                && back.packet.content == wanted.content;
            if !self.left_into(&back, from) || !right {
                let why = format!("its answer does not come back: {:?} {}", back.fate, back.packet);
                self.fails(from, came, &why);
                return;
            }
            let later = Packet { content: later(&came.content), ..came.clone() };
            let Some(passage) = self.receive(known, from, &later, "later") else { return };
            if !self.left_into(&passage, to)
                || (passage.packet.source, passage.packet.destination)
                    != (arrived.source, arrived.destination)
            {
                let why = format!("a later one does not arrive: {:?} {}", passage.fate, passage.packet);
                self.fails(from, came, &why);
            }
            self.error(dice, numbers, known, (to, from), &passage.packet, came);
            if self.promises.site.networks[to].masqueraded.is_none() {
                self.error(dice, numbers, known, (from, to), &back.packet, &answer);
            }
        }
    }

    /// An error about a packet as it arrived, from whoever: it comes back to its sender.
    fn error(
        &mut self,
        dice: &mut Dice,
        numbers: &Numbers,
        known: &mut Connections,
        (at, back): (usize, usize),
        arrived: &Packet,
        sent: &Packet,
    ) {
        let source = if dice.below(2) == 0 { arrived.destination } else { numbers.any(dice) };
        let kind = *dice.of(kinds(sent.is_v4()));
        let content = Content::Error { kind, code: 0, about: Box::new(arrived.clone()) };
        let error = Packet { source, destination: arrived.source, ttl: TTL, content };
        let Some(passage) = self.receive(known, at, &error, "error") else { return };
        let nobody = overlapc::sim::host::never_forwarded(source)
            || self.promises.is_outside(source)
            || (0..self.promises.own.len()).any(|network| self.promises.is_special(network, source));
        if nobody {
            // Whether it is taken for impossible hangs on the kind of isolation.
            self.came.fates.pop();
            return;
        }
        let right = match &passage.packet.content {
            Content::Error { about, .. } => {
                (about.source, about.destination) == (sent.source, sent.destination)
            }
            _ => false,
        };
        if !self.left_into(&passage, back) || passage.packet.destination != sent.source || !right {
            let why = format!("the error {error} does not come back: {:?} {}", passage.fate, passage.packet);
            self.fails(back, sent, &why);
        }
    }

    /// Packets with the numbers of a connection from a network that is no party to it.
    fn injected(
        &mut self,
        dice: &mut Dice,
        known: &Connections,
        (from, to): (usize, usize),
        asked: &Passage,
    ) {
        let other = dice.below(self.promises.site.networks.len());
        let Some(answer) = asked.packet.answer().filter(|_| other != from && other != to) else { return };
        let content =
            Content::Error { kind: kinds(answer.is_v4())[0], code: 1, about: Box::new(asked.packet.clone()) };
        let error = Packet { content, ..answer.clone() };
        for packet in [asked.began.clone(), asked.packet.clone(), answer, error] {
            let mut known = known.clone();
            let count = known.entries.len();
            let Some(passage) = self.receive(&mut known, other, &packet, "injected") else { continue };
            if matches!(self.promises.of(other, &packet), Promise::Perhaps(..)) {
                self.came.fates.pop();
            }
            let foreign = matches!(passage.track, Track::Known { entry, .. } if entry < count);
            if foreign && passage.fate.left() {
                let why = format!("gets into a connection: {:?} {}", passage.fate, passage.packet);
                self.fails(other, &packet, &why);
            }
        }
    }
}

fn later(content: &Content) -> Content {
    match content.clone() {
        Content::Ports { protocol: 6, source, destination, .. } => {
            Content::Ports { protocol: 6, source, destination, flags: overlapc::sim::packet::ACK }
        }
        other => other,
    }
}
