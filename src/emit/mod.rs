//! From plan to text: one artefact a target, or some for each network.
//!
//! Goes in: a [`Plan`] and the sources, for the places that every emitted rule names. Comes out: an
//! [`Artifact`]. Each emitter fills a view; a template under `templates/` lays it out and decides
//! nothing. The same plan gives the same bytes.

mod ip;
mod iptables;
mod json;
mod names;
mod nftables;
mod nodes;
mod provenance;
mod script;
mod services;
mod template;
mod text;

use std::collections::BTreeMap;
use std::rc::Rc;

use schemars::Schema;

use crate::net::Family;
use crate::plan::{Firewall, Plan};
use crate::source::SourceMap;
pub use template::TEMPLATES;
pub use text::Text;

/// The JSON Schema of [`Target::Json`].
#[must_use]
pub fn schema() -> Schema {
    json::schema()
}

/// A kind of artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The whole gateway as one POSIX script.
    Sh,
    /// A ruleset for nft(8).
    Nft,
    /// A file for iptables-restore(8) with `--noflush`.
    Iptables,
    /// A file for ip6tables-restore(8) with `--noflush`.
    Ip6tables,
    /// A file for `ip -batch`: links, addresses, IPv4 routes and rules.
    Ip,
    /// A file for `ip -6 -batch`: IPv6 routes and rules.
    Ip6,
    /// The routes that the hosts of each network need.
    Nodes,
    /// Names of hosts as each network must use them, as hosts(5).
    Hosts,
    /// Names of hosts as each network must use them, for dnsmasq(8).
    Dnsmasq,
    /// The plan as a versioned document.
    Json,
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 10] = [
        Self::Sh,
        Self::Nft,
        Self::Iptables,
        Self::Ip6tables,
        Self::Ip,
        Self::Ip6,
        Self::Nodes,
        Self::Hosts,
        Self::Dnsmasq,
        Self::Json,
    ];

    /// The name that `--target` takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sh => "sh",
            Self::Nft => "nft",
            Self::Iptables => "iptables",
            Self::Ip6tables => "ip6tables",
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Nodes => "nodes",
            Self::Hosts => "hosts",
            Self::Dnsmasq => "dnsmasq",
            Self::Json => "json",
        }
    }

    /// The target of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    /// The name of the artefact's file inside an output directory.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Sh => "site.sh",
            Self::Nft => "ruleset.nft",
            Self::Iptables => "rules.v4",
            Self::Ip6tables => "rules.v6",
            Self::Ip => "ip.batch",
            Self::Ip6 => "ip6.batch",
            Self::Nodes => "nodes.sh",
            Self::Hosts => "hosts.txt",
            Self::Dnsmasq => "dnsmasq.conf",
            Self::Json => "site.json",
        }
    }

    /// Whether the artefact is a program.
    #[must_use]
    pub const fn executable(self) -> bool {
        matches!(self, Self::Sh)
    }

    /// Whether a site with this firewall has the artefact.
    #[must_use]
    pub const fn applies(self, firewall: Firewall) -> bool {
        match self {
            Self::Nft => matches!(firewall, Firewall::Nftables),
            Self::Iptables | Self::Ip6tables => matches!(firewall, Firewall::Iptables),
            Self::Sh | Self::Ip | Self::Ip6 | Self::Nodes | Self::Hosts | Self::Dnsmasq | Self::Json => true,
        }
    }

    /// Whether the artefact is one of those that a site is compiled into where nothing is chosen:
    /// everything for the gateway, and one text for the hosts.
    #[must_use]
    pub const fn usual(self, firewall: Firewall) -> bool {
        self.applies(firewall) && !matches!(self, Self::Hosts | Self::Dnsmasq)
    }

    /// Whether the target can be a folder of files, some for each network, instead of one text.
    #[must_use]
    pub const fn divides(self) -> bool {
        matches!(self, Self::Nodes | Self::Hosts | Self::Dnsmasq)
    }
}

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// One text.
    Whole(Target),
    /// Files for each network, in a folder that has the target's name; nothing where the target does
    /// not divide.
    Divided(Target),
}

/// An artefact, finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its kind.
    pub target: Target,
    /// The path of its file inside an output directory, parts separated by `/`.
    pub name: String,
    /// Its whole text; ends in a newline.
    pub text: Text,
}

/// Lays a plan out: the artefacts of each request, in their order.
#[must_use]
pub fn emit(plan: &Plan, sources: &SourceMap, requests: &[Request]) -> Vec<Artifact> {
    let places = provenance::Places::new(sources);
    let blocks = text::Blocks::default();
    let mut drafts =
        Drafts { plan, places: &places, blocks: &blocks, done: BTreeMap::new(), steps: None, filter: None };
    let mut artifacts = Vec::new();
    for request in requests {
        match *request {
            Request::Whole(target) => {
                let (name, text) = (target.file_name().to_owned(), blocks.join(drafts.of(target)));
                artifacts.push(Artifact { target, name, text });
            }
            Request::Divided(target) => {
                artifacts.extend(divided(plan, &places, target).into_iter().map(|(path, text)| Artifact {
                    target,
                    name: format!("{}/{path}", target.name()),
                    text: text.into(),
                }));
            }
        }
    }
    artifacts
}

/// The files of a target that divides, with their paths in its folder.
fn divided(plan: &Plan, places: &provenance::Places<'_>, target: Target) -> Vec<(String, String)> {
    match target {
        Target::Nodes => nodes::files(plan, places),
        Target::Hosts => names::files(plan, places, names::Form::Hosts),
        Target::Dnsmasq => names::files(plan, places, names::Form::Dnsmasq),
        Target::Sh
        | Target::Nft
        | Target::Iptables
        | Target::Ip6tables
        | Target::Ip
        | Target::Ip6
        | Target::Json => Vec::new(),
    }
}

/// What is made once and stands in the script as well: drafts, which hold marks in the place of long
/// blocks.
struct Drafts<'a> {
    plan: &'a Plan,
    places: &'a provenance::Places<'a>,
    blocks: &'a text::Blocks,
    done: BTreeMap<Target, String>,
    steps: Option<Rc<ip::Steps>>,
    filter: Option<(String, String)>,
}

impl Drafts<'_> {
    /// The draft of a target.
    fn of(&mut self, target: Target) -> &str {
        if !self.done.contains_key(&target) {
            let draft = self.make(target);
            self.done.insert(target, draft);
        }
        &self.done[&target]
    }

    fn make(&mut self, target: Target) -> String {
        let (plan, places, blocks) = (self.plan, self.places, self.blocks);
        match target {
            Target::Sh => script::emit(plan, places, blocks, self),
            Target::Nft => nftables::emit(plan, places, blocks),
            Target::Iptables => iptables::emit(plan, places, blocks, self.filter(), Family::V4),
            Target::Ip6tables => iptables::emit(plan, places, blocks, self.filter(), Family::V6),
            Target::Ip => ip::emit(plan, places, &self.steps(), Family::V4),
            Target::Ip6 => ip::emit(plan, places, &self.steps(), Family::V6),
            Target::Nodes => nodes::emit(plan, places, blocks),
            Target::Hosts => names::emit(plan, places, blocks, names::Form::Hosts),
            Target::Dnsmasq => names::emit(plan, places, blocks, names::Form::Dnsmasq),
            Target::Json => json::emit(plan, places, blocks),
        }
    }

    /// The lines for ip(8).
    fn steps(&mut self) -> Rc<ip::Steps> {
        let (plan, places, blocks) = (self.plan, self.places, self.blocks);
        Rc::clone(self.steps.get_or_insert_with(|| Rc::new(ip::steps(plan, places, blocks))))
    }

    /// The chains and rules of the filter table, which both iptables rulesets have.
    fn filter(&mut self) -> (String, String) {
        let (plan, places, blocks) = (self.plan, self.places, self.blocks);
        self.filter.get_or_insert_with(|| iptables::filter(plan, places).finish(blocks)).clone()
    }
}
