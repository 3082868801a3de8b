//! OVL02xx, and what `connect` says twice or of one network alone.

use super::{A, B, compile, found, in_gateway, in_network};

const FINE: [&str; 0] = [];

#[test]
fn ovl0201_an_unknown_name_is_reported_and_a_let_may_stand_behind_its_use() {
    assert_eq!(in_network("id poool\nprefix 192.168.1.0/24 as 10.1.1.0/24"), ["OVL0201:3"]);
    assert_eq!(
        found(&format!(
            "{A}network b {{ interface eth2; prefix 10.7.0.0/16; id one + 1 }}\nconnect a -> b\nlet one = 1\n"
        )),
        FINE
    );
    let (_, findings, _) =
        compile("let pool = 7\nnetwork a { id poool; interface eth1; prefix 10.0.0.0/24 }\n");
    assert_eq!(findings[0].help.as_deref(), Some("did you mean `pool`?"));
}

#[test]
fn ovl0202_a_connect_names_networks_that_exist() {
    assert_eq!(found(&format!("{A}{B}connect a -> b\nconnect a -> c\n")), ["OVL0202:4"]);
    assert_eq!(found(&format!("connect a -> b\n{A}{B}")), FINE);
}

#[test]
fn ovl0203_a_name_belongs_to_one() {
    assert_eq!(found(&format!("{A}{B}{A}connect a -> b\n")), ["OVL0203:3"]);
    assert_eq!(found(&format!("let x = 1\nlet x = 2\n{A}{B}connect a -> b\n")), ["OVL0203:2"]);
    assert_eq!(found("let n = 1\nfor n in 1..2 { let y = n }\n"), ["OVL0203:2"]);
    assert_eq!(
        in_network("prefix 192.168.1.0/24 as 10.1.1.0/24\nhost h 192.168.1.5\nhost h 192.168.1.6"),
        ["OVL0203:5"]
    );
    // Networks, hosts and values do not get into each other's way.
    assert_eq!(
        found(&format!(
            "let a = 1\n{A}{B}connect a -> b\nlet c = a\nlet d = c + d2\nlet d2 = d3\nlet d3 = 1\nfor m in d..d {{ network x-{{m}} {{ interface x{{m}}; prefix 10.9.0.0/24; host a 10.9.0.1 }}; connect a -> x-{{m}} }}"
        )),
        FINE
    );
}

#[test]
fn ovl0203_instances_of_a_for_are_told_apart() {
    let (_, findings, _) =
        compile("for n in 1..3 {\nnetwork cell { interface eth{n}; prefix 10.0.{n}.0/24 }\n}\n");
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].primary.text, "declared again (n = 2)");
    assert_eq!(findings[0].secondary, []);
}

#[test]
fn ovl0206_a_text_that_doubles_with_each_let_ends() {
    let double: String = (1..60).map(|n| format!("let a{n} = \"{{a{}}}{{a{}}}\"\n", n - 1, n - 1)).collect();
    let (_, findings, _) =
        compile(&format!("let a0 = \"x\"\n{double}{A}{B}connect a -> b\nsite \"{{a59}}\"\n"));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        (findings[0].code.as_str(), findings[0].title.as_str()),
        ("OVL0206", "a text of more than 1000 bytes")
    );
    assert_eq!(found(&format!("site {}\n{A}{B}connect a -> b\n", "s".repeat(1_000_000))), ["OVL0206:1"]);
}

#[test]
fn a_long_word_of_the_user_does_not_hide_what_is_said_of_it() {
    let (_, findings, _) = compile(&format!("let x = {}\n{A}{B}connect a -> b\n", "-".repeat(1_000_000)));
    assert_eq!(findings[0].title, format!("unknown name `{}…`", "-".repeat(60)));
    let (_, findings, _) = compile(&format!("let x = {} + 1\n{A}{B}connect a -> b\n", "9".repeat(1_000_000)));
    assert_eq!(findings[0].title, format!("`{}…` is not an integer", "9".repeat(60)));
}

#[test]
fn ovl0214_a_size_without_its_word_gets_it() {
    let network = "network a { interface eth1; prefix 10.0.0.0/24; mss 1420 }\n";
    let (_, findings, _) = compile(network);
    assert_eq!((findings.len(), findings[0].code.as_str()), (1, "OVL0214"), "{findings:?}");
    assert_eq!(findings[0].fix.as_ref().map(|fix| fix.replacement.as_str()), Some("clamp 1420"));
}

#[test]
fn ovl0204_names_are_words() {
    assert_eq!(
        found(&format!("network {} {{ interface eth1; prefix 10.0.0.0/24 }}\n", "n".repeat(64))),
        ["OVL0204:1"]
    );
    assert_eq!(found("network \"a b\" { interface eth1; prefix 10.0.0.0/24 }\n"), ["OVL0204:1"]);
    assert_eq!(found("network _a { interface eth1; prefix 10.0.0.0/24 }\n"), ["OVL0204:1"]);
    assert_eq!(found("network 2_a-B { interface eth1; prefix 10.0.0.0/24 }\n"), ["OVL0212:1"]);
}

#[test]
fn ovl0205_values_are_of_the_kind_that_is_needed() {
    for statement in [
        "id 10.0.0.0",
        "id \"7\"",
        "address 192.168.1.1",
        "host h 192.168.1.0/24",
        "id 1 + 10.0.0.1",
        "id host(192.168.1.0/24, 1)",
        "prefix 7",
        "prefix 10.0.0/24",
        "route 10.7.0.0/16 via 7",
    ] {
        let found = in_network(&format!("{statement}\nprefix 192.168.1.0/24 as 10.1.1.0/24"));
        assert_eq!(found, ["OVL0205:3"], "{statement}");
    }
    assert_eq!(in_network("prefix 192.168.1.7 as 10.1.1.7"), FINE, "a bare address is a prefix of one");
    assert_eq!(in_network("prefix 192.168.1.0/24 as 10.1.1.0/24\nhost h 192.168.1.7/32"), FINE);
}

#[test]
fn ovl0206_arithmetic_is_checked() {
    for expr in
        ["1 / 0", "1 % 0", "1 - 2", "170141183460469231731687303715884105727 + 1", "18446744073709551616"]
    {
        assert_eq!(
            in_network(&format!("id {expr}\nprefix 192.168.1.0/24 as 10.1.1.0/24")),
            ["OVL0206:3"],
            "{expr}"
        );
    }
    let (.., site) = compile(&format!(
        "network c {{ interface eth3; prefix 10.3.0.0/16; id (2 + 3) * 4 % 7 - 1 - 6 / 3 }}\n{A}connect a -> c\n"
    ));
    assert_eq!(site.unwrap().site().networks[0].id.unwrap().value, 3);
}

#[test]
fn ovl0207_functions_stay_inside_their_prefix() {
    for call in [
        "subnet(10.64.0.0/16, 24, 256)",
        "subnet(10.64.0.0/16, 24, 0 - 1)",
        "subnet(10.64.0.0/16, 15, 0)",
        "subnet(10.64.0.0/16, 33, 0)",
        "subnet(10.64.0.0/16, 24)",
        "subnet(10.64.0.7/16, 24, 0)",
        "host(10.64.0.0/24, 256)",
        "sub(10.64.0.0/16, 24, 0)",
    ] {
        assert_eq!(in_network(&format!("prefix 192.168.1.0/24 as {call}")), ["OVL0207:3"], "{call}");
    }
}

#[test]
fn functions_count_from_zero_in_both_families() {
    let value = |expr: &str| {
        let source = format!("network a {{ interface eth1; prefix {expr} }}\n{B}connect a -> b\n");
        compile(&source).2.unwrap().site().networks[0].prefixes[0].real.value.to_string()
    };
    assert_eq!(value("subnet(10.64.0.0/16, 24, 17)"), "10.64.17.0/24");
    assert_eq!(value("subnet(10.64.0.0/16, 24, 255)"), "10.64.255.0/24");
    assert_eq!(value("subnet(10.64.0.0/16, 16, 0)"), "10.64.0.0/16");
    assert_eq!(value("host(10.64.0.0/24, 255)"), "10.64.0.255/32");
    assert_eq!(value("subnet(fd00::/48, 64, 65535)"), "fd00:0:0:ffff::/64");
    assert_eq!(value("host(fd00::/64, 0xffffffffffffffff)"), "fd00::ffff:ffff:ffff:ffff/128");
    assert_eq!(value("host(subnet(10.64.0.0/16, 30, 3), 2)"), "10.64.0.14/32");
}

#[test]
fn ovl0208_a_for_runs_over_something_and_not_too_much() {
    assert_eq!(
        found("for n in 2..1 { network a { interface eth1; prefix 10.0.0.0/24 } }\nconnect a -> b\n"),
        ["OVL0208:1"]
    );
    assert_eq!(found("for n in 1..1000001 { }\n"), ["OVL0208:1"]);
    assert_eq!(found("for n in 1..1000000 { }\n"), FINE);
    assert_eq!(found("for n in 1..2000 {\nfor m in 1..1000 { }\n}\n"), ["OVL0208:2"]);
    assert_eq!(found("for n in 3..3 { network a { interface eth1; prefix 10.0.0.0/24 } }\n"), ["OVL0212:1"]);
}

#[test]
fn ovl0209_a_pattern_matches_something() {
    assert_eq!(found(&format!("{A}{B}connect a -> b\nconnect a -> cell-*\n")), ["OVL0209:4"]);
    assert_eq!(found(&format!("{A}{B}connect a* -> *b\n")), FINE);
    // What the pattern means to match may be what did not parse.
    assert_eq!(found(&format!("{A}{B}netwrok cell-1 {{ }}\nconnect a -> cell-*\n")), ["OVL0103:3"]);
}

#[test]
fn ovl0210_some_statements_stand_once() {
    assert_eq!(in_network("interface eth9\nprefix 192.168.1.0/24 as 10.1.1.0/24"), ["OVL0210:3"]);
    assert_eq!(in_network("id 1\nid 2\nprefix 192.168.1.0/24 as 10.1.1.0/24"), ["OVL0210:4"]);
    assert_eq!(in_gateway("firewall nftables\nfirewall iptables"), ["OVL0210:3"]);
    assert_eq!(found(&format!("site x\nsite y\n{A}{B}connect a -> b\n")), ["OVL0210:2"]);
    assert_eq!(found(&format!("gateway {{ }}\ngateway {{ }}\n{A}{B}connect a -> b\n")), ["OVL0210:2"]);
    assert_eq!(in_gateway("address 10.9.0.1/24 on mgmt0\naddress 10.9.1.1/24 on mgmt0"), FINE);
}

#[test]
fn ovl0211_a_network_has_an_interface_and_a_prefix() {
    assert_eq!(found(&format!("{A}{B}network c {{ interface eth3 }}\nconnect a -> *\n")), ["OVL0211:3"]);
    assert_eq!(found(&format!("{A}{B}network c {{ prefix 10.3.0.0/16 }}\nconnect a -> *\n")), ["OVL0211:3"]);
    // It may be what could not be read.
    assert_eq!(
        found(&format!("{A}{B}network c {{\ninterfaec eth3\nprefix 10.3.0.0/16 }}\nconnect a -> *\n")),
        ["OVL0103:4"]
    );
}

#[test]
fn ovl0212_every_network_is_connected() {
    assert_eq!(
        found(&format!("{A}{B}network c {{ interface eth3; prefix 10.3.0.0/16 }}\nconnect a -> b\n")),
        ["OVL0212:3"]
    );
}

#[test]
fn ovl0213_every_let_is_used() {
    assert_eq!(found(&format!("let x = 1\nlet y = x\n{A}{B}connect a -> b\n")), ["OVL0213:2"]);
    assert_eq!(
        found(&format!(
            "let x = 1\n{A}network b {{ interface eth{{x}}0; prefix 10.3.0.0/16 }}\nconnect a -> b\n"
        )),
        FINE
    );
    assert_eq!(found(&format!("for n in 1..2 {{\nlet x = n\n}}\n{A}{B}connect a -> b\n")), ["OVL0213:2"]);
}

#[test]
fn ovl0214_choices_are_known() {
    assert_eq!(in_gateway("firewall nft"), ["OVL0214:2"]);
    assert_eq!(in_gateway("isolation namespaces"), ["OVL0214:2"]);
    assert_eq!(in_network("nodes natted\nprefix 192.168.1.0/24 as 10.1.1.0/24"), ["OVL0214:3"]);
    assert_eq!(in_gateway("firewall iptables\nisolation rules"), FINE);
}

#[test]
fn ovl0216_lets_do_not_need_each_other_in_a_circle() {
    assert_eq!(found("let x = x\n"), ["OVL0216:1"]);
    assert_eq!(found("let d = a\nlet a = b + 1\nlet b = 2 * c\nlet c = a\nlet e = d\n"), ["OVL0216:2"]);
    let (_, findings, _) = compile("let b = c\nlet c = a\nlet a = b\n");
    assert_eq!(findings[0].primary.text, "needs `c`");
    let others: Vec<&str> = findings[0].secondary.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(others, ["needs `a`", "needs `b`"]);
}

#[test]
fn a_chain_of_lets_may_be_as_long_as_the_file() {
    let mut source: String = (0..50_000).map(|n| format!("let v{n} = v{} + 1\n", n + 1)).collect();
    source.push_str(&format!("let v50000 = 1\n{A}{B}connect a -> b\nfor n in v0..v0 {{ }}\n"));
    assert_eq!(found(&source), FINE);
}

#[test]
fn ovl0408_a_connect_adds_something() {
    assert_eq!(found(&format!("{A}{B}connect a -> b\nconnect a -> b\n")), ["OVL0408:4"]);
    assert_eq!(found(&format!("{A}{B}connect a <-> b\nconnect b -> a\n")), ["OVL0408:4"]);
    assert_eq!(found(&format!("{A}{B}connect a -> b\nconnect * <-> *\n")), ["OVL0408:3"]);
    assert_eq!(found(&format!("{A}{B}connect a -> b\nconnect b -> a\n")), FINE);
    // Patterns may share a pair as long as each adds one.
    let c = "network c { interface eth3; prefix 10.3.0.0/16 }\n";
    assert_eq!(found(&format!("{A}{B}{c}connect a -> *\nconnect * -> b\n")), FINE);
    assert_eq!(found(&format!("{A}{B}{c}connect * <-> *\n")), FINE);
}

#[test]
fn ovl0409_a_network_is_not_connected_to_itself() {
    assert_eq!(found(&format!("{A}{B}connect a -> b\nconnect a -> a\n")), ["OVL0409:4"]);
    let (.., site) = compile(&format!("{A}{B}connect * -> *\n"));
    let pairs: Vec<(usize, usize)> =
        site.unwrap().site().peerings.iter().map(|it| (it.from.0, it.to.0)).collect();
    assert_eq!(pairs, [(0, 1), (1, 0)]);
}

#[test]
fn both_arrows_make_two_peerings_in_source_order() {
    let c = "network c { interface eth3; prefix 10.3.0.0/16 }\n";
    let (.., site) = compile(&format!("{A}{B}{c}connect c <-> *\nconnect b -> a\n"));
    let pairs: Vec<(usize, usize)> =
        site.unwrap().site().peerings.iter().map(|it| (it.from.0, it.to.0)).collect();
    assert_eq!(pairs, [(2, 0), (0, 2), (2, 1), (1, 2), (1, 0)]);
}
