//! Random small sites with aliases for certain viewers, against a model of a few lines: what a number
//! means to whom, and that no two flows of different hosts share a zone and a key.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;
use overlapc::check::CheckedSite;
use overlapc::diag::Diagnostics;
use overlapc::plan::{CaseZone, Owner, Plan, lower};
use overlapc::source::SourceMap;
use overlapc::syntax::parse_site;
use overlapc::{check, net, resolve};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::codes::OneFile;

/// `prefix real as ..., alias for n0, alias for n*`: whom an alias is for, or all others.
#[derive(Clone, Debug)]
struct Prefix {
    real: &'static str,
    aliases: Vec<(IpNet, Option<usize>)>,
}

#[derive(Clone, Debug)]
struct Network {
    id: u16,
    prefixes: Vec<Prefix>,
    masqueraded: bool,
}

#[derive(Clone, Debug)]
pub struct Site {
    networks: Vec<Network>,
    peerings: Vec<(usize, usize)>,
}

impl Site {
    fn sees(&self, viewer: usize, seen: usize) -> bool {
        let peered = self.peerings.iter().any(|(a, b)| [(*a, *b), (*b, *a)].contains(&(viewer, seen)));
        peered && !self.networks[viewer].masqueraded
    }

    /// What a viewer calls a host; the narrowest prefix counts.
    fn alias(&self, owner: usize, viewer: usize, host: IpAddr) -> Option<IpAddr> {
        let holding = self.networks[owner].prefixes.iter().filter(|it| parse(it.real).contains(&host));
        let prefix = holding.max_by_key(|it| parse(it.real).prefix_len())?;
        if prefix.aliases.is_empty() {
            return Some(host);
        }
        let for_viewer = prefix.aliases.iter().find(|(_, whom)| *whom == Some(viewer));
        let (alias, _) = for_viewer.or_else(|| prefix.aliases.iter().find(|(_, whom)| whom.is_none()))?;
        Some(net::mapped(&net::single(host), &parse(prefix.real), alias)?.addr())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (n, network) in self.networks.iter().enumerate() {
            writeln!(text, "network n{n} {{\nid {}\ninterface eth{n}", network.id).unwrap();
            if network.masqueraded {
                let link = network.prefixes[0].real.replace(".0/", ".2/");
                writeln!(text, "address {link}\nnodes masqueraded").unwrap();
            }
            for prefix in &network.prefixes {
                write!(text, "prefix {}", prefix.real).unwrap();
                for (place, (alias, whom)) in prefix.aliases.iter().enumerate() {
                    let joint = if place == 0 { " as" } else { "," };
                    let whom = whom.map(|whom| format!(" for n{whom}")).unwrap_or_default();
                    write!(text, "{joint} {alias}{whom}").unwrap();
                }
                text.push('\n');
            }
            text.push_str("}\n");
        }
        for (a, b) in &self.peerings {
            writeln!(text, "connect n{a} -> n{b}").unwrap();
        }
        text
    }

    fn plan(&self) -> Option<Plan> {
        self.checked().map(|(_, plan)| plan)
    }

    /// The site as it is compiled, if nothing is wrong with it.
    pub fn checked(&self) -> Option<(CheckedSite, Plan)> {
        let mut sources = SourceMap::default();
        let mut findings = Diagnostics::default();
        let root = sources.add("site.ovl", self.text());
        let file = parse_site(&mut sources, root, &OneFile, &mut findings);
        let site = resolve::resolve(&file, &mut findings).unwrap();
        let checked = check::check(site, &mut findings)?;
        let plan = lower(&checked);
        Some((checked, plan))
    }
}

fn parse(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// Hosts that stand for all others: both ends of every piece there can be.
const HOSTS: [&str; 5] = ["192.168.0.1", "192.168.0.63", "192.168.0.64", "192.168.0.127", "192.168.1.1"];

fn network(n: usize, count: usize) -> impl Strategy<Value = Network> {
    let pool = |length: u8| {
        (0..3_u8, 0..4_u8).prop_map(move |(third, fourth)| {
            let fourth = if length == 24 { 0 } else { fourth * 64 };
            IpNet::new(IpAddr::from([10, 9, third, fourth]), length).unwrap()
        })
    };
    let aliases = move |length: u8, own: String| {
        let own = own.parse::<IpNet>().unwrap();
        let common = proptest::option::weighted(0.8, Just((own, None)));
        let others = prop::collection::vec((pool(length), (0..count).prop_map(Some)), 0..3);
        (common, others).prop_map(move |(common, mut others)| {
            others.retain(|(_, whom)| *whom != Some(n));
            others.sort_by_key(|(_, whom)| *whom);
            others.dedup_by_key(|(_, whom)| *whom);
            common.into_iter().chain(others).collect::<Vec<_>>()
        })
    };
    let wide = prop_oneof![4 => Just("192.168.0.0/24"), 1 => Just("192.168.1.0/24")];
    let narrow = proptest::option::weighted(0.4, aliases(26, format!("10.2.{n}.64/26")));
    (1..9_u16, wide, aliases(24, format!("10.1.{n}.0/24")), narrow, prop::bool::weighted(0.1)).prop_map(
        |(id, real, aliases, narrow, masqueraded)| {
            let mut prefixes = vec![Prefix { real, aliases }];
            if let (Some(aliases), "192.168.0.0/24") = (narrow, real) {
                prefixes.push(Prefix { real: "192.168.0.64/26", aliases });
            }
            Network { id, prefixes, masqueraded }
        },
    )
}

pub fn site() -> impl Strategy<Value = Site> {
    (3..7_usize).prop_flat_map(|count| {
        let networks: Vec<_> = (0..count).map(|n| network(n, count)).collect();
        let pairs = prop::collection::vec((0..count, 0..count), 2..7);
        (networks, pairs, any::<bool>()).prop_map(|(mut networks, mut peerings, paired)| {
            peerings.retain(|(a, b)| a != b);
            if paired {
                // Each second one is known to the one before it by the same number.
                peerings.truncate(2);
                for n in (1..networks.len()).step_by(2) {
                    peerings.push((n - 1, n));
                    let aliases = &mut networks[n].prefixes[0].aliases;
                    aliases.retain(|(_, whom)| whom.is_none());
                    aliases.push((parse("10.9.0.0/24"), Some(n - 1)));
                }
            }
            for pair in &mut peerings {
                // Nobody else opens connections here.
                if networks[pair.0].masqueraded {
                    *pair = (pair.1, pair.0);
                }
            }
            for n in 1..networks.len() {
                let taken: Vec<u16> = networks[..n].iter().map(|it| it.id).collect();
                networks[n].id = (networks[n].id..).find(|id| !taken.contains(id)).unwrap();
            }
            Site { networks, peerings }
        })
    })
}

/// Whom the plan means by a number, and the zone of the first packet to it: of both directions, or of
/// this one.
pub fn dispatched(plan: &Plan, viewer: usize, number: IpAddr) -> Option<(usize, Option<CaseZone>)> {
    let mut found = plan.destinations.iter().filter(|it| it.alias.contains(&number));
    let destination = found.next()?;
    assert!(found.next().is_none(), "destinations are disjoint");
    let (to, zone) = match destination.owner {
        Owner::Network(to) => (Some(to), None),
        Owner::Shared(n) => {
            let shared = &plan.shared[n];
            let mut cases = shared.cases.iter().filter(|case| case.from == viewer);
            let case = cases.next();
            assert!(cases.next().is_none(), "no sender has two cases");
            case.map_or((shared.otherwise, None), |case| (case.to, case.zone))
        }
    };
    let to = to?;
    let marked = plan.networks[viewer].id ^ plan.networks[to].id;
    let by_mark = plan.zones.iter().any(|zone| zone.by_mark && zone.number == marked);
    Some((to, zone.or(by_mark.then_some(CaseZone::Pair(marked)))))
}

pub fn translated(mappings: &[overlapc::plan::Mapping], inward: bool, address: IpAddr) -> Option<IpAddr> {
    let columns =
        |it: &overlapc::plan::Mapping| if inward { (it.alias, it.real) } else { (it.real, it.alias) };
    let (from, to) = mappings.iter().map(columns).find(|(from, _)| from.contains(&address))?;
    Some(net::mapped(&net::single(address), &from, &to)?.addr())
}

type End = (usize, IpAddr);

/// Every packet of every flow is where it should be, and no two flows have one key in one zone.
/// Gives the number of pairs whose zone is not that of their marks.
fn check_flows(site: &Site, plan: &Plan) -> usize {
    let mut keys: HashMap<(u16, IpAddr, IpAddr), [End; 2]> = HashMap::new();
    let count = site.networks.len();
    let hosts = |network: usize| {
        let all = HOSTS.into_iter().map(|host| host.parse::<IpAddr>().unwrap());
        all.filter(move |host| site.networks[network].prefixes.iter().any(|it| parse(it.real).contains(host)))
    };
    for (from, to) in (0..count).flat_map(|a| (0..count).map(move |b| (a, b))) {
        if !site.sees(from, to) {
            continue;
        }
        for (a, b) in hosts(from).flat_map(|a| hosts(to).map(move |b| (a, b))) {
            let called = site.alias(to, from, b).expect("whoever sees a network knows its hosts");
            let (found, zone) = dispatched(plan, from, called).expect("it is known");
            assert_eq!(found, to, "{called} from n{from}");
            assert_eq!(translated(&plan.networks[to].inward(), true, called), Some(b));
            assert!(plan.known_to(to, from).any(|(net, _)| net.contains(&called)));
            if let Some(masquerade) = &plan.networks[to].masquerade {
                assert_eq!(plan.moved_zones.get(&(from.min(to), from.max(to))), None);
                // Its own chain sets the zone, and answers are told apart there.
                let zone = if masquerade.apart.contains(&from) { 0 } else { plan.networks[to].own_zone };
                let flow = [(from, a), (to, b)];
                assert_eq!(
                    *keys.entry((zone, a, called)).or_insert(flow),
                    flow,
                    "{a} to {called} in zone {zone}"
                );
                continue;
            }
            let back = site.alias(from, to, a).expect("both see each other");
            let source: Vec<_> = plan.mappings_to(from, to).cloned().collect();
            assert_eq!(translated(&source, false, a), Some(back));
            let answer = dispatched(plan, to, back).expect("answers find their way");
            assert_eq!(answer.0, from);
            let mut flow = [(from, a), (to, b)];
            flow.sort();
            let key = match (zone.expect("a peered pair has a zone"), answer.1) {
                (CaseZone::Pair(zone), Some(CaseZone::Pair(same))) if same == zone => zone,
                (CaseZone::Sender(zone), Some(CaseZone::Sender(_))) => {
                    // Its own two directions meet in zone 0; that is what the warning is about.
                    let pair = [(from.min(to), called), (from.max(to), called)];
                    assert_eq!(*keys.entry((0, a, called)).or_insert(pair), pair, "in zone 0");
                    zone
                }
                zones => panic!("{zones:?} of n{from} and n{to}"),
            };
            let other = *keys.entry((key, a, called)).or_insert(flow);
            assert_eq!(other, flow, "{a} to {called} in zone {key}");
        }
    }
    // What means nobody that it sees leads no viewer to anybody that it is connected to.
    for (viewer, owner) in (0..count).flat_map(|a| (0..count).map(move |b| (a, b))) {
        for other in 0..count {
            for number in hosts(owner).filter_map(|host| site.alias(owner, other, host)) {
                let meant = (0..count)
                    .filter(|n| site.sees(viewer, *n))
                    .filter(|n| hosts(*n).any(|host| site.alias(*n, viewer, host) == Some(number)));
                let meant: Vec<usize> = meant.collect();
                assert!(meant.len() < 2, "{number} means {meant:?} to n{viewer}");
                if let (Some((found, _)), true) = (dispatched(plan, viewer, number), meant.is_empty()) {
                    // A host that is not there may lie in a prefix that is.
                    let seen = site.sees(viewer, found);
                    let known = plan.mappings_to(found, viewer).any(|it| it.alias.contains(&number));
                    assert!(!seen || known, "{number} leads n{viewer} to n{found}");
                }
            }
        }
    }
    plan.moved_zones.len()
}

#[test]
fn no_two_flows_share_a_zone_and_a_key() {
    let mut runner = TestRunner::new(Config { cases: 1500, failure_persistence: None, ..Config::default() });
    let seen = std::cell::Cell::new((0, 0, 0));
    let result = runner.run(&site(), |site| {
        if let Some(plan) = site.plan() {
            let moved = check_flows(&site, &plan);
            let shared = usize::from(!plan.shared.is_empty());
            let (all, with_cases, with_moved) = seen.get();
            seen.set((all + 1, with_cases + shared, with_moved + usize::from(moved > 0)));
        }
        Ok(())
    });
    let (all, with_cases, with_moved) = seen.get();
    println!(
        "{all} sites, {with_cases} with numbers that depend on the viewer, {with_moved} with other zones"
    );
    if let Err(wrong) = result {
        panic!("{wrong}");
    }
    assert!(all > 300 && with_cases > 100 && with_moved > 5, "too few sites say something");
}
