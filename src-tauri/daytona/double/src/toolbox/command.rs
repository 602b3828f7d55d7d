//! Commands of sessions.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::log::Stream;
use super::run::{self, Run};
use super::version::Form;
use super::{Inside, Toolbox, session};
use crate::api::Sent;
use crate::reply::{Answer, Refusal};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exec {
    #[serde(default)]
    command: String,
    #[serde(default, alias = "async")]
    run_async: bool,
    #[serde(default)]
    suppress_input_echo: bool,
}

pub(super) async fn exec(
    Inside(toolbox): Inside,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    Sent(sent): Sent<Exec>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    if sent.command.trim().is_empty() {
        return Err(Refusal::daemon_bad("command cannot be empty"));
    }
    let session = session::find(&toolbox, &id)?;
    let ended = || Refusal::daemon(StatusCode::GONE, "SESSION_ENDED", "session has ended");
    if session.has_ended() {
        return Err(ended());
    }
    let run = Run::start(&session, &sent.command, sent.run_async, !sent.suppress_input_echo);
    let run = run.await.map_err(|_| ended())?;
    if sent.run_async {
        return Ok((StatusCode::ACCEPTED, Json(json!({ "cmdId": run.id }))));
    }
    let mut grown = run.log.watch();
    while run.log.exit().is_none() {
        tokio::select! {
            _ = grown.changed() => {}
            () = run.gone.cancelled() => return Err(ended()),
            () = toolbox.closed.cancelled() => return Err(ended()),
        }
    }
    Ok((StatusCode::OK, Json(finished(&run, Form::of(&headers)))))
}

/// What a command said, in the form that the caller understands.
fn finished(run: &Run, form: Form) -> Value {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let marked = run.log.marked();
    let mut value = json!({ "cmdId": run.id, "exitCode": run.log.exit() });
    match form {
        Form::Merged => value["output"] = json!(text(run.log.merged())),
        Form::Marked => value["output"] = json!(text(marked)),
        Form::Split => {
            value["stdout"] = json!(text(run.log.only(Stream::Out)));
            value["stderr"] = json!(text(run.log.only(Stream::Err)));
            value["output"] = json!(text(marked));
        }
    }
    value
}

pub(super) fn find(toolbox: &Toolbox, session: &str, id: &str) -> Result<Arc<Run>, Refusal> {
    let session = session::find(toolbox, session)?;
    let missing = || Refusal::daemon(StatusCode::NOT_FOUND, "PROCESS_NOT_FOUND", "command not found");
    run::find(&session, id).ok_or_else(missing)
}

pub(super) async fn one(
    Inside(toolbox): Inside,
    Path((_, session, id)): Path<(String, String, String)>,
) -> Answer {
    Ok(Json(find(&toolbox, &session, &id)?.json()))
}

#[derive(Deserialize)]
pub(super) struct Input {
    data: String,
}

pub(super) async fn input(
    Inside(toolbox): Inside,
    Path((_, session, id)): Path<(String, String, String)>,
    Sent(mut sent): Sent<Input>,
) -> Result<StatusCode, Refusal> {
    let run = find(&toolbox, &session, &id)?;
    let over = |message| Refusal::daemon(StatusCode::GONE, "COMMAND_ALREADY_COMPLETED", message);
    if run.log.exit().is_some() {
        return Err(over("command has already completed"));
    }
    if !sent.data.ends_with('\n') {
        sent.data.push('\n');
    }
    let mut input = run.input.lock().await;
    let pipe = input.as_mut().ok_or_else(|| over("command takes no input"))?;
    tokio::select! {
        written = pipe.write_all(sent.data.as_bytes()) => written.map_err(Refusal::daemon_failed)?,
        () = run.gone.cancelled() => return Err(over("session has ended")),
    }
    drop(input);
    if run.echo {
        run.log.lines(Stream::Out, sent.data.as_bytes());
    }
    Ok(StatusCode::NO_CONTENT)
}
