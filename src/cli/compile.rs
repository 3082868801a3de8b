//! `overlapc compile`: check a site and print or write what the gateway loads.
//!
//! Goes in: a site and the targets. Comes out: artefacts on standard output or in files, findings on
//! standard error. What must hold: an error, a denied warning or a target that does not fit leaves
//! everything as it was.

use std::path::PathBuf;

use clap::builder::{BoolishValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueHint};

use super::chosen::Chosen;
use super::findings::Findings;
use super::output::{Content, Output};
use super::{Color, Exit, Failure, host, site, verify};
use crate::check::CheckedSite;
use crate::emit::{Artifact, Request, Target};
use crate::model::Firewall;

/// Check a site, then print an artefact or write several
#[derive(Debug, Args)]
pub(super) struct Compile {
    /// The site; `-` is standard input [default: site.ovl]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<String>,

    /// What to make (can be repeated)
    #[arg(short, long = "target", value_name = "NAME", env = "OVERLAPC_TARGET", hide_env_values = true)]
    #[arg(value_delimiter = ',', default_value = "sh", value_parser = target_parser())]
    targets: Vec<Wanted>,

    /// Write to this file, or into this directory if it is one, ends in `/`, or several targets are
    /// asked for
    #[arg(short, long, value_name = "PATH", env = "OVERLAPC_OUTPUT", hide_env_values = true)]
    #[arg(value_hint = ValueHint::AnyPath)]
    output: Option<PathBuf>,

    /// Write nothing: compare with what is at PATH, print a diff, exit 1 if it differs
    #[arg(long, requires = "output", env = "OVERLAPC_CHECK", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    check: bool,

    /// Print what was made without proving first that it does what the site says; a large site is never
    /// proved here
    #[arg(long, env = "OVERLAPC_NO_VERIFY", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    no_verify: bool,

    #[command(flatten)]
    chosen: Chosen,

    #[command(flatten)]
    findings: Findings,
}

/// A target, or all that a site usually has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    All,
    One(Target),
}

impl Compile {
    pub(super) fn run(self, color: Color) -> Result<Exit, Failure> {
        let output = self.output.as_deref().filter(|path| path.as_os_str() != "-");
        let several = self.is_several();
        if output.is_none() && several {
            return Err(Failure::new("several targets do not fit on standard output")
                .help("add `-o DIRECTORY/`, or ask for one target"));
        }
        if output.is_none() && self.check {
            return Err(Failure::new("`--check` has nothing to compare with")
                .help("name the file or directory with `-o PATH`"));
        }

        let file = self.file.as_deref();
        let Some((site, sources)) = site::ready(file, self.chosen.overrides(), self.findings, color)? else {
            return Ok(Exit::Found);
        };
        site::populated(&site, "make")?;

        let directory = match output {
            Some(path) => several || Output::names_directory(path)?,
            None => false,
        };
        let requests = self.requests(&site, directory)?;
        if !self.no_verify && !self.check {
            let (said, proved) = verify::at_once(&site, &sources, host::colour_stderr(color));
            host::write_stderr(&said);
            if !proved {
                return Ok(Exit::Found);
            }
        }
        let artifacts = crate::artifacts(&site, &sources, &requests);
        let Some(path) = output else {
            for Artifact { text, .. } in artifacts {
                host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
            }
            return Ok(Exit::Fine);
        };
        let mut contents: Vec<Content> = artifacts.into_iter().map(Content::from).collect();
        let output = match contents.pop() {
            Some(only) if !directory => Output::file(path, only)?,
            last => Output::directory(path, contents.into_iter().chain(last).collect())?,
        };
        if !self.check {
            output.write()?;
            return Ok(Exit::Fine);
        }
        let (difference, exit) = output.compare(host::colour_stdout(color))?;
        host::write_stdout(difference).map_err(|error| Failure::stdout(&error))?;
        Ok(exit)
    }

    /// Whether more than one artefact is asked for, whatever the site says.
    fn is_several(&self) -> bool {
        self.targets.iter().any(|wanted| *wanted == Wanted::All || *wanted != self.targets[0])
    }

    /// What is asked for, each once, in the order of [`Target::ALL`]. Into a directory, a target that
    /// divides is a folder where it is named, and one text where it is part of `all`.
    fn requests(&self, site: &CheckedSite, directory: bool) -> Result<Vec<Request>, Failure> {
        let firewall = site.settings().firewall;
        let named = |target| self.targets.contains(&Wanted::One(target));
        if let Some(target) = Target::ALL.iter().copied().find(|t| named(*t) && !t.applies(firewall)) {
            let (is, other) = match firewall {
                Firewall::Nftables => ("nftables", "iptables"),
                Firewall::Iptables => ("iptables", "nftables"),
            };
            let message = format!("target `{}` does not go with `firewall {is}`", target.name());
            return Err(Failure::new(message).help(format!("add `--firewall {other}`")));
        }
        let all = self.targets.contains(&Wanted::All);
        let requests = Target::ALL.iter().flat_map(|&target| {
            let divided = directory && target.divides();
            let whole = (named(target) && !divided) || (all && target.usual(firewall));
            let whole = whole.then_some(Request::Whole(target));
            whole.into_iter().chain((named(target) && divided).then_some(Request::Divided(target)))
        });
        Ok(requests.collect())
    }
}

impl From<Artifact> for Content {
    fn from(artifact: Artifact) -> Self {
        Self { name: artifact.name, text: artifact.text, executable: artifact.target.executable() }
    }
}

/// Reads a target's name, and lists all of them in help and completions.
fn target_parser() -> impl TypedValueParser<Value = Wanted> {
    let meaning = |target| match target {
        Target::Sh => "the whole gateway as one POSIX script",
        Target::Nft => "a file for nft -f",
        Target::Iptables => "a file for iptables-restore",
        Target::Ip6tables => "a file for ip6tables-restore",
        Target::Ip => "a file for ip -batch",
        Target::Ip6 => "a file for ip -6 -batch",
        Target::Nodes => {
            "the routes that the hosts of each network need: `ip route` lines; with `-o DIRECTORY/` a folder \
             for each network, also for systemd-networkd, dnsmasq, Kea, radvd and Windows"
        }
        Target::Hosts => {
            "the hosts that have names, under the address that each network must use: lines for /etc/hosts; \
             with `-o DIRECTORY/` a file for each network"
        }
        Target::Dnsmasq => {
            "the same for dnsmasq, and the translation of a far resolver's answers; with `-o DIRECTORY/` a \
             file for each network"
        }
        Target::Json => "the plan as a document",
    };
    let names =
        Target::ALL.iter().map(move |target| PossibleValue::new(target.name()).help(meaning(*target)));
    let all = PossibleValue::new("all").help("all that apply to the site, except `hosts` and `dnsmasq`");
    PossibleValuesParser::new(names.chain([all]))
        .map(|name| Target::from_name(&name).map_or(Wanted::All, Wanted::One))
}
