//! The command line: what may be typed, which command runs, and what it exits with.
//!
//! Goes in: the arguments and `OVERLAPC_*`. Comes out: an exit status. What must hold: artefacts and
//! answers go to standard output, everything about them to standard error; only [`host`] touches
//! files, the environment or the terminal.

mod check;
mod chosen;
mod compile;
mod errors;
mod explain;
mod failure;
mod findings;
mod fmt;
mod host;
mod lab;
mod manual;
mod output;
mod schema;
mod site;
mod texts;
mod trace;
mod verify;
mod whois;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

pub use failure::Failure;

/// Connect networks whose addresses overlap.
///
/// Reads a site, which is a gateway, the networks attached to it and who may call whom, and writes what
/// the gateway has to load: one shell script, or files for nft, iptables-restore and ip.
#[derive(Debug, Parser)]
#[command(
    name = "overlapc",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = EXIT_STATUS,
    after_long_help = EXIT_STATUS,
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to colour: `auto` looks at the terminal, NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_name = "WHEN", env = "OVERLAPC_COLOR", hide_env_values = true)]
    #[arg(value_enum, default_value_t = Color::Auto, hide_possible_values = true)]
    color: Color,
}

const EXIT_STATUS: &str = "\
Exit status:
  0  fine, perhaps with warnings
  1  an error in the site, a difference, an address that means nothing, or a lab gone wrong
  2  could not do it: usage, a file that cannot be read or written";

#[derive(Debug, Subcommand)]
enum Command {
    Compile(compile::Compile),
    Check(check::Check),
    Fmt(fmt::Fmt),
    Whois(whois::Whois),
    Verify(verify::Verify),
    Trace(trace::Trace),
    Lab(lab::Lab),
    Explain(explain::Explain),
    Schema(schema::Schema),
    Completions(manual::Completions),
    Man(manual::Man),
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless the environment says otherwise
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How a command that ran to its end went; one that did not is a [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// Nothing stands against it.
    Fine,
    /// An error in a site, or a difference.
    Found,
    /// Part of what was asked could not be done, and standard error says so.
    Unable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Found => 1,
            Exit::Unable => 2,
        })
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    // What `lab` starts is for nobody else, so help and completions do not know of it.
    let words = host::arguments();
    match words.first().map(String::as_str) {
        Some(lab::INSIDE) => return lab::inside(),
        Some(lab::AGENT) => return lab::agent(&words[1..]),
        _ => {}
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Also `--help` and `--version`. A reader that went away is no reason to fail.
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Unable.into() } else { Exit::Fine.into() };
        }
    };
    let color = cli.color;
    let result = match cli.command {
        Command::Compile(compile) => compile.run(color),
        Command::Check(check) => check.run(color),
        Command::Fmt(fmt) => fmt.run(color),
        Command::Whois(whois) => whois.run(color),
        Command::Verify(verify) => verify.run(color),
        Command::Trace(trace) => trace.run(color),
        Command::Lab(lab) => lab.run(color),
        Command::Explain(explain) => explain.run(),
        Command::Schema(schema) => schema.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    };
    result
        .unwrap_or_else(|failure| {
            failure.report(color);
            Exit::Unable
        })
        .into()
}

/// The definitions that help, completions and manual pages are made from.
#[must_use]
pub fn definitions() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definitions_do_not_contradict_each_other() {
        super::definitions().debug_assert();
    }
}
