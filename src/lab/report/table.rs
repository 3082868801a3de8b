//! Text in columns.

/// Lines whose columns begin below each other, two blanks apart. The last column is as long as it is.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let blanks = width - cell.chars().count() + 2;
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', blanks));
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_begin_below_each_other() {
        let rows = [["a", "long", "x"], ["longer", "b", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows), ["a       long  x", "longer  b"]);
    }
}
