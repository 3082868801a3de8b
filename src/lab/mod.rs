//! The lab: a compiled site in network namespaces, with hosts around it that send real packets.
//!
//! Goes in: a checked site and its artefacts. Comes out: who answered whom, and what each saw. What
//! must hold: nothing outside of the lab's own namespaces is touched, and nothing stays.

pub mod host;
pub mod run;
pub mod scene;
