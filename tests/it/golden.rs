//! The folders under `golden/`: sites and the texts they must give. `golden/README.md` tells how to
//! add one. Everything is made by the command itself, twice, so that the same site gives the same bytes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use overlapc::diag::code::{Entry, REGISTRY};
use tempfile::TempDir;

use crate::bench::{overlapc, repository};
use crate::documents::failing_example;
use crate::expected::{
    BLESS, Files, Verdict, compare_file, compare_folder, files_in, folders_in, name_of, stale_folder,
};

fn family(name: &str) -> PathBuf {
    repository().join("golden").join(name)
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    overlapc(directory).args(arguments).output().unwrap()
}

#[test]
fn golden_emit_sites_give_the_expected_artefacts() {
    let mut verdict = Verdict::default();
    let cases = folders_in(&family("emit"));
    assert!(!cases.is_empty(), "golden/emit holds no case");
    for case in cases {
        let mut folders = BTreeSet::new();
        for (variant, flags) in variants(&case) {
            let folder = if variant.is_empty() { "expect".to_owned() } else { format!("expect-{variant}") };
            let label = format!("{}/{folder}", name_of(&case));
            match compiled(&case, &flags) {
                Ok(made) => verdict.add(&label, &compare_folder(&case.join(&folder), &made)),
                Err(wrong) => verdict.add(&label, &wrong),
            }
            folders.insert(folder);
        }
        for folder in folders_in(&case) {
            let name = name_of(&folder);
            if name.starts_with("expect") && !folders.contains(&name) {
                verdict.add(&name_of(&case), &stale_folder(&folder));
            }
        }
    }
    verdict.finish();
}

/// The flags of each variant; the site as it is goes first, without a name and flags.
fn variants(case: &Path) -> Vec<(String, Vec<String>)> {
    let mut variants = vec![(String::new(), Vec::new())];
    let text = fs::read_to_string(case.join("variants")).unwrap_or_default();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (name, flags) = line.split_once(':').expect("a line of `variants` is `name: flags`");
        variants.push((name.trim().to_owned(), flags.split_whitespace().map(str::to_owned).collect()));
    }
    variants
}

/// The artefacts of a case, made in its folder and once more from elsewhere.
fn compiled(case: &Path, flags: &[String]) -> Result<Files, String> {
    let from_here = compiled_from(case, "site.ovl", flags)?;
    let path = case.join("site.ovl");
    let relative = path.strip_prefix(repository()).unwrap().to_string_lossy().into_owned();
    let from_afar = compiled_from(repository(), &relative, flags)?;
    if from_here != from_afar {
        let differing: Vec<&String> =
            from_here.keys().filter(|name| from_here.get(*name) != from_afar.get(*name)).collect();
        return Err(format!("two runs give different bytes: {differing:?}"));
    }
    Ok(from_here)
}

fn compiled_from(directory: &Path, file: &str, flags: &[String]) -> Result<Files, String> {
    let out = TempDir::new().unwrap();
    let mut command = overlapc(directory);
    // Whether they are proved is another test's; what a script says must be there before it can be known.
    command.args(["compile", file, "--no-verify", "-o"]).arg(out.path()).args(flags);
    // A variant may name its targets.
    if !flags.iter().any(|flag| flag == "-t") {
        command.args(["-t", "all"]);
    }
    let output = command.output().unwrap();
    if output.status.code() != Some(0) {
        return Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(files_in(out.path()))
}

#[test]
fn golden_diag_sites_give_the_expected_findings() {
    // The test below tells what is missing; here the folders that blessing makes are needed.
    let _ = missing_folders();
    let mut verdict = Verdict::default();
    for case in folders_in(&family("diag")) {
        let name = name_of(&case);
        let output = run(&case, &["compile", "site.ovl", "--color", "never", "--no-verify"]);
        let again = run(&case, &["compile", "site.ovl", "--color", "never", "--no-verify"]);
        if output != again {
            verdict.add(&name, "two runs give different bytes");
        }
        let code = name.split('-').next().unwrap_or_default();
        let found = codes(&case);
        if found.iter().ne([code]) {
            verdict.add(&name, &format!("must give {code} and no other finding, gives {found:?}\n"));
        }
        let said = String::from_utf8(output.stderr).unwrap();
        verdict.add(&name, &compare_file(&case.join("stderr.txt"), &said));
    }
    verdict.finish();
}

/// The codes that a case's site gives.
fn codes(case: &Path) -> BTreeSet<String> {
    let output = run(case, &["check", "site.ovl", "--output-format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

fn prefix(entry: &Entry) -> String {
    format!("{}-", entry.code)
}

/// The codes without a folder; blessing makes one from the failing example of the code's page,
/// which is the case that everybody sees.
fn missing_folders() -> String {
    let folders: Vec<String> = folders_in(&family("diag")).iter().map(|path| name_of(path)).collect();
    let mut missing = String::new();
    for entry in REGISTRY {
        if folders.iter().any(|folder| folder.starts_with(&prefix(entry))) {
            continue;
        }
        let site = family("diag").join(format!("{}{}", prefix(entry), entry.slug)).join("site.ovl");
        match failing_example(entry) {
            Some(example) => missing.push_str(&compare_file(&site, &example)),
            None => missing.push_str(&format!("missing: {}\n", site.display())),
        }
    }
    missing
}

#[test]
fn golden_diag_has_a_folder_for_every_code() {
    let missing = missing_folders();
    assert!(missing.is_empty(), "no site shows these findings:\n{missing}\n{BLESS}");
    let folders: Vec<String> = folders_in(&family("diag")).iter().map(|path| name_of(path)).collect();
    let unknown: Vec<&String> = folders
        .iter()
        .filter(|folder| !REGISTRY.iter().any(|entry| folder.starts_with(&prefix(entry))))
        .collect();
    assert!(unknown.is_empty(), "folders of no code: {unknown:?}");
}

#[test]
fn golden_cli_help_and_codes_are_as_expected() {
    let mut made = Files::new();
    let stdout = |arguments: &[&str]| {
        let output = run(repository(), arguments);
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    made.insert("help.txt".to_owned(), stdout(&["--help"]));
    made.insert("codes.txt".to_owned(), stdout(&["explain"]));
    for command in overlapc::cli::definitions().get_subcommands() {
        let name = command.get_name();
        made.insert(format!("help-{name}.txt"), stdout(&[name, "--help"]));
    }
    let mut verdict = Verdict::default();
    verdict.add("cli", &compare_folder(&family("cli"), &made));
    verdict.finish();
}
