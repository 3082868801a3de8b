//! Whether a site is a good neighbour: whether all that its script makes or removes is the site's own.
//!
//! Goes in: a [`Script`] and its text. Comes out: each [`Foreign`] thing that it touches. What must hold:
//! whose something is follows from the script's header and its networks alone: names, numbers, bits.

mod commands;
mod filters;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::read::script::data::{Network, Setting};
use crate::read::script::{At, FILE, Script};
use crate::sim::host::{DEFAULT, LOCAL, MAIN};

/// Something that is not the site's, and is touched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Foreign {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
    /// Whose it is, or why it is not the site's.
    pub why: String,
}

/// What a network's table and its companion differ by: the latter has the routes that answers and errors of the
/// gateway take. Ids have 16 bits.
const COMPANION: u32 = 0x1_0000;

/// Kernel settings that a site may make for the whole host.
const OF_HOST: [&str; 6] = [
    "ipv4/fwmark_reflect",
    "ipv4/tcp_fwmark_accept",
    "ipv4/tcp_l3mdev_accept",
    "ipv4/udp_l3mdev_accept",
    "ipv6/conf/all/forwarding",
    "ipv6/fwmark_reflect",
];

/// Whose the numbers of protocols are: rtnetlink.h of Linux, RTPROT_*.
const PROTOCOLS: [(RangeInclusive<u8>, &str); 6] = [
    (0..=4, "the kernel's or the administrator's"),
    (8..=18, "a routing daemon's, or of DHCP or router advertisements"),
    (42..=42, "a routing daemon's"),
    (99..=99, "a routing daemon's"),
    (186..=189, "a routing daemon's"),
    (192..=192, "a routing daemon's"),
];

/// Everything foreign that a script touches, by lines.
#[must_use]
pub fn check(script: &Script, text: &str) -> Vec<Foreign> {
    let networks: Vec<&Network> = script.data.networks.iter().map(|network| &network.value).collect();
    let ids = networks.iter().map(|network| network.id).filter(|id| *id < COMPANION && !of_kernel(*id));
    let own = Own {
        interfaces: networks.iter().map(|network| network.interface.as_str()).collect(),
        vrfs: networks.iter().filter_map(|it| Some((it.vrf.as_deref()?, it.id))).collect(),
        tables: ids.flat_map(|id| [id, id | COMPANION]).collect(),
        zones: script.data.zones.iter().map(|zone| zone.value.number).collect(),
        by_interface: networks.iter().map(|network| (network.interface.as_str(), *network)).collect(),
        script,
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    own.names(&mut found);
    own.settings(&script.data.settings, true, &mut found);
    own.settings(&script.data.own_settings, false, &mut found);
    own.commands(&mut found);
    own.filters(&mut found);
    found.sort();
    found.dedup();
    let line = |line: usize| text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim().to_owned();
    let foreign = |(number, why)| Foreign { file: FILE.to_owned(), line: number, text: line(number), why };
    found.into_iter().map(foreign).collect()
}

/// Whether a table is one of those that are always there: unspec, default, main, local.
const fn of_kernel(table: u32) -> bool {
    matches!(table, 0 | DEFAULT | MAIN | LOCAL)
}

/// What belongs to a site.
struct Own<'s> {
    script: &'s Script,
    by_interface: BTreeMap<&'s str, &'s Network>,
    interfaces: BTreeSet<&'s str>,
    /// Names of VRF devices, with their tables.
    vrfs: BTreeMap<&'s str, u32>,
    tables: BTreeSet<u32>,
    zones: BTreeSet<u16>,
}

impl Own<'_> {
    fn device(&self, name: &str) -> bool {
        self.interfaces.contains(name) || self.vrfs.contains_key(name)
    }

    /// What a site cannot have as its own, whatever it says.
    fn names(&self, found: &mut Vec<(usize, String)>) {
        let mut first = |line: usize, why: String| found.push((line, why));
        for At { line, value: network } in &self.script.data.networks {
            if of_kernel(network.id) {
                first(*line, format!("table {} is the kernel's", network.id));
            }
            for device in [Some(&network.interface), network.vrf.as_ref()].into_iter().flatten() {
                if ["lo", "all", "default"].contains(&device.as_str()) {
                    first(*line, format!("{device} is the host's"));
                }
            }
            if self.vrfs.contains_key(network.interface.as_str()) {
                first(*line, format!("{} would be made, and removed", network.interface));
            }
        }
        // nf_conntrack_zones.h, NF_CT_DEFAULT_ZONE_ID: where all are that nobody has put elsewhere.
        for zone in self.script.data.zones.iter().filter(|zone| zone.value.number == 0) {
            first(zone.line, "zone 0 is everybody's".to_owned());
        }
        let header = &self.script.header;
        if let Some((_, owner)) = PROTOCOLS.iter().find(|(numbers, _)| numbers.contains(&header.protocol)) {
            first(header.line, format!("protocol {} is {owner}", header.protocol));
        }
        let (least, most) = header.preferences;
        // ip-rule(8): the tables local, main and default are looked in at 0, 32766 and 32767.
        if least == 0 || most >= 32766 || least > most {
            first(header.line, format!("preferences {least} to {most} are not a site's to have"));
        }
    }

    /// Those of the host and of interfaces, or those of VRF devices.
    fn settings(&self, settings: &[At<Setting>], host: bool, found: &mut Vec<(usize, String)>) {
        let of_device = |device: &str| {
            if host { self.interfaces.contains(device) } else { self.vrfs.contains_key(device) }
        };
        for At { line, value: Setting { path, .. } } in settings {
            let parts: Vec<&str> = path.split('/').collect();
            let fine = match parts.as_slice() {
                ["ipv4" | "ipv6", "conf", device, _] if of_device(device) => true,
                _ => host && OF_HOST.contains(&path.as_str()),
            };
            if !fine {
                found.push((*line, format!("the kernel setting {path} is not the site's to make")));
            }
        }
    }
}
