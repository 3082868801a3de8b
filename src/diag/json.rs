//! Findings as one JSON document.
//!
//! Goes in: reports. Comes out: a document of the shape below. What must hold: the shape is this
//! file's own, apart from the compiler's types; a field added raises the minor number of
//! `format_version`, a field changed or gone raises the major one.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::place::{Place, place};
use super::report::{Count, Report};
use super::{Diagnostic, Fix, Label, Severity};
use crate::document;
use crate::source::{SourceMap, Span};

/// The version of the document's shape, `MAJOR.MINOR`.
pub const FORMAT_VERSION: &str = "1.1";

/// Everything that was found.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Findings")]
struct DocumentView<'a> {
    /// The version of this document's shape, `MAJOR.MINOR`.
    format_version: &'static str,
    /// How many findings are errors.
    errors: usize,
    /// How many are warnings.
    warnings: usize,
    /// By file, then by place.
    findings: Vec<FindingView<'a>>,
}

/// A finding.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
struct FindingView<'a> {
    /// `OVL` and four digits; `overlapc explain` knows more.
    code: &'static str,
    /// The code in words.
    slug: &'static str,
    /// `error` or `warning`.
    severity: Severity,
    /// Understandable alone.
    title: &'a str,
    /// Where it is wrong.
    primary: LabelView<'a>,
    /// The other parties.
    secondary: Vec<LabelView<'a>>,
    /// Why it matters.
    note: Option<&'a str>,
    /// What to do.
    help: Option<&'a str>,
    /// The change that `help` speaks of, where it can be made as it is.
    fix: Option<FixView<'a>>,
}

/// A place: lines and columns count from 1, columns count characters, and the end is one past the last one.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Place")]
struct PlaceView<'a> {
    /// As it was named, without a `./` before it.
    file: &'a str,
    /// The first line.
    line: usize,
    /// The first column.
    column: usize,
    /// The last line.
    end_line: usize,
    /// One past the last column.
    end_column: usize,
}

/// Words at a place.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Label")]
struct LabelView<'a> {
    #[serde(flatten)]
    place: PlaceView<'a>,
    /// May be empty.
    text: &'a str,
}

/// A text in the place of another.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Fix")]
struct FixView<'a> {
    #[serde(flatten)]
    place: PlaceView<'a>,
    /// The new text; an empty place inserts it.
    replacement: &'a str,
    /// Whether nothing else can be meant, so that `check --fix` makes it.
    safe: bool,
}

/// The document for all findings of all reports, ended by a newline.
#[must_use]
pub fn render(reports: &[Report<'_>]) -> String {
    let count = Count::of(reports);
    let findings = reports
        .iter()
        .flat_map(|report| report.findings.iter().map(|finding| view(report.sources, finding)))
        .collect();
    document::text(&DocumentView {
        format_version: FORMAT_VERSION,
        errors: count.errors,
        warnings: count.warnings,
        findings,
    })
}

/// The JSON Schema that every document keeps to.
#[must_use]
pub fn schema() -> Schema {
    document::schema::<DocumentView<'_>>()
}

fn view<'a>(sources: &'a SourceMap, finding: &'a Diagnostic) -> FindingView<'a> {
    FindingView {
        code: finding.code.as_str(),
        slug: finding.code.entry().slug,
        severity: finding.severity(),
        title: &finding.title,
        primary: label(sources, &finding.primary),
        secondary: finding.secondary.iter().map(|other| label(sources, other)).collect(),
        note: finding.note.as_deref(),
        help: finding.help.as_deref(),
        fix: finding.fix.as_ref().map(|fix| fix_view(sources, fix)),
    }
}

fn place_view(sources: &SourceMap, span: Span) -> PlaceView<'_> {
    let Place { file, line, column, end_line, end_column } = place(sources, span);
    PlaceView { file, line, column, end_line, end_column }
}

fn label<'a>(sources: &'a SourceMap, label: &'a Label) -> LabelView<'a> {
    LabelView { place: place_view(sources, label.span), text: &label.text }
}

fn fix_view<'a>(sources: &'a SourceMap, fix: &'a Fix) -> FixView<'a> {
    FixView { place: place_view(sources, fix.span), replacement: &fix.replacement, safe: fix.safe }
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
        .certain_fix("write `c`", Span::new(id, 12, 13), "c");
        let text = render(&[Report { sources: &sources, findings: &[finding] }]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["format_version"], "1.1");
        assert_eq!(value["errors"], 1);
        let one = &value["findings"][0];
        assert_eq!(one["slug"], "unequal-length");
        assert_eq!(one["primary"]["column"], 8);
        assert_eq!(one["primary"]["end_column"], 9);
        assert_eq!(one["secondary"][0]["text"], "that one");
        assert_eq!(one["fix"]["replacement"], "c");
        assert_eq!(one["fix"]["safe"], true);
        assert_eq!(one["note"], serde_json::Value::Null);
    }
}
