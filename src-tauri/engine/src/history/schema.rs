//! The format of the database, and how an older one becomes the current one.
//!
//! Each format is a step of SQL from the one before; `user_version` says how many steps a database has taken.
//! Steps are only ever added: one that was released is not changed.

use rusqlite::{Connection, TransactionBehavior};

use super::open::rebuild;
use crate::error::{Error, Result};
use crate::home::Home;

const STEPS: [&str; 2] = [include_str!("schema/1-runs.sql"), include_str!("schema/2-costs.sql")];

/// The format that this version writes.
pub(super) const CURRENT: i64 = STEPS.len().cast_signed() as i64;

/// The format of a database; 0 for an empty one.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database to the current format, all at once or not at all. A new one is filled from the folders of
/// the runs, for it may stand where one was lost.
pub(super) fn migrate(connection: &mut Connection, home: &Home) -> Result<()> {
    // Stays with the file. Where it is impossible, as on some network drives, SQLite keeps to its journal.
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken = version(&transaction)?;
    let steps = usize::try_from(taken).ok().and_then(|taken| STEPS.get(taken..));
    for step in steps.ok_or(Error::HistoryNewer { found: taken, known: CURRENT })? {
        transaction.execute_batch(step)?;
    }
    if taken == 0 {
        rebuild(&transaction, home)?;
    }
    transaction.pragma_update(None, "user_version", CURRENT)?;
    transaction.commit()?;
    Ok(())
}
