//! A packet filter made ready for being asked often.
//!
//! Goes in: a [`Filter`] and the names of devices. Comes out: the same with look-ups in order, so that finding
//! the case of a number takes no longer the more there are. What must hold: nothing is left out, and what
//! cannot be decided for whole regions is refused with its line.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::joined::{Effect, effects, flatten, join};
use super::marks::{ByMark, Marks};
use super::{Octets, Range};
use crate::read::filter::{
    self, Action, Base, Dispatch, Field, Filter, Match, Name, Refusal, Step, Translation, Values, Verdict,
    Way, Zone,
};

/// The devices by number: everything that is not one of them is the number behind the last.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    names: Vec<String>,
    numbers: BTreeMap<String, usize>,
}

impl Devices {
    /// Devices of these names, in that order.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<String> = names.into_iter().collect();
        let numbers = names.iter().enumerate().map(|(n, name)| (name.clone(), n)).collect();
        Self { names, numbers }
    }

    /// The number of a name; that of all others if it is not known.
    #[must_use]
    pub fn number(&self, name: &str) -> usize {
        self.numbers.get(name).copied().unwrap_or(self.names.len())
    }

    /// The name of a number.
    #[must_use]
    pub fn name(&self, number: usize) -> &str {
        self.names.get(number).map_or("another device", String::as_str)
    }

    /// How many there are, with the one that stands for all others.
    #[must_use]
    pub fn count(&self) -> usize {
        self.names.len() + 1
    }

    fn numbers_of(&self, names: &[Name]) -> Vec<usize> {
        let mut numbers = Vec::new();
        for name in names {
            if name.open {
                let begins = |it: &(usize, &String)| it.1.starts_with(&name.text);
                numbers.extend(self.names.iter().enumerate().filter(begins).map(|(n, _)| n));
            } else {
                numbers.extend(self.numbers.get(&name.text));
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

/// A filter.
#[derive(Debug)]
pub struct Program {
    /// Its chains, at the places that they have in the filter.
    pub chains: Vec<Arc<Chain>>,
}

/// A chain.
#[derive(Debug)]
pub struct Chain {
    /// How the kernel calls it.
    pub base: Option<Base>,
    /// Its rules; some stand for several in a row.
    pub rules: Vec<Rule>,
    /// What it does to the mark of packets of both families by their destination, if it does nothing else.
    pub effects: Option<[Vec<(Range, Effect)>; 2]>,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its place in the filter's chain: of the first, where it stands for several.
    pub place: usize,
    /// Its steps.
    pub ops: Vec<Op>,
}

/// Where the packets of a case go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Where.
    pub goes: Goes,
    /// The rule of the filter that says so, if it is not the one of the whole look-up.
    pub rule: Option<usize>,
}

/// A step of a rule.
#[derive(Debug)]
pub enum Op {
    /// Goes on with the packets of this kind.
    Test {
        /// What is asked.
        test: Test,
        /// Whether with the others instead.
        negated: bool,
    },
    /// Each kind of packets goes its own way; what fits none goes on at the next rule.
    Cases(Cases),
    /// Changes the packet mark.
    Mark(u32, u32),
    /// Changes the connection mark.
    ConnectionMark(u32, u32),
    /// Bits of the packet mark become those of the connection mark.
    Restore(u32, u32),
    /// Chooses zones: of the original direction and of the answers, if they are said. Whoever has a connection
    /// keeps its own (`nft_ct_set_zone_eval`, `xt_ct_target`).
    Zone([bool; 2], Chosen),
    /// The addresses of a connection are moved.
    Move {
        /// Whether the destination, or the source.
        destination: bool,
        /// From where to where.
        to: Vec<(Range, u128, u32)>,
        /// Whether of IPv4.
        v4: bool,
    },
    /// The source becomes the gateway's own.
    Masquerade,
    /// Goes on with some and not with others, and nobody can say with which.
    Perhaps,
    /// Ends the rule.
    End(Goes),
}

/// How a zone is chosen.
#[derive(Debug)]
pub enum Chosen {
    /// It is this one.
    Is(u16),
    /// By bits of the mark.
    ByMark(ByMark<u16>),
    /// By the device that they leave by, by its number.
    ByOut(Vec<Option<u16>>),
    /// The low bits of the mark.
    Mark,
}

/// Where packets go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goes {
    /// The base chain is done with them.
    Accept,
    /// They are gone.
    Drop,
    /// They are gone, and the sender is told.
    Refuse(Refusal),
    /// Back to the chain that called.
    Return,
    /// To a chain, and back.
    Jump(usize),
    /// To a chain, and not back.
    Goto(usize),
}

/// What is asked of packets.
#[derive(Debug, Clone)]
pub enum Test {
    /// Whether they came in by one of these.
    In(Vec<bool>),
    /// Whether they leave by one of these.
    Out(Vec<bool>),
    /// Whether they are of IPv4; otherwise of IPv6; otherwise nothing fits.
    Family([bool; 2]),
    /// Whether an address is among these.
    Address {
        /// Whether the family is IPv4.
        v4: bool,
        /// Whether the destination.
        destination: bool,
        /// Which.
        ranges: Vec<Range>,
    },
    /// Whether the protocol is one of these.
    Protocol(Octets),
    /// Whether a message is of one of these types.
    Kind {
        /// Whether of ICMP, or of ICMPv6.
        v4: bool,
        /// Which.
        kinds: Octets,
    },
    /// Whether a port is among these.
    Port {
        /// Whether the destination's.
        destination: bool,
        /// Which.
        ranges: Vec<Range>,
    },
    /// Whether bits of the packet mark are among these.
    Mark(Marks),
    /// Whether bits of the connection mark are among these.
    ConnectionMark(Marks),
    /// Whether the direction of the connection is one of these.
    Direction([bool; 2]),
    /// Whether the connection's state is one of these bits.
    State(u8),
    /// Whether the handshake's flags are so: some are, some are not.
    Flags,
}

/// Cases, each with where it goes.
#[derive(Debug)]
pub enum Cases {
    /// By the device that they came in by, or leave by.
    Device {
        /// Whether the one they leave by.
        out: bool,
        /// By its number.
        goes: Vec<Option<Case>>,
    },
    /// By bits of a mark.
    Mark {
        /// Whether of the connection's.
        connection: bool,
        /// Of which value, where.
        goes: ByMark<Case>,
    },
    /// By an address: in order, disjoint.
    Address {
        /// Whether the family is IPv4.
        v4: bool,
        /// Whether the destination.
        destination: bool,
        /// From, to, where.
        goes: Vec<(Range, Case)>,
        /// All of them.
        all: Vec<Range>,
    },
    /// Anything else: one after another.
    Tests(Vec<(Vec<Test>, Case)>),
}

impl Program {
    /// Makes a filter ready.
    ///
    /// # Errors
    ///
    /// A rule cannot be decided for regions: its line, and why.
    pub fn new(filter: &Filter, devices: &Devices) -> Result<Self, (usize, String)> {
        let mut chains = Vec::new();
        for chain in &filter.chains {
            let mut rules = Vec::new();
            for (place, rule) in chain.rules.iter().enumerate() {
                let steps = rule.steps.iter().filter_map(|step| op(step, devices).transpose());
                let mut ops = steps.collect::<Result<Vec<Op>, String>>().map_err(|why| (rule.line, why))?;
                drop_needless(&mut ops);
                rules.push(Rule { place, ops });
            }
            chains.push(Chain { base: chain.base, rules: join(rules, devices.count()), effects: None });
        }
        flatten(&mut chains);
        for (chain, effects) in effects(&chains).into_iter().enumerate() {
            chains[chain].effects = effects;
        }
        Ok(Self { chains: chains.into_iter().map(Arc::new).collect() })
    }

    /// The same when all rules of some tables of the filter are gone: no rule leads from one into another.
    #[must_use]
    pub fn flushed(&self, filter: &Filter, tables: &[&str]) -> Self {
        let chain =
            |(own, written): (&Arc<Chain>, &filter::Chain)| match tables.contains(&written.table.as_str()) {
                true => Arc::new(Chain { base: own.base, rules: Vec::new(), effects: None }),
                false => Arc::clone(own),
            };
        Self { chains: self.chains.iter().zip(&filter.chains).map(chain).collect() }
    }

    /// What a chain does to the mark of packets by their destination, if it does nothing else.
    #[must_use]
    pub fn effects(&self, chain: usize, v4: bool) -> Option<&[(Range, Effect)]> {
        self.chains[chain].effects.as_ref().map(|both| both[usize::from(!v4)].as_slice())
    }
}

/// Whoever asks for an address asks for its family.
fn drop_needless(ops: &mut Vec<Op>) {
    let of = |op: &Op| match op {
        Op::Test { test: Test::Address { v4, .. }, .. } | Op::Cases(Cases::Address { v4, .. }) => Some(*v4),
        _ => None,
    };
    if let [Op::Test { test: Test::Family([of_v4, of_v6]), negated: false }, next, ..] = ops.as_slice()
        && of(next).is_some_and(|v4| [*of_v4, *of_v6] == [v4, !v4])
    {
        ops.remove(0);
    }
}

fn op(step: &Step, devices: &Devices) -> Result<Option<Op>, String> {
    Ok(Some(match step {
        Step::Match(Match { field, negated, values }) => {
            Op::Test { test: test(*field, values, devices)?, negated: *negated }
        }
        Step::Verdict(verdict) => Op::End(goes(verdict)),
        Step::Dispatch(dispatch) => Op::Cases(cases(dispatch, devices)?),
        Step::Action(action) => match action {
            Action::Mark(bits) => Op::Mark(bits.and, bits.xor),
            Action::ConnectionMark(bits) => Op::ConnectionMark(bits.and, bits.xor),
            Action::RestoreMark { mark, connection } => Op::Restore(*mark, *connection),
            Action::Zone { direction, zone } => {
                let of = |way| direction.is_none_or(|direction| direction == way);
                let chosen = match zone {
                    Zone::Is(zone) => Chosen::Is(*zone),
                    Zone::ByMark(mask, zones) => {
                        let zones = zones.iter().map(|(value, zone)| ((*value).into(), *zone));
                        Chosen::ByMark(ByMark::new(*mask, zones.map(|(value, zone)| ((value, value), zone))))
                    }
                    Zone::ByOut(zones) => Chosen::ByOut(
                        (0..devices.count()).map(|n| zones.get(devices.name(n)).copied()).collect(),
                    ),
                    Zone::Mark => Chosen::Mark,
                };
                Op::Zone([of(Way::Original), of(Way::Reply)], chosen)
            }
            Action::Destination(translation) => moved(true, translation)?,
            Action::Source(translation) => moved(false, translation)?,
            Action::Masquerade => Op::Masquerade,
            Action::Limit { .. } => Op::Perhaps,
            Action::Segments(_) | Action::Log(_) => return Ok(None),
        },
    }))
}

/// The most parts that a translation of unequal prefixes falls into.
const PARTS: u128 = 4096;

fn moved(destination: bool, translation: &Translation) -> Result<Op, String> {
    let v4 = match (destination, translation.by) {
        (true, Field::Destination4) | (false, Field::Source4) => true,
        (true, Field::Destination6) | (false, Field::Source6) => false,
        _ => return Err("a translation by another field".to_owned()),
    };
    let to = translation.to.iter().map(|(range, net)| {
        let host_bits = u32::from(net.max_prefix_len() - net.prefix_len());
        let number = match net.network() {
            std::net::IpAddr::V4(address) => u128::from(u32::from(address)),
            std::net::IpAddr::V6(address) => u128::from(address),
        };
        (*range, number, host_bits)
    });
    Ok(Op::Move { destination, to: to.collect(), v4 })
}

/// The parts of a range that are moved by the same, each with how far: host bits stay, so a range that is
/// longer than the prefix that it is moved to is folded.
pub(super) fn parts(range: Range, to: u128, host_bits: u32) -> Option<Vec<(Range, u128)>> {
    if host_bits >= 128 {
        return Some(vec![(range, 0)]);
    }
    let size = 1_u128 << host_bits;
    let (first, last) = (range.0 / size, range.1 / size);
    if last - first >= PARTS {
        return None;
    }
    let part = |n: u128| {
        let begin = n * size;
        ((begin.max(range.0), (begin + (size - 1)).min(range.1)), to.wrapping_sub(begin))
    };
    Some((first..=last).map(part).collect())
}

fn test(field: Field, values: &Values, devices: &Devices) -> Result<Test, String> {
    let ranges = match values {
        Values::Names(names) => {
            let mut flags = vec![false; devices.count()];
            devices.numbers_of(names).into_iter().for_each(|number| flags[number] = true);
            return match field {
                Field::In => Ok(Test::In(flags)),
                Field::Out => Ok(Test::Out(flags)),
                _ => Err("names of what is no device".to_owned()),
            };
        }
        Values::Ranges(ranges) => ranges.clone(),
    };
    let has = |value: u128| ranges.iter().any(|range| range.0 <= value && value <= range.1);
    Ok(match field {
        Field::Family => Test::Family([has(4), has(6)]),
        Field::Source4 => Test::Address { v4: true, destination: false, ranges },
        Field::Source6 => Test::Address { v4: false, destination: false, ranges },
        Field::Destination4 => Test::Address { v4: true, destination: true, ranges },
        Field::Destination6 => Test::Address { v4: false, destination: true, ranges },
        Field::Protocol => Test::Protocol(Octets::ranges(&ranges)),
        Field::SourcePort => Test::Port { destination: false, ranges },
        Field::DestinationPort => Test::Port { destination: true, ranges },
        Field::Icmp4Type => Test::Kind { v4: true, kinds: Octets::ranges(&ranges) },
        Field::Icmp6Type => Test::Kind { v4: false, kinds: Octets::ranges(&ranges) },
        Field::Mark(mask) => Test::Mark(Marks::new(mask, &ranges)),
        Field::ConnectionMark(mask) => Test::ConnectionMark(Marks::new(mask, &ranges)),
        Field::Direction => Test::Direction([has(0), has(1)]),
        Field::State => Test::State([1, 2, 4, 8].into_iter().filter(|bit| has(u128::from(*bit))).sum()),
        Field::TcpFlags(_) => Test::Flags,
        Field::In | Field::Out | Field::Zone => return Err("a field that is not known here".to_owned()),
    })
}

fn cases(dispatch: &Dispatch, devices: &Devices) -> Result<Cases, String> {
    if let [field] = dispatch.fields.as_slice() {
        let ranges = |values: &Values| match values {
            Values::Ranges(ranges) => ranges.clone(),
            Values::Names(_) => Vec::new(),
        };
        let numbers = || {
            let each = |(values, verdict): &(Vec<Values>, Verdict)| {
                let to = Case { goes: goes(verdict), rule: None };
                ranges(&values[0]).into_iter().map(move |range| (range, to)).collect::<Vec<_>>()
            };
            let mut all: Vec<(Range, Case)> = dispatch.cases.iter().flat_map(each).collect();
            all.sort_by_key(|(range, _)| *range);
            let overlap = all.windows(2).any(|pair| pair[1].0.0 <= pair[0].0.1);
            if overlap { Err("two cases for one value".to_owned()) } else { Ok(all) }
        };
        let address = |v4, destination| {
            let goes = numbers()?;
            let all = super::Set::of(goes.iter().map(|(range, _)| *range).collect()).ranges().to_vec();
            Ok::<_, String>(Cases::Address { v4, destination, goes, all })
        };
        match field {
            Field::In | Field::Out => {
                let mut by_number = vec![None; devices.count()];
                for (values, verdict) in &dispatch.cases {
                    let Values::Names(names) = &values[0] else { return Err("not a name".to_owned()) };
                    for number in devices.numbers_of(names) {
                        let before = by_number[number].replace(Case { goes: goes(verdict), rule: None });
                        if before.is_some() {
                            return Err("two cases for one name".to_owned());
                        }
                    }
                }
                return Ok(Cases::Device { out: *field == Field::Out, goes: by_number });
            }
            Field::Mark(mask) => {
                return Ok(Cases::Mark { connection: false, goes: ByMark::new(*mask, numbers()?) });
            }
            Field::ConnectionMark(mask) => {
                return Ok(Cases::Mark { connection: true, goes: ByMark::new(*mask, numbers()?) });
            }
            Field::Source4 | Field::Source6 => return address(*field == Field::Source4, false),
            Field::Destination4 | Field::Destination6 => return address(*field == Field::Destination4, true),
            _ => {}
        }
    }
    let each = |(values, verdict): &(Vec<Values>, Verdict)| {
        let fields = dispatch.fields.iter().zip(values);
        let tests = fields.map(|(field, values)| test(*field, values, devices));
        let case = Case { goes: goes(verdict), rule: None };
        Ok((tests.collect::<Result<Vec<Test>, String>>()?, case))
    };
    Ok(Cases::Tests(dispatch.cases.iter().map(each).collect::<Result<_, String>>()?))
}

fn goes(verdict: &Verdict) -> Goes {
    match verdict {
        Verdict::Accept => Goes::Accept,
        Verdict::Drop => Goes::Drop,
        Verdict::Reject(refusal) => Goes::Refuse(*refusal),
        Verdict::Return => Goes::Return,
        Verdict::Jump(chain) => Goes::Jump(*chain),
        Verdict::Goto(chain) => Goes::Goto(*chain),
    }
}
