//! Links, addresses, routes and rules as lines for `ip -batch` and `ip -6 -batch` (ip(8)).
//!
//! The order is what keeps networks apart: a table ends in its unreachable default before a device
//! or a rule leads to it, and rules come last.

use std::fmt;

use serde::Serialize;

use super::provenance::Places;
use super::template;
use super::text::{Block, Blocks, line};
use crate::net::Family;
use crate::plan::{Action, Address, Isolation, Network, NextHop, Plan, Rule, Selector, UNREACHABLE_METRIC};

/// The lines of both families, in the order in which they must run. The script runs them step by
/// step; the batch files hold the steps of one family.
#[derive(Serialize)]
pub(super) struct Steps {
    /// Makes the VRF devices; empty without them.
    pub(super) create: String,
    /// Ends every table, IPv4.
    pub(super) defaults_v4: String,
    /// Ends every table, IPv6.
    pub(super) defaults_v6: String,
    /// Puts interfaces into VRFs and brings them up.
    pub(super) attach: String,
    /// Gives the gateway its addresses, both families.
    pub(super) addresses: String,
    /// All other routes, IPv4.
    pub(super) routes_v4: String,
    /// All other routes, IPv6.
    pub(super) routes_v6: String,
    /// The rules, IPv4.
    pub(super) rules_v4: String,
    /// The rules, IPv6; empty where no network speaks it and VRF devices keep it apart.
    pub(super) rules_v6: String,
    /// Moves the local rule behind the others; empty where it stays.
    pub(super) local: String,
}

/// What the batch templates take.
#[derive(Serialize)]
struct BatchView<'a> {
    header: String,
    steps: &'a Steps,
}

/// Lays one family's batch file out.
pub(super) fn emit(plan: &Plan, places: &Places<'_>, steps: &Steps, family: Family) -> String {
    let view = BatchView { header: places.header(&plan.site), steps };
    match family {
        Family::V4 => template::render("ip/ip.batch.j2", view),
        Family::V6 => template::render("ip/ip6.batch.j2", view),
    }
}

/// All steps of a plan.
pub(super) fn steps(plan: &Plan, places: &Places<'_>, blocks: &Blocks) -> Steps {
    let networks = plan.networks.len();
    let (mut create, mut attach) = (Block::of(2 * networks), Block::of(2 * networks));
    let mut addresses = Block::of(networks);
    let (mut defaults_v4, mut defaults_v6) = (Block::of(2 * networks), Block::of(2 * networks));
    let (mut routes_v4, mut routes_v6) = (Block::of(3 * networks), Block::of(3 * networks));
    for network in &plan.networks {
        let (interface, place) = (&network.interface, places.at(network.span));
        let name = &network.name;
        if let Some(vrf) = &network.vrf {
            line!(create, "link add name {vrf} type vrf table {} # {place} {name}", network.table());
            line!(create, "link set dev {vrf} up");
            line!(attach, "link set dev {interface} master {vrf} # {place} {name}");
        }
        line!(attach, "link set dev {interface} up # {place} {name}");
        for address in &network.addresses {
            let place = places.at(address.span);
            line!(addresses, "{} # {place} {name}", address_line(plan, network, address));
        }
        for route in &network.routes {
            let v4 = route.prefix.addr().is_ipv4();
            let (prefix, table, place) = (route.prefix, route.table, places.at(route.span));
            let tail = format!("table {table} protocol {} # {place} {name}", plan.protocol);
            let routes = if v4 { &mut routes_v4 } else { &mut routes_v6 };
            match route.next {
                NextHop::Unreachable => {
                    let defaults = if v4 { &mut defaults_v4 } else { &mut defaults_v6 };
                    line!(defaults, "route add unreachable {prefix} metric {UNREACHABLE_METRIC} {tail}");
                }
                NextHop::Link => line!(routes, "route add {prefix} dev {interface} {tail}"),
                NextHop::Router(via) => {
                    line!(routes, "route add {prefix} via {via} dev {interface} onlink {tail}")
                }
            }
        }
    }
    let rules = |list: &[Rule]| {
        let mut rules = Block::of(list.len());
        for rule in list {
            rule_line(&mut rules, plan, rule, places);
        }
        blocks.keep(rules)
    };
    let mut local = Block::default();
    if let Some(preference) = plan.local_rule {
        line!(local, "rule add pref {preference} lookup local protocol {}", plan.protocol);
        line!(local, "rule del pref 0 lookup local");
    }
    Steps {
        create: blocks.keep(create),
        defaults_v4: blocks.keep(defaults_v4),
        defaults_v6: blocks.keep(defaults_v6),
        attach: blocks.keep(attach),
        addresses: blocks.keep(addresses),
        routes_v4: blocks.keep(routes_v4),
        routes_v6: blocks.keep(routes_v6),
        rules_v4: rules(&plan.rules.v4),
        rules_v6: rules(&plan.rules.v6),
        local: blocks.keep(local),
    }
}

/// One `rule add` line; see ip-rule(8).
fn rule_line(out: &mut Block, plan: &Plan, rule: &Rule, places: &Places<'_>) {
    let origin = rule.network.map(|n| &plan.networks[n]);
    let (preference, selector) = (rule.preference, Matches(&rule.selector));
    let (action, protocol) = (Does(rule.action), plan.protocol);
    match origin {
        Some(network) => {
            let (place, name) = (places.at(network.span), &network.name);
            line!(out, "rule add pref {preference}{selector} {action} protocol {protocol} # {place} {name}");
        }
        None => line!(out, "rule add pref {preference}{selector} {action} protocol {protocol}"),
    }
}

/// A selector as ip-rule(8) has it, each part behind a space.
struct Matches<'a>(&'a Selector);

impl fmt::Display for Matches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Selector { not, iif, oif, mark } = self.0;
        if *not {
            f.write_str(" not")?;
        }
        if let Some(iif) = iif {
            write!(f, " iif {iif}")?;
        }
        if let Some(oif) = oif {
            write!(f, " oif {oif}")?;
        }
        match mark {
            Some((value, mask)) => write!(f, " fwmark {value:#x}/{mask:#x}"),
            None => Ok(()),
        }
    }
}

/// An action as ip-rule(8) has it.
struct Does(Action);

impl fmt::Display for Does {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Action::Lookup(table) => write!(f, "lookup {table}"),
            Action::Goto(preference) => write!(f, "goto {preference}"),
            Action::Nop => f.write_str("nop"),
        }
    }
}

/// The `ip -batch` line. Without VRF devices the kernel must not put the subnet into the main table,
/// where equal subnets of several networks would meet (`noprefixroute`, ip-address(8)).
fn address_line(plan: &Plan, network: &Network, address: &Address) -> String {
    let mut line = format!("address add {} dev {}", address.net, network.interface);
    if plan.isolation == Isolation::Rules {
        line.push_str(" noprefixroute");
    }
    line
}
