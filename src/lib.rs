//! overlapc: the compiler for networks that overlap.
//!
//! ```text
//! text -> syntax -> ast -> resolve -> model::Site -> check -> CheckedSite -> plan -> Plan -> emit -> Artifacts
//! ```
//!
//! Each stage is a function from the value of the stage before it to a value of its own and
//! findings. Only `cli` reads files, writes files or looks at the environment.

pub mod check;
pub mod cli;
pub mod diag;
pub mod emit;
pub mod model;
pub mod net;
pub mod plan;
pub mod resolve;
pub mod source;
pub mod syntax;
