//! From text to tree: lexer, parser, included files.
//!
//! Goes in: a file's text, and a way to read the files it includes. Comes out: one tree of all
//! files. What must hold: there is always a tree; what did not parse is missing in it, and its
//! finding is made.

pub mod ast;
mod characters;
mod errors;
mod include;
pub mod lexer;
mod parser;
pub mod token;

use crate::diag::Diagnostics;
use crate::source::{FileId, Span};

pub use include::{Loader, parse_site};

/// One file after parsing, its includes not yet read.
#[derive(Debug)]
pub struct Parsed {
    /// The tree.
    pub file: ast::File,
    /// The comments in order, each from `#` to the end of its line.
    pub comments: Vec<Span>,
}

/// Parses one file by itself; its includes stay [`ast::Item::Include`].
#[must_use]
pub fn parse_file(id: FileId, text: &str, findings: &mut Diagnostics) -> Parsed {
    let lexed = lexer::lex(id, text);
    for error in lexed.errors {
        findings.push(error);
    }
    let file = parser::parse(id, text, &lexed.tokens, findings);
    Parsed { file, comments: lexed.comments }
}

#[cfg(test)]
mod tests;
