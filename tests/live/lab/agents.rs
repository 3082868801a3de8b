//! One `probe agent` in the namespace of each host, driven over pipes.
//!
//! No time is waited for: an agent says when it is ready, when a question is settled, and when all
//! packets that had arrived are told.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::checks::Expected;
use crate::command::{GATEWAY, namespace, within};
use crate::expansion::Question;
use crate::topology::Topology;

struct Agent {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// The hosts, by name.
pub struct Agents {
    hosts: BTreeMap<String, Agent>,
    wait: u32,
}

/// What a phase brought to light.
pub struct Evidence {
    /// One answer a question, in order: `ok NAME PEER PORT LOCAL` or a word for the reason.
    pub answers: Vec<String>,
    /// What each host saw.
    pub seen: BTreeMap<String, BTreeSet<String>>,
}

impl Agents {
    /// Starts all and waits until they are ready.
    pub fn start(topology: &Topology) -> Result<Self, String> {
        let probe = env::current_exe().map_err(|e| e.to_string())?.with_file_name("probe");
        let probe = probe.to_str().ok_or("the path of the probe is not text")?.to_owned();
        let wait = env::var("LAB_WAIT").ok().and_then(|w| w.parse().ok()).unwrap_or(500);
        let mut agents = Self { hosts: BTreeMap::new(), wait };
        for host in topology.hosts.iter().chain([&topology.gateway]) {
            // The gateway answers on whatever address it turns out to have.
            let own = host.addresses.iter().filter(|_| host.name != GATEWAY);
            let addresses: Vec<String> = own.map(|a| a.real.to_string()).collect();
            let mut words = vec![probe.as_str(), "agent", &host.name];
            words.extend(addresses.iter().map(String::as_str));
            let mut command = within(&namespace(&host.name), &words);
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|e| format!("agent of {}: {e}", host.name))?;
            let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                return Err(format!("agent of {}: no pipes", host.name));
            };
            agents.hosts.insert(host.name.clone(), Agent { child, input, output: BufReader::new(output) });
        }
        for (name, agent) in &mut agents.hosts {
            agent.expect("ready").map_err(|e| format!("agent of {name}: {e}"))?;
        }
        Ok(agents)
    }

    /// Asks everything at once, and collects the answers and what everybody saw.
    pub fn ask(&mut self, questions: &[Question]) -> Result<Evidence, String> {
        for (id, question) in questions.iter().enumerate() {
            let wait = match question.expected {
                Expected::Answer { .. } => 8 * self.wait,
                Expected::Error { .. } if question.patient => 4 * self.wait,
                Expected::Nothing | Expected::Error { .. } => self.wait,
            };
            let port = |address: std::net::IpAddr, port: u16| std::net::SocketAddr::new(address, port);
            let line = format!(
                "ask {id} {} {} from={} timeout={} {}",
                question.transport,
                port(question.destination, question.port),
                port(question.source, question.source_port),
                wait,
                question.options.join(" ")
            );
            self.host(&question.host)?.tell(&line)?;
        }
        let mut answers = vec![String::new(); questions.len()];
        for question in questions {
            let line = self.host(&question.host)?.line()?;
            let told = line.strip_prefix("answer ").and_then(|l| l.split_once(' '));
            let (id, answer) = told.ok_or_else(|| format!("{}: {line}", question.host))?;
            let id: usize = id.parse().map_err(|_| line.clone())?;
            *answers.get_mut(id).ok_or("an answer to nothing")? = answer.to_owned();
        }
        Ok(Evidence { answers, seen: self.seen()? })
    }

    /// What everybody saw since the last time.
    pub fn seen(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
        let mut seen = BTreeMap::new();
        for agent in self.hosts.values_mut() {
            agent.tell("seen")?;
        }
        for (name, agent) in &mut self.hosts {
            let lines: &mut BTreeSet<String> = seen.entry(name.clone()).or_default();
            loop {
                let line = agent.line()?;
                match line.strip_prefix("saw ") {
                    Some(packet) => lines.insert(packet.to_owned()),
                    None if line == "end" => break,
                    None => return Err(format!("{name}: {line}")),
                };
            }
        }
        Ok(seen)
    }

    /// Closes the connections that were held.
    pub fn release(&mut self) -> Result<(), String> {
        self.hosts.values_mut().try_for_each(|agent| agent.tell("release"))
    }

    /// Ends all agents: the end of their input is the end of them.
    pub fn stop(self) {
        for (_, agent) in self.hosts {
            drop(agent.input);
            let mut child = agent.child;
            // An agent that is gone already is as good as one that ends now.
            drop(child.wait());
        }
    }

    fn host(&mut self, name: &str) -> Result<&mut Agent, String> {
        self.hosts.get_mut(name).ok_or_else(|| format!("no agent: {name}"))
    }
}

impl Agent {
    fn tell(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.input, "{line}").map_err(|e| format!("agent does not listen: {e}"))
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err("agent ended".to_owned()),
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(e) => Err(e.to_string()),
        }
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        let line = self.line()?;
        if line == word { Ok(()) } else { Err(line) }
    }
}
