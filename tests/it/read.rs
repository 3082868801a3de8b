//! What the reader of emitted text makes of it.

use std::fs;
use std::path::{Path, PathBuf};

use overlapc::read::filter::{Field, Filter, Match, Step, Values};
use overlapc::read::{ip, iptables, nft};

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

#[test]
fn every_emitted_restore_file_is_read_whole() {
    for (name, v4) in [("rules.v4", true), ("rules.v6", false)] {
        let files = goldens(name);
        assert!(files.len() > 20, "{}", files.len());
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let filter =
                iptables::read(&text, v4).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let rules: usize = filter.chains.iter().map(|chain| chain.rules.len()).sum();
            let written = text.lines().filter(|line| line.starts_with("-A") || line.starts_with("-I"));
            assert_eq!(rules, written.count(), "{}", file.display());
        }
    }
}

#[test]
fn what_iptables_save_prints_says_the_same() {
    for name in ["allow-and-deny", "masqueraded", "small-packets"] {
        for (family, v4) in [("v4", true), ("v6", false)] {
            let file =
                format!("{}/golden/emit/{name}/expect-iptables/rules.{family}", env!("CARGO_MANIFEST_DIR"));
            let emitted = iptables::read(&fs::read_to_string(file).unwrap(), v4).unwrap();
            let listed =
                iptables::read(&fs::read_to_string(format!("/tmp/w/i5/{name}.{family}")).unwrap(), v4)
                    .unwrap();
            for chain in &emitted.chains {
                let same =
                    listed.chains.iter().find(|it| (&it.table, &it.name) == (&chain.table, &chain.name));
                let rules = |filter: &Filter, chain: &overlapc::read::filter::Chain| -> Vec<String> {
                    let name = |place: usize| filter.chains[place].name.clone();
                    chain
                        .rules
                        .iter()
                        .map(|rule| {
                            let steps: Vec<String> = rule
                                .steps
                                .iter()
                                .map(|step| match step {
                                    Step::Verdict(overlapc::read::filter::Verdict::Jump(to)) => {
                                        format!("jump {}", name(*to))
                                    }
                                    Step::Verdict(overlapc::read::filter::Verdict::Goto(to)) => {
                                        format!("goto {}", name(*to))
                                    }
                                    step => format!("{step:?}"),
                                })
                                .collect();
                            steps.join("; ")
                        })
                        .collect()
                };
                let same = same.unwrap_or_else(|| panic!("{name}: no {}", chain.name));
                assert_eq!(
                    rules(&emitted, chain),
                    rules(&listed, same),
                    "{name} {family} {} {}",
                    chain.table,
                    chain.name
                );
            }
        }
    }
}

#[test]
fn every_emitted_batch_is_read_whole() {
    for (name, v4) in [("ip.batch", true), ("ip6.batch", false)] {
        let files = goldens(name);
        assert!(files.len() > 20, "{}", files.len());
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let commands =
                ip::commands(&text, v4).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let written = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            assert_eq!(commands.len(), written.count(), "{}", file.display());
        }
    }
}
