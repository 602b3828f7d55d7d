//! The log of a command: as it is, or followed to its end over a socket or a chunked body.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::rejection::ExtensionRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::log::Stream;
use super::run::Run;
use super::version::{self, Form};
use super::{Inside, Toolbox, command};
use crate::cloud::Cloud;
use crate::fault::Ending;
use crate::gate::SocketFault;
use crate::reply::Refusal;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;
type Fault = Result<Extension<SocketFault>, ExtensionRejection>;

#[derive(Deserialize)]
pub(super) struct Follow {
    #[serde(default)]
    follow: bool,
}

pub(super) async fn logs(
    State(cloud): State<Arc<Cloud>>,
    Inside(toolbox): Inside,
    Path((_, session, id)): Path<(String, String, String)>,
    Query(how): Query<Follow>,
    headers: HeaderMap,
    upgrade: Upgrade,
    fault: Fault,
) -> Result<Response, Refusal> {
    let run = command::find(&toolbox, &session, &id)?;
    let form = Form::of(&headers);
    if let Ok(upgrade) = upgrade {
        let sending = Sending {
            cloud,
            toolbox,
            run,
            marked: form != Form::Merged,
            follow: how.follow,
            fault: fault.ok().map(|Extension(fault)| fault),
            disturbed: false,
        };
        let upgrade = match version::subprotocol(&headers) {
            Some(offered) => upgrade.protocols([offered]),
            None => upgrade,
        };
        return Ok(upgrade.on_upgrade(|socket| sending.run(socket)));
    }
    if how.follow {
        return Ok(bridged(toolbox, run));
    }
    Ok(whole(&run, form))
}

/// The log as it is now.
fn whole(run: &Run, form: Form) -> Response {
    let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let marked = run.log.marked();
    match form {
        Form::Merged => (plain, run.log.merged()).into_response(),
        Form::Marked => (plain, marked).into_response(),
        Form::Split => {
            let (stdout, stderr) = (text(run.log.only(Stream::Out)), text(run.log.only(Stream::Err)));
            Json(json!({ "output": text(marked), "stdout": stdout, "stderr": stderr })).into_response()
        }
    }
}

/// What a runner does for those who follow without a socket: it passes the log on, without markers.
fn bridged(toolbox: Arc<Toolbox>, run: Arc<Run>) -> Response {
    let grown = run.log.watch();
    let pieces = futures_util::stream::unfold(
        (toolbox, run, grown, 0),
        |(toolbox, run, mut grown, sent)| async move {
            loop {
                let complete = run.log.exit().is_some();
                let piece = run.log.piece(false, sent, 32 << 10);
                if !piece.is_empty() {
                    let sent = sent + piece.len();
                    return Some((
                        Ok::<_, std::convert::Infallible>(Bytes::from(piece)),
                        (toolbox, run, grown, sent),
                    ));
                }
                if complete {
                    return None;
                }
                tokio::select! {
                    _ = grown.changed() => {}
                    () = run.gone.cancelled() => return None,
                    () = toolbox.closed.cancelled() => return None,
                }
            }
        },
    );
    ([(header::CONTENT_TYPE, "application/octet-stream")], Body::from_stream(pieces)).into_response()
}

/// The log of the image's own program, which says nothing.
pub(super) async fn entrypoint(_: Inside, upgrade: Upgrade) -> Response {
    match upgrade {
        Ok(upgrade) => upgrade.on_upgrade(|mut socket| async move {
            let _ = socket.send(close(1000)).await;
        }),
        Err(_) => Json(json!({ "output": "", "stdout": "", "stderr": "" })).into_response(),
    }
}

fn close(code: u16) -> Message {
    Message::Close(Some(CloseFrame { code, reason: "".into() }))
}

/// A log on its way over a socket.
struct Sending {
    cloud: Arc<Cloud>,
    toolbox: Arc<Toolbox>,
    run: Arc<Run>,
    marked: bool,
    follow: bool,
    fault: Option<SocketFault>,
    /// Whether the client sent data, which it must not: the end is then never told, as in the original.
    disturbed: bool,
}

impl Sending {
    async fn run(mut self, mut socket: WebSocket) {
        let Some(ending) = self.send(&mut socket).await else { return };
        match ending {
            // Without a close frame, like a connection that broke.
            Ending::Drop => {}
            Ending::Stall => std::future::pending().await,
            Ending::Close { code } => {
                let _ = socket.send(close(code)).await;
                // Its answer, or the end of the connection.
                let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
                let _ = tokio::time::timeout(Duration::from_secs(2), answered).await;
            }
        }
    }

    /// Sends from the start of the log. `None` when the other side is gone.
    async fn send(&mut self, socket: &mut WebSocket) -> Option<Ending> {
        let mut grown = self.run.log.watch();
        let mut sent = 0;
        loop {
            let complete = self.run.log.exit().is_some();
            let most = fastrand::usize(1..=self.cloud.options.chunk.max(1));
            let left = match self.fault {
                Some(SocketFault::Ends { after, .. }) => after.saturating_sub(sent),
                _ => usize::MAX,
            };
            let piece = self.run.log.piece(self.marked, sent, most.min(left));
            if left == 0
                && let Some(SocketFault::Ends { then, .. }) = self.fault.take()
            {
                return Some(then);
            }
            if !piece.is_empty() {
                sent += piece.len();
                socket.send(Message::Binary(piece.into())).await.ok()?;
                if let Some(SocketFault::Repeats { bytes }) = self.fault
                    && sent >= bytes
                {
                    self.fault = None;
                    sent = 0;
                }
                continue;
            }
            if complete || !self.follow {
                if self.follow {
                    tokio::time::sleep(self.cloud.options.log_close).await;
                }
                return Some(if self.disturbed { Ending::Stall } else { Ending::Close { code: 1000 } });
            }
            tokio::select! {
                _ = grown.changed() => {}
                received = socket.recv() => {
                    self.disturbed |= matches!(received?.ok()?, Message::Binary(_) | Message::Text(_));
                }
                () = self.run.gone.cancelled() => return Some(Ending::Close { code: 1011 }),
                () = self.toolbox.closed.cancelled() => return Some(Ending::Drop),
            }
        }
    }
}
