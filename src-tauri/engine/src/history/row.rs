//! Between a [`RunRecord`] and its row. Nothing else knows what stands in which column.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::costs;
use crate::error::Result;
use crate::spec::{Origin, RunId};
use crate::state::{Ending, Outcome, RunRecord, RunState};

/// The columns that [`record`] reads.
pub(super) const COLUMNS: &str = "id, created, started, state, bytes, pinned, host, spec, place, ending";

/// Adds a row. The caller opened a transaction.
pub(super) fn insert(to: &Connection, record: &RunRecord) -> Result<()> {
    let sql = "INSERT INTO runs (id, created, started, ended, state, mode, exit_code, origin, bytes, pinned, host,
                                 rerun_of, workspace, labels, command)
               VALUES (:id, :created, :started, :ended, :state, :mode, :exit_code, :origin, :bytes, :pinned, :host,
                       :rerun_of, :workspace, :labels, :command)";
    let ending = record.state.ending();
    to.prepare_cached(sql)?.execute(named_params! {
        ":id": record.id.to_string(),
        ":created": nanoseconds(record.created),
        ":started": record.started.map(nanoseconds),
        ":ended": ending.map(|ending| nanoseconds(ending.at)),
        ":state": record.state.word(),
        ":mode": record.place.mode.name(),
        ":exit_code": ending.and_then(|ending| ending.outcome.exit_code()),
        ":origin": origin(record.spec.origin),
        ":bytes": size(record.bytes),
        ":pinned": record.pinned,
        ":host": record.host.to_string(),
        ":rerun_of": record.spec.rerun_of.map(|id| id.to_string()),
        ":workspace": record.spec.workspace.to_string_lossy(),
        ":labels": labels(&record.spec.labels),
        ":command": record.spec.work.to_string(),
    })?;
    let seq = to.last_insert_rowid();
    let sql = "INSERT INTO run_details (seq, spec, place, ending) VALUES (:seq, :spec, :place, :ending)";
    to.prepare_cached(sql)?.execute(named_params! {
        ":seq": seq,
        ":spec": json(&record.spec.without_values())?,
        ":place": json(&record.place)?,
        ":ending": ending.map(json).transpose()?,
    })?;
    costs::note(to, seq, record.place.cloud.as_deref())?;
    ending.map_or(Ok(()), |ending| costs::end(to, seq, ending.at, matches!(ending.outcome, Outcome::Lost)))
}

/// Ends an un-ended run. The caller opened a transaction.
pub(super) fn end(to: &Connection, id: RunId, ending: &Ending, bytes: u64) -> Result<bool> {
    let sql = "UPDATE runs SET state = :state, ended = :at, exit_code = :exit_code, bytes = :bytes
               WHERE id = :id AND ended IS NULL RETURNING seq";
    let seq: Option<i64> = to
        .prepare_cached(sql)?
        .query_row(
            named_params! {
                ":id": id.to_string(),
                ":state": ending.outcome.word(),
                ":at": nanoseconds(ending.at),
                ":exit_code": ending.outcome.exit_code(),
                ":bytes": size(bytes),
            },
            |row| row.get(0),
        )
        .optional()?;
    if let Some(seq) = seq {
        costs::end(to, seq, ending.at, matches!(ending.outcome, Outcome::Lost))?;
    }
    let sql = "UPDATE run_details SET ending = :ending WHERE seq = :seq";
    let changed = to.prepare_cached(sql)?.execute(named_params! {":seq": seq, ":ending": json(ending)?})?;
    Ok(changed > 0)
}

/// Reads a row that has [`COLUMNS`].
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let ending: Option<Ending> = row.get::<_, Option<String>>(9)?.map(|text| parse(9, &text)).transpose()?;
    let state = match (ending, row.get_ref(3)?.as_str()?) {
        (Some(ending), _) => RunState::Ended(ending),
        (None, "queued") => RunState::Queued,
        (None, "preparing") => RunState::Preparing,
        (None, "running") => RunState::Running,
        (None, other) => return Err(unreadable(3, format!("`{other}` without how it ended"))),
    };
    Ok(RunRecord {
        id: id(row, 0)?,
        spec: parse(7, row.get_ref(7)?.as_str()?)?,
        place: parse(8, row.get_ref(8)?.as_str()?)?,
        state,
        created: timestamp(row, 1)?,
        started: row.get::<_, Option<i64>>(2)?.map(|_| timestamp(row, 2)).transpose()?,
        bytes: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0),
        pinned: row.get(5)?,
        host: row.get_ref(6)?.as_str()?.parse().map_err(|error| unreadable(6, error))?,
    })
}

/// Reads the id in a column.
pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<RunId> {
    row.get_ref(column)?.as_str()?.parse().map_err(|error| unreadable(column, error))
}

/// Reads the time in a column.
pub(super) fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_nanosecond(row.get::<_, i64>(column)?.into()).map_err(|error| unreadable(column, error))
}

/// Who started a run, as the column has it.
pub(super) const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::CommandLine => "command_line",
        Origin::Window => "window",
        Origin::Tray => "tray",
        Origin::Api => "api",
        Origin::Agent => "agent",
    }
}

/// Nanoseconds since 1970, at the end of the column's range (the year 2262) for what lies beyond.
pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    let limit = if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX };
    i64::try_from(at.as_nanosecond()).unwrap_or(limit)
}

/// The time that lies `age` before `now`, or the beginning of time.
pub(super) fn before(now: Timestamp, age: Duration) -> i64 {
    nanoseconds(now).saturating_sub(i64::try_from(age.as_nanos()).unwrap_or(i64::MAX))
}

/// Labels as the column has them: each between line ends, so that one is found as a part of the text.
pub(super) fn labels(labels: &[String]) -> String {
    labels.iter().flat_map(|label| ["\n".to_owned(), label.replace('\n', " "), "\n".to_owned()]).collect()
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    let text = serde_json::to_string(value);
    Ok(text.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?)
}

fn parse<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

fn unreadable(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
