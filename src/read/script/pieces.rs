//! The text of a script as its pieces: variables, functions, and nothing between them but comments.
//!
//! Goes in: text. Comes out: [`Pieces`], each with its line. What must hold: a line that is no part of a
//! piece is refused, as are a second piece of one name and whatever stands behind the last line.

use crate::read::Unread;

/// What ends a here-document.
pub(super) const END: &str = "OVERLAPC_END";
/// How a here-document begins.
pub(super) const CAT: &str = "    cat <<'OVERLAPC_END'";

/// Lines that set nothing of the site, in the order in which they must stand.
const FRAME: [&str; 4] = ["set -eu", "LC_ALL=C", "export LC_ALL", "main \"$@\""];

/// A script in pieces.
pub(super) struct Pieces<'t> {
    /// In the order of the text.
    pub(super) variables: Vec<Variable<'t>>,
    /// In the order of the text.
    pub(super) functions: Vec<Function<'t>>,
}

/// `NAME=VALUE`
pub(super) struct Variable<'t> {
    pub(super) line: usize,
    pub(super) name: &'t str,
    /// Without quotes.
    pub(super) value: &'t str,
}

/// `NAME() {`, its lines, `}`
pub(super) struct Function<'t> {
    /// The line of the name; the next is the first of the body.
    pub(super) line: usize,
    pub(super) name: &'t str,
    pub(super) body: Vec<&'t str>,
}

impl<'t> Pieces<'t> {
    pub(super) fn of(text: &'t str) -> Result<Self, Unread> {
        let lines: Vec<&str> = text.split_terminator('\n').collect();
        let odd = |line: &&str| match line.is_ascii() {
            true => line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t'),
            false => line.contains(|c: char| c.is_control() && c != '\t'),
        };
        if let Some(at) = lines.iter().position(odd) {
            return Err(Unread::new(at + 1, lines[at], "a character that no script of a site has"));
        }
        if lines.first() != Some(&"#!/bin/sh") {
            let first = lines.first().copied().unwrap_or_default();
            return Err(Unread::new(1, first, "not a script of sh"));
        }
        let mut pieces = Self { variables: Vec::new(), functions: Vec::new() };
        let mut frame = FRAME.iter().peekable();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            at += 1;
            let unread = |why: &str| Unread::new(at, *line, why);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if frame.peek().is_none() {
                return Err(unread("nothing may follow the call of main"));
            }
            if frame.next_if(|next| *next == line).is_some() {
                continue;
            }
            if let Some(name) = line.strip_suffix("() {").filter(|name| is_name(name)) {
                if pieces.functions.iter().any(|other| other.name == name) {
                    return Err(unread("a second function of that name"));
                }
                let length = length(&lines[at..]).map_err(|why| unread(&why))?;
                let body = lines[at..at + length].to_vec();
                pieces.functions.push(Function { line: at, name, body });
                at += length + 1;
            } else if let Some((name, value)) = line.split_once('=').filter(|(name, _)| is_name(name)) {
                if pieces.variables.iter().any(|other| other.name == name) {
                    return Err(unread("a second value for that variable"));
                }
                let value = value_of(value).ok_or_else(|| unread("a value that is not understood"))?;
                pieces.variables.push(Variable { line: at, name, value });
            } else {
                return Err(unread("neither a variable nor a function"));
            }
        }
        match frame.next() {
            Some(missing) => Err(Unread::new(
                lines.len(),
                *missing,
                "the script ends, and this line is missing or out of place",
            )),
            None if !text.ends_with('\n') => Err(Unread::new(lines.len(), "", "the last line has no end")),
            None => Ok(pieces),
        }
    }
}

impl Function<'_> {
    /// The body as one text.
    pub(super) fn text(&self) -> String {
        self.body.join("\n")
    }

    /// Refuses a line of the body, the first being 0.
    pub(super) fn unread(&self, index: usize, why: &str) -> Unread {
        let text = self.body.get(index).copied().unwrap_or("}");
        Unread::new(self.line + 1 + index, text, format!("{} (in {})", why, self.name))
    }
}

/// How many lines there are up to the `}` that ends a function. One in a here-document does not.
fn length(lines: &[&str]) -> Result<usize, String> {
    let mut inside = false;
    for (index, line) in lines.iter().enumerate() {
        match *line {
            END => inside = false,
            CAT if inside => break,
            CAT => inside = true,
            "}" if !inside => return Ok(index),
            _ => {}
        }
    }
    let what = if inside { "a here-document" } else { "a function" };
    Err(format!("{what} that does not end"))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A word, or anything in single quotes, in which nothing has a meaning.
fn value_of(text: &str) -> Option<&str> {
    if let Some(quoted) = text.strip_prefix('\'') {
        return quoted.strip_suffix('\'').filter(|value| !value.contains('\''));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "./_-".contains(c);
    (!text.is_empty() && text.chars().all(plain)).then_some(text)
}

/// FNV-1a with 64 bits: it finds accidents, and nobody who means it.
pub(super) fn digest(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}
