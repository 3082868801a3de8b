//! The files of a site together, as they are emitted.
//!
//! Goes in: names and texts. Comes out: what they tell a host to do. What must hold: every line keeps its
//! file and its number, so that whoever finds a fault can name it.

use std::collections::BTreeMap;

use super::filter::Filter;
use super::routing::Command;
use super::{Unread, ip, iptables, nft};

/// What the files of a site say.
#[derive(Clone, Debug, Default)]
pub struct Artifacts {
    /// Kernel settings; nothing where no file says them.
    pub settings: Option<BTreeMap<String, i64>>,
    /// The commands of `ip`, in their order.
    pub commands: Vec<Placed<Command>>,
    /// The packet filters.
    pub filters: Vec<Placed<Filter>>,
}

/// Something with the file that it comes from.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The file.
    pub file: String,
    /// What.
    pub value: T,
}

/// Reads the files of a site: `ip.batch`, `ip6.batch`, and `ruleset.nft` or `rules.v4` and `rules.v6`. Others are
/// left alone.
///
/// # Errors
///
/// Something is not understood: the file, and what.
pub fn read(files: &BTreeMap<String, String>) -> Result<Artifacts, (String, Unread)> {
    let mut artifacts = Artifacts::default();
    for (file, v4) in [("ip.batch", true), ("ip6.batch", false)] {
        if let Some(text) = files.get(file) {
            let commands = ip::commands(text, v4).map_err(|unread| (file.to_owned(), unread))?;
            let placed = commands.into_iter().map(|value| Placed { file: file.to_owned(), value });
            artifacts.commands.extend(placed);
        }
    }
    for file in ["ruleset.nft", "rules.v4", "rules.v6"] {
        if let Some(text) = files.get(file) {
            let filter = match file {
                "ruleset.nft" => nft::read(text),
                _ => iptables::read(text, file == "rules.v4"),
            };
            let value = filter.map_err(|unread| (file.to_owned(), unread))?;
            artifacts.filters.push(Placed { file: file.to_owned(), value });
        }
    }
    Ok(artifacts)
}
