//! However the command ends, nothing stays: no process, no namespace, no mount, no file.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::Check;
use super::stage::{Stage, to_the_end, told};

/// How long the kernel may take to end processes.
const ENDING: Duration = Duration::from_secs(60);

/// Signals, and whether the whole group gets them, as from a terminal.
const SIGNALS: [(&str, &str, bool); 4] = [
    ("Ctrl-C", "INT", true),
    ("a closed terminal", "HUP", true),
    ("SIGTERM", "TERM", false),
    ("SIGKILL", "KILL", false),
];

/// The command is ended at two moments, in every way.
pub fn checks(stage: &Stage) -> Vec<Check<'_>> {
    let mut checks = Vec::new();
    for (name, signal, group) in SIGNALS {
        checks.push(Check::new(format!("{name} while the script comes up leaves nothing"), move || {
            in_the_middle(&stage.apart()?, signal, group)
        }));
        checks.push(Check::new(format!("{name} while everything is up leaves nothing"), move || {
            while_kept(&stage.apart()?, signal, group)
        }));
    }
    for (name, signal, group) in SIGNALS {
        checks.push(Check::new(format!("{name} while a virtual machine runs leaves nothing"), move || {
            in_a_machine(&stage.apart()?, signal, group)
        }));
    }
    checks.push(Check::new("the end of the input ends what was kept", || end_of_input(&stage.apart()?)));
    checks.push(Check::new("the commands that are told lead into the namespaces", || enter(&stage.apart()?)));
    checks
}

/// What there is that could stay.
#[derive(PartialEq, Eq)]
struct Traces {
    mounts: String,
    run: BTreeSet<PathBuf>,
    here: BTreeSet<PathBuf>,
}

impl Traces {
    fn look(stage: &Stage) -> Self {
        let names = |folder: &Path| -> BTreeSet<PathBuf> {
            fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
        };
        Self {
            mounts: fs::read_to_string("/proc/self/mountinfo").unwrap_or_default(),
            run: names(Path::new("/run")),
            here: names(&stage.path("")),
        }
    }
}

/// The namespaces of a process, as /proc tells them.
fn namespaces(process: &Path) -> BTreeSet<String> {
    let told = ["net", "mnt", "pid"].iter().map(|kind| fs::read_link(process.join("ns").join(kind)));
    told.flatten().map(|link| link.to_string_lossy().into_owned()).collect()
}

/// Whether no process is in any of these namespaces, as soon as the kernel is done.
fn gone(these: &BTreeSet<String>) -> Result<(), String> {
    let deadline = Instant::now() + ENDING;
    loop {
        let processes = fs::read_dir("/proc").map_err(|e| e.to_string())?.flatten().map(|entry| entry.path());
        let mut left = processes.filter(|process| !namespaces(process).is_disjoint(these));
        let Some(process) = left.next() else { return Ok(()) };
        if Instant::now() > deadline {
            let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
            return Err(format!("{} is still there: {name}", process.display()));
        }
        thread::yield_now();
    }
}

/// The namespaces of all processes that descend from this one and are not in ours.
fn namespaces_below(root: u32) -> BTreeSet<String> {
    let own = namespaces(Path::new("/proc/self"));
    let mut found = BTreeSet::new();
    let mut waiting = vec![root];
    while let Some(process) = waiting.pop() {
        let folder = PathBuf::from(format!("/proc/{process}"));
        found.extend(namespaces(&folder).difference(&own).cloned());
        let children = fs::read_to_string(folder.join(format!("task/{process}/children")));
        waiting
            .extend(children.unwrap_or_default().split_whitespace().filter_map(|it| it.parse::<u32>().ok()));
    }
    found
}

fn send(signal: &str, group: bool, child: &Child) -> Result<(), String> {
    let target = if group { format!("-{}", child.id()) } else { child.id().to_string() };
    told(Command::new("sh").args(["-c", &format!("kill -s {signal} -- {target}")]))?.is(0, &[])
}

fn same(before: &Traces, stage: &Stage) -> Result<(), String> {
    let after = Traces::look(stage);
    if *before == after {
        return Ok(());
    }
    let new = after.run.difference(&before.run).chain(after.here.difference(&before.here));
    Err(format!("mounts or files differ: {:?}\n{}", new.collect::<Vec<_>>(), after.mounts))
}

/// Holds the script at its first call of nft, and ends the command there.
fn in_the_middle(stage: &Stage, signal: &str, group: bool) -> Result<(), String> {
    let (here, never) = (stage.path("here"), stage.path("never"));
    for pipe in [&here, &never] {
        drop(fs::remove_file(pipe));
        told(Command::new("mkfifo").arg(pipe))?.is(0, &[])?;
    }
    let links = "readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/pid";
    let (at, hold) = (here.display(), never.display());
    let path = stage
        .before("nft", &format!("#!/bin/sh\n{{ {links}; echo here; }} >'{at}'\nread -r _ <'{hold}'\n"))?;
    // Open in both directions, so that neither side waits for the other.
    let pipe = OpenOptions::new().read(true).write(true).open(&here).map_err(|e| e.to_string())?;
    let before = Traces::look(stage);
    let mut command = stage.lab(&["--firewall", "nftables"]);
    command.env("PATH", path).process_group(0).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let errors = child.stderr.take().ok_or("no stderr")?;
    let mut ended = pipe.try_clone().map_err(|e| e.to_string())?;
    let watcher = thread::spawn(move || {
        let text = to_the_end(errors).unwrap_or_default();
        // Whoever still waits for the pipe hears that nobody will come.
        drop(ended.write_all(b"ended\n"));
        text
    });
    let mut these = namespaces_below(child.id());
    for line in BufReader::new(pipe).lines() {
        match line.map_err(|e| e.to_string())?.as_str() {
            "here" => break,
            "ended" => return Err(format!("it ended by itself: {}", watcher.join().unwrap_or_default())),
            link => {
                these.insert(link.to_owned());
            }
        }
    }
    these.extend(namespaces_below(child.id()));
    send(signal, group, &child)?;
    child.wait().map_err(|e| e.to_string())?;
    gone(&these)?;
    drop(watcher.join());
    if these.len() < 3 {
        return Err(format!("the script ran in no namespaces of its own: {these:?}"));
    }
    same(&before, stage)
}

/// What stands for the virtual machine: tells who it is and what it was given, and never ends.
const MACHINE: &str = "#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in -initrd) root=$2 ;; -serial) console=${2#file:} ;; esac
    shift
done
echo words >\"$console\" && [ \"$(wc -c <\"$root\")\" -gt 1000000 ] && echo $$ >'HERE'
exec sleep 1000
";

/// Ends the command while a virtual machine runs, or what stands for one.
fn in_a_machine(stage: &Stage, signal: &str, group: bool) -> Result<(), String> {
    for folder in ["tmp", "kernel/boot", "kernel/lib/modules/1"] {
        fs::create_dir_all(stage.path(folder)).map_err(|e| e.to_string())?;
    }
    stage.write("kernel/boot/vmlinuz-1", "")?;
    stage.write("kernel/lib/modules/1/modules.dep", "")?;
    stage.write("kernel/lib/modules/1/modules.builtin", "kernel/drivers/net/vrf.ko\n")?;
    let here = stage.path("here");
    told(Command::new("mkfifo").arg(&here))?.is(0, &[])?;
    let script = MACHINE.replace("HERE", &here.display().to_string());
    let path = stage.before("qemu-system-x86_64", &script)?;
    let pipe = OpenOptions::new().read(true).write(true).open(&here).map_err(|e| e.to_string())?;
    let before = Traces::look(stage);
    let mut command = stage.lab(&["--firewall", "nftables", "--vm", "--kernel", "kernel"]);
    command.env("PATH", path).env("TMPDIR", stage.path("tmp")).process_group(0);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(|e| e.to_string())?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(BufReader::new(pipe).lines().next()));
    let Ok(Some(Ok(machine))) = told.recv_timeout(ENDING) else {
        drop(child.kill());
        return Err("no machine was started that could read its files".to_owned());
    };
    send(signal, group, &child)?;
    child.wait().map_err(|e| e.to_string())?;
    let deadline = Instant::now() + ENDING;
    // Who has ended and is not waited for yet has no program any more.
    while fs::read_link(format!("/proc/{machine}/exe")).is_ok() {
        if Instant::now() > deadline {
            return Err("the machine is still there".to_owned());
        }
        thread::yield_now();
    }
    let left = fs::read_dir(stage.path("tmp")).map_err(|e| e.to_string())?.count();
    if left > 0 {
        return Err(format!("{left} files are left where TMPDIR says"));
    }
    same(&before, stage)
}

/// A lab that is kept up, from the moment on when it says how to enter.
struct Kept {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
    said: Vec<String>,
    these: BTreeSet<String>,
}

fn keep(stage: &Stage) -> Result<Kept, String> {
    let mut command = stage.lab(&["--keep"]);
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let mut errors = BufReader::new(child.stderr.take().ok_or("no stderr")?);
    let mut said = Vec::new();
    // The last line is about the last network.
    while !said.last().is_some_and(|line: &String| line.contains(" lan-office ")) {
        let mut line = String::new();
        if errors.read_line(&mut line).map_err(|e| e.to_string())? == 0 {
            return Err(format!("it ended by itself: {}", said.concat()));
        }
        said.push(line);
    }
    let these = namespaces_below(child.id());
    Ok(Kept { child, errors, said, these })
}

impl Kept {
    fn has_gone(mut self) -> Result<(), String> {
        if let Err(reason) = gone(&self.these) {
            // One that is still there would be waited for without end.
            drop(self.child.kill());
            return Err(reason);
        }
        self.child.wait().map_err(|e| e.to_string())?;
        to_the_end(&mut self.errors)?;
        if self.these.len() < 6 {
            return Err(format!("it had no namespaces of its own: {:?}", self.these));
        }
        Ok(())
    }
}

fn while_kept(stage: &Stage, signal: &str, group: bool) -> Result<(), String> {
    let before = Traces::look(stage);
    let kept = keep(stage)?;
    send(signal, group, &kept.child)?;
    kept.has_gone()?;
    same(&before, stage)
}

fn end_of_input(stage: &Stage) -> Result<(), String> {
    let before = Traces::look(stage);
    let mut kept = keep(stage)?;
    drop(kept.child.stdin.take());
    kept.has_gone()?;
    same(&before, stage)
}

/// Types the lines that are told into a shell, and looks at where they lead.
fn enter(stage: &Stage) -> Result<(), String> {
    let kept = keep(stage)?;
    let question = stage.write("question", "ip -br address; exit\n")?;
    let mut outcome = Ok(());
    for (place, address) in
        [("gateway", "eth1"), ("lan-outer", "192.168.2.10/24"), ("lan-office", "172.16.0.10/16")]
    {
        let line =
            kept.said.iter().find(|line| line.contains(&format!(" {place} "))).ok_or("no such line")?;
        let line = line.trim().trim_start_matches("sudo ").to_owned();
        let mut command = Command::new("sh");
        command.args(["-c", &line]).stdin(File::open(&question).map_err(|e| e.to_string())?);
        outcome = outcome.and(told(&mut command)?.is(0, &[address]));
    }
    send("KILL", false, &kept.child)?;
    kept.has_gone()?;
    outcome
}
