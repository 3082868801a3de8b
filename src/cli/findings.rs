//! How findings are shown, and whether they stand in the way.
//!
//! Goes in: `--output-format`, `--deny` and reports. Comes out: text, and an exit status. What must
//! hold: a form that is a document is a whole one even where nothing was found.

use clap::{Args, ValueEnum};

use super::Exit;
use crate::diag::{Count, Report, concise, github, gitlab, json, render, sarif};

/// The options of every command that reports findings.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Findings")]
pub(super) struct Findings {
    /// How findings are shown
    #[arg(long, value_name = "FORMAT", env = "OVERLAPC_OUTPUT_FORMAT", hide_env_values = true)]
    #[arg(value_enum, default_value_t = Format::Full)]
    output_format: Format,

    /// Treat warnings as errors
    #[arg(long, value_name = "WHAT", env = "OVERLAPC_DENY", hide_env_values = true, value_enum)]
    deny: Option<Denied>,
}

/// A form of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With source lines, notes and help
    Full,
    /// One line each: `file:line:col: error[OVL0301]: title`
    Concise,
    /// One JSON document; `overlapc schema` prints its schema
    Json,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
    /// Commands of a GitHub workflow: beside the lines of a pull request
    Github,
    /// A Code Quality report of GitLab
    Gitlab,
}

/// What `--deny` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Denied {
    /// Findings of warning severity
    Warnings,
}

impl Findings {
    /// Whether other programs read what is printed.
    pub(super) fn is_json(self) -> bool {
        self.output_format == Format::Json
    }

    /// The findings as text; empty where there are none and the format has no frame.
    pub(super) fn show(self, reports: &[Report<'_>], colour: bool) -> String {
        match self.output_format {
            Format::Full => {
                let denied = self.refuses_warnings(reports);
                render::render(reports, colour)
                    + if denied { "failed, because warnings are denied\n" } else { "" }
            }
            Format::Concise => concise::render(reports, colour),
            Format::Json => json::render(reports),
            Format::Sarif => sarif::render(reports),
            Format::Github => github::render(reports),
            Format::Gitlab => gitlab::render(reports),
        }
    }

    /// [`Exit::Found`] where an error, or a warning that is denied, stands in the way.
    pub(super) fn exit(self, reports: &[Report<'_>]) -> Exit {
        let found = Count::of(reports).errors > 0 || self.refuses_warnings(reports);
        if found { Exit::Found } else { Exit::Fine }
    }

    /// Whether warnings alone stand in the way, which the findings do not say themselves.
    fn refuses_warnings(self, reports: &[Report<'_>]) -> bool {
        let count = Count::of(reports);
        self.deny == Some(Denied::Warnings) && count.errors == 0 && count.warnings > 0
    }
}
