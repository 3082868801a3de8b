//! The body of a function as statements: commands, `if`, `for`.
//!
//! Goes in: lines of sh. Comes out: [`Statement`]s. What must hold: a command has all lines that belong to it,
//! up to where its quotes, groups and pipes end; nothing is left out but lines that are comments.

use super::pieces::Function;
use crate::read::Unread;

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    /// A command, or several in a pipe.
    Run(Line),
    /// Conditions with what then, and what else.
    If(Vec<(Line, Vec<Self>)>, Vec<Self>),
    /// For each of some words.
    For(Line, Vec<Self>),
}

/// A command.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The line in the script, from 1.
    pub(super) number: usize,
    /// All of its lines, without the blanks around them.
    pub(super) text: String,
}

/// Reads a body.
pub(super) fn statements(function: &Function<'_>) -> Result<Vec<Statement>, Unread> {
    let lines = lines(function)?;
    let mut reader = Reader { lines: &lines, at: 0 };
    let (statements, end) = reader.block(function)?;
    match end {
        None => Ok(statements),
        Some(line) => Err(refuse(function, &line, "this has no beginning")),
    }
}

struct Reader<'l> {
    lines: &'l [Line],
    at: usize,
}

impl Reader<'_> {
    /// The statements up to a word that ends them, and that.
    fn block(&mut self, function: &Function<'_>) -> Result<(Vec<Statement>, Option<Line>), Unread> {
        let mut statements = Vec::new();
        while let Some(line) = self.lines.get(self.at).cloned() {
            self.at += 1;
            let text = line.text.as_str();
            if matches!(text, "fi" | "else" | "done") || text.starts_with("elif ") {
                return Ok((statements, Some(line)));
            }
            if let Some(condition) = condition(text, "if ") {
                statements.push(self.branches(function, &line, condition)?);
            } else if text.starts_with("for ") && text.ends_with("; do") {
                let (body, end) = self.block(function)?;
                if end.is_none_or(|end| end.text != "done") {
                    return Err(refuse(function, &line, "a loop that does not end"));
                }
                statements.push(Statement::For(line, body));
            } else {
                statements.push(Statement::Run(line));
            }
        }
        Ok((statements, None))
    }

    fn branches(
        &mut self,
        function: &Function<'_>,
        first: &Line,
        condition_of_first: &str,
    ) -> Result<Statement, Unread> {
        let mut arms = Vec::new();
        let mut head = Line { number: first.number, text: condition_of_first.to_owned() };
        loop {
            let (body, end) = self.block(function)?;
            arms.push((head, body));
            let Some(end) = end else { return Err(refuse(function, first, "an `if` that does not end")) };
            match end.text.as_str() {
                "fi" => return Ok(Statement::If(arms, Vec::new())),
                "else" => {
                    let (otherwise, end) = self.block(function)?;
                    return match end {
                        Some(end) if end.text == "fi" => Ok(Statement::If(arms, otherwise)),
                        _ => Err(refuse(function, first, "an `if` that does not end")),
                    };
                }
                text => {
                    let condition = condition(text, "elif ");
                    let text = condition.ok_or_else(|| refuse(function, &end, "not understood"))?.to_owned();
                    head = Line { number: end.number, text };
                }
            }
        }
    }
}

/// What is asked by `if ...; then`. With all of it in one line it is a command.
fn condition<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.strip_prefix(word)?.strip_suffix("; then")
}

fn refuse(function: &Function<'_>, line: &Line, why: &str) -> Unread {
    Unread::new(line.number, line.text.clone(), format!("{why} (in {})", function.name))
}

/// The commands of a body, each with all its lines.
fn lines(function: &Function<'_>) -> Result<Vec<Line>, Unread> {
    let mut lines: Vec<Line> = Vec::new();
    let mut open = Open::default();
    let mut goes_on = false;
    for (index, text) in function.body.iter().enumerate() {
        let trimmed = text.trim();
        if !goes_on && (trimmed.is_empty() || trimmed.starts_with('#')) {
            continue;
        }
        match lines.last_mut().filter(|_| goes_on) {
            Some(last) => {
                last.text.push('\n');
                last.text.push_str(trimmed);
            }
            None => lines.push(Line { number: function.line + 1 + index, text: trimmed.to_owned() }),
        }
        if !open.quoted() && (trimmed == "}" || trimmed.starts_with("} ")) {
            open.groups = open.groups.saturating_sub(1);
        }
        open.read(trimmed);
        if !open.quoted() && (trimmed == "{" || trimmed.ends_with(" {")) {
            open.groups += 1;
        }
        let joined = ["|", "&&", "\\"].iter().any(|end| trimmed.ends_with(end));
        goes_on = open.quoted() || open.groups > 0 || joined;
    }
    match lines.last() {
        Some(last) if goes_on => Err(refuse(function, last, "a command that does not end")),
        _ => Ok(lines),
    }
}

/// What is open: quotes and brackets, the innermost last, and groups of commands.
#[derive(Default)]
struct Open {
    within: Vec<char>,
    groups: usize,
}

impl Open {
    fn quoted(&self) -> bool {
        !self.within.is_empty()
    }

    fn read(&mut self, text: &str) {
        let mut before = ' ';
        for letter in text.chars() {
            match (self.within.last(), letter) {
                (Some('\''), '\'') | (Some('"'), '"') | (Some('('), ')') => drop(self.within.pop()),
                (Some('\''), _) => {}
                (_, _) if before == '\\' => {
                    before = ' ';
                    continue;
                }
                (Some('"'), '(') if before == '$' => self.within.push('('),
                (Some('"'), _) => {}
                (_, '\'' | '"' | '(') => self.within.push(letter),
                _ => {}
            }
            before = letter;
        }
    }
}
