//! The one style of a site file: how a text is laid out, without a change to what it says.
//!
//! Goes in: a file's text. Comes out: the same tokens and comments in the one layout. What must hold: nothing is
//! formatted twice to another result, every comment keeps its statement, and a text whose tokens would not be the
//! same afterwards is not given out at all.

mod columns;
mod kept;
mod pieces;
mod print;
mod tree;

use crate::diag::{Diagnostic, Diagnostics};
use crate::source::FileId;
use crate::syntax::token::{Token, TokenKind};
use crate::syntax::{lexer, parse_file};
use kept::Kept;

/// What there is to say about a text that is to be formatted.
#[derive(Debug)]
pub enum Formatted {
    /// The text in the one style, perhaps the same as before.
    Text(String),
    /// It does not parse, and this is why.
    Refused(Vec<Diagnostic>),
    /// It could not be laid out without a change to its meaning: a defect of this program.
    Defect,
}

/// What is done about statements that do not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The whole text is refused.
    Refuse,
    /// They stay as they are, and the others are formatted.
    Keep,
}

/// Lays out the text of one file.
///
/// - A statement a line, four blanks for each block that is open, a blank between tokens and none inside of
///   parentheses, braces of words and around `..`.
/// - Inside of a block the words after the keywords stand in one column; between blank lines also `as`, what follows
///   the name of a `host`, the arrows of neighbouring `connect` lines, and comments at the ends of lines.
/// - Blank lines stay, no more than one at a time and none at the ends of a block. Where a statement went on in
///   the next line it still does, in the column of the list or parenthesis that goes on.
/// - A block of one statement that was on one line stays there, if the line has no more than 100 columns.
/// - Lines end as the first one did: with LF, or with CR LF.
#[must_use]
pub fn format(file: FileId, text: &str, broken: Broken) -> Formatted {
    let findings = findings(file, text);
    if broken == Broken::Refuse && !findings.is_empty() {
        return Formatted::Refused(findings);
    }
    let made = laid_out(file, text, &findings);
    let right = same(file, text, &made);
    if findings.is_empty() {
        return if right { Formatted::Text(made) } else { Formatted::Defect };
    }
    // Where it cannot be told which statements are broken, as after a parenthesis that is never closed, all stay.
    let codes = |findings: &[Diagnostic]| findings.iter().map(|finding| finding.code).collect::<Vec<_>>();
    let right = right
        && codes(&self::findings(file, &made)) == codes(&findings)
        && laid_out(file, &made, &self::findings(file, &made)) == made;
    Formatted::Text(if right { made } else { text.to_owned() })
}

/// What the lexer and the parser have to say.
fn findings(file: FileId, text: &str) -> Vec<Diagnostic> {
    let mut findings = Diagnostics::default();
    let _ = parse_file(file, text, &mut findings);
    findings.sorted()
}

fn laid_out(file: FileId, text: &str, findings: &[Diagnostic]) -> String {
    let lexed = lexer::lex(file, text);
    let kept = Kept::new(text, &lexed, findings);
    print::print(text, &tree::rows(text, &lexed, &kept))
}

/// Whether both texts have the same tokens and comments, but for where statements end.
fn same(file: FileId, before: &str, after: &str) -> bool {
    fn said(file: FileId, text: &str) -> (Vec<&str>, Vec<&str>) {
        let lexed = lexer::lex(file, text);
        let is_end = |kind| matches!(kind, TokenKind::Newline | TokenKind::Semicolon);
        let word = |token: &Token| if is_end(token.kind) { ";" } else { token.text(text) };
        let words = pieces::statements(&lexed.tokens).map(word).collect();
        (words, lexed.comments.iter().map(|span| text[span.range()].trim_end()).collect())
    }
    said(file, before) == said(file, after)
}
