//! Faults in the variables of a script, in its functions, and in the order of its steps.
//!
//! Goes in: a [`Text`]. Comes out: faults of one kind. What must hold: the order of steps is changed in every
//! function in which it counts; of the others, one line of each is.

use super::Kind;
use super::text::{Fault, Part, Text};
use super::words::{lines, neighbours, texts};

pub const KINDS: &[Kind] = &[
    Kind("variable gone", |text| lines(text, Part::Variable, |_| Some(vec![]))),
    Kind("number in a variable", |text| {
        let numbers =
            ["PROTOCOL", "FIRST", "LAST", "LOCAL", "DESTINATION", "SOURCE", "MARKS", "CONNECTION_MARKS"];
        lines(text, Part::Variable, |it| {
            let (name, value) = it.text.split_once('=').filter(|(name, _)| numbers.contains(name))?;
            Some(vec![match value.trim_matches('\'') {
                "" => format!("{name}='901'"),
                hex if hex.starts_with("0x") => format!("{name}={hex}0"),
                "901" => format!("{name}=''"),
                number => format!("{name}={}", number.parse::<u32>().ok()? + 1),
            }])
        })
    }),
    Kind("word in a variable", |text| {
        texts(
            text,
            Part::Variable,
            &[
                ("IPV6=yes", "IPV6=no"),
                ("IPV6=no", "IPV6=yes"),
                ("VRF=yes", "VRF=no"),
                ("VRF=no", "VRF=yes"),
                ("isolation vrf", "isolation rules"),
                ("firewall nftables", "firewall iptables"),
                ("STATE=/run/overlapc", "STATE=/run/other"),
                ("LC_ALL=C", "LC_ALL=de"),
            ],
        )
    }),
    Kind("site's name or fingerprint", |text| {
        texts(text, Part::Variable, &[("SITE='", "SITE='x"), ("FINGERPRINT='", "FINGERPRINT='0")])
    }),
    Kind("steps reordered", |text| {
        let pairs = neighbours(text, is_step);
        let indent = |place: usize| text.lines[place].text.chars().take_while(|it| *it == ' ').count();
        let pairs = pairs.into_iter().filter(|(a, b)| b - a == 1 && indent(*a) == indent(*b));
        pairs.map(|(a, b)| Fault::swap(text, a, b)).collect()
    }),
    Kind("step gone", |text| lines(text, Part::Command, |it| is_step(it).then(Vec::new))),
    Kind("step doubled", |text| {
        lines(text, Part::Command, |it| is_step(it).then(|| vec![it.text.clone(), it.text.clone()]))
    }),
    Kind("guard gone or early off", |text| {
        let mut faults = lines(text, Part::Command, |it| {
            (it.function == "begin" && it.text.contains("guard_on"))
                .then(|| vec![it.text.replacen("! guard_on", "false", 1)])
        });
        for (function, before) in [
            ("put_up", "tear_down"),
            ("put_up", "if ! build"),
            ("finish", "listing networks"),
            ("down_for_good", "tear_down"),
        ] {
            faults.extend(lines(text, Part::Command, |it| {
                (it.function == function && it.text.contains(before))
                    .then(|| vec!["    guard_off || :".to_owned(), it.text.clone()])
            }));
        }
        faults
    }),
    Kind("connections not forgotten", |text| {
        lines(text, Part::Command, |it| (it.text.trim() == "forget_connections").then(Vec::new))
    }),
    Kind("guard lets something through", |text| {
        let mut faults = texts(
            text,
            Part::Command,
            &[
                ("\\t\\tiifname @ovl_ports drop\\n", ""),
                ("\\n\\t\\toifname @ovl_ports drop", ""),
                ("iifname @ovl_ports drop", "iifname @ovl_ports accept"),
                ("hook forward priority filter - 10", "hook input priority filter - 10"),
                ("hook forward priority filter - 10", "hook forward priority filter + 10"),
                ("table inet ovl_guard {", "table ip ovl_guard {"),
                ("-I FORWARD 1 -j ovl-shut", "-I INPUT 1 -j ovl-shut"),
                ("-I FORWARD 1 -j ovl-shut", "-A FORWARD -j ovl-shut"),
                ("-A ovl-shut -i \" $1 \" -j DROP\\n", ""),
                (" -o \" $1 \" -j DROP\"", " -o \" $1 \" -j ACCEPT\""),
                ("\\n-A ovl-shut -o \" $1 \" -j DROP", ""),
            ],
        );
        faults.retain(|fault| fault.edits.keys().all(|place| text.lines[*place].function == "guard"));
        faults.extend(lines(text, Part::Command, |it| (it.function == "guard").then(Vec::new)));
        faults
    }),
    Kind("local rule deleted, not added", |text| {
        lines(text, Part::Command, |it| (it.function == "move_local").then(Vec::new))
    }),
    Kind("line of a fixed function gone", fixed_functions),
    Kind("comment of a script", |text| {
        lines(text, Part::Other, |it| {
            it.text.trim_start().starts_with("# ").then(|| vec![it.text.replacen("# ", "# x ", 1)])
        })
    }),
];

/// Whether a line is of a function in which the order counts.
fn is_step(it: &super::text::Line) -> bool {
    let functions = ["build", "tear_down", "put_up", "begin", "down_for_good", "finish", "down", "up"];
    it.part == Part::Command && functions.contains(&it.function.as_str())
}

/// One line of each function that is the same in every script.
fn fixed_functions(text: &Text) -> Vec<Fault> {
    let mut last = "";
    let mut faults = Vec::new();
    for place in text.places(|it| it.part == Part::Command && !is_step(it) && it.function != "guard") {
        let line = &text.lines[place];
        if line.function != last {
            faults.push(Fault::at(place, vec![]));
        }
        last = &line.function;
    }
    faults
}
