//! What is behind the gateway's default route: it collides with nothing, and sees nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use overlapc::lab::judge::{Judge, Row};
use overlapc::lab::run::agents::Evidence;
use overlapc::lab::scene::{Expected, GATEWAY, Kind, Scene, Trial, UPLINK};

use super::{find, goldens, scene};
use crate::codes::compile;

fn of(site: &str) -> Scene {
    overlapc::lab::scene(&compile(site).2.unwrap())
}

fn ends(scene: &Scene) -> Vec<String> {
    scene.uplink.as_ref().unwrap().ends.iter().map(|(own, far)| format!("{own} {far}")).collect()
}

const SITE: &str = "\
gateway {
    address 169.254.0.1/16 on uplink0
}

network a {
    interface uplink1
    prefix    198.18.0.0/16
}

network b {
    interface b0
    prefix    10.0.0.0/24
    prefix    2001:db8:fffd::/64 as fd00:2::/64
}

connect a <-> b
";

#[test]
fn it_has_what_nothing_of_the_site_has() {
    let scene = of(SITE);
    let uplink = scene.uplink.as_ref().unwrap();
    assert_eq!(uplink.interface, "uplink2");
    assert_eq!(ends(&scene), ["198.19.0.1/30 198.19.0.2/30", "fe80::1/64 fe80::2/64"]);
    assert_eq!(uplink.further[0].to_string(), "2001:db8:fffd:1::/128");
    for name in goldens() {
        let scene = super::scene(&name);
        let uplink = scene.uplink.as_ref().unwrap();
        let own: BTreeSet<IpAddr> =
            uplink.ends.iter().flat_map(|(own, far)| [own.addr(), far.addr()]).collect();
        let of_lans = scene.networks.iter().flat_map(|lan| lan.hosts.iter().map(|host| host.address.addr()));
        let asked = scene.trials().flat_map(|it| [it.destination, it.source]);
        let outside = |it: &Trial| it.kind == Kind::Outside;
        let sources: BTreeSet<IpAddr> = scene.trials().filter(|it| outside(it)).map(|it| it.source).collect();
        let mut all = of_lans.chain(asked.filter(|it| !sources.contains(it)));
        assert!(all.all(|it| !own.contains(&it)), "{name}");
        assert!(!sources.is_empty(), "{name}: nothing comes from outside");
    }
}

#[test]
fn a_family_that_no_network_has_is_not_there() {
    let site = "network a {\ninterface a0\nprefix 10.0.0.0/24\n}\nnetwork b {\ninterface b0\nprefix 10.0.1.0/24\n}\n\
                connect a <-> b\n";
    assert_eq!(ends(&of(site)), ["169.254.0.1/30 169.254.0.2/30"]);
}

fn judge(scene: &Scene, trial: &Trial, lines: &[(&str, &str)]) -> Vec<String> {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // The gateway has seen the question, so it was sent.
    let line = format!(
        "{} {} {} {} {}",
        trial.transport, trial.source, trial.source_port, trial.destination, trial.port
    );
    for (place, line) in lines.iter().copied().chain([(GATEWAY, line.as_str())]) {
        seen.entry(place.to_owned()).or_default().insert(line.to_owned());
    }
    let evidence = Evidence { answers: vec!["timeout".to_owned()], seen };
    let rows: Vec<Row> = Judge::default().judge(scene, std::slice::from_ref(trial), &evidence, &[]);
    rows.iter().flat_map(|row| row.faults.clone()).collect()
}

#[test]
fn what_leaves_by_it_is_a_fault() {
    let scene = scene("three-lans");
    let fits = |it: &Trial| it.kind == Kind::Undeclared && it.transport == "udp" && it.source.is_ipv4();
    let trial = find(&scene, fits);
    assert_eq!(trial.expected, Expected::Nothing);
    let line = format!("udp {} {} {} 80", trial.source, trial.source_port, trial.destination);
    assert_eq!(
        judge(&scene, &trial, &[(UPLINK, &line)]),
        [format!("the packet reached the gateway's uplink, where it has no business: `{line}`")]
    );
    // Another source is some question's all the same.
    let line = format!("udp 192.0.2.99 {} {} 80", trial.source_port, trial.destination);
    assert_eq!(
        judge(&scene, &trial, &[(UPLINK, &line)]),
        [format!("the gateway's uplink received what nobody should have sent there: `{line}`")]
    );
}

#[test]
fn what_comes_in_by_it_may_go_back_and_nowhere_else() {
    let scene = scene("three-lans");
    let trial = find(&scene, |it| it.kind == Kind::Outside && it.transport == "udp" && it.source.is_ipv4());
    assert_eq!(trial.asker(&scene), UPLINK);
    let line = format!("udp {} {} {} 80", trial.source, trial.source_port, trial.destination);
    let told = format!("error net-unreachable 169.254.0.1 {line}");
    let redirected = "icmp-5/1 169.254.0.1 0 169.254.0.2 0";
    assert_eq!(judge(&scene, &trial, &[(UPLINK, &line), (UPLINK, &told), (UPLINK, redirected)]), [""; 0]);
    assert_eq!(
        judge(&scene, &trial, &[("red", &line)]),
        [format!("the packet reached red, where it has no business: `{line}`")]
    );
}
