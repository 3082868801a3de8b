//! A packet filter as it was written, whoever wrote it: chains of rules, each a list of steps.
//!
//! Comes out of [`super::nft`] and [`super::iptables`]. What must hold: every name is resolved, every set is
//! written out where it is asked, and nothing that was written is left out.

use std::collections::BTreeMap;

use ipnet::IpNet;

/// All chains of one reading; those that a hook calls say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The chains; steps name others by their place here.
    pub chains: Vec<Chain>,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The table that it is in, as it is written: `inet ovl`, `nat`.
    pub table: String,
    /// Its name.
    pub name: String,
    /// How the kernel calls it; nothing where only other chains do.
    pub base: Option<Base>,
    /// In order.
    pub rules: Vec<Rule>,
}

/// How the kernel calls a chain: nft(8), CHAINS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// Where.
    pub hook: Hook,
    /// When, among those of the same hook: lower ones first.
    pub priority: i32,
    /// Whether for the first packet of a connection alone, to translate it.
    pub nat: bool,
    /// Whether a packet that no rule decides about goes on.
    pub accepts: bool,
    /// The families whose packets it sees.
    pub families: Families,
}

/// Address families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    /// IPv4.
    pub v4: bool,
    /// IPv6.
    pub v6: bool,
}

/// The places of netfilter where a packet of IP can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// As it arrives, before routing.
    Prerouting,
    /// For this host.
    Input,
    /// For somebody else.
    Forward,
    /// From this host.
    Output,
    /// As it leaves, after routing.
    Postrouting,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The line where it begins, from 1.
    pub line: usize,
    /// Its comment, which says from where in the source it comes.
    pub comment: Option<String>,
    /// In order: a match that fails ends the rule, and a verdict does.
    pub steps: Vec<Step>,
}

/// A part of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Goes on only if this is so.
    Match(Match),
    /// Changes something.
    Action(Action),
    /// Ends the rule.
    Verdict(Verdict),
    /// Ends the rule if the fields are in the map.
    Dispatch(Dispatch),
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Leaves this base chain for the next one.
    Accept,
    /// Is gone.
    Drop,
    /// Is gone, and the sender is told.
    Reject(Refusal),
    /// Back to the chain that called, or to the policy.
    Return,
    /// To another chain, and back.
    Jump(usize),
    /// To another chain, and from there to whoever called this one.
    Goto(usize),
}

/// What a sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// ICMP destination unreachable, communication administratively prohibited (RFC 1812, RFC 4443).
    Prohibited,
    /// ICMP destination unreachable, port unreachable.
    Port,
}

/// A field is, or is not, one of some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which.
    pub field: Field,
    /// Whether it must not be one of them.
    pub negated: bool,
    /// Which values.
    pub values: Values,
}

/// What can be asked of a packet. Fields that a packet does not have are none of any values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The interface that it came in by: names.
    In,
    /// The interface that it leaves by: names.
    Out,
    /// 4 or 6.
    Family,
    /// The source address, of IPv4 packets.
    Source4,
    /// The source address, of IPv6 packets.
    Source6,
    /// The destination address, of IPv4 packets.
    Destination4,
    /// The destination address, of IPv6 packets.
    Destination6,
    /// The protocol above IP.
    Protocol,
    /// The source port of TCP, UDP, SCTP and their like.
    SourcePort,
    /// The destination port.
    DestinationPort,
    /// The type of an ICMP message.
    Icmp4Type,
    /// The type of an ICMPv6 message.
    Icmp6Type,
    /// The packet mark, of which these bits count.
    Mark(u32),
    /// The connection mark, of which these bits count.
    ConnectionMark(u32),
    /// 0 in the direction of the first packet, 1 in the other.
    Direction,
    /// The state of the connection, as the bits of [`State`].
    State,
    /// The flags of TCP, of which these bits count.
    TcpFlags(u8),
    /// The network whose connections a packet's are kept apart from.
    Zone,
}

/// Bits of [`Field::State`]: nf_conntrack(5) calls them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The first packet, or more before any answer.
    New = 1,
    /// Both directions were seen.
    Established = 2,
    /// An error about a known connection.
    Related = 4,
    /// None of these.
    Invalid = 8,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// From, to, both included: disjoint and in order.
    Ranges(Vec<(u128, u128)>),
    /// Names of interfaces.
    Names(Vec<Name>),
}

/// The name of an interface, or how such names begin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// What it is, or begins with.
    pub text: String,
    /// Whether anything may follow.
    pub open: bool,
}

/// What a rule changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The packet mark.
    Mark(Bits),
    /// The connection mark.
    ConnectionMark(Bits),
    /// These bits of the packet mark become those of the connection mark.
    RestoreMark {
        /// Bits of the packet mark that are changed.
        mark: u32,
        /// Bits of the connection mark that are taken.
        connection: u32,
    },
    /// The zone of a packet that is in none yet.
    Zone {
        /// Of which of its directions; both where nothing is said.
        direction: Option<Way>,
        /// Which one.
        zone: Zone,
    },
    /// The destination of a connection becomes another.
    Destination(Translation),
    /// The source of a connection becomes another.
    Source(Translation),
    /// The source of a connection becomes the gateway's own on the interface it leaves by.
    Masquerade,
    /// TCP's handshakes announce no larger segments than this.
    Segments(Segments),
    /// A line in a log.
    Log(String),
    /// Goes on only as often as that.
    Limit {
        /// So many packets in a row.
        burst: u32,
        /// And then so many
        count: u32,
        /// in this many seconds.
        seconds: u32,
    },
}

/// How the bits of a mark change: it is and'ed, then xor'ed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Bits that are kept.
    pub and: u32,
    /// Bits that are turned.
    pub xor: u32,
}

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// That of the first packet.
    Original,
    /// That of the answers.
    Reply,
}

/// Which zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zone {
    /// This one.
    Is(u16),
    /// That of a number: the bits of the mark; none where it is not in the map.
    ByMark(u32, BTreeMap<u32, u16>),
    /// That of the interface it leaves by; none where it is not in the map.
    ByOut(BTreeMap<String, u16>),
    /// The low 16 bits of the mark.
    Mark,
}

/// Where an address is moved. Where the field is in no range, the rule ends there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The field that says where to.
    pub by: Field,
    /// From, to, both included, and the prefix that the address is moved to; its host bits stay.
    pub to: Vec<((u128, u128), IpNet)>,
}

/// The largest segments of TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// So many bytes.
    Bytes(u16),
    /// What the route's MTU leaves room for.
    Route,
}

/// What to do by the values of some fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// Which fields.
    pub fields: Vec<Field>,
    /// Values of each, and what then; no two fit one packet.
    pub cases: Vec<(Vec<Values>, Verdict)>,
}
