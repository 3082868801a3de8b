//! What the inside of the sandbox is told to do, and what it tells in return.
//!
//! One [`Order`] goes in as one line of JSON, [`Event`]s come out as lines of JSON, so that the inside
//! may as well be in a virtual machine. What must hold: the inside judges nothing and knows no site.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::agents::Query;

/// The name of the gateway's namespace.
pub const GATEWAY: &str = "gateway";

/// The name of the namespace at the other end of its default route.
pub const UPLINK: &str = "uplink";

/// Everything that is to be built and asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Order {
    /// The emitted script.
    pub script: String,
    /// The name of the gateway's agent.
    pub gateway_name: String,
    /// The networks.
    pub lans: Vec<Lan>,
    /// Addresses with their lengths that the gateway has before the script runs, each behind the name of
    /// its interface; interfaces that are no network's are made.
    pub gateway: Vec<(String, String)>,
    /// The way to everybody else.
    pub uplink: Option<Uplink>,
    /// What to do, one after the other.
    pub steps: Vec<Step>,
    /// Questions to follow hop by hop, when all steps are done.
    pub flows: Vec<Flow>,
    /// Whether everything stays up afterwards, until standard input ends.
    pub keep: bool,
}

impl Order {
    /// How many things the inside tells that it does.
    #[must_use]
    pub const fn doings(&self) -> usize {
        let taking_down = if self.keep { 0 } else { 2 };
        5 + self.steps.len() + self.flows.len() + taking_down
    }
}

/// A link of the gateway with a default route, and who listens at its other end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Uplink {
    /// The name of its agent.
    pub name: String,
    /// The gateway's interface.
    pub interface: String,
    /// For each family the gateway's address and the one of its next hop, with their lengths.
    pub ends: Vec<(String, String)>,
    /// Further addresses at the other end.
    pub further: Vec<String>,
}

/// A network: one namespace with all its hosts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Lan {
    /// The name of its agent.
    pub name: String,
    /// The name of its namespace.
    pub namespace: String,
    /// The gateway's interface.
    pub interface: String,
    /// All addresses in the namespace, with their lengths. Where there are none the network is only the
    /// gateway's interface.
    pub addresses: Vec<String>,
    /// Those that answer.
    pub answers: Vec<IpAddr>,
    /// The ports on which they do.
    pub ports: Vec<u16>,
    /// The gateway's addresses.
    pub gateways: Vec<IpAddr>,
    /// The emitted lines that give the hosts their routes.
    pub routes: Option<String>,
}

impl Lan {
    /// Whether anybody is there.
    #[must_use]
    pub const fn is_populated(&self) -> bool {
        !self.addresses.is_empty()
    }
}

/// One thing to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Step {
    /// Ask all these at once.
    Ask(Vec<Query>),
    /// Run a command in the gateway's namespace.
    Gateway(Vec<String>),
    /// From now on send everything to the gateway, whatever the emitted routes say.
    Defaults,
}

/// A question to follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flow {
    /// The question.
    pub query: Query,
    /// The agents that look on.
    pub watched: BTreeSet<String>,
}

/// What the inside tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// What it does now.
    Doing(String),
    /// The script has run.
    Script {
        /// `up`, `status` or `down`.
        word: String,
        /// The exit code.
        code: i32,
        /// What it said.
        said: String,
    },
    /// A [`Step::Ask`] is done.
    Asked {
        /// One answer a question.
        answers: Vec<String>,
        /// What each agent saw.
        seen: BTreeMap<String, BTreeSet<String>>,
    },
    /// A [`Step::Gateway`] is done.
    Commanded {
        /// The exit code.
        code: i32,
        /// What it said.
        said: String,
    },
    /// A [`Flow`] is done.
    Followed {
        /// The answer.
        answer: String,
        /// For each agent that looked on, lines as of [`super::agents::Agents::caught`].
        caught: BTreeMap<String, BTreeSet<String>>,
    },
    /// Everything is up and stays so.
    Kept {
        /// The process in whose mount namespace the names of the namespaces are, as seen by whoever
        /// started the sandbox.
        process: u32,
    },
    /// It cannot go on.
    Failed(String),
    /// All is done.
    Done,
}
