//! The `gateway` block.
//!
//! Goes in: tokens at `gateway`. Comes out: [`Gateway`]. What must hold: a statement that does not
//! parse is left out, and its finding is made.

use nom::Parser;
use nom::combinator::cut;
use nom::sequence::{pair, preceded};

use super::recover::{Head, Statements, block};
use super::report::statement_keyword;
use super::values::{expression, word};
use super::{Expected, Parsed, Tokens, connective, fail, named, optional, sign};
use crate::syntax::ast::{Gateway, GatewayStatement};
use crate::syntax::token::{Block, Keyword, TokenKind};

/// The host between the networks.
///
/// ```ebnf
/// gateway = "gateway" [ word ] gateway_block ;
/// ```
pub(super) fn gateway(input: Tokens<'_>) -> Parsed<'_, Gateway> {
    let (rest, name) = optional(named(Expected::Name, word)).parse(input.after(1))?;
    let (rest, statements) = gateway_block(rest, Head { start: input, block: Block::Gateway })?;
    Ok((rest, Gateway { keyword: input.span(input.next()), name, statements }))
}

/// What is said about the host.
///
/// ```ebnf
/// gateway_block = "{" { end } [ gateway_statement { end { end } gateway_statement } { end } ] "}" ;
/// ```
fn gateway_block<'a>(input: Tokens<'a>, head: Head<'a>) -> Parsed<'a, Vec<GatewayStatement>> {
    block(input, head, Statements { parse: gateway_statement, hole: |_, _| None })
}

/// One statement about the host.
///
/// ```ebnf
/// gateway_statement = "firewall" word
///                   | "isolation" word
///                   | "marks" expression
///                   | "preferences" expression ".." expression
///                   | "protocol" expression
///                   | "address" expression "on" word ;
/// ```
fn gateway_statement(input: Tokens<'_>) -> Parsed<'_, GatewayStatement> {
    let (rest, keyword) = statement_keyword(input, Block::Gateway)?;
    let first = input.next();
    let value = |expected| cut(named(expected, expression));
    let text = |expected| cut(named(expected, word));
    match keyword {
        Keyword::Firewall => {
            let (rest, choice) = text(Expected::Firewall).parse(rest)?;
            Ok((rest, GatewayStatement::Firewall(choice, rest.span_since(first))))
        }
        Keyword::Isolation => {
            let (rest, choice) = text(Expected::Isolation).parse(rest)?;
            Ok((rest, GatewayStatement::Isolation(choice, rest.span_since(first))))
        }
        Keyword::Marks => {
            let (rest, mask) = value(Expected::Mask).parse(rest)?;
            Ok((rest, GatewayStatement::Marks(mask, rest.span_since(first))))
        }
        Keyword::Preferences => {
            let end = preceded(cut(sign(TokenKind::DotDot)), value(Expected::Number));
            let (rest, (start, end)) = pair(value(Expected::Number), end).parse(rest)?;
            Ok((rest, GatewayStatement::Preferences(start, end, rest.span_since(first))))
        }
        Keyword::Protocol => {
            let (rest, number) = value(Expected::Number).parse(rest)?;
            Ok((rest, GatewayStatement::Protocol(number, rest.span_since(first))))
        }
        Keyword::Address => {
            let interface = preceded(cut(connective(Keyword::On)), text(Expected::InterfaceName));
            let (rest, (address, interface)) = pair(value(Expected::Address), interface).parse(rest)?;
            Ok((rest, GatewayStatement::Address(address, interface, rest.span_since(first))))
        }
        _ => fail(input, Expected::Statement),
    }
}
