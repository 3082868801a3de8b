//! What stops a command that is not the site's fault: usage, files, permissions.
//!
//! Goes in: a sentence, perhaps with what to do about it. Comes out: lines on standard error and
//! exit status 2. What must hold: the sentence names what was being done and to which file.

use annotate_snippets::normalize_untrusted_str;

use super::{Color, host};

/// Why a command could not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    message: String,
    help: Option<String>,
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// Standard output did not take the product.
    pub(super) fn stdout(error: &std::io::Error) -> Self {
        Self::new(format!("cannot write to standard output: {}", host::reason(error)))
    }

    /// Says what to do about it.
    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Writes it to standard error.
    pub(super) fn report(&self, color: Color) {
        let (red, reset) = if host::colour_stderr(color) { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        let mut text = format!("{red}error{reset}: {}\n", normalize_untrusted_str(&self.message));
        if let Some(help) = &self.help {
            text.push_str(&format!("  help: {}\n", normalize_untrusted_str(help)));
        }
        host::write_stderr(&text);
    }
}
