//! Findings about nesting.
