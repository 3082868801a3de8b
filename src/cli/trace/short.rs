//! A packet's way as tcpdump would show it: where it came in, where it went out.

use super::{Shown, Way};
use crate::sim::fate::Fate;

impl Shown<'_> {
    /// A line for each time that a packet passes a device, and one for each that does not get out, ended by
    /// newlines.
    pub(super) fn short(&self) -> String {
        let left = |way: &Way| match &way.passage.fate {
            Fate::Left { device, .. } => Some(device.clone()),
            _ => None,
        };
        let devices = self.ways.iter().flat_map(|way| [way.device.clone(), left(way)]).flatten();
        let width = devices.map(|device| device.len()).max().unwrap_or_default();
        let mut out = String::new();
        for way in &self.ways {
            if let Some(device) = &way.device {
                out.push_str(&format!("In  {device:<width$} {}\n", way.passage.began));
            }
            match left(way) {
                Some(device) => out.push_str(&format!("Out {device:<width$} {}\n", way.passage.packet)),
                None => out.push_str(&format!("--  {}\n", self.result(way))),
            }
        }
        out
    }
}
