//! `up` and `down` that are killed half-way, at every place.
//!
//! First both run once, stopped before every command: what the kernel and the folder of the state hold
//! there is compared with the place before, and traffic passes. Places between which nothing has changed
//! are one, as what comes after a kill goes by the state alone. Then the script is killed at each, traffic
//! passes again, and `up` must come to the same listing as an undisturbed one, or `down` to the one from
//! before. Half of the places are for `up`, half for `down`: the other half is the other firewall's, where
//! the script is the same; what the firewall's own programs have changed is recovered from in both ways.

use std::fs;
use std::path::Path;

use overlapc::lab::run::agents::Agents;

use crate::Score;
use crate::case::Case;
use crate::listing::Listing;
use crate::stepping::Stepper;
use crate::traffic::Traffic;

/// What `up` and `down` keep. Their scratch files lie elsewhere or end in `.new`, and are written before
/// they are read.
const STATE: &str = "/run/overlapc";

/// The kernel's listings, and the files of the state with what is in them.
#[derive(Clone, PartialEq, Eq)]
struct State {
    listing: Listing,
    files: Vec<(String, String)>,
}

/// Programs that change nothing but what they print; what the shell itself writes goes into files of the
/// state, before it goes into a setting.
const READERS: &[&str] =
    &["id", "awk", "cat", "cmp", "cut", "flock", "grep", "head", "sed", "sort", "tr", "true", "uniq", "wc"];

impl State {
    fn read() -> Result<Self, String> {
        Ok(Self { listing: Listing::read()?, files: Self::files()? })
    }

    /// The same later, where only these programs have run since.
    fn after(self, programs: &[String]) -> Result<Self, String> {
        let files = Self::files()?;
        if files == self.files && programs.iter().all(|program| READERS.contains(&program.as_str())) {
            return Ok(self);
        }
        Ok(Self { listing: Listing::read()?, files })
    }

    fn files() -> Result<Vec<(String, String)>, String> {
        let mut files = Vec::new();
        if Path::new(STATE).exists() {
            for file in fs::read_dir(STATE).map_err(|e| format!("{STATE}: {e}"))?.flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                if name.ends_with(".new") {
                    continue;
                }
                let text = fs::read(file.path()).unwrap_or_default();
                files.push((name, String::from_utf8_lossy(&text).into_owned()));
            }
            files.push((".".to_owned(), String::new()));
        }
        files.sort();
        Ok(files)
    }

    fn same(&self, later: &Self) -> Result<(), String> {
        self.listing.without_chance().same(&later.listing.without_chance())?;
        let names = |state: &Self| state.files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        if names(self) != names(later) {
            return Err(format!("files {:?}, not {:?}", names(later), names(self)));
        }
        match self.files.iter().zip(&later.files).find(|(one, other)| one != other) {
            Some(((name, one), (_, other))) => Err(format!("{name}:\n{one}is now\n{other}")),
            None => Ok(()),
        }
    }
}

/// A place to kill the script at: the word, the number of the program, whether that runs first, and by what
/// to recover.
struct Place {
    word: &'static str,
    at: usize,
    was_last: bool,
    recovery: &'static str,
    before: String,
}

impl Case<'_> {
    /// Kills the script at every `stride`th place from `first`.
    pub fn interrupted(
        &self,
        stride: usize,
        first: usize,
        agents: &mut Agents,
        traffic: &mut Traffic,
        score: &mut Score,
    ) -> Result<(), String> {
        let stepper = Stepper::new(&self.shell, &self.folder.join("site.sh"))?;
        self.script("down")?.must("down")?;
        let clean = State::read()?;
        self.script("up")?.must("up")?;
        let whole = State::read()?;
        let mut places = Vec::new();
        for (word, from) in [("down", &whole), ("up", &clean)] {
            let found = self.places(&stepper, word, from, first, (agents, traffic))?;
            let count = found.len();
            places.extend(
                found.into_iter().enumerate().filter(|(n, _)| n % stride == first % stride).map(|p| p.1),
            );
            score.note(&self.name, &format!("{word} stopped before every command, {count} places"), Ok(()));
        }
        let mut reasons = Vec::new();
        let count = places.len();
        let mut is_up = true;
        while !places.is_empty() {
            // What leaves the site as it is comes first.
            let word = if is_up { "down" } else { "up" };
            let stays = if is_up { "up" } else { "down" };
            let next = places.iter().position(|p| p.word == word && p.recovery == stays);
            let Some(next) = next.or_else(|| places.iter().position(|p| p.word == word)) else {
                self.script(word)?.must(word)?;
                is_up = !is_up;
                continue;
            };
            let place = places.swap_remove(next);
            let when = if place.was_last { "behind" } else { "before" };
            let name = format!("{} killed {when} command {}, {}", place.word, place.at, place.before);
            if stepper.killed(place.word, place.at, place.was_last)?.code != -1 {
                reasons.push(format!("{name}: it was not killed"));
            }
            traffic.round(&name, agents)?;
            let recovered = self.script(place.recovery)?;
            is_up = place.recovery == "up";
            let wanted = if is_up { &whole } else { &clean };
            let outcome = recovered.must(place.recovery).and_then(|_| wanted.same(&State::read()?));
            if let Err(reason) = outcome {
                reasons.push(format!("{name}, then {}: {reason}", place.recovery));
                // The next place begins where it should.
                self.script("down")?.must("down")?;
                is_up = false;
            }
        }
        if !is_up {
            self.script("up")?.must("up")?;
        }
        self.verdict(
            (format!("killed at {count} places, up or down comes to what it should"), reasons),
            score,
        );
        Ok(())
    }

    /// The numbers of the commands before which something had changed.
    fn places(
        &self,
        stepper: &Stepper,
        word: &'static str,
        from: &State,
        first: usize,
        (agents, traffic): (&mut Agents, &mut Traffic),
    ) -> Result<Vec<Place>, String> {
        let mut places: Vec<Place> = Vec::new();
        let mut last = State::read()?;
        from.same(&last).map_err(|reason| format!("{word}: not the state to begin with: {reason}"))?;
        let (mut since, mut fresh) = (Vec::new(), Vec::new());
        let mut turn = first;
        let code = stepper.stepped(word, |number, name| {
            let now = last.clone().after(&fresh)?;
            fresh = vec![name.to_owned()];
            traffic.round(&format!("{word} before command {number}, {name}"), agents)?;
            if now != last {
                let own =
                    |tool: &String| ["nft", "iptables", "ip6tables"].iter().any(|t| tool.starts_with(t));
                let before = format!("after {}", since.join(" "));
                let both = since.iter().any(own);
                // What the shell itself writes comes between two programs. Before `down` it is not written: who
                // changes first and takes note later is found out.
                let ended = since.last().is_some_and(|last| !READERS.contains(&last.as_str()));
                for recovery in ["up", "down"] {
                    if both || (recovery == "up") == turn.is_multiple_of(2) {
                        let was_last = ended && recovery == "down";
                        let at = if was_last { number - 1 } else { number };
                        places.push(Place { word, at, was_last, recovery, before: before.clone() });
                    }
                }
                turn += 1;
                since.clear();
                last = now;
            }
            since.push(name.to_owned());
            Ok(())
        })?;
        if code == 0 { Ok(places) } else { Err(format!("{word}, stopped before every command: exit {code}")) }
    }
}
