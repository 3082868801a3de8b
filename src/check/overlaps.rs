//! Which prefixes of many overlap, without comparing each with each.
//!
//! Goes in: prefixes in any order. Comes out: for each, those that hold it. Two prefixes overlap
//! only when one holds the other, so in the order of their first addresses, wider ones first,
//! everything that holds a prefix is on a stack when its turn comes. What must hold: every pair
//! that overlaps is seen once.

use std::collections::HashMap;

use ipnet::IpNet;

/// Calls `visit` for each of `nets` with the places of those before it that hold or equal it,
/// widest first. Equal ones come in the order they were given.
pub(super) fn sweep(nets: &[IpNet], mut visit: impl FnMut(usize, &[usize])) {
    let mut order: Vec<usize> = (0..nets.len()).collect();
    order.sort_by_key(|n| (nets[*n].network(), nets[*n].prefix_len()));
    let mut open: Vec<usize> = Vec::new();
    for n in order {
        while open.pop_if(|last| !nets[*last].contains(&nets[n])).is_some() {}
        visit(n, &open);
        open.push(n);
    }
}

/// One prefix and everything that was given with it, in the order it was given.
#[derive(Debug)]
pub(super) struct Group<T> {
    pub(super) net: IpNet,
    pub(super) members: Vec<T>,
}

/// Puts equal prefixes together, so that thousands of equal ones cost what one does.
pub(super) fn group<T>(items: impl IntoIterator<Item = (IpNet, T)>) -> Vec<Group<T>> {
    let mut groups: Vec<Group<T>> = Vec::new();
    let mut places: HashMap<IpNet, usize> = HashMap::new();
    for (net, member) in items {
        let place = *places.entry(net).or_insert_with(|| {
            groups.push(Group { net, members: Vec::new() });
            groups.len() - 1
        });
        groups[place].members.push(member);
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ipnet::IpNet;
    use proptest::prelude::*;

    use super::{group, sweep};
    use crate::net;

    /// Prefixes crowded into two small corners, so that they overlap often.
    fn crowded() -> impl Strategy<Value = IpNet> {
        prop_oneof![
            (0_u32..256, 24_u8..=32).prop_map(|(low, length)| (
                net::Family::V4,
                u128::from(0x0a00_0000 | low),
                length
            )),
            (0_u128..256, 120_u8..=128).prop_map(|(low, length)| (
                net::Family::V6,
                0xfd00 << 112 | low,
                length
            )),
            (any::<u32>(), 0_u8..=32).prop_map(|(bits, length)| (net::Family::V4, u128::from(bits), length)),
        ]
        .prop_map(|(family, bits, length)| net::prefix(net::from_bits(family, bits), length).unwrap())
    }

    proptest! {
        #[test]
        fn the_sweep_finds_the_pairs_that_comparing_all_finds(nets in prop::collection::vec(crowded(), 0..60)) {
            let mut swept = BTreeSet::new();
            let mut visited = BTreeSet::new();
            sweep(&nets, |n, open| {
                assert!(visited.insert(n), "each prefix has one turn");
                for other in open {
                    assert!(nets[*other].contains(&nets[n]));
                    assert!(swept.insert((n.min(*other), n.max(*other))), "each pair is seen once");
                }
                assert!(open.is_sorted_by_key(|other| nets[*other].prefix_len()));
            });
            let mut compared = BTreeSet::new();
            for a in 0..nets.len() {
                for b in a + 1..nets.len() {
                    if net::overlap(&nets[a], &nets[b]) {
                        compared.insert((a, b));
                    }
                }
            }
            prop_assert_eq!(swept, compared);
            prop_assert_eq!(visited.len(), nets.len());
        }

        #[test]
        fn grouping_loses_nothing(nets in prop::collection::vec(crowded(), 0..60)) {
            let groups = group(nets.iter().copied().zip(0..));
            let distinct: BTreeSet<IpNet> = nets.iter().copied().collect();
            prop_assert_eq!(groups.len(), distinct.len());
            for found in &groups {
                prop_assert!(found.members.iter().all(|n: &usize| nets[*n] == found.net));
                prop_assert!(found.members.is_sorted());
            }
            prop_assert_eq!(groups.iter().map(|found| found.members.len()).sum::<usize>(), nets.len());
        }
    }
}
