//! A run that belongs to this process, watched by it: output to our streams, our input to it, our signals as its stop.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::Bytes;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::log::{Piece, Stream};
use stigmer_engine::spec::{Input, RunSpec};
use stigmer_engine::state::{Outcome, RunRecord};
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::steps::Steps;
use super::terminal::{self, RawMode};
use super::{Carried, Carrier, Printed, limit};
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

/// Starts a run and watches it to its end. When `makes_way` is done before, the run is asked to end.
pub(crate) async fn attach(
    carrier: &mut Carrier,
    spec: RunSpec,
    how: Attachment,
    makes_way: impl Future<Output = Result<(), Failure>>,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut signals = Signals::new()?;
    let has_terminal = matches!(spec.input, Input::Terminal { .. });
    let started = match carrier.start(spec.clone(), output).await {
        Err(failure) if limit::can_be_asked(&failure, how.json) => {
            match limit::ask(&failure, &mut signals).await {
                Ok(true) => carrier.start(RunSpec { over_limit: true, ..spec }, output).await,
                Ok(false) => Err(failure),
                Err(signal) => return Ok(Exit::Signal(signal)),
            }
        }
        started => started,
    };
    let raw = has_terminal.then(RawMode::enter);
    let (run, printed) = started.map_err(|failure| super::refuse(failure, how.json))?;
    let over = run.finished();
    let steps = Steps::show(&run, output);
    let view = show(&run, printed, how, steps.clone());
    if how.stdin {
        send_stdin(run.clone(), *output);
    }
    // Large: it can wait for everything that may happen to a run.
    let seen = Box::pin(see_through(&run, view, over, makes_way, &mut signals)).await;
    drop(raw);
    steps.close();
    let Seen { shown, record, cause } = seen.map_err(|failure| lost(&run, failure, how))?;
    match (shown, record) {
        (Some(shown), Some(record)) => shown.and_then(|()| finish(&run, &record, how, output, cause)),
        (_, None) => {
            run.left(output);
            Ok(cause.map_or(Exit::Engine, Exit::Signal))
        }
        // Our own output leads nowhere, so the last words are not said either.
        _ => Ok(cause.map_or(Exit::Engine, Exit::Signal)),
    }
}

/// What there was to be seen of a run.
#[derive(Default)]
struct Seen {
    /// How showing it ended.
    shown: Option<Result<(), Failure>>,
    /// How it ended itself.
    record: Option<RunRecord>,
    /// The signal to us that ended it.
    cause: Option<i32>,
}

/// Waits until a run is over and shown, and passes on what stops it. An error means that nobody knows how it ended.
async fn see_through(
    run: &Carried,
    mut view: JoinHandle<Result<(), Failure>>,
    over: impl Future<Output = Result<RunRecord, Failure>>,
    makes_way: impl Future<Output = Result<(), Failure>>,
    signals: &mut Signals,
) -> Result<Seen, Failure> {
    let (mut over, mut way) = (std::pin::pin!(over), std::pin::pin!(makes_way));
    let (mut seen, mut asked, mut made_way) = (Seen::default(), 0, false);
    while seen.shown.is_none() || seen.record.is_none() {
        tokio::select! {
            result = &mut view, if seen.shown.is_none() => {
                let result = result.unwrap_or_else(|error| Err(io::Error::other(error).into()));
                if result.is_err() {
                    // As a pipe does: the writer is told that nobody reads any more.
                    run.stop(Stop::Ask(Manner::Terminate)).await?;
                }
                seen.shown = Some(result);
            }
            result = &mut over, if seen.record.is_none() => seen.record = Some(result?),
            result = &mut way, if !made_way => {
                made_way = true;
                run.stop(Stop::Ask(Manner::Terminate)).await?;
                result?;
            }
            () = sleep(LAST_WORDS), if seen.cause.is_some() && seen.record.is_some() => break,
            signal = signals.next() => match signal {
                Asked::Stop(signal, manner) => {
                    // The first time is meant, too, where nothing is left to be stopped; the third, where nobody
                    // hears that it should be.
                    seen.cause.get_or_insert(signal);
                    asked += 1;
                    if seen.record.is_some() || asked > 2 {
                        break;
                    }
                    run.stop(Stop::Ask(manner)).await?;
                }
                Asked::Resize => {
                    let ((cols, rows), run) = (terminal::size(), run.clone());
                    // Waits until the program runs; signals are heard meanwhile.
                    tokio::spawn(async move { run.resize(cols, rows).await });
                }
            },
        }
    }
    Ok(seen)
}

/// Tells a program that reads JSON, too, that nobody knows what became of its run.
fn lost(run: &Carried, failure: Failure, how: Attachment) -> Failure {
    if let (Failure::Report(error), true) = (&failure, how.json) {
        let mut line = stigmer_engine::json::refused(error);
        line["run_id"] = serde_json::json!(run.id());
        line["state"] = Outcome::Lost.word().into();
        // Told on standard error in any case.
        let _ = crate::output::answer(&line.to_string());
    }
    failure
}

/// The exit code of a run that is over, after its last words.
fn finish(
    run: &Carried,
    record: &RunRecord,
    how: Attachment,
    output: &Output,
    cause: Option<i32>,
) -> Result<Exit, Failure> {
    if how.json {
        json::print_end(run, record)?;
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

/// Shows the run on a thread of its own: our streams may block for as long as they like.
fn show(run: &Carried, printed: Printed, how: Attachment, steps: Steps) -> JoinHandle<Result<(), Failure>> {
    let (run, runtime) = (run.clone(), Handle::current());
    tokio::task::spawn_blocking(move || {
        if how.json {
            json::print_live(&run, printed, &runtime)
        } else {
            print_bytes(printed, &steps, &runtime)
        }
    })
}

/// Writes what the program writes, each stream to its own, as it comes.
fn print_bytes(mut printed: Printed, steps: &Steps, runtime: &Handle) -> Result<(), Failure> {
    // Not through the standard library's line buffer: what comes in pieces goes out in the same pieces.
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    while let Some(piece) = runtime.block_on(printed.next())? {
        steps.close();
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
fn send_stdin(run: Carried, output: Output) {
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut buffer = vec![0; INPUT];
        loop {
            let sent = match io::Read::read(&mut stdin, &mut buffer) {
                Ok(0) => break,
                Ok(read) => runtime.block_on(run.input(Bytes::copy_from_slice(&buffer[..read]))),
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
        let _ = runtime.block_on(run.end_input());
    });
}

/// Signals to this process that mean something to its run.
pub(crate) struct Signals {
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
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    /// Waits to be asked to end, and gives the signal.
    pub(crate) async fn stop(&mut self) -> i32 {
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
