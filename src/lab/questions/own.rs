//! The gateway and the hosts of each network: it answers on its own address there, and reaches them.

use std::net::IpAddr;

use super::rounds::DISTINCT;
use super::stage::Stage;
use crate::lab::links::FAMILIES;
use crate::lab::scene::{Expected, Kind, Trial};
use crate::net::{self, Family};

/// In so many networks two hosts take part, in more one.
const TWO_EACH: usize = 50;

/// The questions of hosts to the gateway, and of the gateway to hosts.
pub(super) fn questions(stage: &Stage<'_>) -> Vec<Trial> {
    let networks = stage.populated();
    let hosts = if networks.len() > TWO_EACH { 1 } else { 2 };
    let each = networks.into_iter().flat_map(|n| FAMILIES.map(|family| (n, family)));
    each.flat_map(|(n, family)| of(stage, n, family, hosts)).collect()
}

fn of(stage: &Stage<'_>, network: usize, family: Family, count: usize) -> Vec<Trial> {
    let lan = &stage.lans[network];
    let on_link = stage.hosts(network, family).into_iter();
    let on_link = on_link.filter(|host| host.address.prefix_len() < host.address.max_prefix_len());
    let hosts: Vec<_> = on_link.take(count).collect();
    let mut trials = Vec::new();
    for host in hosts {
        let mut gateways = lan.gateways.iter().copied();
        let own = gateways.find(|it| net::family_of(it) == family && host.address.contains(it));
        let Some(gateway) = own else { continue };
        let host = host.address.addr();
        for asked in [("icmp", 0), ("tcp", lan.ports[0])] {
            let mut trial = stage.ask(Kind::Own, network, host, gateway, asked);
            // Without VRF devices equal hosts are one and the same to the gateway's own sockets.
            trial.source_port = DISTINCT;
            trial.expected = Expected::Answer { network: None, host: gateway, sees: host, any_port: false };
            trials.push(trial);
        }
        trials.push(by_gateway(stage, network, gateway, host));
    }
    trials
}

fn by_gateway(stage: &Stage<'_>, network: usize, gateway: IpAddr, host: IpAddr) -> Trial {
    let mut trial = stage.ask(Kind::Own, network, gateway, host, ("icmp", 0));
    trial.by_gateway = true;
    trial.to = Some(network);
    trial.options.push(format!("dev={}", stage.lans[network].interface));
    trial.expected = Expected::Answer { network: Some(network), host, sees: gateway, any_port: false };
    trial
}
