//! Findings: what a stage has to say about the source, in one shape for every code.
//!
//! Goes in: a struct of some stage's `errors.rs`, through [`Finding`]. Comes out: a [`Diagnostic`],
//! rendered by `render` (for people), `concise` (one a line), or `json`, `sarif`, `github` and `gitlab`
//! (for machines). What must hold: one mistake makes one diagnostic, and its title can be understood alone.

pub mod allow;
pub mod code;
pub mod concise;
mod errors;
pub mod fixed;
pub mod github;
pub mod gitlab;
pub mod json;
mod place;
pub mod render;
pub mod report;
pub mod reporter;
pub mod sarif;
pub mod suggest;

use std::collections::BTreeSet;

use crate::source::{SourceMap, Span};
pub use code::{Code, Severity};
pub use report::{Count, Report};
pub use reporter::Reporter;

/// A text of a finding up to so many bytes is left as it is.
const LONG_TEXT: usize = 300;

/// The characters that are shown of what stands in backticks in a longer one.
const LONGEST_QUOTED: usize = 60;

/// One finding, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code; it fixes the severity.
    pub code: Code,
    /// Understandable alone: lower case, no full stop, user text in backticks.
    pub title: String,
    /// Where it is wrong, and what is wrong there.
    pub primary: Label,
    /// The other parties.
    pub secondary: Vec<Label>,
    /// Why the kernel or the network cares.
    pub note: Option<String>,
    /// What to do, imperative, with the exact text where it is known.
    pub help: Option<String>,
    /// The replacement that `help` speaks of, where it can be applied as it is.
    pub fix: Option<Fix>,
}

/// Words attached to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The words; may be empty for a primary label whose title says it all.
    pub text: String,
}

impl Label {
    /// `text` at `span`.
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }
}

/// Text to put in the place of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced; an empty span inserts.
    pub span: Span,
    /// The new text.
    pub replacement: String,
    /// Whether nothing else can be meant: then it may be made without asking.
    pub safe: bool,
}

impl Diagnostic {
    /// A finding of `code` with its title and primary label.
    pub fn new(code: Code, title: impl Into<String>, primary: Label) -> Self {
        Self { code, title: title.into(), primary, secondary: Vec::new(), note: None, help: None, fix: None }
    }

    /// Adds another party.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label::new(span, text));
        self
    }

    /// Adds another party, which was made by this instance of a `for`, if by any.
    #[must_use]
    pub fn label_of(self, span: Span, text: impl Into<String>, instance: Option<&str>) -> Self {
        self.label(span, reporter::with_instance(text.into(), instance))
    }

    /// Says why it matters.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says what to do, with the exact text of what is probably meant.
    #[must_use]
    pub fn fix(mut self, help: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self.fix = Some(Fix { span, replacement: replacement.into(), safe: false });
        self
    }

    /// Says what to do, with the exact text, where nothing else can be meant: `check --fix` does it.
    #[must_use]
    pub fn certain_fix(
        mut self,
        help: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
    ) -> Self {
        self = self.fix(help, span, replacement);
        self.fix = self.fix.map(|fix| Fix { safe: true, ..fix });
        self
    }

    /// With no piece of the user's text so long that it hides the words around it.
    fn shortened(mut self) -> Self {
        let labels = self.secondary.iter_mut().chain([&mut self.primary]).map(|label| &mut label.text);
        let texts = labels.chain([&mut self.title]).chain(&mut self.note).chain(&mut self.help);
        for text in texts.filter(|text| text.len() > LONG_TEXT) {
            let pieces: Vec<&str> = text.split('`').collect();
            let mut short = String::new();
            for (n, piece) in pieces.iter().enumerate() {
                short.push_str(if n == 0 { "" } else { "`" });
                match piece.char_indices().nth(LONGEST_QUOTED) {
                    Some((end, _)) if n % 2 == 1 => {
                        short.push_str(piece.get(..end).unwrap_or_default());
                        short.push('…');
                    }
                    _ => short.push_str(piece),
                }
            }
            *text = short;
        }
        self
    }

    /// The code's severity.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// One struct per code, in its stage's `errors.rs`: its fields are what the message needs.
pub trait Finding {
    /// The finding in words.
    fn diagnostic(self) -> Diagnostic;
}

/// Where stages put their findings.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, finding: impl Finding) {
        self.list.push(finding.diagnostic().shortened());
    }

    /// Adds the findings of another stage.
    pub fn extend(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// Whether any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.severity() == Severity::Error)
    }

    /// Whether there is none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The findings in the order of their places, each once.
    ///
    /// Two findings of one code at one place are one mistake seen in several instances of a `for`:
    /// the first is kept.
    #[must_use]
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|finding| (finding.primary.span, finding.code));
        let mut seen = BTreeSet::new();
        self.list.retain(|finding| seen.insert((finding.primary.span, finding.code)));
        self.list
    }
}

/// A value, if there is one, and what was found on the way to it.
#[derive(Debug)]
pub struct Outcome<T> {
    /// The files that the findings' spans point into.
    pub sources: SourceMap,
    /// The value; `None` where an error stands in its way.
    pub value: Option<T>,
    /// Everything found, sorted.
    pub findings: Vec<Diagnostic>,
}
