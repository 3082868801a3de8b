//! From tokens to the tree, with nom on a slice of tokens.
//!
//! Goes in: a file's tokens. Comes out: its tree and what was wrong. What must hold: a function
//! named as a production of `grammar/overlapc.ebnf` parses that production and carries its text;
//! a failed attempt allocates nothing; no nom type is seen outside of this module.

mod connect;
mod dialect;
mod expected;
mod gateway;
mod input;
mod items;
mod network;
mod recover;
mod report;
mod values;

use std::cell::{Cell, RefCell};

use nom::combinator::opt;
use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Parser};

use super::ast;
use super::token::{Keyword, Token, TokenKind};
use crate::diag::{Diagnostics, Finding};
use crate::source::{FileId, Span};
use expected::{Expectations, Expected};
use input::Tokens;

/// Parses a file's tokens, which end with [`TokenKind::End`].
pub(super) fn parse(file: FileId, text: &str, tokens: &[Token], findings: &mut Diagnostics) -> ast::File {
    let context = Context {
        file,
        text,
        tokens,
        findings: RefCell::default(),
        farthest: Cell::default(),
        depth: Cell::new(0),
        operators: Cell::new(0),
        guessed: Cell::new(None),
        ended: Cell::new(false),
        unclosed: Cell::new(None),
        doubtful: Cell::new(None),
    };
    let items = items::file(Tokens::new(&context)).map(|(_, items)| items).unwrap_or_default();
    findings.extend(context.findings.into_inner());
    ast::File { items }
}

/// What all parsers of one file share.
struct Context<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    findings: RefCell<Diagnostics>,
    /// The farthest attempt that failed and was not needed: its expectations belong into the
    /// message when the next thing fails at the same token.
    farthest: Cell<Failure>,
    /// How many blocks, parentheses and interpolations are open.
    depth: Cell<usize>,
    /// How many operators, calls and parentheses the current statement has.
    operators: Cell<usize>,
    /// The first token of the statement whose keyword was guessed, and a finding made about it.
    guessed: Cell<Option<usize>>,
    /// Whether it was already said that the file ends too early.
    ended: Cell<bool>,
    /// The token before which a block ended without its `}`.
    unclosed: Cell<Option<usize>>,
    /// A block whose braces are indented differently: a hint when a later one stays open.
    doubtful: Cell<Option<(Span, Span)>>,
}

impl Context<'_> {
    fn find(&self, finding: impl Finding) {
        self.findings.borrow_mut().push(finding);
    }

    fn token(&self, at: usize) -> Token {
        let end = Token { kind: TokenKind::End, start: 0, end: 0 };
        self.tokens.get(at).or(self.tokens.last()).copied().unwrap_or(end)
    }

    fn span(&self, token: Token) -> Span {
        Span { file: self.file, start: token.start, end: token.end }
    }

    /// The empty place after the last token that is no newline before the one at `at`.
    fn end_before(&self, at: usize) -> Span {
        let before = self.tokens.get(..at).unwrap_or(&[]);
        let last = before.iter().rev().find(|token| token.kind != TokenKind::Newline);
        let end = last.map_or(0, |token| token.end);
        Span { file: self.file, start: end, end }
    }

    /// Remembers an attempt that failed and was not needed.
    fn remember(&self, failure: Failure) {
        self.farthest.set(self.farthest.get().or(failure));
    }
}

/// Why a parser failed: where, and what would have been right there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Failure {
    /// The token, counted from the beginning of the file.
    at: usize,
    expected: Expectations,
    /// Whether the finding is already made.
    reported: bool,
}

impl Failure {
    /// The farther of two; at one place, both together.
    fn or(self, other: Self) -> Self {
        if self.at == other.at {
            let reported = self.reported || other.reported;
            Self { at: self.at, expected: self.expected.union(other.expected), reported }
        } else if self.at > other.at {
            self
        } else {
            other
        }
    }
}

impl ParseError<Tokens<'_>> for Failure {
    fn from_error_kind(input: Tokens<'_>, _: ErrorKind) -> Self {
        Self { at: input.at, ..Self::default() }
    }

    fn append(_: Tokens<'_>, _: ErrorKind, other: Self) -> Self {
        other
    }

    fn or(self, other: Self) -> Self {
        Self::or(self, other)
    }
}

type Parsed<'a, T> = IResult<Tokens<'a>, T, Failure>;

/// A failure at the next token, where `expected` would have been right.
fn failure(input: Tokens<'_>, expected: Expected) -> Failure {
    Failure { at: input.at, expected: expected.into(), reported: false }
}

/// Fails at the next token, where `expected` would have been right.
fn fail<T>(input: Tokens<'_>, expected: Expected) -> Parsed<'_, T> {
    Err(nom::Err::Error(failure(input, expected)))
}

/// Fails at the next token; the finding is made.
fn fail_reported<T>(input: Tokens<'_>) -> Parsed<'_, T> {
    Err(nom::Err::Failure(Failure { at: input.at, reported: true, ..Failure::default() }))
}

/// A sign with a fixed text.
fn sign<'a>(kind: TokenKind) -> impl Fn(Tokens<'a>) -> Parsed<'a, Token> {
    move |input| match input.next() {
        token if token.kind == kind => {
            report::dots(input, token);
            Ok((input.after(1), token))
        }
        _ => fail(input, Expected::sign(kind)),
    }
}

/// A word that joins the parts of a statement.
fn connective<'a>(keyword: Keyword) -> impl Fn(Tokens<'a>) -> Parsed<'a, Token> {
    move |input| match input.next() {
        token if token.kind == TokenKind::Word && input.text(token) == keyword.text() => {
            Ok((input.after(1), token))
        }
        _ => fail(input, Expected::connective(keyword)),
    }
}

/// `parser`, whose failure is kept for the message in case the next thing fails as well.
fn remembered<'a, T>(
    mut parser: impl Parser<Tokens<'a>, Output = T, Error = Failure>,
) -> impl FnMut(Tokens<'a>) -> Parsed<'a, T> {
    move |input| {
        parser.parse(input).inspect_err(|error| {
            if let nom::Err::Error(failure) = error {
                input.context.remember(*failure);
            }
        })
    }
}

/// `parser` or nothing.
fn optional<'a, T>(
    parser: impl Parser<Tokens<'a>, Output = T, Error = Failure>,
) -> impl Parser<Tokens<'a>, Output = Option<T>, Error = Failure> {
    opt(remembered(parser))
}

/// `parser`, called `expected` where it fails at its first token.
fn named<'a, T>(
    expected: Expected,
    mut parser: impl Parser<Tokens<'a>, Output = T, Error = Failure>,
) -> impl FnMut(Tokens<'a>) -> Parsed<'a, T> {
    move |input| match parser.parse(input) {
        Err(nom::Err::Error(failure)) if failure.at == input.at && !failure.reported => fail(input, expected),
        result => result,
    }
}
