//! Rules for routing in rows that are asked as one.
//!
//! Goes in: rules in their order. Comes out: [`Rows`]. What must hold: rules in a row of one preference that ask for
//! nothing but the same bits of the mark are one look-up, of which the first with a value counts.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

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
    /// By the value of these bits, where there are several.
    pub(super) by_mark: Option<(u32, Arc<BTreeMap<u32, usize>>)>,
}

impl Row {
    /// A rule alone.
    pub(super) fn of(place: usize, rule: &Rule) -> Self {
        Self { first: place, last: place, preference: rule.preference, by_mark: None }
    }
}

impl Rows {
    /// Some of a host's rules; `gotos` are those that lead to another one, each with the preference of that.
    pub(super) fn of(rules: &[Rule], places: impl Iterator<Item = usize>, gotos: &[(usize, u32)]) -> Self {
        Self::new(rows(rules, places), rules, gotos)
    }

    /// The same of rows.
    pub(super) fn new(rows: Vec<Row>, rules: &[Rule], gotos: &[(usize, u32)]) -> Self {
        let mut later = vec![0; rules.len()];
        for (rule, to) in gotos {
            let at = rows.partition_point(|row| row.preference < *to);
            later[*rule] = u32::try_from(at).unwrap_or(0);
        }
        Self { rows, later }
    }
}

fn rows(rules: &[Rule], places: impl Iterator<Item = usize>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let asked = |rule: &Rule| match rule.mark {
        Some((value, mask)) if rule.from.is_none() && rule.to.is_none() => Some((mask, value & mask)),
        _ => None,
    };
    for place in places {
        let rule = &rules[place];
        if let (Some((mask, value)), Some(last)) = (asked(rule), rows.last_mut())
            && let first = &rules[last.first]
            && first.preference == rule.preference
            && let Some((first_mask, first_value)) = asked(first)
            && first_mask == mask
        {
            let (_, by_mark) =
                last.by_mark.get_or_insert_with(|| (mask, Arc::new([(first_value, last.first)].into())));
            if let Some(Entry::Vacant(free)) = Arc::get_mut(by_mark).map(|by_mark| by_mark.entry(value)) {
                free.insert(place);
                last.last = place;
                continue;
            }
        }
        rows.push(Row::of(place, rule));
    }
    rows
}
