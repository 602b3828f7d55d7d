//! Snapshots: what cloud sandboxes are made from.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use stigmer_engine::engine::Engine;
use utoipa::IntoParams;

use crate::api::Shared;
use crate::form::cloud::{SnapshotRow, Told};
use crate::form::snapshot::{BuildLog, NewSnapshot};
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{InBody, InPath, InQuery, NameInPath};

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_list, list)
        .with(__path_create, create)
        .with(__path_detail, detail)
        .with(__path_log, log)
        .with(__path_activate, activate)
        .with(__path_deactivate, deactivate)
        .with(__path_remove, remove)
}

/// The snapshots that the account can use; those that Daytona provides come last. Fails with `daytona-no-key` where
/// there is no key.
#[utoipa::path(get, path = "/api/v1/daytona/snapshots", tag = "daytona",
    responses((status = 200, body = Vec<SnapshotRow>), Refusal))]
async fn list(State(engine): State<Engine>) -> Result<Json<Vec<Told>>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    let found = daytona.snapshots(&account).await?;
    Ok(Json(found.into_iter().map(Told::from).collect()))
}

/// Begins to make a snapshot, and answers at once; its state says what comes of it.
#[utoipa::path(post, path = "/api/v1/daytona/snapshots", tag = "daytona", request_body = NewSnapshot,
    responses((status = 201, body = SnapshotRow), Refusal))]
async fn create(
    State(engine): State<Engine>,
    InBody(form): InBody<NewSnapshot>,
) -> Result<(StatusCode, Json<Told>), Refusal> {
    let new = form.try_into()?;
    let (daytona, account) = engine.daytona(None)?;
    Ok((StatusCode::CREATED, Json(daytona.create_snapshot(&account, new).await?.into())))
}

/// Where in a log to read on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Position {
    /// The byte to begin with.
    #[serde(default)]
    #[param(maximum = 9_007_199_254_740_991_u64)]
    from: u64,
}

/// What the log of a snapshot's build says from a byte on. While it is built the answer waits for something new, up to
/// twenty seconds; what is not built has no log.
#[utoipa::path(get, path = "/api/v1/daytona/snapshots/{name}/log", tag = "daytona",
    params(NameInPath, Position), responses((status = 200, body = BuildLog), Refusal))]
async fn log(
    State(engine): State<Engine>,
    InPath(name): InPath<String>,
    InQuery(Position { from }): InQuery<Position>,
) -> Result<Json<BuildLog>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    let piece = daytona.snapshot_log(&account, &name, from).await?;
    Ok(Json(BuildLog::of(&piece, from)))
}

/// One snapshot.
#[utoipa::path(get, path = "/api/v1/daytona/snapshots/{name}", tag = "daytona",
    params(NameInPath), responses((status = 200, body = SnapshotRow), Refusal))]
async fn detail(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<Json<Told>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    Ok(Json(daytona.snapshot(&account, &name).await?.into()))
}

/// Makes a snapshot usable again. That goes on by itself.
#[utoipa::path(post, path = "/api/v1/daytona/snapshots/{name}/activate", tag = "daytona",
    params(NameInPath), responses((status = 200, body = SnapshotRow), Refusal))]
async fn activate(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<Json<Told>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    Ok(Json(daytona.activate_snapshot(&account, &name).await?.into()))
}

/// Puts a snapshot to sleep, which frees its place.
#[utoipa::path(post, path = "/api/v1/daytona/snapshots/{name}/deactivate", tag = "daytona",
    params(NameInPath), responses((status = 204), Refusal))]
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
    params(NameInPath), responses((status = 204), Refusal))]
async fn remove(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.remove_snapshot(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
