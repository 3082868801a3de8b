//! Whether a kernel does with packets what the models say: with what is compiled, and with faulty scripts.
//!
//! `replay make DIRECTORY PLACE FAULTS [FIRST]` makes plays: each golden script of PLACE, `ns` without VRF devices or `vm`
//! with them, and that many with a fault in them, from the FIRST one on; with each, packets that are drawn and
//! those by which the proof shows what is wrong. `replay play FOLDER...` plays them: it needs root, a namespace and
//! a /run of its own, and one processor (taskset(1)). One PASS or FAIL line a script.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../../it/dice.rs"]
mod dice;
// These are of the tests, which need more of them.
#[allow(dead_code)]
mod drawn;
mod made;
mod play;
mod played;
#[allow(dead_code)]
mod seeded;
mod wires;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use overlapc::model::{Firewall, Isolation};
use overlapc::source::SourceMap;
use overlapc::{Overrides, front, syntax};

use drawn::forms::Form;
use play::Play;
use played::{Score, played};
use seeded::text::Text;

struct Files<'p>(&'p Path);

impl syntax::Loader for Files<'_> {
    fn load(&self, name: &str) -> Result<String, String> {
        fs::read_to_string(self.0.join(name)).map_err(|error| error.to_string())
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["make", directory, place @ ("ns" | "vm"), faults, ref first @ ..] => {
            let number = |word: &str| word.parse().map_err(|_| format!("`{word}` is no number"));
            let first = first.first().map_or(Ok(0), |word| number(word));
            number(faults).and_then(|faults| make(Path::new(directory), place == "vm", faults, first?))
        }
        ["play", ref folders @ ..] if !folders.is_empty() => return plays(folders),
        _ => Err("replay make DIRECTORY ns|vm FAULTS [FIRST], or replay play FOLDER...".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("FAIL {why}");
            ExitCode::FAILURE
        }
    }
}

/// Makes plays: of each script, and of so many faults, of different kinds and in different scripts.
fn make(directory: &Path, vrf: bool, faults: usize, first: usize) -> Result<(), String> {
    let scripts = scripts(vrf);
    let mut number = 0;
    let mut write = |name: &str, form: &Form| -> Result<(), String> {
        let Some(play) = made::made(name, form, number)? else { return Ok(()) };
        let folder = directory.join(format!("play-{number}"));
        number += 1;
        let text = serde_json::to_string(&play).map_err(|error| error.to_string())?;
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("play"), text))
            .and_then(|()| fs::write(folder.join("site.sh"), &form.files["site.sh"]))
            .map_err(|error| format!("{}: {error}", folder.display()))
    };
    for (name, folder) in &scripts {
        write(name, &form(folder, None)?)?;
    }
    let kinds: Vec<_> = seeded::kinds().collect();
    for fault in first..first + faults {
        // Kinds in turn, but not neighbours, which are alike; and each time that one has its turn, another place.
        let kind = kinds[fault * 7 % kinds.len()];
        let mut all = Vec::new();
        for (name, folder) in &scripts {
            let script = fs::read_to_string(folder.join("site.sh")).map_err(|error| error.to_string())?;
            let text = Text::of(&script);
            all.extend((kind.1)(&text).into_iter().map(|fault| {
                (format!("{name} [{}] {}", kind.0, text.told(&fault)), folder, text.with(&fault))
            }));
        }
        if !all.is_empty() {
            let (told, folder, script) = all.swap_remove(fault * 7919 % all.len());
            write(&told, &form(folder, Some(script))?)?;
        }
    }
    Ok(())
}

/// The golden scripts with VRF devices, or without.
fn scripts(vrf: bool) -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/emit");
    let mut scripts = Vec::new();
    for site in sorted(&root) {
        for folder in sorted(&site) {
            let Ok(script) = fs::read_to_string(folder.join("site.sh")) else { continue };
            if vrf == script.contains("\nVRF=yes\n") {
                let name = folder.strip_prefix(&root).unwrap_or(&folder).display().to_string();
                scripts.push((name, folder));
            }
        }
    }
    scripts
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    paths.sort();
    paths
}

/// A golden script with its site, as it is or with another text.
fn form(folder: &Path, script: Option<String>) -> Result<Form, String> {
    let case = folder.parent().ok_or("no case")?;
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let text = read(&folder.join("site.sh"))?;
    let isolation = if text.contains("\nVRF=yes\n") { Isolation::Vrf } else { Isolation::Rules };
    let firewall = if text.contains("*raw") { Firewall::Iptables } else { Firewall::Nftables };
    let mut sources = SourceMap::default();
    let root = sources.add("site.ovl", read(&case.join("site.ovl"))?);
    let overrides = Overrides { isolation: Some(isolation), firewall: Some(firewall) };
    let site = front(sources, root, &Files(case), overrides).value.ok_or("the site is refused")?;
    Ok(Form { site, files: BTreeMap::from([("site.sh".to_owned(), script.unwrap_or(text))]) })
}

/// Plays what was made.
fn plays(folders: &[&str]) -> ExitCode {
    let [mut passed, mut failed, mut left, mut stayed, mut drops, mut accepts] = [0; 6];
    let mut shown = 0;
    for folder in folders {
        let folder = Path::new(folder);
        let read = fs::read_to_string(folder.join("play")).map_err(|error| error.to_string());
        let play =
            read.and_then(|text| serde_json::from_str::<Play>(&text).map_err(|error| error.to_string()));
        let (name, outcome) = match play {
            Ok(play) => {
                (play.name.clone(), played(&play, &folder.join("site.sh")).map(|it| (it, play.shown)))
            }
            Err(why) => (folder.display().to_string(), Err(why)),
        };
        match outcome {
            // A faulty script may refuse itself, and that is not about packets; one that is right must not.
            Ok((Err(why), _)) if name.contains('[') => {
                passed += 1;
                println!("PASS {name}: refuses itself: {}", why.lines().next().unwrap_or_default());
            }
            Ok((Ok(score), of_proof)) => {
                let Score { false_drops, false_accepts, .. } = &score;
                (left, stayed, shown) = (left + score.left, stayed + score.stayed, shown + of_proof);
                (drops, accepts) = (drops + false_drops.len(), accepts + false_accepts.len());
                if false_drops.is_empty() && false_accepts.is_empty() {
                    passed += 1;
                    println!("PASS {name}: {} left, {} did not", score.left, score.stayed);
                } else {
                    failed += 1;
                    println!("FAIL {name}");
                    false_drops.iter().for_each(|it| println!("     false drop: {it}"));
                    false_accepts.iter().for_each(|it| println!("     false accept: {it}"));
                }
            }
            Ok((Err(why), _)) | Err(why) => {
                failed += 1;
                println!("FAIL {name}: {why}");
            }
        }
    }
    println!("{} packets, {left} of which left; {shown} of them shown by the proof", left + stayed);
    println!("false drops: {drops}, false accepts: {accepts}");
    println!("summary {passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
