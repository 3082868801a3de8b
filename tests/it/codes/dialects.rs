//! What people bring along from other tools: one finding, which says how it is written here.

use super::compile;

/// The help of the only finding of a site, and the site with what it offers in its place.
fn mended(source: &str) -> (String, Option<String>) {
    let (_, findings, _) = compile(source);
    let [finding] = findings.as_slice() else { panic!("not one finding of\n{source}\n{findings:#?}") };
    let mended = finding.fix.as_ref().map(|fix| {
        let (start, end) = (fix.span.start as usize, fix.span.end as usize);
        format!("{}{}{}", &source[..start], fix.replacement, &source[end..])
    });
    (finding.help.clone().unwrap_or_default(), mended)
}

/// Each line in its place in a site: what is offered makes it this other one, which has no finding.
#[track_caller]
fn becomes(site: &str, lines: &[(&str, &str)]) {
    for (wrong, right) in lines {
        let right = site.replace("HERE", right);
        assert_eq!(mended(&site.replace("HERE", wrong)).1.as_deref(), Some(right.as_str()), "{wrong}");
        assert_eq!(compile(&right).1, [], "{right}");
    }
}

/// Each line in its place in a site: the only help says this, and offers no text.
#[track_caller]
fn says(site: &str, lines: &[(&str, &str)]) {
    for (wrong, help) in lines {
        let (said, mended) = mended(&site.replace("HERE", wrong));
        assert!(said.contains(help), "{wrong}: {said}");
        assert_eq!(mended, None, "{wrong}");
    }
}

const NETWORKS: &str = "network office { interface e0; prefix 10.20.0.0/16; host admin 10.20.1.1 }\n\
    network a { interface e1; prefix 192.168.0.0/24 as 10.64.0.0/24; host plc 192.168.0.5; host hmi 192.168.0.6 }\n";

#[test]
fn rules_of_other_firewalls_are_told_as_rules_here() {
    let site = format!("{NETWORKS}connect office -> a {{\nHERE\nallow icmp\n}}\n");
    becomes(
        &site,
        &[
            ("accept tcp 22", "allow tcp 22"),
            ("permit tcp 22", "allow tcp 22"),
            ("drop tcp 22", "deny tcp 22"),
            ("reject udp", "deny udp"),
            ("allow tcp port 22 to plc", "allow tcp 22 to plc"),
            ("allow tcp dport 22", "allow tcp 22"),
            ("allow tcp eq 22", "allow tcp 22"),
            ("allow tcp 22 443 to plc", "allow tcp 22, 443 to plc"),
            ("allow tcp 22 from admin -> plc", "allow tcp 22 from admin to plc"),
            ("allow tcp 22 from admin, to plc", "allow tcp 22 from admin to plc"),
            ("allow tcp 22 to plc, hmi,", "allow tcp 22 to plc, hmi"),
            ("allow tcp 22 to plc hmi", "allow tcp 22 to plc, hmi"),
            ("allow tcp 22 to plc and hmi", "allow tcp 22 to plc, hmi"),
            ("allow * to plc", "allow any to plc"),
            ("allow tcp 22 to plc.a", "allow tcp 22 to plc"),
            ("allow tcp 22 to a.plc", "allow tcp 22 to plc"),
        ],
    );
    says(
        &site,
        &[
            ("allow tcp sport 22", "those of the side that opens are any"),
            ("allow tcp 22 plc", "hosts stand behind `from` (who opens) and `to` (who answers)"),
            ("allow tcp udp 53", "a rule is about one protocol: write another rule for `udp`"),
            ("allow tcp/udp 53", "write a rule for each: `tcp` and `udp`"),
            ("allow from admin to plc tcp 22", "the protocol and its ports stand in front of"),
            ("allow from admin to plc port 22", "ports stand directly behind their protocol"),
            ("allow tcp 22 to plc comment \"x\"", "a comment begins with `#`"),
            ("allow established", "its replies pass with it"),
            ("allow tcp 22 from any", "leave `from any` out"),
            ("allow tcp 22 to All", "leave `to All` out"),
            ("allow tcp 22 from *", "leave `from` out where every host is meant"),
            ("allow tcp to plc:22", "ports stand behind their protocol, as in `tcp 22`"),
            ("allow tcp 22 to plc.b", "a rule names a host without its network"),
        ],
    );
}

#[test]
fn statements_of_other_tools_are_told_as_statements_here() {
    let network =
        format!("network b {{ interface e2; prefix 172.16.0.0/24\nHERE\n}}\n{NETWORKS}connect office -> *\n");
    becomes(
        &network,
        &[
            ("subnet 172.17.0.0/24", "prefix 172.17.0.0/24"),
            ("prefix 172.17.0.0 255.255.255.0", "prefix 172.17.0.0/24"),
            ("prefix 172.17.0.0 netmask 255.255.255.0", "prefix 172.17.0.0/24"),
            ("prefix 172.17.0.0 0.0.0.255", "prefix 172.17.0.0/24"),
            ("prefix 192.168.0.0/24 -> 10.65.0.0/24", "prefix 192.168.0.0/24 as 10.65.0.0/24"),
            ("prefix 192.168.0.0/24 = 10.65.0.0/24", "prefix 192.168.0.0/24 as 10.65.0.0/24"),
            ("prefix 192.168.0.0/24 to 10.65.0.0/24", "prefix 192.168.0.0/24 as 10.65.0.0/24"),
            ("id = 7", "id 7"),
            ("host cam = 172.16.0.9", "host cam 172.16.0.9"),
            ("host 172.16.0.9 cam", "host cam 172.16.0.9"),
            ("route 10.9.0.0/16 172.16.0.1", "route 10.9.0.0/16 via 172.16.0.1"),
            ("route 10.9.0.0/16 gw 172.16.0.1", "route 10.9.0.0/16 via 172.16.0.1"),
        ],
    );
    says(
        &network,
        &[
            ("prefix 172.17.0.0/24, 172.18.0.0/24", "write another `prefix` for each of the others"),
            ("host cam 172.16.256.9", "count on behind 255"),
            ("masquerade", "write `nodes masqueraded`"),
            ("vlan 20", "as in `interface eth0.20`"),
            ("  gateway 172.16.0.1", "told with `address`, another router with `route PREFIX via ROUTER`"),
            ("table 20", "told with `id`"),
        ],
    );
    let top = format!("{NETWORKS}HERE\nconnect office -> *\n");
    becomes(
        &top,
        &[(
            "vrf b { interface e2; prefix 172.16.0.0/24 }",
            "network b { interface e2; prefix 172.16.0.0/24 }",
        )],
    );
    let cells = "{ network c-{n} { interface c{n}; prefix 172.16.{n}.0/24 } }";
    for (wrong, right) in
        [("n = 1..3", "n in 1..3"), ("n in 1-3", "n in 1..3"), ("n in 1 to 3", "n in 1 .. 3")]
    {
        becomes(&top, &[(&format!("for {wrong} {cells}"), &format!("for {right} {cells}"))]);
    }
    becomes(
        &top,
        &[(&format!("for n in 1..3 {}", cells.replace("network", "vrf")), &format!("for n in 1..3 {cells}"))],
    );
    says(&top, &[(&format!("for n in range(1, 3) {cells}"), "a range has two dots")]);
    let device = format!("network b {{ interface e2HERE; prefix 172.16.0.0/24 }}\n{NETWORKS}");
    says(&device, &[(", e3", "a network has one interface"), (" e3", "a network has one interface")]);
    says(&format!("{NETWORKS}network b {{ HERE }}\n"), &[("masquerade", "write `nodes masqueraded`")]);
    let value = format!("HERE\n{NETWORKS}network b {{ interface e2; prefix X }}\nconnect office -> *\n");
    becomes(
        &value,
        &[
            ("let X 172.16.0.0/24", "let X = 172.16.0.0/24"),
            ("let X := 172.16.0.0/24", "let X = 172.16.0.0/24"),
        ],
    );
}

#[test]
fn several_networks_on_a_side_and_rules_without_a_block_are_told() {
    let site = format!("{NETWORKS}HERE\n");
    says(
        &site,
        &[
            ("connect office, a -> a", "one network or pattern on each side"),
            ("connect office -> a, office", "one network or pattern on each side"),
            ("connect office -> a allow tcp 22", "rules stand in a block"),
            ("connect office a", "an arrow stands between the two sides"),
        ],
    );
}

#[test]
fn a_list_that_goes_on_into_the_next_rule_has_a_comma_too_many() {
    let site = format!("{NETWORKS}connect office -> a {{\nallow tcp 22 to plc,HERE\nallow icmp\n}}\n");
    let (help, text) = mended(&site.replace("HERE", ""));
    assert!(help.starts_with("remove the comma"), "{help}");
    assert_eq!(text.as_deref(), Some(site.replace(",HERE", "").as_str()));
}

#[test]
fn only_what_can_be_an_interpolation_is_told_as_one() {
    let cells =
        "for n in 1..2 { network c-{n} { interface c{n}; prefix 172.16.{n}.0/24 }\nconnect office -> HERE }";
    becomes(&format!("{NETWORKS}connect office -> a\n{cells}\n"), &[("c- {n}", "c-{n}")]);
    let rules = format!("{NETWORKS}connect office -> a HERE\n");
    says(&rules, &[("{ established }", "`allow`, `deny`"), ("{ tcp }", "`allow`, `deny`")]);
}

#[test]
fn messages_are_not_told_as_ports() {
    let (help, text) = mended(&format!("{NETWORKS}connect office -> a {{ allow icmp echo-request 8 }}\n"));
    assert!(!help.contains("port"), "{help}");
    assert_eq!(text, None);
}
