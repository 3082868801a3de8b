//! What is wrong with the comments that silence findings.

use super::allow::Meant;
use super::{Code, Diagnostic, Finding, Label, code};
use crate::source::Span;

/// OVL0107: an `allow` that silenced nothing.
#[derive(Debug)]
pub(super) struct UnusedAllow {
    /// The code as written.
    pub span: Span,
    /// The code.
    pub code: Code,
    /// What can go, where it is the only code of its comment.
    pub comment: Option<Span>,
}

impl Finding for UnusedAllow {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, code, comment } = self;
        let slug = code.entry().slug;
        let found = Diagnostic::new(
            code::UNUSED_ALLOW,
            format!("`allow({code})` silences nothing"),
            Label::new(span, format!("no `{slug}` is reported on the next line")),
        );
        let help = "remove it, so that it does not hide a finding of another day";
        match comment {
            Some(comment) => found.certain_fix(help, comment, ""),
            None => found.help(help),
        }
    }
}

/// OVL0108: an `allow` that cannot be followed.
#[derive(Debug)]
pub(super) enum InvalidAllow {
    /// Not of the form `allow(CODE) reason`; the code that it is probably about.
    Form { span: Span, code: Option<Code> },
    /// The word is not in the registry.
    UnknownCode { span: Span, word: String, meant: Option<Meant> },
    /// The code is of error severity; a warning that is found there instead, and no such error.
    ErrorCode { span: Span, code: Code, meant: Option<Code> },
    /// Nothing is written after the closing parenthesis of these codes.
    NoReason { span: Span, codes: String },
}

impl Finding for InvalidAllow {
    fn diagnostic(self) -> Diagnostic {
        let new = |title: String, span: Span, label: String| {
            Diagnostic::new(code::INVALID_ALLOW, title, Label::new(span, label))
        };
        match self {
            Self::Form { span, code } => {
                let found = new(
                    String::from("a comment for `overlapc` is not of a known form"),
                    span,
                    String::from("not understood, so it silences nothing"),
                );
                found.help(format!("write {}", form(code.map_or("OVL0310", Code::as_str))))
            }
            Self::UnknownCode { span, word, meant } => {
                let word = word.escape_debug();
                let found = new(
                    format!("`allow({word})` names no code"),
                    span,
                    String::from("there is no such code"),
                );
                let did_you_mean = |meant: &Meant| format!("did you mean `{}`?", meant.text);
                match meant {
                    Some(meant) if meant.certain => found.certain_fix(did_you_mean(&meant), span, meant.text),
                    Some(meant) => found.fix(did_you_mean(&meant), span, meant.text),
                    None => found.help("`overlapc explain` lists the codes"),
                }
            }
            Self::ErrorCode { span, code, meant } => {
                let found = new(
                    format!("`allow({code})` cannot silence an error"),
                    span,
                    format!("`{}` is an error", code.entry().slug),
                );
                match meant {
                    Some(meant) => found.fix(
                        format!("did you mean `{meant}`? `{}` is reported on the next line", meant.entry().slug),
                        span,
                        meant.as_str(),
                    ),
                    None => found
                        .note("what is built in spite of an error would deliver packets to the wrong host, or nowhere")
                        .help("remove the comment and correct what the error speaks of"),
                }
            }
            Self::NoReason { span, codes } => {
                let title = String::from("`allow` is given no reason");
                let found = new(title, span, String::from("a reason must follow, so this silences nothing"));
                found.help(format!("say why it does not matter here: {}", form(&codes)))
            }
        }
    }
}

/// How a comment is written.
fn form(codes: &str) -> String {
    format!("`# overlapc: allow({codes}) REASON`")
}
