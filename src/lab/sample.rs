//! Choosing some of many, the same ones every time.
//!
//! Goes in: a list and how many there may be. Comes out: so many of them, spread over the whole list.
//! What must hold: no chance; a list that is short enough stays as it is, and the order stays anyway.

use std::collections::BTreeSet;

/// `room` of these, evenly spread.
pub(super) fn spread<T>(list: Vec<T>, room: usize) -> Vec<T> {
    let count = list.len();
    if count <= room {
        return list;
    }
    let chosen = |n: usize| n * room / count != (n + 1) * room / count;
    list.into_iter().enumerate().filter(|(n, _)| chosen(*n)).map(|(_, item)| item).collect()
}

/// `room` of these, so that every party of an item is in one of them where there is room: first
/// whoever brings in a party that has no item yet on its side, then an even spread of the others.
pub(super) fn covering<T>(list: Vec<T>, room: usize, parties: impl Fn(&T) -> [usize; 2]) -> Vec<T> {
    if list.len() <= room {
        return list;
    }
    let mut seen: Vec<[bool; 2]> = Vec::new();
    let mut first = Vec::new();
    let mut others = Vec::new();
    for (n, item) in list.into_iter().enumerate() {
        let mut new = false;
        for (side, party) in parties(&item).into_iter().enumerate() {
            if seen.len() <= party {
                seen.resize(party + 1, [false; 2]);
            }
            new |= !std::mem::replace(&mut seen[party][side], true);
        }
        if new { first.push((n, item)) } else { others.push((n, item)) }
    }
    let mut chosen = spread(first, room);
    let left = room - chosen.len();
    chosen.extend(spread(others, left));
    chosen.sort_by_key(|(n, _)| *n);
    chosen.into_iter().map(|(_, item)| item).collect()
}

/// The first item with each key, and the others; both in order.
pub(super) fn first_of_each<T, K: Ord>(list: Vec<T>, key: impl Fn(&T) -> K) -> (Vec<T>, Vec<T>) {
    let mut known = BTreeSet::new();
    list.into_iter().partition(|item| known.insert(key(item)))
}

#[cfg(test)]
mod tests {
    use super::{covering, first_of_each, spread};

    #[test]
    fn what_is_chosen_is_spread_evenly() {
        assert_eq!(spread((0..10).collect(), 4), [2, 4, 7, 9]);
        assert_eq!(spread((0..3).collect(), 4), [0, 1, 2]);
        assert_eq!(spread((0..1000).collect::<Vec<_>>(), 7).len(), 7);
        assert_eq!(spread(vec![1, 2], 0), [0; 0]);
    }

    #[test]
    fn the_first_with_each_key_is_apart_from_the_others() {
        assert_eq!(first_of_each(vec![1, 12, 11, 2, 13], |it| it / 10), (vec![1, 12], vec![11, 2, 13]));
    }

    #[test]
    fn everybody_takes_part_where_there_is_room() {
        let pairs: Vec<[usize; 2]> = (0..20).flat_map(|a| (0..20).map(move |b| [a, b])).collect();
        let chosen = covering(pairs, 60, |pair| *pair);
        assert_eq!(chosen.len(), 60);
        for n in 0..20 {
            assert!(chosen.iter().any(|it| it[0] == n) && chosen.iter().any(|it| it[1] == n));
        }
    }
}
