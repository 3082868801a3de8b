//! The findings of resolve, one struct a code: names, values and statements (OVL02xx), and what
//! `connect` says twice or of one network alone (OVL0408, OVL0409).

use super::meant::Meant;
use crate::diag::{Diagnostic, Finding, Label, code};
use crate::source::{Span, Spanned};

/// A bare word that looks like a name, but none has it.
pub(super) struct UnknownName<'a> {
    pub(super) name: &'a str,
    pub(super) span: Span,
    pub(super) similar: Option<Meant>,
}

impl Finding for UnknownName<'_> {
    fn diagnostic(self) -> Diagnostic {
        let label = Label::new(self.span, "no `let` or `for` gives it a value");
        let found = Diagnostic::new(code::UNKNOWN_NAME, format!("unknown name `{}`", self.name), label);
        did_you_mean(found, self.similar)
    }
}

/// A name in `connect` that no network has.
pub(super) struct UnknownNetwork<'a> {
    pub(super) name: &'a str,
    pub(super) span: Span,
    pub(super) similar: Option<Meant>,
}

impl Finding for UnknownNetwork<'_> {
    fn diagnostic(self) -> Diagnostic {
        let label = Label::new(self.span, "no network has this name");
        let found = Diagnostic::new(code::UNKNOWN_NETWORK, format!("unknown network `{}`", self.name), label);
        did_you_mean(found, self.similar)
    }
}

fn did_you_mean(found: Diagnostic, similar: Option<Meant>) -> Diagnostic {
    match similar {
        Some(similar) => similar.ask(found),
        None => found,
    }
}

/// Two of a kind with one name.
pub(super) struct DuplicateName<'a> {
    /// `network`, `host` or `name`.
    pub(super) what: &'static str,
    pub(super) name: &'a str,
    pub(super) here: Span,
    pub(super) earlier: Span,
}

impl Finding for DuplicateName<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { what, name, here, earlier } = self;
        let found = Diagnostic::new(
            code::DUPLICATE_NAME,
            format!("{what} `{name}` is declared twice"),
            Label::new(here, "declared again"),
        );
        if here == earlier {
            return found.help("use the variable of the `for` in the name, like `cell-{n}`");
        }
        found.label(earlier, "first declared here").help("give one of them another name")
    }
}

/// Text that is no name.
pub(super) struct InvalidName<'a> {
    /// `network`, `host`, `site`, `gateway` or `name`.
    pub(super) what: &'static str,
    pub(super) name: &'a str,
    pub(super) span: Span,
    pub(super) fault: String,
    /// Name and value the right way round, and the place of both, where they stand the other way.
    pub(super) swapped: Option<(Span, String)>,
}

impl Finding for InvalidName<'_> {
    fn diagnostic(self) -> Diagnostic {
        let title = format!("`{}` cannot be the name of a {}", self.name.escape_debug(), self.what);
        let found = Diagnostic::new(code::INVALID_NAME, title, Label::new(self.span, self.fault));
        if let Some((both, meant)) = self.swapped {
            return found.fix(format!("the name stands first: `{meant}`"), both, meant);
        }
        found
            .note("names become part of the names of chains, sets and devices")
            .help("use up to 63 letters, digits, `-` and `_`, beginning with a letter or a digit")
    }
}

/// A value of another kind than its place needs.
pub(super) struct WrongKind {
    /// What the place needs, with its article.
    pub(super) expected: &'static str,
    /// What stands there: the kind with its article, or nothing where it is no value at all.
    pub(super) found: Option<&'static str>,
    /// The value as it reads.
    pub(super) value: String,
    pub(super) span: Span,
    /// What is wrong here.
    pub(super) fault: String,
    pub(super) help: Option<String>,
}

impl Finding for WrongKind {
    fn diagnostic(self) -> Diagnostic {
        let title = match self.found {
            Some(kind) => {
                format!("expected {}, found {kind}: `{}`", self.expected, self.value.escape_debug())
            }
            None => format!("`{}` is not {}", self.value.escape_debug(), self.expected),
        };
        let found = Diagnostic::new(code::WRONG_KIND, title, Label::new(self.span, self.fault));
        match self.help {
            Some(help) => found.help(help),
            None => found,
        }
    }
}

/// A computation that has no usable result.
pub(super) struct Arithmetic {
    pub(super) title: String,
    pub(super) span: Span,
    pub(super) fault: String,
}

impl Finding for Arithmetic {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic::new(code::ARITHMETIC, self.title, Label::new(self.span, self.fault))
    }
}

/// A word whose text is longer than any that is of use.
pub(super) struct LongWord {
    pub(super) span: Span,
    /// How many bytes there may be.
    pub(super) limit: usize,
}

impl Finding for LongWord {
    fn diagnostic(self) -> Diagnostic {
        let title = format!("a text of more than {} bytes", self.limit);
        Diagnostic::new(code::ARITHMETIC, title, Label::new(self.span, "longer than anything it is used for"))
            .help("shorten it, or what its `{}` stand for")
    }
}

/// A function that does not exist, or arguments it cannot work with.
pub(super) struct BadCall {
    pub(super) title: String,
    pub(super) span: Span,
    pub(super) fault: String,
    pub(super) help: Option<String>,
}

impl Finding for BadCall {
    fn diagnostic(self) -> Diagnostic {
        let found = Diagnostic::new(code::BAD_CALL, self.title, Label::new(self.span, self.fault));
        match self.help {
            Some(help) => found.help(help),
            None => found,
        }
    }
}

/// A `for` over nothing or over too much.
pub(super) struct BadRange {
    pub(super) title: String,
    pub(super) span: Span,
    pub(super) fault: String,
    pub(super) help: &'static str,
}

impl Finding for BadRange {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic::new(code::BAD_RANGE, self.title, Label::new(self.span, self.fault)).help(self.help)
    }
}

/// A pattern in `connect` that no network's name matches.
pub(super) struct PatternMatchesNothing<'a> {
    pub(super) pattern: &'a str,
    pub(super) span: Span,
}

impl Finding for PatternMatchesNothing<'_> {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic::new(
            code::PATTERN_MATCHES_NOTHING,
            format!("no network matches `{}`", self.pattern),
            Label::new(self.span, "matches no name"),
        )
        .note("`*` stands for any characters, also for none")
        .help("correct the pattern, or declare the networks it is for")
    }
}

/// A statement that can stand once in its block.
pub(super) struct RepeatedStatement {
    pub(super) keyword: &'static str,
    /// The block it is repeated in, like "network `a`".
    pub(super) block: String,
    pub(super) here: Span,
    pub(super) earlier: Span,
}

impl Finding for RepeatedStatement {
    fn diagnostic(self) -> Diagnostic {
        let Self { keyword, block, here, earlier } = self;
        let found = Diagnostic::new(
            code::REPEATED_STATEMENT,
            format!("`{keyword}` is said twice in {block}"),
            Label::new(here, "said again"),
        );
        if here == earlier {
            return found.help("move it out of the `for`");
        }
        found.label(earlier, "first said here").help("keep one of them")
    }
}

/// A network without a statement it cannot do without.
pub(super) struct MissingStatement<'a> {
    pub(super) keyword: &'static str,
    pub(super) network: &'a str,
    pub(super) span: Span,
    pub(super) help: &'static str,
}

impl Finding for MissingStatement<'_> {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic::new(
            code::MISSING_STATEMENT,
            format!("network `{}` has no `{}`", self.network, self.keyword),
            Label::new(self.span, format!("`{}` is missing", self.keyword)),
        )
        .help(self.help)
    }
}

/// A network that no `connect` names.
pub(super) struct UnusedNetwork<'a> {
    pub(super) network: &'a str,
    pub(super) span: Span,
}

impl Finding for UnusedNetwork<'_> {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic::new(
            code::UNUSED_NETWORK,
            format!("network `{}` takes part in no `connect`", self.network),
            Label::new(self.span, "connected to nothing"),
        )
        .note("without a `connect` none of its packets passes the gateway")
        .help("connect it, or remove it")
    }
}

/// A `let` that nothing uses.
pub(super) struct UnusedName<'a> {
    pub(super) name: &'a Spanned<String>,
}

impl Finding for UnusedName<'_> {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic::new(
            code::UNUSED_NAME,
            format!("`{}` is never used", self.name.value),
            Label::new(self.name.span, "never used"),
        )
        .help("use it, or remove the `let`")
    }
}

/// A word that is none of the choices of its statement.
pub(super) struct UnknownChoice<'a> {
    pub(super) keyword: &'static str,
    pub(super) word: &'a str,
    pub(super) span: Span,
    pub(super) choices: &'static [&'static str],
    pub(super) similar: Option<Meant>,
}

impl Finding for UnknownChoice<'_> {
    fn diagnostic(self) -> Diagnostic {
        let choices: Vec<String> = self.choices.iter().map(|choice| format!("`{choice}`")).collect();
        let found = Diagnostic::new(
            code::UNKNOWN_CHOICE,
            format!("`{} {}` is not a choice", self.keyword, self.word.escape_debug()),
            Label::new(self.span, format!("expected {}", choices.join(" or "))),
        );
        did_you_mean(found, self.similar)
    }
}

/// Lets that need each other.
pub(super) struct CircularName<'a> {
    /// Each needs the next, and the last the first.
    pub(super) names: Vec<&'a Spanned<String>>,
}

impl Finding for CircularName<'_> {
    fn diagnostic(self) -> Diagnostic {
        // The circle is told from its first name in the file, wherever it was entered.
        let start = (0..self.names.len()).min_by_key(|n| self.names[*n].span).unwrap_or(0);
        let circle: Vec<&Spanned<String>> =
            self.names.iter().cycle().skip(start).take(self.names.len()).copied().collect();
        let name = |n: usize| circle.get(n % circle.len().max(1)).map_or("", |name| name.value.as_str());
        let place = circle.first().map(|name| name.span).unwrap_or_default();
        let label =
            if circle.len() < 2 { String::from("needs itself") } else { format!("needs `{}`", name(1)) };
        let found = Diagnostic::new(
            code::CIRCULAR_NAME,
            format!("the value of `{}` needs itself", name(0)),
            Label::new(place, label),
        )
        .help("give one of them a value that needs none of the others");
        // More than a few labels explain nothing.
        let others = circle.iter().enumerate().skip(1).take(4);
        others.fold(found, |found, (n, other)| found.label(other.span, format!("needs `{}`", name(n + 1))))
    }
}

/// A `connect` that adds nothing.
pub(super) struct RepeatedConnect<'a> {
    /// One of its pairs.
    pub(super) pair: (&'a str, &'a str),
    pub(super) here: Span,
    /// The other one, and the instance of a `for` that made it.
    pub(super) other: (Span, Option<&'a str>),
    /// Whether a `for` made this one.
    pub(super) repeated: bool,
    /// Whether its sides are the same words in every instance.
    pub(super) plain: bool,
}

impl Finding for RepeatedConnect<'_> {
    fn diagnostic(self) -> Diagnostic {
        let Self { pair: (from, to), here, other, repeated, plain } = self;
        let title = format!("`{from}` -> `{to}` is already said");
        let found = Diagnostic::new(code::REPEATED_CONNECT, title, Label::new(here, "adds nothing"));
        // What a `for` makes cannot be removed for one of its numbers.
        let found = found.help(match (here == other.0, repeated, other.1) {
            (true, ..) if plain => "move it out of the `for`",
            (true, ..) => "let each pair come from one number of the `for` alone",
            (false, true, Some(_)) => "let one of the two leave this pair out",
            (false, true, None) => "remove the other one, or let the `for` leave this pair out",
            (false, false, Some(_)) => "remove this one",
            (false, false, None) => "remove one of the two",
        });
        if here == other.0 {
            return found;
        }
        found.label_of(other.0, format!("`{from}` -> `{to}` is said here"), other.1)
    }
}

/// A `connect` of a network with itself.
pub(super) struct ConnectedToItself<'a> {
    pub(super) network: &'a str,
    pub(super) span: Span,
}

impl Finding for ConnectedToItself<'_> {
    fn diagnostic(self) -> Diagnostic {
        Diagnostic::new(
            code::CONNECTED_TO_ITSELF,
            format!("network `{}` is connected to itself", self.network),
            Label::new(self.span, "both sides are one network"),
        )
        .note("hosts of one network reach each other without the gateway")
        .help("name another network on one side")
    }
}
