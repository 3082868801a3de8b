//! Findings about ids, packet marks, preferences and the protocol number.

use crate::diag::{Diagnostic, Finding, Label, code};
use crate::source::Span;

/// What can be written for an id.
pub enum Instead {
    /// An id that nothing uses.
    Id(u16),
    /// Inside a `for`: a formula that makes ids which nothing uses, if one is known.
    Computed(Option<String>),
    /// Nothing is known to be free.
    Nothing,
}

impl Instead {
    fn of(self, found: Diagnostic) -> Diagnostic {
        match self {
            Self::Id(free) => found.help(format!("use another id, {free} is free")),
            Self::Computed(Some(formula)) => found.help(format!(
                "leave `id` out, and each network gets a free one; or use others, like `{formula}`"
            )),
            Self::Computed(None) => found.help("leave `id` out, and each network gets a free one"),
            Self::Nothing => found,
        }
    }
}

/// Two networks with one explicit id.
pub struct DuplicateId<'a> {
    /// The id.
    pub id: u64,
    /// The later statement and its network.
    pub here: (Span, &'a str),
    /// The earlier statement, its network, and the instance of a `for` that this is.
    pub earlier: (Span, &'a str, Option<&'a str>),
    /// What to use.
    pub instead: Instead,
}

impl Finding for DuplicateId<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { id, here, earlier, instead } = self;
        let found = Diagnostic::new(
            code::DUPLICATE_ID,
            format!("id {id} of network `{}` is taken by network `{}`", here.1, earlier.1),
            Label::new(here.0, "taken"),
        )
        .label_of(earlier.0, format!("`{}` has it", earlier.1), earlier.2)
        .note("the id is the network's routing table and part of its conntrack zones, so each needs its own");
        instead.of(found)
    }
}

/// An id that is no conntrack zone and table number.
pub struct IdOutOfRange<'a> {
    /// The id; `None` where no number is left for a network without an explicit one.
    pub id: Option<u64>,
    /// Where.
    pub span: Span,
    /// The network.
    pub network: &'a str,
}

impl Finding for IdOutOfRange<'_> {
    fn diagnostic(self) -> Diagnostic {
        let (title, label) = match self.id {
            Some(id) => {
                let label = if id == 0 { "below 1" } else { "above 65535" };
                (format!("id {id} of network `{}` is out of range", self.network), label)
            }
            None => (format!("no id is left for network `{}`", self.network), "needs an id"),
        };
        Diagnostic::new(code::ID_OUT_OF_RANGE, title, Label::new(self.span, label))
            .note("conntrack zones are made from ids and have 16 bits, and zone 0 is everybody else's")
            .help("use an id from 1 to 65535")
    }
}

/// An id that is one of the kernel's own routing tables.
pub struct ReservedId<'a> {
    /// The id.
    pub id: u64,
    /// Where.
    pub span: Span,
    /// The network.
    pub network: &'a str,
    /// What to use.
    pub instead: Instead,
}

impl Finding for ReservedId<'_> {
    fn diagnostic(self) -> Diagnostic {
        let table = match self.id {
            253 => "default",
            254 => "main",
            _ => "local",
        };
        let found = Diagnostic::new(
            code::RESERVED_ID,
            format!("id {} of network `{}` is the kernel's routing table `{table}`", self.id, self.network),
            Label::new(self.span, format!("table `{table}`")),
        )
        .note("a network's routes go into the table of its id, so these would mix with the gateway's own");
        self.instead.of(found)
    }
}

/// Declared mark bits that cannot carry two network ids.
pub struct TooFewMarkBits {
    /// The declared mask.
    pub mask: u32,
    /// Where.
    pub span: Span,
    /// The largest id of the site.
    pub largest: u16,
    /// Bits of one id.
    pub width: u8,
    /// A mask that would do.
    pub enough: u32,
}

impl Finding for TooFewMarkBits {
    fn diagnostic(self) -> Diagnostic {
        let Self { mask, span, largest, width, enough } = self;
        Diagnostic::new(
            code::TOO_FEW_MARK_BITS,
            format!("mark bits {mask:#010x} are too few for ids up to {largest}"),
            Label::new(span, format!("two runs of {width} adjacent bits are needed")),
        )
        .note(format!(
            "a packet's mark carries the id of the network it came from and of the one it goes to, \
             and the largest id is {largest}, which has {width} bits"
        ))
        .fix(
            format!("allow `{enough:#010x}`, or give the networks smaller ids"),
            span,
            format!("{enough:#010x}"),
        )
    }
}

/// A mask that is no packet mark.
pub struct MarkOutOfRange {
    /// The value.
    pub mask: u64,
    /// Where.
    pub span: Span,
}

impl Finding for MarkOutOfRange {
    fn diagnostic(self) -> Diagnostic {
        let label = if self.mask == 0 { "no bit is left" } else { "more than 32 bits" };
        Diagnostic::new(
            code::MARK_OUT_OF_RANGE,
            format!("`{:#x}` is not a mask of packet mark bits", self.mask),
            Label::new(self.span, label),
        )
        .note("a packet's mark has 32 bits")
        .help("use a mask from 0x1 to 0xffffffff")
    }
}

/// Preferences that cannot hold the site's rules where they have to stand.
pub struct PreferenceOutOfRange {
    /// First and last.
    pub range: (u64, u64),
    /// Where.
    pub span: Span,
}

impl Finding for PreferenceOutOfRange {
    fn diagnostic(self) -> Diagnostic {
        let (first, last) = self.range;
        let found = |label: &str| {
            Diagnostic::new(
                code::PREFERENCE_OUT_OF_RANGE,
                format!("rule preferences {first}..{last} cannot be used"),
                Label::new(self.span, label),
            )
        };
        if first > last {
            return found("the first is behind the last")
                .help(format!("write the smaller one first: `preferences {last}..{first}`"));
        }
        if first == 0 {
            return found("0 is the kernel's rule for its `local` table")
                .note("rules are tried in the order of their preferences, and no rule comes before that one")
                .help("begin at 1 or above");
        }
        found("at or behind the l3mdev rule")
            .note(
                "the kernel's l3mdev rule stands at preference 1000 and answers for every packet of a VRF: \
                 a rule at or behind it is never reached",
            )
            .help("end at 999 or below, like the default `preferences 100..999`")
    }
}

/// A range of preferences that is too short.
pub struct TooFewPreferences {
    /// First and last.
    pub range: (u64, u64),
    /// Where.
    pub span: Span,
    /// How many are needed.
    pub needed: u64,
}

impl Finding for TooFewPreferences {
    fn diagnostic(self) -> Diagnostic {
        let (first, last) = self.range;
        let count = last - first + 1;
        Diagnostic::new(
            code::TOO_FEW_PREFERENCES,
            format!("rule preferences {first}..{last} are too few"),
            Label::new(self.span, format!("{count} of the {} that are needed", self.needed)),
        )
        .note("the rules that choose a network's routing table form a tree, one preference a level and more around it")
        .help(format!("leave room for {} preferences, like the default `preferences 100..999`", self.needed))
    }
}

/// A routing protocol number that is not the site's to use.
pub struct ProtocolOutOfRange {
    /// The number.
    pub protocol: u64,
    /// Who uses it; `None` where it is none at all.
    pub owner: Option<&'static str>,
    /// Where.
    pub span: Span,
}

impl Finding for ProtocolOutOfRange {
    fn diagnostic(self) -> Diagnostic {
        let Self { protocol, owner, span } = self;
        let (title, label) = match owner {
            Some(owner) => {
                (format!("routing protocol {protocol} belongs to `{owner}`"), format!("`{owner}` uses it"))
            }
            None => {
                (format!("routing protocol {protocol} is out of range"), String::from("not within 5 to 255"))
            }
        };
        Diagnostic::new(code::PROTOCOL_OUT_OF_RANGE, title, Label::new(span, label))
            .note("the number marks the rules and routes of this site, and everything that carries it is removed by `down`")
            .help("use a number from 5 to 255 that nothing else on the gateway uses, like the default 77")
    }
}

/// A largest packet that no link of that family has.
pub struct PacketSizeOutOfRange<'a> {
    /// The size in bytes.
    pub size: u64,
    /// Where.
    pub span: Span,
    /// The network.
    pub network: &'a str,
    /// The least that links of its families must carry.
    pub least: u64,
}

impl Finding for PacketSizeOutOfRange<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { size, span, network, least } = self;
        let (label, note) = if size < least {
            let note = if least == 576 {
                "every IPv4 host takes packets of 576 bytes (RFC 791)"
            } else {
                "every link carries IPv6 packets of 1280 bytes (RFC 8200), and the network has an IPv6 prefix"
            };
            (format!("below {least}"), note)
        } else {
            (String::from("above 65535"), "no IP packet is longer than 65535 bytes")
        };
        let title = format!("`mss clamp {size}` of network `{network}` is out of range");
        Diagnostic::new(code::PACKET_SIZE_OUT_OF_RANGE, title, Label::new(span, label)).note(note).help(
            format!(
                "say how long the longest packet on the way to the hosts may be, from {least} to 65535, \
                 like `mss clamp 1420`"
            ),
        )
    }
}

/// A pair of networks that no conntrack zone is left for.
pub struct NoZoneLeft<'a> {
    /// The two networks.
    pub networks: (&'a str, &'a str),
    /// The zone that their ids give, which a pair has whose connections could be taken for theirs;
    /// `None` where one of the two is masqueraded, and another pair like that has the same numbers.
    pub zone: Option<u16>,
    /// A `connect` of the two.
    pub span: Span,
}

impl Finding for NoZoneLeft<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { networks: (a, b), zone, span } = self;
        let title = format!("no conntrack zone is left for networks `{a}` and `{b}`");
        let Some(zone) = zone else {
            return Diagnostic::new(
                code::NO_ZONE_LEFT,
                title,
                Label::new(span, "what is opened here looks like what is opened to another masqueraded network"),
            )
            .note("connections to masqueraded hosts from networks with equal numbers have a zone for the answers alone")
            .help("give the masqueraded network an alias that means it alone");
        };
        Diagnostic::new(
            code::NO_ZONE_LEFT,
            title,
            Label::new(span, format!("zone {zone} would be theirs, which another pair needs")),
        )
        .note(
            "one of the two is known by an alias that means another network to others, so that only the zone \
             tells connections apart, and all 65535 are in use",
        )
        .help("give it an alias that is for all others, or connect fewer pairs of networks")
    }
}

/// OVL0411: no zone is left for what comes from a network and is of no pair.
#[derive(Debug)]
pub struct NoOwnZoneLeft<'a> {
    /// The network.
    pub network: &'a str,
    /// Its name.
    pub span: Span,
}

impl Finding for NoOwnZoneLeft<'_> {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic::new(
            code::NO_ZONE_LEFT,
            format!("no conntrack zone is left for the gateway's own traffic with network `{}`", self.network),
            Label::new(self.span, "its own traffic needs a zone that no two networks have"),
        )
        .note(
            "of the 65535 zones one is taken by each difference (xor) of the ids of two networks that are connected, \
             one by each id, and one by the gateway's own traffic with each network",
        )
        .help("give the networks ids that are close together, or divide the site between two gateways")
    }
}
