//! The findings of check, one struct a code: addresses (OVL03xx), numbers (OVL04xx), interfaces
//! (OVL05xx). Fields are what the words need; spans named after the party that stands there.

pub mod addresses;
pub mod aliases;
pub mod interfaces;
pub mod masquerade;
pub mod nesting;
pub mod numbers;
pub mod prefixes;
pub mod viewers;
