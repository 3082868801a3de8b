//! Tables of routes as ranges beside each other.
//!
//! Goes in: the prefixes of a table, each with its route. Comes out: the [`Table`], and which route numbers have. What
//! must hold: each number has the route of the longest prefix that it is in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Range;

/// A table: ranges beside each other, each with its route.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) number: u32,
    pub(super) routes: Vec<(Range, usize)>,
}

/// The place of a table among those in the order of their numbers.
pub(super) fn place_of(tables: &[Table], number: u32) -> Option<usize> {
    tables.binary_search_by_key(&number, |table| table.number).ok()
}

/// The route of all these numbers, if it is one, or none.
pub(super) fn the_route(routes: &[(Range, usize)], numbers: &[Range]) -> Option<Option<usize>> {
    let mut all = None;
    for range in numbers {
        let at = routes.partition_point(|(known, _)| known.1 < range.0);
        let mut next = Some(range.0);
        let mut own = None;
        for (known, route) in routes[at..].iter().take_while(|(known, _)| known.0 <= range.1) {
            // Between two there is no route.
            if next != Some(known.0.max(range.0)) || own.is_some_and(|own| own != *route) {
                return None;
            }
            (own, next) = (Some(*route), known.1.checked_add(1));
        }
        let covered = next.is_none_or(|next| next > range.1);
        if own.is_some() && !covered || *all.get_or_insert(own) != own {
            return None;
        }
    }
    Some(all.flatten())
}

/// The addresses of a prefix.
#[must_use]
pub fn range_of(net: &IpNet) -> Range {
    (number(net.network()), number(net.broadcast()))
}

/// An address as a number.
#[must_use]
pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// Nested prefixes as ranges beside each other, of which each belongs to the longest prefix that has it.
pub(super) fn flat(nets: BTreeMap<IpNet, usize>) -> Vec<(Range, usize)> {
    let mut nets: Vec<(Range, usize)> = nets.iter().map(|(net, n)| (range_of(net), *n)).collect();
    nets.sort_by_key(|(range, _)| (range.0, std::cmp::Reverse(range.1)));
    let mut pieces: Vec<(Range, usize)> = Vec::new();
    let mut open: Vec<(Range, usize)> = Vec::new();
    // Where the next piece begins; nothing behind the last number.
    let mut next = Some(0);
    let close = |pieces: &mut Vec<(Range, usize)>, next: &mut Option<u128>, (range, n): (Range, usize)| {
        if let Some(begin) = *next
            && begin <= range.1
        {
            pieces.push(((begin, range.1), n));
            *next = range.1.checked_add(1);
        }
    };
    for (range, n) in nets {
        while let Some(&outer) = open.last()
            && outer.0.1 < range.0
        {
            close(&mut pieces, &mut next, outer);
            open.pop();
        }
        if let (Some(&(_, outer)), Some(begin)) = (open.last(), next)
            && begin < range.0
        {
            pieces.push(((begin, range.0 - 1), outer));
        }
        next = Some(range.0);
        open.push((range, n));
    }
    while let Some(outer) = open.pop() {
        close(&mut pieces, &mut next, outer);
    }
    pieces
}
