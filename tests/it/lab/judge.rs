//! The judge before made-up evidence: what is right, and everything that can be wrong.

use std::collections::{BTreeMap, BTreeSet};

use overlapc::lab::judge::{Judge, Row};
use overlapc::lab::run::agents::Evidence;
use overlapc::lab::scene::{GATEWAY, Kind, Scene, Trial};

use super::{find, scene};

/// What places saw: `PLACE: LINE`.
fn seen(lines: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines {
        let (place, line) = line.split_once(": ").unwrap();
        seen.entry(place.to_owned()).or_default().insert(line.to_owned());
    }
    seen
}

fn judge_one(scene: &Scene, trial: &Trial, answer: &str, lines: &[&str]) -> Vec<Row> {
    let evidence = Evidence { answers: vec![answer.to_owned()], seen: seen(lines) };
    Judge::default().judge(scene, std::slice::from_ref(trial), &evidence, &[])
}

fn faults(rows: &[Row]) -> Vec<String> {
    rows.iter().flat_map(|row| row.faults.clone()).collect()
}

/// red's 192.168.0.10 asks green's by its alias, from port 4000.
fn question(transport: &str) -> (Scene, Trial) {
    let scene = scene("three-lans");
    let fits = |it: &Trial| {
        it.kind == Kind::Reach
            && (it.from, it.to, it.transport) == (0, Some(1), transport)
            && it.source.to_string() == "192.168.0.10"
            && it.destination.to_string() == "10.64.2.10"
    };
    let mut trial = find(&scene, fits);
    trial.source_port = 4000;
    (scene, trial)
}

const REQUEST: &str = "green: tcp 10.64.1.10 4000 192.168.0.10 80";
const REPLY: &str = "red: tcp 10.64.2.10 80 192.168.0.10 4000";

#[test]
fn the_right_host_that_saw_the_right_source_is_right() {
    let (scene, trial) = question("tcp");
    let rows =
        judge_one(&scene, &trial, "ok green 10.64.1.10 4000 192.168.0.10 1448 1448", &[REQUEST, REPLY]);
    assert_eq!(faults(&rows), [""; 0]);
    let [row] = &rows[..] else { panic!("one row") };
    assert_eq!(row.answered.as_ref().unwrap().to_string(), "green/192.168.0.10");
    assert_eq!(row.saw.unwrap().0.to_string(), "10.64.1.10");
}

#[test]
fn the_same_number_in_the_senders_own_network_is_wrong() {
    let (scene, trial) = question("tcp");
    let lines = ["red: tcp 192.168.0.10 4000 192.168.0.10 80", REPLY];
    let rows = judge_one(&scene, &trial, "ok red 192.168.0.10 4000 192.168.0.10 1448 1448", &lines);
    let faults = faults(&rows);
    assert_eq!(
        faults[0],
        "answered by red/192.168.0.10, which is the same-numbered host of the sender's own network: the packet was \
         sent back"
    );
    assert!(faults[1].contains("not translated"), "{faults:?}");
    assert_eq!(rows.len(), 1, "{rows:?}");
}

#[test]
fn the_same_number_in_a_third_network_is_wrong() {
    let (scene, trial) = question("udp");
    let lines = ["blue: udp 10.64.1.10 4000 192.168.0.10 80", "red: udp 10.64.2.10 80 192.168.0.10 4000"];
    let faults = faults(&judge_one(&scene, &trial, "ok blue 10.64.1.10 4000 192.168.0.10", &lines));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("answered by blue/192.168.0.10, which has the same number"), "{faults:?}");
}

#[test]
fn a_source_that_was_not_translated_and_a_changed_port_are_wrong() {
    let (scene, trial) = question("tcp");
    let told = faults(&judge_one(
        &scene,
        &trial,
        "ok green 192.168.0.10 4000 192.168.0.10 1448 1448",
        &["green: tcp 192.168.0.10 4000 192.168.0.10 80", REPLY],
    ));
    assert!(
        told.iter()
            .any(|it| it.starts_with("green/192.168.0.10 saw 192.168.0.10 as the source, not 10.64.1.10"))
    );
    let lines = ["green: tcp 10.64.1.10 1024 192.168.0.10 80", REPLY];
    let told = faults(&judge_one(&scene, &trial, "ok green 10.64.1.10 1024 192.168.0.10 1448 1448", &lines));
    assert!(told.iter().any(|it| it.contains("saw the source port 1024, not 4000")), "{told:?}");
}

#[test]
fn who_answered_an_echo_is_who_saw_it() {
    let (scene, trial) = question("icmp");
    let reply = "red: icmp-reply 10.64.2.10 4000 192.168.0.10 0";
    let right = judge_one(&scene, &trial, "ok echo", &["green: icmp 10.64.1.10 4000 192.168.0.10 0", reply]);
    assert_eq!(faults(&right), [""; 0]);
    assert_eq!(right[0].answered.as_ref().unwrap().network, "green");
    let wrong = judge_one(&scene, &trial, "ok echo", &["blue: icmp 10.64.1.10 4000 192.168.0.10 0", reply]);
    let told = faults(&wrong);
    assert_eq!(
        told[0],
        "answered, but green/192.168.0.10 did not receive the question: somebody else has answered"
    );
    assert!(told[1].starts_with("the packet reached blue, where it has no business"), "{told:?}");
}

#[test]
fn nobody_and_what_the_sender_was_told_are_told() {
    let (scene, trial) = question("udp");
    let error = "red: error host-unreachable 192.168.0.1 udp 192.168.0.10 4000 10.64.2.10 80";
    assert_eq!(
        faults(&judge_one(&scene, &trial, "unreachable", &[error])),
        [
            "unreachable: the question did not reach green/192.168.0.10; the sender was told host-unreachable by 192.168.0.1"
        ]
    );
    let lines = ["green: udp 10.64.1.10 4000 192.168.0.10 80"];
    assert_eq!(
        faults(&judge_one(&scene, &trial, "timeout", &lines)),
        ["no answer: green/192.168.0.10 received the question, but its answer did not come back"]
    );
}

#[test]
fn a_packet_too_many_is_wrong_and_one_that_comes_late_is_not() {
    let (scene, trial) = question("tcp");
    let answer = "ok green 10.64.1.10 4000 192.168.0.10 1448 1448";
    let copy = "blue: tcp 10.64.1.10 4000 192.168.0.10 80";
    let rows = judge_one(&scene, &trial, answer, &[REQUEST, REPLY, copy]);
    assert!(rows[0].is_ok() && rows[1].from.is_none(), "{rows:?}");
    assert_eq!(
        rows[1].faults,
        ["blue received what nobody should have sent there: `tcp 10.64.1.10 4000 192.168.0.10 80`"]
    );
    // The gateway sees everything that it forwards.
    let own = format!("{GATEWAY}: tcp 192.168.0.10 4000 10.64.2.10 80");
    assert_eq!(faults(&judge_one(&scene, &trial, answer, &[REQUEST, REPLY, &own])), [""; 0]);

    let mut judge = Judge::default();
    let first = Evidence { answers: vec![answer.to_owned()], seen: seen(&[REQUEST, REPLY]) };
    judge.judge(&scene, std::slice::from_ref(&trial), &first, &[]);
    let late = Evidence { answers: Vec::new(), seen: seen(&[REQUEST, REPLY]) };
    assert_eq!(judge.judge(&scene, &[], &late, &[]), []);
    let stray = Evidence { answers: Vec::new(), seen: seen(&[copy]) };
    assert_eq!(judge.judge(&scene, &[], &stray, &[]).len(), 1);
}

#[test]
fn of_what_must_not_pass_nothing_may_come() {
    let scene = scene("three-lans");
    let fits = |it: &Trial| {
        it.kind == Kind::Undeclared
            && (it.from, it.to, it.transport) == (0, Some(2), "udp")
            && it.source.to_string() == "192.168.0.10"
            && it.destination.to_string() == "10.64.3.10"
    };
    let mut trial = find(&scene, fits);
    trial.source_port = 4000;
    let told = "red: error net-unreachable 192.168.0.1 udp 192.168.0.10 4000 10.64.3.10 80";
    let sent = format!("{GATEWAY}: udp 192.168.0.10 4000 10.64.3.10 80");
    let judge_sent =
        |answer: &str, lines: &[&str]| judge_one(&scene, &trial, answer, &[lines, &[sent.as_str()]].concat());
    assert_eq!(faults(&judge_sent("unreachable", &[told])), [""; 0]);
    assert_eq!(faults(&judge_sent("timeout", &[])), [""; 0]);
    // It passed, though nothing came back.
    let rows = judge_sent("timeout", &["blue: udp 10.64.1.10 4000 192.168.0.10 80"]);
    assert_eq!(rows.len(), 1, "it is told where it was asked: {rows:?}");
    assert!(rows[0].faults[0].starts_with("the packet reached blue, where it has no business"));
    let lines = ["blue: udp 10.64.1.10 4000 192.168.0.10 80", "red: udp 10.64.3.10 80 192.168.0.10 4000"];
    let rows = judge_one(&scene, &trial, "ok blue 10.64.1.10 4000 192.168.0.10", &lines);
    assert_eq!(faults(&rows), ["answered by blue/192.168.0.10, though the site declares no way there"]);
    // An error about it that reached somebody else.
    let strayed = "blue: error net-unreachable 192.168.0.1 udp 192.168.0.10 4000 10.64.3.10 80";
    assert_eq!(faults(&judge_sent("timeout", &[strayed])).len(), 1);
}

#[test]
fn what_was_not_sent_proves_nothing() {
    let scene = scene("three-lans");
    let trial = find(&scene, |it| it.kind == Kind::Undeclared && it.transport == "udp" && it.from == 0);
    let outcome = |answer: &str, lines: &[&str]| faults(&judge_one(&scene, &trial, answer, lines));
    let fault = "the question did not come to the gateway, so it proves nothing";
    assert_eq!(outcome("timeout", &[]), [format!("no answer: {fault}")]);
    // The host's own kernel says so where it has no way.
    assert_eq!(outcome("unreachable", &[]), [format!("unreachable: {fault}")]);
    let sent = format!("{GATEWAY}: udp {} {} {} 80", trial.source, trial.source_port, trial.destination);
    assert_eq!(outcome("timeout", &[&sent]), [""; 0]);
    let failed = "failed:Address-already-in-use-(os-error-98)";
    assert_eq!(
        outcome(failed, &[&sent]),
        ["the question could not be asked: Address already in use (os error 98)"]
    );

    // It may come late.
    let next = Evidence { answers: Vec::new(), seen: seen(&[&sent]) };
    let first = Evidence { answers: vec!["timeout".to_owned()], seen: seen(&[]) };
    let rows =
        Judge::default().judge(&scene, std::slice::from_ref(&trial), &first, std::slice::from_ref(&next));
    assert_eq!(faults(&rows), [""; 0]);
}

#[test]
fn a_sender_must_be_told_by_somebody_else_than_itself() {
    let scene = scene("three-lans");
    let mut trial = find(&scene, |it| it.kind == Kind::Dead && it.from == 0 && it.source.is_ipv4());
    trial.source_port = 4000;
    let about = format!("{} {} 4000 {} {}", trial.transport, trial.source, trial.destination, trial.port);
    let told = |kind: &str, by: &str| format!("red: error {kind} {by} {about}");
    let outcome = |line: String| faults(&judge_one(&scene, &trial, "unreachable", &[&line]));
    assert_eq!(outcome(told("host-unreachable", &trial.destination.to_string())), [""; 0]);
    assert!(
        outcome(told("host-unreachable", "192.168.0.10"))[0]
            .contains("should have been told host-unreachable")
    );
    // Not the gateway's own address, nor another host of the network: they would not find back.
    let by_alias = format!("told host-unreachable by {}, and was told", trial.destination);
    for by in ["192.168.0.1", "10.64.2.98", "10.64.3.10"] {
        assert!(outcome(told("host-unreachable", by))[0].contains(&by_alias), "{by}");
    }
    assert!(
        outcome(told("net-unreachable", "192.168.0.1"))[0]
            .contains("was told net-unreachable by 192.168.0.1")
    );

    // Told late, during the next round, is told; and there it is nothing strange.
    let line = told("host-unreachable", &trial.destination.to_string());
    let first = Evidence { answers: vec!["timeout".to_owned()], seen: seen(&[]) };
    let next = Evidence { answers: Vec::new(), seen: seen(&[&line]) };
    let mut judge = Judge::default();
    let rows = judge.judge(&scene, std::slice::from_ref(&trial), &first, std::slice::from_ref(&next));
    assert_eq!(faults(&rows), [""; 0]);
    assert_eq!(judge.judge(&scene, &[], &next, &[]), []);
}

#[test]
fn who_is_known_by_its_own_number_or_the_gateway_itself_may_tell_of_it() {
    let scene = scene("unique-and-cells");
    let fits = |it: &Trial| {
        it.kind == Kind::Expired
            && it.from == 1
            && it.to == Some(0)
            && it.destination.to_string().starts_with("172.16.")
    };
    let trial = find(&scene, fits);
    let outcome = |by: &str| {
        let Trial { transport, source, source_port, destination, port, .. } = &trial;
        let line =
            format!("cell-1: error expired {by} {transport} {source} {source_port} {destination} {port}");
        faults(&judge_one(&scene, &trial, "unreachable", &[&line])).len()
    };
    assert_eq!(outcome(&trial.destination.to_string()), 0);
    assert_eq!(outcome("192.168.0.1"), 0);
    // With VRF devices that on the far link shows.
    assert_eq!(outcome("172.16.0.1"), 0);
    assert_eq!(outcome("172.16.0.2"), 1);
}

#[test]
fn masqueraded_hosts_see_the_gateway_and_any_identifier() {
    let scene = scene("masqueraded");
    let fits = |it: &Trial| {
        it.kind == Kind::Reach
            && it.transport == "icmp"
            && it.to == Some(3)
            && it.destination.to_string() == "10.64.4.10"
    };
    let trials: Vec<Trial> = scene.trials().filter(|it| fits(it)).take(2).cloned().collect();
    let replies: Vec<String> = trials
        .iter()
        .map(|it| {
            format!("{}: icmp-reply {} {} {} 0", it.asker(&scene), it.destination, it.source_port, it.source)
        })
        .collect();
    let judge = |requests: &[&str]| {
        let lines: Vec<&str> = requests.iter().copied().chain(replies.iter().map(String::as_str)).collect();
        let evidence = Evidence { answers: vec!["ok echo".to_owned(); 2], seen: seen(&lines) };
        faults(&Judge::default().judge(&scene, &trials, &evidence, &[]))
    };
    let first = format!("press: icmp 192.168.1.1 {} 192.168.1.10 0", trials[0].source_port);
    let second = "press: icmp 192.168.1.1 50937 192.168.1.10 0";
    assert_eq!(judge(&[&first, second]), [""; 0]);
    assert_eq!(judge(&[&first]).len(), 1, "two questions are two packets");
    assert_eq!(judge(&[&first, second, "press: icmp 192.168.1.1 50938 192.168.1.10 0"]).len(), 1);
}
