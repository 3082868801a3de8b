//! `overlapc completions` and `overlapc man`, both made from the same definitions as `--help`.
//!
//! Goes in: the command line's definitions. Comes out: a shell's completion script, manual pages.
//! What must hold: no date and nothing of the environment is in them.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::Shell;

use super::output::{Content, Output};
use super::{Exit, Failure, definitions, host};

/// Print the completion script of a shell
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let mut bytes = Vec::new();
        clap_complete::generate(self.shell, &mut definitions(), "overlapc", &mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        host::write_stdout(text.into_owned()).map_err(|error| Failure::stdout(&error))?;
        Ok(Exit::Fine)
    }
}

/// Print the manual page, or write one for each command
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Write overlapc.1 and one page for each command to this directory
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let mut command = definitions();
        command.build();
        let Some(directory) = self.output else {
            let text = page(command).text;
            host::write_stdout(text).map_err(|error| Failure::stdout(&error))?;
            return Ok(Exit::Fine);
        };
        let commands = command.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned();
        let pages = commands.chain([command.clone()]).map(page).collect();
        Output::directory(&directory, pages)?.write()?;
        Ok(Exit::Fine)
    }
}

/// The page of one command, under the name that man(1) looks for.
fn page(command: clap::Command) -> Content {
    let man = clap_mangen::Man::new(command).manual("overlapc manual").source("overlapc");
    let name = man.get_filename();
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = man.render(&mut bytes);
    Content { name, text: String::from_utf8_lossy(&bytes).into_owned().into(), executable: false }
}
