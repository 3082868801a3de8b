//! Findings about addresses.
