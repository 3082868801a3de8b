//! Blocks, and going on after a mistake.
//!
//! Goes in: the parser of one kind of statement. Comes out: the statements that parse. What must
//! hold: one mistake makes one finding, every token is skipped at most once, and a statement with a
//! bad token makes no second finding.

use super::values::nested;
use super::{Context, Expected, Failure, Parsed, Tokens, fail, fail_reported};
use crate::diag::suggest;
use crate::source::Span;
use crate::syntax::errors::{Advice, Braces, UnclosedBlock, UnexpectedToken, UnknownStatement, quoted};
use crate::syntax::token::{Block, Keyword, Token, TokenKind, is_connective};

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
    /// What stands in the tree for one that did not parse.
    pub(super) hole: fn(Span) -> Option<T>,
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
        // A block that is complete stays, whatever follows its `}`; a line that is not, does not.
        let span = rest.span_since(start.next());
        let hole = (statements.hole)(span);
        list.extend(if hole.is_some() { parsed.or(hole) } else { None });
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
    Block::File.keywords().iter().any(outside)
        && matches!((indent(input), indent(head.start)), (Some(here), Some(block)) if here <= block)
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

/// The keyword that begins a statement of `block`. One that is misspelt is told about and taken for
/// the one it was meant to be, so that the rest of the statement is looked at as well.
pub(super) fn statement_keyword(input: Tokens<'_>, block: Block) -> Parsed<'_, Keyword> {
    let token = input.next();
    if token.kind != TokenKind::Word {
        return fail(input, Expected::Statement);
    }
    let word = input.text(token);
    let found = Keyword::find(word);
    if let Some(keyword) = found.filter(|keyword| block.keywords().contains(keyword)) {
        return Ok((input.after(1), keyword));
    }
    let names = |block: Block| block.keywords().iter().map(|keyword| keyword.text());
    let closest = suggest::closest(word, names(block)).and_then(Keyword::find);
    let places =
        Block::ALL.into_iter().filter(|place| found.is_some_and(|word| place.keywords().contains(&word)));
    let mut places: Vec<&str> = places.map(Block::name).collect();
    places.truncate(2);
    let advice = match (found, closest) {
        (Some(_), _) if is_connective(word) => Advice::Continues,
        (Some(_), _) => Advice::Elsewhere(places),
        (None, Some(keyword)) => Advice::Closest(keyword.text()),
        (None, None) => Advice::List(names(block).collect()),
    };
    let span = input.span(token);
    input.context.find(UnknownStatement { span, word: word.to_owned(), place: block.name(), advice });
    match (found, closest) {
        (None, Some(keyword)) => {
            input.context.guessed.set(Some(input.at));
            Ok((input.after(1), keyword))
        }
        _ => fail_reported(input),
    }
}

/// Where to go on: at the end of the failed statement, blocks included.
fn skip<'a>(start: Tokens<'a>, failure: Failure, in_block: bool) -> Tokens<'a> {
    let mut rest = start.after(failure.at.saturating_sub(start.at));
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

/// Makes the finding of a failed statement, unless there is one already.
fn report(start: Tokens<'_>, failure: Failure, until: Tokens<'_>) {
    let context = start.context;
    let passed = context.tokens.get(start.at..until.at.max(failure.at + 1)).unwrap_or(&[]);
    let has_bad = passed.iter().any(|token| token.kind == TokenKind::Bad);
    if failure.reported || has_bad || context.guessed.get() == Some(start.at) {
        return;
    }
    let token = context.token(failure.at);
    let (span, found) = match token.kind {
        TokenKind::Newline => (context.end_before(failure.at), "the end of the line".to_owned()),
        TokenKind::End => (context.end_before(failure.at), "the end of the file".to_owned()),
        _ => (context.span(token), quoted(token.text(context.text))),
    };
    let expected = failure.expected.words();
    let waiting = failure.expected.has(Expected::RightParen).then(|| open_paren(start, failure.at)).flatten();
    let help = advice(context, failure, token);
    context.find(UnexpectedToken { span, found, expected, waiting, help });
}

/// The parenthesis that is open before the token at `at`.
fn open_paren(start: Tokens<'_>, at: usize) -> Option<(Span, String)> {
    let mut depth = 0_usize;
    let before = start.context.tokens.get(start.at..at).unwrap_or(&[]);
    let open = before.iter().rev().find(|token| match token.kind {
        TokenKind::RightParen => {
            depth += 1;
            false
        }
        TokenKind::LeftParen if depth == 0 => true,
        TokenKind::LeftParen => {
            depth -= 1;
            false
        }
        _ => false,
    });
    open.map(|token| (start.context.span(*token), "this parenthesis is still open".to_owned()))
}

/// What to do about an unexpected token, where that is known.
fn advice(context: &Context<'_>, failure: Failure, token: Token) -> Option<(String, Option<(Span, String)>)> {
    let span = context.span(token);
    let text = token.text(context.text);
    let expected = failure.expected;
    match token.kind {
        TokenKind::Head if !text.starts_with('"') => {
            let brace = Span { start: span.end - 1, end: span.end - 1, ..span };
            Some(("put a blank before `{` if it opens a block".to_owned(), Some((brace, " ".to_owned()))))
        }
        TokenKind::DotDot if expected.has(Expected::FileName) => {
            Some(("put the file name in double quotes".to_owned(), None))
        }
        TokenKind::DotDot if expected.has(Expected::Comma) && expected.has(Expected::Log) => {
            Some(("a range of ports is written with a dash: `30000-30100`".to_owned(), None))
        }
        TokenKind::Word if is_connective(text) && expected.has_name() => {
            let help = format!("`{text}` has a meaning of its own; as a name it needs double quotes");
            Some((help, Some((span, format!("\"{text}\"")))))
        }
        TokenKind::Word if expected.has(Expected::Operator) && text.starts_with(['-', '*', '/']) => {
            let after = Span { start: span.start + 1, end: span.start + 1, ..span };
            Some(("an operator stands between blanks".to_owned(), Some((after, " ".to_owned()))))
        }
        TokenKind::Word => suggest::closest(text, expected.connectives())
            .map(|keyword| (format!("did you mean `{keyword}`?"), Some((span, keyword.to_owned())))),
        _ => None,
    }
}
