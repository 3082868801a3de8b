//! `overlapc check`: the findings of one or more sites, which are its product: standard output.
//!
//! Goes in: files. Comes out: one list of findings. What must hold: a file that cannot be read does
//! not keep the others from being checked.

use clap::{Args, ValueHint};

use super::findings::Findings;
use super::{Color, Exit, Failure, host, site};
use crate::Overrides;
use crate::diag::Report;

/// Check sites and print what is found, on standard output
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The sites; `-` is standard input [default: site.ovl]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<String>,

    #[command(flatten)]
    findings: Findings,
}

impl Check {
    pub(super) fn run(self, color: Color) -> Result<Exit, Failure> {
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
}
