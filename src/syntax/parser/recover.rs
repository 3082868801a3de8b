//! Blocks, and going on after a mistake.
//!
//! Goes in: the parser of one kind of statement. Comes out: the statements that parse. What must
//! hold: one mistake makes one finding, every token is skipped at most once, and a statement with a
//! bad token makes no second finding.

use super::report::{self, report};
use super::values::nested;
use super::{Context, Expected, Failure, Parsed, Tokens, fail, fail_reported};
use crate::source::Span;
use crate::syntax::errors::{Braces, UnclosedBlock};
use crate::syntax::token::{Block, Keyword, Token, TokenKind};

/// A block's head, for what is said about its braces.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    /// The place of its keyword.
    pub(super) start: Tokens<'a>,
    /// What the block holds.
    pub(super) block: Block,
}

impl Head<'_> {
    fn keyword(self) -> String {
        self.start.text(self.start.next()).to_owned()
    }
}

/// What is tried in a block.
pub(super) struct Statements<'a, T> {
    /// Parses one statement, without its end.
    pub(super) parse: fn(Tokens<'a>) -> Parsed<'a, T>,
    /// What stands in the tree for one that did not parse, or that has something after its end.
    pub(super) hole: fn(Option<T>, Span) -> Option<T>,
}

impl<T> Clone for Statements<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Statements<'_, T> {}

/// A block from `{` to `}`.
pub(super) fn block<'a, T>(
    input: Tokens<'a>,
    head: Head<'a>,
    statements: Statements<'a, T>,
) -> Parsed<'a, Vec<T>> {
    let (rest, open) = opening(input, head)?;
    let inside = nested(rest, |rest| Ok(statements_until_brace(rest, Some(head), statements)));
    let Ok((rest, list)) = inside else {
        // Nested too deep, which is said: the whole block is passed over.
        let rest = after_block(rest);
        return Ok((rest, Vec::new()));
    };
    Ok((closing(rest, head, open), list))
}

/// `{`, or nothing where it is missing but the block's statements follow all the same.
fn opening<'a>(input: Tokens<'a>, head: Head<'a>) -> Parsed<'a, Option<Token>> {
    let context = input.context;
    if report::apart(input, head.block) {
        return fail_reported(input);
    }
    if input.kind() == TokenKind::LeftBrace {
        return Ok((input.after(1), Some(input.next())));
    }
    let next = without_ends(input);
    if input.kind() == TokenKind::Newline && next.kind() == TokenKind::LeftBrace {
        let problem = Braces::NextLine { head: context.end_before(input.at), keyword: head.keyword() };
        context.find(UnclosedBlock { span: next.span(next.next()), problem });
        return Ok((next.after(1), Some(next.next())));
    }
    if input.kind() == TokenKind::Newline
        && head.block.keywords().iter().any(|known| is_keyword(next, *known))
    {
        let deeper = indent(next) > indent(head.start);
        if deeper || head.block != Block::For {
            let span = context.end_before(input.at);
            context.find(UnclosedBlock { span, problem: Braces::Unopened { keyword: head.keyword() } });
            return Ok((next, None));
        }
    }
    fail(input, Expected::LeftBrace)
}

/// Whether a block follows, or was meant to.
pub(super) fn block_follows(input: Tokens<'_>, block: Block) -> bool {
    let next = without_ends(input);
    match input.kind() {
        TokenKind::LeftBrace => true,
        TokenKind::Newline => {
            next.kind() == TokenKind::LeftBrace
                || block.keywords().iter().any(|known| is_keyword(next, *known))
        }
        _ => false,
    }
}

/// `}`, or nothing where it is missing, which is told once.
fn closing<'a>(input: Tokens<'a>, head: Head<'a>, open: Option<Token>) -> Tokens<'a> {
    let context = input.context;
    let token = input.next();
    if token.kind == TokenKind::RightBrace {
        if let (Some(open), Some(from), Some(to)) = (open, indent(head.start), indent(input))
            && from != to
        {
            context.doubtful.set(Some((input.span(open), input.span(token))));
        }
        return input.after(1);
    }
    context.unclosed.set(Some(input.at));
    let Some(open) = open else { return input };
    let open = input.span(open);
    if token.kind == TokenKind::End && context.ended.replace(true) {
        return input;
    }
    let span = if token.kind == TokenKind::End { context.end_before(input.at) } else { input.span(token) };
    let doubtful = context.doubtful.get().filter(|(from, _)| from.start > open.start);
    context
        .find(UnclosedBlock { span, problem: Braces::Unclosed { open, keyword: head.keyword(), doubtful } });
    input
}

/// Statements up to the block's `}`, which is left, or to the end of the file.
pub(super) fn statements_until_brace<'a, T>(
    input: Tokens<'a>,
    head: Option<Head<'a>>,
    statements: Statements<'a, T>,
) -> (Tokens<'a>, Vec<T>) {
    let context = input.context;
    let mut list = Vec::new();
    let mut rest = input;
    loop {
        rest = without_ends(rest);
        match rest.kind() {
            TokenKind::End => return (rest, list),
            TokenKind::RightBrace if head.is_some() => return (rest, list),
            TokenKind::RightBrace => {
                context.find(UnclosedBlock { span: rest.span(rest.next()), problem: Braces::Stray });
                rest = rest.after(1);
                continue;
            }
            _ if head.is_some_and(|head| belongs_outside(rest, head)) => return (rest, list),
            _ => {}
        }
        context.operators.set(0);
        let start = rest;
        let (parsed, failure) = match (statements.parse)(start) {
            Ok((after, statement)) => match end(after) {
                Ok(_) => {
                    list.push(statement);
                    rest = after;
                    continue;
                }
                Err(error) => (Some(statement), error),
            },
            Err(error) => (None, error),
        };
        let (nom::Err::Error(failure) | nom::Err::Failure(failure)) = failure else { return (rest, list) };
        let failure = if failure.reported { failure } else { failure.or(context.farthest.get()) };
        rest = skip(start, failure, head.is_some());
        report(start, failure, rest);
        if let Some(block) = swallowed_block(start, rest) {
            rest = after_block(block);
        }
        list.extend((statements.hole)(parsed, rest.span_since(start.next())));
    }
}

/// The end of a statement; before `}` and at the end of the file there need be none.
///
/// ```ebnf
/// end = ";" | NEWLINE ;
/// ```
fn end(input: Tokens<'_>) -> Parsed<'_, ()> {
    match input.kind() {
        TokenKind::Semicolon | TokenKind::Newline | TokenKind::RightBrace | TokenKind::End => Ok((input, ())),
        // A block that lacks its `}` ends in front of the next statement.
        _ if input.context.unclosed.get() == Some(input.at) => Ok((input, ())),
        _ => fail(input, Expected::End),
    }
}

fn without_ends(mut input: Tokens<'_>) -> Tokens<'_> {
    while matches!(input.kind(), TokenKind::Semicolon | TokenKind::Newline) {
        input = input.after(1);
    }
    input
}

/// Whether a statement inside a block belongs outside of it and is not indented deeper than the
/// block: then the block lacks its `}`.
fn belongs_outside(input: Tokens<'_>, head: Head<'_>) -> bool {
    let outside = |keyword: &Keyword| !head.block.keywords().contains(keyword) && is_keyword(input, *keyword);
    // The indentation is compared first, because it alone settles nearly every statement.
    matches!((indent(input), indent(head.start)), (Some(here), Some(block)) if here <= block)
        && Block::File.keywords().iter().any(outside)
}

fn is_keyword(input: Tokens<'_>, keyword: Keyword) -> bool {
    input.kind() == TokenKind::Word && input.text(input.next()) == keyword.text()
}

/// How many bytes stand before the first token of a line; `None` for any other token.
fn indent(input: Tokens<'_>) -> Option<u32> {
    let start = input.next().start;
    match input.at.checked_sub(1).map(|before| input.context.token(before)) {
        None => Some(start),
        Some(before) if before.kind == TokenKind::Newline => Some(start - before.end),
        Some(_) => None,
    }
}

/// Where to go on: at the end of the failed statement, blocks included.
fn skip<'a>(start: Tokens<'a>, failure: Failure, in_block: bool) -> Tokens<'a> {
    let mut rest = start.after(failure.at.saturating_sub(start.at));
    if is_given_up(rest.context, failure.at) {
        rest = rest.after(1);
    }
    let mut depth = 0_usize;
    // Where `{` is missing, the `}` of the same line has lost its partner.
    let mut lost = failure.expected.has(Expected::LeftBrace);
    loop {
        match rest.kind() {
            TokenKind::End => {
                if depth > 0 {
                    rest.context.ended.set(true);
                }
                return rest;
            }
            TokenKind::Newline | TokenKind::Semicolon if depth == 0 => return rest,
            TokenKind::LeftBrace => depth += 1,
            TokenKind::RightBrace if depth > 0 => depth -= 1,
            TokenKind::RightBrace if lost => lost = false,
            TokenKind::RightBrace if in_block => return rest,
            TokenKind::RightBrace => {}
            _ => {}
        }
        rest = rest.after(1);
    }
}

/// Whether a token is a `{` directly after a word, which the lexer has told about: where no block
/// can be, it was no block.
pub(super) fn is_given_up(context: &Context<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| context.token(before)) else { return false };
    let token = context.token(at);
    token.kind == TokenKind::LeftBrace
        && matches!(before.kind, TokenKind::Word | TokenKind::Tail)
        && before.end == token.start
}

/// The statements of a block whose `{` is a part of a bad token in its head.
fn swallowed_block<'a>(start: Tokens<'a>, end: Tokens<'a>) -> Option<Tokens<'a>> {
    let block = match Keyword::find(start.text(start.next()))? {
        Keyword::Network => Block::Network,
        Keyword::Gateway => Block::Gateway,
        Keyword::Connect => Block::Connect,
        Keyword::For => Block::For,
        _ => return None,
    };
    let last = start.context.token(end.at.checked_sub(1)?);
    let next = without_ends(end);
    let follows =
        block.keywords().iter().any(|known| is_keyword(next, *known)) && indent(next) > indent(start);
    (last.kind == TokenKind::Bad && follows).then_some(next)
}

/// After the `}` of a block whose `{` is passed.
fn after_block(input: Tokens<'_>) -> Tokens<'_> {
    let mut rest = input;
    let mut depth = 1_usize;
    while depth > 0 {
        match rest.kind() {
            TokenKind::End => {
                rest.context.ended.set(true);
                return rest;
            }
            TokenKind::LeftBrace => depth += 1,
            TokenKind::RightBrace => depth -= 1,
            _ => {}
        }
        rest = rest.after(1);
    }
    rest
}
