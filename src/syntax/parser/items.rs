//! The items of a file: `site`, `let`, `for`, `include`, and the way to the larger ones.
//!
//! Goes in: tokens at the beginning of an item. Comes out: [`Item`]. What must hold: an item that
//! does not parse becomes [`Item::Error`], and the next one is looked at.

use nom::Parser;
use nom::combinator::cut;
use nom::sequence::preceded;

use super::recover::{Head, Statements, block, statements_until_brace};
use super::report::statement_keyword;
use super::values::{expression, name, word};
use super::{Expected, Parsed, Tokens, connective, fail, named, sign};
use super::{connect, gateway, network};
use crate::source::Span;
use crate::syntax::ast::{For, Item, Let, Word};
use crate::syntax::token::{Block, Keyword, TokenKind};

/// A whole file.
///
/// ```ebnf
/// file = { end } [ item { end { end } item } { end } ] ;
/// ```
pub(super) fn file(input: Tokens<'_>) -> Parsed<'_, Vec<Item>> {
    let items = Statements { parse: item, hole };
    Ok(statements_until_brace(input, None, items))
}

/// One declaration.
///
/// ```ebnf
/// item = site | gateway | network | connect | let | for | include ;
/// ```
fn item(input: Tokens<'_>) -> Parsed<'_, Item> {
    of_block(input, Block::File)
}

/// One declaration inside a `for`.
///
/// ```ebnf
/// for_item = network | connect | let | for ;
/// ```
fn for_item(input: Tokens<'_>) -> Parsed<'_, Item> {
    of_block(input, Block::For)
}

/// An item stays whatever follows it, so that the networks it names are not unknown or unused too.
fn hole(item: Option<Item>, span: Span) -> Option<Item> {
    item.filter(|item| !matches!(item, Item::Site(_) | Item::Include(_))).or(Some(Item::Error(span)))
}

fn of_block(input: Tokens<'_>, block: Block) -> Parsed<'_, Item> {
    let (_, keyword) = statement_keyword(input, block)?;
    match keyword {
        Keyword::Site => site(input),
        Keyword::Gateway => gateway::gateway.map(Item::Gateway).parse(input),
        Keyword::Network => network::network.map(Item::Network).parse(input),
        Keyword::Connect => connect::connect.map(Item::Connect).parse(input),
        Keyword::Let => r#let(input),
        Keyword::For => r#for(input),
        Keyword::Include => include(input),
        _ => fail(input, Expected::Statement),
    }
}

/// The name of the site.
///
/// ```ebnf
/// site = "site" word ;
/// ```
fn site(input: Tokens<'_>) -> Parsed<'_, Item> {
    cut(named(Expected::SiteName, word)).map(Item::Site).parse(input.after(1))
}

/// A name for a value.
///
/// ```ebnf
/// let = "let" WORD "=" expression ;
/// ```
fn r#let(input: Tokens<'_>) -> Parsed<'_, Item> {
    let value = preceded(sign(TokenKind::Equals), cut(expression));
    let (rest, (name, value)) = cut((name, value)).parse(input.after(1))?;
    Ok((rest, Item::Let(Let { name, value, span: rest.span_since(input.next()) })))
}

/// Items repeated for each number from the first to the last, both included.
///
/// ```ebnf
/// for = "for" WORD "in" expression ".." expression for_block ;
/// ```
fn r#for(input: Tokens<'_>) -> Parsed<'_, Item> {
    let first = preceded(connective(Keyword::In), cut(expression));
    let last = preceded(sign(TokenKind::DotDot), cut(expression));
    let (rest, (name, first, last)) = cut((name, first, last)).parse(input.after(1))?;
    let span = rest.span_since(input.next());
    let (rest, items) = for_block(rest, Head { start: input, block: Block::For })?;
    Ok((rest, Item::For(For { name, first, last, items, span })))
}

/// The items of a `for`.
///
/// ```ebnf
/// for_block = "{" { end } [ for_item { end { end } for_item } { end } ] "}" ;
/// ```
fn for_block<'a>(input: Tokens<'a>, head: Head<'a>) -> Parsed<'a, Vec<Item>> {
    block(input, head, Statements { parse: for_item, hole })
}

/// The items of another file.
///
/// ```ebnf
/// include = "include" ( WORD | STRING ) ;
/// ```
fn include(input: Tokens<'_>) -> Parsed<'_, Item> {
    cut(named(Expected::FileName, file_name)).map(Item::Include).parse(input.after(1))
}

/// Files are read before anything is computed, so their names hold no interpolation.
fn file_name(input: Tokens<'_>) -> Parsed<'_, Word> {
    if input.kind() == TokenKind::Head { fail(input, Expected::FileName) } else { word(input) }
}
