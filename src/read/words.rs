//! Names that the tools have for numbers.
//!
//! Goes in: a word of nft(8) or iptables-extensions(8). Comes out: its number.

use std::net::IpAddr;

use ipnet::IpNet;

use super::filter::{Field, Hook, State};

/// A protocol above IP, by name (protocols(5)) or number.
pub(super) fn protocol(word: &str) -> Option<u8> {
    Some(match word {
        "icmp" => 1,
        "igmp" => 2,
        "ipencap" | "ipip" => 4,
        "tcp" => 6,
        "udp" => 17,
        "dccp" => 33,
        "ipv6" => 41,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmpv6" | "ipv6-icmp" => 58,
        "ospf" => 89,
        "sctp" => 132,
        "udplite" => 136,
        _ => return word.parse().ok(),
    })
}

/// A type of ICMP, or with `v6` of ICMPv6.
pub(super) fn icmp_type(word: &str, v6: bool) -> Option<u8> {
    let known = if v6 { ICMP6 } else { ICMP4 };
    known.iter().find(|(name, _)| *name == word).map(|(_, number)| *number).or_else(|| word.parse().ok())
}

const ICMP4: &[(&str, u8)] = &[
    ("echo-reply", 0),
    ("destination-unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicitation", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("address-mask-request", 17),
    ("address-mask-reply", 18),
];

const ICMP6: &[(&str, u8)] = &[
    ("destination-unreachable", 1),
    ("packet-too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("mld-listener-query", 130),
    ("mld-listener-report", 131),
    ("mld-listener-done", 132),
    ("nd-router-solicit", 133),
    ("nd-router-advert", 134),
    ("nd-neighbor-solicit", 135),
    ("nd-neighbor-advert", 136),
    ("nd-redirect", 137),
];

/// A state of a connection.
pub(super) fn state(word: &str) -> Option<State> {
    Some(match word {
        "new" => State::New,
        "established" => State::Established,
        "related" => State::Related,
        "invalid" => State::Invalid,
        _ => return None,
    })
}

/// A hook, in lower case.
pub(super) fn hook(word: &str) -> Option<Hook> {
    Some(match word {
        "prerouting" => Hook::Prerouting,
        "input" => Hook::Input,
        "forward" => Hook::Forward,
        "output" => Hook::Output,
        "postrouting" => Hook::Postrouting,
        _ => return None,
    })
}

/// A priority's name: nft(8), CHAINS. That of `srcnat` and `dstnat` hangs on the hook.
pub(super) fn priority(word: &str) -> Option<i32> {
    Some(match word {
        "raw" => -300,
        "mangle" => -150,
        "dstnat" => -100,
        "filter" => 0,
        "security" => 50,
        "srcnat" => 100,
        _ => return word.parse().ok(),
    })
}

/// A number, decimal or with `0x`.
pub(super) fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

/// The values of a field that a word stands for, first and last.
pub(super) fn range(field: Field, word: &str) -> Option<(u128, u128)> {
    let one = |number: u32| (u128::from(number), u128::from(number));
    match field {
        Field::Source4 | Field::Destination4 => {
            addresses(word).filter(|(v4, ..)| *v4).map(|(_, from, to)| (from, to))
        }
        Field::Source6 | Field::Destination6 => {
            addresses(word).filter(|(v4, ..)| !v4).map(|(_, from, to)| (from, to))
        }
        Field::Family => match word {
            "ipv4" => Some((4, 4)),
            "ipv6" => Some((6, 6)),
            _ => None,
        },
        Field::Protocol => protocol(word).map(|number| one(number.into())),
        Field::Icmp4Type => icmp_type(word, false).map(|number| one(number.into())),
        Field::Icmp6Type => icmp_type(word, true).map(|number| one(number.into())),
        Field::Direction => match word {
            "original" => Some((0, 0)),
            "reply" => Some((1, 1)),
            _ => None,
        },
        Field::State => state(word).map(|state| one(state as u32)),
        _ => match word.split_once('-') {
            Some((from, to)) => Some((number(from)?.into(), number(to)?.into())),
            None => number(word).map(one),
        },
    }
}

/// The addresses of a prefix, of a range or of one: whether they are IPv4, first and last.
pub(super) fn addresses(word: &str) -> Option<(bool, u128, u128)> {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    if let Some((from, to)) = word.split_once('-') {
        let (from, to): (IpAddr, IpAddr) = (from.parse().ok()?, to.parse().ok()?);
        return (from.is_ipv4() == to.is_ipv4()).then(|| (from.is_ipv4(), number(from), number(to)));
    }
    let net = prefix(word)?;
    Some((net.addr().is_ipv4(), number(net.network()), number(net.broadcast())))
}

/// A prefix, or an address as one.
pub(super) fn prefix(word: &str) -> Option<IpNet> {
    word.parse().ok().or_else(|| word.parse().ok().map(|address: IpAddr| IpNet::from(address)))
}

/// Ranges in order, with those that touch or overlap made into one.
pub(super) fn joined(ranges: Vec<(u128, u128)>) -> Vec<(u128, u128)> {
    let mut joined: Vec<(u128, u128)> = Vec::new();
    for (from, to) in ranges {
        match joined.last_mut() {
            Some((_, last)) if from <= last.saturating_add(1) => *last = to.max(*last),
            _ => joined.push((from, to)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::{addresses, priority, protocol, state};
    use crate::read::filter::State;

    #[test]
    fn names_are_those_of_the_tools() {
        // protocols(5) of Debian.
        for (name, number) in [
            ("icmp", 1),
            ("igmp", 2),
            ("ipencap", 4),
            ("ipip", 4),
            ("dccp", 33),
            ("ipv6", 41),
            ("gre", 47),
            ("ah", 51),
            ("ipv6-icmp", 58),
            ("ospf", 89),
            ("sctp", 132),
            ("udplite", 136),
            ("253", 253),
        ] {
            assert_eq!(protocol(name), Some(number), "{name}");
        }
        assert_eq!(
            ["raw", "security", "-310", "other"].map(priority),
            [Some(-300), Some(50), Some(-310), None]
        );
        assert_eq!(["established", "untracked"].map(state), [Some(State::Established), None]);
        assert_eq!(addresses("10.0.0.1-fd00::1"), None);
        assert_eq!(addresses("0.0.0.1-0.0.0.9"), Some((true, 1, 9)));
    }
}
