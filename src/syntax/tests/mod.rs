//! What the parser makes of texts, and what it says about wrong ones.

mod includes;
mod limits;
mod mistakes;
mod trees;

use super::ast::Item;
use super::parse_file;
use crate::diag::{Diagnostic, Diagnostics};
use crate::source::SourceMap;

fn parsed(text: &str) -> (Vec<Item>, Vec<Diagnostic>) {
    let mut sources = SourceMap::default();
    let mut findings = Diagnostics::default();
    let id = sources.add("site.ovl", text);
    let items = parse_file(id, text, &mut findings).file.items;
    (items, findings.sorted())
}

#[track_caller]
fn clean(text: &str) -> Vec<Item> {
    let (items, findings) = parsed(text);
    assert!(findings.is_empty(), "{text}\n{findings:#?}");
    items
}

/// Asserts the findings, each written as `line:column CODE title | help`.
#[track_caller]
fn finds(text: &str, expected: &[&str]) {
    let mut sources = SourceMap::default();
    let id = sources.add("site.ovl", text);
    let (_, findings) = parsed(text);
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| {
            assert!(finding.primary.span.end as usize <= text.len());
            let (line, column) = sources.file(id).line_column(finding.primary.span.start);
            let help = finding.help.as_ref().map_or(String::new(), |help| format!(" | {help}"));
            format!("{line}:{column} {} {}{help}", finding.code, finding.title)
        })
        .collect();
    assert_eq!(lines, expected, "{text}");
}

const SITE: &str = r#"# comment
let plants = 10.64.0.0/16

gateway gw1 {
    isolation vrf                   # vrf (default)
    marks     0x00ffffff
    address   10.0.9.5/24 on mgmt0; preferences 100..999
}

network press-line {
    id        2
    interface eth1.20
    address   fd00:0:0:1::1/64
    prefix    192.168.0.0/24     as 10.64.2.0/24
    prefix    fd00:0:0:1::/64    as fd64:0:0:2::/64
    route     192.168.8.0/22 via 192.168.0.254
    host      plc 192.168.0.10
}

connect office -> press-line {
    allow tcp 102, 502
    allow udp 34964
    allow icmp
    allow tcp 22 from hmi to plc log "ssh "
    deny to plc from hmi, 10.0.0.0/8
    deny log
}                                   # closed

for n in 1..200 {
    network cell-{n} {
        id        100 + n
        interface eth1.{100 + n}
        prefix    192.168.0.0/24 as subnet(cells, 24, n)    # the n-th /24 of the pool
    }
}

connect office -> cell-* { allow tcp 102, 502 }
connect * <-> office
include "cells.ovl"
"#;

#[test]
fn a_whole_site_parses() {
    assert_eq!(clean(SITE).len(), 8);
    assert_eq!(clean(&SITE.replace('\n', "\r\n")).len(), 8);
    assert_eq!(clean(&format!("\u{feff}{SITE}")).len(), 8);
}
