//! Findings for people: title, source lines with labels, note, help, and a summary.
//!
//! Goes in: reports. Comes out: text of the form rustc has made known. What must hold: the same
//! findings give the same bytes (the width never depends on a terminal), a place in another file is
//! shown with that file's name, and nothing from the source reaches the terminal as a control code.

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet, normalize_untrusted_str};

use super::report::{Count, Report};
use super::{Diagnostic, Fix, Label, Severity};
use crate::source::{FileId, SourceFile, SourceMap};

/// So many findings are shown in full; of the others only the number is told.
pub const LIMIT: usize = 20;

/// The width that long source lines are cut to, in columns.
const WIDTH: usize = 120;

/// A line of more bytes is not shown as a changed one: it would be shown whole.
const LONG_LINE: usize = 400;

/// A replacement up to so many bytes is shown as a changed line, a longer one only in words.
const SHORT_FIX: usize = 80;

/// The findings of all reports, then how many there were; empty where there is none.
///
/// With `colour`, ANSI styles are in the text.
#[must_use]
pub fn render(reports: &[Report<'_>], colour: bool) -> String {
    let count = Count::of(reports);
    if count.total() == 0 {
        return String::new();
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    let mut out = String::new();
    // Where not all are shown, a warning does not take the place of an error.
    let mut room = Count { errors: LIMIT, warnings: LIMIT - count.errors.min(LIMIT) };
    for report in reports {
        for finding in report.findings {
            let left = match finding.severity() {
                Severity::Error => &mut room.errors,
                Severity::Warning => &mut room.warnings,
            };
            if let Some(after) = left.checked_sub(1) {
                *left = after;
                out.push_str(renderer.render(&groups(report.sources, finding)).trim_end());
                out.push_str("\n\n");
            }
        }
    }
    if count.total() > LIMIT {
        let hidden = count.total() - LIMIT;
        out.push_str(&format!("{hidden} more not shown; `--output-format concise` shows all\n"));
    }
    out.push_str(&format!("{count}\n"));
    out
}

/// The finding itself, and its fix where that can be shown as a changed line.
fn groups<'a>(sources: &'a SourceMap, finding: &'a Diagnostic) -> Vec<Group<'a>> {
    let level = match finding.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&finding.title).id(finding.code.as_str()));
    for file in files(finding) {
        group = group.element(snippet(sources, file, finding));
    }
    if let Some(note) = &finding.note {
        group = group.element(Level::NOTE.message(normalize_untrusted_str(note)));
    }
    match (&finding.help, finding.fix.as_ref().filter(|fix| is_short(sources, fix))) {
        (Some(help), Some(fix)) => {
            let title = Level::HELP.secondary_title(normalize_untrusted_str(help));
            vec![group, Group::with_title(title).element(patch(sources, fix))]
        }
        (Some(help), None) => vec![group.element(Level::HELP.message(normalize_untrusted_str(help)))],
        (None, _) => vec![group],
    }
}

/// The files a finding speaks of, that of the primary label first, then in the labels' order.
fn files(finding: &Diagnostic) -> Vec<FileId> {
    let mut files = vec![finding.primary.span.file];
    for label in &finding.secondary {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    files
}

fn snippet<'a>(
    sources: &'a SourceMap,
    file: FileId,
    finding: &'a Diagnostic,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let here = |label: &&Label| label.span.file == file;
    let primary = Some(&finding.primary).filter(here);
    let secondary = finding.secondary.iter().filter(here);
    let labels: Vec<(&Label, AnnotationKind)> = primary
        .map(|label| (label, AnnotationKind::Primary))
        .into_iter()
        .chain(secondary.map(|label| (label, AnnotationKind::Context)))
        .collect();
    let source = sources.file(file);
    let lines = lines_around(source, labels.iter().map(|(label, _)| label.span.range()));
    let mut snippet = Snippet::source(&source.text[lines.clone()])
        .path(normalize_untrusted_str(&source.name))
        .line_start(source.line(offset(lines.start)));
    for (label, kind) in labels {
        let range = label.span.range();
        let range = range.start - lines.start..range.end - lines.start;
        let text = Some(normalize_untrusted_str(&label.text)).filter(|text| !text.is_empty());
        snippet = snippet.annotation(kind.span(range).label(text));
    }
    snippet
}

fn patch<'a>(sources: &'a SourceMap, fix: &'a Fix) -> Snippet<'a, Patch<'a>> {
    let source = sources.file(fix.span.file);
    let range = fix.span.range();
    let lines = lines_around(source, std::iter::once(range.clone()));
    let range = range.start - lines.start..range.end - lines.start;
    Snippet::source(&source.text[lines.clone()])
        .path(normalize_untrusted_str(&source.name))
        .line_start(source.line(offset(lines.start)))
        .patch(Patch::new(range, normalize_untrusted_str(&fix.replacement)))
}

/// Whether a fix reads well as a changed line: of one line, before and after, and that is not cut off when shown.
fn is_short(sources: &SourceMap, fix: &Fix) -> bool {
    let lines = |text: &str| text.contains(['\n', '\r']);
    let around = lines_around(sources.file(fix.span.file), std::iter::once(fix.span.range()));
    fix.replacement.len() <= SHORT_FIX
        && around.len() <= LONG_LINE
        && !lines(&fix.replacement)
        && !lines(sources.text(fix.span))
}

/// The whole lines that hold the ranges, without the last newline: a large site is not copied for
/// each finding.
fn lines_around(
    file: &SourceFile,
    ranges: impl Iterator<Item = std::ops::Range<usize>>,
) -> std::ops::Range<usize> {
    let (mut first, mut last) = (file.text.len(), 0);
    for range in ranges {
        first = first.min(range.start);
        last = last.max(range.end);
    }
    let start = file.text[..first].rfind('\n').map_or(0, |at| at + 1);
    let end = file.text[last..].find('\n').map_or(file.text.len(), |at| last + at);
    start..end.max(start)
}

fn offset(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, render};
    use crate::diag::report::Report;
    use crate::diag::{Diagnostic, Label, code};
    use crate::source::{SourceMap, Span};

    fn shown(sources: &SourceMap, findings: &[Diagnostic]) -> String {
        render(&[Report { sources, findings }], false)
    }

    #[test]
    fn a_finding_shows_both_files_its_note_and_its_fix() {
        let mut sources = SourceMap::default();
        let a = sources
            .add("site.ovl", "include \"b.ovl\"\n\nnetwork a {\n    prefix 10.0.0.0/24 as 10.1.0.0/25\n}\n");
        let b = sources.add("b.ovl", "# b\nnetwork b { prefix 10.1.0.0/24 }\n");
        let at = sources.file(a).text.find("10.1").unwrap();
        let other = sources.file(b).text.find("10.1").unwrap();
        let finding = Diagnostic::new(
            code::UNEQUAL_LENGTH,
            "the alias is shorter",
            Label::new(Span::new(a, at, at + 11), "128 addresses"),
        )
        .label(Span::new(b, other, other + 11), "and this")
        .note("hosts would be folded together")
        .fix("write `10.1.0.0/24`", Span::new(a, at, at + 11), "10.1.0.0/24");
        let text = shown(&sources, &[finding]);
        let expected = "\
error[OVL0301]: the alias is shorter
 --> site.ovl:4:27
  |
4 |     prefix 10.0.0.0/24 as 10.1.0.0/25
  |                           ^^^^^^^^^^^ 128 addresses
  |
 ::: b.ovl:2:20
  |
2 | network b { prefix 10.1.0.0/24 }
  |                    ----------- and this
  |
  = note: hosts would be folded together
help: write `10.1.0.0/24`
  |
4 -     prefix 10.0.0.0/24 as 10.1.0.0/25
4 +     prefix 10.0.0.0/24 as 10.1.0.0/24
  |

1 error
";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_end_of_a_file_and_an_empty_file_can_be_pointed_at() {
        let mut sources = SourceMap::default();
        let ended = sources.add("a.ovl", "network a {\n");
        let empty = sources.add("empty.ovl", "");
        let open = |file, at| Label::new(Span::new(file, at, at), "expected `}`");
        let findings = [ended, empty].map(|file| {
            let at = sources.file(file).text.len();
            Diagnostic::new(code::UNCLOSED_BLOCK, "unclosed block", open(file, at))
        });
        let text = shown(&sources, &findings);
        assert!(text.contains("--> a.ovl:2:1"), "{text}");
        assert!(text.contains("--> empty.ovl:1:1"), "{text}");
        assert!(text.ends_with("\n\n2 errors\n"), "{text}");
    }

    #[test]
    fn beyond_the_limit_findings_are_counted() {
        let mut sources = SourceMap::default();
        let id = sources.add("site.ovl", "x".repeat(60));
        let findings: Vec<Diagnostic> = (0..LIMIT + 3)
            .map(|at| Diagnostic::new(code::UNUSED_NAME, "unused", Label::new(Span::new(id, at, at + 1), "")))
            .collect();
        let text = shown(&sources, &findings);
        assert_eq!(text.matches("warning[OVL0213]").count(), LIMIT);
        assert!(text.find("site.ovl:1:1\n") < text.find("site.ovl:1:20\n"), "{text}");
        let end = "\n\n3 more not shown; `--output-format concise` shows all\n23 warnings\n";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn a_warning_does_not_take_the_place_of_an_error() {
        let mut sources = SourceMap::default();
        let id = sources.add("site.ovl", "x".repeat(60));
        let label = |at| Label::new(Span::new(id, at, at + 1), "");
        let mut findings: Vec<Diagnostic> =
            (0..LIMIT).map(|at| Diagnostic::new(code::UNUSED_NAME, "unused", label(at))).collect();
        findings.push(Diagnostic::new(code::UNKNOWN_NAME, "unknown", label(LIMIT)));
        let text = shown(&sources, &findings);
        assert_eq!(text.matches("warning[").count(), LIMIT - 1);
        assert_eq!(text.matches("error[").count(), 1);
        assert!(
            text.ends_with(
                "\n\n1 more not shown; `--output-format concise` shows all\n1 error, 20 warnings\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn escape_codes_in_a_source_are_made_visible() {
        let mut sources = SourceMap::default();
        let id = sources.add("site\u{1b}.ovl", "a \u{1b}[31m b\n");
        let finding = Diagnostic::new(
            code::INVALID_CHARACTER,
            "stray `\u{1b}`",
            Label::new(Span::new(id, 2, 3), "\u{1b}"),
        )
        .note("\u{1b}[2J")
        .fix("\u{1b}[2J", Span::new(id, 0, 1), "\u{1b}");
        let text = shown(&sources, &[finding]);
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
