//! The machine: files, standard streams, environment and terminal, and nothing else touches them.
//!
//! Goes in: paths and texts. Comes out: bytes, or an [`io::Error`] for the caller to put in words.
//! What must hold: a file is replaced in one step or not at all; a reader that goes away early (a
//! broken pipe) is no error.

use std::fs::{self, Permissions};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::Color;
use crate::emit::Text;

/// What a path leads to, symbolic links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A device, a pipe or a socket.
    Other,
}

/// A new content that lies beside its destination, ready to be renamed; removed when dropped. It is
/// closed: a site has more files than a process may have open.
pub(super) struct Prepared(TempPath);

/// The words that the program was started with, without its own name.
pub(super) fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// The bytes of a file that has at most so many.
pub(super) fn read_up_to(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_whole(fs::File::open(path)?, most)
}

/// Everything on standard input, at most so many bytes.
pub(super) fn read_stdin(most: u64) -> io::Result<Vec<u8>> {
    read_whole(io::stdin().lock(), most)
}

fn read_whole(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if u64::try_from(from.take(most + 1).read_to_end(&mut bytes)?).is_ok_and(|length| length <= most) {
        return Ok(bytes);
    }
    Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {} MiB", most / 1024 / 1024)))
}

/// What is at a path; `None` where there is nothing.
pub(super) fn kind(path: &Path) -> io::Result<Option<Kind>> {
    match fs::metadata(path) {
        Ok(data) if data.is_dir() => Ok(Some(Kind::Directory)),
        Ok(data) if data.is_file() => Ok(Some(Kind::File)),
        Ok(_) => Ok(Some(Kind::Other)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the owner may execute a file.
pub(super) fn is_executable(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o100 != 0)
}

/// The file behind a path's symbolic links, so that a link stays a link.
pub(super) fn resolve_links(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// Makes a directory and those above it.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Removes a directory if it is empty.
pub(super) fn remove_empty_directory(path: &Path) -> io::Result<()> {
    fs::remove_dir(path)
}

/// Writes `text` to a new file in `directory` and to the disk; the umask is taken from `mode`. What is to replace
/// a file `old` has its mode and its owner, as far as the kernel lets us give a file away.
pub(super) fn prepare(directory: &Path, text: &Text, mode: u32, old: Option<&Path>) -> io::Result<Prepared> {
    let first = if old.is_some() { 0o600 } else { mode };
    let mut file = tempfile::Builder::new()
        .prefix(".overlapc-")
        .permissions(Permissions::from_mode(first))
        .tempfile_in(directory)?;
    write_pieces(text, &mut file)?;
    if let Some(old) = old {
        let data = fs::metadata(old)?;
        let given_away = fchown(file.as_file(), Some(data.uid()), Some(data.gid())).is_ok();
        // A file of ours that was somebody else's does not become a program that runs as us.
        let kept = if given_away { 0o7777 } else { 0o777 };
        let programs = mode & 0o111;
        file.as_file().set_permissions(Permissions::from_mode(data.mode() & kept | programs))?;
    }
    file.as_file().sync_all()?;
    Ok(Prepared(file.into_temp_path()))
}

/// Puts a prepared file in the place of `path`, in one step: rename(2).
pub(super) fn replace(prepared: Prepared, path: &Path) -> io::Result<()> {
    prepared.0.persist(path).map_err(|error| error.error)
}

/// Writes to standard output.
pub(super) fn write_stdout(text: impl Into<Text>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match write_pieces(&text.into(), &mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Long pieces go out as they are; the short ones between them are collected.
fn write_pieces(text: &Text, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    text.pieces().try_for_each(|piece| out.write_all(piece.as_bytes()))?;
    out.flush()
}

/// Writes to standard error; there is nowhere to report that this failed.
pub(super) fn write_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// What a long work is at, on one line of a terminal that is written again and again; nothing is said
/// where standard error is no terminal. The line is gone when this is dropped.
pub(super) struct Progress {
    of: usize,
    done: usize,
    seen: bool,
}

impl Progress {
    /// Of so many steps.
    pub(super) fn new(of: usize) -> Self {
        Self { of, done: 0, seen: io::stderr().is_terminal() }
    }

    /// The next step begins.
    pub(super) fn step(&mut self, what: &str) {
        self.done += 1;
        if self.seen {
            write_stderr(&format!("\r\u{1b}[K[{}/{}] {what}", self.done, self.of));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.seen && self.done > 0 {
            write_stderr("\r\u{1b}[K");
        }
    }
}

/// Waits until standard input ends.
pub(super) fn wait_for_end() {
    // An input that cannot be read has ended, too.
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
}

/// Whether standard output is to be coloured.
pub(super) fn colour_stdout(color: Color) -> bool {
    colour(color, io::stdout().is_terminal(), variable)
}

/// Whether standard error is to be coloured.
pub(super) fn colour_stderr(color: Color) -> bool {
    colour(color, io::stderr().is_terminal(), variable)
}

/// A variable of the environment, if it is set.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The flag decides, then NO_COLOR, then CLICOLOR_FORCE and FORCE_COLOR, then the terminal.
///
/// An empty variable counts as unset, and `0` does not force (<https://no-color.org>,
/// <https://bixense.com/clicolors>).
fn colour(color: Color, terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let forced = |name| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
        Color::Auto => terminal && variable("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// Why something failed, in words that follow a colon.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::NotADirectory => "part of the path is not a directory".to_owned(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or(&text);
            // The words of the system begin a sentence; ours have units.
            if error.raw_os_error().is_some() { text.to_lowercase() } else { text.to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Color, colour};

    fn auto(terminal: bool, set: &[(&str, &str)]) -> bool {
        let variable =
            |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        colour(Color::Auto, terminal, variable)
    }

    #[test]
    fn colour_follows_the_flag_then_the_environment_then_the_terminal() {
        assert!(auto(true, &[]));
        assert!(!auto(false, &[]));
        assert!(!auto(true, &[("TERM", "dumb")]));
        assert!(!auto(true, &[("NO_COLOR", "1")]));
        assert!(auto(true, &[("NO_COLOR", "")]));
        assert!(auto(false, &[("FORCE_COLOR", "1")]));
        assert!(auto(false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!auto(false, &[("CLICOLOR_FORCE", "0"), ("FORCE_COLOR", "")]));
        assert!(!auto(true, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]));
        let no_color = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        assert!(colour(Color::Always, false, no_color));
        assert!(!colour(Color::Never, true, |_| Some("1".to_owned())));
    }
}
