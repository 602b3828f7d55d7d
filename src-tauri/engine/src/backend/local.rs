//! This machine: the runner as a child process, connected by pipes.
//!
//! The runner makes the promises (own session, whole tree, end with the app). What is left for here is to
//! find it, and to end what it could not when it was itself killed: every process of a run carries
//! [`RUN_ID`] in its environment.

pub mod login_shell;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_trait::async_trait;
use serde_bytes::ByteBuf;
use stigmer_runner::{Refusal, Size, Start};
use tokio::process::Command;

use super::runner::{RunnerExecution, Started};
use super::{Backend, Execution, Launch};
use crate::error::{Error, Result};
use crate::os;
use crate::spec::{Input, Mode, RunId, Text};

/// The variable that names the run in the environment of its processes.
pub const RUN_ID: &str = "STIGMER_RUN_ID";

/// Milliseconds that output is still read while something of an ended program holds its pipes.
const DRAIN_MS: u32 = 500;

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

    async fn start(&self, launch: Launch) -> Result<Box<dyn Execution>> {
        let program = launch.argv.first().map(|program| program.lossy().into_owned()).unwrap_or_default();
        let dir = launch.dir.clone();
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
        match RunnerExecution::start(Box::new(replies), Box::new(requests), request(&launch)).await? {
            Started::Running(execution) => Ok(execution),
            Started::Refused(refusal, message) => Err(refused(refusal, message, program, dir)),
        }
    }

    async fn cleanup(&self, id: RunId) -> Result<()> {
        tokio::task::spawn_blocking(move || os::end_processes_with(RUN_ID, &id.to_string()))
            .await
            .map_err(|error| Error::Connection { source: io::Error::other(error) })
    }

    async fn reattach(&self, _: RunId) -> Result<Option<Box<dyn Execution>>> {
        // A local run ends with the engine that started it.
        Ok(None)
    }
}

fn request(launch: &Launch) -> Start {
    let bytes = |text: &Text| ByteBuf::from(text.as_bytes());
    let terminal = match launch.input {
        Input::Terminal { cols, rows } => Some(Size { cols, rows }),
        Input::Closed | Input::Piped => None,
    };
    let marker = (ByteBuf::from(RUN_ID), ByteBuf::from(launch.id.to_string()));
    let env = launch.env.iter().map(|(name, value)| (bytes(name), bytes(value)));
    Start {
        argv: launch.argv.iter().map(bytes).collect(),
        env: env.filter(|(name, _)| name != RUN_ID.as_bytes()).chain([marker]).collect(),
        dir: ByteBuf::from(launch.dir.as_os_str().as_encoded_bytes()),
        terminal,
        input: launch.input != Input::Closed,
        guard: launch.guard.clone(),
        spool: 0, // the runner and the engine share their fate here; nobody would come back for it
        drain_ms: DRAIN_MS,
    }
}

fn refused(refusal: Refusal, message: String, program: String, dir: PathBuf) -> Error {
    let source = io::Error::other(message);
    match refusal {
        Refusal::NotFound => Error::ProgramNotFound { program },
        Refusal::NotExecutable => Error::ProgramNotExecutable { program, source },
        Refusal::Guard => Error::GuardUnavailable { source },
        Refusal::Directory => Error::Folder { path: dir, source },
        Refusal::Other => Error::InvalidSpec {
            what: format!("`{program}` could not be started: {source}"),
            hint: "check its arguments and how many programs run already",
        },
    }
}

/// The runner's program: `STIGMER_RUNNER`, else beside this program or in its package's library folder.
fn runner() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("STIGMER_RUNNER").filter(|given| !given.is_empty()) {
        return Ok(given.into());
    }
    let name = format!("stigmer-runner{}", std::env::consts::EXE_SUFFIX);
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.parent().unwrap_or(Path::new(""));
    [folder.join(&name), folder.join("../lib/stigmer").join(&name), folder.join("..").join(&name)]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| unusable(format!("`{name}` is not beside `{}`", program.display())))
}

fn unusable(why: String) -> Error {
    let hint = "install Stigmer again, or set STIGMER_RUNNER to the program";
    Error::BackendUnavailable { backend: "local", why, hint }
}
