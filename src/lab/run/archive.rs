//! The root file system of the virtual machine, as the kernel takes it: a cpio archive.
//!
//! Goes in: files of this machine, texts, directories, links. Comes out: an archive in the format `newc`
//! (kernel documentation, driver-api/early-userspace/buffer-format.rst). What must hold: every directory
//! is in it before what is below it, and nothing twice.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const DIRECTORY: u32 = 0o040_755;
const LINK: u32 = 0o120_777;
const FILE: u32 = 0o100_000;

/// The name that ends an archive.
const TRAILER: &str = "TRAILER!!!";

/// An archive that is being written.
pub(super) struct Archive<W> {
    out: W,
    number: u32,
    names: BTreeSet<String>,
}

impl<W: Write> Archive<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, number: 0, names: BTreeSet::new() }
    }

    /// An empty directory, and those above it.
    pub(super) fn directory(&mut self, name: &str) -> io::Result<()> {
        let name = name.trim_matches('/');
        if name.is_empty() || self.names.contains(name) {
            return Ok(());
        }
        self.above(name)?;
        self.entry(name, DIRECTORY, &[])
    }

    /// A symbolic link.
    pub(super) fn link(&mut self, name: &str, target: &str) -> io::Result<()> {
        self.above(name)?;
        self.entry(name.trim_matches('/'), LINK, target.as_bytes())
    }

    /// A file with this text; whether it is a program.
    pub(super) fn text(&mut self, name: &str, text: &str, program: bool) -> io::Result<()> {
        self.above(name)?;
        self.entry(name.trim_matches('/'), FILE | if program { 0o755 } else { 0o644 }, text.as_bytes())
    }

    /// A copy of a file of this machine, links followed.
    pub(super) fn copy(&mut self, name: &str, from: &Path) -> io::Result<()> {
        let bytes = fs::read(from)?;
        let mode = fs::metadata(from)?.permissions().mode() & 0o777;
        self.above(name)?;
        self.entry(name.trim_matches('/'), FILE | mode, &bytes)
    }

    /// Whether there is something of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name.trim_matches('/'))
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.entry(TRAILER, 0, &[])?;
        self.out.flush()
    }

    fn above(&mut self, name: &str) -> io::Result<()> {
        match name.trim_matches('/').rsplit_once('/') {
            Some((parent, _)) => self.directory(parent),
            None => Ok(()),
        }
    }

    /// Header: thirteen numbers of eight hexadecimal digits behind the magic one; name and contents are
    /// filled up to multiples of four bytes.
    fn entry(&mut self, name: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
        if !self.names.insert(name.to_owned()) {
            return Ok(());
        }
        self.number += 1;
        let too_long =
            |_| io::Error::new(io::ErrorKind::FileTooLarge, format!("{name} is too long for an archive"));
        let size = u32::try_from(bytes.len()).map_err(too_long)?;
        let named = u32::try_from(name.len() + 1).map_err(too_long)?;
        let links = 1 + u32::from(mode == DIRECTORY);
        let mut header = String::from("070701");
        for value in [self.number, mode, 0, 0, links, 0, size, 0, 0, 0, 0, named, 0] {
            header.push_str(&format!("{value:08x}"));
        }
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(name.as_bytes())?;
        self.out.write_all(&[0])?;
        self.fill(header.len() + name.len() + 1)?;
        self.out.write_all(bytes)?;
        self.fill(bytes.len())
    }

    fn fill(&mut self, written: usize) -> io::Result<()> {
        let zeros = [0; 4];
        self.out.write_all(&zeros[..written.next_multiple_of(4) - written])
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn directories_come_before_what_is_in_them_and_nothing_comes_twice() {
        let mut bytes = Vec::new();
        let mut archive = Archive::new(&mut bytes);
        archive.text("/usr/bin/one", "1", true).unwrap();
        archive.text("usr/bin/two", "22", false).unwrap();
        archive.text("usr/bin/one", "again", true).unwrap();
        archive.link("bin", "usr/bin").unwrap();
        archive.finish().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.len() % 4, 0);
        let names: Vec<&str> =
            text.split("070701").skip(1).map(|entry| entry[104..].split('\0').next().unwrap()).collect();
        assert_eq!(names, ["usr", "usr/bin", "usr/bin/one", "usr/bin/two", "bin", "TRAILER!!!"]);
        // Mode and size of the second file.
        let two = text.split("070701").nth(4).unwrap();
        assert_eq!((&two[8..16], &two[48..56]), ("000081a4", "00000002"));
    }
}
