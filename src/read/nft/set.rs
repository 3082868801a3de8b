//! Sets and maps of nft: named ones, and those that stand in a rule.
//!
//! Goes in: words. Comes out: elements, with what they lead to.

use super::Source;
use crate::read::Unread;
use crate::read::filter::{Field, Name, Values};
use crate::read::token::Token;
use crate::read::words;

/// A named set or map.
#[derive(Clone, Debug)]
pub(super) struct Set<'t> {
    pub(super) elements: Vec<Element<'t>>,
}

/// An element as it is written: what its words mean depends on the field that is looked for.
#[derive(Clone, Debug)]
pub(super) struct Element<'t> {
    pub(super) line: usize,
    /// The word for the first field.
    pub(super) key: &'t str,
    /// One word for each of the others.
    pub(super) more: Vec<&'t str>,
    /// What it leads to: words behind the colon.
    pub(super) data: Vec<&'t str>,
}

impl<'t> Element<'t> {
    /// One word for each field.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'t str> + '_ {
        std::iter::once(self.key).chain(self.more.iter().copied())
    }

    /// The words of one that has one field and leads to one word.
    pub(super) fn pair(&self) -> Option<(&'t str, &'t str)> {
        match (self.more.as_slice(), self.data.as_slice()) {
            ([], [data]) => Some((self.key, data)),
            _ => None,
        }
    }
}

/// Reads the body of a named set, from its `{` on.
pub(super) fn read<'t>(source: &mut Source<'t>) -> Result<Set<'t>, Unread> {
    source.open()?;
    let mut set = Set { elements: Vec::new() };
    loop {
        source.ends();
        if source.skip(&Token::Close) {
            return Ok(set);
        }
        match source.word()? {
            "elements" => {
                source.expect("=")?;
                source.open()?;
                set.elements = elements(source)?;
            }
            // What these words say, the rules that look there say, too.
            "type" | "typeof" | "flags" | "size" | "comment" => {
                while !matches!(source.peek(), Some(Token::End | Token::Close) | None) {
                    source.next();
                }
            }
            _ => return Err(source.unread("a property of a set that is not known here")),
        }
    }
}

/// Elements behind a `{`, with the `}`.
pub(super) fn elements<'t>(source: &mut Source<'t>) -> Result<Vec<Element<'t>>, Unread> {
    let mut elements = Vec::new();
    loop {
        source.ends();
        if source.skip(&Token::Close) {
            // nft takes a comma before it, but not nothing.
            return if elements.is_empty() { Err(source.unread("no elements")) } else { Ok(elements) };
        }
        let mut element = Element { line: 0, key: source.word()?, more: Vec::new(), data: Vec::new() };
        element.line = source.line;
        while source.is(".") {
            element.more.push(source.word()?);
        }
        if source.is(":") {
            element.data.push(source.word()?);
            if let Some(Token::Word(word)) = source.peek()
                && word != "comment"
            {
                element.data.push(source.word()?);
            }
        }
        if source.is("comment") {
            source.word()?;
        }
        elements.push(element);
        source.ends();
        if !source.skip(&Token::Comma) {
            source.ends();
            if !source.skip(&Token::Close) {
                return Err(source.unread("`,` or `}` is missing"));
            }
            return Ok(elements);
        }
    }
}

/// The values of a field that some words stand for; `None` if one of them stands for none.
pub(super) fn values<'w>(field: Field, words: impl Iterator<Item = &'w str>) -> Option<Values> {
    if matches!(field, Field::In | Field::Out) {
        let name = |word: &str| match word.strip_suffix('*') {
            Some(text) => Name { text: text.to_owned(), open: true },
            None => Name { text: word.to_owned(), open: false },
        };
        let mut names: Vec<Name> = words.map(name).collect();
        names.sort();
        names.dedup();
        return Some(Values::Names(names));
    }
    let mut ranges = words.map(|word| words::range(field, word)).collect::<Option<Vec<(u128, u128)>>>()?;
    ranges.sort_unstable();
    Some(Values::Ranges(words::joined(ranges)))
}
