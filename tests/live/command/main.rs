//! Proves `overlapc lab` as users run it: golden sites, scripts that are broken on purpose, every way in
//! which the command can end, users without rights.
//!
//! In: the command to try. Out: one `PASS` or `FAIL` line a check, `SKIP` where this machine cannot be
//! asked, `summary N passed, N failed` last. Needs root, or the root of a user namespace; the working
//! directory is the repository's.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod ends;
mod rights;
mod sites;
mod stage;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

/// How the checks of a run went; many are made at once.
#[derive(Default)]
pub struct Score(Mutex<(usize, usize)>);

impl Score {
    /// Counts and prints one check; the reason of a failure follows on lines of its own.
    pub fn note(&self, what: &str, outcome: Result<(), String>) {
        let mut counts = self.0.lock().unwrap();
        match outcome {
            Ok(()) => {
                counts.0 += 1;
                println!("PASS lab: {what}");
            }
            Err(reason) => {
                counts.1 += 1;
                println!("FAIL lab: {what}");
                for line in reason.lines() {
                    println!("     {line}");
                }
            }
        }
    }
}

/// Says that something could not be tried.
pub fn skip(what: &str, why: &str) {
    println!("SKIP lab: {what}: {why}");
}

fn main() -> ExitCode {
    let Some(program) = env::args().nth(1).and_then(|path| fs::canonicalize(path).ok()) else {
        eprintln!("usage: command OVERLAPC   (the program, from the root of the repository)");
        return ExitCode::from(2);
    };
    let score = Score::default();
    match checks(program, &score) {
        Ok(()) => {}
        Err(reason) => score.note("the checks can be made", Err(reason)),
    }
    let (passed, failed) = *score.0.lock().unwrap();
    println!("summary {passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn checks(program: PathBuf, score: &Score) -> Result<(), String> {
    let stage = stage::Stage::new(program)?;
    sites::check(&stage, score)?;
    ends::check(&stage, score)?;
    rights::check(&stage, score)
}
