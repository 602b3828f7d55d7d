//! Files in and out, many in one request.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use axum::Json;
use axum::body::Body;
use axum::extract::Multipart;
use axum::extract::multipart::MultipartRejection;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde::Deserialize;
use serde_json::{Value, json};

use axum::extract::State;
use std::sync::Arc;

use super::files::refused;
use super::transfer::{opened, pieces, write};
use super::{Inside, Toolbox};
use crate::api::Sent;
use crate::cloud::Cloud;
use crate::reply::Refusal;

/// Between the parts of an answer.
const BOUNDARY: &str = "DAYTONA-FILE-BOUNDARY";

/// Parts `files[i].path` and `files[i].file`, the path of each before its bytes. What can be written is.
pub(super) async fn upload(
    Inside(toolbox): Inside,
    form: Result<Multipart, MultipartRejection>,
) -> (StatusCode, Json<Value>) {
    let mut done = Vec::new();
    let mut errors = Vec::new();
    match form {
        Ok(form) => taken(&toolbox, form, &mut done, &mut errors).await,
        Err(error) => errors.push(error.body_text()),
    }
    if errors.is_empty() {
        return (StatusCode::OK, Json(json!({ "files": done })));
    }
    (StatusCode::BAD_REQUEST, Json(json!({ "errors": errors, "files": done })))
}

async fn taken(toolbox: &Toolbox, mut form: Multipart, done: &mut Vec<Value>, errors: &mut Vec<String>) {
    let mut paths: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return,
            Err(error) => return errors.push(error.body_text()),
        };
        let name = field.name().unwrap_or_default().to_owned();
        let Some((index, part)) = name.strip_prefix("files[").and_then(|rest| rest.split_once("].")) else {
            continue;
        };
        match part {
            "path" => match field.text().await {
                Ok(path) => drop(paths.insert(index.to_owned(), path)),
                Err(error) => return errors.push(error.body_text()),
            },
            "file" => match paths.get(index) {
                None => errors.push(format!("file[{index}]: missing .path metadata")),
                Some(path) => match write(toolbox, path, field).await {
                    Ok(bytes) => done.push(json!({ "path": path, "bytes": bytes })),
                    Err(refusal) => errors.push(format!("{path}: {}", refusal.message)),
                },
            },
            _ => {}
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Download {
    #[serde(default)]
    paths: Vec<String>,
}

/// One part for each path; files that cannot be read are parts with an error. When reading breaks in the middle, the
/// answer ends without its last boundary.
pub(super) async fn download(
    State(cloud): State<Arc<Cloud>>,
    Inside(toolbox): Inside,
    Sent(wanted): Sent<Download>,
) -> Response {
    if wanted.paths.is_empty() {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "request body must be {paths: [string, ...]}" })),
        )
            .into_response();
    }
    let parts =
        stream::iter(wanted.paths).then(move |path| part(Arc::clone(&cloud), Arc::clone(&toolbox), path));
    let last = stream::once(async { Ok(Bytes::from(format!("--{BOUNDARY}--\r\n"))) });
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(parts.flatten().chain(last))).into_response()
}

async fn part(
    cloud: Arc<Cloud>,
    toolbox: Arc<Toolbox>,
    path: String,
) -> BoxStream<'static, io::Result<Bytes>> {
    let found = match toolbox.place.outside(&path, true) {
        Ok(source) => opened(&source).await,
        Err(error) => Err(error),
    };
    match found {
        Ok((file, size)) => {
            let head = head("file", &path, size, "application/octet-stream");
            let tail = stream::once(async { Ok(Bytes::from_static(b"\r\n")) });
            stream::once(async { Ok(head) }).chain(pieces(file, size)).chain(tail).boxed()
        }
        Err(error) => {
            let refusal: Refusal = refused(&error, &path);
            let body =
                refusal.body(Method::POST.as_str(), "/files/bulk-download", &cloud.clock.text()).to_string();
            let head = head("error", &path, body.len() as u64, "application/json; charset=utf-8");
            let whole = [head, Bytes::from(body), Bytes::from_static(b"\r\n")];
            stream::iter(whole.map(Ok)).boxed()
        }
    }
}

fn head(name: &str, path: &str, size: u64, kind: &str) -> Bytes {
    let quoted = path.replace('\\', "\\\\").replace('"', "\\\"");
    Bytes::from(format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{quoted}\"; \
         filename*=utf-8''{}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n",
        encoded(path)
    ))
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
