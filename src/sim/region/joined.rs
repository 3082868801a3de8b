//! Rules in a row that ask for one thing, as one look-up; and chains that only mark.
//!
//! Goes in: rules one by one, as iptables has them. Comes out: fewer, that mean the same. What must hold: of
//! several rules the first that fits counts, and each case still knows its rule.

use std::collections::BTreeMap;

use super::marks::ByMark;
use super::program::{Case, Cases, Chain, Chosen, Goes, Op, Rule, Test};
use super::{Range, Set};

/// What is done to a mark: and'ed, then xor'ed.
pub type Effect = (u32, u32);

/// Effects by destination, in both families; nothing for a chain that does more.
pub(super) type Effects = Option<[Vec<(Range, Effect)>; 2]>;

const NOTHING: Effect = (u32::MAX, 0);

/// What a rule asks for, if it is one thing and ends the chain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Mark(bool, u32),
    Address(bool, bool),
    Device(bool),
    Zone([bool; 2], u32),
}

/// Joins rules.
pub(super) fn join(rules: Vec<Rule>, devices: usize) -> Vec<Rule> {
    let mut joined: Vec<Rule> = Vec::new();
    let mut row: Vec<Rule> = Vec::new();
    let mut kind = None;
    for rule in rules {
        if let Some(before) = row.last_mut()
            && kind.is_none()
            && alike(before, &rule)
        {
            continue;
        }
        let own = asked(&rule);
        if own != kind || own.is_none() {
            joined.extend(one(std::mem::take(&mut row), kind, devices));
            kind = own;
        }
        row.push(rule);
    }
    joined.extend(one(row, kind, devices));
    joined
}

/// Makes one of two rules that do the same with packets to, or from, some addresses: change their mark and leave the
/// chain. The first one is then about all of them.
fn alike(before: &mut Rule, rule: &Rule) -> bool {
    let [
        Op::Test { test: Test::Address { v4, destination, ranges }, negated: false },
        Op::Mark(and, xor),
        end,
    ] = before.ops.as_mut_slice()
    else {
        return false;
    };
    match rule.ops.as_slice() {
        [
            Op::Test { test: Test::Address { v4: of_v4, destination: to, ranges: more }, negated: false },
            then,
            last,
        ] if (&*v4, &*destination) == (of_v4, to)
            && matches!(then, Op::Mark(own, turned) if (&*and, &*xor) == (own, turned))
            && matches!((end, last), (Op::End(Goes::Return), Op::End(Goes::Return))) =>
        {
            *ranges = Set::of(ranges.iter().chain(more).copied().collect()).ranges().to_vec();
            true
        }
        _ => false,
    }
}

fn asked(rule: &Rule) -> Option<Asked> {
    let [Op::Test { test, negated: false }, then] = rule.ops.as_slice() else { return None };
    match (test, then) {
        (Test::Mark(marks), Op::Zone(directions, Chosen::Is(_))) => {
            let single = matches!(marks.ranges(), [(first, last)] if first == last);
            single.then_some(Asked::Zone(*directions, marks.mask()))
        }
        (_, Op::End(Goes::Jump(_))) => None,
        (Test::Mark(marks), Op::End(_)) => Some(Asked::Mark(false, marks.mask())),
        (Test::ConnectionMark(marks), Op::End(_)) => Some(Asked::Mark(true, marks.mask())),
        (Test::Address { v4, destination, .. }, Op::End(_)) => Some(Asked::Address(*v4, *destination)),
        (Test::In(_), Op::End(_)) => Some(Asked::Device(false)),
        (Test::Out(_), Op::End(_)) => Some(Asked::Device(true)),
        _ => None,
    }
}

/// A row of rules of one kind.
fn one(row: Vec<Rule>, kind: Option<Asked>, devices: usize) -> Vec<Rule> {
    let (Some(kind), Some(place)) = (kind, row.first().map(|rule| rule.place)) else { return row };
    // A look-up of one case is worth it where it can become part of a larger one.
    if row.len() < 2 && matches!(kind, Asked::Device(_) | Asked::Mark(true, _) | Asked::Address(_, false)) {
        return row;
    }
    let op = match kind {
        Asked::Zone(directions, mask) => {
            let mut zones = BTreeMap::new();
            for rule in &row {
                if let [Op::Test { test: Test::Mark(marks), .. }, Op::Zone(_, Chosen::Is(zone))] =
                    rule.ops.as_slice()
                    && let [(value, _)] = marks.ranges()
                {
                    zones.entry(*value).or_insert(*zone);
                }
            }
            Op::Zone(directions, Chosen::ByMark(by_value(mask, zones)))
        }
        Asked::Mark(connection, mask) => {
            Op::Cases(Cases::Mark { connection, goes: ByMark::new(mask, cases(&row)) })
        }
        Asked::Address(v4, destination) => {
            let goes = cases(&row);
            let all = Set::of(goes.iter().map(|(range, _)| *range).collect()).ranges().to_vec();
            Op::Cases(Cases::Address { v4, destination, goes, all })
        }
        Asked::Device(out) => {
            let mut goes = vec![None; devices];
            for rule in &row {
                let [Op::Test { test: Test::In(own) | Test::Out(own), .. }, Op::End(to)] =
                    rule.ops.as_slice()
                else {
                    continue;
                };
                for number in (0..devices).filter(|number| own[*number]) {
                    goes[number].get_or_insert(Case { goes: *to, rule: Some(rule.place) });
                }
            }
            Op::Cases(Cases::Device { out, goes })
        }
    };
    vec![Rule { place, ops: vec![op] }]
}

/// The ranges of a row, each with where it goes: of those that overlap, the first rule has them.
fn cases(row: &[Rule]) -> Vec<(Range, Case)> {
    let mut all: Vec<(Range, Case)> = Vec::new();
    for rule in row {
        let [Op::Test { test, .. }, Op::End(goes)] = rule.ops.as_slice() else { continue };
        let case = Case { goes: *goes, rule: Some(rule.place) };
        match test {
            Test::Mark(marks) | Test::ConnectionMark(marks) => {
                let ranges = marks.ranges().iter().map(|(first, last)| ((*first).into(), (*last).into()));
                all.extend(ranges.map(|range| (range, case)));
            }
            Test::Address { ranges, .. } => all.extend(ranges.iter().map(|range| (*range, case))),
            _ => {}
        }
    }
    let in_order = all.clone();
    all.sort_by_key(|(range, _)| *range);
    if all.windows(2).all(|pair| pair[0].0.1 < pair[1].0.0) {
        return all;
    }
    let mut taken: Vec<Range> = Vec::new();
    let mut goes = Vec::new();
    for (range, case) in in_order {
        if let Some(rest) = Set::range(range.0, range.1).without(&taken) {
            goes.extend(rest.ranges().iter().map(|range| (*range, case)));
            taken.extend(rest.ranges());
            taken.sort_unstable();
        }
    }
    goes.sort_by_key(|(range, _)| *range);
    goes
}

/// Makes one look-up of chains that ask for one part of the mark after the other.
pub(super) fn flatten(chains: &mut [Chain]) {
    let mut done = vec![false; chains.len()];
    for chain in 0..chains.len() {
        flatten_one(chains, chain, &mut done, 0);
    }
}

/// What a chain is that asks for bits of the mark and nothing else.
enum Tree {
    Goes(u32, Vec<(u32, Case)>),
    Zones([bool; 2], u32, Vec<(u32, u16)>),
}

fn flatten_one(chains: &mut [Chain], chain: usize, done: &mut [bool], depth: usize) {
    if std::mem::replace(&mut done[chain], true) || depth > 64 || chains[chain].base.is_some() {
        return;
    }
    let [Rule { place, ops }] = chains[chain].rules.as_slice() else { return };
    let place = *place;
    let [Op::Cases(Cases::Mark { connection: false, goes })] = ops.as_slice() else { return };
    let mask = goes.mask();
    let mut next = Vec::new();
    for &((value, last), case) in goes.all() {
        match case.goes {
            Goes::Goto(other) if value == last => next.push((value, other)),
            _ => return,
        }
    }
    for (_, other) in &next {
        flatten_one(chains, *other, done, depth + 1);
    }
    let mut flat: Option<Tree> = None;
    for (value, other) in next {
        let Some(tree) = tree_of(&chains[other]) else { return };
        // Bits that were asked for before are asked for again with the same value, or the case never is.
        let fits = |own_mask: u32, own: u32| (own ^ value) & own_mask & mask == 0;
        match (tree, &mut flat) {
            (Tree::Goes(more, cases), None) => {
                let cases = cases.into_iter().filter(|(own, _)| fits(more, *own));
                flat = Some(Tree::Goes(more, cases.map(|(own, case)| (own | value, case)).collect()));
            }
            (Tree::Goes(more, cases), Some(Tree::Goes(known, all))) if *known == more => {
                let cases = cases.into_iter().filter(|(own, _)| fits(more, *own));
                all.extend(cases.map(|(own, case)| (own | value, case)));
            }
            (Tree::Zones(directions, more, zones), None) => {
                let zones = zones.into_iter().filter(|(own, _)| fits(more, *own));
                let zones = zones.map(|(own, zone)| (own | value, zone)).collect();
                flat = Some(Tree::Zones(directions, more, zones));
            }
            (Tree::Zones(directions, more, zones), Some(Tree::Zones(same, known, all)))
                if *known == more && *same == directions =>
            {
                let zones = zones.into_iter().filter(|(own, _)| fits(more, *own));
                all.extend(zones.map(|(own, zone)| (own | value, zone)));
            }
            _ => return,
        }
    }
    let op = match flat {
        Some(Tree::Goes(more, mut cases)) => {
            cases.sort_by_key(|(value, _)| *value);
            Op::Cases(Cases::Mark { connection: false, goes: by_value(mask | more, cases) })
        }
        Some(Tree::Zones(directions, more, zones)) => {
            let zones: BTreeMap<u32, u16> = zones.into_iter().collect();
            Op::Zone(directions, Chosen::ByMark(by_value(mask | more, zones)))
        }
        None => return,
    };
    chains[chain].rules = vec![Rule { place, ops: vec![op] }];
}

fn tree_of(chain: &Chain) -> Option<Tree> {
    let [Rule { ops, .. }] = chain.rules.as_slice() else { return None };
    match ops.as_slice() {
        [Op::Cases(Cases::Mark { connection: false, goes })] => {
            let single = |((value, last), case): &((u32, u32), Case)| {
                (value == last && matches!(case.goes, Goes::Goto(_))).then_some((*value, *case))
            };
            Some(Tree::Goes(goes.mask(), goes.all().iter().map(single).collect::<Option<_>>()?))
        }
        [Op::Zone(directions, Chosen::ByMark(zones))] => {
            let values = zones.all().iter().map(|((value, _), zone)| (*value, *zone));
            Some(Tree::Zones(*directions, zones.mask(), values.collect()))
        }
        _ => None,
    }
}

fn by_value<T>(mask: u32, all: impl IntoIterator<Item = (u32, T)>) -> ByMark<T> {
    ByMark::new(mask, all.into_iter().map(|(value, it)| ((value.into(), value.into()), it)))
}

/// What each chain does to marks by destination, in both families, if it does nothing else.
pub(super) fn effects(chains: &[Chain]) -> Vec<Effects> {
    let mut known: Vec<Option<Effects>> = vec![None; chains.len()];
    for chain in 0..chains.len() {
        of_chain(chains, chain, &mut known, 0);
    }
    known.into_iter().map(Option::flatten).collect()
}

fn of_chain(chains: &[Chain], chain: usize, known: &mut Vec<Option<Effects>>, depth: usize) {
    if known[chain].is_some() || depth > 64 {
        return;
    }
    // Who asks for itself is told that there is none.
    known[chain] = Some(None);
    let rules = &chains[chain].rules;
    let only_marks = !rules.is_empty()
        && chains[chain].base.is_none()
        && rules.iter().all(|rule| rule.ops.iter().all(|op| matches!(op, Op::Mark(..))));
    if only_marks {
        let effect = rules.iter().flat_map(|rule| &rule.ops).fold(NOTHING, |(and, xor), op| match op {
            Op::Mark(more, turned) => (and & more, xor & more ^ turned),
            _ => (and, xor),
        });
        let all = |last: u128| vec![((0, last), effect)];
        known[chain] = Some(Some([all(u32::MAX.into()), all(u128::MAX)]));
        return;
    }
    let mut both = [None, None];
    for rule in rules {
        let [Op::Cases(Cases::Address { v4, destination: true, goes, .. })] = rule.ops.as_slice() else {
            return;
        };
        let own = &mut both[usize::from(!v4)];
        if own.is_some() {
            return;
        }
        let mut list = Vec::new();
        for (range, case) in goes {
            let Goes::Goto(other) = case.goes else { return };
            of_chain(chains, other, known, depth + 1);
            let Some(Some(effects)) = &known[other] else { return };
            list.extend(of_case(*range, &effects[usize::from(!v4)]));
        }
        *own = Some(list);
    }
    if chains[chain].base.is_none() && !rules.is_empty() {
        known[chain] = Some(Some(both.map(Option::unwrap_or_default)));
    }
}

/// Effects within a range; where there are none, nothing is done.
pub(super) fn of_case(range: Range, effects: &[(Range, Effect)]) -> Vec<(Range, Effect)> {
    let at = effects.partition_point(|(own, _)| own.1 < range.0);
    let near = effects[at..].iter().take_while(|(own, _)| own.0 <= range.1);
    let mut list: Vec<(Range, Effect)> =
        near.map(|(own, effect)| ((own.0.max(range.0), own.1.min(range.1)), *effect)).collect();
    let taken: Vec<Range> = list.iter().map(|(range, _)| *range).collect();
    if let Some(rest) = Set::range(range.0, range.1).without(&taken) {
        list.extend(rest.ranges().iter().map(|range| (*range, NOTHING)));
        list.sort_by_key(|(range, _)| *range);
    }
    list
}
