//! Every code of resolve and check, made by the smallest site that makes it and nothing else, and
//! not made by a site that comes close. Sites go through the real parser.

mod addresses;
mod aliases;
mod interfaces;
mod names;
mod numbers;
mod scale;

use overlapc::check::{CheckedSite, check};
use overlapc::diag::{Diagnostic, Diagnostics};
use overlapc::resolve::resolve;
use overlapc::source::SourceMap;
use overlapc::syntax::{Loader, parse_site};

/// A site of one file has nothing to include.
struct OneFile;

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
fn the_parts_of_these_tests_are_fine() {
    assert_eq!(found(&format!("{A}{B}connect a -> b\n")), [""; 0]);
    assert_eq!(in_network("prefix 192.168.1.0/24 as 10.1.1.0/24"), [""; 0]);
    assert_eq!(in_gateway(""), [""; 0]);
}
