//! One command, its whole output in one answer.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::json;
use std::os::unix::process::ExitStatusExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::Inside;
use crate::api::Sent;
use crate::place;
use crate::reply::{Answer, Refusal};

/// The shell that reads commands.
pub(super) const SHELL: &str = "bash";

#[derive(Deserialize)]
pub(super) struct Execute {
    #[serde(default)]
    command: String,
    cwd: Option<String>,
    #[serde(default)]
    envs: Option<BTreeMap<String, String>>,
    /// Seconds.
    timeout: Option<u64>,
}

/// The text goes to a shell's standard input, so that a command which reads input eats the rest of it.
pub(super) async fn execute(Inside(toolbox): Inside, Sent(sent): Sent<Execute>) -> Answer {
    if sent.command.trim().is_empty() {
        return Err(Refusal::daemon_bad("command is required"));
    }
    let envs = sent.envs.unwrap_or_default();
    names(&envs)?;
    let dir = toolbox.place.absolute(sent.cwd.as_deref().unwrap_or_default());
    let mut command = toolbox.place.command(&dir, toolbox.env(envs), false);
    command.arg(SHELL);
    let text = format!("{}\n", sent.command);
    let (exit, output) = ended(command, Some(text), sent.timeout).await?;
    Ok(Json(json!({ "exitCode": exit, "result": output })))
}

/// Whether these can be names of variables.
pub(super) fn names(envs: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let good = |name: &str| {
        let mut characters = name.chars();
        characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|each| each.is_ascii_alphanumeric() || each == '_')
    };
    match envs.keys().find(|name| !good(name)) {
        None => Ok(()),
        Some(name) => Err(Refusal::daemon_bad(format!("invalid environment variable name: {name}"))),
    }
}

/// Runs a command to its end: its exit code and everything that it said.
pub(super) async fn ended(
    command: Command,
    input: Option<String>,
    timeout: Option<u64>,
) -> Result<(i32, String), Refusal> {
    let limit = timeout.filter(|&seconds| seconds > 0).map(Duration::from_secs);
    match run(command, input, limit).await {
        Ok(Some(ended)) => Ok(ended),
        Ok(None) => Err(Refusal::daemon(
            StatusCode::REQUEST_TIMEOUT,
            "PROCESS_EXECUTION_TIMEOUT",
            "command execution timeout",
        )),
        // A shell that cannot be started is an answer like any other.
        Err(error) => Ok((-1, error.to_string())),
    }
}

async fn run(
    mut command: Command,
    input: Option<String>,
    limit: Option<Duration>,
) -> io::Result<Option<(i32, String)>> {
    let (reader, writer) = io::pipe()?;
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // It holds the writing end, and the output would never end.
    drop(command);
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // A shell that left without reading has its reasons.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let mut reader = tokio::net::unix::pipe::Receiver::from_owned_fd(reader.into())?;
    let mut output = Vec::new();
    let whole = async {
        reader.read_to_end(&mut output).await?;
        child.wait().await
    };
    let status = match limit {
        None => whole.await?,
        Some(limit) => match tokio::time::timeout(limit, whole).await {
            Ok(status) => status?,
            Err(_) => {
                force(&mut child).await;
                return Ok(None);
            }
        },
    };
    let exit = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1);
    Ok(Some((exit, String::from_utf8_lossy(&output).into_owned())))
}

/// Kills the process group of a command.
async fn force(child: &mut Child) {
    if let Some(leader) = leader(child).await {
        let _ = killpg(leader, Signal::SIGKILL);
    }
    let _ = child.wait().await;
}

/// The process that leads a command's session, as this machine numbers it. It is there a moment after the start.
pub(super) async fn leader(child: &Child) -> Option<Pid> {
    for _ in 0..200 {
        let found = child.id().and_then(place::child_of);
        if found.is_some() || child.id().is_none() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    None
}
