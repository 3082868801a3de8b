//! The faults that are put into scripts: those of the test of the proof.
//!
//! Goes in: nothing, the kinds are written there. Comes out: all of them. What must hold: a fault here is the one
//! that the proof was asked about.

#[path = "../../it/faults/routing.rs"]
mod routing;
#[path = "../../it/faults/ruleset.rs"]
mod ruleset;
#[path = "../../it/faults/text.rs"]
pub mod text;
#[path = "../../it/faults/words.rs"]
mod words;

use text::{Fault, Text};

/// A kind of fault, by its name.
pub struct Kind(pub &'static str, pub fn(&Text) -> Vec<Fault>);

/// All kinds that are about what is loaded; what a script does besides is not seen in packets.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    [ruleset::KINDS, routing::KINDS].into_iter().flatten()
}
