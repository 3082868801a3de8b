//! Documentation that is executed: the page of every code, and the sites in the README.
//!
//! A block marked `ovl fails` gives exactly the page's code, one marked `ovl ok` or `ovl` in the README gives
//! nothing at all. In a block marked `console`, what follows `$` is run on the site before it, and prints
//! the lines that follow.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use overlapc::diag::code::{Entry, REGISTRY};
use overlapc::diag::{Report, concise};
use overlapc::source::SourceMap;
use overlapc::{Overrides, front, syntax};

use crate::bench::{Bench, DOUBTFUL, SITE, repository};

/// The headings of a page, in their order.
const HEADINGS: [&str; 5] = ["## What happened", "## Why it matters", "## Example", "## Fix", "## See also"];

/// A site in a document stands alone.
struct NoFiles;

impl syntax::Loader for NoFiles {
    fn load(&self, _: &str) -> Result<String, String> {
        Err("a site in a document stands alone".to_owned())
    }
}

/// The fenced blocks of a document: what follows the opening fence, and the text within.
fn blocks(document: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in document.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => open = Some((kind.trim(), String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The first site on the page of a code that fails; none where it takes more than one file.
pub fn failing_example(entry: &Entry) -> Option<String> {
    blocks(entry.page).into_iter().find(|(kind, _)| *kind == "ovl fails").map(|(_, text)| text)
}

/// All sites on the pages that show the cure.
pub fn cured_examples() -> impl Iterator<Item = (&'static str, String)> {
    let cured = |entry: &'static Entry| blocks(entry.page).into_iter().filter(|(kind, _)| *kind == "ovl ok");
    REGISTRY.iter().flat_map(move |entry| cured(entry).map(|(_, text)| (entry.code.as_str(), text)))
}

/// The codes a site gives, and its findings one a line.
fn found(site: &str) -> (BTreeSet<&'static str>, String) {
    let mut sources = SourceMap::default();
    let root = sources.add("site.ovl", site);
    let outcome = front(sources, root, &NoFiles, Overrides::default());
    let codes = outcome.findings.iter().map(|finding| finding.code.as_str()).collect();
    let report = Report { sources: &outcome.sources, findings: &outcome.findings };
    (codes, concise::render(&[report], false))
}

/// What is wrong with the page of a code.
fn wrong_with(entry: &Entry) -> Vec<String> {
    let mut wrong = Vec::new();
    let title = format!("# {} {}", entry.code, entry.slug);
    if entry.page.lines().next() != Some(&title) {
        wrong.push(format!("does not begin with `{title}`"));
    }
    let headings: Vec<&str> = entry.page.lines().filter(|line| line.starts_with("## ")).collect();
    if headings != HEADINGS {
        wrong.push(format!("has the headings {headings:?}"));
    }
    let blocks = blocks(entry.page);
    for (kind, text) in &blocks {
        let (codes, lines) = match *kind {
            "ovl fails" | "ovl ok" => found(text),
            "text" => continue,
            other => {
                wrong.push(format!("has a block marked `{other}`"));
                continue;
            }
        };
        let expected: BTreeSet<&str> =
            if *kind == "ovl fails" { [entry.code.as_str()].into() } else { [].into() };
        if codes != expected {
            wrong.push(format!("`{kind}` must give {expected:?}, gives\n{lines}"));
        }
    }
    let has = |wanted| blocks.iter().any(|(kind, _)| *kind == wanted);
    if !(has("text") || has("ovl fails") && has("ovl ok")) {
        wrong.push("lacks a block `ovl fails` or `ovl ok`".to_owned());
    }
    wrong
}

#[test]
fn the_page_of_every_code_shows_it_and_its_cure() {
    let mut wrong = Vec::new();
    for entry in REGISTRY {
        wrong.extend(wrong_with(entry).into_iter().map(|text| format!("{}: {text}", entry.code)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_sites_in_the_readme_compile_without_a_finding() {
    // The skeleton of the repository has none yet.
    let Ok(readme) = fs::read_to_string(repository().join("README.md")) else { return };
    for (kind, text) in blocks(&readme) {
        if kind == "ovl" {
            let (codes, lines) = found(&text);
            assert!(codes.is_empty(), "README.md:\n{text}\ngives\n{lines}");
        }
    }
}

#[test]
fn the_commands_in_the_readme_print_what_it_says() {
    let Ok(readme) = fs::read_to_string(repository().join("README.md")) else { return };
    let mut bench = Bench::new();
    let mut commands = 0;
    for (kind, text) in blocks(&readme) {
        match kind {
            "ovl" => bench = Bench::with_site(&text),
            "console" => {
                for part in text.split("$ overlapc ").skip(1) {
                    let (command, expected) = part.split_once('\n').unwrap();
                    // What is between single quotes is one word.
                    let parts = command.split('\'').enumerate();
                    let words: Vec<&str> = parts
                        .flat_map(|(n, part)| match n % 2 {
                            0 => part.split_whitespace().collect::<Vec<_>>(),
                            _ => vec![part],
                        })
                        .collect();
                    let output = bench.run(&words).output().unwrap();
                    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "overlapc {command}");
                    commands += 1;
                }
            }
            _ => {}
        }
    }
    assert!(commands > 0, "no command of the README is run");
}

/// The commands of the README's examples for CI: right after compiling none of them finds anything, and each of
/// them finds what it is there for.
#[test]
fn the_steps_for_ci_find_what_they_are_for() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let mut steps: Vec<String> = Vec::new();
    for (_, text) in blocks(&readme).into_iter().filter(|(kind, _)| *kind == "yaml") {
        let command = |line: &str| {
            line.find("- overlapc ").or(line.find("run: overlapc ")).map(|at| line[at..].to_owned())
        };
        let commands = text.lines().filter_map(command);
        steps.extend(commands.map(|line| line[line.find("overlapc").unwrap()..].to_owned()));
    }
    let path =
        format!("{}:/usr/bin:/bin", Path::new(env!("CARGO_BIN_EXE_overlapc")).parent().unwrap().display());
    let failing = |bench: &Bench| -> Vec<&str> {
        let fails = |step: &&String| {
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", step]).current_dir(bench.path("")).env_clear().env("PATH", &path);
            !shell.output().unwrap().status.success()
        };
        let words = steps.iter().filter(fails).map(|step| step.split(' ').nth(1).unwrap());
        words.collect()
    };
    let bench = Bench::with_site(SITE);
    bench.run(&["compile", "-t", "all", "-o", "gateway/", "site.ovl"]).assert().code(0);
    assert_eq!(steps.len(), 6);
    assert!(failing(&bench).is_empty());
    assert_eq!(bench.read("gl-code-quality-report.json"), "[]\n");
    bench.write("site.ovl", SITE.replace("192.168.23.0", "192.168.24.0"));
    assert_eq!(failing(&bench), ["compile", "compile"]);
    bench.write("site.ovl", SITE.replace("connect inner ", "connect  inner "));
    assert_eq!(failing(&bench), ["fmt", "fmt"]);
    bench.write("site.ovl", format!("{SITE}\n{DOUBTFUL}"));
    assert_eq!(failing(&bench)[0], "check");
    assert!(bench.read("gl-code-quality-report.json").contains("OVL0213"));
}

/// What the hooks run is there.
#[test]
fn the_hooks_for_pre_commit_run_commands_that_there_are() {
    let hooks = fs::read_to_string(repository().join(".pre-commit-hooks.yaml")).unwrap();
    let entries: Vec<&str> =
        hooks.lines().filter_map(|line| line.strip_prefix("  entry: overlapc ")).collect();
    assert_eq!(entries, ["fmt", "check"]);
    for entry in entries {
        Bench::with_site(SITE).run(&[entry, "site.ovl"]).assert().code(0).stdout("").stderr("");
    }
}
