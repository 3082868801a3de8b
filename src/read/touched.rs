//! The objects of packet filters that a text makes, replaces or removes, whoever they belong to.
//!
//! Goes in: text that [`super::nft`] or [`super::iptables`] has read. Comes out: every [`Touched`] with its
//! line. What must hold: what leaves no trace in a [`super::filter::Filter`] is among them, as a table that is
//! deleted, or a policy that is set.

use super::Unread;
use super::token::{Placed, Token, Tokens};

/// An object, and what is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub object: Object,
}

/// What is done to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A table of nftables is made or removed, as `inet ovl`.
    Table(String),
    /// A chain, a set or a map within one.
    Within {
        /// The table.
        table: String,
        /// Its name.
        name: String,
    },
    /// A chain of a table of iptables is made, or emptied where it is there.
    Chain(String),
    /// The policy of a built-in chain is set.
    Policy(String),
    /// A rule is added to a chain of iptables.
    Rule {
        /// The chain.
        chain: String,
        /// Where: the first place is 1; at the end where nothing is said.
        place: Option<usize>,
    },
}

/// What a text for `nft -f` touches.
///
/// # Errors
///
/// It is not nft's.
pub fn of_nft(text: &str) -> Result<Vec<Touched>, Unread> {
    let mut tokens = Tokens::new(text);
    let mut ahead = || tokens.next().transpose();
    let word = |placed: Option<Placed<'_>>| match placed {
        Some((_, Token::Word(word) | Token::Text(word))) => Some(word.to_owned()),
        _ => None,
    };
    let (mut touched, mut depth, mut table) = (Vec::new(), 0_usize, String::new());
    let (mut begins, mut now, mut second, mut third) = (true, ahead()?, ahead()?, ahead()?);
    while let Some((line, token)) = now {
        match (depth, token) {
            (_, Token::Open) => depth += 1,
            (_, Token::Close) => depth = depth.saturating_sub(1),
            // `delete table` names it in the words behind.
            (0, Token::Word("table")) => {
                if let (Some(family), Some(name)) = (word(second), word(third)) {
                    table = format!("{family} {name}");
                    touched.push(Touched { line, object: Object::Table(table.clone()) });
                }
            }
            (1, Token::Word("chain" | "set" | "map")) if begins => {
                if let Some(name) = word(second) {
                    touched.push(Touched { line, object: Object::Within { table: table.clone(), name } });
                }
            }
            _ => {}
        }
        begins = matches!(token, Token::End | Token::Open | Token::Close);
        (now, second, third) = (second, third, ahead()?);
    }
    Ok(touched)
}

/// What a text for `iptables-restore --noflush` touches.
#[must_use]
pub fn of_iptables(text: &str) -> Vec<Touched> {
    let mut touched = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let object = match words.as_slice() {
            [first, "-", ..] if first.starts_with(':') => Object::Chain(first[1..].to_owned()),
            [first, ..] if first.starts_with(':') => Object::Policy(first[1..].to_owned()),
            [verb @ ("-A" | "-I"), chain, rest @ ..] => {
                let place = (*verb == "-I").then(|| rest.first().and_then(|place| place.parse().ok()));
                Object::Rule { chain: (*chain).to_owned(), place: place.flatten() }
            }
            _ => continue,
        };
        touched.push(Touched { line: index + 1, object });
    }
    touched
}
