//! Runs whose engine died: closed with the truth, their places cleaned up.
//!
//! Only what nobody could take up again, so any engine may do it, whether it belongs to an app or to one command.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::warn;

use super::{Engine, Inner};
use crate::backend;
use crate::error::Result;
use crate::history;
use crate::history::events::{Event, EventLog, What};
use crate::log::LogReader;
use crate::run::blocking;
use crate::spec::RunId;
use crate::state::{Ending, Outcome, RunRecord};

impl Engine {
    /// Ends the rows of engines that died: the history completes those whose folder has the
    /// end, the others are lost. One that cannot be ended now does not stand in the way of the others.
    pub(super) async fn close_orphans(&self) -> Result<()> {
        let home = self.0.home.clone();
        for orphan in self.query(move |history| history.orphans(&home)).await? {
            if let Err(error) = self.clean_up_and_close(&orphan).await {
                warn!(run = %orphan.id, %error, "a run of a program that died could not be ended");
            }
        }
        Ok(())
    }

    /// Whether one of these was looked after by an engine that is gone; then it is closed, and what was read is old.
    pub(super) async fn close_orphans_among(&self, records: &[RunRecord]) -> Result<bool> {
        for record in records.iter().filter(|record| record.state.ending().is_none()) {
            if self.find_live(record.id).is_none() && !history::is_alive(self.home(), record.host)? {
                self.close_orphans().await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn clean_up_and_close(&self, orphan: &RunRecord) -> Result<()> {
        let (inner, id) = (Arc::clone(&self.0), orphan.id);
        if let Ok(backend) = backend::of(&self.0.backends, orphan.place.mode) {
            backend.cleanup(id).await?;
        }
        blocking(move || inner.close_orphan(id)).await
    }
}

impl Inner {
    fn close_orphan(&self, id: RunId) -> Result<()> {
        let folder = self.home.run(id);
        let ending = Ending { outcome: Outcome::Lost, at: Timestamp::now(), usage: None };
        let bytes = LogReader::open(&folder).length().unwrap_or_default();
        let event = Event { at: ending.at, what: What::Ended { ending: ending.clone(), bytes } };
        if folder.is_dir()
            && let Err(error) = EventLog::open(&folder).and_then(|events| events.append(&event))
        {
            warn!(run = %id, %error, "only the history knows that the run is lost");
        }
        self.history.ended(id, &ending, bytes).map(drop)
    }
}
