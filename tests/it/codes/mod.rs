//! Every code of resolve and check, made by the smallest site that makes it and nothing else, and
//! not made by a site that comes close. Sites go through the real parser.

mod addresses;
mod aliases;
mod dialects;
mod interfaces;
mod items;
mod labels;
mod masquerade;
mod names;
mod numbers;
mod once;
mod properties;
mod rules;
mod scale;
mod viewers;

use overlapc::check::{CheckedSite, check};
use overlapc::diag::{Diagnostic, Diagnostics};
use overlapc::resolve::resolve;
use overlapc::source::SourceMap;
use overlapc::syntax::{Loader, parse_site};

/// A site of one file has nothing to include.
pub struct OneFile;

impl Loader for OneFile {
    fn load(&self, name: &str) -> Result<String, String> {
        Err(format!("{name} is not there"))
    }
}

/// Everything found in a site of one file, and the site if nothing is wrong with it.
pub fn compile(source: &str) -> (SourceMap, Vec<Diagnostic>, Option<CheckedSite>) {
    let mut sources = SourceMap::default();
    let mut findings = Diagnostics::default();
    let root = sources.add("site.ovl", source);
    let file = parse_site(&mut sources, root, &OneFile, &mut findings);
    let site = resolve(&file, &mut findings).and_then(|site| check(site, &mut findings));
    let failed = findings.has_errors();
    assert_eq!(
        site.is_none(),
        failed,
        "a checked site proves that there is no error: {:#?}",
        findings.sorted()
    );
    (sources, findings.sorted(), site)
}

/// Code and line of every finding, like `OVL0301:4`.
pub fn found(source: &str) -> Vec<String> {
    let (sources, findings, _) = compile(source);
    let line =
        |finding: &Diagnostic| sources.file(finding.primary.span.file).line(finding.primary.span.start);
    findings.iter().map(|finding| format!("{}:{}", finding.code, line(finding))).collect()
}

/// The findings of a site that is fine but for `statements` inside network `a`, which has the
/// address 192.168.1.1/24; they begin at line 3.
pub fn in_network(statements: &str) -> Vec<String> {
    found(&format!("network a {{\ninterface eth1\n{statements}\n}}\n{B}connect a -> b\n"))
}

/// The findings of a fine site with `statements` in its gateway block; they begin at line 2.
pub fn in_gateway(statements: &str) -> Vec<String> {
    found(&format!("gateway {{\n{statements}\n}}\n{A}{B}connect a -> b\n"))
}

/// A network that is fine, on one line.
pub const A: &str = "network a { interface eth1; prefix 192.168.1.0/24 as 10.1.1.0/24 }\n";
/// Another one.
pub const B: &str = "network b { interface eth2; prefix 192.168.1.0/24 as 10.1.2.0/24 }\n";

#[test]
fn every_code_is_made_by_some_stage() {
    let mut sources = String::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.iter().any(|part| part == "errors" || part == "errors.rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let registry = include_str!("../../../src/diag/code.rs");
    let names = registry
        .lines()
        .filter(|line| line.contains(" \"OVL"))
        .filter_map(|line| line.split_whitespace().next());
    let unmade: Vec<&str> = names.filter(|name| !sources.contains(&format!("code::{name},"))).collect();
    assert_eq!(unmade, [""; 0], "registered, but no finding has it");
}

#[test]
fn errors_of_names_do_not_hide_those_of_addresses() {
    let source = format!(
        "{A}{B}network c {{ interface eth3; prefix 10.3.0.0/16 as 10.4.0.0/17 }}\nconnect a -> *\nconnect a -> d\n"
    );
    assert_eq!(found(&source), ["OVL0301:3", "OVL0202:5"]);
    // What is missing in `c` after its first error makes no second one.
    let source = format!(
        "{A}{B}network c {{ interface eth3; address 10.3.0.1/16; prefix 10.3.0.0/1x }}\nconnect a -> *\n"
    );
    assert_eq!(found(&source), ["OVL0205:3"]);
}

#[test]
fn the_parts_of_these_tests_are_fine() {
    assert_eq!(found(&format!("{A}{B}connect a -> b\n")), [""; 0]);
    assert_eq!(in_network("prefix 192.168.1.0/24 as 10.1.1.0/24"), [""; 0]);
    assert_eq!(in_gateway(""), [""; 0]);
}
