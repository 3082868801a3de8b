//! Proves `overlapc lab` as users run it: golden sites, scripts that are broken on purpose, every way in
//! which the command can end, users without rights.
//!
//! In: the command to try, and `quick` for a part of it. Out: one `PASS` or `FAIL` line a check, `SKIP`
//! where this machine cannot be asked, `summary N passed, N failed` last. Needs root, or the root of a
//! user namespace; the working directory is the repository's.
#![allow(clippy::print_stdout, clippy::print_stderr)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod ends;
mod rights;
mod sites;
mod stage;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// So many checks at once: most of their time they wait for what must not come.
const AT_ONCE: usize = 6;

/// Why a check cannot be made here begins with this word.
const SKIPPED: &str = "skipped: ";

/// A check with its name.
pub struct Check<'s> {
    name: String,
    make: Box<dyn FnOnce() -> Result<(), String> + Send + 's>,
}

impl<'s> Check<'s> {
    /// A check that is made when its turn comes.
    pub fn new(name: impl Into<String>, make: impl FnOnce() -> Result<(), String> + Send + 's) -> Self {
        Self { name: name.into(), make: Box::new(make) }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let Some(program) = words.first().and_then(|path| fs::canonicalize(path).ok()) else {
        eprintln!("usage: command OVERLAPC [quick]   (the program, from the root of the repository)");
        return ExitCode::from(2);
    };
    match run(program, words.get(1).is_some_and(|word| word == "quick")) {
        Ok((passed, failed)) => {
            println!("summary {passed} passed, {failed} failed");
            if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(reason) => {
            eprintln!("command: {reason}");
            ExitCode::from(2)
        }
    }
}

fn run(program: PathBuf, quick: bool) -> Result<(usize, usize), String> {
    let stage = stage::Stage::new(program)?;
    let checks = sites::checks(&stage, quick)?.into_iter().chain(ends::checks(&stage));
    let checks = Mutex::new(checks.chain(rights::checks(&stage)?));
    let counts = Mutex::new((0, 0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(check) = locked(&checks).next() else { return };
                    let outcome = (check.make)();
                    note(&check.name, outcome, &mut locked(&counts));
                }
            });
        }
    });
    let counts = *locked(&counts);
    Ok(counts)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts and prints one check; the reason of a failure follows on lines of its own.
fn note(name: &str, outcome: Result<(), String>, (passed, failed): &mut (usize, usize)) {
    match outcome {
        Ok(()) => {
            *passed += 1;
            println!("PASS lab: {name}");
        }
        Err(reason) if reason.starts_with(SKIPPED) => println!("SKIP lab: {name}, {reason}"),
        Err(reason) => {
            *failed += 1;
            println!("FAIL lab: {name}");
            for line in reason.lines() {
                println!("     {line}");
            }
        }
    }
}
