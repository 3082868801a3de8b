//! Traffic that keeps flowing while faults are made, and what it may lead to.
//!
//! Each flow sends a packet of every transport a round, each round from a new port. Afterwards every
//! packet that anybody received is one of a flow, at the right host with the right addresses, or an
//! error about it; whatever else somebody received came through a fault. Its port tells through which.

use std::collections::{BTreeMap, BTreeSet};

use overlapc::lab::host::FLOW_PORTS;
use overlapc::lab::run::agents::{Agents, Query};

use crate::checks::{Expected, Line, TRANSPORTS};
use crate::judge::Verdict;
use crate::topology::{Host, Topology};

/// How long an answer may take once nothing is in its way, in milliseconds.
const LIMIT: u32 = 10_000;

/// A flow, and the addresses that its packets may have.
#[derive(Clone, Debug)]
struct Flow {
    text: String,
    asker: String,
    source: String,
    destination: String,
    transports: Vec<String>,
    hold: bool,
    /// Who may answer: host, its own address, the source that it sees.
    answers: Option<(String, String, String)>,
    /// From where errors may come, at the asker and at who answers.
    routers: [Vec<String>; 2],
    strays: Option<String>,
}

/// All flows of a case so far, and what was done while they flowed.
#[derive(Default)]
pub struct Traffic {
    flows: Vec<Flow>,
    flowing: Vec<usize>,
    /// What was done, and the port of each agent's first whole round after it.
    done: Vec<(String, BTreeMap<String, u16>)>,
}

impl Traffic {
    /// Whether there is any now.
    pub fn flows(&self) -> bool {
        !self.flowing.is_empty()
    }

    /// Starts a flow.
    pub fn add(&mut self, topology: &Topology, line: &Line, agents: &mut Agents) -> Result<(), String> {
        let flow = Flow::new(topology, line)?;
        let id = self.flows.len();
        let at = if flow.destination.contains(':') {
            format!("[{}]:80", flow.destination)
        } else {
            format!("{}:80", flow.destination)
        };
        let hold = if flow.hold { " hold" } else { "" };
        let over = flow.transports.join(",");
        let words = format!("{id} {at} from={}{hold} over={over}", flow.source);
        agents.flow(&Query { by: flow.asker.clone(), words })?;
        self.flows.push(flow);
        self.flowing.push(id);
        Ok(())
    }

    /// Sends one more round, whose packets meet what was just done.
    pub fn round(&mut self, done: &str, agents: &mut Agents) -> Result<(), String> {
        self.done.push((done.to_owned(), agents.round()?));
        Ok(())
    }

    /// Every flow of these askers (of all, where none is named) that may be answered is, from now on.
    pub fn answered(&mut self, askers: &[String], agents: &mut Agents) -> Result<Result<(), String>, String> {
        let since = agents.round()?;
        let mut ways: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for id in &self.flowing {
            let flow = &self.flows[*id];
            if flow.answers.is_some() && (askers.is_empty() || askers.contains(&flow.asker)) {
                let words = flow.transports.iter().map(|transport| format!("{id} {transport}"));
                ways.entry(flow.asker.clone()).or_default().extend(words);
            }
        }
        let missing = agents.unanswered(&since, &ways, LIMIT)?;
        Ok(if missing.is_empty() { Ok(()) } else { Err(self.name(&missing).join("\n")) })
    }

    /// Ends the traffic: who answered, and that all that can be answered was.
    pub fn end(&mut self, agents: &mut Agents) -> Result<Vec<Verdict>, String> {
        let told = agents.flowed()?;
        let mut verdicts = Vec::new();
        for id in std::mem::take(&mut self.flowing) {
            let flow = &self.flows[id];
            let lines: Vec<&str> =
                told.iter().filter_map(|line| line.strip_prefix(&format!("{id} "))).collect();
            let mut reasons: Vec<String> =
                lines.iter().filter(|line| !flow.may_say(line)).map(|line| (*line).to_owned()).collect();
            let mut ways: Vec<&str> = flow.transports.iter().map(String::as_str).collect();
            ways.extend(flow.hold.then_some("hold"));
            for way in ways.iter().filter(|_| flow.answers.is_some()) {
                if !lines.iter().any(|line| line.split(' ').next() == Some(way)) {
                    reasons.push(format!("no answer over {way}"));
                }
            }
            verdicts.push((flow.text.clone(), reasons));
        }
        Ok(verdicts)
    }

    /// Whether a packet that a host received is one of a flow's.
    pub fn explains(&self, host: &str, line: &str) -> bool {
        self.flows.iter().any(|flow| flow.explains(host, line))
    }

    /// A packet that nothing explains, with what was done when it was sent.
    pub fn place(&self, line: &str) -> String {
        let mut ports = line.split(' ').filter_map(|word| word.parse().ok());
        let Some(port) = ports.find(|port| FLOW_PORTS.contains(port)) else { return line.to_owned() };
        let mut times = BTreeSet::new();
        for flow in &self.flows {
            let after = |(_, ports): &&(String, BTreeMap<String, u16>)| {
                ports.get(&flow.asker).is_some_and(|last| *last >= port)
            };
            times.extend(self.done.iter().find(after).or(self.done.last()).map(|(done, _)| done.as_str()));
        }
        let times: Vec<&str> = times.into_iter().collect();
        format!("{line}  (at the time of: {})", times.join("; or: "))
    }

    fn name(&self, ways: &[String]) -> Vec<String> {
        let named = ways.iter().map(|way| {
            let (id, transport) = way.split_once(' ').unwrap_or((way, ""));
            let flow = id.parse().ok().and_then(|id: usize| self.flows.get(id));
            format!("no answer over {transport}: {}", flow.map_or(id, |flow| &flow.text))
        });
        named.collect()
    }
}

impl Flow {
    fn new(topology: &Topology, line: &Line) -> Result<Self, String> {
        let asker = topology.host(&line.host)?;
        let v4 = line.destination.is_ipv4();
        let own = |host: &Host| {
            let mut own = host.addresses.iter().map(|a| a.real).filter(|a| a.is_ipv4() == v4);
            own.next().ok_or_else(|| format!("{} has no address of that family", host.name))
        };
        let source = line.from.map_or_else(|| own(asker), Ok)?;
        let gateways = |host: &Host| -> Vec<String> {
            let network = topology.networks.get(host.network);
            network.map(|n| n.gateways.iter().map(ToString::to_string).collect()).unwrap_or_default()
        };
        let destination = line.destination.to_string();
        let mut routers = [gateways(asker), Vec::new()];
        // A host tells itself that nobody is there, and errors from behind are translated.
        routers[0].extend([source.to_string(), destination.clone()]);
        let answers = match &line.expected {
            Expected::Answer { host, source, .. } => {
                let other = topology.host(host)?;
                let real =
                    other.addresses.iter().find(|a| a.aliases().any(|known| known == line.destination));
                let real = real.map_or_else(|| own(other), |a| Ok(a.real))?;
                routers[1] = gateways(other);
                routers[1].extend([real.to_string(), source.to_string()]);
                Some((host.clone(), real.to_string(), source.to_string()))
            }
            _ => None,
        };
        let transports = if line.transports.is_empty() {
            TRANSPORTS.iter().map(|t| (*t).to_owned()).collect()
        } else {
            line.transports.clone()
        };
        Ok(Self {
            text: line.text.clone(),
            asker: line.host.clone(),
            source: source.to_string(),
            destination,
            transports,
            hold: line.options.iter().any(|option| option == "hold"),
            answers,
            routers,
            strays: line.strays.clone(),
        })
    }

    /// Whether this is what an answer may tell.
    fn may_say(&self, line: &str) -> bool {
        let Some((host, _, sees)) = &self.answers else { return false };
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["icmp", "echo"] => true,
            [_, name, source, "same"] => name == host && source == sees,
            _ => false,
        }
    }

    fn explains(&self, host: &str, line: &str) -> bool {
        let about = line.strip_prefix("error ").map(|rest| rest.splitn(3, ' ').collect::<Vec<_>>());
        let asks = |line: &str| self.is_packet(line, (&self.source, &self.destination), false);
        let answered = |line: &str| match &self.answers {
            Some((_, real, sees)) => self.is_packet(line, (real, sees), true),
            None => false,
        };
        if let Some(about) = about {
            let [_, router, packet] = about[..] else { return false };
            // While its address there goes and comes, the gateway speaks from that of the link.
            let from = |side: usize| {
                router.starts_with("fe80:") || self.routers[side].iter().any(|own| own == router)
            };
            return (host == self.asker && from(0) && asks(packet))
                || (self.strays.as_deref() == Some(host) && asks(packet))
                || (self.answers.as_ref().is_some_and(|(name, ..)| name == host)
                    && from(1)
                    && answered(packet));
        }
        match &self.answers {
            Some((name, real, sees)) => {
                (host == self.asker && self.is_packet(line, (&self.destination, &self.source), true))
                    || (host == name && self.is_packet(line, (sees, real), false))
            }
            None => false,
        }
    }

    /// Whether a sniffer's line is a packet between these two; the answer to a question, or that.
    fn is_packet(&self, line: &str, (from, to): (&str, &str), answer: bool) -> bool {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, source, source_port, destination, destination_port] = words[..] else { return false };
        let (transport, port, other) = match (kind, answer) {
            ("tcp" | "udp", true) => (kind, destination_port, source_port == "80"),
            ("tcp" | "udp", false) => (kind, source_port, destination_port == "80"),
            ("icmp-reply", true) => ("icmp", source_port, destination_port == "0"),
            ("icmp", false) | ("253", _) => (kind, source_port, destination_port == "0"),
            _ => return false,
        };
        let port: u16 = port.parse().unwrap_or_default();
        let held = self.hold && transport == "tcp" && port == FLOW_PORTS.start - 1;
        let known = self.transports.iter().any(|own| own == transport) && FLOW_PORTS.contains(&port);
        (held || known) && other && source == from && destination == to
    }
}
