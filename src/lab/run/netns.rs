//! Running the real tools inside a network namespace.
//!
//! Goes in: the name of a namespace of ip-netns(8) and words. Comes out: what was printed, and how it
//! ended. What must hold: a tool that cannot be run or fails is an error with its own words.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Where ip-netns(8) keeps the names.
const NAMES: &str = "/var/run/netns";

/// A command that runs in a namespace. Unlike `ip netns exec` it keeps what is mounted, also /sys, which
/// goes on to show the devices of another namespace: a mount namespace for each command takes twenty times
/// as long.
#[must_use]
pub fn within(namespace: &str, words: &[&str]) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={NAMES}/{namespace}")).arg("--").args(words);
    command
}

/// Standard output and standard error of a command with its exit code.
pub struct Run {
    /// What it printed on standard output.
    pub text: String,
    /// What it printed on standard error.
    pub errors: String,
    /// The exit code, -1 after a signal.
    pub code: i32,
}

impl Run {
    /// The text, or the reason if the exit code is not zero.
    ///
    /// # Errors
    ///
    /// The exit code is not zero.
    pub fn must(self, what: &str) -> Result<String, String> {
        if self.code == 0 {
            return Ok(self.text);
        }
        Err(format!("{what}: exit {}\n{}{}", self.code, self.text, self.errors))
    }
}

/// Runs a command to its end.
///
/// # Errors
///
/// It cannot be started.
pub fn run(command: &mut Command) -> Result<Run, String> {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().map_err(|e| format!("{command:?}: {e}"))?;
    Ok(Run {
        text: String::from_utf8_lossy(&stdout).into_owned(),
        errors: String::from_utf8_lossy(&stderr).into_owned(),
        code: status.code().unwrap_or(-1),
    })
}

/// Runs lines of ip(8) in a namespace; `words` come before `-batch`, for a family or a namespace.
///
/// # Errors
///
/// `ip` refuses a line; the text is its own.
pub fn batch(words: &[&str], lines: &[String]) -> Result<(), String> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut command = Command::new("ip");
    command.args(words).args(["-batch", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("ip: {e}"))?;
    let written = child.stdin.take().map(|mut stdin| stdin.write_all((lines.join("\n") + "\n").as_bytes()));
    let output = child.wait_with_output().map_err(|e| format!("ip: {e}"))?;
    match written {
        Some(Ok(())) if output.status.success() => Ok(()),
        _ => Err(format!("ip {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr))),
    }
}
