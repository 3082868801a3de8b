//! What is done with an input that nobody has thought of: each function takes bytes and must come to an end without a
//! panic, and keep what its stage promises of every text.

use std::collections::BTreeMap;

use overlapc::diag::{Diagnostics, Report, concise, fixed, github, gitlab, json, render, sarif};
use overlapc::emit::{Request, Target};
use overlapc::fmt::{Broken, Formatted, format};
use overlapc::model::{Firewall, Isolation};
use overlapc::read::{artifacts, ip, iptables, nft, script};
use overlapc::source::SourceMap;
use overlapc::syntax::lexer::lex;
use overlapc::syntax::token::TokenKind;
use overlapc::{Overrides, artifacts as emitted, front, syntax};

/// An input's name and what is done with it.
pub type Input = (&'static str, fn(&[u8]));

/// All of them.
pub const INPUTS: &[Input] = &[
    ("lexer", lexer),
    ("parser", parser),
    ("layout", layout),
    ("findings", findings),
    ("artefacts", artefacts),
    ("read_nft", read_nft),
    ("read_iptables", read_iptables),
    ("read_ip", read_ip),
    ("read_script", read_script),
];

/// Does with `bytes` what the input of this name is for.
///
/// # Panics
///
/// There is no such input, or something is wrong with what it is for.
pub fn run(name: &str, bytes: &[u8]) {
    let (_, input) = INPUTS.iter().find(|(known, _)| *known == name).expect("an input of this name");
    input(bytes);
}

/// Networks above which a site is only checked: compiling takes time with the square of them.
const MOST_NETWORKS: usize = 12;

struct NoFiles;

impl syntax::Loader for NoFiles {
    fn load(&self, _: &str) -> Result<String, String> {
        Err(String::from("there are no other files"))
    }
}

/// Tokens and comments lie in the text, in order, and do not overlap.
fn lexer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut sources = SourceMap::default();
    let id = sources.add("site.ovl", text.as_ref());
    let lexed = lex(id, &text);
    let mut at = 0;
    for token in &lexed.tokens {
        assert!(at <= token.start && token.start <= token.end);
        assert!(text.get(token.start as usize..token.end as usize).is_some());
        at = token.end;
    }
    assert_eq!(lexed.tokens.last().map(|token| token.kind), Some(TokenKind::End));
    assert!(lexed.comments.iter().all(|span| text[span.range()].starts_with(['#', '/'])));
}

/// Every place in a finding lies in the text.
fn parser(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut sources = SourceMap::default();
    let id = sources.add("site.ovl", text.as_ref());
    let mut found = Diagnostics::default();
    let _ = syntax::parse_file(id, &text, &mut found);
    for finding in found.sorted() {
        let others = finding.secondary.iter().map(|label| label.span);
        let fix = finding.fix.iter().map(|fix| fix.span);
        for span in others.chain(fix).chain([finding.primary.span]) {
            assert!(text.get(span.range()).is_some());
        }
    }
}

/// What is laid out is laid out the same again, and no text would change its meaning.
fn layout(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut sources = SourceMap::default();
    let id = sources.add("site.ovl", text.as_ref());
    for broken in [Broken::Refuse, Broken::Keep] {
        match format(id, &text, broken) {
            Formatted::Text(made) => match format(id, &made, broken) {
                Formatted::Text(again) => assert_eq!(again, made),
                other => panic!("{other:?}"),
            },
            Formatted::Refused(findings) => assert!(broken == Broken::Refuse && !findings.is_empty()),
            Formatted::Defect => panic!("its meaning would change"),
        }
    }
}

/// A site is checked, its findings are shown in every form, and its safe fixes are made.
fn findings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut sources = SourceMap::default();
    let root = sources.add("site.ovl", text.as_ref());
    let outcome = front(sources, root, &NoFiles, Overrides::default());
    let refused =
        outcome.findings.iter().any(|finding| finding.severity() == overlapc::diag::Severity::Error);
    assert_eq!(outcome.value.is_none(), refused);
    let reports = [Report { sources: &outcome.sources, findings: &outcome.findings }];
    let shown = [render::render(&reports, false), concise::render(&reports, false), github::render(&reports)];
    assert!(
        shown.iter().all(|text| !text.contains('\u{1b}') && text.is_empty() == outcome.findings.is_empty())
    );
    for document in [json::render(&reports), sarif::render(&reports), gitlab::render(&reports)] {
        serde_json::from_str::<serde_json::Value>(&document).expect("a document");
    }
    let _ = fixed::fixed(&outcome.sources, &outcome.findings);
}

/// What is made of a site that has no errors can be read back, in every form.
fn artefacts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for firewall in [Firewall::Nftables, Firewall::Iptables] {
        for isolation in [Isolation::Vrf, Isolation::Rules] {
            let mut sources = SourceMap::default();
            let root = sources.add("site.ovl", text.as_ref());
            let overrides = Overrides { firewall: Some(firewall), isolation: Some(isolation) };
            let outcome = front(sources, root, &NoFiles, overrides);
            let Some(site) = outcome.value else { return };
            // Nothing is made of a site without networks.
            if !(1..=MOST_NETWORKS).contains(&site.site().networks.len()) {
                return;
            }
            let made = emitted(&site, &outcome.sources, &[Request::Whole(Target::Sh)]);
            let files: BTreeMap<String, String> =
                made.iter().map(|artifact| (artifact.name.clone(), artifact.text.to_string())).collect();
            if let Err((file, error)) = artifacts::read(&files) {
                panic!("{file}: {error}");
            }
        }
    }
}

fn read_nft(bytes: &[u8]) {
    let _ = nft::read(&String::from_utf8_lossy(bytes));
}

fn read_iptables(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = (iptables::read(&text, true), iptables::read(&text, false));
}

fn read_ip(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = (ip::commands(&text, true), ip::commands(&text, false));
}

fn read_script(bytes: &[u8]) {
    let _ = script::read(&String::from_utf8_lossy(bytes));
}
