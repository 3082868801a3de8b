//! Findings about prefixes.
