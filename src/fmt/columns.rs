//! Which words of a block stand in one column.
//!
//! Goes in: the rows of a block. Comes out: for each row the columns of some of its pieces. What must hold: a column
//! depends on what is written, never on the blanks between.

use std::collections::BTreeMap;

use super::pieces::Kind;
use super::print::{closed_up, flat};
use super::tree::{Piece, Row, Statement};
use crate::syntax::token::TokenKind;

/// What is wider than this does not push the others to the right, and follows one blank after it.
const WIDEST_CELL: usize = 40;

/// The number of the piece of a statement that stands in a column; none where it has no such piece.
type Cell = fn(&Statement<'_>) -> Option<usize>;

/// What has a column of its own between blank lines: where it stands in a statement with this keyword.
const CELLS: [(&str, Cell); 3] = [
    ("prefix", |row| row.pieces.iter().position(|piece| piece.is_word("as"))),
    ("route", |row| row.pieces.iter().position(|piece| piece.is_word("via"))),
    ("host", after_name),
];

/// Columns, counted from the beginning of the statement, by the number of the piece that stands there.
pub(super) type Columns = BTreeMap<usize, usize>;

/// What rows stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The file, or the block of a `for`.
    Items,
    /// A block of short statements: of `gateway`, `network` or `connect`.
    Settings,
}

impl Place {
    /// The inside of the block of a statement.
    pub(super) fn inside(statement: &Statement<'_>) -> Self {
        if begins_with(statement, "for") { Self::Items } else { Self::Settings }
    }
}

/// The columns of each row.
pub(super) fn columns(rows: &[Row<'_>], place: Place) -> Vec<Columns> {
    let mut columns = vec![Columns::new(); rows.len()];
    match place {
        Place::Items => {
            for run in runs(rows, |row| connect(row).is_some()) {
                align(rows, &run, &mut columns, |row| connect(row).and_then(arrow));
            }
        }
        Place::Settings => {
            let all: Vec<usize> = (0..rows.len()).collect();
            let second = |row: &Statement<'_>| (row.pieces.len() > 1).then_some(1);
            align(rows, &all, &mut columns, |row| statement(row).and_then(second));
            for part in runs(rows, |row| !matches!(row, Row::Blank)) {
                for (keyword, cell) in CELLS {
                    align(rows, &part, &mut columns, |row| {
                        statement(row).filter(|row| begins_with(row, keyword)).and_then(cell)
                    });
                }
            }
        }
    }
    columns
}

/// The numbers of rows that stand together.
fn runs(rows: &[Row<'_>], belongs: impl Fn(&Row<'_>) -> bool) -> Vec<Vec<usize>> {
    let mut runs = vec![Vec::new()];
    for (at, row) in rows.iter().enumerate() {
        if !belongs(row) {
            runs.push(Vec::new());
        } else if let Some(run) = runs.last_mut() {
            run.push(at);
        }
    }
    runs
}

/// Gives the pieces that `cell` names the same column, a blank after the widest text before them.
fn align(rows: &[Row<'_>], run: &[usize], columns: &mut [Columns], cell: impl Fn(&Row<'_>) -> Option<usize>) {
    let mut found = Vec::new();
    for at in run {
        let (Some(row), Some(columns)) = (rows.get(*at), columns.get(*at)) else { continue };
        let Some((piece, statement)) = cell(row).zip(statement(row)) else { continue };
        // Columns before this one are given already.
        let (first, column) = columns.iter().next_back().map_or((0, 0), |(piece, column)| (*piece, *column));
        let before = statement.pieces.get(first..piece).unwrap_or_default();
        let goes_on = statement.pieces.get(1..=piece).unwrap_or_default().iter().any(|piece| piece.breaks);
        let width = flat(before).chars().count();
        if !goes_on && width <= WIDEST_CELL {
            found.push((*at, piece, column + width + 1));
        }
    }
    let widest = found.iter().map(|(_, _, column)| *column).max().unwrap_or(0);
    for (at, piece, _) in found {
        if let Some(columns) = columns.get_mut(at) {
            columns.insert(piece, widest);
        }
    }
}

fn statement<'r, 't>(row: &'r Row<'t>) -> Option<&'r Statement<'t>> {
    match row {
        Row::Statement(statement) => Some(statement),
        _ => None,
    }
}

/// A `connect` on one line.
fn connect<'r, 't>(row: &'r Row<'t>) -> Option<&'r Statement<'t>> {
    let one_line = |row: &&Statement<'_>| row.block.is_none() || closed_up(row).is_some();
    statement(row).filter(|row| begins_with(row, "connect")).filter(one_line)
}

fn begins_with(statement: &Statement<'_>, keyword: &str) -> bool {
    statement.pieces.first().is_some_and(|first| first.is_word(keyword))
}

fn arrow(statement: &Statement<'_>) -> Option<usize> {
    let is_arrow = |piece: &Piece<'_>| piece.is(TokenKind::Arrow) || piece.is(TokenKind::BothWays);
    statement.pieces.iter().position(is_arrow)
}

/// What follows the name of a `host`, which may be several pieces: `plc-{n}`.
fn after_name(statement: &Statement<'_>) -> Option<usize> {
    let mut open = 0_usize;
    for (at, piece) in statement.pieces.iter().enumerate().skip(1) {
        match piece.kind {
            Kind::Token(TokenKind::Head) => open += 1,
            Kind::Token(TokenKind::Tail) => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            return (at + 1 < statement.pieces.len()).then_some(at + 1);
        }
    }
    None
}
