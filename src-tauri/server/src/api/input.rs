//! What a run is given while it goes on.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use stigmer_engine::backend::Size;
use stigmer_engine::engine::Engine;
use utoipa::ToSchema;

use super::Shared;
use super::runs::InPathRun;
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{InBody, InPath, RawBody, RunInPath};

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_input, input).with(__path_end, end).with(__path_resize, resize)
}

/// Sends bytes to the standard input of a run. Answers when the run has taken them, so that one that reads slowly
/// slows its caller down.
#[utoipa::path(post, path = "/api/v1/runs/{id}/input", tag = "input",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), params(RunInPath),
    responses((status = 204), Refusal))]
async fn input(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    RawBody(bytes): RawBody,
) -> Result<StatusCode, Refusal> {
    let id = engine.resolve(&id).await?;
    engine.input(id, bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes the standard input of a run.
#[utoipa::path(post, path = "/api/v1/runs/{id}/input/end", tag = "input",
    params(RunInPath), responses((status = 204), Refusal))]
async fn end(State(engine): State<Engine>, InPath(id): InPathRun) -> Result<StatusCode, Refusal> {
    let id = engine.resolve(&id).await?;
    engine.end_input(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The size of a terminal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resize {
    /// Columns.
    #[schema(maximum = 65535)]
    #[serde(deserialize_with = "crate::take::whole")]
    cols: u16,
    /// Rows.
    #[schema(maximum = 65535)]
    #[serde(deserialize_with = "crate::take::whole")]
    rows: u16,
}

/// Tells the terminal of a run its new size.
#[utoipa::path(post, path = "/api/v1/runs/{id}/resize", tag = "input", request_body = Resize,
    params(RunInPath), responses((status = 204), Refusal))]
async fn resize(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InBody(Resize { cols, rows }): InBody<Resize>,
) -> Result<StatusCode, Refusal> {
    let id = engine.resolve(&id).await?;
    engine.resize(id, Size { cols, rows }).await?;
    Ok(StatusCode::NO_CONTENT)
}
