//! The grammar in `grammar/`, the token tables and the parser say the same.

mod ebnf;
mod examples;
mod generate;
mod layout;
mod recognise;
mod textmate;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use overlapc::diag::{Diagnostic, Diagnostics};
use overlapc::source::SourceMap;
use overlapc::syntax::lexer::lex;
use overlapc::syntax::parse_file;
use overlapc::syntax::token::{Block, KEYWORDS, PUNCTUATION, Token, TokenKind, is_connective};
use proptest::prelude::{ProptestConfig, any, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};

use ebnf::{Grammar, Rule};
use generate::{Random, Sentence};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn grammar() -> Grammar {
    Grammar::parse(&fs::read_to_string(root().join("grammar/overlapc.ebnf")).unwrap())
}

/// What the parser says, with every span checked against the text.
fn findings(text: &str) -> Vec<Diagnostic> {
    let mut sources = SourceMap::default();
    let id = sources.add("site.ovl", text);
    let mut findings = Diagnostics::default();
    let parsed = parse_file(id, text, &mut findings);
    let findings = findings.sorted();
    let spans = findings.iter().flat_map(|finding| {
        let secondary = finding.secondary.iter().map(|label| label.span);
        let fix = finding.fix.iter().map(|fix| fix.span);
        secondary.chain(fix).chain([finding.primary.span])
    });
    for span in spans.chain(parsed.comments) {
        assert!(text.get(span.range()).is_some(), "{span:?} is not in {text:?}");
    }
    findings
}

fn codes(text: &str) -> Vec<&'static str> {
    findings(text).iter().map(|finding| finding.code.as_str()).collect()
}

fn tokens(text: &str) -> Vec<Token> {
    lex(SourceMap::default().add("site.ovl", text), text).tokens
}

#[test]
fn every_nonterminal_is_defined_once_and_used() {
    let grammar = grammar();
    let mut reached = BTreeSet::from(["file".to_owned()]);
    let mut open = vec!["file".to_owned()];
    while let Some(name) = open.pop() {
        let rules: Vec<_> = grammar.productions.iter().filter(|(known, _)| *known == name).collect();
        assert_eq!(rules.len(), 1, "`{name}` is defined {} times", rules.len());
        for used in rules[0].1.names() {
            if reached.insert(used.clone()) {
                open.push(used);
            }
        }
    }
    let unused: Vec<_> = grammar.productions.iter().filter(|(name, _)| !reached.contains(name)).collect();
    assert!(unused.is_empty(), "never used: {unused:?}");
}

#[test]
fn terminals_are_the_keywords_and_signs_of_the_token_tables() {
    let written: BTreeSet<String> =
        grammar().productions.iter().flat_map(|(_, rule)| rule.terminals()).collect();
    let keywords = KEYWORDS.iter().map(|(text, _)| *text);
    let known: BTreeSet<String> =
        keywords.chain(PUNCTUATION.iter().map(|(text, _)| *text)).map(str::to_owned).collect();
    assert_eq!(written, known);
    for (text, kind) in PUNCTUATION {
        assert_eq!(tokens(&format!("{text} ")).first().map(|token| token.kind), Some(*kind), "{text}");
    }
}

#[test]
fn joining_words_are_the_keywords_inside_of_statements() {
    for (text, keyword) in KEYWORDS {
        let begins = Block::ALL.iter().any(|block| block.keywords().contains(keyword));
        // `for` does both: it begins a block, and names whom an alias is for.
        assert_eq!(is_connective(text), !begins || *text == "for", "{text}");
    }
}

#[test]
fn each_production_stands_above_the_function_of_its_name() {
    let mut found = Vec::new();
    for file in fs::read_dir(root().join("src/syntax/parser")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim() != "/// ```ebnf" {
                continue;
            }
            let rule: Vec<_> = lines.by_ref().take_while(|line| line.trim() != "/// ```").collect();
            let rule: Vec<_> = rule.iter().map(|line| line.trim().trim_start_matches("///")).collect();
            let head = lines.find(|line| line.contains("fn ")).unwrap();
            let name = head.split("fn ").nth(1).unwrap().trim_start_matches("r#");
            let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let productions = Grammar::parse(&rule.join("\n")).productions;
            assert_eq!(productions.len(), 1, "{name}");
            assert_eq!(productions[0].0, name, "a function carries the production of its own name");
            found.push(productions[0].clone());
        }
    }
    let is_token = |(name, _): &(String, Rule)| name.chars().all(char::is_uppercase);
    let mut written: Vec<_> =
        grammar().productions.into_iter().filter(|production| !is_token(production)).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    written.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, written);
}

#[test]
fn sentences_of_the_grammar_parse() {
    let grammar = grammar();
    let mut seen = BTreeSet::new();
    for seed in 0..3000 {
        let sentence = Sentence::new(&grammar, seed);
        seen.extend(sentence.used.iter().cloned());
        let text = sentence.text();
        assert!(codes(&text).is_empty(), "seed {seed}:\n{text}\n{:#?}", findings(&text));
        assert!(recognise::accepts(&grammar, &text, &tokens(&text)), "seed {seed}:\n{text}");
    }
    let all: BTreeSet<String> = grammar.productions.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(seen, all, "every production occurs in some sentence");
}

#[test]
fn parser_and_grammar_agree_on_sentences_with_one_token_changed() {
    let grammar = grammar();
    let (mut accepted, mut rejected) = (0, 0);
    for seed in 0..3000 {
        let mut random = Random::new(seed ^ 0x5eed);
        let mut sentence = Sentence::new(&grammar, seed % 600);
        sentence.change(&mut random);
        let text = sentence.text();
        let codes = codes(&text);
        let tokens = tokens(&text);
        if codes.iter().any(|code| code.starts_with("OVL00"))
            || tokens.iter().any(|t| t.kind == TokenKind::Bad)
        {
            assert!(!codes.is_empty(), "seed {seed}:\n{text}");
            continue;
        }
        let by_grammar = recognise::accepts(&grammar, &text, &tokens);
        assert_eq!(codes.is_empty(), by_grammar, "seed {seed}:\n{text}\n{:#?}", findings(&text));
        if by_grammar { accepted += 1 } else { rejected += 1 }
    }
    assert!(accepted > 300 && rejected > 1000, "both kinds occur: {accepted} accepted, {rejected} rejected");
}

/// Text that comes near the language: its signs, its words, and odd characters.
fn near_text() -> impl Strategy<Value = String> {
    let fixed: Vec<&str> = KEYWORDS
        .iter()
        .map(|(text, _)| *text)
        .chain(PUNCTUATION.iter().map(|(text, _)| *text))
        .chain([
            "a",
            "10.0.0.0/8",
            "fd00::/64",
            "\"",
            "\"a b\"",
            "cell-{n}",
            "a{",
            "\\",
            "#",
            "# c",
            "\0",
            "ü",
        ])
        .chain(["\n", "\r\n", "\r", "\t", " ", " ", " ", "\u{feff}", "\u{202e}", "=>", "→", "<-"])
        .collect();
    let piece = prop_oneof![4 => (0..fixed.len()).prop_map(move |n| fixed[n].to_owned()), 1 => any::<char>().prop_map(String::from)];
    let bracket =
        proptest::sample::select(&["{", "}", "(", ")", "\"", ";", "\n", ",", "#", "a", "a{", "\\", " "][..]);
    prop_oneof![
        2 => proptest::collection::vec(bracket, 0..60).prop_map(|brackets| brackets.concat()),
        3 => proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat()),
        1 => ".*",
        1 => Just(String::new()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses_without_a_panic(text in near_text()) {
        findings(&text);
    }

    #[test]
    fn tokens_and_what_lies_between_make_up_the_text(text in near_text()) {
        let id = SourceMap::default().add("site.ovl", text.as_str());
        let lexed = lex(id, &text);
        let mut comments: Vec<_> = lexed.comments.iter().map(|span| span.range()).collect();
        let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        for token in &lexed.tokens {
            let (start, end) = (token.start as usize, token.end as usize);
            assert!(start >= at && end >= start && (end > start || token.kind == TokenKind::End), "{token:?} in {text:?}");
            let mut between = at..start;
            while let Some(comment) = comments.first().cloned().filter(|comment| comment.start < start) {
                blank(&text[between.start..comment.start]);
                // `//` is told about, and what follows it is passed over like a comment.
                let begins = text[comment.clone()].starts_with(['#', '/']) || text[comment.clone()].starts_with("//");
                assert!(begins && !text[comment.clone()].contains('\n'));
                between.start = comment.end;
                comments.remove(0);
            }
            blank(&text[between]);
            at = end;
        }
        assert_eq!(at, text.len());
        assert!(comments.is_empty());
    }
}

fn blank(text: &str) {
    // A carriage return alone is told about, and ends a line as if it were allowed to.
    assert!(text.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r')), "{text:?}");
}
