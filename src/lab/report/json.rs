//! The report as one JSON document.
//!
//! What must hold: the shape is this file's own, apart from the lab's types, and for flows that of
//! [`Followed`], which is made to be told; a field added raises the
//! minor number of `format_version`, a field changed or gone raises the major one.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::Report;
use crate::document;
use crate::lab::hops::Followed;
use crate::lab::judge::{End, Row};
use crate::lab::scene::{GATEWAY, Kind};

/// The version of the document's shape, `MAJOR.MINOR`.
pub const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Lab")]
struct DocumentView<'a> {
    format_version: &'static str,
    firewall: &'static str,
    isolation: &'static str,
    questions: usize,
    wrong: usize,
    summary: String,
    notes: &'a [String],
    /// What was wrong besides the questions, or could not be tried.
    troubles: Vec<&'a String>,
    rows: Vec<RowView<'a>>,
    flows: &'a [Followed],
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Row")]
struct RowView<'a> {
    kind: &'static str,
    ok: bool,
    /// Nothing where nobody asked and a packet was seen all the same.
    from: Option<EndView<'a>>,
    to: Option<MeantView<'a>>,
    asked: Option<AskedView<'a>>,
    answered_by: Option<EndView<'a>>,
    source_seen: Option<SourceView>,
    faults: &'a [String],
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "End")]
struct EndView<'a> {
    /// Nothing for the gateway.
    network: Option<&'a str>,
    host: &'a str,
    address: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Meant")]
struct MeantView<'a> {
    network: Option<&'a str>,
    host: Option<EndView<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Asked")]
struct AskedView<'a> {
    address: String,
    port: Option<u16>,
    transport: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Source")]
struct SourceView {
    address: String,
    port: u16,
}

/// The JSON Schema that every document keeps to.
#[must_use]
pub fn schema() -> Schema {
    document::schema::<DocumentView<'_>>()
}

/// The document, with a newline at its end.
#[must_use]
pub fn json(report: &Report) -> String {
    let view = DocumentView {
        format_version: FORMAT_VERSION,
        firewall: report.compiled.0,
        isolation: report.compiled.1,
        questions: report.asked(),
        wrong: report.wrong(),
        summary: report.summary(),
        notes: &report.notes,
        troubles: report.troubles.iter().chain(&report.untried).collect(),
        rows: report.rows.iter().map(row).collect(),
        flows: &report.flows,
    };
    document::text(&view)
}

fn row(row: &Row) -> RowView<'_> {
    RowView {
        kind: word(row.kind),
        ok: row.is_ok(),
        from: row.from.as_ref().map(end),
        to: row
            .to
            .as_ref()
            .map(|to| MeantView { network: network(&to.network), host: to.host.as_ref().map(end) }),
        asked: row.asked.map(|(address, port)| AskedView {
            address: address.to_string(),
            port: (port != 0).then_some(port),
            transport: &row.transport,
        }),
        answered_by: row.answered.as_ref().map(end),
        source_seen: row.saw.map(|(address, port)| SourceView { address: address.to_string(), port }),
        faults: &row.faults,
    }
}

fn end(end: &End) -> EndView<'_> {
    EndView { network: network(&end.network), host: &end.host, address: end.address.to_string() }
}

fn network(name: &str) -> Option<&str> {
    (name != GATEWAY).then_some(name)
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Reach => "reach",
        Kind::Fragments => "fragments",
        Kind::TooBig => "too-big",
        Kind::Expired => "expired",
        Kind::Dead => "dead",
        Kind::Denied => "denied",
        Kind::Undeclared => "undeclared",
        Kind::Spoofed => "spoofed",
        Kind::Hairpin => "hairpin",
        Kind::Unknown => "unknown",
        Kind::Own => "own",
        Kind::Outside => "outside",
    }
}
