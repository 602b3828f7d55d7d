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
        let mut record = self.query(move |history| history.get(id)).await?;
        if self.close_orphans_among(std::slice::from_ref(&record)).await? {
            record = self.query(move |history| history.get(id)).await?;
        }
        let [record] = self.as_of_now([record]).await?;
        Ok(record)
    }

    /// Runs as they are by now: the history is told last.
    async fn as_of_now<R: AsMut<[RunRecord]> + Send + 'static>(&self, mut runs: R) -> Result<R> {
        let mut elsewhere = Vec::new();
        for (at, run) in runs.as_mut().iter_mut().enumerate().filter(|(_, run)| run.state.ending().is_none())
        {
            match self.find_live(run.id) {
                Some(live) => run.state = live.state.borrow().clone(),
                None => elsewhere.push((at, self.0.home.run(run.id))),
            }
        }
        if elsewhere.is_empty() {
            return Ok(runs);
        }
        blocking(move || {
            for (at, folder) in elsewhere {
                if let Some(told) = RunRecord::from_events(events::read(&folder).unwrap_or_default()) {
                    // Who has it is in the history first.
                    let run = &mut runs.as_mut()[at];
                    *run = RunRecord { host: run.host, ..told };
                }
            }
            Ok(runs)
        })
        .await
    }

    /// The run that a person means: an id, the beginning or end of one, or `last`.
    pub async fn resolve(&self, given: &str) -> Result<RunId> {
        let given = given.to_owned();
        self.query(move |history| history.resolve(&given)).await
    }

    /// Runs, newest first.
    pub async fn list(&self, filter: Filter) -> Result<Vec<RunRecord>> {
        let (first, again) = (filter.clone(), filter);
        let mut runs = self.query(move |history| history.list(&first)).await?;
        if self.close_orphans_among(&runs).await? {
            runs = self.query(move |history| history.list(&again)).await?;
        }
        self.as_of_now(runs).await
    }

    /// How many runs pass the filter, whatever its `limit` and `before`.
    pub async fn count(&self, filter: Filter) -> Result<u64> {
        self.query(move |history| history.count(&filter)).await
    }
}
