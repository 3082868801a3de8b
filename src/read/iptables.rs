//! The text of `iptables-restore`, and what `iptables-save` prints of the same: iptables-extensions(8).
//!
//! Goes in: text, and whether it is IPv4's or IPv6's. Comes out: the [`Filter`] that the kernel has when it is
//! loaded into one without rules. What must hold: what is not known here is refused with its line.

mod rule;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Unread;
use super::filter::{Base, Chain, Families, Filter, Hook, Rule, Step, Verdict};
use rule::Translating;

/// A built-in chain: its name, where the kernel calls it, and its place among those of the same hook.
type BuiltIn = (&'static str, Hook, i32);

/// The built-in chains of a table, with their places: `enum nf_ip_hook_priorities` of the kernel.
const TABLES: &[(&str, &[BuiltIn])] = &[
    ("raw", &[("PREROUTING", Hook::Prerouting, -300), ("OUTPUT", Hook::Output, -300)]),
    (
        "mangle",
        &[
            ("PREROUTING", Hook::Prerouting, -150),
            ("INPUT", Hook::Input, -150),
            ("FORWARD", Hook::Forward, -150),
            ("OUTPUT", Hook::Output, -150),
            ("POSTROUTING", Hook::Postrouting, -150),
        ],
    ),
    (
        "nat",
        &[
            ("PREROUTING", Hook::Prerouting, -100),
            ("INPUT", Hook::Input, 100),
            ("OUTPUT", Hook::Output, -100),
            ("POSTROUTING", Hook::Postrouting, 100),
        ],
    ),
    ("filter", &[("INPUT", Hook::Input, 0), ("FORWARD", Hook::Forward, 0), ("OUTPUT", Hook::Output, 0)]),
];

/// Reads the rules of a family.
///
/// # Errors
///
/// Something is not understood, or names what is not there.
pub fn read(text: &str, v4: bool) -> Result<Filter, Unread> {
    let families = Families { v4, v6: !v4 };
    let mut filter = Filter::default();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    while let Some((number, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(name) = line.strip_prefix('*') else {
            return Err(Unread::new(number, line, "not a table"));
        };
        let Some((_, chains)) = TABLES.iter().find(|(table, _)| *table == name) else {
            return Err(Unread::new(number, line, "a table that is not known here"));
        };
        let first = filter.chains.len();
        if filter.chains.iter().any(|chain| chain.table == name) {
            return Err(Unread::new(number, line, "a table that is here before"));
        }
        filter.chains.extend(chains.iter().map(|(chain, hook, priority)| Chain {
            table: name.to_owned(),
            name: (*chain).to_owned(),
            base: Some(Base {
                hook: *hook,
                priority: *priority,
                nat: name == "nat",
                accepts: true,
                families,
            }),
            rules: Vec::new(),
        }));
        let mut rules = Vec::new();
        let of_table = filter.chains.iter().enumerate().skip(first);
        let mut places: Places = of_table.map(|(place, chain)| (chain.name.clone(), place)).collect();
        loop {
            let Some((number, line)) = lines.next() else {
                return Err(Unread::new(number, line, "a table without COMMIT"));
            };
            if line == "COMMIT" {
                break;
            }
            if let Some(declared) = line.strip_prefix(':') {
                declare(&mut filter, &mut places, name, declared)
                    .ok_or_else(|| Unread::new(number, line, "a chain that is not understood"))?;
            } else if !line.is_empty() && !line.starts_with('#') {
                rules.push((number, line));
            }
        }
        for (number, line) in rules {
            add(&mut filter, &places, v4, number, line)?;
        }
        translate(&mut filter, first)?;
    }
    Ok(filter)
}

/// The chains of a table by name.
type Places = BTreeMap<String, usize>;

/// `PREROUTING ACCEPT [0:0]`, `ovl-dest - [0:0]`
fn declare(filter: &mut Filter, places: &mut Places, table: &str, text: &str) -> Option<()> {
    let mut words = text.split(' ');
    let (name, policy) = (words.next()?, words.next()?);
    let chain = places.get(name).and_then(|place| filter.chains.get_mut(*place));
    match (chain, policy) {
        (Some(Chain { base: Some(base), .. }), "ACCEPT" | "DROP") => base.accepts = policy == "ACCEPT",
        (None, "-") => {
            places.insert(name.to_owned(), filter.chains.len());
            let (table, name) = (table.to_owned(), name.to_owned());
            filter.chains.push(Chain { table, name, base: None, rules: Vec::new() });
        }
        _ => return None,
    }
    Some(())
}

/// `-A CHAIN ...`, `-I CHAIN 1 ...`
fn add(filter: &mut Filter, places: &Places, v4: bool, number: usize, line: &str) -> Result<(), Unread> {
    let unread = |why: &str| Unread::new(number, line, why);
    let words = words(line).ok_or_else(|| unread("a quote that does not end"))?;
    let mut rest = words.iter().map(AsRef::as_ref);
    let (Some(verb), Some(name)) = (rest.next(), rest.next()) else {
        return Err(unread("not a rule"));
    };
    let find = |name: &str| places.get(name).copied();
    let place = find(name).ok_or_else(|| unread("a chain that is not there"))?;
    let at = match verb {
        "-A" => filter.chains[place].rules.len(),
        "-I" => {
            let at: usize =
                rest.next().and_then(|word| word.parse().ok()).ok_or_else(|| unread("at which place?"))?;
            at.checked_sub(1)
                .filter(|at| *at <= filter.chains[place].rules.len())
                .ok_or_else(|| unread("a place that is not there"))?
        }
        _ => return Err(unread("neither -A nor -I")),
    };
    let words: Vec<&str> = rest.collect();
    let rule = rule::read(&words, v4, number, &find).map_err(|why| unread(&why))?;
    if let Some(only) =
        rule.steps.iter().find_map(rule::table_of).filter(|only| *only != filter.chains[place].table)
    {
        return Err(unread(&format!("a target of the table {only} alone")));
    }
    filter.chains[place].rules.insert(at, rule);
    Ok(())
}

/// The words of a line; those in quotes may have blanks.
fn words(line: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            // Most have no backslash.
            if let Some((word, after)) = quoted.split_once('"')
                && !word.contains('\\')
            {
                words.push(Cow::Borrowed(word));
                rest = after.trim_start();
                continue;
            }
            let mut word = String::new();
            let mut letters = quoted.char_indices();
            let end = loop {
                match letters.next()? {
                    (at, '"') => break at,
                    (_, '\\') => word.push(letters.next()?.1),
                    (_, letter) => word.push(letter),
                }
            };
            words.push(Cow::Owned(word));
            rest = quoted[end + 1..].trim_start();
        } else {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            words.push(Cow::Borrowed(word));
            rest = after.trim_start();
        }
    }
    Some(words)
}

/// NETMAP changes the destination where the packet arrives and the source where it leaves: which of them a
/// chain does hangs on who calls it.
fn translate(filter: &mut Filter, first: usize) -> Result<(), Unread> {
    let mut called: Vec<Option<Translating>> = vec![None; filter.chains.len()];
    let mut open: Vec<(usize, Translating)> = Vec::new();
    for (place, chain) in filter.chains.iter().enumerate().skip(first) {
        let Some(base) = chain.base.filter(|base| base.nat) else { continue };
        let arrives = matches!(base.hook, Hook::Prerouting | Hook::Output);
        open.push((place, if arrives { Translating::Destination } else { Translating::Source }));
    }
    while let Some((place, way)) = open.pop() {
        match called[place] {
            Some(known) if known == way => continue,
            Some(_) => {
                let chain = &filter.chains[place];
                let line = chain.rules.first().map_or(1, |rule| rule.line);
                return Err(Unread::new(line, &chain.name, "called both before and after routing"));
            }
            None => called[place] = Some(way),
        }
        open.extend(filter.chains[place].rules.iter().flat_map(goes_to).map(|next| (next, way)));
    }
    for (chain, way) in filter.chains.iter_mut().zip(&called).skip(first) {
        if *way == Some(Translating::Source) {
            chain.rules.iter_mut().for_each(rule::of_source);
        }
    }
    Ok(())
}

fn goes_to(rule: &Rule) -> impl Iterator<Item = usize> + '_ {
    rule.steps.iter().filter_map(|step| match step {
        Step::Verdict(Verdict::Jump(next) | Verdict::Goto(next)) => Some(*next),
        _ => None,
    })
}
