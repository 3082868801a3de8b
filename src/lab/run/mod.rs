//! The runner of the lab: the part that starts programs and talks to them.
//!
//! Goes in: what to build and to ask. Comes out: what happened. What must hold: whatever was started
//! has ended when the runner has.

pub mod agents;
pub mod flows;
pub mod netns;
