//! Tokens, and the tables of every keyword and every sign the language knows.
//!
//! Goes in: nothing. Comes out: the vocabulary that lexer, parser and grammar share. What must
//! hold: the quoted terminals of `grammar/overlapc.ebnf` are exactly [`PUNCTUATION`] and [`KEYWORDS`].

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// A bare word without interpolation: `eth1.20`, `10.0.0.0/8`, `network`.
    Word,
    /// A quoted word without interpolation, quotes included.
    String,
    /// A word up to its first interpolation: `cell-{`, `"cell {`.
    Head,
    /// Between two interpolations of one word: `}.{`.
    Middle,
    /// A word after its last interpolation: `}`, `}-b`, `} b"`.
    Tail,
    /// `{` of a block.
    LeftBrace,
    /// `}` of a block.
    RightBrace,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `,`
    Comma,
    /// `=`
    Equals,
    /// `->`
    Arrow,
    /// `<->`
    BothWays,
    /// `..`
    DotDot,
    /// `+`
    Plus,
    /// `-` standing alone.
    Minus,
    /// `*` standing alone: an operator, or the pattern that every name matches.
    Star,
    /// `/` standing alone.
    Slash,
    /// `%`
    Percent,
    /// `;`
    Semicolon,
    /// A newline that ends a statement.
    Newline,
    /// Text that is no token; its finding is already made.
    Bad,
    /// The end of the file.
    End,
}

/// A token: its kind and the bytes it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Token {
    /// Its bytes in the file's text.
    #[must_use]
    pub fn text(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

/// Every sign with a fixed text.
pub const PUNCTUATION: &[(&str, TokenKind)] = &[
    ("{", TokenKind::LeftBrace),
    ("}", TokenKind::RightBrace),
    ("(", TokenKind::LeftParen),
    (")", TokenKind::RightParen),
    (",", TokenKind::Comma),
    ("=", TokenKind::Equals),
    ("->", TokenKind::Arrow),
    ("<->", TokenKind::BothWays),
    ("..", TokenKind::DotDot),
    ("+", TokenKind::Plus),
    ("-", TokenKind::Minus),
    ("*", TokenKind::Star),
    ("/", TokenKind::Slash),
    ("%", TokenKind::Percent),
    (";", TokenKind::Semicolon),
];

macro_rules! keywords {
    ($($name:ident $text:literal)*) => {
        /// A word with a meaning in some place of the grammar.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Keyword {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        /// Every keyword with its text.
        pub const KEYWORDS: &[(&str, Keyword)] = &[$(($text, Keyword::$name)),*];

        impl Keyword {
            /// The keyword as it is written.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The keyword that is written so.
            #[must_use]
            pub fn find(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

keywords! {
    Site "site"
    Gateway "gateway"
    Network "network"
    Connect "connect"
    Let "let"
    For "for"
    Include "include"
    Firewall "firewall"
    Isolation "isolation"
    Marks "marks"
    Preferences "preferences"
    Protocol "protocol"
    Address "address"
    Id "id"
    Interface "interface"
    Prefix "prefix"
    Route "route"
    Host "host"
    Nodes "nodes"
    Mss "mss"
    Allow "allow"
    Deny "deny"
    As "as"
    From "from"
    In "in"
    Limit "limit"
    Log "log"
    On "on"
    To "to"
    Via "via"
}

/// Whether a bare word joins the parts of a statement. Such a word is never a name or a value
/// unless it is quoted, so that `route via 10.0.0.1` is known to lack its prefix.
#[must_use]
pub fn is_connective(text: &str) -> bool {
    matches!(text, "as" | "for" | "from" | "in" | "limit" | "log" | "on" | "to" | "via")
}

/// A place that holds statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// A file, outside of any block.
    File,
    /// `for NAME in FIRST..LAST { ... }`
    For,
    /// `gateway { ... }`
    Gateway,
    /// `network NAME { ... }`
    Network,
    /// `connect A -> B { ... }`
    Connect,
}

impl Block {
    /// Every place, in the order in which a misplaced statement is looked for.
    pub const ALL: [Self; 5] = [Self::File, Self::Network, Self::Gateway, Self::Connect, Self::For];

    /// The keywords that begin a statement here.
    #[must_use]
    pub const fn keywords(self) -> &'static [Keyword] {
        match self {
            Self::File => &[
                Keyword::Site,
                Keyword::Gateway,
                Keyword::Network,
                Keyword::Connect,
                Keyword::Let,
                Keyword::For,
                Keyword::Include,
            ],
            Self::For => &[Keyword::Network, Keyword::Connect, Keyword::Let, Keyword::For],
            Self::Gateway => &[
                Keyword::Firewall,
                Keyword::Isolation,
                Keyword::Marks,
                Keyword::Preferences,
                Keyword::Protocol,
                Keyword::Address,
            ],
            Self::Network => &[
                Keyword::Id,
                Keyword::Interface,
                Keyword::Address,
                Keyword::Prefix,
                Keyword::Route,
                Keyword::Host,
                Keyword::Nodes,
                Keyword::Mss,
            ],
            Self::Connect => &[Keyword::Allow, Keyword::Deny],
        }
    }

    /// The place in words, to follow "belongs in" or "a statement of".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "the top level",
            Self::For => "a `for` block",
            Self::Gateway => "the `gateway` block",
            Self::Network => "a `network` block",
            Self::Connect => "the block of a `connect`",
        }
    }
}
