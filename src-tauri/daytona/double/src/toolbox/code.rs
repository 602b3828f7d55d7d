//! Code in one go, each time in an interpreter of its own.

use std::collections::BTreeMap;

use axum::Json;
use serde::Deserialize;
use serde_json::json;

use super::{Inside, execute};
use crate::api::Sent;
use crate::reply::{Answer, Refusal};

#[derive(Deserialize)]
pub(super) struct Code {
    #[serde(default)]
    code: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    argv: Option<Vec<String>>,
    #[serde(default)]
    envs: Option<BTreeMap<String, String>>,
    /// Seconds.
    timeout: Option<u64>,
}

/// TypeScript is run as what it is without its types, if the interpreter can take them away.
pub(super) async fn run(Inside(toolbox): Inside, Sent(sent): Sent<Code>) -> Answer {
    let program: &[&str] = match sent.language.as_str() {
        "python" => &["python3", "-c"],
        "javascript" | "typescript" => &["node", "-e"],
        other => return Err(Refusal::daemon_bad(format!("unsupported language: {other}"))),
    };
    let envs = sent.envs.unwrap_or_default();
    execute::names(&envs)?;
    let mut command = toolbox.place.command(&toolbox.place.folders.work, toolbox.env(envs), false);
    command.args(program).arg(sent.code).args(sent.argv.unwrap_or_default());
    let (exit, output) = execute::ended(command, None, sent.timeout).await?;
    Ok(Json(json!({ "exitCode": exit, "result": output, "artifacts": { "charts": [] } })))
}
