//! From rows to text.
//!
//! Goes in: the rows of a file. Comes out: its text in the one style. What must hold: what is printed has these rows
//! again, so that it is printed the same.

use super::columns::{Columns, Place, columns};
use super::pieces::Kind;
use super::tree::{Block, Piece, Row, Statement};
use crate::syntax::token::{TokenKind, is_connective};

/// Blanks for each block that is open, and for what goes on in the next line.
const STEP: usize = 4;

/// A block that was on one line stays there if it fits into so many columns.
const WIDEST: usize = 100;

/// Blanks before a comment at the end of a line, at least.
const BEFORE_COMMENT: usize = 2;

/// The text of these rows; lines end as those of `before` do.
pub(super) fn print(before: &str, rows: &[Row<'_>]) -> String {
    let mut lines = Vec::new();
    block(before, rows, 0, Place::Items, &mut lines);
    let mut text = String::with_capacity(before.len());
    let first = before.split_inclusive('\n').next().unwrap_or_default();
    let end = if first.ends_with("\r\n") { "\r\n" } else { "\n" };
    for line in lines {
        text.push_str(&line);
        text.push_str(end);
    }
    text
}

fn block(before: &str, rows: &[Row<'_>], indent: usize, place: Place, lines: &mut Vec<String>) {
    let columns = columns(rows, place);
    // Comments at the ends of lines wait until the widest of their lines is known.
    let mut waiting: Vec<(usize, &str)> = Vec::new();
    for (row, columns) in rows.iter().zip(&columns) {
        match row {
            Row::Blank => {
                put_comments(&mut waiting, lines);
                lines.push(String::new());
            }
            Row::Comment(text) => {
                put_comments(&mut waiting, lines);
                lines.push(format!("{:indent$}{text}", ""));
            }
            Row::Kept(range) => {
                put_comments(&mut waiting, lines);
                let text = before.get(range.clone()).unwrap_or("");
                let blanks = if text.starts_with([' ', '\t']) { 0 } else { indent };
                let kept = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
                for (at, line) in kept.enumerate() {
                    let blanks = if at == 0 { blanks } else { 0 };
                    lines.push(format!("{:blanks$}{line}", ""));
                }
            }
            Row::Statement(row) => {
                let above = lines.len();
                statement(before, row, indent, columns, lines);
                if lines.len() > above + 1 {
                    put_comments(&mut waiting, lines);
                }
                if let (Some(text), Some(line)) = (row.comment, lines.len().checked_sub(1)) {
                    waiting.push((line, text));
                }
                if lines.len() > above + 1 {
                    put_comments(&mut waiting, lines);
                }
            }
        }
    }
    put_comments(&mut waiting, lines);
}

/// Puts comments behind their lines, in one column.
fn put_comments(waiting: &mut Vec<(usize, &str)>, lines: &mut [String]) {
    let width = |line: &usize| lines.get(*line).map_or(0, |line| line.chars().count());
    let column = waiting.iter().map(|(line, _)| width(line)).max().unwrap_or(0) + BEFORE_COMMENT;
    for (line, text) in waiting.drain(..) {
        if let Some(line) = lines.get_mut(line) {
            *line = format!("{line:column$}{text}");
        }
    }
}

fn statement(before: &str, row: &Statement<'_>, indent: usize, columns: &Columns, lines: &mut Vec<String>) {
    lay(&row.pieces, indent, columns, lines);
    let Some(inner) = &row.block else { return };
    let Some(head) = lines.last_mut() else { return };
    if let Some(rest) = closed_up(row) {
        head.push(' ');
        head.push_str(&rest);
        return;
    }
    head.push_str(" {");
    if let Some(comment) = inner.comment {
        head.push_str(&format!("{:BEFORE_COMMENT$}{comment}", ""));
    }
    block(before, &inner.rows, indent + STEP, Place::inside(row), lines);
    lines.push(format!("{:indent$}}}", ""));
}

/// The block of a statement with its braces, if it stays on the line of its head. Indentation and columns do not
/// count: they may be others the next time.
pub(super) fn closed_up(row: &Statement<'_>) -> Option<String> {
    let rest = on_one_line(row.block.as_ref()?)?;
    let width = flat(&row.pieces).chars().count() + 1 + rest.chars().count();
    let goes_on = row.pieces.iter().any(|piece| piece.breaks);
    (width <= WIDEST && !goes_on).then_some(rest)
}

/// A block on one line with its braces, if it was on one and has no more than one statement.
fn on_one_line(block: &Block<'_>) -> Option<String> {
    if block.comment.is_some() {
        return None;
    }
    match block.rows.as_slice() {
        [] => Some("{ }".to_owned()),
        [Row::Statement(only)] if block.on_one_line && only.comment.is_none() => {
            let inner = match &only.block {
                Some(inner) => format!(" {}", on_one_line(inner)?),
                None => String::new(),
            };
            Some(format!("{{ {}{inner} }}", flat(&only.pieces)))
        }
        _ => None,
    }
}

/// Pieces on one line.
pub(super) fn flat(pieces: &[Piece<'_>]) -> String {
    let mut text = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 && is_apart(pieces, at) {
            text.push(' ');
        }
        text.push_str(piece.text);
    }
    text
}

/// Where what goes on in the next line stands.
#[derive(Clone, Copy)]
struct Hang {
    /// The column of the next line.
    column: usize,
    /// That of a `)` which stands first on its line.
    close: usize,
}

/// Lays the pieces of a statement on as many lines as they were on.
fn lay(pieces: &[Piece<'_>], indent: usize, columns: &Columns, lines: &mut Vec<String>) {
    let mut line = " ".repeat(indent);
    let mut statement = Hang { column: indent + STEP, close: indent };
    let mut open: Vec<Hang> = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let hang = open.last().copied().unwrap_or(statement);
        if piece.breaks {
            lines.push(std::mem::take(&mut line));
            let column = if piece.is(TokenKind::RightParen) { hang.close } else { hang.column };
            line = " ".repeat(column);
        } else if let Some(column) = columns.get(&at) {
            let column = indent + column;
            line = format!("{line:column$}");
        } else if piece.kind == Kind::Comment {
            line.push_str("  ");
        } else if at > 0 && is_apart(pieces, at) {
            line.push(' ');
        }
        let begins = line.len() - line.trim_start().len();
        line.push_str(piece.text);
        let width = line.chars().count();
        let next_breaks = pieces.get(at + 1).is_some_and(|next| next.breaks || next.kind == Kind::Comment);
        if piece.is(TokenKind::LeftParen) {
            let column = if next_breaks { begins + STEP } else { width };
            open.push(Hang { column, close: if next_breaks { begins } else { width - 1 } });
        } else if piece.is(TokenKind::RightParen) {
            open.pop();
        } else if open.is_empty() && !next_breaks && opens_list(pieces, at) {
            statement.column = width + 1;
        }
    }
    lines.push(line);
}

/// Whether a list begins after this piece: after `as`, `from` and `to`, and after the protocol of a rule.
fn opens_list(pieces: &[Piece<'_>], at: usize) -> bool {
    let Some(piece) = pieces.get(at) else { return false };
    let rule = pieces.first().is_some_and(|first| first.is_word("allow") || first.is_word("deny"));
    let joins = ["as", "from", "to"].iter().any(|word| piece.is_word(word));
    joins || (rule && at == 1 && !is_connective(piece.text))
}

/// Whether a blank stands before a piece that follows another on its line.
fn is_apart(pieces: &[Piece<'_>], at: usize) -> bool {
    let (Some(before), Some(piece)) =
        (at.checked_sub(1).and_then(|before| pieces.get(before)), pieces.get(at))
    else {
        return false;
    };
    let (Kind::Token(last), Kind::Token(next)) = (before.kind, piece.kind) else { return true };
    let inside =
        matches!(last, TokenKind::Head | TokenKind::Middle | TokenKind::LeftParen | TokenKind::DotDot);
    let joined = matches!(
        next,
        TokenKind::Middle | TokenKind::Tail | TokenKind::RightParen | TokenKind::Comma | TokenKind::DotDot
    );
    let called = next == TokenKind::LeftParen && is_called(pieces, at - 1);
    !inside && !joined && !called
}

/// Whether a word before `(` is the name of a function, and not a keyword, a joining word or the name of a host.
fn is_called(pieces: &[Piece<'_>], at: usize) -> bool {
    let names_itself = |first: &Piece<'_>| at == 1 && (first.is_word("host") || first.is_word("mss"));
    let word = pieces.get(at).filter(|word| word.is(TokenKind::Word));
    word.is_some_and(|word| at > 0 && !is_connective(word.text) && !pieces.first().is_some_and(names_itself))
}
