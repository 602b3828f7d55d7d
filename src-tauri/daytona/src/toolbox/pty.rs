//! Terminals: a login shell on a pseudo-terminal, byte by byte.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Toolbox;
use crate::error::{Answer, Error, Result};
use crate::http::{Frame, Sender, Socket};
use crate::model::lenient;

/// Time for the shell to come up after the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// The sandbox refuses messages above 64 KiB.
const MAX_INPUT: usize = 32 << 10;
/// With it the exit code comes as a message of its own, before closing.
const EXIT_CONTROL: &str = "X-Daytona-Pty-Exit-Control";
/// Carries the environment, since the request has no body.
const ENVS: &str = "X-Daytona-Pty-Envs~";

/// A terminal to open.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PtyOptions {
    /// Its id, of the caller's choice, unique in the sandbox.
    pub id: String,
    /// Columns, 1 to 1000.
    pub cols: u16,
    /// Rows, 1 to 1000.
    pub rows: u16,
    /// The working directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Variables on top of the sandbox's; `TERM` is `xterm-256color` unless it is here.
    #[serde(rename = "envs", skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

impl PtyOptions {
    /// A terminal of 80 by 24.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), cols: 80, rows: 24, cwd: None, env: BTreeMap::new() }
    }

    fn protocols(&self) -> Vec<String> {
        let mut protocols = vec![EXIT_CONTROL.to_owned()];
        if !self.env.is_empty() {
            let json = serde_json::to_vec(&self.env).unwrap_or_default();
            protocols.push(format!("{ENVS}{}", URL_SAFE_NO_PAD.encode(json)));
        }
        protocols
    }
}

impl fmt::Debug for PtyOptions {
    /// Without the environment, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PtyOptions");
        shown.field("id", &self.id).field("cols", &self.cols).field("rows", &self.rows);
        shown.finish_non_exhaustive()
    }
}

/// A terminal as the sandbox knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PtyInfo {
    /// Its id.
    pub id: String,
    /// Its working directory.
    #[serde(deserialize_with = "lenient::nullable")]
    pub cwd: String,
    /// Columns.
    #[serde(deserialize_with = "lenient::size")]
    pub cols: u32,
    /// Rows.
    #[serde(deserialize_with = "lenient::size")]
    pub rows: u32,
    /// Whether its shell runs.
    #[serde(deserialize_with = "lenient::nullable")]
    pub active: bool,
}

/// What a terminal tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PtyEvent {
    /// Bytes to show.
    Output(Bytes),
    /// Its shell has ended. The last event.
    Exit {
        /// The exit code, 137 after being killed; `None` when the sandbox did not say it.
        code: Option<i64>,
        /// Why, in the sandbox's words.
        reason: Option<String>,
    },
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Control {
    status: Option<String>,
    error: Option<String>,
    #[serde(deserialize_with = "lenient::whole")]
    exit_code: Option<i64>,
    exit_reason: Option<String>,
}

impl Control {
    /// A text that is a message to the client, not output.
    fn read(text: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Kind {
            #[serde(rename = "type")]
            kind: String,
        }
        let kind: Kind = serde_json::from_slice(text).ok()?;
        (kind.kind == "control").then(|| serde_json::from_slice(text).ok()).flatten()
    }

    fn exit(self) -> PtyEvent {
        PtyEvent::Exit { code: self.exit_code, reason: self.exit_reason }
    }
}

impl Toolbox {
    /// Opens a terminal.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when there is one with this id.
    pub async fn open_pty(&self, options: &PtyOptions) -> Result<Pty> {
        let call = self.get(&["process", "pty", "create-connect"])?.repeat(crate::retry::Repeat::Unsent);
        let call = call.query("id", &options.id).maybe("cwd", options.cwd.as_ref());
        let call = call.query("cols", options.cols.to_string()).query("rows", options.rows.to_string());
        match self.http.socket(call, &options.protocols()).await {
            Ok(socket) => Pty::connected(self.clone(), options.id.clone(), socket).await,
            // Sandboxes before autumn 2026 do it in two steps.
            Err(Error::NotFound(_)) => {
                let call = self.post(&["process", "pty"])?.json(options)?;
                self.http.done(call).await?;
                self.attach_pty(&options.id).await
            }
            Err(error) => Err(error),
        }
    }

    /// Shows a terminal that is open already. Several can look at one.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none.
    pub async fn attach_pty(&self, id: &str) -> Result<Pty> {
        let call = self.get(&["process", "pty", id, "connect"])?;
        let socket = self.http.socket(call, &[EXIT_CONTROL.to_owned()]).await?;
        Pty::connected(self.clone(), id.to_owned(), socket).await
    }

    /// The terminals of the sandbox.
    pub async fn ptys(&self) -> Result<Vec<PtyInfo>> {
        #[derive(Deserialize)]
        struct List {
            #[serde(default, deserialize_with = "lenient::nullable")]
            sessions: Vec<PtyInfo>,
        }
        Ok(self.http.json::<List>(self.get(&["process", "pty"])?).await?.sessions)
    }

    /// Kills a terminal with everything in it; `false` when there is none, or none any more.
    pub async fn kill_pty(&self, id: &str) -> Result<bool> {
        let call = self.delete(&["process", "pty", id])?.harmless();
        match self.http.done(call).await {
            Err(Error::NotFound(_) | Error::Gone(_)) => Ok(false),
            done => done.map(|()| true),
        }
    }
}

/// An open terminal. Dropping it leaves the shell running, to be attached again.
pub struct Pty {
    toolbox: Toolbox,
    id: String,
    socket: Socket,
    /// Output that came before the word that the terminal is connected.
    early: Option<Bytes>,
    over: bool,
}

/// The way in: can be used while somebody waits for output. Clones are cheap.
#[derive(Clone)]
pub struct PtyInput {
    sender: Sender,
}

impl Pty {
    async fn connected(toolbox: Toolbox, id: String, mut socket: Socket) -> Result<Self> {
        let operation = "GET /process/pty".to_owned();
        let first = tokio::time::timeout(CONNECT, socket.next()).await;
        let first = first.map_err(|_| Error::Timeout { operation: operation.clone(), after: CONNECT })??;
        let mut pty = Self { toolbox, id, socket, early: None, over: false };
        let message = match first {
            Frame::Closed { reason, .. } => reason,
            // One that is there already may speak before it says that it is.
            Frame::Binary(bytes) => {
                pty.early = Some(bytes);
                return Ok(pty);
            }
            Frame::Text(text) => match Control::read(&text) {
                Some(Control { status, error, .. }) if status.as_deref() == Some("error") => {
                    error.unwrap_or_default()
                }
                Some(_) => return Ok(pty),
                None => {
                    pty.early = Some(text);
                    return Ok(pty);
                }
            },
        };
        let message = if message.is_empty() { "the terminal was not opened".to_owned() } else { message };
        Err(Error::Invalid(Answer { operation, status: 101, message, code: None, request_id: None }))
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it tells next; `None` after its exit. May be dropped and asked again: nothing is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Cut`] when the connection broke. The shell goes on, and can be attached again; what it printed meanwhile
    /// is not shown again.
    pub async fn next(&mut self) -> Result<Option<PtyEvent>> {
        if let Some(early) = self.early.take() {
            return Ok(Some(PtyEvent::Output(early)));
        }
        while !self.over {
            match self.socket.next().await? {
                Frame::Binary(bytes) => return Ok(Some(PtyEvent::Output(bytes))),
                Frame::Text(text) => match Control::read(&text) {
                    Some(control) if control.status.as_deref() == Some("exited") => {
                        self.over = true;
                        return Ok(Some(control.exit()));
                    }
                    Some(_) => {}
                    None => return Ok(Some(PtyEvent::Output(text))),
                },
                Frame::Closed { code, reason } => return self.closed(code, &reason).map(Some),
            }
        }
        Ok(None)
    }

    /// The reason of closing is JSON with the exit code, whatever the code of closing.
    fn closed(&mut self, code: Option<u16>, reason: &str) -> Result<PtyEvent> {
        self.over = true;
        let said: Control = serde_json::from_str(reason).unwrap_or_default();
        match (said.exit_code, code) {
            (Some(_), _) => Ok(said.exit()),
            (None, None | Some(1000)) => Ok(PtyEvent::Exit { code: None, reason: None }),
            (None, Some(code)) => {
                let why = format!("closed with {code}: {reason}");
                Err(Error::Cut { operation: "GET /process/pty".to_owned(), why })
            }
        }
    }

    /// The way in.
    pub fn input(&self) -> PtyInput {
        PtyInput { sender: self.socket.sender() }
    }

    /// Gives it another size, 1 to 1000 each.
    pub async fn resize(&self, cols: u16, rows: u16) -> Result<PtyInfo> {
        let body = BTreeMap::from([("cols", cols), ("rows", rows)]);
        let path = ["process", "pty", &self.id, "resize"];
        self.toolbox.http.json(self.toolbox.post(&path)?.json(&body)?.harmless()).await
    }

    /// Kills its shell with everything in it.
    pub async fn kill(&self) -> Result<bool> {
        self.toolbox.kill_pty(&self.id).await
    }

    /// Stops looking. The shell goes on.
    pub async fn detach(self) -> Result<()> {
        self.socket.sender().close().await
    }
}

impl fmt::Debug for Pty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pty").field("id", &self.id).field("over", &self.over).finish_non_exhaustive()
    }
}

impl PtyInput {
    /// Types bytes. Dropped in the middle of more than 32 KiB, some of them may have been typed.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<()> {
        let mut bytes = bytes.into();
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(MAX_INPUT));
            self.sender.binary(piece).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for PtyInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PtyInput")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_travels_as_a_protocol() {
        let mut options = PtyOptions::new("t");
        assert_eq!(options.protocols(), [EXIT_CONTROL]);
        options.env.insert("E".to_owned(), "1".to_owned());
        assert_eq!(options.protocols()[1], "X-Daytona-Pty-Envs~eyJFIjoiMSJ9");
    }

    #[test]
    fn only_messages_to_the_client_are_not_output() {
        assert!(Control::read(br#"{"type":"control","status":"connected"}"#).is_some());
        assert!(Control::read(br#"{"type":"dance"}"#).is_none());
        assert!(Control::read(b"{}").is_none());
        let exited = br#"{"type":"control","status":"exited","exitCode":3,"exitReason":"bye"}"#;
        let exit = PtyEvent::Exit { code: Some(3), reason: Some("bye".to_owned()) };
        assert_eq!(Control::read(exited).map(Control::exit), Some(exit));
    }
}
