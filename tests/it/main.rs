//! Integration tests, one binary: the command as users run it, the golden folders, the rules of
//! this repository.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

mod altered;
mod bench;
mod cli;
mod codes;
mod dice;
mod documents;
mod engines;
mod expected;
mod faults;
mod fmt;
mod formats;
mod golden;
mod grammar;
mod hostile;
mod house;
mod lab;
mod missing;
mod nodes;
mod outputs;
mod random;
mod read;
mod replace;
mod script;
mod sim;
mod trace;
mod verify;
mod views;
mod whois;
