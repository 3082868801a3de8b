//! What was probably meant by a word that is none of the known ones.
//!
//! Goes in: the word, what it comes to, and the words that would do. Comes out: the closest of these, and what to
//! write for it. What must hold: an interpolation is never replaced by one of its values, because the text stands
//! for all instances of a `for`.

use crate::diag::Diagnostic;
use crate::diag::suggest::closest;
use crate::source::Span;
use crate::syntax::ast::{Part, Word};

/// A known word, and how the text at the place becomes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meant {
    name: String,
    /// What is replaced, and by what; `None` where no literal text of the word is at fault.
    edit: Option<(Span, String)>,
}

impl Meant {
    /// The text at a place is the name itself.
    pub(super) fn instead_of(span: Span, name: &str) -> Self {
        Self { name: name.to_owned(), edit: Some((span, name.to_owned())) }
    }

    /// The name, where the text at the place is not what is wrong.
    pub(super) fn name(name: &str) -> Self {
        Self { name: name.to_owned(), edit: None }
    }

    /// The name that a word was meant to come to, where it comes to `value`.
    pub(super) fn find<'n>(
        word: &Word,
        value: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Option<Self> {
        let name = closest(value, names)?.to_owned();
        let edit = edit(word, value, &name).filter(|(_, text)| !text.is_empty());
        Some(Self { name, edit })
    }

    /// Adds the question to a finding.
    pub(super) fn ask(self, found: Diagnostic) -> Diagnostic {
        let Self { name, edit } = self;
        match edit {
            None => found.help(format!("did you mean `{name}`?")),
            Some((span, text)) if text == name => found.fix(format!("did you mean `{name}`?"), span, text),
            Some((span, text)) => {
                let help = format!("did you mean `{name}`? then write `{text}` beside the `{{}}`");
                found.fix(help, span, text)
            }
        }
    }
}

/// The literal text of a word to replace so that it comes to `name`: all of it, or what stands before its first or
/// behind its last interpolation.
fn edit(word: &Word, value: &str, name: &str) -> Option<(Span, String)> {
    if matches!(word.parts.as_slice(), [] | [Part::Text(_)]) {
        return Some((word.span, name.to_owned()));
    }
    // In quotes a character may be written as two.
    if word.quoted {
        return None;
    }
    if let Some(Part::Text(head)) = word.parts.first()
        && let Some(meant) = name.strip_suffix(value.strip_prefix(head.as_str())?)
    {
        let end = word.span.start + u32::try_from(head.len()).ok()?;
        return Some((Span { end, ..word.span }, meant.to_owned()));
    }
    if let Some(Part::Text(tail)) = word.parts.last()
        && let Some(meant) = name.strip_prefix(value.strip_suffix(tail.as_str())?)
    {
        let start = word.span.end - u32::try_from(tail.len()).ok()?;
        return Some((Span { start, ..word.span }, meant.to_owned()));
    }
    None
}
