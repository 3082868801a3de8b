//! What is asked: every obligation of a compiled site as questions of hosts, in an order in which none
//! spoils another.
//!
//! Goes in: the site and the hosts around it. Comes out: steps. What must hold: each round has a source
//! port of its own, so that late packets of an earlier one are told apart; within a round all hosts use
//! the same one, which strains connection tracking most, but where ports may be changed.
//!
//! The order: what has no ports is refused before the right direction has opened it, because then it
//! could not be told from an answer. What expects an answer comes before default routes, which would
//! hide a missing route of the hosts. Errors come before refusals, because the kernel tells one
//! host no more than five times at a stretch that there is no route.

mod apart;
mod errors;
mod own;
mod reach;
mod refused;
mod rounds;
mod stage;

use super::scene::{Lan, Step, Trial};
use crate::model::{Peering, Site};
use crate::net;
use rounds::Rounds;
use stage::Stage;

/// So many questions about declared pairs are asked at most.
const REACH: usize = 2000;
/// So many questions that are refused are asked at most.
const REFUSED: usize = 2000;

/// What is said about declared pairs of which nobody asks or is asked: their networks should have hosts of one
/// family, and have none.
pub(super) fn untried(site: &Site, populated: &[bool], lans: &[Lan]) -> Vec<String> {
    let stage = Stage::new(site, lans);
    let meant = site.peerings.iter().filter(|it| populated[it.from.0] && populated[it.to.0]);
    let pairs: Vec<&Peering> = meant.filter(|it| stage.one_each(it.from.0, it.to.0, 0).is_empty()).collect();
    let Some(first) = pairs.first() else { return Vec::new() };
    let more = if pairs.len() > 1 { format!(", and {} more", pairs.len() - 1) } else { String::new() };
    vec![format!(
        "these declared pairs are not tried, because on one side there is no host of the lab: {} -> {}{more}",
        lans[first.from.0].name, lans[first.to.0].name
    )]
}

/// The steps for a site, with what was left out. Networks get the addresses to send from what must not
/// pass.
pub(super) fn steps(site: &Site, lans: &mut [Lan]) -> (Vec<Step>, Vec<String>) {
    let strangers = apart::strangers(&Stage::new(site, lans));
    for (lan, strangers) in lans.iter_mut().zip(&strangers) {
        lan.extra.extend(strangers.iter().map(|source| net::single(*source)));
    }
    let stage = Stage::new(site, lans);
    let mut notes = Vec::new();
    let mut rounds = Rounds::new(stage.lans);
    let (portless, refused): (Vec<Trial>, Vec<Trial>) =
        refused::questions(&stage, &mut notes).into_iter().partition(|it| it.transport == "253");
    let (early, undeclared): (Vec<Trial>, Vec<Trial>) =
        apart::undeclared(&stage, &mut notes).into_iter().partition(|it| stage.is_early(it));
    rounds.ask(early.into_iter().chain(portless).collect());
    rounds.ask(reach::questions(&stage, &mut notes));
    rounds.ask(reach::fragments(&stage));
    rounds.ask(own::questions(&stage));
    rounds.ask(refused);
    rounds.ask(errors::expired(&stage));
    rounds.ask(errors::dead(&stage));
    for (lowered, trials) in errors::too_big(&stage, &mut notes) {
        rounds.ask_narrow(&lowered, trials);
    }
    rounds.defaults();
    rounds.ask_apart(apart::unreachable(&stage, &rounds.refused()));
    let others = [apart::unknown(&stage), apart::hairpin(&stage), apart::spoofed(&stage, &strangers)];
    rounds.ask(undeclared.into_iter().chain(others.into_iter().flatten()).collect());
    (rounds.steps, notes)
}
