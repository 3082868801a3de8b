//! A host of the lab as a program of its own, for the tests on real kernels.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    overlapc::lab::host::main(&words)
}
