//! The grammar for editors colours every site as the lexer reads it.
//!
//! A line at a time, as editors do it: of all patterns that are open the leftmost match counts, of equal ones the
//! first (TextMate manual, "Language Grammars"). Here are the rules that the grammar uses: `match`, `begin` and `end`
//! with captures, `include` of the repository.

use std::collections::BTreeMap;
use std::fs;

use fancy_regex::{Captures, Regex};
use overlapc::source::SourceMap;
use overlapc::syntax::lexer::lex;
use overlapc::syntax::token::{Block, TokenKind, is_connective};
use serde_json::Value;

use super::root;

struct Engine {
    grammar: Value,
    regexes: BTreeMap<String, Regex>,
}

/// A region that goes on until its end.
#[derive(Clone, Debug)]
struct Open {
    scope: String,
    rule: Value,
}

impl Engine {
    fn new() -> Self {
        let text = fs::read_to_string(root().join("grammar/overlapc.tmLanguage.json")).unwrap();
        let grammar: Value = serde_json::from_str(&text).unwrap();
        let mut regexes = BTreeMap::new();
        fn collect(value: &Value, regexes: &mut BTreeMap<String, Regex>) {
            match value {
                Value::Object(members) => {
                    for (name, value) in members {
                        match value {
                            Value::String(text) if ["match", "begin", "end"].contains(&name.as_str()) => {
                                regexes.insert(text.clone(), Regex::new(text).unwrap());
                            }
                            value => collect(value, regexes),
                        }
                    }
                }
                Value::Array(all) => all.iter().for_each(|value| collect(value, regexes)),
                _ => {}
            }
        }
        collect(&grammar, &mut regexes);
        Self { grammar, regexes }
    }

    /// The rules of a list, those it includes in their place.
    fn rules<'v>(&'v self, list: &'v Value, into: &mut Vec<&'v Value>) {
        for rule in list.as_array().into_iter().flatten() {
            match rule["include"].as_str() {
                Some(name) => {
                    let included = &self.grammar["repository"][name.trim_start_matches('#')];
                    assert!(!included.is_null(), "{name} is not in the repository");
                    if included["match"].is_null() && included["begin"].is_null() {
                        self.rules(&included["patterns"], into);
                    } else {
                        into.push(included);
                    }
                }
                None => into.push(rule),
            }
        }
    }

    fn found<'t>(&self, regex: &Value, line: &'t str, at: usize) -> Option<Captures<'t, str>> {
        let regex = self.regexes.get(regex.as_str()?).unwrap();
        regex.captures_from_pos(line, at).unwrap()
    }

    /// The scopes of each byte of a text.
    fn scopes(&self, text: &str) -> Vec<Vec<String>> {
        let mut scopes = vec![Vec::new(); text.len()];
        let mut open: Vec<Open> = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            self.line(line.trim_end_matches(['\n', '\r']), start, &mut open, &mut scopes);
            start += line.len();
        }
        scopes
    }

    fn line(&self, line: &str, start: usize, open: &mut Vec<Open>, scopes: &mut [Vec<String>]) {
        let mut at = 0;
        let mark = |from: usize, to: usize, open: &[Open], more: &[&Value], scopes: &mut [Vec<String>]| {
            for scopes in &mut scopes[start + from..start + to] {
                *scopes = open.iter().map(|open| open.scope.clone()).collect();
                scopes.extend(more.iter().filter_map(|scope| scope.as_str()).map(str::to_owned));
            }
        };
        let captured = |rule: &Value, key: &str, found: &Captures<'_, str>, scopes: &mut [Vec<String>]| {
            for (number, capture) in rule[key].as_object().into_iter().flatten() {
                if let Some(group) = found.get(number.parse().unwrap()) {
                    for scopes in &mut scopes[start + group.start()..start + group.end()] {
                        scopes.push(capture["name"].as_str().unwrap().to_owned());
                    }
                }
            }
        };
        loop {
            let top = open.last().map(|open| open.rule.clone());
            let mut rules = Vec::new();
            let list = top.as_ref().map_or(&self.grammar["patterns"], |rule| &rule["patterns"]);
            self.rules(list, &mut rules);
            let end = top.as_ref().and_then(|rule| self.found(&rule["end"], line, at));
            let mut best: Option<(usize, &Value, Captures<'_, str>)> = None;
            for rule in rules {
                let regex = if rule["match"].is_null() { &rule["begin"] } else { &rule["match"] };
                if let Some(found) = self.found(regex, line, at)
                    && best.as_ref().is_none_or(|(first, ..)| found.get(0).unwrap().start() < *first)
                {
                    best = Some((found.get(0).unwrap().start(), rule, found));
                }
            }
            if let (Some(found), Some(rule)) = (&end, &top)
                && best.as_ref().is_none_or(|(first, ..)| found.get(0).unwrap().start() <= *first)
            {
                let whole = found.get(0).unwrap();
                mark(at, whole.end(), open, &[], scopes);
                captured(rule, "endCaptures", found, scopes);
                open.pop();
                at = whole.end();
                continue;
            }
            let Some((first, rule, found)) = best else {
                mark(at, line.len(), open, &[], scopes);
                return;
            };
            let whole = found.get(0).unwrap();
            mark(at, first, open, &[], scopes);
            if rule["match"].is_null() {
                let scope = rule["name"].as_str().unwrap_or_default().to_owned();
                open.push(Open { scope, rule: rule.clone() });
                mark(first, whole.end(), open, &[], scopes);
                captured(rule, "beginCaptures", &found, scopes);
            } else {
                mark(first, whole.end(), open, &[&rule["name"]], scopes);
                captured(rule, "captures", &found, scopes);
            }
            assert!(whole.end() > at || whole.end() > first, "a rule that takes nothing: {rule}");
            at = whole.end();
        }
    }
}

/// Holds the colours of a text against its tokens.
fn compared(engine: &Engine, name: &str, text: &str) -> usize {
    let id = SourceMap::default().add("site.ovl", text);
    let lexed = lex(id, text);
    assert!(lexed.errors.is_empty(), "{name}");
    let scopes = engine.scopes(text);
    let has = |at: usize, part: &str| scopes[at].iter().any(|scope| scope.starts_with(part));
    let tell = |start: usize, end: usize, what: &str| -> ! {
        panic!("{name}: `{}` at {start} is not {what}: {:?}", &text[start..end], scopes[start])
    };
    for comment in &lexed.comments {
        if let Some(at) = comment.range().find(|at| !has(*at, "comment.line")) {
            tell(at, comment.end as usize, "a comment");
        }
    }
    let mut first = true;
    let mut blocks = Vec::new();
    for token in &lexed.tokens {
        let (start, end) = (token.start as usize, token.end as usize);
        if matches!(token.kind, TokenKind::Newline | TokenKind::End) {
            first = true;
            continue;
        }
        let word = token.text(text);
        if (start..end).any(|at| has(at, "comment")) {
            tell(start, end, "outside of comments");
        }
        let in_string = (start..end).all(|at| has(at, "string.quoted"));
        let inside = (start..end).all(|at| has(at, "meta.interpolation"));
        let right = match token.kind {
            TokenKind::String => in_string,
            TokenKind::Head => has(end - 1, "punctuation.section.interpolation.begin"),
            TokenKind::Middle => {
                has(start, "punctuation.section.interpolation.end")
                    && has(end - 1, "punctuation.section.interpolation.begin")
            }
            TokenKind::Tail => has(start, "punctuation.section.interpolation.end"),
            TokenKind::LeftBrace | TokenKind::RightBrace => {
                let block = has(start, "punctuation.section.block") && !inside;
                match token.kind {
                    TokenKind::LeftBrace => blocks.push(()),
                    _ => drop(blocks.pop()),
                }
                block
            }
            TokenKind::Arrow | TokenKind::BothWays => has(start, "keyword.operator.arrow"),
            TokenKind::DotDot => has(start, "keyword.operator.range"),
            TokenKind::Plus | TokenKind::Minus | TokenKind::Star | TokenKind::Slash
                if word == "+" || !first && word != "*" =>
            {
                has(start, "keyword.operator.arithmetic")
            }
            TokenKind::Word if first => {
                let known = Block::ALL.iter().flat_map(|block| block.keywords());
                assert!(known.map(|keyword| keyword.text()).any(|keyword| keyword == word), "{name}: {word}");
                has(start, "keyword.control.statement")
            }
            TokenKind::Word if is_connective(word) => has(start, "keyword.other.joining"),
            TokenKind::Word
                if word.parse::<ipnet::IpNet>().is_ok() || word.parse::<std::net::IpAddr>().is_ok() =>
            {
                has(start, "constant.numeric.address") && has(end - 1, "constant.numeric.address")
            }
            TokenKind::Word => {
                !has(start, "keyword.control")
                    && !has(start, "keyword.other")
                    && (inside || !has(start, "string"))
            }
            _ => true,
        };
        if !right {
            tell(start, end, &format!("coloured as {:?}", token.kind));
        }
        first = matches!(token.kind, TokenKind::LeftBrace | TokenKind::RightBrace | TokenKind::Semicolon);
    }
    lexed.tokens.len()
}

#[test]
fn editors_colour_every_golden_site_as_it_is_read() {
    let engine = Engine::new();
    let mut tokens = 0;
    for folder in fs::read_dir(root().join("golden/emit")).unwrap() {
        let path = folder.unwrap().path().join("site.ovl");
        tokens += compared(&engine, &path.display().to_string(), &fs::read_to_string(&path).unwrap());
    }
    for page in ["README.md", "grammar/examples.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for (number, site) in text.split("```ovl\n").skip(1).enumerate() {
            let site = site.split("```").next().unwrap();
            tokens += compared(&engine, &format!("{page} {number}"), site);
        }
    }
    assert!(tokens > 3000, "{tokens}");
    let odd = "network a-{n}{m + 1} {\n    host \"b {n + 1} \\{ # \\\" c\" host(net, 0x10) # why {\n}\n\
               connect a->b { allow tcp 1-2 log \"x\" limit 2/second; deny }\n";
    assert!(compared(&engine, "odd", odd) > 40);
}

/// Every keyword is in the grammar, and nothing that is none.
#[test]
fn editors_know_every_keyword() {
    let engine = Engine::new();
    let words = |name: &str, key: &str| -> Vec<String> {
        let text = engine.grammar["repository"][name][key].as_str().unwrap();
        let mut groups =
            text.split('(').map(|group| group.split(')').next().unwrap().trim_start_matches("?:"));
        let list = groups.find(|group| group.split('|').count() > 3).unwrap();
        let mut words: Vec<String> = list.split('|').map(str::to_owned).collect();
        words.sort();
        words
    };
    let mut known: Vec<String> = Block::ALL
        .iter()
        .flat_map(|block| block.keywords())
        .map(|keyword| keyword.text().to_owned())
        .collect();
    known.sort();
    known.dedup();
    assert_eq!(words("statement", "match"), known);
    let joining = overlapc::syntax::token::KEYWORDS.iter().map(|(text, _)| (*text).to_owned());
    let mut joining: Vec<String> = joining.filter(|text| is_connective(text)).collect();
    joining.sort();
    assert_eq!(words("joining", "match"), joining);
}
