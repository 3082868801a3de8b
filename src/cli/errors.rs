//! What can be wrong with a file before it is read as a site.

use crate::diag::{Diagnostic, Finding, Label, code};
use crate::source::Span;

/// OVL0004: bytes that are no text.
#[derive(Debug)]
pub(super) struct NotUtf8 {
    /// The replacement character that stands for the bytes.
    pub span: Span,
    /// The file.
    pub name: String,
    /// The first byte that does not fit.
    pub byte: u8,
}

impl Finding for NotUtf8 {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, name, byte } = self;
        Diagnostic::new(
            code::NOT_UTF8,
            format!("`{name}` is not UTF-8 text"),
            Label::new(span, format!("the byte 0x{byte:02x} cannot stand here")),
        )
        .help("save the file as UTF-8")
    }
}
