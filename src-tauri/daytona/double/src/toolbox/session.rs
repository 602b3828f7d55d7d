//! Sessions: a shell each, which runs one command after the other.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::ChildStdin;

use super::run::Run;
use super::{Inside, Toolbox, execute, version};
use crate::api::Sent;
use crate::cloud::{Cloud, lock};
use crate::reply::{Answer, Refusal};
use crate::world::new_id;

/// The session of the image's own program, which the double has none of.
const ENTRYPOINT: &str = "entrypoint";

/// Where sessions have the files with which they talk to us, below the root of the sandbox.
const FOLDER: &str = "run/daytona";

/// How long the system takes at most to end what was killed.
const KILLED: Duration = Duration::from_secs(2);

/// A shell and its commands.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    /// Its folder as the shell sees it, and as this machine does.
    pub(super) inside: String,
    pub(super) outside: PathBuf,
    pub(super) input: tokio::sync::Mutex<ChildStdin>,
    leader: Option<Pid>,
    pub(super) ended: Arc<AtomicBool>,
    pub(super) commands: Mutex<Vec<Arc<Run>>>,
}

impl Session {
    async fn start(id: &str, toolbox: &Toolbox, dir: &str) -> std::io::Result<Self> {
        let folder = format!("{FOLDER}/{}", new_id());
        let outside = toolbox.disk.join(&folder);
        std::fs::create_dir_all(&outside)?;
        let mut command = toolbox.place.command(dir, toolbox.env(std::collections::BTreeMap::new()), false);
        command.arg(execute::SHELL).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or_else(|| std::io::Error::other("the shell has no input"))?;
        let leader = execute::leader(&child).await;
        let ended = Arc::new(AtomicBool::new(false));
        let dead = Arc::clone(&ended);
        tokio::spawn(async move {
            let _ = child.wait().await;
            dead.store(true, Ordering::Release);
        });
        Ok(Self {
            id: id.to_owned(),
            inside: format!("/{folder}"),
            outside,
            input: tokio::sync::Mutex::new(input),
            leader,
            ended,
            commands: Mutex::default(),
        })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn json(&self) -> Value {
        let commands: Vec<_> = lock(&self.commands).iter().map(|each| each.json()).collect();
        json!({ "sessionId": self.id, "commands": commands })
    }

    /// Ends the shell's process group and whatever descends from it: politely, and after the grace by force. Nothing
    /// of it runs any more afterwards.
    async fn end(&self, grace: Duration) {
        let Some(leader) = self.leader else { return };
        let mut tree = descendants(leader);
        signal(&tree, Signal::SIGTERM);
        gone(&tree, grace).await;
        // What was started meanwhile is still in the group.
        tree.extend(descendants(leader));
        signal(&tree, Signal::SIGKILL);
        gone(&tree, KILLED).await;
    }
}

/// Waits until none of these runs, at most this long.
async fn gone(processes: &BTreeSet<Pid>, limit: Duration) {
    let began = tokio::time::Instant::now();
    while began.elapsed() < limit && processes.iter().any(|&each| runs(each)) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn signal(processes: &BTreeSet<Pid>, signal: Signal) {
    for &process in processes {
        let _ = kill(process, signal);
    }
}

/// The fields of `/proc/PID/stat` from the state on.
fn stat(process: i32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_ascii_whitespace().map(str::to_owned).collect())
}

/// Whether it is there and more than an entry that nobody has read yet.
fn runs(process: Pid) -> bool {
    stat(process.as_raw()).is_some_and(|fields| fields.first().is_some_and(|state| state != "Z"))
}

/// A process, its group, and everything that descends from it. Nothing if the process is gone: its number may be
/// somebody else's by now.
fn descendants(leader: Pid) -> BTreeSet<Pid> {
    let numbers = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    // Its parent and its group.
    let all: Vec<(i32, i32, i32)> = numbers
        .filter_map(|process| {
            let fields = stat(process)?;
            Some((process, fields.get(1)?.parse().ok()?, fields.get(2)?.parse().ok()?))
        })
        .collect();
    let group = leader.as_raw();
    let mut found: BTreeSet<i32> = all
        .iter()
        .filter(|(process, _, of)| *of == group || *process == group)
        .map(|(process, ..)| *process)
        .collect();
    loop {
        let more: Vec<i32> = all
            .iter()
            .filter(|(process, parent, _)| found.contains(parent) && !found.contains(process))
            .map(|(process, ..)| *process)
            .collect();
        if more.is_empty() {
            return found.into_iter().map(Pid::from_raw).collect();
        }
        found.extend(more);
    }
}

fn missing() -> Refusal {
    Refusal::daemon(StatusCode::NOT_FOUND, "PROCESS_NOT_FOUND", "session not found")
}

pub(super) fn find(toolbox: &Toolbox, id: &str) -> Result<Arc<Session>, Refusal> {
    lock(&toolbox.sessions).get(id).cloned().ok_or_else(missing)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Create {
    #[serde(default)]
    session_id: String,
}

pub(super) async fn create(
    Inside(toolbox): Inside,
    headers: HeaderMap,
    Sent(sent): Sent<Create>,
) -> Result<StatusCode, Refusal> {
    let id = sent.session_id;
    if id.is_empty() || id == ENTRYPOINT {
        return Err(Refusal::daemon_bad(format!("invalid session id: {id:?}")));
    }
    let folders = &toolbox.place.folders;
    let dir = if version::starts_at_home(&headers) { &folders.home } else { &folders.work };
    let conflict = || Refusal::daemon(StatusCode::CONFLICT, "CONFLICT", "session already exists");
    if lock(&toolbox.sessions).contains_key(&id) {
        return Err(conflict());
    }
    let session = Session::start(&id, &toolbox, dir).await.map_err(Refusal::daemon_failed)?;
    let mut sessions = lock(&toolbox.sessions);
    if sessions.contains_key(&id) {
        return Err(conflict());
    }
    sessions.insert(id, Arc::new(session));
    Ok(StatusCode::CREATED)
}

pub(super) async fn list(Inside(toolbox): Inside) -> Json<Value> {
    Json(lock(&toolbox.sessions).values().map(|each| each.json()).collect())
}

pub(super) async fn entrypoint(_: Inside) -> Json<Value> {
    Json(json!({ "sessionId": ENTRYPOINT, "commands": [] }))
}

pub(super) async fn one(Inside(toolbox): Inside, Path((_, id)): Path<(String, String)>) -> Answer {
    Ok(Json(find(&toolbox, &id)?.json()))
}

/// Its logs are gone with it.
pub(super) async fn delete(
    State(cloud): State<Arc<Cloud>>,
    Inside(toolbox): Inside,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let session = find(&toolbox, &id)?;
    session.end(cloud.options.grace).await;
    lock(&toolbox.sessions).remove(&id);
    for run in lock(&session.commands).iter() {
        run.forget();
    }
    let _ = std::fs::remove_dir_all(&session.outside);
    Ok(StatusCode::NO_CONTENT)
}
