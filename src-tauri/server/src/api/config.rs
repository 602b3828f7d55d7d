//! The settings.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use stigmer_engine::config::{self, Config, Sources};
use stigmer_engine::engine::Engine;
use utoipa::ToSchema;

use super::app::Workspace;
use super::{Shared, blocking};
use crate::problem::{Problem, Refusal};
use crate::routes::Routes;
use crate::take::{InBody, InPath, InQuery};

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_list, list).with(__path_set, set)
}

/// A setting.
#[derive(ToSchema)]
#[expect(dead_code, reason = "names the fields of the engine's own type in the description")]
struct Setting {
    /// Its name.
    key: String,
    /// Its value; masked if it is secret.
    #[schema(value_type = Value)]
    value: Value,
    /// The value as `PUT` takes it.
    shown: String,
    /// Where the value comes from: `from`, and for a file `which`, `path`, `line`.
    #[schema(value_type = Object)]
    origin: Value,
}

/// Every setting that holds for a folder, with where its value comes from.
#[utoipa::path(get, path = "/api/v1/config", tag = "config", params(Workspace),
    responses((status = 200, body = Vec<Setting>), Refusal))]
async fn list(
    State(engine): State<Engine>,
    InQuery(Workspace { workspace }): InQuery<Workspace>,
) -> Result<Json<Value>, Refusal> {
    blocking(move || {
        let config = Config::load(&Sources { workspace, ..engine.sources().clone() })?;
        Ok(serde_json::json!(config.settings()))
    })
    .await
    .map(Json)
}

/// A new value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    /// The value, of the type that the setting has or as text; `null` removes it from the file.
    #[schema(required = true)]
    value: Value,
}

/// Changes a setting in the user's file.
#[utoipa::path(put, path = "/api/v1/config/{key}", tag = "config", request_body = Change,
    params(("key" = String, Path, description = "The name of the setting, such as `sandbox.ttl`")),
    responses((status = 204), Refusal))]
async fn set(
    State(engine): State<Engine>,
    InPath(key): InPath<String>,
    InBody(Change { value }): InBody<Change>,
) -> Result<StatusCode, Refusal> {
    if config::find(&key).is_none() {
        return Err(Problem::NoSetting { name: key }.into());
    }
    blocking(move || {
        let file = engine.sources().user.path();
        match value {
            Value::Null => config::unset(file, &key).map(drop),
            // What JSON says is YAML in one line, too.
            Value::String(text) => config::set(file, &key, &text),
            value => config::set(file, &key, &value.to_string()),
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
