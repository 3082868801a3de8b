//! The text of a script as lines that know what they are, so that a fault can be put at one of them.
//!
//! Goes in: the text of a `site.sh`. Comes out: [`Text`], and the text again with a [`Fault`] in it. What must
//! hold: without a fault it is the same text; the quotes around data stay where data ends.

use std::collections::BTreeMap;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `NAME=VALUE`.
    Variable,
    /// A line that a function prints as what the site is made of.
    Data,
    /// A rule of a chain.
    Rule,
    /// An element of a set or map.
    Element,
    /// What a chain hooks into: `type ... hook ...`.
    Base,
    /// Everything else in a ruleset but comments.
    Frame,
    /// A command in a function.
    Command,
    /// Comments, blank lines, heads and ends of functions.
    Other,
}

/// A line.
pub struct Line {
    /// The function that it is in, or nothing.
    pub function: String,
    /// The chain, set or map that it is in, or nothing.
    pub name: String,
    pub part: Part,
    pub text: String,
}

/// Lines that become others, by their places.
#[derive(Clone, Debug)]
pub struct Fault {
    pub edits: BTreeMap<usize, Vec<String>>,
}

impl Fault {
    /// One line that becomes others.
    pub fn at(place: usize, lines: Vec<String>) -> Self {
        Self { edits: [(place, lines)].into() }
    }

    /// Two lines in each other's place.
    pub fn swap(text: &Text, a: usize, b: usize) -> Self {
        let line = |place: usize| vec![text.lines[place].text.clone()];
        Self { edits: [(a, line(b)), (b, line(a))].into() }
    }
}

pub struct Text {
    pub lines: Vec<Line>,
}

const DATA: [&str; 14] = [
    "networks",
    "settings",
    "own_settings",
    "zones",
    "known",
    "create",
    "defaults_v4",
    "defaults_v6",
    "attach",
    "addresses",
    "routes_v4",
    "routes_v6",
    "rules_v4",
    "rules_v6",
];
const PRINTF: &str = "    printf '%s\\n' '";

impl Text {
    pub fn of(text: &str) -> Self {
        let mut lines = Vec::new();
        let (mut function, mut name, mut table) = (String::new(), String::new(), String::new());
        for raw in text.lines() {
            let mut text = raw.to_owned();
            let part = if let Some(head) = raw.strip_suffix("() {").filter(|it| !it.starts_with(' ')) {
                head.clone_into(&mut function);
                name.clear();
                Part::Other
            } else if raw == "}" && !function.is_empty() && (function != "ruleset" || name.ends_with('!')) {
                function.clear();
                Part::Other
            } else if function.is_empty() {
                if raw.contains('=') && !raw.starts_with(['#', ' ']) { Part::Variable } else { Part::Other }
            } else if DATA.contains(&function.as_str()) {
                if let Some(rest) = raw.strip_prefix(PRINTF) {
                    rest.clone_into(&mut text);
                }
                if let Some(rest) = text.strip_suffix('\'') {
                    text = rest.to_owned();
                }
                Part::Data
            } else if function.starts_with("ruleset") {
                of_ruleset(raw, &mut name, &mut table)
            } else {
                match raw.trim() {
                    "" => Part::Other,
                    it if it.starts_with('#') => Part::Other,
                    _ => Part::Command,
                }
            };
            lines.push(Line { function: function.clone(), name: name.clone(), part, text });
        }
        Self { lines }
    }

    /// The text, with a fault.
    pub fn with(&self, fault: &Fault) -> String {
        let mut made = String::new();
        let mut data: Option<Vec<&str>> = None;
        for (place, line) in self.lines.iter().enumerate() {
            let own = [line.text.clone()];
            let now = fault.edits.get(&place).map_or(own.as_slice(), Vec::as_slice);
            let text = now.iter().map(String::as_str);
            if line.part == Part::Data {
                let kept = fault.edits.get(&place);
                let data = data.get_or_insert_default();
                match kept {
                    Some(lines) => data.extend(lines.iter().map(String::as_str)),
                    None => data.push(&line.text),
                }
                continue;
            }
            if let Some(data) = data.take() {
                made.push_str(&format!("{PRINTF}{}'\n", data.join("\n")));
            }
            for line in text {
                made.push_str(line);
                made.push('\n');
            }
        }
        made
    }

    /// What a fault does, in a line.
    pub fn told(&self, fault: &Fault) -> String {
        let edit = |(place, lines): (&usize, &Vec<String>)| {
            let line = &self.lines[*place];
            let new: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
            format!(
                "{}: {} {}: {} => {}",
                place + 1,
                line.function,
                line.name,
                line.text.trim(),
                new.join(" ;; ")
            )
        };
        fault.edits.iter().map(edit).collect::<Vec<_>>().join(" | ")
    }

    /// The places of some lines.
    pub fn places<'t>(&'t self, wanted: impl Fn(&Line) -> bool + 't) -> impl Iterator<Item = usize> + 't {
        (0..self.lines.len()).filter(move |place| wanted(&self.lines[*place]))
    }

    /// The interfaces of the networks and their VRF devices.
    pub fn devices(&self) -> [Vec<&str>; 2] {
        let lines = self.lines.iter().filter(|line| line.part == Part::Data && line.function == "networks");
        let words: Vec<Vec<&str>> = lines.map(|line| line.text.split(' ').collect()).collect();
        [1, 2].map(|at| words.iter().filter_map(|it| it.get(at).copied()).filter(|it| *it != "-").collect())
    }
}

/// A line of a ruleset; `name` becomes what it is in.
fn of_ruleset(raw: &str, name: &mut String, table: &mut String) -> Part {
    let text = raw.trim();
    let iptables = text.strip_prefix("-A ").or_else(|| text.strip_prefix("-I "));
    if let Some(rest) = iptables {
        *name = format!("{table} {}", rest.split(' ').next().unwrap_or_default());
        return Part::Rule;
    }
    if let Some(rest) = text.strip_prefix('*') {
        rest.clone_into(table);
    }
    for word in ["chain ", "map ", "set "] {
        if let Some(rest) = text.strip_prefix(word).and_then(|rest| rest.strip_suffix(" {")) {
            *name = format!("{word}{rest}");
            return Part::Frame;
        }
    }
    match text {
        "" => Part::Other,
        "OVERLAPC_END" => {
            // The end of the function is next.
            "!".clone_into(name);
            Part::Other
        }
        it if it.starts_with('#') || it.starts_with("cat ") => Part::Other,
        it if it.starts_with("type ") && it.contains(" hook ") => Part::Base,
        it if name.starts_with("chain ") && it != "}" => Part::Rule,
        it if raw.starts_with("\t\t\t") && it != "}" => Part::Element,
        _ => Part::Frame,
    }
}
