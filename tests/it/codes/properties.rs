//! Random small sites against the definition: an alias finding is made if and only if some pair of
//! numbers is in doubt, found by comparing all with all.

use std::fmt::Write;

use ipnet::IpNet;
use overlapc::check::CheckedSite;
use overlapc::net::overlap;
use proptest::prelude::*;

use super::compile;

/// One network: a link, a real prefix and an alias, out of few choices so that they often collide.
#[derive(Clone, Debug)]
struct Network {
    link: Option<&'static str>,
    real: IpNet,
    alias: Option<IpNet>,
}

#[derive(Clone, Debug)]
struct Site {
    networks: Vec<Network>,
    /// Pairs of places in `networks`.
    peerings: Vec<(usize, usize)>,
    outside: bool,
}

fn network() -> impl Strategy<Value = Network> {
    let corner = prop_oneof![
        Just("10.0.0.0"),
        Just("10.0.4.0"),
        Just("10.0.8.0"),
        Just("10.0.12.0"),
        Just("10.9.0.0")
    ];
    let link = prop_oneof![3 => Just(None), 1 => Just(Some("10.0.4.1/22")), 1 => Just(Some("10.0.0.1/20"))];
    (link, corner.clone(), proptest::option::weighted(0.7, corner), 20_u8..=24).prop_map(
        |(link, real, alias, length)| {
            let net = |text: &str| IpNet::new(text.parse().unwrap(), length).unwrap().trunc();
            Network { link, real: net(real), alias: alias.map(net) }
        },
    )
}

fn site() -> impl Strategy<Value = Site> {
    prop::collection::vec(network(), 2..5).prop_flat_map(|networks| {
        let one = 0..networks.len();
        let pairs = prop::collection::vec((one.clone(), one), 1..5);
        (Just(networks), pairs, prop::bool::weighted(0.1)).prop_map(|(networks, mut peerings, outside)| {
            peerings.retain(|(a, b)| a != b);
            peerings.sort_unstable();
            peerings.dedup();
            Site { networks, peerings, outside }
        })
    })
}

fn text(site: &Site) -> String {
    let mut text = String::new();
    if site.outside {
        text.push_str("gateway { address 10.9.0.9/24 on mgmt0 }\n");
    }
    for (n, network) in site.networks.iter().enumerate() {
        let link = network.link.map(|link| format!("address {link};")).unwrap_or_default();
        let alias = network.alias.map(|alias| format!("as {alias}")).unwrap_or_default();
        writeln!(text, "network n{n} {{ interface eth{n}; {link} prefix {} {alias} }}", network.real)
            .unwrap();
    }
    for (a, b) in &site.peerings {
        writeln!(text, "connect n{a} -> n{b}").unwrap();
    }
    text
}

/// Whether some number is in doubt, by the definition.
fn in_doubt(site: &Site) -> bool {
    let sees = |a: usize, b: usize| site.peerings.contains(&(a, b)) || site.peerings.contains(&(b, a));
    let count = site.networks.len();
    let takes_part = |n: usize| (0..count).any(|other| sees(n, other));
    // An alias that is the real prefix says nothing.
    let alias = |n: usize| site.networks[n].alias.filter(|alias| *alias != site.networks[n].real);
    let known = |n: usize| alias(n).unwrap_or(site.networks[n].real);
    // An address outside of its network has a finding of its own, and its link means nothing.
    let link = |n: usize| {
        let link = site.networks[n].link.map(|link| link.parse::<IpNet>().unwrap());
        link.filter(|link| site.networks[n].real.contains(&link.addr()))
    };
    let counts = |n: usize| alias(n).is_some() || takes_part(n);
    for a in (0..count).filter(|n| counts(*n)) {
        let outside = "10.9.0.0/24".parse().unwrap();
        if site.outside && overlap(&known(a), &outside) {
            return true;
        }
        if alias(a).is_some_and(|alias| overlap(&alias, &site.networks[a].real)) {
            return true;
        }
        if alias(a).is_some_and(|alias| link(a).is_some_and(|link| overlap(&alias, &link))) {
            return true;
        }
        for b in (0..count).filter(|b| *b != a) {
            if sees(a, b) {
                let shows = |net: &IpNet| overlap(&known(a), net);
                // What b is known by is compared below; what it has is compared here.
                if alias(b).is_some() && shows(&site.networks[b].real)
                    || link(b).is_some_and(|link| shows(&link))
                {
                    return true;
                }
            }
            if alias(a).is_some() && link(b).is_some_and(|link| known(a).contains(&link.addr())) {
                return true;
            }
            if counts(b) && overlap(&known(a), &known(b)) {
                let shared = alias(a).is_some() && alias(a) == alias(b) && sees(a, b);
                if !shared || (0..count).any(|third| sees(a, third) && sees(b, third)) {
                    return true;
                }
            }
        }
    }
    false
}

fn checked(site: &Site) -> (Vec<&'static str>, Option<CheckedSite>) {
    let (_, findings, checked) = compile(&text(site));
    let codes = findings.iter().map(|finding| finding.code.as_str());
    // An address elsewhere and the like are not what this is about.
    (codes.filter(|code| ("OVL0304".."OVL0310").contains(code) && *code != "OVL0308").collect(), checked)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_doubt_about_numbers_is_found_if_and_only_if_there_is_one(site in site()) {
        let (codes, _) = checked(&site);
        prop_assert_eq!(!codes.is_empty(), in_doubt(&site), "{:?}\n{}", codes, text(&site));
    }
}
