//! Proves compiled sites with real packets: builds each case in network namespaces, brings the
//! site up with the emitted script as it is, asks from host to host, and takes everything down.
//!
//! In: folders with `site.sh`, `nodes.sh`, `topology` and `checks`. Out: one `PASS` or `FAIL` line a
//! check, `summary N passed, N failed` last. Must run as root in its own mount and network
//! namespace with an empty /run, where nothing else uses the names it gives.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod case;
mod checks;
mod expansion;
mod faults;
mod interrupted;
mod judge;
mod listing;
mod stepping;
mod topology;
mod traffic;
mod wires;

use std::env;
use std::path::Path;
use std::process::ExitCode;

/// How the checks of a run went.
#[derive(Default)]
pub struct Score {
    passed: usize,
    failed: usize,
}

impl Score {
    /// Counts and prints one check; the reason of a failure follows on lines of its own.
    pub fn note(&mut self, case: &str, what: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("PASS {case}: {what}");
            }
            Err(reason) => {
                self.failed += 1;
                println!("FAIL {case}: {what}");
                for line in reason.lines() {
                    println!("     {line}");
                }
            }
        }
    }
}

fn main() -> ExitCode {
    let folders: Vec<String> = env::args().skip(1).collect();
    if folders.is_empty() {
        eprintln!("usage: lab CASE...   (folders with site.sh, nodes.sh, topology and checks)");
        return ExitCode::from(2);
    }
    let mut score = Score::default();
    for folder in &folders {
        if let Err(reason) = case::run_case(Path::new(folder), &mut score) {
            score.note(folder, "the case can be run", Err(reason));
        }
    }
    println!("summary {} passed, {} failed", score.passed, score.failed);
    if score.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
