//! Files that a command writes: all of them or none.
//!
//! Goes in: contents and the PATH of `-o`. Comes out: files, or a comparison with what is there.
//! What must hold: every new content is on the disk beside its destination before the first one is
//! renamed; a file that is the same already is left alone; if a rename fails after others went
//! through, the failure names both.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;

use similar::TextDiff;

use super::host::{self, Kind, Prepared};
use super::{Exit, Failure};
use crate::emit::Text;

/// A text and the name it has in a directory.
#[derive(Clone, Debug)]
pub(super) struct Content {
    /// Path inside the directory: a file name, perhaps in folders.
    pub name: String,
    /// The whole text.
    pub text: Text,
    /// Whether the file is a program: mode 0755 instead of 0644, less the umask; a file that is there keeps its mode
    /// and becomes a program, if it is to be one.
    pub executable: bool,
}

/// Contents and the places they belong to.
#[derive(Debug)]
pub(super) struct Output {
    /// Whether directories that are missing are made.
    make: bool,
    files: Vec<(PathBuf, Content)>,
}

impl Output {
    /// Whether `path` is a directory, or is written as one.
    pub(super) fn names_directory(path: &Path) -> Result<bool, Failure> {
        let kind = host::kind(path).map_err(|error| cannot_write(path, &error))?;
        Ok(kind == Some(Kind::Directory) || path.as_os_str().as_bytes().ends_with(b"/"))
    }

    /// One content at exactly `path`.
    pub(super) fn file(path: &Path, content: Content) -> Result<Self, Failure> {
        let kind = host::kind(path).map_err(|error| cannot_write(path, &error))?;
        match kind {
            Some(Kind::Other) => {
                return Err(Failure::new(format!("`{}` is not a file", path.display()))
                    .help("leave `-o` out to write to standard output"));
            }
            Some(Kind::File | Kind::Directory) => {}
            None => {
                let directory = parent(path);
                if host::kind(&directory).map_err(|error| cannot_write(path, &error))?
                    != Some(Kind::Directory)
                {
                    let message = format!(
                        "cannot write `{}`: there is no directory `{}`",
                        path.display(),
                        directory.display()
                    );
                    return Err(Failure::new(message).help("make it first, or end the path in `/`"));
                }
            }
        }
        Ok(Self { make: false, files: vec![(path.to_owned(), content)] })
    }

    /// Each content in the place of a file that is there.
    pub(super) fn files(files: Vec<(PathBuf, Content)>) -> Self {
        Self { make: false, files }
    }

    /// Each content under its own name in the directory `path`, which may be missing.
    pub(super) fn directory(path: &Path, contents: Vec<Content>) -> Result<Self, Failure> {
        match host::kind(path).map_err(|error| cannot_write(path, &error))? {
            None | Some(Kind::Directory) => {}
            Some(Kind::File | Kind::Other) => {
                let message = format!("`{}` is a file, and a directory is needed", path.display());
                return Err(Failure::new(message).help("name a directory with `-o`"));
            }
        }
        let files = contents.into_iter().map(|content| (path.join(&content.name), content)).collect();
        Ok(Self { make: true, files })
    }

    /// Writes the files that differ from what is there.
    pub(super) fn write(self) -> Result<(), Failure> {
        let mut changed = Vec::new();
        for (path, content) in self.files {
            if !Existing::at(&path)?.is(&content) {
                changed.push((path, content));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let mut made = Vec::new();
        let made_all = if self.make { make_directories(&changed, &mut made) } else { Ok(()) };
        let prepared = made_all.and_then(|()| prepare_all(&changed)).inspect_err(|_| {
            for directory in made.iter().rev() {
                // Whatever keeps it from going away, the failure to prepare is what matters.
                let _ = host::remove_empty_directory(directory);
            }
        })?;
        replace_all(prepared, host::replace)
    }

    /// How the files differ from what is there, as a unified diff, and whether they do.
    pub(super) fn compare(&self, colour: bool) -> Result<(String, Exit), Failure> {
        let mut text = String::new();
        for (path, content) in &self.files {
            let existing = Existing::at(path)?;
            if existing.is(content) {
                continue;
            }
            text.push_str(&existing.difference(path, content));
        }
        let exit = if text.is_empty() { Exit::Fine } else { Exit::Found };
        Ok((if colour { coloured(&text) } else { text }, exit))
    }
}

/// What is at a destination.
struct Existing {
    bytes: Option<Vec<u8>>,
    executable: bool,
}

impl Existing {
    fn at(path: &Path) -> Result<Self, Failure> {
        let cannot_read = |error: io::Error| {
            Failure::new(format!("cannot read `{}`: {}", path.display(), host::reason(&error)))
        };
        match host::kind(path).map_err(cannot_read)? {
            None => Ok(Self { bytes: None, executable: false }),
            Some(Kind::File) => Ok(Self {
                bytes: Some(host::read(path).map_err(cannot_read)?),
                executable: host::is_executable(path).map_err(cannot_read)?,
            }),
            Some(Kind::Directory) => Err(Failure::new(format!("`{}` is a directory", path.display()))),
            Some(Kind::Other) => Err(Failure::new(format!("`{}` is not a file", path.display()))),
        }
    }

    /// Whether nothing would change; a file that is executable without need is left so.
    fn is(&self, content: &Content) -> bool {
        self.bytes.as_deref().is_some_and(|bytes| content.text.is(bytes))
            && (self.executable || !content.executable)
    }

    fn difference(&self, path: &Path, content: &Content) -> String {
        let name = path.display().to_string();
        let old_name = if self.bytes.is_some() { name.as_str() } else { "/dev/null" };
        let old = String::from_utf8_lossy(self.bytes.as_deref().unwrap_or_default());
        let new = content.text.to_string();
        if old == new {
            let what = if self.bytes.is_none() { "missing" } else { "not executable" };
            return format!("{name}: {what}\n");
        }
        unified(&old, &new, old_name, &name)
    }
}

/// Two texts as a unified diff with these names.
pub(super) fn unified(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    TextDiff::from_lines(old, new).unified_diff().header(old_name, new_name).to_string()
}

/// Makes the directories that files are in; those that were missing are added to `made`, each after
/// the one that it is in.
fn make_directories(files: &[(PathBuf, Content)], made: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for (path, _) in files {
        let directory = parent(path);
        let mut missing: Vec<PathBuf> = directory
            .ancestors()
            .filter(|above| !above.as_os_str().is_empty())
            .take_while(|above| matches!(host::kind(above), Ok(None)))
            .map(Path::to_owned)
            .collect();
        missing.reverse();
        made.append(&mut missing);
        host::make_directory(&directory).map_err(|error| {
            let reason = host::reason(&error);
            Failure::new(format!("cannot make the directory `{}`: {reason}", directory.display()))
        })?;
    }
    Ok(())
}

/// As many files are written at the same time: the disk takes them together, and for one after another
/// it takes some milliseconds each.
const AT_ONCE: usize = 16;

/// Puts every content on the disk beside its destination, under a passing name.
fn prepare_all(files: &[(PathBuf, Content)]) -> Result<Vec<(PathBuf, Prepared)>, Failure> {
    let share = files.len().div_ceil(AT_ONCE).max(1);
    let prepare_share = |share: &[(PathBuf, Content)]| share.iter().map(prepare).collect();
    let shares: Vec<Result<Vec<_>, Failure>> = thread::scope(|scope| {
        let writers: Vec<_> =
            files.chunks(share).map(|share| scope.spawn(move || prepare_share(share))).collect();
        let finished = |writer: thread::ScopedJoinHandle<'_, _>| {
            writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        writers.into_iter().map(finished).collect()
    });
    let mut prepared = Vec::with_capacity(files.len());
    for share in shares {
        prepared.append(&mut share?);
    }
    Ok(prepared)
}

fn prepare((path, content): &(PathBuf, Content)) -> Result<(PathBuf, Prepared), Failure> {
    let failure = |error: io::Error| cannot_write(path, &error);
    let mode = if content.executable { 0o755 } else { 0o644 };
    // A link stays a link: what it leads to is replaced, from within that directory.
    let old = match host::kind(path).map_err(failure)? {
        None => None,
        Some(_) => Some(host::resolve_links(path).map_err(failure)?),
    };
    let real = old.clone().unwrap_or_else(|| path.clone());
    let beside = parent(&real);
    let prepared = host::prepare(&beside, &content.text, mode, old.as_deref()).map_err(failure)?;
    Ok((real, prepared))
}

/// Renames all; on a failure says which files are new already and which are still as they were.
fn replace_all<T>(
    prepared: Vec<(PathBuf, T)>,
    replace: impl Fn(T, &Path) -> io::Result<()>,
) -> Result<(), Failure> {
    let paths: Vec<PathBuf> = prepared.iter().map(|(path, _)| path.clone()).collect();
    for (done, (path, file)) in prepared.into_iter().enumerate() {
        if let Err(error) = replace(file, &path) {
            let (new, old) = paths.split_at(done);
            return Err(cannot_write(&path, &error).help(format!(
                "replaced: {}; still as before: {}",
                list(new),
                list(old)
            )));
        }
    }
    Ok(())
}

fn list(paths: &[PathBuf]) -> String {
    let quoted: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    if quoted.is_empty() { "nothing".to_owned() } else { quoted.join(", ") }
}

/// The directory a file is in; `.` for a bare name.
fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write `{}`: {}", path.display(), host::reason(error)))
}

/// A unified diff with removed lines in red, added ones in green, and places in cyan.
pub(super) fn coloured(diff: &str) -> String {
    let mut out = String::with_capacity(diff.len());
    for line in diff.split_inclusive('\n') {
        let style = match line.as_bytes().first() {
            Some(b'-') => "\u{1b}[31m",
            Some(b'+') => "\u{1b}[32m",
            Some(b'@') => "\u{1b}[36m",
            _ => "",
        };
        match line.strip_suffix('\n') {
            Some(body) if !style.is_empty() => out.push_str(&format!("{style}{body}\u{1b}[0m\n")),
            _ => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;
    use std::path::PathBuf;

    use super::replace_all;
    use crate::cli::Failure;

    #[test]
    fn a_rename_that_fails_late_names_what_is_new_and_what_is_old() {
        let renamed = RefCell::new(Vec::new());
        let files = ["a", "b", "c"].map(|name| (PathBuf::from(name), ())).to_vec();
        let result = replace_all(files, |(), path| {
            if path.ends_with("b") {
                return Err(io::Error::from(io::ErrorKind::PermissionDenied));
            }
            renamed.borrow_mut().push(path.to_owned());
            Ok(())
        });
        let expected = Failure::new("cannot write `b`: permission denied")
            .help("replaced: `a`; still as before: `b`, `c`");
        assert_eq!(result, Err(expected));
        assert_eq!(*renamed.borrow(), [PathBuf::from("a")]);
    }
}
