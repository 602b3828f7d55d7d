//! The history of runs: a database that is an index over the folders of the runs.
//!
//! It owns the rows, how they are found, and what happens to a database that is damaged, old or too new. It
//! leaves out what a run printed (the log), when a run is looked after (the engine) and every folder but the
//! database's own. Calls block, so they belong on a blocking thread.
//!
//! Invariants: whatever is in the database can be rebuilt from the folders, so losing it loses nothing but what removed
//! runs cost. A run ends once: after its end only pinning and removal change it.

mod costs;
pub mod events;
mod filter;
mod host;
mod open;
mod resolve;
mod retention;
mod row;
mod schema;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, named_params};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::home::Home;
use crate::spec::RunId;
use crate::state::{Ending, Place, RunRecord, RunState};

pub use costs::MonthCosts;
pub use events::{Event, EventLog, What};
pub use filter::Filter;
pub use host::{Host, forget_dead, is_alive, wait_until_gone};
pub use open::Opened;
pub use retention::{Candidate, Reason};

/// The table of all runs. Any number of processes may have it open and write to it.
#[derive(Debug)]
pub struct History {
    connection: Mutex<Connection>,
    path: PathBuf,
    /// For reading alone: a list need not wait for a change that waits for another process. Opened when it is needed
    /// first.
    reader: OnceLock<Mutex<Connection>>,
}

impl History {
    /// Adds a run, without the values of its variables.
    pub fn insert(&self, record: &RunRecord) -> Result<()> {
        self.insert_all(std::slice::from_ref(record))
    }

    /// Adds many runs at once: all or none.
    pub fn insert_all(&self, records: &[RunRecord]) -> Result<()> {
        self.write(|to| records.iter().try_for_each(|record| row::insert(to, record)))
    }

    /// Notes that the run's place is being made ready.
    pub fn preparing(&self, id: RunId) -> Result<()> {
        let sql = "UPDATE runs SET state = :state WHERE id = :id AND started IS NULL AND ended IS NULL";
        let state = RunState::Preparing.word();
        self.connection()
            .prepare_cached(sql)?
            .execute(named_params! {":id": id.to_string(), ":state": state})?;
        Ok(())
    }

    /// Notes what was found out about the run's place while it was made ready.
    pub fn placed(&self, id: RunId, place: &Place) -> Result<()> {
        let place_json = row::json(place)?;
        self.write(|to| {
            let sql = "UPDATE runs SET mode = :mode WHERE id = :id AND ended IS NULL RETURNING seq";
            let seq: Option<i64> = to
                .prepare_cached(sql)?
                .query_row(named_params! {":id": id.to_string(), ":mode": place.mode.name()}, |row| {
                    row.get(0)
                })
                .optional()?;
            let sql = "UPDATE run_details SET place = :place WHERE seq = :seq";
            to.prepare_cached(sql)?.execute(named_params! {":seq": seq, ":place": place_json})?;
            seq.map_or(Ok(()), |seq| costs::note(to, seq, place.cloud.as_deref()))
        })
    }

    /// Notes that the program started.
    pub fn started(&self, id: RunId, at: Timestamp) -> Result<()> {
        let sql = "UPDATE runs SET state = :state, started = :at WHERE id = :id AND ended IS NULL";
        self.connection().prepare_cached(sql)?.execute(named_params! {
            ":id": id.to_string(),
            ":state": RunState::Running.word(),
            ":at": row::nanoseconds(at),
        })?;
        Ok(())
    }

    /// Ends a run that kept `bytes` of output. `false` if it is over already or unknown: then nothing changes.
    pub fn ended(&self, id: RunId, ending: &Ending, bytes: u64) -> Result<bool> {
        self.write(|to| row::end(to, id, ending, bytes))
    }

    /// Makes `host` look after an un-ended run of the dead engine `from`. `false` if it is over or another
    /// engine was quicker.
    pub fn adopt(&self, id: RunId, from: Uuid, host: Uuid) -> Result<bool> {
        let sql = "UPDATE runs SET host = :host WHERE id = :id AND host = :from AND ended IS NULL";
        let changed = self.connection().prepare_cached(sql)?.execute(named_params! {
            ":id": id.to_string(),
            ":from": from.to_string(),
            ":host": host.to_string(),
        })?;
        Ok(changed > 0)
    }

    /// Keeps a run whatever its age, or no longer. Its folder is told with [`What::Pinned`] by the caller.
    pub fn pin(&self, id: RunId, pinned: bool) -> Result<()> {
        let sql = "UPDATE runs SET pinned = :pinned WHERE id = :id";
        let changed = self
            .connection()
            .prepare_cached(sql)?
            .execute(named_params! {":id": id.to_string(), ":pinned": pinned})?;
        if changed == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Forgets runs, though not what they cost; ids that are not there are fine. Folders go first, by the caller: a crash in between then
    /// leaves rows without a folder, which can be removed again, and no folder that nothing names.
    pub fn remove(&self, ids: &[RunId], now: Timestamp) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.write(|to| {
            costs::keep(to, ids, now)?;
            let mut remove = to.prepare_cached("DELETE FROM runs WHERE id = ?1")?;
            ids.iter().try_for_each(|id| remove.execute([id.to_string()]).map(drop).map_err(Error::from))
        })
    }

    /// One run.
    pub fn get(&self, id: RunId) -> Result<RunRecord> {
        let sql = format!("SELECT {} FROM runs JOIN run_details USING (seq) WHERE id = ?1", row::COLUMNS);
        let connection = self.reading();
        let mut get = connection.prepare_cached(&sql)?;
        get.query_row([id.to_string()], row::record).optional()?.ok_or_else(|| not_found(id))
    }

    /// The run that a person means by `given`: `last`, `@1` (the newest, as `last`), `@2` (the one before), a
    /// full id, or at least four hex digits from the beginning or the end of one, with or without dashes.
    pub fn resolve(&self, given: &str) -> Result<RunId> {
        resolve::resolve(&self.reading(), given)
    }

    /// The newest runs that pass the filter, newest first.
    pub fn list(&self, filter: &Filter) -> Result<Vec<RunRecord>> {
        filter::list(&self.reading(), filter)
    }

    /// How many runs pass the filter, regardless of its `limit` and `before`.
    pub fn count(&self, filter: &Filter) -> Result<u64> {
        filter::count(&self.reading(), filter)
    }

    /// Runs that have not ended, oldest first; only those of one engine if `host` is given.
    pub fn unended(&self, host: Option<Uuid>) -> Result<Vec<RunRecord>> {
        let sql = format!(
            "SELECT {} FROM runs JOIN run_details USING (seq)
             WHERE ended IS NULL AND (:host IS NULL OR host = :host) ORDER BY runs.seq",
            row::COLUMNS
        );
        let connection = self.reading();
        let mut unended = connection.prepare_cached(&sql)?;
        let host = host.map(|host| host.to_string());
        Ok(unended.query_map(named_params! {":host": host}, row::record)?.collect::<Result<_, _>>()?)
    }

    /// Un-ended runs whose engine is dead, oldest first. A run whose folder knows how it ended is not among
    /// them: its engine died between the two writes, and the row is completed here. Reads no folder of a run
    /// that is looked after.
    pub fn orphans(&self, home: &Home) -> Result<Vec<RunRecord>> {
        let mut orphans = Vec::new();
        for record in self.unended(None)? {
            // One that cannot be asked, because it is another user's, is not ours to bury.
            if is_alive(home, record.host).unwrap_or(true) {
                continue;
            }
            // A folder that cannot be read tells nothing.
            let told = RunRecord::from_events(events::read(&home.run(record.id)).unwrap_or_default());
            if let Some(told) = told.as_ref().filter(|told| told.place != record.place) {
                self.placed(record.id, &told.place)?;
            }
            if let Some(at) = told.as_ref().and_then(|told| told.started) {
                self.started(record.id, at)?;
            }
            match told {
                Some(RunRecord { state: RunState::Ended(ending), bytes, .. }) => {
                    self.ended(record.id, &ending, bytes)?;
                }
                // The row may know less than the folder: what is told of a run is told of all of it.
                Some(told) => orphans.push(RunRecord { host: record.host, ..told }),
                None => orphans.push(record),
            }
        }
        Ok(orphans)
    }

    /// Everything that is wrong with the database, for `stigmer doctor`: empty if it is sound. Reads it all.
    pub fn check(&self) -> Result<Vec<String>> {
        let connection = self.connection();
        let check = || {
            let mut check = connection.prepare("PRAGMA quick_check")?;
            check.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()
        };
        match check() {
            Ok(found) => Ok(found.into_iter().filter(|line| line != "ok").collect()),
            Err(error) if open::is_damage(&error) => Ok(vec![error.to_string()]),
            Err(error) => Err(error.into()),
        }
    }

    /// A number that is another after each change of the history, whoever made it.
    pub fn version(&self) -> Result<i64> {
        // A connection does not count its own changes, so it is that one which makes none.
        let reader = self.reader()?.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(reader.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// A connection to read with: the one for all where it is free, for most programs never need another.
    fn reading(&self) -> MutexGuard<'_, Connection> {
        if self.reader.get().is_none() {
            match self.connection.try_lock() {
                Ok(connection) => return connection,
                Err(TryLockError::Poisoned(connection)) => return connection.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        match self.reader() {
            Ok(reader) => reader.lock().unwrap_or_else(PoisonError::into_inner),
            Err(_) => self.connection(),
        }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere rolled its transaction back, so the connection is as good as before.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Several statements as one. It takes the write lock at its beginning: a transaction that wants to
    /// become a writer later fails at once when another process wrote in between, whatever the timeout.
    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let changed = change(&transaction)?;
        transaction.commit()?;
        Ok(changed)
    }
}

fn not_found(id: RunId) -> Error {
    Error::RunNotFound { given: id.to_string() }
}
