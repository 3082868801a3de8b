//! Sentences made by walking the grammar, from a seed.

use std::collections::BTreeSet;

use super::ebnf::{Grammar, Rule};

/// A small generator of numbers (splitmix64): a seed names a sentence on every machine.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const WORDS: &[&str] = &[
    "a",
    "office",
    "cell-*",
    "*-b",
    "eth1.20",
    "wg-acme",
    "192.168.0.0/24",
    "fd00::/64",
    "::",
    "0xff",
    "17",
    "id",
    "network",
    "a.b",
    "x_1",
    "~",
    "a@b",
    "-5",
    "to-b",
    "30000-30100",
    "echo-request",
    "/etc/x.ovl",
];
const STRINGS: &[&str] = &["\"\"", "\"a b\"", "\"to\"", r#""\"\\\{}""#, "\"ü # x\"", "\"->;\""];

/// A sentence: the texts of its tokens, and the blanks before each.
pub(super) struct Sentence {
    tokens: Vec<(String, String)>,
    /// The productions it was made with.
    pub(super) used: BTreeSet<String>,
    /// Whether each interpolation that is open belongs to a quoted word.
    quoted: Vec<bool>,
    /// Open parentheses outside of interpolations.
    parens: usize,
}

impl Sentence {
    pub(super) fn new(grammar: &Grammar, seed: u64) -> Self {
        let mut sentence = Self { tokens: Vec::new(), used: BTreeSet::new(), quoted: Vec::new(), parens: 0 };
        sentence.name(grammar, &mut Random::new(seed), "file", 0);
        sentence
    }

    pub(super) fn text(&self) -> String {
        self.tokens.iter().map(|(blank, text)| format!("{blank}{text}")).collect()
    }

    /// Removes, repeats, replaces or swaps one token.
    pub(super) fn change(&mut self, random: &mut Random) {
        if self.tokens.len() < 2 {
            return;
        }
        let at = random.below(self.tokens.len() - 1);
        let other = self.tokens[random.below(self.tokens.len())].1.clone();
        match random.below(5) {
            0 => drop(self.tokens.remove(at)),
            1 => self.tokens.insert(at, (" ".to_owned(), self.tokens[at].1.clone())),
            2 => self.tokens[at].1 = other,
            3 => {
                let sign = random.pick(&[
                    "+", "*", "-", "(", ")", ",", "..", "->", "=", "{", "}", ";", "\n", "as", "x", "to",
                ]);
                self.tokens[at] = (" ".to_owned(), sign.to_owned());
            }
            _ => {
                let text = self.tokens[at].1.clone();
                self.tokens[at].1 = std::mem::replace(&mut self.tokens[at + 1].1, text);
            }
        }
    }

    fn name(&mut self, grammar: &Grammar, random: &mut Random, name: &str, depth: usize) {
        self.used.insert(name.to_owned());
        match grammar.rule(name) {
            Rule::Token => self.token(random, name),
            rule => self.rule(grammar, random, rule, depth + 1),
        }
    }

    fn rule(&mut self, grammar: &Grammar, random: &mut Random, rule: &Rule, depth: usize) {
        match rule {
            Rule::Terminal(text) => self.push(random, text),
            Rule::Name(name) => self.name(grammar, random, name, depth),
            Rule::Sequence(rules) => rules.iter().for_each(|rule| self.rule(grammar, random, rule, depth)),
            Rule::Choice(rules) => {
                // Deep down only what ends soon: a word, the simple items.
                let soon = rules.iter().position(|rule| *rule == Rule::Name("word".to_owned()));
                let chosen = match soon {
                    Some(soon) if depth > 14 => soon,
                    _ if depth > 20 => 0,
                    _ => random.below(rules.len()),
                };
                self.rule(grammar, random, &rules[chosen], depth);
            }
            Rule::Optional(rule) => {
                if random.below(2) == 0 {
                    self.rule(grammar, random, rule, depth);
                }
            }
            Rule::Repeat(rule) => {
                while random.below(3) == 0 && self.tokens.len() < 400 {
                    self.rule(grammar, random, rule, depth);
                }
            }
            Rule::Token => panic!("a kind of tokens stands for itself"),
        }
    }

    fn token(&mut self, random: &mut Random, name: &str) {
        let text = match name {
            "WORD" => random.pick(WORDS).to_owned(),
            "STRING" => random.pick(STRINGS).to_owned(),
            "HEAD" => {
                self.quoted.push(random.below(3) == 0);
                let text = if self.quoted.last() == Some(&true) { "\"a b {" } else { "cell-{" };
                text.to_owned()
            }
            "MIDDLE" => if self.quoted.last() == Some(&true) { "} ü {" } else { "}.{" }.to_owned(),
            "TAIL" => if self.quoted.last() == Some(&true) { "} \\\" c\"" } else { "}-x" }.to_owned(),
            "NEWLINE" => random.pick(&["\n", "\r\n", " # as \"{\n", "\t\n"]).to_owned(),
            other => panic!("`{other}` is no kind of tokens"),
        };
        self.push(random, &text);
        if name == "TAIL" {
            self.quoted.pop();
        }
    }

    /// Adds a token with something before it that has no meaning there.
    fn push(&mut self, random: &mut Random, text: &str) {
        let goes_on = [",", "=", "..", "->", "<->"];
        let goes_on = self.tokens.last().is_some_and(|(_, last)| goes_on.contains(&last.as_str()));
        let free = self.quoted.is_empty() && (self.parens > 0 || goes_on);
        let blank = match random.below(if free { 6 } else { 4 }) {
            0 => "\t",
            1 => "  ",
            4 => "\n ",
            5 => " # comment (\r\n",
            _ => " ",
        };
        if self.quoted.is_empty() {
            match text {
                "(" => self.parens += 1,
                ")" => self.parens -= 1,
                _ => {}
            }
        }
        self.tokens.push((blank.to_owned(), text.to_owned()));
    }
}
