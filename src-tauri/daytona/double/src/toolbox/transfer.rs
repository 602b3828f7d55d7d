//! Files in and out, one at a time.

use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Query, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use nix::errno::Errno;
use nix::libc;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::files::{Named, outside, refused};
use super::{Inside, Toolbox};
use crate::reply::{Answer, Refusal};

/// `F_SETSIG` of `fcntl.h`, which the libc crate does not have here.
const F_SETSIG: libc::c_int = 10;

/// Bytes that are read from a file at once.
const PIECE: usize = 64 << 10;

/// Writes a stream into a file, whose folders are made. The number of bytes.
pub(super) async fn write<E: std::fmt::Display>(
    toolbox: &Toolbox,
    path: &str,
    mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<u64, Refusal> {
    let target = outside(toolbox, path)?;
    let opened = async {
        if let Some(folder) = target.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::File::create(&target).await
    };
    let mut file = opened.await.map_err(|error| refused(&error, path))?;
    let mut bytes = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| Refusal::daemon_bad(format!("upload of {path} broke: {error}")))?;
        bytes += piece.len() as u64;
        file.write_all(&piece).await.map_err(|error| refused(&error, path))?;
    }
    file.flush().await.map_err(|error| refused(&error, path))?;
    drop(file);
    for _ in 0..1000 {
        if executable(&target) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(bytes)
}

/// Whether nobody has a file open for writing. A process that another thread is just starting has our descriptors until
/// it is its own program, and as long as it has this one, the system refuses to execute the file.
fn executable(path: &Path) -> bool {
    let Ok(file) = std::fs::File::open(path) else { return true };
    // SAFETY: these only set flags of a descriptor that is open.
    let leased = unsafe {
        // A lease is refused while there is a writer. Whoever breaks it sends a signal that nobody minds.
        libc::fcntl(file.as_raw_fd(), F_SETSIG, libc::SIGURG);
        libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK)
    };
    leased == 0 || Errno::last() != Errno::EAGAIN
}

/// The raw bytes as the body, or a form with a field `file`.
pub(super) async fn upload(
    Inside(toolbox): Inside,
    Query(Named { path }): Query<Named>,
    request: Request,
) -> Answer {
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        let bad = |error: &dyn std::fmt::Display| Refusal::daemon_bad(error.to_string());
        let mut form = Multipart::from_request(request, &()).await.map_err(|error| bad(&error))?;
        loop {
            match form.next_field().await.map_err(|error| bad(&error))? {
                None => return Err(Refusal::daemon_bad("no file in the form")),
                Some(field) if field.name() == Some("file") => {
                    write(&toolbox, &path, field).await?;
                    break;
                }
                Some(_) => {}
            }
        }
    } else {
        write(&toolbox, &path, request.into_body().into_data_stream()).await?;
    }
    let path = toolbox.place.absolute(&path);
    let name = path.rsplit('/').next().unwrap_or_default();
    Ok(Json(json!({ "name": name, "path": path, "type": "file" })))
}

/// A file that is there to be read, and its size.
pub(super) async fn opened(path: &Path) -> io::Result<(tokio::fs::File, u64)> {
    let file = tokio::fs::File::open(path).await?;
    let metadata = file.metadata().await?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok((file, metadata.len()))
}

/// The next bytes of a file, at most this many.
pub(super) fn pieces(file: tokio::fs::File, bytes: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures_util::stream::unfold((file, bytes), |(mut file, left)| async move {
        if left == 0 {
            return None;
        }
        let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        match file.read(&mut piece).await {
            Ok(0) => Some((Err(io::ErrorKind::UnexpectedEof.into()), (file, 0))),
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(Bytes::from(piece)), (file, left - read as u64)))
            }
            Err(error) => Some((Err(error), (file, 0))),
        }
    })
}

pub(super) async fn download(
    Inside(toolbox): Inside,
    Query(Named { path }): Query<Named>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let source = outside(&toolbox, &path)?;
    let (mut file, size) = opened(&source).await.map_err(|error| refused(&error, &path))?;
    let (from, to) = match headers.get(header::RANGE).and_then(|range| range.to_str().ok()) {
        None => (0, size),
        Some(range) => wanted(range, size).ok_or_else(|| {
            Refusal::daemon(StatusCode::RANGE_NOT_SATISFIABLE, "BAD_REQUEST", "invalid range")
        })?,
    };
    file.seek(io::SeekFrom::Start(from)).await.map_err(|error| refused(&error, &path))?;
    let name = path.rsplit('/').next().unwrap_or_default().replace('"', "_");
    let mut response = Body::from_stream(pieces(file, to - from)).into_response();
    let mut add = |name, value: String| {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    };
    add(header::CONTENT_TYPE, "application/octet-stream".to_owned());
    add(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    add(header::ACCEPT_RANGES, "bytes".to_owned());
    add(header::CONTENT_LENGTH, (to - from).to_string());
    if headers.contains_key(header::RANGE) {
        add(header::CONTENT_RANGE, format!("bytes {from}-{}/{size}", to - 1));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// The bytes from and to which one range reaches, if it is within the file.
fn wanted(range: &str, size: u64) -> Option<(u64, u64)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.parse::<u64>().ok(), to.parse::<u64>().ok()) {
        (Some(from), Some(to)) => (from, size.min(to.checked_add(1)?)),
        (Some(from), None) => (from, size),
        (None, Some(last)) => (size.saturating_sub(last), size),
        (None, None) => return None,
    };
    (from < to).then_some((from, to))
}
