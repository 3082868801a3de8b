//! Digests: numbers that tell two versions of something apart.
//!
//! Goes in: text, numbers and bytes, in order. Comes out: 64 bits, the same on every machine. What must
//! hold: nothing but "changed or not" stands on a digest, and a mistaken "not" is as unlikely as two of
//! 2^64 numbers being equal (after FNV-1a; nobody is kept from making two texts that agree).

use std::fmt;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// A digest of what it was given so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(OFFSET)
    }
}

impl Digest {
    /// Adds a number.
    pub fn number(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(PRIME).rotate_left(29);
    }

    /// Adds a long text, eight bytes at a time; where it is divided counts.
    pub fn text(&mut self, text: &str) {
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.number(u64::from_le_bytes(word));
        }
    }

    /// The number.
    #[must_use]
    pub const fn finish(self) -> u64 {
        self.0
    }
}

/// Adds byte by byte, so that it does not matter how a value divides what it writes.
impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
        }
        Ok(())
    }
}
