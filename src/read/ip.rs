//! Lines of `ip -batch`, and what `ip rule show` and `ip route show table all` print of the same.
//!
//! Goes in: text of one family. Comes out: commands, routes, rules. What must hold: what is not known here is
//! refused with its line.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::routing::{Action, Address, Change, Command, Route, Rule, Way};
use super::{Unread, words};

/// The tables that have names: rt_tables of ip-route(8).
const TABLES: [(&str, u32); 3] = [("default", 253), ("main", 254), ("local", 255)];
/// Who made a route, by name: rt_protos of ip-route(8).
const PROTOCOLS: [(&str, u8); 6] =
    [("unspec", 0), ("redirect", 1), ("kernel", 2), ("boot", 3), ("static", 4), ("ra", 9)];

/// The kinds of routes, by name and as `ip -N` lists them: rtnetlink(7), rtm_type.
const KINDS: [(&str, &str); 8] = [
    ("unicast", "1"),
    ("local", "2"),
    ("broadcast", "3"),
    ("anycast", "4"),
    ("multicast", "5"),
    ("blackhole", "6"),
    ("unreachable", "7"),
    ("prohibit", "8"),
];

/// Reads the lines of `ip -batch`, or of `ip -6 -batch`.
///
/// # Errors
///
/// A line is not understood.
pub fn commands(text: &str, v4: bool) -> Result<Vec<Command>, Unread> {
    let mut commands = Vec::new();
    for (number, line) in lines(text) {
        let (command, source) = line.split_once('#').map_or((line, None), |(it, source)| (it, Some(source)));
        if command.trim().is_empty() {
            continue;
        }
        let mut words = Words::new(command);
        let change = change(&mut words, v4).and_then(|change| words.ended().map(|()| change));
        let change = change.map_err(|why| Unread::new(number, line, why))?;
        commands.push(Command { line: number, source: source.map(|it| it.trim().to_owned()), change });
    }
    Ok(commands)
}

/// Reads what `ip rule show` prints.
///
/// # Errors
///
/// A line is not understood.
pub fn rules(text: &str, v4: bool) -> Result<Vec<Rule>, Unread> {
    let mut rules = Vec::new();
    for (number, line) in lines(text).filter(|(_, line)| !line.is_empty()) {
        let rule =
            line.split_once(':').ok_or_else(|| "no preference".to_owned()).and_then(|(preference, rest)| {
                let preference = preference.parse().map_err(|_| "no preference")?;
                let mut words = Words::new(rest);
                let rule = rule(&mut words, v4, preference)?;
                words.ended().map(|()| rule)
            });
        rules.push(rule.map_err(|why| Unread::new(number, line, why))?);
    }
    Ok(rules)
}

/// Reads what `ip route show table all` prints.
///
/// # Errors
///
/// A line is not understood.
pub fn routes(text: &str, v4: bool) -> Result<Vec<Route>, Unread> {
    let mut routes = Vec::new();
    for (number, line) in lines(text).filter(|(_, line)| !line.is_empty()) {
        let mut words = Words::new(line);
        let route = route(&mut words, v4).and_then(|route| words.ended().map(|()| route));
        routes.push(route.map_err(|why| Unread::new(number, line, why))?);
    }
    Ok(routes)
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()))
}

/// Words of a line, and how far they are read.
struct Words<'a> {
    words: Vec<&'a str>,
    at: usize,
}

impl<'a> Words<'a> {
    fn new(line: &'a str) -> Self {
        Self { words: line.split_whitespace().collect(), at: 0 }
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    fn value(&mut self) -> Result<&'a str, String> {
        self.next().ok_or_else(|| "a value is missing".to_owned())
    }

    fn number(&mut self) -> Result<u32, String> {
        let word = self.value()?;
        words::number(word).ok_or_else(|| format!("`{word}` is not a number"))
    }

    fn is(&mut self, word: &str) -> bool {
        let is = self.words.get(self.at) == Some(&word);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.is(word) { Ok(()) } else { Err(format!("`{word}` is missing")) }
    }

    fn ended(&self) -> Result<(), String> {
        self.words.get(self.at).map_or(Ok(()), |word| Err(format!("`{word}` is not known here")))
    }
}

fn change(words: &mut Words<'_>, v4: bool) -> Result<Change, String> {
    match (words.value()?, words.value()?) {
        ("link", "add") => {
            words.expect("name")?;
            let name = words.value()?.to_owned();
            words.expect("type")?;
            words.expect("vrf")?;
            words.expect("table")?;
            Ok(Change::AddVrf { name, table: words.number()? })
        }
        ("link", "set") => {
            words.expect("dev")?;
            let device = words.value()?.to_owned();
            match words.value()? {
                word @ ("up" | "down") => Ok(Change::SetUp { device, up: word == "up" }),
                "master" => Ok(Change::SetMaster { device, master: Some(words.value()?.to_owned()) }),
                "nomaster" => Ok(Change::SetMaster { device, master: None }),
                word => Err(format!("`{word}` is not known here")),
            }
        }
        ("link", "del") => {
            words.expect("dev")?;
            Ok(Change::DeleteLink(words.value()?.to_owned()))
        }
        ("address", "add") => {
            let net = words.value()?;
            let net = words::prefix(net).ok_or_else(|| format!("`{net}` is not an address"))?;
            words.expect("dev")?;
            let device = words.value()?.to_owned();
            Ok(Change::AddAddress(Address { net, device, makes_route: !words.is("noprefixroute") }))
        }
        ("route", "add") => Ok(Change::AddRoute(route(words, v4)?)),
        ("rule", verb @ ("add" | "del")) => {
            words.expect("pref")?;
            let preference = words.number()?;
            let rule = rule(words, v4, preference)?;
            Ok(if verb == "add" { Change::AddRule(rule) } else { Change::DeleteRule(rule) })
        }
        (object, verb) => Err(format!("`{object} {verb}` is not known here")),
    }
}

fn route(words: &mut Words<'_>, v4: bool) -> Result<Route, String> {
    let kind = KINDS.iter().find(|(name, number)| words.is(name) || words.is(number));
    let kind = kind.map_or("unicast", |(name, _)| *name);
    let to = match words.value()? {
        "default" => everything(v4),
        word => words::prefix(word)
            .filter(|net| net.addr().is_ipv4() == v4)
            .ok_or("not a prefix of that family")?,
    };
    let (mut device, mut via, mut onlink) = (None, None, false);
    let mut route = Route { to, way: Way::Unreachable, table: 254, metric: 0, protocol: 3 };
    while let Some(word) = words.next() {
        match word {
            "dev" => device = Some(words.value()?.to_owned()),
            "via" => via = Some(words.value()?.parse().map_err(|_| "not an address")?),
            "onlink" => onlink = true,
            "metric" => route.metric = words.number()?,
            "table" => route.table = table(words)?,
            "proto" | "protocol" => route.protocol = protocol(words)?,
            // Of listings: what follows from the rest, or is a state.
            "scope" | "src" | "pref" | "error" => drop(words.value()?),
            "linkdown" | "dead" => {}
            _ => return Err(format!("`{word}` is not known here")),
        }
    }
    route.way = match (kind, device) {
        ("unreachable", _) => Way::Unreachable,
        ("prohibit", _) => Way::Prohibited,
        ("blackhole", _) => Way::Blackhole,
        ("local" | "anycast", _) => Way::Local,
        ("broadcast", _) => Way::Broadcast,
        ("multicast", _) => Way::Multicast,
        (_, Some(device)) => Way::Out { device, via, onlink },
        (_, None) => return Err("a route without a device".to_owned()),
    };
    Ok(route)
}

fn rule(words: &mut Words<'_>, v4: bool, preference: u32) -> Result<Rule, String> {
    let mut rule = Rule::for_all(v4, preference, Action::Nothing, 0);
    let mut acts = false;
    let mut act = |rule: &mut Rule, action| {
        let first = !std::mem::replace(&mut acts, true);
        rule.action = action;
        if first { Ok(()) } else { Err("two actions".to_owned()) }
    };
    let prefix = |words: &mut Words<'_>| match words.value()? {
        "all" => Ok(None),
        word => words::prefix(word).map(Some).ok_or_else(|| format!("`{word}` is not a prefix")),
    };
    while let Some(word) = words.next() {
        match word {
            "not" => rule.not = true,
            "from" => rule.from = prefix(words)?,
            "to" => rule.to = prefix(words)?,
            "iif" => rule.iif = Some(words.value()?.to_owned()),
            "oif" => rule.oif = Some(words.value()?.to_owned()),
            "fwmark" => {
                let word = words.value()?;
                let (value, mask) = word.split_once('/').unwrap_or((word, "0xffffffff"));
                let mark = words::number(value).zip(words::number(mask));
                rule.mark = Some(mark.ok_or_else(|| format!("`{word}` is not a mark"))?);
            }
            "lookup" => {
                let action =
                    if words.is("[l3mdev-table]") { Action::Vrf } else { Action::Lookup(table(words)?) };
                act(&mut rule, action)?;
            }
            "goto" => {
                let to = words.number()?;
                act(&mut rule, Action::Goto(to))?;
            }
            "nop" => act(&mut rule, Action::Nothing)?,
            "l3mdev" => act(&mut rule, Action::Vrf)?,
            "proto" | "protocol" => rule.protocol = protocol(words)?,
            // Of listings: a place to go on at that is not there.
            "[unresolved]" => {}
            _ => return Err(format!("`{word}` is not known here")),
        }
    }
    if acts { Ok(rule) } else { Err("a rule that does nothing".to_owned()) }
}

fn table(words: &mut Words<'_>) -> Result<u32, String> {
    let word = words.value()?;
    let known = TABLES.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    known.or_else(|| word.parse().ok()).ok_or_else(|| format!("`{word}` is not a table"))
}

fn protocol(words: &mut Words<'_>) -> Result<u8, String> {
    let word = words.value()?;
    let known = PROTOCOLS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    known.or_else(|| word.parse().ok()).ok_or_else(|| format!("`{word}` is not a protocol"))
}

fn everything(v4: bool) -> IpNet {
    if v4 { IpNet::V4(Ipv4Net::default()) } else { IpNet::V6(Ipv6Net::default()) }
}
