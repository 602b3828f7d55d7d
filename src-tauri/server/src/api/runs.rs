//! Runs: start, list, show, stop, repeat, keep, remove.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stigmer_engine::engine::Engine;
use stigmer_engine::history::Filter;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::{Base, Mode, Origin, RunId};
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use crate::form::{self, NewRun, Run, RunDetail, RunList, StartedRun};
use crate::problem::{Problem, Refusal};
use crate::routes::Routes;
use crate::take::{InBody, InPath, InQuery, RunInPath, misunderstood};

/// Most runs of one page.
const PAGE: u32 = 1_000;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_start, start)
        .with(__path_list, list)
        .with(__path_show, show)
        .with(__path_remove, remove)
        .with(__path_cancel, cancel)
        .with(__path_rerun, rerun)
        .with(__path_pin, pin)
}

/// A run as the path names it.
pub(super) type InPathRun = InPath<String>;

/// Starts a run and does not wait for it.
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", request_body = NewRun,
    responses((status = 201, body = StartedRun), Refusal))]
async fn start(
    State(engine): State<Engine>,
    InBody(new): InBody<NewRun>,
) -> Result<(StatusCode, Json<StartedRun>), Refusal> {
    let run_id = engine.start(new.try_into()?).await?;
    Ok((StatusCode::CREATED, Json(StartedRun { run_id })))
}

/// Which runs to list. Several values of one name stand with commas between them and are alternatives; words and
/// labels must all be there.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Words that the command contains anywhere, whatever their case.
    #[serde(default)]
    text: String,
    /// States, such as `failed,error`.
    #[param(pattern = "^([a-z_]+(,[a-z_]+)*)?$", example = "failed,error")]
    state: Option<String>,
    /// Modes.
    #[param(pattern = "^([a-z]+(,[a-z]+)*)?$", example = "local")]
    mode: Option<String>,
    /// Who started it.
    #[param(pattern = "^([a-z_]+(,[a-z_]+)*)?$", example = "window,api")]
    origin: Option<String>,
    /// Labels.
    label: Option<String>,
    /// The folder that it worked on.
    #[param(value_type = Option<String>)]
    workspace: Option<PathBuf>,
    /// The container or cloud sandbox that it ran in: the name of either, or the id of the latter.
    sandbox: Option<String>,
    /// Asked for at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Asked for before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Pinned, or not.
    pinned: Option<bool>,
    /// The most runs to list; 50 by default, 1000 at most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Only runs behind this one in the list: the last of the page before.
    #[param(value_type = Option<String>, format = Uuid)]
    before: Option<RunId>,
}

impl Which {
    fn filter(self) -> Result<Filter, Refusal> {
        let words = |list: Option<String>| -> Vec<String> {
            list.iter()
                .flat_map(|list| list.split(','))
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let limit = self.limit.unwrap_or(50);
        if !(1..=PAGE).contains(&limit) {
            return Err(misunderstood(format!("`limit` is 1 to {PAGE}")));
        }
        Ok(Filter {
            text: self.text,
            states: words(self.state),
            modes: words(self.mode).iter().map(|word| known(word, "mode")).collect::<Result<_, _>>()?,
            origins: words(self.origin).iter().map(|word| known(word, "origin")).collect::<Result<_, _>>()?,
            labels: words(self.label),
            workspace: self.workspace,
            sandbox: self.sandbox.filter(|name| !name.is_empty()),
            since: self.since,
            until: self.until,
            pinned: self.pinned,
            limit,
            before: self.before,
            ..Filter::default()
        })
    }
}

/// A value by the word that JSON has for it.
fn known<T: serde::de::DeserializeOwned>(word: &str, name: &str) -> Result<T, Refusal> {
    serde_json::from_value(word.into()).map_err(|_| {
        let what = format!("`{word}` is no {name}");
        Problem::Invalid { what, hint: "see the values in /api/openapi.json" }.into()
    })
}

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(Which),
    responses((status = 200, body = RunList), Refusal))]
async fn list(
    State(engine): State<Engine>,
    InQuery(which): InQuery<Which>,
) -> Result<Json<RunList>, Refusal> {
    let filter = which.filter()?;
    let all = filter.clone();
    let runs = engine.list(filter).await?;
    let total = engine.query(move |history| history.count(&all)).await?;
    let runs = runs.iter().map(|record| Run::of(&engine, record)).collect();
    Ok(Json(RunList { runs, total }))
}

/// Everything that is known about a run.
#[utoipa::path(get, path = "/api/v1/runs/{id}", tag = "runs",
    params(RunInPath), responses((status = 200, body = RunDetail), Refusal))]
async fn show(State(engine): State<Engine>, InPath(id): InPathRun) -> Result<Json<RunDetail>, Refusal> {
    let id = engine.resolve(&id).await?;
    Ok(Json(RunDetail::read(&engine, id).await?))
}

/// Removes a run that is over, with its log.
#[utoipa::path(delete, path = "/api/v1/runs/{id}", tag = "runs",
    params(RunInPath), responses((status = 204), Refusal))]
async fn remove(State(engine): State<Engine>, InPath(id): InPathRun) -> Result<StatusCode, Refusal> {
    let id = engine.resolve(&id).await?;
    engine.remove(vec![id]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a run is stopped.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Cancel {
    /// At once, instead of asking it first.
    force: bool,
    /// How it is asked: as Ctrl-C does, or as `kill` does.
    manner: Asking,
}

/// How a run is asked to end.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asking {
    /// As Ctrl-C does.
    Interrupt,
    /// As `kill` does.
    #[default]
    Terminate,
}

impl From<Asking> for Manner {
    fn from(asking: Asking) -> Self {
        match asking {
            Asking::Interrupt => Self::Interrupt,
            Asking::Terminate => Self::Terminate,
        }
    }
}

/// Asks a run to end, and forces it after its grace period; a second time forces it at once. Does not wait.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", tag = "runs", request_body(content = Option<Cancel>),
    params(RunInPath), responses((status = 202), Refusal))]
async fn cancel(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InBody(how): InBody<Cancel>,
) -> Result<StatusCode, Refusal> {
    let id = engine.resolve(&id).await?;
    let stop = if how.force { Stop::Force } else { Stop::Ask(how.manner.into()) };
    engine.stop(id, stop).await?;
    Ok(StatusCode::ACCEPTED)
}

/// What is different this time.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Rerun {
    /// Where to run it; by default where it was asked for the last time.
    #[schema(value_type = Option<form::Mode>)]
    mode: Option<Mode>,
    /// Who asks; `api` by default.
    #[schema(value_type = Option<form::Origin>)]
    origin: Option<Origin>,
    /// Whether it may run in the cloud though the setting `daytona.monthly_limit` is reached.
    over_limit: bool,
}

/// Runs it again, exactly as it was but for the environment that it begins with.
#[utoipa::path(post, path = "/api/v1/runs/{id}/rerun", tag = "runs", request_body(content = Option<Rerun>),
    params(RunInPath), responses((status = 201, body = StartedRun), Refusal))]
async fn rerun(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InBody(how): InBody<Rerun>,
) -> Result<(StatusCode, Json<StartedRun>), Refusal> {
    let id = engine.resolve(&id).await?;
    let origin = how.origin.unwrap_or(Origin::Api);
    let mut spec = engine.again(id, how.mode, origin, Base::default()).await?;
    spec.over_limit = how.over_limit;
    let run_id = engine.start(spec).await?;
    Ok((StatusCode::CREATED, Json(StartedRun { run_id })))
}

/// Whether a run is kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pin {
    /// Keep it whatever its age.
    pinned: bool,
}

/// Keeps a run whatever its age, or no longer.
#[utoipa::path(put, path = "/api/v1/runs/{id}/pin", tag = "runs", request_body = Pin,
    params(RunInPath), responses((status = 204), Refusal))]
async fn pin(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InBody(Pin { pinned }): InBody<Pin>,
) -> Result<StatusCode, Refusal> {
    let id = engine.resolve(&id).await?;
    engine.pin(id, pinned).await?;
    Ok(StatusCode::NO_CONTENT)
}
