//! Forward: who may pass, and through which interface.

use super::super::provenance::{Places, short};
use super::super::text::{Block, Hex, line};
use super::Chain;
use crate::plan::{Network, Plan};

/// The chain of what leaves through a network's interface.
pub(super) fn chains(out: &mut Block, plan: &Plan, network: &Network, places: &Places<'_>) {
    let field = plan.marks.destination;
    let (mask, mine) = (Hex(field.mask()), Hex(field.value(network.id)));
    let (place, name) = (places.at(network.span), short(&network.name));
    line!(out, "\tchain {} {{", Chain("leave", network));
    line!(out, "\t\tmeta mark & {mask} != {mine} drop comment \"{place} not to {name}\"");
    line!(out, "\t}}");
}
