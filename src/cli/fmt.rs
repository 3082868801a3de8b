//! `overlapc fmt`: sites in the one style.
//!
//! Goes in: files, or standard input. Comes out: the files laid out, standard input on standard output, or with
//! `--check` and `--diff` what would change. What must hold: if one of the files is refused, none is changed.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueHint};

use super::findings::Findings;
use super::output::{self, Content, Output};
use super::{Color, Exit, Failure, host, site};
use crate::diag::Report;
use crate::fmt::{Broken, Formatted, format};

/// Lay out sites in the one style, comments kept
///
/// Included files are not followed: name them. The addresses, names and order of a site stay as they are.
#[derive(Debug, Args)]
pub(super) struct Fmt {
    /// The files; `-` is standard input, which is written to standard output [default: site.ovl]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<String>,

    /// Write nothing: name the files that would change, exit 1 if there is one
    #[arg(long, env = "OVERLAPC_CHECK", hide_env_values = true, value_parser = BoolishValueParser::new())]
    check: bool,

    /// Write nothing: print what would change as a diff, exit 1 if something would
    #[arg(long)]
    diff: bool,

    /// Format a file with syntax errors, too; what is wrong stays as it stands
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    findings: Findings,
}

/// A file before and after.
struct Made<'f> {
    name: &'f str,
    before: String,
    after: String,
}

impl Fmt {
    pub(super) fn run(self, color: Color) -> Result<Exit, Failure> {
        let mut made = Vec::new();
        let mut exit = Exit::Fine;
        let given: Vec<site::Given<'_>> =
            site::named(&self.files).into_iter().map(site::given).collect::<Result<_, Failure>>()?;
        for file in &given {
            match self.format(file, color)? {
                Some(one) => made.push(one),
                None => exit = Exit::Found,
            }
        }
        if exit == Exit::Found {
            return Ok(exit);
        }
        made.retain(|file| file.name == site::STDIN || file.before != file.after);
        if self.check || self.diff {
            return self.compare(&made, color);
        }
        let (input, files): (Vec<_>, Vec<_>) = made.into_iter().partition(|file| file.name == site::STDIN);
        let content = |file: Made<'_>| {
            let text = file.after.into();
            (PathBuf::from(file.name), Content { name: file.name.to_owned(), text, executable: false })
        };
        Output::files(files.into_iter().map(content).collect()).write()?;
        for file in input {
            host::write_stdout(file.after).map_err(|error| Failure::stdout(&error))?;
        }
        Ok(Exit::Fine)
    }

    /// The file laid out; none where it is refused, which is said.
    fn format<'f>(&self, file: &'f site::Given<'_>, color: Color) -> Result<Option<Made<'f>>, Failure> {
        let refuse = |sources: &_, findings: &[_]| {
            let report = [Report { sources, findings }];
            host::write_stderr(&self.findings.show(&report, host::colour_stderr(color)));
        };
        let (sources, root) = match file.source() {
            Ok(source) => source,
            Err((sources, findings)) => {
                refuse(&sources, &findings);
                return Ok(None);
            }
        };
        let text = &sources.file(root).text;
        let broken = if self.force { Broken::Keep } else { Broken::Refuse };
        match format(root, text, broken) {
            Formatted::Text(after) => Ok(Some(Made { name: file.name(), before: text.clone(), after })),
            Formatted::Refused(findings) => {
                refuse(&sources, &findings);
                Ok(None)
            }
            Formatted::Defect => Err(Failure::new(format!(
                "`{}` cannot be laid out without changing what it says",
                file.name()
            ))
            .help("it is left as it is; this is a defect of overlapc: please report it with the file")),
        }
    }

    /// Prints which files would change, or how.
    fn compare(&self, files: &[Made<'_>], color: Color) -> Result<Exit, Failure> {
        let mut text = String::new();
        for file in files.iter().filter(|file| file.before != file.after) {
            if self.diff {
                text.push_str(&output::unified(&file.before, &file.after, file.name, file.name));
            } else {
                text.push_str(&format!("{}\n", file.name));
            }
        }
        let exit = if text.is_empty() { Exit::Fine } else { Exit::Found };
        let colour = self.diff && host::colour_stdout(color);
        let text = if colour { output::coloured(&text) } else { text };
        host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
        Ok(exit)
    }
}
