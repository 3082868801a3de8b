//! Whether a script does things in an order in which nothing is ever looked up that is not there yet.
//!
//! Goes in: a [`Script`]. Comes out: each [`Misplaced`] step. What must hold: all of it is done behind the
//! guard; the rest are facts about the kernel, and each says which.

use crate::read::script::data::Batch;
use crate::read::script::steps::Step;
use crate::read::script::{At, Script};

/// A step that is missing or comes too late, or too early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misplaced {
    /// The line that does it, or that of what should have come behind it.
    pub line: usize,
    /// Which.
    pub step: Step,
    /// What goes wrong.
    pub why: String,
}

/// What must be done before what, all of it before any of it, and why.
type Before = (Step, Step, &'static str);

/// Every step that is not in its place, on the way up, and on the way down.
#[must_use]
pub fn check(script: &Script) -> Vec<Misplaced> {
    let mut misplaced = guarded(&script.steps_up);
    misplaced.extend(guarded(&script.steps_down));
    for (steps, order) in [(&script.steps_up, up()), (&script.steps_down, down())] {
        for (first, then, why) in order {
            let place = |step: Step| steps.iter().position(|it| it.value == step);
            let last = |step: Step| steps.iter().rposition(|it| it.value == step);
            let end = steps.last().map_or(1, |step| step.line);
            let fault = match (last(first), place(then)) {
                (None, Some(then)) => Some((steps[then].line, first)),
                (_, None) => Some((end, then)),
                (Some(first), Some(then)) if first > then => Some((steps[then].line, steps[then].value)),
                _ => None,
            };
            misplaced.extend(fault.map(|(line, step)| Misplaced { line, step, why: why.to_owned() }));
        }
    }
    misplaced.extend(forgotten(&script.steps_up));
    misplaced
}

/// Nothing that packets meet changes while there is no guard.
fn guarded(steps: &[At<Step>]) -> Vec<Misplaced> {
    let (mut on, mut misplaced) = (false, Vec::new());
    for At { line, value: step } in steps {
        let why = match step {
            Step::GuardOn if on => Some("the guard is there already"),
            Step::GuardOff if !on => Some("there is no guard"),
            Step::GuardOn | Step::GuardOff => {
                on = !on;
                None
            }
            Step::Choose | Step::KeepRoutes | Step::KeepLinks => None,
            _ if on => None,
            _ => Some("the networks are not shut meanwhile"),
        };
        misplaced.extend(why.map(|why| Misplaced { line: *line, step: *step, why: why.to_owned() }));
    }
    if on || !steps.iter().any(|step| step.value == Step::GuardOff) {
        let line = steps.last().map_or(1, |step| step.line);
        let why = "the networks stay shut".to_owned();
        misplaced.push(Misplaced { line, step: Step::GuardOff, why });
    }
    misplaced
}

/// A translation is looked for when a connection is born, and never again.
const BORN: &str = "connections from before keep what they were born with";

/// On the way up they are forgotten once more than behind the ruleset.
fn forgotten(steps: &[At<Step>]) -> Option<Misplaced> {
    let at = steps.iter().rposition(|step| step.value == Step::LoadRuleset)?;
    let missing = !steps[at..].iter().any(|step| step.value == Step::ForgetConnections);
    missing.then(|| Misplaced { line: steps[at].line, step: Step::ForgetConnections, why: BORN.to_owned() })
}

fn up() -> Vec<Before> {
    let (host, own) = (Step::Settings { own: false }, Step::Settings { own: true });
    let [create, attach, addresses] = [Batch::Create, Batch::Attach, Batch::Addresses].map(Step::Run);
    let lost = "entering a VRF loses the routes of the interface";
    let before = "another version of the site may be there";
    let mut order = vec![
        (Step::Choose, Step::DetachAndDeleteVrfs, "nothing is chosen yet"),
        (Step::DetachAndDeleteVrfs, create, before),
        (Step::RestoreSettings, host, before),
        (Step::DropRuleset, Step::LoadRuleset, before),
        (Step::Choose, create, "nothing is chosen yet"),
        (host, attach, "entering a VRF loses IPv6 addresses unless a setting keeps them"),
        (Step::KeepRoutes, attach, lost),
        (Step::KeepLinks, attach, "which interfaces were down is not known any more"),
        (Step::KeepLinks, addresses, "which addresses were there is not known any more"),
        (create, own, "the settings of a VRF device come with it"),
        (create, attach, "there is no VRF device yet"),
        (attach, addresses, "an address goes to the table of the VRF that its interface is in"),
    ];
    for v4 in [true, false] {
        let [defaults, routes, rules] =
            [Batch::Defaults(v4), Batch::Routes(v4), Batch::Rules(v4)].map(Step::Run);
        let (l3mdev, local) = (Step::L3mdevRule { v4 }, Step::MoveLocal { v4 });
        let ends = "a look-up in a table without an end goes on in another network's";
        order.extend([
            (Step::DropRules { v4 }, rules, before),
            (Step::FlushRoutes { v4 }, defaults, before),
            (create, defaults, "there is no VRF device yet"),
            (defaults, attach, ends),
            (defaults, rules, ends),
            (l3mdev, attach, "packets of a VRF are looked up in the table main"),
            (attach, routes, lost),
            (addresses, routes, "a router is on no link yet"),
            (routes, rules, "marked packets find no route yet"),
            (rules, local, "the gateway's own numbers come before no rule yet"),
            (local, Step::LoadRuleset, "marked packets for somebody else are taken for the gateway's own"),
            (rules, Step::LoadRuleset, "marked packets are looked up in the table of who sent them"),
        ]);
    }
    order
}

fn down() -> Vec<Before> {
    let detach = Step::DetachAndDeleteVrfs;
    let mut order = vec![
        (Step::Choose, detach, "nothing is chosen yet"),
        (Step::DropRuleset, Step::ForgetConnections, BORN),
        (Step::DeleteAddresses, detach, "its addresses come to the table main with the interface"),
        (detach, Step::RestoreSettings, "leaving a VRF loses IPv6 addresses unless a setting keeps them"),
    ];
    for v4 in [true, false] {
        let (rules, flush) = (Step::DropRules { v4 }, Step::FlushRoutes { v4 });
        order.extend([
            (rules, detach, "tables lose their ends while they are looked up"),
            (rules, flush, "tables lose their ends while they are looked up"),
            (detach, Step::RestoreRoutes { v4 }, "leaving a VRF loses the routes of the interface"),
        ]);
    }
    order
}
