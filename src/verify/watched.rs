//! What is done to packets that neither moves nor stops them: the sizes of segments that TCP's handshakes announce,
//! and what is logged.
//!
//! Goes in: the site and the host. Comes out: handshakes and packets with which something else is done than the
//! site says. What must hold: each such action is made a bit of the connection mark that no rule of the host
//! asks for, so that the same proof follows it; flags of TCP are those of a handshake.

use super::delivery::{Ground, Opened, of_kinds, original};
use super::found::{Failure, Found, Obligation, Packet};
use super::spec::Spec;
use crate::model::{Log, Mss, Period, Rule};
use crate::read::filter::{Action, Bits, Field, Filter, Match, Rule as Written, Segments, Step, Values};
use crate::sim::host::Host;
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::flow::Moved;
use crate::sim::region::numbers::opens;
use crate::sim::region::pass::{Connection, Leaf, Machine, Outcome};
use crate::sim::region::{Octets, Region};

/// Something that is done to packets.
#[derive(Clone, Debug, PartialEq)]
enum Done {
    Segments(Segments),
    /// The words before each packet, and how often: so many in so many seconds, after so many in a row; and what
    /// the rule's comment says of its place in the source.
    Log(String, Option<[u32; 3]>, Option<String>),
}

/// Follows it.
pub(super) fn check(spec: &Spec<'_>, host: &Host, found: &mut Found) -> Result<(), Unfollowed> {
    let mut all: Vec<Done> = Vec::new();
    for rule in host.filters.iter().flat_map(|it| &it.chains).flat_map(|it| &it.rules) {
        all.extend(done(rule).into_iter().map(|(_, done)| done));
    }
    let logs = spec.site.rule_lists.iter().any(|list| list.rules.iter().any(|rule| rule.log.is_some()));
    if all.is_empty() && !logs && spec.site.networks.iter().all(|it| it.mss.is_none()) {
        return Ok(());
    }
    all.sort_by_key(|done| format!("{done:?}"));
    all.dedup();
    let used = host.filters.iter().fold(0, |used, filter| used | used_by(filter));
    let free: Vec<u32> = (0..32).map(|at| 1 << at).filter(|bit| used & bit == 0).collect();
    if free.is_empty() {
        let what =
            "no bit of connection marks is left by which to follow sizes of segments and logs".to_owned();
        fails(Obligation::Delivery, [None; 2], what, None, found);
        return Ok(());
    }
    // Also where nothing is done, as something should be.
    let rounds =
        if all.is_empty() { vec![Vec::new()] } else { all.chunks(free.len()).map(<[_]>::to_vec).collect() };
    for done in rounds {
        let bits: Vec<(u32, Done)> = free.iter().copied().zip(done).collect();
        let mut host = host.clone();
        host.filters.iter_mut().for_each(|filter| watch(std::sync::Arc::make_mut(filter), &bits));
        // It is the same host with other marks: what could be followed still can.
        let Ok(machine) = Machine::new(&host) else { continue };
        let ground = Ground::new(spec, &machine);
        let watched = Watched { ground: &ground, bits: &bits, all: &all };
        for network in 0..spec.site.networks.len() {
            for v4 in [true, false] {
                watched.network(network, v4, found)?;
            }
        }
    }
    Ok(())
}

/// What a rule does, with the places of its steps.
fn done(rule: &Written) -> Vec<(usize, Done)> {
    let place = rule.comment.as_ref().and_then(|it| it.strip_suffix(" log")).map(str::to_owned);
    let mut limit = None;
    let mut all = Vec::new();
    for (at, step) in rule.steps.iter().enumerate() {
        match step {
            Step::Action(Action::Segments(segments)) => all.push((at, Done::Segments(*segments))),
            Step::Action(Action::Limit { burst, count, seconds }) => limit = Some([*burst, *count, *seconds]),
            Step::Action(Action::Log(words)) => {
                all.push((at, Done::Log(words.clone(), limit, place.clone())));
            }
            _ => {}
        }
    }
    all
}

/// The bits of connection marks that a filter asks for, copies or changes.
fn used_by(filter: &Filter) -> u32 {
    let of_field = |field: &Field| match field {
        Field::ConnectionMark(mask) => *mask,
        _ => 0,
    };
    let of_step = |step: &Step| match step {
        Step::Match(asked) => of_field(&asked.field),
        Step::Dispatch(dispatch) => dispatch.fields.iter().fold(0, |used, field| used | of_field(field)),
        Step::Action(Action::ConnectionMark(bits)) => !bits.and | bits.xor,
        Step::Action(Action::RestoreMark { connection, .. }) => *connection,
        Step::Action(Action::Destination(to) | Action::Source(to)) => of_field(&to.by),
        _ => 0,
    };
    let steps = filter.chains.iter().flat_map(|it| &it.rules).flat_map(|it| &it.steps);
    steps.fold(0, |used, step| used | of_step(step))
}

/// Makes what is done bits of the mark; a limit says how often, and is part of what is done.
fn watch(filter: &mut Filter, bits: &[(u32, Done)]) {
    for rule in filter.chains.iter_mut().flat_map(|it| &mut it.rules) {
        let mut logs = false;
        for (place, done) in done(rule) {
            logs |= matches!(done, Done::Log(..));
            if let Some((bit, _)) = bits.iter().find(|(_, other)| *other == done) {
                rule.steps[place] = Step::Action(Action::ConnectionMark(Bits { and: !bit, xor: *bit }));
            }
        }
        if logs {
            rule.steps.retain(|step| !matches!(step, Step::Action(Action::Limit { .. })));
        }
        for step in &mut rule.steps {
            if let Step::Match(asked) = step
                && asked.field == Field::TcpFlags(SYN | RST)
                && asked.values == Values::Ranges(vec![(SYN.into(), SYN.into())])
            {
                let values = Values::Ranges(vec![(TCP.into(), TCP.into())]);
                *asked = Match { field: Field::Protocol, negated: asked.negated, values };
            }
        }
    }
}

const TCP: u8 = 6;
/// Flags of TCP: RFC 9293, 3.1.
const SYN: u8 = 2;
const RST: u8 = 4;

struct Watched<'w> {
    ground: &'w Ground<'w>,
    bits: &'w [(u32, Done)],
    /// All that is done, in this round or in another.
    all: &'w [Done],
}

impl Watched<'_> {
    fn network(&self, from: usize, v4: bool, found: &mut Found) -> Result<(), Unfollowed> {
        let ground = self.ground;
        let Some(hosts) = ground.spec.hosts(from, v4) else { return Ok(()) };
        let entrance = ground.entrance(from, v4);
        let mut leaves = Vec::new();
        for flow in entrance.before(Region { source: hosts.clone(), ..Region::all(v4) }, &mut leaves)? {
            let Some(new) = of_kinds(&flow, opens(v4), true) else { continue };
            entrance.after(new, &Connection::New, &mut leaves)?;
            for leaf in leaves.drain(..) {
                if let Outcome::Refused(_) = leaf.outcome {
                    self.logged(from, &leaf, found);
                }
                let Outcome::Left(device) = leaf.outcome else { continue };
                let Some(to) = ground.networks.get(device).copied().flatten() else { continue };
                self.logged(from, &leaf, found);
                self.announces(from, to, &leaf, "a handshake", found);
                let mut region = original(&leaf);
                region.mark = flow.region.mark;
                let opened = Opened { from, to, first: flow.with(region), leaf: &leaf };
                if let Some((_, leaf)) = opened.of_hosts(ground.spec) {
                    self.answered(from, to, &leaf, found)?;
                }
            }
        }
        Ok(())
    }

    /// The second packet of a handshake, and later packets, of which nothing is logged.
    fn answered(&self, from: usize, to: usize, leaf: &Leaf, found: &mut Found) -> Result<(), Unfollowed> {
        let came = original(leaf);
        let gone = &leaf.flow.region;
        let known_as = match leaf.flow.moved[0] {
            Some(Moved::To(_)) => self.ground.spec.numbers(to, came.v4).own.clone(),
            _ => gone.source.ranges().to_vec(),
        };
        let all = Region::all(came.v4);
        let later =
            Region { source: came.source.clone(), destination: came.destination.clone(), ..all.clone() };
        let answer = Region {
            source: gone.destination.clone(),
            destination: crate::sim::region::Set::of(known_as),
            ..all
        };
        for (direction, device, region, what) in
            [(0, from, later, "a later packet"), (1, to, answer, "an answer")]
        {
            let connection = Connection::Of {
                direction,
                related: false,
                moved: leaf.flow.moved,
                opened_by: Some(came.source.clone()),
                mark: gone.connection_mark.changed(!self.watching(), 0),
            };
            let entrance = self.ground.entrance(device, came.v4);
            let mut leaves = Vec::new();
            for flow in entrance.before(region, &mut leaves)? {
                entrance.after(flow, &connection, &mut leaves)?;
            }
            for later in leaves.iter().filter(|leaf| leaf.outcome.left()) {
                self.announces(from, to, later, what, found);
                if self.done(later).any(|it| matches!(it, Done::Log(..))) {
                    let packet = Packet::out_of(&came, self.ground.spec.device(from));
                    let what = format!("{what} of a connection is logged, not the first alone");
                    fails(Obligation::Delivery, [Some(from), Some(to)], what, Some(packet), found);
                }
            }
        }
        Ok(())
    }

    /// The bits that stand for what is done.
    fn watching(&self) -> u32 {
        self.bits.iter().fold(0, |all, (bit, _)| all | bit)
    }

    /// What was done to packets.
    fn done(&self, leaf: &Leaf) -> impl Iterator<Item = &Done> {
        let mark = leaf.flow.region.connection_mark.value;
        self.bits.iter().filter(move |(bit, _)| mark & bit != 0).map(|(_, done)| done)
    }

    /// The segments that both networks take, and nothing else.
    fn announces(&self, from: usize, to: usize, leaf: &Leaf, what: &str, found: &mut Found) {
        let v4 = leaf.flow.region.v4;
        let both = [from, to].into_iter().filter_map(|n| self.ground.spec.site.networks[n].mss);
        let wanted: Vec<Segments> = both.map(|mss| segments(mss.value, v4)).collect();
        let missing = wanted.iter().any(|it| !self.all.contains(&Done::Segments(*it)));
        let Some(tcp) = leaf.flow.region.clone().by_protocol(&Octets::of(&[TCP])).0 else { return };
        found.looked(Obligation::Delivery);
        let mut of_round = self.bits.iter().filter_map(|(_, done)| match done {
            Done::Segments(segments) => Some(*segments),
            Done::Log(..) => None,
        });
        let is = |segments: Segments| self.done(leaf).any(|it| *it == Done::Segments(segments));
        if missing || of_round.any(|it| is(it) != wanted.contains(&it)) {
            let packet = Packet::out_of(&tcp, self.ground.spec.device(from));
            let what = format!("{what} does not announce the segments that the site says: {wanted:?}");
            fails(Obligation::Delivery, [Some(from), Some(to)], what, Some(packet), found);
        }
    }

    /// What the rule that decides says of logs, and nothing else.
    fn logged(&self, from: usize, leaf: &Leaf, found: &mut Found) {
        let spec = self.ground.spec;
        let came = original(leaf);
        let moved = match leaf.flow.moved[1] {
            Some(Moved::By(by)) => by,
            _ => 0,
        };
        for &owner in &spec.networks[from].sees {
            let Some(peering) = spec.opens(from, owner).filter(|it| it.rules.is_some()) else { continue };
            for piece in spec.pieces(owner, from, came.v4).iter().filter(|it| it.by == moved) {
                let Some(known) = came.destination.and(&[piece.known]) else { continue };
                let real = came.with_address(true, known.moved(piece.by));
                for (region, rule) in spec.decided(peering, real) {
                    found.looked(Obligation::Delivery);
                    if !self.is_logged(leaf, rule) {
                        let came =
                            region.with_address(true, region.destination.moved(piece.by.wrapping_neg()));
                        let packet = Packet::out_of(&came, spec.device(from));
                        let what = "is not logged as its rule says".to_owned();
                        fails(Obligation::Delivery, [Some(from), Some(owner)], what, Some(packet), found);
                        return;
                    }
                }
            }
        }
    }

    fn is_logged(&self, leaf: &Leaf, rule: Option<&Rule>) -> bool {
        let wanted = rule.and_then(|rule| Some((rule, rule.log.as_ref()?)));
        let is = |done: &Done| wanted.is_some_and(|(rule, log)| says(rule, log, done));
        let possible = self.all.iter().filter(|done| is(done)).count();
        if possible == 0 && wanted.is_some() {
            return false;
        }
        // Some of what fits may be done in another round.
        let here = self.bits.iter().filter(|(_, done)| is(done)).count();
        let logs: Vec<&Done> = self.done(leaf).filter(|it| matches!(it, Done::Log(..))).collect();
        let all_fit = logs.iter().all(|done| is(done));
        all_fit && logs.len() <= 1 && (here < possible || logs.len() == here.min(1))
    }
}

/// Whether something that is done is what a rule says of its log.
fn says(rule: &Rule, log: &Log, done: &Done) -> bool {
    let Done::Log(words, limit, place) = done else { return false };
    let seconds = match log.rate.per {
        Period::Second => 1,
        Period::Minute => 60,
        Period::Hour => 3600,
        Period::Day => 86_400,
    };
    // Which place of the source is whose is not known here: the rule's comment must say the same.
    let fit = match &log.words {
        Some(own) => own == words,
        None => place.as_ref().is_some_and(|place| Log::default_words(place, rule.action) == *words),
    };
    fit && *limit == Some([BURST, log.rate.packets, seconds])
}

/// So many packets in a row are logged in any case: xt_limit's own default.
const BURST: u32 = 5;

/// What a packet of such a size leaves for a segment: RFC 9293, 3.7.1, RFC 8200, 8.3.
fn segments(mss: Mss, v4: bool) -> Segments {
    let heads = if v4 { 40 } else { 60 };
    match mss {
        Mss::Route => Segments::Route,
        Mss::Packet(bytes) => Segments::Bytes(u16::try_from(bytes.saturating_sub(heads)).unwrap_or(u16::MAX)),
    }
}

fn fails(
    obligation: Obligation,
    networks: [Option<usize>; 2],
    what: String,
    packet: Option<Packet>,
    found: &mut Found,
) {
    found.failures.push(Failure { obligation, networks, what, packet, place: None, rule: None, line: None });
}

#[cfg(test)]
mod tests {
    use super::used_by;
    use crate::read::{iptables, nft};

    #[test]
    fn a_bit_of_connection_marks_is_used_if_any_rule_asks_for_copies_or_changes_it() {
        for (bits, rule) in [
            (0x1, "ct mark & 0x00000001 == 0x00000001 drop"),
            (0x6, "ct mark & 0x00000006 vmap { 0x00000002 : drop }"),
            (0x20, "ct mark set ct mark | 0x00000020"),
            (0x40, "ct mark set ct mark & 0xffffffbf"),
            (0, "meta mark & 0x000000ff == 0x00000001 drop"),
        ] {
            let hook = "type filter hook forward priority filter; policy accept;";
            let more = "ct mark & 0x80000000 == 0x80000000 drop";
            let rules = format!("\t\t{hook}\n\t\t{rule}\n\t\t{more}\n");
            let text = format!("table inet t {{\n\tchain c {{\n{rules}\t}}\n}}\n");
            assert_eq!(used_by(&nft::read(&text).unwrap()), bits | 0x8000_0000, "{rule}");
        }
        for (bits, target) in
            [(0x700, "--set-xmark 0x300/0x500"), (0xf00, "--restore-mark --nfmask 0xf00 --ctmask 0xf00")]
        {
            let rule = format!("-A PREROUTING -j CONNMARK {target}");
            let text = format!("*mangle\n:PREROUTING ACCEPT [0:0]\n{rule}\nCOMMIT\n");
            assert_eq!(used_by(&iptables::read(&text, true).unwrap()), bits, "{target}");
        }
    }
}
