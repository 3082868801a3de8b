//! Hosts without routes: what they are asked comes from the gateway's own address, and what they
//! answer finds its way by the mark of the connection.

use super::super::provenance::{Places, short};
use super::super::text::{Block, Hex, line};
use super::{Chain, family};
use crate::plan::{Masquerade, Network, Plan};

/// The elements of the maps and sets about them.
#[derive(Default)]
pub(super) struct Elements {
    /// Interfaces of masqueraded networks.
    pub(super) ports: Block,
    /// The destination's mark, to the chain that masquerades.
    pub(super) to: Block,
    /// The mark of a connection, to the chain that marks its answers.
    pub(super) answers: Block,
}

/// Fills the maps.
pub(super) fn elements(plan: &Plan) -> Elements {
    let mut elements = Elements::default();
    let field = plan.marks.destination;
    for network in plan.networks.iter().filter(|network| network.masquerade.is_some()) {
        line!(elements.ports, "\t\t\t\"{}\",", network.interface);
        line!(elements.to, "\t\t\t{} : goto {},", Hex(field.value(network.id)), Chain("masq", network));
    }
    for caller in plan.masquerade_callers() {
        let caller = &plan.networks[caller];
        line!(elements.answers, "\t\t\t{} : goto {},", Hex(field.value(caller.id)), Chain("to", caller));
    }
    elements
}

/// The chain of what comes from a masqueraded network: all of it is addressed to the gateway. What is not must not
/// be looked up where its askers' numbers are.
pub(super) fn from(out: &mut Block, plan: &Plan, network: &Network, places: &Places<'_>) {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let keep = Hex(!(destination.mask() | source.mask()));
    let (place, name, id) = (places.at(network.span), short(&network.name), network.id);
    let zone = network.own_zone;
    line!(out, "\tchain {} {{", Chain("from", network));
    line!(
        out,
        "\t\tmeta mark set meta mark & {keep} | {} comment \"{place} from {name}\"",
        Hex(source.value(id))
    );
    let known = network.known_to_anybody();
    for address in &network.addresses {
        let (own, place) = (address.net.addr(), places.at(address.span));
        if known.iter().any(|known| known.contains(&own)) {
            let family = family(&address.net);
            line!(out, "\t\t{family} daddr {own} ct zone set {zone} comment \"{place} the gateway's own\"");
        }
    }
    for known in known {
        let (family, stray) = (family(&known), network.stray_zone);
        line!(out, "\t\t{family} daddr {known} ct zone set {stray} comment \"{place} for no network\"");
    }
    line!(out, "\t\tct zone set {zone} comment \"{place} answers to the gateway\"");
    line!(out, "\t}}");
}

/// The zone of what those send to a masqueraded network who open connections to it. The first zone that is set holds.
/// What is for the gateway there is none of it: its hosts, which may have the same numbers, send to that in this zone.
pub(super) fn zones(out: &mut Block, plan: &Plan, network: &Network, places: &Places<'_>) {
    let Some(masquerade) = &network.masquerade else { return };
    let mine = Hex(plan.marks.destination.value(network.id));
    for own in network.own_as_itself() {
        let (number, what, place) = (own.alias, own.words(), places.at(own.span));
        let family = family(&number.into());
        line!(
            out,
            "\t\t{family} daddr {number} meta mark set meta mark ^ {mine} return comment \"{place} {what}\""
        );
    }
    let (place, source, zone) = (places.at(masquerade.span), plan.marks.source, network.own_zone);
    let asked_by = |callers: &[usize]| {
        let callers = callers.iter().map(|caller| Hex(source.value(plan.networks[*caller].id)).to_string());
        format!("meta mark & {} {{ {} }}", Hex(source.mask()), callers.collect::<Vec<_>>().join(", "))
    };
    let Masquerade { callers, apart, .. } = masquerade;
    if !apart.is_empty() {
        let asked = asked_by(apart);
        line!(out, "\t\t{asked} ct reply zone set {zone} comment \"{place} same addresses as others\"");
    }
    if !callers.is_empty() {
        line!(out, "\t\t{} ct zone set {zone} comment \"{place} masqueraded\"", asked_by(callers));
    }
}

/// The chains that masquerade.
pub(super) fn chains(
    out: &mut Block,
    plan: &Plan,
    network: &Network,
    masquerade: &Masquerade,
    places: &Places<'_>,
) {
    let (place, name) = (places.at(masquerade.span), short(&network.name));
    line!(out, "\tchain {} {{", Chain("masq", network));
    line!(
        out,
        "\t\tmeta mark & {} vmap @ovl_sign comment \"{place} remember who asked\"",
        Hex(plan.marks.source.mask())
    );
    for source in &masquerade.sources {
        let (family, place) = (family(&source.hosts), places.at(source.span));
        let (hosts, address) = (source.hosts, source.address);
        line!(out, "\t\t{family} daddr {hosts} snat {family} to {address} comment \"{place} {name}\"");
    }
    line!(out, "\t}}");
}

/// The map from the source's mark to the chain that signs a connection, and those chains.
pub(super) fn signs(out: &mut Block, plan: &Plan, places: &Places<'_>) -> Block {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let mut elements = Block::default();
    for caller in plan.masquerade_callers() {
        let caller = &plan.networks[caller];
        let (place, name) = (places.at(caller.span), short(&caller.name));
        line!(elements, "\t\t\t{} : jump {},", Hex(source.value(caller.id)), Chain("sign", caller));
        line!(out, "\n\tchain {} {{", Chain("sign", caller));
        line!(
            out,
            "\t\tct mark set ct mark & {} | {} comment \"{place} answers go to {name}\"",
            Hex(!destination.mask()),
            Hex(destination.value(caller.id))
        );
        line!(out, "\t}}");
    }
    elements
}
