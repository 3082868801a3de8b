//! `overlapc verify` as users run it: every golden site is proved in all its forms, and what is not as the site
//! says is shown with a packet and the lines to blame.

use std::fs;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, starts_with};

use crate::bench::{Bench, overlapc, repository};
use crate::documents;
use crate::expected::{folders_in, name_of};

/// The golden site that most tests here alter.
const SITE: &str = "golden/emit/three-lans";

/// A bench with a golden site and its files, of which the script is altered.
fn altered(alter: impl Fn(String) -> String) -> Bench {
    let bench = Bench::new();
    let case = repository().join(SITE);
    bench.write("site.ovl", fs::read(case.join("site.ovl")).unwrap());
    fs::create_dir(bench.path("files")).unwrap();
    let script = fs::read_to_string(case.join("expect/site.sh")).unwrap();
    let new = alter(script.clone());
    assert_ne!(new, script, "nothing was altered");
    bench.write("files/site.sh", new);
    bench
}

#[test]
fn every_golden_site_is_proved_in_all_its_forms() {
    for case in folders_in(&repository().join("golden/emit")) {
        for firewall in ["nftables", "iptables"] {
            for isolation in ["vrf", "rules"] {
                let flags = ["verify", "site.ovl", "--firewall", firewall, "--isolation", isolation];
                let output = overlapc(&case).args(flags).output().unwrap();
                let said = String::from_utf8_lossy(&output.stdout);
                assert_eq!(
                    output.status.code(),
                    Some(0),
                    "{} {firewall} {isolation}: {said}",
                    name_of(&case)
                );
                assert_eq!(said.lines().filter(|line| line.starts_with("NOT")).count(), 0, "{said}");
                assert!(said.contains("proved     isolation"), "{said}");
            }
        }
    }
}

#[test]
fn every_site_that_the_pages_show_as_right_is_printed() {
    for (code, site) in documents::cured_examples() {
        let bench = Bench::with_site(&site);
        for firewall in ["nftables", "iptables"] {
            for isolation in ["vrf", "rules"] {
                let output = bench
                    .run(&["compile", "--firewall", firewall, "--isolation", isolation])
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(0), "{code} {firewall} {isolation}: {said}\n{site}");
            }
        }
    }
}

#[test]
fn files_as_they_lie_in_a_directory_are_proved() {
    let case = repository().join(SITE);
    for folder in ["expect", "expect-iptables"] {
        let firewall = if folder == "expect" { "nftables" } else { "iptables" };
        let flags = ["verify", "site.ovl", "--firewall", firewall, "--artifacts", folder];
        let shown = "proved     good-neighbour  nothing of others is touched (";
        overlapc(&case).args(flags).assert().code(0).stdout(contains(shown));
    }
}

#[test]
fn a_wrong_translation_is_shown_with_a_packet_its_way_and_the_lines() {
    let bench =
        altered(|script| script.replace("snat ip prefix to 10.64.2.0/24", "snat ip prefix to 10.64.3.0/24"));
    let shown = contains("NOT PROVED delivery")
        .and(contains("green 192.168.0.12:40000 -> 10.64.1.12:80 tcp"))
        .and(contains("leaves by red0 into red but not with the source by which it is known there"))
        .and(contains("source 192.168.0.12 -> 10.64.3.12"))
        .and(contains("site.ovl:18 green"));
    bench.run(&["verify", "--artifacts", "files"]).assert().code(1).stdout(shown);
}

#[test]
fn a_pair_that_is_let_through_is_shown() {
    let bench = altered(|script| {
        let open = "\t\t\t0x00000012 comment \"site.ovl:31 red -> green\",\n";
        assert_eq!(script.matches(open).count(), 1);
        script.replace(open, &format!("{open}\t\t\t0x00000013 comment \"mine\",\n"))
    });
    let shown = contains("NOT PROVED isolation")
        .and(contains("leaves by blue0 into blue though no connect allows it"))
        .and(contains("red 192.168.0.12:40000 -> 10.64.3.12:80 tcp"));
    bench.run(&["verify", "--artifacts", "files"]).assert().code(1).stdout(shown);
}

#[test]
fn a_line_that_is_not_understood_is_no_proof() {
    let bench = altered(|script| {
        script.replace("\t\tiifname vmap @ovl_from", "\t\tiifgroup 7 drop\n\t\tiifname vmap @ovl_from")
    });
    let run = bench.run(&["verify", "--artifacts", "files"]).assert().code(1);
    run.stdout(starts_with("not proved: site.sh:").and(contains("iifgroup")));
}

#[test]
fn the_document_says_what_does_not_hold() {
    let bench = altered(|script| script.replace(" fwmark 0x1/0xf lookup 1 ", " fwmark 0x1/0xf lookup 2 "));
    let flags = ["verify", "--artifacts", "files", "--output-format", "json"];
    let output = bench.run(&flags).assert().code(1).get_output().stdout.clone();
    let document: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert_eq!((&document["format_version"], &document["proved"]), (&"1.0".into(), &false.into()));
    let obligations = document["obligations"].as_array().unwrap();
    assert_eq!(obligations.len(), 7);
    let failures = obligations.iter().flat_map(|it| it["failures"].as_array().unwrap());
    assert!(failures.clone().count() > 0);
    assert!(failures.clone().all(|it| it["what"].is_string()));
    assert!(failures.clone().any(|it| it["packet"].as_str().is_some_and(|packet| packet.contains(" -> "))));
}

#[test]
fn a_directory_without_the_files_is_told() {
    let bench = altered(|script| script + "\n");
    fs::create_dir(bench.path("empty")).unwrap();
    let said = contains("has neither a `site.sh` nor all files beside it");
    bench.run(&["verify", "--artifacts", "empty"]).assert().code(2).stderr(said);
}

#[test]
fn one_alias_for_both_is_a_note_about_which_flows_share_a_key() {
    let case = repository().join("golden/emit/identical-lans");
    let note = contains("note: packets from inner to outer and packets from outer to inner can have one key");
    overlapc(&case).args(["verify", "site.ovl"]).assert().code(0).stdout(note);
}
