//! The guard: a ruleset of its own that lets nothing be forwarded from or into the networks while
//! the rest is being put up or taken down.

use serde::Serialize;

use super::iptables::{Chains, by_device};
use super::template;
use super::text::{Block, Blocks, line};
use crate::plan::{Firewall, Plan};

/// What both guard templates take.
#[derive(Serialize)]
struct GuardView {
    ports: String,
    chains: String,
    rules: String,
}

/// Lays the guard out in the site's rule language; the iptables one serves both families.
pub(super) fn emit(plan: &Plan, blocks: &Blocks) -> String {
    // The forward hook sees the VRF device as the way in and the real device as the way out.
    let devices =
        || plan.networks.iter().flat_map(|n| [Some(n.interface.as_str()), n.vrf.as_deref()]).flatten();
    match plan.firewall {
        Firewall::Nftables => {
            let mut ports = Block::default();
            for device in devices() {
                line!(ports, "\t\t\t\"{device}\",");
            }
            let view = GuardView { ports: blocks.keep(ports), chains: String::new(), rules: String::new() };
            template::render("nft/guard.nft.j2", view)
        }
        Firewall::Iptables => {
            let mut all = Chains::default();
            for side in ['i', 'o'] {
                let drop = devices().map(|device| (device, "-j DROP".to_owned())).collect();
                by_device(&mut all, &format!("ovl-shut-{side}"), side, drop);
            }
            let (chains, rules) = all.finish(blocks);
            let view = GuardView { ports: String::new(), chains, rules };
            template::render("iptables/guard.j2", view)
        }
    }
}
