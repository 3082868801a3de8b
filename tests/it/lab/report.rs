//! The report of made-up rows, as text and as JSON, under `golden/lab/`.

use overlapc::lab::judge::{End, Meant, Row};
use overlapc::lab::report::{Report, json, text};
use overlapc::lab::scene::{GATEWAY, Kind};

use crate::bench::repository;
use crate::expected::{BLESS, Files, compare_folder};

fn end(network: &str, host: &str, address: &str) -> End {
    End { network: network.to_owned(), host: host.to_owned(), address: address.parse().unwrap() }
}

fn reach(transport: &str, host: &str, faults: &[&str]) -> Row {
    let number = format!("192.168.0.{host}");
    let answered = end("press", if host == "10" { "plc" } else { &number }, &number);
    Row {
        kind: Kind::Reach,
        from: Some(end("office", "192.168.0.10", "192.168.0.10")),
        to: Some(Meant { network: "press".to_owned(), host: Some(answered.clone()) }),
        asked: Some((format!("10.64.2.{host}").parse().unwrap(), if transport == "tcp" { 80 } else { 0 })),
        transport: transport.to_owned(),
        answered: faults.is_empty().then_some(answered),
        saw: faults.is_empty().then(|| ("10.64.1.10".parse().unwrap(), 4000)),
        faults: faults.iter().map(|it| (*it).to_owned()).collect(),
    }
}

/// What a site would come to of which one host does not answer and something has leaked.
fn rows() -> Vec<Row> {
    let v6 = Row {
        from: Some(end("press", "fd00::a", "fd00::a")),
        to: Some(Meant { network: "office".to_owned(), host: Some(end("office", "hmi", "fd00::a")) }),
        asked: Some(("fd64:0:0:1::a".parse().unwrap(), 0)),
        answered: Some(end("office", "hmi", "fd00::a")),
        saw: Some(("fd64:0:0:2::a".parse().unwrap(), 4000)),
        ..reach("icmp", "10", &[])
    };
    let undeclared = |faults: &[&str]| Row {
        kind: Kind::Undeclared,
        to: Some(Meant { network: "saw".to_owned(), host: None }),
        asked: Some(("10.64.3.10".parse().unwrap(), 80)),
        answered: None,
        saw: None,
        ..reach("tcp", "10", faults)
    };
    let own = Row {
        kind: Kind::Own,
        from: Some(end(GATEWAY, "192.168.0.1", "192.168.0.1")),
        ..reach("icmp", "10", &[])
    };
    let stray = Row {
        kind: Kind::Undeclared,
        from: None,
        to: Some(Meant { network: "saw".to_owned(), host: None }),
        asked: None,
        transport: String::new(),
        answered: None,
        saw: None,
        faults: vec![
            "saw received what nobody should have sent there: `icmp 192.168.0.1 7 192.168.0.10 0`".to_owned(),
        ],
    };
    vec![
        reach("tcp", "10", &[]),
        reach("icmp", "10", &[]),
        reach("tcp", "11", &["no answer: the question did not reach press/192.168.0.11"]),
        v6,
        own,
        undeclared(&[]),
        undeclared(&["answered by saw/192.168.0.10, though the site declares no way there"]),
        stray,
    ]
}

fn report(rows: Vec<Row>) -> Report {
    Report { rows, notes: vec!["1 of 3 networks have hosts".to_owned()], ..Report::default() }
}

#[test]
fn golden_lab_reports_are_as_expected() {
    let right: Vec<Row> = rows().into_iter().filter(Row::is_ok).collect();
    let files = Files::from([
        ("right.txt".to_owned(), text(&report(right.clone()), false)),
        ("wrong.txt".to_owned(), text(&report(rows()), false)),
        ("right.json".to_owned(), json(&report(right))),
        ("wrong.json".to_owned(), json(&report(rows()))),
    ]);
    let differences = compare_folder(&repository().join("golden/lab"), &files);
    assert!(differences.is_empty(), "{differences}\n{BLESS}");
}

#[test]
fn the_summary_counts_questions_and_what_nobody_asked_for() {
    let report = report(rows());
    assert_eq!((report.asked(), report.wrong()), (7, 3));
    assert_eq!(
        report.summary(),
        "lab: 7 questions, 5 as they should be, 2 not; one network received what nobody should have sent there"
    );
    let right: Vec<Row> = report.rows.into_iter().filter(Row::is_ok).collect();
    assert_eq!(
        Report { rows: right, ..Report::default() }.summary(),
        "lab: 5 questions, 5 as they should be"
    );
}

#[test]
fn styles_change_nothing_but_the_look() {
    let styled = text(&report(rows()), true);
    assert!(styled.contains("\u{1b}[31m"));
    let mut plain = String::new();
    for part in styled.split('\u{1b}') {
        plain.push_str(
            part.strip_prefix('[').and_then(|it| it.split_once('m')).map_or(part, |(_, rest)| rest),
        );
    }
    assert_eq!(plain, text(&report(rows()), false));
}

#[test]
fn a_large_report_shows_what_is_wrong_and_sums_up_the_rest() {
    let named = |n: usize, row: Row| Row {
        to: Some(Meant { network: format!("cell-{n}"), host: row.to.and_then(|to| to.host) }),
        ..row
    };
    let mut rows: Vec<Row> = (0..150).map(|n| named(n, reach("tcp", "10", &[]))).collect();
    rows.extend((140..200).map(|n| named(n, reach("icmp", "10", &["no answer"]))));
    let text = text(&report(rows), false);
    assert!(text.contains("and 40 more pairs, all as they should be\n"), "{text}");
    assert!(text.contains("1 of 2 WRONG"), "{text}");
    assert!(text.contains("20 more that went wrong not shown"), "{text}");
}
