//! Files of a sandbox: what they are, and moving, making and deleting them.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Inside, Toolbox};
use crate::clock;
use crate::reply::{Answer, Refusal};

/// The refusal for what the system said about a path.
pub(super) fn refused(error: &io::Error, path: &str) -> Refusal {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory, NotFound, PermissionDenied};
    let (status, code, what) = match error.kind() {
        NotFound => (StatusCode::NOT_FOUND, "FILE_NOT_FOUND", "file not found"),
        PermissionDenied => (StatusCode::FORBIDDEN, "FILE_ACCESS_DENIED", "permission denied"),
        AlreadyExists => (StatusCode::CONFLICT, "CONFLICT", "file already exists"),
        IsADirectory | NotADirectory => (StatusCode::BAD_REQUEST, "INVALID_FILE_PATH", "invalid file path"),
        _ => return Refusal::daemon(StatusCode::BAD_REQUEST, "FILE_READ_FAILED", format!("{error}: {path}")),
    };
    Refusal::daemon(status, code, format!("{what}: {path}"))
}

/// The path on this machine of one that a request names.
pub(super) fn outside(toolbox: &Toolbox, path: &str) -> Result<PathBuf, Refusal> {
    if path.is_empty() {
        return Err(Refusal::daemon_bad("path is required"));
    }
    toolbox.place.outside(path, true).map_err(|error| refused(&error, path))
}

/// What a path leads to, also when that is a link to nothing.
fn found(toolbox: &Toolbox, path: &str) -> Result<(PathBuf, Metadata), Refusal> {
    let outside = outside(toolbox, path)?;
    let metadata = fs::metadata(&outside).map_err(|error| refused(&error, path))?;
    Ok((outside, metadata))
}

fn described(path: &str, metadata: &Metadata) -> Value {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let modified = Timestamp::new(metadata.mtime(), i32::try_from(metadata.mtime_nsec()).unwrap_or(0));
    let modified = modified.unwrap_or(Timestamp::UNIX_EPOCH);
    let bits = metadata.mode() & 0o7777;
    json!({
        "name": if name.is_empty() { "/" } else { name },
        "path": path,
        "size": metadata.len(),
        "mode": mode(metadata),
        "modTime": modified.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
        "modifiedAt": clock::text(modified),
        "isDir": metadata.is_dir(),
        "owner": metadata.uid().to_string(),
        "group": metadata.gid().to_string(),
        "permissions": format!("{bits:04o}"),
    })
}

/// The mode as `ls` writes it.
fn mode(metadata: &Metadata) -> String {
    let kind = match () {
        () if metadata.is_dir() => 'd',
        () if metadata.is_symlink() => 'L',
        () => '-',
    };
    let bit = |at: u32| if metadata.mode() & (1 << at) == 0 { '-' } else { ['x', 'w', 'r'][at as usize % 3] };
    std::iter::once(kind).chain((0..9).rev().map(bit)).collect()
}

#[derive(Deserialize)]
pub(super) struct List {
    path: Option<String>,
    depth: Option<u32>,
}

pub(super) async fn list(Inside(toolbox): Inside, Query(wanted): Query<List>) -> Answer {
    let path = toolbox.place.absolute(wanted.path.as_deref().unwrap_or_default());
    let (outside, _) = found(&toolbox, &path)?;
    let mut all = Vec::new();
    listed(&outside, path.trim_end_matches('/'), wanted.depth.unwrap_or(1), &mut all)
        .map_err(|error| refused(&error, &path))?;
    Ok(Json(Value::Array(all)))
}

fn listed(folder: &std::path::Path, path: &str, depth: u32, all: &mut Vec<Value>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let Ok(metadata) = entry.metadata() else { continue };
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        all.push(described(&path, &metadata));
        if depth > 1 && metadata.is_dir() {
            listed(&entry.path(), &path, depth - 1, all)?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) path: String,
}

pub(super) async fn info(Inside(toolbox): Inside, Query(Named { path }): Query<Named>) -> Answer {
    let (_, metadata) = found(&toolbox, &path)?;
    Ok(Json(described(&toolbox.place.absolute(&path), &metadata)))
}

#[derive(Deserialize)]
pub(super) struct Folder {
    #[serde(default)]
    path: String,
    /// Octal.
    mode: Option<String>,
}

pub(super) async fn folder(
    Inside(toolbox): Inside,
    Query(wanted): Query<Folder>,
) -> Result<StatusCode, Refusal> {
    let outside = outside(&toolbox, &wanted.path)?;
    let bits = octal(wanted.mode.as_deref().unwrap_or("0755"))?;
    fs::create_dir_all(&outside)
        .and_then(|()| fs::set_permissions(&outside, fs::Permissions::from_mode(bits)))
        .map_err(|error| refused(&error, &wanted.path))?;
    Ok(StatusCode::CREATED)
}

fn octal(text: &str) -> Result<u32, Refusal> {
    u32::from_str_radix(text, 8).map_err(|_| Refusal::daemon_bad(format!("invalid mode: {text}")))
}

#[derive(Deserialize)]
pub(super) struct Move {
    source: String,
    destination: String,
}

pub(super) async fn rename(
    Inside(toolbox): Inside,
    Query(wanted): Query<Move>,
) -> Result<StatusCode, Refusal> {
    let inside = |path: &str| toolbox.place.outside(path, false).map_err(|error| refused(&error, path));
    let (from, to) = (inside(&wanted.source)?, inside(&wanted.destination)?);
    fs::symlink_metadata(&from).map_err(|error| refused(&error, &wanted.source))?;
    if fs::symlink_metadata(&to).is_ok() {
        return Err(refused(&io::ErrorKind::AlreadyExists.into(), &wanted.destination));
    }
    fs::rename(from, to).map_err(|error| refused(&error, &wanted.destination))?;
    Ok(StatusCode::OK)
}

#[derive(Deserialize)]
pub(super) struct Delete {
    #[serde(default)]
    path: String,
    #[serde(default)]
    recursive: bool,
}

pub(super) async fn delete(
    Inside(toolbox): Inside,
    Query(wanted): Query<Delete>,
) -> Result<StatusCode, Refusal> {
    let path = &wanted.path;
    if path.is_empty() {
        return Err(Refusal::daemon_bad("path is required"));
    }
    let outside = toolbox.place.outside(path, false).map_err(|error| refused(&error, path))?;
    let metadata = fs::symlink_metadata(&outside).map_err(|error| refused(&error, path))?;
    let deleted = match (metadata.is_dir(), wanted.recursive) {
        (false, _) => fs::remove_file(&outside),
        (true, true) => fs::remove_dir_all(&outside),
        (true, false) => {
            return Err(Refusal::daemon_bad("cannot delete directory without recursive flag"));
        }
    };
    deleted.map_err(|error| refused(&error, path))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    path: String,
    mode: Option<String>,
    owner: Option<String>,
    group: Option<String>,
}

/// The only user that a sandbox knows is root, so other owners are taken and forgotten.
pub(super) async fn permissions(
    Inside(toolbox): Inside,
    Query(wanted): Query<Permissions>,
) -> Result<StatusCode, Refusal> {
    let (outside, _) = found(&toolbox, &wanted.path)?;
    if let Some(mode) = &wanted.mode {
        let permissions = fs::Permissions::from_mode(octal(mode)?);
        fs::set_permissions(outside, permissions).map_err(|error| refused(&error, &wanted.path))?;
    }
    for name in [wanted.owner, wanted.group].into_iter().flatten() {
        if !["daytona", "root", "0"].contains(&name.as_str()) {
            return Err(Refusal::daemon_bad(format!("unknown user or group: {name}")));
        }
    }
    Ok(StatusCode::OK)
}
