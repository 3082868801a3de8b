//! A directory to work in and the command to run there, with nothing of the caller's environment.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// A site without any finding.
pub const SITE: &str = "\
network inner {
    interface eth0
    prefix    192.168.2.0/24 as 192.168.13.0/24
}

network outer {
    interface eth1
    prefix    192.168.2.0/24 as 192.168.23.0/24
}

connect inner <-> outer
";

/// A line that is an error wherever it stands at the top of a file.
pub const WRONG: &str = "bogus statement\n";

/// A line that is a warning.
pub const DOUBTFUL: &str = "let unused = 10.0.0.0/8\n";

/// The root of this repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The command, run in `directory`.
pub fn overlapc(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overlapc"));
    command.env_clear().current_dir(directory);
    command
}

/// A directory that goes away with the test.
pub struct Bench(TempDir);

impl Bench {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// With `site.ovl` of this text.
    pub fn with_site(text: &str) -> Self {
        let bench = Self::new();
        bench.write("site.ovl", text);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in a directory, sorted; also those that begin with a dot.
    pub fn names(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The command with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Command {
        let mut command = overlapc(self.0.path());
        command.args(arguments);
        command
    }
}
