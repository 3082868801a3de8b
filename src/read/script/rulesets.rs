//! The rulesets of a script, its guard, and what it removes of both.
//!
//! Goes in: the functions that hold them. Comes out: [`Rulesets`]. What must hold: every rule has the line that
//! it has in the script; what is loaded at once is one part, and nothing else is.

use std::sync::Arc;
use std::thread;

use super::guard::Guard;
use super::header::Firewall;
use super::pieces::{CAT, END, Function};
use super::{At, data};
use crate::read::filter::{Filter, Step, Verdict};
use crate::read::touched::{self, Touched};
use crate::read::{Unread, iptables, nft};

/// The packet filters of a script.
#[derive(Clone, Debug)]
pub struct Rulesets {
    /// As files have them: one of nft, or IPv4's and IPv6's of iptables.
    pub whole: Vec<At<Arc<Filter>>>,
    /// What becomes one after another, each at once: all of nft's, or a table of iptables.
    pub parts: Vec<At<Arc<Filter>>>,
    /// The objects that loading them touches.
    pub touched: Vec<Touched>,
    /// What takes them away again.
    pub dropped: Dropped,
    /// What lets nothing be forwarded.
    pub guard: Guard,
}

/// What is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Tables of nft, by name: of the ruleset, of the guard.
    Tables {
        /// With the ruleset.
        ruleset: Vec<At<String>>,
        /// With the guard.
        guard: Vec<At<String>>,
    },
    /// Chains of iptables by how their names begin. Those of the guard are not of the ruleset.
    Chains {
        /// The beginning of all.
        all: String,
        /// The beginning of the guard's.
        guard: String,
    },
}

pub(super) fn read<'f, 't: 'f>(
    firewall: Firewall,
    find: &dyn Fn(&str) -> Result<&'f Function<'t>, Unread>,
) -> Result<Rulesets, Unread> {
    let guard = Guard::read(find("guard")?, firewall)?;
    let mut read = Rulesets {
        whole: Vec::new(),
        parts: Vec::new(),
        touched: Vec::new(),
        dropped: Dropped::Chains { all: "ovl-".to_owned(), guard: "ovl-shut".to_owned() },
        guard,
    };
    match firewall {
        Firewall::Nftables => {
            let (line, text) = document(find("ruleset")?)?;
            let (filter, touched) = both(|| nft::read(&text), || touched::of_nft(&text));
            let filter = filter.map_err(|unread| data::moved(unread, line))?;
            let filter = At { line, value: Arc::new(counted_from(filter, line)) };
            read.parts.push(filter.clone());
            read.whole.push(filter);
            read.touched = touched.map_err(|unread| data::moved(unread, line))?;
            read.touched.iter_mut().for_each(|touched| touched.line += line);
            let [ruleset, guard] = ["drop_ruleset", "guard_off"];
            read.dropped =
                Dropped::Tables { ruleset: deleted(find(ruleset)?)?, guard: deleted(find(guard)?)? };
        }
        Firewall::Iptables => {
            let [v4, v6] = [find("ruleset_v4")?, find("ruleset_v6")?];
            let (v4, v6) = both(|| of_family(v4, true), || of_family(v6, false));
            for (whole, parts, touched) in [v4?, v6?] {
                read.whole.push(whole);
                read.parts.extend(parts);
                read.touched.extend(touched);
            }
        }
    }
    Ok(read)
}

/// The rules of a family: all of them, each table's, and what loading them touches.
type OfFamily = (At<Arc<Filter>>, Vec<At<Arc<Filter>>>, Vec<Touched>);

fn of_family(function: &Function<'_>, v4: bool) -> Result<OfFamily, Unread> {
    let (line, text) = document(function)?;
    let (mut from, mut whole, mut parts) = (line, Filter::default(), Vec::new());
    // iptables-restore(8): a table becomes all at once with its COMMIT.
    for text in text.split_inclusive("\nCOMMIT\n") {
        let part = iptables::read(text, v4).map_err(|unread| data::moved(unread, from))?;
        if !part.chains.is_empty() {
            let value = counted_from(part, from);
            join(&mut whole, &value);
            parts.push(At { line: from, value: Arc::new(value) });
        }
        from += text.lines().count();
    }
    let mut touched = touched::of_iptables(&text);
    touched.iter_mut().for_each(|touched| touched.line += line);
    Ok((At { line, value: Arc::new(whole) }, parts, touched))
}

/// Two things at a time.
fn both<A, B: Send>(one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        (one, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// The here-document that a function prints, and the line before its first.
fn document(function: &Function<'_>) -> Result<(usize, String), Unread> {
    let last = function.body.len().saturating_sub(1);
    if function.body.first() != Some(&CAT) || last == 0 || function.body[last] != END {
        return Err(function.unread(0, "not one here-document"));
    }
    let lines = &function.body[1..last];
    if let Some(index) = lines.iter().position(|line| *line == END) {
        return Err(function.unread(index + 1, "the here-document ends before its end"));
    }
    let text: String = lines.iter().flat_map(|line| [*line, "\n"]).collect();
    Ok((function.line + 1, text))
}

/// `printf 'table inet ovl\ndelete table inet ovl\n' | "$NFT" -f -`: the first line makes the second never fail.
fn deleted(function: &Function<'_>) -> Result<Vec<At<String>>, Unread> {
    let [line] = function.body.as_slice() else { return Err(function.unread(1, "one line too many")) };
    let text = line.strip_prefix("    printf '").and_then(|rest| rest.strip_suffix("' | \"$NFT\" -f -"));
    let text = text.ok_or_else(|| function.unread(0, "not a text for nft"))?;
    let lines: Vec<&str> = text.split_terminator("\\n").collect();
    let mut tables = Vec::new();
    for pair in lines.chunks(2) {
        match pair {
            [made, gone] if gone.strip_prefix("delete ") == Some(*made) && made.starts_with("table ") => {
                tables.push(At { line: function.line + 1, value: made["table ".len()..].to_owned() });
            }
            _ => return Err(function.unread(0, "something else than the removal of a table")),
        }
    }
    Ok(tables)
}

/// Rules with their lines counted from the top of the script.
fn counted_from(mut filter: Filter, line: usize) -> Filter {
    filter.chains.iter_mut().flat_map(|chain| &mut chain.rules).for_each(|rule| rule.line += line);
    filter
}

/// Adds chains behind others. No rule leads from one table into another.
fn join(whole: &mut Filter, part: &Filter) {
    let first = whole.chains.len();
    let moved = |verdict: &mut Verdict| match verdict {
        Verdict::Jump(to) | Verdict::Goto(to) => *to += first,
        Verdict::Accept | Verdict::Drop | Verdict::Reject(_) | Verdict::Return => {}
    };
    let mut chains = part.chains.clone();
    for step in chains.iter_mut().flat_map(|chain| &mut chain.rules).flat_map(|rule| &mut rule.steps) {
        match step {
            Step::Verdict(verdict) => moved(verdict),
            Step::Dispatch(dispatch) => dispatch.cases.iter_mut().for_each(|(_, verdict)| moved(verdict)),
            Step::Match(_) | Step::Action(_) => {}
        }
    }
    whole.chains.append(&mut chains);
}
