//! This machine: the runner as a child process, connected by pipes.
//!
//! The runner makes the promises (own session, whole tree, end with the app). What is left for here is to
//! find it, and to end what it could not when it was itself killed: every process of a run carries
//! [`RUN_ID`] in its environment.

pub mod login_shell;
mod owned;
pub mod sessions;

use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use stigmer_runner::Interpreter;
use tokio::process::Command;

use self::sessions::LocalSession;
use super::runner::{RunnerExecution, Started};
use super::{Backend, Cleaned, Execution, Launch, RUN_ID, Reporter};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;
use crate::spec::{Mode, RunId};

/// Longest path of a socket, in bytes, on every system.
const LONGEST: usize = 103;

/// Runs programs on this machine.
#[derive(Debug)]
pub struct Local {
    /// Where the interpreters of sessions listen.
    sessions: PathBuf,
    owned: owned::Owned,
}

impl Local {
    /// Programs of the runs of this home.
    pub fn new(home: &Home) -> Self {
        Self { sessions: sessions::folder(home), owned: owned::Owned::default() }
    }

    /// The interpreter of a run's session: one for each folder and each way to confine it.
    fn interpreter(&self, launch: &Launch) -> Result<Option<Box<Interpreter>>> {
        let Some(session) = &launch.session else { return Ok(None) };
        let guard = format!("{:?}", launch.guard);
        let hash = Sha256::new().chain_update(session.workspace.as_os_str().as_encoded_bytes());
        let hash = hash.chain_update([0]).chain_update(guard).finalize();
        let folder = self.sessions.join(format!("{}-", super::hex(&hash[..4])));
        let interpreter = launch.interpreter(&folder.to_string_lossy());
        if interpreter.as_ref().is_some_and(|interpreter| interpreter.socket.len() > LONGEST) {
            return Err(Error::InvalidSpec {
                what: format!("`{}` is too long a path for sessions", self.sessions.display()),
                hint: "give the session a shorter name, or set STIGMER_HOME to a shorter path",
            });
        }
        Ok(interpreter)
    }
}

#[async_trait]
impl Backend for Local {
    fn mode(&self) -> Mode {
        Mode::Local
    }

    async fn probe(&self) -> Result<()> {
        runner().map(|_| ())
    }

    async fn start(&self, launch: Launch, reporter: &Reporter) -> Result<Box<dyn Execution>> {
        let path = runner()?;
        let mut runner = Command::new(&path)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| unusable(format!("`{}` cannot be started: {error}", path.display())))?;
        let (Some(requests), Some(replies)) = (runner.stdin.take(), runner.stdout.take()) else {
            return Err(Error::Connection { source: io::ErrorKind::BrokenPipe.into() });
        };
        let mut start = launch.request();
        start.interpreter = self.interpreter(&launch)?;
        let socket = start.interpreter.as_ref().map(|interpreter| path_of(&interpreter.socket));
        match RunnerExecution::start(Box::new(replies), Box::new(requests), start).await? {
            Started::Running(execution) => {
                launch.tell(&execution, reporter).await;
                if let (Some(socket), Some(session)) = (socket, launch.session) {
                    self.owned.own(&socket);
                    let about = LocalSession::new(session.name, session.workspace);
                    if execution.has_new_interpreter()
                        && let Err(error) = sessions::note(&socket, &about)
                    {
                        tracing::warn!(%error, "a session is not listed");
                    }
                }
                Ok(execution)
            }
            Started::Refused(refusal, message) => Err(launch.refused(refusal, message)),
        }
    }

    async fn cleanup(&self, id: RunId) -> Result<Cleaned> {
        tokio::task::spawn_blocking(move || os::end_processes_with(RUN_ID, &id.to_string()))
            .await
            .map(|()| Cleaned::Done)
            .map_err(|error| Error::Connection { source: io::Error::other(error) })
    }

    async fn reattach(&self, _: RunId, _: u64) -> Result<Option<Box<dyn Execution>>> {
        // A local run ends with the engine that started it.
        Ok(None)
    }

    async fn stay(&self) {
        self.owned.stay();
    }

    async fn leave(&self) {
        self.owned.leave();
    }
}

/// A path as the protocol has it.
fn path_of(bytes: &[u8]) -> PathBuf {
    os::text_from_bytes(bytes.to_vec()).unwrap_or_default().into()
}

/// The runner's program: `STIGMER_RUNNER`, else where our programs are.
fn runner() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("STIGMER_RUNNER").filter(|given| !given.is_empty()) {
        return Ok(given.into());
    }
    let name = format!("stigmer-runner{}", std::env::consts::EXE_SUFFIX);
    super::beside(&name).ok_or_else(|| {
        let program = std::env::current_exe().unwrap_or_default();
        unusable(format!("`{name}` is not beside `{}`", program.display()))
    })
}

fn unusable(why: String) -> Error {
    let hint = "install Stigmer again, or set STIGMER_RUNNER to the program";
    Error::BackendUnavailable { backend: "local", why, hint }
}
