//! The file `topology` of a scenario: networks, hosts, routers, and how others know them.
//!
//! The aliases stand here a second time, written by hand, so that they judge what was compiled.
//!
//! ```text
//! network NAME INTERFACE GATEWAY... [masqueraded]
//!                                            the gateway's interface and its addresses there; whether
//!                                            hosts see the first of a family as the source of everything
//! gateway-address INTERFACE ADDRESS/LENGTH   one that the site leaves to the host
//! host NAME NETWORK ADDRESS/LENGTH[=ALIAS]... routers are hosts that others are behind
//! behind NAME ROUTER ADDRESS/LENGTH[=ALIAS] GATEWAY
//! ...=ALIAS,VIEWER@ALIAS                     one network knows it by another alias
//! extra HOST ADDRESS/LENGTH                  one more address, to send from what is not allowed
//! ```

use std::net::IpAddr;

/// The gateway's name, and its namespace.
pub const GATEWAY: &str = "gateway";

/// The namespace of a host; a prefix keeps hosts apart from the names used here.
pub fn namespace(host: &str) -> String {
    if host == GATEWAY { host.to_owned() } else { format!("host-{host}") }
}

/// An address of a host and the one that other networks know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its own.
    pub real: IpAddr,
    /// Prefix length on the link.
    pub length: u8,
    /// What the others call it.
    pub known: IpAddr,
    /// Networks that call it something else.
    pub exceptions: Vec<(String, IpAddr)>,
}

impl Address {
    /// What a network calls it.
    pub fn known_to(&self, viewer: &str) -> IpAddr {
        self.exceptions.iter().find(|(name, _)| name == viewer).map_or(self.known, |(_, alias)| *alias)
    }

    /// All that anybody calls it.
    pub fn aliases(&self) -> impl Iterator<Item = IpAddr> {
        std::iter::once(self.known).chain(self.exceptions.iter().map(|(_, alias)| *alias))
    }
}

/// A network and its place at the gateway.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// The gateway's interface.
    pub interface: String,
    /// The gateway's addresses in it.
    pub gateways: Vec<IpAddr>,
    /// Whether its hosts see the gateway's address as the source of everything.
    pub masqueraded: bool,
}

/// A host.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Index of its network; out of range for the gateway.
    pub network: usize,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// The host that routes for it, and that host's address towards it.
    pub router: Option<(String, IpAddr)>,
    /// Addresses that it has but should not.
    pub extra: Vec<String>,
}

/// Everything around the gateway.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// Networks in order.
    pub networks: Vec<Network>,
    /// Hosts in order.
    pub hosts: Vec<Host>,
    /// The gateway as somebody who asks and answers; of no network.
    pub gateway: Host,
    /// Interface and address of what the site does not set itself.
    pub gateway_addresses: Vec<(String, String)>,
}

impl Topology {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut topology = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            if !words.is_empty() {
                topology.statement(&words).map_err(|e| format!("topology:{}: {e}", index + 1))?;
            }
        }
        let own = topology.networks.iter().flat_map(|n| &n.gateways);
        let addresses =
            own.map(|a| Address { real: *a, length: 0, known: *a, exceptions: Vec::new() }).collect();
        topology.gateway =
            Host { name: GATEWAY.to_owned(), network: usize::MAX, addresses, ..Host::default() };
        Ok(topology)
    }

    fn statement(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["network", name, interface, gateways @ ..] => {
                let (masqueraded, gateways) = match gateways {
                    [gateways @ .., "masqueraded"] => (true, gateways),
                    gateways => (false, gateways),
                };
                let gateways = gateways.iter().map(|g| address(g)).collect::<Result<_, _>>()?;
                let (name, interface) = ((*name).to_owned(), (*interface).to_owned());
                self.networks.push(Network { name, interface, gateways, masqueraded });
            }
            ["gateway-address", interface, address] => {
                self.gateway_addresses.push(((*interface).to_owned(), (*address).to_owned()));
            }
            ["host", name, network, addresses @ ..] => {
                let network =
                    self.networks.iter().position(|n| n.name == *network).ok_or("unknown network")?;
                let addresses = addresses.iter().map(|a| own_and_known(a)).collect::<Result<_, _>>()?;
                self.push(name, network, addresses, None);
            }
            ["behind", name, router, own, gateway] => {
                let network = self.host(router)?.network;
                let via = Some(((*router).to_owned(), address(gateway)?));
                self.push(name, network, vec![own_and_known(own)?], via);
            }
            ["extra", host, address] => {
                let host = self.hosts.iter_mut().find(|h| h.name == *host).ok_or("unknown host")?;
                host.extra.push((*address).to_owned());
            }
            _ => return Err(format!("not understood: {}", words.join(" "))),
        }
        Ok(())
    }

    fn push(
        &mut self,
        name: &str,
        network: usize,
        addresses: Vec<Address>,
        router: Option<(String, IpAddr)>,
    ) {
        self.hosts.push(Host { name: name.to_owned(), network, addresses, router, extra: Vec::new() });
    }

    /// The host of a name, the gateway by its own.
    pub fn host(&self, name: &str) -> Result<&Host, String> {
        self.hosts
            .iter()
            .chain([&self.gateway])
            .find(|h| h.name == name)
            .ok_or_else(|| format!("unknown host: {name}"))
    }

    /// The network of a host.
    pub fn network_of(&self, host: &Host) -> &Network {
        &self.networks[host.network]
    }

    /// The hosts of a network.
    pub fn hosts_of(&self, network: usize) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(move |h| h.network == network)
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("not an address: {text}"))
}

fn own_and_known(text: &str) -> Result<Address, String> {
    let (own, known) = text.split_once('=').map_or((text, None), |(own, known)| (own, Some(known)));
    let (real, length) = own.split_once('/').ok_or_else(|| format!("no prefix length: {text}"))?;
    let real = address(real)?;
    let length = length.parse().map_err(|_| format!("not a length: {text}"))?;
    let mut aliases = known.unwrap_or_default().split(',');
    let first = aliases.next().filter(|first| !first.is_empty());
    let exception = |text: &str| {
        let (viewer, alias) = text.split_once('@').ok_or_else(|| format!("not VIEWER@ALIAS: {text}"))?;
        Ok((viewer.to_owned(), address(alias)?))
    };
    let exceptions = aliases.map(exception).collect::<Result<_, String>>()?;
    Ok(Address { real, length, known: first.map_or(Ok(real), address)?, exceptions })
}
