//! The toolbox: what the daemon inside a sandbox answers.

mod bulk;
mod code;
mod command;
mod disturbance;
mod execute;
mod files;
mod git;
mod interpreter;
mod log;
mod logs;
mod pty;
mod run;
mod search;
mod session;
mod system;
mod terminal;
mod transfer;
mod version;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{delete, get, post};
use tokio_util::sync::CancellationToken;

use crate::cloud::{Cloud, lock};
use crate::place::Place;
use crate::reply::Refusal;
use crate::sandbox::State;

/// What runs in a sandbox that is started. It goes when the sandbox stops.
#[derive(Debug)]
pub(crate) struct Toolbox {
    pub(crate) place: Place,
    /// The sandbox's files on this machine, without what is mounted into them.
    disk: PathBuf,
    /// The variables of every process that is started from now on.
    env: Mutex<BTreeMap<String, String>>,
    sessions: Mutex<BTreeMap<String, Arc<session::Session>>>,
    terminals: Mutex<BTreeMap<String, Arc<terminal::Terminal>>>,
    workers: Mutex<BTreeMap<String, Arc<worker::Worker>>>,
    /// Set when it ends, so that its sockets do.
    closed: CancellationToken,
}

impl Toolbox {
    pub(crate) fn new(place: Place, disk: PathBuf, env: BTreeMap<String, String>) -> Self {
        Self {
            place,
            disk,
            env: Mutex::new(env),
            sessions: Mutex::default(),
            terminals: Mutex::default(),
            workers: Mutex::default(),
            closed: CancellationToken::new(),
        }
    }

    /// Ends everything in it, and returns when nothing is left.
    pub(crate) async fn end(&self) {
        self.closed.cancel();
        self.place.end().await;
    }

    /// The variables of a process with some of its own.
    fn env(&self, own: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut all = lock(&self.env).clone();
        all.extend(own);
        all
    }
}

/// The toolbox that a request is for. Every such request counts as activity unless it says otherwise.
struct Inside(Arc<Toolbox>);

impl FromRequestParts<Arc<Cloud>> for Inside {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, cloud: &Arc<Cloud>) -> Result<Self, Refusal> {
        let path = RawPathParams::from_request_parts(parts, cloud).await.map_err(Refusal::daemon_failed)?;
        let id = path.iter().find(|(name, _)| *name == "sandbox").map_or("", |(_, value)| value);
        let passive =
            parts.headers.get("x-daytona-skip-last-activity-update").is_some_and(|value| value == "true");
        let now = cloud.clock.text();
        let mut world = cloud.world();
        let found = world.sandboxes.iter_mut().find(|each| each.id == id);
        let missing =
            || Refusal::proxy(StatusCode::NOT_FOUND, "NOT_FOUND", format!("sandbox {id} not found"));
        let sandbox = found.ok_or_else(missing)?;
        match (&sandbox.toolbox, sandbox.state) {
            (Some(toolbox), State::Started | State::Snapshotting | State::Resizing) => {
                if !passive {
                    sandbox.active = std::time::Instant::now();
                    sandbox.last_activity_at = now;
                }
                Ok(Self(Arc::clone(toolbox)))
            }
            _ => Err(Refusal::proxy(
                StatusCode::BAD_REQUEST,
                "BAD_REQUEST",
                "bad request: failed to get runner info: no IP address found. Is the Sandbox started?",
            )),
        }
    }
}

pub(crate) fn routes() -> Router<Arc<Cloud>> {
    let inner = Router::new().merge(processes()).merge(terminals()).merge(file_routes()).merge(git::routes());
    Router::new().nest("/toolbox/{sandbox}", inner.merge(system::routes()).fallback(unknown))
}

async fn unknown() -> Refusal {
    Refusal::daemon(StatusCode::NOT_FOUND, "NOT_FOUND", "not found")
}

fn processes() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/process/execute", post(execute::execute))
        .route("/process/code-run", post(code::run))
        .route("/process/session", get(session::list).post(session::create))
        .route("/process/session/entrypoint", get(session::entrypoint))
        .route("/process/session/entrypoint/logs", get(logs::entrypoint))
        .route("/process/session/{session}", get(session::one).delete(session::delete))
        .route("/process/session/{session}/exec", post(command::exec))
        .route("/process/session/{session}/command/{command}", get(command::one))
        .route("/process/session/{session}/command/{command}/input", post(command::input))
        .route("/process/session/{session}/command/{command}/logs", get(logs::logs))
}

fn terminals() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/process/pty", get(pty::list).post(pty::create))
        .route("/process/pty/create-connect", get(pty::create_connect))
        .route("/process/pty/{pty}", get(pty::one).delete(pty::delete))
        .route("/process/pty/{pty}/connect", get(pty::connect))
        .route("/process/pty/{pty}/resize", post(pty::resize))
        .route("/process/interpreter/context", get(interpreter::list).post(interpreter::create))
        .route("/process/interpreter/context/{context}", delete(interpreter::delete))
        .route("/process/interpreter/execute", get(interpreter::execute))
}

fn file_routes() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/files", get(files::list).delete(files::delete))
        .route("/files/info", get(files::info))
        .route("/files/folder", post(files::folder))
        .route("/files/move", post(files::rename))
        .route("/files/permissions", post(files::permissions))
        .route("/files/search", get(search::search))
        .route("/files/find", get(search::find))
        .route("/files/replace", post(search::replace))
        .route("/files/upload-v2", post(transfer::upload))
        .route("/files/upload", post(transfer::upload))
        .route("/files/download", get(transfer::download))
        .route("/files/bulk-upload", post(bulk::upload))
        .route("/files/bulk-download", post(bulk::download))
}
