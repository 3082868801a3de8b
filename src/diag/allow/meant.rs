//! Which code somebody meant who wrote none.
//!
//! Goes in: a word between the parentheses of `allow(...)`, and the codes found on the line that the comment speaks of.
//! Comes out: a code, and whether nothing else can be meant. What must hold: a number that no code is near is answered by
//! what is found there, or not at all.

use crate::diag::code::{Entry, REGISTRY};
use crate::diag::suggest::closest;
use crate::diag::{Code, Severity};

/// What a word was probably meant to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::diag) struct Meant {
    /// What to write.
    pub(in crate::diag) text: String,
    /// Whether nothing else can be meant.
    pub(in crate::diag) certain: bool,
}

/// What was meant by a word that is no code, where `here` are the warnings of the comment's line.
pub(super) fn meant(word: &str, here: &[Code]) -> Option<Meant> {
    let parts: Vec<Option<&Entry>> =
        word.split([' ', '\t', ';']).filter(|part| !part.is_empty()).map(Code::find).collect();
    if let (true, Some(all)) = (parts.len() > 1, parts.into_iter().collect::<Option<Vec<&Entry>>>()) {
        let codes: Vec<&str> = all.iter().map(|entry| entry.code.as_str()).collect();
        return Some(Meant { text: codes.join(", "), certain: true });
    }
    let (code, certain) = match spelled(word) {
        Some(entry) if entry.severity == Severity::Warning => (entry.code, here.contains(&entry.code)),
        _ => (found_here(word, here).or_else(|| by_slug(word, REGISTRY.iter()))?, false),
    };
    Some(Meant { text: code.to_string(), certain })
}

/// The code of a word that was written in another way: without its letters or zeros, with a dash, with a letter for a
/// digit, or by its slug.
pub(super) fn spelled(word: &str) -> Option<&'static Entry> {
    let upper: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
    let upper = upper.to_ascii_uppercase();
    let rest = upper.strip_prefix("OVL").or_else(|| upper.strip_prefix("0VL")).unwrap_or(&upper);
    let digits = rest.replace('O', "0").replace(['I', 'L'], "1");
    let number: Option<u16> = digits.parse().ok().filter(|_| word.contains(|c: char| c.is_ascii_digit()));
    let slug = || REGISTRY.iter().find(|entry| entry.slug.eq_ignore_ascii_case(word));
    number.and_then(|number| Code::find(&format!("OVL{number:04}"))).or_else(slug)
}

/// The code of a finding on the line: the one that is like the word, or the only one.
pub(super) fn found_here(word: &str, here: &[Code]) -> Option<Code> {
    let like = closest(word, here.iter().map(|code| code.as_str())).and_then(Code::find);
    let like = like.map(|entry| entry.code).or_else(|| by_slug(word, here.iter().map(|code| code.entry())));
    let only = || if let [only] = here { Some(*only) } else { None };
    like.or_else(only)
}

/// The warning with a slug like the word.
fn by_slug<'e>(word: &str, entries: impl Iterator<Item = &'e Entry>) -> Option<Code> {
    let slugs = entries.filter(|entry| entry.severity == Severity::Warning).map(|entry| entry.slug);
    let slug = closest(word, slugs)?;
    REGISTRY.iter().find(|entry| entry.slug == slug).map(|entry| entry.code)
}

#[cfg(test)]
mod tests {
    use super::{Meant, meant};
    use crate::diag::{Code, code};

    fn text(word: &str, here: &[Code]) -> Option<(String, bool)> {
        meant(word, here).map(|Meant { text, certain }| (text, certain))
    }

    #[test]
    fn a_code_in_another_spelling_is_recognised() {
        for word in ["ovl-0310", "OVL031O", "OVLO31O", "310", "OVL310", "shared-alias", "ovl_0310", "0VL0310"]
        {
            assert_eq!(text(word, &[]), Some(("OVL0310".to_owned(), false)), "{word}");
            assert_eq!(text(word, &[code::SHARED_ALIAS]), Some(("OVL0310".to_owned(), true)), "{word}");
        }
        assert_eq!(text("OVL0310 ovl0213", &[]), Some(("OVL0310, OVL0213".to_owned(), true)));
        assert_eq!(text("shared-alais", &[]), Some(("OVL0310".to_owned(), false)));
    }

    #[test]
    fn a_number_that_is_no_code_is_the_one_that_is_found_there() {
        assert_eq!(text("OVL999", &[]), None);
        assert_eq!(text("OVL999", &[code::UNUSED_NAME]), Some(("OVL0213".to_owned(), false)));
        let two = [code::UNUSED_NAME, code::SHARED_ALIAS];
        assert_eq!(text("OVL999", &two), None);
        assert_eq!(text("OVL0319x", &two), Some(("OVL0310".to_owned(), false)));
        assert_eq!(text("whatever", &two), None);
    }
}
