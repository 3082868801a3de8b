//! The files of a site together, as they are emitted.
//!
//! Goes in: names and texts. Comes out: what they tell a host to do. What must hold: every line keeps its
//! file and its number, so that whoever finds a fault can name it; what two files say they say alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::filter::Filter;
use super::routing::{Change, Command};
use super::script::data::Value;
use super::script::{self, Script};
use super::{Unread, ip, iptables, nft};

/// What the files of a site say.
#[derive(Clone, Debug, Default)]
pub struct Artifacts {
    /// Kernel settings; nothing where no file says them.
    pub settings: Option<BTreeMap<String, i64>>,
    /// The commands of `ip`, in their order.
    pub commands: Vec<Placed<Command>>,
    /// The packet filters.
    pub filters: Vec<Placed<Arc<Filter>>>,
    /// The script that all of it comes from, if there is one.
    pub script: Option<Script>,
}

/// Something with the file that it comes from.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The file.
    pub file: String,
    /// What.
    pub value: T,
}

/// Reads the files of a site: `site.sh`, or `ip.batch`, `ip6.batch`, and `ruleset.nft` or `rules.v4` and
/// `rules.v6`. Where there is a `site.sh` the others may be there as well, and must say the same. Further files
/// are left alone. A setting that is to let everything pass is 0.
///
/// # Errors
///
/// Something is not understood, or two files differ: the file or both, and what.
pub fn read(files: &BTreeMap<String, String>) -> Result<Artifacts, (String, Unread)> {
    let apart = apart(files)?;
    let Some(text) = files.get(script::FILE) else { return Ok(apart) };
    let script = script::read(text).map_err(|unread| (script::FILE.to_owned(), unread))?;
    let mut artifacts = of_script(&script);
    alike(&artifacts, &apart)?;
    artifacts.script = Some(script);
    Ok(artifacts)
}

/// Those without the script.
fn apart(files: &BTreeMap<String, String>) -> Result<Artifacts, (String, Unread)> {
    let mut artifacts = Artifacts::default();
    for (file, v4) in BATCHES {
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
            artifacts.filters.push(Placed { file: file.to_owned(), value: Arc::new(value) });
        }
    }
    Ok(artifacts)
}

/// The lines of `ip -batch`, and whether of IPv4: those that are of no family are with it.
const BATCHES: [(&str, bool); 2] = [("ip.batch", true), ("ip6.batch", false)];

/// What a script tells a host when it puts a site up.
#[must_use]
pub fn of_script(script: &Script) -> Artifacts {
    let settings = script.data.settings.iter().chain(&script.data.own_settings);
    let value = |value| match value {
        Value::Is(number) => number,
        Value::Loose => 0,
    };
    let settings = settings.map(|setting| (setting.value.path.clone(), value(setting.value.value))).collect();
    let filters = script.rulesets.whole.iter();
    let filters =
        filters.map(|filter| Placed { file: script::FILE.to_owned(), value: filter.value.clone() }).collect();
    Artifacts { settings: Some(settings), commands: script.commands_up(), filters, script: None }
}

/// Sees that a script says what the other files say, wherever in them it stands.
fn alike(script: &Artifacts, apart: &Artifacts) -> Result<(), (String, Unread)> {
    let differ = |file: &str, line: usize, what: &str| {
        let why = format!("{file} does not say the same");
        (format!("{} and {file}", script::FILE), Unread::new(line, what, why))
    };
    for (file, v4) in BATCHES {
        let of_file: Vec<&Command> =
            apart.commands.iter().filter(|it| it.file == file).map(|it| &it.value).collect();
        if of_file.is_empty() {
            continue;
        }
        let of_script: Vec<&Command> =
            script.commands.iter().map(|it| &it.value).filter(|it| is_of(&it.change, v4)).collect();
        let same = |a: &Command, b: &Command| (&a.change, &a.source) == (&b.change, &b.source);
        let place = of_script.iter().zip(&of_file).position(|(a, b)| !same(a, b));
        let place = place
            .or_else(|| (of_script.len() != of_file.len()).then_some(of_script.len().min(of_file.len())));
        if let Some(place) = place {
            let line = of_script.get(place).map_or(1, |command| command.line);
            let what = of_script
                .get(place)
                .map_or_else(|| "a command is missing".to_owned(), |command| format!("{:?}", command.change));
            return Err(differ(file, line, &what));
        }
    }
    for (of_script, of_file) in script.filters.iter().zip(&apart.filters) {
        if let Some((line, what)) = difference(&of_script.value, &of_file.value) {
            return Err(differ(&of_file.file, line, &what));
        }
    }
    match apart.filters.get(script.filters.len()) {
        Some(more) => Err(differ(&more.file, 1, "a ruleset is missing")),
        None => Ok(()),
    }
}

/// Whether a command stands among those of a family.
fn is_of(change: &Change, v4: bool) -> bool {
    match change {
        Change::AddRoute(route) | Change::DeleteRoute(route) => route.to.addr().is_ipv4() == v4,
        Change::AddRule(rule) | Change::DeleteRule(rule) => rule.v4 == v4,
        _ => v4,
    }
}

/// Where two filters differ in what they mean: the line in the first, and what stands there.
fn difference(one: &Filter, other: &Filter) -> Option<(usize, String)> {
    for (a, b) in one.chains.iter().zip(&other.chains) {
        let at = || a.rules.first().map_or(1, |rule| rule.line);
        if (&a.table, &a.name, a.base) != (&b.table, &b.name, b.base) {
            return Some((at(), format!("chain {} of table {}", a.name, a.table)));
        }
        for (x, y) in a.rules.iter().zip(&b.rules) {
            if (&x.steps, &x.comment) != (&y.steps, &y.comment) {
                let comment = x.comment.clone().unwrap_or_default();
                return Some((x.line, format!("chain {} of table {}: {comment}", a.name, a.table)));
            }
        }
        if a.rules.len() != b.rules.len() {
            return Some((at(), format!("chain {} of table {}: how many rules", a.name, a.table)));
        }
    }
    (one.chains.len() != other.chains.len()).then(|| (1, "how many chains".to_owned()))
}
