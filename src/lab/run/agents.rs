//! One agent in each namespace, driven over pipes: who answers, who asks, and what everybody saw.
//!
//! In: places and questions. Out: answers in order, and the packets that each place received. What
//! must hold: no time is waited for; an agent says when it is ready, when a question is settled, and
//! when all packets that had arrived are told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde::{Deserialize, Serialize};

use super::netns::within;

/// Where an agent runs and as whom it answers.
#[derive(Clone, Debug)]
pub struct Place {
    /// The name in its answers.
    pub name: String,
    /// The network namespace, of ip-netns(8).
    pub namespace: String,
    /// The addresses on which it answers; all where there is none.
    pub addresses: Vec<IpAddr>,
    /// The TCP and UDP ports on which it answers; 80 where there is none.
    pub ports: Vec<u16>,
}

/// A question to be asked by an agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Query {
    /// The name of the agent that asks.
    pub by: String,
    /// What to ask, in the words of [`crate::lab::host::Ask::parse`].
    pub words: String,
}

pub(super) struct Agent {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// The agents, by name.
pub struct Agents {
    pub(super) running: BTreeMap<String, Agent>,
}

/// What a round of questions brought to light.
pub struct Evidence {
    /// One answer a question, in order: `ok NAME PEER PORT LOCAL` or a word for the reason.
    pub answers: Vec<String>,
    /// What each place saw, in the lines of [`crate::lab::host`].
    pub seen: BTreeMap<String, BTreeSet<String>>,
}

impl Agents {
    /// Starts one agent a place and waits until all are ready. `program` is what runs
    /// [`crate::lab::host::main`], with the words that go before `agent`.
    ///
    /// # Errors
    ///
    /// An agent cannot be started or ends at once; the text says which and why.
    pub fn start(program: &[&str], places: &[Place]) -> Result<Self, String> {
        let mut agents = Self { running: BTreeMap::new() };
        for place in places {
            let ports = place.ports.iter().flat_map(|port| ["--port".to_owned(), port.to_string()]);
            let addresses = place.addresses.iter().map(ToString::to_string);
            let own: Vec<String> = ports.chain(addresses).collect();
            let mut words = program.to_vec();
            words.extend(["agent", &place.name]);
            words.extend(own.iter().map(String::as_str));
            let mut child = within(&place.namespace, &words)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|e| format!("agent of {}: {e}", place.name))?;
            let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                return Err(format!("agent of {}: no pipes", place.name));
            };
            agents.running.insert(place.name.clone(), Agent { child, input, output: BufReader::new(output) });
        }
        for (name, agent) in &mut agents.running {
            agent.expect("ready").map_err(|e| format!("agent of {name}: {e}"))?;
        }
        Ok(agents)
    }

    /// Asks everything at once, and collects the answers and what everybody saw.
    ///
    /// # Errors
    ///
    /// An agent is unknown, does not understand, or has ended.
    pub fn ask(&mut self, queries: &[Query]) -> Result<Evidence, String> {
        for (id, query) in queries.iter().enumerate() {
            self.agent(&query.by)?.tell(&format!("ask {id} {}", query.words))?;
        }
        let mut answers = vec![String::new(); queries.len()];
        for query in queries {
            let line = self.agent(&query.by)?.line()?;
            let told = line.strip_prefix("answer ").and_then(|l| l.split_once(' '));
            let (id, answer) = told.ok_or_else(|| format!("{}: {line}", query.by))?;
            let id: usize = id.parse().map_err(|_| line.clone())?;
            *answers.get_mut(id).ok_or("an answer to nothing")? = answer.to_owned();
        }
        Ok(Evidence { answers, seen: self.seen()? })
    }

    /// What everybody saw since the last time.
    ///
    /// # Errors
    ///
    /// As [`Self::ask`].
    pub fn seen(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
        let mut seen = BTreeMap::new();
        for agent in self.running.values_mut() {
            agent.tell("seen")?;
        }
        for (name, agent) in &mut self.running {
            seen.insert(name.clone(), agent.packets().map_err(|e| format!("{name}: {e}"))?);
        }
        Ok(seen)
    }

    /// Makes an agent look at what passes its devices, until it is asked by [`Self::caught`].
    ///
    /// # Errors
    ///
    /// As [`Self::ask`].
    pub fn watch(&mut self, name: &str) -> Result<(), String> {
        let agent = self.agent(name)?;
        agent.tell("watch")?;
        agent.expect("ready").map_err(|e| format!("agent of {name}: {e}"))
    }

    /// What passed the devices of a place since [`Self::watch`]: `In DEVICE BYTES` and `Out DEVICE BYTES`,
    /// the bytes of the IP packet in hexadecimal.
    ///
    /// # Errors
    ///
    /// As [`Self::ask`].
    pub fn caught(&mut self, name: &str) -> Result<BTreeSet<String>, String> {
        let agent = self.agent(name)?;
        agent.tell("caught")?;
        agent.packets().map_err(|e| format!("agent of {name}: {e}"))
    }

    /// Closes the connections that were held.
    ///
    /// # Errors
    ///
    /// As [`Self::ask`].
    pub fn release(&mut self) -> Result<(), String> {
        self.running.values_mut().try_for_each(|agent| agent.tell("release"))
    }

    /// Ends all agents: the end of their input is the end of them.
    pub fn stop(self) {
        // All at once: each takes its time.
        let ending: Vec<Child> = self
            .running
            .into_values()
            .map(|agent| {
                let Agent { child, input, output } = agent;
                drop((input, output));
                child
            })
            .collect();
        for mut child in ending {
            // An agent that is gone already is as good as one that ends now.
            drop(child.wait());
        }
    }

    pub(super) fn agent(&mut self, name: &str) -> Result<&mut Agent, String> {
        self.running.get_mut(name).ok_or_else(|| format!("no agent: {name}"))
    }
}

impl Agent {
    pub(super) fn tell(&mut self, line: &str) -> Result<(), String> {
        writeln!(self.input, "{line}").map_err(|e| format!("agent does not listen: {e}"))
    }

    pub(super) fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err("agent ended".to_owned()),
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(e) => Err(e.to_string()),
        }
    }

    /// Lines with a word before each, up to `end`.
    pub(super) fn list(&mut self, word: &str) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            match line.strip_prefix(word) {
                Some(rest) => lines.push(rest.to_owned()),
                None if line == "end" => return Ok(lines),
                None => return Err(line),
            }
        }
    }

    /// The packets that it tells of.
    fn packets(&mut self) -> Result<BTreeSet<String>, String> {
        Ok(self.list("saw ")?.into_iter().collect())
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        let line = self.line()?;
        if line == word { Ok(()) } else { Err(line) }
    }
}
