//! `overlapc schema`: the shape of a JSON document, for those who read it.
//!
//! Goes in: the kind of document. Comes out: its JSON Schema (draft 2020-12). What must hold: it is made from the very
//! types that the document is made from.

use clap::{Args, ValueEnum};

use super::{Exit, Failure, host, trace, verify, whois};
use crate::diag::json;
use crate::{emit, lab};

/// Print the JSON Schema of a document that overlapc prints
///
/// Documents have a `format_version`: its minor number grows when something is added, its major number when something
/// changes or goes.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The document
    #[arg(value_name = "DOCUMENT", value_enum, default_value_t = Document::Findings)]
    document: Document,
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Document {
    /// Of `--output-format json` of `check` and `compile`
    Findings,
    /// Of `compile --target json`
    Site,
    /// Of `whois --output-format json`
    Whois,
    /// Of `trace --output-format json`
    Trace,
    /// Of `verify --output-format json`
    Verify,
    /// Of `lab --output-format json`
    Lab,
}

impl Schema {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let schema = match self.document {
            Document::Findings => json::schema(),
            Document::Site => emit::schema(),
            Document::Whois => whois::told::schema(),
            Document::Trace => trace::document::schema(),
            Document::Verify => verify::told::schema(),
            Document::Lab => lab::report::schema(),
        };
        host::write_stdout(format!("{:#}\n", schema.as_value())).map_err(|error| Failure::stdout(&error))?;
        Ok(Exit::Fine)
    }
}
