//! Comments that silence warnings: `# overlapc: allow(OVL0310) reason`.
//!
//! Goes in: the source lines and the sorted findings. Comes out: the findings that are left, with
//! one for each comment that is unused or cannot be followed. What must hold: an error is never
//! silenced, because what would be built in spite of it is wrong; a comment without a reason does
//! not count.

mod meant;

use std::collections::BTreeMap;

use super::errors::{InvalidAllow, UnusedAllow};
use super::{Code, Diagnostic, Diagnostics, Severity};
use crate::source::{FileId, SourceMap, Span};
pub(super) use meant::Meant;

/// What such a comment begins with, after `#` and blanks; a colon follows.
const NAME: &str = "overlapc";

/// One code of one comment, or a comment that has none.
struct Allow {
    /// The code as written, or all of the comment.
    span: Span,
    what: What,
    used: bool,
    /// What goes with the comment, where this is its only code.
    comment: Option<Span>,
}

/// What is written there.
enum What {
    /// A code that can be silenced.
    Warning(Code),
    /// One that cannot.
    Error(Code),
    /// No code.
    Unknown(String),
    /// Nothing of the form `allow(CODE) reason`, but perhaps a code somewhere.
    Form(Option<Code>),
    /// Codes without a reason, as they are written.
    NoReason(String),
}

/// Comments by the line they speak of.
type Lines<T> = BTreeMap<(FileId, usize), Vec<T>>;

/// Takes the silenced warnings out and reports the comments that are wrong.
///
/// A comment speaks of the next line that is not a comment itself, and silences the warnings of its
/// codes whose primary label begins there. `complete` says that every stage has run: otherwise a
/// comment may be for a finding that was not looked for, and is not called unused.
#[must_use]
pub fn apply(sources: &SourceMap, findings: Vec<Diagnostic>, complete: bool) -> Vec<Diagnostic> {
    let mut allows = read(sources);
    if allows.is_empty() {
        return findings;
    }
    let mut left = Diagnostics::default();
    // What is found on the lines of comments and not silenced.
    let mut here: Lines<Code> = BTreeMap::new();
    for finding in findings {
        let span = finding.primary.span;
        let place = (span.file, sources.file(span.file).line(span.start));
        let Some(list) = allows.get_mut(&place) else {
            left.list.push(finding);
            continue;
        };
        let mut silenced = false;
        for allow in
            list.iter_mut().filter(|allow| matches!(allow.what, What::Warning(code) if code == finding.code))
        {
            allow.used = true;
            silenced = finding.severity() == Severity::Warning;
        }
        if !silenced {
            here.entry(place).or_default().push(finding.code);
            left.list.push(finding);
        }
    }
    for (place, list) in allows {
        let here = here.remove(&place).unwrap_or_default();
        for allow in list {
            wrong(allow, &here, complete, &mut left);
        }
    }
    left.sorted()
}

/// Reports what is wrong with one code of a comment, if anything is. `here` has the codes that are found on its line.
fn wrong(allow: Allow, here: &[Code], complete: bool, left: &mut Diagnostics) {
    let Allow { span, what, used, comment } = allow;
    let is_warning = |code: &Code| code.severity() == Severity::Warning;
    let warnings: Vec<Code> = here.iter().copied().filter(is_warning).collect();
    match what {
        What::Warning(code) if !used && complete => left.push(UnusedAllow { span, code, comment }),
        What::Warning(_) => {}
        What::Error(code) => {
            let word = code.as_str();
            let meant = if here.contains(&code) { None } else { meant::found_here(word, &warnings) };
            left.push(InvalidAllow::ErrorCode { span, code, meant });
        }
        What::Unknown(word) => {
            let meant = meant::meant(&word, &warnings);
            left.push(InvalidAllow::UnknownCode { span, word, meant });
        }
        What::Form(code) => {
            let code = code.or_else(|| meant::found_here("", &warnings));
            left.push(InvalidAllow::Form { span, code });
        }
        What::NoReason(codes) => left.push(InvalidAllow::NoReason { span, codes }),
    }
}

/// The comments by the line they speak of.
fn read(sources: &SourceMap) -> Lines<Allow> {
    let mut allows: Lines<Allow> = BTreeMap::new();
    for (id, file) in sources.files().filter(|(_, file)| file.text.contains(NAME)) {
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
                let mut allows = parse(sources, span);
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

/// What the comment at `span` says; nothing where it is an ordinary one.
fn parse(sources: &SourceMap, span: Span) -> Vec<Allow> {
    let text = sources.text(span);
    let body = text.trim_start_matches('#').trim_start();
    let Some(rest) = body.strip_prefix(NAME) else { return Vec::new() };
    let whole = |what| vec![Allow { span, what, used: false, comment: None }];
    let Some(instruction) = rest.strip_prefix(':') else {
        // Comments may speak of the command; only this is one for it.
        let forgotten = rest.trim_start().starts_with("allow(");
        return if forgotten { whole(What::Form(mentioned(rest))) } else { Vec::new() };
    };
    let list = instruction.trim_start().strip_prefix("allow(").and_then(|rest| rest.split_once(')'));
    let Some((codes, reason)) = list else { return whole(What::Form(mentioned(instruction))) };
    if reason.trim().is_empty() {
        return whole(What::NoReason(codes.trim().to_owned()));
    }
    let mut allows = Vec::new();
    let mut at = span.start as usize + text.len() - codes.len() - ")".len() - reason.len();
    for written in codes.split(',') {
        let word = written.trim();
        let begin = at + (written.len() - written.trim_start().len());
        let span = Span::new(span.file, begin, begin + word.len());
        at += written.len() + ",".len();
        let what = match Code::find(word) {
            Some(entry) if entry.severity == Severity::Warning => What::Warning(entry.code),
            Some(entry) => What::Error(entry.code),
            None => match meant::spelled(word) {
                Some(entry) if entry.severity == Severity::Error => What::Error(entry.code),
                _ => What::Unknown(word.to_owned()),
            },
        };
        allows.push(Allow { span, what, used: false, comment: None });
    }
    allows
}

/// The first code of a warning in a text.
fn mentioned(text: &str) -> Option<Code> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mut codes = words.filter_map(Code::find).filter(|entry| entry.severity == Severity::Warning);
    codes.next().map(|entry| entry.code)
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
            ("# overlapc: allow(ovl-0301) why\nNAME", "OVL0108 1 ovl-0301"),
            ("# overlapc allow(OVL0213) why\nNAME", "OVL0108 1 # overlapc allow(OVL0213) why"),
        ];
        for (text, finding) in cases {
            assert_eq!(left(text, code::UNUSED_NAME, true), [finding, "OVL0213 2 NAME"], "{text}");
        }
    }

    /// The help and the replacement of what is wrong with a comment before `NAME`, which is unused.
    fn help(comment: &str) -> (String, Option<(String, bool)>) {
        let mut sources = SourceMap::default();
        let text = format!("{comment}\nNAME");
        let id = sources.add("site.ovl", text.as_str());
        let name = Span::new(id, text.len() - 4, text.len());
        let finding = Diagnostic::new(code::UNUSED_NAME, "title", Label::new(name, ""));
        let found = apply(&sources, vec![finding], true);
        assert_eq!(found[0].code, code::INVALID_ALLOW, "{comment}");
        let fix = found[0].fix.clone().map(|fix| (fix.replacement, fix.safe));
        (found[0].help.clone().unwrap(), fix)
    }

    #[test]
    fn what_a_wrong_comment_was_meant_to_be_is_told() {
        let meant = |safe| Some(("OVL0213".to_owned(), safe));
        let did_you_mean = "did you mean `OVL0213`?".to_owned();
        assert_eq!(help("# overlapc: allow(ovl-0213) why"), (did_you_mean.clone(), meant(true)));
        assert_eq!(help("# overlapc: allow(OVL999) why"), (did_you_mean, meant(false)));
        assert_eq!(help("# overlapc: allow(OVL0301) why").1, meant(false), "the error is not found there");
        let whole = "`# overlapc: allow(OVL0213) REASON`";
        for comment in
            ["# overlapc: allow(OVL0213)", "# overlapc: ignore this", "# overlapc: OVL0213 is fine"]
        {
            let (help, fix) = help(comment);
            assert!(help.ends_with(whole) && fix.is_none(), "{comment}: {help}");
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
