//! Runs the real `stigmer`, with a home of its own, and looks at what it leaves behind.
//!
//! Everything that a test starts names the folder of its [`Home`]: in its arguments, its environment or as its
//! working directory. So "nothing is left running" is a question to `/proc`. Waits are for states that can be
//! seen; [`DEADLINE`] only keeps a broken test from hanging.

#![expect(dead_code, reason = "every test file uses its own part of this")]

pub(crate) mod call;
pub(crate) mod http;
pub(crate) mod keyring;
pub(crate) mod terminal;
pub(crate) mod ws;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use call::Call;

/// Far beyond what anything takes, also on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// A user: a home folder, an empty history, and a workspace; in the tests of `served.rs` with a server that runs.
pub(crate) struct Home {
    root: TempDir,
    server: Mutex<Option<i32>>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self::without_server();
        // This file is part of each of them; in that one its path begins so.
        if module_path!().starts_with("served::") {
            home.start_server();
        }
        home
    }

    pub(crate) fn without_server() -> Self {
        let root = tempfile::Builder::new().prefix("stigmer-cli-").tempdir().unwrap();
        for folder in ["home", "work", "bin"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let runner = Path::new(env!("CARGO_BIN_EXE_stigmer")).with_file_name("stigmer-runner");
        assert!(runner.is_file(), "build it first: cargo build -p stigmer-runner");
        // The runner has no environment; the path that it is started by says to which home it belongs.
        symlink(runner, root.path().join("bin/stigmer-runner")).unwrap();
        Self { root, server: Mutex::new(None) }
    }

    /// Starts the server of this home in the background: what `stigmer server status --json` says of it.
    pub(crate) fn start_server(&self) -> Value {
        let start = self.stigmer(["server", "start", "--background", "--port", "0", "--json"]);
        let told = start.ended().expect(0).json().remove(0);
        *self.server.lock().unwrap() = told["pid"].as_i64().and_then(|pid| pid.try_into().ok());
        told
    }

    /// The process of the server that was started.
    pub(crate) fn server(&self) -> i32 {
        self.server.lock().unwrap().unwrap()
    }

    /// Makes the server stand still, at a moment in which it keeps nobody from the history.
    pub(crate) fn freeze_server(&self) -> Pid {
        let server = Pid::from_raw(self.server());
        let is_writing = || {
            let locks = fs::read_to_string("/proc/locks").unwrap();
            locks.lines().any(|line| {
                let words: Vec<_> = line.split_whitespace().collect();
                words[1] == "POSIX" && words.contains(&"WRITE") && words.contains(&&*server.to_string())
            })
        };
        let stands = || {
            freeze(server);
            if is_writing() {
                kill(server, Signal::SIGCONT).unwrap();
                return false;
            }
            true
        };
        until("the server stands still between two writes", stands, String::new);
        server
    }

    /// Whether nothing was ever written down here.
    pub(crate) fn is_untouched(&self) -> bool {
        match *self.server.lock().unwrap() {
            Some(_) => self.history().is_empty(),
            None => !self.data().exists(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    /// `STIGMER_HOME`.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The folder that `stigmer` is started in.
    pub(crate) fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    /// Writes a file of the workspace.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A call of `stigmer` in the workspace, with nothing on its standard input.
    pub(crate) fn stigmer<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Call {
        Call::new(self).args(args)
    }

    /// `stigmer run` with one shell line.
    pub(crate) fn run(&self, line: &str) -> Call {
        self.stigmer(["run", line])
    }

    /// The history, newest first, as `stigmer runs --json` tells it.
    pub(crate) fn history(&self) -> Vec<Value> {
        self.stigmer(["runs", "--json", "--limit", "0"]).ended().expect(0).json()
    }

    /// The only run there is, or the newest.
    pub(crate) fn last(&self) -> Value {
        self.history().into_iter().next().expect("there is a run")
    }

    /// The same once its end is written down, which may be after its processes are gone.
    #[track_caller]
    pub(crate) fn last_ended(&self) -> Value {
        until("the end is written", || self.last()["ended"].is_string(), || self.last().to_string());
        self.last()
    }

    /// The folder of the newest run.
    pub(crate) fn last_folder(&self) -> PathBuf {
        self.data().join("runs").join(self.last()["run_id"].as_str().unwrap())
    }

    /// Everything that the newest run wrote, from its files.
    pub(crate) fn last_log(&self) -> Vec<u8> {
        log_of(&self.last_folder())
    }

    /// Every process that belongs to this home, its server apart: id and command line.
    pub(crate) fn processes(&self) -> BTreeMap<i32, String> {
        let mut processes = processes_with(self.path());
        processes.retain(|pid, _| *self.server.lock().unwrap() != Some(*pid));
        processes
    }

    /// Waits until no process of this home is left.
    #[track_caller]
    pub(crate) fn until_nothing_runs(&self) {
        until("no process is left", || self.processes().is_empty(), || format!("{:#?}", self.processes()));
    }

    /// Waits for a process whose command line contains `text`.
    #[track_caller]
    pub(crate) fn until_runs(&self, text: &str) -> i32 {
        // `stigmer` itself has the text in its arguments, too.
        let is_ours =
            |line: &str| line.split(['\0', ' ']).next().is_some_and(|name| name.ends_with("/stigmer"));
        let runs = |line: &str| line.contains(text) && !is_ours(line);
        let find = || self.processes().into_iter().find(|(_, line)| runs(line)).map(|(pid, _)| pid);
        until(&format!("`{text}` runs"), || find().is_some(), || format!("{:#?}", self.processes()));
        find().unwrap_or_default()
    }

    /// Waits until a file of the workspace has some content, and returns it.
    #[track_caller]
    pub(crate) fn until_written(&self, name: &str) -> String {
        let path = self.work().join(name);
        let read = || fs::read_to_string(&path).unwrap_or_default();
        until(&format!("{name} is written"), || !read().is_empty(), String::new);
        read()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A test that failed may leave something behind.
        for pid in processes_with(self.path()).into_keys() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Stops a process. The signal alone is not enough: until all of its threads heard it, some go on.
#[track_caller]
pub(crate) fn freeze(process: Pid) {
    kill(process, Signal::SIGSTOP).unwrap();
    let threads = || fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    let stands = |thread: fs::DirEntry| {
        fs::read_to_string(thread.path().join("stat")).is_ok_and(|it| it.contains(") T "))
    };
    until("all threads stand still", || threads().all(stands), String::new);
}

/// Waits for a condition that becomes true by itself.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool, instead: impl Fn() -> String) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < DEADLINE, "it did not happen that {what}: {}", instead());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The content of a run's log files, in order.
pub(crate) fn log_of(folder: &Path) -> Vec<u8> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "log"));
    files.sort();
    files.iter().flat_map(|path| fs::read(path).unwrap()).collect()
}

/// Processes, zombies apart, that have `marker` in their arguments or environment, or work in a folder of it.
fn processes_with(marker: &Path) -> BTreeMap<i32, String> {
    let marker = marker.as_os_str().as_encoded_bytes();
    let names = |bytes: &[u8]| bytes.windows(marker.len()).any(|window| window == marker);
    let look = |process: fs::DirEntry| {
        let pid: i32 = process.file_name().to_str()?.parse().ok()?;
        let read = |name| fs::read(process.path().join(name)).unwrap_or_default();
        let (line, environment) = (read("cmdline"), read("environ"));
        let dir = fs::read_link(process.path().join("cwd")).unwrap_or_default();
        let found = names(&line) || names(&environment) || names(dir.as_os_str().as_encoded_bytes());
        found.then(|| (pid, String::from_utf8_lossy(&line).replace('\0', " ")))
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(look).collect()
}

/// Whether a test that needs something else than this program may go on. If not it says so, and it fails
/// if `STIGMER_TEST_REQUIRE_ALL=1`.
pub(crate) fn is_there(test: &str, needed: &str, there: bool) -> bool {
    use std::io::Write as _;

    if !there {
        // Not `eprintln!`, which the test harness would keep to itself.
        std::io::stderr().write_all(format!("SKIPPED: {test}: {needed}\n").as_bytes()).unwrap();
        assert_ne!(std::env::var("STIGMER_TEST_REQUIRE_ALL").as_deref(), Ok("1"), "needed: {needed}");
    }
    there
}

/// Whether a program is in the `PATH`.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
