//! What the API refuses by itself, and how every failure becomes an answer.
//!
//! An answer that is no success is always a [`Report`]: what happened, why, what to do next, and a code that
//! `docs/errors.md` explains. The status of HTTP follows from the code.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use stigmer_engine::{Error, Report};
use utoipa::IntoResponses;
use utoipa::openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder};

/// A request that the API does not pass on to the engine.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Problem {
    /// It is not what the API's description says.
    #[error("the request cannot be understood: {why}")]
    Request {
        /// What is wrong with it.
        why: String,
    },
    /// It can be understood, and no run or setting could ever be like that.
    #[error("{what}")]
    Invalid {
        /// What is wrong.
        what: String,
        /// What would be right.
        hint: &'static str,
    },
    /// The API has no such path.
    #[error("there is nothing at `{path}`")]
    NoRoute {
        /// The path.
        path: String,
    },
    /// The path takes other methods.
    #[error("`{method}` is not possible here")]
    Method {
        /// The method.
        method: String,
    },
    /// The token is missing or wrong.
    #[error("the token is missing or wrong")]
    Token,
    /// The request was sent to another name than that of this machine, or by a page of somebody else.
    #[error("the request comes from `{from}`, which is not this server")]
    Foreign {
        /// The name or the page.
        from: String,
    },
    /// There is no such setting.
    #[error("there is no setting named `{name}`")]
    NoSetting {
        /// The name.
        name: String,
    },
    /// Coding agents may not use this mode.
    #[error("agents may not run commands in mode `{mode}`")]
    ModeNotAllowed {
        /// The mode.
        mode: &'static str,
    },
    /// The server cannot listen there.
    #[error("the server cannot listen at `{address}`")]
    Address {
        /// Where.
        address: String,
    },
    /// The body is larger than any request needs.
    #[error("the request is larger than {limit} bytes")]
    TooLarge {
        /// The most that is taken.
        limit: usize,
    },
}

impl Problem {
    /// The stable name of this failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request { .. } => "request",
            Self::Invalid { .. } => "invalid-request",
            Self::NoRoute { .. } => "no-route",
            Self::Method { .. } => "method",
            Self::Token => "token",
            Self::Foreign { .. } => "foreign",
            Self::Address { .. } => "address-unusable",
            Self::NoSetting { .. } => "setting-not-found",
            Self::ModeNotAllowed { .. } => "mode-not-allowed",
            Self::TooLarge { .. } => "too-large",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Request { .. } | Self::NoRoute { .. } | Self::Method { .. } => {
                "the description of the API is at /api/openapi.json"
            }
            Self::Invalid { hint, .. } => hint,
            Self::Token => {
                "send `Authorization: Bearer TOKEN` with the content of `server.token` in the home folder of \
                 Stigmer; `stigmer server status` prints a link that has it"
            }
            Self::Foreign { .. } => "use the address that `stigmer server status` prints",
            Self::Address { .. } => "choose another with --port, or end the program that has it",
            Self::NoSetting { .. } => "see `stigmer config list`",
            Self::ModeNotAllowed { .. } => "name another mode, or change the setting `mcp.modes`",
            Self::TooLarge { .. } => "send less at once",
        }
    }
}

impl From<&Problem> for Report {
    fn from(problem: &Problem) -> Self {
        Self {
            code: problem.code().to_owned(),
            message: problem.to_string(),
            causes: Vec::new(),
            hint: Some(problem.hint().to_owned()),
        }
    }
}

/// An answer that is no success.
#[derive(Debug, Clone)]
pub struct Refusal(pub Report);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self((&problem).into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = status(&self.0.code);
        let mut response = (status, Json(self.0)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// What the description of an operation says of its failures.
impl IntoResponses for Refusal {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let report = ContentBuilder::new().schema(Some(Ref::from_schema_name("Report"))).build();
        let failure = ResponseBuilder::new().content("application/json", report).build();
        ["4XX", "5XX"].map(|status| (status.to_owned(), failure.clone().into())).into()
    }
}

/// The status that fits a code. 400 is a request that is not as described, 422 one that is and cannot be carried
/// out whatever the machine, 409 one that this machine, or the state of a thing, does not allow.
fn status(code: &str) -> StatusCode {
    match code {
        "request" => StatusCode::BAD_REQUEST,
        "token" => StatusCode::UNAUTHORIZED,
        "foreign" | "mode-not-allowed" => StatusCode::FORBIDDEN,
        "run-not-found" | "image-not-found" | "sandbox-not-found" | "no-route" | "setting-not-found" => {
            StatusCode::NOT_FOUND
        }
        "method" => StatusCode::METHOD_NOT_ALLOWED,
        "too-large" | "file-too-large" => StatusCode::PAYLOAD_TOO_LARGE,
        "storage-full" => StatusCode::INSUFFICIENT_STORAGE,
        "history-locked" => StatusCode::SERVICE_UNAVAILABLE,
        "storage" | "history" | "history-newer" | "no-home" | "connection-lost" => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        "invalid-request"
        | "invalid-spec"
        | "outside-workspace"
        | "folder-unusable"
        | "mount-unusable"
        | "file-unreadable"
        | "pattern"
        | "config"
        | "program-not-found"
        | "program-not-executable"
        | "interpreter-not-found" => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    }
}
