//! Which runs are old or large enough to go. Only says which: folders and rows are removed by the caller.

use std::time::Duration;

use jiff::Timestamp;

use super::{History, row};
use crate::error::Result;
use crate::spec::RunId;

/// A run that may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The run.
    pub id: RunId,
    /// Bytes of its output.
    pub bytes: u64,
    /// Why it should go.
    pub reason: Reason,
}

/// Why a run should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It ended too long ago.
    Age,
    /// It is among the oldest, and all together are too large.
    Size,
}

impl History {
    /// The runs to remove so that none ended longer than `max_age` before `now` and the rest keep at most
    /// `max_total_bytes` of output; oldest first. `None` is no limit.
    ///
    /// Pinned and un-ended runs are never among them and do not count: else a few large pinned runs would
    /// take all the others with them. Nor does a run without output go for its size.
    pub fn candidates(
        &self,
        max_age: Option<Duration>,
        max_total_bytes: Option<u64>,
        now: Timestamp,
    ) -> Result<Vec<Candidate>> {
        let oldest = max_age.map_or(i64::MIN, |age| row::before(now, age));
        let ended = self.ended_unpinned()?;
        let kept = ended.iter().filter(|(_, _, ended)| *ended >= oldest).map(|(_, bytes, _)| bytes);
        let total = kept.fold(0_u64, |total, bytes| total.saturating_add(*bytes));
        let mut excess = max_total_bytes.map_or(0, |most| total.saturating_sub(most));
        let mut candidates = Vec::new();
        for (id, bytes, ended) in ended {
            if ended < oldest {
                candidates.push(Candidate { id, bytes, reason: Reason::Age });
            } else if excess > 0 && bytes > 0 {
                excess = excess.saturating_sub(bytes);
                candidates.push(Candidate { id, bytes, reason: Reason::Size });
            }
        }
        Ok(candidates)
    }

    /// Id, bytes and end of every run that may go, in the order of their ends.
    fn ended_unpinned(&self) -> Result<Vec<(RunId, u64, i64)>> {
        let sql =
            "SELECT id, bytes, ended FROM runs WHERE ended IS NOT NULL AND NOT pinned ORDER BY ended, seq";
        let connection = self.connection();
        let mut ended = connection.prepare_cached(sql)?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row::id(row, 0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0), row.get(2)?))
        };
        Ok(ended.query_map([], read)?.collect::<Result<_, _>>()?)
    }
}
