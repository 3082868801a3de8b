//! One mistake is one finding, and what is suggested is right for every instance of a `for`.
//!
//! Goes in: sites with one mistake that could be seen in many places. Comes out: their codes and lines, and the
//! help. What is suggested is put in and tried.

use overlapc::diag::Diagnostic;

use super::{A, B, compile, found};

/// The only finding of a site.
fn only(source: &str) -> Diagnostic {
    let (_, findings, _) = compile(source);
    let [finding] = findings.as_slice() else { panic!("not one finding: {findings:#?}") };
    finding.clone()
}

/// The site with the fix of its only finding.
fn fixed(source: &str) -> String {
    let fix = only(source).fix.expect("a fix");
    let (start, end) = (fix.span.start as usize, fix.span.end as usize);
    format!("{}{}{}", &source[..start], fix.replacement, &source[end..])
}

/// The first text in backticks of a help that begins so.
fn suggested(finding: &Diagnostic, begin: &str) -> String {
    let help = finding.help.clone().unwrap_or_default();
    assert!(help.starts_with(begin), "{help}");
    help.rsplit('`').nth(1).unwrap_or_default().to_owned()
}

/// Three equal cells, seen by an office.
fn cells(lines: &str) -> String {
    format!(
        "for n in 1..3 {{ network cell-{{n}} {{ interface c{{n}}; {lines} }} }}\n\
         network office {{ interface eth0; prefix 10.9.0.0/16 }}\nconnect office -> cell-*\n"
    )
}

const ALIASES: &str = "prefix 192.168.0.0/24 as 10.8.{n}.0/24";

#[test]
fn an_interpolated_name_is_mended_in_its_own_text() {
    let site = format!("{}for m in 1..3 {{ connect cel-{{m}} -> office }}\n", cells(ALIASES));
    assert_eq!(found(&fixed(&site)), [""; 0]);
    assert!(fixed(&site).contains("connect cell-{m} -> office"));
    let behind = cells(ALIASES).replace("cell-{n}", "x{n}-cell").replace("cell-*", "x*");
    let site = format!("{behind}for m in 1..3 {{ connect x{{m}}-cel -> office }}\n");
    assert_eq!(found(&fixed(&site)), [""; 0]);
    let host = cells(&format!("{ALIASES}; host plc-{{n}} 192.168.0.7"));
    let site =
        format!("{host}for m in 1..3 {{ connect cell-{{m}} -> office {{ allow from \"pcl-{{m}}\" }} }}\n");
    let finding = only(&site);
    assert_eq!((finding.help.as_deref(), finding.fix), (Some("did you mean `plc-1`?"), None));
}

#[test]
fn a_name_with_another_number_is_not_meant() {
    assert_eq!(only(&format!("{}connect cell-4 -> office\n", cells(ALIASES))).help, None);
}

#[test]
fn a_declaration_that_is_missing_is_told_once() {
    let site = "network a { interface eth1; prefix POOL as subnet(POOL, 24, 1); id POOL }\n";
    assert_eq!(found(&format!("{site}{B}connect a -> b\n")), ["OVL0201:1"]);
    let site = format!("{A}{B}connect a -> office\nconnect office -> b\nconnect a -> b\n");
    assert_eq!(found(&site), ["OVL0202:3"]);
    // Two misspelt names are two mistakes, with a fix each.
    let site = cells(ALIASES) + "connect cell-1 -> ofice\nconnect cell-2 -> ofice\n";
    assert_eq!(found(&site), ["OVL0202:4", "OVL0202:5"]);
}

#[test]
fn aliases_suggested_in_a_for_are_free_for_each_number() {
    for wrong in ["subnet(10.9.0.0/16, 24, n)", "10.8.0.0/24", "subnet(10.8.0.0/16, 24, n / 2)"] {
        let site = cells(&format!("prefix 192.168.0.0/24 as {wrong}"));
        let alias = suggested(&only(&site), "use other aliases, like ");
        assert_eq!(found(&site.replace(wrong, &alias)), [""; 0], "{alias}");
    }
    let site = cells("prefix 192.168.0.0/24");
    let alias = suggested(&only(&site), "give each an alias, like ");
    assert_eq!(found(&site.replace("0.0/24", &format!("0.0/24 {alias}"))), [""; 0], "{alias}");
    // Of two variables no formula of one is right.
    let site = "for m in 1..2 { for n in 1..2 { network c-{m}-{n} { interface c{m}-{n}; prefix 10.0.0.0/24 } } }\n\
                connect c-1-* -> c-2-*\n";
    assert_eq!(suggested(&only(site), "give each an alias"), "as subnet(POOL, 24, INDEX)");
}

#[test]
fn ids_suggested_in_a_for_are_free_for_each_number() {
    for wrong in ["7", "250 + n"] {
        let site = cells(&format!("id {wrong}; {ALIASES}")).replace("eth0;", "eth0; id 302;");
        let id = suggested(&only(&site), "leave `id` out, ");
        assert_eq!(found(&site.replace(&format!("id {wrong}"), &format!("id {id}"))), [""; 0], "{id}");
    }
    let high = |id: &str| {
        cells(&format!("id {id}; {ALIASES}"))
            .replace("1..3", "501..503")
            .replace("10.8.{n}", "10.8.{n - 500}")
    };
    assert_eq!(suggested(&only(&high("9")), "leave `id` out, "), "n");
    assert_eq!(found(&high("n")), [""; 0]);
    let finding = only(&cells(&format!("id 65533 + n; {ALIASES}")));
    assert_eq!(finding.code.as_str(), "OVL0402");
}

#[test]
fn ids_out_of_range_say_nothing_of_mark_bits() {
    let site = format!("gateway {{ marks 0xff }}\n{}", cells(&format!("id 65533 + n; {ALIASES}")));
    assert_eq!(found(&site), ["OVL0402:2"]);
}

#[test]
fn a_formula_is_one_mistake_whatever_its_values_meet() {
    // On the office's link for one number, over its hosts for the next.
    let office = "interface eth0; address 10.9.1.1/24; prefix 10.9.1.0/24; prefix 10.9.2.0/24";
    let site = cells("prefix 192.168.0.0/24 as subnet(10.9.0.0/16, 24, n)")
        .replace("interface eth0; prefix 10.9.0.0/16", &format!("{office}; route 10.9.2.0/23 via 10.9.1.9"));
    assert_eq!(found(&site).len(), 1, "{:?}", found(&site));
    assert_eq!(found(&cells(&format!("id 10 / (n - 1) - 5; {ALIASES}"))), ["OVL0206:1"]);
    let swapped = cells("prefix 192.168.0.0/24 as subnet(10.0.0.0/8, n, 24)");
    let finding = only(&swapped);
    assert_eq!(suggested(&finding, "the length stands before the index"), "subnet(pool, length, index)");
}

#[test]
fn a_wrong_prefix_or_address_of_the_gateway_is_told_once() {
    let site = |address: &str| {
        format!(
            "network a {{\ninterface eth1\naddress {address}\nprefix 192.168.1.0/24 as 10.1.1.0/24\n\
             route 192.168.1.128/25 via 192.168.1.9\nhost h 192.168.1.7\n}}\n{B}connect a -> b\n"
        )
    };
    assert_eq!(found(&site("192.168.1.1/24")), [""; 0]);
    assert_eq!(found(&site("192.168.3.1/24")), ["OVL0314:3"]);
    assert_eq!(found(&site("10.1.2.1/24")), ["OVL0314:3"], "also on the link of an alias");
    let prefix = site("192.168.1.1/24").replace("prefix 192.168.1.0/24", "prefix 192.168.4.0/24");
    assert_eq!(found(&prefix), ["OVL0314:3"], "the hosts beside the gateway's address");
}

#[test]
fn an_interpolation_apart_from_its_word_is_told_once_with_the_blank() {
    let site = cells(ALIASES).replace("network cell-{n}", "network cell- {n}");
    assert_eq!(found(&fixed(&site)), [""; 0]);
    let site = format!("{}for m in 1..3 {{ connect cell- {{m}} -> office }}\n", cells(ALIASES));
    assert_eq!(found(&site), ["OVL0101:4"]);
}

#[test]
fn what_a_for_says_again_is_not_to_be_removed_for_all_its_numbers() {
    let help = |site: &str| only(site).help.unwrap_or_default();
    let cells = cells(ALIASES);
    assert_eq!(help(&format!("{cells}connect office -> cell-2\n")), "remove one of the two");
    let with = |lines: &str| format!("{}{lines}", cells.replace("connect office -> cell-*\n", ""));
    let again = "for m in 1..3 { connect office -> cell-{m} }\n";
    assert_eq!(help(&with(&format!("{again}connect office -> cell-2\n"))), "remove this one");
    assert_eq!(
        help(&with(&format!("connect office -> cell-2\n{again}"))),
        "remove the other one, or let the `for` leave this pair out"
    );
    assert_eq!(help(&with(&format!("{again}{again}"))), "let one of the two leave this pair out");
    assert_eq!(help(&with("for m in 1..2 { connect office -> cell-* }\n")), "move it out of the `for`");
    assert_eq!(
        help(&with("connect office -> cell-1\nfor m in 1..2 { connect cell-{m + 1} <-> cell-{4 - m} }\n"))
            .split(' ')
            .next(),
        Some("let")
    );
}

#[test]
fn what_is_free_is_told_beside_mistakes_of_other_statements() {
    let help = |more: &str| {
        let site = format!("{A}{}{more}", B.replace("10.1.2.0", "10.1.1.0"));
        let (_, findings, _) = compile(&site);
        findings.iter().find_map(|it| it.help.clone().filter(|help| help.starts_with("use another")))
    };
    let free = Some(String::from("use another alias, `10.1.2.0/24` is free"));
    assert_eq!(help("connect a -> c\nconnect a -> b\n"), free);
    assert_eq!(help("connect a -> b { allow to nobody }\n"), free);
    // What could not be read may have it.
    let taken = Some(String::from("use another alias"));
    assert_eq!(help("connect a -> b\nnetwork c { interface eth3; prefix POOL }\n"), taken);
    assert_eq!(help("connect a -> b\ngateway { address POOL on eth9 }\n"), taken);
    assert_eq!(
        help("connect a -> b\nfor n in 3..1 { network c{n} { interface e; prefix 10.1.2.0/24 } }\n"),
        taken
    );
}
