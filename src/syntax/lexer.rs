//! From text to tokens.
//!
//! Goes in: a file's text. Comes out: tokens that end with [`TokenKind::End`], the places of the
//! comments, and what was wrong. What must hold: tokens are in order and do not overlap, and
//! between two of them are only blanks, comments and newlines that end no statement.
//! A bracket that stays open is found at the first thing that it cannot hold; the lexer then goes
//! back to it once and reads on as if it had no effect, so that one mistake costs one line.

use std::ops::Range;

use super::characters::{ends_word, is_hidden, is_word_byte, lookalike, shell_variable};
use super::errors::{InvalidCharacter, LexicalError, Oddity, UnterminatedInterpolation, UnterminatedString};
use super::token::{Keyword, Token, TokenKind, is_connective};
use crate::source::{FileId, Span};

/// No more lexical findings than this are made for one file: it is then not an `ovl` file at all.
const MOST_ERRORS: usize = 100;

/// A file's tokens.
#[derive(Debug, Default)]
pub struct Lexed {
    /// The tokens in order; the last one is [`TokenKind::End`].
    pub tokens: Vec<Token>,
    /// The comments in order, each from `#`, or the `//` that stands for it, to the end of its line.
    pub comments: Vec<Span>,
    /// What was wrong.
    pub errors: Vec<LexicalError>,
}

/// Cuts a file's text into tokens. Never fails: what is no token becomes [`TokenKind::Bad`].
#[must_use]
pub fn lex(file: FileId, text: &str) -> Lexed {
    let mut lexer = Lexer {
        file,
        text,
        at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 },
        out: Lexed { tokens: Vec::with_capacity(text.len() / 5 + 1), ..Lexed::default() },
        open: Vec::new(),
        outermost: None,
        plain: 0..0,
        apart: 0,
    };
    while lexer.step() {}
    lexer.push(TokenKind::End, text.len());
    lexer.out
}

/// How far the output had grown when a bracket was opened.
#[derive(Clone, Copy)]
struct Mark {
    at: usize,
    tokens: usize,
    comments: usize,
    errors: usize,
}

/// A bracket that is not closed yet.
#[derive(Clone, Copy)]
enum Open {
    Paren(Mark),
    /// The word's beginning, and the byte of `{`.
    Interpolation {
        word: Mark,
        brace: usize,
        quoted: bool,
    },
}

struct Lexer<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    out: Lexed,
    open: Vec<Open>,
    /// Where in `open` the first interpolation is.
    outermost: Option<usize>,
    /// `{` in these bytes opens no interpolation: it was tried, and it did not end.
    plain: Range<usize>,
    /// `(` before this byte does not join lines: it was tried, and it did not end.
    apart: usize,
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn mark(&self) -> Mark {
        Mark {
            at: self.at,
            tokens: self.out.tokens.len(),
            comments: self.out.comments.len(),
            errors: self.out.errors.len(),
        }
    }

    /// Takes the bytes up to `end` as one token.
    fn push(&mut self, kind: TokenKind, end: usize) {
        let Span { start, end: last, .. } = self.span(self.at, end);
        self.out.tokens.push(Token { kind, start, end: last });
        self.at = end;
    }

    fn error(&mut self, error: impl Into<LexicalError>) {
        if self.out.errors.len() < MOST_ERRORS {
            self.out.errors.push(error.into());
        }
    }

    /// Reads one token or one piece of what lies between; false at the end of the text.
    fn step(&mut self) -> bool {
        let Some(byte) = self.byte(self.at) else {
            return self.give_up_interpolation() || self.give_up_parens();
        };
        match byte {
            b' ' | b'\t' => self.at += 1,
            b'\n' => self.newline(1),
            b'\r' if self.byte(self.at + 1) == Some(b'\n') => self.newline(2),
            b'\r' => self.carriage_return(),
            b'#' => self.comment(),
            b'"' => {
                let word = self.mark();
                self.string(word, word.at, self.at + 1);
            }
            b'{' => self.bracket(TokenKind::LeftBrace),
            b'}' => self.right_brace(),
            b';' => self.bracket(TokenKind::Semicolon),
            b'(' => {
                if self.at >= self.apart {
                    self.open.push(Open::Paren(self.mark()));
                }
                self.push(TokenKind::LeftParen, self.at + 1);
            }
            b')' => {
                if matches!(self.open.last(), Some(Open::Paren(_))) {
                    self.open.pop();
                }
                self.push(TokenKind::RightParen, self.at + 1);
            }
            b',' => self.push(TokenKind::Comma, self.at + 1),
            b'+' => self.push(TokenKind::Plus, self.at + 1),
            b'%' => self.push(TokenKind::Percent, self.at + 1),
            _ => self.arrow_or_word(),
        }
        true
    }

    fn arrow_or_word(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or("");
        if rest.starts_with("->") {
            self.push(TokenKind::Arrow, self.at + 2);
        } else if rest.starts_with("<->") {
            self.push(TokenKind::BothWays, self.at + 3);
        } else if rest.starts_with("..") {
            // Three dots are told about where a range is read.
            let dots = rest.bytes().take_while(|byte| *byte == b'.').count();
            self.push(TokenKind::DotDot, self.at + dots);
        } else if rest.starts_with("//") {
            let span = self.span(self.at, self.at + 2);
            self.error(InvalidCharacter { span, oddity: Oddity::Slashes });
            self.comment();
        } else if rest.starts_with('=') && !rest.starts_with("=>") {
            self.push(TokenKind::Equals, self.at + 1);
        } else {
            let word = self.mark();
            self.word(word, self.at, TokenKind::Word);
        }
    }

    /// `{` or `;`, which end everything but a block.
    fn bracket(&mut self, kind: TokenKind) {
        if !self.give_up_interpolation() && !self.give_up_parens() {
            self.push(kind, self.at + 1);
        }
    }

    fn right_brace(&mut self) {
        if self.outermost.is_none() {
            return self.bracket(TokenKind::RightBrace);
        }
        // A parenthesis that is still open inside of it is the parser's to report.
        while let Some(open) = self.open.pop() {
            if let Open::Interpolation { word, quoted, .. } = open {
                self.outermost = self.outermost.filter(|index| *index < self.open.len());
                if quoted {
                    self.string(word, self.at, self.at + 1);
                } else {
                    self.word(word, self.at + 1, TokenKind::Tail);
                }
                return;
            }
        }
    }

    fn open_interpolation(&mut self, word: Mark, brace: usize, quoted: bool) {
        self.outermost = self.outermost.or(Some(self.open.len()));
        self.open.push(Open::Interpolation { word, brace, quoted });
    }

    fn newline(&mut self, length: usize) {
        if self.give_up_interpolation() {
            return;
        }
        if !self.open.is_empty() || self.line_goes_on() {
            self.at += length;
        } else {
            self.push(TokenKind::Newline, self.at + length);
        }
    }

    /// The end of a line on machines of another age: told about once, as all lines of the file may end so.
    fn carriage_return(&mut self) {
        let told = |error: &LexicalError| matches!(error, LexicalError::Character(error) if error.oddity == Oddity::LoneReturn);
        if !self.out.errors.iter().any(told) {
            let span = self.span(self.at, self.at + 1);
            self.error(InvalidCharacter { span, oddity: Oddity::LoneReturn });
        }
        self.newline(1);
    }

    /// Whether the last token asks for more: a comma or arrow, or an operator that has its left operand.
    fn line_goes_on(&self) -> bool {
        let mut before = self.out.tokens.iter().rev();
        match before.next().map(|token| token.kind) {
            Some(
                TokenKind::Comma
                | TokenKind::Equals
                | TokenKind::DotDot
                | TokenKind::Arrow
                | TokenKind::BothWays,
            ) => true,
            Some(
                TokenKind::Plus | TokenKind::Minus | TokenKind::Star | TokenKind::Slash | TokenKind::Percent,
            ) => before.next().is_some_and(|operand| match operand.kind {
                // `for *` is a pattern.
                TokenKind::Word => !is_connective(operand.text(self.text)),
                TokenKind::String | TokenKind::Tail | TokenKind::RightParen => true,
                _ => false,
            }),
            _ => false,
        }
    }

    /// From `#`, or the `//` that stands for it, to the end of the line.
    fn comment(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or("");
        let line = rest.split(['\n', '\r']).next().unwrap_or("");
        let end = self.at + line.len();
        if let Some((offset, character)) = line.char_indices().find(|(_, character)| is_hidden(*character)) {
            let start = self.at + offset;
            let span = self.span(start, start + character.len_utf8());
            self.error(InvalidCharacter { span, oddity: Oddity::Hidden(character) });
        }
        let span = self.span(self.at, end);
        self.out.comments.push(span);
        self.at = end;
    }

    /// A bare word, or its next piece: the token begins at the current byte, its text at `from`.
    fn word(&mut self, word: Mark, from: usize, whole: TokenKind) {
        let mut end = from;
        while let Some(byte) = self.byte(end) {
            let stops = match byte {
                b'-' => self.byte(end + 1) == Some(b'>'),
                b'.' => self.byte(end + 1) == Some(b'.'),
                _ => !is_word_byte(byte),
            };
            if stops {
                break;
            }
            end += 1;
        }
        match self.byte(end) {
            _ if end == from && whole == TokenKind::Word => self.bad_word(word, end),
            Some(b'{') if !self.plain.contains(&end) => {
                let kind = if whole == TokenKind::Word { TokenKind::Head } else { TokenKind::Middle };
                self.push(kind, end + 1);
                self.open_interpolation(word, end, false);
            }
            Some(byte) if !ends_word(byte) => self.bad_word(word, end),
            next => {
                if next == Some(b'{') {
                    self.given_up(word, end, false);
                }
                let kind = match (whole, self.text.get(from..end)) {
                    (TokenKind::Word, Some("-")) => TokenKind::Minus,
                    (TokenKind::Word, Some("*")) => TokenKind::Star,
                    (TokenKind::Word, Some("/")) => TokenKind::Slash,
                    _ => whole,
                };
                self.push(kind, end);
            }
        }
    }

    /// A word with something in it, at `odd`, that no bare word holds: all of it is one bad token.
    fn bad_word(&mut self, word: Mark, odd: usize) {
        let rest = self.text.get(odd..).unwrap_or("");
        if let Some((length, name)) = shell_variable(rest) {
            let (span, name) = (self.span(odd, odd + length), name.to_owned());
            self.error(InvalidCharacter { span, oddity: Oddity::Shell { name, alone: odd == word.at } });
            return self.push(TokenKind::Bad, odd + length);
        }
        let character = rest.chars().next().unwrap_or_default();
        let goes_on = |byte| matches!(byte, b'.' | b'-' | b'=') || !ends_word(byte);
        let length = rest.bytes().position(|byte| !goes_on(byte)).unwrap_or(rest.len());
        let end = odd + length.max(character.len_utf8());
        let arrow = ["<=>", "=>", "<-", "→", "⇒", "↔", "⇔", "←", "–>", "—>"]
            .into_iter()
            .find(|arrow| rest.starts_with(arrow));
        let (length, oddity) = if is_hidden(character) {
            (character.len_utf8(), Oddity::Hidden(character))
        } else if let Some(arrow) = arrow {
            (arrow.len(), Oddity::Arrow(arrow))
        } else if let Some((length, plain)) = lookalike(rest, character) {
            (length, Oddity::Lookalike { character, plain })
        } else if character == '#' {
            (1, Oddity::Comment)
        } else {
            let word = self.text.get(word.at..end).unwrap_or("");
            (character.len_utf8(), Oddity::InWord { character, word: word.to_owned() })
        };
        // What follows `#` was a comment, or nothing that can be told.
        let end = if oddity == Oddity::Comment { odd } else { end.max(odd + length) };
        let span = self.span(odd, odd + length);
        self.error(InvalidCharacter { span, oddity });
        self.push(TokenKind::Bad, end);
    }

    /// A quoted word, or its next piece: the token begins at `start`, its text one byte later, at `from`.
    fn string(&mut self, word: Mark, start: usize, from: usize) {
        let (whole, part) = if start == word.at {
            (TokenKind::String, TokenKind::Head)
        } else {
            (TokenKind::Tail, TokenKind::Middle)
        };
        let mut bad = false;
        let mut given_up = false;
        let mut chars = self.text.get(from..).unwrap_or("").char_indices().map(|(at, c)| (from + at, c));
        let mut errors = Vec::new();
        let (kind, end) = loop {
            match chars.next() {
                Some((at, '"')) => break (whole, at + 1),
                Some((at, '{')) if !self.plain.contains(&at) => break (part, at + 1),
                Some((at, '{')) => {
                    self.given_up(word, at, true);
                    given_up = true;
                }
                Some((at, '\\')) => match chars.clone().next() {
                    Some((_, '"' | '\\' | '{')) => {
                        chars.next();
                    }
                    next => {
                        let escaped = next.map(|(_, c)| c).filter(|c| !c.is_control());
                        let span = self.span(at, at + 1 + escaped.map_or(0, char::len_utf8));
                        errors.push(InvalidCharacter { span, oddity: Oddity::Escape(escaped) });
                        bad = true;
                    }
                },
                line_end @ (None | Some((_, '\n'))) => {
                    let end = line_end.map_or(self.text.len(), |(at, _)| at);
                    let end = if self.byte(end - 1) == Some(b'\r') { end - 1 } else { end };
                    // An interpolation that was given up has already told about this string.
                    if !bad && !given_up {
                        let span = self.span(word.at, end);
                        self.error(UnterminatedString { span });
                    }
                    bad = true;
                    break (whole, end);
                }
                Some((at, '\r')) if self.byte(at + 1) == Some(b'\n') => {}
                Some((at, character)) if is_hidden(character) => {
                    let span = self.span(at, at + character.len_utf8());
                    errors.push(InvalidCharacter { span, oddity: Oddity::Hidden(character) });
                    bad = true;
                }
                Some(_) => {}
            }
        };
        for error in errors {
            self.error(error);
        }
        self.push(if bad { TokenKind::Bad } else { kind }, end);
        if kind == part {
            self.open_interpolation(word, end - 1, true);
        }
    }

    /// Where an interpolation cannot go on: reads its word again, as if `{` opened none.
    fn give_up_interpolation(&mut self) -> bool {
        let Some(index) = self.outermost else { return false };
        let Some(Open::Interpolation { word, brace, .. }) = self.open.get(index).copied() else {
            return false;
        };
        if self.end_interpolation(index) {
            return true;
        }
        // Where quotes stood inside, what was given up before may now be a part of this word: it
        // stays given up, or the two would take turns for ever.
        let before = if self.plain.end > word.at { self.plain.start } else { brace };
        self.plain = before.min(brace)..self.at;
        self.go_back(index, word);
        true
    }

    /// Where the outermost interpolation holds a value and nothing else, and its `}` is missing: before the `{`
    /// of a block it ends at the blank, and at the end of a line its word is one bad token.
    fn end_interpolation(&mut self, index: usize) -> bool {
        let Some(Open::Interpolation { word, brace, quoted: false }) = self.open.get(index).copied() else {
            return false;
        };
        let Some(end) = self.value_behind(brace) else { return false };
        let blank = |at| matches!(self.byte(at), Some(b' ' | b'\t'));
        let block = self.byte(self.at) == Some(b'{');
        // `cell-{n {` ends at the blank; in `cell-{ n` the brace may be that of a block.
        let ends_here = if block { blank(end) } else { !blank(brace + 1) };
        if !ends_here {
            return false;
        }
        let text = |from, to| self.text.get(from..to).unwrap_or("").to_owned();
        let (before, inside) = (text(word.at, brace), text(brace, end));
        let (span, missing) = (self.span(brace, brace + 1), self.span(end, end));
        if block {
            self.open.truncate(index);
            self.outermost = None;
            self.at = end;
        } else {
            self.go_back(index, word);
        }
        self.error(UnterminatedInterpolation {
            span,
            word: before,
            quoted: false,
            value: Some((missing, inside)),
        });
        if block {
            self.push(TokenKind::Tail, end + 1);
        } else {
            self.push(TokenKind::Bad, end);
        }
        true
    }

    /// Where the value ends that stands behind the brace of an interpolation, if there is nothing else up to here.
    /// Blocks begin with a keyword, so what does is none.
    fn value_behind(&self, brace: usize) -> Option<usize> {
        let before = self.out.tokens.iter().rposition(|token| token.end as usize == brace + 1)?;
        let inside = self.out.tokens.get(before + 1..)?;
        let fits = |(n, token): (usize, &Token)| match token.kind {
            TokenKind::Word => n % 2 == 0 && Keyword::find(token.text(self.text)).is_none(),
            TokenKind::Plus | TokenKind::Minus | TokenKind::Star | TokenKind::Slash | TokenKind::Percent => {
                n % 2 == 1
            }
            _ => false,
        };
        let whole = inside.len() % 2 == 1 && inside.iter().enumerate().all(fits);
        inside.last().filter(|_| whole).map(|token| token.end as usize)
    }

    /// Where a parenthesis cannot go on: reads on from it as if it did not join lines.
    fn give_up_parens(&mut self) -> bool {
        let Some(Open::Paren(mark)) = self.open.first().copied() else { return false };
        self.apart = self.at.max(mark.at + 1);
        self.go_back(0, mark);
        true
    }

    /// Tells about an interpolation that was given up, when its brace is passed again: whatever is
    /// read twice, the finding is made once.
    fn given_up(&mut self, word: Mark, brace: usize, quoted: bool) {
        if self.plain.start == brace {
            let word = self.text.get(word.at..brace).unwrap_or("").to_owned();
            let span = self.span(brace, brace + 1);
            self.error(UnterminatedInterpolation { span, word, quoted, value: None });
        }
    }

    fn go_back(&mut self, open: usize, mark: Mark) {
        self.open.truncate(open);
        self.outermost = None;
        self.out.tokens.truncate(mark.tokens);
        self.out.comments.truncate(mark.comments);
        self.out.errors.truncate(mark.errors);
        self.at = mark.at;
    }
}
