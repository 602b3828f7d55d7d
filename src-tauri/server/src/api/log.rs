//! The output of a run: bytes, rows, matches.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use serde::Deserialize;
use stigmer_engine::engine::Engine;
use stigmer_engine::log::{LogReader, Piece};
use stigmer_engine::{Error, Result};
use utoipa::IntoParams;

use super::Shared;
use super::runs::InPathRun;
use crate::form::Report;
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{InPath, InQuery};

/// Most bytes of one answer.
const WINDOW: usize = 1 << 20;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_bytes, bytes)
}

/// A part of a log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Window {
    /// The position of the first byte.
    #[serde(default)]
    from: u64,
    /// How many bytes at most; 1 MiB at most.
    length: Option<u64>,
}

/// The output as it was written, all streams together. Where bytes were left out by the size limit, the answer
/// ends before them, or begins behind them if it would begin there.
#[utoipa::path(get, path = "/api/v1/runs/{id}/log", tag = "log",
    params(("id" = String, Path, description = "The id of a run, its beginning or end, or `last`"), Window),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>, headers(
            ("x-stigmer-offset" = u64, description = "The position of the first byte that is here"),
            ("x-stigmer-length" = u64, description = "The position behind the last byte of the log, now"),
            ("x-stigmer-ended" = bool, description = "Whether no more will come"))),
        (status = "4XX", body = Report), (status = "5XX", body = Report)))]
async fn bytes(
    State(engine): State<Engine>,
    InPath(id): InPathRun,
    InQuery(window): InQuery<Window>,
) -> Result<Response, Refusal> {
    let id = engine.resolve(&id).await?;
    // Asked before reading: what is written before the end is then found by this very read.
    let ended = engine.get(id).await?.state.ending().is_some();
    let log = engine.log(id);
    let length = usize::try_from(window.length.unwrap_or(u64::MAX)).unwrap_or(WINDOW).min(WINDOW);
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
