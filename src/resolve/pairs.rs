//! Which pairs of networks a `connect` has named already, and which.
//!
//! Goes in: pairs, each with its place among the peerings, statement after statement. Comes out: the place and the
//! statement of the one that was first. What must hold: a full mesh of some thousand networks is millions of pairs, so a
//! pair costs two numbers and, where pairs come in the order of the networks, as from patterns they do, no search.

use std::collections::{HashMap, HashSet};

use super::rules::Verdict;
use crate::model::{NetworkId, Peering};

/// Every pair that was said, by its place in the list of peerings.
#[derive(Default)]
pub(super) struct Pairs {
    /// For each network those that it opens connections to, in order, with the places of these peerings.
    rows: Vec<Vec<(NetworkId, usize)>>,
    /// The first place of each statement that made any peering, and the statement.
    starts: Vec<(usize, usize)>,
    /// The places whose rules have a finding.
    unknown: HashSet<usize>,
    /// Of places that were said once more: by which statement first.
    again: HashMap<usize, usize>,
}

impl Pairs {
    /// Nothing said yet about so many networks.
    pub(super) fn new(networks: usize) -> Self {
        Self { rows: vec![Vec::new(); networks], ..Self::default() }
    }

    /// Takes a pair that will be at `place`; where it was said before, the place that it has.
    pub(super) fn say(
        &mut self,
        (from, to): (NetworkId, NetworkId),
        place: usize,
        statement: usize,
        verdict: Verdict,
    ) -> Result<(), usize> {
        let row = &mut self.rows[from.0];
        let at = match row.last() {
            Some((last, _)) if *last >= to => match row.binary_search_by_key(&to, |(known, _)| *known) {
                Ok(at) => return Err(row[at].1),
                Err(at) => at,
            },
            _ => row.len(),
        };
        row.insert(at, (to, place));
        if self.starts.last().is_none_or(|(_, last)| *last != statement) {
            self.starts.push((place, statement));
        }
        if verdict == Verdict::Unknown {
            self.unknown.insert(place);
        }
        Ok(())
    }

    /// The statement that made a peering.
    pub(super) fn first(&self, place: usize) -> usize {
        let after = self.starts.partition_point(|(start, _)| *start <= place);
        self.starts[..after].last().map_or(0, |(_, statement)| *statement)
    }

    /// What its statement said of it.
    pub(super) fn verdict(&self, place: usize, peering: &Peering) -> Verdict {
        match peering.rules {
            Some(rules) => Verdict::Rules(rules),
            None if self.unknown.contains(&place) => Verdict::Unknown,
            None => Verdict::Open,
        }
    }

    /// Notes that a later statement says a peering once more.
    pub(super) fn repeat(&mut self, place: usize, statement: usize) {
        self.again.entry(place).or_insert(statement);
    }

    /// The statement that says once more what `first` said of a pair; nothing where another one was before it.
    pub(super) fn again(&self, (from, to): (NetworkId, NetworkId), first: usize) -> Option<usize> {
        let row = &self.rows[from.0];
        let place = row[row.binary_search_by_key(&to, |(known, _)| *known).ok()?].1;
        self.again.get(&place).copied().filter(|_| self.first(place) == first)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Pairs, Verdict};
    use crate::model::{NetworkId, Peering};
    use crate::source::Span;

    proptest! {
        /// Statement after statement, each with pairs in any order: who was first, and who said it once more.
        #[test]
        fn a_pair_belongs_to_the_statement_that_named_it_first(
            statements in prop::collection::vec(prop::collection::vec((0..6_usize, 0..6_usize), 0..12), 1..8),
        ) {
            let mut pairs = Pairs::new(6);
            let mut peerings = Vec::new();
            let mut known: BTreeMap<(NetworkId, NetworkId), (usize, usize, Option<usize>)> = BTreeMap::new();
            for (number, said) in statements.iter().enumerate() {
                let verdict = if number % 2 == 0 { Verdict::Open } else { Verdict::Unknown };
                for (from, to) in said.iter().map(|(from, to)| (NetworkId(*from), NetworkId(*to))) {
                    match (pairs.say((from, to), peerings.len(), number, verdict), known.get_mut(&(from, to))) {
                        (Ok(()), None) => {
                            known.insert((from, to), (peerings.len(), number, None));
                            peerings.push(Peering { from, to, span: Span::default(), rules: None });
                        }
                        (Err(place), Some((expected, first, again))) => {
                            prop_assert_eq!(place, *expected);
                            prop_assert_eq!(pairs.first(place), *first);
                            let earlier = if *first % 2 == 0 { Verdict::Open } else { Verdict::Unknown };
                            prop_assert_eq!(pairs.verdict(place, &peerings[place]), earlier);
                            if *first != number {
                                pairs.repeat(place, number);
                                *again = again.or(Some(number));
                            }
                        }
                        (said, known) => prop_assert!(false, "{:?} of {:?}", said, known),
                    }
                }
            }
            for (pair, (_, first, again)) in known {
                prop_assert_eq!(pairs.again(pair, first), again);
                prop_assert_eq!(pairs.again(pair, first + 1), None);
            }
            prop_assert_eq!(pairs.again((NetworkId(0), NetworkId(7)), 0), None);
        }
    }
}
