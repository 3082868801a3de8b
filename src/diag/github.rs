//! Findings as commands of a GitHub workflow, which shows them beside the lines of a pull request.
//!
//! Goes in: reports. Comes out: `::error file=F,line=L,...::text`, a line for each (GitHub, "Workflow commands",
//! setting an error message). What must hold: whatever a source contains, a finding is one command, and control
//! characters are shown, never sent.

use annotate_snippets::normalize_untrusted_str;

use super::place::place;
use super::report::Report;
use super::{Diagnostic, Severity};
use crate::source::SourceMap;

/// The commands of all findings of all reports; empty where there is none.
#[must_use]
pub fn render(reports: &[Report<'_>]) -> String {
    let each = |report: &Report<'_>| -> String {
        report.findings.iter().map(|finding| command(report.sources, finding)).collect()
    };
    reports.iter().map(each).collect()
}

fn command(sources: &SourceMap, finding: &Diagnostic) -> String {
    let place = place(sources, finding.primary.span);
    let name = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let title = format!("{} {}", finding.code, finding.code.entry().slug);
    let mut text = finding.title.clone();
    if !finding.primary.text.is_empty() {
        text.push_str(&format!("\n{}", finding.primary.text));
    }
    for other in &finding.secondary {
        let there = super::place::place(sources, other.span);
        text.push_str(&format!("\n{}:{}:{}: {}", there.file, there.line, there.column, other.text));
    }
    for (kind, more) in [("note", &finding.note), ("help", &finding.help)] {
        if let Some(more) = more {
            text.push_str(&format!("\n{kind}: {more}"));
        }
    }
    // Columns are for places on one line; an end is the last character there, not the one behind it.
    let columns = if place.line == place.end_line {
        let last = place.end_column.saturating_sub(1).max(place.column);
        format!(",col={},endColumn={last}", place.column)
    } else {
        String::new()
    };
    let (file, title) = (property(place.file), property(&title));
    let (line, end) = (place.line, place.end_line);
    format!("::{name} file={file},line={line},endLine={end}{columns},title={title}::{}\n", data(&text))
}

/// A text that ends no line.
fn data(text: &str) -> String {
    normalize_untrusted_str(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text that ends no property, either.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
