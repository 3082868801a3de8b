//! What both firewalls write about rules of `connect` blocks in the same words.

use super::provenance::Places;
use crate::model::Log;
use crate::plan::{Logged, Step};

/// What stands in the comment of the last rule of a block.
pub(super) const ENDED: &str = "nothing else";

/// The periods of a rate, in the order of [`crate::model::Period`].
pub(super) const PERIODS: [&str; 4] = ["second", "minute", "hour", "day"];

/// An IP protocol as nft(8) and iptables(8) know it without a look into /etc/protocols.
pub(super) fn protocol(number: u8) -> String {
    let name = match number {
        6 => "tcp",
        17 => "udp",
        50 => "esp",
        51 => "ah",
        132 => "sctp",
        136 => "udplite",
        _ => return number.to_string(),
    };
    name.to_owned()
}

/// What stands before a logged packet.
pub(super) fn words(logged: &Logged, places: &Places<'_>) -> String {
    let place = || places.at(logged.span).to_string();
    logged.log.words.clone().unwrap_or_else(|| Log::default_words(&place(), logged.action))
}

/// Where a step's rules are written, for its comment.
pub(super) fn said(step: &Step, places: &Places<'_>) -> String {
    let place = places.at(step.span);
    match step.rules {
        1 => place.to_string(),
        more => format!("{place} and {} more", more - 1),
    }
}
