//! What resolve and check report through: one finding a place and code, with its `for` instance.
//!
//! Goes in: findings and the instance they were made in. Comes out: diagnostics whose labels end in
//! `(n = 17)`, and which say where a value was given that is used by its name. What must hold: a mistake
//! inside a `for` over 4000 numbers costs one diagnostic, and no two labels of one diagnostic share a place.

use std::collections::{BTreeSet, HashSet};

use super::{Code, Diagnostic, Diagnostics, Finding, Label, Severity};
use crate::source::{Origins, Span, Spanned};

/// Of the names that a value is computed from, directly or by others, so many are shown.
const MOST_ORIGINS: usize = 3;

/// Collects a stage's findings.
#[derive(Debug)]
pub struct Reporter<'a> {
    findings: &'a mut Diagnostics,
    seen: HashSet<(Span, Code)>,
    /// Where earlier stages found errors.
    wrong: BTreeSet<Span>,
    origins: Origins,
}

/// A diagnostic whose words are complete.
struct Worded(Diagnostic);

impl Finding for Worded {
    fn diagnostic(self) -> Diagnostic {
        self.0
    }
}

impl<'a> Reporter<'a> {
    /// A reporter that adds to `findings`.
    pub fn new(findings: &'a mut Diagnostics) -> Self {
        let errors = findings.list.iter().filter(|finding| finding.severity() == Severity::Error);
        let wrong = errors.map(|finding| finding.primary.span).collect();
        Self { findings, seen: HashSet::new(), wrong, origins: Origins::default() }
    }

    /// The same one, which knows where values that are used by their name were given.
    #[must_use]
    pub fn with_origins(self, origins: Origins) -> Self {
        Self { origins, ..self }
    }

    /// Notes that the value at `used` is the one that `name` was given at `value`, or computed from it.
    pub fn given(&mut self, used: Span, name: &str, value: Span) {
        let origins = self.origins.entry(used).or_default();
        if !origins.iter().any(|known| known.span == value) {
            origins.push(Spanned::new(name.to_owned(), value));
        }
    }

    /// What was noted.
    #[must_use]
    pub fn into_origins(self) -> Origins {
        self.origins
    }

    /// Adds a finding, unless one of its code stands at its place already. `instance` is the
    /// values of the `for` variables around it, like `n = 17`: a formula that could not be computed for one of
    /// them is one mistake, whatever its other values are.
    pub fn report(&mut self, finding: impl Finding, instance: Option<&str>) {
        let mut diagnostic = finding.diagnostic();
        let place = diagnostic.primary.span;
        if instance.is_some() && self.is_wrong(place) || !self.seen.insert((place, diagnostic.code)) {
            return;
        }
        diagnostic.primary.text = with_instance(diagnostic.primary.text, instance);
        // Two instances of one statement share their place: one label has to speak for both.
        let mut labels = vec![diagnostic.primary];
        for label in Vec::into_iter(diagnostic.secondary).chain(self.origins_of(place)) {
            match labels.iter_mut().find(|other| other.span == label.span) {
                Some(other) => other.text = format!("{}; {}", other.text, label.text),
                None => labels.push(label),
            }
        }
        diagnostic.primary = labels.remove(0);
        diagnostic.secondary = labels;
        self.findings.push(Worded(diagnostic));
    }

    /// Whether an earlier stage found an error in the text at a place.
    fn is_wrong(&self, place: Span) -> bool {
        let begins_inside = Span { end: place.start, ..place }..Span { start: place.end, ..place };
        self.wrong.range(begins_inside).any(|wrong| wrong.end <= place.end)
    }

    /// Where the value at a place comes from, if it is used there by its name or computed from it: the nearest
    /// first.
    fn origins_of(&self, place: Span) -> Vec<Label> {
        let mut found: Vec<&Spanned<String>> = Vec::new();
        let (mut next, mut seen) = (Some(place), 0);
        while let Some(place) = next.filter(|_| found.len() < MOST_ORIGINS) {
            for origin in self.origins.get(&place).into_iter().flatten() {
                if origin.span != place && !found.iter().any(|known| known.span == origin.span) {
                    found.push(origin);
                }
            }
            next = found.get(seen).map(|origin| origin.span);
            seen += 1;
        }
        let label = |origin: &Spanned<String>| {
            Label::new(origin.span, format!("`{}` gets its value here", origin.value))
        };
        found.into_iter().take(MOST_ORIGINS).map(label).collect()
    }

    /// Whether a finding of this code stands at this place already: what it costs to word another
    /// one can be saved.
    #[must_use]
    pub fn has(&self, span: Span, code: Code) -> bool {
        self.seen.contains(&(span, code))
    }

    /// Whether any stage so far has found an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.has_errors()
    }
}

/// The words of a label with the instance of a `for` that made what is at its place.
pub(super) fn with_instance(text: String, instance: Option<&str>) -> String {
    match instance {
        None => text,
        Some(instance) if text.is_empty() => format!("here ({instance})"),
        Some(instance) => format!("{text} ({instance})"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Diagnostics, Reporter, Worded};
    use crate::diag::{Label, code};
    use crate::source::Span;

    fn finding(at: u32, other: u32) -> Worded {
        let span = |start| Span { start, end: start + 1, ..Span::default() };
        Worded(
            Diagnostic::new(code::DUPLICATE_ID, "title", Label::new(span(at), "here"))
                .label(span(other), "there"),
        )
    }

    #[test]
    fn one_place_and_code_is_one_finding_with_its_first_instance() {
        let mut findings = Diagnostics::default();
        let mut reporter = Reporter::new(&mut findings);
        reporter.report(finding(1, 5), Some("n = 2"));
        reporter.report(finding(1, 5), Some("n = 3"));
        let list = findings.sorted();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].primary.text, "here (n = 2)");
        assert_eq!(list[0].secondary.len(), 1);
    }

    #[test]
    fn a_label_at_the_same_place_is_merged() {
        let mut findings = Diagnostics::default();
        Reporter::new(&mut findings).report(finding(1, 1), Some("n = 2"));
        let list = findings.sorted();
        assert_eq!(list[0].primary.text, "here (n = 2); there");
        assert_eq!(list[0].secondary, []);
        let mut findings = Diagnostics::default();
        let Worded(twice) = finding(1, 5);
        let place = twice.secondary[0].span;
        Reporter::new(&mut findings).report(Worded(twice.label_of(place, "here too", Some("n = 3"))), None);
        let list = findings.sorted();
        assert_eq!(list[0].secondary.len(), 1);
        assert_eq!(list[0].secondary[0].text, "there; here too (n = 3)");
    }
}
