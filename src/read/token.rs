//! Words of nft's text.
//!
//! Goes in: text. Comes out: words with their lines, one after another. What must hold: a line that goes on inside
//! of braces or behind a backslash has no end in between; comments are gone.

use super::Unread;

/// A word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// Anything without quotes: names, numbers, addresses, operators.
    Word(&'t str),
    /// What stood in quotes.
    Text(&'t str),
    /// `{`
    Open,
    /// `}`
    Close,
    /// `,`
    Comma,
    /// `;` or the end of a line.
    End,
}

/// A word with its line.
pub(super) type Placed<'t> = (usize, Token<'t>);

/// The words of a text. What cannot be parted into words ends it, and says so.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'t> {
    /// What is behind the line.
    text: &'t str,
    /// What is left of the line.
    rest: &'t str,
    line: &'t str,
    number: usize,
    /// Whether the line is being read.
    within: bool,
    /// Whether the last word was an end; before the first there is none to be had.
    ended: bool,
}

impl<'t> Tokens<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, rest: "", line: "", number: 0, within: false, ended: true }
    }

    fn token(&mut self) -> Result<Option<Placed<'t>>, Unread> {
        loop {
            if !self.within {
                if self.text.is_empty() {
                    return Ok(None);
                }
                let (line, text) = self.text.split_once('\n').unwrap_or((self.text, ""));
                self.line = line.strip_suffix('\r').unwrap_or(line);
                (self.rest, self.text, self.within) = (self.line, text, true);
                self.number += 1;
            }
            self.rest = self.rest.trim_start();
            let rest = self.rest;
            let Some(first) = rest.bytes().next().filter(|first| *first != b'#' && rest != "\\") else {
                self.within = false;
                if rest != "\\" && !self.ended {
                    self.ended = true;
                    return Ok(Some((self.number, Token::End)));
                }
                continue;
            };
            let single = match first {
                b'{' => Some(Token::Open),
                b'}' => Some(Token::Close),
                b',' => Some(Token::Comma),
                b';' => Some(Token::End),
                _ => None,
            };
            let (token, rest) = if let Some(token) = single {
                (token, &rest[1..])
            } else if let Some(quoted) = rest.strip_prefix('"') {
                let Some((text, rest)) = quoted.split_once('"') else {
                    return Err(Unread::new(self.number, self.line, "a quote that does not end"));
                };
                (Token::Text(text), rest)
            } else {
                let ends = |byte: u8| b"{},;\"".contains(&byte);
                // Blanks that are no ASCII are found one letter at a time.
                let end = if rest.is_ascii() {
                    rest.bytes().position(|byte| byte == b'\x0b' || byte.is_ascii_whitespace() || ends(byte))
                } else {
                    rest.find(|c: char| c.is_whitespace() || u8::try_from(c).is_ok_and(ends))
                };
                let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
                (Token::Word(word), rest)
            };
            self.rest = rest;
            self.ended = token == Token::End;
            return Ok(Some((self.number, token)));
        }
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Result<Placed<'t>, Unread>;

    fn next(&mut self) -> Option<Self::Item> {
        self.token().transpose()
    }
}
