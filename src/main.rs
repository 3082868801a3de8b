//! The command `overlapc`.

fn main() {}
