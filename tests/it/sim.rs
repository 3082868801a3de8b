//! The interpreter of packets on everything that is emitted: for each golden site, in each of its forms, hosts
//! of all connected networks call each other, all through one table of connections.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use overlapc::model::Isolation;
use overlapc::net::{self, Family};
use overlapc::plan::{Peering, Plan, Value, lower};
use overlapc::read::artifacts;
use overlapc::read::routing::{Address, Change};
use overlapc::sim::conntrack::Connections;
use overlapc::sim::fate::Fate;
use overlapc::sim::host::Host;
use overlapc::sim::packet::{Content, Packet, SYN, TCP, TTL};
use overlapc::sim::phase::Passage;
use overlapc::sim::routes::Gateway;
use overlapc::source::SourceMap;
use overlapc::{Overrides, front, syntax};

use crate::bench::repository;
use crate::expected::{files_in, folders_in, name_of};

struct NoFiles<'p>(&'p Path);

impl syntax::Loader for NoFiles<'_> {
    fn load(&self, name: &str) -> Result<String, String> {
        fs::read_to_string(self.0.join(name)).map_err(|error| error.to_string())
    }
}

/// The plan of a site, as the variant in a folder has it.
fn plan(case: &Path, folder: &str) -> Plan {
    let isolation = folder.contains("rules").then_some(Isolation::Rules);
    let overrides = Overrides { isolation, firewall: None };
    let mut sources = SourceMap::default();
    let root = sources.add("site.ovl", fs::read_to_string(case.join("site.ovl")).unwrap());
    let site = front(sources, root, &NoFiles(case), overrides).value.unwrap();
    lower(&site)
}

/// What a host does that was told what a folder's files say; nothing where they say nothing. Where the site
/// leaves the gateway's addresses to the host, it has the first one of each prefix.
fn host(folder: &Path, plan: &Plan) -> Option<Host> {
    let files = files_in(folder);
    if !files.contains_key("ip.batch") {
        return None;
    }
    let mut artifacts = artifacts::read(&files).unwrap();
    let value = |value| if let Value::Is(number) = value { i64::from(number) } else { 0 };
    let settings = plan.settings.iter().map(|setting| (setting.path.clone(), value(setting.value)));
    artifacts.settings = Some(settings.collect());
    let mut host = Host::of(&artifacts).unwrap_or_else(|wrong| panic!("{}: {wrong:?}", folder.display()));
    for network in &plan.networks {
        let left = network.admitted.iter().map(|it| it.real);
        for real in left.filter(|real| network.gateway(net::family(real)).is_none()) {
            let first = net::from_bits(net::family(&real), net::bits(real.network()) + 1);
            let net = IpNet::new(first, real.prefix_len()).unwrap();
            let address = Address { net, device: network.interface.clone(), makes_route: true };
            host.apply(&Change::AddAddress(address)).unwrap();
        }
    }
    Some(host)
}

/// A few hosts of a network in a family: those with the same numbers wherever they overlap.
fn hosts(plan: &Plan, network: usize, family: Family) -> Vec<IpAddr> {
    let own = &plan.networks[network].addresses;
    let ours =
        |address: IpAddr| own.iter().any(|it| it.net.addr() == address || it.net.broadcast() == address);
    let mut hosts = Vec::new();
    for admitted in plan.networks[network].admitted.iter().filter(|it| net::family(&it.real) == family) {
        let (first, last) = (net::bits(admitted.real.network()), net::bits(admitted.real.broadcast()));
        for place in [10, 77, 18] {
            let place = if first == last { first } else { first + place };
            let address = net::from_bits(family, place);
            if (place < last || first == last) && !ours(address) && !hosts.contains(&address) {
                hosts.push(address);
            }
        }
    }
    hosts
}

fn contents(v4: bool) -> [Content; 3] {
    [
        Content::Ports { protocol: TCP, source: 4000, destination: 80, flags: SYN },
        Content::Message { kind: if v4 { 8 } else { 128 }, id: 7 },
        Content::Other { protocol: 47 },
    ]
}

/// What is wrong with a call between two hosts, and with the answer.
fn call(
    gateway: &Gateway<'_>,
    connections: &mut Connections,
    plan: &Plan,
    peering: &Peering,
    (source, real): (IpAddr, IpAddr),
    content: Content,
) -> Option<String> {
    let (from, to) = (&plan.networks[peering.from], &plan.networks[peering.to]);
    let (alias, _) = plan.known_as(peering.to, peering.from, real)?;
    let seen = match &to.masquerade {
        Some(masquerade) => {
            masquerade.sources.iter().find(|it| it.hosts.contains(&real)).map(|it| it.address)?
        }
        None => plan.known_as(peering.from, peering.to, source)?.0,
    };
    let packet = Packet { source, destination: alias, ttl: TTL, content };
    let what = format!("{} {packet}", from.name);
    let asked = match gateway.receive(connections, &from.interface, packet.clone(), 0) {
        Ok(passage) => passage,
        Err(wrong) => return Some(format!("{what}: {wrong}")),
    };
    if peering.policy.is_some() && matches!(asked.fate, Fate::Refused(_) | Fate::Dropped(_)) {
        return None;
    }
    let arrived = &asked.packet;
    let left =
        |passage: &Passage, by: &str| matches!(&passage.fate, Fate::Left { device, .. } if device == by);
    if !left(&asked, &to.interface) || (arrived.source, arrived.destination) != (seen, real) {
        return Some(format!("{what}: not delivered: {:?} {arrived}", asked.fate));
    }
    if arrived.content != packet.content && to.masquerade.is_none() {
        return Some(format!("{what}: changed: {arrived}"));
    }
    let answer = arrived.answer()?;
    let answered = match gateway.receive(connections, &to.interface, answer, 0) {
        Ok(passage) => passage,
        Err(wrong) => return Some(format!("{what}: the answer: {wrong}")),
    };
    let back = &answered.packet;
    let wanted = packet.answer()?;
    if !left(&answered, &from.interface)
        || (back.source, back.destination) != (alias, source)
        || back.content != wanted.content
    {
        return Some(format!("{what}: the answer does not come back: {:?} {back}", answered.fate));
    }
    // The neighbour is dead: the caller is told, as if by the one that was called.
    let error = match gateway.unanswered(connections, &asked) {
        Ok(Some(error)) => error,
        other => return Some(format!("{what}: no word of a dead host: {other:?}")),
    };
    let about = match &error.packet.content {
        Content::Error { about, .. } => about,
        _ => return Some(format!("{what}: the error is none")),
    };
    // What is mapped onto itself is not translated, and neither are errors about it.
    let own = from.gateway(net::family_of(&source));
    let teller = error.packet.source;
    let known = teller == alias || (alias == real && own.is_none_or(|own| own == teller));
    if !left(&error, &from.interface)
        || !known
        || error.packet.destination != source
        || (about.source, about.destination) != (source, alias)
    {
        return Some(format!("{what}: the error does not come back: {:?} {}", error.fate, error.packet));
    }
    None
}

#[test]
fn in_every_golden_site_hosts_reach_each_other_and_answers_come_back() {
    let (mut wrong, mut calls) = (Vec::new(), 0);
    for case in folders_in(&repository().join("golden/emit")) {
        for folder in folders_in(&case) {
            let plan = plan(&case, &name_of(&folder));
            let Some(host) = host(&folder, &plan) else { continue };
            let gateway = Gateway::new(&host);
            let mut connections = Connections::default();
            // Where both call each other by one alias ports are changed, as the site was warned.
            let apart = plan.peerings.iter().zip(plan.pair_zones()).filter(|(_, zone)| zone.is_some());
            for (peering, _) in apart {
                for family in [Family::V4, Family::V6] {
                    for source in hosts(&plan, peering.from, family) {
                        for real in hosts(&plan, peering.to, family) {
                            for content in contents(family == Family::V4) {
                                calls += 1;
                                // Two hosts that are seen under one number, and no ports: only one has room.
                                let alone = plan.networks[peering.to].masquerade.is_some()
                                    && matches!(content, Content::Other { .. });
                                let mut fresh = Connections::default();
                                let table = if alone { &mut fresh } else { &mut connections };
                                let found = call(&gateway, table, &plan, peering, (source, real), content);
                                let place = format!("{}/{}", name_of(&case), name_of(&folder));
                                wrong.extend(found.map(|it| format!("{place}: {it}")));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(calls > 1000, "{calls}");
    let shown: Vec<&String> = wrong.iter().take(40).collect();
    assert!(wrong.is_empty(), "{} of {calls}:\n{shown:#?}", wrong.len());
}
