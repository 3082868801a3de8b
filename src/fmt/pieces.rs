//! What a text is made of: tokens and the comments between them, in one order.
//!
//! Goes in: what the lexer made of a text. Comes out: elements by their places, and the tokens as far as they have
//! a meaning. What must hold: whatever is no element of a text is blank.

use crate::syntax::lexer::Lexed;
use crate::syntax::token::{Token, TokenKind};

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Token(TokenKind),
    Comment,
}

/// A token or a comment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

impl Element {
    /// Whether a statement is over before it.
    pub(super) const fn ends(self) -> bool {
        matches!(
            self.kind,
            Kind::Token(TokenKind::Newline | TokenKind::Semicolon | TokenKind::RightBrace | TokenKind::End)
        )
    }

    pub(super) fn is(self, kind: TokenKind) -> bool {
        self.kind == Kind::Token(kind)
    }
}

/// Tokens and comments together.
pub(super) fn elements(lexed: &Lexed) -> Vec<Element> {
    let mut elements: Vec<Element> = lexed
        .tokens
        .iter()
        .map(|token| (Kind::Token(token.kind), token.start, token.end))
        .chain(lexed.comments.iter().map(|span| (Kind::Comment, span.start, span.end)))
        .map(|(kind, start, end)| Element { kind, start: start as usize, end: end as usize })
        .collect();
    elements.sort_by_key(|element| element.start);
    elements
}

/// The tokens without the ends of statements that end nothing: those in the beginning, after `{`, after another
/// end, before `}` and at the end of the file. An end is told by its first token.
pub(super) fn statements(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    let is_end = |token: &Token| matches!(token.kind, TokenKind::Newline | TokenKind::Semicolon);
    let begins = move |before: Option<&Token>| {
        before.is_none_or(|before| is_end(before) || before.kind == TokenKind::LeftBrace)
    };
    let closes = move |rest: &[Token]| {
        let next = rest.iter().find(|token| !is_end(token));
        next.is_none_or(|next| matches!(next.kind, TokenKind::RightBrace | TokenKind::End))
    };
    tokens.iter().enumerate().filter_map(move |(at, token)| {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let nothing = is_end(token) && (begins(before) || closes(tokens.get(at + 1..).unwrap_or_default()));
        (!nothing).then_some(token)
    })
}
