//! `overlapc check`: the findings of one or more sites, which are its product: standard output.
//!
//! Goes in: files. Comes out: one list of findings, and with `--fix` files in which some are mended. What must hold: a
//! file that cannot be read does not keep the others from being checked; all files of a site are changed or none.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::findings::Findings;
use super::output::{Content, Output};
use super::{Color, Exit, Failure, host, site};
use crate::Overrides;
use crate::diag::Report;
use crate::diag::fixed::{Fixed, fixed};

/// How often a site is looked at again after fixes.
const MOST_ROUNDS: usize = 10;

/// Check sites and print what is found, on standard output
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The sites; `-` is standard input [default: site.ovl]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<String>,

    /// Make the fixes that can be meant in one way only, then check; other text and comments stay
    #[arg(long)]
    fix: bool,

    #[command(flatten)]
    findings: Findings,
}

impl Check {
    pub(super) fn run(self, color: Color) -> Result<Exit, Failure> {
        if self.fix {
            self.make_fixes()?;
        }
        let mut exit = Exit::Fine;
        let mut outcomes = Vec::new();
        for file in site::named(&self.files) {
            match site::front(file, Overrides::default()) {
                Ok(outcome) => outcomes.push(outcome),
                Err(failure) => {
                    failure.report(color);
                    exit = Exit::Unable;
                }
            }
        }
        let reports: Vec<Report<'_>> = outcomes
            .iter()
            .map(|outcome| Report { sources: &outcome.sources, findings: &outcome.findings })
            .collect();
        let text = self.findings.show(&reports, host::colour_stdout(color));
        host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
        Ok(if exit == Exit::Unable { exit } else { self.findings.exit(&reports) })
    }

    /// Makes the safe fixes of each site until none is left: one that parses shows what else is wrong.
    fn make_fixes(&self) -> Result<(), Failure> {
        if self.files.iter().any(|file| file == "-") {
            return Err(Failure::new("`--fix` cannot change standard input").help("name the site's file"));
        }
        for file in site::named(&self.files) {
            // A fix that calls for another one again and again would be a defect; it shall not go on for ever.
            for _ in 0..MOST_ROUNDS {
                let outcome = site::front(file, Overrides::default())?;
                let fixed = fixed(&outcome.sources, &outcome.findings);
                if fixed.is_empty() {
                    break;
                }
                let name = |file| outcome.sources.file(file).name.clone();
                let content = |file: &Fixed| {
                    let (name, text) = (name(file.file), file.text.clone().into());
                    (PathBuf::from(&name), Content { name, text, executable: false })
                };
                Output::files(fixed.iter().map(content).collect()).write()?;
                for Fixed { file, fixes, .. } in fixed {
                    let plural = if fixes == 1 { "" } else { "es" };
                    host::write_stderr(&format!("{}: {fixes} fix{plural} made\n", name(file)));
                }
            }
        }
        Ok(())
    }
}
