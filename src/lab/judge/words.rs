//! Why something is not as it should be, in plain words, and what it means.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Case;
use super::lines::Told;
use super::row::End;
use crate::lab::scene::{Expected, GATEWAY, Kind, Scene, Trial, UPLINK};

/// Somebody else answered than should.
pub(super) fn wrong_host(scene: &Scene, trial: &Trial, answered: &End, host: IpAddr) -> String {
    let from = scene.networks.get(trial.from).map_or("", |lan| lan.name.as_str());
    let same_number = answered.address == host;
    let what = if answered.network == GATEWAY {
        ", not by a host: the packet was not forwarded"
    } else if answered.network == from && same_number {
        ", which is the same-numbered host of the sender's own network: the packet was sent back"
    } else if answered.network == from {
        ", which is in the sender's own network: the packet was sent back"
    } else if same_number {
        ", which has the same number in another network: the packet went out by the wrong interface"
    } else if trial.to.and_then(|to| scene.networks.get(to)).is_some_and(|lan| lan.name == answered.network) {
        ", another host of the right network: the number was translated to a wrong one"
    } else {
        ", a host of another network"
    };
    format!("answered by {answered}{what}")
}

/// The right or wrong host saw another source than it should.
pub(super) fn wrong_source(
    scene: &Scene,
    trial: &Trial,
    answered: &End,
    (saw, sees): (IpAddr, IpAddr),
) -> String {
    let gateways = scene.networks.iter().flat_map(|lan| &lan.gateways);
    let what = if saw == trial.source {
        ", which is the sender's own number: the source was not translated, and the answer may go to somebody else"
    } else if gateways.into_iter().any(|gateway| *gateway == saw) {
        ", which is an address of the gateway"
    } else {
        ""
    };
    format!("{answered} saw {saw} as the source, not {sees}{what}")
}

/// The source port was changed.
pub(super) fn wrong_port(answered: &End, (saw, sent): (u16, u16)) -> String {
    format!(
        "{answered} saw the source port {saw}, not {sent}: connection tracking took the question for another one"
    )
}

/// No answer, where one should have come; `refused` is who was told what.
pub(super) fn no_answer(case: &Case<'_>, host: &End, arrived: bool, refused: &[String]) -> String {
    let refused: String = refused.iter().map(|it| format!("; {it}")).collect();
    let reason = reason(case.answer);
    if arrived {
        return format!("{reason}: {host} received the question, but its answer did not come back{refused}");
    }
    format!("{reason}: the question did not reach {host}{refused}")
}

/// An answer came although nobody, or somebody else, received the question.
pub(super) fn answered_unseen(host: &End) -> String {
    format!("answered, but {host} did not receive the question: somebody else has answered")
}

/// The right host says that it answered, but its network did not see the packet as it should be.
pub(super) fn unseen(host: &End) -> String {
    format!("{host} answered, but the packet that it received is not the one that was to be expected")
}

/// An answer came where none should.
pub(super) fn should_not_be(scene: &Scene, trial: &Trial, answered: Option<&End>) -> String {
    let who = answered.map_or_else(|| "somebody".to_owned(), ToString::to_string);
    let from = scene.networks.get(trial.from).map_or("", |lan| lan.name.as_str());
    let why = match trial.kind {
        Kind::Denied => "a rule of the site denies it",
        Kind::Undeclared => "the site declares no way there",
        Kind::Spoofed => "the source is not an address of the sender's network",
        Kind::Hairpin => "the number is the network's own alias",
        Kind::Outside => "it comes from outside of all networks",
        Kind::Unknown => "nobody has this number for the sender",
        Kind::Dead => "this host is not there",
        Kind::Expired => "its hops had run out",
        Kind::TooBig => "it does not fit the far link",
        Kind::Reach | Kind::Fragments | Kind::Own => "nothing should have come of it",
    };
    let back =
        if answered.is_some_and(|end| end.network == from) { ", of the sender's own network" } else { "" };
    format!("answered by {who}{back}, though {why}")
}

/// The sender was not told what it should be.
pub(super) fn not_told(case: &Case<'_>, kinds: &[&str], told: &[&String]) -> String {
    let mut wanted = kinds.join(" or ");
    let tellers: Vec<String> = case.trial.told_by.iter().map(ToString::to_string).collect();
    if !tellers.is_empty() {
        wanted.push_str(&format!(" by {}", tellers.join(" or ")));
    }
    let got: BTreeSet<String> = told
        .iter()
        .filter_map(|line| Told::parse(line))
        .map(|told| format!("{} by {}", told.kind, told.by))
        .collect();
    let got =
        if got.is_empty() { "nothing".to_owned() } else { got.into_iter().collect::<Vec<_>>().join(", ") };
    format!("{}: the sender should have been told {wanted}, and was told {got}", reason(case.answer))
}

/// The host could not ask: `failed:` and why.
pub(super) fn not_asked(answer: &str) -> String {
    format!("the question could not be asked: {}", reason(answer))
}

/// The gateway did not see the question.
pub(super) fn not_sent(answer: &str) -> String {
    format!("{}: the question did not come to the gateway, so it proves nothing", reason(answer))
}

/// A packet of a question that arrived where it should not, or not as it should.
pub(super) fn arrived(scene: &Scene, trial: &Trial, network: &str, lines: &BTreeSet<String>) -> String {
    let text = lines.iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", ");
    let from = scene.networks.get(trial.from).map_or("", |lan| lan.name.as_str());
    let meant = match trial.expected {
        Expected::Answer { network, .. } => {
            network.and_then(|to| scene.networks.get(to)).map(|lan| lan.name.as_str())
        }
        Expected::Nothing | Expected::Error(_) => None,
    };
    if network == from && trial.kind != Kind::Outside {
        return format!("the packet came back into the sender's own network: {text}");
    }
    if meant == Some(network) {
        return format!("what {network} received is not as it should be: {text}");
    }
    format!("the packet reached {}, where it has no business: {text}", place(network))
}

/// Packets that no question explains.
pub(super) fn received(network: &str, lines: &BTreeSet<String>, most: usize) -> String {
    let told: Vec<String> = lines.iter().take(most).map(|line| format!("`{line}`")).collect();
    let more = lines.len().saturating_sub(most);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{} received what nobody should have sent there: {}{more}", place(network), told.join(", "))
}

/// A network, or the other end of the gateway's default route.
fn place(network: &str) -> &str {
    if network == UPLINK { "the gateway's uplink" } else { network }
}

/// The agent's word for no answer, for people.
fn reason(answer: &str) -> String {
    match answer {
        "timeout" => "no answer".to_owned(),
        "refused" => "refused: nobody listens there".to_owned(),
        "unreachable" => "unreachable".to_owned(),
        "prohibited" => "prohibited".to_owned(),
        other => other.strip_prefix("failed:").map_or_else(|| other.to_owned(), |why| why.replace('-', " ")),
    }
}
