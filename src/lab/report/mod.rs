//! What a run of the lab has shown, as text for people and as JSON for programs.
//!
//! Goes in: rows of the judge, and notes. Comes out: both texts. What must hold: the same rows give the
//! same bytes, and whatever is wrong is told in full in at least one of them.

mod json;
mod table;
mod text;

pub use json::{FORMAT_VERSION, json, schema};
pub use text::text;

use super::hops::Followed;
use super::judge::Row;

/// Everything that is reported.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What came of the questions, in the order in which they were asked.
    pub rows: Vec<Row>,
    /// What was left out or done otherwise, in sentences.
    pub notes: Vec<String>,
    /// What else was not as it should be: how the emitted script ended, say; in sentences, perhaps with
    /// what a program said on further lines.
    pub troubles: Vec<String>,
    /// What should have been tried and could not be, in sentences.
    pub untried: Vec<String>,
    /// Questions that were followed hop by hop.
    pub flows: Vec<Followed>,
    /// The firewall and the isolation that the site was compiled with, in the words of the language.
    pub compiled: (&'static str, &'static str),
}

impl Report {
    /// How many questions were asked.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.rows.iter().filter(|row| row.from.is_some()).count()
    }

    /// How many rows are not as they should be: questions, and networks that received what nobody had
    /// sent them.
    #[must_use]
    pub fn wrong(&self) -> usize {
        self.rows.iter().filter(|row| !row.is_ok()).count()
    }

    /// Whether everything was tried and as it should be.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.wrong() == 0 && self.troubles.is_empty() && self.untried.is_empty()
    }

    /// All in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let asked = self.asked();
        let right = self.rows.iter().filter(|row| row.from.is_some() && row.is_ok()).count();
        let strays = self.wrong() - (asked - right);
        let mut strays = match strays {
            0 => String::new(),
            1 => "; one network received what nobody should have sent there".to_owned(),
            many => format!("; {many} times a network received what nobody should have sent there"),
        };
        if !self.troubles.is_empty() {
            strays.push_str("; the gateway's script did not do as it should");
        }
        if !self.untried.is_empty() {
            strays.push_str("; declared pairs were not tried");
        }
        if right == asked {
            return format!("lab: {asked} questions, {right} as they should be{strays}");
        }
        format!("lab: {asked} questions, {right} as they should be, {} not{strays}", asked - right)
    }
}
