//! Single commands, for probes: their output comes in one piece, and only at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Toolbox;
use crate::error::Result;
use crate::model::lenient;

/// What the server may take longer than the command itself.
const MARGIN: Duration = Duration::from_secs(5);

/// A command to execute.
#[derive(Clone, PartialEq, Eq)]
pub struct Execute {
    /// A text for the shell of the sandbox (zsh or bash or what there is), which reads it from its standard input: so
    /// nothing in it should read that.
    pub command: String,
    /// The working directory.
    pub cwd: Option<String>,
    /// Variables on top of the sandbox's.
    pub env: BTreeMap<String, String>,
    /// How long it may take, rounded up to whole seconds. Then its processes are killed, and their output is lost.
    pub timeout: Duration,
}

impl Execute {
    /// A command that may take ten seconds.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: command.into(), cwd: None, env: BTreeMap::new(), timeout: Duration::from_secs(10) }
    }
}

impl fmt::Debug for Execute {
    /// Without the environment, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execute").field("command", &self.command).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    command: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cwd: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    envs: &'a BTreeMap<String, String>,
    timeout: u64,
}

/// What came of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Executed {
    /// Its exit code; -1 when the shell could not be started.
    #[serde(deserialize_with = "lenient::whole")]
    pub exit_code: Option<i64>,
    /// Output and errors, mixed as they came; what is not UTF-8 is replaced.
    #[serde(deserialize_with = "lenient::nullable")]
    pub result: String,
}

impl Toolbox {
    /// Executes a command and waits for its end. It is never repeated, and goes on when this future is dropped, up to
    /// its own time limit.
    ///
    /// # Errors
    ///
    /// [`Error::CommandTimeout`](crate::Error::CommandTimeout) when it took too long.
    pub async fn execute(&self, execute: &Execute) -> Result<Executed> {
        let whole = execute.timeout + Duration::from_nanos(999_999_999);
        let timeout = whole.as_secs().max(1);
        let body =
            Body { command: &execute.command, cwd: execute.cwd.as_deref(), envs: &execute.env, timeout };
        let call = self.post(&["process", "execute"])?.json(&body)?;
        self.http.json(call.within(Duration::from_secs(timeout) + MARGIN)).await
    }
}
