//! From plan to text: one artefact a target.
//!
//! Goes in: a [`Plan`] and the sources, for the places that every emitted rule names. Comes out: an
//! [`Artifact`]. Each emitter fills a view; a template under `templates/` lays it out and decides
//! nothing. The same plan gives the same bytes.

mod guard;
mod hosts;
mod ip;
mod iptables;
mod json;
mod nftables;
mod provenance;
mod script;
mod services;
mod template;
mod text;

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::net::Family;
use crate::plan::{Firewall, Plan};
use crate::source::SourceMap;
pub use template::TEMPLATES;
pub use text::Text;

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
    /// The plan as a versioned document.
    Json,
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 8] =
        [Self::Sh, Self::Nft, Self::Iptables, Self::Ip6tables, Self::Ip, Self::Ip6, Self::Nodes, Self::Json];

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
            Self::Sh | Self::Ip | Self::Ip6 | Self::Nodes | Self::Json => true,
        }
    }
}

/// An artefact, finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its kind.
    pub target: Target,
    /// Its whole text; ends in a newline.
    pub text: Text,
}

/// Lays a plan out, an artefact a target, in their order.
#[must_use]
pub fn emit(plan: &Plan, sources: &SourceMap, targets: &[Target]) -> Vec<Artifact> {
    let places = provenance::Places::new(sources);
    let blocks = text::Blocks::default();
    let mut drafts =
        Drafts { plan, places: &places, blocks: &blocks, done: BTreeMap::new(), steps: None, filter: None };
    targets.iter().map(|&target| Artifact { target, text: blocks.join(drafts.of(target)) }).collect()
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
            Target::Nodes => hosts::emit(plan, places, blocks),
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
