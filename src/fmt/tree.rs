//! The rows of a text: statements with their blocks, comments, and blank lines between.
//!
//! Goes in: tokens and comments. Comes out: rows, in which nothing is said about blanks. What must hold: every
//! element but the ends of statements is in one row, and a comment at the end of a line is with what it follows.

use std::ops::Range;

use super::kept::Kept;
use super::pieces::{Element, Kind, elements};
use crate::syntax::lexer::Lexed;
use crate::syntax::token::TokenKind;

/// Deeper blocks than the parser takes are left as they are.
const DEEPEST: usize = 64;

/// What a comment holds that speaks about the line after it.
const SPEAKS: &str = "overlapc:";

/// Something that stands on lines of its own.
#[derive(Debug)]
pub(super) enum Row<'t> {
    /// One blank line or more.
    Blank,
    Comment(&'t str),
    Statement(Statement<'t>),
    /// Bytes that stay as they are: whole lines, if nothing else is on the first.
    Kept(Range<usize>),
}

#[derive(Debug)]
pub(super) struct Statement<'t> {
    /// All of it, up to its block.
    pub pieces: Vec<Piece<'t>>,
    pub block: Option<Block<'t>>,
    /// At the end of its last line.
    pub comment: Option<&'t str>,
}

#[derive(Debug)]
pub(super) struct Block<'t> {
    /// Behind its `{`.
    pub comment: Option<&'t str>,
    pub rows: Vec<Row<'t>>,
    /// Whether it was written on one line.
    pub on_one_line: bool,
}

/// A token, or a comment inside of a statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'t> {
    pub kind: Kind,
    pub text: &'t str,
    /// Whether it was the first one on its line.
    pub breaks: bool,
}

impl Piece<'_> {
    pub(super) fn is(&self, kind: TokenKind) -> bool {
        self.kind == Kind::Token(kind)
    }

    /// Whether it is this bare word.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.is(TokenKind::Word) && self.text == word
    }
}

/// All rows of a text.
pub(super) fn rows<'t>(text: &'t str, lexed: &Lexed, kept: &Kept) -> Vec<Row<'t>> {
    let elements = elements(lexed);
    let mut builder = Builder { text, elements: &elements, kept, at: 0, last: 0, begun: Vec::new() };
    let mut rows = Vec::new();
    if !builder.block(&mut rows, 0, false) {
        let start = builder.begun.first().copied().unwrap_or(0);
        push(&mut rows, Row::Kept(builder.whole_lines(start, text.len())), text);
    }
    rows
}

struct Builder<'t, 'a> {
    text: &'t str,
    elements: &'a [Element],
    kept: &'a Kept,
    /// The next element.
    at: usize,
    /// Where the one before it ended, newlines left aside.
    last: usize,
    /// Where the statements begin that belong to the one of the file that is being read, itself the first.
    begun: Vec<usize>,
}

impl<'t> Builder<'t, '_> {
    fn peek(&self) -> Element {
        let end = Element { kind: Kind::Token(TokenKind::End), start: self.text.len(), end: self.text.len() };
        self.elements.get(self.at).copied().unwrap_or(end)
    }

    fn take(&mut self) -> Element {
        let element = self.peek();
        self.at += 1;
        if !element.is(TokenKind::Newline) {
            self.last = element.end;
        }
        element
    }

    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or("")
    }

    /// How many lines end between what was taken last and here.
    fn lines_since(&self, start: usize) -> usize {
        self.slice(self.last, start).matches('\n').count()
    }

    /// Reads rows up to the `}` of a block, which is left, or the end of the file. False where braces do not
    /// match: then the statement of the file that was begun last cannot be told from what follows it. The comment
    /// behind its `{` may speak of the first row.
    fn block(&mut self, rows: &mut Vec<Row<'t>>, depth: usize, spoken_of: bool) -> bool {
        loop {
            let next = self.peek();
            let lines = self.lines_since(next.start);
            match next.kind {
                Kind::Token(TokenKind::End) => return depth == 0,
                Kind::Token(TokenKind::RightBrace) if depth > 0 => return true,
                Kind::Token(TokenKind::Newline | TokenKind::Semicolon) => {
                    self.take();
                    continue;
                }
                _ if lines > 1 && !rows.is_empty() => rows.push(Row::Blank),
                _ => {}
            }
            if next.kind == Kind::Comment {
                self.take();
                let text = self.slice(next.start, next.end).trim_end();
                match rows.last_mut() {
                    Some(Row::Statement(statement)) if lines == 0 && statement.comment.is_none() => {
                        statement.comment = Some(text);
                    }
                    _ => rows.push(Row::Comment(text)),
                }
                continue;
            }
            if depth == 0 {
                self.begun.clear();
            }
            let spoken_of = rows.last().map_or(spoken_of, speaks);
            let Some(row) = self.statement(spoken_of, depth) else { return false };
            if depth == 0 && self.kept.reaches(self.last) {
                return false;
            }
            push(rows, row, self.text);
        }
    }

    /// Reads a statement; none where braces do not match in it.
    fn statement(&mut self, spoken_of: bool, depth: usize) -> Option<Row<'t>> {
        let start = self.peek().start;
        let begun = self.begun.len();
        self.begun.push(start);
        if self.peek().is(TokenKind::RightBrace) || depth > DEEPEST {
            return None;
        }
        let pieces = self.pieces();
        let mut broken = self.kept.touches(start, self.last);
        let block = if self.peek().is(TokenKind::LeftBrace) { Some(self.body(depth)?) } else { None };
        broken |= block.is_some() && self.kept.touches(self.last, self.last);
        if block.is_some() && !self.peek().ends() && self.peek().kind != Kind::Comment {
            broken = true;
            self.pass()?;
        }
        if spoken_of && self.shares_its_line(start, begun) {
            while self.next_on_line(start) {
                while self.peek().is(TokenKind::Semicolon) {
                    self.take();
                }
                self.statement(false, depth)?;
            }
            broken = true;
        }
        if broken {
            return Some(self.keep(start));
        }
        Some(Row::Statement(Statement { pieces, block, comment: None }))
    }

    /// The tokens of a statement up to its block or its end, and the comments between them.
    fn pieces(&mut self) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        loop {
            let comments = self.elements.iter().skip(self.at).take_while(|next| next.kind == Kind::Comment);
            let comments = comments.count();
            let next = self.elements.get(self.at + comments);
            if next.is_none_or(|next| next.ends() || next.is(TokenKind::LeftBrace)) {
                return pieces;
            }
            for _ in 0..=comments {
                let next = self.peek();
                let breaks = !pieces.is_empty() && self.lines_since(next.start) > 0;
                self.take();
                let text = self.slice(next.start, next.end).trim_end();
                pieces.push(Piece { kind: next.kind, text, breaks });
            }
        }
    }

    /// Reads a block with both its braces.
    fn body(&mut self, depth: usize) -> Option<Block<'t>> {
        let open = self.take();
        let mut comment = None;
        let next = self.peek();
        if next.kind == Kind::Comment && self.lines_since(next.start) == 0 {
            self.take();
            comment = Some(self.slice(next.start, next.end).trim_end());
        }
        let mut rows = Vec::new();
        let spoken_of = comment.is_some_and(|text| text.contains(SPEAKS));
        if !self.block(&mut rows, depth + 1, spoken_of) || !self.peek().is(TokenKind::RightBrace) {
            return None;
        }
        let close = self.take();
        let on_one_line = !self.slice(open.end, close.start).contains('\n');
        if rows.last().is_some_and(|row| matches!(row, Row::Blank)) {
            rows.pop();
        }
        Some(Block { comment, rows, on_one_line })
    }

    /// Passes over what stands behind a block and belongs to no statement.
    fn pass(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            let next = self.peek();
            match next.kind {
                Kind::Token(TokenKind::End) => return (open == 0).then_some(()),
                Kind::Token(TokenKind::LeftBrace) => open += 1,
                Kind::Token(TokenKind::RightBrace) if open > 0 => open -= 1,
                _ if open == 0 && next.ends() => return Some(()),
                _ => {}
            }
            self.take();
        }
    }

    /// Whether another statement begins on the line of this one, which began first.
    fn shares_its_line(&self, start: usize, begun: usize) -> bool {
        let line_end = self.line_end(start);
        self.begun.iter().skip(begun).filter(|other| **other < line_end).count() > 1
            || self.next_on_line(start)
    }

    /// Whether a statement begins behind the ends of this one on the line of `start`.
    fn next_on_line(&self, start: usize) -> bool {
        let line_end = self.line_end(start);
        let after = self.elements.iter().skip(self.at).find(|element| !element.is(TokenKind::Semicolon));
        after.is_some_and(|next| next.start < line_end && !next.ends() && next.kind != Kind::Comment)
    }

    fn line_end(&self, start: usize) -> usize {
        self.slice(start, self.text.len()).find('\n').map_or(self.text.len(), |length| start + length)
    }

    /// What was read since `start`, with the comment behind it, as it stands.
    fn keep(&mut self, start: usize) -> Row<'t> {
        let next = self.peek();
        if next.kind == Kind::Comment && self.lines_since(next.start) == 0 {
            self.take();
        }
        Row::Kept(self.whole_lines(start, self.last))
    }

    /// These bytes, with the blanks before them where they begin a line.
    fn whole_lines(&self, start: usize, end: usize) -> Range<usize> {
        let line = self.slice(0, start).rfind('\n').map_or(0, |newline| newline + 1);
        let blank = self.slice(line, start).chars().all(|before| before == ' ' || before == '\t');
        let start = if blank { line } else { start };
        start..start + self.slice(start, end).trim_end().len()
    }
}

/// Adds a row; what stays as it is stays on one line if it was on one.
fn push<'t>(rows: &mut Vec<Row<'t>>, row: Row<'t>, text: &str) {
    match (rows.last_mut(), row) {
        (Some(Row::Kept(before)), Row::Kept(next))
            if !text.get(before.end..next.start).is_some_and(|between| between.contains('\n')) =>
        {
            before.end = next.end;
        }
        (_, row) => rows.push(row),
    }
}

/// Whether a row is, or ends in, a comment that speaks about the next line.
fn speaks(row: &Row<'_>) -> bool {
    match row {
        Row::Comment(text) => text.contains(SPEAKS),
        Row::Statement(statement) => statement.comment.is_some_and(|text| text.contains(SPEAKS)),
        Row::Blank | Row::Kept(_) => false,
    }
}
