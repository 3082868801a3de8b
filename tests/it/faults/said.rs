//! All that the proof says about one fault.
//!
//! Goes in: `golden/verify/faults`, in which each block names a golden script and the lines that become others.
//! Comes out: below each, what becomes of it. What must hold: findings that are alike but for names and numbers are
//! one line, with how many they are and the first of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use overlapc::verify::{Failure, verify};

use super::{Case, OTHERS, SCRIPTS, cases};
use crate::bench::repository;
use crate::expected::{Verdict, compare_file};

/// A script and its fault.
struct Block {
    /// Its name, and at which of several such places.
    case: String,
    /// Its lines, with marks as in a diff.
    diff: String,
}

impl Block {
    /// The lines with one of these marks.
    fn lines(&self, marks: &str) -> String {
        let lines = self.diff.lines().filter(|line| line.starts_with(|mark| marks.contains(mark)));
        lines.map(|line| format!("{}\n", &line[2..])).collect()
    }
}

/// The blocks of a text: what follows the lines of a fault is what was said.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("= "), blocks.last_mut()) {
            (Some(case), _) => blocks.push(Block { case: case.to_owned(), diff: String::new() }),
            (None, Some(block)) if ["  ", "- ", "+ "].iter().any(|mark| line.starts_with(mark)) => {
                block.diff += &format!("{line}\n");
            }
            _ => {}
        }
    }
    blocks
}

/// A finding without what names it and counts.
fn kind(case: &Case, failure: &Failure) -> String {
    let networks = &case.site.site().networks;
    let is_name = |word: &str| networks.iter().any(|it| it.name.value == word);
    let kind = |word: &str| {
        if is_name(word) || word.contains(|it: char| it.is_ascii_digit()) { "_" } else { word }.to_owned()
    };
    let words: Vec<String> = failure.what.split([' ', ',']).map(kind).collect();
    format!("{} {}", failure.obligation.name(), words.join(" "))
}

/// What becomes of a script: kinds of findings, and a line for each.
fn said(case: &Case, text: String) -> BTreeMap<String, String> {
    let files = BTreeMap::from([("site.sh".to_owned(), text)]);
    let found = match verify(case.site.site(), &files) {
        Ok(found) => found,
        Err(why) => {
            let first = why.why.lines().next().unwrap_or_default();
            return [(String::new(), format!("not proved: {first}"))].into();
        }
    };
    let mut said: BTreeMap<String, (usize, &Failure)> = BTreeMap::new();
    for failure in &found.failures {
        said.entry(kind(case, failure)).or_insert((0, failure)).0 += 1;
    }
    let line = |(kind, (count, first)): (String, (usize, &Failure))| {
        let names = first.networks.map(|it| it.map_or("-", |it| &case.site.site().networks[it].name.value));
        let mut line = format!("{} {count}, {}: {}", first.obligation.name(), names.join(" "), first.what);
        if let Some(packet) = &first.packet {
            let _ = write!(line, "; {} {packet}", packet.device);
        }
        if let Some(comment) = first.rule.as_ref().and_then(|it| it.comment.as_ref()) {
            let _ = write!(line, "; {comment}");
        }
        (kind, line)
    };
    let mut lines: BTreeMap<String, String> = said.into_iter().map(line).collect();
    if lines.is_empty() {
        lines.insert(String::new(), "proved".to_owned());
    }
    lines
}

#[test]
fn golden_verify_says_what_a_fault_does() {
    let path = repository().join("golden/verify/faults");
    let blocks = blocks(&fs::read_to_string(&path).unwrap_or_default());
    let cases: BTreeMap<String, Case> =
        [SCRIPTS, OTHERS].into_iter().flat_map(cases).map(|case| (case.name.clone(), case)).collect();
    let mut all = String::new();
    for block in blocks {
        let (name, nth) = block.case.split_once(' ').unwrap_or((&block.case, "1"));
        let case = cases.get(name).unwrap_or_else(|| panic!("{name} is no script with faults"));
        // Whole lines, so with the end of the one before.
        let [from, to] = [" -", " +"].map(|marks| format!("\n{}", block.lines(marks)));
        let mut whole = case.whole();
        let place = whole.match_indices(&from).nth(nth.parse::<usize>().unwrap() - 1);
        let place = place.unwrap_or_else(|| panic!("these lines are not in {name}:{from}")).0;
        whole.replace_range(place..place + from.len(), &to);
        let said = said(case, whole);
        let said: String = said.into_values().map(|it| it + "\n").collect();
        let _ = writeln!(all, "= {}\n{}{said}", block.case, block.diff);
    }
    let mut verdict = Verdict::default();
    verdict.add("verify/faults", &compare_file(&path, &all));
    verdict.finish();
}
