//! Which question `--flow FROM TO` means.

use overlapc::lab::flow::{self, Flow};
use overlapc::lab::scene::Scene;

use crate::codes::compile;

const SITE: &str = "\
network inner {
    interface eth0
    prefix    192.168.2.0/24 as 192.168.13.0/24
    prefix    fd00:2::/64 as fd00:13::/64
}

network outer {
    interface eth1
    prefix    192.168.2.0/24 as 192.168.23.0/24
    prefix    fd00:2::/64 as fd00:23::/64
    host      plc 192.168.2.10
}

network office {
    interface eth2
    prefix    172.16.0.0/16
}

connect inner -> outer
connect office <-> inner
";

fn scene() -> Scene {
    overlapc::lab::scene(&compile(SITE).2.unwrap())
}

/// The words of a question without its time, and who should answer.
fn meant(from: &str, to: &str) -> Result<String, String> {
    flow::named(&scene(), from, to).map(|flow| told(&flow)).map_err(|refused| refused.what)
}

fn told(flow: &Flow) -> String {
    let words = flow.words();
    let words: Vec<&str> = words.split(' ').filter(|word| !word.starts_with("timeout=")).collect();
    let host = flow.host.map_or("-".to_owned(), |host| host.to_string());
    format!("{} to {host}", words.join(" "))
}

#[test]
fn without_words_it_is_the_first_declared_pair() {
    let first = flow::first(&scene()).unwrap();
    assert_eq!(told(&first), "tcp 192.168.23.10:80 from=192.168.2.10:61001 to 192.168.2.10");
    assert_eq!(first.places(&scene()), ["(gateway)", "inner", "outer"]);
}

#[test]
fn hosts_are_named_in_every_usual_way() {
    let question = "tcp 192.168.23.10:80 from=192.168.2.10:61001 to 192.168.2.10";
    for to in ["outer", "plc.outer", "outer/plc", "outer/192.168.2.10", "192.168.23.10", "outer:80"] {
        assert_eq!(meant("inner", to).as_deref(), Ok(question), "{to}");
    }
    for from in ["inner/192.168.2.10", "192.168.2.10.inner"] {
        let known = meant(from, "outer");
        assert_eq!(known.is_ok(), from.contains('/'), "{from}: {known:?}");
    }
    let from = meant("inner/192.168.2.11", "plc.outer");
    assert_eq!(
        from.as_deref(),
        Ok("tcp 192.168.23.10:80 from=192.168.2.11:61001 to 192.168.2.10"),
        "the host that is named asks"
    );
}

#[test]
fn a_service_stands_behind_a_colon() {
    let asked = |service: &str| meant("inner", &format!("plc.outer:{service}"));
    assert!(asked("502").unwrap().starts_with("tcp 192.168.23.10:502 "));
    assert!(asked("udp/53").unwrap().starts_with("udp 192.168.23.10:53 "));
    assert!(asked("icmp").unwrap().starts_with("icmp 192.168.23.10:0 "));
    assert!(asked("253").unwrap().starts_with("253 192.168.23.10:0 "));
    for wrong in ["0", "65536", "sctp/80", "icmp/8", "udp", ""] {
        assert!(asked(wrong).unwrap_err().contains("is not a service"), "{wrong}");
    }
}

#[test]
fn ipv6_addresses_stand_alone_or_in_brackets() {
    let question = "tcp [fd00:23::a]:80 from=[fd00:2::a]:61001 to fd00:2::a";
    for to in ["fd00:23::a", "[fd00:23::a]", "[fd00:23::a]:80", "outer/fd00:2::a"] {
        assert_eq!(meant("inner", to).as_deref(), Ok(question), "{to}");
    }
    assert!(meant("inner", "[fd00:23::a]:udp/53").unwrap().starts_with("udp [fd00:23::a]:53 "));
}

#[test]
fn what_nobody_should_answer_can_be_followed_too() {
    let wrong_way = meant("outer", "192.168.13.10").unwrap();
    assert_eq!(wrong_way, "tcp 192.168.13.10:80 from=192.168.2.10:61001 to -");
    let nobody = meant("office", "203.0.113.9:icmp").unwrap();
    assert_eq!(nobody, "icmp 203.0.113.9:0 from=172.16.0.10:61001 to -");
}

#[test]
fn what_means_nobody_is_refused() {
    assert_eq!(meant("nowhere", "outer").unwrap_err(), "the site has no network `nowhere`");
    assert_eq!(meant("inner", "plc.nowhere").unwrap_err(), "the site has no network `nowhere`");
    assert_eq!(meant("inner", "outer/camera").unwrap_err(), "the lab has no host `camera` in outer");
    assert_eq!(
        meant("192.168.2.10", "outer").unwrap_err(),
        "`192.168.2.10` does not say in which network it is"
    );
    assert_eq!(
        meant("office", "fd00:23::a").unwrap_err(),
        "`office` has no address from which fd00:23::a could be asked"
    );
}
