//! What the reader of emitted text makes of it.

use std::fs;
use std::path::{Path, PathBuf};

use overlapc::read::filter::{Field, Filter, Match, Step, Values};
use overlapc::read::nft;

/// The files of a name that goldens expect.
fn goldens(name: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/emit");
    let folders = |path: &Path| -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        all.into_iter().filter(|path| path.is_dir()).collect()
    };
    let files = folders(&root).into_iter().flat_map(|site| folders(&site)).map(|expect| expect.join(name));
    files.filter(|file| file.exists()).collect()
}

#[test]
fn every_emitted_ruleset_is_read_whole() {
    let files = goldens("ruleset.nft");
    assert!(files.len() > 20, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let filter = nft::read(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let rules: usize = filter.chains.iter().map(|chain| chain.rules.len()).sum();
        // A line of a rule is one that ends in its comment; those of sets end in a comma.
        let written = text.lines().filter(|line| line.starts_with("\t\t") && line.ends_with('"'));
        assert_eq!(rules, written.count(), "{}", file.display());
    }
}

/// The same without what listings leave out or have otherwise: lines, and the family where the protocol says it.
fn meaning(mut filter: Filter) -> Filter {
    for chain in &mut filter.chains {
        for rule in &mut chain.rules {
            rule.line = 0;
            let says_family = rule.steps.iter().any(|step| {
                matches!(step, Step::Match(Match { field: Field::Protocol, values: Values::Ranges(ranges), .. })
                    if ranges[..] == [(1, 1)] || ranges[..] == [(58, 58)])
            });
            if says_family {
                rule.steps.retain(|step| !matches!(step, Step::Match(Match { field: Field::Family, .. })));
            }
            for step in &mut rule.steps {
                if let Step::Dispatch(dispatch) = step {
                    dispatch.cases.sort_by_key(|case| format!("{case:?}"));
                }
            }
        }
    }
    filter
}

#[test]
fn a_listing_says_the_same() {
    for name in ["allow-and-deny", "masqueraded", "small-packets"] {
        let emitted = fs::read_to_string(format!(
            "{}/golden/emit/{name}/expect/ruleset.nft",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap();
        let listed = fs::read_to_string(format!("/tmp/w/i5/{name}.listing")).unwrap();
        let (emitted, listed) = (meaning(nft::read(&emitted).unwrap()), meaning(nft::read(&listed).unwrap()));
        for (a, b) in emitted.chains.iter().zip(&listed.chains) {
            assert_eq!(a, b, "{name}");
        }
        assert_eq!(emitted.chains.len(), listed.chains.len());
    }
}
