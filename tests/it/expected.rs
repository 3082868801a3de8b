//! Expected texts in files: compared, shown as unified diffs, rewritten with `BLESS=1`.
//!
//! Goes in: what was made and where its expectation lies. Comes out: differences in words. What must
//! hold: a missing and an extra file is a difference too, and nothing is rewritten where `CI` is set.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use similar::TextDiff;

use crate::bench::repository;

/// How expectations are rewritten, for those who see a test fail.
pub const BLESS: &str =
    "if the new text is right: BLESS=1 cargo test --test it golden, then read `git diff golden`";

/// File contents by name.
pub type Files = BTreeMap<String, String>;

/// Whether expectations are to be rewritten.
fn blessing() -> bool {
    let bless = std::env::var_os("BLESS").is_some_and(|value| !value.is_empty() && value != "0");
    assert!(
        !bless || std::env::var_os("CI").is_none(),
        "BLESS is set, but expectations are not rewritten under CI"
    );
    bless
}

/// The files of a folder and of those within, by their paths in it; none where it does not exist.
pub fn files_in(folder: &Path) -> Files {
    let mut files = Files::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = name_of(&path);
        if path.is_dir() {
            files.extend(files_in(&path).into_iter().map(|(inner, text)| (format!("{name}/{inner}"), text)));
        } else {
            files.insert(name, String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
        }
    }
    files
}

/// The last part of a path.
pub fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The folders in a folder, sorted; none where it does not exist.
pub fn folders_in(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Compares a whole folder with what was made, or rewrites it and removes what is stale.
pub fn compare_folder(folder: &Path, made: &Files) -> String {
    let expected = files_in(folder);
    let mut names: Vec<&String> = expected.keys().chain(made.keys()).collect();
    names.sort();
    names.dedup();
    let mut differences = String::new();
    for name in names {
        let path = folder.join(name);
        differences.push_str(&compare(&path, expected.get(name), made.get(name)));
    }
    differences
}

/// Compares one file with what was made, or rewrites it.
pub fn compare_file(path: &Path, made: &str) -> String {
    let expected = fs::read_to_string(path).ok();
    compare(path, expected.as_ref(), Some(&made.to_owned()))
}

fn compare(path: &Path, expected: Option<&String>, made: Option<&String>) -> String {
    let blessing = blessing();
    if expected == made {
        return String::new();
    }
    let name = path.strip_prefix(repository()).unwrap_or(path).display().to_string();
    if blessing {
        match made {
            Some(text) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            None => fs::remove_file(path).unwrap(),
        }
        println!("blessed {name}");
        return String::new();
    }
    match (expected, made) {
        (Some(expected), Some(made)) => {
            let diff = TextDiff::from_lines(expected.as_str(), made.as_str());
            diff.unified_diff().header(&name, &format!("{name} (made)")).to_string()
        }
        (Some(_), None) => format!("extra: {name} is expected, but nothing makes it\n"),
        (None, made) => {
            format!("missing: {name} is made, but not expected:\n{}", made.map_or("", |text| text))
        }
    }
}

/// Reports a folder of expectations that nothing makes, or removes it.
pub fn stale_folder(folder: &Path) -> String {
    let name = folder.strip_prefix(repository()).unwrap_or(folder).display().to_string();
    if blessing() {
        fs::remove_dir_all(folder).unwrap();
        println!("removed {name}");
        return String::new();
    }
    format!("extra: {name}/ belongs to no line of `variants`\n")
}

/// What is wrong with the cases of one family.
#[derive(Default)]
pub struct Verdict(Vec<(String, String)>);

impl Verdict {
    /// Takes in what is wrong with a case; nothing where the text is empty.
    pub fn add(&mut self, case: &str, wrong: &str) {
        if !wrong.is_empty() {
            self.0.push((case.to_owned(), wrong.to_owned()));
        }
    }

    /// Fails with every case and every difference, the names last, where they are seen.
    pub fn finish(self) {
        if self.0.is_empty() {
            return;
        }
        let mut text = String::new();
        for (case, wrong) in &self.0 {
            let _ = writeln!(text, "==== {case}\n{}", wrong.trim_end());
        }
        let names: Vec<&str> = self.0.iter().map(|(case, _)| case.as_str()).collect();
        panic!("{text}\nfailing: {}\n{BLESS}", names.join(", "));
    }
}
