//! Runs as JSON for programs: the lines of `--json`, the same for every face. `docs/json.md` explains them.

use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::Report;
use crate::history::{Event, What};
use crate::log::Piece;
use crate::spec::RunId;
use crate::state::{Outcome, RunRecord};

/// The last line where there is no run.
pub fn refused(error: &Report) -> Value {
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
pub fn complete(run: &RunRecord) -> Value {
    let outcome = run.state.ending().map(|ending| &ending.outcome);
    let error = match outcome {
        Some(Outcome::Error { error }) => Some(error),
        _ => None,
    };
    json!({
        "type": "execution_complete",
        "run_id": run.id,
        "state": run.state.word(),
        "exit_code": outcome.and_then(Outcome::exit_code),
        "duration_ms": duration(run),
        "mode": run.place.mode,
        "cost_usd": run.cost(Timestamp::now()),
        "error": error,
    })
}

fn duration(run: &RunRecord) -> Option<u64> {
    run.duration().map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

/// The line for an event; some are only for the run's own folder.
pub fn event(event: &Event, id: RunId, mode: &str) -> Option<Value> {
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

/// The lines for a piece of output; text as text, everything else in base64.
pub fn piece(piece: &Piece) -> Vec<Value> {
    match piece {
        Piece::Bytes { offset, at, stream, bytes } => {
            let at = Timestamp::from_microsecond(i64::try_from(*at).unwrap_or_default()).unwrap_or_default();
            let mut position = *offset;
            let line = |chunk: &[u8]| {
                let (name, content) = content(chunk);
                let line =
                    json!({ "type": "log", "stream": stream, name: content, "offset": position, "at": at });
                position += chunk.len() as u64;
                line
            };
            chunks(bytes).map(line).collect()
        }
        Piece::LeftOut { offset, length } => {
            vec![json!({ "type": "left_out", "offset": offset, "length": length })]
        }
    }
}

/// Writes the lines for a piece of output.
pub fn write_piece(to: &mut impl Write, written: &Piece) -> io::Result<()> {
    piece(written).iter().try_for_each(|line| writeln!(to, "{line}"))
}

/// The name and value under which bytes stand: as text if they are, else in base64.
pub fn content(bytes: &[u8]) -> (&'static str, String) {
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
