//! The gate that every request passes: it is recorded, may fail as scripted, must have the key, and is carried out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::cloud::Cloud;
use crate::fault::{Effect, Ending};
use crate::journal::Entry;
use crate::reply::{Refusal, Side};
use crate::{api, clock, sandbox};

/// The connection is to end without an answer.
#[derive(Debug)]
pub(crate) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection ends as scripted")
    }
}

impl std::error::Error for Gone {}

/// What a handler of a WebSocket is to do wrong.
#[derive(Debug, Clone)]
pub(crate) enum SocketFault {
    Ends { after: usize, then: Ending },
    Repeats { bytes: usize },
    Hears { after: usize, then: Ending },
    Crumbles { most: usize },
}

/// Answers one request, or ends its connection.
pub(crate) async fn answer(
    cloud: Arc<Cloud>,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response, Gone> {
    let (parts, body) = request.into_parts();
    if parts.uri.path().starts_with("/__double/") {
        let answered = carry_out(&cloud, &router, parts, Body::new(body)).await;
        return Ok(answered);
    }
    let entry = cloud.journal.begin(&parts);
    let body = recorded(&cloud, entry, &parts, body).await?;
    let effect = cloud.faults.take(parts.method.as_str(), parts.uri.path());
    let response = match effect {
        None => guarded(&cloud, &router, parts, body).await,
        Some(effect) => faulty(&cloud, &router, parts, body, effect).await?,
    };
    cloud.journal.note(entry, |recorded| recorded.status = Some(response.status().as_u16()));
    Ok(response)
}

/// Reads a body of JSON for the journal; any other is counted while it is read.
async fn recorded(cloud: &Arc<Cloud>, entry: Entry, parts: &Parts, body: Incoming) -> Result<Body, Gone> {
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let bytes = body.collect().await.map_err(|_| Gone)?.to_bytes();
        cloud.journal.note(entry, |recorded| {
            recorded.body_bytes = bytes.len() as u64;
            recorded.json = serde_json::from_slice(&bytes).ok();
        });
        return Ok(Body::from(bytes));
    }
    let cloud = Arc::clone(cloud);
    let counted = body.map_frame(move |frame| {
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        cloud.journal.note(entry, |recorded| recorded.body_bytes += bytes);
        frame
    });
    Ok(Body::new(counted))
}

/// Carries a request out if its key is good for it.
async fn guarded(cloud: &Arc<Cloud>, router: &Router, parts: Parts, body: Body) -> Response {
    if let Err(refusal) = api::allowed(cloud, &parts) {
        return finished(cloud, &parts.clone(), refusal.into_response());
    }
    carry_out(cloud, router, parts, body).await
}

/// Carries a request out to its end, also when its client does not wait for that.
async fn carry_out(cloud: &Arc<Cloud>, router: &Router, mut parts: Parts, body: Body) -> Response {
    let of = parts.clone();
    parts.extensions.insert(side(&of));
    let carried = tokio::spawn(router.clone().oneshot(Request::from_parts(parts, body)));
    let response = match carried.await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(error) => Refusal::daemon_failed(error).into_response(),
    };
    finished(cloud, &of, response)
}

/// Gives an answer what only the gate knows: the body of a refusal, the limits of its class, a wrong time.
fn finished(cloud: &Cloud, parts: &Parts, mut response: Response) -> Response {
    let path = parts.uri.path();
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let body = refusal.body(parts.method.as_str(), path, &cloud.clock.text());
        let headers = std::mem::take(response.headers_mut());
        response = (refusal.status, axum::Json(body)).into_response();
        for (name, value) in &headers {
            if name != header::CONTENT_LENGTH {
                response.headers_mut().append(name, value.clone());
            }
        }
    }
    if path.starts_with("/api/") {
        let class = api::class(&parts.method, path);
        add(&mut response, &format!("X-RateLimit-Limit-{class}"), "10000");
        add(&mut response, &format!("X-RateLimit-Remaining-{class}"), "9999");
        add(&mut response, &format!("X-RateLimit-Reset-{class}"), "60");
    }
    if cloud.clock.is_wrong() {
        add(&mut response, "Date", &clock::http_date(cloud.clock.now()));
    }
    response
}

/// Whose errors a path has.
fn side(parts: &Parts) -> Side {
    if parts.uri.path().starts_with("/toolbox/") { Side::Daemon } else { Side::Api }
}

fn add(response: &mut Response, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        response.headers_mut().entry(name).or_insert(value);
    }
}

/// Reads a request to its end, as what stands before a service does: a client that still sends would miss the answer.
async fn heard(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

async fn faulty(
    cloud: &Arc<Cloud>,
    router: &Router,
    parts: Parts,
    body: Body,
    effect: Effect,
) -> Result<Response, Gone> {
    let wait = |ms| tokio::time::sleep(Duration::from_millis(ms));
    match effect {
        Effect::Refuse { status, message, code, headers } => {
            heard(body).await;
            let response = refused(&parts, status, message, code);
            Ok(finished(cloud, &parts, with(response, headers)))
        }
        Effect::Answer { status, content_type, body: text, headers } => {
            heard(body).await;
            Ok(exactly(status, &content_type, &text, headers))
        }
        Effect::Hang => std::future::pending().await,
        Effect::Drop => Err(Gone),
        Effect::Slow { ms } => {
            wait(ms).await;
            Ok(guarded(cloud, router, parts, body).await)
        }
        Effect::Late { ms } => {
            let response = guarded(cloud, router, parts, body).await;
            wait(ms).await;
            Ok(response)
        }
        Effect::Lost => {
            guarded(cloud, router, parts, body).await;
            Err(Gone)
        }
        Effect::Cut { bytes } => partly(guarded(cloud, router, parts, body).await, bytes, false).await,
        Effect::Stall { bytes } => partly(guarded(cloud, router, parts, body).await, bytes, true).await,
        Effect::Short { bytes } => shortened(guarded(cloud, router, parts, body).await, bytes).await,
        Effect::Twice => twice(cloud, router, parts, body).await,
        Effect::Socket { after, then } => {
            Ok(told(cloud, router, parts, body, SocketFault::Ends { after, then }).await)
        }
        Effect::Repeat { bytes } => {
            Ok(told(cloud, router, parts, body, SocketFault::Repeats { bytes }).await)
        }
        Effect::Hears { after, then } => {
            Ok(told(cloud, router, parts, body, SocketFault::Hears { after, then }).await)
        }
        Effect::Crumbs { most } => Ok(told(cloud, router, parts, body, SocketFault::Crumbles { most }).await),
        Effect::Sandbox { ms, state, reason } => {
            let at = if side(&parts) == Side::Api { 3 } else { 2 };
            let name = parts.uri.path().split('/').nth(at).unwrap_or_default().to_owned();
            let change = sandbox::change(Arc::clone(cloud), name, state, reason);
            let response = guarded(cloud, router, parts, body).await;
            tokio::spawn(async move {
                wait(ms).await;
                let _ = change.await;
            });
            Ok(response)
        }
    }
}

/// Leaves the fault to the handler of the socket.
async fn told(
    cloud: &Arc<Cloud>,
    router: &Router,
    mut parts: Parts,
    body: Body,
    fault: SocketFault,
) -> Response {
    parts.extensions.insert(fault);
    guarded(cloud, router, parts, body).await
}

async fn twice(cloud: &Arc<Cloud>, router: &Router, parts: Parts, body: Body) -> Result<Response, Gone> {
    let body = body.collect().await.map_err(|_| Gone)?.to_bytes();
    guarded(cloud, router, parts.clone(), Body::from(body.clone())).await;
    Ok(guarded(cloud, router, parts, Body::from(body)).await)
}

/// A refusal as the side that the path belongs to words it.
fn refused(parts: &Parts, status: u16, message: Option<String>, code: Option<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let usual = match status {
        StatusCode::INTERNAL_SERVER_ERROR => "An unexpected error occurred.",
        other => other.canonical_reason().unwrap_or("Error"),
    };
    let mut refusal = Refusal::api(status, message.unwrap_or_else(|| usual.to_owned()));
    refusal.side = side(parts);
    // Codes of a fault live as long as the test: there are a handful of them.
    refusal.code = code.map(|code| &*code.leak());
    refusal.into_response()
}

fn exactly(status: u16, content_type: &str, body: &Value, headers: BTreeMap<String, String>) -> Response {
    let text = match body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !content_type.is_empty() {
        add(&mut response, "Content-Type", content_type);
    }
    with(response, headers)
}

fn with(mut response: Response, headers: BTreeMap<String, String>) -> Response {
    for (name, value) in headers {
        add(&mut response, &name, &value);
    }
    response
}

/// The beginning of an answer, of unknown length.
async fn shortened(response: Response, bytes: usize) -> Result<Response, Gone> {
    let (mut parts, body) = response.into_parts();
    let whole = body.collect().await.map_err(|_| Gone)?.to_bytes();
    parts.headers.remove(header::CONTENT_LENGTH);
    let beginning = whole.slice(..bytes.min(whole.len()));
    let once = futures_util::stream::once(async { Ok::<_, Gone>(beginning) });
    Ok(Response::from_parts(parts, Body::from_stream(once)))
}

/// Announces the whole body, sends the beginning of it, and ends the connection or leaves it as it is.
async fn partly(response: Response, bytes: usize, stall: bool) -> Result<Response, Gone> {
    let (mut parts, body) = response.into_parts();
    let whole = body.collect().await.map_err(|_| Gone)?.to_bytes();
    parts.headers.insert(header::CONTENT_LENGTH, whole.len().max(bytes + 1).into());
    let beginning = whole.slice(..bytes.min(whole.len()));
    let pieces = futures_util::stream::unfold(0, move |step| {
        let beginning = beginning.clone();
        async move {
            match step {
                0 => Some((Ok(beginning), 1)),
                1 if stall => std::future::pending().await,
                1 => {
                    // What was sent must have left before the connection breaks.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Some((Err(Gone), 2))
                }
                _ => None,
            }
        }
    });
    Ok(Response::from_parts(parts, Body::from_stream(pieces)))
}
