//! What is asked of the golden sites: the right hosts by the right numbers, as the hand-written
//! topologies of the live tests have them; nothing that must not be asked; enough of everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

use overlapc::lab::scene::{Expected, Kind, Scene, Step, Trial};
use overlapc::net::family_of;

use super::{goldens, scene};
use crate::bench::repository;
use crate::codes::compile;

/// A host of a topology: its network, its own address, and what others call it.
struct Host {
    network: String,
    real: IpAddr,
    known: IpAddr,
    exceptions: BTreeMap<String, IpAddr>,
}

impl Host {
    fn known_to(&self, viewer: &str) -> IpAddr {
        self.exceptions.get(viewer).copied().unwrap_or(self.known)
    }
}

/// The hosts of `tests/live/scenarios/NAME/topology`.
fn topology(name: &str) -> Vec<Host> {
    let path = repository().join("tests/live/scenarios").join(name).join("topology");
    let text = std::fs::read_to_string(path).unwrap();
    let mut hosts: Vec<Host> = Vec::new();
    let mut networks: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().collect();
        let (name, network, addresses) = match words[..] {
            ["host", name, network, ref addresses @ ..] => (name, network.to_owned(), addresses.to_vec()),
            ["behind", name, router, address, _] => (name, networks[router].clone(), vec![address]),
            _ => continue,
        };
        networks.insert(name.to_owned(), network.clone());
        for address in addresses {
            let (own, known) = address.split_once('=').unwrap_or((address, ""));
            let real: IpAddr = own.split('/').next().unwrap().parse().unwrap();
            let mut aliases = known.split(',').filter(|it| !it.is_empty());
            let known = aliases.next().map_or(real, |it| it.parse().unwrap());
            let exceptions = aliases.map(|it| it.split_once('@').unwrap());
            let exceptions = exceptions.map(|(who, it)| (who.to_owned(), it.parse().unwrap())).collect();
            hosts.push(Host { network: network.clone(), real, known, exceptions });
        }
    }
    hosts
}

#[test]
fn hosts_ask_and_see_what_the_topologies_say() {
    let mut compared = 0;
    for name in goldens() {
        if !repository().join("tests/live/scenarios").join(&name).exists() {
            continue;
        }
        let (scene, hosts) = (scene(&name), topology(&name));
        let host = |network: usize, real: IpAddr| {
            let network = &scene.networks[network].name;
            hosts.iter().find(|it| it.network == *network && it.real == real)
        };
        let mut of_site = 0;
        for trial in scene.trials().filter(|trial| trial.kind == Kind::Reach) {
            let Expected::Answer { network: Some(to), host: target, sees, .. } = trial.expected else {
                panic!("{name}: a host answers {trial:?}")
            };
            let (from, lan) = (&scene.networks[trial.from].name, &scene.networks[to]);
            if let Some(target) = host(to, target) {
                assert_eq!(trial.destination, target.known_to(from), "{name}: {trial:?}");
                of_site += 1;
            }
            if let Some(asker) = host(trial.from, trial.source) {
                // Masqueraded hosts see the gateway, whoever asks.
                let masqueraded = lan.gateways.contains(&sees);
                assert!(masqueraded || sees == asker.known_to(&lan.name), "{name}: {trial:?}");
                of_site += 1;
            }
        }
        assert!(of_site > 0, "{name}: no host of the topology asks or is asked");
        compared += of_site;
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn every_golden_site_can_be_tried() {
    for name in goldens() {
        let scene = scene(&name);
        assert_eq!(format!("{scene:?}"), format!("{:?}", super::scene(&name)), "{name}");
        check_hosts(&name, &scene);
        check_trials(&name, &scene);
    }
}

fn check_hosts(name: &str, scene: &Scene) {
    for lan in &scene.networks {
        let own: BTreeSet<IpAddr> = lan.hosts.iter().map(|host| host.address.addr()).collect();
        assert_eq!(own.len(), lan.hosts.len(), "{name}: two hosts of {} have one address", lan.name);
        assert!(!lan.ports.is_empty());
        for host in &lan.hosts {
            let address = host.address.addr();
            assert!(!lan.gateways.contains(&address), "{name}: {address} is the gateway's");
            let family = |it: &&IpAddr| family_of(it) == family_of(&address);
            assert!(lan.gateways.iter().any(|it| family(&it)), "{name}: {address} has no next hop");
            assert_eq!(own.iter().filter(family).count().min(2), 2, "{name}: {address} is alone");
        }
        assert!(lan.extra.iter().all(|it| !own.contains(&it.addr())), "{name}");
    }
}

fn check_trials(name: &str, scene: &Scene) {
    let mut asked = BTreeSet::new();
    let mut ports: BTreeMap<u16, usize> = BTreeMap::new();
    for (round, step) in scene.steps.iter().enumerate() {
        let Step::Ask(trials) = step else { continue };
        assert!(!trials.is_empty() && trials.len() <= 400);
        for trial in trials {
            let lan = &scene.networks[trial.from];
            let is_own = |address: &IpAddr| lan.hosts.iter().any(|host| host.address.addr() == *address);
            let extra = lan.extra.iter().any(|it| it.addr() == trial.source);
            assert!(trial.by_gateway || is_own(&trial.source) || (trial.kind == Kind::Spoofed && extra));
            // What is never sent proves nothing.
            let inside =
                is_own(&trial.destination) || lan.extra.iter().any(|it| it.addr() == trial.destination);
            assert!(trial.by_gateway || !inside, "{name}: {trial:?} stays inside");
            assert!(asked.insert(trial.words(0) + trial.asker(scene)), "{name}: {trial:?} is asked twice");
            if trial.source_port < 20_000 {
                let first = *ports.entry(trial.source_port).or_insert(round);
                let kinds = |round: usize| match &scene.steps[round] {
                    Step::Ask(trials) => matches!(trials[0].expected, Expected::Answer { .. }),
                    _ => false,
                };
                assert_eq!(kinds(first), kinds(round), "{name}: two rounds share port {}", trial.source_port);
            }
        }
    }
    let takes_part = |n: usize| {
        let by = |trial: &Trial| trial.from == n || trial.to == Some(n);
        scene.trials().any(|trial| trial.kind == Kind::Reach && by(trial))
    };
    for (n, lan) in scene.networks.iter().enumerate() {
        assert!(takes_part(n), "{name}: nobody reaches or asks from {}", lan.name);
    }
}

#[test]
fn what_has_no_ports_is_refused_before_the_other_direction_opens_it() {
    let scene = scene("one-way");
    let position = |fits: &dyn Fn(&Trial) -> bool| scene.trials().position(fits).unwrap();
    let green_to_red = position(&|it| it.transport == "253" && (it.from, it.to) == (1, Some(0)));
    let red_to_green = position(&|it| it.transport == "253" && (it.from, it.to) == (0, Some(1)));
    assert!(green_to_red < red_to_green);
}

#[test]
fn what_expects_an_answer_comes_before_default_routes() {
    for name in goldens() {
        let scene = scene(&name);
        let defaults = scene.steps.iter().position(|step| matches!(step, Step::Defaults)).unwrap();
        for step in &scene.steps[defaults..] {
            let Step::Ask(trials) = step else { continue };
            let answered = |it: &Trial| matches!(it.expected, Expected::Answer { .. });
            assert!(!trials.iter().any(answered), "{name}");
        }
    }
}

#[test]
fn rules_decide_what_is_answered_and_what_is_refused() {
    let scene = scene("allow-and-deny");
    let outcome = |source: &str, destination: &str, transport: &str, port: u16| {
        let fits = |it: &&Trial| {
            (it.transport, it.port) == (transport, port)
                && it.source.to_string() == source
                && it.destination.to_string() == destination
                && it.from == 0
                && matches!(it.kind, Kind::Reach | Kind::Denied)
        };
        scene.trials().find(fits).map(|it| it.expected.clone())
    };
    let prohibited = Some(Expected::Error(&["prohibited"]));
    // `deny tcp 80 from laptop to drive` before `allow tcp 80`.
    assert_eq!(outcome("192.168.0.11", "10.64.2.11", "tcp", 80), prohibited);
    assert!(matches!(outcome("192.168.0.10", "10.64.2.11", "tcp", 80), Some(Expected::Answer { .. })));
    // The first port of a range, on which the press listens.
    assert!(matches!(outcome("192.168.0.10", "10.64.2.10", "udp", 30000), Some(Expected::Answer { .. })));
    assert!(scene.networks[1].ports.contains(&30000));
    // `allow 253 from hmi to plc`, and nobody else.
    assert!(matches!(outcome("192.168.0.10", "10.64.2.10", "253", 0), Some(Expected::Answer { .. })));
    assert_eq!(outcome("192.168.0.11", "10.64.2.10", "253", 0), Some(Expected::Nothing));
}

/// An office and as many cells; the example of the README has 200.
fn cells(count: usize) -> String {
    let mut text = String::from(
        "network office {\nid 60000\ninterface eth0\naddress 172.16.0.1/16\nprefix 172.16.0.0/16\n}\n",
    );
    for n in 1..=count {
        writeln!(
            text,
            "network cell-{n} {{\nid {}\ninterface c{n}\naddress 192.168.0.1/24\nprefix 192.168.0.0/24 as 10.{}.{}.0/24\n}}",
            300 + n,
            64 + n / 256,
            n % 256
        )
        .unwrap();
    }
    text + "connect office <-> cell-*\n"
}

#[test]
fn of_many_networks_all_take_part_and_a_note_says_what_is_left_out() {
    let scene = overlapc::lab::scene(&compile(&cells(200)).2.unwrap());
    let reached = scene.trials().filter(|trial| trial.kind == Kind::Reach);
    let reached: Vec<&Trial> = reached.collect();
    assert!(reached.len() <= 2000 && reached.len() > 1000, "{}", reached.len());
    for n in 1..=200 {
        assert!(reached.iter().any(|it| it.from == n) && reached.iter().any(|it| it.to == Some(n)), "{n}");
    }
    assert!(scene.trials().count() < 5500, "{}", scene.trials().count());
    assert!(
        scene.notes.iter().any(|note| note.contains("of each pair one host asks one other")),
        "{:?}",
        scene.notes
    );
}

#[test]
fn of_too_many_networks_some_have_hosts_and_all_are_there() {
    let (_, findings, site) = compile(&cells(3000));
    let scene = overlapc::lab::scene(&site.unwrap_or_else(|| panic!("{findings:?}")));
    assert_eq!(scene.networks.len(), 3001);
    let populated = scene.networks.iter().filter(|lan| !lan.hosts.is_empty()).count();
    assert_eq!(populated, 224);
    assert!(scene.notes[0].starts_with("224 of the 3001 networks have hosts"), "{:?}", scene.notes);
}

#[test]
fn a_prefix_of_one_host_and_one_behind_a_router_get_their_links() {
    let site = "network a {\ninterface a0\nprefix 10.5.5.5 as 10.9.0.5\n}\n\
                network b {\ninterface b0\nprefix 10.6.0.0/24\nroute 10.6.0.0/24 via 192.168.7.254\n}\n\
                connect a <-> b\n";
    let scene = overlapc::lab::scene(&compile(site).2.unwrap());
    let [a, b] = &scene.networks[..] else { panic!("two networks") };
    let texts = |nets: &[ipnet::IpNet]| nets.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(a.hosts[0].address.to_string(), "10.5.5.5/32");
    assert_eq!(texts(&a.left_to_host), ["192.0.2.1/24"]);
    assert!(texts(&a.extra).contains(&"192.0.2.2/24".to_owned()));
    assert_eq!(b.hosts[0].address.to_string(), "10.6.0.10/32");
    assert_eq!(texts(&b.left_to_host), ["192.168.7.1/24"]);
    assert!(texts(&b.extra).contains(&"192.168.7.254/24".to_owned()));
}
