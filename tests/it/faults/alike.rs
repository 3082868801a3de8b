//! Whether a script with a fault in it treats every packet as the one without.
//!
//! Goes in: a site and two scripts. Comes out: nothing, or a difference. What must hold: all packets by all devices,
//! those of the gateway, and all that belongs to connections are followed to their ends; what the engine does not
//! follow (logs, sizes of segments) is made a bit of the mark beforehand, and all else must be the same.

use std::collections::BTreeMap;

use overlapc::model::Site;
use overlapc::read::artifacts::{self, Artifacts};
use overlapc::read::filter::{Action, Bits, Filter, Step, Verdict};
use overlapc::read::routing::Way;
use overlapc::read::script::Script;
use overlapc::sim::host::Host;
use overlapc::sim::region::fib::From;
use overlapc::sim::region::flow::{Flow, Moved};
use overlapc::sim::region::numbers::{errors, opens};
use overlapc::sim::region::pass::{Connection, Leaf, Machine, Outcome};
use overlapc::sim::region::{Known, Octets, Region, Set};
use overlapc::verify::around;

/// What becomes of packets.
#[derive(Clone, Debug, PartialEq)]
struct Does {
    /// How they are changed, and where conntrack knows them.
    moved: [Option<Moved>; 2],
    zones: Option<[u16; 2]>,
    /// The marks at the end, and the packet mark when their way was looked for.
    marks: [Known; 3],
    end: String,
}

/// Parts of all packets of a kind. They may overlap where nobody can say what happens.
type Parts = Vec<(Region, Does)>;

/// A host that can be asked.
struct Asked {
    host: Host,
    machine: Machine,
    exactly: Exactly,
    logs: Logs,
}

/// How exactly two hosts must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactly {
    /// Every packet ends in the same way.
    Wholly,
    /// What passes does so in the same way, and what does not pass here does not pass there, either: by which
    /// rule or table, and whether somebody is told, may differ where the proof does not ask for it.
    WhatPasses,
}

/// Where two scripts differ; nothing where they mean the same.
pub fn difference(site: &Site, one: &str, other: &str, exactly: Exactly) -> Option<String> {
    let read = |text: &str| artifacts::read(&BTreeMap::from([("site.sh".to_owned(), text.to_owned())]));
    let (Ok(one), Ok(other)) = (read(one), read(other)) else { return Some("one cannot be read".to_owned()) };
    let (Some(a), Some(b)) = (&one.script, &other.script) else { return Some("no script".to_owned()) };
    if let Some(part) = besides_packets(a, b) {
        return Some(part);
    }
    let mut seen = Seen::default();
    let (Ok(one), Ok(other)) =
        (asked(site, &one, &mut seen, exactly), asked(site, &other, &mut seen, exactly))
    else {
        return Some("a host that the kernel would not make".to_owned());
    };
    [true, false].into_iter().find_map(|v4| of_family(&one, &other, v4))
}

/// What counts besides what becomes of packets when all is there.
fn besides_packets(a: &Script, b: &Script) -> Option<String> {
    let steps = |script: &Script| -> Vec<_> {
        script.steps_up.iter().chain(&script.steps_down).map(|step| step.value).collect()
    };
    let settings = |script: &Script| {
        let all = script.data.settings.iter().chain(&script.data.own_settings);
        let mut all: Vec<String> = all.map(|it| format!("{:?}", it.value)).collect();
        all.sort();
        all
    };
    let header = |script: &Script| {
        let mut header = script.header.clone();
        header.line = 0;
        // What it says of the table local is among the commands, and followed.
        header.local = None;
        format!("{header:?}")
    };
    let networks = |script: &Script| -> Vec<_> {
        script.data.networks.iter().map(|network| network.value.clone()).collect()
    };
    let notes = |script: &Script| -> (Vec<_>, Vec<_>) {
        let zones = script.data.zones.iter().map(|zone| zone.value.clone());
        (zones.collect(), script.data.known.iter().map(|known| known.value.clone()).collect())
    };
    let guard = |script: &Script| {
        let devices = script.devices();
        let filters = script.rulesets.guard.filters(&devices).unwrap_or_default();
        filters.iter().map(bare).collect::<Vec<_>>()
    };
    let same = [
        (steps(a) == steps(b), "the order of steps"),
        (settings(a) == settings(b), "settings"),
        (header(a) == header(b), "the header"),
        (networks(a) == networks(b), "networks"),
        (notes(a) == notes(b), "what is noted about connections"),
        (guard(a) == guard(b), "the guard"),
    ];
    same.into_iter().find(|(same, _)| !same).map(|(_, what)| what.to_owned())
}

/// A filter without lines and comments.
fn bare(filter: &Filter) -> String {
    let chains = filter.chains.iter().map(|chain| {
        let steps: Vec<&Vec<Step>> = chain.rules.iter().map(|rule| &rule.steps).collect();
        format!("{} {} {:?} {steps:?}", chain.table, chain.name, chain.base)
    });
    chains.collect::<Vec<_>>().join("\n")
}

/// Bits that stand for what was done to a packet that the engine does not follow: no site of these has them.
const WATCHED: u32 = 0xffc0_0000;

/// What the engine does not follow, with a bit of the mark for each.
#[derive(Default)]
struct Seen(Vec<String>);

/// The bits of what is seen of a packet that does not pass, too: its lines in a log.
#[derive(Clone, Copy)]
struct Logs(u32);

impl Seen {
    /// Makes what a step does a bit of the mark, above those of sites.
    fn watch(&mut self, filter: &mut Filter) {
        for step in filter.chains.iter_mut().flat_map(|it| &mut it.rules).flat_map(|it| &mut it.steps) {
            let Step::Action(action) = step else { continue };
            if let Action::Segments(_) | Action::Log(_) | Action::Limit { .. } = action {
                let text = format!("{action:?}");
                let place = self.0.iter().position(|it| *it == text).unwrap_or(self.0.len());
                if place == self.0.len() {
                    self.0.push(text);
                }
                let bit = 1 << (31 - place);
                assert_ne!(bit & WATCHED, 0, "too many to watch");
                *action = Action::Mark(Bits { and: !bit, xor: bit });
            }
        }
    }

    fn logs(&self) -> Logs {
        let segments = |text: &&String| text.starts_with("Segments");
        let bits = self.0.iter().enumerate().filter(|(_, text)| !segments(text));
        Logs(bits.map(|(place, _)| 1 << (31 - place)).sum())
    }
}

fn asked(site: &Site, artifacts: &Artifacts, seen: &mut Seen, exactly: Exactly) -> Result<Asked, String> {
    let mut host = Host::of(artifacts).map_err(|(_, why)| why)?;
    around::add(&mut host, site)?;
    host.filters.iter_mut().for_each(|filter| seen.watch(std::sync::Arc::make_mut(filter)));
    let machine = Machine::new(&host).map_err(|(_, why)| why)?;
    Ok(Asked { host, machine, exactly, logs: seen.logs() })
}

fn of_family(one: &Asked, other: &Asked, v4: bool) -> Option<String> {
    let names: Vec<&String> = one.host.links.keys().collect();
    if !other.host.links.keys().eq(names.iter().copied()) {
        return Some("devices".to_owned());
    }
    if one.of_family(v4) == other.of_family(v4) {
        return None;
    }
    let mut left = Vec::new();
    for (device, name) in names.iter().enumerate() {
        let mut marks = vec![Known::ZERO];
        for connection in [Connection::New, Connection::None] {
            // Nothing but these messages opens an exchange.
            let kinds = if matches!(connection, Connection::New) { opens(v4) } else { Octets::ALL };
            let sent = Region { kinds, ..Region::all(v4) };
            let [Some(a), Some(b)] = [one, other].map(|it| it.comes(device, sent.clone(), &connection))
            else {
                return Some(format!("what comes in by {name} cannot be followed"));
            };
            let leaves = [a, b];
            let what = format!("in by {} {connection:?}", name);
            if let Some(found) = compared([one, other], &leaves, &connection, &what) {
                return Some(found);
            }
            let [leaves, _] = leaves;
            for leaf in leaves {
                if !marks.contains(&leaf.mark) {
                    marks.push(leaf.mark);
                }
                if let (Outcome::Left(to), Connection::New) = (leaf.outcome, &connection) {
                    left.push((device, to, leaf));
                }
            }
        }
        if let Some(found) = own([one, other], v4, device, &marks) {
            return Some(found);
        }
    }
    left.iter().find_map(|(from, to, leaf)| belongs([one, other], (*from, *to), leaf))
}

/// All that belongs to a connection.
fn belongs(hosts: [&Asked; 2], (from, to): (usize, usize), leaf: &Leaf) -> Option<String> {
    let gone = &leaf.flow.region;
    let came = Region { mark: Known::ZERO, connection_mark: Known::ZERO, ..before(leaf, true) };
    let v4 = came.v4;
    let own = match leaf.flow.moved[0] {
        Some(Moved::To(Some(own))) => Set::range(own, own),
        Some(Moved::To(None)) => Region::all(v4).source,
        _ => gone.source.clone(),
    };
    let all = Region::all(v4);
    let icmp = Octets::of(&[all.icmp()]);
    let answer = Region {
        source: gone.destination.clone(),
        destination: own.clone(),
        kinds: Octets::ALL,
        source_ports: came.destination_ports.clone(),
        destination_ports: came.source_ports.clone(),
        mark: Known::ZERO,
        connection_mark: Known::ZERO,
        ..came.clone()
    };
    // No other message is about a connection.
    let error =
        |destination: Set| Region { destination, protocols: icmp, kinds: errors(v4), ..Region::all(v4) };
    let sent = [
        (from, came.clone(), 0, false),
        (from, error(came.destination.clone()), 0, true),
        (to, answer, 1, false),
        (to, error(own), 1, true),
    ];
    sent.into_iter().find_map(|(device, region, direction, related)| {
        let connection = Connection::Of {
            direction,
            related,
            moved: leaf.flow.moved,
            opened_by: Some(came.source.clone()),
            mark: gone.connection_mark,
        };
        let [Some(a), Some(b)] = hosts.map(|it| it.comes(device, region.clone(), &connection)) else {
            return Some(format!("a connection from {from} to {to} cannot be followed"));
        };
        let leaves = [a, b];
        let what = format!("direction {direction}, error {related}, from {from} to {to}");
        compared(hosts, &leaves, &connection, &what)
    })
}

/// The gateway's own packets: where they go, and what is made of them. Those that have a mark are about packets that
/// came in by a device.
fn own(hosts: [&Asked; 2], v4: bool, device: usize, marks: &[Known]) -> Option<String> {
    let machine = &hosts[0].machine;
    let moved = [None; 2];
    let answers = Connection::Of { direction: 1, related: false, moved, opened_by: None, mark: Known::ZERO };
    let mut sent = vec![(device, Known::ZERO, &Connection::New)];
    for mark in marks {
        let region = Region { mark: *mark, ..Region::all(v4) };
        for bound in [None, Some(device), Some(machine.inside(device))] {
            let ways = hosts.map(|it| it.ways(bound, &region));
            if let Some(found) = covered(&ways, &format!("own packets bound to {bound:?} with {mark:?}")) {
                return Some(found);
            }
            let outs = machine.own_ways(From::Own(bound), v4).decide(&region);
            for (_, decision) in outs {
                if let Some(Way::Out { device, .. }) = decision.map(|it| &it.route.way) {
                    sent.push((machine.devices.number(device), *mark, &answers));
                }
            }
        }
    }
    sent.sort_by_key(|(device, mark, _)| (*device, mark.value));
    sent.dedup_by_key(|(device, mark, connection)| (*device, mark.value, std::ptr::from_ref(*connection)));
    sent.into_iter().find_map(|(device, mark, connection)| {
        let region = Region { mark, ..Region::all(v4) };
        let [Ok(a), Ok(b)] = hosts.map(|it| it.machine.own(device, region.clone(), connection)) else {
            return Some(format!("own packets by {device} cannot be followed"));
        };
        compared(hosts, &[a, b], connection, &format!("own by {device}"))
    })
}

impl Asked {
    /// All that packets of a family meet.
    fn of_family(&self, v4: bool) -> String {
        let host = &self.host;
        let rules: Vec<_> = host.rules.iter().filter(|it| it.v4 == v4).collect();
        let routes: Vec<_> = host.routes.iter().filter(|it| it.to.addr().is_ipv4() == v4).collect();
        let addresses: Vec<_> = host.addresses.iter().filter(|it| it.net.addr().is_ipv4() == v4).collect();
        let sees = |filter: &&Filter| {
            filter.chains.iter().any(|chain| {
                chain.base.is_some_and(|base| if v4 { base.families.v4 } else { base.families.v6 })
            })
        };
        let filters: Vec<String> = host.filters.iter().map(|it| &**it).filter(sees).map(bare).collect();
        format!("{:?} {rules:?} {routes:?} {addresses:?} {filters:?}", host.links)
    }

    fn comes(&self, device: usize, region: Region, connection: &Connection) -> Option<Vec<Leaf>> {
        let entrance = self.machine.at(device, region.v4).exactly();
        let mut leaves = Vec::new();
        for flow in entrance.before(region, &mut leaves).ok()? {
            entrance.after(flow, connection, &mut leaves).ok()?;
        }
        Some(leaves)
    }

    fn ways(&self, bound: Option<usize>, region: &Region) -> Parts {
        let ways = self.machine.own_ways(From::Own(bound), region.v4);
        let end = |way: Option<&Way>| match way {
            Some(Way::Out { device, via, .. }) => format!("{device} {via:?}"),
            None | Some(Way::Unreachable | Way::Prohibited | Way::Blackhole)
                if self.exactly == Exactly::WhatPasses =>
            {
                "nowhere".to_owned()
            }
            way => format!("{way:?}"),
        };
        let does = |way: Option<&Way>| Does {
            end: end(way),
            moved: [None; 2],
            zones: None,
            marks: [Known::ZERO; 3],
        };
        let decided = ways.decide(region).into_iter();
        decided.map(|(region, it)| (region, does(it.map(|it| &it.route.way)))).collect()
    }

    /// What becomes of the packets of a leaf.
    fn does(&self, leaf: &Leaf, flow: &Flow) -> Does {
        let refused = |place: overlapc::sim::fate::Place| {
            let rules = &self.host.filters[place.filter].chains[place.chain].rules;
            let steps = place.rule.map(|rule| &rules[rule].steps);
            let verdicts = steps.into_iter().flatten().flat_map(|step| match step {
                Step::Verdict(verdict) => vec![verdict],
                Step::Dispatch(dispatch) => dispatch.cases.iter().map(|(_, it)| it).collect(),
                _ => vec![],
            });
            let told: Vec<&Verdict> = verdicts.filter(|it| matches!(it, Verdict::Reject(_))).collect();
            format!("{told:?}")
        };
        let end = match leaf.outcome {
            Outcome::Left(device) => format!("left {device}"),
            Outcome::Dropped(_) => "dropped".to_owned(),
            Outcome::Refused(place) => format!("refused {}", refused(place)),
            Outcome::Unreachable(_) => "unreachable".to_owned(),
            Outcome::Prohibited(_) => "prohibited".to_owned(),
            Outcome::Blackholed(_) => "dropped".to_owned(),
            other => format!("{other:?}"),
        };
        let passes = matches!(leaf.outcome, Outcome::Left(_) | Outcome::Local);
        if self.exactly == Exactly::WhatPasses && !passes {
            let watched = Known::is(flow.region.mark.value & self.logs.0);
            let marks = [watched, Known::ZERO, Known::ZERO];
            return Does { end: "nowhere".to_owned(), moved: [None; 2], zones: None, marks };
        }
        // Of what is gone without a word, nobody sees the mark.
        let silent = matches!(
            leaf.outcome,
            Outcome::Dropped(_)
                | Outcome::Blackholed(_)
                | Outcome::Martian
                | Outcome::NotForwarded
                | Outcome::Link
        );
        let watched = Known::is(flow.region.mark.value & self.logs.0);
        let marks = [flow.region.mark, leaf.mark, flow.region.connection_mark];
        // What is translated to itself is what nothing translates: nf_nat_alloc_null_binding().
        let moved = flow.moved.map(|moved| moved.filter(|moved| *moved != Moved::By(0)));
        Does {
            end,
            moved: if silent { [None; 2] } else { moved },
            zones: flow.zones,
            marks: if silent { [watched, Known::ZERO, Known::ZERO] } else { marks },
        }
    }
}

/// Where the leaves of two hosts differ.
fn compared(
    hosts: [&Asked; 2],
    leaves: &[Vec<Leaf>; 2],
    connection: &Connection,
    what: &str,
) -> Option<String> {
    let back = matches!(connection, Connection::New | Connection::None);
    let parts = [0, 1].map(|n| {
        let mut parts = Vec::new();
        for leaf in &leaves[n] {
            for flow in leaf.flow.clone().apart() {
                let region = before(&Leaf { flow: flow.clone(), ..leaf.clone() }, back);
                parts.push((region, hosts[n].does(leaf, &flow)));
            }
        }
        parts
    });
    covered(&parts, what)
}

/// The packets of a leaf as they came in, if how they are changed is in the leaf.
fn before(leaf: &Leaf, back: bool) -> Region {
    let mut region = leaf.flow.region.clone();
    if back {
        for (moved, set) in leaf.flow.moved.iter().zip([&mut region.source, &mut region.destination]) {
            if let Some(Moved::By(by)) = moved {
                *set = set.moved(by.wrapping_neg());
            }
        }
    }
    region
}

/// A part of one that is not treated so by the other.
fn covered(parts: &[Parts; 2], what: &str) -> Option<String> {
    if parts[0] == parts[1] {
        return None;
    }
    for (a, b) in [(&parts[0], &parts[1]), (&parts[1], &parts[0])] {
        for (region, does) in a {
            let same = b.iter().filter(|(_, other)| other == does).map(|(region, _)| region);
            let mut left = vec![region.clone()];
            for other in same {
                left = left.into_iter().flat_map(|it| without(it, other)).collect();
                if left.is_empty() {
                    break;
                }
            }
            if let Some(rest) = left.first() {
                let meets = |it: &&(Region, Does)| without(rest.clone(), &it.0) != vec![rest.clone()];
                let instead = b.iter().find(meets).map(|(_, does)| does);
                return Some(format!("{what}: {rest:?} {does:?} INSTEAD {instead:?}"));
            }
        }
    }
    None
}

/// The packets of one region that are not in the other, whatever their marks.
fn without(region: Region, other: &Region) -> Vec<Region> {
    let mut rest = Vec::new();
    let mut both = region.clone();
    for (destination, set) in [(false, &other.source), (true, &other.destination)] {
        let (and, without) = both.by_address(destination, set.ranges());
        rest.extend(without);
        let Some(and) = and else { return vec![region] };
        both = and;
    }
    let (and, without) = both.by_protocol(&other.protocols);
    rest.extend(without);
    let Some(both) = and else { return vec![region] };
    let icmp = Octets::of(&[both.icmp()]);
    let (about, both) = both.by_protocol(&icmp);
    if let Some(about) = about {
        rest.extend(about.by_kind(&other.kinds).1);
    }
    let (about, _) = both.map_or((None, None), |both| both.by_protocol(&Octets::of(&[6, 17, 33, 132, 136])));
    if let Some(about) = about {
        let (and, without) = about.by_port(false, other.source_ports.ranges());
        rest.extend(without);
        rest.extend(and.into_iter().flat_map(|and| and.by_port(true, other.destination_ports.ranges()).1));
    }
    rest
}
