//! What is here: the app itself, the modes, the checks.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use stigmer_engine::engine::Engine;
use utoipa::ToSchema;

use super::{Reach, Shared};
use crate::form::Report;
use crate::problem::Refusal;
use crate::routes::Routes;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_health, health).with(__path_app, app)
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
    /// The system: `linux`, `macos` or `windows`.
    platform: &'static str,
    /// Where this API can be reached over HTTP, if it can.
    server_address: Option<String>,
}

/// What answers here, and where its data is.
#[utoipa::path(get, path = "/api/v1/app", tag = "app",
    responses((status = 200, body = App), (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn app(State(engine): State<Engine>, State(reach): State<Reach>) -> Result<Json<App>, Refusal> {
    let workspace = engine.home().root().with_file_name("stigmer-workspace");
    Ok(Json(App {
        version: env!("CARGO_PKG_VERSION"),
        home: engine.home().root().display().to_string(),
        workspace: workspace.display().to_string(),
        platform: std::env::consts::OS,
        server_address: reach.address().map(|address| format!("http://{address}")),
    }))
}
