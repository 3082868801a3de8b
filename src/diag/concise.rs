//! Findings, one a line: `file:line:col: error[OVL0301]: title`.
//!
//! Goes in: reports. Comes out: text for editors, `grep` and logs. What must hold: one line per
//! finding, whatever the source contains; control characters are shown, never sent.

use annotate_snippets::normalize_untrusted_str;

use super::Severity;
use super::report::Report;

/// All findings of all reports, one line each; empty where there is none.
///
/// Lines and columns count from 1, columns count characters. With `colour`, the severity and code
/// carry ANSI styles.
#[must_use]
pub fn render(reports: &[Report<'_>], colour: bool) -> String {
    let mut out = String::new();
    for report in reports {
        for finding in report.findings {
            let span = finding.primary.span;
            let file = report.sources.file(span.file);
            let (line, column) = file.line_column(span.start);
            let (style, reset) = match (colour, finding.severity()) {
                (false, _) => ("", ""),
                (true, Severity::Error) => ("\u{1b}[1;31m", "\u{1b}[0m"),
                (true, Severity::Warning) => ("\u{1b}[1;33m", "\u{1b}[0m"),
            };
            let name = one_line(&file.name);
            let title = one_line(&finding.title);
            let (severity, code) = (finding.severity(), finding.code);
            out.push_str(&format!("{name}:{line}:{column}: {style}{severity}[{code}]{reset}: {title}\n"));
        }
    }
    out
}

/// `text` without line ends and with control characters made visible.
fn one_line(text: &str) -> String {
    normalize_untrusted_str(text).replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::diag::report::Report;
    use crate::diag::{Diagnostic, Label, code};
    use crate::source::{SourceMap, Span};

    #[test]
    fn a_finding_is_one_line_whatever_it_quotes() {
        let mut sources = SourceMap::default();
        let id = sources.add("site.ovl", "a\nbä \u{1b}[31m\n");
        let label = Label::new(Span::new(id, 6, 7), "");
        let findings = [Diagnostic::new(code::INVALID_CHARACTER, "stray `\u{1b}\n`", label)];
        let text = render(&[Report { sources: &sources, findings: &findings }], false);
        assert_eq!(text, "site.ovl:2:4: error[OVL0001]: stray `␛ `\n");
    }
}
