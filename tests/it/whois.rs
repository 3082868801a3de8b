//! `overlapc whois`: its answers on the site of `golden/emit/names-and-routes`, as sentences under
//! `golden/whois/`, and the pure query behind it.

use overlapc::plan::whois::{Answer, Known, Question, ask};
use overlapc::plan::{Plan, lower};
use overlapc::source::SourceMap;
use overlapc::{Overrides, front, syntax};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty};

use crate::bench::{Bench, SITE, WRONG, overlapc, repository};
use crate::expected::{Files, Verdict, compare_folder};

/// What is asked, with the exit status.
const QUESTIONS: &[(&str, &[&str], i32)] = &[
    ("alias", &["10.64.2.10"], 0),
    ("alias-from", &["10.64.2.10", "--from", "press"], 0),
    ("alias-from-a-stranger", &["10.64.2.10", "--from", "cell-1"], 1),
    ("alias-of-a-host-that-has-moved", &["10.64.200.77"], 0),
    ("alias-that-is-vacant", &["10.64.4.77"], 1),
    ("alias-of-the-gateway", &["10.64.4.1"], 0),
    ("alias-json", &["10.64.2.10", "--output-format", "json"], 0),
    ("real-twice", &["192.168.0.10"], 0),
    ("real-from", &["192.168.0.10", "--from", "office"], 0),
    ("real-from-itself", &["192.168.0.10", "--from", "press"], 0),
    ("real-from-a-stranger", &["192.168.0.10", "--from", "camera"], 1),
    ("real-without-a-name", &["192.168.0.99"], 0),
    ("real-is-the-gateway", &["192.168.0.1"], 0),
    ("real-known-as-itself", &["172.16.4.20"], 0),
    ("ipv6", &["fd64:0:0:2::10"], 0),
    ("ipv6-to-a-network-without", &["plc6.lab"], 0),
    ("name", &["plc.cell-2"], 0),
    ("name-of-several", &["plc", "--from", "office"], 0),
    ("name-json", &["drive", "--output-format", "json"], 0),
    ("name-of-another-network", &["plc.office"], 1),
    ("outside", &["10.0.9.5"], 0),
    ("nothing", &["10.99.0.1"], 1),
    ("nothing-json", &["10.99.0.1", "--output-format", "json"], 1),
];

#[test]
fn golden_whois_answers_are_as_expected() {
    let folder = repository().join("golden/emit/names-and-routes");
    let mut made = Files::new();
    for (name, arguments, status) in QUESTIONS {
        let mut command = overlapc(&folder);
        let output = command.args(["whois", "site.ovl"]).args(*arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(*status), "{name}");
        made.insert(format!("{name}.txt"), String::from_utf8(output.stdout).unwrap());
        let again = overlapc(repository())
            .args(["whois", "golden/emit/names-and-routes/site.ovl"])
            .args(*arguments)
            .output()
            .unwrap();
        assert_eq!(again.stdout, made[&format!("{name}.txt")].as_bytes(), "{name}, from elsewhere");
    }
    let mut verdict = Verdict::default();
    verdict.add("whois", &compare_folder(&repository().join("golden/whois"), &made));
    verdict.finish();
}

#[test]
fn the_file_can_be_left_out_and_be_standard_input() {
    let bench = Bench::with_site(SITE);
    let told = || contains("192.168.23.10 stands for 192.168.2.10 in outer (site.ovl:8)");
    bench.run(&["whois", "192.168.23.10"]).assert().code(0).stdout(told()).stderr(is_empty());
    bench.run(&["whois", "site.ovl", "192.168.23.10"]).assert().code(0).stdout(told());
    let run = bench.run(&["whois", "-", "192.168.23.10"]).write_stdin(SITE).assert();
    run.code(0).stdout(contains("(<stdin>:8)").or(contains("(_stdin_:8)")));
    bench.run(&["whois"]).assert().code(2).stdout(is_empty());
    let nowhere = contains("working directory has no `site.ovl`");
    Bench::new().run(&["whois", "10.0.0.1"]).assert().code(2).stderr(nowhere);
}

#[test]
fn what_cannot_be_asked_is_told_with_what_was_probably_meant() {
    let bench = Bench::with_site(&SITE.replace("connect", "network third { interface eth2; prefix 10.0.0.0/8; host plc 10.0.0.1 }\nconnect third -> inner\nconnect"));
    for (arguments, told) in [
        (&["10.0.0.1", "--from", "iner"][..], "no network `iner`\n  help: did you mean `inner`?"),
        (&["plk"], "`plk` is neither an address nor a host of the site\n  help: did you mean `plc`?"),
        (&["plc.thrid"], "no network `thrid`\n  help: did you mean `third`?"),
        (&["plc.elsewhere"], "no network `elsewhere`\n  help: name a network of the site behind the dot"),
        (&["plc", "--from", "elsewhere"], "name a network of the site with `--from`"),
        (
            &["10.0.0.0/8"],
            "neither an address nor a host of the site\n  help: give one address without a length",
        ),
    ] {
        let run = bench.run(&["whois"]).args(arguments).assert().code(2);
        run.stdout(is_empty()).stderr(contains(told));
    }
    bench.run(&["whois", "plc"]).env("OVERLAPC_FROM", "outer").assert().code(1);
}

#[test]
fn a_site_with_an_error_has_no_answer() {
    let bench = Bench::with_site(&(WRONG.to_owned() + SITE));
    let run = bench.run(&["whois", "192.168.23.10"]).assert();
    run.code(1).stdout(is_empty()).stderr(contains("error[OVL0103]"));
}

/// A site stands alone.
struct NoFiles;

impl syntax::Loader for NoFiles {
    fn load(&self, _: &str) -> Result<String, String> {
        Err("a site in a test stands alone".to_owned())
    }
}

fn plan(site: &str) -> Plan {
    let mut sources = SourceMap::default();
    let root = sources.add("site.ovl", site);
    lower(&front(sources, root, &NoFiles, Overrides::default()).value.unwrap())
}

fn asked(plan: &Plan, address: &str, from: Option<usize>) -> Answer {
    ask(plan, Question::Address(address.parse().unwrap()), from)
}

/// Every address that one network knows another's host by leads back to that host, and to nobody else
/// in the eyes of this network.
#[test]
fn an_alias_and_its_host_are_each_others_answers() {
    let site = std::fs::read_to_string(repository().join("golden/emit/names-and-routes/site.ovl")).unwrap();
    let plan = plan(&site);
    let mut seen = 0;
    for network in 0..plan.networks.len() {
        for piece in plan.networks[network].admitted.iter().map(|admitted| admitted.real) {
            for real in [piece.hosts().nth(9), piece.hosts().nth(17), piece.hosts().nth(76)] {
                let real = real.unwrap();
                let answer = ask(&plan, Question::Address(real), None);
                let subject = answer.subjects.iter().find(|subject| subject.network == network).unwrap();
                for view in &subject.views {
                    let Known::As(alias, _) = view.known else { continue };
                    let back = asked(&plan, &alias.to_string(), Some(view.viewer));
                    assert_eq!(back.subjects.len(), 1, "{alias} to {}", view.viewer);
                    assert_eq!((back.subjects[0].network, back.subjects[0].address), (network, real));
                    assert!(back.is_something(Some(view.viewer)));
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

/// Two networks that know each other by one alias mean each other by it.
#[test]
fn a_shared_alias_means_the_other_network() {
    let plan = plan(&SITE.replace("192.168.13.0", "192.168.3.0").replace("192.168.23.0", "192.168.3.0"));
    for (viewer, owner) in [(0, 1), (1, 0)] {
        let answer = asked(&plan, "192.168.3.10", Some(viewer));
        let owners: Vec<usize> = answer.subjects.iter().map(|subject| subject.network).collect();
        assert_eq!(owners, [owner]);
    }
    assert_eq!(asked(&plan, "192.168.3.10", None).subjects.len(), 2);
}

#[test]
fn rules_say_who_may_open_what() {
    let bench = Bench::with_site(
        "network a { interface eth0; prefix 172.16.0.0/24; host hmi 172.16.0.5 }\n\
         network b { interface eth1; prefix 192.168.0.0/24 as 10.1.0.0/24; host plc 192.168.0.10 }\n\
         # overlapc: allow(OVL0413) one way is meant\n\
         connect a <-> b { allow tcp 1 from a }\n",
    );
    let said = |arguments: &[&str]| String::from_utf8(bench.run(arguments).output().unwrap().stdout).unwrap();
    assert!(
        said(&["whois", "plc"])
            .contains("a knows it as 10.1.0.10 (site.ovl:2), and may open what rules allow to it")
    );
    assert!(said(&["whois", "hmi"]).contains("and can only answer it (site.ovl:4)"));
    bench.run(&["compile", "-t", "hosts", "-o", "names/"]).assert().success();
    assert!(bench.read("names/hosts/a").contains("10.1.0.10 plc.b"));
    assert!(!bench.read("names/hosts/b").contains("hmi.a"), "nothing can be opened there");
}
