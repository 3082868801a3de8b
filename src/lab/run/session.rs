//! The outside of the sandbox: starts the inside, hands it its order, and listens.
//!
//! Goes in: a command that runs [`super::inside::main`] somewhere, and an order. Comes out: what happened
//! there. What must hold: when a session ends, in whatever way, the inside is told so by the end of its
//! input; [`Session::end`] waits until it has gone.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::agents::Evidence;
use super::order::{Event, Order};
use super::sandbox::Sandbox;

/// An inside at work.
pub struct Session {
    child: Child,
    /// Nothing is written to it after the order: that it is open keeps the inside alive.
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What happened.
#[derive(Default)]
pub struct Happened {
    /// The answers to the questions of each step that asks, and what everybody saw.
    pub evidence: Vec<Evidence>,
    /// How each command in the gateway's namespace went.
    pub commands: Vec<Ended>,
    /// How each run of the emitted script went.
    pub scripts: Vec<Ended>,
    /// For each flow that was followed its answer, and what each place caught.
    pub followed: Vec<(String, BTreeMap<String, BTreeSet<String>>)>,
    /// Where everything stays up: the process that knows the names of the namespaces.
    pub kept: Option<u32>,
}

/// How a program ended.
pub struct Ended {
    /// What it was called with; nothing for a command of the scene.
    pub word: String,
    /// The exit code.
    pub code: i32,
    /// What it said.
    pub said: String,
}

/// This program as the inside of a sandbox, which `word` as its first word makes it.
///
/// # Errors
///
/// The program does not know where it is.
pub fn in_sandbox(sandbox: Sandbox, word: &str) -> Result<Command, String> {
    let program = env::current_exe().map_err(|e| format!("this program does not find itself: {e}"))?;
    let mut command = sandbox.command(&program);
    command.arg(word);
    Ok(command)
}

impl Session {
    /// Starts the inside and hands it its order. Only its standard input and output are used; what it
    /// says on standard error is for the user.
    ///
    /// # Errors
    ///
    /// The command cannot be started, or does not take the order.
    pub fn start(mut command: Command, order: &Order) -> Result<Self, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("cannot start `{program}`: {e}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("`{program}` has no pipes"));
        };
        let mut session = Self { child, input, output: BufReader::new(output) };
        let mut line = serde_json::to_string(order).map_err(|e| e.to_string())?;
        line.push('\n');
        match session.input.write_all(line.as_bytes()) {
            Ok(()) => Ok(session),
            Err(error) => Err(format!("`{program}` does not take its order: {error}")),
        }
    }

    /// Listens until everything is done, or is up to stay; `doing` hears what is done meanwhile.
    ///
    /// # Errors
    ///
    /// The inside could not go on, and says why.
    pub fn listen(&mut self, mut doing: impl FnMut(&str)) -> Result<Happened, String> {
        let mut happened = Happened::default();
        loop {
            match self.event()? {
                Event::Doing(what) => doing(&what),
                Event::Script { word, code, said } => happened.scripts.push(Ended { word, code, said }),
                Event::Asked { answers, seen } => happened.evidence.push(Evidence { answers, seen }),
                Event::Commanded { code, said } => {
                    happened.commands.push(Ended { word: String::new(), code, said });
                }
                Event::Followed { answer, caught } => happened.followed.push((answer, caught)),
                Event::Kept { process } => {
                    happened.kept = Some(process);
                    return Ok(happened);
                }
                Event::Failed(reason) => {
                    let last = happened.scripts.last().filter(|ended| ended.word == "up" && ended.code != 0);
                    let said = last.map(|ended| format!("\n{}", ended.said.trim_end())).unwrap_or_default();
                    return Err(reason + &said);
                }
                Event::Done => return Ok(happened),
            }
        }
    }

    /// Ends the inside, if it has not ended yet, and waits until it has gone with all that it started.
    pub fn end(self) {
        let Self { mut child, input, output } = self;
        drop((input, output));
        // What cannot be waited for has gone.
        drop(child.wait());
    }

    /// Waits until the inside ends by itself, or everything is ended from outside.
    pub fn wait(mut self) {
        // Unlike a wait for the child, this leaves the inside's input open.
        let mut rest = String::new();
        while matches!(self.output.read_line(&mut rest), Ok(length) if length > 0) {
            rest.clear();
        }
        self.end();
    }

    fn event(&mut self) -> Result<Event, String> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err("the sandbox ended before its work was done".to_owned()),
            Ok(_) => serde_json::from_str(&line).map_err(|e| format!("{e}: {}", line.trim_end())),
            Err(error) => Err(error.to_string()),
        }
    }
}
