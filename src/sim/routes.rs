//! Policy routing: rules by preference, and in each table the longest prefix.
//!
//! Goes in: what a look-up asks by. Comes out: the rule and the route that decide. What must hold: the order
//! is that of `fib_rules_lookup`; a table without a route is passed over, and a route that refuses is an answer.

use std::net::IpAddr;

use ipnet::IpNet;

use super::host::Host;
use crate::net;
use crate::read::routing::{Action, Route, Rule, Way};

/// The loopback device: by which, for rules, the host's own packets come in.
pub const LOOPBACK: &str = "lo";

/// A host together with all its routes.
#[derive(Clone, Debug)]
pub struct Gateway<'h> {
    /// The host.
    pub host: &'h Host,
    routes: Vec<Route>,
}

/// What a look-up asks by: `struct flowi4` and `struct flowi6`.
#[derive(Clone, Debug)]
pub struct Flow<'f> {
    /// The device that it came in by: [`LOOPBACK`] for the host's own packets.
    pub input: &'f str,
    /// The device that it is to leave by.
    pub output: Option<&'f str>,
    /// A device whose VRF it is in, whatever the other two are.
    pub inside: Option<&'f str>,
    /// The mark.
    pub mark: u32,
    /// The source, where it is known.
    pub source: Option<IpAddr>,
    /// The destination.
    pub destination: IpAddr,
}

/// The rule (a place in the host's rules) and the route that were found.
pub type By = Option<(usize, Route)>;

impl<'h> Gateway<'h> {
    /// Works out all routes of a host.
    #[must_use]
    pub fn new(host: &'h Host) -> Self {
        Self { host, routes: host.all_routes() }
    }

    /// Looks for a way.
    ///
    /// # Errors
    ///
    /// The rules go round in a circle.
    pub fn lookup(&self, flow: &Flow<'_>) -> Result<By, String> {
        let master = |device: &str| self.host.vrf_table(device);
        let is_master = |device: &str| self.host.links.get(device).is_some_and(|it| it.table.is_some());
        // `l3mdev_update_flow`: the device to leave by counts before the one it came in by, and a VRF device
        // to leave by says the table alone.
        let vrf = flow.inside.or(flow.output).or(Some(flow.input)).and_then(master);
        let output = flow.output.filter(|device| !is_master(device));
        let flow = Flow { output, ..flow.clone() };
        let v4 = flow.destination.is_ipv4();
        let rules = &self.host.rules;
        let mut at = 0;
        let mut steps = 0;
        while let Some(rule) = rules.get(at) {
            let place = at;
            at += 1;
            if rule.v4 != v4 || !fits(rule, &flow, vrf) {
                continue;
            }
            let table = match rule.action {
                Action::Lookup(table) => table,
                Action::Vrf => match vrf {
                    Some(table) => table,
                    None => continue,
                },
                Action::Goto(preference) => {
                    // A target that is not there is passed over.
                    let target = |it: &Rule| it.v4 == v4 && it.preference == preference;
                    if let Some(target) = rules.iter().position(target) {
                        at = target;
                    }
                    steps += 1;
                    if steps > rules.len() {
                        return Err(format!("the ip rules go round in a circle at {preference}"));
                    }
                    continue;
                }
                Action::Nothing => continue,
            };
            if let Some(route) = self.best(table, &flow) {
                return Ok(Some((place, route.clone())));
            }
        }
        Ok(None)
    }

    /// The route of a table with the longest prefix, of these the one with the lowest metric, of these the first.
    fn best(&self, table: u32, flow: &Flow<'_>) -> Option<&Route> {
        let fits = |route: &&Route| {
            let leaves = match (&route.way, flow.output) {
                (Way::Out { device, .. }, Some(output)) => device == output,
                _ => true,
            };
            route.table == table && contains(&route.to, flow.destination) && leaves
        };
        let order = |route: &&Route| (u32::from(u8::MAX - route.to.prefix_len()), route.metric);
        self.routes.iter().filter(fits).min_by_key(order)
    }

    /// The gateway's own address on a device for packets that leave by it: `inet_select_addr`,
    /// `ipv6_dev_get_saddr`.
    #[must_use]
    pub fn own_address(&self, device: &str, via: Option<IpAddr>, destination: IpAddr) -> Option<IpAddr> {
        let v4 = destination.is_ipv4();
        let family = || self.host.addresses.iter().filter(move |it| it.net.addr().is_ipv4() == v4);
        let on =
            |device: &str| family().filter(|it| it.device == device).map(|it| it.net).collect::<Vec<_>>();
        let mut nets = on(device);
        if nets.is_empty() {
            // Another device of the same VRF, or outside of all.
            let table = self.host.vrf_table(device);
            nets.extend(family().filter(|it| self.host.vrf_table(&it.device) == table).map(|it| it.net));
        }
        if v4 {
            let near = via.and_then(|via| nets.iter().find(|net| net.contains(&via)));
            return near.or(nets.first()).map(IpNet::addr);
        }
        // RFC 6724, 5: the same kind of address, then the longest common prefix; of equals the first.
        let unique = |address: IpAddr| matches!(address, IpAddr::V6(it) if it.is_unique_local());
        let score = |net: &IpNet| {
            let common = (net::bits(net.addr()) ^ net::bits(destination)).leading_zeros();
            (unique(net.addr()) == unique(destination), common.min(net.prefix_len().into()))
        };
        let best = nets.iter().map(score).max()?;
        nets.iter().find(|net| score(net) == best).map(IpNet::addr)
    }
}

/// `fib_rule_match`
fn fits(rule: &Rule, flow: &Flow<'_>, vrf: Option<u32>) -> bool {
    let fits = rule.iif.as_deref().is_none_or(|device| device == flow.input)
        && rule.oif.as_deref().is_none_or(|device| flow.output == Some(device))
        && rule.mark.is_none_or(|(value, mask)| (value ^ flow.mark) & mask == 0)
        && (rule.action != Action::Vrf || vrf.is_some())
        && rule
            .from
            .is_none_or(|net| net.prefix_len() == 0 || flow.source.is_some_and(|it| contains(&net, it)))
        && rule.to.is_none_or(|net| contains(&net, flow.destination));
    fits != rule.not
}

fn contains(net: &IpNet, address: IpAddr) -> bool {
    net.contains(&address)
}
