//! The output of a run: bytes, rows, matches.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use std::io::{self, BufWriter};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use serde::Deserialize;
use stigmer_engine::engine::Engine;
use stigmer_engine::export::Format;
use stigmer_engine::log::{LogReader, Piece};
use stigmer_engine::{Error, Result};
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use super::Shared;
use super::runs::InPathRun;
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{InPath, InQuery, RunInPath, misunderstood};

/// Most bytes of one answer.
const WINDOW: usize = 1 << 20;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_bytes, bytes).with(__path_export, export)
}

/// A part of a log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Window {
    /// The position of the first byte.
    #[serde(default, deserialize_with = "crate::take::number")]
    #[param(maximum = 9_007_199_254_740_991_u64)]
    from: u64,
    /// How many bytes at most; 1 MiB at most.
    #[param(maximum = 1_048_576)]
    length: Option<usize>,
}

/// The output as it was written, all streams together. Where bytes were left out by the size limit, the answer
/// ends before them, or begins behind them if it would begin there.
#[utoipa::path(get, path = "/api/v1/runs/{id}/log", tag = "log",
    params(RunInPath, Window),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>, headers(
        ("x-stigmer-offset" = u64, description = "The position of the first byte that is here"),
        ("x-stigmer-length" = u64, description = "The position behind the last byte of the log, now"),
        ("x-stigmer-ended" = bool, description = "Whether no more will come"))), Refusal))]
async fn bytes(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InQuery(window): InQuery<Window>,
) -> Result<Response, Refusal> {
    let id = engine.resolve(&id).await?;
    // Asked before reading: what is written before the end is then found by this very read.
    let ended = engine.get(id).await?.state.ending().is_some();
    let log = engine.log(id);
    let length = window.length.unwrap_or(WINDOW);
    if length > WINDOW {
        return Err(misunderstood(format!("`length` is at most {WINDOW}")));
    }
    let read = tokio::task::spawn_blocking(move || read(log, window.from, length)).await;
    let (offset, bytes, end) = read.unwrap_or(Err(Error::Stopped))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (HeaderName::from_static("x-stigmer-offset"), offset.into()),
        (HeaderName::from_static("x-stigmer-length"), end.into()),
        (
            HeaderName::from_static("x-stigmer-ended"),
            HeaderValue::from_static(if ended { "true" } else { "false" }),
        ),
    ];
    Ok((headers, bytes.freeze()).into_response())
}

/// Bytes without a gap, where they begin, and where the log ends.
fn read(mut log: LogReader, from: u64, length: usize) -> Result<(u64, BytesMut, u64)> {
    let end = log.length()?;
    log.seek(from);
    let (mut offset, mut read) = (from, BytesMut::new());
    while read.len() < length {
        match log.next_piece()? {
            Some(Piece::Bytes { bytes, .. }) => {
                read.extend_from_slice(&bytes[..bytes.len().min(length - read.len())]);
            }
            Some(piece @ Piece::LeftOut { .. }) if read.is_empty() => offset = piece.end(),
            Some(Piece::LeftOut { .. }) | None => break,
        }
    }
    Ok((offset, read, end))
}

/// The form of an export.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Exported {
    /// `text` is without colours and redrawn lines, `raw` is every byte, `json` is all there is about the run.
    #[serde(default)]
    #[param(inline, value_type = Option<FormatWord>)]
    format: FormatWord,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum FormatWord {
    #[default]
    Text,
    Raw,
    Json,
}

/// A run as a file.
#[utoipa::path(get, path = "/api/v1/runs/{id}/export", tag = "log",
    params(RunInPath, Exported),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), Refusal))]
async fn export(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InQuery(Exported { format }): InQuery<Exported>,
) -> Result<Response, Refusal> {
    let id = engine.resolve(&id).await?;
    let (format, ending) = match format {
        FormatWord::Text => (Format::Text, "txt"),
        FormatWord::Raw => (Format::Raw, "log"),
        FormatWord::Json => (Format::Json, "jsonl"),
    };
    let (to, parts) = mpsc::channel(2);
    tokio::spawn(async move {
        let written = engine.export(id, format, BufWriter::with_capacity(PART, Parts(to.clone()))).await;
        if let Err(error) = written {
            // The answer has begun: to break it off is the only way left to say that it is not whole.
            let _ = to.send(Err(io::Error::other(error))).await;
        }
    });
    let name = format!("attachment; filename=\"run-{id}.{ending}\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    let parts = stream::unfold(parts, async |mut parts| parts.recv().await.map(|part| (part, parts)));
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Bytes of a part of an export.
const PART: usize = 64 << 10;

/// Hands what is written over in parts, as fast as they are taken.
struct Parts(mpsc::Sender<io::Result<Bytes>>);

impl io::Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
