//! The filter table, handshakes of TCP: what segments are kept to where a network says so.
//!
//! Goes in: the plan and a family, whose headers have a length of their own. Comes out: a chain for
//! each such network, and how a handshake finds those of its two. What must hold: a size is only ever
//! lowered, which the kernel sees to (iptables-extensions(8), TCPMSS; `tcpmss_mangle_packet`).

use super::super::provenance::{Places, short};
use super::super::text::line;
use super::chains::{Chains, by_mark, rule, said};
use crate::net::Family;
use crate::plan::{Mss, Plan};

/// The match that TCPMSS wants beside it in every rule.
pub(super) const HANDSHAKE: &str = "-p tcp --tcp-flags SYN,RST SYN";

/// Adds the chains, if any network has a limit.
pub(super) fn chains(chains: &mut Chains, plan: &Plan, places: &Places<'_>, family: Family) {
    let limited: Vec<_> = plan.networks.iter().filter_map(|n| Some((n, n.mss?))).collect();
    if limited.is_empty() {
        return;
    }
    chains.open("ovl-handshake");
    for (side, letter, field, words) in [
        ("from", "hf", plan.marks.source, "segments that go back there"),
        ("to", "ht", plan.marks.destination, "segments that come from there"),
    ] {
        rule!(chains, "-A ovl-handshake -m comment --comment \"{words}\" -j ovl-mss-{side}");
        let keys = limited.iter().map(|(network, (_, span))| {
            let about = said(places.at(*span), short(&network.name));
            (network.id, format!("{about} -g ovl-mss-{}", network.id))
        });
        by_mark(chains, &format!("ovl-mss-{side}"), letter, field, keys.collect());
    }
    for (network, (mss, span)) in limited {
        let (id, about) = (network.id, said(places.at(span), short(&network.name)));
        chains.open(&format!("ovl-mss-{id}"));
        let option = match mss {
            Mss::Route => Some(String::from("--clamp-mss-to-pmtu")),
            Mss::Packet(_) => network.largest_segment(family).map(|size| format!("--set-mss {size}")),
        };
        if let Some(option) = option.filter(|_| network.speaks(family)) {
            rule!(chains, "-A ovl-mss-{id} {HANDSHAKE} {about} -j TCPMSS {option}");
        }
    }
}
