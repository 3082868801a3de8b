//! Expressions and words: what they come to in the scopes around them.
//!
//! Goes in: expressions of the tree. Comes out: values of the kind that the place needs, or nothing
//! after one finding. What must hold: no computation overflows silently, none panics.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Resolver;
use super::errors::{Arithmetic, LongWord, UnknownName, WrongKind};
use super::meant::Meant;
use super::scope::{Lookup, bare};
use super::value::{Literal, Value, read};
use crate::net;
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Expr, Operator, Part, Word};

/// The bytes of the longest text that a word comes to: nothing that a site says is nearly as long.
const LONGEST_WORD: usize = 1000;

impl<'a> Resolver<'a, '_> {
    /// The text of a word, its `{expr}` replaced by their values.
    pub(super) fn text(&mut self, word: &'a Word) -> Option<String> {
        self.computed.push(word.span);
        let text = self.joined(word);
        self.computed.pop();
        text
    }

    fn joined(&mut self, word: &'a Word) -> Option<String> {
        let mut text = String::new();
        for part in &word.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Expr(expr) => text.push_str(&self.value(expr)?.to_string()),
            }
            // Values that are made of others twice as long each time would fill the memory.
            if text.len() > LONGEST_WORD {
                self.report(LongWord { span: word.span, limit: LONGEST_WORD });
                return None;
            }
        }
        Some(text)
    }

    /// The value of an expression.
    pub(super) fn value(&mut self, expr: &'a Expr) -> Option<Value> {
        if let Expr::Word(word) = expr {
            return self.word_value(word);
        }
        self.computed.push(expr.span());
        let value = self.computed_value(expr);
        self.computed.pop();
        value
    }

    fn computed_value(&mut self, expr: &'a Expr) -> Option<Value> {
        match expr {
            Expr::Word(word) => self.word_value(word),
            Expr::Group(inner, _) => self.value(inner),
            Expr::Binary { operator, left, right } => {
                let (left, right) = (self.integer(left), self.integer(right));
                self.arithmetic(*operator, left?, right?, expr.span()).map(Value::Integer)
            }
            Expr::Call { name, arguments, span } => self.call(name, arguments, *span),
        }
    }

    /// What the name at `used` stands for; where its value was given is noted for findings about it.
    pub(super) fn look_up(&mut self, name: &str, used: Span) -> Lookup {
        let (found, definition) = self.scopes.look_up(name);
        if let Some(definition) = definition {
            for place in self.computed.iter().chain([&used]) {
                self.reporter.given(*place, name, definition.value.span());
            }
        }
        found
    }

    fn word_value(&mut self, word: &'a Word) -> Option<Value> {
        let Some(text) = bare(word) else {
            let text = self.text(word)?;
            // A quoted word is text, and so is a bare one of several pieces unless it reads as more.
            return match if word.quoted { Literal::Name } else { read(&text) } {
                Literal::Value(value) => Some(value),
                Literal::Name => Some(Value::Text(text)),
                Literal::Malformed(fault) => self.malformed(text, fault, word.span),
            };
        };
        match self.look_up(text, word.span) {
            Lookup::Value(value) => return Some(value),
            Lookup::Failed => {
                self.failures += 1;
                return None;
            }
            Lookup::Unknown => {}
        }
        match read(text) {
            Literal::Value(value) => Some(value),
            Literal::Name => {
                self.failures += 1;
                if !self.names_missing {
                    let names = self.may_guess().then(|| self.scopes.names());
                    let similar = Meant::find(word, text, names.into_iter().flatten());
                    if !self.is_told(text, similar.is_some()) {
                        self.report(UnknownName { name: text, span: word.span, similar });
                    }
                }
                None
            }
            Literal::Malformed(fault) => self.malformed(text.to_owned(), fault, word.span),
        }
    }

    fn malformed(&mut self, value: String, fault: String, span: Span) -> Option<Value> {
        let expected = if value.contains(['.', ':', '/']) { "an address or a prefix" } else { "an integer" };
        let help = malformed_help(&value).map(str::to_owned);
        self.report(WrongKind { expected, found: None, value, span, fault, help });
        None
    }

    fn arithmetic(
        &mut self,
        operator: Spanned<Operator>,
        left: i128,
        right: i128,
        span: Span,
    ) -> Option<i128> {
        let (sign, result) = match operator.value {
            Operator::Add => ('+', left.checked_add(right)),
            Operator::Subtract => ('-', left.checked_sub(right)),
            Operator::Multiply => ('*', left.checked_mul(right)),
            Operator::Divide => ('/', left.checked_div(right)),
            Operator::Remainder => ('%', left.checked_rem(right)),
        };
        if result.is_none() {
            let by_zero = right == 0 && matches!(operator.value, Operator::Divide | Operator::Remainder);
            let fault = if by_zero { "divides by 0" } else { "more than 127 bits" };
            let title = format!("`{left} {sign} {right}` has no usable result");
            self.report(Arithmetic { title, span, fault: fault.to_owned() });
        }
        result
    }

    /// An expression that has to be an integer.
    pub(super) fn integer(&mut self, expr: &'a Expr) -> Option<i128> {
        match self.value(expr)? {
            Value::Integer(value) => Some(value),
            other => {
                let help = match other {
                    Value::Address(_) | Value::Prefix(_) => {
                        Some("`host(prefix, index)` and `subnet(pool, length, index)` compute addresses")
                    }
                    _ => None,
                };
                self.wrong_kind("an integer", &other, expr.span(), help)
            }
        }
    }

    /// An expression that has to be an integer of 0 or more.
    pub(super) fn number(&mut self, expr: &'a Expr) -> Option<Spanned<u64>> {
        let (value, span) = (self.integer(expr)?, expr.span());
        if let Ok(value) = u64::try_from(value) {
            return Some(Spanned::new(value, span));
        }
        let fault = if value < 0 { "below 0" } else { "more than 64 bits" };
        self.report(Arithmetic {
            title: format!("the number {value} is out of range"),
            span,
            fault: fault.to_owned(),
        });
        None
    }

    /// An expression that has to be a prefix; a bare address is the prefix of that one host.
    pub(super) fn prefix(&mut self, expr: &'a Expr) -> Option<Spanned<IpNet>> {
        let net = match self.value(expr)? {
            Value::Prefix(net) => net,
            Value::Address(address) => net::single(address),
            other => return self.wrong_kind("a prefix", &other, expr.span(), None),
        };
        Some(Spanned::new(net, expr.span()))
    }

    /// An expression that has to be one address; so is a prefix of one host.
    pub(super) fn address(&mut self, expr: &'a Expr) -> Option<Spanned<IpAddr>> {
        let address = match self.value(expr)? {
            Value::Address(address) => address,
            Value::Prefix(net) if net.prefix_len() == net.max_prefix_len() => net.addr(),
            other => {
                let help =
                    matches!(other, Value::Prefix(_)).then_some("write the address without `/` and length");
                return self.wrong_kind("an address", &other, expr.span(), help);
            }
        };
        Some(Spanned::new(address, expr.span()))
    }

    /// An expression that has to be an address with the length of the prefix that is on its link.
    pub(super) fn interface_address(&mut self, expr: &'a Expr) -> Option<Spanned<IpNet>> {
        match self.value(expr)? {
            Value::Prefix(net) => Some(Spanned::new(net, expr.span())),
            other => {
                let example = match other {
                    Value::Address(IpAddr::V4(address)) => format!("{address}/24"),
                    Value::Address(IpAddr::V6(address)) => format!("{address}/64"),
                    _ => String::from("192.168.2.1/24"),
                };
                let help = format!("write the length of the prefix on this link too, like `{example}`");
                self.wrong_kind("an address with a length", &other, expr.span(), Some(&help))
            }
        }
    }

    /// Reports a value of the wrong kind.
    pub(super) fn wrong_kind<T>(
        &mut self,
        expected: &'static str,
        found: &Value,
        span: Span,
        help: Option<&str>,
    ) -> Option<T> {
        self.report(WrongKind {
            expected,
            found: Some(found.kind()),
            value: found.to_string(),
            span,
            fault: format!("{expected} belongs here"),
            help: help.map(str::to_owned),
        });
        None
    }
}

/// What to do about a text that is no value, where it looks like something that belongs elsewhere.
fn malformed_help(text: &str) -> Option<&'static str> {
    if text.ends_with(':') {
        return Some("leave the `:` at its end out");
    }
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    if text.split_once(':').is_some_and(|(host, port)| !host.is_empty() && is_port(port)) {
        return Some("in a rule, ports stand behind their protocol, as in `tcp 22`");
    }
    let above = |number: &str| number.parse::<u32>().is_ok_and(|number| number > 255);
    let mut numbers = text.split('/').next()?.split('.');
    (text.contains('.') && numbers.any(above))
        .then_some("`subnet(pool, length, index)` and `host(prefix, index)` count on behind 255")
}
