//! Whether a script says of itself what the site says.
//!
//! Goes in: the site and its script. Comes out: names, numbers and prefixes that differ. What must hold: nothing is
//! taken from who planned; a script knows by these what is its own, and an update which connections are whose.

use std::collections::BTreeSet;

use super::found::{Failure, Found, Obligation};
use super::spec::Spec;
use crate::read::script::Script;
use crate::read::script::data::Known;
use crate::sim::region::fib::range_of;
use crate::sim::region::pass::{Connection, Machine};
use crate::sim::region::{Region, Set};

/// Preferences of rules and protocol of a site that says nothing of them: `grammar/overlapc.ebnf`.
const PREFERENCES: (u64, u64) = (100, 999);
const PROTOCOL: u64 = 77;

/// Compares them.
pub(super) fn check(spec: &Spec<'_>, machine: &Machine, script: &Script, found: &mut Found) {
    let (site, header) = (spec.site, &script.header);
    let mut fails = |obligation: Obligation, line: usize, what: String| {
        let networks = [None; 2];
        let (packet, place, rule) = (None, None, None);
        found.failures.push(Failure { obligation, networks, what, packet, place, rule, line: Some(line) });
    };
    if header.site != site.name {
        let what = format!("the site's name is {}, not {}", site.name, header.site);
        fails(Obligation::GoodNeighbour, header.line, what);
    }
    let (first, last) = site.gateway.preferences.map_or(PREFERENCES, |it| it.value);
    if (u64::from(header.preferences.0), u64::from(header.preferences.1)) != (first, last) {
        let what = format!("the site has the preferences {first} to {last}");
        fails(Obligation::GoodNeighbour, header.line, what);
    }
    let protocol = site.gateway.protocol.map_or(PROTOCOL, |it| it.value);
    if u64::from(header.protocol) != protocol {
        fails(Obligation::GoodNeighbour, header.line, format!("the site's protocol is {protocol}"));
    }
    if let Some(marks) = site.gateway.marks
        && u64::from(header.marks()) & !marks.value != 0
    {
        fails(Obligation::GoodNeighbour, header.line, "bits of the mark that are not the site's".to_owned());
    }
    let v6 = site.networks.iter().any(|it| it.prefixes.iter().any(|it| it.real.value.addr().is_ipv6()));
    if header.ipv6 != v6 {
        let what = "whether the host must have IPv6 is not as the site's prefixes say".to_owned();
        fails(Obligation::Delivery, header.line, what);
    }
    let (mut ids, mut zones) = (BTreeSet::new(), BTreeSet::new());
    for (n, network) in site.networks.iter().enumerate() {
        let name = &network.name.value;
        let Some(said) = script.data.networks.get(n) else {
            fails(Obligation::GoodNeighbour, header.line, format!("the network {name} is missing"));
            continue;
        };
        let own = &said.value;
        let id = network.id.is_none_or(|id| id.value == u64::from(own.id));
        if own.name != *name || own.interface != *spec.device(n) || !id || !ids.insert(own.id) {
            let what = format!("the network {name} has another name, interface or id");
            fails(Obligation::GoodNeighbour, said.line, what);
        }
        let known = script.data.known.get(n);
        let zone = known.map(|it| it.value.zone);
        if let Some(known) =
            known.filter(|it| is_known(network, &it.value) && own_zone(spec, machine, n) == zone)
        {
            zones.insert(known.value.zone);
        } else {
            let what =
                format!("an update knows the connections of {name} by other prefixes, or in another zone");
            fails(Obligation::NoConfusion, known.map_or(said.line, |it| it.line), what);
        }
    }
    if script.data.known.len() != site.networks.len() || zones.len() != site.networks.len() {
        let what = "an update does not know the connections of each network by a line".to_owned();
        fails(Obligation::NoConfusion, header.line, what);
    }
    for more in script.data.networks.iter().skip(site.networks.len()) {
        fails(Obligation::GoodNeighbour, more.line, "a network that is not of the site".to_owned());
    }
}

/// The zone of what the gateway itself sends to its neighbours in a network.
fn own_zone(spec: &Spec<'_>, machine: &Machine, network: usize) -> Option<u16> {
    let v4 = spec.site.networks[network].prefixes.iter().any(|it| it.real.value.addr().is_ipv4());
    let device = machine.devices.number(spec.device(network));
    let leaves = machine.own(device, Region::all(v4), &Connection::New).ok()?;
    leaves.first()?.flow.zones.map(|zones| zones[0])
}

/// Whether these are the prefixes by which others know its hosts: an update finds its connections by them.
fn is_known(network: &crate::model::Network, known: &Known) -> bool {
    [true, false].into_iter().all(|v4| {
        let own = network.prefixes.iter().flat_map(|prefix| match prefix.aliases.as_slice() {
            [] => vec![prefix.real.value],
            aliases => aliases.iter().map(|alias| alias.net.value).collect(),
        });
        let should = Set::of(own.filter(|it| it.addr().is_ipv4() == v4).map(|it| range_of(&it)).collect());
        let said = known.prefixes.iter().filter(|it| it.addr().is_ipv4() == v4);
        should == Set::of(said.map(range_of).collect())
    })
}
