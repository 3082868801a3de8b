//! Which statements stay as they are, because they do not parse.
//!
//! Goes in: the findings of the lexer and the parser. Comes out: the answer for each statement. What must hold: where
//! braces do not match, nothing that may belong to them is touched.

use crate::diag::{Diagnostic, code};
use crate::syntax::lexer::Lexed;
use crate::syntax::token::TokenKind;

/// The places of what is wrong.
#[derive(Debug)]
pub(super) struct Kept {
    /// Where the lines of each begin, in order, and where the last one ends of it and of those before.
    wrong: Vec<(usize, usize)>,
    /// From here on braces may be amiss.
    from: usize,
}

impl Kept {
    pub(super) fn new(text: &str, lexed: &Lexed, findings: &[Diagnostic]) -> Self {
        let bad = lexed.tokens.iter().filter(|token| token.kind == TokenKind::Bad);
        let found = findings.iter().map(|finding| finding.primary.span);
        let mut wrong: Vec<(usize, usize)> = bad
            .map(|token| (token.start, token.end))
            .chain(found.map(|span| (span.start, span.end)))
            .map(|(start, end)| lines(text, start as usize, end as usize))
            .collect();
        wrong.sort_unstable();
        let mut last = 0;
        for (_, end) in &mut wrong {
            last = last.max(*end);
            *end = last;
        }
        let braces = findings.iter().filter(|finding| {
            matches!(finding.code, code::UNCLOSED_BLOCK | code::UNTERMINATED_INTERPOLATION)
        });
        let labels = braces.flat_map(|finding| finding.secondary.iter().chain([&finding.primary]));
        let from = labels.map(|label| label.span.start as usize).min().unwrap_or(usize::MAX);
        Self { wrong, from }
    }

    /// Whether something is wrong in these bytes or directly after them.
    pub(super) fn touches(&self, start: usize, end: usize) -> bool {
        let before = self.wrong.partition_point(|(first, _)| *first <= end);
        before.checked_sub(1).and_then(|at| self.wrong.get(at)).is_some_and(|(_, last)| start <= *last)
    }

    /// Whether braces may be amiss in what ends here, and so in all that follows.
    pub(super) const fn reaches(&self, end: usize) -> bool {
        self.from <= end
    }
}

/// All of the lines that these bytes are on.
fn lines(text: &str, start: usize, end: usize) -> (usize, usize) {
    let before = text.get(..start).unwrap_or(text);
    let after = text.get(end..).unwrap_or("");
    let first = before.rfind('\n').map_or(0, |newline| newline + 1);
    (first, after.find('\n').map_or(text.len(), |length| end + length))
}
