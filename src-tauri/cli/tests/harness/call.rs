//! One call of a program: how it is made, while it goes on, and how it ended.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{Home, until};

/// A call that is being put together.
pub(crate) struct Call {
    pub(super) command: Command,
    stdin: Input,
    stdout: Option<Stdio>,
}

enum Input {
    Nothing,
    Bytes(Vec<u8>),
    Open,
}

impl Call {
    pub(super) fn new(home: &Home) -> Self {
        let mut call = Self::of(home, env!("CARGO_BIN_EXE_stigmer"));
        call.command.env("STIGMER_RUNNER", home.path().join("bin/stigmer-runner"));
        call
    }

    /// A call of any program in the surroundings of a home.
    pub(crate) fn of(home: &Home, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.env_clear().current_dir(home.work());
        // The second is set where coverage is measured.
        for name in ["PATH", "LLVM_PROFILE_FILE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", home.path().join("home")).env("STIGMER_HOME", home.data()).env("LANG", "C.UTF-8");
        Self { command, stdin: Input::Nothing, stdout: None }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn in_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Pipes these bytes in, then closes the pipe.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Input::Bytes(bytes.into());
        self
    }

    /// A pipe that stays open; see [`Running::write`].
    pub(crate) fn open_stdin(mut self) -> Self {
        self.stdin = Input::Open;
        self
    }

    pub(crate) fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.stdout = Some(to.into());
        self
    }

    /// Makes the call and waits for its end.
    #[track_caller]
    pub(crate) fn ended(self) -> Ended {
        self.started().ended()
    }

    /// Makes the call.
    pub(crate) fn started(mut self) -> Running {
        let is_piped = !matches!(self.stdin, Input::Nothing);
        self.command.stdin(if is_piped { Stdio::piped() } else { Stdio::null() });
        self.command.stdout(self.stdout.unwrap_or_else(Stdio::piped)).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let mut stdin = child.stdin.take();
        if let Input::Bytes(bytes) = self.stdin {
            let mut pipe = stdin.take().unwrap();
            // A program may end before it has read everything.
            std::thread::spawn(move || pipe.write_all(&bytes));
        }
        let stdout = child.stdout.take().map(Collected::from);
        let stderr = child.stderr.take().map(Collected::from);
        Running { child, stdin, stdout: stdout.unwrap_or_default(), stderr: stderr.unwrap_or_default() }
    }
}

/// A call that goes on. Dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Collected,
    stderr: Collected,
}

impl Running {
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// The writing end of its standard input.
    pub(crate) fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().unwrap()
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits until standard output contains `text`.
    #[track_caller]
    pub(crate) fn until_stdout(&self, text: &str) {
        until(&format!("stdout has {text:?}"), || self.stdout.has(text), || self.said());
    }

    /// Waits until standard error contains `text`.
    #[track_caller]
    pub(crate) fn until_stderr(&self, text: &str) {
        until(&format!("stderr has {text:?}"), || self.stderr.has(text), || self.said());
    }

    pub(crate) fn stdout_so_far(&self) -> Vec<u8> {
        self.stdout.bytes.lock().unwrap().clone()
    }

    pub(crate) fn stderr_so_far(&self) -> String {
        self.stderr.text()
    }

    fn said(&self) -> String {
        format!("stdout {:?}, stderr {:?}", self.stdout.text(), self.stderr.text())
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Ended {
        let status = {
            let child = Mutex::new(&mut self.child);
            let end = || child.lock().unwrap().try_wait().unwrap();
            let said = || format!("stdout {:?}, stderr {:?}", self.stdout.text(), self.stderr.text());
            until("the call ends", || end().is_some(), said);
            end().unwrap()
        };
        Ended { status, stdout: self.stdout.complete(), stderr: self.stderr.complete() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A call that is over.
#[derive(Debug)]
pub(crate) struct Ended {
    status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ended {
    /// Its exit code; a signal that ended it counts negative.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| -self.status.signal().unwrap())
    }

    /// Fails unless it ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "stdout {:?}\nstderr {}", self.out(), self.err());
        self
    }

    /// Fails unless it is an error of ours with this code, on standard error, and nothing else was said.
    #[track_caller]
    pub(crate) fn expect_error(self, code: &str) -> Self {
        let err = self.err();
        assert!(err.starts_with("error: ") && err.contains(&format!("[{code}]")), "no `{code}`: {err}");
        assert_eq!(self.out(), "");
        self
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Standard output, each line an object.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|it| panic!("{it}: {line}"));
        self.out().lines().map(parse).collect()
    }
}

/// What comes out of a pipe, read as it comes.
#[derive(Default)]
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl<P: Into<std::os::fd::OwnedFd>> From<P> for Collected {
    fn from(pipe: P) -> Self {
        let mut pipe = File::from(pipe.into());
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let to = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                to.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }
}

impl Collected {
    fn has(&self, text: &str) -> bool {
        let bytes = self.bytes.lock().unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// Everything, once whoever holds the other end has closed it.
    #[track_caller]
    fn complete(&self) -> Vec<u8> {
        let is_over = || self.reader.as_ref().is_none_or(JoinHandle::is_finished);
        until("the output is closed", is_over, || self.text());
        std::mem::take(&mut self.bytes.lock().unwrap())
    }
}
