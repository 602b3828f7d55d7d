//! The Python interpreter of a sandbox, whose variables live on from one execution to the next.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Toolbox;
use crate::error::{Answer, Error, Result};
use crate::http::{Frame, Socket};
use crate::model::lenient;

/// Code to execute.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Code {
    /// The code.
    pub code: String,
    /// The context whose variables it sees; the default one if none is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_id: Option<String>,
    /// Variables of the environment, for this execution.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub envs: BTreeMap<String, String>,
    /// Seconds that it may take; 600 if none are said, 0 for no limit. Then it is interrupted, and killed with all
    /// variables two seconds later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

impl Code {
    /// Code for the default context.
    pub fn new(code: impl Into<String>) -> Self {
        Self { code: code.into(), ..Self::default() }
    }
}

impl fmt::Debug for Code {
    /// Without the environment, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code").field("code", &self.code).finish_non_exhaustive()
    }
}

/// What an execution tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Printed {
    /// A piece of standard output.
    Stdout(String),
    /// A piece of standard error.
    Stderr(String),
    /// An exception that nothing caught. The execution ends with it.
    Exception {
        /// Its class.
        name: String,
        /// Its text.
        value: String,
        /// Where it came from, line by line.
        traceback: String,
    },
}

/// A set of variables, with a process of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Context {
    /// Its id.
    pub id: String,
    /// Its working directory.
    #[serde(deserialize_with = "lenient::nullable")]
    pub cwd: String,
    /// Its language.
    #[serde(deserialize_with = "lenient::nullable")]
    pub language: String,
    /// Whether its process runs.
    #[serde(deserialize_with = "lenient::nullable")]
    pub active: bool,
}

/// The interpreter of a sandbox.
#[derive(Debug, Clone)]
pub struct Interpreter {
    toolbox: Toolbox,
}

impl Interpreter {
    pub(super) fn new(toolbox: Toolbox) -> Self {
        Self { toolbox }
    }

    /// Makes a context, in a working directory or the sandbox's own.
    pub async fn create_context(&self, cwd: Option<&str>) -> Result<Context> {
        let mut body = BTreeMap::from([("language", "python")]);
        body.extend(cwd.map(|cwd| ("cwd", cwd)));
        let call = self.toolbox.post(&["process", "interpreter", "context"])?.json(&body)?;
        self.toolbox.http.json(call).await
    }

    /// All contexts but the default one.
    pub async fn contexts(&self) -> Result<Vec<Context>> {
        #[derive(Deserialize)]
        struct List {
            #[serde(default, deserialize_with = "lenient::nullable")]
            contexts: Vec<Context>,
        }
        let call = self.toolbox.get(&["process", "interpreter", "context"])?;
        Ok(self.toolbox.http.json::<List>(call).await?.contexts)
    }

    /// Ends a context with whatever runs in it; `false` when there is none, or none any more. The default one cannot be
    /// ended.
    pub async fn delete_context(&self, id: &str) -> Result<bool> {
        let call = self.toolbox.delete(&["process", "interpreter", "context", id])?.harmless();
        match self.toolbox.http.done(call).await {
            Err(Error::NotFound(_)) => Ok(false),
            done => done.map(|()| true),
        }
    }

    /// Starts an execution. Those in one context run one after another. It is never repeated; and dropping the
    /// [`Execution`] does not end the code, only its time limit does, or deleting its context.
    pub async fn execute(&self, code: &Code) -> Result<Execution> {
        let call = self.toolbox.get(&["process", "interpreter", "execute"])?;
        let call = call.repeat(crate::retry::Repeat::Unsent);
        let socket = self.toolbox.http.socket(call, &[]).await?;
        let request = serde_json::to_string(code).map_err(|source| Error::misuse(source.to_string()))?;
        socket.sender().text(request).await?;
        Ok(Execution { socket, ready: VecDeque::new(), over: false })
    }
}

/// An execution under way.
pub struct Execution {
    socket: Socket,
    ready: VecDeque<Printed>,
    over: bool,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "lenient::nullable")]
    text: String,
    #[serde(default, deserialize_with = "lenient::nullable")]
    name: String,
    #[serde(default, deserialize_with = "lenient::nullable")]
    value: String,
    #[serde(default, deserialize_with = "lenient::nullable")]
    traceback: String,
}

impl Execution {
    /// What it tells next; `None` at its end. May be dropped and asked again.
    ///
    /// # Errors
    ///
    /// [`Error::CommandTimeout`] when it took too long, [`Error::Invalid`] for code that cannot be executed, as in an
    /// unknown context, [`Error::Gone`] when the interpreter died, [`Error::Cut`] when the connection broke: then the
    /// code goes on.
    pub async fn next(&mut self) -> Result<Option<Printed>> {
        loop {
            if let Some(printed) = self.ready.pop_front() {
                return Ok(Some(printed));
            }
            if self.over {
                return Ok(None);
            }
            match self.socket.next().await? {
                Frame::Text(text) | Frame::Binary(text) => self.ready.extend(read(&text)),
                Frame::Closed { code: None | Some(1000), .. } => self.over = true,
                Frame::Closed { code: Some(code), reason } => {
                    self.over = true;
                    return Err(refusal(code, reason));
                }
            }
        }
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution").field("over", &self.over).finish_non_exhaustive()
    }
}

/// A message that says something; others, such as that it is completed, say nothing that closing does not.
fn read(text: &[u8]) -> Option<Printed> {
    let message: Message = serde_json::from_slice(text).ok()?;
    Some(match message.kind.as_str() {
        "stdout" => Printed::Stdout(message.text),
        "stderr" => Printed::Stderr(message.text),
        "error" => {
            let Message { name, value, traceback, .. } = message;
            Printed::Exception { name, value, traceback }
        }
        _ => return None,
    })
}

/// What a code of closing means. 4008 is Daytona's own.
fn refusal(code: u16, reason: String) -> Error {
    let operation = "GET /process/interpreter/execute".to_owned();
    let message = if reason.is_empty() { "closed without a reason".to_owned() } else { reason };
    let answer = |message| Answer {
        operation: operation.clone(),
        status: code,
        message,
        code: None,
        request_id: None,
    };
    match code {
        4008 => Error::CommandTimeout(answer(message)),
        1002 | 1003 | 1007 | 1008 => Error::Invalid(answer(message)),
        1001 => Error::Gone(answer(message)),
        _ => Error::Cut { operation: operation.clone(), why: format!("{message} ({code})") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_say_nothing_are_passed_over() {
        let stdout = br#"{"type":"stdout","text":"hi\n","name":"","value":null,"traceback":""}"#;
        assert_eq!(read(stdout), Some(Printed::Stdout("hi\n".to_owned())));
        assert_eq!(read(br#"{"type":"control","text":"completed"}"#), None);
        assert_eq!(read(br#"{"type":"hologram","text":"?"}"#), None);
        assert_eq!(read(b"nonsense"), None);
    }

    #[test]
    fn the_code_of_closing_says_what_to_do() {
        assert!(matches!(refusal(4008, String::new()), Error::CommandTimeout(_)));
        assert!(matches!(refusal(1008, "empty code".to_owned()), Error::Invalid(_)));
        assert!(matches!(refusal(1001, String::new()), Error::Gone(_)));
        assert!(matches!(refusal(1011, String::new()), Error::Cut { .. }));
    }
}
