//! The kernel of the virtual machine: an image and its modules, as a distribution's package has them.
//!
//! Goes in: where the user says it is, or nothing. Comes out: the image, and the modules that the lab
//! needs in the order in which they must be loaded. What must hold: nothing is written where the kernel
//! is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::netns::run;
use super::sandbox::Missing;

/// What the guest, its links and the emitted rules stand on; a kernel may have some of them built in.
const MODULES: &[&str] = &[
    "virtio_pci",
    "virtio_console",
    "vrf",
    "veth",
    "bridge",
    "8021q",
    "dummy",
    "nf_tables",
    "nft_chain_nat",
    "nft_nat",
    "nft_redir",
    "nft_masq",
    "nft_ct",
    "nft_compat",
    "nft_counter",
    "nft_reject_inet",
    "nft_fib_inet",
    "nft_log",
    "nft_limit",
    "nf_conntrack_netlink",
    "nf_log_syslog",
    "xt_CT",
    "xt_NETMAP",
    "xt_MASQUERADE",
    "xt_mark",
    "xt_connmark",
    "xt_TCPMSS",
    "xt_limit",
    "xt_conntrack",
    "xt_comment",
    "xt_tcpudp",
    "xt_nat",
    "xt_multiport",
    "xt_LOG",
    "ipt_REJECT",
    "ip6t_REJECT",
    "ip_tables",
    "ip6_tables",
    "iptable_raw",
    "iptable_mangle",
    "iptable_nat",
    "iptable_filter",
    "ip6table_raw",
    "ip6table_mangle",
    "ip6table_nat",
    "ip6table_filter",
];

/// Where distributions put kernels.
const BOOT: &str = "/boot";

/// A kernel with its modules.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// The image.
    pub(super) image: PathBuf,
    /// The modules, in the order in which they must be loaded.
    pub(super) modules: Vec<PathBuf>,
}

impl Kernel {
    /// Looks at the place that the user names, or in /boot: an image `vmlinuz-VERSION`, or a folder that
    /// has one below `boot/`, with `lib/modules/VERSION` beside.
    ///
    /// # Errors
    ///
    /// There is none that can be used.
    pub(super) fn find(place: Option<&Path>) -> Result<Self, Missing> {
        let Some(place) = place else {
            let found = images(Path::new(BOOT))
                .into_iter()
                .rev()
                .find_map(|image| Self::of(&image, Path::new("/")).ok());
            return found.ok_or_else(|| missing("no kernel with VRF devices in /boot".to_owned()));
        };
        if place.is_dir() {
            let image = images(&place.join("boot")).pop();
            let image =
                image.ok_or_else(|| missing(format!("no boot/vmlinuz-VERSION in {}", place.display())))?;
            return Self::of(&image, place);
        }
        if !place.is_file() {
            return Err(missing(format!("there is no kernel at {}", place.display())));
        }
        let root = place.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let beside = Self::of(place, root);
        beside.or_else(|problem| Self::of(place, Path::new("/")).map_err(|_| problem))
    }

    fn of(image: &Path, root: &Path) -> Result<Self, Missing> {
        let name = image.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let version = name.strip_prefix("vmlinuz-").unwrap_or_default().to_owned();
        let folders = ["lib/modules", "usr/lib/modules"].map(|folder| root.join(folder).join(&version));
        let modules = folders.into_iter().find(|folder| !version.is_empty() && folder.is_dir());
        let modules = modules
            .ok_or_else(|| missing(format!("no modules of {} (lib/modules/VERSION)", image.display())))?;
        let needed = needed(&modules, root, &version)?;
        if !needed.iter().any(|file| module_name(file) == "vrf") && !built_in(&modules).contains("/vrf.ko") {
            return Err(missing(format!("{} has no VRF devices", image.display())));
        }
        Ok(Self { image: image.to_owned(), modules: needed.iter().map(|file| modules.join(file)).collect() })
    }
}

/// Kernel images of a folder, in the order of their versions.
fn images(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut images: Vec<PathBuf> = entries
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")))
        .collect();
    images.sort_by_key(|path| version(&path.to_string_lossy()));
    images
}

/// A name as its parts, where a number is more than a smaller one: 6.1.0-27 is newer than 6.1.0-9.
fn version(name: &str) -> Vec<(u64, String)> {
    let mut parts: Vec<(u64, String)> = Vec::new();
    for character in name.chars() {
        match (character.to_digit(10), parts.last_mut()) {
            (Some(digit), Some((number, text))) if text.is_empty() => {
                *number = number.saturating_mul(10).saturating_add(digit.into());
            }
            (Some(digit), _) => parts.push((digit.into(), String::new())),
            (None, Some((_, text))) => text.push(character),
            (None, None) => parts.push((0, character.to_string())),
        }
    }
    parts
}

/// Files of the needed modules, each behind what it stands on. A package that was only unpacked has no list
/// of dependencies; depmod(8) prints what would be in it.
fn needed(modules: &Path, root: &Path, version: &str) -> Result<Vec<String>, Missing> {
    let listed = fs::read_to_string(modules.join("modules.dep")).ok();
    let printed = || {
        let mut command = Command::new("/sbin/depmod");
        command.arg("-n").arg("-b").arg(root).arg(version);
        run(&mut command).and_then(|run| run.must("depmod"))
    };
    let text = match listed {
        Some(text) => text,
        None => printed().map_err(|reason| Missing {
            what: format!(
                "{} has no modules.dep, and depmod cannot tell what would be in it: {reason}",
                modules.display()
            ),
            help: "on Debian: apt install kmod".to_owned(),
        })?,
    };
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let Some((file, before)) = line.split_once(':') else { continue };
        // What must come first is last.
        let chain = before.split_whitespace().rev().chain([file]).map(str::to_owned).collect();
        files.insert(module_name(file), chain);
    }
    let mut needed: Vec<String> = Vec::new();
    for file in MODULES.iter().filter_map(|name| files.get(&module_name(name))).flatten() {
        if !needed.contains(file) {
            needed.push(file.clone());
        }
    }
    Ok(needed)
}

/// What a module is called: minus and underscore are the same in it, and it may be compressed.
fn module_name(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split(".ko").next().unwrap_or(name).replace('-', "_")
}

fn built_in(modules: &Path) -> String {
    fs::read_to_string(modules.join("modules.builtin")).unwrap_or_default()
}

fn missing(what: String) -> Missing {
    Missing {
        what: format!("the virtual machine needs a kernel: {what}"),
        help:
            "name one with `--kernel`; on Debian: apt download linux-image-cloud-amd64's newest dependency \
               linux-image-VERSION, dpkg -x PACKAGE.deb kernel/, then `--kernel kernel/`"
                .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn numbers_in_names_are_numbers() {
        let mut names =
            ["vmlinuz-6.10.0-1", "vmlinuz-6.1.0-27-amd64", "vmlinuz-6.1.0-9-amd64", "vmlinuz-5.10.0-30"];
        names.sort_by_key(|name| version(name));
        assert_eq!(
            names,
            ["vmlinuz-5.10.0-30", "vmlinuz-6.1.0-9-amd64", "vmlinuz-6.1.0-27-amd64", "vmlinuz-6.10.0-1"]
        );
    }
}
