//! The two traits behind which places stand, and the list of places.
//!
//! Order of calls: [`Backend::start`] once for a run; on the [`Execution`] it returns, [`Execution::output`]
//! until it says `None`, then [`Execution::wait`]. [`Execution::stop`], `input` and `resize` may come from
//! elsewhere at any time in between. [`Backend::cleanup`] follows every end that `wait` did not confirm: a `start` that
//! failed or was dropped half-way, and also after a crash of the engine; it must be idempotent and suffice.

mod back;
mod runner;

pub mod daytona;
pub mod docker;
pub mod local;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use async_trait::async_trait;
use bytes::Bytes;
use serde_bytes::ByteBuf;
use stigmer_runner::Refusal;
pub use stigmer_runner::protocol::RUN_ID;
pub use stigmer_runner::{Exit, Left, Signal, Size, Stream, Usage};
use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::spec::{ImageTask, Input, Mode, RunId, Text};
use crate::state::{CloudFacts, SandboxFacts};

use self::back::Back;

/// Where the interpreters of sessions listen in a sandbox.
const SESSIONS: &str = "/tmp/stigmer-sessions/";

/// Milliseconds that output is still read while something of an ended program holds its pipes.
const DRAIN_MS: u32 = 500;

/// Every backend of this build, in the order in which people are shown them. Add yours here.
pub(crate) fn all(
    local: local::Local,
    docker: docker::Docker,
    daytona: daytona::Daytona,
) -> Vec<Arc<dyn Backend>> {
    vec![Arc::new(local), Arc::new(docker), Arc::new(daytona)]
}

/// A place where programs run.
#[async_trait]
pub trait Backend: Send + Sync {
    /// The mode that this backend carries out.
    fn mode(&self) -> Mode;

    /// Whether the place is there. Costs little and answers within two seconds.
    async fn probe(&self) -> Result<()>;

    /// Starts a program, and tells `reporter` how it gets there. May be dropped before it returns;
    /// [`Backend::cleanup`] then does the rest.
    async fn start(&self, launch: Launch, reporter: &Reporter) -> Result<Box<dyn Execution>>;

    /// Ends and removes whatever is left of a run. Idempotent; works after a crash.
    async fn cleanup(&self, id: RunId) -> Result<Cleaned>;

    /// Whether a run that an earlier engine started may still be found again. Until then nobody cleans up after it.
    async fn awaits(&self, _: RunId) -> bool {
        false
    }

    /// Finds a run again that an earlier engine started, if it still goes on or nobody heard its end. `offset` is how much of
    /// its output was kept. An error says that this may work later.
    async fn reattach(&self, id: RunId, offset: u64) -> Result<Option<Box<dyn Execution>>>;

    /// This engine stays: it may hold places ready, and removes what others left behind. Costs nothing where there
    /// is nothing.
    async fn stay(&self) {}

    /// This engine goes: what it held ready goes with it.
    async fn leave(&self) {}
}

/// What became of what was left of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleaned {
    /// Nothing is left.
    Done,
    /// The place cannot be reached: what is left there goes once it can be, also by an engine to come.
    Later,
}

/// Where a backend tells how it gets to a running program. Slow listeners hold up steps, never progress.
#[derive(Debug, Clone)]
pub struct Reporter(mpsc::Sender<Told>);

/// What a backend tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// A step began, in words for people.
    Step(String),
    /// A step went on: how much is done and how much there is to do, in the step's own unit.
    Progress { step: String, current: u64, total: Option<u64> },
    /// Something that a person should know.
    Note(String),
    /// The sandbox that the run got.
    Sandbox(Box<SandboxFacts>),
    /// The cloud sandbox that the run got.
    Cloud(Box<CloudFacts>),
}

impl Reporter {
    /// A reporter, and what it is told.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Told>) {
        let (to, told) = mpsc::channel(16);
        (Self(to), told)
    }

    /// A reporter to whom nobody listens.
    pub fn silent() -> Self {
        Self::new().0
    }

    pub(crate) async fn step(&self, step: impl Into<String>) {
        // Whoever stopped listening does not want to know.
        let _ = self.0.send(Told::Step(step.into())).await;
    }

    pub(crate) async fn note(&self, line: String) {
        let _ = self.0.send(Told::Note(line)).await;
    }

    pub(crate) fn progress(&self, step: &str, current: u64, total: Option<u64>) {
        // The next one says more.
        let _ = self.0.try_send(Told::Progress { step: step.to_owned(), current, total });
    }

    pub(crate) async fn cloud(&self, facts: CloudFacts) {
        let _ = self.0.send(Told::Cloud(Box::new(facts))).await;
    }

    pub(crate) async fn sandbox(&self, facts: SandboxFacts) {
        let _ = self.0.send(Told::Sandbox(Box::new(facts))).await;
    }
}

/// An interpreter that goes on when its run is over, for the next run of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name, unique for a workspace in a place.
    pub name: String,
    /// The workspace, where it is not that of the place.
    pub workspace: PathBuf,
    /// Bytes of memory that it may write to.
    pub memory: u64,
    /// Time after its last run until it ends, where no app looks after it.
    pub idle: std::time::Duration,
}

/// What a sandbox is made of.
#[derive(Debug, Clone)]
pub enum Recipe {
    /// A container.
    Sandbox(docker::Recipe),
    /// A sandbox in the cloud.
    Cloud(daytona::Recipe),
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
    /// The working directory: absolute, or below the workspace of a place that decides where that is.
    pub dir: PathBuf,
    /// Where its standard input comes from.
    pub input: Input,
    /// How it is confined where it shares the machine with its user.
    pub guard: Option<stigmer_runner::Guard>,
    /// Code that has no file in the place.
    pub script: Option<stigmer_runner::Script>,
    /// What runs it, if that is not to end with it: then the program is an interpreter and its first argument a script.
    pub session: Option<Session>,
    /// What its sandbox is made of, in a mode that has any.
    pub recipe: Option<Box<Recipe>>,
    /// What is done with an image instead of starting a program.
    pub task: Option<ImageTask>,
    /// Whether it may go on without its engine for a while, to be found again: not where an engine that comes back would
    /// not know what to mask.
    pub may_be_kept: bool,
}

impl Launch {
    /// What a runner is asked to start.
    pub(crate) fn request(&self) -> stigmer_runner::Start {
        let bytes = |text: &Text| ByteBuf::from(text.as_bytes());
        let terminal = match self.input {
            Input::Terminal { cols, rows } => Some(Size { cols, rows }),
            Input::Closed | Input::Piped => None,
        };
        let marker = (ByteBuf::from(RUN_ID), ByteBuf::from(self.id.to_string()));
        let env = self.env.iter().map(|(name, value)| (bytes(name), bytes(value)));
        stigmer_runner::Start {
            argv: self.argv.iter().map(bytes).collect(),
            env: env.filter(|(name, _)| name != RUN_ID.as_bytes()).chain([marker]).collect(),
            dir: ByteBuf::from(self.dir.as_os_str().as_encoded_bytes()),
            terminal,
            input: self.input != Input::Closed,
            guard: self.guard.clone(),
            // Where the runner and the engine share their fate nobody would come back for it.
            spool: 0,
            window: 0,
            keep: None,
            drain_ms: DRAIN_MS,
            script: self.script.clone(),
            watch_memory: self.recipe.is_some(),
            interpreter: None,
        }
    }

    /// The interpreter that its session has in a place, at a socket in a folder that begins so.
    pub(crate) fn interpreter(&self, folder: &str) -> Option<Box<stigmer_runner::Interpreter>> {
        let session = self.session.as_ref()?;
        Some(Box::new(stigmer_runner::Interpreter {
            socket: ByteBuf::from(format!("{folder}{}/socket", session.name)),
            memory: session.memory,
            idle_ms: u32::try_from(session.idle.as_millis()).unwrap_or(u32::MAX),
        }))
    }

    /// Tells of a new interpreter, which has none of the variables that somebody may expect.
    async fn tell(&self, execution: &runner::RunnerExecution, reporter: &Reporter) {
        if let Some(session) = self.session.as_ref().filter(|_| execution.has_new_interpreter()) {
            reporter.note(format!("session `{}` begins: it has no variables yet", session.name)).await;
        }
    }

    /// Why a runner did not start it.
    pub(crate) fn refused(&self, refusal: Refusal, message: String) -> Error {
        let program = self.argv.first().map(|program| program.lossy().into_owned()).unwrap_or_default();
        let source = io::Error::other(message);
        match refusal {
            Refusal::NotFound => Error::ProgramNotFound { program },
            Refusal::NotExecutable => Error::ProgramNotExecutable { program, source },
            Refusal::Guard => Error::GuardUnavailable { source },
            Refusal::Directory => Error::Folder { path: self.dir.clone(), source },
            Refusal::Other => Error::InvalidSpec {
                what: format!("`{program}` could not be started: {source}"),
                hint: "check its arguments and how many programs run already",
            },
        }
    }
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

    /// Whether the program itself is known to be over, though its output is still read, or what it changed brought back.
    fn has_exited(&self) -> bool {
        false
    }

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
    // Never another one instead: what should run in a sandbox must not run here.
    backends.iter().find(|backend| backend.mode() == mode).cloned().ok_or_else(|| unsupported(mode))
}

/// Whether there is a backend of a mode, or why there is none.
pub(crate) fn supported(mode: Mode) -> Result<()> {
    if mode == Mode::Auto { Err(unsupported(mode)) } else { Ok(()) }
}

fn unsupported(mode: Mode) -> Error {
    Error::BackendUnavailable {
        backend: mode.name(),
        why: "this version does not choose the place by itself".to_owned(),
        hint: "choose `--mode local`, `sandbox` or `daytona`, or change the setting `mode`",
    }
}

/// A program of ours: beside this one, or in its package's library folder.
fn beside(name: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.parent().unwrap_or(Path::new(""));
    [folder.join(name), folder.join("../lib/stigmer").join(name), folder.join("..").join(name)]
        .into_iter()
        .find(|path| path.is_file())
}

/// The runner for other places: without shared libraries, since those have others or none.
fn static_runner(backend: &'static str) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("STIGMER_SANDBOX_RUNNER").filter(|given| !given.is_empty()) {
        return Ok(given.into());
    }
    let name = format!("stigmer-runner-linux-{}", std::env::consts::ARCH);
    let found = beside(&name).or_else(|| beside("stigmer-runner"));
    let found = found.and_then(|path| path.canonicalize().ok());
    found.ok_or_else(|| Error::BackendUnavailable {
        backend,
        why: format!("`{name}` is not beside this program"),
        hint: "install Stigmer again, or set STIGMER_SANDBOX_RUNNER to the program",
    })
}

/// Bytes as two digits each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_that_has_no_place_is_refused_and_never_carried_out_in_another() {
        let only_local: Vec<Arc<dyn Backend>> =
            vec![Arc::new(local::Local::new(&crate::home::Home::at("/nowhere")))];
        assert_eq!(of(&only_local, Mode::Local).unwrap().mode(), Mode::Local);
        for mode in [Mode::Sandbox, Mode::Daytona, Mode::Auto] {
            assert_eq!(of(&only_local, mode).map(drop).unwrap_err().code(), "backend-unavailable");
        }
    }
}
