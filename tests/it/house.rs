//! The rules of this repository, read off its files: the order of the stages, the size of files,
//! their headers, and words that must not stay in the code.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::repository;

/// What each stage may use. A stage that is not listed here is not part of the picture in `lib.rs`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("net", &[]),
    ("digest", &[]),
    ("document", &[]),
    ("diag", &["source", "digest", "document"]),
    ("syntax", &["source", "diag"]),
    ("fmt", &["source", "diag", "syntax"]),
    ("model", &["source", "net"]),
    ("resolve", &["source", "net", "diag", "syntax::ast", "model"]),
    ("check", &["source", "net", "diag", "model"]),
    ("plan", &["source", "net", "digest", "model", "check"]),
    ("emit", &["source", "net", "digest", "document", "model", "check", "plan"]),
    // It judges the others, so it shares nothing with them.
    ("read", &[]),
    ("sim", &["net", "read"]),
    ("verify", &["net", "model", "read", "sim"]),
    ("lab", &["source", "net", "document", "model", "check", "plan", "emit"]),
    (
        "cli",
        &[
            "source",
            "net",
            "document",
            "diag",
            "syntax",
            "fmt",
            "model",
            "resolve",
            "check",
            "plan",
            "emit",
            "read",
            "sim",
            "verify",
            "lab",
            "Overrides",
        ],
    ),
];

/// Functions of the facade in `lib.rs` that only `cli` may call.
const FACADE: &[&str] = &["front", "compile", "artifacts"];

/// No file is longer, in lines.
const LONGEST: usize = 500;

/// Every Rust file of the crate, with its text.
fn rust_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for root in ["src", "tests"] {
        collect(&repository().join(root), "rs", &mut files);
    }
    files.sort();
    assert!(files.len() > 20, "the files of the crate are not where they are looked for");
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(repository()).unwrap().display().to_string();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn collect(folder: &Path, end: &str, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, end, files);
        } else if path.extension().is_some_and(|found| found == end) {
            files.push(path);
        }
    }
}

/// The stage a file of `src` belongs to.
fn stage(name: &str) -> Option<&str> {
    let inside = name.strip_prefix("src/")?;
    let stage =
        inside.split_once('/').map_or_else(|| inside.strip_suffix(".rs"), |(stage, _)| Some(stage))?;
    (stage != "lib" && stage != "main").then_some(stage)
}

/// The paths after `crate::` in a file's code: `syntax::ast`, `net`, with groups in braces opened.
fn used(text: &str) -> Vec<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut paths = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let group = &group[..closing(group)];
                paths.extend(top_level(group).into_iter().map(head));
            }
            None => paths.push(head(rest)),
        }
    }
    paths
}

/// Where the brace closes that was opened before `group`.
fn closing(group: &str) -> usize {
    let mut depth = 1;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    group.len()
}

/// The items of a `use` group that commas outside of inner braces separate.
fn top_level(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&group[start..]);
    items.into_iter().map(str::trim).filter(|item| !item.is_empty()).collect()
}

/// The first two segments of a path.
fn head(path: &str) -> String {
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(path.len());
    path[..end].split("::").filter(|part| !part.is_empty()).take(2).collect::<Vec<_>>().join("::")
}

fn allowed(from: &str, path: &str) -> bool {
    let own = path == from || path.starts_with(&format!("{from}::"));
    let facade = from == "cli" && FACADE.contains(&path);
    let listed = MAY_USE.iter().find(|(stage, _)| *stage == from).is_some_and(|(_, uses)| {
        uses.iter().any(|used| path == *used || path.starts_with(&format!("{used}::")))
    });
    own || facade || listed
}

#[test]
fn data_flows_one_way_through_the_stages() {
    let mut wrong = Vec::new();
    for (name, text) in rust_files() {
        let Some(stage) = stage(&name) else { continue };
        assert!(MAY_USE.iter().any(|(known, _)| *known == stage), "{name}: `{stage}` is no known stage");
        // A test may make what it needs by the stages that do.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for path in used(code).iter().filter(|path| !allowed(stage, path)) {
            wrong.push(format!("{name}: `{stage}` uses crate::{path}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_upward_edge_would_be_seen() {
    let text = "use crate::{\n    net,\n    plan::{Plan, lower},\n};\n// use crate::cli;\nfn f(x: &crate::emit::Target) {}\n";
    assert_eq!(used(text), ["net", "plan", "emit::Target"]);
    assert!(allowed("check", "net") && !allowed("check", "plan") && !allowed("check", "emit::Target"));
    assert!(allowed("resolve", "syntax::ast") && !allowed("resolve", "syntax::parse_site"));
    assert!(!allowed("plan", "compile"));
}

#[test]
fn only_the_host_and_the_lab_touch_files_streams_and_environment() {
    let doors = [
        "std::fs",
        "std::env",
        "std::process::Command",
        "io::stdin",
        "io::stdout",
        "io::stderr",
        "tempfile::",
    ];
    // The lab runs programs, and its hosts speak over their streams.
    let may = ["src/cli/host.rs", "src/lab/host/", "src/lab/run/"];
    let mut wrong = Vec::new();
    for (name, text) in rust_files().iter().filter(|(name, _)| name.starts_with("src/")) {
        if may.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for door in doors {
            if code.contains(door) {
                wrong.push(format!("{name}: {door}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these belong in src/cli/host.rs or the runner of the lab:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn files_stay_short() {
    let long: Vec<String> = rust_files()
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "over {LONGEST} lines, split by the domain's nouns:\n{}", long.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let files = rust_files();
    let bare: Vec<&str> =
        files.iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(name, _)| name.as_str()).collect();
    assert!(bare.is_empty(), "without a `//!` header: {bare:?}");
}

#[test]
fn every_template_is_registered() {
    let mut files = Vec::new();
    let folder = repository().join("templates");
    collect(&folder, "j2", &mut files);
    let mut there: Vec<String> =
        files.iter().map(|path| path.strip_prefix(&folder).unwrap().display().to_string()).collect();
    there.sort();
    let mut registered: Vec<&str> = overlapc::emit::TEMPLATES.iter().map(|(name, _)| *name).collect();
    registered.sort_unstable();
    assert_eq!(there, registered);
}

#[test]
fn nothing_unfinished_stays_in_the_code() {
    // Written in two parts, so that this file does not find itself.
    let macros = [concat!("to", "do!"), concat!("unimpl", "emented!"), concat!("db", "g!")];
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let ignored = concat!("#[ig", "nore");
    let mut wrong = Vec::new();
    for (name, text) in rust_files() {
        for (number, line) in text.lines().enumerate() {
            let note = notes.iter().any(|word| line.contains(word)) && !line.contains("(#");
            if note || macros.iter().any(|word| line.contains(word)) || line.contains(ignored) {
                wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "unfinished, or a note without its issue `(#12)`:\n{}", wrong.join("\n"));
}
