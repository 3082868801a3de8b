//! Texts with fixes made in them.
//!
//! Goes in: findings and the texts they point into. Comes out: the new texts. What must hold: only fixes that can be
//! meant in one way are made, none of two that touch each other but the first, and everything else stays.

use super::{Diagnostic, Fix};
use crate::source::{FileId, SourceMap};

/// A file with fixes made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Which file.
    pub file: FileId,
    /// Its new text.
    pub text: String,
    /// How many fixes were made.
    pub fixes: usize,
}

/// Makes the safe fixes of findings; files that have none are left out.
#[must_use]
pub fn fixed(sources: &SourceMap, findings: &[Diagnostic]) -> Vec<Fixed> {
    let of_file = |file| {
        let fixes = findings.iter().filter_map(|finding| finding.fix.as_ref());
        let mut fixes: Vec<&Fix> = fixes.filter(|fix| fix.safe && fix.span.file == file).collect();
        fixes.sort_by_key(|fix| fix.span);
        fixes
    };
    let files = sources.files().map(|(file, source)| (file, source.text.as_str(), of_file(file)));
    files
        .filter(|(.., fixes)| !fixes.is_empty())
        .map(|(file, text, fixes)| make(file, text, &fixes))
        .collect()
}

fn make(file: FileId, text: &str, fixes: &[&Fix]) -> Fixed {
    let mut made = Fixed { file, text: String::with_capacity(text.len()), fixes: 0 };
    let mut done = 0;
    for fix in fixes {
        let range = fix.span.range();
        // Two that begin at one place are two answers to one question.
        if range.start < done || (made.fixes > 0 && range.start == done) {
            continue;
        }
        made.text.push_str(&text[done..range.start]);
        made.text.push_str(&fix.replacement);
        done = range.end;
        made.fixes += 1;
    }
    made.text.push_str(&text[done..]);
    made
}

#[cfg(test)]
mod tests {
    use super::fixed;
    use crate::diag::{Diagnostic, Label, code};
    use crate::source::{SourceMap, Span};

    #[test]
    fn safe_fixes_are_made_and_the_others_are_not() {
        let mut sources = SourceMap::default();
        let a = sources.add("a.ovl", "one two three four");
        let b = sources.add("b.ovl", "five");
        let finding = |file, from, to| {
            Diagnostic::new(code::UNUSED_NAME, "x", Label::new(Span::new(file, from, to), ""))
        };
        let certain = |file, from, to, text: &str| {
            finding(file, from, to).certain_fix("do it", Span::new(file, from, to), text)
        };
        let findings = [
            certain(a, 8, 13, "3"),
            certain(a, 4, 7, "2"),
            certain(a, 9, 18, "touches"),
            finding(a, 0, 3).fix("perhaps", Span::new(a, 0, 3), "1"),
            finding(b, 0, 4),
        ];
        let made = fixed(&sources, &findings);
        assert_eq!(made.len(), 1);
        assert_eq!((made[0].file, made[0].text.as_str(), made[0].fixes), (a, "one 2 3 four", 2));
    }
}
