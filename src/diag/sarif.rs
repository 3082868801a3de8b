//! Findings as a SARIF log, version 2.1.0: the OASIS standard that code scanning services and editors read.
//!
//! Goes in: reports. Comes out: a log of one run. What must hold: each code that is found is a rule with its page,
//! columns count Unicode code points as `columnKind` says, and what can be applied as it is, is a fix.

use serde::Serialize;

use super::code::Entry;
use super::place::{fingerprints, place};
use super::report::Report;
use super::{Code, Diagnostic, Label, Severity};
use crate::document;
use crate::source::{SourceMap, Span};

/// The schema that the log keeps to.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Characters that stand for themselves in a URI's path: RFC 3986, 3.3, without `:`, which would end a scheme.
const PLAIN: &str = "-._~!$&'()*+,;=@/";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogView<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [RunView<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunView<'a> {
    tool: ToolView,
    column_kind: &'static str,
    results: Vec<ResultView<'a>>,
}

#[derive(Serialize)]
struct ToolView {
    driver: DriverView,
}

#[derive(Serialize)]
struct DriverView {
    name: &'static str,
    version: &'static str,
    rules: Vec<RuleView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleView {
    id: &'static str,
    name: String,
    short_description: TextView<String>,
    help: HelpView,
    default_configuration: LevelView,
}

#[derive(Serialize)]
struct TextView<T> {
    text: T,
}

#[derive(Serialize)]
struct HelpView {
    text: &'static str,
    markdown: &'static str,
}

#[derive(Serialize)]
struct LevelView {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultView<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: TextView<String>,
    locations: [LocationView<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<LocationView<'a>>,
    partial_fingerprints: FingerprintsView,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<FixView<'a>>,
}

#[derive(Serialize)]
struct FingerprintsView {
    #[serde(rename = "textAtPlace/v1")]
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LocationView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalView,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<TextView<&'a str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalView {
    artifact_location: ArtifactView,
    region: RegionView,
}

#[derive(Serialize)]
struct ArtifactView {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegionView {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FixView<'a> {
    description: TextView<&'a str>,
    artifact_changes: [ChangeView<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeView<'a> {
    artifact_location: ArtifactView,
    replacements: [ReplacementView<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplacementView<'a> {
    deleted_region: RegionView,
    inserted_content: TextView<&'a str>,
}

/// The log of all findings of all reports, ended by a newline.
#[must_use]
pub fn render(reports: &[Report<'_>]) -> String {
    let all =
        || reports.iter().flat_map(|report| report.findings.iter().map(|finding| (report.sources, finding)));
    let mut codes: Vec<Code> = all().map(|(_, finding)| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let results = all()
        .zip(fingerprints(reports))
        .map(|((sources, finding), fingerprint)| result(sources, finding, &codes, fingerprint))
        .collect();
    let rules = codes.iter().map(|code| rule(code.entry())).collect();
    let driver = DriverView { name: "overlapc", version: env!("CARGO_PKG_VERSION"), rules };
    let run = RunView { tool: ToolView { driver }, column_kind: "unicodeCodePoints", results };
    document::text(&LogView { schema: SCHEMA, version: "2.1.0", runs: [run] })
}

fn rule(entry: &Entry) -> RuleView {
    let happened = entry.page.split("## What happened\n\n").nth(1).unwrap_or(entry.slug);
    let happened = happened.split("\n\n").next().unwrap_or(entry.slug).replace('\n', " ");
    RuleView {
        id: entry.code.as_str(),
        name: in_one_word(entry.slug),
        short_description: TextView { text: happened },
        help: HelpView { text: entry.page, markdown: entry.page },
        default_configuration: LevelView { level: level(entry.severity) },
    }
}

/// `unequal-length` as `UnequalLength`: names of rules are identifiers (SARIF 2.1.0, 3.49.7).
fn in_one_word(slug: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    slug.split('-').map(capital).collect()
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn result<'a>(
    sources: &SourceMap,
    finding: &'a Diagnostic,
    codes: &[Code],
    fingerprint: String,
) -> ResultView<'a> {
    let mut message = finding.title.clone();
    for more in [&finding.note, &finding.help].into_iter().flatten() {
        message.push_str(&format!("\n{more}"));
    }
    let related = finding.secondary.iter().enumerate();
    ResultView {
        rule_id: finding.code.as_str(),
        rule_index: codes.binary_search(&finding.code).unwrap_or_default(),
        level: level(finding.severity()),
        message: TextView { text: message },
        locations: [location(sources, &finding.primary, None)],
        related_locations: related.map(|(at, label)| location(sources, label, Some(at + 1))).collect(),
        partial_fingerprints: FingerprintsView { text: fingerprint },
        fixes: finding.fix.iter().map(|fix| fixed(sources, finding, fix)).collect(),
    }
}

fn fixed<'a>(sources: &SourceMap, finding: &'a Diagnostic, fix: &'a super::Fix) -> FixView<'a> {
    let physical = physical(sources, fix.span);
    FixView {
        description: TextView { text: finding.help.as_deref().unwrap_or_default() },
        artifact_changes: [ChangeView {
            artifact_location: physical.artifact_location,
            replacements: [ReplacementView {
                deleted_region: physical.region,
                inserted_content: TextView { text: &fix.replacement },
            }],
        }],
    }
}

fn location<'a>(sources: &SourceMap, label: &'a Label, id: Option<usize>) -> LocationView<'a> {
    let message = Some(label.text.as_str()).filter(|text| !text.is_empty()).map(|text| TextView { text });
    LocationView { id, physical_location: physical(sources, label.span), message }
}

fn physical(sources: &SourceMap, span: Span) -> PhysicalView {
    let place = place(sources, span);
    PhysicalView {
        artifact_location: ArtifactView { uri: uri(place.file) },
        region: RegionView {
            start_line: place.line,
            start_column: place.column,
            end_line: place.end_line,
            end_column: place.end_column,
        },
    }
}

/// The name of a file as a reference: relative names stay relative, absolute ones get their scheme.
fn uri(name: &str) -> String {
    let scheme = if name.starts_with('/') { "file://" } else { "" };
    let letters = name.bytes().map(|byte| {
        let plain = byte.is_ascii_alphanumeric() || PLAIN.contains(char::from(byte));
        if byte.is_ascii() && plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    });
    scheme.to_owned() + &letters.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::{in_one_word, uri};

    #[test]
    fn names_become_references_and_identifiers() {
        assert_eq!(uri("sites/a b%.ovl"), "sites/a%20b%25.ovl");
        assert_eq!(uri("/etc/ö:1.ovl"), "file:///etc/%C3%B6%3A1.ovl");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
        assert_eq!(in_one_word("alias-over-real-prefix"), "AliasOverRealPrefix");
    }
}
