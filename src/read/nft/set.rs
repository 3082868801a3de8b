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
    let (mut set, mut kinds, mut interval) = (Set { elements: Vec::new() }, Vec::new(), false);
    loop {
        source.ends();
        if source.skip(&Token::Close) {
            return match set.elements.iter().find(|element| !fits(element, &kinds, interval)) {
                Some(element) => {
                    Err(source.unread_at(element.line, "not of the type or the flags of its set"))
                }
                None if kinds.is_empty() => Err(source.unread("a set without a type")),
                None => Ok(set),
            };
        }
        match source.word()? {
            "elements" => {
                source.expect("=")?;
                source.open()?;
                set.elements = elements(source)?;
            }
            word @ ("type" | "typeof" | "flags" | "size" | "comment") => {
                let mut words = Vec::new();
                while let Some(Token::Word(next) | Token::Text(next)) = source.peek() {
                    words.push(next);
                    source.next();
                }
                match word {
                    "type" | "typeof" => kinds = kinds_of(&words).map_err(|why| source.unread(&why))?,
                    "flags" => {
                        interval = words == ["interval"];
                        if !interval && words != ["constant"] {
                            return Err(source.unread("a flag of a set that is not known here"));
                        }
                    }
                    _ => {}
                }
            }
            _ => return Err(source.unread("a property of a set that is not known here")),
        }
    }
}

/// What the words of a key or of what it leads to are: nft(8), DATA TYPES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    V4,
    V6,
    Number,
    Device,
    Protocol,
    Verdict,
}

/// `ipv4_addr . mark : verdict`, or `oifname : ct zone`: the kinds of the key, and of the data behind them.
fn kinds_of(words: &[&str]) -> Result<Vec<(bool, Kind)>, String> {
    let mut kinds = Vec::new();
    let parts = words.split(|word| *word == ":");
    for (part, data) in parts.zip([false, true]) {
        for field in part.split(|word| *word == ".") {
            let kind = match field {
                ["ipv4_addr"] => Kind::V4,
                ["ipv6_addr"] => Kind::V6,
                ["mark" | "inet_service"] | ["meta", "mark"] | ["ct", "zone"] => Kind::Number,
                ["ifname" | "oifname" | "iifname"] => Kind::Device,
                ["inet_proto"] => Kind::Protocol,
                ["verdict"] => Kind::Verdict,
                _ => return Err("a type of a set that is not known here".to_owned()),
            };
            kinds.push((data, kind));
        }
    }
    Ok(kinds)
}

/// Whether nft takes an element in a set of these kinds; ranges and prefixes it takes in intervals alone.
fn fits(element: &Element, kinds: &[(bool, Kind)], interval: bool) -> bool {
    let of = |data: bool| kinds.iter().filter(move |kind| kind.0 == data).map(|kind| kind.1);
    let fits = |kind: Kind, word: &str| match kind {
        Kind::V4 | Kind::V6 => words::addresses(word).is_some_and(|(v4, first, last)| {
            v4 == (kind == Kind::V4) && (interval || first == last && !word.contains('/'))
        }),
        Kind::Number => match word.split_once('-') {
            Some((first, last)) => interval && [first, last].iter().all(|it| words::number(it).is_some()),
            None => words::number(word).is_some(),
        },
        Kind::Device => words::number(word).is_none() && words::addresses(word).is_none(),
        Kind::Protocol => words::protocol(word).is_some(),
        Kind::Verdict => ["accept", "drop", "return", "jump", "goto"].contains(&word),
    };
    let key = of(false).count() == element.keys().count()
        && of(false).zip(element.keys()).all(|(kind, word)| fits(kind, word));
    let data = match of(true).next() {
        None => element.data.is_empty(),
        Some(kind) => element.data.first().is_some_and(|word| fits(kind, word)),
    };
    key && data
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
