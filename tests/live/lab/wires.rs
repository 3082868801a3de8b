//! Namespaces and links: one namespace a host, one for the gateway, one for the bridges.
//!
//! A network of one host is a veth pair; one of several is a bridge in the namespace `lan`. The
//! links of hosts are called `eth0`, and `eth1` and on towards what is behind a router.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use overlapc::lab::run::netns::{batch, run, within};

use crate::topology::{GATEWAY, Host, Topology, namespace};

/// What `ip netns` made; deleted when dropped.
pub struct Wires {
    namespaces: Vec<String>,
}

impl Drop for Wires {
    fn drop(&mut self) {
        let lines: Vec<String> = self.namespaces.iter().map(|n| format!("netns delete {n}")).collect();
        // Nothing is left to do about a namespace that does not go away.
        drop(batch(&["-force"], &lines));
    }
}

/// Everybody takes part at once and reports every error: no duplicate address detection, no
/// autoconfiguration, no kind of ICMP message is limited in rate. Segments are as long as was agreed.
const SETTINGS: &[&str] = &[
    "net.ipv6.conf.default.accept_dad=0",
    "net.ipv6.conf.default.accept_ra=0",
    "net.ipv4.icmp_ratemask=0",
    "net.ipv6.icmp.ratemask=255",
    "net.ipv4.tcp_timestamps=0",
];

/// How long the kernel may take to put up addresses.
const SETTLING: Duration = Duration::from_secs(30);

impl Wires {
    /// Builds all namespaces, links and addresses. Hosts have no route but their own link.
    pub fn build(topology: &Topology) -> Result<Self, String> {
        let mut names = vec![GATEWAY.to_owned(), "lan".to_owned()];
        names.extend(topology.hosts.iter().map(|h| namespace(&h.name)));
        let wires = Self { namespaces: names };
        let lines: Vec<String> = wires.namespaces.iter().map(|n| format!("netns add {n}")).collect();
        batch(&[], &lines)?;
        let set = SETTINGS.join(" ");
        let lines = wires.namespaces.iter().map(|n| format!("netns exec {n} sysctl -q -w {set}"));
        batch(&[], &lines.collect::<Vec<_>>())?;
        wires.links(topology)?;
        wires.addresses(topology)?;
        wires.settled()?;
        Ok(wires)
    }

    /// Waits until the kernel has put up all IPv6 addresses, which it does when it has time, even
    /// without duplicate address detection.
    fn settled(&self) -> Result<(), String> {
        let deadline = Instant::now() + SETTLING;
        for name in &self.namespaces {
            let words = ["-n", name, "address", "show", "tentative"];
            while !run(Command::new("ip").args(words))?.must("addresses")?.is_empty() {
                if Instant::now() > deadline {
                    return Err(format!("{name}: an IPv6 address stays tentative"));
                }
                thread::yield_now();
            }
        }
        Ok(())
    }

    fn links(&self, topology: &Topology) -> Result<(), String> {
        let mut inside: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut here = Vec::new();
        for (index, network) in topology.networks.iter().enumerate() {
            let hosts: Vec<&Host> = topology.hosts_of(index).filter(|h| h.router.is_none()).collect();
            if let [host] = hosts[..] {
                let (far, interface) = (namespace(&host.name), &network.interface);
                here.push(format!(
                    "link add {interface} netns {GATEWAY} type veth peer name eth0 netns {far}"
                ));
            } else {
                let lan = inside.entry("lan".to_owned()).or_default();
                lan.push(format!("link add br{index} type bridge forward_delay 0"));
                lan.push(format!("link set br{index} up"));
                let ends = hosts.iter().map(|h| (namespace(&h.name), "eth0"));
                let gateway = (GATEWAY.to_owned(), network.interface.as_str());
                for (port, (far, name)) in ends.chain([gateway]).enumerate() {
                    here.push(format!(
                        "link add p{index}-{port} netns lan type veth peer name {name} netns {far}"
                    ));
                    lan.push(format!("link set p{index}-{port} master br{index} up"));
                }
            }
            let gateway = inside.entry(GATEWAY.to_owned()).or_default();
            gateway.push(format!("link set {} up", network.interface));
            gateway.extend(impatient(&network.interface));
        }
        for (index, host, router, _) in behind(topology) {
            let (near, far) = (namespace(router), namespace(&host.name));
            here.push(format!("link add eth{index} netns {near} type veth peer name eth0 netns {far}"));
            let router = inside.entry(near).or_default();
            router.push(format!("link set eth{index} up"));
            router.extend(impatient(&format!("eth{index}")));
        }
        batch(&[], &here)?;
        for name in &self.namespaces {
            let lines = inside.entry(name.clone()).or_default();
            lines.push("link set lo up".to_owned());
            if name.starts_with("host-") {
                lines.push("link set eth0 up".to_owned());
            }
            batch(&["-n", name], lines)?;
        }
        Ok(())
    }

    fn addresses(&self, topology: &Topology) -> Result<(), String> {
        let mut inside: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for host in &topology.hosts {
            let lines = inside.entry(namespace(&host.name)).or_default();
            for address in &host.addresses {
                lines.push(add(address.real, address.length, "eth0"));
            }
            for extra in &host.extra {
                lines.push(format!("address add {extra} dev eth0"));
            }
            if let Some((_, gateway)) = &host.router {
                lines.push(format!("route add default via {gateway}"));
            }
        }
        for (index, host, router, gateway) in behind(topology) {
            let length = host.addresses.first().map_or(0, |a| a.length);
            let name = namespace(router);
            let set = ["sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
            run(&mut within(&name, &set))?.must("forwarding")?;
            inside.entry(name).or_default().push(add(gateway, length, &format!("eth{index}")));
        }
        for (interface, address) in &topology.gateway_addresses {
            let lines = inside.entry(GATEWAY.to_owned()).or_default();
            lines.push(format!("address add {address} dev {interface}"));
        }
        for (name, lines) in &inside {
            batch(&["-n", name], lines)?;
        }
        Ok(())
    }
}

/// Neighbours that do not answer are given up after three quarters of a second.
fn impatient(device: &str) -> [String; 2] {
    ["arp_cache", "ndisc_cache"].map(|table| format!("ntable change name {table} dev {device} retrans 250"))
}

fn add(address: IpAddr, length: u8, device: &str) -> String {
    let nodad = if address.is_ipv6() { " nodad" } else { "" };
    format!("address add {address}/{length} dev {device}{nodad}")
}

/// Hosts behind routers, with the number of the router's link towards each.
fn behind(topology: &Topology) -> Vec<(usize, &Host, &str, IpAddr)> {
    let mut links: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for host in &topology.hosts {
        if let Some((router, gateway)) = &host.router {
            let index = links.entry(router).or_insert(0);
            *index += 1;
            found.push((*index, host, router.as_str(), *gateway));
        }
    }
    found
}
