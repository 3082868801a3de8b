//! Whether what happened is what should: who answered, what that host saw, and that nobody saw more.
//!
//! The world is closed: after each phase every packet that any host received must be one that the
//! phase's questions explain. A reply from the right host by a wrong way, a copy that reached a
//! third host, or a packet that was let through without an answer all show up as unexplained.

use std::collections::{BTreeMap, BTreeSet};

use overlapc::lab::run::agents::Evidence;

use crate::checks::{Expected, Seen};
use crate::expansion::Question;
use crate::topology::{GATEWAY, Topology};
use crate::traffic::Traffic;

/// The verdict of one check: its name and the reasons against it.
pub type Verdict = (String, Vec<String>);

/// Packets that questions so far explain, by host.
#[derive(Default)]
pub struct Judge {
    explained: BTreeMap<String, BTreeSet<String>>,
    /// The packets that each host sends on connections that are held. What is done with them goes on after
    /// their phase: whoever sends them again may be told at any time that there is no way any more.
    held: BTreeMap<String, BTreeSet<String>>,
}

impl Judge {
    /// One verdict a check, and one about everything that nobody asked for.
    pub fn judge(
        &mut self,
        topology: &Topology,
        names: &[String],
        questions: &[Question],
        evidence: &Evidence,
        traffic: &Traffic,
    ) -> Vec<Verdict> {
        let mut reasons: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for (question, answer) in questions.iter().zip(&evidence.answers) {
            let about = reasons.entry(question.check).or_default();
            *counts.entry(question.check).or_default() += 1;
            if let Err(reason) = self.question(topology, question, answer, &evidence.seen) {
                about.push(format!("{}: {reason}", describe(question)));
            }
        }
        let mut verdicts: Vec<Verdict> = reasons
            .into_iter()
            .map(|(check, reasons)| {
                let count = counts.get(&check).copied().unwrap_or_default();
                (format!("{} ({count})", names[check]), reasons)
            })
            .collect();
        verdicts.push(("nobody saw anything else".to_owned(), self.unexplained(&evidence.seen, traffic)));
        verdicts
    }

    fn question(
        &mut self,
        topology: &Topology,
        question: &Question,
        answer: &str,
        seen: &BTreeMap<String, BTreeSet<String>>,
    ) -> Result<(), String> {
        let empty = BTreeSet::new();
        let at_asker = seen.get(&question.host).unwrap_or(&empty);
        let flow = flow(question, &question.source.to_string(), question.source_port);
        // Who cannot even reach the gateway tells itself so, after some seconds and in its own name.
        let own = format!("error host-unreachable {} {flow}", question.source);
        self.explained.entry(question.host.clone()).or_default().insert(own);
        self.explain_at_router(topology, &question.host, &flow);
        if question.options.iter().any(|option| option == "hold") {
            self.held.entry(question.host.clone()).or_default().insert(flow.clone());
        }
        if let Some(router) = &question.via {
            // Whatever the address was translated to: transport and ports are the question's, and to
            // masqueraded hosts, transport and destination port.
            let (head, port) = (format!("{} ", question.transport), question.source_port.to_string());
            let masqueraded = topology.host(router).is_ok_and(|host| topology.network_of(host).masqueraded);
            let asked = question.port.to_string();
            let forwarded = seen.get(router).unwrap_or(&empty).iter().filter(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let fits = if masqueraded {
                    words.get(4) == Some(&asked.as_str())
                } else {
                    words.get(2) == Some(&port.as_str())
                };
                line.starts_with(&head) && fits
            });
            self.explained.entry(router.clone()).or_default().extend(forwarded.cloned());
        }
        match &question.expected {
            Expected::Nothing => self.explain_errors(topology, question, &flow, seen),
            Expected::Error { kinds, by } => {
                self.explain_errors(topology, question, &flow, seen);
                // A host that cannot even reach the gateway tells itself so.
                let own = topology.host(&question.host).map(|h| h.addresses.clone()).unwrap_or_default();
                let told = at_asker.iter().any(|line| {
                    let Some((head, about)) = line.strip_prefix("error ").and_then(|l| split_after(l, 2))
                    else {
                        return false;
                    };
                    let (kind, router) = head.split_once(' ').unwrap_or((head, ""));
                    let foreign = own.iter().all(|a| a.real.to_string() != router);
                    let wanted = by.is_none_or(|by| by.to_string() == router);
                    about == flow && kinds.contains(&kind) && foreign && wanted
                });
                if !told {
                    let errors: Vec<&str> = at_asker
                        .iter()
                        .filter(|l| l.starts_with("error "))
                        .map(String::as_str)
                        .take(4)
                        .collect();
                    return Err(format!("no {} about it; got {answer}, {errors:?}", kinds.join(" or ")));
                }
            }
            Expected::Answer { host, source, port } => {
                return self.answer(topology, question, answer, seen, (host, &source.to_string(), *port));
            }
        }
        if answer.starts_with("ok") { Err(format!("answered: {answer}")) } else { Ok(()) }
    }

    fn answer(
        &mut self,
        topology: &Topology,
        question: &Question,
        answer: &str,
        seen: &BTreeMap<String, BTreeSet<String>>,
        (host, source, port): (&str, &str, Seen),
    ) -> Result<(), String> {
        let other = topology.host(host)?;
        // What the answering host should have seen, for each address by which it may have been asked.
        let own: Vec<String> = other
            .addresses
            .iter()
            .filter(|a| a.real.is_ipv4() == question.destination.is_ipv4())
            .map(|a| format!("{} {}", a.real, question.port))
            .collect();
        // Where any port will do it is still the one of which the answer speaks.
        let asked_port = question.source_port.to_string();
        let wanted_port = match port {
            Seen::Same => asked_port.as_str(),
            Seen::Any => answer.split(' ').nth(3).unwrap_or(&asked_port),
        };
        let head = format!("{} {source} {wanted_port} ", question.transport);
        let fits = |line: &str| line.strip_prefix(&head).is_some_and(|to| own.iter().any(|o| o == to));
        if question.options.iter().any(|option| option == "again") {
            // Who has an answer already refuses a second one.
            let refused = |line: &&String| {
                line.starts_with(&format!("error port-unreachable {source} {} ", question.transport))
                    && line.split(' ').nth(6) == Some(source)
            };
            let lines: Vec<String> = seen.get(host).into_iter().flatten().filter(refused).cloned().collect();
            for line in &lines {
                self.explain(topology, host, line);
            }
        }
        // The answer to an echo does not say which identifier the host saw.
        let mut echoes: Vec<String> = Vec::new();
        if (port, question.transport.as_str()) == (Seen::Any, "icmp") {
            let echo = |line: &&String| {
                let words: Vec<&str> = line.split(' ').collect();
                matches!(words[..], ["icmp", from, _, to, to_port]
                    if from == source && own.iter().any(|o| *o == format!("{to} {to_port}")))
            };
            echoes.extend(seen.get(host).into_iter().flatten().filter(echo).cloned());
            for line in &echoes {
                self.explain(topology, host, line);
                if let [_, from, identifier, to, _] = line.split(' ').collect::<Vec<_>>()[..] {
                    self.explain_at_router(topology, host, &format!("icmp-reply {to} {identifier} {from} 0"));
                }
            }
        }
        let request = seen.get(host).and_then(|lines| lines.iter().find(|l| fits(l))).cloned();
        let request = request.or(echoes.pop());
        let reply_transport = if question.transport == "icmp" { "icmp-reply" } else { &question.transport };
        let reply = match question.transport.as_str() {
            "icmp" | "253" => format!(
                "{reply_transport} {} {} {} 0",
                question.destination, question.source_port, question.source
            ),
            _ => format!(
                "{reply_transport} {} {} {} {}",
                question.destination, question.port, question.source, question.source_port
            ),
        };
        self.explain(topology, &question.host, &reply);
        if let Some(request) = &request {
            self.explain(topology, host, request);
            // Where routers stand between, they see both directions with the host's own address.
            if let Some(back) = back(request) {
                self.explain_at_router(topology, host, &back);
                if question.options.iter().any(|option| option == "hold") {
                    self.held.entry(host.to_owned()).or_default().insert(back);
                }
            }
        }

        let saw = |host: &str| -> Vec<String> {
            seen.get(host).map(|s| s.iter().take(6).cloned().collect()).unwrap_or_default()
        };
        let words: Vec<&str> = answer.split(' ').collect();
        match words[..] {
            ["ok", "echo"] => {}
            ["ok", name, from, from_port, ..] => {
                if name != host {
                    return Err(format!("answered by {name}, which saw {from}:{from_port}"));
                }
                if from != source || from_port != wanted_port {
                    return Err(format!(
                        "{name} saw {from}:{from_port}, not {source}:{}",
                        question.source_port
                    ));
                }
            }
            _ => return Err(format!("{answer}; {host} saw {:?}", saw(host))),
        }
        if let (Some(request), true) = (&request, question.options.iter().any(|word| word == "deaf")) {
            self.refusal(request, host, source, seen)?;
        }
        if let Some(wanted) = &question.segments {
            let agreed = words.get(5..7).map(|words| words.join("/")).unwrap_or_default();
            if agreed != *wanted {
                return Err(format!("segments of {agreed} bytes, not {wanted}"));
            }
        }
        if request.is_some() {
            return Ok(());
        }
        let others: Vec<&String> = seen
            .iter()
            .filter(|(_, lines)| lines.iter().any(|l| l.starts_with(&question.transport)))
            .map(|(h, _)| h)
            .collect();
        Err(format!(
            "{answer}, but {host} saw no such request, only {:?}; others that saw some: {others:?}",
            saw(host)
        ))
    }

    /// The error about an answer that nobody took must be at the host that gave it, about the packet
    /// that it sent.
    fn refusal(
        &mut self,
        request: &str,
        host: &str,
        source: &str,
        seen: &BTreeMap<String, BTreeSet<String>>,
    ) -> Result<(), String> {
        let [transport, from, from_port, to, to_port] = request.split(' ').collect::<Vec<_>>()[..] else {
            return Err(format!("not a request: {request}"));
        };
        let error = format!("error port-unreachable {source} {transport} {to} {to_port} {from} {from_port}");
        let told = seen.get(host).is_some_and(|lines| lines.contains(&error));
        self.explained.entry(host.to_owned()).or_default().insert(error.clone());
        if told { Ok(()) } else { Err(format!("{host} did not see: {error}")) }
    }

    fn explain(&mut self, topology: &Topology, host: &str, line: &str) {
        self.explained.entry(host.to_owned()).or_default().insert(line.to_owned());
        self.explain_at_router(topology, host, line);
    }

    fn explain_at_router(&mut self, topology: &Topology, host: &str, line: &str) {
        if let Ok(Some((router, _))) = topology.host(host).map(|h| h.router.clone()) {
            self.explained.entry(router).or_default().insert(line.to_owned());
        }
    }

    /// Errors about the asker's own question may reach the asker, by way of its router.
    fn explain_errors(
        &mut self,
        topology: &Topology,
        question: &Question,
        flow: &str,
        seen: &BTreeMap<String, BTreeSet<String>>,
    ) {
        let router = topology.host(&question.host).ok().and_then(|h| h.router.as_ref());
        let allowed = router.map(|(name, _)| name).into_iter().chain(&question.strays);
        for host in allowed.chain([&question.host]) {
            let lines = seen.get(host).into_iter().flatten();
            let about = lines.filter(|l| l.starts_with("error ") && l.ends_with(flow)).cloned();
            self.explained.entry(host.clone()).or_default().extend(about);
        }
    }

    /// What hosts saw though neither a question nor the traffic explains it.
    pub fn unexplained(&self, seen: &BTreeMap<String, BTreeSet<String>>, traffic: &Traffic) -> Vec<String> {
        let empty = BTreeSet::new();
        // The gateway sees everything that it forwards.
        seen.iter()
            .filter(|(host, _)| *host != GATEWAY)
            .flat_map(|(host, lines)| {
                let explained = self.explained.get(host).unwrap_or(&empty);
                let own = self.held.get(host).unwrap_or(&empty);
                let strange = lines
                    .difference(explained)
                    .filter(|line| !is_error_about(line, own) && !traffic.explains(host, line));
                strange.map(|line| format!("{host} saw {}", traffic.place(line))).collect::<Vec<_>>()
            })
            .collect()
    }
}

/// The question's packet as a sniffer tells it.
fn flow(question: &Question, source: &str, source_port: u16) -> String {
    format!("{} {source} {source_port} {} {}", question.transport, question.destination, question.port)
}

/// The answer to a request, both as a sniffer tells them.
fn back(request: &str) -> Option<String> {
    let [transport, from, from_port, to, to_port] = request.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    Some(match transport {
        "icmp" => format!("icmp-reply {to} {from_port} {from} 0"),
        "253" => format!("253 {to} {from_port} {from} 0"),
        _ => format!("{transport} {to} {to_port} {from} {from_port}"),
    })
}

fn is_error_about(line: &str, packets: &BTreeSet<String>) -> bool {
    let about = line.strip_prefix("error ").and_then(|rest| split_after(rest, 2));
    about.is_some_and(|(_, packet)| packets.contains(packet))
}

fn describe(question: &Question) -> String {
    format!(
        "{} {} from {}:{} to {}:{}",
        question.transport,
        question.host,
        question.source,
        question.source_port,
        question.destination,
        question.port
    )
}

/// Splits after `count` words.
fn split_after(line: &str, count: usize) -> Option<(&str, &str)> {
    let (at, _) = line.match_indices(' ').nth(count - 1)?;
    Some((&line[..at], &line[at + 1..]))
}
