//! The plan as a document for other programs. Its form has a version of its own: the minor number
//! grows when something is added, the major when something changes or goes.

use serde::Serialize;

use super::provenance::Places;
use crate::plan::{Firewall, Isolation, Owner, Plan};

/// Version of the document's form.
const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    generator: String,
    source: &'a str,
    site: &'a str,
    firewall: &'static str,
    isolation: &'static str,
    protocol: u8,
    marks: Marks,
    local_rule: Option<u32>,
    networks: Vec<NetworkView<'a>>,
    peerings: Vec<PeeringView<'a>>,
    shared_aliases: Vec<SharedView<'a>>,
    settings: Vec<SettingView<'a>>,
}

#[derive(Serialize)]
struct Marks {
    destination_mask: u32,
    source_mask: u32,
}

#[derive(Serialize)]
struct NetworkView<'a> {
    name: &'a str,
    id: u16,
    source: String,
    interface: &'a str,
    vrf: Option<&'a str>,
    table: u32,
    own_table: u32,
    addresses: Vec<String>,
    mappings: Vec<MappingView>,
}

#[derive(Serialize)]
struct MappingView {
    real: String,
    alias: String,
    source: String,
}

#[derive(Serialize)]
struct PeeringView<'a> {
    from: &'a str,
    to: &'a str,
    /// Conntrack zone of both directions; null where the two share an alias.
    zone: Option<u16>,
    source: String,
}

#[derive(Serialize)]
struct SharedView<'a> {
    aliases: Vec<String>,
    readings: Vec<ReadingView<'a>>,
}

#[derive(Serialize)]
struct ReadingView<'a> {
    from: &'a str,
    to: &'a str,
    /// Conntrack zone of the original direction; null where the zone of the pair serves.
    original_zone: Option<u16>,
}

#[derive(Serialize)]
struct SettingView<'a> {
    path: String,
    reason: &'a str,
}

/// Lays the document out.
#[expect(
    clippy::expect_used,
    reason = "the views hold strings and numbers alone, which always have a JSON form"
)]
pub(super) fn emit(plan: &Plan, places: &Places<'_>) -> String {
    let name = |n: usize| plan.networks[n].name.as_str();
    let document = Document {
        format_version: FORMAT_VERSION,
        generator: format!("overlapc {}", env!("CARGO_PKG_VERSION")),
        source: places.root(),
        site: &plan.site,
        firewall: match plan.firewall {
            Firewall::Nftables => "nftables",
            Firewall::Iptables => "iptables",
        },
        isolation: match plan.isolation {
            Isolation::Vrf => "vrf",
            Isolation::Rules => "rules",
        },
        protocol: plan.protocol,
        marks: Marks {
            destination_mask: plan.marks.destination.mask(),
            source_mask: plan.marks.source.mask(),
        },
        local_rule: plan.local_rule,
        networks: plan
            .networks
            .iter()
            .map(|network| NetworkView {
                name: &network.name,
                id: network.id,
                source: places.at(network.span),
                interface: &network.interface,
                vrf: network.vrf.as_deref(),
                table: network.table(),
                own_table: network.own_table(),
                addresses: network.addresses.iter().map(|address| address.net.to_string()).collect(),
                mappings: network
                    .mappings
                    .iter()
                    .map(|piece| MappingView {
                        real: piece.real.to_string(),
                        alias: piece.alias.to_string(),
                        source: places.at(piece.span),
                    })
                    .collect(),
            })
            .collect(),
        peerings: plan
            .peerings
            .iter()
            .map(|peering| PeeringView {
                from: name(peering.from),
                to: name(peering.to),
                zone: plan.pair_zone(peering),
                source: places.at(peering.span),
            })
            .collect(),
        shared_aliases: plan
            .shared
            .iter()
            .enumerate()
            .map(|(n, shared)| SharedView {
                aliases: plan
                    .destinations
                    .iter()
                    .filter(|destination| destination.owner == Owner::Shared(n))
                    .map(|destination| destination.alias.to_string())
                    .collect(),
                readings: shared
                    .cases
                    .iter()
                    .map(|case| ReadingView {
                        from: name(case.from),
                        to: name(case.to),
                        original_zone: case.zone,
                    })
                    .collect(),
            })
            .collect(),
        settings: plan
            .settings
            .iter()
            .map(|setting| SettingView {
                path: format!("/proc/sys/net/{}", setting.path),
                reason: setting.reason,
            })
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).expect("strings and numbers have a JSON form");
    text.push('\n');
    text
}
