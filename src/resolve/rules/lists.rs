//! The rules of a block for each pair of networks that its `connect` is about.
//!
//! Goes in: a [`Block`] and, one after another, the pairs. Comes out: for each direction the list of
//! its rules, each list once in the site. What must hold: in a `->` block every rule is about
//! connections from left to right; in a `<->` block one without `from` and `to` is about both
//! directions, one with them about those that they fit, and no rule is dropped for want of a direction
//! without a finding. What it costs follows the networks, not the pairs, where networks are alike.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::Resolver;
use super::super::connects::matches;
use super::errors::{Ambiguous, EmptyMatch};
use super::items::Standing;
use super::sides::{Fit, Place};
use super::{Block, Draft, Party};
use crate::model::{Action, NetworkId, Rule, RuleList, RulesId};
use crate::source::Span;

/// What a `connect` says about one direction of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::resolve) enum Verdict {
    /// Everything may be opened.
    Open,
    /// What these rules allow.
    Rules(RulesId),
    /// Its rules have a finding.
    Unknown,
}

impl Verdict {
    /// The rules of a peering about which this is said.
    pub(in crate::resolve) const fn rules(self) -> Option<RulesId> {
        match self {
            Self::Rules(id) => Some(id),
            Self::Open | Self::Unknown => None,
        }
    }
}

/// How every rule's `from`, or every rule's `to`, fits a network.
type Shape = Rc<Vec<Fit>>;

/// The shapes of one side, each with its place, and the place of each network's.
#[derive(Default)]
struct Shapes {
    of: HashMap<NetworkId, usize>,
    places: HashMap<Shape, usize>,
    list: Vec<Shape>,
}

/// The lists of one `connect`.
pub(in crate::resolve) struct Lists<'b> {
    block: Option<&'b Block>,
    span: Span,
    /// What the `connect` calls its sides.
    sides: (&'b str, &'b str),
    both: bool,
    /// For each rule and party of `from`, then of `to`: whether it names a network of its side.
    named: [Vec<Vec<bool>>; 2],
    shapes: [Shapes; 2],
    /// What each rule's parties of `from`, then of `to`, are to the networks of their side.
    standing: [Vec<Standing>; 2],
    outcomes: HashMap<[usize; 4], [RulesId; 2]>,
    /// The outcome of every pair where no rule has `from` or `to`.
    single: Option<RulesId>,
    /// Which rules are about any pair.
    used: Vec<bool>,
    /// Which rules have a finding.
    faulty: Vec<bool>,
    /// Whether anything is allowed from left to right, and from right to left.
    allows: [bool; 2],
}

impl<'b> Lists<'b> {
    /// The lists of a `connect` at `span` from `left` to `right`, and back if `both`; `sides` is how it
    /// writes them.
    pub(in crate::resolve) fn new(
        resolver: &Resolver<'_, '_>,
        block: Option<&'b Block>,
        span: Span,
        both: bool,
        sides: (&'b str, &'b str),
        (left, right): (&[NetworkId], &[NetworkId]),
    ) -> Self {
        let named = |parties: &[Party], side: &[NetworkId], other: &[NetworkId]| {
            let of_side = |party: &Party| {
                let Some(name) = party.name.as_deref() else { return false };
                if let Some(declared) = resolver.names.get(name) {
                    // A network that could not be made is one of whatever side it is on.
                    let Some(network) = declared.network.map(NetworkId) else { return true };
                    return side.binary_search(&network).is_ok()
                        || both && other.binary_search(&network).is_ok();
                }
                let matched = |id: &NetworkId| matches(name, &resolver.networks[id.0].name.value);
                name.contains('*') && (side.iter().any(matched) || both && other.iter().any(matched))
            };
            parties.iter().map(of_side).collect::<Vec<bool>>()
        };
        let drafts = block.map_or(&[][..], |block| &block.drafts);
        let from = drafts.iter().map(|draft| named(&draft.from, left, right)).collect();
        let to = drafts.iter().map(|draft| named(&draft.to, right, left)).collect();
        Self {
            block,
            span,
            sides,
            both,
            named: [from, to],
            shapes: Default::default(),
            standing: [vec![Standing::default(); drafts.len()], vec![Standing::default(); drafts.len()]],
            outcomes: HashMap::new(),
            single: None,
            used: vec![false; drafts.len()],
            faulty: vec![false; drafts.len()],
            allows: [false; 2],
        }
    }

    /// What is said about connections from `left` to `right`, and from `right` to `left`.
    pub(in crate::resolve) fn of_pair(
        &mut self,
        resolver: &mut Resolver<'_, '_>,
        left: NetworkId,
        right: NetworkId,
    ) -> [Verdict; 2] {
        let Some(block) = self.block else { return [Verdict::Open; 2] };
        let lists = match self.single {
            Some(id) => [id, id],
            None if block.drafts.iter().all(|draft| draft.from.is_empty() && draft.to.is_empty()) => {
                let rules = block.drafts.iter().map(|draft| draft.rule(&Fit::Every, &Fit::Every)).collect();
                let list = self.take(resolver, rules, [true; 2]);
                self.used.fill(true);
                self.single = Some(list);
                [list, list]
            }
            None => self.of_networks(resolver, block, left, right),
        };
        if block.broken || self.faulty.contains(&true) {
            return [Verdict::Unknown; 2];
        }
        lists.map(Verdict::Rules)
    }

    fn of_networks(
        &mut self,
        resolver: &mut Resolver<'_, '_>,
        block: &Block,
        left: NetworkId,
        right: NetworkId,
    ) -> [RulesId; 2] {
        let mut key = [self.shape(resolver, 0, left), self.shape(resolver, 1, right), 0, 0];
        if self.both {
            (key[2], key[3]) = (self.shape(resolver, 0, right), self.shape(resolver, 1, left));
        }
        if let Some(known) = self.outcomes.get(&key) {
            return *known;
        }
        let [from, to] = &self.shapes;
        let ahead = (Rc::clone(&from.list[key[0]]), Rc::clone(&to.list[key[1]]));
        let back = self.both.then(|| (Rc::clone(&from.list[key[2]]), Rc::clone(&to.list[key[3]])));
        let (mut there, mut here) = (Vec::new(), Vec::new());
        for (n, draft) in block.drafts.iter().enumerate() {
            let ahead = (&ahead.0[n], &ahead.1[n]);
            let back = back.as_ref().map(|(from, to)| (&from[n], &to[n]));
            let [is_ahead, is_back] = self.directions(resolver, n, draft, ahead, back, (left, right));
            there.extend(is_ahead.then(|| draft.rule(ahead.0, ahead.1)));
            here.extend(back.filter(|_| is_back).map(|(from, to)| draft.rule(from, to)));
        }
        let there = self.take(resolver, there, [true, false]);
        let here = if self.both { self.take(resolver, here, [false, true]) } else { there };
        self.outcomes.insert(key, [there, here]);
        [there, here]
    }

    /// The place of the shape that a network has on a side.
    fn shape(&mut self, resolver: &mut Resolver<'_, '_>, side: usize, network: NetworkId) -> usize {
        if let Some(known) = self.shapes[side].of.get(&network) {
            return *known;
        }
        let drafts = self.block.map_or(&[][..], |block| &block.drafts);
        let mut fits = Vec::with_capacity(drafts.len());
        for (n, draft) in drafts.iter().enumerate() {
            let parties = if side == 0 { &draft.from } else { &draft.to };
            let fit = resolver.fit(parties, &self.named[side][n], network);
            self.faulty[n] |= fit == Fit::Ambiguous;
            if parties.len() > 1 && fit.fits() {
                self.standing[side][n].see(&resolver.ranges(parties, &self.named[side][n], network));
            }
            fits.push(fit);
        }
        let shapes = &mut self.shapes[side];
        let fits = Rc::new(fits);
        let next = shapes.list.len();
        let place = *shapes.places.entry(Rc::clone(&fits)).or_insert(next);
        if place == next {
            shapes.list.push(fits);
        }
        shapes.of.insert(network, place);
        place
    }

    /// In which directions a rule is about a pair: from left to right, from right to left.
    fn directions(
        &mut self,
        resolver: &mut Resolver<'_, '_>,
        n: usize,
        draft: &Draft,
        ahead: (&Fit, &Fit),
        back: Option<(&Fit, &Fit)>,
        (left, right): (NetworkId, NetworkId),
    ) -> [bool; 2] {
        let fits = |(from, to): (&Fit, &Fit)| from.fits() && to.fits();
        let elsewhere = |(from, to): (&Fit, &Fit)| *from == Fit::Elsewhere || *to == Fit::Elsewhere;
        let (is_ahead, is_back) = (fits(ahead), back.is_some_and(fits));
        if is_ahead || is_back {
            self.used[n] = true;
        }
        if !(is_ahead && is_back) {
            let wrong = |direction: (&Fit, &Fit)| !elsewhere(direction);
            if !is_ahead && !is_back && (wrong(ahead) || back.is_some_and(wrong)) && !self.faulty[n] {
                self.faulty[n] = true;
                let back = back.filter(|back| wrong(*back));
                let of_many = self.sides.0.contains('*') || self.sides.1.contains('*');
                let ahead = Some(ahead).filter(|ahead| wrong(*ahead));
                resolver.nowhere(draft, ahead, back, (left, right), of_many);
            }
            return [is_ahead, is_back];
        }
        // Both are possible. Only what names networks can mean both; a host or an address was one.
        let names = |(from, to): (&Fit, &Fit)| *from == Fit::Whole || *to == Fit::Whole;
        let said = (!draft.from.is_empty(), !draft.to.is_empty());
        match (said, names(ahead), back.is_some_and(names)) {
            ((false, false), ..) | (_, true, true) => [true, true],
            (_, true, false) => [true, false],
            (_, false, true) => [false, true],
            (_, false, false) => {
                if !self.faulty[n] {
                    self.faulty[n] = true;
                    resolver.either_direction(draft, (left, right), self.sides);
                }
                [false, false]
            }
        }
    }

    /// The id of a list, which may be one of the site's already.
    fn take(&mut self, resolver: &mut Resolver<'_, '_>, rules: Vec<Rule>, direction: [bool; 2]) -> RulesId {
        let allows = rules.iter().any(|rule| rule.action == Action::Allow);
        for (known, direction) in self.allows.iter_mut().zip(direction) {
            *known |= allows && direction;
        }
        resolver.rule_lists.take(RuleList { span: self.span, rules })
    }

    /// Reports rules that are about no pair, after all pairs have been seen. Says whether anything is
    /// allowed from left to right and from right to left; nothing where that is not known.
    pub(in crate::resolve) fn finish(self, resolver: &mut Resolver<'_, '_>) -> Option<[bool; 2]> {
        let block = self.block?;
        if block.broken || self.faulty.contains(&true) {
            return None;
        }
        let mut complete = true;
        for (draft, _) in block.drafts.iter().zip(&self.used).filter(|(_, used)| !**used) {
            resolver.report(EmptyMatch { span: draft.span });
            complete = false;
        }
        for (n, draft) in block.drafts.iter().enumerate().filter(|(n, _)| self.used[*n]) {
            resolver.needless_parties(&draft.from, &self.standing[0][n]);
            resolver.needless_parties(&draft.to, &self.standing[1][n]);
        }
        complete.then_some(self.allows)
    }
}

impl Draft {
    fn rule(&self, from: &Fit, to: &Fit) -> Rule {
        Rule {
            action: self.action,
            service: self.service.clone(),
            from: from.nets(),
            to: to.nets(),
            log: self.log.clone(),
            span: self.span,
        }
    }
}

impl Resolver<'_, '_> {
    /// Reports a rule of a `<->` block that fits both directions of a pair, at the first party that does.
    fn either_direction(
        &mut self,
        draft: &Draft,
        (left, right): (NetworkId, NetworkId),
        sides: (&str, &str),
    ) {
        let mut fits = draft.from.iter().chain(&draft.to).filter_map(|party| {
            let both = [self.counterpart(party, left)?, self.counterpart(party, right)?];
            Some((party.span, both))
        });
        let Some((span, both)) = fits.next() else { return };
        let said = (!draft.from.is_empty(), !draft.to.is_empty());
        let name = |id: NetworkId| self.networks[id.0].name.value.clone();
        let (left, right) = (name(left), name(right));
        self.report(Ambiguous::Direction { span, pair: (&left, &right), both, sides, said });
    }

    /// Reports the parties that keep a rule from fitting any direction of a pair: of the direction that
    /// fits better, or of the first.
    fn nowhere(
        &mut self,
        draft: &Draft,
        ahead: Option<(&Fit, &Fit)>,
        back: Option<(&Fit, &Fit)>,
        (left, right): (NetworkId, NetworkId),
        of_many: bool,
    ) {
        let wrong = |(from, to): (&Fit, &Fit)| {
            let parties = |fit: &Fit| fit.wrong().len().max(usize::from(!fit.fits()));
            parties(from) + parties(to)
        };
        let ahead = ahead.map(|fits| (fits, (left, right)));
        let back = back.map(|fits| (fits, (right, left)));
        let (best, second) = match (ahead, back) {
            (Some(ahead), Some(back)) if wrong(back.0) < wrong(ahead.0) => (back, Some(ahead)),
            (Some(ahead), back) => (ahead, back),
            (None, Some(back)) => (back, None),
            (None, None) => return,
        };
        let mut swapped = false;
        for (side, n, network, other) in culprits(best) {
            let party = if side == "from" { &draft.from[n] } else { &draft.to[n] };
            let mut also = second.into_iter().flat_map(culprits);
            let also = also.find(|also| (also.0, also.1) == (side, n)).map(|(_, _, network, _)| network);
            let networks = std::iter::once(network).chain(also).collect();
            swapped |= self.misplaced(party, &Place { side, networks, other, of_many, swapped });
        }
    }
}

/// The parties of a rule that do not fit a direction: the side, the place there, the network that it does not
/// fit, and the other one.
fn culprits(
    ((from, to), (opens, answers)): ((&Fit, &Fit), (NetworkId, NetworkId)),
) -> Vec<(&'static str, usize, NetworkId, NetworkId)> {
    let from = from.wrong().iter().map(|n| ("from", *n, opens, answers));
    from.chain(to.wrong().iter().map(|n| ("to", *n, answers, opens))).collect()
}

/// The lists of a site, each once.
#[derive(Default)]
pub(in crate::resolve) struct RuleLists {
    list: Vec<RuleList>,
    ids: HashMap<RuleList, RulesId>,
    /// Which lists were compared, and whether they say the same.
    compared: HashMap<(RulesId, RulesId), bool>,
}

impl RuleLists {
    fn take(&mut self, list: RuleList) -> RulesId {
        if let Some(known) = self.ids.get(&list) {
            return *known;
        }
        let id = RulesId(self.list.len());
        self.list.push(list.clone());
        self.ids.insert(list, id);
        id
    }

    /// All lists, in the order in which they were made.
    pub(in crate::resolve) fn into_list(self) -> Vec<RuleList> {
        self.list
    }

    /// Whether two verdicts say the same; nothing where one of them is not known.
    pub(in crate::resolve) fn agree(&mut self, a: Verdict, b: Verdict) -> Option<bool> {
        let (a, b) = match (a, b) {
            (Verdict::Unknown, _) | (_, Verdict::Unknown) => return None,
            (Verdict::Rules(a), Verdict::Rules(b)) => (a, b),
            (a, b) => return Some(a == b),
        };
        let list = &self.list;
        let compare = || say_the_same(&list[a.0], &list[b.0]);
        Some(a == b || *self.compared.entry((a, b)).or_insert_with(compare))
    }
}

/// Whether two lists have the same rules, wherever they are written.
fn say_the_same(a: &RuleList, b: &RuleList) -> bool {
    let same = |(a, b): (&Rule, &Rule)| {
        let nets = |rule: &Rule| {
            let values = |side: &[crate::source::Spanned<ipnet::IpNet>]| {
                side.iter().map(|net| net.value).collect::<Vec<_>>()
            };
            (values(&rule.from), values(&rule.to))
        };
        a.action == b.action && a.service == b.service && a.log == b.log && nets(a) == nets(b)
    };
    a.rules.len() == b.rules.len() && a.rules.iter().zip(&b.rules).all(same)
}
