//! The text of `nft -f`, and what `nft list ruleset` prints of the same: nft(8).
//!
//! Goes in: text. Comes out: the [`Filter`] that the kernel has when all of it is loaded into an empty one.
//! What must hold: what is not known here is refused with its line.

mod rule;
mod set;

use std::collections::BTreeMap;

use super::filter::{Base, Chain, Families, Filter, Rule};
use super::token::{Placed, Token, Tokens};
use super::{Unread, words};
use set::Set;

/// Reads a ruleset.
///
/// # Errors
///
/// Something is not understood, or names what is not there.
pub fn read(text: &str) -> Result<Filter, Unread> {
    let mut source = Source::of_text(text);
    let mut tables: Vec<Table<'_>> = Vec::new();
    while let Some(token) = source.next() {
        match token {
            Token::End => {}
            Token::Word("table") => source.table(&mut tables)?,
            Token::Word("delete") => {
                source.expect("table")?;
                let name = format!("{} {}", source.word()?, source.word()?);
                tables.retain(|table| table.name != name);
            }
            _ => return Err(source.unread("not a table")),
        }
    }
    if let Some(failed) = source.failed {
        return Err(failed);
    }
    let mut filter = Filter::default();
    for table in tables {
        let first = filter.chains.len();
        let places: BTreeMap<&str, usize> =
            table.chains.iter().enumerate().map(|(n, chain)| (chain.name.as_str(), first + n)).collect();
        let known = Known { text, sets: &table.sets, chains: &places };
        let mut chains = Vec::new();
        for chain in &table.chains {
            let rules = chain.rules.iter().map(|tokens| rule::read(&known, tokens));
            let rules = rules.collect::<Result<Vec<Rule>, Unread>>()?;
            let (table, name) = (table.name.clone(), chain.name.clone());
            chains.push(Chain { table, name, base: chain.base, rules });
        }
        filter.chains.extend(chains);
    }
    Ok(filter)
}

/// A table as it is written.
struct Table<'t> {
    name: String,
    sets: BTreeMap<&'t str, Set<'t>>,
    chains: Vec<Written<'t>>,
}

/// A chain whose rules are words yet.
struct Written<'t> {
    name: String,
    base: Option<Base>,
    rules: Vec<Vec<Placed<'t>>>,
}

/// What the rules of a table can name.
struct Known<'a> {
    text: &'a str,
    sets: &'a BTreeMap<&'a str, Set<'a>>,
    chains: &'a BTreeMap<&'a str, usize>,
}

/// Words, and how far they are read.
struct Source<'a> {
    text: &'a str,
    words: Words<'a>,
    next: Option<Placed<'a>>,
    /// The line of the last word that was read.
    line: usize,
    /// Why there are no more words, if that is no end.
    failed: Option<Unread>,
}

/// Words of a whole text, or those of a rule.
enum Words<'a> {
    Text(Tokens<'a>),
    List(std::slice::Iter<'a, Placed<'a>>),
}

impl<'a> Source<'a> {
    fn of_text(text: &'a str) -> Self {
        Self::new(text, Words::Text(Tokens::new(text)))
    }

    fn of_words(text: &'a str, words: &'a [Placed<'a>]) -> Self {
        Self::new(text, Words::List(words.iter()))
    }

    fn new(text: &'a str, words: Words<'a>) -> Self {
        let mut source = Self { text, words, next: None, line: 1, failed: None };
        source.next();
        source.line = source.next.map_or(1, |(line, _)| line);
        source
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let read = self.next;
        self.next = match &mut self.words {
            Words::Text(words) => match words.next().transpose() {
                Ok(word) => word,
                Err(failed) => {
                    self.failed = Some(failed);
                    None
                }
            },
            Words::List(words) => words.next().copied(),
        };
        self.line = read.map_or(self.line, |(line, _)| line);
        read.map(|(_, token)| token)
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.next.map(|(_, token)| token)
    }

    /// Whether the next word is this one, which is read then.
    fn is(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        if is {
            self.next();
        }
        is
    }

    fn skip(&mut self, token: &Token<'_>) -> bool {
        let is = self.peek().as_ref() == Some(token);
        if is {
            self.next();
        }
        is
    }

    fn word(&mut self) -> Result<&'a str, Unread> {
        match self.next() {
            Some(Token::Word(word) | Token::Text(word)) => Ok(word),
            _ => Err(self.unread("a word is missing")),
        }
    }

    fn expect(&mut self, word: &str) -> Result<(), Unread> {
        if self.is(word) { Ok(()) } else { Err(self.unread(&format!("`{word}` is missing"))) }
    }

    fn open(&mut self) -> Result<(), Unread> {
        if self.skip(&Token::Open) { Ok(()) } else { Err(self.unread("`{` is missing")) }
    }

    fn ends(&mut self) {
        while self.skip(&Token::End) {}
    }

    fn unread(&self, why: &str) -> Unread {
        let unread = || self.unread_at(self.line, why);
        self.failed.clone().unwrap_or_else(unread)
    }

    fn unread_at(&self, line: usize, why: &str) -> Unread {
        Unread::new(line, self.text.lines().nth(line - 1).unwrap_or_default(), why)
    }

    fn table(&mut self, tables: &mut Vec<Table<'a>>) -> Result<(), Unread> {
        let family = self.word()?;
        let families = match family {
            "inet" => Families { v4: true, v6: true },
            "ip" => Families { v4: true, v6: false },
            "ip6" => Families { v4: false, v6: true },
            _ => return Err(self.unread("a family that is not known here")),
        };
        let name = format!("{family} {}", self.word()?);
        let place = tables.iter().position(|table| table.name == name).unwrap_or_else(|| {
            tables.push(Table { name, sets: BTreeMap::new(), chains: Vec::new() });
            tables.len() - 1
        });
        let table = &mut tables[place];
        if !self.skip(&Token::Open) {
            return Ok(());
        }
        loop {
            self.ends();
            if self.skip(&Token::Close) {
                return Ok(());
            }
            match self.word()? {
                "comment" => drop(self.word()?),
                "map" | "set" => {
                    let name = self.word()?;
                    let set = set::read(self)?;
                    table.sets.insert(name, set);
                }
                "chain" => {
                    let chain = self.chain(families)?;
                    table.chains.push(chain);
                }
                _ => return Err(self.unread("neither a map, a set nor a chain")),
            }
        }
    }

    fn chain(&mut self, families: Families) -> Result<Written<'a>, Unread> {
        let mut chain = Written { name: self.word()?.to_owned(), base: None, rules: Vec::new() };
        self.open()?;
        loop {
            self.ends();
            if self.skip(&Token::Close) {
                return Ok(chain);
            }
            if self.is("type") {
                chain.base = Some(self.base(families)?);
            } else if self.is("comment") {
                self.word()?;
            } else {
                chain.rules.push(self.statement()?);
            }
        }
    }

    /// `type filter hook prerouting priority raw - 150; policy accept;`
    fn base(&mut self, families: Families) -> Result<Base, Unread> {
        let nat = match self.word()? {
            "filter" => false,
            "nat" => true,
            _ => return Err(self.unread("a type of chain that is not known here")),
        };
        self.expect("hook")?;
        let hook = words::hook(self.word()?).ok_or_else(|| self.unread("a hook that is not known here"))?;
        self.expect("priority")?;
        let mut priority =
            words::priority(self.word()?).ok_or_else(|| self.unread("a priority that is not known here"))?;
        for (sign, factor) in [("-", -1), ("+", 1)] {
            if self.is(sign) {
                let more = self.word()?.parse::<i32>().map_err(|_| self.unread("not a number"))?;
                priority += factor * more;
            }
        }
        self.ends();
        let mut accepts = true;
        if self.is("policy") {
            accepts = match self.word()? {
                "accept" => true,
                "drop" => false,
                _ => return Err(self.unread("a policy that is not known here")),
            };
        }
        Ok(Base { hook, priority, nat, accepts, families })
    }

    /// The words up to the end of a rule, without those ends that are inside of braces.
    fn statement(&mut self) -> Result<Vec<Placed<'a>>, Unread> {
        let mut depth = 0_usize;
        let mut words = Vec::new();
        loop {
            let Some((line, token)) = self.next else {
                return Err(self.unread("a chain that does not end"));
            };
            match token {
                Token::Open => depth += 1,
                Token::Close | Token::End if depth == 0 => return Ok(words),
                Token::Close => depth -= 1,
                _ => {}
            }
            if token != Token::End {
                words.push((line, token));
            }
            self.next();
        }
    }
}
