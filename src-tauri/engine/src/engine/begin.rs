//! What there is of a run before it does anything: its row, its folder, its first event.

use std::path::Path;

use super::Inner;
use super::kept::remove_folder;
use crate::error::{Error, Result};
use crate::history::events::{Event, EventLog};
use crate::log::LogWriter;
use crate::os;
use crate::state::RunRecord;

impl Inner {
    /// Writes a new run down. The row comes first: a folder that nobody knows of would never be removed.
    pub(super) fn write_down(
        &self,
        record: &RunRecord,
        folder: &Path,
        limit: u64,
    ) -> Result<(LogWriter, EventLog, Event)> {
        self.history.insert(record)?;
        let made = make_folder(record, folder, limit);
        if made.is_err() {
            // What cannot be taken back now is closed as lost by the next engine.
            let _ = remove_folder(folder);
            let _ = self.history.remove(&[record.id], record.created);
        }
        made
    }
}

fn make_folder(record: &RunRecord, folder: &Path, limit: u64) -> Result<(LogWriter, EventLog, Event)> {
    os::create_private_dir(folder).map_err(Error::storage("creating", folder))?;
    let events = EventLog::open(folder)?;
    let created = Event::created(record);
    events.append(&created)?;
    Ok((LogWriter::create(folder, limit)?, events, created))
}
