//! One case from wires to wires: build, prove that `up`, `status` and `down` keep their word, ask
//! everything, take down, compare with what was before.

use std::env;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use overlapc::lab::run::agents::{Agents, Place, Query};
use overlapc::lab::run::netns::{Run, batch, run, within};

use crate::Score;
use crate::checks::{self, During, Expected};
use crate::expansion::{self, Question, Step};
use crate::judge::{Judge, Verdict};
use crate::listing::Listing;
use crate::topology::{GATEWAY, Topology, namespace};
use crate::traffic::Traffic;
use crate::wires::Wires;

/// Things of somebody else's, one of each kind; they must be there at the end as they were.
const FOREIGN_ROUTING: &[&str] = &[
    "ip rule add pref 30123 fwmark 0x40000000/0x40000000 lookup 30123 protocol 199",
    "ip -6 rule add pref 30123 fwmark 0x40000000/0x40000000 lookup 30123 protocol 199",
    "ip route add 198.51.100.0/24 dev lo table 30123 protocol 199",
];
const FOREIGN_FILTER: &[&str] = &[
    "nft add table inet stranger",
    "nft add chain inet stranger look { type filter hook prerouting priority -310 ; }",
    "nft add rule inet stranger look ip daddr 198.51.100.0/24 drop",
    "iptables -t mangle -A PREROUTING -d 198.51.100.0/24 -j DROP",
    "ip6tables -t raw -A PREROUTING -d 2001:db8:ffff::/48 -j DROP",
];
const FOREIGN_MARKS: &[&str] = &[
    "30123",
    "198.51.100.",
    "203.0.113.",
    "stranger",
    "2001:db8",
    "30200",
    "neighbour",
    "NEIGHBOUR",
    "xovl-",
];

/// How much later than an answer an error about it may be seen: a kernel that has much to do leaves packets
/// to a thread of its own. What nobody should see is not forgotten meanwhile.
const LATE: Duration = Duration::from_secs(2);

/// A compiled scenario and what is around it.
pub struct Case<'a> {
    /// The name of its folder.
    pub name: String,
    /// Where its artefacts are.
    pub folder: &'a Path,
    /// What is around the gateway.
    pub topology: Topology,
    /// The words that run the script.
    pub shell: Vec<String>,
}

/// Runs the case in a folder.
pub fn run_case(folder: &Path, score: &mut Score) -> Result<(), String> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|e| format!("{name}: {e}"));
    let topology = Topology::parse(&read("topology")?)?;
    let steps = expansion::expand(&topology, &checks::parse(&read("checks")?)?)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let shell = read("shell").unwrap_or_else(|_| "sh".to_owned());
    let shell = shell.split_whitespace().map(str::to_owned).collect();
    let case = Case { name, folder, topology, shell };
    let wires = Wires::build(&case.topology)?;
    for line in FOREIGN_ROUTING.iter().chain(FOREIGN_FILTER) {
        run_foreign(line)?;
    }
    if folder.join("before").exists() {
        run(within(GATEWAY, &["sh", "-e", "before"]).current_dir(folder))?.must("before")?;
    }
    case.lifecycle(&steps, &read("nodes.sh")?, score)?;
    drop(wires);
    Ok(())
}

fn run_foreign(line: &str) -> Result<String, String> {
    run(&mut within(GATEWAY, &line.split(' ').collect::<Vec<_>>()))?.must(line)
}

impl Case<'_> {
    fn lifecycle(&self, steps: &[Step], nodes: &str, score: &mut Score) -> Result<(), String> {
        let before = Listing::read()?;
        self.note(score, "status says no before up", self.script("status")?, 1);
        let up = self.script("up")?;
        let came_up = up.code == 0;
        self.note(score, "up", up, 0);
        if !came_up {
            return Ok(());
        }
        let first = Listing::read()?;
        self.note(score, "up a second time", self.script("up")?, 0);
        score.note(&self.name, "up twice is up once", first.same(&Listing::read()?));
        score.note(&self.name, "up keeps what is not its own", before.keeps(&first, FOREIGN_MARKS));
        self.note(score, "status says yes after up", self.script("status")?, 0);

        self.install(nodes)?;
        let mut agents = self.agents()?;
        let asked = self.steps(steps, &mut agents, score);
        agents.stop();
        asked?;

        self.note(score, "up after all checks", self.script("up")?, 0);
        self.note(score, "down", self.script("down")?, 0);
        score.note(&self.name, "down restores what was before up", before.same(&Listing::read()?));
        self.note(score, "down a second time", self.script("down")?, 0);
        self.note(score, "status says no after down", self.script("status")?, 1);
        let left = run(&mut within(GATEWAY, &["conntrack", "-L"]))?.must("conntrack -L")?;
        let zoned: Vec<&str> = left.lines().filter(|l| l.contains("zone")).take(4).collect();
        let clean = if zoned.is_empty() { Ok(()) } else { Err(zoned.join("\n")) };
        score.note(&self.name, "down forgets the connections of its zones", clean);
        Ok(())
    }

    /// Notes whether a program ended with the exit code that it should.
    pub fn note(&self, score: &mut Score, what: &str, run: Run, wanted: i32) {
        let told = format!("exit {}, not {wanted}\n{}{}", run.code, run.text, run.errors);
        let outcome = if run.code == wanted { Ok(()) } else { Err(told) };
        score.note(&self.name, what, outcome);
    }

    /// Runs the emitted script, or that of the changed site.
    pub fn script(&self, word: &str) -> Result<Run, String> {
        let (file, word) = match word.strip_suffix(" changed") {
            Some(word) => ("changed.sh", word),
            None => ("site.sh", word),
        };
        let path = self.folder.join(file);
        // The processor is another case's first, of which something may be due just now.
        let mut words = vec!["nice"];
        words.extend(self.shell.iter().map(String::as_str));
        let path = path.to_string_lossy();
        words.extend([&*path, word]);
        run(&mut within(GATEWAY, &words))
    }

    /// Installs what the artefact `nodes` says on every host that is not behind a router. Where the
    /// site does not tell the gateway's address, the text leaves its place to `$GATEWAY`.
    fn install(&self, nodes: &str) -> Result<(), String> {
        let mut network = None;
        let mut count = 0;
        for line in nodes.lines() {
            if let Some(rest) = line.strip_prefix("# network ") {
                let name = rest.split([':', ' ', ',']).next().unwrap_or_default();
                network = self.topology.networks.iter().position(|n| n.name == name);
                continue;
            }
            let line = line.split(" #").next().unwrap_or_default().trim();
            let (family, command) = match line.strip_prefix("ip -6 ") {
                Some(command) => ("-6", command),
                None => ("-4", line.strip_prefix("ip ").unwrap_or_default()),
            };
            if !command.starts_with("route ") {
                continue;
            }
            count += 1;
            let network = network.ok_or_else(|| format!("nodes: of which network? {line}"))?;
            let gateways = &self.topology.networks[network].gateways;
            let gateway = gateways.iter().find(|g| g.is_ipv6() == (family == "-6"));
            let gateway = gateway.map(ToString::to_string).unwrap_or_default();
            let command = command.replace("\"$GATEWAY6\"", &gateway).replace("\"$GATEWAY\"", &gateway);
            for host in self.topology.hosts_of(network).filter(|h| h.router.is_none()) {
                batch(&["-n", &namespace(&host.name), family], std::slice::from_ref(&command))?;
            }
        }
        if count == 0 { Err("nodes: no route in it".to_owned()) } else { Ok(()) }
    }

    /// One agent a host, and one for the gateway, which answers on whatever address it turns out to have.
    fn agents(&self) -> Result<Agents, String> {
        let probe = env::current_exe().map_err(|e| e.to_string())?.with_file_name("probe");
        let probe = probe.to_str().ok_or("the path of the probe is not text")?;
        let hosts = self.topology.hosts.iter().map(|host| Place {
            name: host.name.clone(),
            namespace: namespace(&host.name),
            addresses: host.addresses.iter().map(|a| a.real).collect(),
            ports: Vec::new(),
        });
        let gateway = Place {
            name: GATEWAY.to_owned(),
            namespace: GATEWAY.to_owned(),
            addresses: Vec::new(),
            ports: Vec::new(),
        };
        Agents::start(&[probe], &hosts.chain([gateway]).collect::<Vec<Place>>())
    }

    fn steps(&self, steps: &[Step], agents: &mut Agents, score: &mut Score) -> Result<(), String> {
        let (mut judge, mut traffic) = (Judge::default(), Traffic::default());
        let mut defaults = false;
        for step in steps {
            let refused = match step {
                Step::Phase(_, questions) => {
                    questions.iter().any(|q| !matches!(q.expected, Expected::Answer { .. }))
                }
                Step::During(During::Flow(line)) => line.expected == Expected::Nothing,
                _ => false,
            };
            if refused && !defaults {
                self.add_defaults()?;
                defaults = true;
            }
            match step {
                Step::Phase(names, questions) => {
                    self.phase(names, questions, agents, &mut judge, &traffic, score)?;
                }
                Step::During(during) => {
                    self.during(during, agents, &mut judge, &mut traffic, score)?;
                    continue;
                }
                Step::Command(host, command) => {
                    let place = host.as_ref().map_or_else(|| GATEWAY.to_owned(), |h| namespace(h));
                    let run = run(within(&place, &["sh", "-c", command]).env("CASE", self.folder))?;
                    let place = host.as_deref().unwrap_or(GATEWAY);
                    self.note(score, &format!("{place}: {command}"), run, 0);
                }
                Step::Script(word) => self.note(score, word, self.script(word)?, 0),
                Step::Flush => {
                    let run = run(&mut within(GATEWAY, &["nft", "flush", "ruleset"]))?;
                    self.note(score, "all rule sets flushed", run, 0);
                    for line in FOREIGN_FILTER {
                        run_foreign(line)?;
                    }
                }
                Step::Release => agents.release()?,
            }
            if traffic.flows() {
                traffic.round(&step.name(), agents)?;
            }
        }
        Ok(())
    }

    fn phase(
        &self,
        names: &[String],
        questions: &[Question],
        agents: &mut Agents,
        judge: &mut Judge,
        traffic: &Traffic,
        score: &mut Score,
    ) -> Result<(), String> {
        let queries: Vec<Query> = questions.iter().map(Question::query).collect();
        let mut evidence = agents.ask(&queries)?;
        let deadline = Instant::now() + LATE;
        let verdicts = loop {
            let verdicts = judge.judge(&self.topology, names, questions, &evidence, traffic);
            if verdicts.iter().all(|(_, reasons)| reasons.is_empty()) || Instant::now() > deadline {
                break verdicts;
            }
            for (host, lines) in agents.seen()? {
                evidence.seen.entry(host).or_default().extend(lines);
            }
        };
        for verdict in verdicts {
            self.verdict(verdict, score);
        }
        Ok(())
    }

    /// Notes a verdict with the first of its reasons.
    pub fn verdict(&self, (name, mut reasons): Verdict, score: &mut Score) {
        let more = reasons.len().saturating_sub(6);
        reasons.truncate(6);
        if more > 0 {
            reasons.push(format!("and {more} more"));
        }
        let outcome = if reasons.is_empty() { Ok(()) } else { Err(reasons.join("\n")) };
        score.note(&self.name, &name, outcome);
    }

    /// Sends everything to the gateway, so that what should not pass is tried at all.
    fn add_defaults(&self) -> Result<(), String> {
        for host in self.topology.hosts.iter().filter(|h| h.router.is_none()) {
            for gateway in &self.topology.network_of(host).gateways {
                let family = if gateway.is_ipv4() { "-4" } else { "-6" };
                let line = format!("route replace default via {gateway} metric 9999");
                batch(&["-n", &namespace(&host.name), family], &[line])?;
            }
        }
        Ok(())
    }
}
