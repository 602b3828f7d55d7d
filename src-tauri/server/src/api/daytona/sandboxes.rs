//! The cloud sandboxes of this home. Only the control API is asked: looking at one neither wakes nor prolongs it.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use stigmer_engine::cloud::{self, Costed};
use stigmer_engine::engine::Engine;

use crate::api::Shared;
use crate::form::cloud::{
    CloudSandboxDetail, CloudSandboxRow, LabelsForm, PreviewForm, SizeForm, TimersForm,
};
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{InBody, InPath, NameInPath};

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_list, list)
        .with(__path_detail, detail)
        .with(__path_start, start)
        .with(__path_stop, stop)
        .with(__path_archive, archive)
        .with(__path_remove, remove)
        .with(__path_recover, recover)
        .with(__path_resize, resize)
        .with(__path_set_timers, set_timers)
        .with(__path_label, label)
        .with(__path_preview, preview)
}

/// The cloud sandboxes that this home made, the one that was used last first. Fails with `daytona-no-key` where there
/// is no key.
#[utoipa::path(get, path = "/api/v1/daytona/sandboxes", tag = "daytona",
    responses((status = 200, body = Vec<CloudSandboxRow>), Refusal))]
async fn list(State(engine): State<Engine>) -> Result<Json<Vec<Costed<cloud::CloudSandbox>>>, Refusal> {
    Ok(Json(engine.cloud_sandboxes(None).await?))
}

/// Everything about one of them.
#[utoipa::path(get, path = "/api/v1/daytona/sandboxes/{name}", tag = "daytona",
    params(NameInPath), responses((status = 200, body = CloudSandboxDetail), Refusal))]
async fn detail(
    State(engine): State<Engine>,
    InPath(name): InPath<String>,
) -> Result<Json<Costed<cloud::CloudDetail>>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    let detail = daytona.sandbox_detail(&account, &name).await?;
    costed(&engine, detail).await
}

/// The answer of whatever ends with everything about one.
async fn costed(
    engine: &Engine,
    detail: cloud::CloudDetail,
) -> Result<Json<Costed<cloud::CloudDetail>>, Refusal> {
    Ok(Json(engine.costed(detail, |detail| &detail.sandbox).await?))
}

/// Starts one of them, and answers when it runs; one that is archived takes its time.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/start", tag = "daytona",
    params(NameInPath), responses((status = 204), Refusal))]
async fn start(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.start_sandbox(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops one of them, with what runs in it; one that is thrown away is gone with that.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/stop", tag = "daytona",
    params(NameInPath), responses((status = 204), Refusal))]
async fn stop(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.stop_sandbox(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has the disk of one that is stopped moved to the archive, where it costs nothing. That goes on by itself.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/archive", tag = "daytona",
    params(NameInPath), responses((status = 204), Refusal))]
async fn archive(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.archive_sandbox(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes one of them, whatever it does, with everything on its disk.
#[utoipa::path(delete, path = "/api/v1/daytona/sandboxes/{name}", tag = "daytona",
    params(NameInPath), responses((status = 204), Refusal))]
async fn remove(State(engine): State<Engine>, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    daytona.remove_sandbox(&account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings one of them back that failed, where that is possible, and answers when it is there, stopped.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/recover", tag = "daytona",
    params(NameInPath), responses((status = 200, body = CloudSandboxDetail), Refusal))]
async fn recover(
    State(engine): State<Engine>,
    InPath(name): InPath<String>,
) -> Result<Json<Costed<cloud::CloudDetail>>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    let detail = daytona.recover_sandbox(&account, &name).await?;
    costed(&engine, detail).await
}

/// Gives one of them another size. While it runs it only gets more CPUs and memory; its disk grows while it is stopped.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/resize", tag = "daytona",
    params(NameInPath), request_body = SizeForm,
    responses((status = 200, body = CloudSandboxDetail), Refusal))]
async fn resize(
    State(engine): State<Engine>,
    InPath(name): InPath<String>,
    InBody(form): InBody<SizeForm>,
) -> Result<Json<Costed<cloud::CloudDetail>>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    let detail = daytona.resize_sandbox(&account, &name, form.into()).await?;
    costed(&engine, detail).await
}

/// Changes when one of them stops, is archived and is deleted by itself.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/timers", tag = "daytona",
    params(NameInPath), request_body = TimersForm,
    responses((status = 200, body = CloudSandboxDetail), Refusal))]
async fn set_timers(
    State(engine): State<Engine>,
    InPath(name): InPath<String>,
    InBody(form): InBody<TimersForm>,
) -> Result<Json<Costed<cloud::CloudDetail>>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    let detail = daytona.set_timers(&account, &name, form.into()).await?;
    costed(&engine, detail).await
}

/// Sets labels of one of them, and takes others off. Those of Stigmer itself stay.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/labels", tag = "daytona",
    params(NameInPath), request_body = LabelsForm,
    responses((status = 200, body = CloudSandboxDetail), Refusal))]
async fn label(
    State(engine): State<Engine>,
    InPath(name): InPath<String>,
    InBody(form): InBody<LabelsForm>,
) -> Result<Json<Costed<cloud::CloudDetail>>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    let detail = daytona.label_sandbox(&account, &name, form.labels).await?;
    costed(&engine, detail).await
}

/// An address of a port of one of them that runs, for a browser. It works for an hour, for whoever knows it.
#[utoipa::path(post, path = "/api/v1/daytona/sandboxes/{name}/ports/{port}", tag = "daytona",
    params(NameInPath, ("port" = u16, Path, description = "The port there", minimum = 1, maximum = 65535)),
    responses((status = 200, body = PreviewForm), Refusal))]
async fn preview(
    State(engine): State<Engine>,
    InPath((name, port)): InPath<(String, u16)>,
) -> Result<Json<cloud::Preview>, Refusal> {
    let (daytona, account) = engine.daytona(None)?;
    Ok(Json(daytona.preview(&account, &name, port, Duration::from_hours(1)).await?))
}
