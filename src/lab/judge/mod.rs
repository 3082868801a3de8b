//! Whether what happened is what should: who answered, what that host saw, and that nobody saw more.
//!
//! Goes in: questions, the answers to them, and every packet that any network received. Comes out: a row
//! a question, and one for each packet that nobody explains. What must hold: the world is closed. A reply
//! from the right host by a wrong way, a copy in a third network, a packet that was let through without
//! an answer: all show up.

mod answer;
mod lines;
mod row;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub use row::{End, Meant, Row};

use super::run::agents::Evidence;
use super::scene::{Expected, GATEWAY, Kind, Scene, Trial, UPLINK};
use crate::net;
use lines::{Line, Told};

/// What each network saw.
type Seen = BTreeMap<String, BTreeSet<String>>;

/// So many packets are told in one row.
const TOLD: usize = 6;

/// Judges rounds one after the other. Packets that questions explain stay explained, for some come late.
#[derive(Debug, Default)]
pub struct Judge {
    explained: Seen,
}

/// One question with what came of it.
struct Case<'a> {
    scene: &'a Scene,
    trial: &'a Trial,
    /// The asker's network, or the gateway.
    asker: &'a str,
    /// `ok NAME PEER PORT LOCAL`, `ok echo` or the word for a reason.
    answer: &'a str,
    seen: &'a Seen,
    /// What came of the rounds after it: nobody waits for an error, and one that comes late is one.
    later: &'a [Evidence],
}

impl Judge {
    /// A row for each of these questions, which were asked at the same time, then one for each network
    /// that received what none of them explains. `later` is what came of the rounds after this one.
    pub fn judge(
        &mut self,
        scene: &Scene,
        trials: &[Trial],
        evidence: &Evidence,
        later: &[Evidence],
    ) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for (trial, answer) in trials.iter().zip(&evidence.answers) {
            let asker = trial.asker(scene);
            rows.push(self.row(&Case { scene, trial, asker, answer, seen: &evidence.seen, later }));
        }
        let mut strays = self.strays(&evidence.seen);
        for (trial, row) in trials.iter().zip(&mut rows) {
            attribute(scene, trial, row, &mut strays);
        }
        let kind = trials.first().map_or(Kind::Reach, |trial| trial.kind);
        rows.extend(strays.into_iter().filter(|(_, lines)| !lines.is_empty()).map(|(network, lines)| Row {
            kind,
            from: None,
            to: Some(Meant { network: network.clone(), host: None }),
            asked: None,
            transport: String::new(),
            answered: None,
            saw: None,
            faults: vec![words::received(&network, &lines, TOLD)],
        }));
        rows
    }

    fn row(&mut self, case: &Case<'_>) -> Row {
        let Case { scene, trial, .. } = *case;
        let network = (!trial.by_gateway).then_some(trial.from);
        let meant = match &trial.expected {
            Expected::Answer { network, host, .. } => Some(End::new(scene, *network, *host)),
            Expected::Nothing | Expected::Error(_) => None,
        };
        let to = trial.to.and_then(|to| scene.networks.get(to)).map(|lan| lan.name.clone());
        let to = to.or_else(|| meant.as_ref().map(|end| end.network.clone()));
        let mut from = End::new(scene, network, trial.source);
        if trial.kind == Kind::Outside {
            UPLINK.clone_into(&mut from.network);
        }
        let mut row = Row {
            kind: trial.kind,
            from: Some(from),
            to: to.map(|network| Meant { network, host: meant }),
            asked: Some((trial.destination, trial.port)),
            transport: trial.transport.to_owned(),
            answered: None,
            saw: None,
            faults: Vec::new(),
        };
        if matches!(trial.expected, Expected::Answer { .. }) {
            self.answered(case, &mut row);
        } else {
            self.refused(case, &mut row);
        }
        row
    }

    /// A question of which nothing should come, or an error.
    fn refused(&mut self, case: &Case<'_>, row: &mut Row) {
        let flow = Line::of(case.trial).to_string();
        let rounds = [case.seen].into_iter().chain(case.later.iter().map(|evidence| &evidence.seen));
        let at_asker = rounds.filter_map(|seen| seen.get(case.asker)).flatten();
        let about = |line: &&String| Told::parse(line).is_some_and(|told| told.about == flow);
        let told: Vec<&String> = at_asker.filter(about).collect();
        for line in &told {
            self.explain(case.asker, line);
        }
        if case.trial.kind == Kind::Outside {
            self.sent_back(case.scene, &flow);
        }
        if let Some(text) = case.answer.strip_prefix("ok") {
            self.answered_by(case, text.trim(), row);
            row.faults.push(words::should_not_be(case.scene, case.trial, row.answered.as_ref()));
            return;
        }
        if told.is_empty() && case.answer.starts_with("failed:") {
            row.faults.push(words::not_asked(case.answer));
            return;
        }
        let Expected::Error(kinds) = case.trial.expected else {
            // What never left its host proves nothing: the gateway sees everything that is sent to it.
            let mut rounds = [case.seen].into_iter().chain(case.later.iter().map(|evidence| &evidence.seen));
            if !rounds.any(|seen| seen.get(GATEWAY).is_some_and(|lines| lines.contains(&flow))) {
                row.faults.push(words::not_sent(case.answer));
            }
            return;
        };
        // A host that cannot even reach the gateway tells itself so.
        let lan = case.scene.networks.get(case.trial.from);
        let own = |by: &str| {
            let hosts = lan.into_iter().flat_map(|lan| &lan.hosts);
            hosts.into_iter().any(|host| host.address.addr().to_string() == by)
        };
        let fits = |line: &&String| {
            let by = |told: Told<'_>| {
                let tellers = &case.trial.told_by;
                tellers.is_empty() || told.by.parse().is_ok_and(|by: IpAddr| tellers.contains(&by))
            };
            Told::parse(line).is_some_and(|told| kinds.contains(&told.kind) && !own(told.by) && by(told))
        };
        if !told.iter().any(fits) {
            row.faults.push(words::not_told(case, kinds, &told));
        }
    }

    /// Where the gateway has no other route than the default one, it sends a packet back to where it came
    /// from, and tells so by a redirect (RFC 792; RFC 4861, 8.2, which does not count).
    fn sent_back(&mut self, scene: &Scene, flow: &str) {
        self.explain(UPLINK, flow);
        for (own, far) in scene.uplink.iter().flat_map(|uplink| &uplink.ends) {
            self.explain(UPLINK, &format!("icmp-5/1 {} 0 {} 0", own.addr(), far.addr()));
        }
    }

    /// Who answered and what it saw, out of the answer's words; the packets are explained by it.
    fn answered_by(&mut self, case: &Case<'_>, text: &str, row: &mut Row) {
        self.explain(case.asker, &Line::of(case.trial).answer().to_string());
        let words: Vec<&str> = text.split(' ').collect();
        let [name, peer, port, local, ..] = words[..] else { return };
        let network = case.scene.networks.iter().position(|lan| lan.name == name);
        let (Ok(peer), Ok(port), Ok(local)) = (peer.parse::<IpAddr>(), port.parse(), local.parse()) else {
            return;
        };
        row.answered = Some(End::new(case.scene, network, local));
        row.saw = Some((peer, port));
        let request = Line { source: peer, source_port: port, destination: local, ..Line::of(case.trial) };
        self.explain(name, &request.to_string());
    }

    fn explain(&mut self, place: &str, line: &str) {
        self.explained.entry(place.to_owned()).or_default().insert(line.to_owned());
    }

    /// What nobody has explained, by network. The gateway sees everything that it forwards.
    fn strays(&self, seen: &Seen) -> Seen {
        let empty = BTreeSet::new();
        let places = seen.iter().filter(|(place, _)| *place != GATEWAY);
        let strays = places.map(|(place, lines)| {
            let explained = self.explained.get(place).unwrap_or(&empty);
            (place.clone(), lines.difference(explained).cloned().collect())
        });
        strays.collect()
    }
}

/// Finds packets that nobody explains and that can only be those of a question, and tells of them
/// there.
fn attribute(scene: &Scene, trial: &Trial, row: &mut Row, strays: &mut Seen) {
    let wanted = match &trial.expected {
        Expected::Answer { host, sees, .. } if !row.is_ok() => Some((*sees, *host)),
        _ => None,
    };
    let meant = trial.to.and_then(|to| scene.networks.get(to)).map(|lan| lan.name.as_str());
    for (network, lines) in strays.iter_mut() {
        let ours = |line: &Line<'_>| {
            let untranslated = line.source == trial.source && line.destination == trial.destination;
            // Half of it as it should be, or what would be its translation: aliases keep host bits.
            let half = wanted.is_some_and(|(sees, host)| line.source == sees || line.destination == host);
            let translated = wanted.is_none()
                && meant == Some(network.as_str())
                && is_alike(line.source, trial.source)
                && is_alike(line.destination, trial.destination);
            (line.transport, line.source_port, line.port) == (trial.transport, trial.source_port, trial.port)
                && (untranslated || half || translated)
        };
        let found: BTreeSet<String> =
            lines.iter().filter(|line| Line::parse(line).is_some_and(|line| ours(&line))).cloned().collect();
        if !found.is_empty() {
            lines.retain(|line| !found.contains(line));
            row.faults.push(words::arrived(scene, trial, network, &found));
        }
    }
}

/// Whether two addresses are of one family and end in the same byte.
fn is_alike(a: IpAddr, b: IpAddr) -> bool {
    net::family_of(&a) == net::family_of(&b) && net::bits(a) & 0xff == net::bits(b) & 0xff
}
