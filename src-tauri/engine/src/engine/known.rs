//! What is known about runs.

use super::Engine;
use crate::error::Result;
use crate::history::{Filter, events};
use crate::run::blocking;
use crate::spec::RunId;
use crate::state::RunRecord;

impl Engine {
    /// One run.
    pub async fn get(&self, id: RunId) -> Result<RunRecord> {
        let record = self.query(move |history| history.get(id)).await?;
        if record.state.ending().is_some() {
            return Ok(record);
        }
        if let Some(live) = self.find_live(id) {
            return Ok(RunRecord { state: live.state.borrow().clone(), ..record });
        }
        if self.close_orphans_among(std::slice::from_ref(&record)).await? {
            return self.query(move |history| history.get(id)).await;
        }
        let folder = self.0.home.run(id);
        // The history is told last.
        blocking(move || Ok(RunRecord::from_events(events::read(&folder)?).unwrap_or(record))).await
    }

    /// The run that a person means: an id, the beginning or end of one, or `last`.
    pub async fn resolve(&self, given: &str) -> Result<RunId> {
        let given = given.to_owned();
        self.query(move |history| history.resolve(&given)).await
    }

    /// Runs, newest first.
    pub async fn list(&self, filter: Filter) -> Result<Vec<RunRecord>> {
        let (first, again) = (filter.clone(), filter);
        let runs = self.query(move |history| history.list(&first)).await?;
        if self.close_orphans_among(&runs).await? {
            return self.query(move |history| history.list(&again)).await;
        }
        Ok(runs)
    }

    /// How many runs pass the filter, whatever its `limit` and `before`.
    pub async fn count(&self, filter: Filter) -> Result<u64> {
        self.query(move |history| history.count(&filter)).await
    }
}
