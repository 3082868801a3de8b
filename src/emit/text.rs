//! Texts in pieces: an artefact is a frame out of a template, and blocks of lines in it.
//!
//! Goes in: lines. Comes out: a [`Text`]. What must hold: a block of a whole site has megabytes and
//! stands in more than one artefact, so it is written once and never copied. Templates and views hold
//! a mark in its place, which is a string like any other, and [`Blocks::join`] puts the blocks in.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// A text, in pieces that other texts may share.
#[derive(Clone, Debug, Default)]
pub struct Text {
    pieces: Vec<Arc<String>>,
}

impl Text {
    /// The pieces in order; together they are the text.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().map(|piece| piece.as_str())
    }

    /// Whether the text is these bytes.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        let rest = self.pieces().try_fold(bytes, |rest, piece| rest.strip_prefix(piece.as_bytes()));
        rest.is_some_and(<[u8]>::is_empty)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { pieces: vec![Arc::new(text)] }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.to_string().as_bytes())
    }
}

impl Eq for Text {}

/// Lines of text, without a newline at the end.
#[derive(Debug, Default)]
pub(super) struct Block {
    text: String,
}

impl Block {
    /// Room for about this many lines: large blocks that grow at the same time are copied again and
    /// again, and room that is not used costs nothing.
    pub(super) fn of(lines: usize) -> Self {
        Self { text: String::with_capacity(lines * 80) }
    }

    /// Adds a line.
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = fmt::Write::write_fmt(&mut self.text, line);
    }

    /// Whether there is no line.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
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

/// A mark value as nft prints it, `0x0000002a`. Every line of the large sets and maps has one, and
/// the formatter's own padding takes several times as long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hex(pub(super) u32);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = *b"0x00000000";
        for (n, digit) in text[2..].iter_mut().rev().enumerate() {
            *digit = b"0123456789abcdef"[(self.0 >> (4 * n) & 0xf) as usize];
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

/// Stands on both sides of a block's number; in no text, as it is in no name, path or template.
const MARK: char = '\u{1}';

/// Up to this many bytes a block is copied: a memory page, which a piece of its own would take.
const SHORT: usize = 4096;

/// The long blocks of all artefacts.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    kept: RefCell<Vec<Arc<String>>>,
}

impl Blocks {
    /// Keeps a block; comes back with what a view holds in its place. An empty one is empty there too.
    pub(super) fn keep(&self, block: Block) -> String {
        let text = block.finish();
        if text.len() <= SHORT { text } else { self.keep_text(text) }
    }

    /// Keeps a text however short it is.
    pub(super) fn keep_text(&self, text: String) -> String {
        let mut kept = self.kept.borrow_mut();
        kept.push(Arc::new(text));
        format!("{MARK}{}{MARK}", kept.len() - 1)
    }

    /// A draft, which is what templates make out of views, with the blocks in the place of their marks.
    pub(super) fn join(&self, draft: &str) -> Text {
        let kept = self.kept.borrow();
        let pieces = draft.split(MARK).enumerate().filter(|(_, piece)| !piece.is_empty());
        // Marks come in pairs: every other piece is a number.
        let block = |number: &str| number.parse().ok().and_then(|number: usize| kept.get(number)).cloned();
        let pieces = pieces.filter_map(|(n, piece)| match n % 2 {
            0 => Some(Arc::new(piece.to_owned())),
            _ => block(piece),
        });
        Text { pieces: pieces.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Blocks, Hex, SHORT, Text};

    #[test]
    fn marks_have_eight_digits() {
        for value in [0, 0x2a, 0x1234_5678, 0x9abc_def0, u32::MAX] {
            assert_eq!(Hex(value).to_string(), format!("{value:#010x}"));
        }
    }

    fn block(letter: char, length: usize) -> Block {
        let mut block = Block::default();
        line!(block, "{}", letter.to_string().repeat(length));
        block
    }

    #[test]
    fn blocks_stand_where_their_marks_stood() {
        let blocks = Blocks::default();
        let short = blocks.keep(block('s', 1));
        let (long, other) = (blocks.keep(block('l', SHORT + 1)), blocks.keep(block('o', SHORT + 1)));
        let inner = format!("<{other}>");
        let text = blocks.join(&format!("{long}a{short}{inner}{long}"));
        let (l, o) = ("l".repeat(SHORT + 1), "o".repeat(SHORT + 1));
        let expected = format!("{l}as<{o}>{l}");
        assert_eq!(text.to_string(), expected);
        assert!(text.is(expected.as_bytes()));
        assert!(!text.is(&expected.as_bytes()[1..]));
        assert!(!text.is(format!("{expected}.").as_bytes()));
        assert_eq!(text, Text::from(expected));
        assert_eq!(blocks.keep(Block::default()), "");
    }
}
