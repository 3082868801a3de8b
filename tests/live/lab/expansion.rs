//! From the lines of `checks` to steps: phases of questions that are asked at the same time.
//!
//! By default all questions of a phase use one source port and one destination port, which is what
//! strains connection tracking most; each phase has a source port of its own, so that late packets
//! of an earlier one are told apart. Questions that expect an answer come before those that don't.

use std::collections::BTreeSet;
use std::env;
use std::net::{IpAddr, SocketAddr};

use overlapc::lab::run::agents::Query;

use crate::checks::{During, Expected, Line, Seen, Statement, TRANSPORTS};
use crate::topology::{Address, Host, Network, Topology};

/// One question of one host over one transport.
#[derive(Clone, Debug)]
pub struct Question {
    /// The check that it belongs to.
    pub check: usize,
    /// Who asks.
    pub host: String,
    /// The probe's word for the transport.
    pub transport: String,
    /// The sender's address.
    pub source: IpAddr,
    /// The sender's port, identifier or label.
    pub source_port: u16,
    /// Whom.
    pub destination: IpAddr,
    /// Which port; 0 where the transport has none.
    pub port: u16,
    /// Words for the probe.
    pub options: Vec<String>,
    /// Whether the outcome takes its time.
    pub patient: bool,
    /// Whether it is asked on a connection that is open already.
    pub said: bool,
    /// A router that may see the packet on its way.
    pub via: Option<String>,
    /// A host that may be sent the errors about it.
    pub strays: Option<String>,
    /// The largest segments that the answering and the asking side send, as `N/M`.
    pub segments: Option<String>,
    /// What should happen.
    pub expected: Expected,
}

impl Question {
    /// As its agent understands it. What nobody answers is known after `LAB_WAIT` milliseconds; an answer may take
    /// 24 times as long, or 8 times where the question is asked `again`, after half of that time.
    pub fn query(&self) -> Query {
        let wait = env::var("LAB_WAIT").ok().and_then(|w| w.parse().ok()).unwrap_or(500);
        let timeout: u32 = match self.expected {
            Expected::Answer { .. } if self.options.iter().any(|option| option == "again") => 8 * wait,
            Expected::Answer { .. } => 24 * wait,
            Expected::Error { .. } if self.patient && self.transport == "tcp" => 8 * wait,
            Expected::Error { .. } if self.patient => 4 * wait,
            Expected::Nothing | Expected::Error { .. } => wait,
        };
        let words = format!(
            "{} {} from={} timeout={timeout} {}",
            if self.said { "say" } else { &self.transport },
            SocketAddr::new(self.destination, self.port),
            SocketAddr::new(self.source, self.source_port),
            self.options.join(" ")
        );
        Query { by: self.host.clone(), words }
    }
}

/// A phase or what lies between two.
#[derive(Clone, Debug)]
pub enum Step {
    /// Questions asked at the same time and the names of their checks.
    Phase(Vec<String>, Vec<Question>),
    /// A shell command on a host (or the gateway).
    Command(Option<String>, String),
    /// `up` or `down` of the script.
    Script(&'static str),
    /// Traffic, and what is done meanwhile.
    During(During),
    /// Empty all rule sets.
    Flush,
    /// Close held connections.
    Release,
}

impl Step {
    /// What it does, in the words of `checks`.
    pub fn name(&self) -> String {
        match self {
            Self::Phase(names, _) => names.join("; "),
            Self::Command(_, command) => command.clone(),
            Self::Script(word) => (*word).to_owned(),
            Self::Flush => "flush".to_owned(),
            Self::Release => "release".to_owned(),
            Self::During(during) => format!("{during:?}"),
        }
    }
}

struct Expansion<'a> {
    topology: &'a Topology,
    transports: Vec<String>,
    distinct: bool,
    connected: BTreeSet<(usize, usize)>,
    steps: Vec<Step>,
    names: Vec<String>,
    questions: Vec<Question>,
    source_port: u16,
    next_distinct: u16,
}

/// Turns statements into steps.
pub fn expand(topology: &Topology, statements: &[Statement]) -> Result<Vec<Step>, String> {
    let mut expansion = Expansion {
        topology,
        transports: TRANSPORTS.iter().map(|t| (*t).to_owned()).collect(),
        distinct: false,
        connected: BTreeSet::new(),
        steps: Vec::new(),
        names: Vec::new(),
        questions: Vec::new(),
        source_port: 4000,
        next_distinct: 20_000,
    };
    for statement in statements {
        expansion.statement(statement)?;
    }
    expansion.end_phase();
    Ok(expansion.steps)
}

impl Expansion<'_> {
    fn statement(&mut self, statement: &Statement) -> Result<(), String> {
        match statement {
            Statement::Transports(transports) => self.transports.clone_from(transports),
            Statement::DistinctPorts(distinct) => self.distinct = *distinct,
            Statement::Port(port) => self.source_port = *port,
            Statement::Connect(from, to, both) => self.connect(from, to, *both)?,
            Statement::Apart => self.apart(),
            Statement::Ask(line) => self.line(line)?,
            Statement::Command(host, command) => {
                self.end_phase();
                self.steps.push(Step::Command(host.clone(), command.clone()));
            }
            Statement::Script(word) => {
                self.end_phase();
                self.steps.push(Step::Script(word));
            }
            Statement::During(during) => {
                self.end_phase();
                self.steps.push(Step::During(during.clone()));
            }
            Statement::Flush => {
                self.end_phase();
                self.steps.push(Step::Flush);
            }
            Statement::Release => {
                self.end_phase();
                self.steps.push(Step::Release);
            }
        }
        Ok(())
    }

    /// Answers first: what is refused is asked with a default route in place, which would hide a
    /// missing route of the hosts. Errors next: the kernel sends five unreachables to one host, then
    /// one a second, whatever the settings are.
    fn end_phase(&mut self) {
        let questions = std::mem::take(&mut self.questions);
        let (answers, rest): (Vec<_>, Vec<_>) =
            questions.into_iter().partition(|q| matches!(q.expected, Expected::Answer { .. }));
        let (errors, nothing): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|q| matches!(q.expected, Expected::Error { .. }));
        for part in [answers, errors, nothing] {
            if !part.is_empty() {
                self.steps.push(Step::Phase(self.names.clone(), part));
            }
        }
        self.names.clear();
        self.source_port += 1;
    }

    fn connect(&mut self, from: &str, to: &str, both: bool) -> Result<(), String> {
        let mut pairs = self.pairs(from, to);
        if both {
            pairs.extend(self.pairs(to, from));
        }
        if pairs.is_empty() {
            return Err(format!("no networks are called {from} and {to}"));
        }
        for (a, b) in pairs {
            if self.connected.insert((a, b)) {
                self.check(a, b, "reaches");
                self.pair(a, b, true);
            }
        }
        Ok(())
    }

    fn pairs(&self, from: &str, to: &str) -> Vec<(usize, usize)> {
        let named = |pattern: &str| -> Vec<usize> {
            let fits = |name: &str| match pattern.split_once('*') {
                Some((head, tail)) => name.starts_with(head) && name.ends_with(tail),
                None => name == pattern,
            };
            (0..self.topology.networks.len()).filter(|n| fits(&self.topology.networks[*n].name)).collect()
        };
        let to = named(to);
        named(from)
            .into_iter()
            .flat_map(|a| to.iter().map(move |b| (a, *b)))
            .filter(|(a, b)| a != b)
            .collect()
    }

    fn apart(&mut self) {
        let count = self.topology.networks.len();
        for a in 0..count {
            for b in 0..count {
                if a == b {
                    self.check(a, b, "has no way to its own alias in");
                    self.pair(a, b, false);
                } else if !self.connected.contains(&(a, b)) {
                    self.check(a, b, "has no way to");
                    self.pair(a, b, false);
                }
            }
        }
    }

    fn check(&mut self, a: usize, b: usize, what: &str) {
        let networks = &self.topology.networks;
        self.names.push(format!("{} {what} {}", networks[a].name, networks[b].name));
    }

    /// All hosts of one network to all of another.
    fn pair(&mut self, a: usize, b: usize, answered: bool) {
        let topology = self.topology;
        let asking = &topology.networks[a].name;
        let transports = self.transports.clone();
        for asker in topology.hosts_of(a) {
            for other in topology.hosts_of(b) {
                for own in &asker.addresses {
                    for known in other.addresses.iter().filter(|k| k.known.is_ipv4() == own.real.is_ipv4()) {
                        if !answered {
                            let aliases = known.aliases().filter(|alias| !self.is_somebodys(a, *alias));
                            for alias in aliases.collect::<Vec<_>>() {
                                self.ask(&transports, asker, own.real, alias, Expected::Nothing);
                            }
                            continue;
                        }
                        let (source, port) = seen_by(&topology.networks[b], own);
                        let expected = Expected::Answer { host: other.name.clone(), source, port };
                        let first = self.questions.len();
                        self.ask(&transports, asker, own.real, known.known_to(asking), expected);
                        // Two that get one port at the same moment lose a packet: clients ask again.
                        if topology.networks[b].masqueraded {
                            for question in &mut self.questions[first..] {
                                question.options.push("again".to_owned());
                            }
                        }
                    }
                }
            }
        }
    }

    /// Whether the address means a host of the network itself, or of one connected to it: then it
    /// cannot be asked as somebody else's.
    fn is_somebodys(&self, a: usize, address: IpAddr) -> bool {
        let viewer = &self.topology.networks[a].name;
        self.topology.hosts.iter().any(|host| {
            host.addresses.iter().any(|own| {
                (host.network == a && own.real == address)
                    || (self.connected.contains(&(a, host.network)) && own.known_to(viewer) == address)
            })
        })
    }

    fn ask(&mut self, transports: &[String], asker: &Host, source: IpAddr, to: IpAddr, expected: Expected) {
        for transport in transports {
            let source_port = self.fresh_port();
            self.questions.push(Question {
                check: self.names.len() - 1,
                host: asker.name.clone(),
                transport: transport.clone(),
                source,
                source_port,
                destination: to,
                port: port_of(transport, 80),
                options: Vec::new(),
                patient: false,
                said: false,
                via: None,
                strays: None,
                segments: None,
                expected: expected.clone(),
            });
        }
    }

    const fn fresh_port(&mut self) -> u16 {
        if self.distinct {
            self.next_distinct += 1;
            return self.next_distinct;
        }
        self.source_port
    }

    fn line(&mut self, line: &Line) -> Result<(), String> {
        let asker = self.topology.host(&line.host)?.clone();
        let source = line.from.or_else(|| {
            asker.addresses.iter().map(|a| a.real).find(|a| a.is_ipv4() == line.destination.is_ipv4())
        });
        let source = source.ok_or_else(|| format!("{} has no address of that family", asker.name))?;
        if let Expected::Answer { host, .. } = &line.expected {
            self.topology.host(host)?;
        }
        self.names.push(line.text.clone());
        let transports = if line.transports.is_empty() { &self.transports } else { &line.transports };
        let transports = transports.clone();
        let first = self.questions.len();
        self.ask(&transports, &asker, source, line.destination, line.expected.clone());
        for question in &mut self.questions[first..] {
            question.port = port_of(&question.transport, line.port.unwrap_or(80));
            question.source_port = line.from_port.unwrap_or(question.source_port);
            question.options.clone_from(&line.options);
            question.patient = line.patient;
            question.said = line.said;
            question.via.clone_from(&line.via);
            question.strays.clone_from(&line.strays);
            question.segments.clone_from(&line.segments);
        }
        Ok(())
    }
}

/// What a host of a network sees of who asks: the alias and the port, or the gateway and any port.
fn seen_by(network: &Network, asker: &Address) -> (IpAddr, Seen) {
    let gateway = network.gateways.iter().find(|gateway| gateway.is_ipv4() == asker.real.is_ipv4());
    match gateway {
        Some(gateway) if network.masqueraded => (*gateway, Seen::Any),
        _ => (asker.known_to(&network.name), Seen::Same),
    }
}

fn port_of(transport: &str, port: u16) -> u16 {
    if matches!(transport, "tcp" | "udp") { port } else { 0 }
}
