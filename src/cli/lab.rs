//! `overlapc lab`: a site in namespaces on this machine, proven with real packets.
//!
//! Goes in: a site. Comes out: who answered whom, on standard output; findings, notes and progress on
//! standard error. What must hold: exit 0 only where everything was as it should be; what is missing is
//! said before anything is built; nothing stays, however the command ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueHint};

use super::chosen::Chosen;
use super::findings::Findings;
use super::host::Progress;
use super::{Color, Exit, Failure, host, site};
use crate::Overrides;
use crate::check::CheckedSite;
use crate::diag::{Outcome, Report, Severity};
use crate::emit::{Request, Target};
use crate::lab::flow::{self, Flow};
use crate::lab::hops::Followed;
use crate::lab::judge::Judge;
use crate::lab::report::{self, Report as LabReport};
use crate::lab::run::compose::{self, Emitted};
use crate::lab::run::inside as sandboxed;
use crate::lab::run::machine::Machine;
use crate::lab::run::order::GATEWAY;
use crate::lab::run::sandbox::{Missing, Sandbox};
use crate::lab::run::session::{self, Happened, Session};
use crate::lab::scene::{Scene, Step};
use crate::model::{Firewall, Isolation};
use crate::source::SourceMap;

/// The first word of this program where it is the inside of the sandbox.
pub(super) const INSIDE: &str = "lab-inside";

/// The first word of this program where it is a host.
pub(super) const AGENT: &str = "lab-agent";

/// What the emitted script is called with, and what it should end with.
const SCRIPT: [(&str, i32); 4] = [("up", 0), ("status", 0), ("down", 0), ("status", 1)];

const WITHOUT_VRF: &str = "this kernel has no VRF devices, so the site was compiled with `isolation rules`: \
    what was tried here is not the script that `isolation vrf` gives (`--vm` tries that)";

/// Build a site in namespaces on this machine, prove it with real packets, take it down
///
/// One namespace for the gateway, where the emitted script runs as it is, and one for each network, with
/// hosts that ask each other. Every answer names who gave it, so a wrong host is found; what must not pass
/// is tried as well. Nothing of this machine's network is touched, and everything goes when the command
/// ends. Needs root or user namespaces. Where the site says `isolation vrf` and this kernel has no VRF
/// devices, it is compiled with `isolation rules`, and the command says so.
#[derive(Debug, Args)]
pub(super) struct Lab {
    /// The site; `-` is standard input [default: site.ovl]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<String>,

    #[command(flatten)]
    chosen: Chosen,

    /// Show a question hop by hop (can be repeated) [default: the first that is asked]
    ///
    /// Each side is NETWORK, NETWORK/ADDRESS or HOST.NETWORK; TO may also be an address as FROM would call
    /// it. Behind TO may stand what is asked for: `plc.outer:502`, `outer:udp/53`, `192.168.23.10:icmp`.
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], action = ArgAction::Append)]
    flow: Vec<String>,

    /// Leave everything up afterwards, and say how to enter, until Ctrl-C or the end of standard input
    #[arg(long, env = "OVERLAPC_KEEP", hide_env_values = true, value_parser = BoolishValueParser::new())]
    keep: bool,

    /// Build it in a virtual machine (QEMU), for kernels without VRF devices; needs no rights
    #[arg(long, env = "OVERLAPC_VM", hide_env_values = true, value_parser = BoolishValueParser::new())]
    vm: bool,

    /// The virtual machine's kernel: an image `vmlinuz-VERSION` with `lib/modules/VERSION` beside its folder,
    /// or the folder that holds `boot` and `lib`, as a package unpacks [default: the last one in /boot]
    #[arg(long, value_name = "PATH", env = "OVERLAPC_KERNEL", hide_env_values = true)]
    #[arg(value_hint = ValueHint::AnyPath)]
    kernel: Option<PathBuf>,

    #[command(flatten)]
    findings: Findings,
}

/// Where everything is built.
enum Place {
    /// Namespaces of this machine.
    Sandbox(Sandbox),
    /// A virtual machine.
    Machine(Machine),
}

impl Place {
    fn has_vrf(&self) -> bool {
        match self {
            Self::Sandbox(sandbox) => sandbox.has_vrf(),
            // A kernel without was not taken.
            Self::Machine(_) => true,
        }
    }

    fn command(&self) -> Result<Command, String> {
        match self {
            Self::Sandbox(sandbox) => session::in_sandbox(*sandbox, INSIDE),
            Self::Machine(machine) => machine.command(),
        }
    }

    /// How long no answer is waited for until it counts as none, in milliseconds: emulation is slow.
    fn wait(&self) -> usize {
        match self {
            Self::Sandbox(_) => 500,
            Self::Machine(_) => 1500,
        }
    }

    fn how_to_enter(&self, scene: &Scene, process: u32) -> Option<String> {
        match self {
            Self::Sandbox(sandbox) => Some(how_to_enter(scene, *sandbox, process)),
            Self::Machine(_) => None,
        }
    }

    /// Why it did not work, with what only the place itself knows.
    fn explain(&self, reason: String) -> String {
        match self {
            Self::Sandbox(_) => reason,
            Self::Machine(machine) => format!("{reason}\nthe machine's last words:\n{}", machine.console()),
        }
    }
}

/// A host of `overlapc lab`, which starts it.
pub(super) fn agent(words: &[String]) -> ExitCode {
    crate::lab::host::main(words)
}

/// The inside of the sandbox of `overlapc lab`, which starts it.
pub(super) fn inside() -> ExitCode {
    sandboxed::main(&[AGENT])
}

impl Lab {
    pub(super) fn run(self, color: Color) -> Result<Exit, Failure> {
        self.refuse_contradictions()?;
        let given = site::given(self.file.as_deref())?;
        let overrides = self.chosen.overrides();
        let mut outcome = given.front(overrides)?;
        let mut place = Err(Missing::default());
        let mut notes = Vec::new();
        if let Some(settings) = outcome.value.as_ref().map(CheckedSite::settings) {
            place = if self.vm {
                Machine::find(settings.firewall, self.kernel.as_deref(), INSIDE).map(Place::Machine)
            } else {
                Sandbox::find(settings.firewall).map(Place::Sandbox)
            };
            let without =
                settings.isolation == Isolation::Vrf && place.as_ref().is_ok_and(|it| !it.has_vrf());
            if without && overrides.isolation.is_some() {
                return Err(Failure::new("this kernel has no VRF devices (module vrf)")
                    .help("try it with `--isolation rules`, or in a virtual machine with `--vm`"));
            }
            if without {
                outcome = given.front(Overrides { isolation: Some(Isolation::Rules), ..overrides })?;
                let mut errors = outcome.findings.iter().filter(|it| it.severity() == Severity::Error);
                // The site is right as it is written, so these are no findings about it.
                if let Some(error) = errors.next() {
                    let why = "this kernel has no VRF devices, and with `isolation rules` the site cannot be compiled";
                    return Err(Failure::new(format!("{why}: {} ({})", error.title, error.code))
                        .help("try it in a virtual machine with `--vm`"));
                }
                notes.push(WITHOUT_VRF.to_owned());
            }
        }
        let reports = [Report { sources: &outcome.sources, findings: &outcome.findings }];
        host::write_stderr(&self.findings.show(&reports, host::colour_stderr(color)));
        let exit = self.findings.exit(&reports);
        let Outcome { sources, value, .. } = outcome;
        let Some(site) = value.filter(|_| exit == Exit::Fine) else {
            return Ok(Exit::Found);
        };
        site::populated(&site, "try")?;
        let place = place.map_err(|missing| Failure::new(missing.what).help(missing.help))?;

        let mut scene = crate::lab::scene(&site);
        scene.notes.splice(0..0, notes);
        let flows = self.flows(&scene)?;
        let order = compose::order(&scene, emitted(&site, &sources), &flows, self.keep, place.wait());
        let mut progress = Progress::new(order.doings());
        let started = place.command().and_then(|command| Session::start(command, &order));
        let mut session = started.map_err(Failure::new)?;
        let happened = match session.listen(|what| progress.step(what)) {
            Ok(happened) => happened,
            Err(reason) => {
                drop(progress);
                session.end();
                return Err(Failure::new(place.explain(reason)));
            }
        };
        drop(progress);
        let entering = happened.kept.and_then(|process| place.how_to_enter(&scene, process));
        let report = judged(&site, scene, &flows, &happened);
        let text = if self.findings.is_json() {
            report::json(&report)
        } else {
            report::text(&report, host::colour_stdout(color))
        };
        host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
        if let Some(entering) = entering {
            host::write_stderr(&entering);
            if self.file.as_deref() == Some("-") {
                session.wait();
            } else {
                host::wait_for_end();
                session.end();
            }
        } else {
            session.end();
        }
        Ok(if report.is_well() { Exit::Fine } else { Exit::Found })
    }

    /// Words that exclude each other. A variable that says no, or is of no use this time, excludes nothing.
    fn refuse_contradictions(&self) -> Result<(), Failure> {
        if self.keep && self.vm {
            return Err(Failure::new("`--keep` and `--vm` exclude each other: nobody can enter the machine")
                .help("leave one out, or set OVERLAPC_KEEP or OVERLAPC_VM to 0"));
        }
        if self.kernel.is_some() && !self.vm && host::variable("OVERLAPC_KERNEL").is_none() {
            return Err(
                Failure::new("`--kernel` is the virtual machine's, and there is none").help("add `--vm`")
            );
        }
        Ok(())
    }

    /// The flows that are asked for, or the first question.
    fn flows(&self, scene: &Scene) -> Result<Vec<Flow>, Failure> {
        if self.flow.is_empty() {
            return Ok(flow::first(scene).into_iter().collect());
        }
        let mut flows = Vec::new();
        for (sides, port) in self.flow.chunks_exact(2).zip(flow::source_ports(scene)) {
            let named = flow::named(scene, &sides[0], &sides[1]);
            let named = named.map_err(|refused| Failure::new(refused.what).help(refused.help))?;
            flows.push(Flow { source_port: port, ..named });
        }
        if flows.len() < self.flow.len() / 2 {
            return Err(Failure::new("these are more flows than there are ports to ask from")
                .help(format!("ask for {} at a time", flows.len())));
        }
        Ok(flows)
    }
}

/// What happened, judged.
fn judged(site: &CheckedSite, scene: Scene, flows: &[Flow], happened: &Happened) -> LabReport {
    let mut judge = Judge::default();
    let asked = scene.steps.iter().filter_map(|step| match step {
        Step::Ask(trials) => Some(trials),
        _ => None,
    });
    let rows = asked.zip(1..).zip(&happened.evidence).flat_map(|((trials, next), evidence)| {
        judge.judge(&scene, trials, evidence, happened.evidence.get(next..).unwrap_or_default())
    });
    let rows = rows.collect();
    let followed = flows.iter().zip(&happened.followed);
    let followed = followed.map(|(flow, (answer, caught))| Followed::new(&scene, flow, answer, caught));
    let followed = followed.collect();
    let commands = scene.steps.iter().filter_map(|step| match step {
        Step::Gateway(words) => Some((words.join(" "), 0)),
        _ => None,
    });
    let script = SCRIPT.iter().map(|(word, wanted)| (format!("site.sh {word}"), *wanted));
    let ended = happened.commands.iter().zip(commands).chain(happened.scripts.iter().zip(script));
    let troubles =
        ended.filter(|(ended, (_, wanted))| ended.code != *wanted).map(|(ended, (what, wanted))| {
            let said = ended.said.trim_end();
            let said = if said.is_empty() { String::new() } else { format!("\n{said}") };
            format!("`{what}` on the gateway ended with exit {}, not {wanted}{said}", ended.code)
        });
    let settings = site.settings();
    let firewall = match settings.firewall {
        Firewall::Nftables => "nftables",
        Firewall::Iptables => "iptables",
    };
    let isolation = match settings.isolation {
        Isolation::Vrf => "vrf",
        Isolation::Rules => "rules",
    };
    LabReport {
        rows,
        troubles: troubles.collect(),
        flows: followed,
        compiled: (firewall, isolation),
        notes: scene.notes,
        untried: scene.untried,
    }
}

/// The script and the routes of each network.
fn emitted(site: &CheckedSite, sources: &SourceMap) -> Emitted {
    let requests = [Request::Whole(Target::Sh), Request::Divided(Target::Nodes)];
    let mut texts: BTreeMap<String, String> = crate::artifacts(site, sources, &requests)
        .into_iter()
        .map(|artifact| (artifact.name, artifact.text.to_string()))
        .collect();
    let names = site.site().networks.iter().map(|network| &network.name.value);
    let routes = names.map(|name| texts.remove(&format!("{}/{name}/routes.sh", Target::Nodes.name())));
    let routes = routes.collect();
    Emitted { script: texts.remove(Target::Sh.file_name()).unwrap_or_default(), routes }
}

/// Commands for another terminal. Whoever enters so is gone with the lab.
fn how_to_enter(scene: &Scene, sandbox: Sandbox, process: u32) -> String {
    let root = if sandbox.has_own_users() { "" } else { "sudo " };
    let users = if sandbox.has_own_users() { " --user --preserve-credentials" } else { "" };
    let enter = |namespace: &str| {
        format!("{root}nsenter --target {process}{users} --mount --pid ip netns exec {namespace} sh")
    };
    let mut text =
        "\nEverything stays up until Ctrl-C or the end of the input. To enter, in another terminal:\n"
            .to_owned();
    let lans =
        scene.networks.iter().filter(|lan| !lan.hosts.is_empty()).map(|lan| compose::namespace(&lan.name));
    for namespace in [GATEWAY.to_owned()].into_iter().chain(lans) {
        text.push_str(&format!("  {}\n", enter(&namespace)));
    }
    text
}
