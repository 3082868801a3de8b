//! A virtual machine for the lab, where this machine's kernel has no VRF devices: QEMU with another kernel
//! and this machine's own programs.
//!
//! Goes in: a firewall and perhaps a kernel. Comes out: a command whose standard input and output are those
//! of the inside of the lab. What must hold: nothing of this machine is written to, no rights are needed, no
//! packet leaves the guest (it has no network device), and it ends with the command that started it, whatever
//! ended that; its files have no names, so they go with the last who has them open.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fmt};

use super::archive::Archive;
use super::kernel::Kernel;
use super::netns::run;
use super::sandbox::{Missing, find_program, tools};
use crate::model::Firewall;

/// The emulator. Emulation alone runs everywhere, also in a container or another virtual machine.
const QEMU: &str = "qemu-system-x86_64";

/// What the guest needs beyond what the lab needs anyway; of some systems only the shell's own exist.
const PROGRAMS: &[&str] =
    &["cat", "mv", "rm", "mkdir", "id", "insmod", "sleep", "head", "tail", "cut", "tr", "date"];

/// Memory in MiB: what 200 namespaces and the root file system need, with room.
const MEMORY: &str = "1536";

/// First process of the guest. The port is there some time after its module; PID 1 must not end before the
/// machine is off.
const INIT: &str = "#!/usr/bin/sh
export PATH=/usr/bin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
ulimit -n 65536
while read -r module; do insmod \"$module\" 2>/dev/null; done </modules
tries=0
until [ -c /dev/vport1p1 ] || [ -c /dev/vport0p1 ] || [ \"$tries\" -gt 100000 ]; do tries=$((tries + 1)); done
for port in /dev/vport*p1; do
    unshare --mount --net --pid --fork --kill-child -- /usr/bin/overlapc WORD <>\"$port\" >&0
done
echo o >/proc/sysrq-trigger
while :; do sleep 60; done
";

/// A machine that can be started.
pub struct Machine {
    root: File,
    console: File,
    qemu: PathBuf,
    image: PathBuf,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("image", &self.image).finish_non_exhaustive()
    }
}

impl Machine {
    /// Looks for what is needed, and makes the guest's root file system; `word` is the hidden subcommand
    /// that is the inside.
    ///
    /// # Errors
    ///
    /// Something is missing, or cannot be read or written.
    pub fn find(firewall: Firewall, kernel: Option<&Path>, word: &str) -> Result<Self, Missing> {
        if env::consts::ARCH != "x86_64" {
            return Err(Missing {
                what: format!("the virtual machine is one for x86_64, and this is {}", env::consts::ARCH),
                help: "run the lab on a kernel that has VRF devices".to_owned(),
            });
        }
        tools(firewall)?;
        let qemu = find_program(QEMU).ok_or_else(|| Missing {
            what: format!("the virtual machine needs the program `{QEMU}`, and there is none"),
            help: "on Debian: apt install qemu-system-x86".to_owned(),
        })?;
        let kernel = Kernel::find(kernel)?;
        let [root, console] = [tempfile::tempfile(), tempfile::tempfile()];
        let (root, console) = (root.map_err(|e| unwritten(&e))?, console.map_err(|e| unwritten(&e))?);
        root_file_system(BufWriter::new(&root), firewall, &kernel, word)?;
        Ok(Self { root, console, qemu, image: kernel.image })
    }

    /// The command; what it says itself is in [`Machine::console`]. It gets a signal when its starter ends.
    ///
    /// # Errors
    ///
    /// There is no /proc.
    pub fn command(&self) -> Result<Command, String> {
        let [root, console] = [open_at(&self.root)?, open_at(&self.console)?];
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.qemu);
        command.args([
            "-accel",
            "tcg",
            "-cpu",
            "max",
            "-m",
            MEMORY,
            "-nodefaults",
            "-display",
            "none",
            "-no-reboot",
        ]);
        command.arg("-kernel").arg(&self.image).arg("-initrd").arg(root);
        command.args(["-append", "console=ttyS0 quiet panic=-1 norandmaps"]);
        command.arg("-serial").arg(format!("file:{}", console.display()));
        command.args(["-device", "virtio-serial-pci", "-chardev", "stdio,id=lab,signal=off"]);
        command.args(["-device", "virtserialport,chardev=lab,name=lab"]);
        Ok(command)
    }

    /// The last lines of the guest's console, for whoever asks why it did not work.
    #[must_use]
    pub fn console(&self) -> String {
        let mut bytes = Vec::new();
        // What cannot be read says nothing.
        drop((&self.console).rewind().and_then(|()| (&self.console).read_to_end(&mut bytes)));
        let text = String::from_utf8_lossy(&bytes).replace('\r', "");
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

/// Where another process of this user finds a file that has no name, while this one has it open.
fn open_at(file: &File) -> Result<PathBuf, String> {
    let own = fs::read_link("/proc/self").map_err(|e| format!("/proc/self: {e}"))?;
    Ok(Path::new("/proc").join(own).join("fd").join(file.as_raw_fd().to_string()))
}

fn root_file_system(
    out: impl io::Write,
    firewall: Firewall,
    kernel: &Kernel,
    word: &str,
) -> Result<(), Missing> {
    let mut archive = Archive::new(out);
    let made = (|| -> Result<(), String> {
        let text = |e: io::Error| e.to_string();
        for folder in ["proc", "sys", "dev", "run", "tmp", "usr/bin", "usr/sbin"] {
            archive.directory(folder).map_err(text)?;
        }
        for (link, target) in [("bin", "usr/bin"), ("sbin", "usr/sbin"), ("var/run", "../run")] {
            archive.link(link, target).map_err(text)?;
        }
        archive.text("init", &INIT.replace("WORD", word), true).map_err(text)?;
        let own = env::current_exe().map_err(text)?;
        program(&mut archive, "usr/bin/overlapc", &own)?;
        for name in super::sandbox::tool_names(firewall).chain(PROGRAMS.iter().copied()) {
            let path = find_program(name).ok_or_else(|| format!("no program `{name}`"))?;
            program(&mut archive, &format!("usr/bin/{name}"), &path)?;
        }
        if firewall == Firewall::Iptables {
            extensions(&mut archive)?;
        }
        for tables in ["/etc/iproute2", "/usr/share/iproute2"] {
            folder(&mut archive, Path::new(tables))?;
        }
        modules(&mut archive, kernel)
    })();
    made.map_err(|what| Missing {
        what: format!("the root file system of the virtual machine cannot be made: {what}"),
        help: "every program that the lab needs must be installed and readable".to_owned(),
    })?;
    archive.finish().map_err(|e| unwritten(&e))
}

/// A program with the libraries that it is linked with, each in its place.
fn program<W: io::Write>(archive: &mut Archive<W>, name: &str, path: &Path) -> Result<(), String> {
    archive.copy(name, path).map_err(|e| format!("{}: {e}", path.display()))?;
    libraries(archive, path)
}

fn libraries<W: io::Write>(archive: &mut Archive<W>, path: &Path) -> Result<(), String> {
    // A program that is linked with nothing makes ldd(1) fail.
    let text = run(Command::new("ldd").arg(path))?.text;
    let named = text.lines().flat_map(str::split_whitespace).filter(|word| word.starts_with('/'));
    for library in named.map(|word| word.trim_end_matches(':')).collect::<BTreeSet<&str>>() {
        // Both /lib and /usr/lib may be named, and one be a link to the other.
        if !archive.has(library) {
            archive.copy(library, Path::new(library)).map_err(|e| format!("{library}: {e}"))?;
        }
    }
    Ok(())
}

/// The extensions of iptables, which are opened by name.
fn extensions<W: io::Write>(archive: &mut Archive<W>) -> Result<(), String> {
    let roots = ["/usr/lib", "/usr/lib64", "/lib"].map(Path::new);
    let inside =
        roots.iter().flat_map(|root| fs::read_dir(root).into_iter().flatten().flatten()).map(|it| it.path());
    let places = inside.map(|path| if path.ends_with("xtables") { path } else { path.join("xtables") });
    let place = places.into_iter().find(|path| path.join("libxt_CT.so").is_file());
    folder(archive, &place.ok_or("no extensions of iptables (libxt_CT.so)")?)
}

/// The files of a folder, in the same place; nothing if there is none.
fn folder<W: io::Write>(archive: &mut Archive<W>, path: &Path) -> Result<(), String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    for file in files {
        let name = file.to_string_lossy().into_owned();
        archive.copy(&name, &file).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

/// The modules, and a list of them in the order in which they must be loaded.
fn modules<W: io::Write>(archive: &mut Archive<W>, kernel: &Kernel) -> Result<(), String> {
    let mut list = String::new();
    for file in &kernel.modules {
        let name = format!("lib/modules/{}", file.file_name().unwrap_or_default().to_string_lossy());
        archive.copy(&name, file).map_err(|e| format!("{}: {e}", file.display()))?;
        list.push_str(&format!("/{name}\n"));
    }
    archive.text("modules", &list, false).map_err(|e| e.to_string())
}

fn unwritten(error: &io::Error) -> Missing {
    Missing {
        what: format!("the root file system of the virtual machine cannot be written: {error}"),
        help: "it needs some 100 MB where TMPDIR says, or in /tmp".to_owned(),
    }
}
