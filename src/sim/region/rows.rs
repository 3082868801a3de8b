//! Rules for routing in rows that are asked as one.
//!
//! Goes in: rules in their order. Comes out: [`Rows`]. What must hold: rules in a row of one preference that ask for
//! nothing but the same bits of the mark are one look-up, of which the first with a value counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::marks::ByMark;
use crate::read::routing::Rule;

/// Rules one by one, and those of one preference that ask for the same bits of the mark together.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// Where rules go on that lead to another, by their place.
    pub(super) later: Vec<u32>,
}

/// Rules by their places.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) first: usize,
    pub(super) last: usize,
    preference: u32,
    pub(super) asks: Asks,
}

/// What rules ask for.
#[derive(Clone, Debug)]
pub(super) enum Asks {
    /// For nothing but devices.
    Nothing,
    /// For bits of the mark, where there are several: the rule of each value.
    Marks(Arc<ByMark<usize>>),
    /// A rule alone for bits of the mark and nothing else: which, and their value.
    Mark(u32, u32),
    /// For addresses.
    More,
}

impl Row {
    /// A rule alone.
    pub(super) fn of(place: usize, rule: &Rule) -> Self {
        let asks = match rule.mark {
            _ if rule.from.is_some() || rule.to.is_some() => Asks::More,
            Some((value, mask)) => Asks::Mark(mask, value & mask),
            None => Asks::Nothing,
        };
        Self { first: place, last: place, preference: rule.preference, asks }
    }
}

impl Rows {
    /// Some of a host's rules; `gotos` are those that lead to another one, each with the preference of that.
    pub(super) fn of(rules: &[Rule], places: impl Iterator<Item = usize>, gotos: &[(usize, u32)]) -> Self {
        Self::new(rows(rules, places), rules, gotos)
    }

    /// The same of rows.
    pub(super) fn new(rows: Vec<Row>, rules: &[Rule], gotos: &[(usize, u32)]) -> Self {
        let mut later = if gotos.is_empty() { Vec::new() } else { vec![0; rules.len()] };
        for (rule, to) in gotos {
            let at = rows.partition_point(|row| row.preference < *to);
            later[*rule] = u32::try_from(at).unwrap_or(0);
        }
        Self { rows, later }
    }
}

fn rows(rules: &[Rule], places: impl Iterator<Item = usize>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut open: BTreeMap<u32, usize> = BTreeMap::new();
    for place in places {
        let row = Row::of(place, &rules[place]);
        if let (Asks::Mark(mask, value), Some(last)) = (&row.asks, rows.last_mut())
            && let Asks::Mark(first_mask, first) = last.asks
            && (first_mask, last.preference) == (*mask, row.preference)
        {
            open.entry(first).or_insert(last.first);
            // Of two with one value the second begins a row of its own.
            if !open.contains_key(value) {
                open.insert(*value, place);
                last.last = place;
                continue;
            }
        }
        close(&mut rows, &mut open);
        rows.push(row);
    }
    close(&mut rows, &mut open);
    rows
}

/// The last row has all rules that it will have.
fn close(rows: &mut [Row], open: &mut BTreeMap<u32, usize>) {
    let values = std::mem::take(open);
    if let (Some(last), true) = (rows.last_mut(), values.len() > 1)
        && let Asks::Mark(mask, _) = last.asks
    {
        let values = values.into_iter().map(|(value, place)| ((value.into(), value.into()), place));
        last.asks = Asks::Marks(Arc::new(ByMark::new(mask, values)));
    }
}
