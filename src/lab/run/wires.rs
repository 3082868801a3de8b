//! Namespaces and links: one namespace a network, joined to the gateway's by one link.
//!
//! Goes in: an order. Comes out: everything that is around the gateway before its script runs. What
//! must hold: the names of the gateway's interfaces are those of the site, and all addresses can be used
//! when [`build`] returns.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::netns::{batch, run, within};
use super::order::{GATEWAY, Lan, Order, UPLINK, Uplink};

/// Everybody takes part at once and reports every error: no duplicate address detection, no
/// autoconfiguration, no kind of ICMP message is limited in rate. Segments are as long as was agreed.
const SETTINGS: &[(&str, &str)] = &[
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv4/icmp_ratemask", "0"),
    ("ipv6/icmp/ratemask", "255"),
    ("ipv4/tcp_timestamps", "0"),
];

/// The one device of a network's namespace.
const DEVICE: &str = "eth0";

/// How long the kernel may take to put up addresses.
const SETTLING: Duration = Duration::from_secs(60);

/// Builds all namespaces, links and addresses. Networks have no route but their own links.
pub fn build(order: &Order) -> Result<(), String> {
    let populated = || order.lans.iter().filter(|lan| lan.is_populated());
    let outside = order.uplink.as_ref().map(|_| UPLINK);
    let names = || populated().map(|lan| lan.namespace.as_str()).chain([GATEWAY]).chain(outside);
    batch(&[], &names().map(|name| format!("netns add {name}")).collect::<Vec<_>>())?;
    names().try_for_each(settings)?;
    batch(&[], &links(order))?;
    batch(&["-n", GATEWAY], &gateway(order))?;
    order.uplink.iter().try_for_each(uplink)?;
    for lan in populated() {
        let mut lines = vec!["link set dev lo up".to_owned(), format!("link set dev {DEVICE} up")];
        lines.extend(lan.addresses.iter().map(|address| add(address, DEVICE)));
        batch(&["-n", &lan.namespace], &lines)?;
    }
    settle(order)
}

/// Sends what no emitted route covers to the gateway, so that what should not pass is tried at all.
pub fn add_defaults(lans: &[Lan]) -> Result<(), String> {
    for lan in lans.iter().filter(|lan| lan.is_populated()) {
        let lines: Vec<String> =
            lan.gateways.iter().map(|it| format!("route replace default via {it} metric 9999")).collect();
        batch(&["-n", &lan.namespace], &lines)?;
    }
    Ok(())
}

/// Runs the emitted routes of a network in its namespace, as they are. Where the site leaves the
/// gateway's address to the host, the text takes it from `GATEWAY` and `GATEWAY6`.
pub fn install_routes(lan: &Lan) -> Result<(), String> {
    let Some(routes) = lan.routes.as_ref().filter(|_| lan.is_populated()) else { return Ok(()) };
    let mut command = within(&lan.namespace, &["sh", "-eu"]);
    // The first of a family counts, so it is set last.
    for gateway in lan.gateways.iter().rev() {
        command.env(if gateway.is_ipv4() { "GATEWAY" } else { "GATEWAY6" }, gateway.to_string());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let told = |e: std::io::Error| format!("routes of {}: {e}", lan.name);
    let mut child = command.spawn().map_err(told)?;
    if let Some(mut input) = child.stdin.take() {
        // A shell that has failed reads no further; its exit code and its words say so.
        drop(input.write_all(routes.as_bytes()));
    }
    let output = child.wait_with_output().map_err(told)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("routes of {}: {said}", lan.name)) }
}

/// Makes the settings of a namespace before it has devices, which take them over.
fn settings(name: &str) -> Result<(), String> {
    let there = SETTINGS.iter().filter(|(path, _)| exists(path));
    let lines: Vec<String> =
        there.map(|(path, value)| format!("echo {value} >/proc/sys/net/{path}")).collect();
    run(&mut within(name, &["sh", "-e", "-c", &lines.join("\n")]))?.must(&format!("settings of {name}"))?;
    Ok(())
}

fn exists(setting: &str) -> bool {
    fs::exists(format!("/proc/sys/net/{setting}")).unwrap_or(false)
}

/// One pair of devices a network. Where nobody is, the other end stays in the sandbox's own namespace.
fn links(order: &Order) -> Vec<String> {
    let own: BTreeSet<&str> = order.lans.iter().map(|lan| lan.interface.as_str()).chain(["lo"]).collect();
    let all: BTreeSet<&str> = order.gateway.iter().map(|(interface, _)| interface.as_str()).collect();
    let nobody = order.lans.iter().filter(|lan| !lan.is_populated()).map(|lan| lan.interface.as_str());
    let add = |interface: &str, far: &str| {
        format!("link add name {interface} netns {GATEWAY} type veth peer name {far}")
    };
    let mut lines: Vec<String> = order
        .lans
        .iter()
        .filter(|lan| lan.is_populated())
        .map(|lan| add(&lan.interface, &format!("{DEVICE} netns {}", lan.namespace)))
        .collect();
    for (index, interface) in nobody.chain(all.difference(&own).copied()).enumerate() {
        lines.push(add(interface, &format!("far{index}")));
        lines.push(format!("link set dev far{index} up"));
    }
    lines
}

fn gateway(order: &Order) -> Vec<String> {
    let mut lines = vec!["link set dev lo up".to_owned()];
    for Lan { interface, .. } in &order.lans {
        lines.push(format!("link set dev {interface} up"));
        // Neighbours that do not answer are given up after three quarters of a second.
        lines.push(format!("ntable change name arp_cache dev {interface} retrans 250"));
        if exists("ipv6") {
            lines.push(format!("ntable change name ndisc_cache dev {interface} retrans 250"));
        }
    }
    for (interface, address) in &order.gateway {
        lines.push(format!("link set dev {interface} up"));
        lines.push(add(address, interface));
    }
    lines
}

/// The gateway's way to everybody else. What leaves by it arrives in a namespace that forwards nothing. The
/// other way the gateway would forward, as if it had more to do than the site says.
fn uplink(uplink: &Uplink) -> Result<(), String> {
    let Uplink { interface, ends, further, .. } = uplink;
    let mut own = vec![
        format!("link add name {interface} type veth peer name {DEVICE} netns {UPLINK}"),
        format!("link set dev {interface} up"),
    ];
    let mut far = vec!["link set dev lo up".to_owned(), format!("link set dev {DEVICE} up")];
    for (here, there) in ends {
        let next = there.split('/').next().unwrap_or(there);
        own.push(add(here, interface));
        own.push(format!("route add default via {next} dev {interface}"));
        let back = here.split('/').next().unwrap_or(here);
        far.push(add(there, DEVICE));
        far.push(format!("route add default via {back} dev {DEVICE}"));
    }
    far.extend(further.iter().map(|address| add(address, DEVICE)));
    batch(&["-n", GATEWAY], &own)?;
    batch(&["-n", UPLINK], &far)?;
    let forwarding = format!("echo 1 >/proc/sys/net/ipv4/conf/{interface}/forwarding");
    run(&mut within(GATEWAY, &["sh", "-e", "-c", &forwarding]))?.must("settings of the uplink")?;
    Ok(())
}

fn add(address: &str, device: &str) -> String {
    let nodad = if address.contains(':') { " nodad" } else { "" };
    format!("address add {address} dev {device}{nodad}")
}

/// Waits until the kernel has put up all IPv6 addresses, which it does when it has time, even
/// without duplicate address detection.
fn settle(order: &Order) -> Result<(), String> {
    let deadline = Instant::now() + SETTLING;
    for lan in order.lans.iter().filter(|lan| lan.addresses.iter().any(|address| address.contains(':'))) {
        let words = ["-n", &lan.namespace, "address", "show", "tentative"];
        while !run(Command::new("ip").args(words))?.must("addresses")?.is_empty() {
            if Instant::now() > deadline {
                return Err(format!("{}: an IPv6 address stays tentative", lan.namespace));
            }
            thread::yield_now();
        }
    }
    Ok(())
}
