//! Interface names: what the kernel takes, and one interface a network.
//!
//! Goes in: the site, ids and settings. Comes out: findings. What must hold afterwards: each name
//! is one that the kernel can have and the rule languages can say, and it stands for one network
//! alone, or for the gateway's own address.

use std::collections::HashMap;

use super::Settings;
use super::errors::interfaces::{
    InterfaceIsVrf, InterfaceTooLong, InterfaceUsedTwice, InvalidInterface, User,
};
use crate::diag::Reporter;
use crate::model::{INTERFACE_NAME_BYTES, Isolation, Network, Site, vrf_name};
use crate::source::Spanned;

/// Checks every interface name.
pub(super) fn check(site: &Site, settings: &Settings, ids: &[u16], reporter: &mut Reporter<'_>) {
    let mut users: HashMap<&str, (User<'_>, &Spanned<String>)> = HashMap::new();
    let mut named = Vec::new();
    for network in &site.networks {
        let instance = network.instance.as_deref();
        let interface = &network.interface;
        if !is_valid(interface, instance, reporter) {
            continue;
        }
        let user = User::Network(&network.name.value, instance);
        named.push((interface, user));
        if let Some((other, earlier)) = users.get(interface.value.as_str()) {
            let twice = InterfaceUsedTwice { interface, user, other: *other, earlier: earlier.span };
            reporter.report(twice, instance);
        } else {
            users.insert(&interface.value, (user, interface));
        }
    }
    for address in &site.gateway.addresses {
        let interface = &address.interface;
        // Several addresses of one interface are fine, and an invalid name is one finding each.
        if !is_valid(interface, None, reporter) {
            continue;
        }
        let user = User::Gateway;
        named.push((interface, user));
        if let Some((other, earlier)) = users.get(interface.value.as_str()) {
            // Of the two lines the one further down is the one that uses it again.
            let ((interface, user), (earlier, other)) = if earlier.span < interface.span {
                ((interface, user), (*earlier, *other))
            } else {
                ((*earlier, *other), (interface, user))
            };
            let twice = InterfaceUsedTwice { interface, user, other, earlier: earlier.span };
            reporter.report(twice, user.instance());
        }
    }
    if settings.isolation == Isolation::Vrf {
        check_vrfs(site, ids, &named, reporter);
    }
}

fn check_vrfs(site: &Site, ids: &[u16], named: &[(&Spanned<String>, User<'_>)], reporter: &mut Reporter<'_>) {
    // Ids that could not be given are 0; their devices are nobody's trouble yet.
    let known = site.networks.iter().zip(ids).filter(|(_, id)| **id != 0);
    let vrfs: HashMap<String, &Network> =
        known.map(|(network, id)| (vrf_name(&network.name.value, *id), network)).collect();
    for (interface, user) in named {
        if let Some(network) = vrfs.get(&interface.value) {
            reporter.report(InterfaceIsVrf { interface, user: *user, network }, user.instance());
        }
    }
}

fn is_valid(interface: &Spanned<String>, instance: Option<&str>, reporter: &mut Reporter<'_>) -> bool {
    if let Some(fault) = fault(&interface.value) {
        reporter.report(InvalidInterface { interface, fault }, instance);
        return false;
    }
    if interface.value.len() > INTERFACE_NAME_BYTES {
        reporter.report(InterfaceTooLong { interface }, instance);
        return false;
    }
    true
}

/// Why a text is no interface name that can be written in rules; `None` if it is one. The first
/// reasons are the kernel's (dev_valid_name), the others those of ip(8), nft(8) and iptables(8).
fn fault(name: &str) -> Option<String> {
    let reserved = |what: &str| Some(format!("`{name}` {what}"));
    match name {
        "" => return Some(String::from("empty")),
        "." | ".." => return reserved("is a directory in /proc/sys/net and /sys/class/net"),
        "all" | "default" => return reserved("stands for other interfaces in /proc/sys/net/ipv4/conf"),
        "lo" => return Some(String::from("the loopback interface leads to no network")),
        _ => {}
    }
    if name.starts_with('-') {
        return Some(String::from("begins like an option of ip(8)"));
    }
    if name.contains(char::is_whitespace) {
        return Some(String::from("a blank cannot be part of it"));
    }
    // A mark means something to the shell or to one of the rule languages, or may some day.
    let harmless = |c: &char| matches!(c, '.' | '-' | '_' | '@' | '+' | ',' | '=');
    if let Some(bad) = name.chars().find(|c| (c.is_ascii_punctuation() && !harmless(c)) || c.is_control()) {
        return Some(format!("`{}` cannot be part of it", bad.escape_debug()));
    }
    name.ends_with('+').then(|| String::from("iptables reads `+` at the end as any characters"))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn names_that_the_kernel_takes_are_fine() {
        for name in ["eth0", "eth1.20", "wg-acme", "br_lan", "enp0s31f6", "a+b", "veth@x", "größe"] {
            assert_eq!(fault(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_rules_cannot_say_are_not() {
        for name in [
            "", ".", "..", "all", "default", "lo", "-x", "a/b", "a:b", "a b", "a\tb", "a\"b", "a*", "a#b",
            "a;b", "eth+",
        ] {
            assert!(fault(name).is_some(), "{name}");
        }
    }
}
