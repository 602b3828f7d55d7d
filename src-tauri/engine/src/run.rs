//! Drives one run from `queued` to its end: the only place that chooses between a stop, a time limit and the
//! end of the program.
//!
//! Whatever a call returns after a stop was asked for is the stop. The log is complete before the outcome is
//! published, and the outcome is in the files before it is in the database.

mod launcher;

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, warn};

use crate::backend::local::login_shell::Resolver;
use crate::backend::{Backend, Cleaned, Execution, Finish, Left, Output, Recipe, Told};
use crate::error::{Error, Result};
use crate::history::History;
use crate::history::events::{Event, EventLog, What};
use crate::launch::Sessions;
use crate::live::{Live, Manner, Stop};
use crate::log::mask::Maskers;
use crate::log::{LogWriter, Stream};
use crate::secrets::Secrets;
use crate::spec::{RunId, RunSpec};
use crate::state::{Ending, Outcome, Place, RunState, Usage};

/// Time beyond the grace period in which a stopped run must have ended before its place is cleaned up
/// without it.
const PATIENCE: Duration = Duration::from_secs(3);

/// Time that a start which is under way is given when it is asked to stop: the program may run already, and then
/// it is the one to be asked, and what it wrote is kept.
const UNDER_WAY: Duration = Duration::from_millis(500);

/// Time that a run may be made ready in before others are told: most are quicker than a note of it.
const SEEN: Duration = Duration::from_millis(100);

/// Everything that one run needs.
pub(crate) struct Run {
    pub id: RunId,
    pub spec: RunSpec,
    pub folder: PathBuf,
    pub shell: Option<PathBuf>,
    pub sessions: Sessions,
    pub backend: Arc<dyn Backend>,
    pub history: Arc<History>,
    pub login_shell: Arc<Resolver>,
    /// What its sandbox is made of, in a mode that has any.
    pub recipe: Option<Recipe>,
    pub place: Place,
    pub secrets: Arc<Secrets>,
    pub log: LogWriter,
    pub events: EventLog,
    pub live: Arc<Live>,
    pub maskers: Maskers,
    /// The start on its way into the database, so that the end does not overtake it.
    pub started: Option<(Timestamp, JoinHandle<Result<()>>)>,
    /// What was found out about its place, on its way into the database.
    pub placing: Option<JoinHandle<Result<()>>>,
    /// What it is told before anything else.
    pub warning: Option<String>,
    /// What its backend tells, also once it runs.
    pub told: Option<mpsc::Receiver<Told>>,
}

/// How a run ended, for a history that has not heard of it yet.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub started: Option<Timestamp>,
    pub ending: Ending,
    pub bytes: u64,
}

/// Why a run is being ended, and since when.
struct Stopping {
    timed_out: bool,
    forced: bool,
    since: Instant,
    until: Instant,
}

impl Run {
    /// Carries the run out and publishes how it ended. Returns the end if the history did not take it.
    pub(crate) async fn drive(mut self) -> Option<End> {
        let (outcome, usage) = match self.start().await {
            Ok(execution) => self.follow(execution, Duration::ZERO).await,
            Err(Error::Stopped) => (Outcome::Cancelled { forced: false }, None),
            Err(error) => (Outcome::Error { error: error.into() }, None),
        };
        self.close(Ending { outcome, at: Timestamp::now(), usage }).await
    }

    /// The same with a program that an earlier engine started.
    pub(crate) async fn go_on(mut self, execution: Arc<dyn Execution>, started: Timestamp) -> Option<End> {
        let spent = Duration::try_from(Timestamp::now().duration_since(started)).unwrap_or_default();
        self.live.execution.send_replace(Some(Arc::clone(&execution)));
        self.live.state.send_replace(RunState::Running);
        let (outcome, usage) = self.follow(execution, spent).await;
        self.close(Ending { outcome, at: Timestamp::now(), usage }).await
    }

    /// Makes the place ready and starts the program there.
    async fn start(&mut self) -> Result<Arc<dyn Execution>> {
        self.happened(What::Preparing { step: "start".to_owned() });
        if let Some(warning) = self.warning.take() {
            self.say(&warning);
        }
        self.live.state.send_replace(RunState::Preparing);
        let telling = tokio::spawn(tell_preparing(Arc::clone(&self.history), self.id));
        let started = self.launch().await;
        telling.abort();
        if started.is_err() {
            self.clean_up().await;
        }
        let execution: Arc<dyn Execution> = Arc::from(started?);
        self.live.execution.send_replace(Some(Arc::clone(&execution)));
        let started = execution.started();
        // The program's own time: its first output may be older than our knowledge of it.
        let at = moment(started.at);
        self.happened_at(at, What::Running { pid: started.pid });
        self.live.state.send_replace(RunState::Running);
        let (history, id) = (Arc::clone(&self.history), self.id);
        let note = move || history.started(id, at);
        // Not waited for: output must be read and stops heard while another program holds the database.
        self.started = Some((at, tokio::spawn(blocking(note))));
        Ok(execution)
    }

    /// Keeps what the program prints until it has ended, and ends it when it is asked to or its time is over, of which so much
    /// was spent before.
    async fn follow(&mut self, execution: Arc<dyn Execution>, spent: Duration) -> (Outcome, Option<Usage>) {
        let mut stop = self.live.stop.subscribe();
        // What was asked while the program started counts.
        stop.mark_changed();
        let holds = self.live.holds.clone();
        let timeout = self.spec.limits.timeout;
        let mut time_over = timeout.map(|timeout| Instant::now() + timeout.saturating_sub(spent));
        let mut stopping: Option<Stopping> = None;
        let mut failure = None;
        let mut told = self.told.take();
        let finish = loop {
            // Nobody may hold up a run that is being stopped.
            let held_back = failure.is_none() && stopping.is_none() && self.log.held_back();
            tokio::select! {
                biased;
                // An engine that is gone asks for nothing any more.
                Ok(()) = stop.changed() => {
                    let asked = *stop.borrow_and_update();
                    self.stop(&*execution, asked, false, &mut stopping).await;
                }
                () = at(time_over) => {
                    time_over = None;
                    // What it printed and changed is brought here however long that takes.
                    if !execution.has_exited() {
                        self.stop(&*execution, Stop::Ask(Manner::Terminate), true, &mut stopping).await;
                    }
                }
                () = at(stopping.as_ref().map(|stopping| stopping.until)) => {
                    warn!("the run did not end in time; its place is cleaned up");
                    self.clean_up().await;
                    break None;
                }
                () = holds.passed(), if held_back => {}
                Some(told) = next(&mut told) => self.heed(told),
                output = execution.output(), if !held_back => match output {
                    Ok(Some(output)) if failure.is_none() => {
                        if let Err(error) = self.keep(output) {
                            failure = Some(error);
                            self.stop(&*execution, Stop::Force, false, &mut stopping).await;
                        }
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break execution.wait().await.ok(),
                    Err(error) => {
                        self.clean_up().await;
                        failure.get_or_insert(error);
                        break None;
                    }
                },
            }
        };
        self.live.execution.send_replace(None);
        while let Some(told) = told.as_mut().and_then(|told| told.try_recv().ok()) {
            self.heed(told);
        }
        if let Some(finish) = &finish {
            self.note_survivors(&finish.left);
        }
        (self.outcome(failure, stopping, finish.as_ref()), finish.map(|finish| finish.usage))
    }

    fn outcome(
        &self,
        failure: Option<Error>,
        stopping: Option<Stopping>,
        finish: Option<&Finish>,
    ) -> Outcome {
        match (failure, stopping, finish) {
            // A stop that is asked for explains every failure but that of keeping the log, which asked for it.
            (Some(error), None, _) | (Some(error @ Error::Storage { .. }), ..) => {
                Outcome::Error { error: error.into() }
            }
            (_, Some(Stopping { timed_out: true, .. }), _) => {
                Outcome::TimedOut { after: self.spec.limits.timeout.unwrap_or_default() }
            }
            (_, Some(stopping), finish) => {
                let out_of_grace = stopping.since.elapsed() >= self.spec.limits.grace;
                Outcome::Cancelled { forced: stopping.forced || finish.is_none() || out_of_grace }
            }
            (None, None, Some(finish)) => finish.exit.into(),
            (None, None, None) => Outcome::Lost,
        }
    }

    /// Asks the program to end, or forces it. Asking once more for the same changes nothing.
    async fn stop(
        &self,
        execution: &dyn Execution,
        stop: Stop,
        timed_out: bool,
        stopping: &mut Option<Stopping>,
    ) {
        let (manner, grace) = match stop {
            Stop::No => return,
            Stop::Ask(manner) => (manner, self.spec.limits.grace),
            Stop::Force => (Manner::Terminate, Duration::ZERO),
        };
        debug!(?stop, timed_out, "stopping");
        let now = Instant::now();
        let state = stopping.get_or_insert(Stopping { timed_out, forced: false, since: now, until: now });
        state.forced |= grace.is_zero();
        state.until = now + grace + PATIENCE;
        // A place that hears nothing holds up nobody: its time runs.
        match timeout(PATIENCE, execution.stop(manner.into(), grace)).await {
            Ok(Ok(())) => {}
            // `output` will find the same broken stream and clean up.
            Ok(Err(error)) => debug!(%error, "the stop could not be told"),
            Err(_) => debug!("the stop was not heard"),
        }
    }

    /// Puts a piece of output into the log, without the values of secrets.
    fn keep(&mut self, output: Output) -> Result<()> {
        let masker = match output.stream {
            stigmer_runner::Stream::Stdout => &mut self.maskers.stdout,
            stigmer_runner::Stream::Stderr => &mut self.maskers.stderr,
        };
        self.log.append(output.stream.into(), output.at, &masker.push(output.bytes))
    }

    fn note_survivors(&mut self, left: &[Left]) {
        if left.is_empty() {
            return;
        }
        let names: Vec<_> = left.iter().map(|left| format!("{} ({})", left.name, left.pid)).collect();
        self.say(&format!("left running by its own wish: {}", names.join(", ")));
    }

    /// A line of the app's own in the log.
    fn say(&mut self, line: &str) {
        let at = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default();
        if let Err(error) = self.log.append(Stream::System, at, format!("{line}\n").as_bytes()) {
            warn!(%error, line, "could not be put into the log");
        }
        self.happened(What::Note { text: line.to_owned() });
    }

    /// Writes the end down: log, events, database; then tells everybody.
    async fn close(mut self, ending: Ending) -> Option<End> {
        let at = u64::try_from(ending.at.as_microsecond()).unwrap_or_default();
        for (stream, held) in
            [(Stream::Stdout, self.maskers.stdout.finish()), (Stream::Stderr, self.maskers.stderr.finish())]
        {
            if let Err(error) = self.log.append(stream, at, &held) {
                warn!(%error, "the last bytes could not be put into the log");
            }
        }
        let bytes = self.log.bytes();
        self.log.finish();
        let event = Event { at: ending.at, what: What::Ended { ending: ending.clone(), bytes } };
        if let Err(error) = self.events.append(&event) {
            warn!(%error, "the end could not be written down");
        }
        Self::place_told(self.placing.take()).await;
        let late = Self::tell_history(&self.history, self.id, self.started.take(), &ending, bytes).await;
        self.live.publish(event);
        self.live.state.send_replace(RunState::Ended(ending));
        late
    }

    /// Puts the end into the history, behind the start. Returns what it did not take.
    async fn tell_history(
        history: &Arc<History>,
        id: RunId,
        started: Option<(Timestamp, JoinHandle<Result<()>>)>,
        ending: &Ending,
        bytes: u64,
    ) -> Option<End> {
        let (at, start) = match started {
            Some((at, telling)) => (Some(at), telling.await.unwrap_or(Err(Error::Stopped))),
            None => (None, Ok(())),
        };
        let told = match start {
            Ok(()) => {
                let (history, kept) = (Arc::clone(history), ending.clone());
                blocking(move || history.ended(id, &kept, bytes)).await.map(drop)
            }
            Err(error) => Err(error),
        };
        let error = told.err()?;
        warn!(%error, "the history did not take the end of the run");
        Some(End { started: at, ending: ending.clone(), bytes })
    }

    fn happened(&mut self, what: What) {
        self.happened_at(Timestamp::now(), what);
    }

    /// Writes down and tells what happened, and when.
    fn happened_at(&mut self, at: Timestamp, what: What) {
        debug!(?what, "happened");
        let event = Event { at, what };
        if let Err(error) = self.events.append(&event) {
            warn!(%error, "an event could not be written down");
        }
        self.live.publish(event);
    }

    /// Another engine has it from here on.
    pub(crate) fn adopted(&mut self, host: uuid::Uuid) {
        self.happened(What::Adopted { host });
    }

    async fn clean_up(&mut self) {
        match self.backend.cleanup(self.id).await {
            Ok(Cleaned::Done) => {}
            Ok(Cleaned::Later) => {
                self.say("the sandbox cannot be reached; what still runs there is ended once it can be");
            }
            Err(error) => warn!(%error, "the place of the run could not be cleaned up"),
        }
    }
}

/// Notes in the history that a run's place is being made ready, if that takes long enough to be seen.
async fn tell_preparing(history: Arc<History>, id: RunId) {
    tokio::time::sleep(SEEN).await;
    if let Err(error) = blocking(move || history.preparing(id)).await {
        debug!(%error, "the history says `queued` meanwhile");
    }
}

/// Waits until a run that is being started must be given up.
async fn stopped_early(mut stop: watch::Receiver<Stop>) {
    if stop.wait_for(|stop| *stop != Stop::No).await.is_ok() {
        tokio::time::sleep(UNDER_WAY).await;
    }
}

/// A moment that a runner tells, in microseconds since 1970.
fn moment(at: u64) -> Timestamp {
    i64::try_from(at).ok().and_then(|at| Timestamp::from_microsecond(at).ok()).unwrap_or_else(Timestamp::now)
}

/// What a backend tells next, if it still tells anything.
async fn next(told: &mut Option<mpsc::Receiver<Told>>) -> Option<Told> {
    match told {
        Some(told) => told.recv().await,
        None => pending().await,
    }
}

/// Sleeps until a moment, or for ever where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// Runs what waits for the disk on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::Stopped),
    }
}
