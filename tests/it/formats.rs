//! Findings in every form, each read by somebody else: SARIF by its published schema (OASIS, SARIF 2.1.0), JSON
//! documents by the schemas that `overlapc schema` prints, GitHub's commands and GitLab's report by their own rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::bench::{Bench, SITE, overlapc, repository};

/// The published schema of SARIF 2.1.0, but for the pattern of a language, in which a bracket is closed that was never
/// opened: not every reader takes that, and no language is told.
fn sarif_schema() -> Value {
    let mut schema: Value = serde_json::from_str(include_str!("formats/sarif-schema-2.1.0.json")).unwrap();
    for of in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][of]["properties"]["language"];
        assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
    }
    schema
}

/// A finding as every form tells it: severity, code, file, first line and column, last line and one past the column.
type Told = (String, String, String, [u64; 4]);

/// The folders of `golden/diag`.
fn cases() -> Vec<PathBuf> {
    let folders = fs::read_dir(repository().join("golden/diag")).unwrap();
    let mut cases: Vec<PathBuf> = folders.map(|folder| folder.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 80);
    cases
}

fn checked(folder: &Path, format: &str) -> String {
    let output = overlapc(folder).args(["check", "site.ovl", "--output-format", format]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn printed_schema(document: &str) -> Value {
    let output = overlapc(repository()).args(["schema", document]).output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A schema under which an object has no member but those that are named: what is printed must all be told.
fn strict(mut schema: Value) -> Value {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                if members.contains_key("properties") {
                    members.insert("additionalProperties".to_owned(), false.into());
                }
                members.values_mut().for_each(close);
            }
            Value::Array(all) => all.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    schema
}

fn valid(schema: &Value, document: &Value, name: &str) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}\n{}\n{document:#}", errors.join("\n"));
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn in_json(document: &Value) -> Vec<Told> {
    let all = document["findings"].as_array().unwrap().iter();
    all.map(|finding| {
        let place = &finding["primary"];
        let numbers = ["line", "column", "end_line", "end_column"].map(|name| number(&place[name]));
        (text(&finding["severity"]), text(&finding["code"]), text(&place["file"]), numbers)
    })
    .collect()
}

fn in_sarif(document: &Value) -> Vec<Told> {
    let run = &document["runs"][0];
    let all = run["results"].as_array().unwrap().iter();
    all.map(|result| {
        let place = &result["locations"][0]["physicalLocation"];
        let region = &place["region"];
        let numbers = ["startLine", "startColumn", "endLine", "endColumn"].map(|name| number(&region[name]));
        let index = usize::try_from(number(&result["ruleIndex"])).unwrap();
        let rule = &run["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(text(&rule["help"]["markdown"]).starts_with(&format!("# {}", text(&rule["id"]))));
        assert!(text(&rule["shortDescription"]["text"]).ends_with(['.', '?']), "{rule:#}");
        (text(&result["level"]), text(&result["ruleId"]), text(&place["artifactLocation"]["uri"]), numbers)
    })
    .collect()
}

/// Reads a line as the runner does (actions/runner, ActionCommand.cs, TryParseV2): name and properties between `::`
/// and `::`, properties separated by `,`, escapes undone with that of `%` last.
fn in_github(output: &str) -> Vec<Told> {
    let unescaped = |text: &str, marks: &[(&str, &str)]| {
        marks.iter().fold(text.to_owned(), |text, (escape, meant)| text.replace(escape, meant))
    };
    let all = output.lines().map(|line| {
        let rest = line.strip_prefix("::").unwrap_or_else(|| panic!("{line} is no command"));
        let (head, data) = rest.split_once("::").unwrap();
        let (name, list) = head.split_once(' ').unwrap();
        let property = |wanted: &str| {
            let mut found =
                list.split(',').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == wanted);
            let value = found.next().map(|(_, value)| value)?;
            let marks = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];
            Some(unescaped(value, &marks))
        };
        let message = unescaped(data, &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]);
        assert!(!message.trim().is_empty());
        let number = |name| property(name).map(|value| value.parse::<u64>().unwrap());
        let (line, end) = (number("line").unwrap(), number("endLine").unwrap());
        let column = number("col").unwrap_or(0);
        let past = number("endColumn").map_or(0, |last| last + 1);
        let title = property("title").unwrap();
        let code = title.split(' ').next().unwrap().to_owned();
        (name.to_owned(), code, property("file").unwrap(), [line, column, end, past])
    });
    all.collect()
}

/// Checks a report by the rules of GitLab's page "Code Quality report format".
fn in_gitlab(document: &Value) -> Vec<Told> {
    let mut fingerprints = BTreeSet::new();
    let all = document.as_array().unwrap().iter();
    all.map(|issue| {
        assert!(!text(&issue["description"]).is_empty());
        assert!(fingerprints.insert(text(&issue["fingerprint"])), "{document:#}");
        let severity = match text(&issue["severity"]).as_str() {
            "critical" => "error",
            "minor" => "warning",
            other => panic!("{other} is not used here"),
        };
        let lines = &issue["location"]["lines"];
        let path = text(&issue["location"]["path"]);
        assert!(!path.starts_with("./"));
        (
            severity.to_owned(),
            text(&issue["check_name"]),
            path,
            [number(&lines["begin"]), 0, number(&lines["end"]), 0],
        )
    })
    .collect()
}

#[test]
fn every_form_tells_the_same_findings_and_keeps_to_its_schema() {
    let ours = strict(printed_schema("findings"));
    let sarif = sarif_schema();
    for case in cases() {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let document: Value = serde_json::from_str(&checked(&case, "json")).unwrap();
        valid(&ours, &document, &name);
        let told = in_json(&document);
        assert!(!told.is_empty(), "{name}");
        let log: Value = serde_json::from_str(&checked(&case, "sarif")).unwrap();
        valid(&sarif, &log, &name);
        assert_eq!(in_sarif(&log), told, "{name}");
        let report: Value = serde_json::from_str(&checked(&case, "gitlab")).unwrap();
        let lines = |[line, _, end, _]: [u64; 4]| [line, 0, end, 0];
        let by_line: Vec<Told> =
            told.iter().cloned().map(|(a, b, c, numbers)| (a, b, c, lines(numbers))).collect();
        assert_eq!(in_gitlab(&report), by_line, "{name}");
        // Columns are told of what is on one line; what is empty is shown as one character.
        let shown = |[line, column, end, past]: [u64; 4]| match line == end {
            true => [line, column, end, past.max(column + 1)],
            false => [line, 0, end, 0],
        };
        let shown: Vec<Told> = told.into_iter().map(|(a, b, c, numbers)| (a, b, c, shown(numbers))).collect();
        assert_eq!(in_github(&checked(&case, "github")), shown, "{name}");
    }
}

#[test]
fn names_and_texts_that_look_like_signs_of_a_form_stay_whole() {
    let bench = Bench::new();
    let name = "a,b:100%\n::error::.ovl";
    bench.write(name, "let x = 1\nbogus \"::,%0A\"\n");
    let run = |format| {
        let output = bench.run(&["check", name, "--output-format", format]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let github = in_github(&run("github"));
    assert_eq!(github.len(), 1);
    assert_eq!(github[0].2, name);
    let log: Value = serde_json::from_str(&run("sarif")).unwrap();
    valid(&sarif_schema(), &log, name);
    assert_eq!(in_sarif(&log)[0].2, "a,b%3A100%25%0A%3A%3Aerror%3A%3A.ovl");
    let report: Value = serde_json::from_str(&run("gitlab")).unwrap();
    assert_eq!(in_gitlab(&report)[0].2, name);
}

#[test]
fn a_form_that_is_a_document_is_whole_where_nothing_is_found() {
    let bench = Bench::with_site(SITE);
    let run = |format| {
        let assert = bench.run(&["check", "--output-format", format]).assert().code(0);
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    };
    assert_eq!(run("github"), "");
    assert_eq!(run("gitlab"), "[]\n");
    let log: Value = serde_json::from_str(&run("sarif")).unwrap();
    valid(&sarif_schema(), &log, "empty");
    assert_eq!(log["runs"][0]["results"], Value::Array(vec![]));
    valid(&strict(printed_schema("findings")), &serde_json::from_str(&run("json")).unwrap(), "empty");
}

/// Every document of the goldens, and one of `verify`.
#[test]
fn every_document_keeps_to_the_schema_that_is_printed() {
    let mut seen = [0; 5];
    let names = ["site", "whois", "trace", "lab", "verify"];
    let schemas = names.map(|name| strict(printed_schema(name)));
    let mut check = |kind: usize, path: &Path, text: &str| {
        seen[kind] += 1;
        valid(&schemas[kind], &serde_json::from_str(text).unwrap(), &path.display().to_string());
    };
    let golden = repository().join("golden");
    for (kind, folder) in [(1, "whois"), (2, "trace"), (3, "lab")] {
        for file in fs::read_dir(golden.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            if text.starts_with('{') {
                check(kind, &path, &text);
            }
        }
    }
    for site in fs::read_dir(golden.join("emit")).unwrap() {
        let folder = site.unwrap().path();
        let output = overlapc(&folder).args(["compile", "-t", "json", "--no-verify"]).output().unwrap();
        check(0, &folder, std::str::from_utf8(&output.stdout).unwrap());
    }
    let bench = Bench::with_site(SITE);
    let output = bench.run(&["verify", "--output-format", "json"]).output().unwrap();
    check(4, Path::new("verify"), std::str::from_utf8(&output.stdout).unwrap());
    bench.run(&["compile", "-t", "sh", "-o", "files/"]).assert().code(0);
    let script = bench.read("files/site.sh").replace("0x1/", "0x2/");
    bench.write("files/site.sh", script);
    let output = bench.run(&["verify", "--artifacts", "files", "--output-format", "json"]).output().unwrap();
    check(4, Path::new("verify, broken"), std::str::from_utf8(&output.stdout).unwrap());
    assert!(seen.iter().all(|count| *count > 0) && seen[0] > 10, "{seen:?}");
}

/// The fixes that are made are those that the documents call safe; afterwards the finding is gone, no other one is
/// there that was not there before, and nothing else has changed.
#[test]
fn safe_fixes_are_made_and_nothing_else() {
    let mut made = BTreeSet::new();
    for case in cases() {
        let before: Value = serde_json::from_str(&checked(&case, "json")).unwrap();
        let safe = |finding: &&Value| finding["fix"]["safe"] == true;
        let safe: Vec<&Value> = before["findings"].as_array().unwrap().iter().filter(safe).collect();
        let bench = Bench::new();
        for file in fs::read_dir(&case).unwrap() {
            let path = file.unwrap().path();
            bench.write(path.file_name().unwrap().to_str().unwrap(), fs::read(&path).unwrap());
        }
        let site = fs::read(case.join("site.ovl")).unwrap();
        let output = bench.run(&["check", "--fix", "--output-format", "json"]).output().unwrap();
        if safe.is_empty() {
            assert_eq!(fs::read(bench.path("site.ovl")).unwrap(), site, "{}", case.display());
            assert!(output.stderr.is_empty());
            continue;
        }
        let after: Value = serde_json::from_slice(&output.stdout).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let plural = if safe.len() == 1 { "fix" } else { "fixes" };
        assert!(told.starts_with(&format!("site.ovl: {} {plural} made\n", safe.len())), "{told}");
        let left = after["findings"].as_array().unwrap();
        for finding in safe {
            made.insert(text(&finding["code"]));
            assert!(!left.iter().any(|other| other["title"] == finding["title"]), "{after:#}");
        }
        let text = bench.read("site.ovl");
        let site = String::from_utf8(site).unwrap();
        let comments = |text: &str| text.matches("# ").count();
        let gone = usize::from(case.ends_with("OVL0107-unused-allow"));
        assert_eq!(comments(&text) + gone, comments(&site), "{text}");
    }
    let codes: Vec<&str> = made.iter().map(String::as_str).collect();
    assert_eq!(codes, ["OVL0001", "OVL0107", "OVL0218", "OVL0224"]);
}

#[test]
fn one_fix_after_another_is_made_until_none_is_left() {
    let bench = Bench::with_site(&SITE.replace(
        "inner <-> outer",
        "inner => outer {\n    allow tcp 90:80, https  # web\n    allow icmp ping\n}",
    ));
    let run = bench.run(&["check", "--fix"]).assert().code(0);
    run.stdout("").stderr("site.ovl: 1 fix made\nsite.ovl: 3 fixes made\n");
    let fixed = SITE.replace(
        "inner <-> outer",
        "inner -> outer {\n    allow tcp 80-90, 443  # web\n    allow icmp echo-request\n}",
    );
    assert_eq!(bench.read("site.ovl"), fixed);
    let run = bench.run(&["check", "--fix", "-"]).write_stdin("bogus\n").assert().code(2);
    run.stdout("").stderr("error: `--fix` cannot change standard input\n  help: name the site's file\n");
}
