//! Sites out of a seed: networks with few different numbers, so that they overlap in all ways.
//!
//! Goes in: a generator. Comes out: a site in parts, which can be written as text in several orders and with
//! several names. What must hold: the same seed is the same site everywhere. Not every site is a valid one.

use std::fmt::Write as _;

use ipnet::IpNet;
use overlapc::net::{self, Family};

use crate::dice::Dice;

/// A site in parts.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub networks: Vec<Drawn>,
    pub connects: Vec<Connect>,
    pub first_preference: Option<u32>,
    /// An address that the gateway has outside of all networks, perhaps with a number of their hosts.
    pub elsewhere: Option<&'static str>,
}

/// Aliases, each for everybody or for one network.
type Aliases = Vec<(IpNet, Option<usize>)>;

/// A network.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    pub name: String,
    pub id: Option<usize>,
    pub interface: String,
    pub addresses: Vec<String>,
    /// Each real prefix with its aliases, and for whom they are.
    pub prefixes: Vec<(IpNet, Aliases)>,
    pub routes: Vec<String>,
    pub masqueraded: bool,
    pub clamps: bool,
}

/// `connect`, with rules if there are any.
#[derive(Clone, Debug)]
pub struct Connect {
    pub from: usize,
    pub to: usize,
    pub both: bool,
    pub rules: Option<Vec<String>>,
}

/// Where aliases are taken from, so that most are only one network's.
struct Pools {
    next: [u128; 2],
    given: Vec<IpNet>,
}

const LENGTHS: [&[u8]; 2] =
    [&[16, 20, 22, 24, 24, 24, 25, 28, 29, 30, 31, 32], &[48, 56, 64, 64, 64, 112, 120, 126, 127, 128]];

fn prefix(family: Family, number: u128, length: u8) -> IpNet {
    net::prefix(net::from_bits(family, number), length).unwrap()
}

fn number(text: &str) -> u128 {
    net::bits(text.parse().unwrap())
}

impl Pools {
    /// An alias of a length: a new one, seldom one that another prefix has or that is a part of it.
    fn alias(&mut self, dice: &mut Dice, family: Family, length: u8) -> IpNet {
        let known: Vec<IpNet> = self.given.iter().filter(|it| net::family(it) == family).copied().collect();
        if !known.is_empty() && dice.below(25) == 0 {
            return prefix(family, net::bits(dice.of(&known).network()), length);
        }
        let step = 1_u128 << (net::width(family) - length);
        let next = &mut self.next[usize::from(family == Family::V6)];
        // Some right behind the one before, some far away.
        let apart = if dice.below(3) == 0 { 0 } else { step * 3 };
        let first = (*next + apart).div_ceil(step) * step;
        *next = first + step;
        let alias = prefix(family, first, length);
        self.given.push(alias);
        alias
    }
}

/// A real prefix: of few numbers.
fn real(dice: &mut Dice, family: Family, unique: Option<usize>) -> IpNet {
    let length = *dice.of(LENGTHS[usize::from(family == Family::V6)]);
    let step = 1_u128 << (net::width(family) - length);
    match (family, unique) {
        (Family::V4, Some(n)) => {
            let place = number("172.16.0.0") + (u128::try_from(n).unwrap() << 16);
            prefix(family, place + step * u128::try_from(dice.below(2)).unwrap(), length)
        }
        (Family::V6, Some(n)) => {
            prefix(family, number("fd16::") + (u128::try_from(n).unwrap() << 100), length)
        }
        (Family::V4, None) => {
            let base = *dice.of(&["192.168.0.0", "192.168.0.0", "192.168.0.0", "10.1.0.0"]);
            prefix(family, number(base) + step * u128::try_from(dice.below(2)).unwrap(), length)
        }
        (Family::V6, None) => {
            prefix(family, number("fd00::") + step * u128::try_from(dice.below(2)).unwrap(), length)
        }
    }
}

/// A number of a prefix, which is none at its edges if there are others.
fn inside(dice: &mut Dice, net: &IpNet) -> u128 {
    let (first, last) = (net::bits(net.network()), net::bits(net.broadcast()));
    let size = last - first;
    if size < 3 {
        return first + u128::try_from(dice.below(usize::try_from(size).unwrap() + 1)).unwrap();
    }
    *dice.of(&[first + 1, last - 1, first + size / 2, first + (10).min(size - 1), first + 1])
}

/// A site.
pub fn draw(dice: &mut Dice) -> Draft {
    let count = 1 + dice.below(7).max(dice.below(3));
    let mut draft = Draft::default();
    let mut pools = Pools { next: [number("10.64.0.0"), number("fd64::")], given: Vec::new() };
    let ids = *dice.of(&[None, None, Some(1), Some(60000), Some(300), Some(4094)]);
    for n in 0..count {
        let mut network = Drawn { name: format!("n{n}"), interface: format!("if{n}"), ..Drawn::default() };
        network.id = ids.map(|first: usize| first + n * *dice.of(&[1, 7]) * 8 + dice.below(8));
        network.masqueraded = n > 0 && dice.below(7) == 0;
        network.clamps = dice.below(10) == 0;
        draft.networks.push(network);
    }
    for from in 0..count {
        for to in 0..from {
            if dice.below(5) > 3 {
                continue;
            }
            let (masked, other) = (draft.networks[from].masqueraded, draft.networks[to].masqueraded);
            let (from, to, both) = match (masked, other, dice.below(3)) {
                (true, true, _) => continue,
                (true, false, _) => (to, from, false),
                (false, true, _) | (false, false, 0) => (from, to, false),
                (false, false, 1) => (to, from, false),
                (false, false, _) => (from, to, true),
            };
            draft.connects.push(Connect { from, to, both, rules: None });
        }
    }
    let drawn: [&[Family]; 4] = [&[Family::V4], &[Family::V4], &[Family::V6], &[Family::V4, Family::V6]];
    let families = dice.of::<&[Family]>(&drawn);
    for n in 0..count {
        for family in *families {
            let last = draft.networks[n].prefixes.is_empty() && Some(family) == families.last();
            if last || dice.below(6) > 0 {
                numbers(dice, &mut draft, n, *family, &mut pools);
            }
        }
    }
    for n in 0..draft.connects.len() {
        draft.connects[n].rules = (dice.below(3) == 0).then(|| rules(dice, &draft, n));
    }
    draft.first_preference = (dice.below(8) == 0).then_some(200);
    let elsewhere = ["10.0.9.5/24", "192.168.0.10/24", "172.17.0.10/16", "fd00::a/64"];
    draft.elsewhere = (dice.below(5) == 0).then(|| *dice.of(&elsewhere));
    draft
}

/// The numbers of a network in one family.
fn numbers(dice: &mut Dice, draft: &mut Draft, n: usize, family: Family, pools: &mut Pools) {
    let viewers: Vec<usize> = draft
        .connects
        .iter()
        .filter(|it| it.from == n || it.to == n)
        .map(|it| if it.from == n { it.to } else { it.from })
        .filter(|it| !draft.networks[*it].masqueraded)
        .collect();
    let network = &mut draft.networks[n];
    let known_as_itself = dice.below(6) == 0;
    let link = real(dice, family, known_as_itself.then_some(n));
    let mut all = vec![link];
    if network.masqueraded || dice.below(10) < 7 {
        network.addresses.push(format!(
            "{}/{}",
            net::from_bits(family, inside(dice, &link)),
            link.prefix_len()
        ));
        // A larger link than the prefix, or one more address on it.
        if dice.below(12) == 0 {
            network.addresses.push(format!(
                "{}/{}",
                net::from_bits(family, inside(dice, &link)),
                link.prefix_len()
            ));
        }
    }
    if dice.below(4) == 0 && link.prefix_len() < link.max_prefix_len() {
        let own = network.addresses.clone();
        let router = net::from_bits(family, inside(dice, &link));
        let taken = own.iter().any(|it| it.split('/').next() == Some(&router.to_string()));
        let behind = match dice.below(3) {
            0 => {
                let longer = link.prefix_len() + 1 + u8::try_from(dice.below(3)).unwrap();
                prefix(family, inside(dice, &link), longer.min(link.max_prefix_len()))
            }
            _ => real(dice, family, None),
        };
        if !taken {
            network.routes.push(format!("{behind} via {router}"));
        }
        if taken {
            // No room for a router.
        } else if !link.contains(&behind) || dice.below(2) == 0 {
            all.push(behind);
        }
    }
    for _ in 0..*dice.of(&[0, 0, 0, 1, 2]) {
        let longer = link.prefix_len() + 1 + u8::try_from(dice.below(9)).unwrap();
        let longer =
            if dice.below(2) == 0 { link.max_prefix_len() } else { longer.min(link.max_prefix_len()) };
        all.push(prefix(family, inside(dice, &link), longer));
    }
    let nested = |real: &IpNet, all: &[IpNet]| all.iter().any(|it| it != real && it.contains(real));
    for (place, real) in all.iter().copied().enumerate() {
        if all[..place].contains(&real) {
            continue;
        }
        let mut aliases = Vec::new();
        let plain = known_as_itself && (place == 0 || dice.below(2) == 0) && !nested(&real, &all);
        if !plain {
            let common = dice.below(10) > 0 || viewers.is_empty();
            if common {
                aliases.push((pools.alias(dice, family, real.prefix_len()), None));
            }
            let mut named = viewers.clone();
            let many = if common { *dice.of(&[0, 0, 0, 0, 1, 2]) } else { named.len() };
            for _ in 0..many.min(named.len()) {
                let viewer = named.remove(dice.below(named.len()));
                aliases.push((pools.alias(dice, family, real.prefix_len()), Some(viewer)));
            }
        }
        network.prefixes.push((real, aliases));
    }
}

const SERVICES: [&str; 16] = [
    "tcp",
    "tcp 80",
    "tcp 22, 80-90, 443",
    "udp 53",
    "udp 30000-30100",
    "sctp 80",
    "icmp",
    "icmp echo-request",
    "gre",
    "253",
    "udp",
    "icmp timestamp-request",
    "esp",
    "tcp 1-79",
    "tcp 1-65535",
    "",
];

/// The rules of a `connect`.
fn rules(dice: &mut Dice, draft: &Draft, n: usize) -> Vec<String> {
    let connect = &draft.connects[n];
    let mut rules = Vec::new();
    for _ in 0..1 + dice.below(4) {
        let service = *dice.of(&SERVICES);
        let mut rule =
            format!("{} {service}", if dice.below(3) == 0 { "deny" } else { "allow" }).trim_end().to_owned();
        if !connect.both || dice.below(5) == 0 {
            for (word, network) in [("from", connect.from), ("to", connect.to)] {
                if dice.below(3) > 0 || draft.networks[network].prefixes.is_empty() {
                    continue;
                }
                let mut hosts = Vec::new();
                for _ in 0..1 + dice.below(2) {
                    let (real, _) = dice.of(&draft.networks[network].prefixes);
                    let number = inside(dice, real);
                    let longest = real.max_prefix_len();
                    let length = *dice.of(&[longest, longest, (real.prefix_len() + 2).min(longest)]);
                    hosts.push(net::written(&prefix(net::family(real), number, length)));
                }
                hosts.sort();
                hosts.dedup();
                let _ = write!(rule, " {word} {}", hosts.join(", "));
            }
        }
        if dice.below(8) == 0 {
            rule.push_str(" log");
        }
        rules.push(rule);
    }
    rules
}

impl Draft {
    /// As text, declarations in an order, and networks with other names.
    pub fn text(&self, order: &[usize], name: impl Fn(usize) -> String) -> String {
        let mut text = String::new();
        if self.first_preference.is_some() || self.elsewhere.is_some() {
            text += "gateway {\n";
            if let Some(first) = self.first_preference {
                let _ = writeln!(text, "    preferences {first}..{}", first + 600);
            }
            if let Some(address) = self.elsewhere {
                let _ = writeln!(text, "    address {address} on mgmt0");
            }
            text += "}\n";
        }
        for &n in order {
            let network = &self.networks[n];
            let _ = writeln!(text, "network {} {{", name(n));
            if let Some(id) = network.id {
                let _ = writeln!(text, "    id {id}");
            }
            let _ = writeln!(text, "    interface {}", network.interface);
            network.addresses.iter().for_each(|it| text += &format!("    address {it}\n"));
            for (real, aliases) in &network.prefixes {
                let aliases: Vec<String> = aliases
                    .iter()
                    .map(|(net, viewer)| match viewer {
                        Some(viewer) => format!("{net} for {}", name(*viewer)),
                        None => net.to_string(),
                    })
                    .collect();
                let known =
                    if aliases.is_empty() { String::new() } else { format!(" as {}", aliases.join(", ")) };
                let _ = writeln!(text, "    prefix {real}{known}");
            }
            network.routes.iter().for_each(|it| text += &format!("    route {it}\n"));
            if network.masqueraded {
                text += "    nodes masqueraded\n";
            }
            if network.clamps {
                text += "    mss clamp 1400\n";
            }
            text += "}\n";
        }
        let place = |n: usize| order.iter().position(|it| *it == n);
        let mut connects: Vec<&Connect> = self.connects.iter().collect();
        connects.sort_by_key(|it| (place(it.from), place(it.to)));
        for connect in connects {
            let arrow = if connect.both { "<->" } else { "->" };
            let _ = write!(text, "connect {} {arrow} {}", name(connect.from), name(connect.to));
            if let Some(rules) = &connect.rules {
                let _ = write!(text, " {{\n    {}\n}}", rules.join("\n    "));
            }
            text.push('\n');
        }
        text
    }

    /// As text.
    pub fn plain(&self) -> String {
        let order: Vec<usize> = (0..self.networks.len()).collect();
        self.text(&order, |n| self.networks[n].name.clone())
    }
}
