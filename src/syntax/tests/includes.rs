//! Included files.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diagnostics};
use crate::source::SourceMap;
use crate::syntax::ast::{File, Item};
use crate::syntax::{Loader, parse_site};

struct Files {
    texts: BTreeMap<&'static str, String>,
    loaded: RefCell<Vec<String>>,
}

impl Loader for Files {
    fn load(&self, name: &str) -> Result<String, String> {
        self.loaded.borrow_mut().push(name.to_owned());
        self.texts.get(name).cloned().ok_or_else(|| "no such file".to_owned())
    }
}

/// The tree as text, the names of the files read, and the findings as `file:line CODE label`.
fn read(root: &str, texts: &[(&'static str, &str)]) -> (String, Vec<String>, Vec<String>) {
    let mut sources = SourceMap::default();
    let mut findings = Diagnostics::default();
    let texts: BTreeMap<_, _> = texts.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    let id = sources.add(root, texts.iter().find(|(name, _)| root.ends_with(**name)).unwrap().1.clone());
    let files = Files { texts, loaded: RefCell::default() };
    let file = parse_site(&mut sources, id, &files, &mut findings);
    let told = |finding: &Diagnostic| {
        let mut line = format!("{} {} {}", sources.place(finding.primary.span), finding.code, finding.title);
        for label in &finding.secondary {
            line += &format!("; {}", sources.place(label.span));
        }
        line
    };
    let findings = findings.sorted().iter().map(told).collect();
    (shape(&file), files.loaded.into_inner(), findings)
}

fn shape(file: &File) -> String {
    let item = |item: &Item| match item {
        Item::Included(file) => format!("[{}]", shape(file)),
        Item::Let(item) => item.name.value.clone(),
        Item::Error(_) => "!".to_owned(),
        other => panic!("{other:?}"),
    };
    file.items.iter().map(item).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_file_stands_where_it_is_included_first() {
    let (tree, loaded, findings) = read(
        "plants/site.ovl",
        &[
            (
                "plants/site.ovl",
                "let a = 1\ninclude \"x.ovl\"\ninclude \"sub/../x.ovl\"\nlet d = 1\ninclude ./sub/y.ovl\n",
            ),
            ("plants/x.ovl", "let b = 1\n"),
            ("plants/sub/y.ovl", "include \"../x.ovl\"\ninclude \"../../z.ovl\"\ninclude /etc/w.ovl\n"),
            ("z.ovl", "let z = 1\n"),
            ("/etc/w.ovl", "include v.ovl\n"),
            ("/etc/v.ovl", "let v = 1\n"),
        ],
    );
    assert_eq!(findings, [""; 0]);
    assert_eq!(tree, "a [b] [] d [[] [z] [[v]]]");
    assert_eq!(loaded, ["plants/x.ovl", "plants/sub/y.ovl", "z.ovl", "/etc/w.ovl", "/etc/v.ovl"]);
}

#[test]
fn a_name_may_lead_out_of_the_folder_of_the_root() {
    let (tree, loaded, _) =
        read("site.ovl", &[("site.ovl", "include \"../../x.ovl\"\n"), ("../../x.ovl", "let x = 1\n")]);
    assert_eq!((tree.as_str(), loaded), ("[x]", vec!["../../x.ovl".to_owned()]));
}

#[test]
fn a_circle_is_shown_at_both_its_ends() {
    let (tree, _, findings) = read(
        "site.ovl",
        &[
            ("site.ovl", "let a = 1\ninclude b.ovl\n"),
            ("b.ovl", "include c.ovl\nlet b = 1\n"),
            ("c.ovl", "\ninclude site.ovl\n"),
        ],
    );
    assert_eq!(tree, "a [[!] b]");
    assert_eq!(findings, ["c.ovl:2 OVL0105 `site.ovl` includes itself; site.ovl:2"]);
    let (_, _, findings) = read("./site.ovl", &[("site.ovl", "include site.ovl\n")]);
    assert_eq!(findings, ["./site.ovl:1 OVL0105 `site.ovl` includes itself"]);
}

#[test]
fn a_file_that_cannot_be_read_is_a_hole() {
    let (tree, _, findings) =
        read("site.ovl", &[("site.ovl", "include none.ovl\ninclude \"\"\nlet a = 1\n")]);
    assert_eq!(tree, "! ! a");
    assert_eq!(
        findings,
        ["site.ovl:1 OVL0104 cannot include `none.ovl`", "site.ovl:2 OVL0104 cannot include ``"]
    );
}

#[test]
fn the_folder_of_the_root_is_called_by_its_name() {
    let (_, loaded, findings) = read("site.ovl", &[("site.ovl", "include \"x/..\"\n")]);
    assert_eq!(loaded, ["."]);
    assert_eq!(findings, ["site.ovl:1 OVL0104 cannot include `.`"]);
}

#[test]
fn a_chain_of_files_has_an_end() {
    struct Endless;
    impl Loader for Endless {
        fn load(&self, name: &str) -> Result<String, String> {
            Ok(format!("include x{name}\n"))
        }
    }
    let mut sources = SourceMap::default();
    let mut findings = Diagnostics::default();
    let id = sources.add("site.ovl", "include a\n");
    let _ = parse_site(&mut sources, id, &Endless, &mut findings);
    let codes: Vec<_> = findings.sorted().iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["OVL0106"]);
}
