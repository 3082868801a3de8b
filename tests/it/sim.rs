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
use overlapc::sim::own::Own;
use overlapc::sim::packet::{Content, Packet, SYN, TCP, TTL};
use overlapc::sim::phase::{Event, Found, Passage};
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
pub fn plan(case: &Path, folder: &str) -> Plan {
    let isolation = folder.contains("rules").then_some(Isolation::Rules);
    let overrides = Overrides { isolation, firewall: None };
    let mut sources = SourceMap::default();
    let root = sources.add("site.ovl", fs::read_to_string(case.join("site.ovl")).unwrap());
    let site = front(sources, root, &NoFiles(case), overrides).value.unwrap();
    lower(&site)
}

/// What a host does that was told what a folder's files say; nothing where they say nothing. Where the site
/// leaves the gateway's addresses to the host, it has the first one of each prefix.
pub fn host(folder: &Path, plan: &Plan) -> Option<Host> {
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
pub fn hosts(plan: &Plan, network: usize, family: Family) -> Vec<IpAddr> {
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

pub fn contents(v4: bool) -> [Content; 3] {
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

/// Numbers that might mean something to somebody: hosts, aliases, the gateway's own, edges, and strangers.
pub fn numbers(plan: &Plan, family: Family) -> Vec<IpAddr> {
    let mut numbers = Vec::new();
    let mut add = |net: &IpNet| {
        let (first, last) = (net::bits(net.network()), net::bits(net.broadcast()));
        let inside = [first, first + 1, first + 10, first + 77, last];
        numbers.extend(inside.into_iter().filter(|it| *it <= last).map(|it| net::from_bits(family, it)));
    };
    let of_family = |net: &IpNet| net::family(net) == family;
    for network in &plan.networks {
        let own = network.addresses.iter().map(|it| net::single(it.net.addr()));
        let views = network.views.iter().flat_map(|view| &view.mappings);
        let mapped = network.mappings.iter().chain(views).flat_map(|it| [it.real, it.alias]);
        own.chain(mapped).filter(of_family).for_each(|net| add(&net));
    }
    let strangers: &[&str] = match family {
        Family::V4 => &["10.255.1.1", "8.8.8.8", "0.0.0.1", "127.0.0.1", "224.0.0.1", "255.255.255.255"],
        Family::V6 => &["2001:db8::1", "::1", "fe80::1", "ff02::1"],
    };
    numbers.extend(strangers.iter().map(|text| text.parse::<IpAddr>().unwrap()));
    numbers.sort();
    numbers.dedup();
    numbers
}

/// Why a packet must not have left, if it must not.
pub fn leaks(plan: &Plan, from: usize, packet: &Packet, passage: &Passage) -> Option<String> {
    let Fate::Left { device, .. } = &passage.fate else { return None };
    let Some(to) = plan.networks.iter().position(|it| it.interface == *device) else {
        return Some("by a device of no network".to_owned());
    };
    if !plan.peerings.iter().any(|it| (it.from, it.to) == (from, to)) {
        return Some("to a network that it has no `connect` with".to_owned());
    }
    let networks = &plan.networks;
    let ours =
        |network: usize, address| networks[network].addresses.iter().any(|it| it.net.addr() == address);
    if !networks[from].admitted.iter().any(|it| it.real.contains(&packet.source)) || ours(from, packet.source)
    {
        return Some("from a source that is not the network's".to_owned());
    }
    let real = passage.packet.destination;
    if plan.known_as(to, from, real).map(|(alias, _)| alias) != Some(packet.destination) || ours(to, real) {
        return Some("to somebody who was not meant".to_owned());
    }
    if networks[to].masquerade.is_none() {
        let seen = plan.known_as(from, to, packet.source).map(|(alias, _)| alias);
        if seen != Some(passage.packet.source) {
            return Some("under a number that is not its alias".to_owned());
        }
    }
    None
}

#[test]
fn in_no_golden_site_does_anything_else_pass() {
    let (mut wrong, mut sent, mut passed) = (Vec::new(), 0_u32, 0_u32);
    // A generator that is the same everywhere: Knuth's MMIX.
    let mut seed = 20_u64;
    let mut pick = |length: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % length
    };
    for case in folders_in(&repository().join("golden/emit")) {
        for folder in folders_in(&case) {
            let plan = plan(&case, &name_of(&folder));
            let Some(host) = host(&folder, &plan) else { continue };
            let gateway = Gateway::new(&host);
            for family in [Family::V4, Family::V6] {
                let numbers = numbers(&plan, family);
                for _ in 0..400 {
                    let from = pick(plan.networks.len());
                    let contents = contents(family == Family::V4);
                    let own = hosts(&plan, from, family);
                    let source = match pick(2) {
                        0 if !own.is_empty() => own[pick(own.len())],
                        _ => numbers[pick(numbers.len())],
                    };
                    let packet = Packet {
                        source,
                        destination: numbers[pick(numbers.len())],
                        ttl: TTL,
                        content: contents[pick(3)].clone(),
                    };
                    let mut known = Connections::default();
                    let device = &plan.networks[from].interface;
                    let passage = gateway.receive(&mut known, device, packet.clone(), 0).unwrap();
                    sent += 1;
                    passed += u32::from(passage.fate.left());
                    if let Some(why) = leaks(&plan, from, &packet, &passage) {
                        let place = format!("{}/{}", name_of(&case), name_of(&folder));
                        wrong.push(format!(
                            "{place}: {device} {packet} left {:?} {}: {why}",
                            passage.fate, passage.packet
                        ));
                    }
                }
            }
        }
    }
    assert!(passed > 1000 && sent > 20_000, "{passed} of {sent}");
    let shown: Vec<&String> = wrong.iter().take(40).collect();
    assert!(wrong.is_empty(), "{} of {sent}:\n{shown:#?}", wrong.len());
}

/// Nobody else's packets pass as part of a connection, whatever their numbers.
#[test]
fn in_no_golden_site_does_another_network_get_into_a_connection() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for case in folders_in(&repository().join("golden/emit")) {
        for folder in folders_in(&case) {
            let plan = plan(&case, &name_of(&folder));
            let Some(host) = host(&folder, &plan) else { continue };
            let gateway = Gateway::new(&host);
            // What is in zone 0 because both call each other by one alias is open to both, as the site was warned.
            let apart = plan.peerings.iter().zip(plan.pair_zones()).filter(|(_, zone)| zone.is_some());
            for (peering, _) in apart {
                for family in [Family::V4, Family::V6] {
                    let (sources, reals) =
                        (hosts(&plan, peering.from, family), hosts(&plan, peering.to, family));
                    let Some((source, real)) = sources.first().copied().zip(reals.first().copied()) else {
                        continue;
                    };
                    let Some((alias, _)) = plan.known_as(peering.to, peering.from, real) else { continue };
                    let content = contents(family == Family::V4)[0].clone();
                    let packet = Packet { source, destination: alias, ttl: TTL, content };
                    let mut known = Connections::default();
                    let device = &plan.networks[peering.from].interface;
                    let asked = gateway.receive(&mut known, device, packet, 0).unwrap();
                    if !asked.fate.left() {
                        continue;
                    }
                    let answer = asked.packet.answer().unwrap();
                    let content = Content::Error {
                        kind: if family == Family::V4 { 3 } else { 1 },
                        code: 1,
                        about: Box::new(asked.packet.clone()),
                    };
                    let error = Packet { content, ..answer.clone() };
                    for (n, other) in plan.networks.iter().enumerate().filter(|(n, _)| *n != peering.to) {
                        for packet in [asked.packet.clone(), answer.clone(), error.clone()] {
                            // The sender's own packets are part of it, of course.
                            if n == peering.from && packet == asked.began {
                                continue;
                            }
                            tried += 1;
                            let mut known = known.clone();
                            let passage =
                                gateway.receive(&mut known, &other.interface, packet.clone(), 0).unwrap();
                            let looks = passage.phases.iter().filter_map(|phase| match &phase.event {
                                Event::Lookup { found, .. } => Some(*found),
                                _ => None,
                            });
                            let strange =
                                |found| !matches!(found, Found::New | Found::Invalid | Found::Untracked);
                            if passage.fate.left() && looks.into_iter().any(strange) {
                                let place = format!("{}/{}", name_of(&case), name_of(&folder));
                                wrong.push(format!("{place}: {} {packet}, {:?}", other.name, passage.fate));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(tried > 5000, "{tried}");
    let shown: Vec<&String> = wrong.iter().take(40).collect();
    assert!(wrong.is_empty(), "{} of {tried}:\n{shown:#?}", wrong.len());
}

/// The gateway answers in each network on its own address there, and calls hosts from it, untranslated; all
/// networks through one table of connections.
#[test]
fn in_every_golden_site_the_gateway_speaks_with_each_network() {
    let (mut wrong, mut calls) = (Vec::new(), 0);
    for case in folders_in(&repository().join("golden/emit")) {
        for folder in folders_in(&case) {
            let plan = plan(&case, &name_of(&folder));
            let Some(host) = host(&folder, &plan) else { continue };
            let gateway = Gateway::new(&host);
            let mut known = Connections::default();
            let place = format!("{}/{}", name_of(&case), name_of(&folder));
            for (n, network) in plan.networks.iter().enumerate() {
                for family in [Family::V4, Family::V6] {
                    let Some(own) = network.gateway(family) else { continue };
                    let on_link = |host: &IpAddr| network.addresses.iter().any(|it| it.net.contains(host));
                    for source in hosts(&plan, n, family).into_iter().filter(on_link) {
                        for content in contents(family == Family::V4).into_iter().take(2) {
                            calls += 1;
                            let device = &network.interface;
                            let packet = Packet { source, destination: own, ttl: TTL, content };
                            let what = format!("{place}: {} {packet}", network.name);
                            let asked = gateway.receive(&mut known, device, packet.clone(), 0).unwrap();
                            if asked.fate != Fate::Local || asked.packet != packet {
                                wrong.push(format!("{what}: {:?} {}", asked.fate, asked.packet));
                                continue;
                            }
                            let answer = gateway.answer(&asked, device).unwrap();
                            let answered = gateway.send(&mut known, answer.clone()).unwrap();
                            let left =
                                matches!(&answered.fate, Fate::Left { device: by, .. } if by == device);
                            if !left || answered.packet != answer.packet {
                                wrong.push(format!(
                                    "{what}: the answer: {:?} {}",
                                    answered.fate, answered.packet
                                ));
                            }
                            // And the other way, from a socket that is bound to the network.
                            let packet = Packet { source: own, destination: source, ..packet };
                            let bound = Some(network.device().to_owned());
                            let call = Own { packet: packet.clone(), mark: 0, bound };
                            let called = gateway.send(&mut known, call).unwrap();
                            let left = matches!(&called.fate, Fate::Left { device: by, .. } if by == device);
                            if !left || called.packet != packet {
                                wrong.push(format!(
                                    "{what}: the gateway's call: {:?} {}",
                                    called.fate, called.packet
                                ));
                                continue;
                            }
                            let answer = packet.answer().unwrap();
                            let back = gateway.receive(&mut known, device, answer.clone(), 0).unwrap();
                            if back.fate != Fate::Local || back.packet != answer {
                                wrong.push(format!(
                                    "{what}: the host's answer: {:?} {}",
                                    back.fate, back.packet
                                ));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(calls > 500, "{calls}");
    let shown: Vec<&String> = wrong.iter().take(40).collect();
    assert!(wrong.is_empty(), "{} of {calls}:\n{shown:#?}", wrong.len());
}
