//! Finding files by name and by content, and replacing text in them.

use std::fs;
use std::path::Path;

use axum::Json;
use axum::extract::Query;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Inside, files};
use crate::api::Sent;
use crate::fault::glob;
use crate::reply::Answer;

#[derive(Deserialize)]
pub(super) struct Pattern {
    path: String,
    pattern: String,
}

/// Every file and folder below a path, with its path in the sandbox. Links are not followed.
fn below(folder: &Path, path: &str, visit: &mut impl FnMut(&Path, &str)) {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let inner = format!("{path}/{}", entry.file_name().to_string_lossy());
        visit(&entry.path(), &inner);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            below(&entry.path(), &inner, visit);
        }
    }
}

/// Files by their name.
pub(super) async fn search(Inside(toolbox): Inside, Query(wanted): Query<Pattern>) -> Answer {
    let outside = files::outside(&toolbox, &wanted.path)?;
    fs::metadata(&outside).map_err(|error| files::refused(&error, &wanted.path))?;
    let mut found = Vec::new();
    below(&outside, toolbox.place.absolute(&wanted.path).trim_end_matches('/'), &mut |_, path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        if glob(wanted.pattern.as_bytes(), name.as_bytes()) {
            found.push(path.to_owned());
        }
    });
    Ok(Json(json!({ "files": found })))
}

/// Lines of files that contain a text, numbered from one.
pub(super) async fn find(Inside(toolbox): Inside, Query(wanted): Query<Pattern>) -> Answer {
    let outside = files::outside(&toolbox, &wanted.path)?;
    let metadata = fs::metadata(&outside).map_err(|error| files::refused(&error, &wanted.path))?;
    let mut found = Vec::new();
    let mut look = |file: &Path, path: &str| {
        let text = fs::metadata(file).ok().filter(fs::Metadata::is_file).and_then(|_| fs::read(file).ok());
        let Some(text) = text.filter(|text| !text.contains(&0)) else { return };
        for (at, line) in String::from_utf8_lossy(&text).lines().enumerate() {
            if line.contains(&wanted.pattern) {
                found.push(json!({ "file": path, "line": at + 1, "content": line }));
            }
        }
    };
    let path = toolbox.place.absolute(&wanted.path);
    if metadata.is_dir() {
        below(&outside, path.trim_end_matches('/'), &mut look);
    } else {
        look(&outside, &path);
    }
    Ok(Json(Value::Array(found)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Replace {
    files: Vec<String>,
    pattern: String,
    new_value: String,
}

pub(super) async fn replace(Inside(toolbox): Inside, Sent(wanted): Sent<Replace>) -> Answer {
    let each = wanted.files.iter().map(|path| {
        let replaced = toolbox.place.outside(path, true).and_then(|outside| {
            let text = fs::read_to_string(&outside)?;
            fs::write(&outside, text.replace(&wanted.pattern, &wanted.new_value))
        });
        match replaced {
            Ok(()) => json!({ "file": path, "success": true }),
            Err(error) => json!({ "file": path, "success": false, "error": error.to_string() }),
        }
    });
    Ok(Json(each.collect()))
}
