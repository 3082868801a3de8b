//! The plan as a document for other programs. Its form has a version of its own: the minor number
//! grows when something is added, the major when something changes or goes.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::provenance::{Place, Places};
use super::text::Blocks;
use crate::document;
use crate::net::Family;
use crate::plan::{CaseZone, Firewall, Isolation, Mapping, Mss, Owner, Plan, Source, Value};

mod services;

/// Version of the document's form.
const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Marks")]
struct Marks {
    destination_mask: u32,
    source_mask: u32,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Network")]
struct NetworkView<'a> {
    name: &'a str,
    id: u16,
    source: Place<'a>,
    interface: &'a str,
    vrf: Option<&'a str>,
    table: u32,
    own_table: u32,
    /// Conntrack zone of the gateway's own traffic with it, and of what comes from it for nobody.
    own_zone: u16,
    addresses: Vec<String>,
    mappings: Vec<MappingView<'a>>,
    /// What those know its hosts by whom an alias names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    views: Vec<ViewView<'a>>,
    /// What hosts without routes see as the source of everything; the first that holds a host counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    masquerade: Option<Vec<SourceView<'a>>>,
    /// Largest TCP segment of each family, or that it is the route's MTU which limits it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mss: Option<MssView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Known")]
struct ViewView<'a> {
    viewers: Vec<&'a str>,
    mappings: Vec<MappingView<'a>>,
}

/// The gateway's address that masqueraded hosts see.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Source")]
struct SourceView<'a> {
    hosts: String,
    address: String,
    source: Place<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Mss")]
#[serde(rename_all = "lowercase")]
enum MssView {
    Route,
    Bytes { v4: Option<u64>, v6: Option<u64> },
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Mapping")]
struct MappingView<'a> {
    real: String,
    alias: String,
    source: Place<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Peering")]
struct PeeringView<'a> {
    from: &'a str,
    to: &'a str,
    /// Conntrack zone of both directions; null where the two share an alias.
    zone: Option<u16>,
    /// Place in the list of rules; absent where everything may be opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<usize>,
    source: Place<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Shared")]
struct SharedView<'a> {
    aliases: Vec<String>,
    readings: Vec<ReadingView<'a>>,
    /// Whom all others mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    otherwise: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reading")]
struct ReadingView<'a> {
    from: &'a str,
    /// Null where it means nobody.
    to: Option<&'a str>,
    /// Conntrack zone of the original direction; null where the zone of the pair serves.
    original_zone: Option<u16>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Setting")]
struct SettingView<'a> {
    path: String,
    value: String,
    reason: &'a str,
}

/// The members of the document, for its schema: it is laid out member by member, as it can be large.
#[derive(JsonSchema)]
#[schemars(rename = "Site")]
#[expect(dead_code, reason = "only its schema is used")]
struct DocumentView<'a> {
    /// The version of this document's shape, `MAJOR.MINOR`.
    format_version: &'a str,
    /// `overlapc` and its version.
    generator: &'a str,
    /// The site's file.
    source: &'a str,
    /// The site's name.
    site: &'a str,
    /// `nftables` or `iptables`.
    firewall: &'a str,
    /// `vrf` or `rules`.
    isolation: &'a str,
    /// The routing protocol number of its rules and routes.
    protocol: u8,
    marks: Marks,
    /// The preference that the rule for the table `local` is moved to; null where it stays.
    local_rule: Option<u32>,
    networks: Vec<NetworkView<'a>>,
    /// Who may open connections to whom.
    peerings: Vec<PeeringView<'a>>,
    /// The lists that peerings name by their place; absent where there are none.
    #[schemars(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<services::PolicyView<'a>>,
    /// Aliases that mean another network to each of those who use them.
    shared_aliases: Vec<SharedView<'a>>,
    /// What is set under /proc/sys, with the reason.
    settings: Vec<SettingView<'a>>,
}

/// The JSON Schema that every document keeps to.
pub(super) fn schema() -> Schema {
    document::schema::<DocumentView<'_>>()
}

/// Lays the document out: a member a line, and a line for each element of its lists, so that two
/// versions of a site differ in the lines of what has changed.
pub(super) fn emit(plan: &Plan, places: &Places<'_>, blocks: &Blocks) -> String {
    let name = |n: usize| plan.networks[n].name.as_str();
    let elements = 8 * plan.networks.len() + plan.peerings.len();
    let mut document = Document { text: Vec::with_capacity(160 * elements) };
    document.text.push(b'{');
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
            own_zone: network.own_zone,
            addresses: network.addresses.iter().map(|address| address.net.to_string()).collect(),
            mappings: network.mappings.iter().map(|piece| mapping(piece, places)).collect(),
            views: network
                .views
                .iter()
                .map(|view| ViewView {
                    viewers: view.viewers.iter().map(|viewer| name(*viewer)).collect(),
                    mappings: view.mappings.iter().map(|piece| mapping(piece, places)).collect(),
                })
                .collect(),
            masquerade: network.masquerade.as_ref().map(|masquerade| {
                let view = |source: &Source| SourceView {
                    hosts: source.hosts.to_string(),
                    address: source.address.to_string(),
                    source: places.at(source.span),
                };
                masquerade.sources.iter().map(view).collect()
            }),
            mss: network.mss.map(|(mss, _)| match mss {
                Mss::Route => MssView::Route,
                Mss::Packet(_) => MssView::Bytes {
                    v4: network.largest_segment(Family::V4),
                    v6: network.largest_segment(Family::V6),
                },
            }),
        }),
    );
    document.list(
        "peerings",
        plan.peerings.iter().zip(plan.pair_zones()).map(|(peering, zone)| PeeringView {
            from: name(peering.from),
            to: name(peering.to),
            zone,
            rules: peering.policy,
            source: places.at(peering.span),
        }),
    );
    if !plan.policies.is_empty() {
        document.list("rules", plan.policies.iter().map(|policy| services::view(policy, places)));
    }
    let mut aliases: Vec<Vec<String>> = vec![Vec::new(); plan.shared.len()];
    for destination in &plan.destinations {
        if let Owner::Shared(n) = destination.owner {
            aliases[n].push(destination.alias.to_string());
        }
    }
    document.list(
        "shared_aliases",
        plan.shared.iter().zip(aliases).map(|(shared, aliases)| SharedView {
            aliases,
            readings: shared
                .cases
                .iter()
                .map(|case| ReadingView {
                    from: name(case.from),
                    to: case.to.map(name),
                    original_zone: match case.zone {
                        Some(CaseZone::Sender(zone)) => Some(zone),
                        Some(CaseZone::Pair(_)) | None => None,
                    },
                })
                .collect(),
            otherwise: shared.otherwise.map(name),
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
    blocks.keep_text(document.finish())
}

fn mapping<'a>(piece: &Mapping, places: &'a Places<'_>) -> MappingView<'a> {
    MappingView {
        real: piece.real.to_string(),
        alias: piece.alias.to_string(),
        source: places.at(piece.span),
    }
}

/// A JSON object in the making, as UTF-8.
struct Document {
    text: Vec<u8>,
}

impl Document {
    /// Adds a member on a line of its own.
    fn member(&mut self, name: &str, value: impl Serialize) {
        self.name(name);
        self.value(&value);
    }

    /// Adds a list with its elements on lines of their own.
    fn list(&mut self, name: &str, elements: impl Iterator<Item = impl Serialize>) {
        self.name(name);
        self.text.push(b'[');
        let mut separator = "\n    ";
        for element in elements {
            self.text.extend_from_slice(separator.as_bytes());
            self.value(&element);
            separator = ",\n    ";
        }
        self.text.extend_from_slice(b"\n  ]");
    }

    fn name(&mut self, name: &str) {
        let separator = if self.text.ends_with(b"{") { "\n  " } else { ",\n  " };
        self.text.extend_from_slice(separator.as_bytes());
        self.value(&name);
        self.text.extend_from_slice(b": ");
    }

    /// A value in one line.
    #[expect(
        clippy::expect_used,
        reason = "the views hold strings and numbers alone, which always have a JSON form"
    )]
    fn value(&mut self, value: &impl Serialize) {
        serde_json::to_writer(&mut self.text, value).expect("strings and numbers have a JSON form");
    }

    #[expect(clippy::expect_used, reason = "serde_json writes UTF-8, and so does this file")]
    fn finish(mut self) -> String {
        self.text.extend_from_slice(b"\n}\n");
        String::from_utf8(self.text).expect("JSON is UTF-8")
    }
}
