//! A run of this process, watched by it: output to our streams, our input to it, our signals as its stop.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::Bytes;
use stigmer_engine::backend::Size;
use stigmer_engine::engine::Engine;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::log::{Piece, Stream, Tail};
use stigmer_engine::spec::{Input, RunId, RunSpec};
use stigmer_engine::state::{Outcome, RunRecord};
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::terminal::{self, RawMode};
use crate::exit::{Exit, Failure};
use crate::json;
use crate::output::Output;

/// Most bytes of standard input that are sent at once.
const INPUT: usize = 64 << 10;

/// How long a run that was stopped and is over may still be shown to a reader who takes nothing.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How a run is watched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attachment {
    pub json: bool,
    pub stdin: bool,
}

/// Starts a run and watches it to its end.
pub(crate) async fn attach(
    engine: &Engine,
    spec: RunSpec,
    how: Attachment,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let raw = matches!(spec.input, Input::Terminal { .. }).then(RawMode::enter);
    let started = engine.start_attached(spec).await;
    let (id, tail) = started.map_err(|error| super::refuse(error.into(), how.json))?;
    let mut view = show(engine, id, tail, how);
    if how.stdin {
        send_stdin(engine.clone(), id, *output);
    }
    let mut over = std::pin::pin!(engine.finished(id));
    let (mut cause, mut shown, mut record) = (None, None, None);
    while shown.is_none() || record.is_none() {
        tokio::select! {
            result = &mut view, if shown.is_none() => {
                let result = result.unwrap_or_else(|error| Err(io::Error::other(error).into()));
                if result.is_err() {
                    // As a pipe does: the writer is told that nobody reads any more.
                    engine.stop(id, Stop::Ask(Manner::Terminate)).await.or_else(already_over)?;
                }
                shown = Some(result);
            }
            result = &mut over, if record.is_none() => record = Some(result?),
            () = sleep(LAST_WORDS), if cause.is_some() && record.is_some() => break,
            asked = signals.next() => match asked {
                Asked::Stop(signal, manner) => {
                    // The first time is meant, too, where nothing is left to be stopped.
                    cause.get_or_insert(signal);
                    if record.is_some() {
                        break;
                    }
                    engine.stop(id, Stop::Ask(manner)).await.or_else(already_over)?;
                }
                Asked::Resize => {
                    let (cols, rows) = terminal::size();
                    let engine = engine.clone();
                    // Waits until the program runs; signals are heard meanwhile.
                    tokio::spawn(async move { engine.resize(id, Size { cols, rows }).await });
                }
            },
        }
    }
    drop(raw);
    match (shown, record) {
        (Some(shown), Some(record)) => shown.and_then(|()| finish(engine, &record, how, output, cause)),
        // Our own output leads nowhere, so the last words are not said either.
        _ => Ok(cause.map_or(Exit::Engine, Exit::Signal)),
    }
}

/// The exit code of a run that is over, after its last words.
fn finish(
    engine: &Engine,
    record: &RunRecord,
    how: Attachment,
    output: &Output,
    cause: Option<i32>,
) -> Result<Exit, Failure> {
    if how.json {
        json::print_end(engine, record)?;
    } else {
        super::closing_line(record, output);
    }
    let outcome = record.state.ending().map(|ending| &ending.outcome);
    Ok(match (outcome, cause) {
        (Some(Outcome::Cancelled { .. }), Some(signal)) => Exit::Signal(signal),
        (Some(outcome), _) => outcome.into(),
        (None, _) => Exit::Engine,
    })
}

fn already_over(error: stigmer_engine::Error) -> Result<(), Failure> {
    match error {
        stigmer_engine::Error::Conflict { .. } => Ok(()),
        error => Err(error.into()),
    }
}

/// Shows the run on a thread of its own: our streams may block for as long as they like.
fn show(engine: &Engine, id: RunId, tail: Tail, how: Attachment) -> JoinHandle<Result<(), Failure>> {
    let (engine, runtime) = (engine.clone(), Handle::current());
    tokio::task::spawn_blocking(move || {
        if how.json { json::print_live(&engine, id, tail, &runtime) } else { print_bytes(tail, &runtime) }
    })
}

/// Writes what the program writes, each stream to its own, as it comes.
fn print_bytes(mut tail: Tail, runtime: &Handle) -> Result<(), Failure> {
    // Not through the standard library's line buffer: what comes in pieces goes out in the same pieces.
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    while let Some(piece) = runtime.block_on(tail.next())? {
        match piece {
            Piece::Bytes { stream: Stream::Stdout, bytes, .. } => terminal::write(&mut stdout, &bytes)?,
            Piece::Bytes { stream: Stream::Stderr | Stream::System, bytes, .. } => {
                terminal::write(&mut stderr, &bytes)?;
            }
            // A reader that holds on is never left behind by the size limit.
            Piece::LeftOut { .. } => {}
        }
    }
    Ok(())
}

/// Sends our standard input to the run until one of them ends. The thread may outlive the run in a read; nobody
/// waits for it.
fn send_stdin(engine: Engine, id: RunId, output: Output) {
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut buffer = vec![0; INPUT];
        loop {
            let sent = match io::Read::read(&mut stdin, &mut buffer) {
                Ok(0) => break,
                Ok(read) => runtime.block_on(engine.input(id, Bytes::copy_from_slice(&buffer[..read]))),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match terminal::until_readable() {
                    Ok(()) => continue,
                    Err(_) => break,
                },
                Err(error) => {
                    output.warning(format_args!("standard input cannot be read any further: {error}"));
                    break;
                }
            };
            if sent.is_err() {
                return;
            }
        }
        // The run may be over, and then it needs no end of input.
        let _ = runtime.block_on(engine.end_input(id));
    });
}

/// Signals to this process that mean something to its run.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    resize: Signal,
}

enum Asked {
    Stop(i32, Manner),
    Resize,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    /// Waits to be asked to end, and gives the signal.
    pub(super) async fn stop(&mut self) -> i32 {
        loop {
            if let Asked::Stop(signal, _) = self.next().await {
                return signal;
            }
        }
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop(2, Manner::Interrupt),
            _ = self.terminate.recv() => Asked::Stop(15, Manner::Terminate),
            _ = self.hangup.recv() => Asked::Stop(1, Manner::Terminate),
            _ = self.resize.recv() => Asked::Resize,
        }
    }
}
