//! Reading a command's output while it runs, to its last byte.
//!
//! Three sources, none of which is enough: the WebSocket is quick, but may close early or break, and always begins at the
//! start of the log; the plain log is complete, but slow and whole; only the command's record has the exit code. So the
//! WebSocket delivers while it lives, after a break what it repeats is left out by counting, the record decides about
//! the end, and the plain log then fills in whatever is missing. Where no WebSocket can be had, the plain log is read
//! again and again instead.
//!
//! What cannot be seen by counting: a stream that repeats itself within one connection looks like a program that prints
//! the same twice.

mod live;

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use self::live::{Ended, Live};
use super::position::Delivered;
use super::{Command, Logs, Output, Position, Session, Stream};
use crate::error::{Error, Result};
use crate::http::Socket;

/// How soon the record is looked at first, and how rarely at last.
const CHECKS: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(2));
/// Pauses before the WebSocket is opened again.
const RECONNECTS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// Failures of the WebSocket in a row after which the plain log is read meanwhile, and how often.
const SOCKET_FAILURES: u32 = 3;
const POLL: Duration = Duration::from_secs(1);
/// Refusals in a row that are taken for a hiccup of what stands between.
const REFUSALS: u32 = 3;
/// The plain log comes whole, as text. So past this length it is the last resort, and reading the log as a stream once
/// more is enough.
const LARGE: u64 = 16 << 20;
const SMALL: u64 = 256 << 10;
/// What came within this time shows that more is under way, in a small log and in any other.
const STREAMING: (Duration, Duration) = (Duration::from_millis(30), Duration::from_millis(150));
/// How long the sandbox may be out of reach before that is told.
const PATIENCE: Duration = Duration::from_mins(5);

/// What happens to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It printed something.
    Output(Output),
    /// It ended with this exit code, and everything that it printed was delivered. The last event.
    Exit(i64),
}

enum Stage {
    Running,
    /// It has ended; what it printed last is being fetched.
    Completing(i64),
    Over,
}

enum Done {
    Connected(Result<Socket>),
    Checked(Result<Command>),
    Fetched(Result<Logs>, Duration),
}

/// The output of a command, read with [`Follow::next`]. Looking at the command's record is no activity of the sandbox.
pub struct Follow {
    session: Session,
    command: String,
    stdout: Delivered,
    stderr: Delivered,
    ready: VecDeque<Output>,
    stage: Stage,
    live: Option<Live>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    checking: bool,
    connecting: bool,
    fetching: bool,
    check_at: Instant,
    check_pause: Duration,
    connect_at: Instant,
    fetch_at: Instant,
    /// Of the WebSocket, since it last gave something new.
    failures: u32,
    /// Of anything else, since the last answer.
    refusals: u32,
    /// The last answer, and the last output.
    heard: Instant,
    printed: Instant,
    patience: Duration,
}

impl Follow {
    pub(super) fn new(session: Session, command: String, position: Position) -> Self {
        let now = Instant::now();
        Self {
            session,
            command,
            stdout: Delivered::from(position.stdout),
            stderr: Delivered::from(position.stderr),
            ready: VecDeque::new(),
            stage: Stage::Running,
            live: None,
            work: FuturesUnordered::new(),
            checking: false,
            connecting: false,
            fetching: false,
            check_at: now + CHECKS.0,
            check_pause: CHECKS.0,
            connect_at: now,
            fetch_at: now,
            failures: 0,
            refusals: 0,
            heard: now,
            printed: now,
            patience: PATIENCE,
        }
    }

    /// How long the sandbox may be out of reach before [`Follow::next`] fails; five minutes unless it is changed.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How much was delivered, to go on from with [`Session::follow_from`].
    pub fn position(&self) -> Position {
        Position { stdout: self.stdout.raw(), stderr: self.stderr.raw() }
    }

    /// What happens next; `None` after [`Event::Exit`]. May be dropped and asked again: nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the command or its session is gone, [`Error::Invalid`] when the sandbox no longer runs,
    /// an error of the network when the sandbox was out of reach for longer than the patience. Nothing that was
    /// delivered is repeated by asking again.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(output) = self.ready.pop_front() {
                self.delivered(output.stream).add(&output.bytes);
                return Ok(Some(Event::Output(output)));
            }
            match self.stage {
                Stage::Over => return Ok(None),
                Stage::Completing(code) if !self.is_busy() => {
                    self.stage = Stage::Over;
                    return Ok(Some(Event::Exit(code)));
                }
                _ => self.step().await?,
            }
        }
    }

    fn is_busy(&self) -> bool {
        self.fetching || self.connecting || self.live.is_some()
    }

    /// Waits for whatever comes first.
    async fn step(&mut self) -> Result<()> {
        let running = matches!(self.stage, Stage::Running);
        let alone = running && self.live.is_none();
        let polls = alone && !self.fetching && self.failures >= SOCKET_FAILURES;
        tokio::select! {
            biased;
            frame = live::next(&mut self.live) => self.received(frame),
            Some(done) = self.work.next() => self.finished(done)?,
            () = sleep_until(self.check_at), if running && !self.checking => self.check(),
            () = sleep_until(self.connect_at), if alone && !self.connecting => self.connect(true),
            () = sleep_until(self.fetch_at), if polls => self.fetch(Duration::ZERO),
        }
        Ok(())
    }

    fn received(&mut self, frame: Result<Vec<Output>, Ended>) {
        match frame {
            Ok(outputs) => {
                self.heard = Instant::now();
                if !outputs.is_empty() {
                    self.printed = self.heard;
                    self.failures = 0;
                    self.ready.extend(outputs);
                }
            }
            Err(ended) => {
                self.live = None;
                match self.stage {
                    // A large log was read once more, or the plain one must do.
                    Stage::Completing(_) if ended.complete && self.length() > LARGE => {}
                    Stage::Completing(_) => self.fetch(Duration::ZERO),
                    Stage::Over => {}
                    Stage::Running => self.disconnected(),
                }
            }
        }
    }

    /// Whatever the reason: whether the command is still there is the record's to say, so a WebSocket that cannot be had
    /// is never an error.
    fn disconnected(&mut self) {
        let pause = RECONNECTS.0.saturating_mul(1 << self.failures.min(8)).min(RECONNECTS.1);
        self.failures += 1;
        self.connect_at = Instant::now() + pause;
        // Closing is what an end looks like, too.
        self.check_at = Instant::now();
        self.check_pause = CHECKS.0;
    }

    fn finished(&mut self, done: Done) -> Result<()> {
        match done {
            Done::Connected(socket) => {
                self.connecting = false;
                match socket {
                    Ok(socket) => self.live = Some(Live::new(socket, self.position())),
                    Err(_) if matches!(self.stage, Stage::Completing(_)) => self.fetch(Duration::ZERO),
                    Err(_) => self.disconnected(),
                }
                Ok(())
            }
            Done::Checked(record) => {
                self.checking = false;
                self.check_at = Instant::now() + self.check_pause;
                self.check_pause = self.check_pause.mul_f64(1.5).min(CHECKS.1);
                self.checked(record)
            }
            Done::Fetched(logs, took) => {
                self.fetching = false;
                self.fetch_at = Instant::now() + POLL.max(took * 3);
                self.fetched(logs)
            }
        }
    }

    fn checked(&mut self, record: Result<Command>) -> Result<()> {
        match record {
            Ok(Command { exit_code: Some(code), .. }) => {
                self.answered();
                // What streams in need not be fetched: there may be much of it.
                let lull = if self.length() > SMALL { STREAMING.1 } else { STREAMING.0 };
                if self.live.is_some() && self.printed.elapsed() < lull {
                    self.check_at = Instant::now() + lull;
                } else {
                    self.complete(code);
                }
                Ok(())
            }
            Ok(_) => {
                self.answered();
                Ok(())
            }
            Err(error) => self.tolerate(error),
        }
    }

    fn fetched(&mut self, logs: Result<Logs>) -> Result<()> {
        match logs {
            // The WebSocket that was opened meanwhile brings the same.
            Ok(_) if self.live.is_some() => self.answered(),
            Ok(logs) => {
                self.answered();
                self.ready.extend(logs.missing(&self.stdout, &self.stderr));
            }
            Err(error) => {
                self.tolerate(error)?;
                if matches!(self.stage, Stage::Completing(_)) {
                    self.fetch(POLL);
                }
            }
        }
        Ok(())
    }

    fn answered(&mut self) {
        self.heard = Instant::now();
        self.refusals = 0;
    }

    /// Takes a failure for one that passes, until it did not.
    fn tolerate(&mut self, error: Error) -> Result<()> {
        let passes = match &error {
            // What stands between refuses like this when it has lost its way for a moment.
            Error::Invalid(_) => {
                self.refusals += 1;
                self.refusals <= REFUSALS
            }
            other => other.is_transient() && self.heard.elapsed() < self.patience,
        };
        tracing::debug!(%error, passes, "following a command");
        if passes { Ok(()) } else { Err(error) }
    }

    /// The command has ended: whatever was not delivered is in the log now.
    fn complete(&mut self, code: i64) {
        self.answered();
        self.stage = Stage::Completing(code);
        let streamed = self.live.take().is_some();
        // A connection that is being made is not needed any more.
        self.work = FuturesUnordered::new();
        (self.checking, self.connecting, self.fetching) = (false, false, false);
        if streamed && self.length() <= LARGE {
            self.fetch(Duration::ZERO);
        } else {
            self.connect(false);
        }
    }

    fn length(&self) -> u64 {
        self.stdout.raw() + self.stderr.raw()
    }

    fn check(&mut self) {
        self.checking = true;
        let (session, command) = (self.session.in_background(), self.command.clone());
        self.work.push(Box::pin(async move { Done::Checked(session.command(&command).await) }));
    }

    fn connect(&mut self, follow: bool) {
        self.connecting = true;
        let (session, command) = (self.session.clone(), self.command.clone());
        let connect = async move { Done::Connected(live::connect(&session, &command, follow).await) };
        self.work.push(Box::pin(connect));
    }

    fn fetch(&mut self, after: Duration) {
        self.fetching = true;
        let (session, command) = (self.session.in_background(), self.command.clone());
        self.work.push(Box::pin(async move {
            tokio::time::sleep(after).await;
            let begun = Instant::now();
            let logs = session.logs(&command).await;
            Done::Fetched(logs, begun.elapsed())
        }));
    }

    fn delivered(&mut self, stream: Stream) -> &mut Delivered {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Follow");
        shown.field("command", &self.command).field("position", &self.position()).finish_non_exhaustive()
    }
}
