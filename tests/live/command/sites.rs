//! What is right is found right, what is broken is found broken.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Check;
use super::stage::{Stage, told};

/// The golden site of a quick run.
const QUICK: &str = "three-lans";

/// So many of the mistakes are made in a quick run.
const FEW: usize = 3;

/// A mistake in what was emitted, as a sed(1) script over the line in which everything goes into the
/// sandbox, the firewall, and what is told about it.
type Mistake = (&'static str, &'static str, &'static str, &'static [&'static str]);

const MISTAKES: &[Mistake] = &[
    (
        "an alias that leads to another host",
        "s,ip daddr 192.168.23.0/24 dnat ip prefix to 192.168.2.0/24,ip daddr 192.168.23.0/24 dnat ip to 192.168.2.11,",
        "nftables",
        &["outer/192.168.2.11", "WRONG"],
    ),
    (
        "an alias that leads to another host, with iptables",
        "s,-A ovl-map-2 -d 192.168.23.0/24 .* -j NETMAP --to 192.168.2.0/24\\\\n-A ovl-snat-2,-A ovl-map-2 -d 192.168.23.0/24 -j DNAT --to 192.168.2.11\\\\n-A ovl-snat-2,",
        "iptables",
        &["outer/192.168.2.11", "WRONG"],
    ),
    (
        "rules that let everything through",
        "s,drop comment,accept comment,g",
        "nftables",
        &["(from outside of all networks)", "the packet reached office, where it has no business"],
    ),
    (
        "rules that let everything through, with iptables",
        "s,-j DROP,-j ACCEPT,g",
        "iptables",
        &["(from outside of all networks)", "the packet reached office, where it has no business"],
    ),
    (
        "rules and routes that let everything through",
        "s,drop comment,accept comment,g; s,add unreachable 0.0.0.0/0,add unreachable 240.0.0.0/4,g",
        "nftables",
        &["the packet reached the gateway's uplink, where it has no business"],
    ),
    (
        "a source that is not translated",
        "s,snat ip prefix to 192.168.13.0/24,accept,",
        "nftables",
        &["WRONG"],
    ),
    (
        "a pair that is open and not declared",
        "s/0x00000012 comment/0x00000021, 0x00000012 comment/",
        "nftables",
        &["wrong: outer/plc (192.168.2.10) to inner, asked as 192.168.13.10:80 over tcp (not declared)"],
    ),
    (
        "a source that is believed, whatever it is",
        "s,ip saddr 192.168.2.0/24 jump ovl_dest,jump ovl_dest,g",
        "nftables",
        &["(from an address that is not the network's)"],
    ),
    (
        "hosts without a route",
        "s,ip route replace 192.168.23.0/24,: 192.168.23.0/24,",
        "nftables",
        &["wrong: inner/192.168.2.10 to outer/plc (192.168.2.10), asked as 192.168.23.10:80 over tcp"],
    ),
    (
        "questions that never leave their hosts",
        "s/\"Defaults\",//",
        "nftables",
        &["unreachable: the question did not come to the gateway, so it proves nothing"],
    ),
    (
        "a script that takes nothing down",
        "s/\\\\ndown() {/\\\\ndown() { return 0;/",
        "nftables",
        &["wrong: `site.sh status` on the gateway ended with exit 0, not 1", "the gateway's script did not"],
    ),
];

/// All golden sites with both firewalls, sites that are broken on purpose, what is printed.
pub fn checks(stage: &Stage, quick: bool) -> Result<Vec<Check<'_>>, String> {
    let folders = fs::read_dir("golden/emit").map_err(|e| format!("golden/emit: {e}"))?;
    let mut golden: Vec<_> = folders.flatten().filter_map(|entry| entry.path().canonicalize().ok()).collect();
    golden.sort();
    let mut checks = Vec::new();
    for folder in golden {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if quick && name != QUICK {
            continue;
        }
        for firewall in ["nftables", "iptables"] {
            let site = folder.join("site.ovl");
            let title = format!("{name} with {firewall} is as it should be");
            checks.push(Check::new(title, move || one(stage, &site, firewall)));
        }
    }
    for (what, script, firewall, words) in MISTAKES.iter().take(if quick { FEW } else { MISTAKES.len() }) {
        let make = move || {
            let stage = stage.apart()?;
            let path = tampering(&stage, script)?;
            told(stage.lab(&["--firewall", firewall]).env("PATH", path))?.is(1, words)
        };
        checks.push(Check::new(format!("what is found: {what}"), make));
    }
    checks.extend([
        Check::new("a script that does not come up is an error with its words", move || {
            let stage = stage.apart()?;
            let path = tampering(&stage, "s/set -eu/echo not today >\\&2; exit 2/")?;
            let words = ["error: the gateway's script did not come up", "not today"];
            told(stage.lab(&[]).env("PATH", path))?.is(2, &words)
        }),
        Check::new("JSON is one document with the flow that was asked for", || json(stage)),
        Check::new("flows are told hop by hop, errors and refusals too, the same every time", || {
            flows(stage)
        }),
        Check::new("what README shows is what is printed", || readme(stage)),
        Check::new("a flow from nowhere is an error", || {
            told(&mut from_input(stage, &["-", "--flow", "nowhere", "outer"])?)?
                .is(2, &["the site has no network `nowhere`"])
        }),
        Check::new("a site from standard input is tried", || {
            told(&mut from_input(stage, &["-"])?)?.is(0, &["as they should be"])
        }),
    ]);
    Ok(checks)
}

fn one(stage: &Stage, site: &Path, firewall: &str) -> Result<(), String> {
    let site = site.to_string_lossy();
    let mut command = stage.lab(&[&site, "--firewall", firewall, "--isolation", "rules"]);
    told(&mut command)?.is(0, &["as they should be"])
}

fn from_input(stage: &Stage, arguments: &[&str]) -> Result<Command, String> {
    let mut command = stage.lab(arguments);
    command.stdin(File::open(stage.path("site.ovl")).map_err(|e| e.to_string())?);
    Ok(command)
}

/// A PATH on which everything that goes into the sandbox is changed on its way.
fn tampering(stage: &Stage, script: &str) -> Result<String, String> {
    stage.before("unshare", &format!("#!/bin/sh\nsed -u '{script}' | /usr/bin/unshare \"$@\"\n"))
}

fn json(stage: &Stage) -> Result<(), String> {
    let json = told(&mut stage.lab(&["--output-format", "json", "--flow", "inner", "plc.outer:icmp"]))?;
    json.is(0, &[])?;
    let document: Value = serde_json::from_str(&json.out).map_err(|e| format!("{e}\n{}", json.out))?;
    let flow = &document["flows"][0];
    let hops = flow["packets"][0]["hops"].as_array().map_or(0, Vec::len);
    let echoed = flow["outcome"] == "answered by outer/plc, who saw 192.168.13.10";
    let fine = document["wrong"] == 0
        && echoed
        && document["questions"].as_u64() > Some(20)
        && document["isolation"] == "rules"
        && flow["service"] == "icmp"
        && hops == 4;
    if fine { Ok(()) } else { Err(json.out) }
}

/// Who asks whom, and what must be told of it: each hop of a connection, the errors of a far host and of
/// the gateway about a host that is not there, a port that is closed, a pair that is not declared.
const FLOWS: [(&str, &str, &[&str]); 5] = [
    (
        "inner/192.168.2.10",
        "outer/plc",
        &[
            "inner eth0 Out IP 192.168.2.10.61001 > 192.168.23.10.80 SYN gateway eth0 In",
            "gateway eth1 Out IP 192.168.13.10.61001 > 192.168.2.10.80 SYN \
             192.168.2.10 -> 192.168.13.10, 192.168.23.10 -> 192.168.2.10 outer eth0 In",
            "gateway eth0 Out IP 192.168.23.10.80 > 192.168.2.10.61001 SYN ACK",
            "answered by outer/plc, who saw 192.168.13.10",
        ],
    ),
    ("inner", "192.168.23.10:udp/4711", &["port-unreachable, about 192.168.2.10.61002 > 192.168.23.10.4711"]),
    ("inner", "192.168.23.99", &["host-unreachable, about 192.168.2.10.61003 > 192.168.23.99.80"]),
    ("office", "inner:9", &["RST ACK", "not answered: refused"]),
    ("outer", "192.168.13.10", &["unreachable, about 192.168.2.10.61005 > 192.168.13.10.80"]),
];

fn flows(stage: &Stage) -> Result<(), String> {
    let mut arguments = Vec::new();
    for (from, to, _) in FLOWS {
        arguments.extend(["--flow", from, to]);
    }
    let (first, second) = (told(&mut stage.lab(&arguments))?, told(&mut stage.lab(&arguments))?);
    first.is(0, &[])?;
    if first.out != second.out {
        return Err(format!("{}\n{}", first.out, second.out));
    }
    let text = first.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let missing: Vec<&&str> =
        FLOWS.iter().flat_map(|(_, _, words)| *words).filter(|word| !text.contains(**word)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}\n{}", first.out)) }
}

/// The first site in README, and what it says that the lab prints about it.
fn readme(stage: &Stage) -> Result<(), String> {
    let text = fs::read_to_string("README.md").map_err(|e| format!("README.md: {e}"))?;
    let site = text.split("```ovl\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown = text.split("```text\nFROM").nth(1).and_then(|rest| rest.split("```").next());
    let (Some(site), Some(shown)) = (site, shown) else {
        return Err("README shows no site, or not what the lab prints".to_owned());
    };
    let stage = stage.apart()?;
    stage.write("site.ovl", site)?;
    let mut command = stage.lab(&["--isolation", "rules"]);
    told(&mut command)?.is(0, &[&format!("FROM{shown}")])
}
