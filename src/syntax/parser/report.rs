//! What is said about a statement that does not parse.
//!
//! Goes in: the place of the failure and what would have been right there. Comes out: one finding
//! with the best advice there is. What must hold: a statement with a bad token makes no second
//! finding, and a misspelt keyword is told about once.

use super::dialect::{self, Help};
use super::recover::is_given_up;
use super::{Context, Expected, Failure, Parsed, Tokens, fail, fail_reported};
use crate::diag::suggest;
use crate::source::Span;
use crate::syntax::errors::{Advice, UnexpectedToken, UnknownStatement, quoted};
use crate::syntax::token::{Block, Keyword, Token, TokenKind, is_connective};

/// The keyword that begins a statement of `block`. One that is misspelt is told about and taken for
/// the one it was meant to be, so that the rest of the statement is looked at as well.
pub(super) fn statement_keyword(input: Tokens<'_>, block: Block) -> Parsed<'_, Keyword> {
    let token = input.next();
    if token.kind != TokenKind::Word {
        return fail(input, Expected::Statement);
    }
    let word = input.text(token);
    if let Some(keyword) = block.keywords().iter().find(|keyword| keyword.text() == word) {
        return Ok((input.after(1), *keyword));
    }
    let found = Keyword::find(word);
    let names = |block: Block| block.keywords().iter().map(|keyword| keyword.text());
    let instead = dialect::instead(word, block);
    let closest = suggest::closest(word, names(block)).and_then(Keyword::find);
    let closest = closest.or_else(|| dialect::keyword(word, block));
    let places =
        Block::ALL.into_iter().filter(|place| found.is_some_and(|word| place.keywords().contains(&word)));
    let mut places: Vec<&str> = places.map(Block::name).collect();
    places.truncate(2);
    let given_a_value = input.second().kind == TokenKind::Equals && block.keywords().contains(&Keyword::Let);
    let closest = closest.filter(|_| !given_a_value);
    let advice = match (found, closest, instead) {
        (Some(_), ..) if is_connective(word) => Advice::Continues,
        (_, None, Some(words)) => Advice::Instead(words),
        (Some(_), ..) => Advice::Elsewhere(places),
        (None, Some(keyword), _) => Advice::Closest(keyword.text()),
        (None, None, _) if given_a_value => Advice::LacksLet,
        (None, ..) => Advice::List(names(block).collect()),
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

/// Makes the finding of a failed statement, unless there is one already.
pub(super) fn report(start: Tokens<'_>, failure: Failure, until: Tokens<'_>) {
    let context = start.context;
    let passed = context.tokens.get(start.at..until.at.max(failure.at + 1)).unwrap_or(&[]);
    let has_bad = passed.iter().any(|token| token.kind == TokenKind::Bad);
    if failure.reported
        || has_bad
        || is_given_up(context, failure.at)
        || context.guessed.get() == Some(start.at)
    {
        return;
    }
    if let Some(found) = without_protocol(start, failure) {
        context.find(found);
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
    let help = advice(context, failure, token).or_else(|| dialect::advice(start, failure));
    context.find(UnexpectedToken { span, found, expected, waiting, help });
}

/// A list directly behind `allow` or `deny`: ports whose protocol is missing, or several protocols.
fn without_protocol(start: Tokens<'_>, failure: Failure) -> Option<UnexpectedToken> {
    let context = start.context;
    let comma = context.token(failure.at);
    let first = start.second();
    if comma.kind != TokenKind::Comma || !failure.expected.has(Expected::Port) || failure.at != start.at + 2 {
        return None;
    }
    let text = start.text(first);
    let is_port = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if is_port(text) {
        let span = context.span(first);
        let before = Span { end: span.start, ..span };
        let help = "write `tcp` or `udp` before its ports".to_owned();
        return Some(UnexpectedToken {
            span,
            found: quoted(text),
            expected: "a protocol before the ports".to_owned(),
            waiting: None,
            help: Some((help, Some((before, "tcp ".to_owned())))),
        });
    }
    let next = context.token(failure.at + 1);
    let next = Some(next.text(context.text)).filter(|text| next.kind == TokenKind::Word && !is_port(text));
    let of_next = next.map_or_else(|| "each of the others".to_owned(), quoted);
    Some(UnexpectedToken {
        span: context.span(comma),
        found: quoted(","),
        expected: failure.expected.words(),
        waiting: None,
        help: Some((format!("a rule is about one protocol: write another rule for {of_next}"), None)),
    })
}

/// Three dots in the place of two.
pub(super) fn dots(input: Tokens<'_>, token: Token) {
    let span = input.span(token);
    if token.kind == TokenKind::DotDot && span.end - span.start > 2 {
        let help = Some(("a range has two dots".to_owned(), Some((span, "..".to_owned()))));
        let (found, expected) = (quoted(input.text(token)), Expected::DotDot);
        let expected = super::Expectations::from(expected).words();
        input.context.find(UnexpectedToken { span, found, expected, waiting: None, help });
    }
}

/// Whether what looks like a block is an interpolation that stands apart from its word, which is told: `cell- {n}`.
pub(super) fn apart(input: Tokens<'_>, block: Block) -> bool {
    let (open, name, close) = (input.next(), input.second(), input.after(2).next());
    let kinds = [open.kind, name.kind, close.kind];
    let word = input.at.checked_sub(1).map(|before| input.context.token(before));
    let Some(word) = word.filter(|word| matches!(word.kind, TokenKind::Word | TokenKind::Tail)) else {
        return false;
    };
    let statement = block.keywords().iter().any(|keyword| keyword.text() == input.text(name));
    if kinds != [TokenKind::LeftBrace, TokenKind::Word, TokenKind::RightBrace] || statement {
        return false;
    }
    let span = input.span(open).to(input.span(close));
    // Only a `connect` can end behind a name; else this is a block of one word.
    let tight = span.end - span.start == input.text(name).len() as u32 + 2;
    let goes_on = input.after(3).kind() == TokenKind::LeftBrace;
    if !(goes_on || block == Block::Connect && tight) {
        return false;
    }
    let blank = Span { start: word.end, end: open.start, ..span };
    let found = format!("`{{{}}}`", input.text(name));
    let help = Some((
        String::from("an interpolation stands directly behind its word"),
        Some((blank, String::new())),
    ));
    input.context.find(UnexpectedToken {
        span,
        found,
        expected: String::from("a block"),
        waiting: None,
        help,
    });
    true
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

/// The words of a rule that are no expressions: there `{` can only be meant as an interpolation.
const WORDS_IN_QUOTES: [Expected; 4] =
    [Expected::Protocol, Expected::Port, Expected::LogPrefix, Expected::Rate];

/// What to do about an unexpected token, where that is known.
fn advice(context: &Context<'_>, failure: Failure, token: Token) -> Option<Help> {
    let span = context.span(token);
    let text = token.text(context.text);
    let expected = failure.expected;
    match token.kind {
        TokenKind::Head if expected.has(Expected::FileName) => {
            Some(("a file name cannot hold `{`; write it out".to_owned(), None))
        }
        TokenKind::Word if expected.has(Expected::Direction) && text == "to" => {
            Some(("write an arrow between the two sides".to_owned(), Some((span, "->".to_owned()))))
        }
        TokenKind::Head if !text.starts_with('"') => {
            let brace = Span { start: span.end - 1, end: span.end - 1, ..span };
            Some(("put a blank before `{` if it opens a block".to_owned(), Some((brace, " ".to_owned()))))
        }
        TokenKind::DotDot if expected.has(Expected::FileName) => {
            Some(("put the file name in double quotes".to_owned(), None))
        }
        TokenKind::LeftBrace if WORDS_IN_QUOTES.into_iter().any(|word| expected.has(word)) => {
            let help = "a word that begins with an interpolation needs double quotes, like `\"{500 + n}\"`";
            Some((help.to_owned(), None))
        }
        TokenKind::Word if text == "limit" && expected.has(Expected::Log) => {
            let before = Span { end: span.start, ..span };
            let help = "a limit is for what is logged: write `log limit`";
            Some((help.to_owned(), Some((before, "log ".to_owned()))))
        }
        TokenKind::DotDot if expected.has(Expected::Comma) && expected.has(Expected::Log) => {
            Some(("a range of ports is written with a dash: `30000-30100`".to_owned(), None))
        }
        TokenKind::Word
            if is_connective(text) && expected.has_name() && !is_behind_comma(context, failure) =>
        {
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

/// Whether a list goes on with the unexpected token.
fn is_behind_comma(context: &Context<'_>, failure: Failure) -> bool {
    failure.at.checked_sub(1).is_some_and(|before| context.token(before).kind == TokenKind::Comma)
}
