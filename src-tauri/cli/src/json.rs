//! The lines of `--json`: one object each, for programs. See `docs/json.md` for their form.

use std::future::pending;
use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use stigmer_engine::Report;
use stigmer_engine::engine::Engine;
use stigmer_engine::history::{Event, What};
use stigmer_engine::log::{Piece, Tail};
use stigmer_engine::spec::RunId;
use stigmer_engine::state::{Outcome, RunRecord};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::exit::Failure;

/// Prints states, progress and output of a run as they happen, until its log ends.
pub(crate) fn print_live(
    engine: &Engine,
    id: RunId,
    mut tail: Tail,
    runtime: &Handle,
) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let mut mode = "";
    let mut printed = 0;
    loop {
        let (events, news) = engine.events(id, printed)?;
        printed += events.len();
        // The end comes after the last byte of output and is printed by `print_end`.
        for event in events.iter().filter(|event| !matches!(event.what, What::Ended { .. })) {
            if let What::Created { place, .. } = &event.what {
                mode = place.mode.name();
            }
            if let Some(line) = event_line(event, id, mode) {
                writeln!(stdout, "{line}")?;
            }
        }
        stdout.flush()?;
        let piece = runtime.block_on(async {
            tokio::select! {
                biased;
                () = changed(news) => None,
                piece = tail.next() => Some(piece),
            }
        });
        match piece.transpose()? {
            Some(Some(piece)) => print_piece(&mut stdout, piece)?,
            Some(None) => return Ok(stdout.flush()?),
            None => {}
        }
    }
}

/// Waits for more events; for ever where there can be none.
async fn changed(news: Option<watch::Receiver<usize>>) {
    let Some(mut news) = news else { return pending().await };
    if news.changed().await.is_err() {
        pending::<()>().await;
    }
}

/// Prints the last lines of a run: its end state and `execution_complete`.
pub(crate) fn print_end(engine: &Engine, record: &RunRecord) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let (events, _) = engine.events(record.id, 0)?;
    let mode = record.place.mode.name();
    let ended = events.iter().rev().find(|event| matches!(event.what, What::Ended { .. }));
    if let Some(line) = ended.and_then(|event| event_line(event, record.id, mode)) {
        writeln!(stdout, "{line}")?;
    }
    writeln!(stdout, "{}", complete_line(record))?;
    Ok(stdout.flush()?)
}

/// The last line where there is no run.
pub(crate) fn refused_line(error: &Report) -> Value {
    json!({
        "type": "execution_complete",
        "run_id": Value::Null,
        "state": "error",
        "exit_code": Value::Null,
        "duration_ms": Value::Null,
        "mode": Value::Null,
        "cost_usd": Value::Null,
        "error": error,
    })
}

/// The last line about a run.
pub(crate) fn complete_line(record: &RunRecord) -> Value {
    let outcome = record.state.ending().map(|ending| &ending.outcome);
    let error = match outcome {
        Some(Outcome::Error { error }) => Some(error),
        _ => None,
    };
    json!({
        "type": "execution_complete",
        "run_id": record.id,
        "state": record.state.word(),
        "exit_code": outcome.and_then(Outcome::exit_code),
        "duration_ms": record.duration().map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "mode": record.place.mode,
        "cost_usd": Value::Null,
        "error": error,
    })
}

/// The line for an event; some are only for the run's own folder.
pub(crate) fn event_line(event: &Event, id: RunId, mode: &str) -> Option<Value> {
    let state =
        |word: &str| json!({ "type": "state", "run_id": id, "state": word, "mode": mode, "at": event.at });
    Some(match &event.what {
        What::Created { .. } => state("queued"),
        What::Preparing { .. } => state("preparing"),
        What::Running { .. } => state("running"),
        What::Ended { ending, .. } => state(ending.outcome.word()),
        What::Progress { step, current, total } => {
            json!({ "type": "progress", "step": step, "current": current, "total": total })
        }
        What::Placed { .. } | What::Adopted { .. } | What::Note { .. } | What::Pinned { .. } => return None,
    })
}

/// Prints a piece of output; text as text, everything else in base64.
pub(crate) fn print_piece(to: &mut impl Write, piece: Piece) -> io::Result<()> {
    match piece {
        Piece::Bytes { offset, at, stream, bytes } => {
            let at = Timestamp::from_microsecond(i64::try_from(at).unwrap_or_default()).unwrap_or_default();
            let mut position = offset;
            for chunk in chunks(&bytes) {
                let (name, content) = content(chunk);
                let line =
                    json!({ "type": "log", "stream": stream, name: content, "offset": position, "at": at });
                writeln!(to, "{line}")?;
                position += chunk.len() as u64;
            }
            Ok(())
        }
        Piece::LeftOut { offset, length } => {
            writeln!(to, "{}", json!({ "type": "left_out", "offset": offset, "length": length }))
        }
    }
}

/// The name and value under which bytes stand: as text if they are, else in base64.
pub(crate) fn content(bytes: &[u8]) -> (&'static str, String) {
    match std::str::from_utf8(bytes) {
        Ok(text) => ("content", text.to_owned()),
        Err(_) => ("content_base64", BASE64_STANDARD.encode(bytes)),
    }
}

/// Splits bytes so that a character that is cut off at the end does not turn the text before it into base64.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    let (text, rest) = bytes.split_at(end);
    [text, rest].into_iter().filter(|chunk| !chunk.is_empty())
}
