//! What came of a question, for the report.

use std::fmt;
use std::net::IpAddr;

use crate::lab::scene::{GATEWAY, Kind, Scene, UPLINK};

/// A host of a network, or the gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The network; [`GATEWAY`] for the gateway.
    pub network: String,
    /// The host's name, or its address.
    pub host: String,
    /// Its own address.
    pub address: IpAddr,
}

impl End {
    /// The end of an address in a network of the scene; `None` is the gateway.
    #[must_use]
    pub fn new(scene: &Scene, network: Option<usize>, address: IpAddr) -> Self {
        let lan = network.and_then(|network| scene.networks.get(network));
        let named = lan.and_then(|lan| lan.hosts.iter().find(|host| host.address.addr() == address));
        Self {
            network: lan.map_or_else(|| GATEWAY.to_owned(), |lan| lan.name.clone()),
            host: named.map_or_else(|| address.to_string(), |host| host.name.clone()),
            address,
        }
    }
}

/// `network/host`, with the address where that is not the name.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.network.as_str(), self.host == self.address.to_string()) {
            (GATEWAY, _) => write!(f, "the gateway's {}", self.address),
            (UPLINK, _) => write!(f, "the uplink's {}", self.address),
            (network, true) => write!(f, "{network}/{}", self.address),
            (network, false) => write!(f, "{network}/{} ({})", self.host, self.address),
        }
    }
}

/// What came of a question, or packets that no question explains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What was asked for.
    pub kind: Kind,
    /// Who asked; `None` where nobody did and a packet was seen all the same.
    pub from: Option<End>,
    /// The network that was meant, and the host if it was one.
    pub to: Option<Meant>,
    /// The address that was asked, and the port; 0 where there is none.
    pub asked: Option<(IpAddr, u16)>,
    /// `tcp`, `udp`, `icmp`, `253`; empty where nobody asked.
    pub transport: String,
    /// Who answered.
    pub answered: Option<End>,
    /// The source that the one who answered saw.
    pub saw: Option<(IpAddr, u16)>,
    /// Why it is not as it should be, in sentences; empty where it is.
    pub faults: Vec<String>,
}

/// Whom a question was about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Meant {
    /// The network.
    pub network: String,
    /// The host that should answer.
    pub host: Option<End>,
}

impl Row {
    /// Whether all was as it should be.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }
}
