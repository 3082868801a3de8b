//! What is no affair of the site passes as if the site were not there (O6).
//!
//! Goes in: the site and the host. Comes out: packets between devices of no network, and the gateway's own that leave
//! by one, with which something is done. What must hold: they leave, with the addresses, marks and zone that
//! they had.

use super::around::ELSEWHERE;
use super::found::{Failure, Found, Obligation, Packet, place_of};
use crate::read::routing::Way;
use crate::sim::host::Host;
use crate::sim::region::chains::Unfollowed;
use crate::sim::region::fib::range_of;
use crate::sim::region::flow::Flow;
use crate::sim::region::pass::{Connection, Leaf, Machine, Outcome};
use crate::sim::region::{Known, Range, Region, Set};

/// Looks at packets from elsewhere to elsewhere, and from the gateway to elsewhere.
pub(super) fn check(host: &Host, machine: &Machine, found: &mut Found) -> Result<(), Unfollowed> {
    let device = machine.devices.number(ELSEWHERE);
    for v4 in [true, false] {
        let elsewhere = Region { destination: elsewhere(host, v4), ..Region::all(v4) };
        for connection in [Connection::New, Connection::None] {
            let entrance = machine.at(device, v4).exactly();
            let mut leaves = Vec::new();
            for flow in entrance.before(elsewhere.clone(), &mut leaves)? {
                entrance.after(flow, &connection, &mut leaves)?;
            }
            all_pass(&leaves, machine, "comes from a device of no network and is for another", found);
        }
        let leaves = machine.own(device, elsewhere, &Connection::New)?;
        all_pass(&leaves, machine, "is the gateway's own and for a device of no network", found);
    }
    Ok(())
}

/// The numbers that no route of the host is about but that which is about all.
fn elsewhere(host: &Host, v4: bool) -> Set {
    let routes = host.all_routes();
    let narrow = routes.iter().filter(|it| it.to.prefix_len() > 0 && it.to.addr().is_ipv4() == v4);
    let narrow: Vec<Range> =
        narrow.filter(|it| it.way != Way::Unreachable).map(|it| range_of(&it.to)).collect();
    let all = Region::all(v4).destination;
    all.without(Set::of(narrow).ranges()).unwrap_or(all)
}

fn all_pass(leaves: &[Leaf], machine: &Machine, what: &str, found: &mut Found) {
    let device = machine.devices.number(ELSEWHERE);
    let untouched = |flow: Flow| {
        flow.apart().all(|it| {
            it.moved == [None; 2]
                && it.zones.unwrap_or_default() == [0; 2]
                && [it.region.mark, it.region.connection_mark] == [Known::ZERO; 2]
        })
    };
    for leaf in leaves {
        found.looked(Obligation::GoodNeighbour);
        let why = match leaf.outcome {
            // What the kernel refuses by itself.
            Outcome::Martian | Outcome::Link | Outcome::Local => continue,
            Outcome::Left(out) if out == device && untouched(leaf.flow.clone()) => continue,
            Outcome::Left(out) if out == device => "is marked, translated, or put into a zone".to_owned(),
            outcome => super::found::fate_of(outcome, |number| machine.devices.name(number).to_owned()),
        };
        found.failures.push(Failure {
            obligation: Obligation::GoodNeighbour,
            networks: [None; 2],
            what: format!("{what}, but {why}"),
            packet: Some(Packet::out_of(&leaf.flow.region, ELSEWHERE)),
            place: place_of(leaf.outcome),
            rule: None,
            line: None,
        });
        return;
    }
}
