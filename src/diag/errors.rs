//! What is wrong with the comments that silence findings.

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
    /// Not of the form `allow(CODE) reason`.
    Form(Span),
    /// The code is not in the registry.
    UnknownCode(Span, String),
    /// The code is of error severity.
    ErrorCode(Span, Code),
    /// Nothing is written after the closing parenthesis.
    NoReason(Span),
}

impl Finding for InvalidAllow {
    fn diagnostic(self) -> Diagnostic {
        match self {
            Self::Form(span) => Diagnostic::new(
                code::INVALID_ALLOW,
                "a comment that begins with `overlapc:` is not of a known form",
                Label::new(span, "not understood, so it silences nothing"),
            )
            .help("write `# overlapc: allow(OVL0310) reason`"),
            Self::UnknownCode(span, written) => Diagnostic::new(
                code::INVALID_ALLOW,
                format!("`allow({written})` names no code"),
                Label::new(span, "there is no such code"),
            )
            .help("`overlapc explain` lists the codes"),
            Self::ErrorCode(span, code) => Diagnostic::new(
                code::INVALID_ALLOW,
                format!("`allow({code})` cannot silence an error"),
                Label::new(span, format!("`{}` is an error", code.entry().slug)),
            )
            .note("what is built in spite of an error would deliver packets to the wrong host, or nowhere")
            .help("remove the comment and correct what the error speaks of"),
            Self::NoReason(span) => Diagnostic::new(
                code::INVALID_ALLOW,
                "`allow` is given no reason",
                Label::new(span, "a reason must follow, so this silences nothing"),
            )
            .help("say after the parenthesis why the finding does not matter here"),
        }
    }
}
