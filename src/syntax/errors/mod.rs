//! What parser and includes find: one struct per code, OVL0101 to OVL0106; what the lexer finds is in
//! `lexical`.
//!
//! Goes in: places and the words found there. Comes out: findings. What must hold: user text is
//! shown shortened, because a line may be a megabyte long.

mod lexical;

use crate::diag::{Diagnostic, Finding, Label, code};
use crate::source::Span;
pub use lexical::{InvalidCharacter, LexicalError, Oddity, UnterminatedInterpolation, UnterminatedString};

/// User text in backticks, on one line and at most 40 characters long.
pub(super) fn quoted(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    match line.char_indices().nth(40) {
        Some((at, _)) => format!("`{}…`", line.get(..at).unwrap_or("")),
        None => format!("`{line}`"),
    }
}

/// OVL0101: something else than the grammar has here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnexpectedToken {
    /// What was found; empty, after the last token, at the end of a line or file.
    pub span: Span,
    /// What was found, in words.
    pub found: String,
    /// What would have been right, in words.
    pub expected: String,
    /// The bracket or statement that waits for it.
    pub waiting: Option<(Span, String)>,
    /// What to do, and the text for it.
    pub help: Option<(String, Option<(Span, String)>)>,
}

impl Finding for UnexpectedToken {
    fn diagnostic(self) -> Diagnostic {
        let title = format!("expected {}, found {}", self.expected, self.found);
        let label = Label::new(self.span, "not expected here");
        let mut finding = Diagnostic::new(code::UNEXPECTED_TOKEN, title, label);
        if let Some((span, text)) = self.waiting {
            finding = finding.label(span, text);
        }
        match self.help {
            Some((help, Some((span, text)))) => finding.fix(help, span, text),
            Some((help, None)) => finding.help(help),
            None => finding,
        }
    }
}

/// OVL0102: a block whose braces do not come in pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclosedBlock {
    /// Where the missing brace is noticed, or the brace too many.
    pub span: Span,
    /// What is wrong.
    pub problem: Braces,
}

/// How braces can be out of step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Braces {
    /// No `}`.
    Unclosed {
        /// The `{`.
        open: Span,
        /// The keyword of the block.
        keyword: String,
        /// A pair inside of it that starts at different depths of indentation.
        doubtful: Option<(Span, Span)>,
    },
    /// No `{` after the head of a block, though its statements follow.
    Unopened {
        /// The keyword of the block.
        keyword: String,
    },
    /// `{` on the line after the head of its block.
    NextLine {
        /// The end of the head.
        head: Span,
        /// The keyword of the block.
        keyword: String,
    },
    /// `}` without a block.
    Stray,
}

impl Finding for UnclosedBlock {
    fn diagnostic(self) -> Diagnostic {
        let span = self.span;
        let new = |title: String, label: &str| {
            Diagnostic::new(code::UNCLOSED_BLOCK, title, Label::new(span, label))
        };
        match self.problem {
            Braces::Unclosed { open, keyword, doubtful } => {
                let finding = new(format!("the block of `{keyword}` is not closed"), "`}` is missing here")
                    .label(open, "this block is still open");
                match doubtful {
                    Some((from, to)) => finding
                        .label(from, "perhaps it is this block that lacks its `}` ...")
                        .label(to, "... and this `}` was meant for another")
                        .help("close the block with `}`"),
                    None => finding.help("close the block with `}`"),
                }
            }
            Braces::Unopened { keyword } => new(
                format!("the block of `{keyword}` has no `{{`"),
                "`{` is missing here",
            )
            .fix("open the block with `{`", span, " {"),
            Braces::NextLine { head, keyword } => new(
                format!("the `{{` of `{keyword}` is not on its line"),
                "a statement ended before this brace",
            )
            .label(head, "the brace belongs here")
            .help(format!("move `{{` to the end of the line of `{keyword}`")),
            Braces::Stray => new("`}` closes no block".to_owned(), "no block is open here")
                .help("remove it, or put the `{` that is missing before it"),
        }
    }
}

/// OVL0103: a statement that does not exist, or not in this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStatement {
    /// Its first word.
    pub span: Span,
    /// The word.
    pub word: String,
    /// The place it stands in, in words.
    pub place: &'static str,
    /// What to do about it.
    pub advice: Advice,
}

/// What is known about an unknown statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// It is nearly this keyword.
    Closest(&'static str),
    /// It is a statement of other places.
    Elsewhere(Vec<&'static str>),
    /// It goes on with the statement of the line before.
    Continues,
    /// It is a name that is given a value.
    LacksLet,
    /// Other tools have it; this says how it is done here.
    Instead(&'static str),
    /// Nothing: these are the statements of the place.
    List(Vec<&'static str>),
}

impl Finding for UnknownStatement {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, word, place, advice } = self;
        let word = quoted(&word);
        let new = |title: String, label: String| {
            Diagnostic::new(code::UNKNOWN_STATEMENT, title, Label::new(span, label))
        };
        let unknown = || new(format!("unknown statement {word}"), format!("not a statement of {place}"));
        match advice {
            Advice::Closest(keyword) => unknown().fix(format!("did you mean `{keyword}`?"), span, keyword),
            Advice::Elsewhere(places) => {
                let places = places.join(" or ");
                new(format!("{word} is not a statement of {place}"), format!("belongs in {places}"))
                    .help(format!("move it to {places}"))
            }
            Advice::Continues => {
                new(format!("a statement cannot begin with {word}"), "goes on with a statement".to_owned())
                    .help("write it on the line of its statement; a newline ends a statement")
            }
            Advice::LacksLet => {
                let before = Span { end: span.start, ..span };
                unknown().certain_fix("write `let` before a name that gets a value", before, "let ")
            }
            Advice::Instead(words) => unknown().help(words),
            Advice::List(keywords) => {
                let keywords: Vec<String> = keywords.iter().map(|keyword| format!("`{keyword}`")).collect();
                unknown().help(format!("the statements of {place}: {}", keywords.join(", ")))
            }
        }
    }
}

/// OVL0104: an included file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncludeNotFound {
    /// The name as written.
    pub span: Span,
    /// The name that was looked for.
    pub name: String,
    /// Why it could not be read.
    pub reason: String,
}

impl Finding for IncludeNotFound {
    fn diagnostic(self) -> Diagnostic {
        let label = Label::new(self.span, self.reason);
        Diagnostic::new(code::INCLUDE_NOT_FOUND, format!("cannot include {}", quoted(&self.name)), label)
            .note("the name is relative to the file that includes it")
    }
}

/// OVL0105: a file that includes itself, through others or directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncludeCycle {
    /// The include that closes the circle.
    pub span: Span,
    /// The file it names.
    pub name: String,
    /// The include inside of that file which leads here, if it is another one.
    pub leads_here: Option<Span>,
}

impl Finding for IncludeCycle {
    fn diagnostic(self) -> Diagnostic {
        let title = format!("{} includes itself", quoted(&self.name));
        let label = if self.leads_here.is_some() {
            "this file is being read because of the other include"
        } else {
            "this file is the one being read"
        };
        let finding = Diagnostic::new(code::INCLUDE_CYCLE, title, Label::new(self.span, label));
        let finding = match self.leads_here {
            Some(span) => finding.label(span, "the circle starts here"),
            None => finding,
        };
        finding.help("remove one of the includes, or move what both files need into a third")
    }
}

/// OVL0106: nesting beyond what a person writes and the stack holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedTooDeep {
    /// Where the limit is passed.
    pub span: Span,
    /// What is nested.
    pub what: Nested,
    /// How many there may be.
    pub limit: usize,
}

/// What can stand inside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nested {
    /// Blocks and parentheses.
    Brackets,
    /// Operators of one expression.
    Operators,
    /// Included files.
    Files,
}

impl Finding for NestedTooDeep {
    fn diagnostic(self) -> Diagnostic {
        let (what, help) = match self.what {
            Nested::Brackets => {
                ("brackets inside each other", "name a part of it with `let`, or write it flat")
            }
            Nested::Operators => {
                ("operators in one statement", "name a part of it with `let`, or write it flat")
            }
            Nested::Files => ("files that include each other", "include them from one file"),
        };
        let title = format!("more than {} {what}", self.limit);
        Diagnostic::new(code::NESTED_TOO_DEEP, title, Label::new(self.span, "one too many")).help(help)
    }
}
