//! How the gateway gets an address in a network.

use crate::plan::{Address, Isolation, Network, Plan};

/// The `ip -batch` line. Without VRF devices the kernel must not put the subnet into the main table,
/// where equal subnets of several networks would meet (`noprefixroute`, ip-address(8)).
pub(super) fn add(plan: &Plan, network: &Network, address: &Address) -> String {
    let mut line = format!("address add {} dev {}", address.net, network.interface);
    if plan.isolation == Isolation::Rules {
        line.push_str(" noprefixroute");
    }
    line
}
