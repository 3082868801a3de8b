//! Whether tokens are a sentence of the grammar, decided from the grammar file alone.

use std::collections::{BTreeMap, BTreeSet};

use overlapc::syntax::token::{PUNCTUATION, Token, TokenKind, is_connective};

use super::ebnf::{Grammar, Rule};

/// Whether all tokens up to the end of the file are one `file`.
pub(super) fn accepts(grammar: &Grammar, text: &str, tokens: &[Token]) -> bool {
    let tokens: Vec<_> = tokens
        .iter()
        .filter(|token| token.kind != TokenKind::End)
        .map(|token| (token.kind, token.text(text)))
        .collect();
    let mut recogniser = Recogniser { grammar, tokens: &tokens, known: BTreeMap::new() };
    recogniser.name("file", 0).contains(&tokens.len())
}

struct Recogniser<'a> {
    grammar: &'a Grammar,
    tokens: &'a [(TokenKind, &'a str)],
    known: BTreeMap<(&'a str, usize), BTreeSet<usize>>,
}

impl<'a> Recogniser<'a> {
    /// Every place where the nonterminal can end when it begins at `at`.
    fn name(&mut self, name: &'a str, at: usize) -> BTreeSet<usize> {
        if let Some(ends) = self.known.get(&(name, at)) {
            return ends.clone();
        }
        let ends = match self.grammar.rule(name) {
            Rule::Token => self.one(at, |kind, text| is_of(name, kind, text)),
            rule => self.rule(rule, at),
        };
        self.known.insert((name, at), ends.clone());
        ends
    }

    fn one(&self, at: usize, fits: impl Fn(TokenKind, &str) -> bool) -> BTreeSet<usize> {
        self.tokens.get(at).filter(|(kind, text)| fits(*kind, text)).map(|_| at + 1).into_iter().collect()
    }

    fn rule(&mut self, rule: &'a Rule, at: usize) -> BTreeSet<usize> {
        match rule {
            Rule::Terminal(wanted) => self.one(at, |kind, text| {
                let sign = PUNCTUATION.iter().find(|(text, _)| text == wanted);
                kind == sign.map_or(TokenKind::Word, |(_, kind)| *kind) && text == wanted
            }),
            Rule::Name(name) => self.name(name, at),
            Rule::Sequence(rules) => rules.iter().fold(BTreeSet::from([at]), |starts, rule| {
                starts.into_iter().flat_map(|start| self.rule(rule, start)).collect()
            }),
            Rule::Choice(rules) => rules.iter().flat_map(|rule| self.rule(rule, at)).collect(),
            Rule::Optional(rule) => {
                let mut ends = self.rule(rule, at);
                ends.insert(at);
                ends
            }
            Rule::Repeat(rule) => {
                let mut ends = BTreeSet::from([at]);
                let mut open = vec![at];
                while let Some(start) = open.pop() {
                    open.extend(self.rule(rule, start).into_iter().filter(|end| ends.insert(*end)));
                }
                ends
            }
            Rule::Token => panic!("a kind of tokens stands for itself"),
        }
    }
}

fn is_of(name: &str, kind: TokenKind, text: &str) -> bool {
    match name {
        "WORD" => kind == TokenKind::Word && !is_connective(text),
        "STRING" => kind == TokenKind::String,
        "HEAD" => kind == TokenKind::Head,
        "MIDDLE" => kind == TokenKind::Middle,
        "TAIL" => kind == TokenKind::Tail,
        "NEWLINE" => kind == TokenKind::Newline,
        other => panic!("`{other}` is no kind of tokens"),
    }
}
