//! The files of a workspace.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stigmer_engine::engine::Engine;
use stigmer_engine::workspace::files::{Entry, Expected, Files, Kind, New, Version, restore};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Shared, blocking};
use crate::problem::{Problem, Refusal};
use crate::routes::Routes;
use crate::take::{InBody, InQuery, RawBody};

/// Largest file that is read, in bytes: more than an editor is of any use for.
const LARGEST: u64 = 5 << 20;

/// Most completions.
const COMPLETIONS: usize = 200;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes
        .with(__path_list, list)
        .with(__path_read, read)
        .with(__path_write, write)
        .with(__path_create, create)
        .with(__path_rename, rename)
        .with(__path_delete, delete)
        .with(__path_bring_back, bring_back)
        .with(__path_complete, complete)
}

fn files(engine: &Engine, workspace: &Path) -> Result<Files, Refusal> {
    if !workspace.is_absolute() {
        let what = format!("the workspace `{}` is not an absolute path", workspace.display());
        return Err(Problem::Invalid { what, hint: "give the whole path of the folder" }.into());
    }
    Ok(Files::new(workspace, engine.home()))
}

/// A file or folder.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct At {
    /// The workspace; absolute.
    #[param(value_type = String)]
    workspace: PathBuf,
    /// The path in it; nothing for the workspace itself.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    path: PathBuf,
}

/// An entry of a folder.
#[derive(Serialize, ToSchema)]
struct FileEntry {
    /// Its name.
    name: String,
    /// `file`, `folder`, `link` or `other`.
    #[schema(value_type = KindWord)]
    kind: Kind,
    /// What a link leads to.
    #[schema(value_type = Option<KindWord>)]
    leads_to: Option<Kind>,
    /// Length in bytes, for a file.
    size: u64,
    /// When it was last written.
    #[schema(value_type = Option<String>, format = DateTime)]
    modified: Option<Timestamp>,
    /// Whether `.gitignore` or one of its like names it.
    ignored: bool,
    /// Whether its name can be given back: it is text.
    openable: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "names the values of the engine's own type in the description")]
enum KindWord {
    Folder,
    File,
    Link,
    Other,
}

impl From<Entry> for FileEntry {
    fn from(entry: Entry) -> Self {
        let Entry { name, kind, leads_to, size, modified, ignored, openable } = entry;
        Self { name, kind, leads_to, size, modified, ignored, openable }
    }
}

/// What is in a folder: folders first, each in natural order.
#[utoipa::path(get, path = "/api/v1/files", tag = "files", params(At),
    responses((status = 200, body = Vec<FileEntry>), Refusal))]
async fn list(
    State(engine): State<Engine>,
    InQuery(at): InQuery<At>,
) -> Result<Json<Vec<FileEntry>>, Refusal> {
    let files = files(&engine, &at.workspace)?;
    let entries = blocking(move || files.list(&at.path)).await?;
    Ok(Json(entries.into_iter().map(Into::into).collect()))
}

/// The content of a file of at most 5 MiB.
#[utoipa::path(get, path = "/api/v1/files/content", tag = "files", params(At),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>, headers(
            ("x-stigmer-version" = String, description = "Names this content; opaque"),
            ("x-stigmer-kind" = String, description = "`text` or `binary`"))),
        Refusal))]
async fn read(State(engine): State<Engine>, InQuery(at): InQuery<At>) -> Result<Response, Refusal> {
    let files = files(&engine, &at.workspace)?;
    let content = blocking(move || files.read(&at.path, LARGEST)).await?;
    // Made by us of hexadecimal digits.
    let version = HeaderValue::from_str(content.version.as_str()).unwrap_or(HeaderValue::from_static("?"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (HeaderName::from_static("x-stigmer-version"), version),
        (
            HeaderName::from_static("x-stigmer-kind"),
            HeaderValue::from_static(if content.is_text { "text" } else { "binary" }),
        ),
    ];
    Ok((headers, content.bytes).into_response())
}

/// A file to write.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Target {
    /// The workspace; absolute.
    #[param(value_type = String)]
    workspace: PathBuf,
    /// The path in it.
    #[param(value_type = String)]
    path: PathBuf,
    /// The version that the file must have; without it there must be no such file, `*` is any.
    version: Option<String>,
}

/// A content.
#[derive(Serialize, ToSchema)]
struct Written {
    /// Names it; opaque.
    version: String,
}

/// Replaces the content of a file, or makes it.
#[utoipa::path(put, path = "/api/v1/files/content", tag = "files", params(Target),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Written), Refusal))]
async fn write(
    State(engine): State<Engine>,
    InQuery(at): InQuery<Target>,
    RawBody(bytes): RawBody,
) -> Result<Json<Written>, Refusal> {
    let files = files(&engine, &at.workspace)?;
    let expected = match at.version {
        None => Expected::Absent,
        Some(version) if version == "*" => Expected::Any,
        Some(version) => Expected::Version(Version::from_text(version)),
    };
    let version = blocking(move || files.write(&at.path, &bytes, &expected)).await?;
    Ok(Json(Written { version: version.as_str().to_owned() }))
}

/// Something to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// The workspace; absolute.
    #[schema(value_type = String)]
    workspace: PathBuf,
    /// The path in it.
    #[schema(value_type = String)]
    path: PathBuf,
    /// `file` or `folder`.
    #[schema(value_type = NewWord)]
    kind: New,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "names the values of the engine's own type in the description")]
enum NewWord {
    File,
    Folder,
}

/// Makes an empty file or a folder, and the folders above it.
#[utoipa::path(post, path = "/api/v1/files/create", tag = "files", request_body = Create,
    responses((status = 201), Refusal))]
async fn create(State(engine): State<Engine>, InBody(new): InBody<Create>) -> Result<StatusCode, Refusal> {
    let files = files(&engine, &new.workspace)?;
    blocking(move || files.create(&new.path, new.kind)).await?;
    Ok(StatusCode::CREATED)
}

/// A move.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rename {
    /// The workspace; absolute.
    #[schema(value_type = String)]
    workspace: PathBuf,
    /// The path in it.
    #[schema(value_type = String)]
    from: PathBuf,
    /// Its new path; there must be nothing.
    #[schema(value_type = String)]
    to: PathBuf,
}

/// Moves a file or folder in its workspace.
#[utoipa::path(post, path = "/api/v1/files/rename", tag = "files", request_body = Rename,
    responses((status = 204), Refusal))]
async fn rename(State(engine): State<Engine>, InBody(moved): InBody<Rename>) -> Result<StatusCode, Refusal> {
    let files = files(&engine, &moved.workspace)?;
    blocking(move || files.rename(&moved.from, &moved.to)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Something to delete.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// The workspace; absolute.
    #[schema(value_type = String)]
    workspace: PathBuf,
    /// The path in it.
    #[schema(value_type = String)]
    path: PathBuf,
}

/// The way back.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Undo {
    /// What `restore` takes.
    undo: Uuid,
}

/// Deletes a file or folder. For a while it can be restored.
#[utoipa::path(post, path = "/api/v1/files/delete", tag = "files", request_body = Delete,
    responses((status = 200, body = Undo), Refusal))]
async fn delete(State(engine): State<Engine>, InBody(gone): InBody<Delete>) -> Result<Json<Undo>, Refusal> {
    let files = files(&engine, &gone.workspace)?;
    let undo = blocking(move || files.delete(&gone.path)).await?;
    Ok(Json(Undo { undo }))
}

/// Restores what was deleted.
#[utoipa::path(post, path = "/api/v1/files/restore", tag = "files", request_body = Undo,
    responses((status = 204), Refusal))]
async fn bring_back(
    State(engine): State<Engine>,
    InBody(Undo { undo }): InBody<Undo>,
) -> Result<StatusCode, Refusal> {
    blocking(move || restore(engine.home(), undo)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The beginning of a path.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Begun {
    /// The workspace; absolute.
    #[param(value_type = String)]
    workspace: PathBuf,
    /// What is typed so far.
    #[serde(default)]
    prefix: String,
}

/// Paths that begin like this; folders have a slash at the end.
#[utoipa::path(get, path = "/api/v1/files/complete", tag = "files", params(Begun),
    responses((status = 200, body = Vec<String>), Refusal))]
async fn complete(
    State(engine): State<Engine>,
    InQuery(begun): InQuery<Begun>,
) -> Result<Json<Vec<String>>, Refusal> {
    let files = files(&engine, &begun.workspace)?;
    blocking(move || Ok(files.complete(&begun.prefix, COMPLETIONS))).await.map(Json)
}
