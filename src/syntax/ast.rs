//! The tree the parser makes: every node has its span, names are still text, values are still
//! expressions. Nothing here is checked beyond its form; [`crate::resolve`] gives it meaning.
//! A part that did not parse is [`Item::Error`] or left out of its block: the finding is already made.

use crate::source::{Span, Spanned};

/// One file's items, in source order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// The items.
    pub items: Vec<Item>,
}

/// A declaration at the top of a file, or inside a `for`.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `site NAME`
    Site(Word),
    /// `gateway NAME { ... }`
    Gateway(Gateway),
    /// `network NAME { ... }`
    Network(Network),
    /// `connect A -> B`, `connect A <-> B`, with or without a block of rules.
    Connect(Connect),
    /// `let NAME = EXPR`
    Let(Let),
    /// `for NAME in FIRST..LAST { ... }`; both ends belong to it.
    For(For),
    /// `include "FILE"`. The parser of several files replaces it by [`Item::Included`].
    Include(Word),
    /// The items of an included file, at the place of its `include`.
    Included(File),
    /// Something that did not parse.
    Error(Span),
}

/// Bare or quoted text with interpolations: `eth1.{100 + n}`, `"a b"`, `cell-*`.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// The whole word, quotes included.
    pub span: Span,
    /// Its pieces in order; a word without interpolation is one [`Part::Text`] (or none, for `""`).
    pub parts: Vec<Part>,
    /// Whether it was in double quotes; a quoted word is never a name of a `let` or `for`.
    pub quoted: bool,
}

/// A piece of a [`Word`].
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// `{expr}`
    Expr(Expr),
}

/// A value still to be computed: an integer, a prefix or an address.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A literal (`100`, `0xff`, `10.0.0.0/8`) or the name of a `let` or `for` variable.
    Word(Word),
    /// `left OP right`; the operators stand between blanks, because words may hold `-`, `/` and `*`.
    Binary {
        /// The operator.
        operator: Spanned<Operator>,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `name(arg, ...)`: `subnet(pool, length, index)`, `host(prefix, index)`.
    Call {
        /// The function's name.
        name: Spanned<String>,
        /// The arguments.
        arguments: Vec<Expr>,
        /// From the name to the closing parenthesis.
        span: Span,
    },
    /// `(expr)`, with the parentheses in the span.
    Group(Box<Expr>, Span),
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl Expr {
    /// Where the expression stands.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Word(word) => word.span,
            Self::Binary { left, right, .. } => left.span().to(right.span()),
            Self::Call { span, .. } | Self::Group(_, span) => *span,
        }
    }
}

/// `let NAME = EXPR`
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// The name.
    pub name: Spanned<String>,
    /// Its value.
    pub value: Expr,
    /// The whole statement.
    pub span: Span,
}

/// `for NAME in FIRST..LAST { items }`
#[derive(Clone, Debug, PartialEq)]
pub struct For {
    /// The variable.
    pub name: Spanned<String>,
    /// First value.
    pub first: Expr,
    /// Last value, included.
    pub last: Expr,
    /// What is repeated.
    pub items: Vec<Item>,
    /// From `for` to `LAST`.
    pub span: Span,
}

/// `gateway NAME { statements }`; the name may be left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    /// The keyword `gateway`.
    pub keyword: Span,
    /// The host's name.
    pub name: Option<Word>,
    /// The statements in source order.
    pub statements: Vec<GatewayStatement>,
}

/// A statement inside `gateway`; each carries its whole span.
#[derive(Clone, Debug, PartialEq)]
pub enum GatewayStatement {
    /// `firewall nftables` or `firewall iptables`
    Firewall(Word, Span),
    /// `isolation vrf` or `isolation rules`
    Isolation(Word, Span),
    /// `marks MASK`
    Marks(Expr, Span),
    /// `preferences FIRST..LAST`
    Preferences(Expr, Expr, Span),
    /// `protocol NUMBER`
    Protocol(Expr, Span),
    /// `address ADDRESS/LENGTH on INTERFACE`
    Address(Expr, Word, Span),
}

/// `network NAME { statements }`
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The keyword `network`.
    pub keyword: Span,
    /// The network's name.
    pub name: Word,
    /// The statements in source order.
    pub statements: Vec<NetworkStatement>,
}

/// A statement inside `network`; each carries its whole span.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkStatement {
    /// `id NUMBER`
    Id(Expr, Span),
    /// `interface NAME`
    Interface(Word, Span),
    /// `address ADDRESS/LENGTH`
    Address(Expr, Span),
    /// `prefix REAL` or `prefix REAL as ALIAS, ALIAS for NETWORK`
    Prefix(Expr, Vec<Alias>, Span),
    /// `route PREFIX via ROUTER`
    Route(Expr, Expr, Span),
    /// `host NAME ADDRESS`
    Host(Word, Expr, Span),
    /// `nodes routed` or `nodes masqueraded`
    Nodes(Word, Span),
    /// `mss clamp` or `mss clamp BYTES`
    Mss(Word, Option<Expr>, Span),
}

/// `ALIAS` or `ALIAS for NETWORK` in a `prefix` statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// The numbers by which others know the hosts.
    pub net: Expr,
    /// Network name or pattern of those who know them by it; all that no other alias names where
    /// nothing is said.
    pub viewers: Option<Word>,
    /// The whole alias.
    pub span: Span,
}

/// `connect LEFT -> RIGHT { rules }`
#[derive(Clone, Debug, PartialEq)]
pub struct Connect {
    /// Network name or pattern that opens connections (either side, with `<->`).
    pub left: Word,
    /// `->` or `<->`.
    pub direction: Spanned<Direction>,
    /// Network name or pattern.
    pub right: Word,
    /// The allow and deny rules; `None` where there is no block.
    pub rules: Option<Vec<Rule>>,
    /// From `connect` to the right name.
    pub span: Span,
}

/// Who may open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `->`: the left network alone.
    Forward,
    /// `<->`: both.
    Both,
}

/// `allow ...` or `deny ...` inside a connect block.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// `allow` or `deny`.
    pub action: Spanned<Action>,
    /// `tcp`, `icmp`, `gre`, `253`, `any`; `None` where nothing was written.
    pub protocol: Option<Word>,
    /// Ports, port ranges, or ICMP type names: `102, 502`, `30000-30100`.
    pub items: Vec<Word>,
    /// `from HOST, PREFIX, ...`
    pub from: Vec<Expr>,
    /// `to HOST, PREFIX, ...`
    pub to: Vec<Expr>,
    /// `log "WORDS" limit RATE`
    pub log: Option<Log>,
    /// The whole rule.
    pub span: Span,
}

/// `log "WORDS" limit RATE`; both parts may be left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// What stands before each logged packet.
    pub words: Option<Word>,
    /// How many packets are logged in which time: `10/minute`.
    pub limit: Option<Word>,
    /// From `log` to its end.
    pub span: Span,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `allow`
    Allow,
    /// `deny`
    Deny,
}
