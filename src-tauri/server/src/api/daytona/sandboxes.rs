//! The cloud sandboxes of this home. Only the control API is asked: looking at one neither wakes nor prolongs it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use stigmer_engine::cloud;
use stigmer_engine::engine::Engine;

use crate::api::Shared;
use crate::form::Report;
use crate::form::cloud::{CloudSandboxDetail, CloudSandboxRow};
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::InPath;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_list, list)
        .with(__path_detail, detail)
        .with(__path_start, start)
        .with(__path_stop, stop)
        .with(__path_archive, archive)
        .with(__path_remove, remove)
}

/// The cloud sandboxes that this home made, the one that was used last first. Fails with `daytona-no-key` where there
/// is no key.
#[utoipa::path(get, path = "/api/v1/daytona/sandboxes", tag = "daytona",
    responses((status = 200, body = Vec<CloudSandboxRow>), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn list(State(engine): State<Engine>) -> Result<Json<Vec<cloud::CloudSandbox>>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    Ok(Json(daytona.sandboxes(&account).await?))
}

/// Everything about one of them.
#[utoipa::path(get, path = "/api/v1/daytona/sandboxes/{name}", tag = "daytona",
    params(("name" = String, Path, description = "Its name or id")),
    responses((status = 200, body = CloudSandboxDetail), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn detail(
    State(engine): State<Engine>,
    InPath(name): InPath<String>,
) -> Result<Json<cloud::CloudDetail>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    Ok(Json(daytona.sandbox_detail(&account, &name).await?))
}

/// Starts one of them, and answers when it runs; one that is archived takes its time.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/start", tag = "daytona",
    params(("name" = String, Path, description = "Its name or id")),
    responses((status = 204), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn start(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.start_sandbox(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops one of them, with what runs in it; one that is thrown away is gone with that.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/stop", tag = "daytona",
    params(("name" = String, Path, description = "Its name or id")),
    responses((status = 204), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn stop(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.stop_sandbox(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has the disk of one that is stopped moved to the archive, where it costs nothing. That goes on by itself.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/archive", tag = "daytona",
    params(("name" = String, Path, description = "Its name or id")),
    responses((status = 204), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn archive(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.archive_sandbox(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes one of them, whatever it does, with everything on its disk.
#[utoipa::path(delete, path = "/api/v1/daytona/sandboxes/{name}", tag = "daytona",
    params(("name" = String, Path, description = "Its name or id")),
    responses((status = 204), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn remove(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.remove_sandbox(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
