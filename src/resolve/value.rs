//! The values of the language and how they are written bare.
//!
//! Goes in: the text of a bare word. Comes out: an integer, a prefix or an address, or what keeps
//! it from being one. What must hold: a prefix keeps its host bits, for `check` to find.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::net;

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// An integer; wide enough that no sum of two ids or ports gets near its ends.
    Integer(i128),
    /// A prefix with the host bits it was written with.
    Prefix(IpNet),
    /// One address.
    Address(IpAddr),
    /// Quoted text, or a word made of pieces that is none of the others.
    Text(String),
}

impl Value {
    /// The kind with its article.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Integer(_) => "an integer",
            Self::Prefix(_) => "a prefix",
            Self::Address(_) => "an address",
            Self::Text(_) => "text",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Prefix(value) => value.fmt(f),
            Self::Address(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// What a bare word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    /// A value.
    Value(Value),
    /// It looks like a name.
    Name,
    /// It was meant as a value, but is none: what is wrong with it.
    Malformed(String),
}

/// Reads a bare word.
pub(super) fn read(text: &str) -> Literal {
    if text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains(['.', ':', '/']) {
        return integer(text);
    }
    if let Some((address, length)) = text.split_once('/') {
        return prefix(address, length);
    }
    if let Ok(address) = text.parse() {
        return Literal::Value(Value::Address(address));
    }
    if text.contains(':') {
        return Literal::Malformed(String::from("not an IPv6 address"));
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return Literal::Malformed(ipv4_fault(text));
    }
    Literal::Name
}

fn integer(text: &str) -> Literal {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = hexadecimal.map_or((text, 10), |digits| (digits, 16));
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Literal::Malformed(String::from("not an integer"));
    }
    match i128::from_str_radix(digits, radix) {
        Ok(value) => Literal::Value(Value::Integer(value)),
        Err(_) => Literal::Malformed(String::from("more than 127 bits")),
    }
}

fn prefix(address: &str, length: &str) -> Literal {
    let Ok(parsed) = address.parse::<IpAddr>() else {
        let fault =
            if address.contains(':') { String::from("not an IPv6 address") } else { ipv4_fault(address) };
        return Literal::Malformed(format!("{fault} before the `/`"));
    };
    let longest = net::width(net::family_of(&parsed));
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Literal::Malformed(String::from("the length is not a number"));
    }
    let length = length.parse::<u8>().ok().filter(|length| *length <= longest);
    match length.and_then(|length| IpNet::new(parsed, length).ok()) {
        Some(net) => Literal::Value(Value::Prefix(net)),
        None => Literal::Malformed(format!("the length is not within 0 to {longest}")),
    }
}

/// Why a text is not an IPv4 address.
fn ipv4_fault(text: &str) -> String {
    let parts: Vec<&str> = text.split('.').collect();
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return String::from("not an address");
    }
    if parts.len() != 4 || parts.iter().any(|part| part.is_empty()) {
        return String::from("an IPv4 address has four numbers");
    }
    match parts.iter().find(|part| part.len() > 1 && part.starts_with('0')) {
        Some(part) => format!("`{part}` has a leading zero, which some tools read as octal"),
        None => String::from("a number of an IPv4 address is at most 255"),
    }
}

/// The characters of the longest name. A name is a label of a host's name (RFC 1035, section 2.3.4), a folder's
/// name, and a part of names and comments that the kernel and `nft` limit to 255 and 128 characters.
const LONGEST_NAME: usize = 63;

/// Why a text cannot be a name; `None` if it can.
pub(super) fn name_fault(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.is_empty() {
        return Some(String::from("a name has at least one character"));
    }
    if let Some(other) = text.chars().find(|c| !allowed(*c)) {
        if other.is_whitespace() {
            return Some(String::from("a blank cannot be part of a name"));
        }
        return Some(format!("`{}` cannot be part of a name", other.escape_debug()));
    }
    if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Some(String::from("a name begins with a letter or a digit"));
    }
    (text.len() > LONGEST_NAME)
        .then(|| format!("{} characters, and a name has at most {LONGEST_NAME}", text.len()))
}

#[cfg(test)]
mod tests {
    use super::{Literal, Value, name_fault, read};

    #[test]
    fn bare_words_are_read_as_what_they_look_like() {
        assert_eq!(read("0xff"), Literal::Value(Value::Integer(255)));
        assert_eq!(read("0100"), Literal::Value(Value::Integer(100)));
        assert_eq!(read("10.0.0.7/8"), Literal::Value(Value::Prefix("10.0.0.7/8".parse().unwrap())));
        assert_eq!(read("fd00::1"), Literal::Value(Value::Address("fd00::1".parse().unwrap())));
        assert_eq!(read("cells"), Literal::Name);
        assert_eq!(read("fd00"), Literal::Name);
    }

    #[test]
    fn a_word_that_was_meant_as_a_value_is_told_what_is_wrong() {
        for (text, fault) in [
            ("10.0.0/24", "an IPv4 address has four numbers before the `/`"),
            ("10.0.0.300", "a number of an IPv4 address is at most 255"),
            ("10.0.0.010", "`010` has a leading zero, which some tools read as octal"),
            ("10.0.0.0/33", "the length is not within 0 to 32"),
            ("10.0.0.0/+8", "the length is not a number"),
            ("10.0.0.0/16x", "the length is not a number"),
            ("fd00::/129", "the length is not within 0 to 128"),
            ("fd00:::1", "not an IPv6 address"),
            ("12ab", "not an integer"),
            ("0x", "not an integer"),
        ] {
            assert_eq!(read(text), Literal::Malformed(fault.to_owned()), "{text}");
        }
    }

    #[test]
    fn names_are_letters_digits_dash_and_underscore() {
        assert_eq!(name_fault("press-line_2"), None);
        assert_eq!(name_fault("2nd"), None);
        assert!(name_fault("-x").is_some());
        assert!(name_fault("a b").is_some());
        assert!(name_fault("").is_some());
        assert!(name_fault("prüfstand").is_some());
        assert_eq!(name_fault(&"a".repeat(63)), None);
        assert_eq!(name_fault(&"a".repeat(64)).as_deref(), Some("64 characters, and a name has at most 63"));
    }
}
