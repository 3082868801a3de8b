//! What the commands mean that stand in the functions whose order counts.
//!
//! Goes in: a command, or a condition. Comes out: its [`Effect`], or what it asks. What must hold: a command
//! that is not listed here means nothing that is known, and is refused by whoever asks.

use super::data::Batch;
use super::fixed;
use super::steps::Step;

/// What a command does.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// Keeps notes, prints or asks: nothing that packets meet.
    Nothing,
    /// What a function does whose order counts, too.
    Call(&'static str),
    /// Sets `family`.
    Family(Option<bool>),
    /// Sets `PART` to no.
    Whole,
    /// Goes on with the next family unless something was noted.
    NextUnlessLeft,
    /// Leaves the function.
    Return,
    /// Leaves the script, or says that the function has failed.
    Ends,
    Step(Step),
    /// The same, unless only a part of the networks is made anew.
    UnlessPart(Step),
    /// A batch that is of no family alone.
    OfBoth(Batch),
    /// By the family that `family` names.
    OfFamily(fn(bool) -> Step),
    OfFamilyUnlessPart(fn(bool) -> Step),
}

impl Effect {
    /// Whether it is one of those whose order is read.
    pub(super) const fn is_step(self) -> bool {
        !matches!(self, Self::Nothing | Self::NextUnlessLeft | Self::Return | Self::Ends)
    }
}

/// What is asked.
#[derive(Clone, Copy)]
pub(super) enum Ask {
    /// What is not so on a way on which nothing fails and nothing was there but this site.
    Never,
    /// Whether something was noted when the site was put up.
    Left,
    /// Whether only a part of the networks is made anew.
    Part,
    /// Whether this has failed, which it has not.
    Failed(Effect),
}

/// Those that keep notes, print or ask.
const NOTHING: &[&str] = &[
    "KEEP=no",
    "[ \"$action\" != try ] || untried",
    "[ \"$other\" = \"$SITE\" ] || fail",
    "[ ! -e \"$STATE/fingerprint\" ] || mv \"$STATE/fingerprint\" \"$STATE/fingerprint.before\"",
    "[ -e \"$STATE/kind\" ] || keep kind printf '%s\\n' \"$KIND\"",
    "[ -e \"$STATE/site\" ] || fresh=yes",
    "[ -z \"$other_kind\" ] || fail",
    "forget_part \"routes$family\"",
    "forget_part addresses",
    "fresh=no",
    "if keep needs needs && keep rules-4 rules -4 && keep rules-6 rules -6; then keep frame frame; fi",
    "if on_trial; then say_trial; else end_trial; fi",
    "keep fingerprint printf '%s\\n' \"$FINGERPRINT\"",
    "keep listing listing networks all_settings",
    "keep networks networks",
    "keep networks networks_meanwhile || return 1",
    "keep outdated outdated",
    "keep site printf '%s\\n' \"$SITE\" || fail",
    "keep_script script",
    "mkdir -p \"$STATE\" || fail",
    "mv \"$STATE/fingerprint.before\" \"$STATE/fingerprint\"",
    "of_leaving \"$STATE/down\" >\"$SCRATCH.leaving\"",
    "other_kind=$(kind_of_other)",
    "preflight",
    "read -r other <\"$STATE/site\"",
    "rm -f \"$STATE/listing\" \"$STATE/frame\" \"$STATE/fingerprint.before\"",
    "rm -f \"$STATE/outdated\"",
    "rm -rf \"$STATE\"",
    "\"$IP\" -o -N \"$family\" route show table all >\"$SCRATCH.lines\" && keep \"routes$family\" routes_of_interfaces leaving",
    "keep down awk 'kind == \"gone\" { gone[$4] = 1; next } !($1 in gone)' kind=gone \"$SCRATCH.lines\" kind=down \"$STATE/down\"",
];

/// The others.
const SOMETHING: &[(&str, Effect)] = &[
    ("begin", Effect::Call("begin")),
    ("down_for_good", Effect::Call("down_for_good")),
    ("finish", Effect::Call("finish")),
    ("put_up", Effect::Call("put_up")),
    ("tear_down", Effect::Call("tear_down")),
    ("family=''", Effect::Family(None)),
    ("family=-4", Effect::Family(Some(true))),
    ("PART=no", Effect::Whole),
    // Where nothing is there, nothing can stay.
    ("compare_with_made", Effect::Whole),
    ("[ -e \"$STATE/routes$family\" ] || continue", Effect::NextUnlessLeft),
    ("return", Effect::Return),
    ("exit 2", Effect::Ends),
    // On no way that succeeds: it puts another version up.
    ("go_back || :", Effect::Ends),
    // Where only a part of the networks is made anew.
    ("needless_routes | \"$IP\" -force \"$family\" -batch - 2>/dev/null || :", Effect::Ends),
    ("changes >\"$SCRATCH.changes\"", Effect::Step(Step::Choose)),
    ("changes | sed '/^come /d' >\"$SCRATCH.changes\"", Effect::Step(Step::Choose)),
    ("guard_off || fail", Effect::Step(Step::GuardOff)),
    ("guard_off || :", Effect::Step(Step::GuardOff)),
    ("[ \"$PART\" = yes ] || drop_ruleset", Effect::UnlessPart(Step::DropRuleset)),
    (
        "[ \"$PART\" = yes ] || move_local || return 1",
        Effect::OfFamilyUnlessPart(|v4| Step::MoveLocal { v4 }),
    ),
    ("drop_rules", Effect::OfFamily(|v4| Step::DropRules { v4 })),
    (
        "\"$IP\" \"$family\" route flush table all proto \"$PROTOCOL\" 2>/dev/null || :",
        Effect::OfFamily(|v4| Step::FlushRoutes { v4 }),
    ),
    ("\"$IP\" -force -batch \"$SCRATCH.lines\" || :", Effect::Step(Step::InterfacesDown)),
    ("restore_settings", Effect::Step(Step::RestoreSettings)),
    (
        "of_leaving \"$STATE/routes$family\" | \"$IP\" -force \"$family\" -batch - 2>/dev/null || :",
        Effect::OfFamily(|v4| Step::RestoreRoutes { v4 }),
    ),
    ("forget_connections", Effect::Step(Step::ForgetConnections)),
    ("settings | set_all host || return 1", Effect::Step(Step::Settings { own: false })),
    ("own_settings | set_all own || return 1", Effect::Step(Step::Settings { own: true })),
    ("keep_routes || return 1", Effect::Step(Step::KeepRoutes)),
    ("keep_links || return 1", Effect::Step(Step::KeepLinks)),
    ("batch part create || return 1", Effect::OfBoth(Batch::Create)),
    ("batch part attach || return 1", Effect::OfBoth(Batch::Attach)),
    ("batch cat \"$SCRATCH.addresses\" || return 1", Effect::OfBoth(Batch::Addresses)),
    ("batch missing_routes defaults || return 1", Effect::OfFamily(|v4| Step::Run(Batch::Defaults(v4)))),
    ("batch missing_routes routes || return 1", Effect::OfFamily(|v4| Step::Run(Batch::Routes(v4)))),
    ("batch missing_rules || return 1", Effect::OfFamily(|v4| Step::Run(Batch::Rules(v4)))),
    ("l3mdev_rule || return 1", Effect::OfFamily(|v4| Step::L3mdevRule { v4 })),
];

/// Those of several lines, by the first of them. The rest must be what [`fixed`] knows.
const LONG: &[(&str, Effect)] = &[
    ("of_leaving \"$STATE/addresses\" | sed 's/^address add ", Effect::Step(Step::DeleteAddresses)),
    ("attachments leaving | awk '", Effect::Step(Step::DetachAndDeleteVrfs)),
    ("coming | awk '", Effect::Nothing),
    ("{", Effect::Nothing),
    ("[ ! -s \"$SCRATCH.lines\" ] ||", Effect::Nothing),
    ("load_ruleset || {", Effect::Step(Step::LoadRuleset)),
];

/// What a command does, if that is known.
pub(super) fn effect(text: &str) -> Option<Effect> {
    if text.contains('\n') {
        let long = LONG.iter().find(|(beginning, _)| text.starts_with(beginning));
        return long.filter(|_| fixed::knows_command(text)).map(|(_, effect)| *effect);
    }
    if ["say ", "complain "].iter().any(|word| text.strip_prefix(word).is_some_and(is_text)) {
        return Some(Effect::Nothing);
    }
    if text.strip_prefix("fail ").is_some_and(is_text) {
        return Some(Effect::Ends);
    }
    if let Some(said) = text.strip_prefix("trap ").and_then(|rest| rest.strip_suffix(SIGNALS)) {
        let said = said.strip_prefix("'fail ").and_then(|rest| rest.strip_suffix('\''));
        return said.filter(|said| is_text(said) && !said.contains('\'')).map(|_| Effect::Nothing);
    }
    // What it says when it fails is left out; that it does is not.
    let fails = text.rsplit_once(" || fail ").filter(|(_, said)| is_text(said));
    let text = fails.map_or_else(|| text.to_owned(), |(command, _)| format!("{command} || fail"));
    if NOTHING.contains(&text.as_str()) {
        return Some(Effect::Nothing);
    }
    SOMETHING.iter().find(|(known, _)| *known == text).map(|(_, effect)| *effect)
}

/// What a condition asks, if that is known.
pub(super) fn condition(text: &str) -> Option<Ask> {
    Some(match text {
        "[ \"$IN_PLACE\" = yes ]"
        | "on_trial && [ -e \"$STATE/before\" ]"
        | "[ \"$fresh\" = yes ]"
        | "[ -e \"$STATE/fingerprint.before\" ]"
        | "! keep outdated outdated || ! keep zones zones || ! keep known known" => Ask::Never,
        "[ \"$PART\" = yes ]" => Ask::Part,
        "[ -e \"$STATE/addresses\" ]" | "[ -e \"$STATE/down\" ]" | "[ -e \"$STATE/site\" ]" => Ask::Left,
        "! guard_on" => Ask::Failed(Effect::Step(Step::GuardOn)),
        "! build" => Ask::Failed(Effect::Call("build")),
        _ => return None,
    })
}

/// For which signals.
const SIGNALS: &str = " ${HANGUP:+\"HUP\"} INT TERM";

/// One text in quotes, with variables in it at most.
fn is_text(text: &str) -> bool {
    let within = |quote| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    match (within('\''), within('"')) {
        (Some(text), _) => !text.contains('\''),
        (_, Some(text)) => !text.contains(['"', '`', '\\']) && !text.contains("$("),
        _ => false,
    }
}
