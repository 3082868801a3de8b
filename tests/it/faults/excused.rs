//! Faults that a proof may let pass, each with its reason.
//!
//! Goes in: what a fault does, in a line. Comes out: the reason. What must hold: `Alike` says that every packet is
//! treated as before; `Unseen` says that something is not, and that no proof looks at it. An entry that no
//! fault needs any more is an error.

/// What a reason is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The faulty text means the same.
    Alike,
    /// It does not, or not always, and is not looked at.
    Unseen,
}

/// Faults of a kind, by what they do: parts of a line, with `*` between them.
pub struct Excuse {
    pub kind: &'static str,
    pub pattern: &'static str,
    pub why: Why,
    pub reason: &'static str,
}

impl Excuse {
    pub fn is_for(&self, kind: &str, told: &str) -> bool {
        let mut rest = told;
        kind == self.kind
            && self.pattern.split('*').all(|part| match rest.find(part) {
                Some(at) => {
                    rest = &rest[at + part.len()..];
                    true
                }
                None => false,
            })
    }
}

pub const EXCUSES: &[Excuse] = &[];
