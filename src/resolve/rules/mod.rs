//! The rules of a `connect` block as far as they are the same for each of its pairs of networks.
//!
//! Goes in: a block of the tree, in the scopes around it. Comes out: a [`Block`] whose services, logs
//! and addresses are values; the names of hosts are still names, because each network has its own.
//! What must hold: a block that is not wholly known is `broken`: the hosts of its rules are looked up, for
//! the findings, but no peering gets them.

use ipnet::IpNet;

use super::Resolver;
use super::scope::{Lookup, bare, is_plain};
use super::value::{Literal, Value, read};
use crate::model::{Action, Log, Service};
use crate::net;
use crate::source::Span;
use crate::syntax::ast::{self, Expr};

mod errors;
mod items;
mod lists;
mod log;
mod services;
mod sides;

pub(super) use errors::{ConflictingConnects, NothingAllowed};
pub(super) use lists::{Lists, RuleLists, Verdict};

/// The block of one `connect`.
pub(super) struct Block {
    drafts: Vec<Draft>,
    /// A rule of it has a finding.
    broken: bool,
}

/// A rule whose hosts are not looked up yet.
struct Draft {
    action: Action,
    service: Service,
    from: Vec<Party>,
    to: Vec<Party>,
    log: Option<Log>,
    span: Span,
}

/// What stands behind `from` or `to`.
struct Party {
    /// What it says as a name.
    name: Option<String>,
    /// What it says as addresses; both where a `let` has this name.
    net: Option<IpNet>,
    span: Span,
    /// The text at the place is the value itself, so that another one can stand for it.
    literal: bool,
}

impl Party {
    /// What it says.
    fn text(&self) -> String {
        self.name.clone().or_else(|| self.net.map(|net| net::written(&net))).unwrap_or_default()
    }
}

impl<'a> Resolver<'a, '_> {
    /// The rules of a block, before it is known which networks they are about.
    pub(super) fn block_of_rules(&mut self, rules: &'a [ast::Rule]) -> Block {
        let before = self.failures;
        let drafts = rules.iter().filter_map(|rule| self.draft(rule)).collect();
        Block { drafts, broken: self.failures != before }
    }

    fn draft(&mut self, rule: &'a ast::Rule) -> Option<Draft> {
        let service = self.service(rule);
        let from = self.parties(&rule.from);
        let to = self.parties(&rule.to);
        let log = rule.log.as_ref().map(|log| self.log(log));
        let action = match rule.action.value {
            ast::Action::Allow => Action::Allow,
            ast::Action::Deny => Action::Deny,
        };
        // What has a finding breaks the block, so anything may stand in its place.
        let service = service.unwrap_or(Service::Any);
        Some(Draft { action, service, from: from?, to: to?, log: log.flatten(), span: rule.span })
    }

    fn parties(&mut self, list: &'a [Expr]) -> Option<Vec<Party>> {
        let parties: Vec<Option<Party>> = list.iter().map(|expr| self.party(expr)).collect();
        parties.into_iter().collect()
    }

    /// A bare word is the name of a host or a network; a `let` may have it too.
    fn party(&mut self, expr: &'a Expr) -> Option<Party> {
        let span = expr.span();
        let named = |name: String| Party { name: Some(name), net: None, span, literal: true };
        if let Expr::Word(word) = expr
            && let Some(text) = bare(word)
        {
            match self.look_up(text, span) {
                // A `let` may hold a name.
                Lookup::Value(Value::Text(name)) => return Some(Party { literal: false, ..named(name) }),
                Lookup::Value(value) => {
                    let net = net_of(&value);
                    return Some(Party { net, literal: false, ..named(text.to_owned()) });
                }
                Lookup::Failed => {
                    self.failures += 1;
                    return None;
                }
                Lookup::Unknown => {}
            }
            // Hosts and networks may have numbers for names; with a dot it may be meant as a host of a network.
            let dotted = text.contains('.') && read(text) == Literal::Name;
            if super::value::name_fault(text).is_none() || text.contains('*') || dotted {
                return Some(named(text.to_owned()));
            }
        }
        match self.value(expr)? {
            Value::Text(text) => {
                let literal = matches!(expr, Expr::Word(word) if is_plain(word));
                Some(Party { literal, ..named(text) })
            }
            value @ (Value::Address(_) | Value::Prefix(_)) => {
                let net = net_of(&value);
                let literal = matches!(expr, Expr::Word(word) if bare(word).is_some());
                Some(Party { name: None, net, span, literal })
            }
            value @ Value::Integer(_) if matches!(expr, Expr::Word(_)) => Some(named(value.to_string())),
            value @ Value::Integer(_) => self.wrong_kind("a host, a network or a prefix", &value, span, None),
        }
    }
}

fn net_of(value: &Value) -> Option<IpNet> {
    match value {
        Value::Address(address) => Some(net::single(*address)),
        Value::Prefix(net) => Some(*net),
        Value::Integer(_) | Value::Text(_) => None,
    }
}
