//! Texts of artefacts that lie in a directory.
//!
//! Goes in: a directory, and names. Comes out: the texts of those that are there. What must hold: what is there and
//! cannot be read is a failure that names it.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Failure, host};

/// The texts of these files, by name.
pub(super) fn found(directory: &Path, names: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
    let mut texts = BTreeMap::new();
    for name in names {
        let path = directory.join(name);
        let shown = path.display();
        let cannot = |why: String| Failure::new(format!("cannot read `{shown}`: {why}"));
        if host::kind(&path).map_err(|error| cannot(host::reason(&error)))?.is_none() {
            continue;
        }
        let bytes = host::read(&path).map_err(|error| cannot(host::reason(&error)))?;
        let text = String::from_utf8(bytes).map_err(|_| cannot("it is not UTF-8 text".to_owned()))?;
        texts.insert((*name).to_owned(), text);
    }
    Ok(texts)
}
