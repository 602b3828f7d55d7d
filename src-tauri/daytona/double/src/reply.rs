//! What handlers answer when they refuse. The body is made at the gate, which knows the path and the time.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub(crate) type Answer<T = Json<Value>> = Result<T, Refusal>;

/// Whose error body it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// `{path, timestamp, statusCode, error, message}`.
    Api,
    /// `{statusCode, source, code, message, timestamp, path, method}`.
    Daemon,
    /// The same from the proxy before the sandbox.
    Proxy,
}

/// An answer that is no success.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) side: Side,
    pub(crate) status: StatusCode,
    pub(crate) code: Option<&'static str>,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn api(status: StatusCode, message: impl Into<String>) -> Self {
        Self { side: Side::Api, status, code: None, message: message.into() }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::api(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self::api(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::api(StatusCode::CONFLICT, message)
    }

    pub(crate) fn daemon(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { side: Side::Daemon, status, code: Some(code), message: message.into() }
    }

    pub(crate) fn proxy(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { side: Side::Proxy, status, code: Some(code), message: message.into() }
    }

    /// A request that the daemon does not take.
    pub(crate) fn daemon_bad(message: impl Into<String>) -> Self {
        Self::daemon(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// What went wrong within the daemon.
    pub(crate) fn daemon_failed(error: impl std::fmt::Display) -> Self {
        Self::daemon(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", error.to_string())
    }

    /// The body for a request of this method and path.
    pub(crate) fn body(&self, method: &str, path: &str, timestamp: &str) -> Value {
        let status = self.status.as_u16();
        match self.side {
            Side::Api => {
                let phrase = self.status.canonical_reason().unwrap_or("Error");
                let mut body = json!({
                    "path": path,
                    "timestamp": timestamp,
                    "statusCode": status,
                    "error": phrase,
                    "message": self.message,
                });
                if let Some(code) = self.code {
                    body["code"] = json!(code);
                    body["source"] = json!("DAYTONA_API");
                }
                body
            }
            Side::Daemon | Side::Proxy => json!({
                "statusCode": status,
                "source": if self.side == Side::Daemon { "DAYTONA_DAEMON" } else { "DAYTONA_PROXY" },
                "code": self.code.unwrap_or_else(|| generic(self.status)),
                "message": self.message,
                "timestamp": timestamp,
                "path": inner(path),
                "method": method,
            }),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The daemon's path of one under `/toolbox/{id}`, which is all that it knows.
fn inner(path: &str) -> &str {
    let Some(rest) = path.strip_prefix("/toolbox/") else { return path };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

/// The generic code of a status.
pub(crate) fn generic(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "BAD_REQUEST",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        408 => "REQUEST_TIMEOUT",
        409 => "CONFLICT",
        410 => "GONE",
        422 => "UNPROCESSABLE_ENTITY",
        _ => "INTERNAL_SERVER_ERROR",
    }
}
