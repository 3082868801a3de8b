//! What is right is found right, what is broken is found broken.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use super::Score;
use super::stage::{Stage, told};

/// So many labs at once: most of their time they wait for what must not come.
const AT_ONCE: usize = 4;

/// A mistake in what was emitted, as a sed(1) script over the line in which everything goes into the
/// sandbox, the firewall, and what is told about it.
type Mistake = (&'static str, &'static str, &'static str, &'static [&'static str]);

const MISTAKES: &[Mistake] = &[
    (
        "an alias that leads to another host",
        "s,dnat ip prefix to 192.168.2.0/24 comment ..site.ovl:10,dnat ip to 192.168.2.11 comment \\\"site.ovl:10,",
        "nftables",
        &["outer/192.168.2.11", "WRONG"],
    ),
    (
        "an alias that leads to another host, with iptables",
        "s,-d 192.168.23.0/24 \\([^\\]*\\)-j NETMAP --to 192.168.2.0/24,-d 192.168.23.0/24 \\1-j DNAT --to 192.168.2.11,",
        "iptables",
        &["outer/192.168.2.11", "WRONG"],
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
        &[
            "wrong: outer/plc (192.168.2.10) to inner/192.168.2.10, asked as 192.168.13.10:80 over tcp (not declared)",
        ],
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
        "a script that takes nothing down",
        "s/\\\\ndown() {/\\\\ndown() { return 0;/",
        "nftables",
        &["wrong: `site.sh status` on the gateway ended with exit 0, not 1", "the gateway's script did not"],
    ),
];

/// All golden sites with both firewalls, then sites that are broken on purpose.
pub fn check(stage: &Stage, score: &Score) -> Result<(), String> {
    let mut golden: Vec<PathBuf> = fs::read_dir("golden/emit")
        .map_err(|e| format!("golden/emit: {e}"))?
        .flatten()
        .map(|entry| entry.path().join("site.ovl"))
        .collect();
    golden.sort();
    let runs = golden.iter().flat_map(|site| [(site, "nftables"), (site, "iptables")]);
    let queue = Mutex::new(runs);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((site, firewall)) = queue.lock().unwrap().next() else { return };
                    let name = site.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
                    let what = format!("{} with {firewall} is as it should be", name.to_string_lossy());
                    score.note(&what, one(stage, &site.canonicalize().unwrap_or_default(), firewall));
                }
            });
        }
    });
    broken(stage, score)?;
    documents(stage, score)
}

fn one(stage: &Stage, site: &std::path::Path, firewall: &str) -> Result<(), String> {
    let site = site.to_string_lossy();
    let mut command = stage.lab(&[&site, "--firewall", firewall, "--isolation", "rules"]);
    told(&mut command)?.is(0, &["as they should be"])
}

/// What the command says of scripts that somebody has broken between the compiler and the sandbox.
fn broken(stage: &Stage, score: &Score) -> Result<(), String> {
    for (what, script, firewall, words) in MISTAKES {
        let path = tampering(stage, script)?;
        let mut command = stage.lab(&["--firewall", firewall]);
        let outcome = told(command.env("PATH", path))?.is(1, words);
        score.note(&format!("{what} is found"), outcome);
    }
    let path = tampering(stage, "s/set -eu/echo not today >\\&2; exit 2/")?;
    let mut command = stage.lab(&[]);
    let outcome = told(command.env("PATH", path))?;
    score.note(
        "a script that does not come up is an error with its words",
        outcome.is(2, &["error: the gateway's script did not come up", "not today"]),
    );
    Ok(())
}

/// A PATH in which everything that goes into the sandbox is changed on its way.
fn tampering(stage: &Stage, script: &str) -> Result<String, String> {
    let quoted = script.replace('\'', "'\\''");
    stage.before("unshare", &format!("#!/bin/sh\nsed -u '{quoted}' | /usr/bin/unshare \"$@\"\n"))
}

/// The texts: one document, the same bytes every time, flows as they were asked for.
fn documents(stage: &Stage, score: &Score) -> Result<(), String> {
    let json = told(&mut stage.lab(&["--output-format", "json", "--flow", "inner", "plc.outer:icmp"]))?;
    let outcome = json.is(0, &[]).and_then(|()| {
        let document: Value = serde_json::from_str(&json.out).map_err(|e| format!("{e}\n{}", json.out))?;
        let flow = &document["flows"][0];
        let hops = flow["packets"][0]["hops"].as_array().map_or(0, Vec::len);
        let is = |value: &Value, wanted: &str| value.as_str() == Some(wanted);
        let fine = document["wrong"] == 0
            && document["questions"].as_u64() > Some(20)
            && is(&document["isolation"], "rules")
            && is(&flow["service"], "icmp")
            && hops == 4;
        if fine { Ok(()) } else { Err(json.out.clone()) }
    });
    score.note("JSON is one document with the flow that was asked for", outcome);

    let flows: &[&str] = &[
        "--flow",
        "inner/192.168.2.10",
        "outer/plc",
        "--flow",
        "outer",
        "192.168.13.10",
        "--flow",
        "inner",
        "192.168.23.10:udp/4711",
        "--flow",
        "office",
        "inner:9",
        "--flow",
        "inner",
        "192.168.23.99",
    ];
    let (first, second) = (told(&mut stage.lab(flows))?, told(&mut stage.lab(flows))?);
    let same = if first.out == second.out { Ok(()) } else { Err(format!("{}\n{}", first.out, second.out)) };
    score.note("the report is the same every time", same);
    let hops = [
        "inner    eth0  Out  IP 192.168.2.10.61001 > 192.168.23.10.80           SYN\n",
        "gateway  eth0  In   IP 192.168.2.10.61001 > 192.168.23.10.80           SYN\n",
    ];
    let ways = [
        "192.168.2.10 -> 192.168.13.10, 192.168.23.10 -> 192.168.2.10\n",
        "answered by outer/plc, who saw 192.168.13.10\n",
        // An error of the far host, and one of the gateway about a host that is not there.
        "port-unreachable, about 192.168.2.10.61001 > 192.168.23.10.4711",
        "host-unreachable, about 192.168.2.10.61001 > 192.168.23.99.80",
        "RST",
    ];
    let without_blanks = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = without_blanks(&first.out);
    let missing: Vec<&&str> =
        hops.iter().chain(&ways).filter(|word| !text.contains(&without_blanks(word))).collect();
    let outcome = if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}\n{}", first.out)) };
    score.note("flows are told hop by hop, errors and refusals too", outcome);

    let mut piped = stage.lab(&["-", "--flow", "nowhere", "outer"]);
    piped.stdin(fs::File::open(stage.path("site.ovl")).map_err(|e| e.to_string())?);
    let outcome = told(&mut piped)?.is(2, &["the site has no network `nowhere`"]);
    score.note("a flow from nowhere is an error", outcome);
    let mut piped = stage.lab(&["-"]);
    piped.stdin(fs::File::open(stage.path("site.ovl")).map_err(|e| e.to_string())?);
    score.note("a site from standard input is tried", told(&mut piped)?.is(0, &["as they should be"]));
    Ok(())
}
