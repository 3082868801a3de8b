//! Chains of rules, for packets that all go the same way.
//!
//! Goes in: a [`Flow`] at the beginning of a chain. Comes out: what ended it, and the flow as it is then. What must
//! hold: it says what [`super::chains::run`] says, where that gives one part, or nothing.

use super::chains::{Around, DEEPEST, End, Output};
use super::flow::{Flow, Moved};
use super::marks::Marks;
use super::program::{Case, Cases, Chosen, Goes, Op, Program, Test, parts};
use super::{Known, Octets, Range, WITH_PORTS};

/// Leads a flow through a chain if no rule parts it; if one does, the flow is as it was.
pub(super) fn run(program: &Program, chain: usize, flow: &mut Flow, around: Around) -> Option<End> {
    if flow.is_spread() || flow.anywhere {
        return None;
    }
    let (mark, connection_mark) = (flow.region.mark, flow.region.connection_mark);
    let zones = flow.zones;
    let end = Walk { program, around }.chain(chain, flow, 0);
    if end.is_none() {
        (flow.region.mark, flow.region.connection_mark) = (mark, connection_mark);
        flow.zones = zones;
    }
    end
}

struct Walk<'p> {
    program: &'p Program,
    around: Around,
}

/// What a test says about all packets of a flow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fits {
    Yes,
    No,
    /// It hangs on the device that they leave by, which may be any.
    Anywhere,
}

/// Where a step leads.
enum Next {
    Rule,
    End(End),
}

impl Walk<'_> {
    fn chain(&self, chain: usize, flow: &mut Flow, depth: usize) -> Option<End> {
        if depth > DEEPEST {
            return None;
        }
        'rules: for rule in &self.program.chains[chain].rules {
            for op in &rule.ops {
                let next = match op {
                    Op::Test { test, negated } => match self.fits(flow, test, *negated)? {
                        Fits::Yes => continue,
                        Fits::No => Next::Rule,
                        Fits::Anywhere => Next::End(End::Accept),
                    },
                    Op::Cases(cases) => self.cases((chain, rule.place), flow, cases, depth)?,
                    Op::Perhaps => return None,
                    // As in `super::chains`: conntrack has looked.
                    Op::Zone(..) if self.around.connection.is_some() => continue,
                    Op::Zone(directions, zone) => match chosen(flow.region.mark, zone, self.around) {
                        None => Next::Rule,
                        Some(zone) => {
                            flow.zones.get_or_insert(directions.map(|own| if own { zone } else { 0 }));
                            continue;
                        }
                    },
                    Op::Move { destination, to, v4 } => moved((*destination, *v4), to, flow)?,
                    Op::Masquerade => {
                        flow.moved[0] = Some(Moved::To(None));
                        Next::End(End::Accept)
                    }
                    Op::Mark(and, xor) => {
                        flow.region.mark = flow.region.mark.changed(*and, *xor);
                        continue;
                    }
                    Op::ConnectionMark(..) | Op::Restore(..) if self.around.connection.is_none() => {
                        Next::Rule
                    }
                    Op::ConnectionMark(and, xor) => {
                        flow.region.connection_mark = flow.region.connection_mark.changed(*and, *xor);
                        continue;
                    }
                    Op::Restore(bits, from) => {
                        let from = flow.region.connection_mark.only(*from);
                        flow.region.mark = flow.region.mark.restored(*bits, from);
                        continue;
                    }
                    Op::End(goes) => self.go((chain, rule.place), flow, *goes, depth)?,
                };
                match next {
                    Next::Rule => continue 'rules,
                    Next::End(end) => return Some(end),
                }
            }
        }
        Some(End::Return)
    }

    fn go(&self, (chain, rule): (usize, usize), flow: &mut Flow, to: Goes, depth: usize) -> Option<Next> {
        Some(Next::End(match to {
            Goes::Accept => End::Accept,
            Goes::Drop => End::Drop(chain, rule),
            Goes::Refuse(how) => End::Refuse(chain, rule, how),
            Goes::Return => End::Return,
            Goes::Goto(other) => self.chain(other, flow, depth + 1)?,
            Goes::Jump(other) => match self.chain(other, flow, depth + 1)? {
                End::Return => return Some(Next::Rule),
                end => end,
            },
        }))
    }

    /// Nothing where some packets fit and others do not, or nobody knows.
    fn fits(&self, flow: &Flow, test: &Test, negated: bool) -> Option<Fits> {
        let region = &flow.region;
        let fits = match test {
            Test::In(devices) => devices[self.around.input] != negated,
            Test::Out(devices) => match self.around.output {
                Output::None => false,
                Output::Is(output) => devices[output] != negated,
                Output::Any => return Some(Fits::Anywhere),
            },
            Test::Family(families) => families[usize::from(!region.v4)] != negated,
            Test::Direction(directions) => {
                self.around.connection.is_some_and(|(_, way)| directions[way] != negated)
            }
            Test::State(states) => {
                let state = self.around.connection.map_or(8, |(state, _)| state);
                (states & state != 0) != negated
            }
            Test::Mark(marks) => fits(region.mark, marks)? != negated,
            Test::ConnectionMark(..) if self.around.connection.is_none() => false,
            Test::ConnectionMark(marks) => fits(region.connection_mark, marks)? != negated,
            Test::Address { v4, .. } | Test::Kind { v4, .. } if *v4 != region.v4 => false,
            Test::Address { destination: true, ranges, .. } => region.destination.wholly(ranges)? != negated,
            Test::Address { ranges, .. } => region.source.wholly(ranges)? != negated,
            Test::Protocol(protocols) => match region.protocols.and(protocols) {
                Octets::NONE => negated,
                both if both == region.protocols => !negated,
                _ => return None,
            },
            Test::Kind { kinds, .. } => {
                let icmp = Octets::of(&[region.icmp()]);
                if !region.protocols.and(&icmp).is_empty() {
                    let both = region.kinds.and(kinds);
                    let all = both == region.kinds;
                    let only = region.protocols == icmp;
                    // What is not ICMP fits neither these types nor others.
                    return (only && (all || both.is_empty())).then_some(if all != negated {
                        Fits::Yes
                    } else {
                        Fits::No
                    });
                }
                false
            }
            Test::Port { .. } if region.protocols.and(&WITH_PORTS).is_empty() => false,
            Test::Port { .. } | Test::Flags => return None,
        };
        Some(if fits { Fits::Yes } else { Fits::No })
    }

    fn cases(
        &self,
        (chain, rule): (usize, usize),
        flow: &mut Flow,
        cases: &Cases,
        depth: usize,
    ) -> Option<Next> {
        let region = &flow.region;
        let case: Option<&Case> = match cases {
            Cases::Device { out, goes } => match (out, self.around.output) {
                (false, _) => goes[self.around.input].as_ref(),
                (true, Output::Is(output)) => goes[output].as_ref(),
                (true, Output::None) => None,
                (true, Output::Any) => return Some(Next::End(End::Accept)),
            },
            Cases::Mark { connection: true, .. } if self.around.connection.is_none() => None,
            Cases::Mark { connection, goes } => {
                let mark = if *connection { region.connection_mark } else { region.mark };
                goes.get(mark.masked(goes.mask())?)
            }
            Cases::Address { v4, .. } if *v4 != region.v4 => None,
            Cases::Address { destination, goes, all, .. } => {
                let own = if *destination { &region.destination } else { &region.source };
                let (first, last) = (own.first()?, own.ranges().last()?.1);
                let at = goes.partition_point(|(range, _)| range.1 < first);
                match goes.get(at) {
                    Some((range, case)) if range.0 <= first && last <= range.1 => Some(case),
                    _ if own.wholly(all) == Some(false) => None,
                    _ => return None,
                }
            }
            Cases::Tests(cases) => {
                let mut found = None;
                'cases: for (tests, case) in cases {
                    for test in tests {
                        match self.fits(flow, test, false)? {
                            Fits::Yes => {}
                            Fits::No => continue 'cases,
                            Fits::Anywhere => return Some(Next::End(End::Accept)),
                        }
                    }
                    found = Some(case);
                    break;
                }
                found
            }
        };
        match case {
            Some(case) => self.go((chain, case.rule.unwrap_or(rule)), flow, case.goes, depth),
            None => Some(Next::Rule),
        }
    }
}

/// Moves the addresses of a flow, if all of them are moved by the same.
fn moved((destination, v4): (bool, bool), to: &[(Range, u128, u32)], flow: &mut Flow) -> Option<Next> {
    if flow.region.v4 != v4 {
        return Some(Next::Rule);
    }
    let region = &mut flow.region;
    let own = if destination { &mut region.destination } else { &mut region.source };
    for &(range, net, host_bits) in to {
        if !own.wholly(&[range])? {
            continue;
        }
        // Several to one address, of which ports tell them apart, are a matter of their own.
        if host_bits == 0 {
            return None;
        }
        let mut by = None;
        for cut in own.ranges() {
            let parts = parts(*cut, net, host_bits)?;
            let [(_, far)] = *parts.as_slice() else { return None };
            if *by.get_or_insert(far) != far {
                return None;
            }
        }
        *own = own.moved(by?);
        flow.moved[usize::from(destination)] = by.map(Moved::By);
        return Some(Next::End(End::Accept));
    }
    Some(Next::Rule)
}

/// The zone of packets with a mark.
pub(super) fn chosen(mark: Known, chosen: &Chosen, around: Around) -> Option<u16> {
    match chosen {
        Chosen::Is(zone) => Some(*zone),
        Chosen::ByMark(zones) => zones.get(mark.masked(zones.mask())?).copied(),
        Chosen::ByOut(zones) => match around.output {
            Output::Is(output) => zones[output],
            Output::None | Output::Any => None,
        },
        Chosen::Mark => mark.masked(0xffff)?.try_into().ok(),
    }
}

/// Whether bits of a mark are among some; nothing where they are not known.
pub(super) fn fits(mark: Known, marks: &Marks) -> Option<bool> {
    Some(marks.contains(mark.masked(marks.mask())?))
}
