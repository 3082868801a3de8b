//! What stands around the gateway, and what is asked there: data that the pure part of the lab makes
//! and the runner follows.
//!
//! A network is one namespace that has all its hosts' addresses; who answered is told by the
//! network's name and the address on which it was asked. What is expected comes from the site as it
//! was written, never from the plan: the lab judges what was compiled.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::uplink::Uplink;

/// The name of the gateway's agent. No network can have it, for names have no brackets.
pub const GATEWAY: &str = "(gateway)";

/// The name of the agent at the other end of the gateway's default route, which should see nothing.
pub const UPLINK: &str = "(uplink)";

/// Everything around the gateway.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// Networks in the order of the site.
    pub networks: Vec<Lan>,
    /// Interfaces and addresses that the gateway has outside of the networks.
    pub outside: Vec<(String, IpNet)>,
    /// Where the gateway sends what it knows no other way for.
    pub uplink: Option<Uplink>,
    /// What the lab does, in order.
    pub steps: Vec<Step>,
    /// What was left out, and why, in sentences for the user.
    pub notes: Vec<String>,
    /// What should have been tried and cannot be: nothing is proven without it.
    pub untried: Vec<String>,
}

/// A network and its hosts, in one namespace.
#[derive(Clone, Debug)]
pub struct Lan {
    /// Its name in the site.
    pub name: String,
    /// The gateway's interface.
    pub interface: String,
    /// The gateway's address in each family; hosts use it as their next hop.
    pub gateways: Vec<IpAddr>,
    /// Those of `gateways` that the site leaves to the host, so that the lab puts them up beforehand.
    pub left_to_host: Vec<IpNet>,
    /// Hosts that answer. A network without any is there with the gateway's interface alone: nothing is
    /// asked there.
    pub hosts: Vec<Host>,
    /// The TCP and UDP ports on which they answer; never empty.
    pub ports: Vec<u16>,
    /// Further addresses in the network's namespace, to send from what must not pass, and the routers
    /// that the site names as next hops.
    pub extra: Vec<IpNet>,
}

/// A host that answers.
#[derive(Clone, Debug)]
pub struct Host {
    /// The name that the site gives it, or its address.
    pub name: String,
    /// Its own address with the prefix length of the link; a host prefix where it is behind a router.
    pub address: IpNet,
}

/// One thing that the lab does.
#[derive(Clone, Debug)]
pub enum Step {
    /// Asks all of these at once, and looks at what everybody received.
    Ask(Vec<Trial>),
    /// A command in the gateway's namespace, such as a smaller MTU for a while; exit 0 is expected.
    Gateway(Vec<String>),
    /// Hosts get default routes by the gateway, beside what `nodes` gives them, so that what must not
    /// pass is tried at all. Before this a missing route of the hosts shows.
    Defaults,
}

/// A question with what should come of it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What it is for.
    pub kind: Kind,
    /// Who asks: an index into [`Scene::networks`].
    pub from: usize,
    /// Whether it is the gateway itself that asks, in that network, or who is behind its uplink.
    pub by_gateway: bool,
    /// The source address.
    pub source: IpAddr,
    /// The source port, identifier or label.
    pub source_port: u16,
    /// The word of the transport: `tcp`, `udp`, `icmp`, `253`.
    pub transport: &'static str,
    /// The address that is asked: an alias, mostly.
    pub destination: IpAddr,
    /// The network that the question is about, if any, as an index.
    pub to: Option<usize>,
    /// The port that is asked; 0 where the transport has none.
    pub port: u16,
    /// Further words for the agent: `size=N`, `ttl=N`, `again` ...
    pub options: Vec<String>,
    /// What should happen.
    pub expected: Expected,
    /// From whom an error must come; where there is nobody, from anybody but the sender's own network.
    pub told_by: Vec<IpAddr>,
}

impl Scene {
    /// All questions, in the order in which they are asked.
    pub fn trials(&self) -> impl Iterator<Item = &Trial> {
        self.steps.iter().flat_map(|step| match step {
            Step::Ask(trials) => trials.as_slice(),
            Step::Gateway(_) | Step::Defaults => &[],
        })
    }
}

impl Trial {
    /// The name of the agent that asks.
    #[must_use]
    pub fn asker<'s>(&self, scene: &'s Scene) -> &'s str {
        if self.kind == Kind::Outside {
            return UPLINK;
        }
        if self.by_gateway {
            return GATEWAY;
        }
        scene.networks.get(self.from).map_or(GATEWAY, |lan| lan.name.as_str())
    }

    /// The question in the words of [`crate::lab::host::Ask::parse`]. `wait` is how long, in milliseconds,
    /// until no answer counts as none; what should come is waited for longer.
    #[must_use]
    pub fn words(&self, wait: u32) -> String {
        let timeout = match (&self.expected, self.kind) {
            (Expected::Answer { .. }, _) => wait.saturating_mul(8),
            (Expected::Error(_), Kind::Dead) => wait.saturating_mul(4),
            // The kernel asks again after one second and after three (RFC 6298), and may tell one more error
            // a second (`ip_rt_error_cost`).
            (Expected::Error(_), Kind::Unknown) => wait.saturating_mul(8),
            _ => wait,
        };
        let to = SocketAddr::new(self.destination, self.port);
        let from = SocketAddr::new(self.source, self.source_port);
        let words = [format!("{} {to} from={from} timeout={timeout}", self.transport)];
        words.iter().chain(&self.options).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// The families of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A declared peering: the right host answers (O1, O2).
    Reach,
    /// A datagram in fragments (O1).
    Fragments,
    /// A packet that does not fit the far link: the sender is told (O2).
    TooBig,
    /// A packet whose hops run out at the gateway: the sender is told (O2).
    Expired,
    /// A host that is not there: the sender is told (O2).
    Dead,
    /// What a rule denies (O4).
    Denied,
    /// A pair that is not declared, or the wrong direction (O4).
    Undeclared,
    /// A source address that is not the network's (O4).
    Spoofed,
    /// The network's own alias (O4).
    Hairpin,
    /// An address that nobody has (O4).
    Unknown,
    /// The gateway and a network's hosts (O7).
    Own,
    /// What comes in by the gateway's default route and is for a network's hosts (O4).
    Outside,
}

/// What a question should lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This host answers.
    Answer {
        /// Its network, as an index; `None` is the gateway.
        network: Option<usize>,
        /// Its real address.
        host: IpAddr,
        /// The source address that it sees.
        sees: IpAddr,
        /// Whether the source port may be another one, as behind a shared address.
        any_port: bool,
    },
    /// No answer, and nobody receives anything.
    Nothing,
    /// An ICMP error reaches the sender, one of the probe's words for them, and nobody else receives
    /// anything.
    Error(&'static [&'static str]),
}
