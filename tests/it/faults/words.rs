//! The words of a line, and faults that change one of them.
//!
//! Goes in: a [`Text`] and which words of which lines are meant. Comes out: one fault for each word. What must
//! hold: what is in a comment is never changed; everything around the word stays as it is.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;
use overlapc::net;

use super::text::{Fault, Line, Part, Text};

/// A word where it stands.
pub struct Word<'l> {
    pub line: &'l Line,
    pub all: &'l [&'l str],
    pub at: usize,
}

impl<'l> Word<'l> {
    pub fn text(&self) -> &'l str {
        self.all[self.at]
    }

    /// The word some places before.
    pub fn before(&self, by: usize) -> &'l str {
        self.at.checked_sub(by).map_or("", |at| self.all[at])
    }

    pub fn has(&self, word: &str) -> bool {
        self.all.contains(&word)
    }
}

/// Where the words of a line are.
fn ranges(line: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let (mut from, mut quoted) = (None, false);
    for (at, letter) in line.char_indices() {
        let comment = line[..at].ends_with("comment ") && letter == '"';
        if comment || (quoted && letter == '"') {
            quoted = !quoted;
        }
        let ends = letter.is_whitespace()
            || letter == '"'
            || quoted
            || (letter == ',' && !line.contains("-j") && !line.contains("-g"));
        match from {
            Some(start) if ends => {
                words.push(start..at);
                from = None;
            }
            None if !ends => from = Some(at),
            _ => {}
        }
        if !quoted && line[..at].ends_with(' ') && letter == '#' {
            from = None;
            break;
        }
    }
    words.extend(from.map(|start| start..line.len()));
    words
}

/// A fault for each word that becomes another one.
pub fn words(text: &Text, part: Part, change: impl Fn(&Word<'_>) -> Vec<String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for place in text.places(|line| line.part == part) {
        let line = &text.lines[place];
        let ranges = ranges(&line.text);
        let all: Vec<&str> = ranges.iter().map(|range| &line.text[range.clone()]).collect();
        for (at, range) in ranges.iter().enumerate() {
            for new in change(&Word { line, all: &all, at }) {
                let mut changed = line.text.clone();
                changed.replace_range(range.clone(), &new);
                if changed != line.text {
                    faults.push(Fault::at(place, vec![changed]));
                }
            }
        }
    }
    faults
}

/// A fault for each line of a part that becomes others.
pub fn lines(text: &Text, part: Part, change: impl Fn(&Line) -> Option<Vec<String>>) -> Vec<Fault> {
    let places = text.places(|line| line.part == part);
    places.filter_map(|place| Some(Fault::at(place, change(&text.lines[place])?))).collect()
}

/// A fault for each line of a part in which a text is, which becomes another one there.
pub fn texts(text: &Text, part: Part, pairs: &[(&str, &str)]) -> Vec<Fault> {
    let changed = pairs.iter().flat_map(|(from, to)| {
        lines(text, part, |line| line.text.contains(from).then(|| vec![line.text.replacen(from, to, 1)]))
    });
    changed.collect()
}

/// A fault for two neighbouring lines of one part and name.
pub fn neighbours(text: &Text, wanted: impl Fn(&Line) -> bool) -> Vec<(usize, usize)> {
    let places: Vec<usize> = text.places(wanted).collect();
    let alike = |pair: &[usize]| {
        let [a, b] = [&text.lines[pair[0]], &text.lines[pair[1]]];
        (&a.function, &a.name) == (&b.function, &b.name) && a.text != b.text
    };
    places.windows(2).filter(|pair| alike(pair)).map(|pair| (pair[0], pair[1])).collect()
}

/// A prefix or an address, and whether a length was written.
pub fn prefix(word: &str) -> Option<(IpNet, bool)> {
    if let Ok(net) = word.parse::<IpNet>() {
        return Some((net, true));
    }
    word.parse::<IpAddr>().ok().map(|address| (net::single(address), false))
}

fn written((net, length): (IpNet, bool)) -> String {
    if length { net.to_string() } else { net.addr().to_string() }
}

/// The prefix beside it: the last bit of its network is another one.
pub fn moved(word: &str) -> Option<String> {
    let (net, length) = prefix(word)?;
    let family = net::family(&net);
    let all = if net.addr().is_ipv4() { 32 } else { 128 };
    if net.prefix_len() == 0 {
        return None;
    }
    let bit = 1_u128 << (all - net.prefix_len());
    let address = net::from_bits(family, net::bits(net.addr()) ^ bit);
    Some(written((IpNet::new(address, net.prefix_len()).unwrap(), length)))
}

/// Longer and shorter by a bit.
pub fn resized(word: &str) -> Vec<String> {
    let Some((net, true)) = prefix(word) else { return Vec::new() };
    let all = if net.addr().is_ipv4() { 32 } else { 128 };
    let length = net.prefix_len();
    let sizes = [length.checked_sub(1), (length < all).then_some(length + 1)];
    let host = net.addr() != net.network();
    let net = |length: u8| {
        let net = IpNet::new(net.addr(), length).unwrap();
        if host { net.to_string() } else { net.trunc().to_string() }
    };
    sizes.into_iter().flatten().map(net).collect()
}

/// Numbers of marks: `0x12`, `0x12/0xff`.
pub fn mark(word: &str) -> Option<(u32, Option<u32>)> {
    let hex = |text: &str| u32::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    match word.split_once('/') {
        Some((value, mask)) => Some((hex(value)?, Some(hex(mask)?))),
        None => Some((hex(word)?, None)),
    }
}

/// With one bit more, and one bit less.
pub fn masks(mask: u32) -> [u32; 2] {
    [mask | (!mask & mask.wrapping_add(1)), mask & mask.wrapping_sub(1)]
}

/// The next one of some texts, round and round.
pub fn next<'a>(all: &[&'a str], one: &str) -> Option<&'a str> {
    let place = all.iter().position(|it| *it == one)?;
    all.iter().cycle().skip(place + 1).take(all.len() - 1).next().copied()
}
