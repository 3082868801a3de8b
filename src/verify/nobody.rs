//! Numbers by which nobody is known, and packets that the rules deny: who sends them is told (O1, O4).
//!
//! Goes in: the ground of a proof. Comes out: what stands for the gateway, or for all of a link, in another network
//! and is not answered as unreachable; and what is denied without a word. What must hold: no host is ever taken
//! for the gateway, and the gateway of one network not for that of another.

use super::delivery::{Came, Ground, original};
use super::found::{Failure, Found, Obligation, Packet, place_of};
use super::spec::Piece;
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::flow::{Flow, Moved};
use crate::sim::region::pass::{Connection, Leaf, Outcome};
use crate::sim::region::{Range, Region, Set};

/// Looks at what hosts of a network send to such numbers.
pub(super) fn check(
    ground: &Ground<'_>,
    (network, v4): (usize, bool),
    came: &Came,
    found: &mut Found,
) -> Result<(), Unfollowed> {
    let spec = ground.spec;
    let Some(hosts) = spec.hosts(network, v4) else { return Ok(()) };
    let (mut nobody, mut ruled): (Vec<Range>, Vec<Piece>) = (Vec::new(), Vec::new());
    for &owner in &spec.networks[network].sees {
        let Some(peering) = spec.opens(network, owner) else { continue };
        nobody.extend(spec.nobodys(owner, network, v4).iter());
        if peering.rules.is_some() {
            ruled.extend(spec.pieces(owner, network, v4).iter().copied().filter(|piece| piece.sure));
        }
    }
    let nobody = Set::of(nobody);
    let destination: Vec<Range> =
        nobody.ranges().iter().copied().chain(ruled.iter().map(|it| it.known)).collect();
    if destination.is_empty() {
        return Ok(());
    }
    let destination = Set::of(destination);
    let sent = |flow: &Flow| sent(flow, hosts, &destination);
    let gone = came.gone.iter().filter_map(|leaf| Some(Leaf { flow: sent(&leaf.flow)?, ..*leaf }));
    let mut leaves: Vec<Leaf> = gone.collect();
    let entered = came.entered.iter().filter_map(sent).collect();
    ground.entrance(network, v4).go_on(entered, &Connection::New, &mut leaves)?;
    let side = Side { ground, network };
    for leaf in &leaves {
        found.looked(Obligation::Isolation);
        let came = original(leaf);
        if came.destination.and(nobody.ranges()).is_some() {
            side.is_nobodys(leaf, found);
        }
        if !matches!(leaf.outcome, Outcome::Left(_) | Outcome::Refused(_)) {
            side.is_told(leaf, &came, &ruled, found);
        }
    }
    Ok(())
}

/// Those packets of a flow that came from these hosts for these destinations.
fn sent(flow: &Flow, hosts: &Set, destinations: &Set) -> Option<Flow> {
    let by = match flow.moved[1] {
        Some(Moved::By(by)) => by,
        _ => 0,
    };
    let came = flow.region.destination.moved(by.wrapping_neg()).and(destinations.ranges())?;
    let source = flow.region.source.and(hosts.ranges())?;
    Some(flow.with(Region { source, destination: came.moved(by), ..flow.region.clone() }))
}

struct Side<'s> {
    ground: &'s Ground<'s>,
    network: usize,
}

impl Side<'_> {
    fn is_nobodys(&self, leaf: &Leaf, found: &mut Found) {
        let moved = match leaf.flow.moved[1] {
            None => false,
            Some(Moved::By(by)) => by != 0,
            Some(Moved::To(_)) => true,
        };
        let told = matches!(
            leaf.outcome,
            Outcome::Unreachable(_) | Outcome::Prohibited(_) | Outcome::Refused(_) | Outcome::NoRoute
        );
        if moved || !told {
            let fate = self.ground.fate(leaf.outcome);
            let how = if moved { "is translated, and " } else { "" };
            self.fails(format!("is for a number that stands for no host, but {how}{fate}"), leaf, found);
        }
    }

    /// What is denied is told so.
    fn is_told(&self, leaf: &Leaf, came: &Region, ruled: &[Piece], found: &mut Found) {
        let spec = self.ground.spec;
        for piece in ruled {
            let Some(peering) = spec.opens(self.network, piece.owner) else { continue };
            let Some(known) = came.destination.and(&[piece.known]) else { continue };
            let real = came.with_address(true, known.moved(piece.by));
            if spec.judged(peering, real).iter().any(|(_, allowed)| !allowed) {
                let fate = self.ground.fate(leaf.outcome);
                self.fails(format!("is denied by the rules and not told so: it {fate}"), leaf, found);
                return;
            }
        }
    }

    fn fails(&self, what: String, leaf: &Leaf, found: &mut Found) {
        let device = self.ground.spec.device(self.network);
        found.failures.push(Failure {
            obligation: Obligation::Isolation,
            networks: [Some(self.network), None],
            what,
            packet: Some(Packet::out_of(&original(leaf), device)),
            place: place_of(leaf.outcome),
            rule: None,
            line: None,
        });
    }
}
