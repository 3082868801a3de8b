//! Words and expressions.
//!
//! Goes in: tokens of a value position. Comes out: [`Word`] and [`Expr`]. What must hold: the tree
//! of one statement is never deeper than the limits here allow, so that walking and dropping it is
//! safe on any stack.

use nom::Parser;
use nom::combinator::cut;
use nom::sequence::delimited;

use super::{Expected, Failure, Parsed, Tokens, fail, fail_reported, failure, named, sign};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Expr, Operator, Part, Word};
use crate::syntax::errors::{Nested, NestedTooDeep, UnexpectedToken, quoted};
use crate::syntax::token::{TokenKind, is_connective};

/// Blocks, parentheses and interpolations inside each other.
pub(super) const DEEPEST: usize = 64;

/// Operators, calls and parentheses in one statement.
const MOST_OPERATORS: usize = 256;

/// A bare or quoted word.
///
/// ```ebnf
/// word = WORD | STRING | HEAD expression { MIDDLE expression } TAIL ;
/// ```
pub(super) fn word(input: Tokens<'_>) -> Parsed<'_, Word> {
    let token = input.next();
    let text = input.text(token);
    match token.kind {
        TokenKind::Word if !is_connective(text) => {
            let parts = vec![Part::Text(text.to_owned())];
            Ok((input.after(1), Word { span: input.span(token), parts, quoted: false }))
        }
        TokenKind::String => {
            let parts = literal(text, true, 1).into_iter().collect();
            Ok((input.after(1), Word { span: input.span(token), parts, quoted: true }))
        }
        TokenKind::Head => nested(input, interpolated),
        _ => fail(input, Expected::Word),
    }
}

/// A word from its [`TokenKind::Head`] to its [`TokenKind::Tail`].
fn interpolated(input: Tokens<'_>) -> Parsed<'_, Word> {
    let head = input.next();
    let quoted = input.text(head).starts_with('"');
    let mut parts: Vec<Part> = literal(input.text(head), quoted, usize::from(quoted)).into_iter().collect();
    let mut rest = input.after(1);
    loop {
        let (after, value) = expression(rest).or_else(|error| broken(input, error))?;
        parts.push(Part::Expr(value));
        let token = after.next();
        rest = after.after(1);
        match token.kind {
            TokenKind::Middle => parts.extend(literal(after.text(token), quoted, 1)),
            TokenKind::Tail => {
                parts.extend(literal(after.text(token), quoted, 1));
                return Ok((rest, Word { span: rest.span_since(head), parts, quoted }));
            }
            _ => return broken(input, nom::Err::Failure(failure(after, Expected::RightBrace))),
        }
    }
}

/// The text of a piece of a word without its brackets and quotes, `front` bytes at its beginning.
fn literal(piece: &str, quoted: bool, front: usize) -> Option<Part> {
    let text = piece.get(front..).unwrap_or("");
    let text = if quoted { text.strip_suffix('"').unwrap_or(text) } else { text };
    let text = text.strip_suffix('{').unwrap_or(text);
    if text.is_empty() {
        return None;
    }
    if !quoted || !text.contains('\\') {
        return Some(Part::Text(text.to_owned()));
    }
    let mut unescaped = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        unescaped.push(if character == '\\' { characters.next().unwrap_or('\\') } else { character });
    }
    Some(Part::Text(unescaped))
}

/// An interpolation that does not parse: in a bare word, `{` was probably meant to open a block.
fn broken<T>(input: Tokens<'_>, error: nom::Err<Failure>) -> Parsed<'_, T> {
    let (nom::Err::Error(failure) | nom::Err::Failure(failure)) = error else { return Err(error) };
    let head = input.next();
    let failure = failure.or(input.context.farthest.get());
    let found = input.context.token(failure.at);
    if failure.reported || input.text(head).starts_with('"') || found.kind == TokenKind::Bad {
        return Err(nom::Err::Failure(failure));
    }
    let brace = Span { start: head.end - 1, ..input.span(head) };
    input.context.find(UnexpectedToken {
        span: input.span(found),
        found: quoted(input.text(found)),
        expected: failure.expected.words(),
        waiting: Some((brace, "directly after a word, `{` opens an interpolation".to_owned())),
        help: Some((
            "put a blank before `{` if it opens a block".to_owned(),
            Some((Span { end: brace.start, ..brace }, " ".to_owned())),
        )),
    });
    fail_reported(input)
}

/// `parser` one level deeper.
pub(super) fn nested<'a, T>(
    input: Tokens<'a>,
    parser: impl FnOnce(Tokens<'a>) -> Parsed<'a, T>,
) -> Parsed<'a, T> {
    let depth = &input.context.depth;
    if depth.get() >= DEEPEST {
        let span = input.span(input.next());
        input.context.find(NestedTooDeep { span, what: Nested::Brackets, limit: DEEPEST });
        return fail_reported(input);
    }
    depth.set(depth.get() + 1);
    let result = parser(input);
    depth.set(depth.get() - 1);
    result
}

/// Counts an operator, call or parenthesis against the limit of its statement.
fn counted(input: Tokens<'_>) -> Parsed<'_, ()> {
    let operators = &input.context.operators;
    operators.set(operators.get() + 1);
    // Only the first one too many is told about; a failed statement makes no second finding.
    if operators.get() > MOST_OPERATORS {
        let span = input.span(input.next());
        input.context.find(NestedTooDeep { span, what: Nested::Operators, limit: MOST_OPERATORS });
        return fail_reported(input);
    }
    Ok((input, ()))
}

/// A value: sums of products.
///
/// ```ebnf
/// expression = term { ( "+" | "-" ) term } ;
/// ```
pub(super) fn expression(input: Tokens<'_>) -> Parsed<'_, Expr> {
    chain(input, term, |kind| match kind {
        TokenKind::Plus => Some(Operator::Add),
        TokenKind::Minus => Some(Operator::Subtract),
        _ => None,
    })
}

/// Products bind tighter than sums.
///
/// ```ebnf
/// term = factor { ( "*" | "/" | "%" ) factor } ;
/// ```
fn term(input: Tokens<'_>) -> Parsed<'_, Expr> {
    chain(input, factor, |kind| match kind {
        TokenKind::Star => Some(Operator::Multiply),
        TokenKind::Slash => Some(Operator::Divide),
        TokenKind::Percent => Some(Operator::Remainder),
        _ => None,
    })
}

/// Operands joined by operators of one rank, from the left.
fn chain<'a>(
    input: Tokens<'a>,
    operand: fn(Tokens<'a>) -> Parsed<'a, Expr>,
    operator: fn(TokenKind) -> Option<Operator>,
) -> Parsed<'a, Expr> {
    let (mut rest, mut left) = operand(input)?;
    loop {
        let token = rest.next();
        let Some(value) = operator(token.kind) else {
            rest.context.remember(failure(rest, Expected::Operator));
            return Ok((rest, left));
        };
        let (_, ()) = counted(rest)?;
        let (after, right) = cut(operand).parse(rest.after(1))?;
        let operator = Spanned::new(value, rest.span(token));
        left = Expr::Binary { operator, left: Box::new(left), right: Box::new(right) };
        rest = after;
    }
}

/// A single operand.
///
/// ```ebnf
/// factor = call | word | "(" expression ")" ;
/// ```
fn factor(input: Tokens<'_>) -> Parsed<'_, Expr> {
    match (input.kind(), input.second().kind) {
        (TokenKind::LeftParen, _) => {
            let (inside, ()) = counted(input)?;
            let group =
                delimited(sign(TokenKind::LeftParen), cut(expression), cut(sign(TokenKind::RightParen)));
            let (rest, value) = nested(inside, |input| { group }.parse(input))?;
            Ok((rest, Expr::Group(Box::new(value), rest.span_since(input.next()))))
        }
        (TokenKind::Word, TokenKind::LeftParen) => call(input),
        _ => named(Expected::Value, word).map(Expr::Word).parse(input),
    }
}

/// A function and its arguments.
///
/// ```ebnf
/// call = WORD "(" expression { "," expression } ")" ;
/// ```
fn call(input: Tokens<'_>) -> Parsed<'_, Expr> {
    let (_, ()) = counted(input)?;
    let (rest, name) = name(input)?;
    let arguments = delimited(sign(TokenKind::LeftParen), list(expression), cut(sign(TokenKind::RightParen)));
    let (rest, arguments) = nested(rest, |input| { arguments }.parse(input))?;
    Ok((rest, Expr::Call { name, arguments, span: rest.span_since(input.next()) }))
}

/// A bare word without interpolation: the name of a value or function.
pub(super) fn name(input: Tokens<'_>) -> Parsed<'_, Spanned<String>> {
    let token = input.next();
    let text = input.text(token);
    if token.kind == TokenKind::Word && !is_connective(text) {
        Ok((input.after(1), Spanned::new(text.to_owned(), input.span(token))))
    } else {
        fail(input, Expected::Name)
    }
}

/// One or more with commas between them; after a comma there must be another one.
pub(super) fn list<'a, T>(
    mut element: impl Parser<Tokens<'a>, Output = T, Error = Failure>,
) -> impl FnMut(Tokens<'a>) -> Parsed<'a, Vec<T>> {
    move |input| {
        let (mut rest, first) = element.parse(input)?;
        let mut all = vec![first];
        while rest.kind() == TokenKind::Comma {
            let (after, next) = cut(|input| element.parse(input)).parse(rest.after(1))?;
            all.push(next);
            rest = after;
        }
        rest.context.remember(failure(rest, Expected::Comma));
        Ok((rest, all))
    }
}
