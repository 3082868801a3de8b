//! The examples beside the grammar: accepted ones parse, rejected ones make just their code.

use std::collections::BTreeMap;
use std::fs;

use super::{codes, findings, grammar, root};

/// A fenced block: the heading it stands under, the words after its fence, and its text.
struct Block {
    heading: String,
    label: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let page = fs::read_to_string(root().join("grammar/examples.md")).unwrap();
    let mut blocks = Vec::new();
    let mut heading = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.trim_matches('`').to_owned();
        } else if let Some(label) = line.strip_prefix("```") {
            let text: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            blocks.push(Block { heading: heading.clone(), label: label.to_owned(), text });
        }
    }
    blocks
}

#[test]
fn examples_behave_as_they_are_labelled() {
    for Block { heading, label, text } in blocks() {
        match label.split(' ').collect::<Vec<_>>().as_slice() {
            ["ovl"] => assert!(codes(&text).is_empty(), "{heading}:\n{text}\n{:#?}", findings(&text)),
            ["ovl", "rejected", code] => assert_eq!(codes(&text), [*code], "{heading}:\n{text}"),
            other => panic!("under `{heading}`: unknown label {other:?}"),
        }
    }
}

#[test]
fn every_production_has_an_accepted_and_a_rejected_example() {
    let mut labels: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for block in blocks() {
        labels.entry(block.heading).or_default().push(block.label == "ovl");
    }
    for (name, _) in grammar().productions {
        let labels = labels.get(&name).unwrap_or_else(|| panic!("no examples of `{name}`"));
        assert!(labels.contains(&true) && labels.contains(&false), "`{name}` lacks one kind of example");
    }
}
