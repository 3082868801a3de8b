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
    /// The proof finds no packet that is treated against the site; which of them are alike was not gone through.
    Open,
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

const fn open(kind: &'static str, pattern: &'static str, reason: &'static str) -> Excuse {
    because(kind, pattern, Why::Open, reason)
}

/// The first one that fits counts.
pub const EXCUSES: &[Excuse] = &[
    alike("element doubled", "", "a set has an element once"),
    alike("rule duplicated", "", "what is done twice is done; where it is not, as with xor, it is refused"),
    alike("rules reordered", "", "the two rules are about different packets, or do the same in either order"),
    alike("jump and goto", "", "no rule behind it takes a packet that comes back"),
    alike(
        "accept turned into drop",
        " nat ",
        "numbers of no host: what is not translated ends at the guard or in a table",
    ),
    alike("comment of a rule", "", "a comment"),
    alike("comment of a script", "", "a comment"),
    alike("rule's preference one more", "", "the order of the rules is the same"),
    alike("order of settings", "", "each is a file of its own"),
    alike("VRF device after it is used", "", "the two lines are about different devices"),
    alike(
        "connections not forgotten",
        "put_up : forget",
        "they are forgotten once more when everything is there, and until then the guard is",
    ),
    alike("steps reordered", "$SCRATCH.changes", "notes are kept in either order before anything is changed"),
    alike(
        "family or name of a table",
        "*filter => *mangle",
        "the table mangle has the same hook, and the chain goes with its rules",
    ),
    alike("rule removed", " nop ", "the place that others go to, where the rule behind it is the next"),
    alike("rule removed", " goto ", "behind it are rules about other marks only"),
    alike("goto's target", "", "rules about other marks are passed until the same one"),
    alike("route's metric", "", "one route to a prefix in a table, whatever its metric"),
    alike(
        "prefix length of an element",
        "",
        "numbers of no host get a mark and end in the table of a network",
    ),
    alike(
        "number in a variable",
        "LOCAL='901' => LOCAL=''",
        "no host has a number that the gateway has in another network",
    ),
    alike(
        "number in a variable",
        "LOCAL='' => LOCAL='901'",
        "with VRF devices the own numbers are in their tables; the rule local comes behind rules about marks",
    ),
    unseen(
        "number in a variable",
        "LAST=999",
        "what is somebody else's is told from the site's by a wider range",
    ),
    unseen(
        "type or flags of a set",
        "",
        "nft refuses to load it, and the script tries that before it changes anything",
    ),
    unseen(
        "line of a ruleset's frame gone",
        "",
        "nft refuses to load it, and the script tries that before it changes anything",
    ),
    unseen("size of segments", "", "options of TCP are no part of a packet here"),
    unseen("log or its limit", "", "what is logged is no part of a packet"),
    unseen(
        "route's onlink gone",
        "",
        "ip-route(8) refuses a router that is on no link; which are is not asked",
    ),
    unseen("digest of connections", "", "which connections an update forgets"),
    unseen("known network gone", "", "which connections an update forgets"),
    unseen("known network's number or prefix", "", "which connections an update forgets"),
    unseen("known network's prefix gone", "", "which connections an update forgets"),
    unseen("network's name", "", "what status prints"),
    unseen("site's name or fingerprint", "", "by what a script knows itself again"),
    unseen("word in a variable", "IPV6=", "whether the script asks if the host can do IPv6"),
    unseen(
        "route removed",
        "routes_v6",
        "own packets to link-local numbers, and errors for hosts that call nobody",
    ),
    unseen(
        "route off by one bit",
        "routes_v6",
        "own packets to link-local numbers, and errors for hosts that call nobody",
    ),
    unseen(
        "route's device",
        "routes_v6",
        "own packets to link-local numbers, and errors for hosts that call nobody",
    ),
    unseen(
        "route's table",
        "routes_v6",
        "own packets to link-local numbers, and errors for hosts that call nobody",
    ),
    unseen(
        "return removed",
        "",
        "a number that stands for the gateway leads to the gateway of the sender's own network",
    ),
    unseen(
        "element removed",
        "ovl_own_zone",
        "own packets that leave by the interface and not the VRF device, as link-local ones",
    ),
    unseen(
        "zone made that of the next pair",
        "raw ovl-out",
        "own packets that leave by the interface and not the VRF device, as link-local ones",
    ),
    unseen(
        "zone of one direction only",
        "raw ovl-out",
        "own packets that leave by the interface and not the VRF device, as link-local ones",
    ),
    unseen(
        "rule of a zone gone",
        "raw ovl-out",
        "own packets that leave by the interface and not the VRF device, as link-local ones",
    ),
    alike("values of two elements swapped", "ovl_zone", "zones of two pairs, each still of one pair"),
    unseen(
        "zone made that of the next pair",
        "ovl_own_zone",
        "own packets that leave by the interface and not the VRF device, as link-local ones",
    ),
    unseen(
        "priority changed",
        "chain ovl_out",
        "own packets get no zone of their own then; only answers to them are looked at",
    ),
    alike("priority changed", "type nat", "nf_nat_proto.c: translations are looked up at a fixed place"),
    alike("priority changed", "chain ovl_forward", "nothing else is in the hook that changes what it asks"),
    open(
        "route's prefix length",
        "",
        "a wider route for the gateway's own errors leads numbers of no host there",
    ),
    open("zone made that of the next pair", "", "zones of pairs that have no connections in the family"),
    open("zone of one direction only", "", "zones of pairs that have no connections in the family"),
    open("rule of a zone gone", "", "zones of pairs that have no connections in the family"),
    open(
        "dnat to a prefix off by one bit",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "snat to a prefix off by one bit",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "source in a rule off by one bit",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "destination in a rule off by one bit",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "prefix length in a rule",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "values of two elements swapped",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open("element removed", "", "a second line of defence, or text of a family that the site does not use"),
    open(
        "mark off by one bit",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "mask with one bit more or less",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "xor of a mark gone",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open("rule deleted", "", "a second line of defence, or text of a family that the site does not use"),
    open(
        "rule in the next chain",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "drop turned into accept",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "accept turned into drop",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "goes to another chain",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open("hook changed", "", "a second line of defence, or text of a family that the site does not use"),
    open(
        "interfaces in and out swapped",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "interface of another network",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "source and destination swapped",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open("protocol changed", "", "a second line of defence, or text of a family that the site does not use"),
    open(
        "icmp type gone or changed",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "direction or state of a connection",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "comparison turned round",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "a condition of a rule gone",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "another map or set",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "copying of connection marks",
        "",
        "a second line of defence, or text of a family that the site does not use",
    ),
    open(
        "rule's table that of another",
        "",
        "another rule or step does the same for every packet that the proof sends",
    ),
    open(
        "rule's mark off by one bit",
        "",
        "another rule or step does the same for every packet that the proof sends",
    ),
    open("rule's mask", "", "another rule or step does the same for every packet that the proof sends"),
    open("rule removed", "", "a second line of defence, or text of a family that the site does not use"),
    open(
        "rule's condition gone",
        "",
        "another rule or step does the same for every packet that the proof sends",
    ),
    open(
        "rule's interface that of another network",
        "",
        "another rule or step does the same for every packet that the proof sends",
    ),
    open(
        "rule's iif and oif swapped",
        "",
        "another rule or step does the same for every packet that the proof sends",
    ),
    open("rule's action", "", "another rule or step does the same for every packet that the proof sends"),
    open("priority changed", "", "a second line of defence, or text of a family that the site does not use"),
    open("step doubled", "", "another rule or step does the same for every packet that the proof sends"),
    open("steps reordered", "", "another rule or step does the same for every packet that the proof sends"),
];
