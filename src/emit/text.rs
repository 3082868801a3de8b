//! Blocks of lines, as templates take them: no newline at the end.

use std::fmt;

/// Lines of text.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    text: String,
}

impl Block {
    /// Adds a line.
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = fmt::Write::write_fmt(&mut self.text, line);
    }

    /// The lines.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Adds a formatted line to a [`Block`].
macro_rules! line {
    ($block:expr, $($arguments:tt)*) => { $block.line(format_args!($($arguments)*)) };
}
pub(super) use line;
