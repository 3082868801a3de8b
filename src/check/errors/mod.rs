//! The findings of check, one struct a code: addresses (OVL03xx), numbers and rules (OVL04xx), interfaces
//! (OVL05xx). Fields are what the words need; spans named after the party that stands there.

pub mod addresses;
pub mod aliases;
pub mod interfaces;
pub mod masquerade;
pub mod nesting;
pub mod numbers;
pub mod prefixes;
pub mod rules;
pub mod viewers;

/// Names or prefixes in backticks as a sentence has them: "`a`, `b` and 3 more".
fn listed(names: &[impl std::fmt::Display], more: usize) -> String {
    let mut words: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if more > 0 {
        words.push(format!("{more} more"));
    }
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
