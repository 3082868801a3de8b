//! `connect` and the rules in its block.
//!
//! Goes in: tokens at `connect`. Comes out: [`Connect`]. What must hold: no block and an empty one
//! stay different, because the first allows everything and the second nothing.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::cut;
use nom::sequence::{pair, preceded};

use super::recover::{Head, Statements, block, block_follows};
use super::report::statement_keyword;
use super::values::{expression, list, word};
use super::{Expected, Parsed, Tokens, connective, fail, failure, named, optional};
use crate::source::Spanned;
use crate::syntax::ast::{Action, Connect, Direction, Expr, Log, Part, Rule, Word};
use crate::syntax::token::{Block, Keyword, TokenKind};

/// Who may open connections to whom.
///
/// ```ebnf
/// connect = "connect" pattern direction pattern [ connect_block ] ;
/// ```
pub(super) fn connect(input: Tokens<'_>) -> Parsed<'_, Connect> {
    let (rest, (left, direction, right)) = cut((pattern, direction, pattern)).parse(input.after(1))?;
    let span = rest.span_since(input.next());
    let (rest, rules) = if block_follows(rest, Block::Connect) {
        let (rest, rules) = connect_block(rest, Head { start: input, block: Block::Connect })?;
        (rest, Some(rules))
    } else {
        rest.context.remember(failure(rest, Expected::LeftBrace));
        (rest, None)
    };
    Ok((rest, Connect { left, direction, right, rules, span }))
}

/// A network's name, or a pattern of names; `*` alone is all of them.
///
/// ```ebnf
/// pattern = word | "*" ;
/// ```
pub(super) fn pattern(input: Tokens<'_>) -> Parsed<'_, Word> {
    let token = input.next();
    if token.kind == TokenKind::Star {
        let parts = vec![Part::Text("*".to_owned())];
        return Ok((input.after(1), Word { span: input.span(token), parts, quoted: false }));
    }
    named(Expected::Pattern, word).parse(input)
}

/// Which side opens connections.
///
/// ```ebnf
/// direction = "->" | "<->" ;
/// ```
fn direction(input: Tokens<'_>) -> Parsed<'_, Spanned<Direction>> {
    let token = input.next();
    let direction = match token.kind {
        TokenKind::Arrow => Direction::Forward,
        TokenKind::BothWays => Direction::Both,
        _ => return fail(input, Expected::Direction),
    };
    Ok((input.after(1), Spanned::new(direction, input.span(token))))
}

/// The rules of a peering.
///
/// ```ebnf
/// connect_block = "{" { end } [ rule { end { end } rule } { end } ] "}" ;
/// ```
fn connect_block<'a>(input: Tokens<'a>, head: Head<'a>) -> Parsed<'a, Vec<Rule>> {
    block(input, head, Statements { parse: rule, hole: |_, _| None })
}

/// What may pass, or may not.
///
/// ```ebnf
/// rule = ( "allow" | "deny" ) [ service ] [ from [ to ] | to [ from ] ] [ log ] ;
/// ```
fn rule(input: Tokens<'_>) -> Parsed<'_, Rule> {
    let (rest, keyword) = statement_keyword(input, Block::Connect)?;
    let first = input.next();
    let action = if keyword == Keyword::Allow { Action::Allow } else { Action::Deny };
    let sides = alt((
        (from, optional(to)).map(|(from, to)| (from, to.unwrap_or_default())),
        (to, optional(from)).map(|(to, from)| (from.unwrap_or_default(), to)),
    ));
    let (rest, (service, sides, log)) = (optional(service), optional(sides), optional(log)).parse(rest)?;
    let (protocol, items) = service.map_or((None, Vec::new()), |(protocol, items)| (Some(protocol), items));
    let (from, to) = sides.unwrap_or_default();
    let action = Spanned::new(action, input.span(first));
    Ok((rest, Rule { action, protocol, items, from, to, log, span: rest.span_since(first) }))
}

/// A protocol, with ports, port ranges or types.
///
/// ```ebnf
/// service = word [ word { "," word } ] ;
/// ```
fn service(input: Tokens<'_>) -> Parsed<'_, (Word, Vec<Word>)> {
    let items = optional(list(named(Expected::Port, word)));
    let (rest, (protocol, items)) = pair(named(Expected::Protocol, word), items).parse(input)?;
    Ok((rest, (protocol, items.unwrap_or_default())))
}

/// Which hosts open the connection.
///
/// ```ebnf
/// from = "from" expression { "," expression } ;
/// ```
fn from(input: Tokens<'_>) -> Parsed<'_, Vec<Expr>> {
    preceded(connective(Keyword::From), cut(list(named(Expected::HostName, expression)))).parse(input)
}

/// Which hosts it may be opened to.
///
/// ```ebnf
/// to = "to" expression { "," expression } ;
/// ```
fn to(input: Tokens<'_>) -> Parsed<'_, Vec<Expr>> {
    preceded(connective(Keyword::To), cut(list(named(Expected::HostName, expression)))).parse(input)
}

/// Whether a match is logged, with which words before it, and how often at most.
///
/// ```ebnf
/// log = "log" [ word ] [ "limit" word ] ;
/// ```
fn log(input: Tokens<'_>) -> Parsed<'_, Log> {
    let (rest, keyword) = connective(Keyword::Log)(input)?;
    let words = optional(named(Expected::LogPrefix, word));
    let limit = optional(preceded(connective(Keyword::Limit), cut(named(Expected::Rate, word))));
    let (rest, (words, limit)) = pair(words, limit).parse(rest)?;
    Ok((rest, Log { words, limit, span: rest.span_since(keyword) }))
}
