//! What people bring along from other tools, and how it is said here.
//!
//! Goes in: a token that the grammar does not have in its place, and the statement around it. Comes out:
//! advice, with the text to write where there is only one. What must hold: what the grammar has is never
//! looked at here, so that no site means anything else because of it.

use std::net::Ipv4Addr;

use super::{Context, Expected, Failure, Tokens};
use crate::source::Span;
use crate::syntax::errors::quoted;
use crate::syntax::token::{Block, Keyword, Token, TokenKind};

/// What to do, and the text to write for what stands at a place.
pub(super) type Help = (String, Option<(Span, String)>);

/// Words of firewalls and routers that begin what is a statement of a block here.
const STATEMENTS: &[(Block, Keyword, &[&str])] = &[
    (Block::File, Keyword::Network, &["vrf", "lan", "zone"]),
    (Block::File, Keyword::Connect, &["peer", "link", "peering"]),
    (Block::File, Keyword::Let, &["define", "set", "var", "const"]),
    (Block::File, Keyword::Include, &["import", "source"]),
    (Block::Network, Keyword::Interface, &["dev", "device", "iface", "ifname"]),
    (Block::Network, Keyword::Prefix, &["subnet", "cidr", "net", "lan"]),
    (Block::Connect, Keyword::Allow, &["accept", "permit", "pass"]),
    (Block::Connect, Keyword::Deny, &["drop", "reject", "block", "discard"]),
];

/// The keyword of a block that is meant by a word of other tools.
pub(super) fn keyword(word: &str, block: Block) -> Option<Keyword> {
    let mut known = STATEMENTS.iter().filter(|(place, keyword, _)| {
        *place == block || block == Block::For && block.keywords().contains(keyword) && *place == Block::File
    });
    known.find(|(_, _, words)| words.contains(&word)).map(|(_, keyword, _)| *keyword)
}

/// Words of firewalls and routers that are said with other statements here, and how.
const INSTEAD: &[(Block, &[&str], &str)] = &[
    (
        Block::Network,
        &["masquerade", "masqueraded", "snat", "nat"],
        "write `nodes masqueraded` if its hosts shall see the gateway's own address as the source",
    ),
    (Block::Network, &["vlan"], "name the interface of the VLAN, as in `interface eth0.20`"),
    (
        Block::Network,
        &["gateway", "gw", "router"],
        "the gateway's own address is told with `address`, another router with `route PREFIX via ROUTER`",
    ),
    (Block::Network, &["table", "mark", "zone", "vrf"], "table, mark and zone are all told with `id`"),
];

/// How that is said here which a word of other tools says in a block.
pub(super) fn instead(word: &str, block: Block) -> Option<&'static str> {
    let mut known = INSTEAD.iter().filter(|(place, ..)| *place == block);
    known.find(|(_, words, _)| words.contains(&word)).map(|(.., help)| *help)
}

/// The statement in which a token was not expected.
struct Statement<'a> {
    context: &'a Context<'a>,
    /// Its first token.
    start: usize,
    /// The token.
    at: usize,
    failure: Failure,
}

impl<'a> Statement<'a> {
    fn token(&self, at: usize) -> Token {
        self.context.token(at)
    }

    fn text(&self, at: usize) -> &'a str {
        self.token(at).text(self.context.text)
    }

    /// The text of a word `back` tokens before the unexpected one; nothing before the statement.
    fn before(&self, back: usize) -> &'a str {
        match self.at.checked_sub(back) {
            Some(at) if at >= self.start => self.text(at),
            _ => "",
        }
    }

    fn has(&self, expected: Expected) -> bool {
        self.failure.expected.has(expected)
    }

    /// From one token to the beginning of another.
    fn up_to(&self, from: usize, to: usize) -> Span {
        let (from, to) = (self.context.span(self.token(from)), self.context.span(self.token(to)));
        Span { end: to.start, ..from }
    }

    /// The end of the token before the unexpected one.
    fn behind(&self) -> Span {
        let last = self.context.span(self.token(self.at.saturating_sub(1)));
        Span { start: last.end, ..last }
    }
}

/// What to do about an unexpected token that other tools have at such a place.
pub(super) fn advice(start: Tokens<'_>, failure: Failure) -> Option<Help> {
    let statement = Statement { context: start.context, start: start.at, at: failure.at, failure };
    let first = statement.text(start.at);
    let of_any = assignment(&statement, first).or_else(|| dotted_mask(&statement));
    of_any.or_else(|| match Keyword::find(first)? {
        Keyword::Allow | Keyword::Deny => rule(&statement),
        Keyword::Connect => connect(&statement),
        Keyword::Prefix => prefix(&statement),
        Keyword::Route => route(&statement),
        Keyword::Interface => interface(&statement),
        Keyword::For => range(&statement),
        Keyword::Let => value(&statement),
        _ => None,
    })
}

fn fix(help: impl Into<String>, span: Span, text: impl Into<String>) -> Help {
    (help.into(), Some((span, text.into())))
}

fn only(help: impl Into<String>) -> Help {
    (help.into(), None)
}

/// `interface = eth0`
fn assignment(statement: &Statement<'_>, first: &str) -> Option<Help> {
    let at = statement.at;
    if statement.token(at).kind != TokenKind::Equals || statement.has(Expected::In) || first == "let" {
        return None;
    }
    if first == "prefix" && statement.has(Expected::As) {
        return None;
    }
    let help = "leave `=` out: a value stands directly behind its word";
    Some(fix(help, statement.up_to(at, at + 1), ""))
}

/// `10.0.0.0 255.0.0.0`, also with a word like `netmask` between the two, or with a wildcard mask.
fn dotted_mask(statement: &Statement<'_>) -> Option<Help> {
    let at = statement.at;
    let word = ["mask", "netmask"].contains(&statement.text(at));
    let mask: u32 = statement.text(if word { at + 1 } else { at }).parse::<Ipv4Addr>().ok()?.into();
    let net: Ipv4Addr = statement.before(1).parse().ok()?;
    let length = [mask, !mask].into_iter().map(u32::leading_ones).find(|ones| {
        let bits = u32::MAX.checked_shl(32 - ones).unwrap_or(0);
        *ones > 0 && (mask == bits || mask == !bits)
    })?;
    let span = statement.context.span(statement.token(at - 1));
    let span = span.to(statement.context.span(statement.token(if word { at + 1 } else { at })));
    let meant = format!("{net}/{length}");
    Some(fix(format!("write the length of the prefix: `{meant}`"), span, meant))
}

/// `prefix A -> B`, `prefix A = B`, `prefix A, B`.
fn prefix(statement: &Statement<'_>) -> Option<Help> {
    let at = statement.at;
    if !statement.has(Expected::As) {
        return None;
    }
    let span = statement.context.span(statement.token(at));
    match statement.token(at).kind {
        TokenKind::Arrow | TokenKind::BothWays | TokenKind::Equals => {
            Some(fix("an alias stands behind `as`", span, "as"))
        }
        TokenKind::Word if ["to", "alias", "via"].contains(&statement.text(at)) => {
            Some(fix("an alias stands behind `as`", span, "as"))
        }
        TokenKind::Comma => {
            Some(only("a statement has one prefix: write another `prefix` for each of the others"))
        }
        _ => None,
    }
}

/// `route A ROUTER`, `route A gw ROUTER`.
fn route(statement: &Statement<'_>) -> Option<Help> {
    let at = statement.at;
    if !statement.has(Expected::Via) || statement.token(at).kind != TokenKind::Word {
        return None;
    }
    let span = statement.context.span(statement.token(at));
    let text = statement.text(at);
    if ["gw", "gateway", "to", "nexthop", "next-hop", "on", "dev"].contains(&text) {
        return Some(fix("the router stands behind `via`", span, "via"));
    }
    let number = text.starts_with(|c: char| c.is_ascii_hexdigit()) && text.contains(['.', ':']);
    number.then(|| fix("the router stands behind `via`", Span { end: span.start, ..span }, "via "))
}

/// `interface e0, e1`, `interface e0 e1`.
fn interface(statement: &Statement<'_>) -> Option<Help> {
    let kind = statement.token(statement.at).kind;
    (statement.has(Expected::End) && matches!(kind, TokenKind::Comma | TokenKind::Word))
        .then(|| only("a network has one interface: put several into a bridge or a bond, and name that"))
}

/// `for n = 1..4`, `for n in 1-4`, `for n in range(1, 4)`.
fn range(statement: &Statement<'_>) -> Option<Help> {
    let at = statement.at;
    if statement.has(Expected::In) && statement.token(at).kind == TokenKind::Equals {
        return Some(fix("the numbers stand behind `in`", statement.context.span(statement.token(at)), "in"));
    }
    if !statement.has(Expected::DotDot) {
        return None;
    }
    if let Some((first, last)) = statement.before(1).split_once('-')
        && [first, last].into_iter().all(|number| number.parse::<u32>().is_ok())
    {
        let span = statement.context.span(statement.token(at - 1));
        return Some(fix(
            format!("a range has two dots: `{first}..{last}`"),
            span,
            format!("{first}..{last}"),
        ));
    }
    let dashed = ["to", "-"].contains(&statement.text(at));
    let span = statement.context.span(statement.token(at));
    match dashed {
        true => Some(fix("a range has two dots, as in `1..40`", span, "..")),
        false => Some(only("a range has two dots, as in `1..40`")),
    }
}

/// `let NAME VALUE`, `let NAME := VALUE`.
fn value(statement: &Statement<'_>) -> Option<Help> {
    if !statement.has(Expected::Equals) {
        return None;
    }
    let span = statement.context.span(statement.token(statement.at));
    match statement.text(statement.at) {
        ":" => {
            let equals = statement.token(statement.at + 1).kind == TokenKind::Equals;
            let all = if equals {
                span.to(statement.context.span(statement.token(statement.at + 1)))
            } else {
                span
            };
            Some(fix("a value stands behind `=`", all, "="))
        }
        _ => Some(fix("a value stands behind `=`", Span { end: span.start, ..span }, "= ")),
    }
}

/// `connect a, b -> c`, `connect a -> b allow tcp`.
fn connect(statement: &Statement<'_>) -> Option<Help> {
    let at = statement.at;
    match statement.token(at).kind {
        TokenKind::Comma => Some(only(
            "a `connect` has one network or pattern on each side: write one for each of the others",
        )),
        TokenKind::Word if statement.has(Expected::LeftBrace) && keyword_of_rule(statement.text(at)) => {
            Some(only(format!(
                "rules stand in a block, each on a line of its own: `{{ {} ... }}`",
                statement.text(at)
            )))
        }
        TokenKind::Word if statement.has(Expected::Direction) => {
            let help = "an arrow stands between the two sides: `->` if only the left one opens connections, else `<->`";
            Some(only(help))
        }
        _ => None,
    }
}

fn keyword_of_rule(word: &str) -> bool {
    Block::Connect.keywords().iter().any(|keyword| keyword.text() == word)
}

/// Names of protocols that stand alone often enough to be known here.
const PROTOCOLS: [&str; 6] = ["tcp", "udp", "icmp", "sctp", "dccp", "gre"];
/// What stands before ports elsewhere.
const PORT_WORDS: [&str; 7] = ["port", "ports", "dport", "dports", "destination-port", "eq", "range"];
/// What stands before the ports of the side that opens.
const SOURCE_PORT_WORDS: [&str; 3] = ["sport", "sports", "source-port"];
/// What begins a remark elsewhere.
const REMARKS: [&str; 3] = ["comment", "description", "remark"];

/// In `allow` and `deny`.
fn rule(statement: &Statement<'_>) -> Option<Help> {
    let at = statement.at;
    let token = statement.token(at);
    let (text, span) = (statement.text(at), statement.context.span(token));
    let in_hosts = statement.has(Expected::HostName);
    let behind_hosts = statement.has(Expected::Operator) && statement.has(Expected::Comma);
    let in_service = statement.has(Expected::Port) || statement.has(Expected::From) && !behind_hosts;
    let before = statement.before(1);
    match token.kind {
        _ if before == "," => {
            let ends = token.kind != TokenKind::Word || in_hosts && ["from", "to", "log"].contains(&text);
            ends.then(|| needless_comma(statement, at - 1))
        }
        // A list goes on in the next line.
        TokenKind::Word if keyword_of_rule(before) && statement.before(2) == "," => {
            Some(needless_comma(statement, at - 2))
        }
        TokenKind::Word if text.starts_with(['-', '*', '/']) => None,
        TokenKind::Arrow if behind_hosts => Some(fix("the hosts that answer stand behind `to`", span, "to")),
        TokenKind::Star if statement.has(Expected::Protocol) => {
            Some(fix("every protocol is `any`", span, "any"))
        }
        TokenKind::Star if in_hosts => Some(only(format!("leave `{before}` out where every host is meant"))),
        TokenKind::Word if REMARKS.contains(&text) => Some(only("a comment begins with `#`")),
        TokenKind::Word if in_service => service(statement),
        TokenKind::Word if behind_hosts && PROTOCOLS.contains(&text) => {
            Some(only("the protocol and its ports stand in front of `from` and `to`"))
        }
        TokenKind::Word
            if behind_hosts && [&PORT_WORDS[..], &SOURCE_PORT_WORDS[..]].concat().contains(&text) =>
        {
            Some(only(
                "ports stand directly behind their protocol, as in `tcp 22`, in front of `from` and `to`",
            ))
        }
        TokenKind::Word if behind_hosts && !["and", "or"].contains(&text) => {
            Some(fix("hosts of a list are separated by `,`", statement.behind(), ","))
        }
        TokenKind::Word if behind_hosts => {
            let all = Span { start: statement.behind().start, ..span };
            Some(fix("hosts of a list are separated by `,`", all, ","))
        }
        _ => None,
    }
}

fn needless_comma(statement: &Statement<'_>, at: usize) -> Help {
    let span = statement.context.span(statement.token(at));
    fix("remove the comma, or name another one behind it", span, "")
}

/// A word behind a protocol and its ports.
fn service(statement: &Statement<'_>) -> Option<Help> {
    let at = statement.at;
    let (text, before) = (statement.text(at), statement.before(1));
    let is_number =
        |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['.', ':', '/']);
    if SOURCE_PORT_WORDS.contains(&before) {
        return Some(only("rules know the ports that are asked; those of the side that opens are any"));
    }
    if PORT_WORDS.contains(&before) {
        let word = statement.up_to(at - 1, at);
        return Some(fix("ports stand directly behind their protocol", word, ""));
    }
    if PROTOCOLS.contains(&before) && PROTOCOLS.contains(&statement.before(2)) {
        return Some(only(format!(
            "a rule is about one protocol: write another rule for {}",
            quoted(before)
        )));
    }
    if !statement.has(Expected::Comma) {
        return None;
    }
    if is_number(text) && is_number(before) {
        return Some(fix("ports of a list are separated by `,`", statement.behind(), ","));
    }
    (!is_number(text)).then(|| only("hosts stand behind `from` (who opens) and `to` (who answers)"))
}
