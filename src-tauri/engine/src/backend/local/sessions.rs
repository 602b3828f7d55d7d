//! The sessions of this machine: which there are, and ending one. Those in sandboxes end with these.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;

/// The file that says whose interpreter is in a folder.
const ABOUT: &str = "about.json";

/// A session whose interpreter runs here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LocalSession {
    /// Its name.
    pub name: String,
    /// The workspace of its runs.
    pub workspace: PathBuf,
    /// When its interpreter was started.
    pub since: Timestamp,
}

impl LocalSession {
    /// One that begins now.
    pub(super) fn new(name: String, workspace: PathBuf) -> Self {
        Self { name, workspace, since: Timestamp::now() }
    }
}

/// Notes whose interpreter listens at `socket`.
pub(super) fn note(socket: &Path, session: &LocalSession) -> std::io::Result<()> {
    std::fs::write(socket.with_file_name(ABOUT), serde_json::to_vec(session)?)
}

fn found(home: &Home) -> Vec<(PathBuf, LocalSession)> {
    let folders = std::fs::read_dir(folder(home)).into_iter().flatten().flatten();
    let read = |folder: PathBuf| {
        let about = serde_json::from_slice(&std::fs::read(folder.join(ABOUT)).ok()?).ok()?;
        let socket = folder.join("socket");
        os::is_heard(&socket).then_some((socket, about))
    };
    folders.filter_map(|entry| read(entry.path())).collect()
}

/// Where the interpreters of a home listen.
pub(super) fn folder(home: &Home) -> PathBuf {
    home.root().join("sessions")
}

/// The sessions of a home that go on, the oldest first.
pub fn list(home: &Home) -> Vec<LocalSession> {
    let mut sessions: Vec<_> = found(home).into_iter().map(|(_, session)| session).collect();
    sessions.sort_by_key(|session| session.since);
    sessions
}

/// Ends the sessions of this name in a workspace, or in every one, with whatever they run: how many.
///
/// None of that name is [`Error::SessionNotFound`].
pub fn end(home: &Home, name: &str, workspace: Option<&Path>) -> Result<usize> {
    let workspace = workspace.map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    let is_meant = |session: &LocalSession| {
        session.name == name && workspace.as_ref().is_none_or(|path| *path == session.workspace)
    };
    let meant: Vec<_> = found(home).into_iter().filter(|(_, session)| is_meant(session)).collect();
    for (socket, _) in &meant {
        // One that has just ended is as good.
        let _ = os::Line::say(socket, stigmer_runner::protocol::END);
    }
    if meant.is_empty() { Err(Error::SessionNotFound { name: name.to_owned() }) } else { Ok(meant.len()) }
}
