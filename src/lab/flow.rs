//! Which question is followed hop by hop.
//!
//! Goes in: a scene, and perhaps the user's words for who asks whom. Comes out: a [`Flow`], or what is
//! wrong with the words. What must hold: hosts are named as everywhere else, `HOST.NETWORK`, and an
//! address in a network is written behind its name.
//!
//! ```text
//! FROM   NETWORK   NETWORK/ADDRESS   HOST.NETWORK
//! TO     the same, or an address as FROM would call it; behind it perhaps :PORT, :udp/PORT, :icmp
//! ```

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::scene::{Expected, GATEWAY, Kind, Lan, Scene, Step, Trial};

/// The source ports of the questions: above those that the kernel hands out.
const SOURCE_PORTS: RangeInclusive<u16> = 61001..=61999;

/// Those from which nobody else asks and on which nobody listens.
pub fn source_ports(scene: &Scene) -> impl Iterator<Item = u16> {
    SOURCE_PORTS.filter(|port| !scene.networks.iter().any(|lan| lan.ports.contains(port)))
}

/// The first of them.
fn source_port(scene: &Scene) -> u16 {
    source_ports(scene).next().unwrap_or(*SOURCE_PORTS.start())
}

/// A question to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Who asks: an index into [`Scene::networks`].
    pub from: usize,
    /// The source address.
    pub source: IpAddr,
    /// The source port, identifier or label.
    pub source_port: u16,
    /// The word of the transport.
    pub transport: &'static str,
    /// The address that is asked.
    pub destination: IpAddr,
    /// The port that is asked; 0 where the transport has none.
    pub port: u16,
    /// The network that should answer or be kept from it, if it is known.
    pub to: Option<usize>,
    /// The real address of the host that should answer.
    pub host: Option<IpAddr>,
}

/// What is wrong with the user's words, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub what: String,
    /// What can be written.
    pub help: String,
}

/// One side of a flow as the user names it.
struct Side<'t> {
    text: &'t str,
    network: Option<usize>,
    address: Option<IpAddr>,
}

impl Flow {
    /// The question in the words of [`crate::lab::host::Ask::parse`].
    #[must_use]
    pub fn words(&self) -> String {
        Trial {
            kind: Kind::Reach,
            from: self.from,
            by_gateway: false,
            source: self.source,
            source_port: self.source_port,
            transport: self.transport,
            destination: self.destination,
            to: self.to,
            port: self.port,
            options: Vec::new(),
            expected: Expected::Nothing,
            told_by: Vec::new(),
        }
        .words(2000)
    }

    /// The names of the agents that see it pass.
    #[must_use]
    pub fn places(&self, scene: &Scene) -> Vec<String> {
        let lans = [Some(self.from), self.to].into_iter().flatten().filter_map(|n| scene.networks.get(n));
        let lans = lans.filter(|lan| !lan.hosts.is_empty()).map(|lan| lan.name.clone());
        let mut places: Vec<String> = lans.chain([GATEWAY.to_owned()]).collect();
        places.sort();
        places.dedup();
        places
    }

    fn of(scene: &Scene, trial: &Trial) -> Self {
        let host = match trial.expected {
            Expected::Answer { host, .. } => Some(host),
            _ => None,
        };
        Self {
            from: trial.from,
            source: trial.source,
            source_port: source_port(scene),
            transport: trial.transport,
            destination: trial.destination,
            port: trial.port,
            to: trial.to,
            host,
        }
    }
}

/// The first declared pair that the lab asks, if there is one.
#[must_use]
pub fn first(scene: &Scene) -> Option<Flow> {
    best(trials(scene).filter(|trial| trial.kind == Kind::Reach), None).map(|trial| Flow::of(scene, trial))
}

/// The flow between two sides that the user names.
///
/// # Errors
///
/// A word is not understood, or means nobody that the lab has.
pub fn named(scene: &Scene, from: &str, to: &str) -> Result<Flow, Refused> {
    let from = side(scene, from)?;
    let Some(network) = from.network else {
        return Err(Refused {
            what: format!("`{}` does not say in which network it is", from.text),
            help: "write NETWORK, NETWORK/ADDRESS or HOST.NETWORK".to_owned(),
        });
    };
    let (place, service) = match service(to)? {
        Some((place, service)) => (place, Some(service)),
        None => (to, None),
    };
    let to = side(scene, place)?;
    let asks = |trial: &&Trial| {
        trial.from == network
            && from.address.is_none_or(|address| trial.source == address)
            && match (to.network, to.address) {
                (None, address) => address == Some(trial.destination),
                (Some(asked), None) => trial.to == Some(asked),
                (Some(asked), Some(address)) => trial.to == Some(asked) && is_asked(trial, address),
            }
    };
    let known = best(trials(scene).filter(asks), service).map(|trial| Flow::of(scene, trial));
    let mut flow = match (known, to.network, to.address) {
        (Some(flow), _, _) => flow,
        (None, None, Some(address)) => anywhere(scene, network, &from, address)?,
        _ => {
            return Err(Refused {
                what: format!("nobody of {} asks `{place}` in the lab", scene.networks[network].name),
                help: format!(
                    "name the address that {} would call, or one of the hosts of the lab",
                    scene.networks[network].name
                ),
            });
        }
    };
    if let Some((transport, port)) = service {
        (flow.transport, flow.port) = (transport, port);
    }
    Ok(flow)
}

/// An address that the lab asks nothing of.
fn anywhere(scene: &Scene, network: usize, from: &Side<'_>, to: IpAddr) -> Result<Flow, Refused> {
    let lan = &scene.networks[network];
    let hosts = lan.hosts.iter().map(|host| host.address.addr());
    let source = hosts
        .filter(|host| host.is_ipv4() == to.is_ipv4())
        .find(|host| from.address.is_none_or(|address| address == *host));
    source.map_or_else(
        || {
            Err(Refused {
                what: format!("`{}` has no address from which {to} could be asked", from.text),
                help: "both sides must be of one family".to_owned(),
            })
        },
        |source| {
            Ok(Flow {
                from: network,
                source,
                source_port: source_port(scene),
                transport: "tcp",
                destination: to,
                port: 80,
                to: None,
                host: None,
            })
        },
    )
}

fn trials(scene: &Scene) -> impl Iterator<Item = &Trial> {
    let steps = scene.steps.iter().filter_map(|step| match step {
        Step::Ask(trials) => Some(trials),
        _ => None,
    });
    // Those with options try something else.
    steps.flatten().filter(|trial| !trial.by_gateway && trial.options.is_empty())
}

/// What should be answered before what should not, what is asked for before what is not, TCP first.
fn best<'s>(
    trials: impl Iterator<Item = &'s Trial>,
    service: Option<(&'static str, u16)>,
) -> Option<&'s Trial> {
    trials.min_by_key(|trial| {
        let other_service = service.is_some_and(|service| (trial.transport, trial.port) != service);
        (other_service, trial.kind != Kind::Reach, trial.transport != "tcp")
    })
}

fn is_asked(trial: &Trial, address: IpAddr) -> bool {
    match &trial.expected {
        Expected::Answer { host, .. } => *host == address,
        _ => trial.destination == address,
    }
}

/// A place, and what is asked for there: the word of a transport, and a port.
type Asked<'a> = (&'a str, (&'static str, u16));

/// Splits `:PORT`, `:TRANSPORT/PORT` or `:TRANSPORT` off.
fn service(text: &str) -> Result<Option<Asked<'_>>, Refused> {
    let (place, word) = match (text.strip_prefix('['), text.rsplit_once(':')) {
        // An IPv6 address needs brackets, here as everywhere.
        (Some(inside), _) => match inside.split_once(']') {
            Some((place, rest)) => match rest.strip_prefix(':') {
                Some(word) => (place, word),
                None => return Ok(None),
            },
            None => return Ok(None),
        },
        (None, Some((place, word))) if text.parse::<IpAddr>().is_err() && !is_six(place, word) => {
            (place, word)
        }
        _ => return Ok(None),
    };
    let (transport, port) = match word.split_once('/') {
        Some((transport, port)) => (transport, Some(port)),
        None if word.bytes().all(|byte| byte.is_ascii_digit()) && word != "253" => ("tcp", Some(word)),
        None => (word, None),
    };
    let number = port.map(str::parse::<u16>);
    match (transport, number) {
        ("tcp", Some(Ok(port @ 1..))) => Ok(Some((place, ("tcp", port)))),
        ("udp", Some(Ok(port @ 1..))) => Ok(Some((place, ("udp", port)))),
        ("icmp", None) => Ok(Some((place, ("icmp", 0)))),
        ("253", None) => Ok(Some((place, ("253", 0)))),
        _ => Err(Refused {
            what: format!("`{word}` is not a service that the lab can ask for"),
            help: "behind the colon write PORT, tcp/PORT, udp/PORT, icmp or 253".to_owned(),
        }),
    }
}

/// Whether a colon belongs to an IPv6 address behind a network's name.
fn is_six(place: &str, word: &str) -> bool {
    place.split_once('/').is_some_and(|(_, front)| format!("{front}:{word}").parse::<IpAddr>().is_ok())
}

fn side<'t>(scene: &Scene, text: &'t str) -> Result<Side<'t>, Refused> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Ok(Side { text, network: None, address: Some(address) });
    }
    let network = |name: &str| scene.networks.iter().position(|lan| lan.name == name);
    if let Some(index) = network(text) {
        return Ok(Side { text, network: Some(index), address: None });
    }
    let within = |index: usize, host: &str| -> Option<IpAddr> {
        let hosts = &scene.networks[index].hosts;
        let address = host.parse().ok().or_else(|| named_host(&scene.networks[index], host))?;
        hosts.iter().any(|host| host.address.addr() == address).then_some(address)
    };
    let split = text.split_once('/').map(|(name, host)| (host, name)).or_else(|| text.split_once('.'));
    let Some((host, name)) = split else {
        return Err(Refused {
            what: format!("the site has no network `{text}`"),
            help: "write NETWORK, NETWORK/ADDRESS, HOST.NETWORK or an address".to_owned(),
        });
    };
    let Some(index) = network(name) else {
        return Err(Refused {
            what: format!("the site has no network `{name}`"),
            help: "write NETWORK, NETWORK/ADDRESS, HOST.NETWORK or an address".to_owned(),
        });
    };
    within(index, host).map(|address| Side { text, network: Some(index), address: Some(address) }).ok_or_else(
        || {
            let hosts: Vec<&str> =
                scene.networks[index].hosts.iter().take(8).map(|host| host.name.as_str()).collect();
            Refused {
                what: format!("the lab has no host `{host}` in {name}"),
                help: if hosts.is_empty() {
                    format!("{name} has no hosts in the lab: it is one of many")
                } else {
                    format!("it has {}", hosts.join(", "))
                },
            }
        },
    )
}

fn named_host(lan: &Lan, name: &str) -> Option<IpAddr> {
    lan.hosts.iter().find(|host| host.name == name).map(|host| host.address.addr())
}
