//! What the renderers are given: the findings of one root file, and how many there are of each kind.
//!
//! Goes in: the sources and the sorted findings of each run. Comes out: a view that `render`,
//! `concise` and `json` share. What must hold: every span of `findings` lies in `sources`.

use std::fmt;

use super::{Diagnostic, Severity};
use crate::source::SourceMap;

/// The findings about one site and the texts they point into.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The files of the site.
    pub sources: &'a SourceMap,
    /// What was found in them, sorted.
    pub findings: &'a [Diagnostic],
}

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Findings of error severity.
    pub errors: usize,
    /// Findings of warning severity.
    pub warnings: usize,
}

impl Count {
    /// Counts the findings of all reports.
    #[must_use]
    pub fn of(reports: &[Report<'_>]) -> Self {
        let mut count = Self::default();
        for finding in reports.iter().flat_map(|report| report.findings) {
            match finding.severity() {
                Severity::Error => count.errors += 1,
                Severity::Warning => count.warnings += 1,
            }
        }
        count
    }

    /// All of them.
    #[must_use]
    pub const fn total(self) -> usize {
        self.errors + self.warnings
    }
}

/// `2 errors, 1 warning`; kinds of which there are none are left out.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        if self.errors > 0 {
            write!(f, "{} error{}", self.errors, plural(self.errors))?;
        }
        if self.warnings > 0 {
            let comma = if self.errors > 0 { ", " } else { "" };
            write!(f, "{comma}{} warning{}", self.warnings, plural(self.warnings))?;
        }
        Ok(())
    }
}
