//! Reads what was emitted, or what a host lists of the same, back into what it means.
//!
//! Goes in: text, from whoever. Comes out: [`filter::Filter`], and the rest of what a host does with packets.
//! What must hold: this stage shares nothing with the ones that plan and emit, so that it can judge them;
//! what it does not know it refuses with the line, and never skips.

pub mod artifacts;
pub mod filter;
pub mod ip;
pub mod iptables;
pub mod nft;
pub mod routing;
pub mod script;
mod token;
pub mod touched;
mod words;

use std::fmt;

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
    /// Why it is refused.
    pub why: String,
}

impl Unread {
    fn new(line: usize, text: impl Into<String>, why: impl Into<String>) -> Self {
        Self { line, text: text.into(), why: why.into() }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.why, self.text.trim())
    }
}
