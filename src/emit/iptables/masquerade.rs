//! Hosts without routes: what they are asked comes from the gateway's own address, and what they
//! answer finds its way by the mark of the connection.

use super::super::provenance::{Places, short};
use super::super::text::line;
use super::chains::{Chains, by_device, by_mark, rule, said};
use super::hex;
use crate::net::{self, Family};
use crate::plan::{Network, Plan};

/// Raw: what comes from a masqueraded network is addressed to the gateway, all of it. What is not must not be
/// looked up where its askers' numbers are.
pub(super) fn from(chains: &mut Chains, plan: &Plan, network: &Network, places: &Places<'_>, family: Family) {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let (id, name, place) = (network.id, short(&network.name), places.at(network.span));
    let mask = hex(destination.mask() | source.mask());
    let mark = format!("MARK --set-xmark {}/{mask}", hex(source.value(id)));
    rule!(chains, "-A ovl-from-{id} -m comment --comment \"{place} from {name}\" -j {mark}");
    let zone = network.own_zone;
    let mut known = network.known_to_anybody();
    known.retain(|known| net::family(known) == family);
    for address in &network.addresses {
        let own = address.net.addr();
        if known.iter().any(|known| known.contains(&own)) {
            let about = said(places.at(address.span), "the gateway's own");
            rule!(chains, "-A ovl-from-{id} -d {own} {about} -j CT --zone {zone}");
        }
    }
    for known in known {
        let about = said(place, "for no network");
        rule!(chains, "-A ovl-from-{id} -d {known} {about} -j CT --zone {}", network.stray_zone);
    }
    let comment = format!("-m comment --comment \"{place} answers to the gateway\"");
    rule!(chains, "-A ovl-from-{id} {comment} -j CT --zone {zone}");
}

/// Raw: the zone of what those send to a masqueraded network who open connections to it. The first zone that is set
/// holds. What is for the gateway there is none of it: its hosts, which may have the same numbers, send to that in this
/// zone.
pub(super) fn zones(
    chains: &mut Chains,
    plan: &Plan,
    network: &Network,
    places: &Places<'_>,
    family: Family,
) {
    let Some(masquerade) = &network.masquerade else { return };
    let mine = hex(plan.marks.destination.value(network.id));
    let own = network.own_as_itself().filter(|own| net::family_of(&own.alias) == family);
    for own in own {
        let (number, about) = (own.alias, said(places.at(own.span), own.words()));
        let to = format!("-A ovl-to-{} -d {number} {about}", network.id);
        rule!(chains, "{to} -j MARK --xor-mark {mine}");
        rule!(chains, "{to} -j RETURN");
    }
    let (place, source, id) = (places.at(masquerade.span), plan.marks.source, network.id);
    let zone = network.own_zone;
    let asked_by = |callers: &[usize], words: &str, option: &str| {
        let asked = callers.iter().map(|caller| {
            let caller = &plan.networks[*caller];
            let about = said(place, &format!("{} {words}", short(&caller.name)));
            (caller.id, format!("{about} -j CT {option} {zone}"))
        });
        asked.collect::<Vec<_>>()
    };
    let mut asked = asked_by(&masquerade.apart, "has the same addresses as others", "--zone-reply");
    asked.extend(asked_by(&masquerade.callers, "asks", "--zone"));
    let chain = format!("ovl-asks-{id}");
    by_mark(chains, &chain, &format!("p{id}-"), source, asked);
    rule!(chains, "-A ovl-to-{id} {} -j {chain}", said(place, "masqueraded"));
}

/// The mangle table: answers get the destination that their connection names.
pub(super) fn mangle(plan: &Plan, places: &Places<'_>) -> Chains {
    let mut chains = Chains::default();
    let field = hex(plan.marks.destination.mask());
    let answers = masqueraded(plan)
        .map(|network| {
            let about = said(places.at(network.span), short(&network.name));
            let restore = format!("CONNMARK --restore-mark --nfmask {field} --ctmask {field}");
            let rest = format!("-m conntrack --ctdir REPLY {about} -j {restore}");
            (network.interface.as_str(), rest)
        })
        .collect();
    by_device(&mut chains, "ovl-replies", 'i', answers);
    chains
}

/// The nat table: the chains that masquerade, and that write into the connection who asked.
pub(super) fn nat(chains: &mut Chains, plan: &Plan, places: &Places<'_>, family: Family) {
    let (destination, source) = (plan.marks.destination, plan.marks.source);
    let about = |n: &Network| said(places.at(n.span), short(&n.name));
    let to = masqueraded(plan).map(|n| (n.id, format!("{} -g ovl-masq-{}", about(n), n.id))).collect();
    by_mark(chains, "ovl-masq", "m", destination, to);
    let callers = plan
        .masquerade_callers()
        .map(|caller| {
            let caller = &plan.networks[caller];
            let (value, mask) = (hex(destination.value(caller.id)), hex(destination.mask()));
            (caller.id, format!("{} -j CONNMARK --set-xmark {value}/{mask}", about(caller)))
        })
        .collect();
    by_mark(chains, "ovl-sign", "g", source, callers);
    for network in masqueraded(plan) {
        let id = network.id;
        chains.open(&format!("ovl-masq-{id}"));
        rule!(chains, "-A ovl-masq-{id} -m comment --comment \"remember who asked\" -j ovl-sign");
        let sources = network.masquerade.iter().flat_map(|masquerade| &masquerade.sources);
        for one in sources.filter(|one| net::family(&one.hosts) == family) {
            let about = said(places.at(one.span), short(&network.name));
            rule!(chains, "-A ovl-masq-{id} -d {} {about} -j SNAT --to-source {}", one.hosts, one.address);
        }
    }
}

/// The masqueraded networks.
fn masqueraded(plan: &Plan) -> impl Iterator<Item = &Network> {
    plan.networks.iter().filter(|network| network.masquerade.is_some())
}
