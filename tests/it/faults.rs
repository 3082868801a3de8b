//! What the proof is worth: faults are put into scripts that are right, and each must be refused.
//!
//! Goes in: the golden scripts. Comes out: a table of kinds of faults, of how many were tried and who refused
//! them. What must hold: what is not refused is shown by [`alike`] to treat every packet as before, or has its
//! reason in `excused`. `FAULTS=all` tries every place,
//! `FAULTS=100` a hundred of each kind, else a small sample of each kind is tried; `FAULTS_OF=TEXT` and `FAULTS_AT=TEXT`
//! are for those alone whose kind or whose change has this text.

mod alike;
mod excused;
mod routing;
mod ruleset;
mod said;
mod script;
mod text;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::panic;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use overlapc::check::CheckedSite;
use overlapc::model::Isolation;
use overlapc::read::artifacts;
use overlapc::source::SourceMap;
use overlapc::verify::{Obligation, verify};
use overlapc::{Overrides, front, syntax};

use crate::bench::repository;
use alike::Exactly;
use excused::{EXCUSES, Why};
use text::{Fault, Text};

/// A kind of fault, by its name.
struct Kind(&'static str, fn(&Text) -> Vec<Fault>);

/// The scripts: small ones, between them with everything that the language has.
const SCRIPTS: &[(&str, &[&str])] = &[
    ("three-lans", &["expect", "expect-iptables", "expect-rules", "expect-rules-iptables"]),
    ("allow-and-deny", &["expect", "expect-iptables", "expect-rules", "expect-rules-iptables"]),
    ("nested-mappings", &["expect", "expect-iptables"]),
    ("aliases-per-viewer", &["expect", "expect-iptables", "expect-rules", "expect-iptables-rules"]),
    ("masqueraded", &["expect", "expect-iptables", "expect-rules", "expect-rules-iptables"]),
    ("unique-and-cells", &["expect", "expect-iptables", "expect-rules"]),
    ("one-way", &["expect", "expect-iptables"]),
    ("routed-prefix", &["expect", "expect-iptables", "expect-rules"]),
    ("shared-and-more", &["expect", "expect-iptables"]),
    ("partial-overlap", &["expect", "expect-iptables"]),
    ("small-packets", &["expect", "expect-iptables", "expect-rules", "expect-rules-iptables"]),
    ("host-addresses", &["expect", "expect-rules"]),
];

/// Those in which no faults are put: they have what others have, or are large.
const OTHERS: &[(&str, &[&str])] = &[
    ("host-addresses", &["expect-iptables"]),
    ("identical-lans", &["expect", "expect-nftables"]),
    ("identical-lans-distinct", &["expect", "expect-iptables"]),
    ("like-own-traffic", &["expect", "expect-iptables"]),
    ("names-and-routes", &["expect"]),
];

/// How many faults of a kind are tried where not all are.
const SAMPLE: usize = 5;

/// How many of those that mean something else the proof lets pass, alike and unseen: a reason must not hide that
/// another one is no longer refused. Whoever closes a hole lowers them.
const LET_PASS: [usize; 2] = [14, 12];

struct NoFiles<'p>(&'p Path);

impl syntax::Loader for NoFiles<'_> {
    fn load(&self, name: &str) -> Result<String, String> {
        fs::read_to_string(self.0.join(name)).map_err(|error| error.to_string())
    }
}

/// A script with its site.
struct Case {
    name: String,
    site: CheckedSite,
    text: Text,
}

impl Case {
    /// The script without a fault.
    fn whole(&self) -> String {
        self.text.with(&Fault { edits: BTreeMap::new() })
    }
}

fn cases(scripts: &[(&str, &[&str])]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, folders) in scripts {
        let case = repository().join("golden/emit").join(name);
        for folder in *folders {
            let isolation = folder.contains("rules").then_some(Isolation::Rules);
            let overrides = Overrides { isolation, firewall: None };
            let mut sources = SourceMap::default();
            let root = sources.add("site.ovl", fs::read_to_string(case.join("site.ovl")).unwrap());
            let site = front(sources, root, &NoFiles(&case), overrides).value.unwrap();
            let script = fs::read_to_string(case.join(folder).join("site.sh")).unwrap();
            let text = Text::of(&script);
            let case = Case { name: format!("{name}/{folder}"), site, text };
            assert_eq!(case.whole(), script);
            cases.push(case);
        }
    }
    cases
}

/// What becomes of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// It cannot be read.
    Unread,
    /// The proof does not know what it does.
    Undecided,
    /// An obligation is not met.
    Against(Obligation),
    /// Every packet is treated as before: [`Exactly::Wholly`].
    Same,
    /// What passes is: [`Exactly::WhatPasses`].
    Passes,
    Survives,
}

fn end(case: &Case, text: String) -> End {
    let files = BTreeMap::from([("site.sh".to_owned(), text)]);
    match verify(case.site.site(), &files) {
        Ok(found) => match found.failures.first() {
            Some(failure) => End::Against(failure.obligation),
            None => shown(case, &files["site.sh"]),
        },
        Err(_) if artifacts::read(&files).is_err() => End::Unread,
        Err(_) => End::Undecided,
    }
}

/// Whether a script that is not refused means the same, by the engine.
fn shown(case: &Case, text: &str) -> End {
    let differs = |exactly| alike::difference(case.site.site(), &case.whole(), text, exactly).is_some();
    if differs(Exactly::WhatPasses) {
        End::Survives
    } else if differs(Exactly::Wholly) {
        End::Passes
    } else {
        End::Same
    }
}

/// A fault of a kind in a script.
struct Seed<'c> {
    kind: usize,
    name: &'c str,
    case: &'c Case,
    fault: Fault,
    told: String,
}

fn kinds() -> Vec<&'static Kind> {
    [ruleset::KINDS, routing::KINDS, script::KINDS].into_iter().flatten().collect()
}

/// All faults of a kind, or a sample that has one for each excuse.
fn seeds<'c>(
    kind: usize,
    name: &'c str,
    make: fn(&Text) -> Vec<Fault>,
    cases: &'c [Case],
    sample: usize,
) -> Vec<Seed<'c>> {
    let mut seeds = Vec::new();
    for case in cases {
        for fault in make(&case.text) {
            let told = format!("{} {}", case.name, case.text.told(&fault));
            seeds.push(Seed { kind, name, case, fault, told });
        }
    }
    if seeds.len() <= sample {
        return seeds;
    }
    let stride = seeds.len() as f64 / sample as f64;
    let mut wanted: Vec<usize> = (0..sample).map(|at| (at as f64 * stride) as usize).collect();
    let excuses = EXCUSES.iter().filter(|it| it.kind == name);
    wanted.extend(excuses.filter_map(|it| seeds.iter().position(|seed| it.is_for(name, &seed.told))));
    wanted.sort_unstable();
    wanted.dedup();
    let places = seeds.into_iter().enumerate();
    places.filter(|(place, _)| wanted.binary_search(place).is_ok()).map(|(_, seed)| seed).collect()
}

#[test]
fn faults_in_scripts_are_refused() {
    let sample = match std::env::var("FAULTS") {
        Ok(all) if all == "all" => usize::MAX,
        Ok(number) => number.parse().unwrap(),
        Err(_) => SAMPLE,
    };
    let cases = cases(SCRIPTS);
    let others = self::cases(OTHERS);
    for case in cases.iter().chain(&others) {
        let files = BTreeMap::from([("site.sh".to_owned(), case.whole())]);
        let found = verify(case.site.site(), &files).unwrap();
        assert!(found.failures.is_empty(), "{}: {:?}", case.name, found.failures.first());
    }
    let kinds = kinds();
    let [of, at] = ["FAULTS_OF", "FAULTS_AT"].map(|name| std::env::var(name).unwrap_or_default());
    let of_kind = |(number, kind): (usize, &&Kind)| seeds(number, kind.0, kind.1, &cases, sample);
    let chosen = kinds.iter().enumerate().filter(|(_, kind)| kind.0.contains(&of));
    let seeds: Vec<Seed<'_>> = chosen.flat_map(of_kind).filter(|seed| seed.told.contains(&at)).collect();
    let whole = of.is_empty() && at.is_empty();
    let ends = ends(&seeds);
    let mut used = vec![0_usize; EXCUSES.len()];
    let mut wrong = Vec::new();
    let mut rows: Vec<Row> = kinds.iter().map(|_| Row::default()).collect();
    for (seed, end) in seeds.iter().zip(ends) {
        let row = &mut rows[seed.kind];
        row.tried += 1;
        let name = kinds[seed.kind].0;
        if end != End::Survives {
            *row.refused.entry(end).or_default() += 1;
            continue;
        }
        match EXCUSES.iter().position(|it| it.is_for(name, &seed.told)) {
            Some(excuse) => {
                used[excuse] += 1;
                row.excused[EXCUSES[excuse].why as usize] += 1;
            }
            None => {
                row.survived += 1;
                let text = seed.case.text.with(&seed.fault);
                let (site, whole) = (seed.case.site.site(), seed.case.whole());
                let how = alike::difference(site, &whole, &text, Exactly::WhatPasses);
                wrong.push(format!("[{name}] {}\n    {}", seed.told, how.unwrap_or_default()));
            }
        }
    }
    print(&kinds, &rows, &used);
    if wrong.is_empty() && whole && sample == SAMPLE {
        let passed = [0, 1].map(|why| rows.iter().map(|row| row.excused[why]).sum::<usize>());
        assert_eq!(passed, LET_PASS, "faults that were let pass: alike, unseen");
    }
    // A sample does not have every place at which one is needed.
    if whole && sample == usize::MAX {
        let unused = EXCUSES.iter().zip(&used).filter(|(_, count)| **count == 0);
        wrong.extend(
            unused.map(|(it, _)| format!("[{}] an excuse that nothing needs: {}", it.kind, it.pattern)),
        );
    }
    assert!(wrong.is_empty(), "{} faults are not refused:\n{}", wrong.len(), wrong.join("\n"));
}

/// What becomes of each fault; two at a time.
fn ends(seeds: &[Seed<'_>]) -> Vec<End> {
    let next = AtomicUsize::new(0);
    let ends = Mutex::new(vec![End::Survives; seeds.len()]);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(seed) = seeds.get(place) else { return };
                    let text = seed.case.text.with(&seed.fault);
                    let found = panic::catch_unwind(panic::AssertUnwindSafe(|| end(seed.case, text)));
                    let found = found.unwrap_or_else(|_| panic!("the proof panics: {}", seed.told));
                    if found == End::Survives && !EXCUSES.iter().any(|it| it.is_for(seed.name, &seed.told)) {
                        // All of them take long.
                        println!("not refused: [{}] {}", seed.name, seed.told);
                    }
                    ends.lock().unwrap()[place] = found;
                }
            });
        }
    });
    ends.into_inner().unwrap()
}

/// What became of the faults of a kind.
#[derive(Default)]
struct Row {
    tried: usize,
    refused: BTreeMap<End, usize>,
    /// Alike, unseen.
    excused: [usize; 2],
    survived: usize,
}

fn print(kinds: &[&Kind], rows: &[Row], used: &[usize]) {
    let columns: Vec<(End, &str)> = [(End::Unread, "unread"), (End::Undecided, "undecided")]
        .into_iter()
        .chain(Obligation::ALL.map(|it| (End::Against(it), it.name())))
        .chain([(End::Same, "same"), (End::Passes, "same if it passes")])
        .collect();
    let heads: Vec<&str> = columns.iter().map(|(_, name)| *name).collect();
    println!("{:48} {:>6} {} alike unseen", "kind", "tried", heads.join(" "));
    let mut sum = [0_usize; 6];
    for (kind, row) in kinds.iter().zip(rows).filter(|(_, row)| row.tried > 0) {
        let count = |(end, name): &(End, &str)| {
            format!("{:>1$}", row.refused.get(end).map_or("-".to_owned(), usize::to_string), name.len())
        };
        let counts: Vec<String> = columns.iter().map(count).collect();
        let [alike, unseen] = row.excused;
        let holes = if row.survived > 0 { format!("  NOT REFUSED: {}", row.survived) } else { String::new() };
        println!("{:48} {:>6} {} {alike:>5} {unseen:>6}{holes}", kind.0, row.tried, counts.join(" "));
        let shown = |end| row.refused.get(&end).copied().unwrap_or_default();
        let counts = [row.tried, shown(End::Same), shown(End::Passes), alike, unseen, row.survived];
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let [tried, same, passes, alike, unseen, survived] = sum;
    let refused = tried - same - passes - alike - unseen - survived;
    println!(
        "{} kinds, {tried} faults: {refused} refused, {same} shown to mean the same, {passes} for all that passes, \
        {alike} alike, {unseen} not looked at, {survived} not refused",
        kinds.len()
    );
    for why in [Why::Alike, Why::Unseen] {
        println!("{why:?}:");
        for (it, used) in EXCUSES.iter().zip(used).filter(|(it, used)| it.why == why && **used > 0) {
            println!("  {used:>5}  {}: {}: {}", it.kind, it.pattern, it.reason);
        }
    }
}
