//! The `network` block.
//!
//! Goes in: tokens at `network`. Comes out: [`Network`]. What must hold: a statement that does not
//! parse is left out, and its finding is made.

use nom::Parser;
use nom::combinator::cut;
use nom::sequence::{pair, preceded};

use super::connect::pattern;
use super::recover::{Head, Statements, block};
use super::report::statement_keyword;
use super::values::{expression, list, word};
use super::{Expected, Parsed, Tokens, connective, fail, named, optional};
use crate::syntax::ast::{Alias, Network, NetworkStatement};
use crate::syntax::token::{Block, Keyword};

/// A set of hosts behind one interface.
///
/// ```ebnf
/// network = "network" word network_block ;
/// ```
pub(super) fn network(input: Tokens<'_>) -> Parsed<'_, Network> {
    let (rest, name) = cut(named(Expected::NetworkName, word)).parse(input.after(1))?;
    let (rest, statements) = network_block(rest, Head { start: input, block: Block::Network })?;
    Ok((rest, Network { keyword: input.span(input.next()), name, statements }))
}

/// What is said about a network.
///
/// ```ebnf
/// network_block = "{" { end } [ network_statement { end { end } network_statement } { end } ] "}" ;
/// ```
fn network_block<'a>(input: Tokens<'a>, head: Head<'a>) -> Parsed<'a, Vec<NetworkStatement>> {
    block(input, head, Statements { parse: network_statement, hole: |_, _| None })
}

/// One statement about a network.
///
/// ```ebnf
/// network_statement = "id" expression
///                   | "interface" word
///                   | "address" expression
///                   | "prefix" expression [ "as" alias { "," alias } ]
///                   | "route" expression "via" expression
///                   | "host" word expression
///                   | "nodes" word
///                   | "mss" word [ expression ] ;
/// ```
fn network_statement(input: Tokens<'_>) -> Parsed<'_, NetworkStatement> {
    let (rest, keyword) = statement_keyword(input, Block::Network)?;
    let first = input.next();
    let value = |expected| cut(named(expected, expression));
    let text = |expected| cut(named(expected, word));
    match keyword {
        Keyword::Id => {
            let (rest, number) = value(Expected::Number).parse(rest)?;
            Ok((rest, NetworkStatement::Id(number, rest.span_since(first))))
        }
        Keyword::Interface => {
            let (rest, name) = text(Expected::InterfaceName).parse(rest)?;
            Ok((rest, NetworkStatement::Interface(name, rest.span_since(first))))
        }
        Keyword::Address => {
            let (rest, address) = value(Expected::Address).parse(rest)?;
            Ok((rest, NetworkStatement::Address(address, rest.span_since(first))))
        }
        Keyword::Prefix => {
            let aliases = optional(preceded(connective(Keyword::As), cut(list(alias))));
            let (rest, (real, aliases)) = pair(value(Expected::Prefix), aliases).parse(rest)?;
            let aliases = aliases.unwrap_or_default();
            Ok((rest, NetworkStatement::Prefix(real, aliases, rest.span_since(first))))
        }
        Keyword::Route => {
            let via = preceded(cut(connective(Keyword::Via)), value(Expected::Address));
            let (rest, (prefix, via)) = pair(value(Expected::Prefix), via).parse(rest)?;
            Ok((rest, NetworkStatement::Route(prefix, via, rest.span_since(first))))
        }
        Keyword::Host => {
            let (rest, (name, address)) =
                pair(text(Expected::HostName), value(Expected::Address)).parse(rest)?;
            Ok((rest, NetworkStatement::Host(name, address, rest.span_since(first))))
        }
        Keyword::Nodes => {
            let (rest, choice) = text(Expected::Nodes).parse(rest)?;
            Ok((rest, NetworkStatement::Nodes(choice, rest.span_since(first))))
        }
        Keyword::Mss => {
            let size = optional(named(Expected::Number, expression));
            let (rest, (choice, size)) = pair(text(Expected::Mss), size).parse(rest)?;
            Ok((rest, NetworkStatement::Mss(choice, size, rest.span_since(first))))
        }
        _ => fail(input, Expected::Statement),
    }
}

/// What others know a prefix by: all of them, or those that are named.
///
/// ```ebnf
/// alias = expression [ "for" pattern ] ;
/// ```
fn alias(input: Tokens<'_>) -> Parsed<'_, Alias> {
    let first = input.next();
    let viewers = optional(preceded(connective(Keyword::For), cut(pattern)));
    let (rest, (net, viewers)) = pair(named(Expected::Prefix, expression), viewers).parse(input)?;
    Ok((rest, Alias { net, viewers, span: rest.span_since(first) }))
}
