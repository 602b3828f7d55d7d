//! The two traits behind which places stand, and the list of places.
//!
//! Order of calls: [`Backend::start`] once for a run; on the [`Execution`] it returns, [`Execution::output`]
//! until it says `None`, then [`Execution::wait`]. [`Execution::stop`], `input` and `resize` may come from
//! elsewhere at any time in between. [`Backend::cleanup`] follows every end that `wait` did not confirm: a `start` that
//! failed or was dropped half-way, and also after a crash of the engine; it must be idempotent and suffice.

mod runner;

pub mod local;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
pub use stigmer_runner::{Exit, Left, Signal, Size, Stream, Usage};

use crate::error::{Error, Result};
use crate::spec::{Input, Mode, RunId, Text};

/// Every backend of this build, in the order in which people are shown them. Add yours here.
pub(crate) fn all() -> Vec<Arc<dyn Backend>> {
    vec![Arc::new(local::Local)]
}

/// A place where programs run.
#[async_trait]
pub trait Backend: Send + Sync {
    /// The mode that this backend carries out.
    fn mode(&self) -> Mode;

    /// Whether the place is there. Costs little and answers within two seconds.
    async fn probe(&self) -> Result<()>;

    /// Starts a program. May be dropped before it returns; [`Backend::cleanup`] then does the rest.
    async fn start(&self, launch: Launch) -> Result<Box<dyn Execution>>;

    /// Ends and removes whatever is left of a run. Idempotent; works after a crash.
    async fn cleanup(&self, id: RunId) -> Result<()>;

    /// Finds a run again that an earlier engine started, if it still goes on.
    async fn reattach(&self, id: RunId) -> Result<Option<Box<dyn Execution>>>;
}

/// A program to start, resolved so far that every place can do it without asking.
#[derive(Clone)]
pub struct Launch {
    /// The run that it belongs to.
    pub id: RunId,
    /// Program and arguments; not empty.
    pub argv: Vec<Text>,
    /// The whole environment where the place has none of its own, additions elsewhere.
    pub env: Vec<(Text, Text)>,
    /// The working directory; absolute.
    pub dir: PathBuf,
    /// Where its standard input comes from.
    pub input: Input,
    /// How it is confined where it shares the machine with its user.
    pub guard: Option<stigmer_runner::Guard>,
}

impl fmt::Debug for Launch {
    /// Without the environment, which has the values of secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch").field("id", &self.id).field("argv", &self.argv).finish_non_exhaustive()
    }
}

/// One started program, anywhere. Dropping it forces the program to end.
#[async_trait]
pub trait Execution: Send + Sync {
    /// When the program started, and what it is called there.
    fn started(&self) -> Start;

    /// The next piece of output; `None` when everything was read that the program and its children wrote.
    /// One caller at a time; a call that is dropped loses nothing.
    async fn output(&self) -> Result<Option<Output>>;

    /// How the program ended. Call it after `output` said `None`.
    async fn wait(&self) -> Result<Finish>;

    /// Writes to the program's standard input. Waits while the program does not read. Bytes for a program
    /// that closed its input are discarded, as a pipe would. A call that is dropped may have written a part.
    async fn input(&self, bytes: Bytes) -> Result<()>;

    /// Closes the program's standard input.
    async fn end_input(&self) -> Result<()>;

    /// Tells the program's terminal its new size. Without a terminal it does nothing.
    async fn resize(&self, size: Size) -> Result<()>;

    /// Ends the whole process tree: asks it politely, and forces it after the grace period. May be repeated
    /// with a shorter grace. Output goes on until the tree is gone.
    async fn stop(&self, signal: Signal, grace: std::time::Duration) -> Result<()>;
}

/// The start of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Its process id, in a place that has any.
    pub pid: Option<u32>,
    /// Microseconds since 1970, by the clock of the place.
    pub at: u64,
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where it was written.
    pub stream: Stream,
    /// Microseconds since 1970 when it was read from the program.
    pub at: u64,
    /// The bytes, as they came.
    pub bytes: Bytes,
}

/// The end of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// How the program itself ended.
    pub exit: Exit,
    /// What its tree used.
    pub usage: Usage,
    /// Processes that made themselves independent of the run and live on.
    pub left: Vec<Left>,
}

/// The backend of a mode, or why there is none.
pub(crate) fn of(backends: &[Arc<dyn Backend>], mode: Mode) -> Result<Arc<dyn Backend>> {
    backends.iter().find(|backend| backend.mode() == mode).cloned().ok_or_else(|| Error::BackendUnavailable {
        backend: mode.name(),
        why: "this version runs commands on this machine only".to_owned(),
        hint: "choose `--mode local`, or change the setting `mode`",
    })
}
