//! Findings as a Code Quality report of GitLab, which shows them in a merge request.
//!
//! Goes in: reports. Comes out: a JSON array of issues, also where there are none (GitLab, "Code Quality report
//! format"). What must hold: no two issues have one fingerprint.

use serde::Serialize;

use super::place::{Place, fingerprints, place};
use super::report::Report;
use super::{Diagnostic, Severity};
use crate::document;

#[derive(Serialize)]
struct IssueView<'a> {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: LocationView<'a>,
}

#[derive(Serialize)]
struct LocationView<'a> {
    path: &'a str,
    lines: LinesView,
}

#[derive(Serialize)]
struct LinesView {
    begin: usize,
    end: usize,
}

/// The array of all findings of all reports, ended by a newline.
#[must_use]
pub fn render(reports: &[Report<'_>]) -> String {
    let all =
        reports.iter().flat_map(|report| report.findings.iter().map(|finding| (report.sources, finding)));
    let issues: Vec<IssueView<'_>> = all
        .zip(fingerprints(reports))
        .map(|((sources, finding), fingerprint)| {
            issue(place(sources, finding.primary.span), finding, fingerprint)
        })
        .collect();
    document::text(&issues)
}

fn issue<'a>(place: Place<'a>, finding: &Diagnostic, fingerprint: String) -> IssueView<'a> {
    let mut description = finding.title.clone();
    if let Some(help) = &finding.help {
        description.push_str(&format!(": {help}"));
    }
    IssueView {
        description,
        check_name: finding.code.as_str(),
        fingerprint,
        // A site with an error makes no files; a warning is something to look at.
        severity: match finding.severity() {
            Severity::Error => "critical",
            Severity::Warning => "minor",
        },
        location: LocationView {
            path: place.file,
            lines: LinesView { begin: place.line, end: place.end_line },
        },
    }
}
