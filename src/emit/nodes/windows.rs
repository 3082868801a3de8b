//! Routes as Windows hosts take them: a batch file of `route -p add` and, for IPv6, `netsh`, since only
//! IPv4 routes of route.exe are kept in the registry for the next start.

use super::{Needs, via};
use crate::emit::provenance::Places;
use crate::emit::text::{Block, line};
use crate::net::{self, Family};

/// A line for each route, its place before it. Unknown addresses and the name of the interface, which
/// netsh needs, are variables that the file asks for.
pub(super) fn commands(needs: &Needs<'_>, places: &Places<'_>) -> Block {
    let mut lines = Block::default();
    for route in &needs.routes {
        let (prefix, via) = (route.prefix, via(needs.network, &route.prefix, "%", "%"));
        line!(lines, "rem {} {}", places.at(route.span), route.partner);
        match net::family(&prefix) {
            Family::V4 => {
                line!(lines, "route -p add {} mask {} {via}", prefix.network(), prefix.netmask());
            }
            Family::V6 => {
                line!(
                    lines,
                    "netsh interface ipv6 add route {prefix} \"%INTERFACE%\" {via} store=persistent"
                );
            }
        }
    }
    lines
}
