//! The emitted script, one command after the other: every program that it starts goes through a wrapper
//! placed first in `PATH`, which can stop it there, or kill it with all that it has running.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use overlapc::lab::run::netns::{Run, run, within};

use crate::topology::GATEWAY;

const TOOLS: &str = "/run/lab-tools";
const TICKETS: &str = "/run/lab-tickets";
/// More commands than any script has.
const MOST: usize = 999;

/// Shells, and what runs as often as there are connections: the others have the same numbers each time.
const UNCOUNTED: &[&str] = &["sh", "dash", "busybox", "env", "conntrack"];

/// Draws the next number. Programs of one pipeline start at the same time, and a file is made once.
const COUNT: &str = r#"set -C
read -r lab_number <"$LAB_TICKETS/next" || lab_number=1
until command : >"$LAB_TICKETS/$lab_number"; do lab_number=$((lab_number + 1)); done 2>/dev/null
set +C
echo "$lab_number" >"$LAB_TICKETS/next"
[ "$LAB_KILL" != "$lab_number" ] || kill -KILL 0
[ -z "$LAB_STEP" ] || {
    echo "$lab_number ${0##*/}" >"$LAB_TICKETS/at"
    read -r lab_go <"$LAB_TICKETS/go.$lab_number" || :
}
"#;

/// The wrapped programs and the script.
pub struct Stepper {
    shell: Vec<String>,
    script: String,
}

impl Stepper {
    /// Wraps every counted program whose name is a word of the script.
    pub fn new(shell: &[String], script: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(script).map_err(|e| format!("{}: {e}", script.display()))?;
        let words: BTreeSet<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|w| !w.is_empty()).collect();
        let told = |e: std::io::Error| format!("{TOOLS}: {e}");
        fs::create_dir_all(TOOLS).map_err(told)?;
        fs::write(format!("{TOOLS}/.count"), COUNT).map_err(told)?;
        for word in words.iter().filter(|word| !UNCOUNTED.contains(word)) {
            let Some(program) = find(word) else { continue };
            let path = format!("{TOOLS}/{word}");
            let program = program.display();
            let last =
                format!("[ \"$LAB_LAST\" != \"$lab_number\" ] || {{ {program} \"$@\"; kill -KILL 0; }}");
            let text = format!("#!/bin/sh\n. {TOOLS}/.count\n{last}\nexec {program} \"$@\"\n");
            fs::write(&path, text).map_err(told)?;
            fs::set_permissions(&path, Permissions::from_mode(0o755)).map_err(told)?;
        }
        Ok(Self { shell: shell.to_vec(), script: script.to_string_lossy().into_owned() })
    }

    /// Runs the script and kills it: when it starts its `at`th program, instead of that, or, where it `was_last`,
    /// as soon as that has ended, before the shell itself does anything more.
    pub fn killed(&self, word: &str, at: usize, was_last: bool) -> Result<Run, String> {
        clear()?;
        let kill = if was_last { format!("LAB_LAST={at}") } else { format!("LAB_KILL={at}") };
        let run = run(&mut self.command(word, &kill, "LAB_STEP="))?;
        // Programs that the kernel is still ending hold the script's lock.
        self::run(&mut within(GATEWAY, &["flock", "/run/overlapc.lock", "true"]))?.must("flock")?;
        Ok(run)
    }

    /// Runs the script; `before` is called before each program, with its number and name. Gives the exit code.
    pub fn stepped(
        &self,
        word: &str,
        mut before: impl FnMut(usize, &str) -> Result<(), String>,
    ) -> Result<i32, String> {
        clear()?;
        let places: Vec<String> = (1..=MOST).map(|n| format!("{TICKETS}/go.{n}")).collect();
        let made = Command::new("mkfifo").arg(format!("{TICKETS}/at")).args(&places).status();
        made.map_err(|e| format!("mkfifo: {e}"))?;
        let at = format!("{TICKETS}/at");
        // Opened for writing too, so that it does not end between two writers.
        let told = |e: std::io::Error| format!("{TICKETS}: {e}");
        let mut end = OpenOptions::new().read(true).write(true).open(&at).map_err(told)?;
        let reader = BufReader::new(end.try_clone().map_err(told)?);
        let mut command = self.command(word, "LAB_KILL=", "LAB_STEP=yes");
        let running = thread::spawn(move || {
            let run = run(&mut command);
            drop(writeln!(end, "end"));
            run
        });
        for line in reader.lines() {
            let line = line.map_err(told)?;
            let Some((number, name)) = line.split_once(' ') else { break };
            before(number.parse().map_err(|_| line.clone())?, name)?;
            let mut go =
                OpenOptions::new().write(true).open(format!("{TICKETS}/go.{number}")).map_err(told)?;
            writeln!(go).map_err(told)?;
        }
        let run = running.join().map_err(|_| "the runner of the script has ended".to_owned())??;
        Ok(run.code)
    }

    fn command(&self, word: &str, kill: &str, step: &str) -> Command {
        let path = format!("PATH={TOOLS}:{}", env::var("PATH").unwrap_or_default());
        let tickets = format!("LAB_TICKETS={TICKETS}");
        let mut words = vec!["env", &path, &tickets, kill, step];
        words.extend(self.shell.iter().map(String::as_str));
        words.extend([self.script.as_str(), word]);
        let mut command = within(GATEWAY, &words);
        // A group of its own is what dies with it.
        command.process_group(0).stderr(Stdio::null());
        command
    }
}

fn clear() -> Result<(), String> {
    let told = |e: std::io::Error| format!("{TICKETS}: {e}");
    if Path::new(TICKETS).exists() {
        fs::remove_dir_all(TICKETS).map_err(told)?;
    }
    fs::create_dir(TICKETS).map_err(told)?;
    fs::write(format!("{TICKETS}/next"), "1\n").map_err(told)
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/sbin"]).filter(|folder| !folder.is_empty());
    folders.map(|folder| Path::new(folder).join(name)).find(|program| {
        fs::metadata(program).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    })
}
