//! Images. What takes its time is a run.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use stigmer_engine::engine::Engine;
use stigmer_engine::image::{self, custom, tiers};
use stigmer_engine::spec::{Customize, ImageTask, Mode, Origin, RunSpec, Target, Work};
use utoipa::IntoParams;

use super::{Shared, blocking};
use crate::form::StartedRun;
use crate::form::image::{
    CopyPreview, ImageDetailForm, ImageForm, NamedImage, NewCopy, NewImage, NewName, Note, PrunableForm,
    Prune, Removal, RemovedForm, TierForm, Verification,
};
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{InBody, InQuery};

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_list, list)
        .with(__path_detail, detail)
        .with(__path_shipped, shipped)
        .with(__path_prunable, prunable)
        .with(__path_prune, prune)
        .with(__path_pull, pull)
        .with(__path_push, push)
        .with(__path_build, build)
        .with(__path_verify, verify)
        .with(__path_customize, customize)
        .with(__path_preview, preview)
        .with(__path_tag, tag)
        .with(__path_note, note)
        .with(__path_remove, remove)
}

/// Every image of the engine, the newest first.
#[utoipa::path(get, path = "/api/v1/images", tag = "images",
    responses((status = 200, body = Vec<ImageForm>), Refusal))]
async fn list(State(engine): State<Engine>) -> Result<Json<Vec<image::Image>>, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    Ok(Json(docker.images(&wish).await?))
}

/// An image.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Its name or id.
    #[param(min_length = 1)]
    image: String,
}

/// Everything about an image: layers, variables, what it starts.
#[utoipa::path(get, path = "/api/v1/images/detail", tag = "images", params(Which),
    responses((status = 200, body = ImageDetailForm), Refusal))]
async fn detail(
    State(engine): State<Engine>,
    InQuery(Which { image }): InQuery<Which>,
) -> Result<Json<image::Detail>, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    Ok(Json(docker.image_detail(&wish, &image).await?))
}

/// The tiers that come with Stigmer.
#[utoipa::path(get, path = "/api/v1/images/tiers", tag = "images",
    responses((status = 200, body = Vec<TierForm>), Refusal))]
async fn shipped() -> Json<Vec<TierForm>> {
    Json(tiers::TIERS.map(TierForm::from).into())
}

/// What counts as not needed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Unneeded {
    /// Also those that have a name and no container.
    #[serde(default)]
    unused: bool,
}

/// Images that are not needed. Removes none.
#[utoipa::path(get, path = "/api/v1/images/prunable", tag = "images", params(Unneeded),
    responses((status = 200, body = Vec<PrunableForm>), Refusal))]
async fn prunable(
    State(engine): State<Engine>,
    InQuery(Unneeded { unused }): InQuery<Unneeded>,
) -> Result<Json<Vec<image::Prunable>>, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    Ok(Json(docker.prunable_images(&wish, unused).await?))
}

/// Removes images by id. One that is needed after all stays, and those after it, too.
#[utoipa::path(post, path = "/api/v1/images/prune", tag = "images", request_body = Prune,
    responses((status = 200, body = RemovedForm), Refusal))]
async fn prune(
    State(engine): State<Engine>,
    InBody(Prune { ids }): InBody<Prune>,
) -> Result<Json<image::Removed>, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    let mut all = image::Removed::default();
    for id in ids {
        let removed = docker.remove_image(&wish, &id, true).await?;
        all.untagged.extend(removed.untagged);
        all.deleted.extend(removed.deleted);
    }
    Ok(Json(all))
}

/// Starts something that is done with an image.
async fn begin(engine: Engine, task: ImageTask) -> Result<(StatusCode, Json<StartedRun>), Refusal> {
    let workspace = super::app::usual_workspace(engine.home().root());
    let spec = RunSpec {
        target: Target::mode(Mode::Sandbox),
        origin: Origin::Api,
        ..RunSpec::new(Work::Image { task }, workspace)
    };
    let run_id = engine.start(spec).await?;
    Ok((StatusCode::CREATED, Json(StartedRun { run_id })))
}

/// Fetches an image from its registry, as a run.
#[utoipa::path(post, path = "/api/v1/images/pull", tag = "images", request_body = NamedImage,
    responses((status = 201, body = StartedRun), Refusal))]
async fn pull(
    State(engine): State<Engine>,
    InBody(NamedImage { image }): InBody<NamedImage>,
) -> Result<(StatusCode, Json<StartedRun>), Refusal> {
    begin(engine, ImageTask::Pull { image }).await
}

/// Sends an image to its registry, as a run.
#[utoipa::path(post, path = "/api/v1/images/push", tag = "images", request_body = NamedImage,
    responses((status = 201, body = StartedRun), Refusal))]
async fn push(
    State(engine): State<Engine>,
    InBody(NamedImage { image }): InBody<NamedImage>,
) -> Result<(StatusCode, Json<StartedRun>), Refusal> {
    begin(engine, ImageTask::Push { image }).await
}

/// Builds an image, as a run.
#[utoipa::path(post, path = "/api/v1/images/build", tag = "images", request_body = NewImage,
    responses((status = 201, body = StartedRun), Refusal))]
async fn build(
    State(engine): State<Engine>,
    InBody(new): InBody<NewImage>,
) -> Result<(StatusCode, Json<StartedRun>), Refusal> {
    begin(engine, ImageTask::Build(new.try_into()?)).await
}

/// Asks every tool that an image should have for its version, as a run. The answers are kept with the image.
#[utoipa::path(post, path = "/api/v1/images/verify", tag = "images", request_body = Verification,
    responses((status = 201, body = StartedRun), Refusal))]
async fn verify(
    State(engine): State<Engine>,
    InBody(Verification { image, tier }): InBody<Verification>,
) -> Result<(StatusCode, Json<StartedRun>), Refusal> {
    begin(engine, ImageTask::Verify { image, tier }).await
}

/// Builds a copy of an image with more packages and verifies it, as a run.
#[utoipa::path(post, path = "/api/v1/images/customize", tag = "images", request_body = NewCopy,
    responses((status = 201, body = StartedRun), Refusal))]
async fn customize(
    State(engine): State<Engine>,
    InBody(new): InBody<NewCopy>,
) -> Result<(StatusCode, Json<StartedRun>), Refusal> {
    begin(engine, ImageTask::Customize(new.into())).await
}

/// The Dockerfile of a copy before it is built, and how it differs from the one before. Builds nothing.
#[utoipa::path(post, path = "/api/v1/images/customize/preview", tag = "images", request_body = NewCopy,
    responses((status = 200, body = CopyPreview), Refusal))]
async fn preview(
    State(engine): State<Engine>,
    InBody(new): InBody<NewCopy>,
) -> Result<Json<CopyPreview>, Refusal> {
    let task = Customize::from(new);
    let (docker, wish) = engine.docker(None)?;
    // A base that is not here yet has a user that is not known yet.
    let user = docker.image_detail(&wish, &task.base).await.map(|detail| detail.user).unwrap_or_default();
    let dockerfile = custom::dockerfile(&task, &user)?;
    let path = custom::path(engine.home(), &task.name);
    let before = blocking(move || Ok(std::fs::read_to_string(path).unwrap_or_default())).await?;
    let difference = if before.is_empty() { String::new() } else { custom::difference(&before, &dockerfile) };
    Ok(Json(CopyPreview { dockerfile, difference }))
}

/// Gives an image one more name.
#[utoipa::path(post, path = "/api/v1/images/tag", tag = "images", request_body = NewName,
    responses((status = 204), Refusal))]
async fn tag(
    State(engine): State<Engine>,
    InBody(NewName { image, name }): InBody<NewName>,
) -> Result<StatusCode, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    docker.tag_image(&wish, &image, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes a note about an image.
#[utoipa::path(post, path = "/api/v1/images/note", tag = "images", request_body = Note,
    responses((status = 204), Refusal))]
async fn note(
    State(engine): State<Engine>,
    InBody(Note { image, note }): InBody<Note>,
) -> Result<StatusCode, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    docker.note_image(&wish, &image, &note).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a name of an image, and the image with its last one.
#[utoipa::path(post, path = "/api/v1/images/remove", tag = "images", request_body = Removal,
    responses((status = 200, body = RemovedForm), Refusal))]
async fn remove(
    State(engine): State<Engine>,
    InBody(Removal { image, force }): InBody<Removal>,
) -> Result<Json<image::Removed>, Refusal> {
    let (docker, wish) = engine.docker(None)?;
    Ok(Json(docker.remove_image(&wish, &image, force).await?))
}
