//! The rulesets for iptables-restore(8) and ip6tables-restore(8), with `--noflush`.
//!
//! The same plan as the nft ruleset, in chains of our own (`ovl-...`) in three tables. iptables has
//! no maps, so every dispatch is a [`tree`]: a packet compares a few entries, however many networks
//! there are. A jump (`-j`) comes back, a goto (`-g`) does not, and so a chain entered by jump is
//! left as soon as the end of whatever it went to is reached.
//!
//! Translation is refused, and the destination cleared, for pairs that no `connect` allows; the
//! filter table drops them again. Flushing any one table therefore lets nothing through.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::Serialize;

use super::provenance::Places;
use super::template;
use super::text::{Block, line};
use crate::net::{self, Family};
use crate::plan::tree::{self, Bits, LEAF, Name, Next, Tree};
use crate::plan::{MarkField, Owner, Plan};

/// What `templates/iptables/rules.j2` takes: for each table its chains and its rules.
#[derive(Serialize)]
struct RulesView {
    header: String,
    command: &'static str,
    file: &'static str,
    destination: String,
    source: String,
    pair: String,
    /// The bit of the connection's mark that says that it went through the nat table.
    translated: String,
    raw_chains: String,
    raw_rules: String,
    nat_chains: String,
    nat_rules: String,
    filter_chains: String,
    filter_rules: String,
}

/// A table's own chains and their rules.
#[derive(Default)]
pub(super) struct Chains {
    names: Block,
    rules: Block,
}

impl Chains {
    /// Declares a chain.
    pub(super) fn open(&mut self, name: &str) {
        line!(self.names, ":{name} - [0:0]");
    }

    /// The declarations and the rules.
    pub(super) fn finish(self) -> (String, String) {
        (self.names.finish(), self.rules.finish())
    }
}

/// Adds a rule to [`Chains`].
macro_rules! rule {
    ($chains:expr, $($arguments:tt)*) => { line!($chains.rules, $($arguments)*) };
}

/// Lays the ruleset of one family out.
pub(super) fn emit(plan: &Plan, places: &Places<'_>, family: Family) -> String {
    let (raw_chains, raw_rules) = raw(plan, places, family).finish();
    let (nat_chains, nat_rules) = nat(plan, places, family).finish();
    let (filter_chains, filter_rules) = filter(plan, places).finish();
    let (destination, source) = (plan.marks.destination.mask(), plan.marks.source.mask());
    let (command, file) = match family {
        Family::V4 => ("iptables-restore", "rules.v4"),
        Family::V6 => ("ip6tables-restore", "rules.v6"),
    };
    template::render(
        "iptables/rules.j2",
        RulesView {
            header: places.header(&plan.site),
            command,
            file,
            destination: hex(destination),
            source: hex(source),
            pair: hex(destination | source),
            translated: hex(translated(plan.marks.destination)),
            raw_chains,
            raw_rules,
            nat_chains,
            nat_rules,
            filter_chains,
            filter_rules,
        },
    )
}

/// The bit of a connection's mark that the nat table sets: without it nothing is forwarded, so that a
/// flushed nat table does not let untranslated packets out to networks known as themselves.
const fn translated(destination: MarkField) -> u32 {
    1 << destination.shift
}

/// Marks and zones.
fn raw(plan: &Plan, places: &Places<'_>, family: Family) -> Chains {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let mut chains = Chains::default();
    let from: Vec<(&str, String)> =
        plan.networks.iter().map(|n| (n.interface.as_str(), format!("-g ovl-from-{}", n.id))).collect();
    by_device(&mut chains, "ovl-raw", 'i', from);
    let own: Vec<(&str, String)> = plan
        .networks
        .iter()
        .flat_map(|n| {
            let zone = format!("-j CT --zone {}", n.id);
            std::iter::once((n.interface.as_str(), zone.clone()))
                .chain(n.vrf.as_deref().map(|vrf| (vrf, zone)))
        })
        .collect();
    by_device(&mut chains, "ovl-out", 'o', own);

    let known: Vec<(IpNet, String)> = plan
        .destinations
        .iter()
        .filter(|destination| net::family(&destination.alias) == family)
        .map(|destination| match destination.owner {
            Owner::Network(n) => (destination.alias, format!("-g ovl-to-{}", plan.networks[n].id)),
            Owner::Shared(n) => (destination.alias, format!("-g {}", shared_chain(plan, n))),
        })
        .collect();
    by_destination(&mut chains, "ovl-dest", family, known);
    chains.open("ovl-errors");
    let errors: &[&str] = match family {
        Family::V4 => &["destination-unreachable", "time-exceeded", "parameter-problem"],
        Family::V6 => &["destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem"],
    };
    let (protocol, option) = match family {
        Family::V4 => ("icmp", "--icmp-type"),
        Family::V6 => ("ipv6-icmp", "--icmpv6-type"),
    };
    for kind in errors {
        rule!(
            chains,
            "-A ovl-errors -p {protocol} {option} {kind} -m comment --comment \"errors from routers\" -g ovl-dest"
        );
    }

    // Not `CT --zone mark`: that is evaluated when conntrack runs, after the last rule of this table
    // has put the destination's id where the zone was.
    let zones = plan.zones.iter().map(|zone| (*zone, format!("-j CT --zone {zone}"))).collect();
    by_mark(&mut chains, "ovl-zone", "z", destination, zones);

    for network in &plan.networks {
        let (id, name, place) = (network.id, &network.name, places.at(network.span));
        let own = hex(destination.value(id));
        chains.open(&format!("ovl-from-{id}"));
        chains.open(&format!("ovl-to-{id}"));
        let from = format!("-A ovl-from-{id} -m comment --comment \"{place}");
        let (both, mask) = (source.value(id) | destination.value(id), destination.mask() | source.mask());
        rule!(chains, "{from} from {name}\" -j MARK --set-xmark {}/{}", hex(both), hex(mask));
        for admitted in network.admitted.iter().filter(|admitted| net::family(&admitted.real) == family) {
            let (hosts, place) = (admitted.real, places.at(admitted.span));
            rule!(chains, "-A ovl-from-{id} -s {hosts} -m comment --comment \"{place} hosts\" -j ovl-dest");
        }
        // Whoever has a destination by now has been here already.
        let here = format!("-p {protocol} -m mark --mark {own}/{}", hex(destination.mask()));
        rule!(chains, "-A ovl-from-{id} {here} -m comment --comment \"{place} routers\" -j ovl-errors");
        rule!(chains, "{from} pair\" -j ovl-zone");
        rule!(chains, "{from} not {name}\" -j MARK --xor-mark {own}");
        rule!(chains, "-A ovl-to-{id} -m comment --comment \"{place} to {name}\" -j MARK --xor-mark {own}");
    }
    for (n, alias) in plan.shared.iter().enumerate() {
        let chain = shared_chain(plan, n);
        chains.open(&chain);
        for case in &alias.cases {
            let (from, to) = (&plan.networks[case.from], &plan.networks[case.to]);
            let comment =
                format!("-m comment --comment \"{} {} asks for {}\"", places.at(to.span), from.name, to.name);
            let asked =
                format!("-A {chain} -m mark --mark {}/{}", hex(source.value(from.id)), hex(source.mask()));
            if let Some(zone) = case.zone {
                rule!(chains, "{asked} {comment} -j CT --zone-orig {zone}");
            }
            rule!(chains, "{asked} {comment} -g ovl-to-{}", to.id);
        }
    }
    chains
}

/// Translation, for the first packet of a connection.
fn nat(plan: &Plan, places: &Places<'_>, family: Family) -> Chains {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let mut chains = Chains::default();
    let senders = partners(plan, |peering| (peering.to, peering.from));
    let to = plan.networks.iter().map(|n| (n.id, format!("-g ovl-dnat-{}", n.id))).collect();
    by_mark(&mut chains, "ovl-dnat", "d", destination, to);
    let from = plan.networks.iter().map(|n| (n.id, format!("-g ovl-snat-{}", n.id))).collect();
    by_mark(&mut chains, "ovl-snat", "s", source, from);
    for (n, network) in plan.networks.iter().enumerate() {
        let id = network.id;
        let allowed = senders.get(&n).into_iter().flatten();
        let comment = |span| format!("-m comment --comment \"{} to {}\" ", places.at(span), network.name);
        let keys: Vec<(u16, String)> = allowed
            .map(|(from, span)| (plan.networks[*from].id, format!("{}-g ovl-map-{id}", comment(*span))))
            .collect();
        by_mark(&mut chains, &format!("ovl-dnat-{id}"), &format!("d{id}-"), source, keys);
        chains.open(&format!("ovl-map-{id}"));
        let sign = hex(translated(destination));
        rule!(
            chains,
            "-A ovl-map-{id} -m comment --comment \"sign of translation\" -j CONNMARK --set-xmark {sign}/{sign}"
        );
        chains.open(&format!("ovl-snat-{id}"));
        for piece in network.mappings.iter().filter(|piece| net::family(&piece.real) == family) {
            let (real, alias) = (piece.real, piece.alias);
            let comment = format!("-m comment --comment \"{} {}\"", places.at(piece.span), network.name);
            rule!(chains, "-A ovl-map-{id} -d {alias} {comment} -j NETMAP --to {real}");
            rule!(chains, "-A ovl-snat-{id} -s {real} {comment} -j NETMAP --to {alias}");
        }
    }
    chains
}

/// Who may pass.
fn filter(plan: &Plan, places: &Places<'_>) -> Chains {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let mut chains = Chains::default();
    let into: Vec<(&str, String)> = plan
        .networks
        .iter()
        .map(|n| {
            (
                n.interface.as_str(),
                "-m comment --comment \"into a network from elsewhere\" -j DROP".to_owned(),
            )
        })
        .collect();
    by_device(&mut chains, "ovl-into", 'o', into);
    let opened = partners(plan, |peering| (peering.from, peering.to));
    let answered = partners(plan, |peering| (peering.to, peering.from));
    for (kind, letter, partners, words) in
        [("open", "o", &opened, "may open to"), ("back", "b", &answered, "may answer")]
    {
        let from = plan.networks.iter().enumerate().filter(|(n, _)| partners.contains_key(n));
        let keys =
            from.clone().map(|(_, network)| (network.id, format!("-g ovl-{kind}-{}", network.id))).collect();
        by_mark(&mut chains, &format!("ovl-{kind}"), letter, source, keys);
        for (n, network) in from {
            let keys = partners
                .get(&n)
                .into_iter()
                .flatten()
                .map(|(to, span)| {
                    let to = &plan.networks[*to];
                    let comment = format!("{} {} {words} {}", places.at(*span), network.name, to.name);
                    (to.id, format!("-m comment --comment \"{comment}\" -g ovl-leave-{}", to.id))
                })
                .collect();
            let (chain, nodes) = (format!("ovl-{kind}-{}", network.id), format!("{letter}{}-", network.id));
            by_mark(&mut chains, &chain, &nodes, destination, keys);
        }
    }
    for network in &plan.networks {
        let (id, place) = (network.id, places.at(network.span));
        chains.open(&format!("ovl-leave-{id}"));
        rule!(
            chains,
            "-A ovl-leave-{id} -o {} -m comment --comment \"{place} to {}\" -j ACCEPT",
            network.interface,
            network.name
        );
    }
    chains
}

/// For each network its partners and the `connect` that says so, in the order of their places.
fn partners(
    plan: &Plan,
    ends: impl Fn(&crate::plan::Peering) -> (usize, usize),
) -> BTreeMap<usize, Vec<(usize, crate::source::Span)>> {
    let mut partners: BTreeMap<usize, Vec<(usize, crate::source::Span)>> = BTreeMap::new();
    for peering in &plan.peerings {
        let (one, other) = ends(peering);
        partners.entry(one).or_default().push((other, peering.span));
    }
    partners
}

/// A chain that finds a device's entry; `side` is `i` or `o`.
pub(super) fn by_device(chains: &mut Chains, root: &str, side: char, mut entries: Vec<(&str, String)>) {
    entries.sort();
    let keys: Vec<(Name, String)> =
        entries.into_iter().map(|(name, rest)| (Name { text: name.to_owned(), open: false }, rest)).collect();
    let tree = tree::names(&keys, LEAF);
    let label = |_: usize, name: &Name| format!("{root}-{}", name.text);
    let key = |name: &Name| format!("-{side} {}{}", name.text, if name.open { "+" } else { "" });
    lay(chains, root, &tree, label, key);
}

/// A chain that finds a destination's entry; entries are disjoint and in address order.
fn by_destination(chains: &mut Chains, root: &str, family: Family, entries: Vec<(IpNet, String)>) {
    let width = net::width(family);
    let keys: Vec<(Bits, String)> = entries
        .into_iter()
        .map(|(net, rest)| (Bits { value: net::bits(net.network()), length: net.prefix_len() }, rest))
        .collect();
    let tree = tree::bits(&keys, width, LEAF);
    let prefix = |key: &Bits| net::prefix(net::from_bits(family, key.value), key.length);
    // Chain names have at most 28 bytes (`XT_EXTENSION_MAXNAMELEN`): the upper 64 bits in hex name a
    // node, and its number where it is cut deeper than that.
    let label = |place: usize, key: &Bits| {
        let digits = usize::from(key.length.div_ceil(4));
        match key.length {
            0..=64 => {
                format!("ovl-d-{:0digits$x}-{}", key.value >> (usize::from(width) - digits * 4), key.length)
            }
            _ => format!("ovl-d-n{place}"),
        }
    };
    let key = |key: &Bits| prefix(key).map_or_else(String::new, |prefix| format!("-d {prefix}"));
    lay(chains, root, &tree, label, key);
}

/// A chain that finds the entry of an id in a mark field.
fn by_mark(chains: &mut Chains, root: &str, nodes: &str, field: MarkField, mut entries: Vec<(u16, String)>) {
    entries.sort_by_key(|(id, _)| *id);
    let keys: Vec<(Bits, String)> = entries
        .into_iter()
        .map(|(id, rest)| (Bits { value: u128::from(id), length: field.width }, rest))
        .collect();
    let tree = tree::bits(&keys, field.width, LEAF);
    let label = |_: usize, key: &Bits| format!("ovl-at-{nodes}{:x}-{}", key.value, key.length);
    let key = |key: &Bits| {
        let low = u32::from(field.width - key.length);
        let mask = field.mask() >> (u32::from(field.shift) + low) << (u32::from(field.shift) + low);
        let value = u32::try_from(key.value).unwrap_or(0) << field.shift;
        format!("-m mark --mark {}/{}", hex(value), hex(mask))
    };
    lay(chains, root, &tree, label, key);
}

/// Writes a tree down: the root under its own name, every other node as a chain that is gone to.
fn lay<K>(
    chains: &mut Chains,
    root: &str,
    tree: &Tree<K, String>,
    label: impl Fn(usize, &K) -> String,
    key: impl Fn(&K) -> String,
) {
    let name =
        |place: usize| if place == 0 { root.to_owned() } else { label(place, &tree.nodes[place].prefix) };
    for (place, node) in tree.nodes.iter().enumerate() {
        let chain = name(place);
        chains.open(&chain);
        for (entry, next) in &node.entries {
            match next {
                Next::Leaf(rest) => rule!(chains, "-A {chain} {} {rest}", key(entry)),
                Next::Node(below) => rule!(chains, "-A {chain} {} -g {}", key(entry), name(*below)),
            }
        }
    }
}

/// The chain of a shared alias, by the ids of the two networks.
fn shared_chain(plan: &Plan, n: usize) -> String {
    let [a, b] = plan.shared[n].owners;
    format!("ovl-shared-{}-{}", plan.networks[a].id, plan.networks[b].id)
}

fn hex(value: u32) -> String {
    format!("{value:#x}")
}
