//! What the lexer finds: one struct per code, OVL0001 to OVL0003.
//!
//! Goes in: places and the words found there. Comes out: findings. What must hold: user text is
//! shown shortened, because a line may be a megabyte long.

use super::quoted;
use crate::diag::{Diagnostic, Finding, Label, code};
use crate::source::Span;

/// Any finding of the lexer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LexicalError {
    /// OVL0001
    Character(InvalidCharacter),
    /// OVL0002
    String(UnterminatedString),
    /// OVL0003
    Interpolation(UnterminatedInterpolation),
}

impl From<InvalidCharacter> for LexicalError {
    fn from(error: InvalidCharacter) -> Self {
        Self::Character(error)
    }
}

impl From<UnterminatedString> for LexicalError {
    fn from(error: UnterminatedString) -> Self {
        Self::String(error)
    }
}

impl From<UnterminatedInterpolation> for LexicalError {
    fn from(error: UnterminatedInterpolation) -> Self {
        Self::Interpolation(error)
    }
}

impl Finding for LexicalError {
    fn diagnostic(self) -> Diagnostic {
        match self {
            Self::Character(error) => error.diagnostic(),
            Self::String(error) => error.diagnostic(),
            Self::Interpolation(error) => error.diagnostic(),
        }
    }
}

/// OVL0001: a character that no token has in this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidCharacter {
    /// The character, or the few that belong together.
    pub span: Span,
    /// What is odd about it.
    pub oddity: Oddity,
}

/// Why a character is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A bare word cannot hold it; `word` is all of the word.
    InWord {
        /// The character.
        character: char,
        /// The word around it.
        word: String,
    },
    /// A control character or another one that is not seen.
    Hidden(char),
    /// It is mistaken for what is typed on a keyboard.
    Lookalike {
        /// The character.
        character: char,
        /// What was meant: the text for all of the span.
        plain: String,
    },
    /// A carriage return that no line feed follows.
    LoneReturn,
    /// `#` directly after a word.
    Comment,
    /// `//`, which begins comments elsewhere.
    Slashes,
    /// A variable as in a shell.
    Shell {
        /// Its name.
        name: String,
        /// Whether it begins its word.
        alone: bool,
    },
    /// An arrow of another language.
    Arrow(&'static str),
    /// A backslash before something that needs none; absent at the end of the line.
    Escape(Option<char>),
}

impl Finding for InvalidCharacter {
    fn diagnostic(self) -> Diagnostic {
        let Self { span, oddity } = self;
        let new = |title: String, label: &str| {
            Diagnostic::new(code::INVALID_CHARACTER, title, Label::new(span, label))
        };
        match oddity {
            Oddity::InWord { character, word } => {
                let title = format!("`{character}` cannot stand in a bare word");
                let finding = new(title, "not a character of names, addresses or interfaces");
                let in_quotes =
                    word.chars().any(char::is_alphanumeric) && !word.contains(['{', '}', '"', '\\']);
                if in_quotes && word.len() <= 40 {
                    finding.help(format!("put the word in double quotes: `\"{word}\"`"))
                } else {
                    finding.help("put text that needs this character in double quotes")
                }
            }
            Oddity::Hidden(character) => {
                let title = format!("the character U+{:04X} cannot be seen", u32::from(character));
                let finding = new(title, "an invisible character")
                    .note("text that shows differently from what it says can hide what a rule does");
                // Without it the text says what it shows; one that turns the order of others may hide more.
                match character {
                    '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {
                        finding.certain_fix("remove it", span, "")
                    }
                    _ => finding.fix("remove it", span, ""),
                }
            }
            Oddity::Lookalike { character, plain } => {
                let number = u32::from(character);
                match plain.as_str() {
                    " " => new(format!("the character U+{number:04X} is not a blank"), "looks like a blank")
                        .certain_fix("write a plain blank", span, " "),
                    "-" => new(format!("the dash `{character}` is not `-`"), "looks like `-`").fix(
                        "write `-`",
                        span,
                        "-",
                    ),
                    _ => new(format!("the quote `{character}` is not `\"`"), "looks like a quoted word").fix(
                        "write plain double quotes",
                        span,
                        plain,
                    ),
                }
            }
            Oddity::LoneReturn => {
                new("a carriage return without a line feed".to_owned(), "a line ends here, or does it?")
                    .note("some programs show two lines where others show one")
                    .help("save the file with lines that end in a line feed (LF, or CR and LF)")
            }
            Oddity::Comment => new(
                "`#` directly after a word".to_owned(),
                "a comment, or a part of the word?",
            )
            .fix("put a blank before the comment", Span { end: span.start, ..span }, " "),
            Oddity::Slashes => new("`//` does not begin a comment".to_owned(), "comments begin with `#`")
                .fix("begin the comment with `#`", span, "#"),
            Oddity::Shell { name, alone } => {
                let finding =
                    new("`$` cannot stand in a bare word".to_owned(), "not how a value is put in a word");
                if alone {
                    finding
                        .help(format!("write `{name}` for the value, or `\"{{{name}}}\"` where it is a name"))
                } else {
                    let value = format!("{{{name}}}");
                    finding.fix(format!("write `{value}` for the value of `{name}`"), span, value)
                }
            }
            Oddity::Arrow(arrow) => {
                let finding = new(format!("`{arrow}` is not an arrow of this language"), "not an arrow here");
                match arrow {
                    "=>" | "→" | "⇒" | "–>" | "—>" => finding.certain_fix("write `->`", span, "->"),
                    "<=>" | "↔" | "⇔" => finding.certain_fix("write `<->`", span, "<->"),
                    _ => finding.help("swap the two sides and write `->`"),
                }
            }
            Oddity::Escape(escaped) => {
                let written = escaped.map_or_else(|| "\\".to_owned(), |character| format!("\\{character}"));
                new(format!("`{written}` is not an escape"), "unknown escape").help(
                    "a backslash goes before `\"`, `{` and another backslash only; write `\\\\` for itself",
                )
            }
        }
    }
}

/// OVL0002: a double quote without its partner on the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnterminatedString {
    /// From the quote to the end of the line.
    pub span: Span,
}

impl Finding for UnterminatedString {
    fn diagnostic(self) -> Diagnostic {
        let label = Label::new(self.span, "no second `\"` on this line");
        Diagnostic::new(code::UNTERMINATED_STRING, "a quoted word does not end on its line", label)
            .help("close it with `\"`; a quote inside of the text is written `\\\"`")
    }
}

/// OVL0003: `{` directly after a word without its `}` on the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnterminatedInterpolation {
    /// The brace.
    pub span: Span,
    /// The word before it.
    pub word: String,
    /// Whether the word is in double quotes.
    pub quoted: bool,
    /// Where a value follows: the place behind it, and what is there from the brace on.
    pub value: Option<(Span, String)>,
}

impl Finding for UnterminatedInterpolation {
    fn diagnostic(self) -> Diagnostic {
        if let Some((missing, inside)) = self.value {
            let written = format!("{}{inside}", self.word);
            let title = format!("the interpolation in {} does not end", quoted(&written));
            let label = Label::new(missing, "`}` is missing here");
            return Diagnostic::new(code::UNTERMINATED_INTERPOLATION, title, label)
                .label(self.span, "opens the interpolation")
                .fix(format!("close it: `{written}}}`"), missing, "}");
        }
        let label = Label::new(self.span, "opens an interpolation that does not end");
        let title = if self.quoted {
            "`{` in a quoted word has no `}`".to_owned()
        } else {
            format!("`{{` directly after {} has no `}}` on its line", quoted(&self.word))
        };
        let finding = Diagnostic::new(code::UNTERMINATED_INTERPOLATION, title, label);
        let before = Span { end: self.span.start, ..self.span };
        if self.quoted {
            finding.fix("write `\\{` for the brace itself", before, "\\")
        } else {
            finding.fix("put a blank before `{` if it opens a block", before, " ")
        }
    }
}
