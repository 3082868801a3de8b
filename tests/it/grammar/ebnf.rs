//! A reader of the grammar's notation.

use std::iter::Peekable;
use std::vec::IntoIter;

/// A grammar file: its productions in order.
#[derive(Debug)]
pub(super) struct Grammar {
    pub(super) productions: Vec<(String, Rule)>,
}

/// The right side of a production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Terminal(String),
    Name(String),
    Sequence(Vec<Rule>),
    Choice(Vec<Rule>),
    Optional(Box<Rule>),
    Repeat(Box<Rule>),
    /// A kind of tokens, described in words.
    Token,
}

impl Rule {
    fn inner(&self) -> &[Rule] {
        match self {
            Self::Sequence(rules) | Self::Choice(rules) => rules,
            Self::Optional(rule) | Self::Repeat(rule) => std::slice::from_ref(rule),
            Self::Terminal(_) | Self::Name(_) | Self::Token => &[],
        }
    }

    /// The nonterminals it uses.
    pub(super) fn names(&self) -> Vec<String> {
        let own = if let Self::Name(name) = self { vec![name.clone()] } else { Vec::new() };
        own.into_iter().chain(self.inner().iter().flat_map(Self::names)).collect()
    }

    /// The quoted texts in it.
    pub(super) fn terminals(&self) -> Vec<String> {
        let own = if let Self::Terminal(text) = self { vec![text.clone()] } else { Vec::new() };
        own.into_iter().chain(self.inner().iter().flat_map(Self::terminals)).collect()
    }
}

impl Grammar {
    /// Reads a grammar; panics with the place where it is malformed.
    pub(super) fn parse(text: &str) -> Self {
        let mut pieces = pieces(text).into_iter().peekable();
        let mut productions = Vec::new();
        while let Some(name) = pieces.next() {
            assert!(is_name(&name), "a production begins with its name, not {name:?}");
            assert_eq!(pieces.next().as_deref(), Some("="), "after `{name}`");
            let rule = choice(&mut pieces);
            assert_eq!(pieces.next().as_deref(), Some(";"), "at the end of `{name}`");
            productions.push((name, rule));
        }
        Self { productions }
    }

    /// The right side of a production.
    pub(super) fn rule(&self, name: &str) -> &Rule {
        &self.productions.iter().find(|(known, _)| known == name).unwrap().1
    }
}

fn is_name(piece: &str) -> bool {
    piece.chars().all(|c| c.is_alphabetic() || c == '_')
}

/// Names, quoted texts with their quotes, descriptions with their marks, and single signs.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' if rest.starts_with("(*") => rest.find("*)").unwrap() + 2,
            '"' => rest[1..].find('"').unwrap() + 2,
            '?' => rest[1..].find(" ?").unwrap() + 3,
            c if c.is_alphabetic() => {
                rest.find(|c: char| !(c.is_alphabetic() || c == '_')).unwrap_or(rest.len())
            }
            _ => 1,
        };
        if !rest.starts_with("(*") {
            pieces.push(rest[..length].to_owned());
        }
        rest = rest[length..].trim_start();
    }
    pieces
}

type Pieces = Peekable<IntoIter<String>>;

fn choice(pieces: &mut Pieces) -> Rule {
    let mut rules = vec![sequence(pieces)];
    while pieces.next_if(|piece| piece == "|").is_some() {
        rules.push(sequence(pieces));
    }
    if rules.len() == 1 { rules.remove(0) } else { Rule::Choice(rules) }
}

fn sequence(pieces: &mut Pieces) -> Rule {
    let mut rules = Vec::new();
    while let Some(piece) = pieces.next_if(|piece| !matches!(piece.as_str(), "|" | ";" | ")" | "]" | "}")) {
        let (rule, close) = match piece.as_str() {
            "(" => (choice(pieces), Some(")")),
            "[" => (Rule::Optional(Box::new(choice(pieces))), Some("]")),
            "{" => (Rule::Repeat(Box::new(choice(pieces))), Some("}")),
            text if text.starts_with('"') => (Rule::Terminal(text.trim_matches('"').to_owned()), None),
            text if text.starts_with('?') => (Rule::Token, None),
            name => {
                assert!(is_name(name), "{name:?} is no part of a production");
                (Rule::Name(name.to_owned()), None)
            }
        };
        if let Some(close) = close {
            assert_eq!(pieces.next().as_deref(), Some(close));
        }
        rules.push(rule);
    }
    if rules.len() == 1 { rules.remove(0) } else { Rule::Sequence(rules) }
}
