//! Dispatch trees: the same few comparisons a packet, however many keys there are.
//!
//! `ip rule` and iptables compare one entry after the other. Up to [`LEAF`] entries a list is as
//! fast as anything and the easiest to read. Above that the keys are cut into groups that one masked
//! comparison tells apart, and each group is a node of its own, down to lists of at most [`LEAF`].
//! Packets jump from node to node, so N keys cost about log16(N) lists.

/// Entries that one node may hold.
pub const LEAF: usize = 16;

/// A tree over keys of type `K` with `V` at its leaves. Node 0 is the root; children stand behind
/// their parents.
#[derive(Clone, Debug)]
pub struct Tree<K, V> {
    /// The nodes.
    pub nodes: Vec<Node<K, V>>,
}

/// The entries to compare a packet with, one after the other.
#[derive(Clone, Debug)]
pub struct Node<K, V> {
    /// What all keys below this node begin with; the root's is empty.
    pub prefix: K,
    /// The entries in order.
    pub entries: Vec<(K, Next<V>)>,
}

/// What an entry leads to.
#[derive(Clone, Debug)]
pub enum Next<V> {
    /// The value.
    Leaf(V),
    /// The place of another node.
    Node(usize),
}

/// The upper `length` bits of a number: a network prefix, or a mark value under a mask. Bits are
/// counted from bit `width - 1` of the tree downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bits {
    /// The value; bits below the length are 0.
    pub value: u128,
    /// How many upper bits count.
    pub length: u8,
}

/// A tree over disjoint bit prefixes of `width`-bit numbers, sorted by value. A leaf list holds at
/// most `leaf` entries, of which there must be at least 2.
#[must_use]
pub fn bits<V: Clone>(keys: &[(Bits, V)], width: u8, leaf: usize) -> Tree<Bits, V> {
    let longest = keys.iter().map(|(key, _)| key.length).max().unwrap_or(0);
    let leaf_bits = leaf.max(2).ilog2();
    let split = |group: &[(Bits, V)]| {
        let common = common_length(group, width);
        // Nodes are cut so that the last cut leaves whole leaves: the odd bits go to the top.
        let rest = u32::from(longest.saturating_sub(common)).saturating_sub(leaf_bits);
        let step = match rest % 4 {
            0 => 4,
            odd => odd,
        };
        let mut cut = common + u8::try_from(step).unwrap_or(4);
        // What is left around a small hole in a wide prefix is one piece of every length: cut further
        // down as long as that only takes single keys off, or such a group makes a very deep tree.
        // (nftables counts jumps and gotos alike, and takes 16 below each other.)
        let (mut nodes, mut lists) = parts(group, cut, width);
        while nodes > 0 && cut < longest {
            let (deeper, entries) = parts(group, cut + 1, width);
            if deeper > nodes || entries > leaf.max(lists) {
                break;
            }
            (nodes, lists, cut) = (deeper, entries, cut + 1);
        }
        chunks(group, cut, width)
            .map(|chunk| (upper(chunk[0].0, cut.min(chunk[0].0.length), width), chunk.len()))
            .collect()
    };
    grow(keys, Bits { value: 0, length: 0 }, leaf, &split)
}

/// A key of a tree over names: the whole name, or what it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The characters.
    pub text: &'a str,
    /// Whether more may follow.
    pub open: bool,
}

/// A tree over different names, sorted.
#[must_use]
pub fn names<'a, V: Clone>(keys: &[(Name<'a>, V)], leaf: usize) -> Tree<Name<'a>, V> {
    let split = |group: &[(Name<'a>, V)]| {
        let first = group.first().map_or("", |(name, _)| name.text);
        let last = group.last().map_or("", |(name, _)| name.text);
        let common: usize =
            first.chars().zip(last.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        let head = |text: &'a str| {
            let next = text[common..].chars().next().map_or(0, char::len_utf8);
            &text[..common + next]
        };
        group
            .chunk_by(|(a, _), (b, _)| a.text.len() > common && head(a.text) == head(b.text))
            .map(|chunk| (Name { text: head(chunk[0].0.text), open: true }, chunk.len()))
            .collect()
    };
    grow(keys, Name { text: "", open: true }, leaf, &split)
}

/// Cuts a group of keys that is too long for one list: each part by what its keys begin with, and
/// how many there are.
type Split<'a, K, V> = &'a dyn Fn(&[(K, V)]) -> Vec<(K, usize)>;

/// Grows a tree breadth first, so that children stand behind their parents.
fn grow<K: Clone, V: Clone>(keys: &[(K, V)], root: K, leaf: usize, split: Split<'_, K, V>) -> Tree<K, V> {
    let mut nodes: Vec<Node<K, V>> = Vec::new();
    let mut waiting: Vec<(K, &[(K, V)])> = vec![(root, keys)];
    let mut at = 0;
    while at < waiting.len() {
        let (prefix, group) = waiting[at].clone();
        at += 1;
        let mut entries = Vec::new();
        if group.len() <= leaf {
            entries.extend(group.iter().map(|(key, value)| (key.clone(), Next::Leaf(value.clone()))));
        } else {
            let mut rest = group;
            for (head, count) in split(group) {
                let (chunk, after) = rest.split_at(count);
                rest = after;
                match chunk {
                    [(key, value)] => entries.push((key.clone(), Next::Leaf(value.clone()))),
                    _ => {
                        entries.push((head.clone(), Next::Node(waiting.len())));
                        waiting.push((head, chunk));
                    }
                }
            }
        }
        nodes.push(Node { prefix, entries });
    }
    Tree { nodes }
}

/// A sorted group in chunks that share their upper `cut` bits; shorter keys stand alone.
fn chunks<V>(group: &[(Bits, V)], cut: u8, width: u8) -> impl Iterator<Item = &[(Bits, V)]> {
    group.chunk_by(move |(a, _), (b, _)| {
        a.length >= cut && b.length >= cut && upper(*a, cut, width) == upper(*b, cut, width)
    })
}

/// How many chunks of several keys, and how many chunks at all, a cut gives.
fn parts<V>(group: &[(Bits, V)], cut: u8, width: u8) -> (usize, usize) {
    chunks(group, cut, width)
        .fold((0, 0), |(nodes, all), chunk| (nodes + usize::from(chunk.len() > 1), all + 1))
}

/// How many upper bits all keys of a sorted group share.
fn common_length<V>(group: &[(Bits, V)], width: u8) -> u8 {
    let (Some((first, _)), Some((last, _))) = (group.first(), group.last()) else { return 0 };
    let differing = first.value ^ last.value;
    let shared = differing.leading_zeros().saturating_sub(128 - u32::from(width));
    let shared = u8::try_from(shared).unwrap_or(width);
    group.iter().map(|(key, _)| key.length).min().unwrap_or(0).min(shared)
}

/// The upper `length` bits of a key.
fn upper(key: Bits, length: u8, width: u8) -> Bits {
    let mask = if length == 0 { 0 } else { u128::MAX << (width - length) };
    let mask = if width == 128 { mask } else { mask & ((1 << width) - 1) };
    Bits { value: key.value & mask, length }
}

#[cfg(test)]
mod tests {
    use super::{Bits, LEAF, Name, Next, Tree, bits, names};

    /// Walks as a packet would, and counts the comparisons.
    fn look<K, V: Copy>(tree: &Tree<K, V>, matches: impl Fn(&K) -> bool) -> (Option<V>, usize) {
        let (mut node, mut compared) = (0, 0);
        'nodes: loop {
            for (key, next) in &tree.nodes[node].entries {
                compared += 1;
                if matches(key) {
                    match next {
                        Next::Leaf(value) => return (Some(*value), compared),
                        Next::Node(below) => {
                            assert!(*below > node, "children stand behind their parents");
                            node = *below;
                            continue 'nodes;
                        }
                    }
                }
            }
            return (None, compared);
        }
    }

    fn of_ids(ids: &[u32], width: u8, leaf: usize) -> Tree<Bits, u32> {
        let keys: Vec<_> =
            ids.iter().map(|id| (Bits { value: u128::from(*id), length: width }, *id)).collect();
        bits(&keys, width, leaf)
    }

    fn find(tree: &Tree<Bits, u32>, id: u32, width: u8) -> (Option<u32>, usize) {
        look(tree, |key| {
            key.length == 0 || u128::from(id) >> (width - key.length) == key.value >> (width - key.length)
        })
    }

    #[test]
    fn every_id_is_found_in_few_comparisons_and_no_other() {
        for count in [1, 2, 16, 17, 100, 1000, 4000, 10_000] {
            let ids: Vec<u32> = (1..=count).map(|n| n * 3).collect();
            let width = u8::try_from(32 - (count * 3).leading_zeros()).unwrap();
            let tree = of_ids(&ids, width, LEAF);
            for id in 0..(1 << width) {
                let (found, compared) = find(&tree, id, width);
                assert_eq!(found, ids.binary_search(&id).ok().map(|_| id), "{id} of {count}");
                assert!(compared <= 5 * LEAF, "{compared} comparisons for {id} of {count}");
            }
            let nodes = tree.nodes.len();
            assert!(nodes <= 2 + (3 * count as usize).div_ceil(8), "{nodes} nodes for {count}");
        }
    }

    #[test]
    fn a_short_list_stays_a_list() {
        assert_eq!(of_ids(&(1..=16).collect::<Vec<_>>(), 5, LEAF).nodes.len(), 1);
        assert!(of_ids(&(1..=17).collect::<Vec<_>>(), 5, LEAF).nodes.len() > 1);
        assert_eq!(of_ids(&[], 5, LEAF).nodes[0].entries.len(), 0);
    }

    #[test]
    fn prefixes_of_mixed_length_are_found() {
        let mut keys: Vec<(Bits, u32)> = (0..300u32)
            .map(|n| (Bits { value: u128::from(0x0a40_0000 + (n << 8)), length: 24 }, n))
            .collect();
        keys.push((Bits { value: 0x0b00_0000, length: 8 }, 1000));
        keys.push((Bits { value: 0x0c00_0001, length: 32 }, 1001));
        keys.sort_by_key(|(key, _)| *key);
        let tree = bits(&keys, 32, LEAF);
        assert_eq!(find(&tree, 0x0a40_1107, 32).0, Some(17));
        assert_eq!(find(&tree, 0x0b12_3456, 32).0, Some(1000));
        assert_eq!(find(&tree, 0x0c00_0001, 32).0, Some(1001));
        assert_eq!(find(&tree, 0x0c00_0002, 32).0, None);
    }

    #[test]
    fn the_pieces_around_a_host_do_not_make_a_deep_tree() {
        // What is left of a /32 without one /128: a piece of every length between.
        let host = 0x2001_0db8_0000_0005_0000_0000_0000_0007_u128;
        let mut keys: Vec<(Bits, u32)> = (33..=128u8)
            .map(|length| {
                let bit = 1 << (128 - length);
                (
                    Bits { value: ((host ^ bit) >> (128 - length)) << (128 - length), length },
                    u32::from(length),
                )
            })
            .collect();
        keys.push((Bits { value: host, length: 128 }, 0));
        keys.sort_by_key(|(key, _)| *key);
        let tree = bits(&keys, 128, LEAF);
        let mut depth = vec![1; tree.nodes.len()];
        for (n, node) in tree.nodes.iter().enumerate() {
            assert!(node.entries.len() <= LEAF, "{} entries", node.entries.len());
            for (_, next) in &node.entries {
                if let Next::Node(below) = next {
                    depth[*below] = depth[n] + 1;
                }
            }
        }
        assert!(depth.iter().max() <= Some(&7), "{depth:?}");
        for (key, value) in &keys {
            let found = look(&tree, |entry| {
                entry.length <= key.length
                    && (entry.length == 0
                        || entry.value >> (128 - entry.length) == key.value >> (128 - entry.length))
            });
            assert_eq!(found.0, Some(*value));
        }
    }

    #[test]
    fn names_are_told_apart_by_how_they_begin() {
        let mut all: Vec<String> = (1..=300).map(|n| format!("eth1.{n}")).collect();
        all.push("eth1".to_owned());
        all.push("wg-acme".to_owned());
        all.sort();
        let keys: Vec<(Name<'_>, usize)> =
            all.iter().enumerate().map(|(n, name)| (Name { text: name, open: false }, n)).collect();
        let tree = names(&keys, LEAF);
        for (n, name) in all.iter().enumerate() {
            let (found, compared) =
                look(&tree, |key| if key.open { name.starts_with(key.text) } else { *name == key.text });
            assert_eq!(found, Some(n), "{name}");
            assert!(compared <= 60, "{compared} comparisons for {name}");
        }
        assert_eq!(
            look(&tree, |key| if key.open {
                "eth1.3000".starts_with(key.text)
            } else {
                key.text == "eth1.3000"
            })
            .0,
            None
        );
    }
}
