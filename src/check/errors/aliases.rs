//! Findings about aliases.
