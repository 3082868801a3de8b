//! A packet's way as tcpdump would show it: where it came in, where it went out.

use super::{Shown, Way};
use crate::sim::fate::Fate;

impl Shown<'_> {
    /// A line for each time that a packet passes a device, ended by newlines.
    pub(super) fn short(&self) -> String {
        let mut lines: Vec<(&str, &str, String)> = Vec::new();
        for way in &self.ways {
            if let Some(device) = &way.device {
                lines.push(("In", device, way.packet.to_string()));
            }
            lines.push(match &way.passage.fate {
                Fate::Left { device, .. } => ("Out", device, way.passage.packet.to_string()),
                _ => ("", "", self.end(way)),
            });
        }
        let width = lines.iter().map(|(_, device, _)| device.len()).max().unwrap_or_default();
        let line = |(way, device, what): (&str, &str, String)| format!("{way:<3} {device:<width$} {what}\n");
        lines.into_iter().map(line).collect()
    }

    fn end(&self, way: &Way) -> String {
        self.result(way)
    }
}
