//! Users without rights, machines without tools, kernels without VRF devices.

use std::path::Path;
use std::process::Command;

use super::stage::{Stage, told};
use super::{Score, skip};

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

/// Everything about rights, tools and the kernel.
pub fn check(stage: &Stage, score: &Score) -> Result<(), String> {
    let what = "a user without rights has a lab";
    let can = told(Command::new(NOBODY[0]).args(&NOBODY[1..]).args(["unshare", "--user", "--net", "true"]))?;
    if can.code == 0 {
        score.note(what, told(&mut stage.behind(&NOBODY, &[]))?.is(0, &["as they should be"]));
    } else {
        skip(what, "there are no users here who may make user namespaces");
    }
    let told_so = told(&mut stage.behind(&POWERLESS, &[]))?;
    let words = [
        "error: the lab needs root, or user namespaces, which this machine does not give",
        "help: run it with sudo",
    ];
    score.note("who may not is told so, and what to do", told_so.is(2, &words));

    for (tool, package) in [("conntrack", "conntrack"), ("nft", "nftables"), ("flock", "util-linux")] {
        let place = ["/usr/sbin", "/usr/bin"].map(|folder| format!("{folder}/{tool}"));
        let Some(real) = place.iter().find(|path| Path::new(path).is_file()) else {
            skip(&format!("without {tool}"), "it is somewhere else");
            continue;
        };
        let hide = format!("mount --bind /dev/null {real} && exec \"$@\"");
        let mut command =
            stage.behind(&["unshare", "--mount", "sh", "-c", &hide, "sh"], &["--firewall", "nftables"]);
        let words = [
            format!("error: the lab needs the program `{tool}`, and there is none"),
            format!("apt install {package}"),
        ];
        let outcome = told(&mut command)?.is(2, &[&words[0], &words[1]]);
        score.note(&format!("{tool} is missed by its name"), outcome);
    }

    let vrf = "ip link add name try type vrf table 1";
    let has_vrf = told(Command::new("unshare").args(["--net", "sh", "-c", vrf]))?.code == 0;
    let asked = told(&mut stage.lab(&["--isolation", "vrf"]))?;
    let site = stage.write("default.ovl", &super::stage::SITE.replace("gateway { isolation rules }", ""))?;
    let by_default = told(&mut stage.lab(&[&site.to_string_lossy()]))?;
    let note = "note: this kernel has no VRF devices, so the site was compiled with `isolation rules`";
    if has_vrf {
        score.note("VRF devices are used where there are some", asked.is(0, &["as they should be"]));
        score.note("nothing is said of them", by_default.is(0, &["as they should be"]));
    } else {
        let words = ["error: this kernel has no VRF devices", "--isolation rules"];
        score.note("VRF devices that are asked for are missed", asked.is(2, &words));
        score.note("the lab goes without VRF devices, and says so", by_default.is(0, &[note]));
    }
    Ok(())
}
