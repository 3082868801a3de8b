//! Places and changes as machines are told of them.
//!
//! Goes in: spans. Comes out: lines and columns, names as a repository knows them, and numbers by which a finding is
//! known again. What must hold: lines and columns count from 1, columns count characters (Unicode scalar values), an
//! end is one past the last character; a finding keeps its number when lines are added before it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Diagnostic;
use super::report::Report;
use crate::digest::Digest;
use crate::source::{SourceMap, Span};

/// Where a span lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// The name of the file, without a `./` before it.
    pub file: &'a str,
    /// The first line.
    pub line: usize,
    /// The first column.
    pub column: usize,
    /// The last line.
    pub end_line: usize,
    /// One past the last column.
    pub end_column: usize,
}

/// The place of a span.
pub(super) fn place(sources: &SourceMap, span: Span) -> Place<'_> {
    let file = sources.file(span.file);
    let (line, column) = file.line_column(span.start);
    let (end_line, end_column) = file.line_column(span.end);
    Place { file: relative(&file.name), line, column, end_line, end_column }
}

/// A name without the `./` that services which compare it with the files of a repository do not know.
fn relative(mut name: &str) -> &str {
    while let Some(rest) = name.strip_prefix("./") {
        name = rest.trim_start_matches('/');
    }
    name
}

/// A number for each finding, by which it is the same in the next version of the file: of its code, its file, the
/// text that it points at, and how many like it come before.
pub(super) fn fingerprints(reports: &[Report<'_>]) -> Vec<String> {
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    let all =
        reports.iter().flat_map(|report| report.findings.iter().map(|finding| (report.sources, finding)));
    all.map(|(sources, finding)| {
        let plain = fingerprint(sources, finding, 0);
        let before = seen.entry(plain.finish()).or_default();
        *before += 1;
        format!("{:016x}", fingerprint(sources, finding, *before - 1).finish())
    })
    .collect()
}

fn fingerprint(sources: &SourceMap, finding: &Diagnostic, before: u64) -> Digest {
    let span = finding.primary.span;
    let mut digest = Digest::default();
    for part in [finding.code.as_str(), relative(&sources.file(span.file).name), sources.text(span)] {
        // A digest takes all that it is told.
        let _ = digest.write_str(part);
        let _ = digest.write_char('\0');
    }
    digest.number(before);
    digest
}

#[cfg(test)]
mod tests {
    use super::{fingerprints, place};
    use crate::diag::{Diagnostic, Label, Report, code};
    use crate::source::{SourceMap, Span};

    #[test]
    fn a_finding_is_known_again_when_lines_come_before_it_and_two_alike_are_told_apart() {
        let numbers = |text: &str| {
            let mut sources = SourceMap::default();
            let id = sources.add("./site.ovl", text);
            let found = text.match_indices("10.0").map(|(at, word)| {
                Diagnostic::new(
                    code::UNUSED_NAME,
                    "unused",
                    Label::new(Span::new(id, at, at + word.len()), ""),
                )
            });
            let findings: Vec<Diagnostic> = found.collect();
            fingerprints(&[Report { sources: &sources, findings: &findings }])
        };
        let one = numbers("let a = 10.0\n");
        assert_eq!(numbers("# more\n\nlet a = 10.0\n"), one);
        let two = numbers("let a = 10.0\nlet b = 10.0\n");
        assert_eq!(two[0], one[0]);
        assert_ne!(two[1], one[0]);
    }

    #[test]
    fn places_count_characters_and_names_are_as_a_repository_has_them() {
        let mut sources = SourceMap::default();
        let id = sources.add(".//./sites/a.ovl", "ä b\nc\n");
        let found = place(&sources, Span::new(id, 3, 6));
        assert_eq!((found.file, found.line, found.column), ("sites/a.ovl", 1, 3));
        assert_eq!((found.end_line, found.end_column), (2, 2));
    }
}
