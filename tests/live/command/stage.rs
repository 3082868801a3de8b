//! A directory with a copy of the program and programs in front of the real ones, and runs of the
//! command there.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Two networks with equal numbers, a host that has a name, and a pair that is not declared.
pub const SITE: &str = "\
gateway { isolation rules }

network inner {
    interface eth0
    prefix    192.168.2.0/24 as 192.168.13.0/24
}

network outer {
    interface eth1
    prefix    192.168.2.0/24 as 192.168.23.0/24
    host      plc 192.168.2.10
}

network office {
    interface eth2
    prefix    172.16.0.0/16
}

connect inner -> outer
connect office <-> inner
";

/// Where a run takes place.
pub struct Stage {
    folder: TempDir,
    /// The program, where everybody may read it.
    pub program: PathBuf,
}

/// What a run left behind.
pub struct Told {
    /// The exit code, -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub errors: String,
}

impl Stage {
    /// A directory for everybody, with a copy of the program and the site.
    pub fn new(program: PathBuf) -> Result<Self, String> {
        let mut stage = Self::with(program)?;
        let copy = stage.path("overlapc");
        fs::copy(&stage.program, &copy).map_err(|e| format!("{}: {e}", stage.program.display()))?;
        open_to_all(&copy)?;
        stage.program = copy;
        Ok(stage)
    }

    /// Another directory with the site, for a check that looks at what is there.
    pub fn apart(&self) -> Result<Self, String> {
        Self::with(self.program.clone())
    }

    fn with(program: PathBuf) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|e| e.to_string())?;
        open_to_all(folder.path())?;
        let stage = Self { folder, program };
        stage.write("site.ovl", SITE)?;
        Ok(stage)
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file there.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.path(name);
        fs::write(&path, text).map_err(|e| format!("{name}: {e}"))?;
        Ok(path)
    }

    /// Puts a program before the real one of its name; returns a PATH on which it is found first.
    pub fn before(&self, name: &str, script: &str) -> Result<String, String> {
        let folder = self.path("before");
        fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        let program = self.write(&format!("before/{name}"), script)?;
        open_to_all(&program)?;
        Ok(format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.display()))
    }

    /// The command in the directory, with nothing of the caller's environment. Signals end it, as nohup(1) may
    /// have said otherwise of the whole run.
    pub fn lab(&self, arguments: &[&str]) -> Command {
        self.behind(&["env", "--default-signal"], arguments)
    }

    /// The same with words before it, such as those that take rights away.
    pub fn behind(&self, before: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(before[0]);
        command.args(&before[1..]).arg(&self.program).arg("lab").args(arguments);
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(self.folder.path());
        command.stdin(Stdio::null());
    }
}

fn open_to_all(path: &Path) -> Result<(), String> {
    fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(|e| format!("{}: {e}", path.display()))
}

/// Runs a command to its end.
pub fn told(command: &mut Command) -> Result<Told, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    Ok(Told {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

impl Told {
    /// Whether it ended with this code and said all these things, on either stream.
    pub fn is(&self, code: i32, words: &[&str]) -> Result<(), String> {
        let missing: Vec<&&str> =
            words.iter().filter(|word| !self.out.contains(**word) && !self.errors.contains(**word)).collect();
        if self.code == code && missing.is_empty() {
            return Ok(());
        }
        Err(format!("exit {}, not {code}; not said: {missing:?}\n{}\n{}", self.code, self.out, self.errors))
    }
}

/// Everything up to the end of a stream, which comes when all who can write to it have gone.
pub fn to_the_end(mut stream: impl Read) -> Result<String, String> {
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(|e| e.to_string())?;
    Ok(text)
}
