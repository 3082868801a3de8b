//! Words of nft's text.
//!
//! Goes in: text. Comes out: words with their lines. What must hold: a line that goes on inside of braces or
//! behind a backslash has no end in between; comments are gone.

use super::Unread;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Anything without quotes: names, numbers, addresses, operators.
    Word(String),
    /// What stood in quotes.
    Text(String),
    /// `{`
    Open,
    /// `}`
    Close,
    /// `,`
    Comma,
    /// `;` or the end of a line.
    End,
}

/// The words of a text, each with its line.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Unread> {
    let mut tokens: Vec<(usize, Token)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let mut rest = line;
        let mut goes_on = false;
        loop {
            rest = rest.trim_start();
            let Some(first) = rest.chars().next() else { break };
            let single = match first {
                '#' => break,
                '{' => Some(Token::Open),
                '}' => Some(Token::Close),
                ',' => Some(Token::Comma),
                ';' => Some(Token::End),
                _ => None,
            };
            if let Some(token) = single {
                tokens.push((number, token));
                rest = &rest[1..];
            } else if let Some(quoted) = rest.strip_prefix('"') {
                let Some(end) = quoted.find('"') else {
                    return Err(Unread::new(number, line, "a quote that does not end"));
                };
                tokens.push((number, Token::Text(quoted[..end].to_owned())));
                rest = &quoted[end + 1..];
            } else if rest == "\\" {
                goes_on = true;
                break;
            } else {
                let end = rest.find(|c: char| c.is_whitespace() || "{},;\"".contains(c));
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                tokens.push((number, Token::Word(word.to_owned())));
                rest = after;
            }
        }
        if !goes_on && tokens.last().is_some_and(|(_, last)| *last != Token::End) {
            tokens.push((number, Token::End));
        }
    }
    Ok(tokens)
}
