//! What became of a packet, in words from a closed list.

use super::places::table_name;
use super::{Shown, Way};
use crate::sim::fate::{Fate, Place};

/// The word for a fate that other programs read.
pub(super) fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Left { .. } => "left",
        Fate::Local => "local",
        Fate::Dropped(_) => "dropped",
        Fate::Refused(_) => "refused",
        Fate::Unreachable(_) => "unreachable",
        Fate::Prohibited(_) => "prohibited",
        Fate::Blackholed(_) => "blackholed",
        Fate::NoRoute => "no-route",
        Fate::Martian => "martian",
        Fate::NotForwarded(_) => "not-forwarded",
        Fate::Expired => "expired",
        Fate::Link => "link",
        Fate::Clash => "clash",
    }
}

impl Shown<'_> {
    /// The network behind a device: a place in the plan's networks.
    pub(super) fn network_of(&self, device: &str) -> Option<usize> {
        self.plan.networks.iter().position(|network| network.interface == device)
    }

    /// A device, with its network's name.
    pub(super) fn device(&self, device: &str) -> String {
        match self.network_of(device) {
            Some(network) => format!("{device} ({})", self.plan.networks[network].name),
            None => device.to_owned(),
        }
    }

    /// The names of the host that a packet was delivered to.
    pub(super) fn hosts(&self, way: &Way) -> Vec<&str> {
        let Fate::Left { device, .. } = &way.passage.fate else { return Vec::new() };
        let network = self.network_of(device).map(|network| &self.plan.networks[network]);
        let hosts = network.into_iter().flat_map(|network| &network.hosts);
        let named = hosts.filter(|host| host.address == way.passage.packet.destination);
        named.map(|host| host.name.as_str()).collect()
    }

    /// What became of a packet.
    pub(super) fn result(&self, way: &Way) -> String {
        let packet = &way.passage.packet;
        match &way.passage.fate {
            Fate::Left { device, via } => {
                let behind = via.map(|via| format!(" through the router {via}")).unwrap_or_default();
                let to = packet.destination;
                match self.network_of(device) {
                    Some(network) => {
                        let name = &self.plan.networks[network].name;
                        let hosts = self.hosts(way);
                        let who = if hosts.is_empty() {
                            String::new()
                        } else {
                            format!(", the host {}", hosts.join(", also "))
                        };
                        format!("delivered to {to} in {name}{who}, by {device}{behind}: {packet}")
                    }
                    None => format!("left by {device}{behind}, which is no network's: {packet}"),
                }
            }
            Fate::Local => format!("for the gateway itself: {packet}"),
            Fate::Dropped(place) => format!("dropped by {}", self.rule(*place)),
            Fate::Refused(place) => format!("refused by {}", self.rule(*place)),
            Fate::Unreachable(table) => format!("unreachable by table {}", self.table(*table)),
            Fate::Prohibited(table) => format!("prohibited by table {}", self.table(*table)),
            Fate::Blackholed(table) => {
                format!("dropped by a blackhole route of table {}", self.table(*table))
            }
            Fate::NoRoute => "unreachable: no rule leads to a route".to_owned(),
            Fate::Martian => format!(
                "dropped as a martian: no packet from {} to {} can come in there",
                packet.source, packet.destination
            ),
            Fate::NotForwarded(device) => format!("dropped: forwarding is off on {device}"),
            Fate::Expired => "dropped: its time to live is over".to_owned(),
            Fate::Link => "for a group or for all of a link, and goes no further".to_owned(),
            Fate::Clash => {
                "dropped: another connection has its key, and nothing of it can be changed".to_owned()
            }
        }
    }

    fn rule(&self, place: Place) -> String {
        let line = self.places.rule(place);
        match (line.at, line.comment) {
            (Some(at), Some(comment)) => format!("{at} ({comment})"),
            (Some(at), None) => at,
            (None, _) => {
                let name = self.places.chain(place).map_or("", |chain| chain.name.as_str());
                format!("the policy of chain {name}")
            }
        }
    }

    /// A table, with the name of the network that it is of.
    fn table(&self, table: u32) -> String {
        let name = table_name(table);
        match self.plan.networks.iter().find(|it| it.table() == table || it.own_table() == table) {
            Some(network) => format!("{name}, which is {}'s", network.name),
            None => name,
        }
    }
}
