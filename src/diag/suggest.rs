//! Did you mean: the closest of some known names.
//!
//! Goes in: a name as written and the names that exist. Comes out: the one that was probably meant.
//! What must hold: the answer depends on the names and their order alone, and a wrong guess is worse
//! than none.

/// Names longer than this are not compared: nobody mistypes a megabyte.
const LONGEST: usize = 64;

/// The name that `written` was probably meant to be.
///
/// A name counts when it can be made from `written` in at most one edit per three characters, and
/// always in one: an edit inserts, removes or replaces a character, or swaps two neighbours. Case
/// does not matter. Failing that, three or more characters that begin exactly one name stand for it.
/// Of equally close names the first is taken. A name with other numbers in it is never meant: `cell-21`
/// is no misspelt `cell-1`.
#[must_use]
pub fn closest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = written.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if wanted.is_empty() || wanted.len() > LONGEST {
        return None;
    }
    let limit = (wanted.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    let mut longer: Vec<&str> = Vec::new();
    for name in names {
        let known: Vec<char> = name.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
        if wanted.len() >= 3 && known.starts_with(&wanted) && !longer.contains(&name) {
            longer.push(name);
        }
        // Replacing every character of a short name is no likeness.
        if known.len() > LONGEST || known.len().abs_diff(wanted.len()) > limit || known.len() < 2 {
            continue;
        }
        if letters(&wanted).eq(letters(&known)) && numbers(&wanted) != numbers(&known) {
            continue;
        }
        let edits = edits(&wanted, &known);
        if edits <= limit && edits < wanted.len() && best.is_none_or(|(fewest, _)| edits < fewest) {
            best = Some((edits, name));
        }
    }
    match (best, longer.as_slice()) {
        (Some((_, name)), _) => Some(name),
        (None, [name]) => Some(name),
        _ => None,
    }
}

fn letters(word: &[char]) -> impl Iterator<Item = &char> {
    word.iter().filter(|c| !c.is_ascii_digit())
}

/// The numbers in a word, without leading zeros.
fn numbers(word: &[char]) -> Vec<String> {
    let runs = word.split(|c| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.map(|run| run.iter().collect::<String>().trim_start_matches('0').to_owned()).collect()
}

/// The number of edits between two words, where a swap of neighbours is one.
fn edits(from: &[char], to: &[char]) -> usize {
    let mut above: Vec<usize> = Vec::new();
    let mut before: Vec<usize> = (0..=to.len()).collect();
    for (row, wanted) in from.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, known) in to.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&before, column) + usize::from(wanted != known);
            let mut fewest = replaced.min(at(&before, column + 1) + 1).min(at(&line, column) + 1);
            let swapped = row > 0
                && column > 0
                && from.get(row - 1) == Some(known)
                && to.get(column - 1) == Some(wanted);
            if swapped {
                fewest = fewest.min(at(&above, column - 1) + 1);
            }
            line.push(fewest);
        }
        above = std::mem::replace(&mut before, line);
    }
    before.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::closest;

    const NAMES: [&str; 5] = ["network", "interface", "prefix", "id", "press-line"];

    #[test]
    fn typing_errors_are_seen_through() {
        for (written, meant) in [
            ("netwrok", "network"),
            ("Prefix", "prefix"),
            ("prefx", "prefix"),
            ("intreface", "interface"),
            ("ids", "id"),
            ("pressline", "press-line"),
        ] {
            assert_eq!(closest(written, NAMES), Some(meant), "{written}");
        }
    }

    #[test]
    fn an_abbreviation_stands_for_the_one_name_it_begins() {
        assert_eq!(closest("net", NAMES), Some("network"));
        assert_eq!(closest("pre", NAMES), None, "two names begin so");
        assert_eq!(closest("in", NAMES), Some("id"), "one edit, too short for an abbreviation");
    }

    #[test]
    fn another_number_is_another_name() {
        let cells = ["cell-1", "cell-2", "cell-10"];
        for (written, meant) in [
            ("cel-2", Some("cell-2")),
            ("cell2", Some("cell-2")),
            ("cell-02", Some("cell-2")),
            ("cell-21", None),
            ("cell-3", None),
            ("cell-", None),
        ] {
            assert_eq!(closest(written, cells), meant, "{written}");
        }
        assert_eq!(closest("cell", ["cell-1"]), Some("cell-1"), "the only one that begins so");
    }

    #[test]
    fn what_is_far_off_is_left_alone() {
        for written in ["", "x", "gateway", "subnet", &"n".repeat(1_000_000)] {
            assert_eq!(closest(written, NAMES), None);
        }
    }
}
