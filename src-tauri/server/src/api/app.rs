//! What is here: the app itself, the modes, the checks.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use stigmer_engine::doctor::{self, Check};
use stigmer_engine::engine::Engine;
use stigmer_engine::spec::{Mode, RunSpec, Target, Work};
use stigmer_engine::workspace::files::sample;
use utoipa::{IntoParams, ToSchema};

use super::{Reach, Shared, blocking};
use crate::form;
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::InQuery;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_health, health)
        .with(__path_app, app)
        .with(__path_modes, modes)
        .with(__path_examine, examine)
}

/// The answer of a server that is well.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `true`.
    ok: bool,
    /// The version of the server.
    version: &'static str,
}

/// Whether the server answers. Needs no token.
#[utoipa::path(get, path = "/health", tag = "app", security(()), responses((status = 200, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { ok: true, version: env!("CARGO_PKG_VERSION") })
}

/// What answers.
#[derive(Serialize, ToSchema)]
struct App {
    /// Its version.
    version: &'static str,
    /// The folder of the user's runs and settings.
    home: String,
    /// The folder that runs work on unless another is chosen.
    workspace: String,
    /// The file in that folder to try things on, if it is there.
    sample: Option<&'static str>,
    /// The system: `linux`, `macos` or `windows`.
    platform: &'static str,
    /// Where this API can be reached over HTTP, if it can.
    server_address: Option<String>,
}

/// What answers here, and where its data is. Makes the usual workspace if there is none.
#[utoipa::path(get, path = "/api/v1/app", tag = "app",
    responses((status = 200, body = App), Refusal))]
async fn app(State(engine): State<Engine>, State(reach): State<Reach>) -> Result<Json<App>, Refusal> {
    let workspace = usual_workspace(engine.home().root());
    let (workspace, sample) = blocking(move || {
        // A folder that cannot be made is no reason to say nothing about the rest.
        let _ = sample(&workspace);
        let file = ["hello.py", "hello.sh"].into_iter().find(|name| workspace.join(name).is_file());
        Ok((workspace, file))
    })
    .await?;
    Ok(Json(App {
        version: env!("CARGO_PKG_VERSION"),
        home: engine.home().root().display().to_string(),
        workspace: workspace.display().to_string(),
        sample,
        platform: std::env::consts::OS,
        server_address: reach.address().map(|address| format!("http://{address}")),
    }))
}

/// Beside the folder of our data, so that each home has its own.
pub(super) fn usual_workspace(home: &Path) -> PathBuf {
    home.with_file_name("stigmer-workspace")
}

/// A folder.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Workspace {
    /// The folder; absolute.
    #[param(value_type = Option<String>)]
    pub workspace: Option<PathBuf>,
}

/// How a mode stands.
#[derive(Serialize, ToSchema)]
struct ModeState {
    /// The mode.
    #[schema(value_type = form::Mode)]
    mode: Mode,
    /// Whether a run in it would start.
    available: bool,
    /// `ready`, `image missing`, `no engine`, `no key` or `not yet`.
    word: &'static str,
    /// Why, or where runs go.
    detail: String,
}

/// How each mode stands here and now.
#[utoipa::path(get, path = "/api/v1/modes", tag = "app", params(Workspace),
    responses((status = 200, body = Vec<ModeState>), Refusal))]
async fn modes(
    State(engine): State<Engine>,
    InQuery(Workspace { workspace }): InQuery<Workspace>,
) -> Result<Json<Vec<ModeState>>, Refusal> {
    let workspace = workspace.unwrap_or_else(|| usual_workspace(engine.home().root()));
    let sandbox = sandbox_mode(&engine, &workspace).await;
    let local = "Your own tools, files and network; no download.".to_owned();
    let later =
        |mode, detail: &str| ModeState { mode, available: false, word: "not yet", detail: detail.to_owned() };
    Ok(Json(vec![
        ModeState { mode: Mode::Local, available: true, word: "ready", detail: local },
        sandbox,
        daytona_mode(&engine, &workspace).await,
        later(Mode::Auto, "Comes with a later version; it will choose between local and sandbox."),
    ]))
}

/// Whether a run in the cloud could start: there is a key. The cloud itself is not asked: a look costs nothing.
async fn daytona_mode(engine: &Engine, workspace: &Path) -> ModeState {
    let state = |available, word, detail| ModeState { mode: Mode::Daytona, available, word, detail };
    let found = async {
        let config = engine.config(workspace)?;
        let (daytona, account) = engine.daytona(Some(workspace))?;
        daytona.client(&account).await?;
        let snapshot = config.text("sandbox.snapshot_id").filter(|name| !name.is_empty()).map(str::to_owned);
        Ok::<_, stigmer_engine::Error>(snapshot)
    };
    match found.await {
        Ok(snapshot) => {
            let snapshot = snapshot.unwrap_or_else(|| "Daytona's own snapshot".to_owned());
            state(true, "ready", format!("{snapshot}; the workspace is copied there."))
        }
        Err(error) if error.code() == "daytona-no-key" => {
            state(false, "no key", error.hint().unwrap_or_default())
        }
        Err(error) => state(false, "unusable", error.to_string()),
    }
}

/// Whether a run in a sandbox would start: the settings are understood, the engine answers, the image is there or can be
/// fetched.
async fn sandbox_mode(engine: &Engine, workspace: &Path) -> ModeState {
    let state = |available, word, detail| ModeState { mode: Mode::Sandbox, available, word, detail };
    let work = Work::Line { line: "true".into(), shell: None };
    let spec = RunSpec { target: Target::mode(Mode::Sandbox), ..RunSpec::new(work, workspace) };
    let found = async {
        engine.place(&spec)?;
        let address = engine.docker_address(Some(workspace)).await?;
        let config = engine.config(workspace)?;
        let image = config.text("sandbox.image").unwrap_or_default().to_owned();
        let (docker, wish) = engine.docker(Some(workspace))?;
        let is_here = docker.image_detail(&wish, &image).await.is_ok();
        Ok::<_, stigmer_engine::Error>((
            address,
            image,
            is_here,
            config.flag("sandbox.auto_pull").unwrap_or(true),
        ))
    };
    match found.await {
        Ok((address, image, true, _)) => {
            state(true, "ready", format!("{image}, in the engine at {}", address.uri))
        }
        Ok((_, image, false, true)) => state(
            true,
            "image missing",
            format!("{image} is fetched by the first run; or build it under Images."),
        ),
        Ok((_, image, false, false)) => {
            state(false, "image missing", format!("{image} is not here; get it under Images."))
        }
        Err(error) => {
            let report = stigmer_engine::Report::from(error);
            let hint = report.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            state(false, "no engine", format!("{}{hint}.", report.message))
        }
    }
}

/// What a check found.
#[derive(ToSchema)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
struct CheckForm {
    /// Its stable name.
    name: String,
    /// How it came out.
    verdict: Verdict,
    /// What was found.
    found: String,
    /// What to do about it.
    #[schema(nullable = false)]
    hint: Option<String>,
    /// How long it took.
    took_ms: u64,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "names the values of the engine's own type in the description")]
enum Verdict {
    Ok,
    Limited,
    Broken,
}

/// What works here, what does not, and how to mend it. Takes some seconds; one check really runs something.
#[utoipa::path(get, path = "/api/v1/doctor", tag = "app",
    responses((status = 200, body = Vec<CheckForm>), Refusal))]
async fn examine(State(engine): State<Engine>) -> Json<Vec<Check>> {
    let mut checks = Vec::new();
    doctor::examine(engine.home(), engine.sources(), |check| checks.push(check)).await;
    Json(checks)
}
