//! Sessions: commands whose output is seen while they run, that take input and can be ended.
//!
//! A session is one shell that lives in the sandbox. Its commands share folder and variables and run one after another;
//! the shell reads their text itself, without a subshell. Three things follow, and are the caller's to heed:
//!
//! - A command that says `exit`, or fails after `set -e`, ends the shell, and its exit code is never recorded. Put a
//!   command in parentheses, or hand it to a shell of its own.
//! - The exit code is recorded when everything has ended that holds the command's output, background processes too.
//! - Output is kept by lines: a last line gets a line break if it has none, and what a program prints before its first
//!   line break is not seen before that. The order of output and errors is about right, not exactly.
//!
//! A session ends with [`Session::delete`], which ends everything in it, or with its sandbox.

mod follow;
mod logs;
mod markers;
mod position;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::follow::{Event, Follow};
pub use self::logs::Logs;
pub use self::position::Position;
use super::Toolbox;
use crate::error::{Error, Result};
use crate::model::lenient;

/// Which of its two streams a command wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output. It may end anywhere, also within a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where it was written to.
    pub stream: Stream,
    /// The bytes.
    pub bytes: Bytes,
}

/// A command as its session knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Command {
    /// Its id within the session.
    pub id: String,
    /// Its text.
    #[serde(deserialize_with = "lenient::nullable")]
    pub command: String,
    /// Its exit code, `None` while it runs.
    #[serde(deserialize_with = "lenient::whole")]
    pub exit_code: Option<i64>,
}

/// A session as the sandbox knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionInfo {
    /// Its id.
    pub session_id: String,
    /// Its commands, the first one first.
    #[serde(deserialize_with = "lenient::nullable")]
    pub commands: Vec<Command>,
}

/// What came of a command that was waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyncExec {
    /// Its id within the session.
    #[serde(rename = "cmdId")]
    pub id: String,
    /// Its exit code.
    #[serde(deserialize_with = "lenient::whole")]
    pub exit_code: Option<i64>,
    /// What it wrote to standard output.
    #[serde(deserialize_with = "lenient::nullable")]
    pub stdout: String,
    /// What it wrote to standard error.
    #[serde(deserialize_with = "lenient::nullable")]
    pub stderr: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    command: &'a str,
    run_async: bool,
    suppress_input_echo: bool,
}

/// A session in a sandbox. Clones are cheap, and dropping one does not end the session.
#[derive(Debug, Clone)]
pub struct Session {
    toolbox: Toolbox,
    id: String,
    /// Commands that this handle started, if it started all there are: so one whose start got no answer is found.
    started: Option<Arc<Mutex<BTreeSet<String>>>>,
}

impl Toolbox {
    /// Makes a session with an id of the caller's choice, unique in the sandbox.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when there is one with this id.
    pub async fn create_session(&self, id: impl Into<String>) -> Result<Session> {
        let session = Session { toolbox: self.clone(), id: id.into(), started: Some(Arc::default()) };
        let body = serde_json::json!({ "sessionId": session.id });
        let mut done = 0;
        loop {
            let call = self.post(&["process", "session"])?.json(&body)?;
            let error = match self.http.done(call).await {
                Ok(()) => return Ok(session),
                Err(error) => error,
            };
            let lost = error.may_have_happened() || (done > 0 && matches!(error, Error::Conflict(_)));
            if !lost {
                return Err(error);
            }
            match session.info().await {
                // One that has commands was not made just now.
                Ok(info) if info.commands.is_empty() => return Ok(session),
                Err(Error::NotFound(_)) if done < self.http.retry().times => {}
                _ => return Err(error),
            }
            tokio::time::sleep(self.http.retry().backoff(done, fastrand::f64())).await;
            done += 1;
        }
    }

    /// A session that is there, or was. Nothing is asked.
    pub fn session(&self, id: impl Into<String>) -> Session {
        Session { toolbox: self.clone(), id: id.into(), started: None }
    }

    /// All sessions of the sandbox.
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>> {
        self.http.json(self.get(&["process", "session"])?).await
    }
}

impl Session {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The session with its commands.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none.
    pub async fn info(&self) -> Result<SessionInfo> {
        self.toolbox.http.json(self.toolbox.get(&["process", "session", &self.id])?).await
    }

    /// Starts a command and gives its id. Its input is not echoed into its output. The command is never started twice:
    /// when no answer comes it is looked for among the session's commands, if all of those were started through this
    /// handle.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such session, [`Error::Gone`] when its shell has ended.
    pub async fn exec(&self, command: &str) -> Result<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Started {
            cmd_id: String,
        }
        let body = Body { command, run_async: true, suppress_input_echo: true };
        let call = self.toolbox.post(&["process", "session", &self.id, "exec"])?.json(&body)?;
        let id = match self.toolbox.http.json::<Started>(call).await {
            Ok(started) => started.cmd_id,
            Err(error) if error.may_have_happened() => self.find(command).await.ok_or(error)?,
            Err(error) => return Err(error),
        };
        self.started(&id);
        Ok(id)
    }

    /// Starts a command and waits for its end, at most for `within`; it goes on when that is over. A command that reads
    /// its input finds it at its end.
    pub async fn exec_sync(&self, command: &str, within: Duration) -> Result<SyncExec> {
        let body = Body { command, run_async: false, suppress_input_echo: true };
        let call = self.toolbox.post(&["process", "session", &self.id, "exec"])?.json(&body)?;
        let done: SyncExec = self.toolbox.http.json(call.within(within)).await?;
        self.started(&done.id);
        Ok(done)
    }

    fn started(&self, id: &str) {
        if let Some(started) = &self.started {
            started.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        }
    }

    /// A command with this text that this handle does not know, so the one that it tried to start.
    async fn find(&self, command: &str) -> Option<String> {
        let started = self.started.as_ref()?;
        let info = self.info().await.ok()?;
        let known = started.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = |found: &Command| found.command == command && !known.contains(&found.id);
        info.commands.into_iter().rev().find(ours).map(|found| found.id)
    }

    /// A command of the session.
    pub async fn command(&self, id: &str) -> Result<Command> {
        let call = self.toolbox.get(&["process", "session", &self.id, "command", id])?;
        self.toolbox.http.json(call).await
    }

    /// Everything that a command printed so far.
    pub async fn logs(&self, command: &str) -> Result<Logs> {
        let path = ["process", "session", &self.id, "command", command, "logs"];
        // As long as a transfer: the sandbox reads and sends the whole log.
        let call = self.toolbox.get(&path)?.within(self.toolbox.http.limits().stall.saturating_mul(5));
        Logs::read(&self.toolbox.http.buffered(call).await?)
    }

    /// Reads the output of a command from its start, while it runs and to its end.
    pub fn follow(&self, command: impl Into<String>) -> Follow {
        self.follow_from(command, Position::default())
    }

    /// The same from a position on: what was delivered before is not repeated.
    pub fn follow_from(&self, command: impl Into<String>, position: Position) -> Follow {
        Follow::new(self.clone(), command.into(), position)
    }

    /// Gives input to a command that runs. A line break is added if there is none at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Gone`] when the command has ended.
    pub async fn input(&self, command: &str, data: &str) -> Result<()> {
        let path = ["process", "session", &self.id, "command", command, "input"];
        let call = self.toolbox.post(&path)?.json(&serde_json::json!({ "data": data }))?;
        self.toolbox.http.done(call).await
    }

    /// Ends the session with everything in it: processes are asked to end and killed five seconds later. Its logs go
    /// too. `false` when there is none, or none any more.
    pub async fn delete(&self) -> Result<bool> {
        let call = self.toolbox.delete(&["process", "session", &self.id])?.harmless();
        match self.toolbox.http.done(call).await {
            Err(Error::NotFound(_)) => Ok(false),
            done => done.map(|()| true),
        }
    }

    fn in_background(&self) -> Self {
        Self { toolbox: self.toolbox.in_background(), ..self.clone() }
    }
}
