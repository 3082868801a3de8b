//! Texts that no person writes: they are refused in linear time and on a small stack.

use std::time::{Duration, Instant};

use super::parsed;
use crate::diag::code;

/// Parses on a stack of 1 MiB and drops the tree there, in a time that quadratic work exceeds.
#[track_caller]
fn codes(text: String) -> Vec<&'static str> {
    let start = Instant::now();
    let parse = move || parsed(&text).1.iter().map(|finding| finding.code.as_str()).collect();
    let thread = std::thread::Builder::new().stack_size(1024 * 1024).spawn(parse).unwrap();
    let codes = thread.join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    codes
}

const DEEP: [&str; 1] = [code::NESTED_TOO_DEEP.as_str()];

#[test]
fn nesting_is_cut_off_and_told_about_once() {
    assert_eq!(codes(format!("let x = {}1{}\n", "(".repeat(100_000), ")".repeat(100_000))), DEEP);
    assert_eq!(codes(format!("let x = {}1{}\n", "f(".repeat(100_000), ")".repeat(100_000))), DEEP);
    assert_eq!(codes(format!("let x = {}1{}\n", "a{".repeat(100_000), "}".repeat(100_000))), DEEP);
    assert_eq!(codes("for n in 1..2 {\n".repeat(100_000) + &"}\n".repeat(100_000)), DEEP);
    assert_eq!(codes("for n in 1..2 {\n".repeat(100_000)), DEEP);
    assert_eq!(codes(format!("let x = 1{}\n", " + 1".repeat(100_000))), DEEP);
    assert_eq!(codes(format!("let x = 1{}\n", " * (1 + 1)".repeat(100_000))), DEEP);
}

#[test]
fn brackets_that_stay_open_cost_no_more_than_their_length() {
    for piece in ["{", "(", "a{", "\"a{", "a{\"b{", "(a{;", "(\n", "(a{b\n", "a{\n", "f(,", "}{", "((a{)"] {
        let found = codes(piece.repeat(200_000 / piece.len()));
        assert!(!found.is_empty(), "{piece}");
    }
    assert_eq!(codes("{".repeat(100_000)), [code::UNEXPECTED_TOKEN.as_str()]);
}

#[test]
fn a_line_of_a_megabyte_is_a_line() {
    assert_eq!(codes(format!("site {}\n", "a".repeat(1_000_000))), [""; 0]);
    assert_eq!(codes(format!("connect a -> b {{ allow tcp 1{} }}\n", ", 2".repeat(300_000))), [""; 0]);
    assert_eq!(codes(format!("{}\n", "a ".repeat(500_000))), [code::UNKNOWN_STATEMENT.as_str()]);
    assert_eq!(codes(format!("# {}\n", "c".repeat(1_000_000))), [""; 0]);
    let (_, findings) = parsed(&format!("let x = 1 {}\n", "b".repeat(1_000_000)));
    assert!(findings.iter().all(|finding| finding.title.len() < 200), "user text is shortened");
}

#[test]
fn a_file_that_is_no_text_makes_a_bounded_number_of_findings() {
    assert_eq!(codes("\0 \u{1} ü\n".repeat(50_000)).len(), 100);
}
