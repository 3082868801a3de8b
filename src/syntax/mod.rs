//! From text to tree: lexer, parser, included files.

pub mod ast;
