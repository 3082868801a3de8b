//! What a script does one after another, when it puts a site up where there is none, and takes it down.
//!
//! Goes in: the bodies of the functions that say the order. Comes out: [`Step`]s with their lines. What must
//! hold: every command in these bodies is known, also where this way does not come by; one that is not is
//! refused.

use super::At;
use super::effects::{Ask, Effect, condition, effect};
use super::fixed;
use super::pieces::Function;
use super::shell::{Line, Statement, statements};
use crate::read::Unread;
use crate::read::script::data::Batch;

/// Something that a script does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Lets nothing be forwarded from or into the networks' devices.
    GuardOn,
    /// Takes that away.
    GuardOff,
    /// Notes which networks are to go and to come.
    Choose,
    /// Removes the rules of a family, and puts the one for the table `local` back.
    DropRules {
        /// Whether of IPv4.
        v4: bool,
    },
    /// Removes the ruleset.
    DropRuleset,
    /// Removes the gateway's addresses.
    DeleteAddresses,
    /// Takes interfaces out of their VRF devices, and removes these.
    DetachAndDeleteVrfs,
    /// Removes the routes of a family.
    FlushRoutes {
        /// Whether of IPv4.
        v4: bool,
    },
    /// Puts interfaces down that were down before.
    InterfacesDown,
    /// Puts kernel settings back.
    RestoreSettings,
    /// Puts other people's routes of a family back that went with the interfaces.
    RestoreRoutes {
        /// Whether of IPv4.
        v4: bool,
    },
    /// Removes connections that conntrack knows from before.
    ForgetConnections,
    /// Makes kernel settings: those of devices that the site makes, or the others.
    Settings {
        /// Whether of the site's own devices.
        own: bool,
    },
    /// Notes the routes by way of the interfaces, for the way back.
    KeepRoutes,
    /// Notes which interfaces are down, and which addresses are to be made.
    KeepLinks,
    /// Runs lines of `ip -batch`.
    Run(Batch),
    /// Moves the rule for the table `local`, where the header says so.
    MoveLocal {
        /// Whether of IPv4.
        v4: bool,
    },
    /// Makes the rule of VRF devices, where somebody has removed it: the kernel makes it with the first of them.
    L3mdevRule {
        /// Whether of IPv4.
        v4: bool,
    },
    /// Loads the ruleset.
    LoadRuleset,
}

/// The functions whose order counts.
pub(super) const BODIES: [&str; 8] =
    ["up", "put_up", "begin", "tear_down", "build", "finish", "down_for_good", "down"];

/// What both ways do.
pub(super) struct Ways {
    /// Where nothing is there.
    pub(super) up: Vec<At<Step>>,
    /// Where everything is there.
    pub(super) down: Vec<At<Step>>,
}

pub(super) fn read<'f, 't: 'f>(
    find: &dyn Fn(&str) -> Result<&'f Function<'t>, Unread>,
) -> Result<Ways, Unread> {
    let mut bodies = Vec::new();
    for name in BODIES {
        let function = find(name)?;
        let body = statements(function)?;
        known(name, &body)?;
        if !fixed::knows_outline(name, &body) {
            let why = "what is noted, or done when a step fails, is not as it is known here";
            return Err(Unread::new(function.line, format!("{name}()"), why));
        }
        bodies.push((name, body));
    }
    let walk = |name, there| {
        let mut walk = Walk { bodies: &bodies, there, family: Family::Unset, part: None, steps: Vec::new() };
        walk.function(name, 0).map(|()| walk.steps)
    };
    Ok(Ways { up: walk("up", false)?, down: walk("down", true)? })
}

/// Sees that every command is known, wherever it stands.
fn known(name: &str, body: &[Statement]) -> Result<(), Unread> {
    for statement in body {
        match statement {
            Statement::Run(line) => drop(known_effect(name, line)?),
            Statement::If(arms, otherwise) => {
                for (line, body) in arms {
                    known_condition(name, line)?;
                    known(name, body)?;
                }
                known(name, otherwise)?;
            }
            Statement::For(line, body) => {
                if line.text != "for family in $FAMILIES; do" {
                    return Err(refuse(name, line, "a loop that is not known here"));
                }
                known(name, body)?;
            }
        }
    }
    Ok(())
}

fn known_effect(name: &str, line: &Line) -> Result<Effect, Unread> {
    effect(&line.text).ok_or_else(|| refuse(name, line, "a command that is not known here"))
}

fn known_condition(name: &str, line: &Line) -> Result<Ask, Unread> {
    condition(&line.text).ok_or_else(|| refuse(name, line, "a condition that is not known here"))
}

fn refuse(name: &str, line: &Line, why: &str) -> Unread {
    let text = line.text.lines().next().unwrap_or_default();
    Unread::new(line.number, text, format!("{why} (in {name})"))
}

/// The variable `family`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Unset,
    /// Of no family alone.
    Both,
    One(bool),
}

/// Whether what follows is still done.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    /// With the next family.
    Next,
    Back,
}

/// A way through the bodies.
struct Walk<'b> {
    bodies: &'b [(&'static str, Vec<Statement>)],
    /// Whether the site is there.
    there: bool,
    family: Family,
    /// The variable `PART`: whether only some networks are made anew.
    part: Option<bool>,
    steps: Vec<At<Step>>,
}

impl Walk<'_> {
    fn function(&mut self, name: &'static str, depth: usize) -> Result<(), Unread> {
        let body = self.bodies.iter().find(|(other, _)| *other == name).map(|(_, body)| body.as_slice());
        let why = "a function that calls itself";
        let body = body.filter(|_| depth <= BODIES.len()).ok_or_else(|| Unread::new(1, name, why))?;
        self.block(name, body, depth).map(drop)
    }

    fn block(&mut self, name: &'static str, body: &[Statement], depth: usize) -> Result<Flow, Unread> {
        for statement in body {
            let flow = match statement {
                Statement::Run(line) => self.run(name, line, depth)?,
                Statement::If(arms, otherwise) => {
                    let mut taken = otherwise.as_slice();
                    for (line, body) in arms {
                        if self.asks(name, line, depth)? {
                            taken = body;
                            break;
                        }
                    }
                    self.block(name, taken, depth)?
                }
                Statement::For(_, body) => {
                    let mut flow = Flow::On;
                    for v4 in [true, false] {
                        self.family = Family::One(v4);
                        flow = self.block(name, body, depth)?;
                        if flow == Flow::Back {
                            break;
                        }
                    }
                    if flow == Flow::Next { Flow::On } else { flow }
                }
            };
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn asks(&mut self, name: &'static str, line: &Line, depth: usize) -> Result<bool, Unread> {
        match known_condition(name, line)? {
            Ask::Never => Ok(false),
            Ask::Left => Ok(self.there),
            Ask::Part => self.part.ok_or_else(|| refuse(name, line, "PART is not set yet")),
            Ask::Failed(effect) => self.does(name, line, effect, depth).map(|_| false),
        }
    }

    fn run(&mut self, name: &'static str, line: &Line, depth: usize) -> Result<Flow, Unread> {
        self.does(name, line, known_effect(name, line)?, depth)
    }

    fn does(
        &mut self,
        name: &'static str,
        line: &Line,
        effect: Effect,
        depth: usize,
    ) -> Result<Flow, Unread> {
        let refuse = |why: &str| refuse(name, line, why);
        let one = match self.family {
            Family::One(v4) => Ok(v4),
            _ => Err("`family` is of no family here"),
        };
        let step = match effect {
            Effect::Nothing => return Ok(Flow::On),
            Effect::Call(called) => return self.function(called, depth + 1).map(|()| Flow::On),
            Effect::Family(v4) => {
                self.family = v4.map_or(Family::Both, Family::One);
                return Ok(Flow::On);
            }
            Effect::Whole => {
                self.part = Some(false);
                return Ok(Flow::On);
            }
            Effect::NextUnlessLeft => return Ok(if self.there { Flow::On } else { Flow::Next }),
            Effect::Return => return Ok(Flow::Back),
            Effect::Ends => return Err(refuse("the way ends here")),
            Effect::UnlessPart(..) if self.part.is_none() => return Err(refuse("PART is not set yet")),
            Effect::Step(step) | Effect::UnlessPart(step) => step,
            Effect::OfBoth(batch) if self.family == Family::Both => Step::Run(batch),
            Effect::OfBoth(_) => return Err(refuse("`family` must be empty here")),
            Effect::OfFamily(step) | Effect::OfFamilyUnlessPart(step) => step(one.map_err(refuse)?),
        };
        self.steps.push(At { line: line.number, value: step });
        Ok(Flow::On)
    }
}
