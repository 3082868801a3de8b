//! Which characters words are made of, and which only look as if they were.
//!
//! Goes in: a byte, a character, or the text that begins with it. Comes out: what the lexer makes of it.
//! What must hold: what a word may hold and what may follow it are two different questions.

/// Whether a bare word may hold this byte.
pub(super) const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'_' | b'-' | b'/' | b'*' | b'@' | b'~')
}

/// Whether a bare word may be followed directly by this byte.
pub(super) const fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'\r'
            | b'\n'
            | b'{'
            | b'}'
            | b'('
            | b')'
            | b','
            | b';'
            | b'='
            | b'<'
            | b'+'
            | b'%'
            | b'"'
    ) || matches!(byte, b'.' | b'-')
}

/// Characters that a reader does not see, that look like the end of a line, or that change the order of what is seen.
pub(super) fn is_hidden(character: char) -> bool {
    (character.is_control() && character != '\t')
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What word processors and web pages put in the place of plain characters: how many bytes of `rest` it
/// is, and what was typed. Quotes are taken together with the text between them.
pub(super) fn lookalike(rest: &str, character: char) -> Option<(usize, String)> {
    let plain = match character {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-".to_owned(),
        '“' | '”' | '„' | '‟' | '«' | '»' => {
            let line = rest.split(['\n', '\r']).next()?;
            let quotes = ['“', '”', '„', '‟', '«', '»', '"'];
            let (inner, beyond) = line.get(character.len_utf8()..)?.split_once(quotes)?;
            return Some((line.len() - beyond.len(), format!("\"{inner}\"")));
        }
        _ if character.is_whitespace() => " ".to_owned(),
        _ => return None,
    };
    Some((character.len_utf8(), plain))
}

/// A variable as in a shell, `$n` or `${n}`, that a text begins with: how many bytes it is, and its name.
pub(super) fn shell_variable(rest: &str) -> Option<(usize, &str)> {
    let inner = rest.strip_prefix('$')?;
    let (name, length) = match inner.strip_prefix('{') {
        Some(inner) => inner.split_once('}').map(|(name, _)| (name, name.len() + 3))?,
        None => {
            let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
            (inner.get(..end)?, end + 1)
        }
    };
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(of_a_name);
    fits.then_some((length, name))
}
