//! A run as it happens, for programs: the lines of `stigmer run --json`, one in each message.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::Value;
use stigmer_engine::engine::Engine;
use stigmer_engine::history::{Event, What};
use stigmer_engine::json;
use stigmer_engine::log::Tail;
use stigmer_engine::spec::RunId;
use tokio::sync::watch;
use utoipa::IntoParams;

use super::Shared;
use super::runs::InPathRun;
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{InPath, InQuery, RunInPath, Upgrade};

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_stream, stream)
}

/// Where the output begins.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Begin {
    /// The position of the first byte of output; events come from the beginning.
    #[serde(default, deserialize_with = "crate::take::number")]
    #[param(maximum = 9_007_199_254_740_991_u64)]
    from: u64,
}

/// A WebSocket with the messages of `stigmer run --json`, see docs/json.md; it closes after `execution_complete`. It is
/// read from the log at the pace of whoever reads here; who comes back continues with the offset behind the last byte.
#[utoipa::path(get, path = "/api/v1/runs/{id}/stream", tag = "websocket",
    params(RunInPath, Begin), responses((status = 101), Refusal))]
async fn stream(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InQuery(Begin { from }): InQuery<Begin>,
    upgrade: Upgrade,
) -> Result<Response, Refusal> {
    let id = engine.resolve(&id).await?;
    let tail = engine.tail(id, from).await?;
    Ok(upgrade.with(async move |socket| tell(socket, engine, id, tail).await))
}

/// Tells a run until it is over or nobody listens.
async fn tell(socket: WebSocket, engine: Engine, id: RunId, tail: Tail) {
    let (mut to, mut from) = socket.split();
    let telling = async {
        let (lines, mut told) = tokio::sync::mpsc::channel(1);
        let reading = read(&engine, id, tail, lines);
        let sending = async {
            while let Some(line) = told.recv().await {
                to.send(Message::text::<String>(line)).await.ok()?;
            }
            Some(())
        };
        let (read, sent) = tokio::join!(reading, sending);
        if let (Err(error), Some(())) = (read, sent) {
            tracing::warn!(%error, %id, "the stream of the run broke off");
        }
        // Whoever is gone needs no goodbye.
        let _ = to.close().await;
    };
    tokio::select! {
        () = telling => {}
        // Nothing is expected from there; it is read so that a connection that closes is noticed.
        () = async { while let Some(Ok(_)) = from.next().await {} } => {}
    }
}

/// Reads the lines of a run as they come. Ends early when nobody takes them.
async fn read(
    engine: &Engine,
    id: RunId,
    mut tail: Tail,
    lines: tokio::sync::mpsc::Sender<String>,
) -> stigmer_engine::Result<()> {
    let mut happenings = engine.happenings(id).await?;
    let (mut mode, mut told) = ("", 0);
    loop {
        happenings.mark_unchanged();
        let (events, _) = engine.events(id, told)?;
        told += events.len();
        for event in &events {
            if let What::Created { place, .. } = &event.what {
                mode = place.mode.name();
            }
            // The end comes after the last byte of output.
            let is_end = matches!(event.what, What::Ended { .. });
            if !is_end && !send(&lines, json::event(event, id, mode)).await {
                return Ok(());
            }
        }
        let piece = tokio::select! {
            biased;
            () = changed(&mut happenings) => continue,
            piece = tail.next() => piece?,
        };
        let Some(piece) = piece else { break };
        if !send(&lines, json::piece(&piece)).await {
            return Ok(());
        }
    }
    let record = engine.finished(id).await?;
    let (events, _) = engine.events(id, 0)?;
    let mode = record.place.mode.name();
    // What happened in the moment in which the log ended is told, too, and the end once and last.
    let is_end = |event: &Event| matches!(event.what, What::Ended { .. });
    let rest = events.iter().skip(told).filter(|event| !is_end(event));
    let end = events.iter().rev().find(|event| is_end(event));
    let mut last: Vec<_> = rest.chain(end).filter_map(|event| json::event(event, id, mode)).collect();
    last.push(json::complete(&record));
    let _ = send(&lines, last).await;
    Ok(())
}

async fn send(lines: &tokio::sync::mpsc::Sender<String>, values: impl IntoIterator<Item = Value>) -> bool {
    for value in values {
        if lines.send(value.to_string()).await.is_err() {
            return false;
        }
    }
    true
}

/// Waits for more events; for ever where there can be none.
async fn changed(happenings: &mut watch::Receiver<usize>) {
    if happenings.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
