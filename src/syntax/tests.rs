//! What the parser makes of texts, and what it says about wrong ones.

use super::ast::{Item, NetworkStatement, Part};
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
fn finds(text: &str, expected: &[&str]) -> Vec<Item> {
    let mut sources = SourceMap::default();
    let id = sources.add("site.ovl", text);
    let (items, findings) = parsed(text);
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| {
            let (line, column) = sources.file(id).line_column(finding.primary.span.start);
            let help = finding.help.as_ref().map_or(String::new(), |help| format!(" | {help}"));
            format!("{line}:{column} {} {}{help}", finding.code, finding.title)
        })
        .collect();
    assert_eq!(lines, expected, "{text}");
    items
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

#[test]
fn probe() {
    for text in [
        "connect a -> b{\n allow tcp 102\n}\n",
        "connect a -> b{ allow tcp 102 }\n",
        "connect a -> b{}\n",
        "network a{ id 1; interface eth0 }\nnetwork b {\n}\n",
        "network a {\n    interface eth0\n    prefix 10.0.0.0/24 az 10.1.0.0/24\n    interfce eth1\n}\n",
        "netwrok a {\n    interface eth0\n}\n",
        "prefix 10.0.0.0/8\nnetwork a {\n allow tcp\n let x = 1\n}\n",
        "network a\n    interface eth0\n}\nnetwork b {\n}\n",
        "network a\n{\n    interface eth0\n}\n",
        "network a {\n    interface eth0\n\nnetwork b {\n    interface eth1\n}\n",
        "network a {\n    interface eth0\n",
        "network a {\n}\n}\nnetwork b {\n}\n",
        "network a interface eth0 }\nnetwork b {\n}\n",
        "connect a => b\nconnect a <- b\nconnect a ↔ b\n",
        "network a {\n    interface müller0\n    prefix \"a\\n\"\n    id 5 6\n}\n",
        "network \"abc {\n    id 5\n}\n",
        "network \"a{b\" {\n    id 5\n}\n",
        "let x = (1 + 2\nnetwork a {\n    id 1\n}\n",
        "let x = subnet(1,\n   2,\n   3\n)\nlet y = 1 +\n 2\n",
        "let x = n -1\nx = 5\n",
        "network a {\n    route via 10.0.0.1\n    route 10.0.0.0/8 to 10.0.0.1\n    prefix\n    host to 1.2.3.4\n}\n",
        "connect a - > b\nconnect a to b\nfor n 1..2 {\n network a {\n}\n}\n",
        "connect a -> b {\n allow tcp 1..5\n deny from\n allow tcp 1,\n}\n",
        "include ../x.ovl\ninclude \"a{n}\"\ninclude\n",
        "foo bar {\n baz\n}\n{\n}\n",
        "network a { } network b { }\nas 5\n",
        "interface eth0#1\n",
        "gateway{ marks 5 }\n",
        "for n in 1..3 {\n    network a {\n        id 1\n\n}\nconnect a -> b\n",
        "\0\0\0 \u{1}\n",
        "let x = 1 + + 2\nlet = 5\nlet x 5\n",
    ] {
        let mut sources = SourceMap::default();
        let id = sources.add("site.ovl", text);
        let (items, findings) = parsed(text);
        println!("---\n{text}=> {} items", items.len());
        for finding in findings {
            let (line, column) = sources.file(id).line_column(finding.primary.span.start);
            println!(
                "  {line}:{column} {} {} / {} | {:?} {:?} {:?}",
                finding.code,
                finding.title,
                finding.primary.text,
                finding.help,
                finding.fix.map(|f| f.replacement),
                finding
                    .secondary
                    .iter()
                    .map(|l| (sources.file(id).line_column(l.span.start), &l.text))
                    .collect::<Vec<_>>()
            );
        }
    }
}
