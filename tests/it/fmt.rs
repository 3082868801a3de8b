//! `overlapc fmt`: what it makes of files, and when it leaves them alone. What holds for every text is in
//! `grammar/layout.rs`.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use overlapc::source::SourceMap;
use overlapc::{Overrides, compile, syntax};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty};

use crate::bench::{Bench, SITE, WRONG, overlapc, repository};

/// [`SITE`], written in a hurry.
const ROUGH: &str = "\
network   inner{0} {interface eth0; prefix 192.168.2.0/24 as 192.168.13.0/24}
";

fn rough() -> String {
    SITE.replace("    prefix    192", "  prefix 192").replace("interface ", "interface\t")
}

#[test]
fn files_are_laid_out_in_place_and_keep_their_mode_and_their_links() {
    let bench = Bench::with_site(&rough());
    bench.write("far.ovl", ROUGH);
    fs::set_permissions(bench.path("far.ovl"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("far.ovl", bench.path("near.ovl")).unwrap();
    bench.run(&["fmt", "site.ovl", "near.ovl"]).assert().code(0).stdout(is_empty()).stderr(is_empty());
    assert_eq!(bench.read("site.ovl"), SITE);
    let far = "network inner{0} {\n    interface eth0\n    prefix    192.168.2.0/24 as 192.168.13.0/24\n}\n";
    assert_eq!(bench.read("far.ovl"), far);
    assert!(bench.path("near.ovl").is_symlink());
    assert_eq!(fs::metadata(bench.path("far.ovl")).unwrap().mode() & 0o7777, 0o640);
    let before = fs::metadata(bench.path("far.ovl")).unwrap().ino();
    bench.run(&["fmt", "far.ovl"]).assert().code(0);
    assert_eq!(
        fs::metadata(bench.path("far.ovl")).unwrap().ino(),
        before,
        "nothing changed, so nothing is written"
    );
}

#[test]
fn without_a_file_it_is_the_site_of_the_working_directory() {
    let bench = Bench::with_site(&rough());
    bench.run(&["fmt"]).assert().code(0);
    assert_eq!(bench.read("site.ovl"), SITE);
}

#[test]
fn standard_input_is_laid_out_on_standard_output() {
    let bench = Bench::new();
    bench.run(&["fmt", "-"]).write_stdin(rough()).assert().code(0).stdout(SITE);
    bench.run(&["fmt", "-"]).write_stdin(SITE).assert().code(0).stdout(SITE);
    bench.run(&["fmt", "--check", "-"]).write_stdin(rough()).assert().code(1).stdout("<stdin>\n");
    bench.run(&["fmt", "--check", "-"]).write_stdin(SITE).assert().code(0).stdout(is_empty());
    bench.run(&["fmt", "-"]).write_stdin("").assert().code(0).stdout(is_empty());
}

#[test]
fn check_and_diff_tell_and_change_nothing() {
    let bench = Bench::with_site(&rough());
    bench.write("fine.ovl", SITE);
    bench.run(&["fmt", "--check", "fine.ovl", "site.ovl"]).assert().code(1).stdout("site.ovl\n");
    let diff = contains("--- site.ovl\n+++ site.ovl\n").and(contains("\n+    prefix    192.168.2.0/24 as"));
    bench.run(&["fmt", "--diff", "fine.ovl", "site.ovl"]).assert().code(1).stdout(diff);
    bench.run(&["fmt", "--check", "--diff", "fine.ovl"]).assert().code(0).stdout(is_empty());
    assert_eq!(bench.read("site.ovl"), rough());
}

#[test]
fn if_one_file_is_refused_none_is_changed() {
    let bench = Bench::with_site(&rough());
    bench.write("wrong.ovl", WRONG);
    fs::write(bench.path("bytes.ovl"), b"site \xff\n").unwrap();
    for (file, code) in [("wrong.ovl", "OVL0103"), ("bytes.ovl", "OVL0004")] {
        let told = contains(code).and(contains(file));
        bench.run(&["fmt", "site.ovl", file]).assert().code(1).stdout(is_empty()).stderr(told);
        assert_eq!(bench.read("site.ovl"), rough());
    }
    let told = contains("cannot read `none.ovl`");
    bench.run(&["fmt", "site.ovl", "none.ovl"]).assert().code(2).stdout(is_empty()).stderr(told);
    assert_eq!(bench.read("site.ovl"), rough());
}

#[test]
fn force_leaves_what_is_broken() {
    let text =
        "let a=1\nnetwork x {\n  id   1\n  bogus   here  # why\n  interface  e\n}\nbogus   too\nlet b=2\n";
    let made = "let a = 1\nnetwork x {\n    id        1\n  bogus   here  # why\n    interface e\n}\nbogus   too\nlet b = 2\n";
    let bench = Bench::with_site(text);
    bench.run(&["fmt", "--force", "-"]).write_stdin(text).assert().code(0).stdout(made);
    // Nobody knows what an open brace was to hold.
    let open = "let a=1\nnetwork x {\n  id   1\nlet b=2\n";
    bench
        .run(&["fmt", "--force", "-"])
        .write_stdin(open)
        .assert()
        .code(0)
        .stdout(open.replacen('=', " = ", 1));
}

#[test]
fn lines_end_as_the_first_one_does() {
    let bench = Bench::new();
    let windows = SITE.replace('\n', "\r\n");
    bench.run(&["fmt", "-"]).write_stdin(rough().replace('\n', "\r\n")).assert().code(0).stdout(windows);
}

#[test]
fn a_line_that_a_comment_allows_something_on_stays_one_line() {
    let text = "# overlapc: allow(OVL0213) later\nlet   a=1; let b=2\nlet  c=3\n";
    let made = "# overlapc: allow(OVL0213) later\nlet   a=1; let b=2\nlet c = 3\n";
    let bench = Bench::new();
    bench.run(&["fmt", "-"]).write_stdin(text).assert().code(0).stdout(made);
    let behind = "for n in 1..2 { # overlapc: allow(OVL0213) later\nlet   a=1; let b=2\nlet  c=3\n}\n";
    let made =
        "for n in 1..2 {  # overlapc: allow(OVL0213) later\n    let   a=1; let b=2\n    let c = 3\n}\n";
    bench.run(&["fmt", "-"]).write_stdin(behind).assert().code(0).stdout(made);
}

/// Every site that is shown to people is in the one style.
#[test]
fn the_sites_of_this_repository_are_in_the_one_style() {
    let mut files: Vec<PathBuf> = fs::read_dir(repository().join("golden/emit"))
        .unwrap()
        .map(|folder| folder.unwrap().path().join("site.ovl"))
        .collect();
    files.sort();
    assert!(files.len() > 10);
    let names = files.iter().map(|file| file.strip_prefix(repository()).unwrap().to_str().unwrap());
    let arguments: Vec<&str> = ["fmt", "--diff"].into_iter().chain(names).collect();
    overlapc(repository()).args(&arguments).assert().code(0).stdout(is_empty());
    for page in ["README.md", "grammar/examples.md"] {
        let text = fs::read_to_string(repository().join(page)).unwrap();
        let whole = if page == "README.md" {
            text.as_str()
        } else {
            text.split("\n## Whole sites\n").nth(1).unwrap()
        };
        for site in whole.split("```ovl\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            let run = overlapc(repository()).args(["fmt", "--diff", "-"]).write_stdin(site).assert();
            run.code(0).stdout(is_empty());
        }
    }
}

struct NoFiles;

impl syntax::Loader for NoFiles {
    fn load(&self, name: &str) -> Result<String, String> {
        Err(format!("{name} is not asked for"))
    }
}

/// Everything that is made of a site, without the numbers of the source's lines.
fn made_of(text: &str) -> Vec<String> {
    let mut sources = SourceMap::default();
    let root = sources.add("site.ovl", text);
    let outcome = compile(sources, root, &NoFiles, Overrides::default());
    let artifacts = outcome.value.unwrap_or_else(|| panic!("{text}\n{:?}", outcome.findings));
    let without_lines = |text: String| {
        let mut places = text.split("site.ovl:");
        let first = places.next().unwrap().to_owned();
        places.fold(first, |text, rest| {
            text + "site.ovl:" + rest.trim_start_matches(|c: char| c.is_ascii_digit())
        })
    };
    artifacts.iter().map(|artifact| without_lines(artifact.text.to_string())).collect()
}

#[test]
fn what_is_compiled_of_a_site_stays_the_same() {
    let bench = Bench::new();
    for folder in fs::read_dir(repository().join("golden/emit")).unwrap() {
        let text = fs::read_to_string(folder.unwrap().path().join("site.ovl")).unwrap();
        let hurried = |line: &str| match line.contains('#') {
            true => line.to_owned(),
            false if line.trim() == "}" => line.trim().to_owned() + " # end",
            false => line.replace("    ", "\t").replace(" = ", "=").replace(", ", ",\n"),
        };
        let rough: String = text.lines().map(|line| hurried(line) + "\n").collect();
        let run = bench.run(&["fmt", "-"]).write_stdin(rough.clone()).assert().code(0);
        let formatted = String::from_utf8(run.get_output().stdout.clone()).unwrap();
        assert_ne!(formatted, rough);
        assert_eq!(made_of(&formatted), made_of(&rough), "{rough}");
    }
}
