//! Texts that mean harm, or nothing: what the fuzzer found before, and goldens that are cut short or mixed up.

#[path = "../fuzz/inputs.rs"]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::repository;
use crate::dice::Dice;

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() { open.push(path) } else { all.push(path) }
        }
    }
    all.sort();
    all
}

#[test]
fn what_the_fuzzer_found_breaks_nothing_any_more() {
    for (name, _) in inputs::INPUTS {
        for path in files(&repository().join("tests/fuzz/found").join(name)) {
            println!("{}", path.display());
            inputs::run(name, &fs::read(path).unwrap());
        }
    }
}

/// Each input has its target for the fuzzer.
#[test]
fn the_fuzzer_has_a_target_for_each_input() {
    let manifest = fs::read_to_string(repository().join("tests/fuzz/Cargo.toml")).unwrap();
    for (name, _) in inputs::INPUTS {
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
        let target = fs::read_to_string(repository().join(format!("tests/fuzz/targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("inputs::run(\"{name}\", bytes)")), "{name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), inputs::INPUTS.len());
}

#[test]
fn goldens_that_are_cut_short_or_mixed_up_break_nothing() {
    let mut dice = Dice(41);
    let golden = files(&repository().join("golden"));
    let of = |ends: &[&str]| -> Vec<Vec<u8>> {
        let wanted =
            golden.iter().filter(|path| ends.iter().any(|end| path.to_string_lossy().ends_with(end)));
        wanted.map(|path| fs::read(path).unwrap()).filter(|bytes| bytes.len() < 120_000).collect()
    };
    for (name, _) in inputs::INPUTS {
        let texts = match *name {
            "read_nft" => of(&[".nft"]),
            "read_iptables" => of(&["rules.v4", "rules.v6"]),
            "read_ip" => of(&[".batch"]),
            "read_script" => of(&["site.sh"]),
            _ => of(&[".ovl"]),
        };
        assert!(texts.len() > 3, "{name}");
        for _ in 0..150 {
            let mut text = texts[dice.below(texts.len())].clone();
            text.truncate(1 + dice.below(text.len()));
            for _ in 0..dice.below(3) {
                let other = &texts[dice.below(texts.len())];
                let from = dice.below(other.len());
                let piece = &other[from..(from + dice.below(60)).min(other.len())];
                let at = dice.below(text.len());
                let until = (at + dice.below(40)).min(text.len());
                text.splice(at..until, piece.iter().copied());
            }
            inputs::run(name, &text);
        }
    }
}
