//! The plan as a document for other programs. Its form has a version of its own: the minor number
//! grows when something is added, the major when something changes or goes.

use serde::Serialize;

use super::provenance::Places;
use crate::plan::{Firewall, Isolation, Mapping, Owner, Plan, Value};

/// Version of the document's form.
const FORMAT_VERSION: &str = "1.0";

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
    value: String,
    reason: &'a str,
}

/// Lays the document out: a member a line, and a line for each element of its lists, so that two
/// versions of a site differ in the lines of what has changed.
pub(super) fn emit(plan: &Plan, places: &Places<'_>) -> String {
    let name = |n: usize| plan.networks[n].name.as_str();
    let mut document = Document { text: String::from("{") };
    document.member("format_version", FORMAT_VERSION);
    document.member("generator", concat!("overlapc ", env!("CARGO_PKG_VERSION")));
    document.member("source", places.root());
    document.member("site", &plan.site);
    document.member(
        "firewall",
        match plan.firewall {
            Firewall::Nftables => "nftables",
            Firewall::Iptables => "iptables",
        },
    );
    document.member(
        "isolation",
        match plan.isolation {
            Isolation::Vrf => "vrf",
            Isolation::Rules => "rules",
        },
    );
    document.member("protocol", plan.protocol);
    let (destination, source) = (plan.marks.destination.mask(), plan.marks.source.mask());
    document.member("marks", Marks { destination_mask: destination, source_mask: source });
    document.member("local_rule", plan.local_rule);
    document.list(
        "networks",
        plan.networks.iter().map(|network| NetworkView {
            name: &network.name,
            id: network.id,
            source: places.at(network.span),
            interface: &network.interface,
            vrf: network.vrf.as_deref(),
            table: network.table(),
            own_table: network.own_table(),
            addresses: network.addresses.iter().map(|address| address.net.to_string()).collect(),
            mappings: network.mappings.iter().map(|piece| mapping(piece, places)).collect(),
        }),
    );
    document.list(
        "peerings",
        plan.peerings.iter().map(|peering| PeeringView {
            from: name(peering.from),
            to: name(peering.to),
            zone: plan.pair_zone(peering),
            source: places.at(peering.span),
        }),
    );
    document.list(
        "shared_aliases",
        plan.shared.iter().enumerate().map(|(n, shared)| SharedView {
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
        }),
    );
    document.list(
        "settings",
        plan.settings.iter().map(|setting| SettingView {
            path: format!("/proc/sys/net/{}", setting.path),
            value: match setting.value {
                Value::Is(number) => number.to_string(),
                Value::Loose => String::from("0, or 2 where conf/all is not 0"),
            },
            reason: setting.reason,
        }),
    );
    document.finish()
}

fn mapping(piece: &Mapping, places: &Places<'_>) -> MappingView {
    MappingView {
        real: piece.real.to_string(),
        alias: piece.alias.to_string(),
        source: places.at(piece.span),
    }
}

/// A JSON object in the making.
struct Document {
    text: String,
}

impl Document {
    /// Adds a member on a line of its own.
    fn member(&mut self, name: &str, value: impl Serialize) {
        self.name(name);
        self.text.push_str(&json(&value));
    }

    /// Adds a list with its elements on lines of their own.
    fn list(&mut self, name: &str, elements: impl Iterator<Item = impl Serialize>) {
        self.name(name);
        self.text.push('[');
        let mut separator = "\n    ";
        for element in elements {
            self.text.push_str(separator);
            self.text.push_str(&json(&element));
            separator = ",\n    ";
        }
        self.text.push_str("\n  ]");
    }

    fn name(&mut self, name: &str) {
        let separator = if self.text.ends_with('{') { "\n  " } else { ",\n  " };
        self.text.push_str(separator);
        self.text.push_str(&json(&name));
        self.text.push_str(": ");
    }

    fn finish(mut self) -> String {
        self.text.push_str("\n}\n");
        self.text
    }
}

/// A value in one line.
#[expect(
    clippy::expect_used,
    reason = "the views hold strings and numbers alone, which always have a JSON form"
)]
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers have a JSON form")
}
