//! What handlers take out of a request. As axum's own, but what cannot be taken is a report.

use axum::body::Body;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, Refusal};

/// Most bytes of a body that are taken.
pub(crate) const LARGEST_BODY: usize = 32 << 20;

/// A part of the path.
pub(crate) struct InPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let taken = Path::from_request_parts(parts, state).await;
        taken.map(|Path(value)| Self(value)).map_err(|error| misunderstood(error.body_text()))
    }
}

/// The query. Names that the API does not know are refused: they are mistakes, and would be ignored silently.
pub(crate) struct InQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for InQuery<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let taken = Query::from_request_parts(parts, state).await;
        taken.map(|Query(value)| Self(value)).map_err(|error| misunderstood(error.body_text()))
    }
}

/// A body of JSON. An empty one stands for `{}`, where a call needs to say nothing.
pub(crate) struct InBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for InBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        let is_json = |kind: &header::HeaderValue| {
            let kind = kind.to_str().unwrap_or_default();
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        };
        if bytes.is_empty() && kind.as_ref().is_none_or(is_json) {
            return parse(b"{}");
        }
        // A page of somebody else can send forms and text without asking, but no JSON.
        if !kind.as_ref().is_some_and(is_json) {
            return Err(misunderstood("the body must be JSON, with `Content-Type: application/json`".into()));
        }
        parse(&bytes)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<InBody<T>, Refusal> {
    serde_json::from_slice(bytes).map(InBody).map_err(|error| misunderstood(error.to_string()))
}

/// A body of any bytes.
pub(crate) struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Refusal> {
        let read = Bytes::from_request(request, state).await;
        read.map(Self).map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge { limit: LARGEST_BODY }.into(),
            _ => misunderstood(error.body_text()),
        })
    }
}

/// Largest message of a WebSocket: a specification with its environment and its script.
const LARGEST_MESSAGE: usize = 32 << 20;

/// The subprotocol that carries the token, where headers cannot be set.
pub(crate) const TOKEN_PROTOCOL: &str = "stigmer.token.";

/// A request to go on as a WebSocket.
pub(crate) struct Upgrade(WebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // A browser insists that one of the protocols that it offers is chosen.
        let offered = parts.headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
        let mut offered = offered.unwrap_or_default().split(',').map(str::trim);
        let chosen = offered.find(|name| name.starts_with(TOKEN_PROTOCOL)).map(str::to_owned);
        let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await;
        let upgrade = upgrade.map_err(|error| misunderstood(error.body_text()))?;
        let upgrade = upgrade.max_message_size(LARGEST_MESSAGE).max_frame_size(LARGEST_MESSAGE);
        Ok(Self(if let Some(chosen) = chosen { upgrade.protocols([chosen]) } else { upgrade }))
    }
}

impl Upgrade {
    /// Answers, and goes on with the socket.
    pub(crate) fn with<F: Future<Output = ()> + Send + 'static>(
        self,
        carry: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response {
        self.0.on_upgrade(carry)
    }
}

/// A request that is not as the description says.
pub(crate) fn misunderstood(why: String) -> Refusal {
    Problem::Request { why }.into()
}
