//! What a proof found, in words and as a document.
//!
//! Goes in: a proof. Comes out: text, or JSON. What must hold: every failure names who is concerned, a packet, and
//! the lines to blame; a field added to the document raises the minor number of `format_version`, a
//! field changed or gone raises the major one.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::super::trace;
use crate::check::CheckedSite;
use crate::document;
use crate::read::script;
use crate::verify::{Failure, Found, Obligation, Undecided};

/// So many failures of an obligation are told.
const TOLD: usize = 5;

/// A proof, and what it is about.
pub(super) struct Told<'a> {
    pub(super) site: &'a CheckedSite,
    pub(super) files: &'a BTreeMap<String, String>,
    /// The site's file as it was named.
    pub(super) named: Option<&'a str>,
}

/// Of an obligation about which there is nothing to look at.
const NOT_ASKED: &str = "not asked";

/// The version of the document's shape, `MAJOR.MINOR`.
const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Verify")]
struct Document<'d> {
    format_version: &'static str,
    proved: bool,
    obligations: Vec<Line<'d>>,
    notes: &'d [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    undecided: Option<Place<'d>>,
}

#[derive(Serialize, JsonSchema)]
struct Line<'d> {
    name: &'static str,
    state: &'static str,
    regions: u64,
    failures: Vec<Shown<'d>>,
}

#[derive(Serialize, JsonSchema)]
struct Shown<'d> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'d str>,
    what: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Place<'d> {
    file: &'d str,
    line: usize,
    why: &'d str,
}

/// The JSON Schema that every document keeps to.
pub(in crate::cli) fn schema() -> Schema {
    document::schema::<Document<'_>>()
}

impl Told<'_> {
    /// A line for each obligation, and what does not hold.
    pub(super) fn text(&self, proof: &Result<Found, Undecided>, colour: bool) -> String {
        let found = match proof {
            Ok(found) => found,
            Err(undecided) => return format!("not proved: {undecided}\n"),
        };
        let mut text = String::new();
        for obligation in Obligation::ALL {
            let state = self.state(found, obligation);
            let regions = found.regions[obligation as usize];
            let looked = match (state, obligation) {
                (NOT_ASKED, Obligation::OwnTraffic) => "the site declares no address of it".to_owned(),
                (NOT_ASKED, _) => format!("there is no {}", script::FILE),
                _ => format!("{regions} kinds of packets or steps"),
            };
            let _ =
                writeln!(text, "{state:<10} {:<15} {} ({looked})", obligation.name(), obligation.sentence());
        }
        for note in &found.notes {
            let _ = writeln!(text, "note: {note}");
        }
        for obligation in Obligation::ALL {
            let failures: Vec<&Failure> =
                found.failures.iter().filter(|failure| failure.obligation == obligation).collect();
            if failures.is_empty() {
                continue;
            }
            let _ = writeln!(text, "\n{}: {}", obligation.name(), counted(failures.len()));
            for (n, failure) in failures.iter().take(TOLD).enumerate() {
                self.failure(failure, n == 0, colour, &mut text);
            }
            if failures.len() > TOLD {
                let _ = writeln!(text, "  and {} more", failures.len() - TOLD);
            }
        }
        text
    }

    fn failure(&self, failure: &Failure, with_way: bool, colour: bool, text: &mut String) {
        if let Some(packet) = self.packet(failure) {
            let _ = writeln!(text, "  {packet}");
            let _ = writeln!(text, "    {}", failure.what);
        } else {
            let _ = writeln!(text, "  {}", failure.what);
        }
        let (artifact, source) = self.blame(failure);
        let places: Vec<String> = artifact.into_iter().chain(source).collect();
        if !places.is_empty() {
            let _ = writeln!(text, "    {}", places.join(", "));
        }
        let Some(packet) = self.packet(failure).filter(|_| with_way) else { return };
        match trace::way_of(self.site, self.files, &packet, colour) {
            Ok(way) => way.lines().for_each(|line| {
                let _ = writeln!(text, "    {line}");
            }),
            Err(_) => {
                let named = self.named.unwrap_or("site.ovl");
                let _ = writeln!(text, "    overlapc trace {named} '{packet}'");
            }
        }
    }

    /// A document.
    pub(super) fn json(&self, proof: &Result<Found, Undecided>) -> String {
        let none = Found::default();
        let found = proof.as_ref().unwrap_or(&none);
        let name = |network: Option<usize>| {
            network.map(|network| self.site.site().networks[network].name.value.as_str())
        };
        let obligations = Obligation::ALL.map(|obligation| {
            let failures = found.failures.iter().filter(|failure| failure.obligation == obligation);
            let shown = failures.map(|failure| {
                let (artifact, source) = self.blame(failure);
                let [from, to] = failure.networks.map(name);
                Shown { from, to, what: &failure.what, packet: self.packet(failure), artifact, source }
            });
            let state = if proof.is_ok() { self.state(found, obligation) } else { "not proved" };
            let regions = found.regions[obligation as usize];
            Line { name: obligation.name(), state, regions, failures: shown.collect() }
        });
        let view = Document {
            format_version: FORMAT_VERSION,
            proved: proof.is_ok() && found.failures.is_empty(),
            obligations: obligations.into(),
            notes: &found.notes,
            undecided: proof.as_ref().err().map(|it| Place { file: &it.file, line: it.line, why: &it.why }),
        };
        document::text(&view)
    }

    fn state(&self, found: &Found, obligation: Obligation) -> &'static str {
        if found.failures.iter().any(|failure| failure.obligation == obligation) {
            "NOT PROVED"
        } else if found.regions[obligation as usize] == 0 {
            NOT_ASKED
        } else {
            "proved"
        }
    }

    /// The packet in the words of `trace`.
    fn packet(&self, failure: &Failure) -> Option<String> {
        let packet = failure.packet.as_ref()?;
        let networks = &self.site.site().networks;
        let network = networks.iter().find(|network| network.interface.value == packet.device);
        Some(match network {
            Some(network) => format!("{} {packet}", network.name.value),
            None => format!("dev {} {packet}", packet.device),
        })
    }

    /// The line of the artefact, and that of the site behind it.
    fn blame(&self, failure: &Failure) -> (Option<String>, Option<String>) {
        if let Some(line) = failure.line {
            return (Some(format!("{}:{line}", script::FILE)), None);
        }
        let Some(rule) = &failure.rule else { return (None, None) };
        let source = rule.comment.as_deref().and_then(|comment| {
            let word = comment.split(' ').next()?;
            let (_, line) = word.rsplit_once(':')?;
            line.parse::<usize>().is_ok().then(|| word.to_owned())
        });
        (Some(format!("{}:{}", rule.file, rule.line)), source)
    }
}

fn counted(failures: usize) -> String {
    match failures {
        1 => "1 kind of packets for which it does not hold".to_owned(),
        many => format!("{many} kinds of packets for which it does not hold"),
    }
}
