//! Drives the real runner over pipes, as the engine does.
//!
//! Waits are for events; `DEADLINE` only keeps a broken test from hanging.

#![expect(dead_code, reason = "every test file uses its own part of this")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use stigmer_runner::protocol::{self, MAX_INPUT};
use stigmer_runner::{Decoder, Exit, Frame, Heard, Left, Reply, Request, Signal, Size, Start, Stream};

pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// Words of a script that wait until its last process in the background has become `sleep`.
pub(crate) const UNTIL_SLEEPING: &str = "until [ \"$(cat /proc/$!/comm)\" = sleep ]; do sleep 0.01; done";

/// A running runner, and everything it said so far.
pub(crate) struct Runner {
    child: Option<Child>,
    stdin: Option<File>,
    stdout: Option<File>,
    decoder: Decoder,
    pub(crate) output: Vec<Piece>,
    pub(crate) replies: Vec<Reply>,
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) stream: Stream,
    pub(crate) offset: u64,
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Runner {
    /// The runner, before anything is started. It has no variables of its own, as on the user's machine.
    pub(crate) fn idle() -> Self {
        Self::in_place(&[])
    }

    /// The runner in a place that has these variables.
    pub(crate) fn in_place(variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stigmer-runner"))
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut runner = Self::over(OwnedFd::from(stdin), OwnedFd::from(stdout));
        runner.child = Some(child);
        runner
    }

    /// A conversation with the runner that listens at `socket`, before anything is started.
    pub(crate) fn at(socket: &Path) -> Self {
        let stream = eventually("somebody listens", || UnixStream::connect(socket).ok());
        Self::over(stream.try_clone().unwrap(), stream)
    }

    /// Conversations with the runner that listens at `socket`, one after another, as over a terminal, until one is not used for so
    /// many seconds.
    pub(crate) fn attached(socket: &Path, home: &Path, unused: u32, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stigmer-runner"))
            .arg("attach")
            .arg(socket)
            .args(["be", "gin"])
            .arg(home)
            .arg(unused.to_string())
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut word = [0; 5];
        stdout.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"begin");
        let mut runner = Self::over(OwnedFd::from(stdin), OwnedFd::from(stdout));
        runner.child = Some(child);
        runner
    }

    fn over(requests: impl Into<OwnedFd>, replies: impl Into<OwnedFd>) -> Self {
        let (stdin, stdout) = (Some(requests.into().into()), Some(replies.into().into()));
        Self { child: None, stdin, stdout, decoder: Decoder::new(), output: Vec::new(), replies: Vec::new() }
    }

    /// The runner's own process.
    pub(crate) fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("it is a child of this test")
    }

    /// The runner, with a command that was asked for.
    pub(crate) fn start(start: Start) -> Self {
        let mut runner = Self::idle();
        runner.send(&Request::Start(start));
        runner
    }

    pub(crate) fn send(&mut self, request: &Request) {
        let mut frame = Vec::new();
        protocol::encode(request, &mut frame);
        self.send_raw(&frame);
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().expect("requests are not closed").write_all(bytes).unwrap();
    }

    /// Sends to a runner that may have hung up.
    pub(crate) fn send_unheard(&mut self, request: &Request) {
        let mut frame = Vec::new();
        protocol::encode(request, &mut frame);
        self.send_raw_unheard(&frame);
    }

    pub(crate) fn send_raw_unheard(&mut self, bytes: &[u8]) {
        let _ = self.stdin.as_mut().expect("requests are not closed").write_all(bytes);
    }

    pub(crate) fn input(&mut self, bytes: impl AsRef<[u8]>) {
        for piece in bytes.as_ref().chunks(MAX_INPUT) {
            self.send(&Request::Input(piece.to_vec()));
        }
    }

    pub(crate) fn stop(&mut self, signal: Signal, grace: Duration) {
        self.send(&Request::Stop { signal, grace_ms: u32::try_from(grace.as_millis()).unwrap() });
    }

    pub(crate) fn close_requests(&mut self) {
        self.stdin = None;
    }

    /// Closes both and waits for nothing.
    pub(crate) fn leave(&mut self) {
        (self.stdin, self.stdout, self.child) = (None, None, None);
    }

    pub(crate) fn close_replies(&mut self) {
        self.stdout = None;
    }

    /// Reads more from the runner; false when it closed its side.
    pub(crate) fn read_more(&mut self) -> bool {
        let stdout = self.stdout.as_mut().expect("replies are not closed");
        wait_readable(&*stdout);
        let length = stdout.read(self.decoder.space(1 << 20)).unwrap();
        self.decoder.filled(length);
        while let Some(frame) = self.decoder.next().expect("the runner speaks the protocol") {
            match frame {
                Frame::Control(reply) => self.replies.push(reply),
                Frame::Output { stream, offset, at, bytes } => {
                    self.output.push(Piece { stream, offset, at, bytes: bytes.to_vec() });
                }
            }
        }
        length > 0
    }

    /// Reads until `found` finds something in what was said so far.
    pub(crate) fn until<T>(&mut self, what: &str, mut found: impl FnMut(&Self) -> Option<T>) -> T {
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            assert!(self.read_more(), "the runner ended before {what}; it said {:?}", self.replies);
        }
    }

    pub(crate) fn until_output(&mut self, text: &str) {
        self.until(&format!("the command wrote {text:?}"), |runner| {
            let all = runner.all();
            all.windows(text.len()).any(|window| window == text.as_bytes()).then_some(())
        });
    }

    pub(crate) fn until_started(&mut self) -> u32 {
        self.until("the command started", |runner| {
            runner.replies.iter().find_map(|reply| match reply {
                Reply::Started { pid, .. } => Some(*pid),
                _ => None,
            })
        })
    }

    /// What it says to have heard, once it was resumed.
    pub(crate) fn until_resumed(&mut self) -> Heard {
        self.until("it says what it heard", |runner| {
            runner.replies.iter().find_map(|reply| match reply {
                Reply::Resumed(heard) => Some(*heard),
                _ => None,
            })
        })
    }

    pub(crate) fn until_exited(&mut self) -> Exit {
        self.until("the command exited", |runner| {
            runner.replies.iter().find_map(|reply| match reply {
                Reply::Exited { exit, .. } => Some(*exit),
                _ => None,
            })
        })
    }

    /// Reads to the end of the run: who is left.
    pub(crate) fn until_ended(&mut self) -> Vec<Left> {
        self.until("the end", |runner| match runner.replies.last() {
            Some(Reply::Ended { left, .. }) => Some(left.clone()),
            _ => None,
        })
    }

    /// Reads everything until the runner closed its side, and how it ended.
    pub(crate) fn finish(&mut self) -> ExitStatus {
        while self.stdout.is_some() && self.read_more() {}
        self.wait()
    }

    /// Waits for the runner to end without reading.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        eventually("the runner ended", || self.child().try_wait().unwrap())
    }

    /// Everything that was written, of both streams.
    pub(crate) fn all(&self) -> Vec<u8> {
        self.output.iter().flat_map(|piece| piece.bytes.iter().copied()).collect()
    }

    /// Everything that was written to one stream.
    pub(crate) fn written_to(&self, stream: Stream) -> Vec<u8> {
        let pieces = self.output.iter().filter(|piece| piece.stream == stream);
        pieces.flat_map(|piece| piece.bytes.iter().copied()).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.all()).into_owned()
    }

    pub(crate) fn taken(&self) -> usize {
        let taken = |reply: &Reply| match reply {
            Reply::InputTaken { bytes } => *bytes as usize,
            _ => 0,
        };
        self.replies.iter().map(taken).sum()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stdin = None; // a runner whose engine is gone ends everything
        self.stdout = None;
        let _ = self.child.as_mut().map(Child::wait);
    }
}

/// A program with arguments, in `/`, with nothing but a `PATH`.
pub(crate) fn program<A: AsRef<[u8]>>(argv: impl IntoIterator<Item = A>) -> Start {
    Start {
        argv: argv.into_iter().map(|argument| argument.as_ref().to_vec().into()).collect(),
        env: vec![variable("PATH", "/usr/local/bin:/usr/bin:/bin")],
        dir: b"/".to_vec().into(),
        drain_ms: 300,
        ..Start::default()
    }
}

/// A shell script.
pub(crate) fn script(text: &str) -> Start {
    program(["sh", "-c", text])
}

/// A shell script on a terminal of 80 × 24.
pub(crate) fn on_terminal(text: &str) -> Start {
    Start { terminal: Some(Size { cols: 80, rows: 24 }), input: true, ..script(text) }
}

pub(crate) fn variable(
    name: impl AsRef<[u8]>,
    value: impl AsRef<[u8]>,
) -> (serde_bytes::ByteBuf, serde_bytes::ByteBuf) {
    (name.as_ref().to_vec().into(), value.as_ref().to_vec().into())
}

/// Runs a command to its end.
pub(crate) fn run(start: Start) -> Runner {
    let mut runner = Runner::start(start);
    runner.until_ended();
    assert!(runner.finish().success());
    runner
}

/// What `seq` writes.
pub(crate) fn numbers(last: u32) -> String {
    let lines: Vec<String> = (1..=last).map(|number| number.to_string()).collect();
    lines.join("\n") + "\n"
}

/// Asks until there is an answer.
pub(crate) fn eventually<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = answer() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited for too long until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn wait_readable(fd: impl AsFd) {
    let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(DEADLINE).unwrap();
    assert_ne!(poll(&mut fds, timeout).unwrap(), 0, "the runner said nothing for too long");
}

/// Something to recognize the processes of one test by: an environment variable that they inherit.
pub(crate) struct Marker(String);

impl Marker {
    pub(crate) fn new(test: &str) -> Self {
        Self(format!("{test}-{}", std::process::id()))
    }

    /// A command whose whole tree carries the marker.
    pub(crate) fn on(&self, mut start: Start) -> Start {
        start.env.push(variable("MARKER", &self.0));
        start
    }

    /// Processes of the tree that live.
    pub(crate) fn alive(&self) -> Vec<i32> {
        let wanted = format!("MARKER={}", self.0).into_bytes();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| {
            // Empty for a zombie, which is how it is left out.
            let env = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            env.split(|&byte| byte == 0).any(|variable| variable == wanted)
        })
        .collect()
    }

    pub(crate) fn until_none_is_alive(&self) {
        eventually("its processes are gone", || self.alive().is_empty().then_some(()));
    }

    pub(crate) fn until_alive(&self, count: usize) {
        eventually("its processes run", || (self.alive().len() >= count).then_some(()));
    }
}

/// A file that only its owner may execute.
pub(crate) fn executable(path: &Path, content: &[u8]) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o755).open(path).unwrap().write_all(content).unwrap();
}
