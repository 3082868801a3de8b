//! A network block: its statements become values.
//!
//! Goes in: one network of the tree, in the scopes around it. Comes out: a [`Network`] at the end of
//! the list, unless anything in it could not be resolved. What must hold: its name is declared in
//! any case, so that a `connect` that names it is not blamed.

use std::collections::HashMap;

use super::Resolver;
use super::errors::{DuplicateName, InvalidName, MissingStatement, RepeatedStatement, UnknownChoice};
use super::meant::Meant;
use super::scope::bare;
use super::value::{Literal, Value, read};
use super::viewers::Named;
use crate::model::{Alias, Host, Mss, Network, Prefix, Route};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, Expr, NetworkStatement, Word};

/// How a network's nodes see the others.
#[derive(Clone, Copy, PartialEq)]
enum Nodes {
    Routed,
    Masqueraded,
}

/// The statements of one block as far as they are known.
#[derive(Default)]
struct Parts<'a> {
    id: Option<(Span, Option<Spanned<u64>>)>,
    interface: Option<(Span, Option<Spanned<String>>)>,
    nodes: Option<(Span, Option<Span>)>,
    mss: Option<(Span, Option<Spanned<Mss>>)>,
    addresses: Vec<Spanned<ipnet::IpNet>>,
    prefixes: Vec<Prefix>,
    /// Whom aliases of these prefixes are for.
    viewers: Vec<Named<'a>>,
    routes: Vec<Route>,
    hosts: Vec<Host>,
    host_names: HashMap<String, Span>,
    /// A prefix was written, even if it has no value.
    has_prefix: bool,
}

impl<'a> Resolver<'a, '_> {
    /// Resolves a network block.
    pub(super) fn network(&mut self, block: &'a ast::Network) {
        let Some(name) = self.name("network", &block.name) else {
            self.names_missing = true;
            return;
        };
        if !self.declare(&name) {
            return;
        }
        let before = self.failures;
        let mut parts = Parts::default();
        for statement in &block.statements {
            self.network_statement(statement, &name.value, &mut parts);
        }
        if !self.after_errors {
            self.check_complete(&parts, &name);
        }
        // A part of a network would look like one with a prefix or an address too few.
        let (Some((_, Some(interface))), true) = (parts.interface, self.failures == before) else { return };
        if let Some(declared) = self.names.get_mut(&name.value) {
            declared.network = Some(self.networks.len());
        }
        self.note_viewers(parts.viewers);
        self.networks.push(Network {
            name,
            instance: self.instance.clone(),
            id: parts.id.and_then(|(_, id)| id),
            interface,
            addresses: parts.addresses,
            prefixes: parts.prefixes,
            routes: parts.routes,
            hosts: parts.hosts,
            masqueraded: parts.nodes.and_then(|(_, masqueraded)| masqueraded),
            mss: parts.mss.and_then(|(_, mss)| mss),
        });
    }

    fn network_statement(&mut self, statement: &'a NetworkStatement, network: &str, parts: &mut Parts<'a>) {
        match statement {
            NetworkStatement::Id(number, span) => {
                let number = self.number(number);
                self.once_in_network("id", network, *span, &mut parts.id, number);
            }
            NetworkStatement::Interface(word, span) => {
                let interface = self.text(word).map(|name| Spanned::new(name, word.span));
                self.once_in_network("interface", network, *span, &mut parts.interface, interface);
            }
            NetworkStatement::Address(address, _) => {
                let address = self.interface_address(address);
                parts.addresses.extend(address);
            }
            NetworkStatement::Prefix(real, aliases, span) => {
                parts.has_prefix = true;
                let real = self.prefix(real);
                let place = parts.prefixes.len();
                let aliases: Vec<Option<Alias>> = aliases
                    .iter()
                    .enumerate()
                    .map(|(n, alias)| self.alias(alias, (place, n), &mut parts.viewers))
                    .collect();
                // An alias that has no value must not look like a prefix without one.
                if let Some((real, aliases)) = real.zip(aliases.into_iter().collect()) {
                    parts.prefixes.push(Prefix { real, aliases, span: *span });
                }
            }
            NetworkStatement::Route(prefix, via, span) => {
                let (prefix, via) = (self.prefix(prefix), self.address(via));
                let route = prefix.zip(via).map(|(prefix, via)| Route { prefix, via, span: *span });
                parts.routes.extend(route);
            }
            NetworkStatement::Host(name, address, _) => self.host_statement(name, address, parts),
            NetworkStatement::Nodes(word, span) => {
                let meanings = [("routed", Nodes::Routed), ("masqueraded", Nodes::Masqueraded)];
                let choice = self.choice("nodes", word, meanings, &["routed", "masqueraded"]);
                let masqueraded = choice.is_some_and(|choice| choice.value == Nodes::Masqueraded);
                self.once_in_network("nodes", network, *span, &mut parts.nodes, masqueraded.then_some(*span));
            }
            NetworkStatement::Mss(word, size, span) => {
                let choice = match bare(word).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit())) {
                    Some(bytes) if size.is_none() => {
                        let (span, choices) = (word.span, &["clamp"][..]);
                        let similar = Some(Meant::instead_of(span, &format!("clamp {bytes}")));
                        self.report(UnknownChoice { keyword: "mss", word: bytes, span, choices, similar });
                        None
                    }
                    _ => self.choice("mss", word, [("clamp", ())], &["clamp"]),
                };
                let place = size.as_ref().map_or(*span, Expr::span);
                let size = size.as_ref().map(|size| self.number(size));
                let mss = match (choice, size) {
                    (Some(_), None) => Some(Mss::Route),
                    (Some(_), Some(Some(size))) => Some(Mss::Packet(size.value)),
                    _ => None,
                };
                let mss = mss.map(|mss| Spanned::new(mss, place));
                self.once_in_network("mss", network, *span, &mut parts.mss, mss);
            }
        }
    }

    /// One alias of the prefix at a place; whom it is for is looked up when all networks are known.
    fn alias(
        &mut self,
        alias: &'a ast::Alias,
        (prefix, place): (usize, usize),
        viewers: &mut Vec<Named<'a>>,
    ) -> Option<Alias> {
        let net = self.prefix(&alias.net);
        if let Some(word) = &alias.viewers
            && let Some(name) = self.text(word)
        {
            viewers.push(Named { prefix, alias: place, name, word });
        }
        Some(Alias {
            net: net?,
            viewers: alias.viewers.as_ref().map(|_| Vec::new()),
            elsewhere: Vec::new(),
            named: alias.viewers.as_ref().map_or(alias.net.span(), |word| word.span),
            span: alias.span,
        })
    }

    fn once_in_network<T>(
        &mut self,
        keyword: &'static str,
        network: &str,
        here: Span,
        place: &mut Option<(Span, T)>,
        value: T,
    ) {
        match place {
            None => *place = Some((here, value)),
            Some((earlier, _)) => {
                let (block, earlier) = (format!("network `{network}`"), *earlier);
                self.report(RepeatedStatement { keyword, block, here, earlier });
            }
        }
    }

    fn host_statement(&mut self, name: &'a Word, address: &'a Expr, parts: &mut Parts<'_>) {
        if let (Some(first), Expr::Word(second)) = (bare(name), address)
            && let Literal::Value(Value::Address(_) | Value::Prefix(_)) = read(first)
            && let Some(second) = bare(second).filter(|second| read(second) == Literal::Name)
        {
            let swapped = Some((name.span.to(address.span()), format!("{second} {first}")));
            let fault = String::from("an address");
            self.report(InvalidName { what: "host", name: first, span: name.span, fault, swapped });
            return;
        }
        let (name, address) = (self.name("host", name), self.address(address));
        let Some((name, address)) = name.zip(address) else { return };
        if let Some(earlier) = parts.host_names.insert(name.value.clone(), name.span) {
            self.report(DuplicateName { what: "host", name: &name.value, here: name.span, earlier });
            return;
        }
        parts.hosts.push(Host { name, address });
    }

    fn check_complete(&mut self, parts: &Parts<'_>, name: &Spanned<String>) {
        let (network, span) = (name.value.as_str(), name.span);
        if parts.interface.is_none() {
            let help = "say which interface its hosts are behind, like `interface eth1`";
            self.report(MissingStatement { keyword: "interface", network, span, help });
        }
        if !parts.has_prefix {
            let help = "say which addresses its hosts have, like `prefix 192.168.2.0/24 as 192.168.13.0/24`";
            self.report(MissingStatement { keyword: "prefix", network, span, help });
        }
    }
}
