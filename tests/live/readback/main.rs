//! Whether the reader makes the same of what was emitted and of what a kernel lists once that is loaded.
//!
//! `readback FOLDER...`: folders with what `compile -t all` writes. Each is loaded in a network namespace of
//! its own; needs root, and nothing in /run that must stay. One PASS or FAIL line a listing.
#![allow(clippy::print_stdout)]

use std::env;
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use overlapc::lab::run::netns::run;
use overlapc::read::filter::{Chain, Field, Filter, Match, Step, Values, Verdict};
use overlapc::read::routing::{Change, Route, Rule, Way};
use overlapc::read::{ip, iptables, nft};

fn main() -> ExitCode {
    let folders: Vec<String> = env::args().skip(1).collect();
    let (mut passed, mut failed) = (0, 0);
    for folder in &folders {
        for (what, outcome) in compare(Path::new(folder)) {
            match outcome {
                Ok(()) => {
                    passed += 1;
                    println!("PASS {folder}: {what}");
                }
                Err(reason) => {
                    failed += 1;
                    println!("FAIL {folder}: {what}");
                    reason.lines().take(12).for_each(|line| println!("     {line}"));
                }
            }
        }
    }
    println!("summary {passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Outcome = (&'static str, Result<(), String>);

/// Loads what is there and compares each listing.
fn compare(folder: &Path) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
    if let Some(text) = text("ruleset.nft") {
        let listed = listing("nft -f", folder, "ruleset.nft", "nft list ruleset");
        outcomes.push((
            "the ruleset",
            listed.and_then(|listed| {
                let read = |text: &str| nft::read(text).map_err(|error| error.to_string());
                same(&chains(read(&text)?), &chains(read(&listed)?))
            }),
        ));
    }
    for (name, v4, restore, save) in [
        ("rules.v4", true, "iptables-restore --noflush", "iptables-save"),
        ("rules.v6", false, "ip6tables-restore --noflush", "ip6tables-save"),
    ] {
        if let Some(text) = text(name) {
            let listed = listing(restore, folder, name, save);
            let what = if v4 { "the rules of iptables" } else { "the rules of ip6tables" };
            outcomes.push((
                what,
                listed.and_then(|listed| {
                    let read = |text: &str| iptables::read(text, v4).map_err(|error| error.to_string());
                    same(&chains(read(&text)?), &chains(read(&listed)?))
                }),
            ));
        }
    }
    for (name, v4) in [("ip.batch", true), ("ip6.batch", false)] {
        if let Some(text) = text(name) {
            let what = if v4 { "rules and routes of IPv4" } else { "rules and routes of IPv6" };
            outcomes.push((what, routing(folder, &text, v4)));
        }
    }
    outcomes
}

/// What a command lists in a namespace where another has loaded a file.
fn listing(load: &str, folder: &Path, file: &str, list: &str) -> Result<String, String> {
    let file = folder.join(file);
    let script = format!("{load} \"$1\" && {list}");
    run(Command::new("unshare").args(["-n", "sh", "-c", &script, "sh"]).arg(file))?.must(load)
}

/// The chains by name, with the names of those that they call instead of places.
fn chains(filter: Filter) -> Vec<String> {
    let names: Vec<String> = filter.chains.iter().map(|chain| chain.name.clone()).collect();
    let mut all: Vec<String> =
        filter.chains.into_iter().filter(is_used).map(|chain| told(chain, &names)).collect();
    all.sort();
    all
}

/// A table is listed with all its built-in chains.
fn is_used(chain: &Chain) -> bool {
    chain.base.is_none() || !chain.rules.is_empty()
}

fn told(chain: Chain, names: &[String]) -> String {
    let mut lines = vec![format!("{} {} {:?}", chain.table, chain.name, chain.base)];
    for rule in chain.rules {
        let steps: Vec<String> = listed(rule.steps).iter().map(|step| told_step(step, names)).collect();
        lines.push(format!("  {} # {}", steps.join("; "), rule.comment.unwrap_or_default()));
    }
    lines.join("\n")
}

fn told_step(step: &Step, names: &[String]) -> String {
    let verdict = |verdict: &Verdict| match verdict {
        Verdict::Jump(place) => format!("jump {}", names[*place]),
        Verdict::Goto(place) => format!("goto {}", names[*place]),
        other => format!("{other:?}"),
    };
    match step {
        Step::Verdict(it) => verdict(it),
        Step::Dispatch(dispatch) => {
            let mut cases: Vec<String> =
                dispatch.cases.iter().map(|(keys, it)| format!("{keys:?} {}", verdict(it))).collect();
            cases.sort();
            format!("{:?} {}", dispatch.fields, cases.join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// nft does not list the family that a rule asks for where the protocol belongs to one.
fn listed(mut steps: Vec<Step>) -> Vec<Step> {
    let one = |ranges: &[(u128, u128)]| ranges == [(1, 1)] || ranges == [(58, 58)];
    let says_family = steps.iter().any(|step| {
        matches!(step, Step::Match(Match { field: Field::Protocol, values: Values::Ranges(ranges), .. }) if one(ranges))
    });
    if says_family {
        steps.retain(|step| !matches!(step, Step::Match(Match { field: Field::Family, .. })));
    }
    steps
}

/// Loads a batch beside devices for all that it names, and lists rules and routes of its protocol.
fn routing(folder: &Path, text: &str, v4: bool) -> Result<(), String> {
    let commands = ip::commands(text, v4).map_err(|error| error.to_string())?;
    let (mut rules, mut routes, mut devices, mut made) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for command in commands {
        match command.change {
            Change::AddVrf { name, .. } => made.push(name),
            Change::SetUp { device, .. } | Change::SetMaster { device, .. } => devices.push(device),
            Change::AddAddress(address) => devices.push(address.device),
            Change::AddRoute(route) => {
                if let Way::Out { device, .. } = &route.way {
                    devices.push(device.clone());
                }
                routes.push(route);
            }
            Change::AddRule(rule) => {
                devices.extend(rule.iif.iter().chain(&rule.oif).cloned());
                rules.push(rule);
            }
            Change::DeleteLink(_)
            | Change::DeleteAddress(_)
            | Change::DeleteRoute(_)
            | Change::DeleteRule(_) => {}
        }
    }
    if !made.is_empty() && !v4 {
        return Ok(());
    }
    devices.retain(|device| device != "lo" && !made.contains(device));
    devices.sort();
    devices.dedup();
    let family = if v4 { "-4" } else { "-6" };
    // An address would take the peer along; rules of unknown devices are listed with a state.
    let script = "file=$1 family=$2; shift 2; n=0; ip link set lo up
        for name do n=$((n + 1)); ip link add name \"$name\" type veth peer name \"peer$n\" && ip link set \"$name\" up && ip link set \"peer$n\" up || exit; done
        if [ \"$family\" = -6 ]; then set -- -6; else set --; fi
        ip \"$@\" -batch \"$file\" && ip -N \"$family\" rule show && echo = && ip -N \"$family\" route show table all";
    let file = folder.join(if v4 { "ip.batch" } else { "ip6.batch" });
    let listed = run(Command::new("unshare")
        .args(["-n", "sh", "-c", script, "sh"])
        .arg(file)
        .arg(family)
        .args(&devices))?
    .must("ip -batch")?;
    let (listed_rules, listed_routes) = listed.split_once("=\n").ok_or("no listing")?;
    let listed_rules = ip::rules(listed_rules, v4).map_err(|error| error.to_string())?;
    let listed_routes = ip::routes(listed_routes, v4).map_err(|error| error.to_string())?;
    let own: u8 = rules.first().map_or(77, |rule| rule.protocol);
    let rules: Vec<String> = rules.iter().map(rule_of).collect();
    let listed_rules: Vec<String> =
        listed_rules.iter().filter(|rule| rule.protocol == own).map(rule_of).collect();
    let routes: Vec<String> = routes.iter().map(|route| route_of(route, v4)).collect();
    let listed_routes: Vec<String> =
        listed_routes.iter().filter(|route| route.protocol == own).map(|route| route_of(route, v4)).collect();
    same(&sorted(rules), &sorted(listed_rules))?;
    same(&sorted(routes), &sorted(listed_routes))
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

fn rule_of(rule: &Rule) -> String {
    format!("{rule:?}")
}

/// IPv6 routes without a metric have 1024: ip-route(8), metric.
fn route_of(route: &Route, v4: bool) -> String {
    let metric = if route.metric == 0 && !v4 { 1024 } else { route.metric };
    format!("{:?}", Route { metric, ..route.clone() })
}

/// The first difference, if there is one.
fn same(emitted: &[impl Debug + PartialEq], listed: &[impl Debug + PartialEq]) -> Result<(), String> {
    let (emitted, listed): (Vec<String>, Vec<String>) = (
        emitted.iter().map(|it| format!("{it:#?}")).collect(),
        listed.iter().map(|it| format!("{it:#?}")).collect(),
    );
    let missing: Vec<&String> = emitted.iter().filter(|it| !listed.contains(it)).take(2).collect();
    let more: Vec<&String> = listed.iter().filter(|it| !emitted.contains(it)).take(2).collect();
    if missing.is_empty() && more.is_empty() && emitted.len() == listed.len() {
        return Ok(());
    }
    Err(format!(
        "{} emitted, {} listed\nnot listed: {missing:?}\nnot emitted: {more:?}",
        emitted.len(),
        listed.len()
    ))
}
