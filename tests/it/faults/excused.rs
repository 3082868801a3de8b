//! Faults that a proof may let pass, each with its reason.
//!
//! Goes in: what a fault does, in a line. Comes out: the reason. What must hold: `Alike` says that every packet is
//! treated as before; `Unseen` says that something is not, and that no proof looks at it. An entry that no
//! fault needs any more is an error.

/// What a reason is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The faulty text means the same.
    Alike,
    /// It does not, or not always, and is not looked at.
    Unseen,
}

/// Faults of a kind, by what they do: parts of a line, with `*` between them.
pub struct Excuse {
    pub kind: &'static str,
    pub pattern: &'static str,
    pub why: Why,
    pub reason: &'static str,
}

impl Excuse {
    pub fn is_for(&self, kind: &str, told: &str) -> bool {
        let mut rest = told;
        kind == self.kind
            && self.pattern.split('*').all(|part| match rest.find(part) {
                Some(at) => {
                    rest = &rest[at + part.len()..];
                    true
                }
                None => false,
            })
    }
}

const fn because(kind: &'static str, pattern: &'static str, why: Why, reason: &'static str) -> Excuse {
    Excuse { kind, pattern, why, reason }
}

const fn alike(kind: &'static str, pattern: &'static str, reason: &'static str) -> Excuse {
    because(kind, pattern, Why::Alike, reason)
}

const fn unseen(kind: &'static str, pattern: &'static str, reason: &'static str) -> Excuse {
    because(kind, pattern, Why::Unseen, reason)
}

const FROM_ITSELF: &str = "only what says that it comes from the gateway itself is in another zone or table, or is \
                           taken for an error of a router: no host sends it";

const TO_ITSELF: &str = "hosts that no connect lets through do, or do not, reach the gateway by its number in another \
                         network: what is for it is not the site's";

const OF_NOTHING: &str = "what belongs to no connection and is for the gateway has another mark, and so its refusal another \
                          table; who sends such a thing waits for nothing";

/// The first one that fits counts.
pub const EXCUSES: &[Excuse] = &[
    alike(
        "connections not forgotten",
        "put_up : forget_connections",
        "they are forgotten once more when everything is there, and until then the guard is",
    ),
    alike(
        "step gone",
        "put_up : forget_connections",
        "they are forgotten once more when everything is there, and until then the guard is",
    ),
    alike(
        "steps reordered",
        "put_up : tear_down => forget_connections",
        "they are forgotten once more when everything is there, and until then the guard is",
    ),
    alike(
        "steps reordered",
        "tear_down : done => [ \"$PART\" = yes ] || drop_ruleset",
        "the ruleset goes once for each family, all behind the guard; the second time there is none",
    ),
    alike(
        "steps reordered",
        "put_up : changes >\"$SCRATCH.changes\" => begin",
        "it compares networks with those of the last version, which `begin` does not write to",
    ),
    alike(
        "steps reordered",
        "build : keep_routes || return 1 => keep_links",
        "neither reads what the other writes, and both are done before any interface is attached",
    ),
    alike(
        "steps reordered",
        "build : batch missing_routes defaults || return 1 => l3mdev_rule",
        "neither reads what the other writes, and both are done before any interface is attached",
    ),
    alike(
        "steps reordered",
        "build : own_settings | set_all own || return 1 => for family",
        "it is done once for each family then, and the second time it finds its work done",
    ),
    alike(
        "step doubled",
        "",
        "the second time it finds its work done; what the kernel does not take twice is refused",
    ),
    alike(
        "guard lets something through",
        "priority filter - 10; policy accept;\" => print*priority filter + 10",
        "what another chain of the hook accepts is still dropped by a later one: nft(8), VERDICT STATEMENTS",
    ),
    alike(
        "number in a variable",
        "LOCAL='901' => LOCAL=''",
        "the proof holds, so no host has a number of the gateway; what the gateway sends to itself is no packet",
    ),
    unseen("mark off by one bit", "ruleset_v6 raw ovl-from-*not the gateway's own", FROM_ITSELF),
    unseen("mark off by one bit", "rules*ruleset_v4 raw ovl-from-*not the gateway's own", FROM_ITSELF),
    unseen("mask with one bit more or less", "ruleset_v6 raw ovl-from-*not the gateway's own", FROM_ITSELF),
    unseen(
        "mask with one bit more or less",
        "rules*ruleset_v4 raw ovl-from-*not the gateway's own",
        FROM_ITSELF,
    ),
    unseen("rules reordered", "ruleset_v6 raw ovl-from-*not the gateway's own", FROM_ITSELF),
    unseen("rules reordered", "rules*ruleset_v4 raw ovl-from-*not the gateway's own", FROM_ITSELF),
    unseen("rule deleted", "one-way/expect-iptables*not the gateway's own", FROM_ITSELF),
    unseen("source in a rule off by one bit", "one-way/expect-iptables*not the gateway's own", FROM_ITSELF),
    unseen(
        "excepted address off by one bit",
        "one-way/expect*ip6 saddr fd00:0:0:1::/64 ip6 saddr !=",
        FROM_ITSELF,
    ),
    unseen("rule deleted", "no connect allows it: no destination", TO_ITSELF),
    unseen("rules reordered", "no connect allows it: no destination", TO_ITSELF),
    unseen("mark off by one bit", "to the gateway itself", OF_NOTHING),
    unseen("mask with one bit more or less", "to the gateway itself", OF_NOTHING),
    unseen("xor of a mark gone", "to the gateway itself", OF_NOTHING),
    unseen("rules reordered", "to the gateway itself", OF_NOTHING),
    unseen("rule deleted", "to the gateway itself", OF_NOTHING),
    alike(
        "mark off by one bit",
        "masqueraded/*sign of translation*--set-xmark 0x11/0x10",
        "the low bits of a connection mark are read for answers of masqueraded networks alone, and set for them later",
    ),
    unseen(
        "values of two elements swapped",
        "map ovl_zone",
        "both zones are still of one pair each; by which digest an update forgets its connections is not looked at",
    ),
    unseen("digest of connections", "", "which connections an update forgets"),
];
