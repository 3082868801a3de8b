//! The lab: a compiled site in network namespaces, with hosts around it that send real packets.
//!
//! Goes in: a checked site and its artefacts. Comes out: who answered whom, and what each saw. What
//! must hold: nothing outside of the lab's own namespaces is touched, and nothing stays.

pub mod flow;
pub mod hops;
pub mod host;
mod hosts;
pub mod judge;
mod known;
mod links;
pub mod packet;
mod populate;
mod questions;
pub mod report;
mod rules;
pub mod run;
mod sample;
pub mod scene;
pub mod uplink;

use crate::check::CheckedSite;
use scene::{Scene, Step};

/// What stands around the gateway of a site and what is asked there, as the site was written.
#[must_use]
pub fn scene(site: &CheckedSite) -> Scene {
    let site = site.site();
    let (populated, mut notes) = populate::choose(site);
    let (mut networks, more) = hosts::lans(site, &populated);
    notes.extend(more);
    let untried = questions::untried(site, &populated, &networks);
    let (mut steps, more) = questions::steps(site, &mut networks);
    notes.extend(more);
    let outside = site.gateway.addresses.iter();
    let outside = outside.map(|it| (it.interface.value.clone(), it.address.value)).collect();
    let uplink = uplink::choose(site);
    let from_outside = uplink::questions(&uplink, &networks);
    if !from_outside.is_empty() {
        steps.push(Step::Ask(from_outside));
    }
    Scene { networks, outside, uplink: Some(uplink), steps, notes, untried }
}
