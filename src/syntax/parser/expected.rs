//! What a parser waited for, and how that is said.
//!
//! Goes in: the single expectations of the productions. Comes out: a set of one machine word, so
//! that a failed alternative costs no allocation, and its wording once a finding is made.

use crate::syntax::token::{Keyword, TokenKind};

macro_rules! expectations {
    ($($name:ident $words:literal)*) => {
        /// One thing that would have been right.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Expected {
            $($name,)*
        }

        /// Every expectation with its wording, in the order in which they are listed.
        const WORDS: &[(Expected, &str)] = &[$((Expected::$name, $words)),*];
    };
}

expectations! {
    Statement "a statement"
    Word "a word"
    Name "a name"
    SiteName "the name of the site"
    NetworkName "a network name"
    Pattern "a network name or pattern"
    HostName "a host name"
    InterfaceName "an interface name"
    FileName "a file name"
    Firewall "`nftables` or `iptables`"
    Isolation "`vrf` or `rules`"
    Nodes "`routed` or `masqueraded`"
    Mss "`clamp`"
    Protocol "a protocol"
    Port "a port or type"
    LogPrefix "a log prefix"
    Rate "a rate"
    Value "a value"
    Number "a number"
    Mask "a mask"
    Address "an address"
    Prefix "a prefix"
    Operator "an operator"
    Equals "`=`"
    DotDot "`..`"
    Direction "`->` or `<->`"
    Comma "`,`"
    RightParen "`)`"
    As "`as`"
    For "`for`"
    From "`from`"
    In "`in`"
    Limit "`limit`"
    Log "`log`"
    On "`on`"
    To "`to`"
    Via "`via`"
    LeftBrace "`{`"
    RightBrace "`}`"
    End "the end of the line"
}

/// The expectation of each word that joins the parts of a statement.
const CONNECTIVES: &[(Keyword, Expected)] = &[
    (Keyword::As, Expected::As),
    (Keyword::For, Expected::For),
    (Keyword::From, Expected::From),
    (Keyword::In, Expected::In),
    (Keyword::Limit, Expected::Limit),
    (Keyword::Log, Expected::Log),
    (Keyword::On, Expected::On),
    (Keyword::To, Expected::To),
    (Keyword::Via, Expected::Via),
];

impl Expected {
    /// The expectation of a sign with a fixed text.
    pub(super) const fn sign(kind: TokenKind) -> Self {
        match kind {
            TokenKind::LeftBrace => Self::LeftBrace,
            TokenKind::RightBrace => Self::RightBrace,
            TokenKind::RightParen => Self::RightParen,
            TokenKind::Comma => Self::Comma,
            TokenKind::Equals => Self::Equals,
            TokenKind::DotDot => Self::DotDot,
            _ => Self::Word,
        }
    }

    /// The expectation of a word that joins the parts of a statement.
    pub(super) fn connective(keyword: Keyword) -> Self {
        CONNECTIVES
            .iter()
            .find(|(known, _)| *known == keyword)
            .map_or(Self::Statement, |(_, expected)| *expected)
    }
}

/// Any number of expectations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expectations(u64);

impl From<Expected> for Expectations {
    fn from(expected: Expected) -> Self {
        Self(1 << (expected as u32))
    }
}

impl Expectations {
    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn has(self, expected: Expected) -> bool {
        self.0 & Self::from(expected).0 != 0
    }

    /// Whether a name that somebody chose would have been right.
    pub(super) fn has_name(self) -> bool {
        [
            Expected::Name,
            Expected::SiteName,
            Expected::NetworkName,
            Expected::Pattern,
            Expected::HostName,
            Expected::InterfaceName,
        ]
        .into_iter()
        .any(|name| self.has(name))
    }

    /// The keywords in the set.
    pub(super) fn connectives(self) -> impl Iterator<Item = &'static str> {
        CONNECTIVES.iter().filter(move |(_, expected)| self.has(*expected)).map(|(keyword, _)| keyword.text())
    }

    /// `a`, `a or b`, `a, b or c`.
    pub(super) fn words(self) -> String {
        let mut words: Vec<&str> =
            WORDS.iter().filter(|(expected, _)| self.has(*expected)).map(|(_, words)| *words).collect();
        match words.pop() {
            None => "something else".to_owned(),
            Some(last) if words.is_empty() => last.to_owned(),
            Some(last) => format!("{} or {last}", words.join(", ")),
        }
    }
}
