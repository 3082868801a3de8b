//! Stage cli.
