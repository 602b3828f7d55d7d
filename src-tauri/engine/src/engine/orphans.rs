//! Runs whose engine died: closed with the truth, their places cleaned up.
//!
//! Only what nobody could take up again, so any engine may do it, whether it belongs to an app or to one command.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Engine, Inner};
use crate::backend;
use crate::error::Result;
use crate::history::events::{Event, EventLog, What};
use crate::log::LogReader;
use crate::run::blocking;
use crate::spec::RunId;
use crate::state::{Ending, Outcome};

impl Engine {
    /// Ends the rows of engines that died: the history completes those whose folder has the
    /// end, the others are lost.
    pub(super) async fn close_orphans(&self) -> Result<()> {
        let home = self.0.home.clone();
        for orphan in self.query(move |history| history.orphans(&home)).await? {
            let backend = backend::of(&self.0.backends, orphan.place.mode);
            if let Ok(backend) = backend {
                backend.cleanup(orphan.id).await?;
            }
            let inner = Arc::clone(&self.0);
            blocking(move || inner.close_orphan(orphan.id)).await?;
        }
        Ok(())
    }
}

impl Inner {
    fn close_orphan(&self, id: RunId) -> Result<()> {
        let folder = self.home.run(id);
        let ending = Ending { outcome: Outcome::Lost, at: Timestamp::now(), usage: None };
        let bytes = LogReader::open(&folder).length()?;
        if folder.is_dir() {
            let what = What::Ended { ending: ending.clone(), bytes };
            EventLog::open(&folder)?.append(&Event { at: ending.at, what })?;
        }
        self.history.ended(id, &ending, bytes).map(drop)
    }
}
