//! Faults that are made one after the other while traffic flows.

use overlapc::lab::run::agents::Agents;
use overlapc::lab::run::netns::{run, within};

use crate::Score;
use crate::case::Case;
use crate::checks::During;
use crate::judge::Judge;
use crate::topology::GATEWAY;
use crate::traffic::Traffic;

impl Case<'_> {
    /// Does what a line about traffic says.
    pub fn during(
        &self,
        during: &During,
        agents: &mut Agents,
        judge: &mut Judge,
        traffic: &mut Traffic,
        score: &mut Score,
    ) -> Result<(), String> {
        match during {
            During::Flow(line) => traffic.add(&self.topology, line, agents)?,
            During::Answered(hosts) => {
                let name = format!("all traffic is answered: {}", hosts.join(" "));
                score.note(&self.name, name.trim_end_matches(": "), traffic.answered(hosts, agents)?);
            }
            During::Each(what) => {
                let taken = self.each(what, traffic, agents)?;
                let outcome = if taken > 0 { Ok(()) } else { Err("there is none".to_owned()) };
                score.note(&self.name, &format!("each {what} of {taken} taken away in turn"), outcome);
            }
            During::Interrupted(stride, first) => {
                self.interrupted(*stride, *first, agents, traffic, score)?
            }
            During::Ends => {
                for verdict in traffic.end(agents)? {
                    self.verdict(verdict, score);
                }
                let strange = judge.unexplained(&agents.seen()?, traffic);
                self.verdict(("nobody saw anything else all along".to_owned(), strange), score);
            }
        }
        Ok(())
    }

    /// Deletes each rule, or each route, of the site in turn, and adds it again. Gives their number.
    fn each(&self, what: &str, traffic: &mut Traffic, agents: &mut Agents) -> Result<usize, String> {
        let mut taken = 0;
        for family in ["-4", "-6"] {
            let all: &[&str] = if what == "rule" { &[] } else { &["table", "all"] };
            let words = [&["ip", family, what, "show"], all].concat();
            let listed = run(&mut within(GATEWAY, &words))?.must("listing")?;
            for line in listed.lines() {
                let Some(line) = (if what == "rule" { as_rule(line) } else { as_route(line) }) else {
                    continue;
                };
                taken += 1;
                let change = |verb: &str| {
                    let words: Vec<&str> =
                        ["ip", family, what, verb].into_iter().chain(line.split(' ')).collect();
                    run(&mut within(GATEWAY, &words))?.must(&words.join(" "))
                };
                change("del")?;
                traffic.round(&format!("ip {family} {what} del {line}"), agents)?;
                change("add")?;
            }
        }
        Ok(taken)
    }
}

/// A line of `ip rule show` as `ip rule add` takes it; none for the kernel's own rules that are no part
/// of the site: a VRF device's rule is.
fn as_rule(line: &str) -> Option<String> {
    let (preference, rest) = line.split_once(':')?;
    let rest = rest.trim().replace("from all", "").replace("lookup [l3mdev-table]", "l3mdev");
    let rest = rest.replace(" proto ", " protocol ");
    let (rest, own) = match rest.strip_suffix("l3mdev") {
        Some(_) => ("l3mdev protocol kernel".to_owned(), true),
        None => (rest.clone(), rest.ends_with("protocol 77")),
    };
    let words: Vec<&str> = rest.split_whitespace().collect();
    own.then(|| format!("pref {preference} {}", words.join(" ")))
}

/// A line of `ip route show` as `ip route add` takes it, without what is a state; none for others' routes.
fn as_route(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "error" | "pref" => drop(words.next()),
            "linkdown" | "dead" => {}
            _ => kept.push(word),
        }
    }
    line.contains(" proto 77 ").then(|| kept.join(" "))
}
