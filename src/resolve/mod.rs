//! From the tree to the site: names found, values computed, every `for` unrolled in place.
//!
//! Goes in: the root file's tree. Comes out: findings, and a [`Site`] of all that could be resolved.
//! What must hold: a network of the site is there with all it says, or not at all; the order of
//! declarations makes no difference other than the order of networks and peerings; work is bounded
//! by [`MAX_DECLARATIONS`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::diag::{Diagnostics, Finding, Reporter};
use crate::model::{Gateway, Instance, Network, NetworkId, Peering, Site};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{File, For, Item, Word};

mod connects;
mod errors;
mod eval;
mod functions;
mod gateway;
mod meant;
mod networks;
mod pairs;
mod rules;
mod scope;
mod value;
mod viewers;

use connects::Statement;
use errors::{BadRange, DuplicateName, InvalidName, RepeatedStatement, UnusedName, UnusedNetwork};
use rules::RuleLists;

/// The most declarations a site can have once every `for` is unrolled, and the most numbers one
/// `for` can run over: far beyond any gateway, and small enough to be refused in a moment.
pub const MAX_DECLARATIONS: usize = 1_000_000;

/// How many names are compared with the known ones to say which was meant.
const MAX_GUESSES: usize = 50;

/// The site that the file describes; `None` where the parser found an error.
///
/// Where this stage finds errors, networks and peerings are missing in the site. What is left is
/// whole, so that [`crate::check::check`] can find more in the same run; it lets no such site pass.
pub fn resolve(file: &File, findings: &mut Diagnostics) -> Option<Site> {
    let mut resolver = Resolver {
        after_errors: findings.has_errors(),
        names_missing: has_gaps(file),
        left_out: false,
        reporter: Reporter::new(findings),
        scopes: scope::Scopes::default(),
        computed: Vec::new(),
        instance: None,
        declarations: 0,
        too_many: false,
        failures: 0,
        guesses: MAX_GUESSES,
        unknown: HashSet::new(),
        site: None,
        gateway: None,
        networks: Vec::new(),
        names: HashMap::new(),
        statements: Vec::new(),
        hosts: HashMap::new(),
        rule_lists: RuleLists::default(),
        viewers: Vec::new(),
        unused: Vec::new(),
    };
    resolver.block(None, &file.items);
    resolver.finish()
}

/// Everything known on the way.
struct Resolver<'a, 'f> {
    reporter: Reporter<'f>,
    /// The parser found errors: what seems to be missing may have stood where they are.
    after_errors: bool,
    /// Declarations are missing from the tree, or networks without a name: an unknown name is no news.
    names_missing: bool,
    /// A network or a part of the gateway is left out for an error.
    left_out: bool,
    scopes: scope::Scopes<'a>,
    /// The places of what is being computed, the outermost first.
    computed: Vec<Span>,
    /// The values of the variables of the `for`s around.
    instance: Instance,
    declarations: usize,
    /// There are too many of them, and the `for` that made them is reported.
    too_many: bool,
    /// Comparisons of misspelt names with known ones that may still be made: each costs as much as
    /// there are names.
    guesses: usize,
    /// Unknown names that nothing known is like: each is told about where it is met first.
    unknown: HashSet<String>,
    /// How often something could not be resolved, found again or not.
    failures: usize,
    site: Option<Spanned<String>>,
    gateway: Option<(Gateway, Span)>,
    networks: Vec<Network>,
    /// Where each network's name was declared, for networks that could not be made too.
    names: HashMap<String, Declared>,
    statements: Vec<Statement<'a>>,
    /// The places of hosts by name, for networks in which one was looked for.
    hosts: HashMap<NetworkId, HashMap<String, usize>>,
    rule_lists: RuleLists,
    /// Whom aliases are for, as written.
    viewers: Vec<viewers::NetworkViewers<'a>>,
    unused: Vec<&'a Spanned<String>>,
}

/// A declared network.
#[derive(Clone, Copy)]
struct Declared {
    span: Span,
    /// Its place in [`Resolver::networks`]; `None` if its own statements could not be resolved.
    network: Option<usize>,
}

impl<'a> Resolver<'a, '_> {
    /// Whether what was meant by a misspelt name may be looked for.
    fn may_guess(&mut self) -> bool {
        self.guesses = self.guesses.saturating_sub(1);
        self.guesses > 0
    }

    /// Whether a name that nothing known is `like` was met before: a declaration that is missing is one mistake,
    /// however often it is used.
    fn is_told(&mut self, name: &str, like: bool) -> bool {
        !like && !self.unknown.insert(name.to_owned())
    }

    /// Reports an error, in the instance it is in.
    fn report(&mut self, finding: impl Finding) {
        self.failures += 1;
        self.reporter.report(finding, self.instance.as_deref());
    }

    /// A file, or one round of a `for` whose variable has its value.
    fn block(&mut self, variable: Option<(&'a Spanned<String>, i128)>, items: &'a [Item]) {
        let name = variable.map(|(name, _)| name);
        self.scopes.open(name, items, &mut self.reporter);
        if let Some((_, value)) = variable {
            self.scopes.set_variable(value);
        }
        for (slot, definition) in self.scopes.lets() {
            self.check_variable(&definition.name);
            let value = self.value(&definition.value);
            self.scopes.set_let(slot, value);
        }
        self.items(items);
        self.unused.extend(self.scopes.close());
    }

    fn items(&mut self, items: &'a [Item]) {
        for item in items {
            if self.too_many {
                return;
            }
            match item {
                Item::Site(word) => self.site(word),
                Item::Gateway(gateway) => {
                    let before = self.failures;
                    self.gateway(gateway);
                    self.left_out |= self.failures != before;
                }
                Item::Network(network) => {
                    let before = self.networks.len();
                    self.network(network);
                    self.left_out |= self.networks.len() == before;
                }
                Item::Connect(connect) => self.connect(connect),
                Item::For(repeated) => self.repeat(repeated),
                Item::Included(File { items }) => self.items(items),
                // Lets are computed when their block is opened; the others have their finding.
                Item::Let(_) | Item::Include(_) | Item::Error(_) => continue,
            }
            self.declarations += usize::from(self.instance.is_some());
        }
    }

    fn repeat(&mut self, repeated: &'a For) {
        self.check_variable(&repeated.name);
        let (first, last) = (self.integer(&repeated.first), self.integer(&repeated.last));
        let (Some(first), Some(last)) = (first, last) else {
            // The networks of its body are unknown now.
            self.names_missing = true;
            return;
        };
        let count = last.checked_sub(first).and_then(|rounds| rounds.checked_add(1));
        let most = i128::try_from(MAX_DECLARATIONS).unwrap_or(i128::MAX);
        if count.is_none_or(|count| !(1..=most).contains(&count)) {
            let (fault, help) = if last < first {
                (format!("{last} is below {first}, so nothing is repeated"), "write the smaller number first")
            } else {
                (format!("more than {MAX_DECLARATIONS} numbers"), "use a shorter range")
            };
            self.bad_range(repeated, format!("`for` cannot run over {first}..{last}"), fault, help);
            return;
        }
        let outer = self.instance.take();
        for value in first..=last {
            let own = format!("{} = {value}", repeated.name.value);
            let text = outer.as_ref().map_or(own.clone(), |outer| format!("{outer}, {own}"));
            self.instance = Some(Arc::from(text));
            self.declarations += 1;
            self.block(Some((&repeated.name, value)), &repeated.items);
            if self.declarations > MAX_DECLARATIONS && !self.too_many {
                self.too_many = true;
                let title = format!("the site has more than {MAX_DECLARATIONS} declarations");
                let help = "use shorter ranges, or fewer `for` inside each other";
                self.bad_range(repeated, title, String::from("too many by now"), help);
            }
            if self.too_many {
                break;
            }
        }
        self.instance = outer;
    }

    fn bad_range(&mut self, repeated: &For, title: String, fault: String, help: &'static str) {
        self.names_missing = true;
        let span = repeated.first.span().to(repeated.last.span());
        self.report(BadRange { title, span, fault, help });
    }

    fn site(&mut self, word: &'a Word) {
        let Some(name) = self.name("site", word) else { return };
        match &self.site {
            None => self.site = Some(name),
            Some(earlier) => {
                let earlier = earlier.span;
                let block = String::from("this site");
                self.report(RepeatedStatement { keyword: "site", block, here: word.span, earlier });
            }
        }
    }

    /// The text of a word that has to be a name.
    fn name(&mut self, what: &'static str, word: &'a Word) -> Option<Spanned<String>> {
        let name = self.text(word)?;
        if let Some(fault) = value::name_fault(&name) {
            self.report(InvalidName { what, name: &name, span: word.span, fault, swapped: None });
            return None;
        }
        Some(Spanned::new(name, word.span))
    }

    /// A variable must be a name, and must not read as a number.
    fn check_variable(&mut self, name: &'a Spanned<String>) {
        let reads_as_number = || {
            let number = name.value.starts_with(|first: char| first.is_ascii_digit());
            number.then(|| String::from("begins like a number"))
        };
        if let Some(fault) = value::name_fault(&name.value).or_else(reads_as_number) {
            let (name, span) = (name.value.as_str(), name.span);
            let invalid = InvalidName { what: "name", name, span, fault, swapped: None };
            self.failures += 1;
            self.reporter.report(invalid, None);
        }
    }

    /// Takes a network's name into the one name space of networks.
    fn declare(&mut self, name: &Spanned<String>) -> bool {
        if let Some(earlier) = self.names.get(&name.value) {
            let earlier = earlier.span;
            self.report(DuplicateName { what: "network", name: &name.value, here: name.span, earlier });
            return false;
        }
        self.names.insert(name.value.clone(), Declared { span: name.span, network: None });
        true
    }

    fn finish(mut self) -> Option<Site> {
        let statements = std::mem::take(&mut self.statements);
        let index = self.name_index();
        self.viewers(&index);
        let peerings = self.connects(&statements, &index);
        if self.after_errors {
            return None;
        }
        // After an error, what uses a name may be what could not be resolved.
        if !self.reporter.has_errors() {
            self.unused(&peerings);
        }
        Some(Site {
            name: self.site.map_or_else(|| String::from("site"), |name| name.value),
            gateway: self.gateway.map(|(gateway, _)| gateway).unwrap_or_default(),
            networks: self.networks,
            peerings,
            rule_lists: self.rule_lists.into_list(),
            is_whole: !self.left_out && !self.names_missing,
            origins: self.reporter.into_origins(),
        })
    }

    fn unused(&mut self, peerings: &[Peering]) {
        for name in &self.unused {
            self.reporter.report(UnusedName { name }, None);
        }
        let mut connected = vec![false; self.networks.len()];
        for peering in peerings {
            connected[peering.from.0] = true;
            connected[peering.to.0] = true;
        }
        for (network, _) in self.networks.iter().zip(connected).filter(|(_, connected)| !connected) {
            let unused = UnusedNetwork { network: &network.name.value, span: network.name.span };
            self.reporter.report(unused, network.instance.as_deref());
        }
    }
}

/// Whether declarations are missing from the tree because they did not parse or were not found.
fn has_gaps(file: &File) -> bool {
    let mut blocks: Vec<&[Item]> = vec![&file.items];
    while let Some(items) = blocks.pop() {
        for item in items {
            match item {
                Item::Error(_) | Item::Include(_) => return true,
                Item::Included(file) => blocks.push(&file.items),
                Item::For(repeated) => blocks.push(&repeated.items),
                _ => {}
            }
        }
    }
    false
}
