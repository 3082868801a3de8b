//! The inside of the sandbox: process 1 of its own, which builds what the order says, asks, and tells.
//!
//! Goes in: an [`Order`] as the first line of standard input. Comes out: [`Event`]s as lines of standard
//! output. What must hold: the end of standard input ends this process at once and, as it is the first of
//! its process namespace, everything that it has started; with the last process go the namespaces. So
//! nothing stays, however the command that started the sandbox ends.

use std::io::{self, BufRead, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{fs, process, thread};

use super::agents::{Agents, Place};
use super::netns::{Run, run, within};
use super::order::{Event, Flow, GATEWAY, Order, Step, UPLINK};
use super::wires;

/// Where the emitted script stands, in a directory that only the sandbox sees.
const SCRIPT: &str = "/run/site.sh";

/// Directories that tools keep their state in.
const STATE: [&str; 2] = ["/run", "/var/run"];

/// Does what the order on standard input says. `agent` are the words that make this program an agent.
///
/// Must be the first process of a process namespace, with mount and network namespaces of its own, and
/// see the /proc of whoever started it.
#[must_use]
pub fn main(agent: &[&str]) -> ExitCode {
    let outcome = order().and_then(|order| follow(&order, agent));
    let (event, code) = match outcome {
        Ok(()) => (Event::Done, ExitCode::SUCCESS),
        Err(reason) => (Event::Failed(reason), ExitCode::FAILURE),
    };
    // Where nobody listens, nobody needs to know.
    drop(tell(&event));
    code
}

/// Reads the order, and from then on waits for the end of the input.
fn order() -> Result<Order, String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|e| format!("the order: {e}"))?;
    thread::spawn(|| {
        // Nothing more is sent: this returns when whoever started the sandbox has gone.
        drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
        process::exit(1);
    });
    serde_json::from_str(&line).map_err(|e| format!("the order: {e}"))
}

fn tell(event: &Event) -> Result<(), String> {
    let mut line = serde_json::to_string(event).map_err(|e| e.to_string())?;
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(|e| format!("nobody listens: {e}"))
}

fn doing(what: impl Into<String>) -> Result<(), String> {
    tell(&Event::Doing(what.into()))
}

fn follow(order: &Order, agent: &[&str]) -> Result<(), String> {
    doing("namespaces, links and addresses")?;
    let process = own_state()?;
    wires::build(order)?;
    fs::write(SCRIPT, &order.script).map_err(|e| format!("{SCRIPT}: {e}"))?;
    if script("up")? != 0 {
        return Err("the gateway's script did not come up".to_owned());
    }
    script("status")?;

    doing("the routes of the hosts")?;
    order.lans.iter().try_for_each(wires::install_routes)?;
    doing("the hosts")?;
    // The program's file may have gone, or be out of sight.
    let program = format!("/proc/{process}/exe");
    let words: Vec<&str> = [program.as_str()].into_iter().chain(agent.iter().copied()).collect();
    let mut agents = agents(order, &words)?;
    steps(order, &mut agents)?;
    for (number, flow) in order.flows.iter().enumerate() {
        doing(format!("hop by hop, flow {} of {}", number + 1, order.flows.len()))?;
        hops(flow, &mut agents)?;
    }
    if order.keep {
        tell(&Event::Kept { process })?;
        loop {
            thread::park();
        }
    }
    agents.stop();
    script("down")?;
    script("status")?;
    Ok(())
}

/// Gives the sandbox directories of its own for the tools' state, with the links of the real ones, as
/// some systems find their programs by these. Returns the number by which /proc knows this process.
fn own_state() -> Result<u32, String> {
    let process = fs::read_link("/proc/self").map_err(|e| format!("/proc/self: {e}"))?;
    let process = process.to_str().and_then(|text| text.parse().ok()).ok_or("/proc/self is no process")?;
    for directory in STATE.iter().filter(|directory| !Path::new(directory).is_symlink()) {
        let links: Vec<_> = fs::read_dir(directory)
            .map_err(|e| format!("{directory}: {e}"))?
            .flatten()
            .filter_map(|entry| Some((fs::read_link(entry.path()).ok()?, entry.path())))
            .collect();
        let mut mount = Command::new("mount");
        run(mount.args(["-t", "tmpfs", "-o", "mode=755", "tmpfs", directory]))?
            .must(&format!("a {directory} of its own"))?;
        for (target, link) in links {
            symlink(target, &link).map_err(|e| format!("{}: {e}", link.display()))?;
        }
    }
    Ok(process)
}

/// Runs the emitted script with a word, tells how that went, and returns its exit code.
fn script(word: &str) -> Result<i32, String> {
    doing(format!("the gateway's script, {word}"))?;
    let Run { text, errors, code } = run(&mut within(GATEWAY, &["sh", SCRIPT, word]))?;
    tell(&Event::Script { word: word.to_owned(), code, said: text + &errors })?;
    Ok(code)
}

/// One agent a network, one for the gateway, which answers on whatever address it turns out to have, and one
/// at the other end of its default route.
fn agents(order: &Order, words: &[&str]) -> Result<Agents, String> {
    let lans = order.lans.iter().filter(|lan| lan.is_populated()).map(|lan| Place {
        name: lan.name.clone(),
        namespace: lan.namespace.clone(),
        addresses: lan.answers.clone(),
        ports: lan.ports.clone(),
    });
    let gateway = Place {
        name: order.gateway_name.clone(),
        namespace: GATEWAY.to_owned(),
        addresses: Vec::new(),
        ports: Vec::new(),
    };
    let uplink = order.uplink.as_ref().map(|uplink| Place {
        name: uplink.name.clone(),
        namespace: UPLINK.to_owned(),
        addresses: Vec::new(),
        ports: Vec::new(),
    });
    Agents::start(words, &lans.chain([gateway]).chain(uplink).collect::<Vec<Place>>())
}

fn steps(order: &Order, agents: &mut Agents) -> Result<(), String> {
    for (number, step) in order.steps.iter().enumerate() {
        doing(format!("questions, step {} of {}", number + 1, order.steps.len()))?;
        match step {
            Step::Ask(queries) => {
                let evidence = agents.ask(queries)?;
                tell(&Event::Asked { answers: evidence.answers, seen: evidence.seen })?;
            }
            Step::Gateway(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let Run { text, errors, code } = run(&mut within(GATEWAY, &words))?;
                tell(&Event::Commanded { code, said: text + &errors })?;
            }
            Step::Defaults => wires::add_defaults(&order.lans)?,
        }
    }
    Ok(())
}

fn hops(flow: &Flow, agents: &mut Agents) -> Result<(), String> {
    flow.watched.iter().try_for_each(|name| agents.watch(name))?;
    let evidence = agents.ask(std::slice::from_ref(&flow.query))?;
    let answer = evidence.answers.into_iter().next().unwrap_or_default();
    let caught = flow.watched.iter().map(|name| Ok((name.clone(), agents.caught(name)?)));
    tell(&Event::Followed { answer, caught: caught.collect::<Result<_, String>>()? })
}
