//! Who may open connections to whom: names and patterns become pairs of networks.
//!
//! Goes in: every `connect` of the site, after all networks are known. Comes out: one peering a
//! direction and pair, in source order. What must hold: a pattern costs what it matches, not what
//! it does not; the same pair is never there twice.

use super::Resolver;
use super::errors::{ConnectedToItself, PatternMatchesNothing, RepeatedConnect, UnknownNetwork};
use super::meant::Meant;
use super::pairs::Pairs;
use super::rules::{Block, ConflictingConnects, Lists, NothingAllowed};
use super::scope::is_plain;
use crate::diag::code;
use crate::model::{Instance, NetworkId, Peering};
use crate::syntax::ast::{self, Direction, Word};

/// One `connect` with its words computed.
pub(super) struct Statement<'a> {
    left: String,
    right: String,
    both: bool,
    instance: Instance,
    rules: Option<Block>,
    block: &'a ast::Connect,
}

/// The names of all networks, sorted; `None` for those that could not be resolved themselves.
pub(super) type Index = Vec<(String, Option<NetworkId>)>;

/// Which networks one side names.
pub(super) enum Side {
    /// A plain name.
    One(NetworkId),
    /// All that match, in source order.
    Many(Vec<NetworkId>),
}

impl Side {
    fn networks(&self) -> &[NetworkId] {
        match self {
            Self::One(network) => std::slice::from_ref(network),
            Self::Many(networks) => networks,
        }
    }
}

impl<'a> Resolver<'a, '_> {
    /// Notes a `connect`; its names are looked up when all networks are known.
    pub(super) fn connect(&mut self, block: &'a ast::Connect) {
        let (left, right) = (self.text(&block.left), self.text(&block.right));
        let rules = block.rules.as_deref().map(|rules| self.block_of_rules(rules));
        if let (Some(left), Some(right)) = (left, right) {
            self.statements.push(Statement {
                left,
                right,
                both: block.direction.value == Direction::Both,
                instance: self.instance.clone(),
                rules,
                block,
            });
        }
    }

    /// Where names are looked up.
    pub(super) fn name_index(&self) -> Index {
        let names = self.names.iter().map(|(name, it)| (name.clone(), it.network.map(NetworkId)));
        let mut index: Index = names.collect();
        index.sort();
        index
    }

    /// All peerings of the statements.
    pub(super) fn connects(&mut self, statements: &[Statement<'a>], index: &Index) -> Vec<Peering> {
        let mut peerings = Vec::new();
        let mut said = Pairs::new(self.networks.len());
        let mut plain = Vec::new();
        for (number, statement) in statements.iter().enumerate() {
            self.instance.clone_from(&statement.instance);
            let block = statement.block;
            let left = self.side(&statement.left, &block.left, index);
            let right = self.side(&statement.right, &block.right, index);
            let (Some(left), Some(right)) = (left, right) else { continue };
            if let (Side::One(left), Side::One(right)) = (&left, &right) {
                plain.push((number, *left, *right));
            }
            if left.networks() == right.networks() && left.networks().len() == 1 {
                let network = &self.networks[left.networks()[0].0].name.value.clone();
                self.report(ConnectedToItself { network, span: statement.block.span });
                continue;
            }
            let (span, both) = (statement.block.span, statement.both);
            let words = (statement.left.as_str(), statement.right.as_str());
            let networks = (left.networks(), right.networks());
            let mut lists = Lists::new(self, statement.rules.as_ref(), span, both, words, networks);
            let before = peerings.len();
            let (mut repeated, mut differs) = (Vec::new(), None);
            for (left, right) in pairs(&left, &right, both) {
                let [ahead, back] = lists.of_pair(self, left, right);
                let directions = [Some((left, right, ahead)), both.then_some((right, left, back))];
                for (from, to, verdict) in directions.into_iter().flatten() {
                    let Err(place) = said.say((from, to), peerings.len(), number, verdict) else {
                        peerings.push(Peering { from, to, span, rules: verdict.rules() });
                        continue;
                    };
                    // `a* <-> *` says some of its own pairs twice; that is how it is meant.
                    let first = said.first(place);
                    if first == number {
                        continue;
                    }
                    let known = said.verdict(place, &peerings[place]);
                    match self.rule_lists.agree(known, verdict) {
                        Some(true) => repeated.push((place, first)),
                        Some(false) => differs = differs.or(Some((from, to, first))),
                        None => {}
                    }
                }
            }
            if let Some(allows) = lists.finish(self) {
                self.nothing_allowed(statement, (&left, &right), allows);
            }
            if let Some((from, to, earlier)) = differs {
                self.conflicting_connects((from, to), statement, &statements[earlier]);
                plain.pop_if(|(last, ..)| *last == number);
                continue;
            }
            match repeated.first() {
                // One that adds nothing does not make an earlier one needless.
                Some((place, earlier)) if peerings.len() == before => {
                    let Peering { from, to, .. } = peerings[*place];
                    self.repeated_connect((from, to), statement, &statements[*earlier]);
                    plain.pop_if(|(last, ..)| *last == number);
                }
                _ => {
                    for (place, _) in repeated {
                        said.repeat(place, number);
                    }
                }
            }
        }
        self.implied_later(statements, &plain, &said);
        self.instance = None;
        peerings
    }

    /// A plain `connect` whose every pair a later statement says too is as needless as one that
    /// comes behind it: the order of declarations makes no difference.
    fn implied_later(
        &mut self,
        statements: &[Statement<'a>],
        plain: &[(usize, NetworkId, NetworkId)],
        said: &Pairs,
    ) {
        for (number, left, right) in plain {
            let statement = &statements[*number];
            let again = |from: &NetworkId, to: &NetworkId| said.again((*from, *to), *number);
            let Some(later) = again(left, right) else { continue };
            if statement.both && again(right, left).is_none() {
                continue;
            }
            self.instance.clone_from(&statement.instance);
            self.repeated_connect((*left, *right), statement, &statements[later]);
        }
    }

    fn repeated_connect(
        &mut self,
        pair: (NetworkId, NetworkId),
        here: &Statement<'a>,
        other: &Statement<'a>,
    ) {
        let repeated = here.instance.is_some();
        let plain = is_plain(&here.block.left) && is_plain(&here.block.right);
        let (here, other) = (here.block.span, (other.block.span, other.instance.as_deref()));
        if self.reporter.has(here, code::REPEATED_CONNECT) {
            return;
        }
        let name = |network: NetworkId| self.networks[network.0].name.value.clone();
        let (from, to) = (name(pair.0), name(pair.1));
        self.report(RepeatedConnect { pair: (&from, &to), here, other, repeated, plain });
    }

    fn conflicting_connects(
        &mut self,
        pair: (NetworkId, NetworkId),
        here: &Statement<'a>,
        other: &Statement<'a>,
    ) {
        let name = |network: NetworkId| self.networks[network.0].name.value.clone();
        let (from, to) = (name(pair.0), name(pair.1));
        let blocks = here.rules.is_some() && other.rules.is_some();
        let (here, other) = (here.block.span, (other.block.span, other.instance.as_deref()));
        self.report(ConflictingConnects { pair: (&from, &to), here, blocks, other });
    }

    /// Warns of a block that allows nothing, or nothing in one of its directions.
    fn nothing_allowed(&mut self, statement: &Statement<'a>, sides: (&Side, &Side), allows: [bool; 2]) {
        // `cell-* <-> cell-*` has no left and right.
        let alike = sides.0.networks() == sides.1.networks();
        let [ahead, back] = if alike { [allows[0] || allows[1]; 2] } else { allows };
        let (left, right) = (statement.left.as_str(), statement.right.as_str());
        let arrow = statement.block.direction.span;
        let (direction, arrow) = match (ahead, back || !statement.both) {
            (true, true) => return,
            (true, false) => (Some((right, left)), Some(arrow)),
            (false, true) if statement.both => (Some((left, right)), None),
            (false, _) => (None, None),
        };
        if !self.after_errors {
            let nothing = NothingAllowed { span: statement.block.span, direction, arrow };
            self.reporter.report(nothing, self.instance.as_deref());
        }
    }

    /// The networks that a name or pattern stands for; `None`, with a finding, if there are none.
    pub(super) fn side(&mut self, name: &str, word: &Word, index: &Index) -> Option<Side> {
        let span = word.span;
        if let Some((prefix, _)) = name.split_once('*') {
            let start = index.partition_point(|(candidate, _)| candidate.as_str() < prefix);
            let candidates = index[start..].iter().take_while(|(candidate, _)| candidate.starts_with(prefix));
            let mut matched = false;
            let mut networks: Vec<NetworkId> = candidates
                .filter(|(candidate, _)| matches(name, candidate))
                .inspect(|_| matched = true)
                .filter_map(|(_, network)| *network)
                .collect();
            networks.sort_unstable();
            if !matched && !self.names_missing {
                self.report(PatternMatchesNothing { pattern: name, span });
            }
            return (!networks.is_empty()).then_some(Side::Many(networks));
        }
        if let Ok(place) = index.binary_search_by(|(candidate, _)| candidate.as_str().cmp(name)) {
            return index[place].1.map(Side::One);
        }
        if !self.names_missing && !self.reporter.has(span, code::UNKNOWN_NETWORK) {
            let names = if self.may_guess() { index.as_slice() } else { &[] };
            let similar = Meant::find(word, name, names.iter().map(|(candidate, _)| candidate.as_str()));
            if !self.is_told(name, similar.is_some()) {
                self.report(UnknownNetwork { name, span, similar });
            }
        }
        None
    }
}

/// The pairs of left and right that a statement is about, without those of a network with itself.
fn pairs<'s>(
    left: &'s Side,
    right: &'s Side,
    both: bool,
) -> impl Iterator<Item = (NetworkId, NetworkId)> + 's {
    // `a* <-> a*` would say everything twice, the second time the other way round.
    let once = both && left.networks() == right.networks();
    let sides = left.networks().iter().flat_map(|from| right.networks().iter().map(move |to| (*from, *to)));
    sides.filter(move |(from, to)| if once { from < to } else { from != to })
}

/// Whether a name matches a pattern in which `*` stands for any characters.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    // The leftmost place for each piece leaves the most room for those after it.
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_characters() {
        assert!(matches("cell-*", "cell-17"));
        assert!(matches("cell-*", "cell-"));
        assert!(matches("*", "office"));
        assert!(matches("*-a-*-z", "x-a-b-a-c-z"));
        assert!(matches("a*a", "aa"));
        assert!(!matches("a*a", "a"));
        assert!(!matches("cell-*", "cel-17"));
        assert!(!matches("cell-*-x", "cell-17"));
        assert!(matches("office", "office"));
        assert!(!matches("office", "office2"));
    }
}
