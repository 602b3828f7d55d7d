//! What handlers take out of a request. As axum's own, but what cannot be taken is a report.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
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

/// A request that is not as the description says.
pub(crate) fn misunderstood(why: String) -> Refusal {
    Problem::Request { why }.into()
}
