//! What passes when something is missing: a rule, a route, a link, a VRF device, a table of the packet filter.
//! Less may, but nothing else.

use std::sync::Arc;

use overlapc::net::Family;
use overlapc::read::routing::{Change, Way};
use overlapc::sim::conntrack::Connections;
use overlapc::sim::fate::Fate;
use overlapc::sim::host::Host;
use overlapc::sim::packet::{Packet, TTL};
use overlapc::sim::routes::Gateway;

use crate::bench::repository;
use crate::expected::{folders_in, name_of};
use crate::sim::{contents, host, hosts, leaks, numbers, plan};

/// Sites with more networks have nothing that smaller ones have not.
const NETWORKS: usize = 5;
/// With one thing missing a third of the numbers is called, with the next one another third.
const PART: usize = 3;

/// A host without one thing, and what that is.
fn without(whole: &Host) -> Vec<(String, Host)> {
    let mut all = Vec::new();
    for n in 0..whole.rules.len() {
        let mut host = whole.clone();
        let rule = host.rules.remove(n);
        all.push((format!("rule {} {:?}", rule.preference, rule.action), host));
    }
    for n in 0..whole.routes.len() {
        let mut host = whole.clone();
        let route = host.routes.remove(n);
        // That of one address keeps what is for the gateway's own number from a wire where nobody has it: without
        // it, those who may call that network send there in vain.
        let single = route.to.prefix_len() == route.to.max_prefix_len();
        if !single || matches!(route.way, Way::Out { .. }) {
            all.push((format!("route {} of table {}", route.to, route.table), host));
        }
    }
    for (name, link) in &whole.links {
        let mut host = whole.clone();
        host.apply(&Change::SetUp { device: name.clone(), up: false }).unwrap();
        all.push((format!("{name}, which is down"), host));
        if link.table.is_some() {
            let mut host = whole.clone();
            host.apply(&Change::DeleteLink(name.clone())).unwrap();
            all.push((name.clone(), host));
        }
    }
    for (n, filter) in whole.filters.iter().enumerate() {
        let mut tables: Vec<&String> = filter.chains.iter().map(|chain| &chain.table).collect();
        tables.sort();
        tables.dedup();
        for table in tables {
            let mut host = whole.clone();
            let filter = Arc::make_mut(&mut host.filters[n]);
            filter.chains.iter_mut().filter(|it| it.table == *table).for_each(|it| it.rules.clear());
            all.push((format!("the rules of table {table}"), host));
        }
    }
    all
}

#[test]
fn without_any_one_thing_nothing_else_passes() {
    let (mut wrong, mut sent) = (Vec::new(), 0);
    for case in folders_in(&repository().join("golden/emit")) {
        for folder in folders_in(&case) {
            let plan = plan(&case, &name_of(&folder));
            let Some(whole) = host(&folder, &plan) else { continue };
            if plan.networks.len() > NETWORKS {
                continue;
            }
            for (n, (what, host)) in without(&whole).into_iter().enumerate() {
                let gateway = Gateway::new(&host);
                for family in [Family::V4, Family::V6] {
                    let content = contents(family == Family::V4)[1].clone();
                    for (from, network) in plan.networks.iter().enumerate() {
                        let Some(source) = hosts(&plan, from, family).first().copied() else { continue };
                        if !host.links[&network.interface].up {
                            continue;
                        }
                        for destination in numbers(&plan, family).into_iter().skip(n % PART).step_by(PART) {
                            let packet = Packet { source, destination, ttl: TTL, content: content.clone() };
                            let mut known = Connections::default();
                            let passage =
                                gateway.receive(&mut known, &network.interface, packet.clone(), 0).unwrap();
                            sent += 1;
                            // Where nothing is filtered, what a network sends to itself goes back to it.
                            let back = matches!(&passage.fate, Fate::Left { device, .. } if *device == network.interface);
                            if back {
                                continue;
                            }
                            if let Some(why) = leaks(&plan, from, &packet, &passage) {
                                let place = format!("{}/{}", name_of(&case), name_of(&folder));
                                let left = &passage.packet;
                                wrong.push(format!(
                                    "{place} without {what}: {} {packet} {:?} {left}: {why}",
                                    network.name, passage.fate
                                ));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(sent > 10_000, "{sent}");
    wrong.dedup_by_key(|it: &mut String| it.split(": ").next().map(str::to_owned));
    let shown: Vec<&String> = wrong.iter().take(60).collect();
    assert!(wrong.is_empty(), "{} of {sent}:\n{shown:#?}", wrong.len());
}
