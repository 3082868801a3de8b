//! Faults in the lines of `ip`, in kernel settings, and in what the script says of the site.
//!
//! Goes in: a [`Text`]. Comes out: faults of one kind. What must hold: each line that is made can be read by
//! ip(8), so that not the reader but the proof has to see most of them.

use super::Kind;
use super::text::{Fault, Line, Part, Text};
use super::words::{Word, lines, mark, masks, moved, neighbours, next, resized, words as each};

pub const KINDS: &[Kind] = &[
    Kind("rule's preference 1100", |text| {
        word(text, "rules_", |it| (it.before(1) == "pref").then(|| "1100".to_owned()))
    }),
    Kind("rule's preference one more", |text| {
        word(text, "rules_", |it| {
            (it.before(1) == "pref").then(|| Some((it.text().parse::<u32>().ok()? + 1).to_string()))?
        })
    }),
    Kind("rule's table that of another", |text| {
        let tables = after(text, "rules_", "lookup");
        word(text, "rules_", |it| (it.before(1) == "lookup").then(|| other(&tables, it.text()))?)
    }),
    Kind("rule's mark off by one bit", |text| {
        word(text, "rules_", |it| {
            mark(it.text()).and_then(|(value, mask)| Some(format!("{:#x}/{:#x}", value ^ 1 ^ 0x10, mask?)))
        })
    }),
    Kind("rule's mask", |text| {
        each(text, Part::Data, |it| match mark(it.text()) {
            Some((value, Some(mask))) if it.line.function.starts_with("rules_") => {
                masks(mask).map(|mask| format!("{value:#x}/{mask:#x}")).to_vec()
            }
            _ => vec![],
        })
    }),
    Kind("rule removed", |text| removed(text, |it| it.function.starts_with("rules_"))),
    Kind("rule doubled", |text| doubled(text, |it| it.function.starts_with("rules_"))),
    Kind("rule's condition gone", |text| {
        [" iif lo", " oif ", " iif ", " fwmark "]
            .into_iter()
            .flat_map(|from| {
                lines(text, Part::Data, |it| {
                    let (before, rest) = it.text.split_once(from)?;
                    let rest = if from.ends_with(' ') { rest.split_once(' ')?.1 } else { rest.trim_start() };
                    it.function.starts_with("rules_").then(|| vec![format!("{before} {rest}")])
                })
            })
            .collect()
    }),
    Kind("rule's interface that of another network", |text| {
        let [devices, _] = text.devices();
        word(text, "rules_", |it| {
            (it.before(1) == "iif" || it.before(1) == "oif")
                .then(|| next(&devices, it.text()).map(str::to_owned))?
        })
    }),
    Kind("rule's iif and oif swapped", |text| {
        word(text, "rules_", |it| match it.text() {
            "iif" => Some("oif".to_owned()),
            "oif" => Some("iif".to_owned()),
            _ => None,
        })
    }),
    Kind("goto's target", |text| {
        let targets = after(text, "rules_", "goto");
        word(text, "rules_", |it| (it.before(1) == "goto").then(|| other(&targets, it.text()))?)
    }),
    Kind("rule's action", |text| {
        lines(text, Part::Data, |it| {
            let (before, _) = it.text.split_once(" lookup ")?;
            it.function.starts_with("rules_").then(|| vec![format!("{before} nop protocol 77")])
        })
    }),
    Kind("end of a table gone", |text| removed(text, |it| it.function.starts_with("defaults_"))),
    Kind("end of a table in another one", |text| {
        let tables = after(text, "defaults_", "table");
        word(text, "defaults_", |it| (it.before(1) == "table").then(|| other(&tables, it.text()))?)
    }),
    Kind("end of a table before its routes", |text| {
        word(text, "defaults_", |it| (it.before(1) == "metric").then(|| "0".to_owned()))
    }),
    Kind("end of a table of half the numbers", |text| {
        word(text, "defaults_", |it| match it.text() {
            "0.0.0.0/0" => Some("0.0.0.0/1".to_owned()),
            "::/0" => Some("::/1".to_owned()),
            _ => None,
        })
    }),
    Kind("route removed", |text| removed(text, |it| it.function.starts_with("routes_"))),
    Kind("route off by one bit", |text| {
        word(text, "routes_", |it| (it.before(1) == "add").then(|| moved(it.text()))?)
    }),
    Kind("route's prefix length", |text| {
        each(text, Part::Data, |it| {
            if it.line.function.starts_with("routes_") && it.before(1) == "add" {
                resized(it.text())
            } else {
                vec![]
            }
        })
    }),
    Kind("route's table", |text| {
        let tables = after(text, "routes_", "table");
        word(text, "routes_", |it| (it.before(1) == "table").then(|| other(&tables, it.text()))?)
    }),
    Kind("route's device", |text| {
        let [devices, _] = text.devices();
        word(text, "routes_", |it| {
            (it.before(1) == "dev").then(|| next(&devices, it.text()).map(str::to_owned))?
        })
    }),
    Kind("route's router", |text| {
        word(text, "routes_", |it| (it.before(1) == "via").then(|| moved(it.text()))?)
    }),
    Kind("route's router gone", |text| {
        lines(text, Part::Data, |it| {
            let (before, rest) = it.text.split_once(" via ")?;
            Some(vec![format!("{before} {}", rest.split_once(' ')?.1)])
        })
    }),
    Kind("route's onlink gone", |text| {
        lines(text, Part::Data, |it| {
            it.text.contains(" onlink").then(|| vec![it.text.replacen(" onlink", "", 1)])
        })
    }),
    Kind("route's metric", |text| {
        lines(text, Part::Data, |it| {
            let new = it.text.replacen(" table ", " metric 4278198273 table ", 1);
            it.function.starts_with("routes_").then(|| vec![new])
        })
    }),
    Kind("route or rule of somebody else", |text| {
        each(text, Part::Data, |it| if it.before(1) == "protocol" { vec!["78".to_owned()] } else { vec![] })
    }),
    Kind("VRF device's table", |text| {
        let tables = after(text, "create", "table");
        word(text, "create", |it| (it.before(1) == "table").then(|| other(&tables, it.text()))?)
    }),
    Kind("VRF device's name", |text| {
        let [_, devices] = text.devices();
        word(text, "create", |it| next(&devices, it.text()).map(str::to_owned))
    }),
    Kind("VRF device gone or down", |text| removed(text, |it| it.function == "create")),
    Kind("VRF device after it is used", |text| {
        let pairs = neighbours(text, |it| it.function == "create" && it.part == Part::Data);
        pairs.into_iter().map(|(a, b)| Fault::swap(text, a, b)).collect()
    }),
    Kind("interface's VRF device", |text| {
        let [_, devices] = text.devices();
        word(text, "attach", |it| {
            (it.before(1) == "master").then(|| next(&devices, it.text()).map(str::to_owned))?
        })
    }),
    Kind("interface not attached or down", |text| removed(text, |it| it.function == "attach")),
    Kind("interface down instead of up", |text| {
        lines(text, Part::Data, |it| {
            it.function
                .starts_with("attach")
                .then(|| it.text.contains(" up").then(|| vec![it.text.replacen(" up", " down", 1)]))?
        })
    }),
    Kind("address off by one bit", |text| {
        word(text, "addresses", |it| (it.before(1) == "add").then(|| host(it.text()))?)
    }),
    Kind("address's prefix length", |text| {
        each(text, Part::Data, |it| if it.line.function == "addresses" { resized(it.text()) } else { vec![] })
    }),
    Kind("address on another device", |text| {
        let [devices, _] = text.devices();
        word(text, "addresses", |it| {
            (it.before(1) == "dev").then(|| next(&devices, it.text()).map(str::to_owned))?
        })
    }),
    Kind("address gone", |text| removed(text, |it| it.function == "addresses")),
    Kind("noprefixroute gone", |text| {
        lines(text, Part::Data, |it| {
            it.text.contains(" noprefixroute").then(|| vec![it.text.replacen(" noprefixroute", "", 1)])
        })
    }),
    Kind("noprefixroute where it should not be", |text| {
        lines(text, Part::Data, |it| {
            let bare =
                it.function == "addresses" && !it.text.contains("noprefixroute") && !it.text.is_empty();
            bare.then(|| vec![it.text.replacen(" #", " noprefixroute #", 1)])
        })
    }),
    Kind("setting removed", |text| removed(text, is_setting)),
    Kind("setting's value", |text| {
        lines(text, Part::Data, |it| {
            let (path, value) = it.text.split_once(' ').filter(|_| is_setting(it))?;
            let other = match value {
                "1" => "0",
                "0" => "1",
                "loose" => "1",
                _ => "9",
            };
            Some(vec![format!("{path} {other}")])
        })
    }),
    Kind("setting of another device", |text| {
        let [devices, more] = text.devices();
        lines(text, Part::Data, |it| {
            let device = it.text.split('/').nth(2).filter(|_| is_setting(it))?;
            let other = next(&devices, device).or_else(|| next(&more, device))?;
            Some(vec![it.text.replacen(device, other, 1)])
        })
    }),
    Kind("order of settings", |text| {
        let pairs = neighbours(text, is_setting);
        pairs.into_iter().map(|(a, b)| Fault::swap(text, a, b)).collect()
    }),
    Kind("zone line gone", |text| removed(text, |it| it.function == "zones")),
    Kind("number in a zone line", |text| {
        word(text, "zones", |it| {
            (it.at == 0).then(|| Some((it.text().parse::<u32>().ok()? + 1000).to_string()))?
        })
    }),
    Kind("digest of connections", |text| {
        let digest = |word: &str| {
            (word.len() == 16)
                .then(|| format!("{}{}", if word.starts_with('0') { "1" } else { "0" }, &word[1..]))
        };
        [word(text, "zones", |it| digest(it.text())), word(text, "known", |it| digest(it.text()))].concat()
    }),
    Kind("known network gone", |text| removed(text, |it| it.function == "known")),
    Kind("known network's number or prefix", |text| {
        word(text, "known", |it| match it.at {
            0 => Some((it.text().parse::<u32>().ok()? + 1000).to_string()),
            1 => None,
            _ => moved(it.text()),
        })
    }),
    Kind("known network's prefix gone", |text| {
        lines(text, Part::Data, |it| {
            let (before, last) = it.text.rsplit_once(' ').filter(|_| it.function == "known")?;
            last.contains('/').then(|| vec![before.to_owned()])
        })
    }),
    Kind("network's line gone", |text| removed(text, |it| it.function == "networks")),
    Kind("network's number", |text| {
        word(text, "networks", |it| {
            (it.at == 0).then(|| Some((it.text().parse::<u32>().ok()? + 1000).to_string()))?
        })
    }),
    Kind("network's interface or VRF device", |text| {
        let [devices, vrfs] = text.devices();
        word(text, "networks", |it| match it.at {
            1 => next(&devices, it.text()).map(str::to_owned),
            2 => next(&vrfs, it.text()).map(str::to_owned),
            _ => None,
        })
    }),
    Kind("network's name", |text| {
        word(text, "networks", |it| (it.at == 3).then(|| format!("{}x", it.text())))
    }),
];

fn is_setting(it: &Line) -> bool {
    it.part == Part::Data
        && ["settings", "own_settings"].contains(&it.function.as_str())
        && !it.text.is_empty()
}

/// A fault for each word of some functions' data.
fn word(text: &Text, function: &str, change: impl Fn(&Word<'_>) -> Option<String>) -> Vec<Fault> {
    each(text, Part::Data, |it| {
        if it.line.function.starts_with(function) { change(it).into_iter().collect() } else { vec![] }
    })
}

fn removed(text: &Text, wanted: impl Fn(&Line) -> bool) -> Vec<Fault> {
    lines(text, Part::Data, |it| (wanted(it) && !it.text.is_empty()).then(Vec::new))
}

fn doubled(text: &Text, wanted: impl Fn(&Line) -> bool) -> Vec<Fault> {
    lines(text, Part::Data, |it| {
        (wanted(it) && !it.text.is_empty()).then(|| vec![it.text.clone(), it.text.clone()])
    })
}

/// The words behind a word in some functions.
fn after<'t>(text: &'t Text, function: &str, word: &str) -> Vec<&'t str> {
    let lines = text.lines.iter().filter(|it| it.part == Part::Data && it.function.starts_with(function));
    let found = lines.filter_map(|it| it.text.split(' ').skip_while(|it| *it != word).nth(1));
    let mut found: Vec<&str> = found.collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn other(all: &[&str], one: &str) -> Option<String> {
    next(all, one).map(str::to_owned)
}

/// The address beside it, with the same length.
fn host(word: &str) -> Option<String> {
    let (address, length) = word.split_once('/')?;
    Some(format!("{}/{length}", moved(address)?))
}
