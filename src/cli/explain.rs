//! `overlapc explain`: the page of a code, or the list of all codes.
//!
//! Goes in: a code or the words it goes by. Comes out: the registry's text. What must hold: every
//! code that a finding prints can be explained.

use clap::Args;

use super::{Exit, Failure, host};
use crate::diag::code::{Entry, REGISTRY};
use crate::diag::{Code, suggest};

/// Explain a code of a finding, with an example and its cure
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code, such as OVL0301, or its words, such as unequal-length; without one, the list
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let text = match &self.code {
            Some(written) => find(written).map(page).ok_or_else(|| unknown(written))?,
            None => list(),
        };
        host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
        Ok(Exit::Fine)
    }
}

fn find(written: &str) -> Option<&'static Entry> {
    Code::find(written).or_else(|| REGISTRY.iter().find(|entry| entry.slug.eq_ignore_ascii_case(written)))
}

fn page(entry: &Entry) -> String {
    format!("{}\n", entry.page.trim_end())
}

fn list() -> String {
    let row = |entry: &Entry| format!("{}  {:<7}  {}\n", entry.code, entry.severity.to_string(), entry.slug);
    REGISTRY.iter().map(row).collect()
}

fn unknown(written: &str) -> Failure {
    let failure = Failure::new(format!("there is no code `{written}`"));
    match nearest(written) {
        Some(near) => failure.help(format!("did you mean `{near}`? `overlapc explain` lists them all")),
        None => failure.help("`overlapc explain` lists them all"),
    }
}

/// The code or slug that is written most like `written`; bare digits are taken as those of a code.
fn nearest(written: &str) -> Option<&'static str> {
    if let Ok(number) = written.parse::<u16>()
        && let Some(entry) = Code::find(&format!("OVL{number:04}"))
    {
        return Some(entry.code.as_str());
    }
    let codes = REGISTRY.iter().map(|entry| entry.code.as_str());
    suggest::closest(written, codes)
        .or_else(|| suggest::closest(written, REGISTRY.iter().map(|entry| entry.slug)))
}

#[cfg(test)]
mod tests {
    use super::{find, nearest};

    #[test]
    fn a_code_is_found_in_any_case_and_by_its_words() {
        assert_eq!(find("ovl0301").unwrap().slug, "unequal-length");
        assert_eq!(find("Unequal-Length").unwrap().code.as_str(), "OVL0301");
        assert!(find("OVL9999").is_none());
    }

    #[test]
    fn the_nearest_code_is_offered() {
        assert_eq!(nearest("301"), Some("OVL0301"));
        assert_eq!(nearest("OVL301"), Some("OVL0301"));
        assert_eq!(nearest("unequal-lenght"), Some("unequal-length"));
        assert_eq!(nearest("what"), None);
    }
}
