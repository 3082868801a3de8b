//! What is asked of small sites: every rule and port, every prefix, nobody from a port that is taken; and
//! what is said where that cannot be.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

use overlapc::lab::scene::{Expected, Kind, Scene, Step, Trial};

use super::{goldens, scene};
use crate::codes::compile;

fn of(site: &str) -> Scene {
    let (_, findings, site) = compile(site);
    overlapc::lab::scene(&site.unwrap_or_else(|| panic!("{findings:?}")))
}

/// Two networks of equal numbers; `rules` stand in the block of both directions.
fn two(rules: &str) -> Scene {
    let network = |name: &str, interface: &str, alias: &str| {
        format!("network {name} {{\ninterface {interface}\nprefix 192.168.2.0/24 as {alias}\n}}\n")
    };
    let networks = network("a", "eth0", "192.168.13.0/24") + &network("b", "eth1", "192.168.23.0/24");
    of(&format!("{networks}connect a <-> b {rules}\n"))
}

#[test]
fn nobody_asks_from_a_port_on_which_hosts_listen() {
    let mut rules = String::from("{\nallow icmp\n");
    for port in ["4000-4001", "4003, 4005", "20000-20001", "61001"] {
        writeln!(rules, "allow tcp {port}\nallow udp {port}").unwrap();
    }
    let scene = two(&(rules + "}"));
    let listened = &scene.networks[0].ports;
    assert!([4000, 4003, 20000, 61001].iter().all(|port| listened.contains(port)), "{listened:?}");
    let asked: BTreeSet<u16> = scene.trials().map(|trial| trial.source_port).collect();
    assert!(asked.iter().all(|port| !listened.contains(port)), "{asked:?}");
    assert!(asked.contains(&4004) && asked.iter().any(|port| *port >= 20_000), "{asked:?}");
    assert_eq!(overlapc::lab::flow::first(&scene).unwrap().source_port, 61002);
}

#[test]
fn hosts_of_one_address_are_told_of_nobodys_number_one_after_the_other() {
    let mut several = 0;
    for scene in goldens().iter().map(|name| scene(name)).chain([two("")]) {
        for step in &scene.steps {
            let Step::Ask(trials) = step else { continue };
            let told = |it: &&Trial| it.kind == Kind::Unknown && matches!(it.expected, Expected::Error(_));
            let sources: Vec<IpAddr> = trials.iter().filter(told).map(|it| it.source).collect();
            // The kernel asks again after a second, and once more two seconds later.
            let again = |it: &Trial| it.transport == "tcp" && it.words(500).contains(" timeout=4000");
            assert!(trials.iter().filter(told).all(again), "{trials:?}");
            assert_eq!(sources.len(), sources.iter().collect::<BTreeSet<_>>().len(), "{sources:?}");
            several += usize::from(!sources.is_empty());
        }
    }
    assert!(several > goldens().len(), "{several}");
}

/// The questions of one kind over a transport to a port.
fn asked<'s>(scene: &'s Scene, kind: Kind, transport: &'s str, port: u16) -> impl Iterator<Item = &'s Trial> {
    scene.trials().filter(move |it| it.kind == kind && (it.transport, it.port) == (transport, port))
}

#[test]
fn every_range_is_asked_for_at_both_ends() {
    let scene = two("{\nallow tcp 102, 502\nallow udp 30000-30100\ndeny tcp 9000-9010\n}");
    for (transport, port) in [("tcp", 102), ("tcp", 502), ("udp", 30000), ("udp", 30100)] {
        assert!(asked(&scene, Kind::Reach, transport, port).count() > 0, "{transport} {port}");
    }
    assert!(asked(&scene, Kind::Denied, "tcp", 9010).count() > 0);
    assert_eq!(scene.notes, [""; 0]);
}

#[test]
fn of_too_many_ports_some_of_the_whole_list_are_asked_for_and_notes_say_so() {
    let mut rules = String::from("{\n");
    for port in 1..=30 {
        writeln!(rules, "allow tcp {}-{}", 1000 * port, 1000 * port + 5).unwrap();
    }
    let scene = two(&(rules + "}"));
    let ports = scene.trials().filter(|it| it.kind == Kind::Reach && it.transport == "tcp").map(|it| it.port);
    let ports: BTreeSet<u16> = ports.collect();
    assert!(
        ports.len() >= 20 && ports.range(..10_000).count() > 5 && ports.range(20_000..).count() > 5,
        "{ports:?}"
    );
    assert!(scene.networks.iter().all(|lan| lan.ports[0] == 80 && lan.ports.len() <= 24));
    let said = |words: &str| scene.notes.iter().any(|note| note.contains(words));
    assert!(said("40 of the 60 ports that rules name"), "{:?}", scene.notes);
}

#[test]
fn of_too_many_groups_of_hosts_some_are_there_and_a_note_says_so() {
    let mut rules = String::from("{\n");
    for host in 100..120 {
        writeln!(rules, "allow tcp 80 to 192.168.2.{host}").unwrap();
    }
    let scene = of(&format!(
        "network a {{\ninterface eth0\nprefix 172.16.0.0/24\n}}\n\
         network b {{\ninterface eth1\nprefix 192.168.2.0/24 as 192.168.23.0/24\n}}\nconnect a -> b {rules}}}\n"
    ));
    let made =
        scene.networks[1].hosts.iter().filter(|host| host.address.addr() >= IpAddr::from([192, 168, 2, 100]));
    let made: Vec<&str> = made.map(|host| host.name.as_str()).collect();
    assert_eq!(made.len(), 8);
    assert!(
        made.iter().any(|it| *it < "192.168.2.105") && made.iter().any(|it| *it > "192.168.2.114"),
        "{made:?}"
    );
    assert!(
        scene.notes[0].starts_with("no host is in 12 of the groups of hosts of b that rules name"),
        "{:?}",
        scene.notes
    );
}

#[test]
fn a_wide_prefix_that_a_narrower_one_begins_has_a_host_of_its_own() {
    let nested = "network a {\ninterface a0\naddress 172.16.0.1/16\nprefix 172.16.0.0/16 as 10.16.0.0/16\n\
                  prefix 172.16.0.0/22 as 10.99.0.0/22\n}\n\
                  network b {\ninterface b0\nprefix 192.168.2.0/24 as 192.168.23.0/24\n}\nconnect a <-> b\n";
    let scene = of(nested);
    let numbers: BTreeSet<String> = asked(&scene, Kind::Reach, "tcp", 80)
        .filter(|it| it.to == Some(0))
        .map(|it| it.destination.to_string().split('.').take(2).collect::<Vec<_>>().join("."))
        .collect();
    assert_eq!(numbers.iter().collect::<Vec<_>>(), ["10.16", "10.99"]);
    assert_eq!(scene.notes, [""; 0]);
}

#[test]
fn a_link_anywhere_in_a_wide_prefix_has_hosts_and_one_that_is_not_there() {
    let network = |name: &str, alias: &str| {
        format!(
            "network {name} {{\ninterface {name}0\naddress 10.0.5.1/24\nprefix 10.0.0.0/16 as {alias}\n}}\n"
        )
    };
    let scene = of(&(network("a", "10.16.0.0/16") + &network("b", "10.17.0.0/16") + "connect a <-> b\n"));
    assert_eq!(scene.networks[0].hosts[0].address.to_string(), "10.0.5.10/24");
    assert!(asked(&scene, Kind::Reach, "tcp", 80).count() > 0);
    assert!(scene.trials().any(|it| it.kind == Kind::Dead));
    assert_eq!((&scene.notes, &scene.untried), (&Vec::new(), &Vec::new()));
}

#[test]
fn what_has_no_host_is_told_and_a_pair_that_cannot_be_tried_is_not_well() {
    let router = |prefixes: &str, connect: &str| {
        of(&format!(
            "network a {{\ninterface a0\naddress 10.0.0.1/30\nprefix 10.0.0.0/30 as 10.9.0.0/30\n\
             host gate 10.0.0.2\n{prefixes}\nroute 10.5.0.0/24 via 10.0.0.2\n}}\n\
             network b {{\ninterface b0\nprefix 10.0.0.0/24 as 10.10.0.0/24\n}}\n{connect}\n"
        ))
    };
    let scene = router("prefix 10.5.0.0/24 as 10.9.5.0/24", "connect a <-> b");
    assert_eq!(
        scene.notes,
        [
            "gate.a is the router of a route: it is there and forwards, but nobody asks it",
            "no host of the lab is in the prefix 10.0.0.0/30 of a: no address there is free and has a way to the gateway"
        ]
    );
    assert_eq!(scene.untried, [""; 0]);
    let alone = of("network a {\ninterface a0\naddress 10.0.0.1/32\nprefix 10.0.0.1/32 as 10.9.0.1/32\n}\n\
                    network b {\ninterface b0\nprefix 10.0.0.0/24 as 10.10.0.0/24\n}\nconnect a <-> b\n");
    assert_eq!(
        alone.notes,
        ["no host of the lab is in the network a: no address there is free and has a way to the gateway"]
    );
    assert_eq!(
        alone.untried,
        [
            "these declared pairs are not tried, because on one side there is no host of the lab: a -> b, and 1 more"
        ]
    );
    let report = overlapc::lab::report::Report { untried: alone.untried, ..Default::default() };
    assert!(!report.is_well());
    assert_eq!(report.summary(), "lab: 0 questions, 0 as they should be; declared pairs were not tried");
}

#[test]
fn links_that_are_made_up_hide_no_number_that_hosts_call() {
    let texts = |nets: &[ipnet::IpNet]| nets.iter().map(ToString::to_string).collect::<Vec<_>>();
    let scene = of("network a {\ninterface a0\nprefix 10.5.5.5 as 10.9.0.5\n}\n\
                    network b {\ninterface b0\nprefix 192.168.0.0/24 as 192.0.2.0/24\n}\nconnect a <-> b\n");
    assert_eq!(texts(&scene.networks[0].left_to_host), ["198.51.100.1/24"]);
    let scene = of("network a {\ninterface a0\nprefix 192.168.7.0/24\n}\n\
                    network b {\ninterface b0\nprefix 10.6.0.0/24\nroute 10.6.0.0/24 via 192.168.7.254\n}\n\
                    connect a <-> b\n");
    assert_eq!(texts(&scene.networks[1].left_to_host), ["192.168.7.253/30"]);
    // Beside the alias of others is room for a shorter link.
    let scene = of("network a {\ninterface a0\nprefix 10.0.0.0/25 as 192.168.7.0/25\n}\n\
                    network b {\ninterface b0\nprefix 10.6.0.0/24\nroute 10.6.0.0/24 via 192.168.7.254\n}\n\
                    connect a <-> b\n");
    assert_eq!(texts(&scene.networks[1].left_to_host), ["192.168.7.129/25"]);
}

/// An office with two hosts of which one alone may ask each cell for one thing.
fn ruled(cells: usize, more: &str) -> Scene {
    let mut text = String::from(
        "let cells = 10.64.0.0/16\nnetwork office {\ninterface eth0\naddress 172.16.0.1/16\nprefix 172.16.0.0/16\n\
         host hmi 172.16.4.20\nhost laptop 172.16.4.21\n}\n",
    );
    writeln!(
        text,
        "for n in 1..{cells} {{\nnetwork cell-{{n}} {{\ninterface eth1.{{n}}\naddress 192.168.0.1/24\n\
         prefix 192.168.0.0/24 as subnet(cells, 24, n)\nhost plc 192.168.0.10\n}}\n}}\n\
         connect office -> cell-* {{\nallow tcp 502 from 172.16.4.21 to 192.168.0.10\n\
         deny tcp 443 from 172.16.4.21 to 192.168.0.11\n{more}}}"
    )
    .unwrap();
    of(&text)
}

#[test]
fn of_many_questions_those_that_few_hosts_may_ask_are_not_left_out() {
    let rules = "allow icmp\nallow udp 161\nallow tcp 102, 443\nallow udp 34964\nallow 253\n";
    let more = "allow tcp 1000-1001, 2000-2001, 3000-3001\nallow udp 1000-1001, 2000-2001\n";
    for (cells, of_all, more) in [(90, true, ""), (200, false, more)] {
        let scene = ruled(cells, &format!("{rules}{more}"));
        let laptop = |trial: &&Trial| trial.source.to_string() == "172.16.4.21";
        let asked_cells = asked(&scene, Kind::Reach, "tcp", 502).filter(laptop).count();
        assert!(if of_all { asked_cells == cells } else { asked_cells > 0 }, "{cells}: {asked_cells}");
        assert!(asked(&scene, Kind::Denied, "tcp", 443).filter(laptop).count() > 0);
        assert!(scene.trials().filter(|it| it.kind == Kind::Reach).count() <= 2000);
        assert!(!scene.notes.iter().any(|note| note.contains("every host")), "{:?}", scene.notes);
        assert!(
            of_all || scene.notes.iter().any(|note| note.contains("transports in turn")),
            "{:?}",
            scene.notes
        );
        assert!(scene.notes.iter().any(|note| note.contains("every rule that allows")), "{:?}", scene.notes);
    }
}
