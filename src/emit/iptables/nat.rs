//! The nat table: translation, for the first packet of a connection.

use super::super::provenance::{Places, short};
use super::super::text::line;
use super::chains::{Chains, by_mark, rule, said};
use super::{hex, masquerade, partners, translated};
use crate::net::{self, Family};
use crate::plan::{Mapping, Network, Plan, Refusal};

/// Translation, for the first packet of a connection.
pub(super) fn nat(plan: &Plan, places: &Places<'_>, family: Family) -> Chains {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let mut chains = Chains::default();
    let senders = partners(plan, |peering| (peering.to, peering.from));
    let about = |n: &Network| said(places.at(n.span), short(&n.name));
    let to = plan.networks.iter().map(|n| (n.id, format!("{} -g ovl-dnat-{}", about(n), n.id))).collect();
    by_mark(&mut chains, "ovl-dnat", "d", destination, to);
    let from = plan.networks.iter().map(|n| (n.id, format!("{} -g ovl-snat-{}", about(n), n.id))).collect();
    by_mark(&mut chains, "ovl-snat", "s", source, from);
    if plan.masquerades() {
        masquerade::nat(&mut chains, plan, places, family);
    }
    for (n, network) in plan.networks.iter().enumerate() {
        let id = network.id;
        let allowed = senders.get(&n).into_iter().flatten();
        let comment =
            |span| format!("-m comment --comment \"{} to {}\" ", places.at(span), short(&network.name));
        let keys: Vec<(u16, String)> = allowed
            .map(|(from, it)| (plan.networks[*from].id, format!("{}-g ovl-map-{id}", comment(it.span))))
            .collect();
        by_mark(&mut chains, &format!("ovl-dnat-{id}"), &format!("d{id}-"), source, keys);
        chains.open(&format!("ovl-map-{id}"));
        for own in network.own.iter().filter(|own| net::family_of(&own.alias) == family) {
            let about = said(places.at(own.span), own.words());
            // Back to where the destination is cleared, or past it.
            let verdict = match own.refusal {
                Refusal::Cleared => "RETURN",
                Refusal::Unrouted => "ACCEPT",
            };
            rule!(chains, "-A ovl-map-{id} -d {} {about} -j {verdict}", own.alias);
        }
        let sign = hex(translated(source));
        rule!(
            chains,
            "-A ovl-map-{id} -m comment --comment \"sign of translation\" -j CONNMARK --set-xmark {sign}/{sign}"
        );
        chains.open(&format!("ovl-snat-{id}"));
        let of_family = |piece: &&Mapping| net::family(&piece.real) == family;
        let comment = |span| format!("-m comment --comment \"{} {}\"", places.at(span), short(&network.name));
        let inward = network.inward();
        if network.views.is_empty() {
            // One by one in both directions, as a person would write them.
            for piece in inward.iter().filter(of_family) {
                let (real, alias, comment) = (piece.real, piece.alias, comment(piece.span));
                rule!(chains, "-A ovl-map-{id} -d {alias} {comment} -j NETMAP --to {real}");
                rule!(chains, "-A ovl-snat-{id} -s {real} {comment} -j NETMAP --to {alias}");
            }
            continue;
        }
        for piece in inward.iter().filter(of_family) {
            let (real, alias, comment) = (piece.real, piece.alias, comment(piece.span));
            rule!(chains, "-A ovl-map-{id} -d {alias} {comment} -j NETMAP --to {real}");
        }
        let viewers = network.view_of.iter().map(|(viewer, view)| {
            let viewer = &plan.networks[*viewer];
            let comment = format!(
                "-m comment --comment \"{} as {} knows it\"",
                places.at(network.span),
                short(&viewer.name)
            );
            (viewer.id, format!("{comment} -g ovl-view-{id}-{view}"))
        });
        let root = format!("ovl-views-{id}");
        by_mark(&mut chains, &root, &format!("v{id}-"), destination, viewers.collect());
        rule!(chains, "-A ovl-snat-{id} {} -j {root}", comment(network.span));
        for piece in network.mappings.iter().filter(of_family) {
            let (real, alias, comment) = (piece.real, piece.alias, comment(piece.span));
            rule!(chains, "-A ovl-snat-{id} -s {real} {comment} -j NETMAP --to {alias}");
        }
        for (n, view) in network.views.iter().enumerate() {
            chains.open(&format!("ovl-view-{id}-{n}"));
            for piece in view.mappings.iter().filter(of_family) {
                let (real, alias, comment) = (piece.real, piece.alias, comment(piece.span));
                rule!(chains, "-A ovl-view-{id}-{n} -s {real} {comment} -j NETMAP --to {alias}");
            }
        }
    }
    chains
}
