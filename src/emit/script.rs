//! The whole gateway as one POSIX script: the texts of the other targets as here-documents, and what
//! puts them up, takes them down and looks after them.

use serde::Serialize;

use super::ip::Steps;
use super::provenance::Places;
use super::text::{Block, Blocks, line};
use super::{Drafts, Target, iptables, template};
use crate::digest::Digest;
use crate::plan::{Firewall, Isolation, Plan, Setting, Value};

/// What the two firewall parts take.
#[derive(Serialize)]
struct FirewallView {
    ruleset_v4: String,
    ruleset_v6: String,
}

/// What `templates/sh/site.sh.j2` takes.
#[derive(Serialize)]
struct ScriptView<'a> {
    header: String,
    site: String,
    fingerprint: String,
    protocol: u8,
    first: u32,
    last: u32,
    /// Bits of the packet mark.
    destination: String,
    source: String,
    marks: String,
    /// Bits of connection marks that the ruleset uses.
    connection_marks: String,
    /// Preference of the moved local rule, or nothing.
    local: String,
    ipv6: &'static str,
    vrf: &'static str,
    kind: String,
    networks: String,
    settings: String,
    own_settings: String,
    zones: String,
    known: String,
    steps: &'a Steps,
    firewall: String,
}

/// Lays the script out.
pub(super) fn emit(plan: &Plan, places: &Places<'_>, blocks: &Blocks, drafts: &mut Drafts<'_>) -> String {
    let firewall = firewall(plan, drafts);
    let steps = drafts.steps();
    let mut networks = Block::default();
    for network in &plan.networks {
        let vrf = network.vrf.as_deref().unwrap_or("-");
        line!(networks, "{} {} {vrf} {}", network.id, network.interface, network.name);
    }
    let mut zones = Block::default();
    for zone in &plan.zones {
        line!(zones, "{} {:016x}", zone.number, zone.content);
    }
    let mut view = ScriptView {
        header: places.header(&plan.site),
        site: plan.site.clone(),
        fingerprint: String::new(),
        protocol: plan.protocol,
        first: plan.preferences.0,
        last: plan.preferences.1,
        destination: format!("{:#x}", plan.marks.destination.mask()),
        source: format!("{:#x}", plan.marks.source.mask()),
        marks: format!("{:#x}", plan.marks.destination.mask() | plan.marks.source.mask()),
        connection_marks: format!("{:#x}", connection_marks(plan)),
        local: plan.local_rule.map_or_else(String::new, |preference| preference.to_string()),
        ipv6: yes_or_no(plan.has_ipv6()),
        vrf: yes_or_no(plan.networks.iter().any(|network| network.vrf.is_some())),
        kind: kind(plan),
        networks: blocks.keep(networks),
        settings: settings(plan, false, blocks),
        own_settings: settings(plan, true, blocks),
        zones: blocks.keep(zones),
        known: blocks.keep(known(plan)),
        steps: &steps,
        firewall,
    };
    view.fingerprint = fingerprint(&view, blocks);
    template::render("sh/site.sh.j2", view)
}

/// What connections with each network depend on, after the zone of the gateway's own with it, and the prefixes by which they are recognised: all by which
/// anybody knows its hosts.
fn known(plan: &Plan) -> Block {
    let mut lines = Block::of(plan.networks.len());
    for network in &plan.networks {
        let prefixes = network.known_to_anybody();
        let prefixes: String = prefixes.iter().map(|prefix| format!(" {prefix}")).collect();
        line!(lines, "{} {:016x}{prefixes}", network.own_zone, network.content);
    }
    lines
}

/// The part of the script that speaks the site's rule language.
fn firewall(plan: &Plan, drafts: &mut Drafts<'_>) -> String {
    let mut text = |target| drafts.of(target).trim_end().to_owned();
    let (template, ruleset_v4, ruleset_v6) = match plan.firewall {
        Firewall::Nftables => ("sh/nftables.sh.j2", text(Target::Nft), String::new()),
        Firewall::Iptables => ("sh/iptables.sh.j2", text(Target::Iptables), text(Target::Ip6tables)),
    };
    let mut part = template::render(template, FirewallView { ruleset_v4, ruleset_v6 });
    part.truncate(part.trim_end().len());
    part
}

/// Settings as `PATH VALUE` lines: those of devices that the site makes, or the others.
fn settings(plan: &Plan, owned: bool, blocks: &Blocks) -> String {
    let mut lines = Block::default();
    for Setting { path, value, .. } in plan.settings.iter().filter(|setting| setting.owned == owned) {
        match value {
            Value::Is(number) => line!(lines, "{path} {number}"),
            Value::Loose => line!(lines, "{path} loose"),
        }
    }
    blocks.keep(lines)
}

/// Bits of connection marks: who asked a masqueraded network; with iptables, two signs of the ruleset's
/// own.
fn connection_marks(plan: &Plan) -> u32 {
    let callers = if plan.masquerades() { plan.marks.destination.mask() } else { 0 };
    callers
        | match plan.firewall {
            Firewall::Nftables => 0,
            Firewall::Iptables => iptables::signs(plan),
        }
}

/// What the script of one version needs to know about another version of the site to take it down:
/// if it differs, it cannot.
fn kind(plan: &Plan) -> String {
    let firewall = match plan.firewall {
        Firewall::Nftables => "nftables",
        Firewall::Iptables => "iptables",
    };
    let isolation = match plan.isolation {
        Isolation::Vrf => "vrf",
        Isolation::Rules => "rules",
    };
    format!("firewall {firewall}, isolation {isolation}, protocol {}", plan.protocol)
}

const fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// What tells two versions of a site's artefacts apart.
/// The script compares them with those of the version that is up; nothing else stands on them.
fn fingerprint(view: &ScriptView<'_>, blocks: &Blocks) -> String {
    let parts = [
        &view.networks,
        &view.settings,
        &view.own_settings,
        &view.zones,
        &view.known,
        &view.steps.create,
        &view.steps.defaults_v4,
        &view.steps.defaults_v6,
        &view.steps.attach,
        &view.steps.addresses,
        &view.steps.routes_v4,
        &view.steps.routes_v6,
        &view.steps.rules_v4,
        &view.steps.rules_v6,
        &view.steps.local,
        &view.firewall,
    ];
    let mut digest = Digest::default();
    for part in parts {
        let text = blocks.join(part);
        for piece in text.pieces().chain(["\0"]) {
            digest.text(piece);
        }
    }
    format!("{:016x}", digest.finish())
}
