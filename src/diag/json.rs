//! Findings as one JSON document.
//!
//! Goes in: reports. Comes out: a document of the shape below. What must hold: the shape is this
//! file's own, apart from the compiler's types; a field added raises the minor number of
//! `format_version`, a field changed or gone raises the major one. Lines and columns count from 1,
//! columns count characters, an end is one past the last character.

use serde::Serialize;

use super::report::{Count, Report};
use super::{Diagnostic, Fix, Label};
use crate::source::{SourceMap, Span};

/// The version of the document's shape, `MAJOR.MINOR`.
pub const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize)]
struct DocumentView<'a> {
    format_version: &'static str,
    errors: usize,
    warnings: usize,
    findings: Vec<FindingView<'a>>,
}

#[derive(Serialize)]
struct FindingView<'a> {
    code: &'static str,
    slug: &'static str,
    severity: String,
    title: &'a str,
    primary: LabelView<'a>,
    secondary: Vec<LabelView<'a>>,
    note: Option<&'a str>,
    help: Option<&'a str>,
    fix: Option<FixView<'a>>,
}

#[derive(Serialize)]
struct PlaceView<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct LabelView<'a> {
    #[serde(flatten)]
    place: PlaceView<'a>,
    text: &'a str,
}

#[derive(Serialize)]
struct FixView<'a> {
    #[serde(flatten)]
    place: PlaceView<'a>,
    replacement: &'a str,
}

/// The document for all findings of all reports, ended by a newline.
#[must_use]
pub fn render(reports: &[Report<'_>]) -> String {
    let count = Count::of(reports);
    let findings = reports
        .iter()
        .flat_map(|report| report.findings.iter().map(|finding| view(report.sources, finding)))
        .collect();
    let document = DocumentView {
        format_version: FORMAT_VERSION,
        errors: count.errors,
        warnings: count.warnings,
        findings,
    };
    let mut text = to_text(&document);
    text.push('\n');
    text
}

#[expect(clippy::expect_used, reason = "the views hold strings, numbers and lists, which always serialise")]
fn to_text(document: &DocumentView<'_>) -> String {
    serde_json::to_string_pretty(document).expect("views serialise")
}

fn view<'a>(sources: &'a SourceMap, finding: &'a Diagnostic) -> FindingView<'a> {
    FindingView {
        code: finding.code.as_str(),
        slug: finding.code.entry().slug,
        severity: finding.severity().to_string(),
        title: &finding.title,
        primary: label(sources, &finding.primary),
        secondary: finding.secondary.iter().map(|other| label(sources, other)).collect(),
        note: finding.note.as_deref(),
        help: finding.help.as_deref(),
        fix: finding.fix.as_ref().map(|fix| fix_view(sources, fix)),
    }
}

fn place(sources: &SourceMap, span: Span) -> PlaceView<'_> {
    let file = sources.file(span.file);
    let (line, column) = file.line_column(span.start);
    let (end_line, end_column) = file.line_column(span.end);
    PlaceView { file: &file.name, line, column, end_line, end_column }
}

fn label<'a>(sources: &'a SourceMap, label: &'a Label) -> LabelView<'a> {
    LabelView { place: place(sources, label.span), text: &label.text }
}

fn fix_view<'a>(sources: &'a SourceMap, fix: &'a Fix) -> FixView<'a> {
    FixView { place: place(sources, fix.span), replacement: &fix.replacement }
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::diag::report::Report;
    use crate::diag::{Diagnostic, Label, code};
    use crate::source::{SourceMap, Span};

    #[test]
    fn the_document_has_its_version_places_and_fix() {
        let mut sources = SourceMap::default();
        let id = sources.add("site.ovl", "prefix a as b\n");
        let finding = Diagnostic::new(
            code::UNEQUAL_LENGTH,
            "lengths differ",
            Label::new(Span::new(id, 7, 8), "this one"),
        )
        .label(Span::new(id, 12, 13), "that one")
        .fix("write `c`", Span::new(id, 12, 13), "c");
        let text = render(&[Report { sources: &sources, findings: &[finding] }]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["format_version"], "1.0");
        assert_eq!(value["errors"], 1);
        let one = &value["findings"][0];
        assert_eq!(one["slug"], "unequal-length");
        assert_eq!(one["primary"]["column"], 8);
        assert_eq!(one["primary"]["end_column"], 9);
        assert_eq!(one["secondary"][0]["text"], "that one");
        assert_eq!(one["fix"]["replacement"], "c");
        assert_eq!(one["note"], serde_json::Value::Null);
    }
}
