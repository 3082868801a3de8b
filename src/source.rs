//! Source text: files, byte spans, and the way from a byte to a line and column.
//!
//! Goes in: the name and text of each file. Comes out: small ids and spans that every later stage
//! carries. What must hold: a [`Span`] lies within its file and on character boundaries.

use std::collections::HashMap;

/// A file in a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(u32);

/// A half-open range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The file the bytes are in.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `file`.
    #[must_use]
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        // Files over 4 GiB are refused by `SourceMap::add`, so the saturation never bites.
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { file, start: clamp(start), end: clamp(end) }
    }

    /// The smallest span that holds both; both must be in one file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The bytes as a range to index the file's text with.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and the place it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// Where values were given that are used by their name: by the place of the use, or of what is computed from
/// it, the names and the places of their values.
pub type Origins = HashMap<Span, Vec<Spanned<String>>>;

/// One file's name and text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name as findings and artefact headers print it: never an absolute path of its own making.
    pub name: String,
    /// The whole text.
    pub text: String,
    line_starts: Vec<u32>,
}

impl SourceFile {
    fn new(name: String, text: String) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0)
            .chain(newlines.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)))
            .collect();
        Self { name, text, line_starts }
    }

    /// The line of a byte, counted from 1.
    #[must_use]
    pub fn line(&self, byte: u32) -> usize {
        self.line_starts.partition_point(|start| *start <= byte)
    }

    /// The line and the column of a byte, both counted from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self, byte: u32) -> (usize, usize) {
        let line = self.line(byte);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0) as usize;
        let before = self.text.get(start..byte as usize).unwrap_or("");
        (line, before.chars().count() + 1)
    }
}

/// All files of one run, in the order in which they were read.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Takes a file in and gives it an id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile::new(name.into(), text.into()));
        id
    }

    /// The file of an id that this map gave out.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "ids come from `add` alone")]
    pub fn file(&self, id: FileId) -> &SourceFile {
        self.files.get(id.0 as usize).expect("a file id comes from this map")
    }

    /// All files with their ids, in the order in which they were read.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(n, file)| (FileId(u32::try_from(n).unwrap_or(u32::MAX)), file))
    }

    /// The same files under names relative to the directory of the first one, the site's own.
    ///
    /// Ids and spans stay valid. What is made from these names does not depend on the directory
    /// that the compiler was started in.
    #[must_use]
    pub fn beside_the_root(&self) -> Self {
        let root = self.files.first().map_or("", |file| file.name.as_str());
        let renamed = |file: &SourceFile| SourceFile {
            name: relative(&file.name, root),
            text: file.text.clone(),
            line_starts: file.line_starts.clone(),
        };
        Self { files: self.files.iter().map(renamed).collect() }
    }

    /// The text of a span.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text.get(span.range()).unwrap_or("")
    }

    /// `file:line`, the way emitted rules name their source.
    #[must_use]
    pub fn place(&self, span: Span) -> String {
        let file = self.file(span.file);
        format!("{}:{}", file.name, file.line(span.start))
    }
}

/// `name` as seen from the directory of `root`; only a path of the other kind (absolute, relative)
/// stays as it is.
fn relative(name: &str, root: &str) -> String {
    if name.starts_with('/') != root.starts_with('/') {
        return name.to_owned();
    }
    let (name, mut directory) = (parts(name), parts(root));
    directory.pop();
    let common = name.iter().zip(&directory).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", directory.len() - common);
    up.chain(name[common..].iter().copied()).collect::<Vec<_>>().join("/")
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).collect()
}

#[cfg(test)]
mod tests {
    use super::{SourceMap, Span};

    #[test]
    fn names_beside_the_root_do_not_tell_where_it_is() {
        let names = |given: &[&str]| -> Vec<String> {
            let mut sources = SourceMap::default();
            for name in given {
                sources.add(*name, "");
            }
            sources.beside_the_root().files.into_iter().map(|file| file.name).collect()
        };
        assert_eq!(names(&["site.ovl", "cells/a.ovl", "../b.ovl"]), ["site.ovl", "cells/a.ovl", "../b.ovl"]);
        assert_eq!(
            names(&["sites/x/site.ovl", "sites/x/cells/a.ovl", "sites/b.ovl"]),
            ["site.ovl", "cells/a.ovl", "../b.ovl"]
        );
        assert_eq!(names(&["/etc/x/site.ovl", "/etc/b.ovl"]), ["site.ovl", "../b.ovl"]);
        assert_eq!(names(&["../x/site.ovl", "../b.ovl"]), ["site.ovl", "../b.ovl"]);
        assert_eq!(names(&["./site.ovl", "a.ovl"]), ["site.ovl", "a.ovl"]);
        assert_eq!(names(&["/site.ovl", "/b.ovl"]), ["site.ovl", "b.ovl"]);
        assert_eq!(names(&["site.ovl", "/srv/b.ovl"]), ["site.ovl", "/srv/b.ovl"]);
    }

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let mut sources = SourceMap::default();
        let id = sources.add("site.ovl", "a\nbä c\n");
        let file = sources.file(id);
        assert_eq!(file.line_column(0), (1, 1));
        assert_eq!(file.line_column(2), (2, 1));
        assert_eq!(file.line_column(6), (2, 4));
        assert_eq!(sources.place(Span::new(id, 6, 7)), "site.ovl:2");
    }
}
