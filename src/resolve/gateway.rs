//! The gateway block: how the site is realised, and what else the host has.
//!
//! Goes in: its statements. Comes out: [`Gateway`], with `None` where nothing is said. What must
//! hold: each statement stands once, addresses excepted.

use super::Resolver;
use super::errors::{RepeatedStatement, UnknownChoice};
use super::meant::Meant;
use crate::model::{Firewall, Gateway, GatewayAddress, Isolation};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, GatewayStatement, Word};

impl<'a> Resolver<'a, '_> {
    /// Resolves the gateway block.
    pub(super) fn gateway(&mut self, block: &'a ast::Gateway) {
        if let Some((_, earlier)) = &self.gateway {
            let (keyword, here, earlier) = ("gateway", block.keyword, *earlier);
            self.report(RepeatedStatement { keyword, block: String::from("this site"), here, earlier });
            return;
        }
        let mut gateway = Gateway {
            name: block.name.as_ref().and_then(|name| self.name("gateway", name)),
            ..Gateway::default()
        };
        let mut said = Said::default();
        for statement in &block.statements {
            match statement {
                GatewayStatement::Firewall(word, span) => {
                    let choices = [("nftables", Firewall::Nftables), ("iptables", Firewall::Iptables)];
                    let choice = self.choice("firewall", word, choices, &["nftables", "iptables"]);
                    self.once(&mut said.firewall, "firewall", *span, &mut gateway.firewall, choice);
                }
                GatewayStatement::Isolation(word, span) => {
                    let choices = [("vrf", Isolation::Vrf), ("rules", Isolation::Rules)];
                    let choice = self.choice("isolation", word, choices, &["vrf", "rules"]);
                    self.once(&mut said.isolation, "isolation", *span, &mut gateway.isolation, choice);
                }
                GatewayStatement::Marks(mask, span) => {
                    let mask = self.number(mask);
                    self.once(&mut said.marks, "marks", *span, &mut gateway.marks, mask);
                }
                GatewayStatement::Preferences(first, last, span) => {
                    let place = first.span().to(last.span());
                    let (first, last) = (self.number(first), self.number(last));
                    let range =
                        first.zip(last).map(|(first, last)| Spanned::new((first.value, last.value), place));
                    self.once(&mut said.preferences, "preferences", *span, &mut gateway.preferences, range);
                }
                GatewayStatement::Protocol(number, span) => {
                    let number = self.number(number);
                    self.once(&mut said.protocol, "protocol", *span, &mut gateway.protocol, number);
                }
                GatewayStatement::Address(address, interface, _) => {
                    let address = self.interface_address(address);
                    let name = self.text(interface).map(|name| Spanned::new(name, interface.span));
                    let address =
                        address.zip(name).map(|(address, interface)| GatewayAddress { address, interface });
                    gateway.addresses.extend(address);
                }
            }
        }
        self.gateway = Some((gateway, block.keyword));
    }

    fn once<T>(
        &mut self,
        said: &mut Option<Span>,
        keyword: &'static str,
        here: Span,
        place: &mut Option<T>,
        value: Option<T>,
    ) {
        match *said {
            None => *place = value,
            Some(earlier) => {
                let block = String::from("the gateway");
                self.report(RepeatedStatement { keyword, block, here, earlier });
            }
        }
        said.get_or_insert(here);
    }

    /// One of the words a statement knows.
    pub(super) fn choice<T: Copy, const N: usize>(
        &mut self,
        keyword: &'static str,
        word: &'a Word,
        meanings: [(&'static str, T); N],
        choices: &'static [&'static str],
    ) -> Option<Spanned<T>> {
        let text = self.text(word)?;
        if let Some((_, meaning)) = meanings.iter().find(|(choice, _)| *choice == text) {
            return Some(Spanned::new(*meaning, word.span));
        }
        let similar = Meant::find(word, &text, choices.iter().copied());
        self.report(UnknownChoice { keyword, word: &text, span: word.span, choices, similar });
        None
    }
}

/// Where each statement was said first.
#[derive(Default)]
struct Said {
    firewall: Option<Span>,
    isolation: Option<Span>,
    marks: Option<Span>,
    preferences: Option<Span>,
    protocol: Option<Span>,
}
