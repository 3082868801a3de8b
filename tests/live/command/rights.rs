//! Users without rights, machines without tools, kernels without VRF devices.

use std::path::Path;
use std::process::Command;

use super::stage::{SITE, Stage, told};
use super::{Check, SKIPPED};

/// Somebody who is nobody in particular.
const NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// A user who may not make user namespaces.
const POWERLESS: [&str; 8] = [
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    "echo 1 >/proc/sys/user/max_user_namespaces && exec unshare --user --map-user=1000 --map-group=1000 -- \"$@\"",
    "sh",
    "env",
];

/// Without VRF devices, a next hop cannot be an address that the gateway has elsewhere.
const WITH_VRF: &str = "\
network a {
    interface a0
    address   192.168.0.254/24
    prefix    192.168.0.0/24 as 10.1.0.0/24
}

network b {
    interface b0
    address   192.168.0.1/24
    prefix    192.168.0.0/24 as 10.2.0.0/24
    prefix    192.168.8.0/24 as 10.2.8.0/24
    route     192.168.8.0/24 via 192.168.0.254
}

connect a <-> b
";

/// Everything about rights, tools and the kernel.
pub fn checks(stage: &Stage) -> Result<Vec<Check<'_>>, String> {
    let mut checks = vec![
        Check::new("a user without rights has a lab", || {
            let namespaces = ["unshare", "--user", "--net", "true"];
            let mut can = Command::new(NOBODY[0]);
            if told(can.args(&NOBODY[1..]).args(namespaces))?.code != 0 {
                return Err(format!("{SKIPPED}there are no users here who may make user namespaces"));
            }
            told(&mut stage.behind(&NOBODY, &[]))?.is(0, &["as they should be"])
        }),
        Check::new("who may not is told so, and what to do", || {
            let words =
                ["error: the lab needs root, or user namespaces, which this", "help: run it with sudo"];
            told(&mut stage.behind(&POWERLESS, &[]))?.is(2, &words)
        }),
    ];
    checks.extend([
        Check::new("settings that cannot be written are missed before anything is built", || {
            let hide =
                "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec \"$@\"";
            let before = ["unshare", "--mount", "sh", "-c", hide, "sh"];
            let words = ["error: the settings in /proc/sys cannot be written here", "help: in a container"];
            told(&mut stage.behind(&before, &[]))?.is(2, &words)
        }),
        Check::new("few open files are no obstacle where more may be had", || {
            let few = ["sh", "-c", "ulimit -Sn 24; exec \"$@\"", "sh"];
            told(&mut stage.behind(&few, &[]))?.is(0, &["as they should be"])
        }),
        Check::new("variables that say no, or are of no use, are no obstacle", || {
            let mut command = stage.lab(&["--isolation", "rules"]);
            command.envs([("OVERLAPC_KERNEL", "/nowhere"), ("OVERLAPC_VM", "0"), ("OVERLAPC_KEEP", "0")]);
            told(&mut command)?.is(0, &["as they should be"])?;
            told(&mut stage.lab(&["--kernel", "/nowhere"]))?.is(2, &["error: `--kernel` is the virtual"])?;
            told(&mut stage.lab(&["--vm", "--keep"]))?.is(2, &["exclude each other"])
        }),
    ]);
    for (tool, package) in [("conntrack", "conntrack"), ("nft", "nftables"), ("flock", "util-linux")] {
        checks
            .push(Check::new(format!("{tool} is missed by its name"), move || missed(stage, tool, package)));
    }
    let vrf = "ip link add name try type vrf table 1";
    let has_vrf = told(Command::new("unshare").args(["--net", "sh", "-c", vrf]))?.code == 0;
    checks.push(Check::new("VRF devices that are asked for are used, or missed", move || {
        let asked = told(&mut stage.lab(&["--isolation", "vrf"]))?;
        let missed: [&str; 2] = ["error: this kernel has no VRF devices", "--isolation rules"];
        if has_vrf { asked.is(0, &["as they should be"]) } else { asked.is(2, &missed) }
    }));
    checks.push(Check::new("the lab goes without VRF devices, and says so", move || {
        let stage = stage.apart()?;
        stage.write("site.ovl", &SITE.replace("gateway { isolation rules }", ""))?;
        let by_default = told(&mut stage.lab(&[]))?;
        let note = "note: this kernel has no VRF devices, so the site was compiled with `isolation rules`";
        by_default.is(0, &[if has_vrf { "as they should be" } else { note }])
    }));
    checks.push(Check::new("a site that only VRF devices can have is not said to be wrong", move || {
        let stage = stage.apart()?;
        stage.write("site.ovl", WITH_VRF)?;
        let words = ["error: this kernel has no VRF devices", "OVL0317", "--vm"];
        let told = told(&mut stage.lab(&[]))?;
        if has_vrf { told.is(0, &["as they should be"]) } else { told.is(2, &words) }
    }));
    Ok(checks)
}

/// Hides a program where nobody else sees that.
fn missed(stage: &Stage, tool: &str, package: &str) -> Result<(), String> {
    let places = ["/usr/sbin", "/usr/bin"].map(|folder| format!("{folder}/{tool}"));
    let Some(real) = places.iter().find(|path| Path::new(path).is_file()) else {
        return Err(format!("{SKIPPED}{tool} is somewhere else"));
    };
    let hide = format!("mount --bind /dev/null {real} && exec \"$@\"");
    let before = ["unshare", "--mount", "sh", "-c", &hide, "sh"];
    let said = told(&mut stage.behind(&before, &["--firewall", "nftables"]))?;
    let missing = format!("error: the lab needs the program `{tool}`, and there is none");
    said.is(2, &[&missing, &format!("apt install {package}")])
}
