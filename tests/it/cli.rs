//! What users and scripts rely on: exit status, which stream, which file is read, colour.

use std::io::Read;
use std::process::{Command, Stdio};

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty, starts_with};

use crate::bench::{Bench, DOUBTFUL, SITE, WRONG};

#[test]
fn the_artefact_goes_to_standard_output_and_that_it_is_proved_to_standard_error() {
    let bench = Bench::with_site(SITE);
    let proved = "verified: what was made does what the site says, for every packet\n";
    bench.run(&["compile"]).assert().code(0).stdout(is_empty().not()).stderr(proved);
    bench.run(&["compile", "--no-verify"]).assert().code(0).stdout(is_empty().not()).stderr(is_empty());
}

#[test]
fn what_would_be_proved_for_long_is_printed_without() {
    let rules: String =
        (1..=2000).map(|port| format!("    allow tcp {port} from 192.168.2.{}\n", port % 200)).collect();
    let bench = Bench::with_site(&SITE.replacen(
        "connect inner <-> outer\n",
        &format!("connect inner -> outer {{\n{rules}}}\n"),
        1,
    ));
    let said = "not verified: the site is large, and `overlapc verify` takes a while\n";
    bench.run(&["compile"]).assert().code(0).stdout(contains("192.168.2.199")).stderr(said);
}

#[test]
fn findings_of_compile_go_to_standard_error() {
    let bench = Bench::with_site(WRONG);
    let shown = contains("error[OVL0103]").and(contains("site.ovl:1:1")).and(contains("1 error\n"));
    bench.run(&["compile"]).assert().code(1).stdout(is_empty()).stderr(shown);
}

#[test]
fn findings_of_check_go_to_standard_output() {
    let bench = Bench::with_site(WRONG);
    bench.run(&["check"]).assert().code(1).stdout(contains("error[OVL0103]")).stderr(is_empty());
    let fine = Bench::with_site(SITE);
    fine.run(&["check"]).assert().code(0).stdout(is_empty()).stderr(is_empty());
}

#[test]
fn a_warning_lets_the_site_through_unless_it_is_denied() {
    let bench = Bench::with_site(&(DOUBTFUL.to_owned() + SITE));
    let warned = || contains("warning[OVL0213]").and(contains("1 warning\n"));
    bench.run(&["compile"]).assert().code(0).stdout(is_empty().not()).stderr(warned());
    let denied = warned().and(contains("warnings are denied"));
    bench.run(&["compile", "--deny", "warnings"]).assert().code(1).stdout(is_empty()).stderr(denied);
    bench.run(&["check"]).assert().code(0).stdout(warned());
    bench.run(&["check"]).env("OVERLAPC_DENY", "warnings").assert().code(1);
}

#[test]
fn a_comment_with_a_reason_silences_a_warning() {
    let allow = "# overlapc: allow(OVL0213) for the next plant\n";
    let bench = Bench::with_site(&(allow.to_owned() + DOUBTFUL + SITE));
    bench.run(&["check", "--deny", "warnings"]).assert().code(0).stdout(is_empty());
    let unused = Bench::with_site(&(allow.to_owned() + SITE));
    unused.run(&["check"]).assert().code(0).stdout(contains("warning[OVL0107]"));
}

#[test]
fn several_files_are_checked_and_one_that_is_missing_does_not_hide_the_others() {
    let bench = Bench::with_site(SITE);
    bench.write("a.ovl", WRONG);
    bench.write("b.ovl", WRONG);
    let both = contains("a.ovl:1:1: error[OVL0103]").and(contains("b.ovl:1:1: error[OVL0103]"));
    let run = bench.run(&["check", "--output-format", "concise", "a.ovl", "none.ovl", "b.ovl"]).assert();
    run.code(2).stdout(both).stderr("error: cannot read `none.ovl`: there is no such file\n");
    bench.run(&["check", "site.ovl", "a.ovl"]).assert().code(1);
}

#[test]
fn a_dash_is_standard_input() {
    let bench = Bench::new();
    bench.run(&["check", "-"]).write_stdin(SITE).assert().code(0).stdout(is_empty());
    bench.run(&["check", "-"]).write_stdin(WRONG).assert().code(1).stdout(contains("<stdin>:1:1"));
    bench.write("part.ovl", SITE);
    bench.run(&["check", "-"]).write_stdin("include \"part.ovl\"\n").assert().code(0).stdout(is_empty());
}

#[test]
fn without_a_file_the_one_looked_for_is_named() {
    let bench = Bench::new();
    let told = contains("working directory has no `site.ovl`").and(contains("name the site's file"));
    bench.run(&["compile"]).assert().code(2).stdout(is_empty()).stderr(told);
    let named = "error: cannot read `x.ovl`: there is no such file\n";
    bench.run(&["compile", "x.ovl"]).assert().code(2).stderr(named);
}

#[test]
fn bytes_that_are_no_text_are_a_finding_at_their_place() {
    let bench = Bench::new();
    bench.write("site.ovl", b"# fine\n# M\xfcller\n");
    let line = "site.ovl:2:4: error[OVL0004]: `site.ovl` is not UTF-8 text\n";
    bench.run(&["check", "--output-format", "concise"]).assert().code(1).stdout(line);
    bench.run(&["compile"]).assert().code(1).stdout(is_empty()).stderr(contains("0xfc"));
}

#[test]
fn utf_16_is_called_by_its_name() {
    let bench = Bench::new();
    for text in [b"\xff\xfes\0i\0", b"\xfe\xff\0s\0i"] {
        bench.write("site.ovl", text);
        let told = contains("error[OVL0004]").and(contains("UTF-16")).and(contains("save the file as UTF-8"));
        bench.run(&["check"]).assert().code(1).stdout(told);
    }
}

#[test]
fn a_file_that_never_ends_is_refused() {
    let bench = Bench::new();
    let told = "error: cannot read `/dev/zero`: it has more than 64 MiB\n";
    bench.run(&["check", "/dev/zero"]).assert().code(2).stderr(told);
    bench.write("site.ovl", "include \"/dev/zero\"\ninclude \".\"\n");
    let lines = "site.ovl:1:9: error[OVL0104]: cannot include `/dev/zero`\nsite.ovl:2:9: error[OVL0104]: cannot include `.`\n";
    bench.run(&["check", "--output-format", "concise"]).assert().code(1).stdout(lines);
    bench
        .run(&["check"])
        .assert()
        .code(1)
        .stdout(contains("it has more than 64 MiB").and(contains("it is a directory")));
}

#[test]
fn what_is_shown_of_a_line_of_a_megabyte_fits_on_a_screen() {
    let bench = Bench::new();
    bench.write(
        "site.ovl",
        format!("# {}\u{200b}\nconnect a => {}\n", "c".repeat(1_000_000), "b".repeat(1_000_000)),
    );
    let shown = predicates::function::function(|text: &str| text.len() < 2000 && text.contains("write `->`"));
    bench.run(&["check"]).assert().code(1).stdout(shown);
}

#[test]
fn json_is_one_document_also_where_nothing_is_found() {
    let parse = |bytes: &[u8]| -> serde_json::Value { serde_json::from_slice(bytes).unwrap() };
    let bench = Bench::with_site(WRONG);
    bench.write("fine.ovl", SITE);
    let found = parse(&bench.run(&["check", "--output-format", "json"]).output().unwrap().stdout);
    assert_eq!(found["format_version"], "1.1");
    assert_eq!(found["findings"][0]["code"], "OVL0103");
    assert_eq!(found["findings"][0]["primary"]["line"], 1);
    let mut command = bench.run(&["check", "fine.ovl"]);
    let none = parse(&command.env("OVERLAPC_OUTPUT_FORMAT", "json").output().unwrap().stdout);
    assert_eq!(none["findings"], serde_json::json!([]));
}

#[test]
fn colour_is_off_when_piped_and_on_when_asked_for() {
    let bench = Bench::with_site(WRONG);
    let escape = || contains("\u{1b}[");
    bench.run(&["check"]).assert().stdout(escape().not());
    bench.run(&["check", "--color", "always"]).assert().stdout(escape());
    bench.run(&["--color", "always", "compile"]).assert().stderr(escape());
    bench.run(&["check"]).env("FORCE_COLOR", "1").assert().stdout(escape());
    bench.run(&["check"]).env("CLICOLOR_FORCE", "1").assert().stdout(escape());
    bench.run(&["check"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").assert().stdout(escape().not());
    bench.run(&["check"]).env("OVERLAPC_COLOR", "always").assert().stdout(escape());
    let flag_wins = ["check", "--color", "never"];
    bench.run(&flag_wins).env("OVERLAPC_COLOR", "always").assert().stdout(escape().not());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = Bench::with_site(SITE);
    // The completion script is larger than a pipe holds, so the write meets the closed end.
    for arguments in [&["compile", "site.ovl"][..], &["completions", "zsh"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_overlapc"));
        command.env_clear().current_dir(bench.path("")).args(arguments);
        let mut child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let said: Vec<&str> = said.lines().filter(|line| !line.starts_with("verified: ")).collect();
        assert_eq!((child.wait().unwrap().code(), said.as_slice()), (Some(0), &[][..]), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_told() {
    let bench = Bench::with_site(SITE);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_overlapc"));
    let output =
        command.env_clear().current_dir(bench.path("")).arg("compile").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
}

#[test]
fn wrong_usage_exits_with_two_and_help_with_zero() {
    let bench = Bench::with_site(SITE);
    bench.run(&[]).assert().code(2).stdout(is_empty());
    bench.run(&["compile", "--target", "bogus"]).assert().code(2).stderr(contains("bogus"));
    bench.run(&["compile", "a", "b"]).assert().code(2);
    bench.run(&["--help"]).assert().code(0).stdout(contains("Exit status")).stderr(is_empty());
    bench.run(&["--version"]).assert().code(0).stdout(starts_with("overlapc "));
}

#[test]
fn a_code_is_explained_in_any_case_and_a_wrong_one_brings_the_nearest() {
    let bench = Bench::new();
    bench.run(&["explain", "ovl0301"]).assert().code(0).stdout(starts_with("# OVL0301 unequal-length\n"));
    let row =
        contains("OVL0301  error    unequal-length\n").and(contains("OVL0310  warning  shared-alias\n"));
    bench.run(&["explain"]).assert().code(0).stdout(row);
    let near = contains("no code `OVL301`").and(contains("did you mean `OVL0301`"));
    bench.run(&["explain", "OVL301"]).assert().code(2).stdout(is_empty()).stderr(near);
    // Which of OVL0310 to OVL0319 would be a guess.
    let list = contains("no code `OVL031`").and(contains("lists them all")).and(contains("mean").not());
    bench.run(&["explain", "OVL031"]).assert().code(2).stdout(is_empty()).stderr(list);
    bench.run(&["explain", "unequal"]).assert().code(2).stderr(contains("`unequal-length`"));
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let run = bench.run(&["completions", shell]).assert().code(0);
        run.stdout(contains("compile").and(contains("isolation")).and(contains("ip6tables")));
    }
    bench.run(&["man"]).assert().code(0).stdout(contains(".TH overlapc 1").and(contains("compile")));
    bench.run(&["man", "-o", "pages/man1"]).assert().code(0).stdout(is_empty());
    let commands = [
        "check",
        "compile",
        "completions",
        "explain",
        "fmt",
        "lab",
        "man",
        "schema",
        "trace",
        "verify",
        "whois",
    ];
    let mut pages: Vec<String> = commands.iter().map(|name| format!("overlapc-{name}.1")).collect();
    pages.push("overlapc.1".to_owned());
    assert_eq!(bench.names("pages/man1"), pages);
    assert!(bench.read("pages/man1/overlapc-compile.1").contains("firewall"));
}

#[test]
fn lab_looks_at_the_site_before_it_needs_any_rights() {
    let bench = Bench::with_site(WRONG);
    let found = contains("error[OVL0103]");
    bench.run(&["lab"]).env("PATH", "").assert().code(1).stdout(is_empty()).stderr(found);
    bench.run(&["lab", "none.ovl"]).assert().code(2).stderr(contains("cannot read `none.ovl`"));
    bench.run(&["lab", "--flow", "inner"]).assert().code(2).stderr(contains("--flow <FROM> <TO>"));
    let empty = Bench::with_site("");
    empty.run(&["lab"]).assert().code(2).stderr(contains("no network, so there is nothing to try"));
}

#[test]
fn a_site_without_networks_makes_nothing() {
    for site in ["", "gateway { }\n", "let a = 1\nsite empty\n# overlapc: allow(OVL0213) later\n"] {
        let bench = Bench::with_site(site);
        bench
            .run(&["compile", "-t", "all", "-o", "out/"])
            .assert()
            .code(2)
            .stderr(contains("the site has no network, so there is nothing to make"));
        assert_eq!(bench.names("."), ["site.ovl"]);
        let proof = bench.run(&["verify"]).assert().code(2).stdout(is_empty());
        proof.stderr(contains("the site has no network, so there is nothing to prove"));
    }
}
