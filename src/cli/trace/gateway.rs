//! The gateway that a packet is sent through: what the files of a site say, read back.
//!
//! Goes in: a checked site, or a directory with files of one. Comes out: a host, and what had to be assumed.
//! What must hold: routes, rules and filters come from the files alone; the plan only says what no file of the
//! host does, which is its kernel settings and addresses that the site leaves to it.

use std::collections::BTreeMap;
use std::path::Path;

use ipnet::IpNet;

use super::super::{Failure, texts};
use crate::check::CheckedSite;
use crate::emit::{Request, Target};
use crate::net;
use crate::plan::{Plan, Value};
use crate::read::artifacts::{self, Artifacts};
use crate::read::routing::{Address, Change};
use crate::sim::host::{Host, Link};
use crate::source::SourceMap;

/// The targets that say what a gateway does.
const TARGETS: [Target; 5] = [Target::Nft, Target::Iptables, Target::Ip6tables, Target::Ip, Target::Ip6];

/// What the files say, and the host that was told it.
pub(super) struct Told {
    pub artifacts: Artifacts,
    pub host: Host,
    /// Sentences about what no file says.
    pub notes: Vec<String>,
}

/// The texts of a site that was just compiled.
pub(super) fn compiled(site: &CheckedSite, sources: &SourceMap) -> BTreeMap<String, String> {
    let firewall = site.settings().firewall;
    let targets = TARGETS.into_iter().filter(|target| target.applies(firewall));
    let requests: Vec<Request> = targets.map(Request::Whole).collect();
    let artifacts = crate::artifacts(site, sources, &requests);
    artifacts.into_iter().map(|artifact| (artifact.name, artifact.text.to_string())).collect()
}

/// The texts in a directory.
pub(super) fn found(directory: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let files = texts::found(directory, &TARGETS.map(Target::file_name))?;
    let has = |target: Target| files.contains_key(target.file_name());
    let shown = directory.display();
    let help = "`overlapc compile -t all -o DIRECTORY/` writes them";
    if !has(Target::Ip) {
        let what = format!("`{shown}` has no `{}`", Target::Ip.file_name());
        return Err(Failure::new(what).help(help));
    }
    match (has(Target::Nft), has(Target::Iptables) || has(Target::Ip6tables)) {
        (true, true) => {
            let what = format!("`{shown}` has rulesets of nft and of iptables, and only one can be loaded");
            Err(Failure::new(what).help("remove those that the gateway does not load"))
        }
        (false, false) => Err(Failure::new(format!("`{shown}` has no ruleset")).help(help)),
        _ => Ok(files),
    }
}

impl Told {
    /// Reads the texts and does what they say.
    pub(super) fn new(files: &BTreeMap<String, String>, plan: &Plan) -> Result<Self, Failure> {
        let mut artifacts = artifacts::read(files)
            .map_err(|(file, unread)| Failure::new(format!("`{file}` is not understood: {unread}")))?;
        // A script says them itself.
        artifacts.settings.get_or_insert_with(|| settings(plan));
        let host = Host::of(&artifacts).map_err(|(place, why)| {
            let command = &artifacts.commands[place];
            Failure::new(format!(
                "{}:{}: the kernel would refuse this: {why}",
                command.file, command.value.line
            ))
        })?;
        let mut told = Self { artifacts, host, notes: Vec::new() };
        told.assume(plan);
        Ok(told)
    }

    /// What the site leaves to the host: addresses in networks that declare none, and whatever is outside.
    fn assume(&mut self, plan: &Plan) {
        for (address, device) in &plan.outside {
            let link = Link { up: true, ..Link::default() };
            self.host.links.entry(device.clone()).or_insert(link);
            self.give(address.net, device);
        }
        for network in &plan.networks {
            let left = network.admitted.iter().map(|admitted| admitted.real);
            for real in left.filter(|real| network.gateway(net::family(real)).is_none()) {
                // Where there is room for the gateway.
                if real.prefix_len() + 1 >= real.max_prefix_len() {
                    continue;
                }
                let first = net::from_bits(net::family(&real), net::bits(real.network()) + 1);
                let Ok(own) = IpNet::new(first, real.prefix_len()) else { continue };
                if self.give(own, &network.interface) {
                    self.notes.push(format!(
                        "the site leaves the gateway's addresses in {} to the host; it is taken to have {own} on {}",
                        network.name, network.interface
                    ));
                }
            }
        }
    }

    fn give(&mut self, net: IpNet, device: &str) -> bool {
        let address = Address { net, device: device.to_owned(), makes_route: true };
        self.host.apply(&Change::AddAddress(address)).is_ok()
    }
}

/// The kernel settings that the script makes.
fn settings(plan: &Plan) -> BTreeMap<String, i64> {
    let value = |value| match value {
        Value::Is(number) => i64::from(number),
        // With `conf/all` at 0, as the kernel has it by itself.
        Value::Loose => 0,
    };
    plan.settings.iter().map(|setting| (setting.path.clone(), value(setting.value))).collect()
}
