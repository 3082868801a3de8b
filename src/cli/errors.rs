//! What can be wrong with a file before it is read as a site.

use crate::diag::{Diagnostic, Finding, Label, code};
use crate::source::Span;

/// OVL0004: bytes that are no text.
#[derive(Debug)]
pub(super) struct NotUtf8<'b> {
    /// The replacement character that stands for the bytes.
    pub span: Span,
    /// The file.
    pub name: String,
    /// The bytes from the first that does not fit.
    pub rest: &'b [u8],
}

impl Finding for NotUtf8<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, name, rest } = self;
        let byte = rest.first().copied().unwrap_or_default();
        // The byte order marks of UTF-16; neither byte is ever a part of UTF-8.
        let label = match rest {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "this is how UTF-16 text begins".to_owned(),
            _ => format!("the byte 0x{byte:02x} cannot stand here"),
        };
        Diagnostic::new(code::NOT_UTF8, format!("`{name}` is not UTF-8 text"), Label::new(span, label))
            .help("save the file as UTF-8")
    }
}
