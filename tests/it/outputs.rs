//! Where `compile` puts artefacts, and that it is all of them or none.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty};

use crate::bench::{Bench, DOUBTFUL, SITE, WRONG};

fn mode(bench: &Bench, name: &str) -> u32 {
    fs::metadata(bench.path(name)).unwrap().permissions().mode() & 0o777
}

fn inode(bench: &Bench, name: &str) -> u64 {
    fs::metadata(bench.path(name)).unwrap().ino()
}

#[test]
fn one_target_goes_to_the_file_named() {
    let bench = Bench::with_site(SITE);
    bench.run(&["compile", "-o", "gw.sh"]).assert().code(0).stdout(is_empty());
    let stdout = bench.run(&["compile"]).output().unwrap().stdout;
    assert_eq!(bench.read("gw.sh").as_bytes(), stdout);
    assert_eq!(mode(&bench, "gw.sh") & 0o700, 0o700);
    bench.run(&["compile", "-t", "nft", "-o", "gw.nft"]).assert().code(0);
    assert_eq!(mode(&bench, "gw.nft") & 0o111, 0);
    assert_eq!(bench.names(""), ["gw.nft", "gw.sh", "site.ovl"]);
}

#[test]
fn a_directory_takes_the_artefacts_under_their_own_names() {
    let bench = Bench::with_site(SITE);
    bench.run(&["compile", "-t", "nft", "-o", "new/deep/"]).assert().code(0);
    assert_eq!(bench.names("new/deep").len(), 1);
    fs::create_dir(bench.path("there")).unwrap();
    bench.run(&["compile", "-t", "nft", "-o", "there"]).assert().code(0);
    assert_eq!(bench.names("there"), bench.names("new/deep"));
    bench.run(&["compile", "-t", "nft", "-t", "ip,ip6", "-o", "several"]).assert().code(0);
    assert_eq!(bench.names("several").len(), 3);
    bench.run(&["compile", "-t", "all", "-o", "every"]).assert().code(0);
    let every = bench.names("every");
    assert!(bench.names("several").iter().all(|name| every.contains(name)), "{every:?}");
    bench.run(&["compile", "-t", "all", "--firewall", "iptables", "-o", "other"]).assert().code(0);
    assert_ne!(bench.names("other"), every);
}

#[test]
fn a_finding_that_stands_in_the_way_leaves_everything_as_it_was() {
    let bench = Bench::with_site(WRONG);
    bench.write("gw.sh", "mine\n");
    bench.run(&["compile", "-o", "gw.sh"]).assert().code(1);
    bench.run(&["compile", "-t", "all", "-o", "out/"]).assert().code(1);
    bench.write("site.ovl", DOUBTFUL.to_owned() + SITE);
    bench.run(&["compile", "--deny", "warnings", "-o", "gw.sh"]).assert().code(1);
    assert_eq!(bench.read("gw.sh"), "mine\n");
    assert_eq!(bench.names(""), ["gw.sh", "site.ovl"]);
}

#[test]
fn one_file_that_cannot_be_written_keeps_all_from_being_written() {
    let bench = Bench::with_site(SITE);
    bench.run(&["compile", "-t", "all", "-o", "model"]).assert().code(0);
    let names = bench.names("model");
    fs::create_dir(bench.path("out")).unwrap();
    // A directory stands where the last artefact has to go.
    let last = names.last().unwrap();
    fs::create_dir(bench.path("out").join(last)).unwrap();
    let told = contains(format!("`out/{last}` is a directory"));
    bench.run(&["compile", "-t", "all", "-o", "out"]).assert().code(2).stderr(told);
    assert_eq!(bench.names("out"), [last.as_str()]);
}

#[test]
fn an_unchanged_file_is_left_alone_and_a_changed_one_replaced() {
    let bench = Bench::with_site(SITE);
    bench.run(&["compile", "-t", "sh,nft", "-o", "out"]).assert().code(0);
    let [nft, sh] = ["nft", "sh"].map(|end| {
        let names = bench.names("out");
        format!("out/{}", names.iter().find(|name| name.ends_with(end)).unwrap())
    });
    let before = (inode(&bench, &nft), inode(&bench, &sh));
    bench.run(&["compile", "-t", "sh,nft", "-o", "out"]).assert().code(0);
    assert_eq!((inode(&bench, &nft), inode(&bench, &sh)), before);
    bench.write(&nft, "edited\n");
    fs::set_permissions(bench.path(&sh), fs::Permissions::from_mode(0o644)).unwrap();
    bench.run(&["compile", "-t", "sh,nft", "-o", "out"]).assert().code(0);
    assert_ne!(bench.read(&nft), "edited\n");
    assert_eq!(mode(&bench, &sh) & 0o100, 0o100);
}

#[test]
fn a_link_stays_a_link_and_a_device_is_refused() {
    let bench = Bench::with_site(SITE);
    bench.write("real.sh", "old\n");
    symlink("real.sh", bench.path("link.sh")).unwrap();
    bench.run(&["compile", "-o", "link.sh"]).assert().code(0);
    assert!(fs::symlink_metadata(bench.path("link.sh")).unwrap().is_symlink());
    assert_ne!(bench.read("real.sh"), "old\n");
    bench.run(&["compile", "-o", "/dev/null"]).assert().code(2).stderr(contains("not a file"));
}

#[test]
fn places_that_do_not_fit_are_told() {
    let bench = Bench::with_site(SITE);
    let advice = contains("several targets").and(contains("add `-o DIRECTORY/`"));
    bench.run(&["compile", "-t", "nft", "-t", "ip"]).assert().code(2).stdout(is_empty()).stderr(advice);
    bench.run(&["compile", "-t", "all"]).assert().code(2).stderr(contains("several targets"));
    bench.run(&["compile", "-t", "nft", "-t", "nft"]).assert().code(0);
    bench.run(&["compile", "-o", "no/gw.sh"]).assert().code(2).stderr(contains("no directory `no`"));
    let needed = contains("a directory is needed");
    bench.run(&["compile", "-t", "all", "-o", "site.ovl"]).assert().code(2).stderr(needed);
    assert_eq!(bench.read("site.ovl"), SITE);
}

#[test]
fn a_target_of_the_other_firewall_asks_for_the_override() {
    let bench = Bench::with_site(SITE);
    let told = contains("`iptables` does not go with `firewall nftables`");
    let advice = contains("add `--firewall iptables`");
    bench.run(&["compile", "-t", "iptables"]).assert().code(2).stdout(is_empty()).stderr(told.and(advice));
    bench.run(&["compile", "-t", "iptables", "--firewall", "iptables"]).assert().code(0);
}

#[test]
fn check_shows_the_difference_and_changes_nothing() {
    let bench = Bench::with_site(SITE);
    let check = ["compile", "-t", "nft", "-o", "gw.nft", "--check"];
    let missing = contains("--- /dev/null\n+++ gw.nft\n");
    bench.run(&check).assert().code(1).stdout(missing).stderr(is_empty());
    bench.run(&["compile", "-t", "nft", "-o", "gw.nft"]).assert().code(0);
    bench.run(&check).assert().code(0).stdout(is_empty());
    let edited = bench.read("gw.nft") + "# mine\n";
    bench.write("gw.nft", &edited);
    let difference = contains("--- gw.nft\n+++ gw.nft\n@@").and(contains("\n-# mine\n"));
    bench.run(&check).assert().code(1).stdout(difference);
    assert_eq!(bench.read("gw.nft"), edited);
    assert_eq!(bench.names(""), ["gw.nft", "site.ovl"]);
    bench.run(&["compile", "--check"]).assert().code(2).stderr(contains("--output"));
}

#[test]
fn the_environment_stands_in_for_flags_and_a_flag_wins() {
    let bench = Bench::with_site(SITE);
    let stdout = |target: &str, variables: &[(&str, &str)]| {
        let mut command = bench.run(&["compile"]);
        if !target.is_empty() {
            command.args(["-t", target]);
        }
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    assert_eq!(stdout("", &[("OVERLAPC_TARGET", "nft")]), stdout("nft", &[]));
    assert_eq!(stdout("nft", &[("OVERLAPC_TARGET", "ip")]), stdout("nft", &[]));
    let iptables = [("OVERLAPC_TARGET", "iptables"), ("OVERLAPC_FIREWALL", "iptables")];
    assert!(!stdout("", &iptables).is_empty());
    assert_ne!(stdout("ip", &[("OVERLAPC_ISOLATION", "rules")]), stdout("ip", &[]));
    bench.run(&["compile"]).env("OVERLAPC_OUTPUT", "gw.sh").assert().code(0).stdout(is_empty());
    let mut check = bench.run(&["compile", "-t", "nft", "-o", "gw.sh"]);
    check.env("OVERLAPC_CHECK", "1").assert().code(1).stdout(contains("+++ gw.sh"));
}

#[test]
fn the_same_site_gives_the_same_bytes_from_any_directory() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("sites/x")).unwrap();
    bench.write("sites/x/site.ovl", "include \"../part.ovl\"\n");
    bench.write("sites/part.ovl", SITE);
    let absolute = bench.path("sites/x/site.ovl");
    let outputs = ["sites/x/site.ovl", "./sites/x/site.ovl", absolute.to_str().unwrap()]
        .map(|file| bench.run(&["compile", file]).output().unwrap());
    for output in &outputs {
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, outputs[0].stdout);
    }
}

#[test]
fn iptables_chains_of_long_rules_have_names_that_the_kernel_takes() {
    let mut site = String::from(
        "network a { id 65534; interface a0; prefix 172.16.0.0/12 }\nnetwork b { id 65533; interface b0; prefix 10.0.0.0/8 }\nconnect a -> b {\n",
    );
    for n in 1..=1000 {
        let action = if n % 2 == 0 { "allow" } else { "deny" };
        site.push_str(&format!("{action} tcp {n} to 10.1.{}.{}\n", n / 256, n % 256));
    }
    let hosts: Vec<String> =
        (0..80_000).map(|n| format!("10.{}.{}.{}", 2 + n / 32_768, n / 128 % 256, n % 128 * 2)).collect();
    site.push_str(&format!("allow udp 5 to {}\n}}\n", hosts.join(", ")));
    let bench = Bench::with_site(&site);
    let output = bench.run(&["compile", "-t", "iptables", "--firewall", "iptables"]).output().unwrap().stdout;
    let rules = String::from_utf8(output).unwrap();
    let names = rules.lines().filter_map(|line| line.strip_prefix(':')?.split(' ').next());
    let longest = names.max_by_key(|name| name.len()).unwrap();
    assert!(longest.starts_with("ovl-to-65534-65533-") && longest.len() <= 28, "{longest}");
}

#[test]
fn what_masqueraded_networks_cost_a_packet_does_not_grow_with_those_who_look_alike() {
    let site = "network m { id 1; interface m0; address 192.168.1.1/24; prefix 192.168.1.0/24 as 10.8.1.0/24; nodes masqueraded }\n\
        for n in 1..40 {\n\
        network a-{n} { id 100 + n; interface a{n}; prefix 172.16.{n}.0/24 as 10.1.{n}.0/24 }\n\
        network b-{n} { id 300 + n; interface b{n}; prefix 172.16.{n}.0/24 as 10.2.{n}.0/24 }\n\
        }\nconnect a-* -> m\nconnect b-* -> m\n";
    let bench = Bench::with_site(site);
    let made = |arguments: &[&str]| {
        let output =
            bench.run(&[&["compile"], arguments].concat()).assert().success().get_output().stdout.clone();
        String::from_utf8(output).unwrap()
    };
    let nft = made(&["-t", "nft"]);
    let apart: Vec<&str> = nft.lines().filter(|line| line.contains("ct reply zone set")).collect();
    assert_eq!(apart.len(), 1, "one look-up for all");
    assert_eq!(apart[0].matches("0x").count(), 1 + 40, "the mask, and every second one that looks alike");
    let rules = made(&["-t", "iptables", "--firewall", "iptables"]);
    let longest =
        |chain: &str| rules.lines().filter(|line| line.starts_with(&format!("-A {chain} "))).count();
    assert_eq!(rules.matches("--zone-reply 32769\n").count(), 40);
    assert_eq!(rules.matches("asks\" -j CT --zone 32769\n").count(), 40);
    assert!(longest("ovl-to-1") <= 3 && longest("ovl-asks-1") <= 16, "a tree, not a list");
}
