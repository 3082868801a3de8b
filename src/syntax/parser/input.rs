//! The parser's input: what is left of a file's tokens.
//!
//! Goes in: the shared context. Comes out: a small value that nom can cut and look into. What must
//! hold: the last token of the file is never consumed, so there is always a next one.

use std::iter::{Copied, Enumerate};
use std::slice::Iter;

use nom::{Input, Needed};

use super::Context;
use crate::source::Span;
use crate::syntax::token::{Token, TokenKind};

/// The tokens from one place on.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'a> {
    rest: &'a [Token],
    /// How many tokens of the file lie before.
    pub(super) at: usize,
    pub(super) context: &'a Context<'a>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self { rest: context.tokens, at: 0, context }
    }

    /// The next token; at the end of the file always [`TokenKind::End`].
    pub(super) fn next(self) -> Token {
        self.rest.first().copied().unwrap_or_else(|| self.context.token(usize::MAX))
    }

    pub(super) fn kind(self) -> TokenKind {
        self.next().kind
    }

    /// The token after the next one.
    pub(super) fn second(self) -> Token {
        self.context.token(self.at + 1)
    }

    /// The tokens after the next `count`.
    pub(super) fn after(self, count: usize) -> Self {
        let count = count.min(self.rest.len().saturating_sub(1));
        Self { rest: self.rest.get(count..).unwrap_or(&[]), at: self.at + count, ..self }
    }

    pub(super) fn text(self, token: Token) -> &'a str {
        token.text(self.context.text)
    }

    pub(super) fn span(self, token: Token) -> Span {
        self.context.span(token)
    }

    /// From `first` to the last token before these.
    pub(super) fn span_since(self, first: Token) -> Span {
        let last = self.at.checked_sub(1).map_or(first, |before| self.context.token(before));
        self.span(first).to(self.span(last))
    }
}

impl<'a> Input for Tokens<'a> {
    type Item = Token;
    type Iter = Copied<Iter<'a, Token>>;
    type IterIndices = Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.rest.len()
    }

    fn take(&self, index: usize) -> Self {
        Self { rest: self.rest.get(..index).unwrap_or(self.rest), ..*self }
    }

    fn take_from(&self, index: usize) -> Self {
        Self { rest: self.rest.get(index..).unwrap_or(&[]), at: self.at + index, ..*self }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(Self::Item) -> bool>(&self, predicate: P) -> Option<usize> {
        self.rest.iter().position(|token| predicate(*token))
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest.iter().copied()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.rest.iter().copied().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        if count <= self.rest.len() { Ok(count) } else { Err(Needed::new(count - self.rest.len())) }
    }
}
