//! What all JSON documents have in common.
//!
//! Goes in: a view, a struct that is laid out as the document. Comes out: its text, or its schema. What must hold: the
//! schema is that of the text, so it comes from the same type.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

/// A view as text, ended by a newline.
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "views hold strings, numbers and lists, which always serialise"
)]
pub fn text(view: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(view).expect("views serialise");
    text.push('\n');
    text
}

/// The JSON Schema (draft 2020-12) of what a view is laid out as.
#[must_use]
pub fn schema<View: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<View>()
}
