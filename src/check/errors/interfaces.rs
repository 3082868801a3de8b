//! Findings about interfaces.
