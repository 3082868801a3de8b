//! What stands behind `from` and `to`, in the eyes of one network.
//!
//! Goes in: the parties of a rule, and a network that opens or answers. Comes out: whether they are
//! about its hosts, and about which. What must hold: the answer depends on what the network says of
//! itself and not on which one it is, so that thousands of equal ones share it.

use ipnet::IpNet;

use super::super::Resolver;
use super::super::connects::matches;
use super::super::meant::Meant;
use super::Party;
use super::errors::{AliasInRule, Ambiguous, OutsideNetwork, UnknownHost, WrongNetwork};
use super::items::{EVERYTHING, Range, range};
use crate::diag::suggest::closest;
use crate::model::{Instance, Network, NetworkId};
use crate::net;
use crate::source::{Span, Spanned};

/// How the parties of one side of a rule fit a network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fit {
    /// Nothing is said: every host.
    Every,
    /// The network itself is named: every host.
    Whole,
    /// These hosts.
    Nets(Vec<Spanned<IpNet>>),
    /// Only other networks of the `connect` are named.
    Elsewhere,
    /// The parties at these places are not of this network.
    Wrong(Vec<usize>),
    /// It means two things, and that is reported.
    Ambiguous,
}

impl Fit {
    /// The hosts as a rule of the model has them.
    pub(super) fn nets(&self) -> Vec<Spanned<IpNet>> {
        match self {
            Self::Nets(nets) => nets.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn fits(&self) -> bool {
        matches!(self, Self::Every | Self::Whole | Self::Nets(_))
    }

    /// The places of the parties that are not of the network.
    pub(super) fn wrong(&self) -> &[usize] {
        if let Self::Wrong(places) = self { places } else { &[] }
    }
}

/// What one party is to a network.
enum Found {
    Whole,
    Net(IpNet),
    Elsewhere,
    Nothing,
    Ambiguous,
}

/// Where a party that fits no direction was looked for.
pub(super) struct Place {
    /// `from` or `to`.
    pub(super) side: &'static str,
    /// Whose hosts belong there; both networks where either direction was possible.
    pub(super) networks: Vec<NetworkId>,
    /// The network on the other side of the pair.
    pub(super) other: NetworkId,
    /// The pair is one of many: other networks of the `connect` may well have what this one lacks.
    pub(super) of_many: bool,
    /// It is told already that something in the rule belongs to the other side.
    pub(super) swapped: bool,
}

impl Resolver<'_, '_> {
    /// How `parties` fit a network. `elsewhere` says of each whether it names a network of the side.
    pub(super) fn fit(&mut self, parties: &[Party], elsewhere: &[bool], network: NetworkId) -> Fit {
        if parties.is_empty() {
            return Fit::Every;
        }
        let (mut nets, mut whole, mut wrong) = (Vec::new(), false, Vec::new());
        for (n, (party, elsewhere)) in parties.iter().zip(elsewhere).enumerate() {
            match self.found(party, *elsewhere, network) {
                Found::Whole => whole = true,
                Found::Net(net) => nets.push(Spanned::new(net, party.span)),
                Found::Elsewhere => {}
                Found::Nothing => wrong.push(n),
                Found::Ambiguous => return Fit::Ambiguous,
            }
        }
        if !wrong.is_empty() {
            return Fit::Wrong(wrong);
        }
        match (whole, nets.is_empty()) {
            (true, _) => Fit::Whole,
            (false, false) => Fit::Nets(nets),
            (false, true) => Fit::Elsewhere,
        }
    }

    /// The hosts that each of the parties is to a network that they fit.
    pub(super) fn ranges(
        &mut self,
        parties: &[Party],
        elsewhere: &[bool],
        network: NetworkId,
    ) -> Vec<Option<Range>> {
        let found = parties.iter().zip(elsewhere).map(|(party, elsewhere)| {
            match self.found(party, *elsewhere, network) {
                Found::Whole => Some(EVERYTHING),
                Found::Net(net) => range(&net),
                Found::Elsewhere | Found::Nothing | Found::Ambiguous => None,
            }
        });
        found.collect()
    }

    fn found(&mut self, party: &Party, elsewhere: bool, id: NetworkId) -> Found {
        let host = party.name.as_deref().and_then(|name| self.host_of(id, name));
        let network = &self.networks[id.0];
        let host = host.map(|host| &network.hosts[host]);
        let named = party.name.as_deref().is_some_and(|name| matches(name, &network.name.value));
        match (host, named, party.net) {
            (Some(host), true, _) => {
                let name = host.name.value.clone();
                let (host, network) = (host.name.span, network.name.span);
                self.report(Ambiguous::HostOrNetwork { name: &name, span: party.span, host, network });
                Found::Ambiguous
            }
            (Some(host), false, None) => Found::Net(net::single(host.address.value)),
            (None, true, None) => Found::Whole,
            (None, false, Some(net)) if overlaps(network, &net) => Found::Net(net),
            (None, false, Some(_)) => Found::Nothing,
            (None, false, None) if elsewhere => Found::Elsewhere,
            (None, false, None) => Found::Nothing,
            (host, _, Some(net)) => {
                let declared = host.map_or(network.name.span, |host| host.name.span);
                let (name, net) = (party.name.clone().unwrap_or_default(), net::written(&net));
                self.report(Ambiguous::Value { name: &name, span: party.span, declared, net });
                Found::Ambiguous
            }
        }
    }

    /// The place of a host among those of its network.
    fn host_of(&mut self, network: NetworkId, name: &str) -> Option<usize> {
        let hosts = &self.networks[network.0].hosts;
        let index = self.hosts.entry(network).or_insert_with(|| {
            hosts.iter().enumerate().map(|(n, host)| (host.name.value.clone(), n)).collect()
        });
        index.get(name).copied()
    }

    /// What of a network a party is about: the place and its words, with the instance of a `for` there.
    pub(super) fn counterpart(&mut self, party: &Party, id: NetworkId) -> Option<(Span, String, Instance)> {
        let host = party.name.as_deref().and_then(|name| self.host_of(id, name));
        let network = &self.networks[id.0];
        let name = &network.name.value;
        let (span, text) = match (host, party.net) {
            (Some(host), _) => (network.hosts[host].name.span, format!("a host of `{name}`")),
            (None, Some(net)) => {
                let prefix = network.prefixes.iter().find(|prefix| net::overlap(&prefix.real.value, &net))?;
                (prefix.real.span, format!("hosts of `{name}`"))
            }
            (None, None) => return None,
        };
        Some((span, text, network.instance.clone()))
    }

    /// Says why a party is not of the networks it should be of, and returns whether it belongs to the other
    /// side of the rule.
    pub(super) fn misplaced(&mut self, party: &Party, place: &Place) -> bool {
        match (&party.name, party.net) {
            (_, Some(net)) => self.misplaced_net(party, net, place),
            (Some(name), None) => self.misplaced_name(party, name, place),
            (None, None) => false,
        }
    }

    fn misplaced_name(&mut self, party: &Party, name: &str, place: &Place) -> bool {
        let expected = self.networks[place.networks[0].0].name.value.clone();
        let owner = self.owner_of(name, place);
        if let Some(owner) = owner.filter(|owner| !place.networks.contains(owner)) {
            let other_side = owner == place.other;
            let owner = &self.networks[owner.0].clone();
            let (text, span, side) = (name.to_owned(), party.span, place.side);
            if !(other_side && place.swapped) {
                self.report(WrongNetwork { text, span, side, expected: &expected, owner, other_side });
            }
            return other_side;
        }
        if self.names_missing {
            self.failures += 1;
            return false;
        }
        let guess = self.may_guess();
        let looked: Vec<&Network> = place.networks.iter().map(|id| &self.networks[id.0]).collect();
        let hosts =
            looked.iter().flat_map(|network| network.hosts.iter().map(|host| host.name.value.as_str()));
        let names = looked.iter().map(|network| network.name.value.as_str());
        let similar = if guess { closest(name, hosts.chain(names)) } else { None };
        let similar = similar.or_else(|| of_network(name, &looked)).map(|similar| match party.literal {
            true => Meant::instead_of(party.span, similar),
            false => Meant::name(similar),
        });
        let networks: Vec<Network> = looked.into_iter().cloned().collect();
        let networks = networks.iter().collect();
        self.report(UnknownHost { name, span: party.span, side: place.side, networks, similar });
        false
    }

    /// The network that is called `name`, or has a host of this name: the one on the other side before
    /// all others.
    fn owner_of(&mut self, name: &str, place: &Place) -> Option<NetworkId> {
        let first = place.other;
        if matches(name, &self.networks[first.0].name.value) || self.host_of(first, name).is_some() {
            return Some(first);
        }
        if let Some(declared) = self.names.get(name) {
            return declared.network.map(NetworkId);
        }
        let has = |network: &Network| network.hosts.iter().any(|host| host.name.value == name);
        let found =
            if !place.of_many && self.may_guess() { self.networks.iter().position(has) } else { None };
        found.map(NetworkId)
    }

    fn misplaced_net(&mut self, party: &Party, net: IpNet, place: &Place) -> bool {
        let written = Spanned::new(net, party.span);
        let looked: Vec<&Network> = place.networks.iter().map(|id| &self.networks[id.0]).collect();
        let own_alias =
            looked.iter().find_map(|network| Some((network.name.value.clone(), network.behind_alias(&net)?)));
        if let Some((network, (alias, real))) = own_alias {
            let exact = party.literal && self.instance.is_none();
            self.report(AliasInRule { net: written, network: &network, alias, real, exact });
            return false;
        }
        let other = &self.networks[place.other.0];
        let is_other = !place.networks.contains(&place.other);
        if is_other && (overlaps(other, &net) || other.behind_alias(&net).is_some()) {
            let (expected, owner) = (looked[0].name.value.clone(), &other.clone());
            let (text, span, side) = (net::written(&net), party.span, place.side);
            if !place.swapped {
                self.report(WrongNetwork { text, span, side, expected: &expected, owner, other_side: true });
            }
            return true;
        }
        let networks: Vec<Network> = looked.into_iter().cloned().collect();
        self.report(OutsideNetwork { net: written, networks: networks.iter().collect() });
        false
    }
}

/// The host that is meant by `NETWORK.HOST` or `HOST.NETWORK`.
fn of_network<'n>(name: &str, networks: &[&'n Network]) -> Option<&'n str> {
    let (first, second) = name.split_once('.')?;
    networks.iter().find_map(|network| {
        let own = network.name.value.as_str();
        let host = if first == own { second } else { (second == own).then_some(first)? };
        let host = network.hosts.iter().find(|known| known.name.value == host)?;
        Some(host.name.value.as_str())
    })
}

/// Whether any host of the network has one of the addresses.
fn overlaps(network: &Network, net: &IpNet) -> bool {
    network.prefixes.iter().any(|prefix| net::overlap(&prefix.real.value, net))
}
