//! Chains of rules, and all packets of a kind through them.
//!
//! Goes in: a [`Flow`] at the beginning of a chain. Comes out: its parts, each with what ended it. What must
//! hold: rule after rule as nft(8) and iptables(8) say; each packet of the flow is in exactly one part.

use super::flow::{Flow, Moved, joined};
use super::joined::{Effect, of_case};
use super::marks::ByMark;
use super::moving::{moved, spread};
use super::program::{Case, Cases, Goes, Op, Program, Test};
use super::whole::{chosen, fits};
use super::{Octets, Range, Region, Set};
use crate::read::filter::Refusal;

/// What is known of the packets besides their numbers.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// The device that they came in by.
    pub input: usize,
    /// The device that they leave by.
    pub output: Output,
    /// Their connection: the state as a bit, and the direction; nothing where they are in none.
    pub connection: Option<(u8, usize)>,
}

/// The device that packets leave by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// None yet, or none at all.
    None,
    /// This one.
    Is(usize),
    /// Any: whoever asks for it lets them pass. What ends in another way does so whatever the device.
    Any,
}

/// How a chain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The base chain is done.
    Accept,
    /// Dropped: by this rule of this chain.
    Drop(usize, usize),
    /// Refused: by this rule of this chain.
    Refuse(usize, usize, Refusal),
    /// No rule decided.
    Return,
}

/// A translation cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfollowed {
    /// The filter.
    pub filter: usize,
    /// The chain.
    pub chain: usize,
    /// The rule.
    pub rule: usize,
}

/// So deep may chains call chains: `NFT_JUMP_STACK_SIZE` of the kernel is 16.
pub(super) const DEEPEST: usize = 17;

/// Leads a flow through a chain.
///
/// # Errors
///
/// A rule folds so many addresses together that it cannot be followed, or chains call each other too deep.
pub fn run(
    program: &Program,
    chain: usize,
    flow: Flow,
    around: Around,
    ends: &mut Vec<(Flow, End)>,
) -> Result<(), Unfollowed> {
    Walk { program, around }.chain(chain, flow, ends, 0)
}

struct Walk<'p> {
    program: &'p Program,
    around: Around,
}

/// Where a flow is: the chain, the rule in the filter and the place among the chain's steps.
#[derive(Clone, Copy)]
struct At {
    chain: usize,
    rule: usize,
    next: usize,
    depth: usize,
}

type Work = Vec<(usize, Flow)>;
type Ends = Vec<(Flow, End)>;

impl Walk<'_> {
    fn chain(&self, chain: usize, flow: Flow, ends: &mut Ends, depth: usize) -> Result<(), Unfollowed> {
        if depth > DEEPEST {
            return Err(Unfollowed { filter: 0, chain, rule: 0 });
        }
        let rules = &self.program.chains[chain].rules;
        let mut work: Work = Vec::new();
        let mut begun = Some((0, flow));
        'flows: while let Some((first, mut flow)) = begun.take().or_else(|| work.pop()) {
            for (place, rule) in rules.iter().enumerate().skip(first) {
                let at = At { chain, rule: rule.place, next: place + 1, depth };
                for op in &rule.ops {
                    match op {
                        Op::Test { test, negated } => {
                            let (yes, no) = match self.parted(flow, test, *negated) {
                                Parted::Both(yes, no) => (yes, no),
                                Parted::Anywhere(flow) => {
                                    ends.push((flow, End::Accept));
                                    continue 'flows;
                                }
                            };
                            work.extend(no.into_iter().map(|flow| (at.next, flow)));
                            let Some(yes) = yes else { continue 'flows };
                            flow = yes;
                        }
                        Op::Cases(cases) => {
                            self.cases(at, flow, cases, ends, &mut work)?;
                            continue 'flows;
                        }
                        Op::Perhaps => work.push((at.next, flow.clone())),
                        Op::Zone(..) if self.around.connection.is_some() => {}
                        Op::Zone(directions, zone) => {
                            let zone = |mark| chosen(mark, zone, self.around);
                            let mut zoned = flow.parted(|mark, _| zone(mark).is_some());
                            let found = zoned.pop_if(|(found, _)| *found);
                            work.extend(zoned.into_iter().map(|(_, flow)| (at.next, flow)));
                            let Some((_, found)) = found else { continue 'flows };
                            flow = found;
                            flow.change(|mark, zones| {
                                if let Some(zone) = zone(*mark) {
                                    zones.get_or_insert(directions.map(|own| if own { zone } else { 0 }));
                                }
                            });
                        }
                        Op::Move { destination, to, v4 } => {
                            let unfollowed = Unfollowed { filter: 0, chain, rule: rule.place };
                            for flow in flow.somewhere() {
                                let rest = moved((*destination, *v4), to, flow, ends).ok_or(unfollowed)?;
                                work.extend(rest.map(|flow| (at.next, flow)));
                            }
                            continue 'flows;
                        }
                        Op::Masquerade => {
                            flow.moved[0] = Some(Moved::To(None));
                            ends.push((flow, End::Accept));
                            continue 'flows;
                        }
                        Op::Mark(and, xor) => flow.change(|mark, _| *mark = mark.changed(*and, *xor)),
                        Op::ConnectionMark(..) | Op::Restore(..) if self.around.connection.is_none() => {
                            work.push((at.next, flow));
                            continue 'flows;
                        }
                        Op::ConnectionMark(and, xor) => {
                            flow.region.connection_mark = flow.region.connection_mark.changed(*and, *xor);
                        }
                        Op::Restore(bits, from) => {
                            let from = flow.region.connection_mark.only(*from);
                            flow.change(|mark, _| *mark = mark.restored(*bits, from));
                        }
                        Op::End(to) => {
                            self.go(at, flow, *to, ends, &mut work)?;
                            continue 'flows;
                        }
                    }
                }
            }
            ends.push((flow, End::Return));
        }
        Ok(())
    }

    fn go(&self, at: At, flow: Flow, to: Goes, ends: &mut Ends, work: &mut Work) -> Result<(), Unfollowed> {
        match to {
            Goes::Accept => ends.push((flow, End::Accept)),
            Goes::Drop => ends.push((flow, End::Drop(at.chain, at.rule))),
            Goes::Refuse(how) => ends.push((flow, End::Refuse(at.chain, at.rule, how))),
            Goes::Return => ends.push((flow, End::Return)),
            Goes::Goto(other) | Goes::Jump(other) => {
                let back = matches!(to, Goes::Jump(_));
                if let Some(effects) = self.program.effects(other, flow.region.v4)
                    && !flow.is_spread()
                    && !flow.anywhere
                {
                    for flow in spread(flow, effects) {
                        if back {
                            work.push((at.next, flow));
                        } else {
                            ends.push((flow, End::Return));
                        }
                    }
                    return Ok(());
                }
                let before = ends.len();
                self.chain(other, flow, ends, at.depth + 1)?;
                let mut n = before;
                while back && n < ends.len() {
                    if ends[n].1 == End::Return {
                        work.push((at.next, ends.swap_remove(n).0));
                    } else {
                        n += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Those that fit, and those that do not. What is asked of a field that packets do not have fits none,
    /// negated or not.
    fn parted(&self, flow: Flow, test: &Test, negated: bool) -> Parted {
        let whole = |flow: Flow, yes: bool| match yes {
            true => Parted::Both(Some(flow), Vec::new()),
            false => Parted::Both(None, vec![flow]),
        };
        let about = match test {
            Test::In(devices) => return whole(flow, devices[self.around.input] != negated),
            Test::Out(devices) => match self.around.output {
                Output::None => return whole(flow, false),
                Output::Is(output) => return whole(flow, devices[output] != negated),
                Output::Any => return Parted::Anywhere(flow),
            },
            Test::Family(families) => {
                let fits = families[usize::from(!flow.region.v4)];
                return whole(flow, fits != negated);
            }
            Test::Direction(directions) => {
                let fits = self.around.connection.is_some_and(|(_, way)| directions[way] != negated);
                return whole(flow, fits);
            }
            Test::State(states) => {
                // Whatever is in no connection is invalid.
                let state = self.around.connection.map_or(8, |(state, _)| state);
                return whole(flow, (states & state != 0) != negated);
            }
            Test::Address { destination: true, v4, .. } if flow.anywhere && flow.region.v4 == *v4 => {
                return Parted::Both(Some(flow.clone()), vec![flow]);
            }
            Test::Flags => return Parted::Both(Some(flow.clone()), vec![flow]),
            Test::Mark(marks) => {
                let mut yes = None;
                let mut no = Vec::new();
                for (fits, part) in flow.parted(|mark, _| fits(mark, marks)) {
                    match fits.map(|fits| fits != negated) {
                        Some(true) => yes = Some(part),
                        Some(false) => no.push(part),
                        // Both can be: more than there is, never less.
                        None => {
                            no.push(part.clone());
                            yes = Some(part);
                        }
                    }
                }
                return Parted::Both(yes, no);
            }
            // Where there is no connection, no rule about its mark fits: `connmark_mt`, `nft_ct_get_eval`.
            Test::ConnectionMark(..) if self.around.connection.is_none() => return whole(flow, false),
            Test::ConnectionMark(marks) => {
                return match fits(flow.region.connection_mark, marks) {
                    Some(fits) => whole(flow, fits != negated),
                    None => Parted::Both(Some(flow.clone()), vec![flow]),
                };
            }
            Test::Address { v4, .. } | Test::Kind { v4, .. } => flow.region.v4 == *v4,
            Test::Protocol(_) | Test::Port { .. } => true,
        };
        if !about {
            return whole(flow, false);
        }
        // Most flows fit as a whole or not at all.
        let fits = match test {
            Test::Address { destination, ranges, .. } => {
                let (and, without) = flow.cut(*destination, ranges);
                let (yes, no) = if negated { (without, and) } else { (and, without) };
                return Parted::Both(yes, no.into_iter().collect());
            }
            Test::Protocol(protocols) => match flow.region.protocols.and(protocols) {
                Octets::NONE => Some(false),
                both => (both == flow.region.protocols).then_some(true),
            },
            _ => None,
        };
        if let Some(fits) = fits {
            return whole(flow, fits != negated);
        }
        let region = flow.region.clone();
        let two = |(and, without): (Option<Region>, Option<Region>)| {
            let (yes, no) = if negated { (without, and) } else { (and, without) };
            Parted::Both(yes.map(|it| flow.with(it)), no.map(|it| flow.with(it)).into_iter().collect())
        };
        let more = |(yes, no): (Option<Region>, Vec<Region>)| {
            Parted::Both(yes.map(|it| flow.with(it)), no.into_iter().map(|it| flow.with(it)).collect())
        };
        match test {
            Test::Protocol(protocols) => two(region.by_protocol(protocols)),
            Test::Kind { kinds, .. } => {
                let kinds = if negated { Octets::ALL.without(kinds) } else { *kinds };
                more(region.by_kind(&kinds))
            }
            Test::Port { destination, ranges } => {
                let others = Set::range(0, 0xffff).without(ranges);
                let ranges = match (negated, &others) {
                    (false, _) => ranges.as_slice(),
                    (true, Some(others)) => others.ranges(),
                    (true, None) => &[],
                };
                more(region.by_port(*destination, ranges))
            }
            _ => whole(flow, false),
        }
    }

    /// Leads the parts of a flow where their cases say, and the rest to the next rule.
    fn cases(
        &self,
        at: At,
        flow: Flow,
        cases: &Cases,
        ends: &mut Ends,
        work: &mut Work,
    ) -> Result<(), Unfollowed> {
        let to = |case: &Case, flow: Flow, ends: &mut Ends, work: &mut Work| {
            let at = At { rule: case.rule.unwrap_or(at.rule), ..at };
            self.go(at, flow, case.goes, ends, work)
        };
        match cases {
            Cases::Device { out, goes } => {
                let device = match (out, self.around.output) {
                    (false, _) => Some(self.around.input),
                    (true, Output::Is(output)) => Some(output),
                    (true, Output::None) => None,
                    (true, Output::Any) => {
                        ends.push((flow, End::Accept));
                        return Ok(());
                    }
                };
                match device.and_then(|device| goes[device].as_ref()) {
                    Some(case) => to(case, flow, ends, work)?,
                    None => work.push((at.next, flow)),
                }
            }
            Cases::Mark { connection: false, goes } => {
                let parts = flow.parted(|mark, _| mark.masked(goes.mask()).map(|value| goes.find(value)));
                for (place, part) in parts {
                    match place {
                        Some(Some(place)) => to(&goes.all()[place].1, part, ends, work)?,
                        Some(None) => work.push((at.next, part)),
                        None => self.unknown(at, part, false, goes, ends, work)?,
                    }
                }
            }
            Cases::Mark { connection: true, .. } if self.around.connection.is_none() => {
                work.push((at.next, flow));
            }
            Cases::Mark { connection: true, goes } => {
                match flow.region.connection_mark.masked(goes.mask()).map(|value| goes.get(value)) {
                    Some(Some(case)) => to(case, flow, ends, work)?,
                    Some(None) => work.push((at.next, flow)),
                    None => self.unknown(at, flow, true, goes, ends, work)?,
                }
            }
            Cases::Address { v4, destination, goes, all } => {
                if flow.region.v4 != *v4 {
                    work.push((at.next, flow));
                    return Ok(());
                }
                if flow.anywhere && *destination {
                    for (_, case) in goes {
                        to(case, flow.clone(), ends, work)?;
                    }
                    work.push((at.next, flow));
                    return Ok(());
                }
                let own = if *destination { &flow.region.destination } else { &flow.region.source };
                if let [single] = own.ranges()
                    && let Some(at) = Some(goes.partition_point(|(case, _)| case.1 < single.0))
                    && let Some((_, case)) =
                        goes.get(at).filter(|(case, _)| case.0 <= single.0 && single.1 <= case.1)
                {
                    return to(case, flow, ends, work);
                }
                let mut before = None;
                let mut marked: Vec<(Range, Effect)> = Vec::new();
                for &range in own.ranges() {
                    let first = goes.partition_point(|(case, _)| case.1 < range.0);
                    let near = goes.iter().enumerate().skip(first);
                    for (n, (case, goes)) in near.take_while(|(_, (case, _))| case.0 <= range.1) {
                        // A case that has more than one range of the flow is met more than once.
                        if before.replace(n) == Some(n) {
                            continue;
                        }
                        if let Goes::Goto(chain) = goes.goes
                            && *destination
                            && !flow.is_spread()
                            && let Some(effects) = self.program.effects(chain, *v4)
                        {
                            marked.extend(of_case(*case, effects));
                            continue;
                        }
                        if let Some(set) = own.and(&[*case]) {
                            let part = flow.with(flow.region.with_address(*destination, set));
                            to(goes, part, ends, work)?;
                        }
                    }
                }
                if !marked.is_empty() {
                    let ranges = joined(marked.iter().map(|(range, _)| *range));
                    if let Some(set) = own.and(&ranges) {
                        let part = flow.with(flow.region.with_address(true, set));
                        ends.extend(spread(part, &marked).into_iter().map(|flow| (flow, End::Return)));
                    }
                }
                if let Some(set) = own.without(all) {
                    work.push((at.next, flow.with(flow.region.with_address(*destination, set))));
                }
            }
            Cases::Tests(cases) => {
                let mut left = vec![flow];
                for (tests, case) in cases {
                    let mut fits = std::mem::take(&mut left);
                    for test in tests {
                        let mut both = Vec::new();
                        for flow in fits {
                            match self.parted(flow, test, false) {
                                Parted::Both(yes, no) => {
                                    both.extend(yes);
                                    left.extend(no);
                                }
                                Parted::Anywhere(flow) => ends.push((flow, End::Accept)),
                            }
                        }
                        fits = both;
                    }
                    for flow in fits {
                        to(case, flow, ends, work)?;
                    }
                }
                work.extend(left.into_iter().map(|flow| (at.next, flow)));
            }
        }
        Ok(())
    }

    /// Where bits of a mark are not known, every case can be.
    fn unknown(
        &self,
        at: At,
        flow: Flow,
        connection: bool,
        goes: &ByMark<Case>,
        ends: &mut Ends,
        work: &mut Work,
    ) -> Result<(), Unfollowed> {
        let mask = goes.mask();
        for &((value, last), case) in goes.all() {
            let mut part = flow.clone();
            if value == last {
                let known = if connection { &mut part.region.connection_mark } else { &mut part.region.mark };
                if !known.can_be(mask, value) {
                    continue;
                }
                *known = known.with(mask, value);
            }
            let at = At { rule: case.rule.unwrap_or(at.rule), ..at };
            self.go(at, part, case.goes, ends, work)?;
        }
        work.push((at.next, flow));
        Ok(())
    }
}

/// What became of a test.
enum Parted {
    Both(Option<Flow>, Vec<Flow>),
    /// It hangs on the device that packets leave by, which may be any.
    Anywhere(Flow),
}
