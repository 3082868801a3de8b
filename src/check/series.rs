//! The networks that one `for` makes of one block, for the help of findings.
//!
//! Goes in: a network of them. Comes out: the variable and the numbers it runs over. What must hold: what is
//! suggested inside a `for` is right for every network that it makes, because its text stands for all of them.

use std::fmt;

use ipnet::IpNet;

use super::free::FreeSpace;
use crate::model::{Network, Site};
use crate::net;

/// A variable and the numbers it has; what a site has of them.
#[derive(Debug)]
pub(super) struct Series<'a> {
    /// The variable of the `for`.
    pub(super) variable: &'a str,
    /// The smallest number.
    pub(super) first: i128,
    /// The largest one.
    pub(super) last: i128,
}

/// A prefix for each number, out of a pool that nothing else is in.
#[derive(Debug)]
pub(super) struct Formula {
    /// `None` where none is known to be free.
    pool: Option<IpNet>,
    length: u8,
    variable: String,
}

impl<'a> Series<'a> {
    /// The networks that are made by the block of this one. `None` outside of a `for`, and where several are around
    /// it: no formula of one variable does then.
    pub(super) fn of(site: &'a Site, network: &'a Network) -> Option<Self> {
        let (variable, _) = value(network)?;
        let same = site.networks.iter().filter(|other| other.name.span == network.name.span);
        let (mut first, mut last) = (i128::MAX, i128::MIN);
        for (_, number) in same.filter_map(value) {
            (first, last) = (first.min(number), last.max(number));
        }
        Some(Self { variable, first, last })
    }

    /// A prefix like `known` for each of them.
    pub(super) fn prefixes(&self, known: &IpNet, free: &mut FreeSpace<'_>) -> Formula {
        let length = known.prefix_len();
        let bits =
            u128::try_from(self.last).ok().filter(|_| self.first >= 0).map(|last| last.checked_ilog2());
        let bits = bits.and_then(|bits| u8::try_from(bits.map_or(0, |bits| bits + 1)).ok());
        let wide = bits.and_then(|bits| net::prefix(known.addr(), length.checked_sub(bits)?));
        let pool = wide.and_then(|wide| free.take(&wide.trunc()));
        Formula { pool, length, variable: self.variable.to_owned() }
    }
}

impl Formula {
    /// Where there are several variables, or none is known.
    pub(super) fn unknown(known: &IpNet) -> Self {
        Self { pool: None, length: known.prefix_len(), variable: String::from("INDEX") }
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pool, length, variable } = self;
        match pool {
            Some(pool) => write!(f, "subnet({pool}, {length}, {variable})"),
            None => write!(f, "subnet(POOL, {length}, {variable})"),
        }
    }
}

/// The only variable around a network and its value.
fn value(network: &Network) -> Option<(&str, i128)> {
    let (variable, number) = network.instance.as_deref()?.split_once(" = ")?;
    Some((variable, number.parse().ok()?))
}
