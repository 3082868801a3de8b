//! All packets of a kind at once.
//!
//! Goes in: a [`Region`] and what a rule asks. Comes out: the part that it is about and the rest. What must
//! hold: the parts have nothing in common, and together they are the whole.

pub mod chains;
pub mod entrance;
pub mod fib;
pub mod flow;
mod joined;
pub mod marks;
mod moving;
pub mod numbers;
pub mod pass;
mod ports;
pub mod program;
pub mod raw;
mod rows;
mod set;
mod single;
mod tables;
mod whole;

pub use ports::Ports;
pub use set::{Range, Set};

/// The protocols that have ports where TCP has them: TCP, UDP, DCCP, SCTP, UDP-Lite.
const WITH_PORTS: Octets = Octets::of(&[6, 17, 33, 132, 136]);

/// Packets: all that are in every set. A field that a packet does not have is not looked at, as the ports of
/// ICMP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Whether of IPv4.
    pub v4: bool,
    /// Their sources, as they are now.
    pub source: Set,
    /// Their destinations, as they are now.
    pub destination: Set,
    /// The protocols above IP.
    pub protocols: Octets,
    /// Types of ICMP or ICMPv6.
    pub kinds: Octets,
    /// Source ports.
    pub source_ports: Ports,
    /// Destination ports.
    pub destination_ports: Ports,
    /// The packet mark.
    pub mark: Known,
    /// The connection mark.
    pub connection_mark: Known,
}

impl Region {
    /// All packets of a family, without any mark.
    #[must_use]
    pub fn all(v4: bool) -> Self {
        let addresses = Set::range(0, if v4 { u128::from(u32::MAX) } else { u128::MAX });
        Self {
            v4,
            source: addresses.clone(),
            destination: addresses,
            protocols: Octets::ALL,
            kinds: Octets::ALL,
            source_ports: Ports::default(),
            destination_ports: Ports::default(),
            mark: Known::ZERO,
            connection_mark: Known::ZERO,
        }
    }

    /// The number of ICMP, or ICMPv6.
    #[must_use]
    pub fn icmp(&self) -> u8 {
        if self.v4 { 1 } else { 58 }
    }

    /// Parts it by the protocol.
    #[must_use]
    pub fn by_protocol(self, protocols: &Octets) -> (Option<Self>, Option<Self>) {
        let with = |protocols: Octets| (!protocols.is_empty()).then(|| Self { protocols, ..self.clone() });
        (with(self.protocols.and(protocols)), with(self.protocols.without(protocols)))
    }

    /// Parts it by the type of ICMP; what is not ICMP is in the rest.
    #[must_use]
    pub fn by_kind(self, kinds: &Octets) -> (Option<Self>, Vec<Self>) {
        let icmp = Octets::of(&[self.icmp()]);
        let (about, other) = self.by_protocol(&icmp);
        let mut rest: Vec<Self> = other.into_iter().collect();
        let Some(about) = about else { return (None, rest) };
        let with = |kinds: Octets| (!kinds.is_empty()).then(|| Self { kinds, ..about.clone() });
        rest.extend(with(about.kinds.without(kinds)));
        (with(about.kinds.and(kinds)), rest)
    }

    /// Parts it by a port; what has no ports is in the rest.
    #[must_use]
    pub fn by_port(self, destination: bool, ports: &[Range]) -> (Option<Self>, Vec<Self>) {
        let (about, other) = self.by_protocol(&WITH_PORTS);
        let mut rest: Vec<Self> = other.into_iter().collect();
        let Some(about) = about else { return (None, rest) };
        let own = if destination { &about.destination_ports } else { &about.source_ports };
        let with = |ports: Ports| match destination {
            true => Self { destination_ports: ports, ..about.clone() },
            false => Self { source_ports: ports, ..about.clone() },
        };
        let [and, without] = own.parted(ports);
        rest.extend(without.map(with));
        (and.map(with), rest)
    }

    /// Parts it by its source or its destination.
    #[must_use]
    pub fn by_address(self, destination: bool, ranges: &[Range]) -> (Option<Self>, Option<Self>) {
        let own = if destination { &self.destination } else { &self.source };
        let (and, without) = (own.and(ranges), own.without(ranges));
        if without.is_none() {
            return (Some(self), None);
        }
        let rest = without.map(|set| self.with_address(destination, set));
        (and.map(|set| self.with_address(destination, set)), rest)
    }

    /// The same with other sources or destinations.
    #[must_use]
    pub fn with_address(&self, destination: bool, set: Set) -> Self {
        let mut region = self.clone();
        if destination {
            region.destination = set;
        } else {
            region.source = set;
        }
        region
    }
}

/// A set of numbers below 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Octets([u64; 4]);

impl Octets {
    /// All of them.
    pub const ALL: Self = Self([u64::MAX; 4]);
    /// None of them.
    pub const NONE: Self = Self([0; 4]);

    /// These.
    #[must_use]
    pub const fn of(numbers: &[u8]) -> Self {
        let mut words = [0; 4];
        let mut at = 0;
        while at < numbers.len() {
            words[(numbers[at] / 64) as usize] |= 1 << (numbers[at] % 64);
            at += 1;
        }
        Self(words)
    }

    /// Those in ranges; numbers from 256 on are none.
    #[must_use]
    pub fn ranges(ranges: &[Range]) -> Self {
        let mut octets = Self::NONE;
        for &(first, last) in ranges {
            for number in first..=last.min(255) {
                octets.0[(number / 64) as usize] |= 1 << (number % 64);
            }
        }
        octets
    }

    /// What both have.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n] & other.0[n]))
    }

    /// What one of them has.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n] | other.0[n]))
    }

    /// What the other has not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n] & !other.0[n]))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Whether a number is one of them.
    #[must_use]
    pub fn contains(&self, number: u8) -> bool {
        self.0[usize::from(number / 64)] >> (number % 64) & 1 == 1
    }

    /// The lowest of them.
    #[must_use]
    pub fn first(&self) -> Option<u8> {
        (0..=255).find(|number| self.contains(*number))
    }
}

/// What is known of a mark: some of its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// The bits that are known.
    pub bits: u32,
    /// What they are; 0 where they are not known.
    pub value: u32,
}

impl Known {
    /// No mark at all.
    pub const ZERO: Self = Self { bits: u32::MAX, value: 0 };
    /// Any mark.
    pub const ANY: Self = Self { bits: 0, value: 0 };

    /// A mark.
    #[must_use]
    pub fn is(value: u32) -> Self {
        Self { bits: u32::MAX, value }
    }

    /// And'ed, then xor'ed.
    #[must_use]
    pub fn changed(self, and: u32, xor: u32) -> Self {
        let bits = self.bits | !and;
        Self { bits, value: (self.value & and ^ xor) & bits }
    }

    /// The value of the bits of a mask, if all of them are known.
    #[must_use]
    pub fn masked(self, mask: u32) -> Option<u32> {
        (self.bits & mask == mask).then_some(self.value & mask)
    }

    /// The same, with these bits known to be so.
    #[must_use]
    pub fn with(self, mask: u32, value: u32) -> Self {
        Self { bits: self.bits | mask, value: self.value & !mask | value & mask }
    }

    /// Those bits of a mask; all others are 0.
    #[must_use]
    pub fn only(self, mask: u32) -> Self {
        Self { bits: self.bits | !mask, value: self.value & mask }
    }

    /// With bits of a mask as another mark has them.
    #[must_use]
    pub fn restored(self, mask: u32, from: Self) -> Self {
        let bits = self.bits & !mask | from.bits & mask;
        Self { bits, value: (self.value & !mask | from.value & mask) & bits }
    }

    /// Whether the bits of a mask can have a value.
    #[must_use]
    pub fn can_be(self, mask: u32, value: u32) -> bool {
        let both = self.bits & mask;
        self.value & both == value & both
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Known, Octets, Region};

    /// All marks of two bits that something known can be.
    fn marks(known: Known) -> BTreeSet<u32> {
        assert_eq!(known.value & !known.bits, 0, "what is not known has a value: {known:?}");
        (0..4).filter(|mark| mark & known.bits == known.value).collect()
    }

    fn all_known() -> impl Iterator<Item = Known> {
        (0..4).flat_map(|bits| (0..4).map(move |value| Known { bits: bits | !3, value: value & bits }))
    }

    #[test]
    fn what_is_known_of_a_mark_is_so_of_each_that_it_can_be() {
        for (known, and, xor) in
            all_known().flat_map(|it| (0..4).flat_map(move |and| (0..4).map(move |xor| (it, and, xor))))
        {
            let each =
                |change: &dyn Fn(u32) -> u32| marks(known).into_iter().map(change).collect::<BTreeSet<_>>();
            assert_eq!(marks(known.changed(and, xor)), each(&|mark| mark & and ^ xor));
            assert_eq!(marks(known.with(and, xor)), each(&|mark| mark & !and | xor & and));
            assert_eq!(marks(known.only(and)), each(&|mark| mark & and));
            let masked = each(&|mark| mark & and);
            assert_eq!(known.masked(and), masked.first().copied().filter(|_| masked.len() == 1));
            assert_eq!(known.can_be(and, xor), masked.contains(&(xor & and)));
            for from in all_known() {
                let restored =
                    marks(from).into_iter().flat_map(|from| each(&|mark| mark & !and | from & and));
                assert_eq!(marks(known.restored(and, from)), restored.collect());
            }
        }
    }

    #[test]
    fn octets_are_sets_of_numbers() {
        let numbers = |octets: Octets| (0..=255).filter(|it| octets.contains(*it)).collect::<Vec<u8>>();
        let (a, b) = (Octets::of(&[0, 63, 64, 130]), Octets::of(&[63, 130, 255]));
        assert_eq!(numbers(a), [0, 63, 64, 130]);
        assert_eq!(numbers(a.and(&b)), [63, 130]);
        assert_eq!(numbers(a.or(&b)), [0, 63, 64, 130, 255]);
        assert_eq!(numbers(a.without(&b)), [0, 64]);
        assert_eq!(
            numbers(Octets::ranges(&[(62, 65), (65, 66), (254, 300)])),
            [62, 63, 64, 65, 66, 254, 255]
        );
        assert_eq!([a, b, Octets::NONE].map(|it| it.first()), [Some(0), Some(63), None]);
        assert_eq!([a, b, Octets::NONE].map(|it| it.is_empty()), [false, false, true]);
    }

    #[test]
    fn ports_part_what_has_ports() {
        for destination in [false, true] {
            let (about, rest) = Region::all(true).by_port(destination, &[(80, 90)]);
            let own = |region: &Region| {
                let both =
                    [&region.source_ports, &region.destination_ports].map(|ports| ports.ranges().to_vec());
                let [source, other] = both;
                if destination { [other, source] } else { [source, other] }
            };
            let all = vec![(0, 0xffff)];
            let about = about.unwrap();
            assert_eq!(own(&about), [vec![(80, 90)], all.clone()]);
            assert!(about.protocols.contains(17) && !about.protocols.contains(1));
            let others: Vec<_> = rest.iter().map(|it| (it.protocols.contains(6), own(it))).collect();
            let without = vec![(0, 79), (91, 0xffff)];
            assert_eq!(others, [(false, [all.clone(), all.clone()]), (true, [without, all])]);
        }
    }
}
