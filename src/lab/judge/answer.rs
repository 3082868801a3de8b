//! Questions that somebody should answer: the right host, having seen the right source.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::lines::{Line, Told};
use super::row::{End, Row};
use super::{Case, Judge, words};
use crate::lab::scene::{Expected, GATEWAY, Kind};

/// What should be.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    /// The place that answers: a network, or the gateway.
    place: &'a str,
    network: Option<usize>,
    host: IpAddr,
    sees: IpAddr,
    any_port: bool,
}

impl Judge {
    pub(super) fn answered(&mut self, case: &Case<'_>, row: &mut Row) {
        let Expected::Answer { network, host, sees, any_port } = case.trial.expected else { return };
        let lan = network.and_then(|network| case.scene.networks.get(network));
        let place = lan.map_or(GATEWAY, |lan| lan.name.as_str());
        let wanted = Wanted { place, network, host, sees, any_port };
        self.explain_errors(case, wanted);
        let request = self.request(case, wanted);
        if let Some(line) = &request {
            self.explain(place, line);
        }
        let Some(text) = case.answer.strip_prefix("ok ") else {
            self.explain(case.asker, &Line::of(case.trial).answer().to_string());
            let refused = self.explain_refusals(case, wanted, request.as_deref());
            row.faults.push(words::no_answer(
                case,
                &place_and_host(case, wanted),
                request.is_some(),
                &refused,
            ));
            return;
        };
        if text == "echo" {
            self.explain(case.asker, &Line::of(case.trial).answer().to_string());
            self.echoed(case, wanted, request.as_deref(), row);
            return;
        }
        self.answered_by(case, text, row);
        if case.trial.kind == Kind::Fragments && !host.is_ipv4() {
            self.explain(place, &fragment(wanted));
        } else if request.is_none() && row.answered.as_ref() == Some(&place_and_host(case, wanted)) {
            row.faults.push(words::unseen(&place_and_host(case, wanted)));
        }
        let Some(answered) = row.answered.clone() else {
            row.faults.push(format!("the answer cannot be read: {text}"));
            return;
        };
        if answered != place_and_host(case, wanted) {
            row.faults.push(words::wrong_host(case.scene, case.trial, &answered, wanted.host));
        }
        if let Some((saw, port)) = row.saw {
            if saw != sees {
                row.faults.push(words::wrong_source(case.scene, case.trial, &answered, (saw, sees)));
            } else if port != case.trial.source_port && !any_port {
                row.faults.push(words::wrong_port(&answered, (port, case.trial.source_port)));
            }
        }
    }

    /// The kernel answers an echo, so who answered is who saw the request.
    fn echoed(&mut self, case: &Case<'_>, wanted: Wanted<'_>, request: Option<&str>, row: &mut Row) {
        let host = place_and_host(case, wanted);
        match request.and_then(Line::parse) {
            Some(packet) => {
                row.answered = Some(host);
                row.saw = Some((packet.source, packet.source_port));
            }
            None => row.faults.push(words::answered_unseen(&host)),
        }
    }

    /// The line of the question as the host that should answer saw it.
    fn request(&self, case: &Case<'_>, wanted: Wanted<'_>) -> Option<String> {
        let lines = case.seen.get(wanted.place)?;
        let mut request = Line { source: wanted.sees, destination: wanted.host, ..Line::of(case.trial) };
        if wanted.any_port && case.trial.transport != "icmp" {
            // It is the one of which the answer speaks.
            let port = case.answer.split(' ').nth(3).and_then(|port| port.parse().ok());
            request.source_port = port.unwrap_or(request.source_port);
        }
        let line = request.to_string();
        if !wanted.any_port || case.trial.transport != "icmp" {
            return lines.contains(&line).then_some(line);
        }
        // The answer to an echo does not say which identifier the host saw: one that is nobody else's.
        let explained = self.explained.get(wanted.place);
        let fits = |line: &&String| {
            let ends = |packet: Line<'_>| (packet.source, packet.destination) == (wanted.sees, wanted.host);
            let new = !explained.is_some_and(|it| it.contains(*line));
            new && Line::parse(line).is_some_and(|packet| packet.transport == "icmp" && ends(packet))
        };
        lines.iter().find(fits).cloned()
    }

    /// Where an answer did not come: the errors about the question at who asked, and about the answer at
    /// who gave it, and what these say.
    fn explain_refusals(
        &mut self,
        case: &Case<'_>,
        wanted: Wanted<'_>,
        request: Option<&str>,
    ) -> Vec<String> {
        let question = Line::of(case.trial).to_string();
        let answer = request.and_then(Line::parse).map(|request| request.answer().to_string());
        let about = [(case.asker, "the sender", Some(question)), (wanted.place, "who answered", answer)];
        let mut refusals = BTreeSet::new();
        for (place, who, about) in about {
            let lines = case.seen.get(place).into_iter().flatten();
            for (line, told) in lines.filter_map(|line| Some((line, Told::parse(line)?))) {
                if about.as_deref() == Some(told.about) {
                    refusals.insert(format!("{who} was told {} by {}", told.kind, told.by));
                    self.explain(place, line);
                }
            }
        }
        refusals.into_iter().collect()
    }

    /// Who has an answer already refuses a second one, and the error about that is at who gave it.
    fn explain_errors(&mut self, case: &Case<'_>, wanted: Wanted<'_>) {
        if !case.trial.options.iter().any(|option| option == "again") {
            return;
        }
        let lines = case.seen.get(wanted.place);
        let refusal = |line: &&String| {
            let told = Told::parse(line).filter(|told| told.kind == "port-unreachable");
            told.and_then(|told| Line::parse(told.about)).is_some_and(|packet| {
                (packet.source, packet.destination) == (wanted.host, wanted.sees)
                    && packet.transport == case.trial.transport
            })
        };
        let refusals: BTreeSet<String> = lines.into_iter().flatten().filter(refusal).cloned().collect();
        for line in refusals {
            self.explain(wanted.place, &line);
        }
    }
}

fn place_and_host(case: &Case<'_>, wanted: Wanted<'_>) -> End {
    End::new(case.scene, wanted.network, wanted.host)
}

/// A fragment as the sniffer tells it: of IPv6's it reads no more than that they are ones.
fn fragment(wanted: Wanted<'_>) -> String {
    Line { transport: "ip-44", source: wanted.sees, source_port: 0, destination: wanted.host, port: 0 }
        .to_string()
}
