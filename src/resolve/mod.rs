//! Stage resolve.
