//! What a host does with packets, worked out from what it was told.
//!
//! Goes in: what [`crate::read`] understood. Comes out: fates of packets, one by one or all of a kind at
//! once. What must hold: the order of netfilter's hooks, of rules and of routes is the kernel's; what the
//! kernel does and this does not know is refused, and never taken for nothing.

mod chains;
pub mod conntrack;
pub mod fate;
mod hooks;
pub mod host;
mod nat;
pub mod own;
pub mod packet;
pub mod phase;
pub mod region;
pub mod routes;
#[cfg(test)]
mod tests;
mod walk;
