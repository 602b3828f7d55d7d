//! Sandboxes, one by one.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use stigmer_engine::engine::Engine;
use stigmer_engine::sandbox;
use utoipa::IntoParams;

use super::Shared;
use crate::form::sandbox::{SandboxDetail, SandboxRow};
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{InPath, InQuery, NameInPath};

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_list, list)
        .with(__path_detail, detail)
        .with(__path_start, start)
        .with(__path_stop, stop)
        .with(__path_remove, remove)
}

/// Whose containers to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// Also those of others.
    #[serde(default)]
    all: bool,
}

/// The containers that were made here, the newest first.
#[utoipa::path(get, path = "/api/v1/sandboxes", tag = "sandboxes", params(Whose),
    responses((status = 200, body = Vec<SandboxRow>), Refusal))]
async fn list(
    State(engine): State<Engine>,
    InQuery(Whose { all }): InQuery<Whose>,
) -> Result<Json<Vec<sandbox::Sandbox>>, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    Ok(Json(docker.sandboxes(&wish, all).await?))
}

/// Everything about a container.
#[utoipa::path(get, path = "/api/v1/sandboxes/{name}", tag = "sandboxes",
    params(NameInPath), responses((status = 200, body = SandboxDetail), Refusal))]
async fn detail(
    State(engine): State<Engine>,
    InPath(name): InPath<String>,
) -> Result<Json<sandbox::Detail>, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    Ok(Json(docker.sandbox_detail(&wish, &name).await?))
}

/// Starts a container of ours that was stopped.
#[utoipa::path(post, path = "/api/v1/sandboxes/{name}/start", tag = "sandboxes",
    params(NameInPath), responses((status = 204), Refusal))]
async fn start(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    docker.start_sandbox(&wish, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends what runs in a container of ours, and the container; one that is not kept is removed with that.
#[utoipa::path(post, path = "/api/v1/sandboxes/{name}/stop", tag = "sandboxes",
    params(NameInPath), responses((status = 204), Refusal))]
async fn stop(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    docker.stop_sandbox(&wish, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a container of ours, whatever it does.
#[utoipa::path(delete, path = "/api/v1/sandboxes/{name}", tag = "sandboxes",
    params(NameInPath), responses((status = 204), Refusal))]
async fn remove(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    docker.remove_sandbox(&wish, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
