//! Comments that silence warnings: `# overlapc: allow(OVL0310) reason`.
//!
//! Goes in: the source lines and the sorted findings. Comes out: the findings that are left, with
//! one for each comment that is unused or cannot be followed. What must hold: an error is never
//! silenced, because what would be built in spite of it is wrong; a comment without a reason does
//! not count.

use std::collections::BTreeMap;

use super::errors::{InvalidAllow, UnusedAllow};
use super::{Code, Diagnostic, Diagnostics, Severity};
use crate::source::{FileId, SourceMap, Span};

/// What such a comment begins with, after `#` and blanks.
const MARKER: &str = "overlapc:";

/// One code of one comment.
struct Allow {
    /// The code as written.
    span: Span,
    code: Code,
    used: bool,
    /// What goes with the comment, where this is its only code.
    comment: Option<Span>,
}

/// Takes the silenced warnings out and reports the comments that are wrong.
///
/// A comment speaks of the next line that is not a comment itself, and silences the warnings of its
/// codes whose primary label begins there. `complete` says that every stage has run: otherwise a
/// comment may be for a finding that was not looked for, and is not called unused.
#[must_use]
pub fn apply(sources: &SourceMap, findings: Vec<Diagnostic>, complete: bool) -> Vec<Diagnostic> {
    let mut wrong = Diagnostics::default();
    let mut allows = read(sources, &mut wrong);
    if allows.is_empty() && wrong.is_empty() {
        return findings;
    }
    let mut left = Diagnostics::default();
    for finding in findings {
        let span = finding.primary.span;
        let line = sources.file(span.file).line(span.start);
        let here = allows.get_mut(&(span.file, line)).into_iter().flatten();
        let mut silenced = false;
        for allow in here.filter(|allow| allow.code == finding.code) {
            allow.used = true;
            silenced = finding.severity() == Severity::Warning;
        }
        if !silenced {
            left.list.push(finding);
        }
    }
    if complete {
        for allow in allows.into_values().flatten().filter(|allow| !allow.used) {
            wrong.push(UnusedAllow { span: allow.span, code: allow.code, comment: allow.comment });
        }
    }
    left.extend(wrong);
    left.sorted()
}

/// The valid comments by the line they speak of.
fn read(sources: &SourceMap, wrong: &mut Diagnostics) -> BTreeMap<(FileId, usize), Vec<Allow>> {
    let mut allows: BTreeMap<(FileId, usize), Vec<Allow>> = BTreeMap::new();
    for (id, file) in sources.files().filter(|(_, file)| file.text.contains(MARKER)) {
        // Comments wait here for the first line that is not one.
        let mut waiting = Vec::new();
        let mut start = 0;
        for (index, line) in file.text.split_inclusive('\n').enumerate() {
            let comment = comment_start(line);
            if line[..comment.unwrap_or(line.len())].trim() != "" || comment.is_none() {
                allows.entry((id, index + 1)).or_default().append(&mut waiting);
            }
            if let Some(at) = comment {
                let span = Span::new(id, start + at, start + line.trim_end().len());
                let mut allows = parse(sources, span, wrong);
                if let [only] = allows.as_mut_slice() {
                    only.comment = Some(going(id, start, line, at));
                }
                waiting.append(&mut allows);
            }
            start += line.len();
        }
        let past_the_end = file.text.lines().count() + 1;
        allows.entry((id, past_the_end)).or_default().append(&mut waiting);
    }
    allows.retain(|_, list| !list.is_empty());
    allows
}

/// What goes with a comment: its whole line, if there is nothing else on it, or the blanks before it.
fn going(id: FileId, start: usize, line: &str, comment: usize) -> Span {
    let before = line[..comment].trim_end().len();
    let end = if before == 0 { line.len() } else { line.trim_end().len() };
    Span::new(id, start + before, start + end)
}

/// The byte of the `#` that begins the line's comment: the first one outside of double quotes,
/// within which a backslash takes the next character's meaning away.
fn comment_start(line: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'#' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// The codes that the comment at `span` silences; none where it is an ordinary or a wrong one.
fn parse(sources: &SourceMap, span: Span, wrong: &mut Diagnostics) -> Vec<Allow> {
    let text = sources.text(span);
    let body = text.trim_start_matches('#').trim_start();
    let Some(instruction) = body.strip_prefix(MARKER) else { return Vec::new() };
    let list = instruction.trim_start().strip_prefix("allow(").and_then(|rest| rest.split_once(')'));
    let Some((codes, reason)) = list else {
        wrong.push(InvalidAllow::Form(span));
        return Vec::new();
    };
    if reason.trim().is_empty() {
        wrong.push(InvalidAllow::NoReason(span));
        return Vec::new();
    }
    let mut allows = Vec::new();
    let mut at = span.start as usize + text.len() - codes.len() - ")".len() - reason.len();
    for written in codes.split(',') {
        let word = written.trim();
        let begin = at + (written.len() - written.trim_start().len());
        let here = Span::new(span.file, begin, begin + word.len());
        at += written.len() + ",".len();
        match Code::find(word) {
            None => wrong.push(InvalidAllow::UnknownCode(here, word.to_owned())),
            Some(entry) if entry.severity == Severity::Error => {
                wrong.push(InvalidAllow::ErrorCode(here, entry.code));
            }
            Some(entry) => {
                allows.push(Allow { span: here, code: entry.code, used: false, comment: None });
            }
        }
    }
    allows
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::diag::{Code, Diagnostic, Label, code};
    use crate::source::{SourceMap, Span};

    /// What is left of a finding of `code` at `NAME` in `text`, as `CODE LINE` and the text there.
    fn left(text: &str, code: Code, complete: bool) -> Vec<String> {
        let mut sources = SourceMap::default();
        let id = sources.add("site.ovl", text);
        let at = text.find("NAME").unwrap();
        let finding = Diagnostic::new(code, "title", Label::new(Span::new(id, at, at + 4), ""));
        apply(&sources, vec![finding], complete)
            .iter()
            .map(|finding| {
                let span = finding.primary.span;
                format!("{} {} {}", finding.code, sources.file(id).line(span.start), sources.text(span))
            })
            .collect()
    }

    #[test]
    fn a_reasoned_allow_silences_the_next_line_alone() {
        assert!(
            left("# overlapc: allow(OVL0213) kept for later\nlet NAME = 1\n", code::UNUSED_NAME, true)
                .is_empty()
        );
        assert!(
            left("x # overlapc: allow(ovl0310, OVL0213) why\n# more\nNAME", code::UNUSED_NAME, false)
                .is_empty()
        );
        let gap = left("# overlapc: allow(OVL0213) why\n\nNAME\n", code::UNUSED_NAME, true);
        assert_eq!(gap, ["OVL0107 1 OVL0213", "OVL0213 3 NAME"]);
        let same_line = left("NAME # overlapc: allow(OVL0213) why", code::UNUSED_NAME, true);
        assert_eq!(same_line, ["OVL0213 1 NAME", "OVL0107 1 OVL0213"]);
    }

    #[test]
    fn an_unused_allow_is_told_only_when_every_stage_has_run() {
        let text = "# overlapc: allow(OVL0310) why\nNAME\n";
        assert_eq!(left(text, code::UNUSED_NAME, true), ["OVL0107 1 OVL0310", "OVL0213 2 NAME"]);
        assert_eq!(left(text, code::UNUSED_NAME, false), ["OVL0213 2 NAME"]);
    }

    #[test]
    fn an_allow_that_cannot_be_followed_is_reported_and_silences_nothing() {
        let cases = [
            ("# overlapc: allow(OVL0213)\nNAME", "OVL0108 1 # overlapc: allow(OVL0213)"),
            ("# overlapc: allow(OVL9999) why\nNAME", "OVL0108 1 OVL9999"),
            ("# overlapc: ignore OVL0213\nNAME", "OVL0108 1 # overlapc: ignore OVL0213"),
            ("# overlapc: allow(OVL0301) why\nNAME", "OVL0108 1 OVL0301"),
        ];
        for (text, finding) in cases {
            assert_eq!(left(text, code::UNUSED_NAME, true), [finding, "OVL0213 2 NAME"], "{text}");
        }
    }

    #[test]
    fn an_error_is_never_silenced() {
        let text = "# overlapc: allow(OVL0301) why\nNAME";
        assert_eq!(left(text, code::UNEQUAL_LENGTH, true), ["OVL0108 1 OVL0301", "OVL0301 2 NAME"]);
    }

    #[test]
    fn a_mark_in_a_string_is_no_comment() {
        for before in ["\"", r#""\""#] {
            let text = format!("site {before}# overlapc: allow(OVL0213) why\"\nNAME");
            assert_eq!(left(&text, code::UNUSED_NAME, true), ["OVL0213 2 NAME"], "{text}");
        }
    }
}
