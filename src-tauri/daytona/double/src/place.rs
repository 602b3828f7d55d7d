//! Where the processes of one sandbox run: a mount and a process namespace whose root is the sandbox's folder.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;

/// Folders of a sandbox that it depends on its image and its user what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folders {
    /// The home of the user.
    pub(crate) home: String,
    /// Where commands start and relative paths begin.
    pub(crate) work: String,
}

/// Where programs are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Folders that every sandbox has from the start.
const FOLDERS: [&str; 8] = ["home/daytona", "workspace", "tmp", "root", "run", "mnt", "var/tmp", "var/log"];

/// A symbolic link that leads to links more often than this leads nowhere.
const MAX_LINKS: usize = 40;

/// Whether sandboxes can be started on this machine, or why not.
pub fn possible() -> Result<(), String> {
    user().map(|_| ())
}

/// Whether a user namespace is needed for the others, or why none of it works.
fn user() -> Result<bool, String> {
    static FOUND: OnceLock<Result<bool, String>> = OnceLock::new();
    FOUND.get_or_init(find).clone()
}

fn find() -> Result<bool, String> {
    let mut why = String::new();
    for user in [true, false] {
        let mut command = std::process::Command::new("unshare");
        command.args(unshare(user)).args(["--mount-proc", "true"]).env("PATH", PATH).stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => return Ok(user),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().clone_into(&mut why),
            Err(error) => why = format!("unshare: {error}"),
        }
    }
    Err(format!("this machine gives no namespaces to programs ({why})"))
}

fn unshare(user: bool) -> Vec<&'static str> {
    let mut arguments = vec!["--mount", "--pid", "--fork", "--kill-child"];
    if user {
        arguments.extend(["--user", "--map-root-user"]);
    }
    arguments
}

/// The namespaces of a sandbox that is started. Dropped, everything in it ends.
#[derive(Debug)]
pub(crate) struct Place {
    /// The init as this machine numbers it.
    init: Pid,
    user: bool,
    keeper: Mutex<Child>,
    pub(crate) folders: Folders,
    /// Its end is the end of the init, also when this process is killed.
    _lifeline: ChildStdin,
}

impl Place {
    /// Starts the init of a sandbox whose files are in `disk`, and mounts folders of this machine at paths of it.
    pub(crate) async fn open(
        disk: &Path,
        mounts: &[(PathBuf, String)],
        folders: Folders,
    ) -> io::Result<Self> {
        let user = user().map_err(io::Error::other)?;
        let own = [&folders.home, &folders.work].map(|folder| folder.trim_start_matches('/'));
        for folder in FOLDERS.into_iter().chain(own) {
            std::fs::create_dir_all(disk.join(folder))?;
        }
        let mut command = Command::new("unshare");
        command.args(unshare(user)).args(["sh", "-c", include_str!("init.sh"), "init"]).arg(disk);
        for (source, target) in mounts {
            command.arg(source).arg(target);
        }
        command.env("PATH", PATH).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = command.kill_on_drop(true).spawn()?;
        let lost = || io::Error::other("the init of the sandbox has no pipes");
        let lifeline = keeper.stdin.take().ok_or_else(lost)?;
        let mut output = BufReader::new(keeper.stdout.take().ok_or_else(lost)?);
        let mut ready = String::new();
        output.read_line(&mut ready).await?;
        if ready.trim() != "ready" {
            let mut why = String::new();
            if let Some(mut errors) = keeper.stderr.take() {
                errors.read_to_string(&mut why).await?;
            }
            return Err(io::Error::other(format!("the init of the sandbox did not start: {}", why.trim())));
        }
        let init = keeper.id().and_then(child_of).ok_or_else(lost)?;
        Ok(Self { init, user, keeper: Mutex::new(keeper), folders, _lifeline: lifeline })
    }

    /// A command in the sandbox; the caller adds the program and its arguments. It leads a session of its own, so that
    /// numbers of process groups mean something inside. With `terminal` its input becomes its terminal.
    pub(crate) fn command<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        &self,
        dir: &str,
        env: impl IntoIterator<Item = (K, V)>,
        terminal: bool,
    ) -> Command {
        let mut command = Command::new("nsenter");
        command.env_clear().env("PATH", PATH).envs(env);
        command.arg("--target").arg(self.init.to_string()).args(["--mount", "--pid"]);
        if self.user {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--").arg("setsid");
        if terminal {
            command.arg("--ctty");
        }
        command.args(["env", "--chdir", dir, "--"]).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// The path on this machine of one in the sandbox. Links are followed as the sandbox's processes would, except for
    /// the last component if `last` is false.
    pub(crate) fn outside(&self, path: &str, last: bool) -> io::Result<PathBuf> {
        resolve(&PathBuf::from(format!("/proc/{}/root", self.init)), &self.absolute(path), last)
    }

    /// A path of the sandbox from its root. No path is the folder in which commands start.
    pub(crate) fn absolute(&self, path: &str) -> String {
        let work = self.folders.work.trim_end_matches('/');
        match path {
            "" | "." => self.folders.work.clone(),
            path if path.starts_with('/') => path.to_owned(),
            path => format!("{work}/{path}"),
        }
    }

    /// Sends the polite signal to everything in the sandbox.
    pub(crate) async fn ask(&self) {
        let mut command = self.command("/", [("LANG", "C")], false);
        command.args(["sh", "-c", "kill -TERM -1"]).stderr(Stdio::null());
        let _ = command.status().await;
    }

    /// Ends everything in the sandbox, and returns when nothing is left.
    pub(crate) async fn end(&self) {
        let mut keeper = self.keeper.lock().await;
        if keeper.id().is_some() {
            let _ = kill(self.init, Signal::SIGKILL);
            let _ = keeper.wait().await;
        }
    }
}

/// The variables of every process in a sandbox.
pub(crate) fn variables(
    id: &str,
    user: &str,
    home: &str,
    own: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let usual = [
        ("PATH", PATH),
        ("HOME", home),
        ("USER", user),
        ("SHELL", "/bin/bash"),
        ("LANG", "C.UTF-8"),
        ("DAYTONA_SANDBOX_ID", id),
    ];
    let mut all: BTreeMap<_, _> = usual.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    all.extend(own);
    all
}

/// The process that was started in the namespace for this one, as this machine numbers it.
pub(crate) fn child_of(parent: u32) -> Option<Pid> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_ascii_whitespace().next()?.parse().ok().map(Pid::from_raw)
}

/// Follows a path below a root that no link leads out of.
fn resolve(root: &Path, path: &str, last: bool) -> io::Result<PathBuf> {
    let mut parts: Vec<std::ffi::OsString> = Vec::new();
    let mut rest: Vec<std::ffi::OsString> = components(Path::new(path));
    let mut links = 0;
    while let Some(part) = rest.pop() {
        if part == ".." {
            parts.pop();
            continue;
        }
        parts.push(part);
        let here = parts.iter().fold(root.to_path_buf(), |path, part| path.join(part));
        let is_link = here.symlink_metadata().is_ok_and(|found| found.is_symlink());
        if !is_link || (rest.is_empty() && !last) {
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(io::Error::other("too many levels of symbolic links"));
        }
        let target = std::fs::read_link(&here)?;
        parts.pop();
        if target.is_absolute() {
            parts.clear();
        }
        rest.extend(components(&target));
    }
    Ok(parts.iter().fold(root.to_path_buf(), |path, part| path.join(part)))
}

/// The components of a path that lead somewhere, the last one first.
fn components(path: &Path) -> Vec<std::ffi::OsString> {
    let usual = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    let mut parts: Vec<_> = usual.collect();
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_link_leads_out_of_a_sandbox() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a")).unwrap();
        std::os::unix::fs::symlink("/etc", root.path().join("a/out")).unwrap();
        std::os::unix::fs::symlink("../../../x", root.path().join("a/up")).unwrap();
        let at = |path: &str, last| resolve(root.path(), path, last).unwrap();
        assert_eq!(at("/a/out/passwd", true), root.path().join("etc/passwd"));
        assert_eq!(at("/a/up", true), root.path().join("x"));
        assert_eq!(at("/a/up", false), root.path().join("a/up"));
        assert_eq!(at("/../../a", true), root.path().join("a"));
    }
}
