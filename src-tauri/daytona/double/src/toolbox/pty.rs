//! Terminals over sockets: made and connected in one step or in two.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::ExtensionRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::disturbance::{Disturbance, Over};
use super::terminal::{Exit, Terminal, Wanted};
use super::{Inside, Toolbox, execute};
use crate::api::Sent;
use crate::cloud::{Cloud, lock};
use crate::fault::Ending;
use crate::gate::SocketFault;
use crate::reply::{Answer, Refusal};

/// Offered by who wants to be told of the end before the close frame.
const EXIT_CONTROL: &str = "X-Daytona-Pty-Exit-Control";

/// Offered with the variables of the shell, as base64 of JSON.
const ENVS: &str = "X-Daytona-Pty-Envs~";

/// Most bytes of input in one message.
const MAX_INPUT: usize = 64 << 10;

/// The largest side of a terminal.
const MAX_SIDE: u16 = 1000;

type Fault = Result<Extension<SocketFault>, ExtensionRejection>;

#[derive(Deserialize)]
pub(super) struct Create {
    #[serde(default)]
    id: String,
    cwd: Option<String>,
    #[serde(default)]
    envs: Option<BTreeMap<String, String>>,
    cols: Option<u16>,
    rows: Option<u16>,
}

async fn started(cloud: &Cloud, toolbox: &Toolbox, sent: Create) -> Result<Arc<Terminal>, Refusal> {
    let Create { id, cwd, envs, cols, rows } = sent;
    if id.is_empty() {
        return Err(Refusal::daemon_bad("id is required"));
    }
    let (cols, rows) = sized(cols.unwrap_or(80), rows.unwrap_or(24))?;
    let conflict =
        || Refusal::daemon(StatusCode::CONFLICT, "CONFLICT", format!("PTY session {id} already exists"));
    if lock(&toolbox.terminals).get(&id).is_some_and(|found| found.is_active()) {
        return Err(conflict());
    }
    let cwd = toolbox.place.absolute(cwd.as_deref().unwrap_or_default());
    let envs = envs.unwrap_or_default();
    execute::names(&envs)?;
    let wanted = Wanted { id: id.clone(), cwd, envs, cols, rows, created: cloud.clock.text() };
    let terminal = Terminal::start(toolbox, wanted).await.map_err(Refusal::daemon_failed)?;
    lock(&toolbox.terminals).insert(id, Arc::clone(&terminal));
    Ok(terminal)
}

fn sized(cols: u16, rows: u16) -> Result<(u16, u16), Refusal> {
    let good = 1..=MAX_SIDE;
    if good.contains(&cols) && good.contains(&rows) {
        return Ok((cols, rows));
    }
    Err(Refusal::daemon_bad(format!("cols and rows must be between 1 and {MAX_SIDE}")))
}

fn find(toolbox: &Toolbox, id: &str) -> Result<Arc<Terminal>, Refusal> {
    let missing =
        || Refusal::daemon(StatusCode::NOT_FOUND, "PROCESS_NOT_FOUND", format!("PTY session {id} not found"));
    lock(&toolbox.terminals).get(id).cloned().ok_or_else(missing)
}

pub(super) async fn create(
    State(cloud): State<Arc<Cloud>>,
    Inside(toolbox): Inside,
    Sent(sent): Sent<Create>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = sent.id.clone();
    started(&cloud, &toolbox, sent).await?;
    Ok((StatusCode::CREATED, Json(json!({ "sessionId": id }))))
}

pub(super) async fn list(Inside(toolbox): Inside) -> Json<Value> {
    let all: Vec<_> = lock(&toolbox.terminals).values().map(|each| each.json()).collect();
    Json(json!({ "sessions": all }))
}

pub(super) async fn one(Inside(toolbox): Inside, Path((_, id)): Path<(String, String)>) -> Answer {
    Ok(Json(find(&toolbox, &id)?.json()))
}

pub(super) async fn delete(Inside(toolbox): Inside, Path((_, id)): Path<(String, String)>) -> Answer {
    find(&toolbox, &id)?.kill();
    lock(&toolbox.terminals).remove(&id);
    Ok(Json(json!({ "message": "PTY session deleted" })))
}

#[derive(Deserialize)]
pub(super) struct Size {
    cols: u16,
    rows: u16,
}

pub(super) async fn resize(
    Inside(toolbox): Inside,
    Path((_, id)): Path<(String, String)>,
    Sent(size): Sent<Size>,
) -> Answer {
    let terminal = find(&toolbox, &id)?;
    let (cols, rows) = sized(size.cols, size.rows)?;
    if !terminal.is_active() {
        return Err(Refusal::daemon(StatusCode::GONE, "GONE", "PTY session has ended"));
    }
    terminal.resize(cols, rows).map_err(Refusal::daemon_failed)?;
    Ok(Json(terminal.json()))
}

pub(super) async fn create_connect(
    State(cloud): State<Arc<Cloud>>,
    Inside(toolbox): Inside,
    Query(mut wanted): Query<Create>,
    headers: HeaderMap,
    fault: Fault,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    wanted.envs = envs(&headers)?;
    let terminal = started(&cloud, &toolbox, wanted).await?;
    Ok(connected(toolbox, terminal, &headers, fault, upgrade))
}

pub(super) async fn connect(
    Inside(toolbox): Inside,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    fault: Fault,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let terminal = find(&toolbox, &id)?;
    Ok(connected(toolbox, terminal, &headers, fault, upgrade))
}

fn offers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all("sec-websocket-protocol").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The variables that one of the offered subprotocols carries.
fn envs(headers: &HeaderMap) -> Result<Option<BTreeMap<String, String>>, Refusal> {
    let Some(text) = offers(headers).find_map(|offer| offer.strip_prefix(ENVS)) else { return Ok(None) };
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
    let envs = decoded.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    envs.map(Some).ok_or_else(|| Refusal::daemon_bad("invalid environment in the subprotocol"))
}

fn connected(
    toolbox: Arc<Toolbox>,
    terminal: Arc<Terminal>,
    headers: &HeaderMap,
    fault: Fault,
    upgrade: WebSocketUpgrade,
) -> Response {
    let tell = offers(headers).any(|offer| offer == EXIT_CONTROL);
    let upgrade = if tell { upgrade.protocols([EXIT_CONTROL]) } else { upgrade };
    upgrade.max_message_size(MAX_INPUT).on_upgrade(move |socket| async move {
        let disturbance = Disturbance::new(fault.ok().map(|Extension(fault)| fault));
        attend(&toolbox, &terminal, socket, disturbance, tell).await;
    })
}

/// Carries bytes both ways until one side ends.
async fn attend(
    toolbox: &Toolbox,
    terminal: &Terminal,
    mut socket: WebSocket,
    mut disturbance: Disturbance,
    tell: bool,
) {
    let hello = json!({ "type": "control", "status": "connected" }).to_string();
    if socket.send(Message::Text(hello.into())).await.is_err() {
        return;
    }
    let over = tokio::select! {
        over = carry(terminal, &mut socket, &mut disturbance) => over,
        () = toolbox.closed.cancelled() => return,
    };
    match over {
        Ok(Some(exit)) => end(socket, &exit, tell).await,
        Ok(None) => goodbye(socket, 1008, "slow consumer").await,
        Err(Over::Gone | Over::Scripted(Ending::Drop)) => {}
        Err(Over::Scripted(Ending::Close { code })) => goodbye(socket, code, "").await,
        Err(Over::Scripted(Ending::Stall)) => toolbox.closed.cancelled().await,
    }
}

/// How the program ended; `None` when the client does not read as fast as it writes.
async fn carry(
    terminal: &Terminal,
    socket: &mut WebSocket,
    disturbance: &mut Disturbance,
) -> Result<Option<Exit>, Over> {
    let (early, mut output) = terminal.look();
    let mut exit = terminal.exit();
    if !early.is_empty() {
        disturbance.send(socket, early.into()).await?;
    }
    loop {
        // Output comes first, so that nothing of it is left when the end is told.
        tokio::select! {
            biased;
            piece = output.recv() => match piece {
                Ok(piece) => disturbance.send(socket, piece).await?,
                Err(RecvError::Lagged(_)) => return Ok(None),
                Err(RecvError::Closed) => return Err(Over::Gone),
            },
            received = socket.recv() => match received {
                Some(Ok(Message::Binary(bytes))) => disturbance.take(terminal, &bytes).await?,
                Some(Ok(Message::Text(text))) => disturbance.take(terminal, text.as_bytes()).await?,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Over::Gone),
                Some(Ok(_)) => {}
            },
            ended = ended(&mut exit) => return Ok(Some(ended)),
        }
    }
}

async fn ended(exit: &mut watch::Receiver<Option<Exit>>) -> Exit {
    let ended = exit.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
    ended.unwrap_or(Exit { code: -1, reason: None })
}

async fn end(mut socket: WebSocket, exit: &Exit, tell: bool) {
    let told = exit.json();
    if tell {
        let mut control = json!({ "type": "control", "status": "exited" });
        control["exitCode"] = told["exitCode"].clone();
        control["exitReason"] = told["exitReason"].clone();
        let _ = socket.send(Message::Text(control.to_string().into())).await;
    }
    goodbye(socket, if exit.code == 0 { 1000 } else { 1011 }, &told.to_string()).await;
}

async fn goodbye(mut socket: WebSocket, code: u16, reason: &str) {
    let frame = CloseFrame { code, reason: reason.to_owned().into() };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), answered).await;
    }
}
