//! The report for people: pairs of networks as a table, what is wrong in full, the rest summed up.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Report;
use super::table::columns;
use crate::lab::judge::{End, Row};
use crate::lab::scene::Kind;

/// So many pairs of which all is well have a line of their own.
const PAIRS: usize = 100;
/// So many questions that went wrong are told in full; the JSON document has all.
const WRONG: usize = 40;

/// The kinds that are summed up, with what they try and what comes of it where all is well.
const SUMMED_UP: [(Kind, &str, &str); 10] = [
    (Kind::Own, "the gateway and hosts of its networks", "answered by the right one"),
    (Kind::Expired, "packets whose hops run out", "the sender is told"),
    (Kind::Dead, "hosts that are not there", "the sender is told"),
    (Kind::TooBig, "packets that do not fit the far link", "the sender is told"),
    (Kind::Denied, "what rules deny", "nothing passes"),
    (Kind::Undeclared, "pairs that are not declared, the wrong direction", "nothing passes"),
    (Kind::Spoofed, "sources that are not the network's", "nothing passes"),
    (Kind::Hairpin, "a network's own alias", "nothing passes"),
    (Kind::Unknown, "numbers that nobody has", "nothing passes"),
    (Kind::Outside, "hosts, from outside of all networks", "nothing passes"),
];

/// The report; with `colour`, ANSI styles are in the text.
#[must_use]
pub fn text(report: &Report, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    pairs(report, paint, &mut out);
    wrong(report, paint, &mut out);
    kinds(report, paint, &mut out);
    for flow in &report.flows {
        let text = flow.text();
        let (head, hops) = text.split_once('\n').unwrap_or((&text, ""));
        let _ = writeln!(out, "{}\n{hops}", paint.bold(head));
    }
    for trouble in &report.troubles {
        let _ = writeln!(out, "{} {}\n", paint.red("wrong:"), trouble.replace('\n', "\n    "));
    }
    for untried in &report.untried {
        let _ = writeln!(out, "{} {untried}\n", paint.red("wrong:"));
    }
    for note in &report.notes {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{} {note}", paint.bold("note:"));
    }
    if !report.notes.is_empty() {
        out.push('\n');
    }
    let summary = report.summary();
    let summary = if report.is_well() { paint.green(&summary) } else { paint.red(&summary) };
    out.push_str(&summary);
    out.push('\n');
    out
}

/// A pair of networks in one family, and its questions.
type Pair<'r> = ((&'r str, &'r str, bool), Vec<&'r Row>);

fn pairs(report: &Report, paint: Paint, out: &mut String) {
    let reached = report.rows.iter().filter(|row| matches!(row.kind, Kind::Reach | Kind::Fragments));
    let mut places: BTreeMap<(&str, &str, bool), usize> = BTreeMap::new();
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for row in reached {
        let (Some(from), Some(to)) = (&row.from, &row.to) else { continue };
        let key = (from.network.as_str(), to.network.as_str(), from.address.is_ipv4());
        let place = *places.entry(key).or_insert(pairs.len());
        if place == pairs.len() {
            pairs.push((key, Vec::new()));
        }
        pairs[place].1.push(row);
    }
    if pairs.is_empty() {
        return;
    }
    let is_ok = |(_, rows): &Pair<'_>| rows.iter().all(|row| row.is_ok());
    let mut shown = 0;
    let count = pairs.len();
    pairs.retain(|pair| {
        shown += usize::from(is_ok(pair));
        !is_ok(pair) || shown <= PAIRS
    });
    let head = ["FROM", "TO", "ASKED AS", "ANSWERED BY", "SOURCE SEEN", "OVER", "RESULT"].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(head).chain(pairs.iter().map(line)).collect();
    for (n, line) in columns(&lines).into_iter().enumerate() {
        let line = match n.checked_sub(1).map(|n| is_ok(&pairs[n])) {
            None => paint.bold(&line),
            Some(true) => line,
            Some(false) => paint.red(&line),
        };
        out.push_str(&line);
        out.push('\n');
    }
    let hidden = count - pairs.len();
    if hidden > 0 {
        let _ = writeln!(out, "and {hidden} more pairs, all as they should be");
    }
    out.push('\n');
}

/// One line for a pair, with the question that tells most as its example: of equal numbers where there
/// are some.
fn line((_, rows): &Pair<'_>) -> [String; 7] {
    let equal = |row: &&&Row| {
        let host = row.to.as_ref().and_then(|to| to.host.as_ref());
        row.is_ok() && host.map(|host| host.address) == row.from.as_ref().map(|from| from.address)
    };
    let example = rows.iter().find(equal).or_else(|| rows.iter().find(|row| row.is_ok()));
    let Some(example) = example.or(rows.first()) else { return Default::default() };
    let end =
        |end: Option<&End>| end.map_or_else(|| "-".to_owned(), |end| format!("{}/{}", end.network, end.host));
    let mut over: Vec<&str> = Vec::new();
    for row in rows {
        let word = if row.kind == Kind::Fragments { "fragments" } else { row.transport.as_str() };
        if !over.contains(&word) {
            over.push(word);
        }
    }
    let wrong = rows.iter().filter(|row| !row.is_ok()).count();
    let verdict =
        if wrong == 0 { format!("ok ({})", rows.len()) } else { format!("{wrong} of {} WRONG", rows.len()) };
    [
        end(example.from.as_ref()),
        example.to.as_ref().map(|to| to.network.clone()).unwrap_or_default(),
        example.asked.map(|(address, _)| address.to_string()).unwrap_or_default(),
        end(example.answered.as_ref()),
        example.saw.map_or_else(|| "-".to_owned(), |(address, _)| address.to_string()),
        over.join(" "),
        verdict,
    ]
}

fn wrong(report: &Report, paint: Paint, out: &mut String) {
    let wrong: Vec<&Row> = report.rows.iter().filter(|row| !row.is_ok()).collect();
    for row in wrong.iter().take(WRONG) {
        let _ = writeln!(out, "{} {}", paint.red("wrong:"), question(row));
        for fault in &row.faults {
            let _ = writeln!(out, "    {fault}");
        }
    }
    let more = wrong.len().saturating_sub(WRONG);
    if more > 0 {
        let _ = writeln!(out, "{more} more that went wrong not shown; `--output-format json` shows all");
    }
    if !wrong.is_empty() {
        out.push('\n');
    }
}

/// A question in words.
fn question(row: &Row) -> String {
    let (Some(from), Some((address, port))) = (&row.from, row.asked) else {
        let network = row.to.as_ref().map_or("a network", |to| to.network.as_str());
        return format!("packets in {network}, while these were tried: {}", kind_asked(row.kind));
    };
    let asked = match (port, address.is_ipv4()) {
        (0, _) => address.to_string(),
        (port, true) => format!("{address}:{port}"),
        (port, false) => format!("[{address}]:{port}"),
    };
    let to = match row.to.as_ref().map(|to| (&to.host, &to.network)) {
        Some((Some(host), _)) => format!(" to {host}"),
        Some((None, network)) => format!(" to {network}"),
        None => String::new(),
    };
    format!("{from}{to}, asked as {asked} over {}{}", row.transport, kind_note(row.kind))
}

/// What a kind of question adds to what is asked.
const fn kind_note(kind: Kind) -> &'static str {
    match kind {
        Kind::Reach | Kind::Own => "",
        Kind::Fragments => " (a datagram in fragments)",
        Kind::TooBig => " (a packet that does not fit the far link)",
        Kind::Expired => " (hops run out at the gateway)",
        Kind::Dead => " (a host that is not there)",
        Kind::Denied => " (denied by a rule)",
        Kind::Undeclared => " (not declared)",
        Kind::Spoofed => " (from an address that is not the network's)",
        Kind::Hairpin => " (the network's own alias)",
        Kind::Unknown => " (nobody's number)",
        Kind::Outside => " (from outside of all networks)",
    }
}

fn kind_asked(kind: Kind) -> &'static str {
    let summed_up = SUMMED_UP.iter().find(|(it, ..)| *it == kind);
    summed_up.map_or("declared pairs", |(_, what, _)| *what)
}

fn kinds(report: &Report, paint: Paint, out: &mut String) {
    let mut lines: Vec<[String; 3]> = Vec::new();
    let mut all_well = Vec::new();
    for (kind, what, outcome) in SUMMED_UP {
        let of_kind = || report.rows.iter().filter(move |row| row.kind == kind && row.from.is_some());
        let (count, wrong) = (of_kind().count(), of_kind().filter(|row| !row.is_ok()).count());
        if count > 0 {
            let verdict = if wrong == 0 { outcome.to_owned() } else { format!("{wrong} WRONG") };
            lines.push([what.to_owned(), count.to_string(), verdict]);
            all_well.push(wrong == 0);
        }
    }
    for (line, is_well) in columns(&lines).iter().zip(all_well) {
        out.push_str(&if is_well { line.clone() } else { paint.red(line) });
        out.push('\n');
    }
    if !lines.is_empty() {
        out.push('\n');
    }
}

/// Puts ANSI styles around text, or not.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, style: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    fn green(self, text: &str) -> String {
        self.with("32", text)
    }
}
