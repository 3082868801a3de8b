//! The guard: what a script loads while it works, so that nothing is forwarded between the networks.
//!
//! Goes in: a function that is one program of awk with nothing in it but `print`. Comes out: a [`Guard`],
//! which says its filters for any devices. What must hold: it prints what the program prints.

use super::At;
use super::header::Firewall;
use super::pieces::Function;
use crate::read::filter::Filter;
use crate::read::touched::{self, Touched};
use crate::read::{Unread, iptables, nft};

/// A guard.
#[derive(Clone, Debug)]
pub struct Guard {
    firewall: Firewall,
    /// What is printed before the devices, for each of them, and behind them.
    parts: [Vec<At<Vec<Piece>>>; 3],
}

/// A part of what is printed.
#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    /// The first word of the line that was read.
    Device,
}

impl Guard {
    pub(super) fn read(function: &Function<'_>, firewall: Firewall) -> Result<Self, Unread> {
        let last = function.body.len().saturating_sub(1);
        if function.body.first() != Some(&"    awk '") || last == 0 || function.body[last] != "    '" {
            return Err(function.unread(0, "not one program of awk"));
        }
        let mut parts = [const { Vec::new() }; 3];
        let mut inside = None;
        for (index, line) in function.body.iter().enumerate().take(last).skip(1) {
            let mut rest = line.trim();
            if inside.is_none() {
                let heads = [("BEGIN {", 0), ("{", 1), ("END {", 2)];
                let head = heads.iter().find_map(|(head, part)| Some((rest.strip_prefix(head)?, *part)));
                let (after, part) = head.ok_or_else(|| function.unread(index, "not a part of a program"))?;
                (rest, inside) = (after.trim(), Some(part));
            }
            let statement = rest.strip_suffix('}').map(str::trim);
            if let (Some(part), text) = (inside, statement.unwrap_or(rest))
                && !text.is_empty()
            {
                let pieces = text.strip_prefix("print ").and_then(pieces);
                let pieces =
                    pieces.ok_or_else(|| function.unread(index, "not a print that is known here"))?;
                parts[part].push(At { line: function.line + 1 + index, value: pieces });
            }
            if statement.is_some() {
                inside = None;
            }
        }
        match inside {
            Some(_) => Err(function.unread(last, "a part of the program does not end")),
            None => Ok(Self { firewall, parts }),
        }
    }

    /// What it lets nobody forward from or into these devices with: one filter, or one of each family.
    ///
    /// # Errors
    ///
    /// What it prints is not understood: the line of the script that prints it.
    pub fn filters(&self, devices: &[String]) -> Result<Vec<Filter>, Unread> {
        let lines = self.printed(devices);
        let text: String = lines.iter().flat_map(|line| [line.value.as_str(), "\n"]).collect();
        let read = match self.firewall {
            Firewall::Nftables => nft::read(&text).map(|filter| vec![filter]),
            Firewall::Iptables => {
                iptables::read(&text, true).and_then(|v4| Ok(vec![v4, iptables::read(&text, false)?]))
            }
        };
        let place = |line: usize| lines.get(line.saturating_sub(1)).map_or(1, |line| line.line);
        let mut filters = read.map_err(|unread| Unread { line: place(unread.line), ..unread })?;
        let chains = filters.iter_mut().flat_map(|filter| &mut filter.chains);
        chains.flat_map(|chain| &mut chain.rules).for_each(|rule| rule.line = place(rule.line));
        Ok(filters)
    }

    /// The objects that loading it touches.
    ///
    /// # Errors
    ///
    /// What it prints is not understood.
    pub fn touched(&self, devices: &[String]) -> Result<Vec<Touched>, Unread> {
        let lines = self.printed(devices);
        let text: String = lines.iter().flat_map(|line| [line.value.as_str(), "\n"]).collect();
        let mut touched = match self.firewall {
            Firewall::Nftables => touched::of_nft(&text)?,
            Firewall::Iptables => touched::of_iptables(&text),
        };
        for touched in &mut touched {
            touched.line = lines.get(touched.line.saturating_sub(1)).map_or(1, |line| line.line);
        }
        Ok(touched)
    }

    /// What it prints, each line with the one of the script that prints it.
    fn printed(&self, devices: &[String]) -> Vec<At<String>> {
        let [before, each, behind] = &self.parts;
        let none = String::new();
        let once = |part| (part, &none);
        let each = devices.iter().flat_map(|device| each.iter().map(move |part| (part, device)));
        let all = before.iter().map(once).chain(each).chain(behind.iter().map(once));
        let mut lines = Vec::new();
        for (part, device) in all {
            let text = |piece: &Piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Device => device.clone(),
            };
            let text: String = part.value.iter().map(text).collect();
            lines.extend(text.split('\n').map(|value| At { line: part.line, value: value.to_owned() }));
        }
        lines
    }
}

/// `"text" $1 "text"`
fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("$1") {
            pieces.push(Piece::Device);
            rest = after.trim_start();
            continue;
        }
        let mut letters = rest.strip_prefix('"')?.chars();
        let mut text = String::new();
        loop {
            match letters.next()? {
                '"' => break,
                '\\' => text.push(match letters.next()? {
                    'n' => '\n',
                    't' => '\t',
                    same @ ('"' | '\\') => same,
                    _ => return None,
                }),
                letter => text.push(letter),
            }
        }
        pieces.push(Piece::Text(text));
        rest = letters.as_str().trim_start();
    }
    (!pieces.is_empty()).then_some(pieces)
}
