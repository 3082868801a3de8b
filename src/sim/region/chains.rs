//! Chains of rules, and all packets of a kind through them.
//!
//! Goes in: a [`Flow`] at the beginning of a chain. Comes out: its parts, each with what ended it. What must
//! hold: rule after rule as nft(8) and iptables(8) say; each packet of the flow is in exactly one part.

use super::program::{Cases, Chain, Chosen, Goes, Op, Program, Test, parts};
use super::{Octets, Range, Region, Set};
use crate::read::filter::Refusal;

/// Packets of a kind on their way, with what has been made of them.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Which packets, as they are now.
    pub region: Region,
    /// The zones that were chosen: of the original direction, and of the answers.
    pub zones: Option<[u16; 2]>,
    /// How the source and the destination of their connection are moved.
    pub moved: [Option<Moved>; 2],
}

/// How an address is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// By so much; down by the complement.
    By(u128),
    /// All to one address, perhaps with other ports: to the gateway's own on the device that they leave by if
    /// none is said. The numbers of the region stay as they were.
    To(Option<u128>),
}

/// What is known of the packets besides their numbers.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// The device that they came in by.
    pub input: usize,
    /// The device that they leave by.
    pub output: Option<usize>,
    /// Their connection: the state as a bit, and the direction; nothing where they are in none.
    pub connection: Option<(u8, usize)>,
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
    /// The filter, where it is known.
    pub filter: usize,
    /// The chain.
    pub chain: usize,
    /// The rule.
    pub rule: usize,
}

/// So deep may chains call chains: `NFT_JUMP_STACK_SIZE` of the kernel is 16.
const DEEPEST: usize = 17;

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

impl Walk<'_> {
    fn chain(
        &self,
        chain: usize,
        flow: Flow,
        ends: &mut Vec<(Flow, End)>,
        depth: usize,
    ) -> Result<(), Unfollowed> {
        if depth > DEEPEST {
            return Err(Unfollowed { filter: 0, chain, rule: 0 });
        }
        let Chain { rules, .. } = &self.program.chains[chain];
        let mut work = vec![(0, flow)];
        'flows: while let Some((first, mut flow)) = work.pop() {
            for (rule, ops) in rules.iter().enumerate().skip(first) {
                let mut goes = None;
                // A rule that is left is not ended: its flow goes on at the next one.
                let mut stays = true;
                for op in ops {
                    match op {
                        Op::Test { test, negated } => {
                            let (yes, no) = self.parted(flow, test, *negated);
                            work.extend(no.into_iter().map(|flow| (rule + 1, flow)));
                            let Some(yes) = yes else { continue 'flows };
                            flow = yes;
                        }
                        Op::Cases(cases) => {
                            let (found, rest) = self.cased(flow, cases);
                            work.extend(rest.into_iter().map(|flow| (rule + 1, flow)));
                            for (part, to) in found {
                                self.go((chain, rule), part, to, ends, &mut work, depth)?;
                            }
                            continue 'flows;
                        }
                        Op::Perhaps => work.push((rule + 1, flow.clone())),
                        Op::Zone(directions, zone) => match self.zone(&flow, zone) {
                            Some(zone) => {
                                let own = directions.map(|own| if own { zone } else { 0 });
                                flow.zones.get_or_insert(own);
                            }
                            None => stays = false,
                        },
                        Op::Move { destination, to, v4 } => {
                            let unfollowed = Unfollowed { filter: 0, chain, rule };
                            let rest = moved((*destination, *v4), to, flow, ends).ok_or(unfollowed)?;
                            work.extend(rest.map(|flow| (rule + 1, flow)));
                            continue 'flows;
                        }
                        Op::Masquerade => {
                            flow.moved[0] = Some(Moved::To(None));
                            ends.push((flow, End::Accept));
                            continue 'flows;
                        }
                        Op::End(to) => goes = Some(*to),
                        op => change(&mut flow, op),
                    }
                    if !stays {
                        break;
                    }
                }
                if let Some(to) = goes {
                    self.go((chain, rule), flow, to, ends, &mut work, depth)?;
                    continue 'flows;
                }
            }
            ends.push((flow, End::Return));
        }
        Ok(())
    }

    fn go(
        &self,
        (chain, rule): (usize, usize),
        flow: Flow,
        to: Goes,
        ends: &mut Vec<(Flow, End)>,
        work: &mut Vec<(usize, Flow)>,
        depth: usize,
    ) -> Result<(), Unfollowed> {
        match to {
            Goes::Accept => ends.push((flow, End::Accept)),
            Goes::Drop => ends.push((flow, End::Drop(chain, rule))),
            Goes::Refuse(how) => ends.push((flow, End::Refuse(chain, rule, how))),
            Goes::Return => ends.push((flow, End::Return)),
            Goes::Goto(other) => self.chain(other, flow, ends, depth + 1)?,
            Goes::Jump(other) => {
                let before = ends.len();
                self.chain(other, flow, ends, depth + 1)?;
                let mut n = before;
                while n < ends.len() {
                    if ends[n].1 == End::Return {
                        work.push((rule + 1, ends.swap_remove(n).0));
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
    fn parted(&self, flow: Flow, test: &Test, negated: bool) -> (Option<Flow>, Vec<Flow>) {
        let whole = |flow: Flow, yes: bool| if yes { (Some(flow), Vec::new()) } else { (None, vec![flow]) };
        let about = match test {
            Test::In(devices) => return whole(flow, devices[self.around.input] != negated),
            Test::Out(devices) => {
                let fits = self.around.output.is_some_and(|output| devices[output] != negated);
                return whole(flow, fits);
            }
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
            Test::Flags => return (Some(flow.clone()), vec![flow]),
            Test::Mark(mask, ranges) => return by_mark(flow, false, *mask, ranges, negated),
            Test::ConnectionMark(mask, ranges) => return by_mark(flow, true, *mask, ranges, negated),
            Test::Address { v4, .. } | Test::Kind { v4, .. } => flow.region.v4 == *v4,
            Test::Protocol(_) | Test::Port { .. } => true,
        };
        if !about {
            return (None, vec![flow]);
        }
        let with = |region: Region| Flow { region, ..flow.clone() };
        let region = flow.region.clone();
        match test {
            Test::Address { destination, ranges, .. } => {
                let (and, without) = region.by_address(*destination, ranges);
                let (yes, no) = if negated { (without, and) } else { (and, without) };
                (yes.map(with), no.map(with).into_iter().collect())
            }
            Test::Protocol(protocols) => {
                let (and, without) = region.by_protocol(protocols);
                let (yes, no) = if negated { (without, and) } else { (and, without) };
                (yes.map(with), no.map(with).into_iter().collect())
            }
            Test::Kind { kinds, .. } => {
                let kinds = if negated { Octets::ALL.without(kinds) } else { *kinds };
                let (yes, no) = region.by_kind(&kinds);
                (yes.map(with), no.into_iter().map(with).collect())
            }
            Test::Port { destination, ranges } => {
                let others = Set::range(0, 0xffff).without(ranges);
                let ranges = match (negated, &others) {
                    (false, _) => ranges.as_slice(),
                    (true, Some(others)) => others.ranges(),
                    (true, None) => &[],
                };
                let (yes, no) = region.by_port(*destination, ranges);
                (yes.map(with), no.into_iter().map(with).collect())
            }
            _ => (None, vec![flow]),
        }
    }

    /// The parts of a flow that have a case, and the rest.
    fn cased(&self, flow: Flow, cases: &Cases) -> (Vec<(Flow, Goes)>, Vec<Flow>) {
        let whole = |flow: Flow, goes: Option<Goes>| match goes {
            Some(goes) => (vec![(flow, goes)], Vec::new()),
            None => (Vec::new(), vec![flow]),
        };
        match cases {
            Cases::Device { out, goes } => {
                let device = if *out { self.around.output } else { Some(self.around.input) };
                whole(flow, device.and_then(|device| goes[device]))
            }
            Cases::Mark { connection, mask, goes } => {
                let known = mark_of(&flow.region, *connection);
                if let Some(value) = known.masked(*mask) {
                    let value = u128::from(value);
                    let at = goes.partition_point(|(range, _)| range.1 < value);
                    let found = goes.get(at).filter(|(range, _)| range.0 <= value);
                    return whole(flow, found.map(|(_, goes)| *goes));
                }
                let mut found = Vec::new();
                for &((first, last), to) in goes {
                    let single = u32::try_from(first).ok().filter(|_| first == last);
                    let mut part = flow.clone();
                    match single {
                        Some(value) if !known.can_be(*mask, value) => continue,
                        Some(value) => *mark_in(&mut part.region, *connection) = known.with(*mask, value),
                        None => {}
                    }
                    found.push((part, to));
                }
                (found, vec![flow])
            }
            Cases::Address { v4, destination, goes, all } => {
                if flow.region.v4 != *v4 {
                    return whole(flow, None);
                }
                let own = if *destination { &flow.region.destination } else { &flow.region.source };
                let mut found: Vec<(Flow, Goes)> = Vec::new();
                for &range in own.ranges() {
                    let at = goes.partition_point(|(case, _)| case.1 < range.0);
                    for (case, to) in goes[at..].iter().take_while(|(case, _)| case.0 <= range.1) {
                        if let Some(set) = own.and(&[*case]) {
                            // A case that has more than one range of the flow is met more than once.
                            let known = found
                                .last()
                                .is_some_and(|(last, _)| address_of(&last.region, *destination) == &set);
                            if !known {
                                let region = flow.region.with_address(*destination, set);
                                found.push((Flow { region, ..flow.clone() }, *to));
                            }
                        }
                    }
                }
                let rest = own.without(all).map(|set| {
                    let region = flow.region.with_address(*destination, set);
                    Flow { region, ..flow.clone() }
                });
                (found, rest.into_iter().collect())
            }
            Cases::Tests(cases) => {
                let mut found = Vec::new();
                let mut left = vec![flow];
                for (tests, to) in cases {
                    let mut fits = std::mem::take(&mut left);
                    for test in tests {
                        let mut both = Vec::new();
                        for flow in fits {
                            let (yes, no) = self.parted(flow, test, false);
                            both.extend(yes);
                            left.extend(no);
                        }
                        fits = both;
                    }
                    found.extend(fits.into_iter().map(|flow| (flow, *to)));
                }
                (found, left)
            }
        }
    }

    fn zone(&self, flow: &Flow, chosen: &Chosen) -> Option<u16> {
        match chosen {
            Chosen::Is(zone) => Some(*zone),
            Chosen::ByMark(mask, zones) => zones.get(&flow.region.mark.masked(*mask)?).copied(),
            Chosen::ByOut(zones) => zones[self.around.output?],
            Chosen::Mark => flow.region.mark.masked(0xffff)?.try_into().ok(),
        }
    }
}

fn change(flow: &mut Flow, op: &Op) {
    let region = &mut flow.region;
    match op {
        Op::Mark(and, xor) => region.mark = region.mark.changed(*and, *xor),
        Op::ConnectionMark(and, xor) => region.connection_mark = region.connection_mark.changed(*and, *xor),
        Op::Restore(mark, connection) => {
            let bits = region.connection_mark.bits & connection;
            let value = region.connection_mark.value & bits;
            let kept = region.mark.changed(!mark, 0);
            region.mark.bits = kept.bits & !(mark & !bits);
            region.mark.value = (kept.value | value & mark) & region.mark.bits;
        }
        _ => {}
    }
}

fn mark_of(region: &Region, connection: bool) -> super::Known {
    if connection { region.connection_mark } else { region.mark }
}

fn mark_in(region: &mut Region, connection: bool) -> &mut super::Known {
    if connection { &mut region.connection_mark } else { &mut region.mark }
}

fn address_of(region: &Region, destination: bool) -> &Set {
    if destination { &region.destination } else { &region.source }
}

fn by_mark(
    flow: Flow,
    connection: bool,
    mask: u32,
    ranges: &[Range],
    negated: bool,
) -> (Option<Flow>, Vec<Flow>) {
    match mark_of(&flow.region, connection).masked(mask) {
        Some(value) => {
            let value = u128::from(value);
            let at = ranges.partition_point(|range| range.1 < value);
            let fits = ranges.get(at).is_some_and(|range| range.0 <= value);
            if fits != negated { (Some(flow), Vec::new()) } else { (None, vec![flow]) }
        }
        // Both can be: more than there is, never less.
        None => (Some(flow.clone()), vec![flow]),
    }
}

/// Ends the parts of a flow whose address is moved; what is not comes back.
fn moved(
    (destination, v4): (bool, bool),
    to: &[(Range, u128, u32)],
    flow: Flow,
    ends: &mut Vec<(Flow, End)>,
) -> Option<Option<Flow>> {
    if flow.region.v4 != v4 {
        return Some(Some(flow));
    }
    let mut rest = Some(flow);
    for &(range, net, host_bits) in to {
        let Some(flow) = rest.take() else { break };
        let own = address_of(&flow.region, destination);
        let several =
            own.within(range).map(|cut| cut.1 - cut.0).sum::<u128>() > 0 || own.within(range).count() > 1;
        if host_bits == 0 && several && !destination {
            let (and, without) = flow.region.clone().by_address(false, &[range]);
            if let Some(region) = and {
                let mut done = Flow { region, ..flow.clone() };
                done.moved[0] = Some(Moved::To(Some(net)));
                ends.push((done, End::Accept));
            }
            rest = without.map(|region| Flow { region, ..flow });
            continue;
        }
        for cut in own.within(range).collect::<Vec<Range>>() {
            for (part, by) in parts(cut, net, host_bits)? {
                let Some(set) = own.and(&[part]) else { continue };
                let mut region = flow.region.with_address(destination, set.moved(by));
                // Nothing else of the packets changes.
                region.v4 = v4;
                let mut done = Flow { region, ..flow.clone() };
                done.moved[usize::from(destination)] = Some(Moved::By(by));
                ends.push((done, End::Accept));
            }
        }
        let without = own.without(&[range]);
        rest = without.map(|set| Flow { region: flow.region.with_address(destination, set), ..flow.clone() });
    }
    Some(rest)
}
