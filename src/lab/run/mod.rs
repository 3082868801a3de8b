//! The runner of the lab: the part that starts programs and talks to them.
//!
//! Goes in: what to build and to ask. Comes out: what happened. What must hold: whatever was started
//! has ended when the runner has, also where the runner is killed.
//!
//! ```text
//! outside   sandbox  where it can be built, and what is missing
//!           machine  a virtual machine in its place; kernel, archive: what it boots
//!           compose  a scene as an order
//!           session  hands the order to the inside and listens
//! inside    inside   process 1 of the sandbox: builds, asks, tells
//!           wires    namespaces and links
//!           agents   the hosts
//! ```

pub mod agents;
mod archive;
pub mod compose;
pub mod flows;
pub mod inside;
mod kernel;
pub mod machine;
pub mod netns;
pub mod order;
pub mod sandbox;
pub mod session;
mod wires;
