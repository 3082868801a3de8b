//! Kernel settings that the plan stands on, and why.

use super::{Isolation, Network, Setting, Value};
use crate::net::Family;

/// Every setting that must hold while the site is up.
///
/// `local_moves` says that hosts may have a number that the gateway has outside of the networks.
pub(super) fn needed(networks: &[Network], isolation: Isolation, local_moves: bool) -> Vec<Setting> {
    let ipv6 = networks.iter().any(|network| network.speaks(Family::V6));
    let mut settings = vec![global("ipv4/fwmark_reflect", "ICMP errors find the network they are about")];
    if ipv6 {
        settings.push(global("ipv6/fwmark_reflect", "ICMPv6 errors find the network they are about"));
        settings.push(global("ipv6/conf/all/forwarding", "IPv6 is forwarded only if all devices may"));
    }
    match isolation {
        Isolation::Vrf => {
            let reason = "services of the gateway answer inside the VRFs";
            settings.push(global("ipv4/tcp_l3mdev_accept", reason));
            settings.push(global("ipv4/udp_l3mdev_accept", reason));
        }
        Isolation::Rules => {
            let reason = "services of the gateway answer to the network that asked";
            settings.push(global("ipv4/tcp_fwmark_accept", reason));
        }
    }
    for network in networks {
        if network.addresses.iter().any(|address| address.net.addr().is_ipv4()) {
            let path = format!("ipv4/conf/{}/promote_secondaries", network.interface);
            let reason = "addresses that somebody adds beside the site's stay when that goes";
            settings.push(Setting { path, value: Value::Is(1), reason, owned: false });
        }
        settings.extend(of_device(&network.interface, false));
        if let Some(vrf) = &network.vrf {
            settings.extend(of_device(vrf, true));
            // fib_validate_source (net/ipv4/fib_frontend.c) looks sources up without their mark, and finds the
            // table `local` before that of the VRF device.
            if local_moves {
                let path = format!("ipv4/conf/{vrf}/accept_local");
                let reason = "a host may have a number that the gateway has outside";
                settings.push(Setting { path, value: Value::Is(1), reason, owned: true });
            }
            let path = format!("ipv6/conf/{}/keep_addr_on_down", network.interface);
            let reason = "entering and leaving a VRF keeps IPv6 addresses";
            settings.push(Setting { path, value: Value::Is(1), reason, owned: false });
        } else {
            let path = |name: &str| format!("ipv4/conf/{}/{name}", network.interface);
            let reason = "a host may have a number that is the gateway's in another network";
            settings.push(Setting { path: path("accept_local"), value: Value::Is(1), reason, owned: false });
            let reason = "ARP answers only for addresses of that very interface";
            settings.push(Setting { path: path("arp_ignore"), value: Value::Is(1), reason, owned: false });
        }
    }
    settings
}

fn global(path: &str, reason: &'static str) -> Setting {
    Setting { path: path.to_owned(), value: Value::Is(1), reason, owned: false }
}

/// What a device needs so that packets from it are forwarded.
fn of_device(device: &str, owned: bool) -> [Setting; 2] {
    [
        Setting {
            path: format!("ipv4/conf/{device}/forwarding"),
            value: Value::Is(1),
            reason: "packets from this device are forwarded, those from others need not be",
            owned,
        },
        Setting {
            path: format!("ipv4/conf/{device}/rp_filter"),
            value: Value::Loose,
            reason: "the way back to a source depends on the mark, which the filter does not see",
            owned,
        },
    ]
}
