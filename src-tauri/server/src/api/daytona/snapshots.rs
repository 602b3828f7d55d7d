//! Snapshots: what cloud sandboxes are made from.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use stigmer_engine::engine::Engine;

use crate::api::Shared;
use crate::form::Report;
use crate::form::cloud::{SnapshotRow, Told};
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::InPath;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_list, list)
        .with(__path_detail, detail)
        .with(__path_activate, activate)
        .with(__path_deactivate, deactivate)
        .with(__path_remove, remove)
}

/// The snapshots that the account can use; those that Daytona provides come last. Fails with `daytona-no-key` where
/// there is no key.
#[utoipa::path(get, path = "/api/v1/daytona/snapshots", tag = "daytona",
    responses((status = 200, body = Vec<SnapshotRow>), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn list(State(engine): State<Engine>) -> Result<Json<Vec<Told>>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    let found = daytona.snapshots(&account).await?;
    Ok(Json(found.into_iter().map(Told::from).collect()))
}

/// One snapshot.
#[utoipa::path(get, path = "/api/v1/daytona/snapshots/{name}", tag = "daytona",
    params(("name" = String, Path, description = "Its name or id")),
    responses((status = 200, body = SnapshotRow), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn detail(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<Json<Told>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    Ok(Json(daytona.snapshot(&account, &name).await?.into()))
}

/// Makes a snapshot usable again. That goes on by itself.
#[utoipa::path(post, path = "/api/v1/daytona/snapshots/{name}/activate", tag = "daytona",
    params(("name" = String, Path, description = "Its name or id")),
    responses((status = 200, body = SnapshotRow), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn activate(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<Json<Told>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    Ok(Json(daytona.activate_snapshot(&account, &name).await?.into()))
}

/// Puts a snapshot to sleep, which frees its place.
#[utoipa::path(post, path = "/api/v1/daytona/snapshots/{name}/deactivate", tag = "daytona",
    params(("name" = String, Path, description = "Its name or id")),
    responses((status = 204), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn deactivate(
    State(engine): State<Engine>,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.deactivate_snapshot(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a snapshot. Sandboxes that were made from it live on.
#[utoipa::path(delete, path = "/api/v1/daytona/snapshots/{name}", tag = "daytona",
    params(("name" = String, Path, description = "Its name or id")),
    responses((status = 204), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn remove(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.remove_snapshot(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
