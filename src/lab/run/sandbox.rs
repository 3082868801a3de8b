//! Where the lab stands on this machine: mount, network and process namespaces that go away with the
//! last process in them, and what is needed for them.
//!
//! Goes in: a firewall. Comes out: how to run a command in a sandbox of its own, or what is missing and
//! what to do about it. What must hold: everything is found out by trying it, before anything is built;
//! what was tried has gone when the answer is there.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::netns::{Run, run};
use crate::model::Firewall;

/// Where programs are that only root has in its PATH.
const ROOTS_PROGRAMS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/// What the lab and the emitted script call, with the Debian packages that have it.
const TOOLS: &[(&str, &str)] = &[
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("flock", "util-linux"),
    ("conntrack", "conntrack"),
    ("sh", "dash"),
    ("awk", "mawk"),
    ("sed", "sed"),
    ("grep", "grep"),
    ("sort", "coreutils"),
    ("cmp", "diffutils"),
];
const NFTABLES: &[(&str, &str)] = &[("nft", "nftables")];
const IPTABLES: &[(&str, &str)] = &[
    ("iptables-restore", "iptables"),
    ("iptables-save", "iptables"),
    ("ip6tables-restore", "iptables"),
    ("ip6tables-save", "iptables"),
];

/// Settings that forbid namespaces to users, below /proc/sys, and the value that does.
const FORBIDDING: &[(&str, &str)] = &[
    ("user/max_user_namespaces", "0"),
    ("user/max_net_namespaces", "0"),
    ("user/max_mnt_namespaces", "0"),
    ("user/max_pid_namespaces", "0"),
    ("kernel/unprivileged_userns_clone", "0"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1"),
];

/// How long a process is in the way that it may be seen: namespaces for mounts, network and processes.
const APART: [&str; 5] = ["--mount", "--net", "--pid", "--fork", "--kill-child"];

/// A user namespace in which the user is root.
const OWN_USERS: [&str; 2] = ["--user", "--map-root-user"];

/// Whether everything works that the lab does with its rights; the exit code tells what does not.
const TRY: &str = "mount -t tmpfs tmpfs /run && { [ -L /var/run ] || mount -t tmpfs tmpfs /var/run; } && ip link set lo up && ip netns add try && nsenter --net=/var/run/netns/try true || exit 9
ip link add name near type veth peer name far || exit 8
sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' || exit 7";

/// As many open files as the user may have: hosts have a socket for each address, port and transport.
const ALL_FILES: &str = "ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"";

/// Whether there are VRF devices.
const TRY_VRF: &str = "ip link add name try type vrf table 1";

/// A way to run commands apart from the rest of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox {
    own_users: bool,
}

/// Why there can be no lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

impl Sandbox {
    /// Looks for what the lab needs, and for the rights to have it.
    ///
    /// # Errors
    ///
    /// Something is missing.
    pub fn find(firewall: Firewall) -> Result<Self, Missing> {
        tools(firewall)?;
        let plain = Self { own_users: false };
        let refused = match plain.tries(TRY) {
            Ok(()) => return Ok(plain),
            Err(refused) => refused,
        };
        let by_user = Self { own_users: true };
        match by_user.tries(TRY) {
            Ok(()) => Ok(by_user),
            Err(Run { code: 8, errors, .. }) => Err(Missing {
                what: format!("this kernel makes no veth devices: {}", last_line(&errors)),
                help: "load the module veth, or use a kernel that has it".to_owned(),
            }),
            // A user namespace gives no right to what is mounted read-only.
            Err(by_user) => Err(match [refused, by_user] {
                [Run { code: 7, errors, .. }, _] | [_, Run { code: 7, errors, .. }] => Missing {
                    what: format!("the settings in /proc/sys cannot be written here: {}", last_line(&errors)),
                    help: "in a container, run it with `--privileged`, or with a writable /proc/sys"
                        .to_owned(),
                },
                [refused, by_user] => no_rights(&refused, &by_user),
            }),
        }
    }

    /// Whether the kernel has VRF devices.
    #[must_use]
    pub fn has_vrf(self) -> bool {
        self.tries(TRY_VRF).is_ok()
    }

    /// Whether it is a user's, who is root in it alone.
    #[must_use]
    pub const fn has_own_users(self) -> bool {
        self.own_users
    }

    /// A command that runs apart, as the first process of its namespace.
    #[must_use]
    pub fn command(self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        command.args(APART);
        if self.own_users {
            command.args(OWN_USERS);
        }
        command.args(["--", "sh", "-c", ALL_FILES, "sh"]).arg(program).env("PATH", search_path());
        command
    }

    fn tries(self, script: &str) -> Result<(), Run> {
        let failed = |errors| Run { text: String::new(), errors, code: -1 };
        let run = run(self.command(Path::new("sh")).args(["-c", script])).map_err(failed)?;
        if run.code == 0 { Ok(()) } else { Err(run) }
    }
}

/// The user's, and behind it where root's programs are.
fn search_path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    for place in ROOTS_PROGRAMS {
        if !path.is_empty() {
            path.push(":");
        }
        path.push(place);
    }
    path
}

/// Where a program is, for this user or for root.
pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&search_path()).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The programs that the lab and the emitted script call.
pub(super) fn tool_names(firewall: Firewall) -> impl Iterator<Item = &'static str> {
    needed(firewall).map(|(tool, _)| *tool)
}

fn needed(firewall: Firewall) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let of_firewall = match firewall {
        Firewall::Nftables => NFTABLES,
        Firewall::Iptables => IPTABLES,
    };
    TOOLS.iter().chain(of_firewall)
}

/// Looks whether these programs are there.
pub(super) fn tools(firewall: Firewall) -> Result<(), Missing> {
    let missing: Vec<_> = needed(firewall).filter(|(tool, _)| find_program(tool).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(|(tool, _)| format!("`{tool}`")).collect();
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    let plural = if names.len() == 1 { "program" } else { "programs" };
    Err(Missing {
        what: format!("the lab needs the {plural} {}, and there is none", names.join(", ")),
        help: format!("on Debian: apt install {}", packages.join(" ")),
    })
}

/// The settings are looked at only to explain: whether it works was tried.
fn no_rights(as_is: &Run, by_user: &Run) -> Missing {
    let forbidding: Vec<String> = FORBIDDING
        .iter()
        .filter(|(path, value)| {
            fs::read_to_string(format!("/proc/sys/{path}")).is_ok_and(|now| now.trim() == *value)
        })
        .map(|(path, value)| format!("{} is {value}", path.replace('/', ".")))
        .collect();
    let why = if forbidding.is_empty() { last_line(&by_user.errors) } else { forbidding.join(", ") };
    let root = fs::read_to_string("/proc/self/status")
        .is_ok_and(|status| status.lines().any(|line| line.starts_with("Uid:\t0\t0\t")));
    if root {
        return Missing {
            what: format!("root may not make network namespaces here: {}", last_line(&as_is.errors)),
            help: "in a container, run it with CAP_SYS_ADMIN and CAP_NET_ADMIN (`--privileged`)".to_owned(),
        };
    }
    Missing {
        what: format!("the lab needs root, or user namespaces, which this machine does not give: {why}"),
        help: "run it with sudo".to_owned(),
    }
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or("no reason is given").to_owned()
}
