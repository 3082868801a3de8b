//! The rules of `connect` blocks in the document: as they are written, first match wins.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::provenance::{Place, Places};
use super::super::services::{PERIODS, words};
use crate::model::{Action, Rule, Service};
use crate::net;
use crate::plan::Policy;

/// A list that peerings name by its place. What no rule matches is denied.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Policy")]
pub(super) struct PolicyView<'a> {
    source: Place<'a>,
    rules: Vec<RuleView<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Rule")]
struct RuleView<'a> {
    action: &'static str,
    /// IP protocol number; absent where it is every protocol, or ICMP in both families.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<u8>,
    /// First and last destination port of each range; absent where it is every port.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<(u16, u16)>,
    /// Types of ICMP and of ICMPv6; every type where both lists are empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<IcmpView>,
    /// Real prefixes; absent where it is every host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<LogView>,
    source: Place<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Icmp")]
struct IcmpView {
    v4: Vec<u8>,
    v6: Vec<u8>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Log")]
struct LogView {
    words: String,
    packets: u32,
    per: &'static str,
}

/// The view of a policy.
pub(super) fn view<'a>(policy: &Policy, places: &'a Places<'_>) -> PolicyView<'a> {
    // The logs of a policy are in the order in which its rules are tried, which may be another one.
    let rules = policy.rules.iter().map(|rule| {
        let log = policy.logs.iter().find(|logged| logged.span == rule.span && rule.log.is_some());
        let log = log.map(|logged| LogView {
            words: words(logged, places),
            packets: logged.log.rate.packets,
            per: PERIODS[logged.log.rate.per as usize],
        });
        rule_view(rule, log, places)
    });
    PolicyView { source: places.at(policy.span), rules: rules.collect() }
}

fn rule_view<'a>(rule: &Rule, log: Option<LogView>, places: &'a Places<'_>) -> RuleView<'a> {
    let (protocol, ports, icmp) = match &rule.service {
        Service::Any => (None, Vec::new(), None),
        Service::Protocol(number) => (Some(*number), Vec::new(), None),
        Service::Ports(number, ranges) => (Some(*number), ranges.clone(), None),
        Service::Icmp(types) => {
            let v4 = types.iter().filter_map(|kind| kind.v4).collect();
            let v6 = types.iter().filter_map(|kind| kind.v6).collect();
            (None, Vec::new(), Some(IcmpView { v4, v6 }))
        }
    };
    let hosts = |nets: &[crate::source::Spanned<ipnet::IpNet>]| -> Vec<String> {
        nets.iter().map(|net| net::written(&net.value)).collect()
    };
    RuleView {
        action: match rule.action {
            Action::Allow => "allow",
            Action::Deny => "deny",
        },
        protocol,
        ports,
        icmp,
        from: hosts(&rule.from),
        to: hosts(&rule.to),
        log,
        source: places.at(rule.span),
    }
}
