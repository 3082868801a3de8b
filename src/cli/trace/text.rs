//! A packet's way for people: numbered phases, and below each what did something.

use std::fmt::Write;

use super::places::Line;
use super::{Shown, Way, What};
use crate::read::filter::{Hook, Way as Direction};
use crate::sim::conntrack::Zone;
use crate::sim::phase::{Change, Event, Fired, Found, Phase, Routed, Went};

impl Shown<'_> {
    /// The whole text; with `colour`, ANSI styles are in it.
    pub(super) fn text(&self, colour: bool) -> String {
        let bold = |text: &str| if colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() };
        let mut out = String::new();
        for (n, way) in self.ways.iter().enumerate() {
            if n > 0 {
                out.push('\n');
            }
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{}", bold(&self.head(way)));
            for (phase, number) in way.passage.phases.iter().filter(|phase| does_something(phase)).zip(1..) {
                let (title, lines) = self.phase(phase);
                let _ = writeln!(out, "{number:>3}. {title}");
                columns(&lines, &mut out);
            }
            let _ = writeln!(out, "  => {}", bold(&self.result(way)));
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(out, "{} {note}", bold("note:"));
        }
        out
    }

    fn head(&self, way: &Way) -> String {
        let packet = &way.passage.began;
        let place = way.device.as_deref().map(|device| format!(", in by {}", self.device(device)));
        let place = place.unwrap_or_default();
        match (way.what, &way.device) {
            (What::Asked, _) => format!("The packet{place}: {packet}"),
            (What::Error, _) if packet.source.is_unspecified() => {
                "The gateway finds no way to tell the sender".to_owned()
            }
            (What::Error, _) => format!("What the gateway tells the sender: {packet}"),
            (What::Answer, Some(_)) => format!("The answer{place}: {packet}"),
            (What::Answer, None) => format!("The gateway's answer: {packet}"),
        }
    }

    /// What a phase is called, and its lines: place, what it says, what it did.
    fn phase(&self, phase: &Phase) -> (String, Vec<[String; 3]>) {
        let at = self.devices(phase);
        match &phase.event {
            Event::Chain { hook, chain, fired } => {
                let name = self.places.chain(*chain).map(|chain| format!("{} {}", chain.table, chain.name));
                let title = format!("{}{at}: chain {}", hook_name(*hook), name.unwrap_or_default());
                (title, fired.iter().map(|fired| self.fired(fired)).collect())
            }
            Event::Lookup { zone, found } => {
                (format!("connection tracking in {}: {}", zone_name(*zone), found_name(*found)), Vec::new())
            }
            Event::Translated { hook, changes } => {
                let changes: Vec<String> = changes.iter().map(change).collect();
                (format!("{}{at}: translated: {}", hook_name(*hook), changes.join(", ")), Vec::new())
            }
            Event::Routed(Routed { destination, by }) => {
                let title = format!("routing{at}: to {destination}");
                let Some((rule, route)) = by else {
                    return (
                        title,
                        vec![[String::new(), "no rule leads to a route".to_owned(), String::new()]],
                    );
                };
                let rows = [self.places.ip_rule(*rule), self.places.route(route)];
                let row = |(line, text): (Line, String)| {
                    [line.at.unwrap_or_else(|| "kernel".to_owned()), line.comment.unwrap_or_default(), text]
                };
                (title, rows.map(row).to_vec())
            }
            Event::Confirmed(entry) => {
                let key =
                    |way: &str, tuple: String, zone: u16| [way.to_owned(), format!("zone {zone}"), tuple];
                let lines = vec![
                    key("original", entry.original.to_string(), entry.zone.of(false)),
                    key("reply", entry.reply.to_string(), entry.zone.of(true)),
                ];
                ("the connection is kept".to_owned(), lines)
            }
        }
    }

    fn devices(&self, phase: &Phase) -> String {
        match (&phase.input, &phase.output) {
            (Some(input), Some(output)) => format!(" {input} -> {output}"),
            (Some(input), None) => format!(" {input}"),
            (None, Some(output)) => format!(" -> {output}"),
            (None, None) => String::new(),
        }
    }

    fn fired(&self, fired: &Fired) -> [String; 3] {
        let line = self.places.rule(fired.place);
        let chain = |number| {
            let place = crate::sim::fate::Place { chain: number, ..fired.place };
            self.places.chain(place).map_or_else(String::new, |chain| chain.name.clone())
        };
        let went = match fired.went {
            Went::On => None,
            Went::Accepted => Some("accept".to_owned()),
            Went::Dropped => Some("drop".to_owned()),
            Went::Refused => Some("reject".to_owned()),
            Went::Returned => Some("return".to_owned()),
            Went::Jumped(number) => Some(format!("jump {}", chain(number))),
            Went::Gone(number) => Some(format!("goto {}", chain(number))),
        };
        let did: Vec<String> = fired.changes.iter().map(change).chain(went).collect();
        [line.at.unwrap_or_default(), line.comment.unwrap_or_default(), did.join(", ")]
    }
}

/// Whether a phase is more than chains that were looked into in vain.
fn does_something(phase: &Phase) -> bool {
    match &phase.event {
        Event::Chain { fired, .. } => {
            let idle = |it: &Fired| it.changes.is_empty() && matches!(it.went, Went::Jumped(_) | Went::On);
            // Without any rule it is the policy that did away with it.
            fired.is_empty() || !fired.iter().all(idle)
        }
        _ => true,
    }
}

/// Lines of three columns; the last one has no width.
fn columns(lines: &[[String; 3]], out: &mut String) {
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let (first, second) = (width(0), width(1));
    for [place, what, did] in lines {
        let line = format!("       {place:<first$}  {what:<second$}  {did}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

pub(super) fn hook_name(hook: Hook) -> &'static str {
    match hook {
        Hook::Prerouting => "prerouting",
        Hook::Input => "input",
        Hook::Forward => "forward",
        Hook::Output => "output",
        Hook::Postrouting => "postrouting",
    }
}

fn zone_name(zone: Zone) -> String {
    match zone.direction {
        None => format!("zone {}", zone.number),
        Some(Direction::Original) => format!("zone {} (answers in zone 0)", zone.number),
        Some(Direction::Reply) => format!("zone 0 (answers in zone {})", zone.number),
    }
}

fn found_name(found: Found) -> &'static str {
    match found {
        Found::New => "a new connection",
        Found::Again => "a known connection, not answered yet",
        Found::Original => "a known connection",
        Found::Reply => "the answer of a known connection",
        Found::Related(true) => "an error about a known connection, for who opened it",
        Found::Related(false) => "an error about answers of a known connection",
        Found::Invalid => "invalid, it belongs to no connection",
        Found::Untracked => "not tracked",
    }
}

/// A change in words.
pub(super) fn change(change: &Change) -> String {
    match change {
        Change::Mark(from, to) => format!("mark {from:#x} -> {to:#x}"),
        Change::ConnectionMark(from, to) => format!("connection mark {from:#x} -> {to:#x}"),
        Change::Zone(number, direction) => {
            let number = number.map_or_else(|| "of the mark".to_owned(), |number| number.to_string());
            match direction {
                None => format!("zone {number}"),
                Some(Direction::Original) => format!("zone {number} for the original direction"),
                Some(Direction::Reply) => format!("zone {number} for replies"),
            }
        }
        Change::Source(from, to) => format!("source {from} -> {to}"),
        Change::Destination(from, to) => format!("destination {from} -> {to}"),
        Change::Port(from, to) => format!("port rewritten {from} -> {to}"),
        Change::About(from, to) => format!("inside {from} becomes {to}"),
        Change::Logged(words) => format!("log \"{}\"", words.trim_end()),
    }
}
