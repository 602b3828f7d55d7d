//! The interpreter that keeps its variables: contexts, and code over a socket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::worker::Worker;
use super::{Inside, Toolbox};
use crate::api::Sent;
use crate::cloud::{Cloud, lock};
use crate::reply::{Answer, Refusal};
use crate::world::new_id;

/// The context of code that names none.
const DEFAULT: &str = "default";

/// Seconds that code may run unless it says otherwise.
const TIMEOUT: i64 = 600;

/// Between the polite and the forced end of code that runs too long.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
pub(super) struct Create {
    cwd: Option<String>,
    language: Option<String>,
}

pub(super) async fn create(
    State(cloud): State<Arc<Cloud>>,
    Inside(toolbox): Inside,
    Sent(sent): Sent<Create>,
) -> Answer {
    if let Some(language) = sent.language.filter(|language| !language.is_empty() && language != "python") {
        return Err(Refusal::daemon_bad(format!("unsupported language: {language}")));
    }
    let cwd = toolbox.place.absolute(sent.cwd.as_deref().unwrap_or_default());
    let worker = Worker::start(&toolbox, &new_id(), &cwd, cloud.clock.text()).await;
    let worker = worker.map_err(Refusal::daemon_failed)?;
    lock(&toolbox.workers).insert(worker.id.clone(), Arc::clone(&worker));
    Ok(Json(worker.json()))
}

pub(super) async fn list(Inside(toolbox): Inside) -> Json<Value> {
    let workers = lock(&toolbox.workers);
    let all: Vec<_> = workers.values().filter(|each| each.id != DEFAULT).map(|each| each.json()).collect();
    Json(json!({ "contexts": all }))
}

pub(super) async fn delete(Inside(toolbox): Inside, Path((_, id)): Path<(String, String)>) -> Answer {
    if id == DEFAULT {
        return Err(Refusal::daemon_bad("cannot delete default context"));
    }
    let missing = || Refusal::daemon(StatusCode::NOT_FOUND, "NOT_FOUND", format!("context {id} not found"));
    lock(&toolbox.workers).remove(&id).ok_or_else(missing)?.kill();
    Ok(Json(json!({ "message": "Context deleted successfully" })))
}

/// The first and only message of a client.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Code {
    #[serde(default)]
    code: String,
    context_id: Option<String>,
    #[serde(default)]
    envs: Option<BTreeMap<String, String>>,
    /// Seconds; zero for no limit.
    timeout: Option<i64>,
}

pub(super) async fn execute(
    State(cloud): State<Arc<Cloud>>,
    Inside(toolbox): Inside,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(|socket| async move {
        let mut client = Client { socket, there: true };
        let (code, reason) = client.serve(&cloud, &toolbox).await;
        client.close(code, reason).await;
    })
}

/// Who sent the code, and may be gone before it ends.
struct Client {
    socket: WebSocket,
    there: bool,
}

impl Client {
    /// Runs what the client sends: the code and the reason to close with.
    async fn serve(&mut self, cloud: &Cloud, toolbox: &Toolbox) -> (u16, String) {
        let Some(Ok(Message::Text(text))) = self.socket.recv().await else {
            return (1002, "expected a text message".to_owned());
        };
        let Ok(sent) = serde_json::from_str::<Code>(&text) else {
            return (1002, "failed to read the request".to_owned());
        };
        let timeout = sent.timeout.unwrap_or(TIMEOUT);
        if sent.code.trim().is_empty() {
            return (1008, "code is required".to_owned());
        }
        let Ok(timeout) = u64::try_from(timeout) else {
            return (1008, "timeout must be non-negative".to_owned());
        };
        match context(cloud, toolbox, sent.context_id.as_deref().unwrap_or(DEFAULT)).await {
            Ok(worker) => self.run(toolbox, &worker, &sent, timeout).await,
            Err(why) => (1008, why),
        }
    }

    async fn run(&mut self, toolbox: &Toolbox, worker: &Worker, sent: &Code, timeout: u64) -> (u16, String) {
        let died = || (1001, "worker process exited".to_owned());
        let mut pipes = worker.pipes.lock().await;
        if pipes.send(&sent.code, &sent.envs.clone().unwrap_or_default()).await.is_err() {
            worker.kill();
            return died();
        }
        let limit = if timeout == 0 { Duration::from_hours(24) } else { Duration::from_secs(timeout) };
        let too_long = tokio::time::sleep(limit);
        let forced = tokio::time::sleep(limit + GRACE);
        tokio::pin!(too_long, forced);
        let mut late = false;
        loop {
            tokio::select! {
                message = pipes.next() => match message {
                    None => {
                        worker.kill();
                        return if late { (4008, "execution timed out".to_owned()) } else { died() };
                    }
                    Some(message) => {
                        self.tell(&message).await;
                        if message["type"] == "control" {
                            return if late { (4008, "execution timed out".to_owned()) } else { (1000, String::new()) };
                        }
                    }
                },
                () = &mut too_long, if !late => {
                    late = true;
                    worker.interrupt();
                }
                () = &mut forced => worker.kill(),
                () = toolbox.closed.cancelled() => return died(),
            }
        }
    }

    /// A client that is gone does not end the code.
    async fn tell(&mut self, message: &Value) {
        if self.there {
            self.there = self.socket.send(Message::Text(message.to_string().into())).await.is_ok();
        }
    }

    async fn close(mut self, code: u16, reason: String) {
        let frame = CloseFrame { code, reason: reason.into() };
        if self.there && self.socket.send(Message::Close(Some(frame))).await.is_ok() {
            let answered = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            let _ = tokio::time::timeout(Duration::from_secs(2), answered).await;
        }
    }
}

/// A context by its id. The default one is made when it is first used, and again when it died.
async fn context(cloud: &Cloud, toolbox: &Toolbox, id: &str) -> Result<Arc<Worker>, String> {
    if let Some(found) = lock(&toolbox.workers).get(id).cloned().filter(|found| found.is_active()) {
        return Ok(found);
    }
    if id != DEFAULT {
        return Err(format!("context {id} not found or inactive"));
    }
    let made = Worker::start(toolbox, DEFAULT, &toolbox.place.folders.work, cloud.clock.text())
        .await
        .map_err(|error| error.to_string())?;
    lock(&toolbox.workers).insert(DEFAULT.to_owned(), Arc::clone(&made));
    Ok(made)
}
