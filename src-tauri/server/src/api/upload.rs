//! What leaves this machine with the first copy of a workspace.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use stigmer_engine::engine::Engine;
use stigmer_engine::workspace::upload;
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use crate::problem::{Problem, Refusal};
use crate::routes::Routes;
use crate::take::InQuery;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_upload, upload)
}

/// A workspace.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Of {
    /// The workspace; absolute.
    #[param(value_type = String)]
    workspace: PathBuf,
}

/// Whether a workspace was copied to the cloud before, and what would leave this machine if not.
#[derive(Serialize, ToSchema)]
struct FirstUpload {
    /// Whether the settings want a person to be asked before.
    confirm: bool,
    /// What would leave; `null` where the workspace was copied there before.
    upload: Option<Upload>,
}

/// What would leave this machine.
#[derive(Serialize, ToSchema)]
struct Upload {
    /// Number of files.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Whether there are so many that not all were looked at.
    more: bool,
    /// The largest files, the largest first.
    largest: Vec<LargeFile>,
    /// What looks as if it should not go, secrets first.
    unwanted: Vec<Unwanted>,
    /// What stays here, and why.
    left_out: Vec<LeftOut>,
    /// Entries that stay here because they cannot be read or are links that lead out.
    problems: u64,
}

/// A file and how large it is.
#[derive(Serialize, ToSchema)]
struct LargeFile {
    /// Relative to the workspace.
    path: String,
    /// Bytes.
    bytes: u64,
}

/// Something that looks as if it should not go.
#[derive(Serialize, ToSchema)]
struct Unwanted {
    /// Relative to the workspace; a file or a folder.
    path: String,
    /// Why: `secret`, `repository` or `large`.
    #[schema(value_type = UnwantedKind)]
    kind: upload::UnwantedKind,
    /// Number of files.
    files: u64,
    /// Their bytes.
    bytes: u64,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "names the values of the engine's own type in the description")]
enum UnwantedKind {
    Secret,
    Repository,
    Large,
}

/// What one file of rules keeps here.
#[derive(Serialize, ToSchema)]
struct LeftOut {
    /// The file, or what else keeps it here.
    by: String,
    /// Number of entries; a folder with all that is in it counts once.
    entries: u64,
    /// Some of them.
    examples: Vec<String>,
}

impl From<upload::Upload> for Upload {
    fn from(all: upload::Upload) -> Self {
        let upload::Upload { files, bytes, more, largest, unwanted, left_out, problems } = all;
        let large = |upload::Weighed { bytes, path }| LargeFile { path, bytes };
        let not = |upload::Unwanted { path, kind, files, bytes }| Unwanted { path, kind, files, bytes };
        let left = |upload::LeftOut { by, entries, examples }| LeftOut { by, entries, examples };
        Self {
            files,
            bytes,
            more,
            largest: largest.into_iter().map(large).collect(),
            unwanted: unwanted.into_iter().map(not).collect(),
            left_out: left_out.into_iter().map(left).collect(),
            problems,
        }
    }
}

/// What would leave this machine with the first copy of a workspace to the cloud. Looks at names and sizes alone, and ends
/// with the request.
#[utoipa::path(get, path = "/api/v1/workspace/upload", tag = "files", params(Of),
    responses((status = 200, body = FirstUpload), Refusal))]
async fn upload(
    State(engine): State<Engine>,
    InQuery(of): InQuery<Of>,
) -> Result<Json<FirstUpload>, Refusal> {
    if !of.workspace.is_absolute() {
        let what = format!("the workspace `{}` is not an absolute path", of.workspace.display());
        return Err(Problem::Invalid { what, hint: "give the whole path of the folder" }.into());
    }
    let confirm = engine.config(&of.workspace)?.flag("daytona.confirm_upload").unwrap_or(true);
    Ok(Json(FirstUpload { confirm, upload: engine.upload(&of.workspace).await?.map(Into::into) }))
}
