//! `overlapc trace`: one packet's way through what was emitted, step by step, and its answer's.
//!
//! Goes in: a site and a packet. Comes out: phases with the rules that did something, and what became of the
//! packet. What must hold: the emitted files are read back and nothing of the plan decides a packet's way;
//! exit 0 whatever became of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueHint};

use super::chosen::Chosen;
use super::findings::Findings;
use super::{Color, Exit, Failure, host, site};
use crate::check::CheckedSite;
use crate::plan::{self, Plan};
use crate::sim::conntrack::Connections;
use crate::sim::fate::Fate;
use crate::sim::phase::Passage;
use crate::sim::routes::Gateway;
use gateway::Told;
use places::Places;
use words::Sent;

pub(super) mod document;
mod gateway;
mod places;
mod result;
mod short;
mod text;
mod words;

/// Follow one packet through the emitted rules, step by step, and its answer back
///
/// The site is compiled, its files are read back as a gateway would load them, and the packet goes through
/// hooks, ip rules, routes and connection tracking as the kernel does it. Each step names the line of the
/// artefact and, as its comment has it, that of the site. Then whoever was reached answers. Nothing is sent
/// and no rights are needed. With `--output-format json` the answer is a document. Exit status 0 whatever became
/// of the packet.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub(super) struct Trace {
    /// The site; `-` is standard input [default: site.ovl]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<String>,

    /// The packet: `NETWORK SOURCE[:PORT] -> DESTINATION[:PORT] PROTOCOL`
    ///
    /// As in `inner 192.168.2.10:4000 -> 192.168.23.10:80 tcp`, `inner plc -> hmi.outer icmp` or
    /// `inner [fd00::1]:4000 -> [fd64::1]:53 udp`. In place of a network, `dev NAME` is any device. PROTOCOL is
    /// a name or a number; behind it may stand `type N` (of icmp), `ttl N` and `mark N`.
    #[arg(value_name = "PACKET", required = true)]
    packet: String,

    /// Go through the files in this directory instead, as `compile -o DIRECTORY/` writes them
    #[arg(long, value_name = "DIRECTORY", env = "OVERLAPC_ARTIFACTS", hide_env_values = true)]
    #[arg(value_hint = ValueHint::DirPath)]
    artifacts: Option<PathBuf>,

    /// Only where it came in and went out, a line each, as tcpdump would show it
    #[arg(long, env = "OVERLAPC_SHORT", hide_env_values = true, value_parser = BoolishValueParser::new())]
    short: bool,

    #[command(flatten)]
    chosen: Chosen,

    #[command(flatten)]
    findings: Findings,
}

/// A packet and its way.
struct Way {
    what: What,
    /// The device that it came in by; none of the gateway's own.
    device: Option<String>,
    passage: Passage,
}

/// Which packet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// The one that was asked about.
    Asked,
    /// What the gateway tells the sender about the one before.
    Error,
    /// What the one that was reached answers.
    Answer,
}

/// What is told, and of what.
struct Shown<'a> {
    plan: &'a Plan,
    places: Places<'a>,
    ways: Vec<Way>,
    notes: Vec<String>,
}

impl Trace {
    pub(super) fn run(self, color: Color) -> Result<Exit, Failure> {
        let file = self.file.as_deref();
        let Some((site, sources)) = site::ready(file, self.chosen.overrides(), self.findings, color)? else {
            return Ok(Exit::Found);
        };
        let plan = plan::lower(&site);
        let sent = words::read(&plan, &self.packet)?;
        let files = match &self.artifacts {
            Some(directory) => gateway::found(directory)?,
            None => gateway::compiled(&site, &sources),
        };
        let mut told = Told::new(&files, &plan)?;
        let ways = ways(&told, sent)?;
        let mut notes = std::mem::take(&mut told.notes);
        if ways.iter().any(|way| way.passage.fate == Fate::NoRoute) {
            notes.push("routes that the gateway has besides those of the site are not known here".to_owned());
        }
        let places = Places { artifacts: &told.artifacts, host: &told.host };
        let shown = Shown { plan: &plan, places, ways, notes };
        let text = if self.findings.is_json() {
            shown.json()
        } else if self.short {
            shown.short()
        } else {
            shown.text(host::colour_stdout(color))
        };
        host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
        Ok(Exit::Fine)
    }
}

/// The way of one packet through files, as `trace` tells it.
pub(super) fn way_of(
    site: &CheckedSite,
    files: &BTreeMap<String, String>,
    packet: &str,
    colour: bool,
) -> Result<String, Failure> {
    let plan = plan::lower(site);
    let sent = words::read(&plan, packet)?;
    let told = Told::new(files, &plan)?;
    let ways = ways(&told, sent)?;
    let places = Places { artifacts: &told.artifacts, host: &told.host };
    Ok(Shown { plan: &plan, places, ways, notes: Vec::new() }.text(colour))
}

/// Sends the packet, and whatever follows from it.
fn ways(told: &Told, sent: Sent) -> Result<Vec<Way>, Failure> {
    let gateway = Gateway::new(&told.host);
    let mut connections = Connections::default();
    let Sent { device, packet, mark } = sent;
    if !told.host.links.contains_key(&device) {
        let known: Vec<&str> = told.host.links.keys().map(String::as_str).collect();
        let near = crate::diag::suggest::closest(&device, known.iter().copied());
        let help =
            near.map_or_else(|| format!("it has {}", known.join(", ")), |it| format!("did you mean `{it}`?"));
        return Err(Failure::new(format!("the gateway has no device `{device}`")).help(help));
    }
    let mut ways = Vec::new();
    let passage = gateway.receive(&mut connections, &device, packet, mark).map_err(unknown)?;
    let error = passage.error.clone();
    let reached = passage.fate.clone();
    ways.push(Way { what: What::Asked, device: Some(device.clone()), passage });
    if let Some(error) = error {
        ways.push(Way { what: What::Error, device: None, passage: *error });
        return Ok(ways);
    }
    let asked = &ways[0].passage;
    let answered = match reached {
        Fate::Left { device, .. } => {
            let Some(answer) = asked.packet.answer() else { return Ok(ways) };
            let passage = gateway.receive(&mut connections, &device, answer, 0).map_err(unknown)?;
            let error = passage.error.clone();
            let way = Way { what: What::Answer, device: Some(device), passage };
            Some((way, error))
        }
        Fate::Local => match gateway.answer(asked, &device) {
            Some(own) => {
                let passage = gateway.send(&mut connections, own).map_err(unknown)?;
                Some((Way { what: What::Answer, device: None, passage }, None))
            }
            None => None,
        },
        _ => None,
    };
    if let Some((way, error)) = answered {
        ways.push(way);
        ways.extend(error.map(|error| Way { what: What::Error, device: None, passage: *error }));
    }
    Ok(ways)
}

fn unknown(why: String) -> Failure {
    Failure::new(format!("the packet cannot be followed: {why}"))
}
