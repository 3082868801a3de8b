//! What `fmt` promises of every text: the same words, the same layout the second time, nothing wrong that was right.

use overlapc::diag::Diagnostics;
use overlapc::fmt::{Broken, Formatted, format};
use overlapc::source::SourceMap;
use overlapc::syntax::lexer::lex;
use overlapc::syntax::token::{Token, TokenKind};
use overlapc::syntax::{ast, parse_file};
use proptest::prelude::{ProptestConfig, proptest};

use super::generate::{Random, Sentence};
use super::{codes, grammar, near_text, tokens};

fn laid_out(text: &str, broken: Broken) -> Option<String> {
    let id = SourceMap::default().add("site.ovl", text);
    match format(id, text, broken) {
        Formatted::Text(made) => Some(made),
        Formatted::Refused(findings) => {
            assert!(broken == Broken::Refuse && !findings.is_empty());
            None
        }
        Formatted::Defect => panic!("{text:?} would have changed its meaning"),
    }
}

/// The tree in words, without the places of things.
fn tree(text: &str) -> String {
    let id = SourceMap::default().add("site.ovl", text);
    let file: ast::File = parse_file(id, text, &mut Diagnostics::default()).file;
    let shown = format!("{file:#?}");
    let place = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("start: ") || line.starts_with("end: ")
    };
    shown.lines().filter(|line| !place(line)).collect::<Vec<_>>().join("\n")
}

fn comments(text: &str) -> Vec<String> {
    let id = SourceMap::default().add("site.ovl", text);
    lex(id, text).comments.iter().map(|span| text[span.range()].trim_end().to_owned()).collect()
}

/// Checks the promises on a text that parses.
fn promised(text: &str) -> String {
    let made = laid_out(text, Broken::Refuse).unwrap();
    assert_eq!(tree(&made), tree(text), "{text}\n=>\n{made}");
    assert_eq!(comments(&made), comments(text), "{text}\n=>\n{made}");
    assert_eq!(laid_out(&made, Broken::Refuse).as_ref(), Some(&made), "{text}\n=>\n{made}");
    assert_eq!(laid_out(text, Broken::Keep).as_ref(), Some(&made), "{text}");
    for line in made.lines() {
        assert_eq!(line.trim_end(), line, "{text}\n=>\n{made}");
    }
    assert!(!made.contains("\n\n\n") && !made.starts_with('\n') && !made.ends_with("\n\n"), "{made}");
    made
}

/// Other blanks, comments and ends of statements between the same tokens.
fn scattered(text: &str, random: &mut Random) -> String {
    let list = tokens(text);
    let mut scattered = String::new();
    for (at, token) in list.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| list[before]);
        match token.kind {
            TokenKind::Newline | TokenKind::Semicolon => {
                scattered.push_str(["\n", ";", " # why\n", "\n\n\n", " ;\n# and so\n"][random.below(5)]);
                continue;
            }
            TokenKind::End => break,
            _ => {}
        }
        let end = |token: Token| matches!(token.kind, TokenKind::Newline | TokenKind::Semicolon);
        let free = before.is_none_or(|before| end(before) || before.kind == TokenKind::LeftBrace);
        if free && random.below(6) == 0 {
            scattered.push_str("\n\n  # alone \n");
        }
        let touches = before.is_some_and(|before| before.end == token.start);
        if !touches {
            scattered.push_str([" ", "  ", "\t", "     "][random.below(4)]);
        }
        scattered.push_str(token.text(text));
        if matches!(token.kind, TokenKind::Comma | TokenKind::Arrow) && random.below(3) == 0 {
            scattered.push_str(["\n", " # more\n", "\n\n   # of it\n  "][random.below(3)]);
        }
    }
    scattered
}

#[test]
fn sentences_are_laid_out_once_and_for_all() {
    let grammar = grammar();
    for seed in 0..3000 {
        promised(&Sentence::new(&grammar, seed).text());
    }
}

#[test]
fn blanks_between_the_tokens_make_no_difference() {
    let site = "gateway { isolation rules; marks 0x00ffffff }\nfor n in 1..3 {\n network cell-{n} { id 100 + n\n \
                interface eth1.{100 + n}\n prefix 192.168.0.0/24 as subnet(cells, 24, n), 10.1.0.0/16 for x\n \
                host plc (pool + 1)\n }\n}\nconnect office -> cell-* { allow tcp 102, 502 from a, b; deny }\n";
    for seed in 0..500 {
        promised(&scattered(site, &mut Random::new(seed)));
    }
    // Where no comment, blank line or line that goes on is added, it is even the same text.
    let made = promised(site);
    assert_eq!(promised(&site.replace(' ', "  ").replace("\n  ", "\n\t")), made);
    assert_eq!(promised(&made.replace("    ", "\t")), made);
}

#[test]
fn what_is_broken_stays_and_the_rest_is_laid_out() {
    let grammar = grammar();
    let (mut broken, mut changed) = (0, 0);
    for seed in 0..3000 {
        let mut sentence = Sentence::new(&grammar, seed % 600);
        sentence.change(&mut Random::new(seed ^ 0x5eed));
        let text = sentence.text();
        if codes(&text).is_empty() {
            continue;
        }
        broken += 1;
        assert_eq!(laid_out(&text, Broken::Refuse), None, "{text}");
        let made = laid_out(&text, Broken::Keep).unwrap();
        changed += usize::from(made != text);
        assert_eq!(codes(&made), codes(&text), "{text}\n=>\n{made}");
        assert_eq!(laid_out(&made, Broken::Keep).as_ref(), Some(&made), "{text}\n=>\n{made}");
    }
    assert!(broken > 1000 && changed > 500, "{broken} are broken, {changed} of them changed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_laid_out_or_refused(text in near_text()) {
        let made = laid_out(&text, Broken::Keep).unwrap();
        assert_eq!(laid_out(&made, Broken::Keep).as_ref(), Some(&made), "{text:?}\n=>\n{made:?}");
        if codes(&text).is_empty() {
            promised(&text);
        }
    }
}
