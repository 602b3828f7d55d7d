//! This machine: the runner as a child process, connected by pipes.
//!
//! The runner makes the promises (own session, whole tree, end with the app). What is left for here is to
//! find it, and to end what it could not when it was itself killed: every process of a run carries
//! [`RUN_ID`] in its environment.

pub mod login_shell;

use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use async_trait::async_trait;
use tokio::process::Command;

use super::runner::{RunnerExecution, Started};
use super::{Backend, Execution, Launch, RUN_ID, Reporter};
use crate::error::{Error, Result};
use crate::os;
use crate::spec::{Mode, RunId};

/// Runs programs on this machine.
#[derive(Debug, Default)]
pub struct Local;

#[async_trait]
impl Backend for Local {
    fn mode(&self) -> Mode {
        Mode::Local
    }

    async fn probe(&self) -> Result<()> {
        runner().map(|_| ())
    }

    async fn start(&self, launch: Launch, _: &Reporter) -> Result<Box<dyn Execution>> {
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
        match RunnerExecution::start(Box::new(replies), Box::new(requests), launch.request()).await? {
            Started::Running(execution) => Ok(execution),
            Started::Refused(refusal, message) => Err(launch.refused(refusal, message)),
        }
    }

    async fn cleanup(&self, id: RunId) -> Result<()> {
        tokio::task::spawn_blocking(move || os::end_processes_with(RUN_ID, &id.to_string()))
            .await
            .map_err(|error| Error::Connection { source: io::Error::other(error) })
    }

    async fn reattach(&self, _: RunId, _: u64) -> Result<Option<Box<dyn Execution>>> {
        // A local run ends with the engine that started it.
        Ok(None)
    }
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
