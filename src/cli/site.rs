//! The site that a command was given: which file it is, its text, and the files it includes.
//!
//! Goes in: the FILE argument. Comes out: a checked site with findings, or a failure where there is
//! no text to speak about. What must hold: names are printed as they were given, and a file that is
//! not UTF-8 is a finding, not a failure.

use std::path::Path;

use super::errors::NotUtf8;
use super::findings::Findings;
use super::{Color, Exit, Failure, host};
use crate::check::CheckedSite;
use crate::diag::{Diagnostic, Diagnostics, Outcome, Report, Severity};
use crate::source::{FileId, SourceMap, Span};
use crate::{Overrides, syntax};

/// What is compiled where no file is named.
const DEFAULT: &str = "site.ovl";

/// How standard input is called in findings.
pub(super) const STDIN: &str = "<stdin>";

/// The bytes of the largest file of a site: ten thousand networks are a fiftieth of it, and a device that never ends
/// is found out.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Included files, relative to the working directory as the root file is.
struct Files;

impl syntax::Loader for Files {
    fn load(&self, name: &str) -> Result<String, String> {
        let bytes = host::read_up_to(Path::new(name), LARGEST).map_err(|error| host::reason(&error))?;
        String::from_utf8(bytes)
            .map_err(|error| format!("it is not UTF-8 text, at byte {}", error.utf8_error().valid_up_to()))
    }
}

/// A site's text, before anybody has looked at it.
pub(super) struct Given<'f> {
    name: &'f str,
    bytes: Vec<u8>,
}

/// Reads and checks the site of a FILE argument: `-` is standard input, none is `site.ovl`.
pub(super) fn front(file: Option<&str>, overrides: Overrides) -> Result<Outcome<CheckedSite>, Failure> {
    given(file)?.front(overrides)
}

/// The site of a FILE argument for those who go on with it: its findings are shown, and where they stand in the
/// way there is nothing to go on with.
pub(super) fn ready(
    file: Option<&str>,
    overrides: Overrides,
    findings: Findings,
    color: Color,
) -> Result<Option<(CheckedSite, SourceMap)>, Failure> {
    let outcome = front(file, overrides)?;
    let reports = [Report { sources: &outcome.sources, findings: &outcome.findings }];
    host::write_stderr(&findings.show(&reports, host::colour_stderr(color)));
    let exit = findings.exit(&reports);
    Ok(outcome.value.filter(|_| exit == Exit::Fine).map(|site| (site, outcome.sources)))
}

/// Refuses a site without networks for those to whom it gives nothing to do.
pub(super) fn populated(site: &CheckedSite, todo: &str) -> Result<(), Failure> {
    if site.site().networks.is_empty() {
        return Err(Failure::new(format!("the site has no network, so there is nothing to {todo}"))
            .help("declare networks, and a `connect` between them"));
    }
    Ok(())
}

/// The files that were named, or the default one where none is.
pub(super) fn named(files: &[String]) -> Vec<Option<&str>> {
    if files.is_empty() { vec![None] } else { files.iter().map(|file| Some(file.as_str())).collect() }
}

/// Reads the text of a FILE argument, for those who look at it more than once.
pub(super) fn given(file: Option<&str>) -> Result<Given<'_>, Failure> {
    let (name, bytes) = read(file)?;
    Ok(Given { name, bytes })
}

impl Given<'_> {
    /// How the file is called.
    pub(super) const fn name(&self) -> &str {
        self.name
    }

    /// Checks the site.
    pub(super) fn front(&self, overrides: Overrides) -> Result<Outcome<CheckedSite>, Failure> {
        let (sources, root) = match self.source() {
            Ok(source) => source,
            Err((sources, findings)) => return Ok(Outcome { sources, value: None, findings }),
        };
        let outcome = crate::front(sources, root, &Files, overrides);
        let refused = outcome.findings.iter().any(|finding| finding.severity() == Severity::Error);
        if outcome.value.is_none() && !refused {
            return Err(Failure::new(format!("`{}` is refused, but no stage says why", self.name))
                .help("this is a defect of overlapc: please report it with the site"));
        }
        Ok(outcome)
    }

    /// The text as the first source; where it is none, what is wrong with it.
    pub(super) fn source(&self) -> Result<(SourceMap, FileId), (SourceMap, Vec<Diagnostic>)> {
        let mut sources = SourceMap::default();
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => {
                let root = sources.add(self.name, text);
                Ok((sources, root))
            }
            Err(error) => {
                let at = error.valid_up_to();
                let root = sources.add(self.name, String::from_utf8_lossy(&self.bytes));
                let findings = not_utf8(&sources, root, at, self.bytes.get(at..).unwrap_or_default());
                Err((sources, findings))
            }
        }
    }
}

fn read(file: Option<&str>) -> Result<(&str, Vec<u8>), Failure> {
    let (name, bytes) = match file {
        Some("-") => (STDIN, host::read_stdin(LARGEST)),
        Some(name) => (name, host::read_up_to(Path::new(name), LARGEST)),
        None => (DEFAULT, host::read_up_to(Path::new(DEFAULT), LARGEST)),
    };
    match bytes {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            Err(Failure::new(format!("no file is named, and the working directory has no `{DEFAULT}`"))
                .help("name the site's file, or `-` for standard input"))
        }
        Err(error) => Err(Failure::new(format!("cannot read `{name}`: {}", host::reason(&error)))),
    }
}

/// The text before the first wrong byte is the same in the file and in its lossy copy.
fn not_utf8(sources: &SourceMap, root: FileId, at: usize, rest: &[u8]) -> Vec<Diagnostic> {
    let end = at + char::REPLACEMENT_CHARACTER.len_utf8();
    let name = sources.file(root).name.clone();
    let mut findings = Diagnostics::default();
    findings.push(NotUtf8 { span: Span::new(root, at, end), name, rest });
    findings.sorted()
}
