//! Who is who: the declared hosts under the addresses by which each network must call them, as
//! hosts(5) or for dnsmasq(8).
//!
//! Goes in: a plan. Comes out: one text with a section for each network, or a file for each. What must
//! hold: a name has one address of a family in the eyes of a network, and it is the one that the rules
//! translate; no answer of a resolver is translated that could be about somebody else.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::Serialize;

use super::provenance::{Place, Places};
use super::template;
use super::text::{Block, Blocks, line};
use crate::net::{self, Family};
use crate::plan::{Mapping, Plan};
use crate::source::Span;

/// The file that the names are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// hosts(5)
    Hosts,
    /// dnsmasq(8)
    Dnsmasq,
}

/// What both templates take.
#[derive(Serialize)]
struct NamesView<'a> {
    header: String,
    networks: Vec<SectionView<'a>>,
}

#[derive(Serialize)]
struct SectionView<'a> {
    name: &'a str,
    place: Place<'a>,
    lines: String,
}

/// The text with all networks that have anything to call by name.
pub(super) fn emit(plan: &Plan, places: &Places<'_>, blocks: &Blocks, form: Form) -> String {
    let sections = sections(plan, places, form);
    let networks = sections.map(|(n, lines)| section(plan, places, n, blocks.keep(lines))).collect();
    render(plan, places, networks, form)
}

/// A file for each network that has anything to call by name.
pub(super) fn files(plan: &Plan, places: &Places<'_>, form: Form) -> Vec<(String, String)> {
    let file = |(n, lines): (usize, Block)| {
        let name = &plan.networks[n].name;
        let path = match form {
            Form::Hosts => name.clone(),
            Form::Dnsmasq => format!("{name}.conf"),
        };
        (path, render(plan, places, vec![section(plan, places, n, lines.finish())], form))
    };
    sections(plan, places, form).map(file).collect()
}

fn section<'a>(plan: &'a Plan, places: &'a Places<'_>, viewer: usize, lines: String) -> SectionView<'a> {
    let network = &plan.networks[viewer];
    SectionView { name: &network.name, place: places.at(network.span), lines }
}

fn render(plan: &Plan, places: &Places<'_>, networks: Vec<SectionView<'_>>, form: Form) -> String {
    let view = NamesView { header: places.header(&plan.site), networks };
    let template = match form {
        Form::Hosts => "names/hosts.j2",
        Form::Dnsmasq => "names/dnsmasq.conf.j2",
    };
    template::render(template, view)
}

/// The lines for each network, those left out that have none.
fn sections<'a>(
    plan: &'a Plan,
    places: &'a Places<'_>,
    form: Form,
) -> impl Iterator<Item = (usize, Block)> + 'a {
    let lines = move |(viewer, callees): (usize, Vec<(usize, Span)>)| {
        let callees: Vec<usize> = callees.into_iter().map(|(to, _)| to).collect();
        let mut lines = Block::default();
        records(&mut lines, plan, viewer, &callees, places, form);
        if form == Form::Dnsmasq {
            translations(&mut lines, plan, viewer, &callees, places);
        }
        let lines = Some(lines).filter(|lines| !lines.is_empty())?;
        Some((viewer, lines))
    };
    plan.callees().into_iter().enumerate().filter_map(lines)
}

/// A line for each host that has a name.
fn records(
    lines: &mut Block,
    plan: &Plan,
    viewer: usize,
    callees: &[usize],
    places: &Places<'_>,
    form: Form,
) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for &owner in [viewer].iter().chain(callees) {
        let network = &plan.networks[owner];
        for host in &network.hosts {
            let (name, place) = (format!("{}.{}", host.name, network.name), places.at(host.span));
            let address = match owner == viewer {
                true => Some(host.address),
                false if !plan.networks[viewer].speaks(net::family_of(&host.address)) => None,
                false => plan.known_as(owner, viewer, host.address).map(|(alias, _)| alias),
            };
            let Some(address) = address else { continue };
            if !taken.insert(name.to_ascii_lowercase()) {
                line!(lines, "# {name} is left out, another name differs from it in case alone: {place}");
            } else {
                match form {
                    Form::Hosts => line!(lines, "{address} {name} # {place}"),
                    Form::Dnsmasq => line!(lines, "host-record={name},{address} # {place}"),
                }
            }
        }
    }
}

/// The `alias` lines. dnsmasq translates by address whatever resolver an answer is from, so a line
/// stands as a comment where the addresses could be those of hosts of another network as well.
fn translations(lines: &mut Block, plan: &Plan, viewer: usize, callees: &[usize], places: &Places<'_>) {
    let pieces = |owner: usize| {
        let v4 = move |piece: &&Mapping| net::family(&piece.real) == Family::V4;
        plan.mappings_to(owner, viewer).filter(v4)
    };
    if !plan.networks[viewer].speaks(Family::V4) {
        return;
    }
    let own = plan.networks[viewer].admitted.iter().map(|admitted| (admitted.real, viewer));
    let others = callees
        .iter()
        .flat_map(|owner| pieces(*owner).flat_map(|piece| [(piece.real, *owner), (piece.alias, *owner)]));
    let meanings = Meanings::new(own.chain(others));
    for &owner in callees {
        let name = &plan.networks[owner].name;
        let translated = pieces(owner).filter(|piece| piece.real != piece.alias);
        let (mixed, clear): (Vec<&Mapping>, Vec<&Mapping>) =
            translated.partition(|piece| meanings.other(&piece.real, owner).is_some());
        let alias = |piece: &Mapping| {
            let (old, new, mask) = (piece.real.network(), piece.alias.network(), piece.real.netmask());
            format!("alias={old},{new},{mask} # {} {name}", places.at(piece.span))
        };
        for piece in clear {
            line!(lines, "{}", alias(piece));
        }
        let other = mixed.first().and_then(|piece| meanings.other(&piece.real, owner));
        if let Some(other) = other.map(|other| &plan.networks[other].name) {
            line!(
                lines,
                "# {other} has such numbers too: a resolver of {name} needs a dnsmasq of its own, with"
            );
        }
        for piece in mixed {
            line!(lines, "#{}", alias(piece));
        }
    }
}

/// What addresses in answers can be: prefixes and whose they are.
struct Meanings {
    /// Owners by prefix; the first two that differ are enough.
    owners: BTreeMap<IpNet, Vec<usize>>,
    /// The lengths that occur.
    lengths: BTreeSet<u8>,
}

impl Meanings {
    fn new(all: impl Iterator<Item = (IpNet, usize)>) -> Self {
        let mut owners: BTreeMap<IpNet, Vec<usize>> = BTreeMap::new();
        for (net, owner) in all {
            let owners = owners.entry(net).or_default();
            if owners.len() < 2 && !owners.contains(&owner) {
                owners.push(owner);
            }
        }
        let lengths = owners.keys().map(IpNet::prefix_len).collect();
        Self { owners, lengths }
    }

    /// A network other than `owner` that has addresses of `net`.
    fn other(&self, net: &IpNet, owner: usize) -> Option<usize> {
        let shorter =
            self.lengths.range(..net.prefix_len()).filter_map(|length| net::prefix(net.addr(), *length));
        let around = shorter.filter_map(|around| self.owners.get(&around));
        // Sorted by address, then length: what lies inside a prefix follows it.
        let inside =
            self.owners.range(net..).take_while(|(inner, _)| net.contains(*inner)).map(|(_, owners)| owners);
        around.chain(inside).flatten().copied().find(|other| *other != owner)
    }
}
