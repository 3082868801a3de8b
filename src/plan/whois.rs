//! What an address or a host's name means, and to whom.
//!
//! Goes in: a [`Plan`], a [`Question`], and perhaps the one network that asks. Comes out: an
//! [`Answer`], in the order of the networks. What must hold: one question has one answer for each
//! network that asks it, and the answer is what the rules do with a packet.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Mapping, Peering, Plan};
use crate::net;
use crate::source::Span;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question<'q> {
    /// An address, real or alias.
    Address(IpAddr),
    /// The hosts of this name, in one network (a place in [`Plan::networks`]) or in all.
    Host(&'q str, Option<usize>),
}

/// What it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The gateway itself, outside the networks: places in [`Plan::outside`].
    pub outside: Vec<usize>,
    /// Those it stands for.
    pub subjects: Vec<Subject>,
    /// Prefixes of which it is a part that means nobody: network (a place in [`Plan::networks`]),
    /// prefix, and where that is written.
    pub vacant: Vec<(usize, IpNet, Span)>,
}

/// Somebody with an address in a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The network: a place in [`Plan::networks`].
    pub network: usize,
    /// The address there.
    pub address: IpAddr,
    /// The `prefix` that the address is part of, or the gateway's `address`.
    pub span: Span,
    /// Where the address is the gateway's own: its `address`.
    pub gateway: Option<Span>,
    /// Names that the address has: places in the network's `hosts`.
    pub hosts: Vec<usize>,
    /// Whether the question was for an alias; then only those to whom it is one are in `views`.
    pub by_alias: bool,
    /// Who knows it, in source order. Nobody is said to know the gateway by an address that is not
    /// an alias: each network reaches it at its address there.
    pub views: Vec<View>,
}

/// How a network knows a host of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Who knows it: a place in [`Plan::networks`].
    pub viewer: usize,
    /// By which address.
    pub known: Known,
    /// The `connect` by which hosts of the viewer may open connections to it.
    pub opens: Option<Opening>,
    /// The `connect` by which it may open connections to them.
    pub answers: Option<Opening>,
}

/// A `connect` by which connections may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Where it is written.
    pub span: Span,
    /// Whether its rules say which ones; at least one does.
    pub by_rules: bool,
}

/// By which address a network knows a host of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// By this one, out of the `prefix` written there.
    As(IpAddr, Span),
    /// The viewer's nodes are masqueraded, as is written there: they see the gateway's own address;
    /// which one it is depends on who looks where there are several.
    Masqueraded(Option<IpAddr>, Span),
    /// The viewer has no addresses of the family.
    OtherFamily,
    /// By none.
    Nothing,
    /// No `connect` joins the two.
    Apart,
}

impl Answer {
    /// Whether it is an answer to `from`, or to anybody.
    #[must_use]
    pub fn is_something(&self, from: Option<usize>) -> bool {
        let known = |view: &View| matches!(view.known, Known::As(..) | Known::Masqueraded(..));
        let means = |subject: &Subject| {
            from.is_none_or(|from| from == subject.network || subject.views.iter().any(known))
        };
        !self.outside.is_empty() || self.subjects.iter().any(means)
    }
}

/// Answers a question; with `from`, as seen by this network alone.
#[must_use]
pub fn ask(plan: &Plan, question: Question<'_>, from: Option<usize>) -> Answer {
    let search = Search { plan, from, partners: plan.partners(), connects: connects(plan) };
    match question {
        Question::Address(address) => search.address(address),
        Question::Host(name, network) => {
            let asked = |n: &usize| network.is_none_or(|network| network == *n);
            let named = |n: usize| {
                let hosts = plan.networks[n].hosts.iter().filter(|host| host.name == name);
                hosts.map(move |host| (n, host.address))
            };
            let subjects = (0..plan.networks.len()).filter(asked).flat_map(named);
            let subjects = subjects.filter_map(|(n, address)| search.real(n, address)).collect();
            Answer { subjects, ..Answer::default() }
        }
    }
}

/// The `connect` for each pair: who opens, who answers; `None` where its rules allow nothing.
fn connects(plan: &Plan) -> BTreeMap<(usize, usize), Option<Opening>> {
    let opening = |peering: &Peering| {
        let by_rules = peering.policy.is_some();
        plan.opens(peering).then_some(Opening { span: peering.span, by_rules })
    };
    plan.peerings.iter().map(|peering| ((peering.from, peering.to), opening(peering))).collect()
}

struct Search<'p> {
    plan: &'p Plan,
    from: Option<usize>,
    partners: Vec<Vec<usize>>,
    connects: BTreeMap<(usize, usize), Option<Opening>>,
}

impl Search<'_> {
    fn address(&self, address: IpAddr) -> Answer {
        let Plan { networks, outside, .. } = self.plan;
        let mut answer = Answer::default();
        // What the gateway has elsewhere is no answer to a network, which cannot reach it.
        if self.from.is_none() {
            answer.outside = (0..outside.len()).filter(|n| outside[*n].0.net.addr() == address).collect();
        }
        for network in 0..networks.len() {
            answer.subjects.extend(self.real(network, address));
            self.by_alias(network, address, &mut answer);
        }
        answer
    }

    /// Whoever has this address in a network.
    fn real(&self, network: usize, address: IpAddr) -> Option<Subject> {
        let gateway = self.gateway(network, address);
        let pieces = &self.plan.networks[network].admitted;
        let prefix = || pieces.iter().find(|piece| piece.real.contains(&address)).map(|piece| piece.span);
        let span = gateway.or_else(prefix)?;
        let viewers: Vec<usize> = match self.from {
            _ if gateway.is_some() => Vec::new(),
            None => self.partners[network].clone(),
            Some(from) => Some(from).into_iter().filter(|from| *from != network).collect(),
        };
        let view = |viewer| self.view(network, viewer, self.known(network, viewer, address));
        let views = viewers.into_iter().map(view).collect();
        let hosts = self.hosts(network, address);
        Some(Subject { network, address, span, gateway, hosts, by_alias: false, views })
    }

    /// Those in a network who are meant by an address that is not their own.
    fn by_alias(&self, network: usize, alias: IpAddr, answer: &mut Answer) {
        let mut subjects: Vec<Subject> = Vec::new();
        for &viewer in &self.partners[network] {
            let silent = self.plan.networks[viewer].masquerade.is_some();
            if silent || !self.plan.networks[viewer].speaks(net::family_of(&alias)) || !self.asks(viewer) {
                continue;
            }
            let Some((address, Mapping { span, .. })) = self.plan.meant_by(network, viewer, alias) else {
                let known = self.plan.known_to(network, viewer);
                let around = known.filter(|(prefix, _)| prefix.contains(&alias));
                for (prefix, span) in around {
                    if !answer.vacant.contains(&(network, prefix, span)) {
                        answer.vacant.push((network, prefix, span));
                    }
                }
                continue;
            };
            if address == alias {
                continue;
            }
            let view = self.view(network, viewer, Known::As(alias, *span));
            match subjects.iter_mut().find(|subject| subject.address == address) {
                Some(subject) => subject.views.push(view),
                None => subjects.push(Subject {
                    network,
                    address,
                    span: *span,
                    gateway: self.gateway(network, address),
                    hosts: self.hosts(network, address),
                    by_alias: true,
                    views: vec![view],
                }),
            }
        }
        answer.subjects.append(&mut subjects);
    }

    fn known(&self, owner: usize, viewer: usize, address: IpAddr) -> Known {
        let (network, family) = (&self.plan.networks[viewer], net::family_of(&address));
        let joined = [(owner, viewer), (viewer, owner)].iter().any(|pair| self.connects.contains_key(pair));
        if !joined {
            return Known::Apart;
        }
        if let Some(masquerade) = &network.masquerade {
            let mut sources = masquerade.sources.iter().map(|source| source.address);
            let first = sources.clone().find(|address| net::family_of(address) == family);
            let several = sources.any(|it| net::family_of(&it) == family && Some(it) != first);
            return match first {
                Some(_) => Known::Masqueraded(first.filter(|_| !several), masquerade.span),
                None => Known::OtherFamily,
            };
        }
        if !network.speaks(family) {
            return Known::OtherFamily;
        }
        let known = self.plan.known_as(owner, viewer, address);
        known.map_or(Known::Nothing, |(alias, piece)| Known::As(alias, piece.span))
    }

    fn view(&self, owner: usize, viewer: usize, known: Known) -> View {
        let opens = self.connects.get(&(viewer, owner)).copied().flatten();
        let answers = self.connects.get(&(owner, viewer)).copied().flatten();
        View { viewer, known, opens, answers }
    }

    /// Whether a network's view is asked for.
    fn asks(&self, network: usize) -> bool {
        self.from.is_none_or(|from| from == network)
    }

    fn gateway(&self, network: usize, address: IpAddr) -> Option<Span> {
        let own = &self.plan.networks[network].addresses;
        own.iter().find(|own| own.net.addr() == address).map(|own| own.span)
    }

    fn hosts(&self, network: usize, address: IpAddr) -> Vec<usize> {
        let hosts = self.plan.networks[network].hosts.iter().enumerate();
        hosts.filter(|(_, host)| host.address == address).map(|(n, _)| n).collect()
    }
}
