//! Included files: reading each once, in the place where it is named first.
//!
//! Goes in: the root file and a [`Loader`]. Comes out: one tree without [`Item::Include`]. What must
//! hold: no file is read twice, circles end, and names are made from text alone, so that a site
//! means the same wherever it lies.

use std::collections::BTreeSet;

use super::ast::{File, Item, Part, Word};
use super::errors::{IncludeCycle, IncludeNotFound, Nested, NestedTooDeep};
use super::parse_file;
use crate::diag::Diagnostics;
use crate::source::{FileId, SourceMap, Span};

/// Files that include each other in one chain.
const LONGEST_CHAIN: usize = 64;

/// Where included files come from.
pub trait Loader {
    /// The text of a file.
    ///
    /// `name` is what the `include` says, joined to the folder of the file it stands in and
    /// normalised; relative if the root was given so.
    ///
    /// # Errors
    ///
    /// The reason in words, to be shown to the user.
    fn load(&self, name: &str) -> Result<String, String>;
}

/// Parses `root` and everything it includes.
pub fn parse_site(
    sources: &mut SourceMap,
    root: FileId,
    loader: &dyn Loader,
    findings: &mut Diagnostics,
) -> File {
    let name = normalised("", &sources.file(root).name);
    let mut site =
        Site { sources, loader, findings, seen: BTreeSet::from([name.clone()]), chain: Vec::new() };
    site.read(root, name)
}

struct Site<'a> {
    sources: &'a mut SourceMap,
    loader: &'a dyn Loader,
    findings: &'a mut Diagnostics,
    /// Every file that was named so far.
    seen: BTreeSet<String>,
    /// The files being read, each with the `include` inside of it that is being followed.
    chain: Vec<(String, Span)>,
}

impl Site<'_> {
    fn read(&mut self, id: FileId, name: String) -> File {
        let mut file = parse_file(id, &self.sources.file(id).text, self.findings).file;
        let folder =
            name.rsplit_once('/').map_or("", |(folder, _)| if folder.is_empty() { "/" } else { folder });
        for item in &mut file.items {
            if let Item::Include(word) = item {
                let span = word.span;
                self.chain.push((name.clone(), span));
                let included = self.include(folder, word);
                self.chain.pop();
                *item = included.map_or(Item::Error(span), Item::Included);
            }
        }
        file
    }

    fn include(&mut self, folder: &str, word: &Word) -> Option<File> {
        let span = word.span;
        let written = written(word);
        let name = normalised(folder, &written);
        if let Some(index) = self.chain.iter().position(|(open, _)| *open == name) {
            let leads_here =
                self.chain.get(index).map(|(_, include)| *include).filter(|include| *include != span);
            self.findings.push(IncludeCycle { span, name, leads_here });
            return None;
        }
        if written.is_empty() {
            let reason = "the name is empty".to_owned();
            self.findings.push(IncludeNotFound { span, name: written, reason });
            return None;
        }
        if !self.seen.insert(name.clone()) {
            return Some(File::default());
        }
        if self.chain.len() > LONGEST_CHAIN {
            self.findings.push(NestedTooDeep { span, what: Nested::Files, limit: LONGEST_CHAIN });
            return None;
        }
        match self.loader.load(&name) {
            Ok(text) => {
                let id = self.sources.add(name.clone(), text);
                Some(self.read(id, name))
            }
            Err(reason) => {
                self.findings.push(IncludeNotFound { span, name, reason });
                None
            }
        }
    }
}

/// The literal text of a word.
fn written(word: &Word) -> String {
    let text = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Expr(_) => String::new(),
    };
    word.parts.iter().map(text).collect()
}

/// `name` as seen from `folder`, with `.` and `..` resolved in the text alone.
fn normalised(folder: &str, name: &str) -> String {
    let absolute = name.starts_with('/') || folder.starts_with('/');
    let from = if name.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if absolute => {}
                _ => parts.push(".."),
            },
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
