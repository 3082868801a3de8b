//! `overlapc verify`: prove that what was made of a site does what it says, for every packet.
//!
//! Goes in: a site, and perhaps files from elsewhere. Comes out: a line for each obligation, and for each that does
//! not hold a packet that shows it. What must hold: exit status 0 means that all of it is proved; what cannot be
//! read or followed is not.

pub(super) mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use super::chosen::Chosen;
use super::findings::Findings;
use super::{Color, Exit, Failure, host, site, texts};
use crate::check::CheckedSite;
use crate::emit::{Request, Target};
use crate::model::{Rule, Service, Site};
use crate::source::SourceMap;
use crate::verify::{Found, Undecided, verify};
use told::Told;

/// Prove that what is emitted does what the site says, for every packet
///
/// The files are read back by code that shares nothing with what wrote them, and all packets that there can be go
/// through hooks, rules, routes and connection tracking at once. What does not hold is shown with a packet and its
/// way. Nothing is sent and no rights are needed. With `--output-format json` the answer is a document.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The site; `-` is standard input [default: site.ovl]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<String>,

    /// Prove the files in this directory instead, as `compile -o DIRECTORY/` writes them
    #[arg(long, value_name = "DIRECTORY", env = "OVERLAPC_ARTIFACTS", hide_env_values = true)]
    #[arg(value_hint = ValueHint::DirPath)]
    artifacts: Option<PathBuf>,

    #[command(flatten)]
    chosen: Chosen,

    #[command(flatten)]
    findings: Findings,
}

/// The files that say what a gateway does. The script says all of it.
const TARGETS: [Target; 6] =
    [Target::Sh, Target::Nft, Target::Iptables, Target::Ip6tables, Target::Ip, Target::Ip6];

/// The largest script that is proved without being asked for, in bytes: it takes less than a second.
const AT_ONCE: usize = 3_000_000;

/// The most comparisons of rules, ports and prefixes of one list with each other that are made without being asked
/// for: they take a second or two.
const COMPARED_AT_ONCE: usize = 1_000_000;

impl Verify {
    pub(super) fn run(self, color: Color) -> Result<Exit, Failure> {
        let file = self.file.as_deref();
        let Some((site, sources)) = site::ready(file, self.chosen.overrides(), self.findings, color)? else {
            return Ok(Exit::Found);
        };
        site::populated(&site, "prove")?;
        let files = match &self.artifacts {
            Some(directory) => found(directory)?,
            None => compiled(&site, &sources),
        };
        let proof = verify(site.site(), &files);
        let told = Told { site: &site, files: &files, named: self.file.as_deref() };
        let text = if self.findings.is_json() {
            told.json(&proof)
        } else {
            told.text(&proof, host::colour_stdout(color))
        };
        host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
        Ok(if holds(&proof) { Exit::Fine } else { Exit::Found })
    }
}

fn holds(proof: &Result<Found, Undecided>) -> bool {
    proof.as_ref().is_ok_and(|found| found.failures.is_empty())
}

/// Proves a site that is being compiled, if that takes no time: what there is to say about it, and whether it
/// may be printed.
pub(super) fn at_once(site: &CheckedSite, sources: &SourceMap, colour: bool) -> (String, bool) {
    let large =
        || ("not verified: the site is large, and `overlapc verify` takes a while\n".to_owned(), true);
    if compared(site.site()) > COMPARED_AT_ONCE {
        return large();
    }
    let files = compiled(site, sources);
    if files.values().map(String::len).sum::<usize>() > AT_ONCE {
        return large();
    }
    let proof = verify(site.site(), &files);
    if holds(&proof) {
        return ("verified: what was made does what the site says, for every packet\n".to_owned(), true);
    }
    let told = Told { site, files: &files, named: None };
    let defect = "nothing is printed, as this is not proved: a defect of overlapc, please report it with the site; \
                  `--no-verify` prints it all the same\n";
    (told.text(&proof, colour) + defect, false)
}

/// How many parts of lists are held against each other: each port, source and destination of a list of rules against
/// those before it; two prefixes of a network count as a quarter of that, as measured.
fn compared(site: &Site) -> usize {
    let parts = |rule: &Rule| {
        let ports = if let Service::Ports(_, ranges) = &rule.service { ranges.len() } else { 1 };
        ports.max(rule.from.len()).max(rule.to.len())
    };
    let rules = site.rule_lists.iter().map(|list| list.rules.iter().map(parts).sum::<usize>().pow(2));
    let prefixes = site.networks.iter().map(|network| network.prefixes.len().pow(2) / 4);
    rules.chain(prefixes).sum()
}

/// The script of a site that was just compiled.
fn compiled(site: &CheckedSite, sources: &SourceMap) -> BTreeMap<String, String> {
    let artifacts = crate::artifacts(site, sources, &[Request::Whole(Target::Sh)]);
    artifacts.into_iter().map(|artifact| (artifact.name, artifact.text.to_string())).collect()
}

/// The texts in a directory.
fn found(directory: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let files = texts::found(directory, &TARGETS.map(Target::file_name))?;
    let has = |target: Target| files.contains_key(target.file_name());
    let ruleset = has(Target::Nft) || has(Target::Iptables) && has(Target::Ip6tables);
    if has(Target::Sh) || has(Target::Ip) && has(Target::Ip6) && ruleset {
        return Ok(files);
    }
    let shown = directory.display();
    let what = format!("`{shown}` has neither a `{}` nor all files beside it", Target::Sh.file_name());
    Err(Failure::new(what).help("`overlapc compile -t all -o DIRECTORY/` writes them"))
}
