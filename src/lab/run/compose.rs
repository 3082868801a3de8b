//! From a scene to an order: names of namespaces, addresses and questions in the words of the tools.
//!
//! Goes in: a [`Scene`], the emitted texts, the flows to follow. Comes out: an [`Order`]. What must hold:
//! what comes back is in the order of the scene's steps and trials.

use super::agents::Query;
use super::order::{self, Lan, Order};
use crate::lab::flow::Flow;
use crate::lab::scene::{self, GATEWAY, Scene, Step, UPLINK};

/// So many questions at once make the wait a millisecond longer.
const QUESTIONS: usize = 2;

/// The emitted texts.
pub struct Emitted {
    /// The gateway's script.
    pub script: String,
    /// The routes of each network's hosts, in the order of the site.
    pub routes: Vec<Option<String>>,
}

/// The order for a scene. `wait` is how long no answer is waited for until it counts as none, in
/// milliseconds; a tenth of a second would do on an idle machine.
#[must_use]
pub fn order(scene: &Scene, emitted: Emitted, flows: &[Flow], keep: bool, wait: usize) -> Order {
    let routes = emitted.routes.into_iter().chain(std::iter::repeat_with(|| None));
    let lans = scene.networks.iter().zip(routes).map(|(lan, routes)| Lan {
        name: lan.name.clone(),
        namespace: namespace(&lan.name),
        interface: lan.interface.clone(),
        addresses: addresses(lan),
        answers: lan.hosts.iter().map(|host| host.address.addr()).collect(),
        ports: lan.ports.clone(),
        gateways: lan.gateways.clone(),
        routes,
    });
    let left = scene
        .networks
        .iter()
        .flat_map(|lan| lan.left_to_host.iter().map(|address| (lan.interface.clone(), address.to_string())));
    let outside = scene.outside.iter().map(|(interface, address)| (interface.clone(), address.to_string()));
    let steps = scene.steps.iter().map(|step| match step {
        Step::Ask(trials) => {
            let wait = u32::try_from(wait + trials.len() / QUESTIONS).unwrap_or(u32::MAX);
            let query =
                |trial: &scene::Trial| Query { by: trial.asker(scene).to_owned(), words: trial.words(wait) };
            order::Step::Ask(trials.iter().map(query).collect())
        }
        Step::Gateway(words) => order::Step::Gateway(words.clone()),
        Step::Defaults => order::Step::Defaults,
    });
    let flows = flows.iter().map(|flow| order::Flow {
        query: Query { by: scene.networks[flow.from].name.clone(), words: flow.words() },
        watched: flow.places(scene).into_iter().collect(),
    });
    Order {
        script: emitted.script,
        gateway_name: GATEWAY.to_owned(),
        lans: lans.collect(),
        gateway: outside.chain(left).collect(),
        uplink: scene.uplink.as_ref().map(|it| order::Uplink {
            name: UPLINK.to_owned(),
            interface: it.interface.clone(),
            ends: it.ends.iter().map(|(own, far)| (own.to_string(), far.to_string())).collect(),
            further: it.further.iter().map(ToString::to_string).collect(),
        }),
        steps: steps.collect(),
        flows: flows.collect(),
        keep,
    }
}

/// The name of a network's namespace; no network's is the gateway's.
#[must_use]
pub fn namespace(network: &str) -> String {
    format!("lan-{network}")
}

/// Each once: a host may be the router of another.
fn addresses(lan: &scene::Lan) -> Vec<String> {
    if lan.hosts.is_empty() {
        return Vec::new();
    }
    let mut all: Vec<String> = Vec::new();
    for net in lan.hosts.iter().map(|host| &host.address).chain(&lan.extra) {
        let text = net.to_string();
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all
}
