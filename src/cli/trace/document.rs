//! A packet's way as a document.
//!
//! Goes in: what was traced. Comes out: JSON. What must hold: the document's shape is this file's own; a field
//! added raises the minor number of `format_version`, a field changed or gone raises the major one.

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::places::Line;
use super::result::word;
use super::text::{change, hook_name};
use super::{Shown, Way, What};
use crate::document;
use crate::sim::conntrack::{Tuple, Zone};
use crate::sim::fate::Fate;
use crate::sim::packet::{Content, Packet};
use crate::sim::phase::{Change, Event, Fired, Found, Phase, Went};

/// The version of the document's shape, `MAJOR.MINOR`.
const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Trace")]
struct DocumentView<'a> {
    format_version: &'static str,
    /// The packet, then what followed from it.
    ways: Vec<WayView<'a>>,
    notes: &'a [String],
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Way")]
struct WayView<'a> {
    /// `packet`, `error` or `answer`.
    what: &'static str,
    /// The device that it came in by; null of the gateway's own.
    device: Option<&'a str>,
    network: Option<&'a str>,
    packet: PacketView,
    phases: Vec<PhaseView<'a>>,
    result: ResultView<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Packet")]
struct PacketView {
    source: String,
    destination: String,
    protocol: u8,
    source_port: Option<u16>,
    destination_port: Option<u16>,
    icmp_type: Option<u8>,
    icmp_code: Option<u8>,
    icmp_id: Option<u16>,
    ttl: u8,
    /// The packet that an ICMP error is about.
    about: Option<Box<PacketView>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Phase")]
struct PhaseView<'a> {
    /// From 1.
    number: usize,
    /// `chain`, `tracking`, `translation`, `routing` or `kept`.
    kind: &'static str,
    /// Of chains and translations.
    hook: Option<&'static str>,
    input: Option<&'a str>,
    output: Option<&'a str>,
    /// Of chains: the table and the name.
    chain: Option<String>,
    /// Of chains: rules that did something. Of routing: the ip rule and the route.
    rules: Vec<RuleView>,
    /// Of translations.
    changes: Vec<ChangeView>,
    /// Of tracking: `new`, `again`, `original`, `reply`, `related`, `related-reply`, `invalid`, `untracked`.
    found: Option<&'static str>,
    /// Of tracking, and of what is kept.
    zone: Option<ZoneView>,
    /// Of what is kept: the keys of the two directions.
    keys: Vec<KeyView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Rule")]
struct RuleView {
    /// `ruleset.nft:112`; null of what the kernel has by itself.
    artefact: Option<String>,
    /// `site.ovl:12`; null where the comment names no line.
    source: Option<String>,
    comment: Option<String>,
    /// Of routing: as ip(8) writes it.
    text: Option<String>,
    changes: Vec<ChangeView>,
    /// `on`, `accept`, `drop`, `reject`, `return`, `jump` or `goto`; null of routing.
    then: Option<&'static str>,
    /// The chain that it went to.
    to: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Change")]
struct ChangeView {
    /// `mark`, `connection-mark`, `zone`, `source`, `destination`, `port`, `about` or `log`.
    what: &'static str,
    before: Option<String>,
    after: Option<String>,
    text: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Zone")]
struct ZoneView {
    original: u16,
    reply: u16,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Key")]
struct KeyView {
    zone: u16,
    source: String,
    destination: String,
    protocol: u8,
    /// The source port, or the identifier of ICMP.
    from: u16,
    /// The destination port, or the type of ICMP.
    to: u16,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Result")]
struct ResultView<'a> {
    /// A word from a closed list: `left`, `local`, `dropped`, `refused`, `unreachable`, `prohibited`,
    /// `blackholed`, `no-route`, `martian`, `not-forwarded`, `expired`, `link`, `clash`.
    fate: &'static str,
    text: String,
    /// By which it left.
    device: Option<&'a str>,
    /// That it was delivered to.
    network: Option<&'a str>,
    /// The names of the host that it was delivered to.
    hosts: Vec<&'a str>,
    /// The router behind the device.
    via: Option<String>,
    /// The rule that did away with it.
    artefact: Option<String>,
    source: Option<String>,
    /// The table that refused it.
    table: Option<u32>,
    /// As it was at the end.
    packet: PacketView,
    mark: u32,
}

/// The JSON Schema that every document keeps to.
pub(in crate::cli) fn schema() -> Schema {
    document::schema::<DocumentView<'_>>()
}

impl Shown<'_> {
    /// The document, ended by a newline.
    pub(super) fn json(&self) -> String {
        let ways = self.ways.iter().map(|way| self.way_view(way)).collect();
        let view = DocumentView { format_version: FORMAT_VERSION, ways, notes: &self.notes };
        document::text(&view)
    }

    fn way_view<'w>(&'w self, way: &'w Way) -> WayView<'w> {
        let phases = way.passage.phases.iter().zip(1..);
        WayView {
            what: match way.what {
                What::Asked => "packet",
                What::Error => "error",
                What::Answer => "answer",
            },
            device: way.device.as_deref(),
            network: way.device.as_deref().and_then(|device| self.network_name(device)),
            packet: packet_view(&way.passage.began),
            phases: phases.map(|(phase, number)| self.phase_view(phase, number)).collect(),
            result: self.result_view(way),
        }
    }

    fn network_name(&self, device: &str) -> Option<&str> {
        self.network_of(device).map(|network| self.plan.networks[network].name.as_str())
    }

    fn phase_view<'p>(&self, phase: &'p Phase, number: usize) -> PhaseView<'p> {
        let mut view = PhaseView {
            number,
            kind: "routing",
            hook: None,
            input: phase.input.as_deref(),
            output: phase.output.as_deref(),
            chain: None,
            rules: Vec::new(),
            changes: Vec::new(),
            found: None,
            zone: None,
            keys: Vec::new(),
        };
        match &phase.event {
            Event::Chain { hook, chain, fired } => {
                view.kind = "chain";
                view.hook = Some(hook_name(*hook));
                view.chain = self.places.chain(*chain).map(|chain| format!("{} {}", chain.table, chain.name));
                view.rules = fired.iter().map(|fired| self.fired_view(fired)).collect();
            }
            Event::Lookup { zone, found } => {
                view.kind = "tracking";
                view.found = Some(found_word(*found));
                view.zone = Some(zone_view(*zone));
            }
            Event::Translated { hook, changes } => {
                view.kind = "translation";
                view.hook = Some(hook_name(*hook));
                view.changes = changes.iter().map(change_view).collect();
            }
            Event::Routed(routed) => {
                if let Some((rule, route)) = &routed.by {
                    let rules = [self.places.ip_rule(*rule), self.places.route(route)];
                    view.rules = rules.into_iter().map(|(line, text)| rule_view(line, Some(text))).collect();
                }
            }
            Event::Confirmed(entry) => {
                view.kind = "kept";
                view.zone = Some(zone_view(entry.zone));
                let keys = [false, true].map(|reply| key_view(entry.key(reply), entry.zone.of(reply)));
                view.keys = keys.into();
            }
        }
        view
    }

    fn fired_view(&self, fired: &Fired) -> RuleView {
        let (then, to) = match fired.went {
            Went::On => ("on", None),
            Went::Accepted => ("accept", None),
            Went::Dropped => ("drop", None),
            Went::Refused => ("reject", None),
            Went::Returned => ("return", None),
            Went::Jumped(chain) => ("jump", Some(chain)),
            Went::Gone(chain) => ("goto", Some(chain)),
        };
        let to = to.and_then(|chain| {
            let place = crate::sim::fate::Place { chain, ..fired.place };
            self.places.chain(place).map(|chain| chain.name.clone())
        });
        let changes = fired.changes.iter().map(change_view).collect();
        RuleView { changes, then: Some(then), to, ..rule_view(self.places.rule(fired.place), None) }
    }

    fn result_view<'w>(&'w self, way: &'w Way) -> ResultView<'w> {
        let passage = &way.passage;
        let (device, via) = match &passage.fate {
            Fate::Left { device, via } => (Some(device.as_str()), via.map(|via| via.to_string())),
            _ => (None, None),
        };
        let line = match passage.fate {
            Fate::Dropped(place) | Fate::Refused(place) => self.places.rule(place),
            _ => Line::default(),
        };
        let table = match passage.fate {
            Fate::Unreachable(table) | Fate::Prohibited(table) | Fate::Blackholed(table) => Some(table),
            _ => None,
        };
        ResultView {
            fate: word(&passage.fate),
            text: self.result(way),
            device,
            network: device.and_then(|device| self.network_name(device)),
            hosts: self.hosts(way),
            via,
            source: line.source().map(str::to_owned),
            artefact: line.at,
            table,
            packet: packet_view(&passage.packet),
            mark: passage.mark,
        }
    }
}

fn rule_view(line: Line, text: Option<String>) -> RuleView {
    RuleView {
        source: line.source().map(str::to_owned),
        artefact: line.at,
        comment: line.comment,
        text,
        changes: Vec::new(),
        then: None,
        to: None,
    }
}

fn packet_view(packet: &Packet) -> PacketView {
    let mut view = PacketView {
        source: packet.source.to_string(),
        destination: packet.destination.to_string(),
        protocol: packet.protocol(),
        source_port: None,
        destination_port: None,
        icmp_type: packet.icmp_type(),
        icmp_code: None,
        icmp_id: None,
        ttl: packet.ttl,
        about: None,
    };
    match &packet.content {
        Content::Ports { source, destination, .. } => {
            view.source_port = Some(*source);
            view.destination_port = Some(*destination);
        }
        Content::Message { id, .. } => view.icmp_id = Some(*id),
        Content::Error { code, about, .. } => {
            view.icmp_code = Some(*code);
            view.about = Some(Box::new(packet_view(about)));
        }
        Content::Other { .. } => {}
    }
    view
}

fn change_view(it: &Change) -> ChangeView {
    let pair = |before: String, after: String| (Some(before), Some(after));
    let (what, (before, after)) = match it {
        Change::Mark(from, to) => ("mark", pair(format!("{from:#x}"), format!("{to:#x}"))),
        Change::ConnectionMark(from, to) => {
            ("connection-mark", pair(format!("{from:#x}"), format!("{to:#x}")))
        }
        Change::Zone(number, _) => ("zone", (None, number.map(|number| number.to_string()))),
        Change::Source(from, to) => ("source", pair(from.to_string(), to.to_string())),
        Change::Destination(from, to) => ("destination", pair(from.to_string(), to.to_string())),
        Change::Port(from, to) => ("port", pair(from.to_string(), to.to_string())),
        Change::About(from, to) => ("about", pair(from.to_string(), to.to_string())),
        Change::Logged(words) => ("log", (None, Some(words.clone()))),
    };
    ChangeView { what, before, after, text: change(it) }
}

fn zone_view(zone: Zone) -> ZoneView {
    ZoneView { original: zone.of(false), reply: zone.of(true) }
}

fn key_view(key: Tuple, zone: u16) -> KeyView {
    KeyView {
        zone,
        source: key.source.to_string(),
        destination: key.destination.to_string(),
        protocol: key.protocol,
        from: key.from,
        to: key.to,
    }
}

fn found_word(found: Found) -> &'static str {
    match found {
        Found::New => "new",
        Found::Again => "again",
        Found::Original => "original",
        Found::Reply => "reply",
        Found::Related(false) => "related",
        Found::Related(true) => "related-reply",
        Found::Invalid => "invalid",
        Found::Untracked => "untracked",
    }
}
