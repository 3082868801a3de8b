//! Forward, handshakes of TCP: what segments are kept to where a network says so.
//!
//! Goes in: the plan. Comes out: two maps and a chain for each such network, nothing for other sites.
//! What must hold: a size is only ever lowered, which the kernel sees to (nft(8), EXTENSION HEADER
//! EXPRESSIONS; `nft_exthdr_tcp_set_eval`).

use super::super::provenance::{Places, short};
use super::super::text::{Block, Hex, line};
use super::Chain;
use crate::net::Family;
use crate::plan::{Mss, Network, Plan};

/// What the template needs: the elements of the two maps.
#[derive(Default)]
pub(super) struct Clamps {
    /// By the field of the mark that names the source.
    pub(super) from: Block,
    /// By the one that names the destination.
    pub(super) to: Block,
}

/// The maps that find the chains of a handshake's two networks.
pub(super) fn clamps(plan: &Plan) -> Clamps {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let mut clamps = Clamps::default();
    for network in plan.networks.iter().filter(|network| network.mss.is_some()) {
        let chain = Chain("mss", network);
        line!(clamps.from, "\t\t\t{} : jump {chain},", Hex(source.value(network.id)));
        line!(clamps.to, "\t\t\t{} : jump {chain},", Hex(destination.value(network.id)));
    }
    clamps
}

/// The chain that changes handshakes with a network's hosts.
pub(super) fn chain(out: &mut Block, network: &Network, places: &Places<'_>) {
    let Some((mss, span)) = network.mss else { return };
    let said = format!("comment \"{} {}\"", places.at(span), short(&network.name));
    line!(out, "\tchain {} {{", Chain("mss", network));
    if mss == Mss::Route {
        line!(out, "\t\ttcp option maxseg size set rt mtu {said}");
    }
    for (family, word) in [(Family::V4, "ipv4"), (Family::V6, "ipv6")] {
        if let Some(size) = network.largest_segment(family).filter(|_| network.speaks(family)) {
            line!(out, "\t\tmeta nfproto {word} tcp option maxseg size set {size} {said}");
        }
    }
    line!(out, "\t}}");
}
