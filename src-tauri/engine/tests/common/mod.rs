//! What tests of real processes need: to recognise them, to wait for what is true in the end, and the runner.
//!
//! Waits are for events; `DEADLINE` only keeps a broken test from hanging.

use std::future::Future;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use stigmer_engine::spec::{RunId, Text};

/// Longest time that anything in these tests may take.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// The variable that names the test in the environment of its processes.
pub(crate) const MARKER: &str = "STIGMER_TEST_MARKER";

/// Words of a script that wait until its last process in the background has become `sleep`.
pub(crate) const UNTIL_SLEEPING: &str = "until [ \"$(cat /proc/$!/comm)\" = sleep ]; do sleep 0.01; done";

/// Where tests find the programs of the system.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Waits for what must come.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("it took too long")
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited for too long until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What `measure` says once it says the same for so long that whoever moves it must have stopped.
pub(crate) async fn at_rest(mut measure: impl FnMut() -> u64) -> u64 {
    let (mut last, mut same) = (measure(), 0);
    until("it comes to rest", || {
        let now = measure();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same == 100).then_some(now)
    })
    .await
}

/// Something to recognise the processes of one test by: a variable that they inherit.
#[derive(Debug, Clone)]
pub(crate) struct Marker(String);

impl Marker {
    pub(crate) fn new() -> Self {
        Self(RunId::new().to_string())
    }

    /// The marker of a test in another process.
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    pub(crate) fn variable(&self) -> (Text, Text) {
        (MARKER.into(), self.name().into())
    }

    /// Processes that carry it and live.
    pub(crate) fn alive(&self) -> Vec<u32> {
        let wanted = format!("{MARKER}={}", self.0).into_bytes();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| {
            // Empty for a zombie, which is how it is left out.
            let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            variables.split(|&byte| byte == 0).any(|variable| variable == wanted)
        })
        .collect()
    }

    pub(crate) async fn until_alive(&self, count: usize) {
        until("its processes run", || (self.alive().len() >= count).then_some(())).await;
    }

    pub(crate) async fn until_none_is_alive(&self) {
        until("its processes are gone", || self.alive().is_empty().then_some(())).await;
    }
}

/// Makes sure that there is a runner where the engine looks for it.
pub(crate) fn require_runner() {
    let program = std::env::current_exe().unwrap();
    let beside = program.parent().and_then(Path::parent).map(|folder| folder.join("stigmer-runner"));
    let given = std::env::var_os("STIGMER_RUNNER").map(PathBuf::from);
    let found = given.or(beside).is_some_and(|runner| runner.is_file());
    assert!(found, "there is no stigmer-runner; build it first: cargo build -p stigmer-runner");
}

/// What `seq first last` writes.
pub(crate) fn numbers(first: u64, last: u64) -> Vec<u8> {
    (first..=last).flat_map(|number| format!("{number}\n").into_bytes()).collect()
}

/// Says where two byte strings differ instead of printing them.
#[track_caller]
pub(crate) fn assert_same(found: &[u8], expected: &[u8]) {
    if found != expected {
        let at = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
        let around = |bytes: &[u8]| {
            let to = bytes.len().min(at + 40);
            String::from_utf8_lossy(&bytes[at.saturating_sub(40).min(to)..to]).into_owned()
        };
        panic!(
            "{} bytes instead of {}; they differ at {at}: {:?} instead of {:?}",
            found.len(),
            expected.len(),
            around(found),
            around(expected)
        );
    }
}

/// A test of this program as a process of its own. It is an ignored one, and reads its part from variables.
pub(crate) fn process(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", test]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A process that ends with the test at the latest.
pub(crate) struct Child {
    process: std::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// What it says next behind a word.
    pub(crate) fn says(&mut self, word: &str) -> String {
        // The test harness may have said something on the same line.
        let found = |line: String| line.split_once(word).map(|(_, rest)| rest.trim().to_owned());
        self.lines.by_ref().map(Result::unwrap).find_map(found).expect("it ended before it said that")
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets it go on by itself to its end, which must be a good one.
    pub(crate) fn succeed(mut self) {
        drop(self.process.stdin.take());
        let said: Vec<_> = self.lines.by_ref().map_while(Result::ok).collect();
        assert!(self.process.wait().unwrap().success(), "{}", said.join("\n"));
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
