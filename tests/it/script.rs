//! What the reader makes of the scripts that goldens expect, and of some that were altered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use overlapc::read::script::actions::Action;
use overlapc::read::script::fixed::{self, Part};
use overlapc::read::script::{self, At};
use overlapc::read::{artifacts, routing};
use overlapc::sim::host::Host;
use overlapc::verify::states::States;
use overlapc::verify::{neighbour, order, shut};

use crate::bench::repository;
use crate::expected::{Files, compare_file, files_in, folders_in};

/// Every folder of files that a golden expects, by its name.
pub fn emitted() -> BTreeMap<String, Files> {
    let mut all = BTreeMap::new();
    for site in folders_in(&repository().join("golden/emit")) {
        for folder in folders_in(&site) {
            let files = files_in(&folder);
            if files.contains_key("site.sh") {
                let name = folder.strip_prefix(repository()).unwrap().display().to_string();
                all.insert(name, files);
            }
        }
    }
    assert!(all.len() > 40, "{}", all.len());
    all
}

/// The reader knows the fixed parts of scripts by their digests; a template that has changed changes one.
#[test]
fn script_parts_that_are_alike_for_all_sites_are_known() {
    let mut parts: BTreeSet<(String, String, u64)> = BTreeSet::new();
    let mut order: Vec<Part> = Vec::new();
    for (name, files) in emitted() {
        let read = fixed::parts(&files["site.sh"]).unwrap_or_else(|error| panic!("{name}: {error}"));
        for part in read {
            if parts.insert((part.table.to_owned(), part.name.clone(), part.digest)) {
                order.push(part);
            }
        }
    }
    let path = repository().join("src/read/script/known.rs");
    let text = fs::read_to_string(&path).unwrap();
    let mut made = text.split("\n/// Functions of every").next().unwrap().to_owned();
    for (table, what) in [
        ("BOTH", "Functions of every script."),
        ("NFTABLES", "Functions of a script that speaks to nft."),
        ("IPTABLES", "Functions of a script that speaks to iptables."),
        ("COMMANDS", "Commands of several lines, by how they begin."),
        ("OUTLINES", "What the functions whose order is read do besides their steps."),
    ] {
        write!(made, "\n/// {what}\npub(super) const {table}: &[(&str, u64)] = &[\n").unwrap();
        for part in order.iter().filter(|part| part.table == table) {
            let name = &part.name;
            let quoted =
                if name.contains(['"', '\\']) { format!("r#\"{name}\"#") } else { format!("\"{name}\"") };
            writeln!(made, "    ({quoted}, 0x{:016x}),", part.digest).unwrap();
        }
        made.push_str("];\n");
    }
    let differences = compare_file(&path, &made);
    assert!(
        differences.is_empty(),
        "{differences}\nif that is right: BLESS=1 cargo test --test it script_parts"
    );
}

/// The script says what the other files say, and a host can be told so.
#[test]
fn script_of_every_golden_says_what_the_other_files_say() {
    for (name, files) in emitted() {
        let read = |files: &Files| {
            artifacts::read(files).unwrap_or_else(|(file, error)| panic!("{name}/{file}: {error}"))
        };
        let whole = read(&files);
        let mut apart = files.clone();
        apart.remove("site.sh");
        let apart = read(&apart);
        assert_eq!(whole.commands.len(), apart.commands.len(), "{name}");
        assert_eq!(whole.filters.len(), apart.filters.len(), "{name}");
        let settings = whole.settings.as_ref().unwrap();
        assert!(settings.keys().any(|path| path.ends_with("/forwarding")), "{name}");
        let written = |name: &str| files["site.sh"].lines().filter(|line| line.starts_with(name)).count();
        assert_eq!(
            settings.len(),
            written("ipv4/") + written("ipv6/") + written("    printf '%s\\n' 'ipv"),
            "{name}"
        );
        Host::of(&whole).unwrap_or_else(|(place, why)| panic!("{name}: {:?}: {why}", whole.commands[place]));
    }
}

/// Every change on the way up and down can be made, up is what the files say, and down is as before.
#[test]
fn script_goes_up_and_down_step_by_step() {
    for (name, files) in emitted() {
        let script = script::read(&files["site.sh"]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut states = States::from_nothing(&script);
        let before = states.host().clone();
        let mut go = |actions: Vec<At<Action>>| {
            let last = actions.len() - 1;
            for (place, action) in actions.iter().enumerate() {
                states.apply(action).unwrap_or_else(|error| panic!("{name}:{}: {}", error.line, error.why));
                assert_eq!(states.is_shut(), place < last, "{name}:{}", action.line);
            }
            states.host().clone()
        };
        let up = go(script.up());
        let told = Host::of(&artifacts::of_script(&script)).unwrap();
        assert_eq!(
            (&up.links, &up.addresses, &up.settings),
            (&told.links, &told.addresses, &told.settings),
            "{name}"
        );
        assert_eq!((&up.routes, &up.rules), (&told.routes, &told.rules), "{name}");
        let rules = |host: &Host| -> usize {
            host.filters.iter().flat_map(|filter| &filter.chains).map(|chain| chain.rules.len()).sum()
        };
        assert_eq!(rules(&up), rules(&told), "{name}");
        let mut down = go(script.down());
        // The kernel keeps the rule of VRF devices.
        down.rules.retain(|rule| rule.action != routing::Action::Vrf);
        assert_eq!(format!("{down:?}"), format!("{before:?}"), "{name}");
    }
}

/// Nothing that is emitted touches what is somebody else's, and everything comes in its order.
#[test]
fn script_of_every_golden_is_a_good_neighbour() {
    for (name, files) in emitted() {
        let text = &files["site.sh"];
        let script = script::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(neighbour::check(&script, text), [], "{name}");
        assert_eq!(order::check(&script), [], "{name}");
        assert_eq!(shut::check(&script), [], "{name}");
    }
}
