//! What hosts need, in files: which there are, where they go, that it is all of them or none, and what
//! is said where a form cannot hold it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty};

use crate::bench::{Bench, SITE};
use crate::expected::files_in;

/// The paths of all files in a folder.
fn paths(bench: &Bench, folder: &str) -> Vec<String> {
    files_in(&bench.path(folder)).into_keys().collect()
}

#[test]
fn a_directory_takes_a_folder_for_each_network_and_all_takes_one_text() {
    let bench = Bench::with_site(SITE);
    bench.run(&["compile", "-t", "nodes", "-o", "out/"]).assert().code(0).stdout(is_empty());
    let forms = ["10-overlapc.conf", "dnsmasq.conf", "kea-dhcp4.json", "routes.cmd", "routes.sh"];
    let expected: Vec<String> =
        ["inner", "outer"].iter().flat_map(|name| forms.map(|form| format!("nodes/{name}/{form}"))).collect();
    assert_eq!(paths(&bench, "out"), expected);
    bench.run(&["compile", "-t", "all", "-o", "all/"]).assert().code(0);
    let all = paths(&bench, "all");
    assert!(all.contains(&"nodes.sh".to_owned()), "{all:?}");
    assert!(!all.iter().any(|path| path.contains('/') || path.contains("hosts")), "{all:?}");
    bench.run(&["compile", "-t", "all,nodes", "-o", "both/"]).assert().code(0);
    assert_eq!(paths(&bench, "both").len(), all.len() + expected.len());
}

#[test]
fn a_file_and_standard_output_take_one_text() {
    let bench = Bench::with_site(SITE);
    for target in ["nodes", "hosts", "dnsmasq"] {
        bench.run(&["compile", "-t", target, "-o", "one"]).assert().code(0);
        let output = bench.run(&["compile", "-t", target]).output().unwrap();
        assert_eq!(bench.read("one").as_bytes(), output.stdout);
    }
    let routes =
        contains("ip route replace 192.168.23.0/24").and(contains("ip route replace 192.168.13.0/24"));
    bench.run(&["compile", "-t", "nodes"]).assert().code(0).stdout(routes);
}

#[test]
fn check_compares_the_files_in_folders() {
    let bench = Bench::with_site(SITE);
    let check = ["compile", "-t", "nodes", "-o", "out/", "--check"];
    bench.run(&check).assert().code(1).stdout(contains("+++ out/nodes/outer/routes.sh"));
    assert_eq!(bench.names(""), ["site.ovl"]);
    bench.run(&["compile", "-t", "nodes", "-o", "out/"]).assert().code(0);
    bench.run(&check).assert().code(0).stdout(is_empty());
    bench.write("out/nodes/inner/routes.sh", "mine\n");
    bench
        .run(&check)
        .assert()
        .code(1)
        .stdout(contains("--- out/nodes/inner/routes.sh").and(contains("-mine")));
}

#[test]
fn one_file_that_cannot_be_written_leaves_no_folder_behind() {
    let bench = Bench::with_site(SITE);
    let compile = ["compile", "-t", "nft,nodes", "-o", "out/"];
    fs::create_dir_all(bench.path("out/nodes/outer/routes.sh")).unwrap();
    let told = contains("`out/nodes/outer/routes.sh` is a directory");
    bench.run(&compile).assert().code(2).stderr(told);
    assert_eq!(bench.names("out/nodes"), ["outer"]);
    fs::remove_dir_all(bench.path("out")).unwrap();
    // A file stands where the folder of the last network has to be.
    fs::create_dir_all(bench.path("out/nodes")).unwrap();
    bench.write("out/nodes/outer", "mine\n");
    bench.run(&compile).assert().code(2).stderr(contains("out/nodes/outer"));
    assert_eq!(paths(&bench, "out"), ["nodes/outer"]);
    assert_eq!(bench.names("out/nodes"), ["outer"]);
}

#[test]
fn a_folder_that_cannot_be_made_takes_those_before_it_along() {
    let bench = Bench::with_site(SITE);
    fs::create_dir_all(bench.path("out/nodes")).unwrap();
    std::os::unix::fs::symlink("/proc/1/nowhere", bench.path("out/nodes/outer")).unwrap();
    bench.run(&["compile", "-t", "nodes", "-o", "out/"]).assert().code(2).stderr(contains("out/nodes/outer"));
    assert_eq!(bench.names("out/nodes"), ["outer"]);
}

#[test]
fn more_files_than_a_process_may_have_open_are_written() {
    let cells = "for n in 1..120 { network c{n} { interface e{n}; address 10.0.0.1/24; \
                 prefix 10.0.0.0/24 as subnet(10.64.0.0/16, 24, n) } }\n\
                 network office { interface eth0; prefix 172.16.0.0/16 }\nconnect office -> c*\n";
    let bench = Bench::with_site(cells);
    let command = "ulimit -n 64; exec \"$0\" compile -t nodes -o out/";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", command, env!("CARGO_BIN_EXE_overlapc")]).current_dir(bench.path(""));
    assert!(shell.status().unwrap().success());
    assert_eq!(paths(&bench, "out").len(), 121 * 5);
    let mode = fs::metadata(bench.path("out/nodes/c7/routes.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0);
}

/// A hub whose partners' aliases are so many apart.
fn hub(partners: u8, apart: u8) -> String {
    format!(
        "network hub {{ interface eth0; address 172.16.0.1/16; prefix 172.16.0.0/16 }}\n\
         for n in 0..{} {{ network c{{n}} {{ interface e{{n}}; prefix 10.0.0.0/24 as subnet(10.64.0.0/16, 24, n * {apart}) }} }}\n\
         connect hub -> c*\n",
        partners - 1
    )
}

#[test]
fn neighbouring_aliases_are_one_route_of_a_dhcp_option() {
    let bench = Bench::with_site(&hub(64, 1));
    bench.run(&["compile", "-t", "nodes", "-o", "out/"]).assert().code(0);
    let dnsmasq = bench.read("out/nodes/hub/dnsmasq.conf");
    assert!(
        dnsmasq.contains("\ndhcp-option=249,0.0.0.0/0,DEFAULT-ROUTER,10.64.0.0/18,172.16.0.1\n"),
        "{dnsmasq}"
    );
    let kea = bench.read("out/nodes/hub/kea-dhcp4.json");
    assert!(kea.contains("\"00 DEFAULT-ROUTER-HEX 12 0a 40 00 ac 10 00 01\""), "{kea}");
}

#[test]
fn routes_that_no_dhcp_option_holds_are_told() {
    let told = |partners, file: &str| {
        let bench = Bench::with_site(&hub(partners, 2));
        bench.run(&["compile", "-t", "nodes", "-o", "out/"]).assert().code(0);
        let text = bench.read(&format!("out/nodes/hub/{file}"));
        let first = text.lines().find_map(|line| line.split_once("There is no such option here: "));
        let has_data = text.lines().any(|line| line.contains("\"data\"") || line.starts_with("dhcp-option"));
        (first.map(|(_, reason)| reason.to_owned()), has_data)
    };
    // 5 octets for the default route and 8 for each of the others: 31 fit.
    assert_eq!(told(31, "kea-dhcp4.json"), (None, true));
    let reason = "33 routes take 261 octets, and a DHCP option holds 255.";
    assert_eq!(told(32, "kea-dhcp4.json"), (Some(reason.to_owned()), false));
    assert_eq!(told(32, "dnsmasq.conf"), (Some(reason.to_owned()), false));
}

#[test]
fn names_that_dns_cannot_tell_apart_are_left_out_and_told() {
    let hosts = "host plc 192.168.2.10; host PLC 192.168.2.11";
    let bench = Bench::with_site(&SITE.replacen("\n}", &format!("\n    {hosts}\n}}"), 1));
    for (target, record) in
        [("hosts", "192.168.13.10 plc.inner"), ("dnsmasq", "host-record=plc.inner,192.168.13.10")]
    {
        let case =
            contains("# PLC.inner is left out, another name differs from it in case alone: site.ovl:4");
        bench.run(&["compile", "-t", target]).assert().code(0).stdout(contains(record).and(case));
    }
}

#[test]
fn the_caller_alone_is_told_the_names_of_the_called() {
    let one_way = SITE.replace("<->", "->").replacen("23.0/24\n", "23.0/24\n    host plc 192.168.2.10\n", 1);
    let bench = Bench::with_site(&one_way.replacen("13.0/24\n", "13.0/24\n    host hmi 192.168.2.20\n", 1));
    bench.run(&["compile", "-t", "hosts", "-o", "out/"]).assert().code(0);
    let lines = |name: &str| {
        let text = bench.read(&format!("out/hosts/{name}"));
        text.lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        lines("inner"),
        ["192.168.2.20 hmi.inner # site.ovl:4", "192.168.23.10 plc.outer # site.ovl:10"]
    );
    assert_eq!(lines("outer"), ["192.168.2.10 plc.outer # site.ovl:10"]);
}
