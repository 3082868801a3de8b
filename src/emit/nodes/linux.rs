//! Routes as Linux hosts and their routers take them: ip(8), systemd.network(5), radvd.conf(5).

use super::{Needs, via};
use crate::emit::provenance::Places;
use crate::emit::text::{Block, line};
use crate::net::{self, Family};

/// `ip route` lines, which can be run again; an unknown address of the gateway is a shell variable.
pub(super) fn ip_route(needs: &Needs<'_>, places: &Places<'_>) -> Block {
    let mut lines = Block::default();
    for route in &needs.routes {
        let command = match net::family(&route.prefix) {
            Family::V4 => "ip route",
            Family::V6 => "ip -6 route",
        };
        let (prefix, place, partner) = (route.prefix, places.at(route.span), route.partner);
        let via = via(needs.network, &prefix, "\"$", "\"");
        line!(lines, "{command} replace {prefix} via {via} # {place} {partner}");
    }
    lines
}

/// `[Route]` sections. In these files a comment has a line of its own.
pub(super) fn networkd(needs: &Needs<'_>, places: &Places<'_>) -> Block {
    let mut lines = Block::default();
    for route in &needs.routes {
        if !lines.is_empty() {
            line!(lines, "");
        }
        line!(lines, "# {} {}", places.at(route.span), route.partner);
        line!(lines, "[Route]");
        line!(lines, "Destination={}", route.prefix);
        line!(lines, "Gateway={}", via(needs.network, &route.prefix, "", ""));
    }
    lines
}

/// The `interface` block of the gateway's own radvd: hosts take the sender of an advertisement as
/// their next hop (RFC 4191, 2.3), so nobody else may send these routes. A default lifetime of 0 keeps
/// the gateway from becoming a default router (RFC 4861, 4.2).
pub(super) fn radvd(needs: &Needs<'_>, places: &Places<'_>) -> Block {
    let mut lines = Block::default();
    line!(lines, "interface {}", needs.network.interface);
    line!(lines, "{{");
    line!(lines, "    AdvSendAdvert on;");
    line!(lines, "    AdvDefaultLifetime 0;");
    for route in needs.of_family(Family::V6) {
        line!(lines, "    route {} {{ }}; # {} {}", route.prefix, places.at(route.span), route.partner);
    }
    line!(lines, "}};");
    lines
}
